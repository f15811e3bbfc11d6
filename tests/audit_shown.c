/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* usage: audit_shown: the names of the cases; audit_shown CASE FORM: that audit, as vnuma would print it. For audit_forms.t. */
#define _GNU_SOURCE
#include "audit_maker.h"

#include "../src/emit/audit_html.h"
#include "../src/emit/audit_prometheus.h"
#include "../src/emit/dump.h"
#include "../src/model/audit_json.h"
#include "../src/model/audit_text.h"

static int print_json(json_t *json)
{
	assert(json);
	int r = json_dumpf(json, stdout, JSON_COMPACT);
	json_decref(json);
	putchar('\n');
	return r;
}

static int print_text(const struct vn_audit *audit, bool colour)
{
	struct vn_audit_style style = {.colour = colour};

	vn_audit_print(audit, &style, stdout);
	return 0;
}

static int show(const struct vn_audit *audit, const char *form)
{
	struct vn_dump_range range[] = {{0, 0xa0000, 0}, {0x100000, 0x3ff00000, 0}};
	vn_autofree struct vn_dump_ranges *ranges = calloc(audit->n_vms + 1, sizeof(*ranges));

	assert(ranges);
	for (size_t i = 0; i < audit->n_vms; i += 2)
		ranges[i] = (struct vn_dump_ranges){2, range};
	if (strcmp(form, "text") == 0 || strcmp(form, "colour") == 0)
		return print_text(audit, form[0] == 'c');
	if (strcmp(form, "json") == 0)
		return print_json(vn_audit_to_json(audit));
	if (strcmp(form, "html") == 0)
		return vn_audit_print_html(audit, stdout);
	if (strcmp(form, "prometheus") == 0)
		return vn_audit_print_prometheus(audit, stdout);
	if (strcmp(form, "dump") == 0)
		return vn_dump_print(audit, ranges, stdout), 0;
	return strcmp(form, "dump-json") == 0 ? print_json(vn_dump_to_json(audit, ranges)) : -1;
}

int main(int argc, char **argv)
{
	for (size_t i = 0; i < N_MADE_CASES; i++) {
		if (argc == 1)
			puts(made_cases[i].name);
		if (argc != 3 || strcmp(argv[1], made_cases[i].name) != 0)
			continue;
		vn_autosample *sample = made_cases[i].make();
		vn_autoaudit *audit = make_audit(sample, 0.9);
		return show(audit, argv[2]) == 0 ? 0 : 1;
	}
	return argc == 1 ? 0 : 2;
}
