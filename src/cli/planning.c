/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "planning.h"

#include "../base/parse.h"
#include "../base/text.h"

#define MAX_DEADLINE_MS (60 * 60 * 1000)

int vn_args_deadline(const struct vn_args *args, unsigned unset, unsigned *ret_ms, struct vn_error *err)
{
	const char *text = vn_arg(args, "deadline");
	uint64_t ms = unset;
	char seen[VN_QUOTE_MAX];

	if (text && vn_parse_u64(text, MAX_DEADLINE_MS, &ms) < 0)
		return vn_error_input(err, &(struct vn_where){NULL, 0, "--deadline"},
			"'%s' seen; expected milliseconds, 0 (as long as it takes) to %d",
			vn_quote(text, seen), MAX_DEADLINE_MS);
	*ret_ms = (unsigned)ms;
	return 0;
}

int vn_make_plan(const struct vn_host *host, const struct vn_plan_options *options,
	const struct vn_notes *notes, struct vn_guest *guest, struct vn_plan **ret_plan, struct vn_error *err)
{
	vn_autoplan *plan = NULL;

	int r = vn_plan_auto(host, guest, options, &plan, err);
	if (r < 0)
		return r;
	if (vn_notes_copy(&plan->warnings, notes) < 0)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	*ret_plan = vn_steal(plan);
	return 0;
}

void vn_notes_print(const struct vn_notes *notes, const char *what)
{
	for (size_t i = 0; i < notes->n; i++)
		fprintf(stderr, "vnuma: %s: %s [%s]\n", what, notes->v[i].text, notes->v[i].code);
}
