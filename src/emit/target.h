/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Who a plan is written for, and what that version of it takes. */

#include "../model/plan.h"

/* "9.2.1" as a number that compares: 9002001. */
#define VN_TARGET_VERSION(major, minor, micro) ((major)*1000000u + (minor)*1000u + (micro))

enum vn_target_kind { VN_TARGET_QEMU, VN_TARGET_LIBVIRT, VN_TARGET_XEN };

/* What is written by default: it runs on these and on all later ones. Those of Debian 12. */
#define VN_TARGET_QEMU_VERSION VN_TARGET_VERSION(7, 2, 0)
#define VN_TARGET_LIBVIRT_VERSION VN_TARGET_VERSION(9, 0, 0)
#define VN_TARGET_XEN_VERSION VN_TARGET_VERSION(4, 17, 0)

struct vn_target {
	enum vn_target_kind kind;
	unsigned version; /* of QEMU, libvirt or Xen: VN_TARGET_VERSION() */
	bool assumed; /* nobody said or asked for the version: what the guest's own text has is taken to be known there */
};

/* Reads "9.2" or "9.2.1". NULL is what is written by default. -EINVAL with what was expected, naming --target-version. */
int vn_target_parse(
	const char *text, enum vn_target_kind kind, struct vn_target *ret_target, struct vn_error *err);

/* "QEMU", "libvirt", "Xen". */
const char *vn_target_name(enum vn_target_kind kind);

/*
 * Refuses what the target would refuse, or what Linux in the guest would throw away, before they do: one problem for each rule that is
 * broken, with the rule. 0 or -EINVAL. What a target merely has no word for is no matter of this: who writes for it leaves it out with a
 * note.
 */
int vn_target_check(const struct vn_plan *plan, const struct vn_guest *guest, const struct vn_target *target,
	struct vn_error *err);
