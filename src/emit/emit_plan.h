/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* A plan in the words of the program that is to run the guest: one way for `vnuma plan --to` and for vn_plan_write(). Pure. */

#include "../model/plan.h"
#include "target.h"

enum vn_emit_form { VN_EMIT_QEMU, VN_EMIT_QEMU_JSON, VN_EMIT_LIBVIRT, VN_EMIT_XL };

/* For messages. */
#define VN_EMIT_FORM_NAMES "qemu, qemu-json, libvirt or xl"

/* The form of that name; false: there is none. */
bool vn_emit_form_parse(const char *name, enum vn_emit_form *ret_form);

/* Which program reads it. */
enum vn_target_kind vn_emit_form_target(enum vn_emit_form form);

/*
 * A feasible plan in that form, after what the target would refuse was refused (vn_target_check). The guest's own text comes back with the
 * plan in it where it was of that form. What could not be carried is added to `notes`. *ret_text is new. 0; -EINVAL with all
 * problems; -ENOENT, -ENOMEM.
 */
int vn_emit_plan(const struct vn_plan *plan, const struct vn_guest *guest, enum vn_emit_form form,
	const struct vn_target *target, struct vn_notes *notes, char **ret_text, struct vn_error *err);
