/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What the checks of the targets share. Internal to emit/. */

#include "target.h"

struct vn_target_checking {
	const struct vn_plan *plan;
	const struct vn_guest *guest;
	const struct vn_target *target;
	struct vn_error *err;
	int r; /* -EINVAL once something was refused */
};

/* Adds a problem: what is seen, and what was expected. */
void vn_target_refuse(struct vn_target_checking *check, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Refuses `what` of a version before `since`. */
void vn_target_since(struct vn_target_checking *check, unsigned since, const char *what);

void vn_target_check_qemu(struct vn_target_checking *check);
void vn_target_check_libvirt(struct vn_target_checking *check);
void vn_target_check_xen(struct vn_target_checking *check);
