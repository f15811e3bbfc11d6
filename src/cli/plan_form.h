/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The forms that `plan --to` writes, and who they are for. */

#include "../emit/target.h"
#include "cli.h"

enum vn_plan_form {
	VN_PLAN_TEXT,
	VN_PLAN_JSON,
	VN_PLAN_NUMACTL,
	VN_PLAN_QEMU,
	VN_PLAN_QEMU_JSON,
	VN_PLAN_LIBVIRT,
	VN_PLAN_XL,
};

struct vn_plan_shape {
	enum vn_plan_form form;
	struct vn_target target; /* of a form that is for a program */
};

/* clang-format off: as VN_OPTION_OCCUPIED */
#define VN_OPTION_TO                                                                                                           \
	{"to", "FORM",                                                                                                         \
		"text (the default), json, numactl (the guest's view), qemu (a command line), qemu-json (its words),\n"        \
		"libvirt (a domain), xl (a config of Xen's): what GUEST was, with the plan in it, where it was of that form"}, \
	{                                                                                                                      \
		"target-version", "VERSION",                                                                                   \
			"of the QEMU, libvirt or Xen that --to writes for: what that lacks is left out or refused"             \
	}
/* clang-format on */

/* --to, --target-version and --json together. 0 or -EINVAL with all that is wrong. */
int vn_args_plan_shape(const struct vn_args *args, struct vn_plan_shape *ret_shape, struct vn_error *err);

/* Whether the form is of one guest, and for a program or another tool to read. */
bool vn_plan_form_is_picked(enum vn_plan_form form);

/* A feasible plan in a picked form, on standard output; notes on what was left out go to standard error. */
int vn_plan_form_print(const struct vn_plan *plan, const struct vn_guest *guest,
	const struct vn_plan_shape *shape, struct vn_error *err);
