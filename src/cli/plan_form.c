/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan_form.h"

#include <string.h>

#include "../base/text.h"
#include "../emit/emit_libvirt.h"
#include "../emit/emit_qemu.h"
#include "../emit/emit_xl.h"
#include "planning.h"

static const struct {
	const char *name;
	bool has_target;
	enum vn_target_kind target;
} forms[] = {
	[VN_PLAN_TEXT] = {"text", false, 0},
	[VN_PLAN_JSON] = {"json", false, 0},
	[VN_PLAN_NUMACTL] = {"numactl", false, 0},
	[VN_PLAN_QEMU] = {"qemu", true, VN_TARGET_QEMU},
	[VN_PLAN_QEMU_JSON] = {"qemu-json", true, VN_TARGET_QEMU},
	[VN_PLAN_LIBVIRT] = {"libvirt", true, VN_TARGET_LIBVIRT},
	[VN_PLAN_XL] = {"xl", true, VN_TARGET_XEN},
};

#define N_FORMS (sizeof(forms) / sizeof(forms[0]))

static int read_form(const struct vn_args *args, enum vn_plan_form *ret_form, struct vn_error *err)
{
	struct vn_where where = {NULL, 0, "--to"};
	const char *to = vn_arg(args, "to");
	char seen[VN_QUOTE_MAX];

	if (!to) {
		*ret_form = args->json ? VN_PLAN_JSON : VN_PLAN_TEXT;
		return 0;
	}
	for (size_t i = 0; i < N_FORMS; i++) {
		if (strcmp(to, forms[i].name) != 0)
			continue;
		if (args->json && i != VN_PLAN_JSON)
			return vn_error_input(
				err, &where, "'%s' contradicts --json; expected one of them", to);
		*ret_form = (enum vn_plan_form)i;
		return 0;
	}
	return vn_error_input(err, &where,
		"'%s'; expected text, json, numactl, qemu, qemu-json, libvirt or xl", vn_quote(to, seen));
}

int vn_args_plan_shape(const struct vn_args *args, struct vn_plan_shape *ret_shape, struct vn_error *err)
{
	const char *version = vn_arg(args, "target-version");
	struct vn_plan_shape shape = {.form = VN_PLAN_TEXT};

	int r = read_form(args, &shape.form, err);
	if (r == 0 && forms[shape.form].has_target)
		r = vn_target_parse(version, forms[shape.form].target, &shape.target, err);
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

/* Which thread may run where is nothing that QEMU can be told in words, but for those that take memory at start. */
#define PINS_NOTE                                                                                             \
	"a command line carries no pins of vCPUs, I/O threads and QEMU's others: 'vnuma run' sets them, and " \
	"libvirt does for its domains; 'vnuma plan' without --to lists them"

static int print_qemu(const struct vn_plan *plan, const struct vn_guest *guest,
	const struct vn_plan_shape *shape, struct vn_error *err)
{
	vn_cleanup(vn_notes_clear) struct vn_notes notes = {0};
	struct vn_qemu_options options = {.accel = "kvm", .version = shape->target.version, .notes = &notes};
	vn_autoargv argv = {0};

	int r = guest->form == VN_FORM_QEMU ? vn_emit_qemu_line(plan, guest, &options, &argv, err)
					    : vn_emit_qemu(plan, guest, &options, &argv, err);
	if (r == 0 && vn_notes_add(&notes, "pins-left-out", PINS_NOTE) < 0)
		r = vn_error_environment(err, -ENOMEM, "out of memory");
	if (r < 0)
		return r;
	vn_notes_print(&notes, "note");
	if (shape->form == VN_PLAN_QEMU_JSON)
		return vn_argv_print_json(&argv, stdout, err);
	vn_argv_print(&argv, stdout);
	return 0;
}

/* A domain or a config: a text of the guest's own form. */
static int print_text(const struct vn_plan *plan, const struct vn_guest *guest,
	const struct vn_plan_shape *shape, struct vn_error *err)
{
	vn_cleanup(vn_notes_clear) struct vn_notes notes = {0};
	vn_autofree char *text = NULL;

	int r = shape->form == VN_PLAN_XL ? vn_emit_xl(plan, guest, &notes, &text, err)
					  : vn_emit_libvirt(plan, guest, &shape->target, &notes, &text, err);
	if (r < 0)
		return r;
	vn_notes_print(&notes, "note");
	fputs(text, stdout);
	return 0;
}

int vn_plan_form_print(const struct vn_plan *plan, const struct vn_guest *guest,
	const struct vn_plan_shape *shape, struct vn_error *err)
{
	if (shape->form == VN_PLAN_NUMACTL) {
		vn_view_print_numactl(&plan->view, stdout);
		return 0;
	}
	int r = vn_target_check(plan, guest, &shape->target, err);
	if (r < 0)
		return r;
	if (shape->form == VN_PLAN_QEMU || shape->form == VN_PLAN_QEMU_JSON)
		return print_qemu(plan, guest, shape, err);
	return print_text(plan, guest, shape, err);
}
