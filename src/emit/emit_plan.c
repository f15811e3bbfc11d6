/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "emit_plan.h"

#include <string.h>

#include "convert.h"
#include "emit_libvirt.h"
#include "emit_qemu.h"
#include "emit_xl.h"
#include "left_out.h"

static const struct {
	const char *name;
	enum vn_target_kind target;
} forms[] = {
	[VN_EMIT_QEMU] = {"qemu", VN_TARGET_QEMU},
	[VN_EMIT_QEMU_JSON] = {"qemu-json", VN_TARGET_QEMU},
	[VN_EMIT_LIBVIRT] = {"libvirt", VN_TARGET_LIBVIRT},
	[VN_EMIT_XL] = {"xl", VN_TARGET_XEN},
};

#define N_FORMS (sizeof(forms) / sizeof(forms[0]))

bool vn_emit_form_parse(const char *name, enum vn_emit_form *ret_form)
{
	for (size_t i = 0; i < N_FORMS; i++) {
		if (strcmp(name, forms[i].name) == 0) {
			*ret_form = (enum vn_emit_form)i;
			return true;
		}
	}
	return false;
}

enum vn_target_kind vn_emit_form_target(enum vn_emit_form form)
{
	return forms[form].target;
}

/* Which thread may run where is nothing that QEMU can be told in words, but for those that take memory at start. */
#define PINS_NOTE                                                                                             \
	"a command line carries no pins of vCPUs, I/O threads and QEMU's others: 'vnuma run' sets them, and " \
	"libvirt does for its domains; 'vnuma plan' without --to lists them"

/* The words of a command line as a text of either form. */
static int write_words(
	const struct vn_argv *argv, enum vn_emit_form form, char **ret_text, struct vn_error *err)
{
	vn_autofree char *text = NULL;
	size_t size = 0;
	int r = 0;

	FILE *out = open_memstream(&text, &size);
	if (!out)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	if (form == VN_EMIT_QEMU_JSON)
		r = vn_argv_print_json(argv, out, err);
	else
		vn_argv_print(argv, out);
	bool failed = ferror(out);
	if ((fclose(out) != 0 || failed) && r == 0)
		r = vn_error_environment(err, -ENOMEM, "out of memory");
	if (r == 0)
		*ret_text = vn_steal(text);
	return r;
}

static int write_qemu(const struct vn_plan *plan, const struct vn_guest *guest, enum vn_emit_form form,
	const struct vn_target *target, struct vn_notes *notes, char **ret_text, struct vn_error *err)
{
	struct vn_qemu_options options = {
		.accel = guest->machine.tcg ? "tcg" : "kvm", .version = target->version, .notes = notes};
	vn_autoargv argv = {0};

	int r = guest->form == VN_FORM_QEMU ? vn_emit_qemu_line(plan, guest, &options, &argv, err)
					    : vn_emit_qemu(plan, guest, &options, &argv, err);
	if (r == 0 && vn_notes_add(notes, "pins-left-out", PINS_NOTE) < 0)
		r = vn_error_environment(err, -ENOMEM, "out of memory");
	return r < 0 ? r : write_words(&argv, form, ret_text, err);
}

static int write_form(const struct vn_plan *plan, const struct vn_guest *guest, enum vn_emit_form form,
	const struct vn_target *target, struct vn_notes *notes, char **ret_text, struct vn_error *err)
{
	switch (form) {
	case VN_EMIT_LIBVIRT:
		return vn_emit_libvirt(plan, guest, target, notes, ret_text, err);
	case VN_EMIT_XL:
		return vn_emit_xl(plan, guest, target, notes, ret_text, err);
	case VN_EMIT_QEMU:
	case VN_EMIT_QEMU_JSON:
		break;
	}
	return write_qemu(plan, guest, form, target, notes, ret_text, err);
}

int vn_emit_plan(const struct vn_plan *plan, const struct vn_guest *guest, enum vn_emit_form form,
	const struct vn_target *target, struct vn_notes *notes, char **ret_text, struct vn_error *err)
{
	vn_autofree char *text = NULL;

	int r = vn_check_conversion(guest, target, err), fits = vn_target_check(plan, guest, target, err);
	if (r == 0)
		r = fits;
	if (r == 0)
		r = write_form(plan, guest, form, target, notes, &text, err);
	if (r == 0)
		r = vn_note_left_out(guest, vn_emit_form_target(form), notes, err);
	if (r == 0)
		*ret_text = vn_steal(text);
	return r;
}
