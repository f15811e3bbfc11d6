/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan_form.h"

#include <string.h>

#include "../base/text.h"
#include "planning.h"

/* The form of that name: ours, or one that is for a program. */
static bool parse_form(const char *name, struct vn_plan_shape *ret_shape)
{
	static const char *const ours[] = {
		[VN_PLAN_TEXT] = "text", [VN_PLAN_JSON] = "json", [VN_PLAN_NUMACTL] = "numactl"};

	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
		if (strcmp(name, ours[i]) == 0) {
			ret_shape->form = (enum vn_plan_form)i;
			return true;
		}
	}
	ret_shape->form = VN_PLAN_EMITTED;
	return vn_emit_form_parse(name, &ret_shape->emitted);
}

static int read_form(const struct vn_args *args, struct vn_plan_shape *shape, struct vn_error *err)
{
	struct vn_where where = {NULL, 0, "--to"};
	const char *to = vn_arg(args, "to");
	char seen[VN_QUOTE_MAX];

	if (!to) {
		shape->form = args->json ? VN_PLAN_JSON : VN_PLAN_TEXT;
		return 0;
	}
	if (!parse_form(to, shape))
		return vn_error_input(err, &where, "'%s'; expected text, json, numactl, " VN_EMIT_FORM_NAMES,
			vn_quote(to, seen));
	if (args->json && shape->form != VN_PLAN_JSON)
		return vn_error_input(err, &where, "'%s' contradicts --json; expected one of them", to);
	return 0;
}

int vn_args_plan_shape(const struct vn_args *args, struct vn_plan_shape *ret_shape, struct vn_error *err)
{
	const char *version = vn_arg(args, "target-version");
	struct vn_plan_shape shape = {.form = VN_PLAN_TEXT};

	int r = read_form(args, &shape, err);
	if (r == 0 && shape.form == VN_PLAN_EMITTED)
		r = vn_target_parse(version, vn_emit_form_target(shape.emitted), &shape.target, err);
	else if (r == 0 && version)
		r = vn_error_input(err, &(struct vn_where){NULL, 0, "--target-version"},
			"only goes with what is written for a program: --to qemu, qemu-json, libvirt or xl");
	if (r == 0)
		*ret_shape = shape;
	return r;
}

bool vn_plan_form_is_picked(enum vn_plan_form form)
{
	return form != VN_PLAN_TEXT && form != VN_PLAN_JSON;
}

int vn_plan_form_print(const struct vn_plan *plan, const struct vn_guest *guest,
	const struct vn_plan_shape *shape, struct vn_error *err)
{
	vn_cleanup(vn_notes_clear) struct vn_notes notes = {0};
	vn_autofree char *text = NULL;

	if (shape->form == VN_PLAN_NUMACTL) {
		vn_view_print_numactl(&plan->view, stdout);
		return 0;
	}
	int r = vn_emit_plan(plan, guest, shape->emitted, &shape->target, &notes, &text, err);
	if (r < 0)
		return r;
	vn_notes_print(&notes, "note");
	fputs(text, stdout);
	return 0;
}
