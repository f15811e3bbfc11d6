/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any text is plans that hang together and can be counted, or problems: never neither, never both. What a plan prints reads
 * back to what prints the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../src/model/tenants.h"
#include "../tests/host_maker.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct vn_host *make_target(void)
{
	static const struct maker_node nodes[] = {{4, 8192}, {4, 8192}};
	return make_host(2, nodes, 2, 21);
}

static int read_or_abort(
	const char *text, const struct vn_host *host, struct vn_tenants *ret_tenants, bool may_fail)
{
	vn_autoerror err = {0};
	int r = vn_tenants_read(text, "fuzz", host, ret_tenants, &err);

	if ((r == 0) != (err.n == 0) || (r < 0 && (!may_fail || ret_tenants->guests)))
		abort();
	for (size_t i = 0; i < err.n; i++) {
		for (const char *p = err.problems[i].text; *p; p++) {
			if (*p < 0x20 || *p >= 0x7f)
				abort(); /* a terminal could act on it */
		}
	}
	return r;
}

static char *dump(const struct vn_plan *plan, const struct vn_guest *guest)
{
	json_auto_t *json = vn_plan_to_json(plan, guest);
	char *text = json ? json_dumps(json, JSON_INDENT(1)) : NULL;
	if (!text)
		abort();
	return text;
}

static void must_read_back(
	const struct vn_host *host, const struct vn_plan *plan, const struct vn_guest *guest)
{
	vn_autotenants back = {0};
	vn_autofree char *once = dump(plan, guest);
	read_or_abort(once, host, &back, false);
	vn_autofree char *twice = dump(back.plans[0], back.guests[0]);
	if (strcmp(once, twice) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	vn_autofree char *text = strndup((const char *)data, size);
	vn_autohost *host = make_target();
	vn_autotenants tenants = {0};

	if (!text || read_or_abort(text, host, &tenants, true) < 0)
		return 0;
	vn_autooccupied *occupied = vn_occupied_new(host);
	struct vn_notes warnings = {0};
	vn_autoerror err = {0};
	for (size_t i = 0; i < tenants.n; i++)
		must_read_back(host, tenants.plans[i], tenants.guests[i]);
	int r = vn_tenants_occupy(&tenants, host, occupied, &warnings, &err);
	if ((r == 0) != (err.n == 0))
		abort();
	vn_notes_clear(&warnings);
	while (tenants.n)
		vn_tenants_drop(&tenants, tenants.n / 2);
	return 0;
}
