/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What the readers of what is left out share. Internal to emit/. */

#include "left_out.h"

#define VN_LEFT_LINES 4 /* told of a kind */
#define VN_LEFT_KINDS 60 /* told at all */

/* Who takes a thing. */
enum {
	TO_QEMU = 1 << VN_TARGET_QEMU,
	TO_LIBVIRT = 1 << VN_TARGET_LIBVIRT,
	TO_XEN = 1 << VN_TARGET_XEN,
	TO_ALL = TO_QEMU | TO_LIBVIRT | TO_XEN,
};

struct vn_left_kind {
	char *name; /* owned */
	size_t n;
	unsigned lines[VN_LEFT_LINES];
};

struct vn_left_out {
	const struct vn_guest *guest;
	unsigned to; /* the one bit of the target */
	const char *place; /* "line", or "word" */
	size_t n, more; /* kinds; and those that are not told */
	struct vn_left_kind kinds[VN_LEFT_KINDS];
	bool short_of_memory;
};

/* One thing of a kind at a line. */
void vn_left_add(struct vn_left_out *left, unsigned line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* A rule: what has this name is taken by these. */
struct vn_left_rule {
	const char *name;
	unsigned to;
	const char *values; /* NULL: whatever it says; else only these, each between two '|' */
};

/* Whether a value is one of a rule's. */
bool vn_left_has_value(const struct vn_left_rule *rule, const char *value);

/* Whether what stands at that place is one of the guest's disks, interfaces, functions of the host or channels that are carried over. */
bool vn_left_is_carried_device(const struct vn_left_out *left, size_t place);

/* Whether a vnode is tied to just these nodes of the host: a DIMM of it that is, too, is written as part of it. */
bool vn_left_is_tied_to(const struct vn_left_out *left, uint64_t vnode, hwloc_const_bitmap_t nodes);

int vn_left_domain(struct vn_left_out *left, struct vn_error *err);
int vn_left_line(struct vn_left_out *left, struct vn_error *err);
int vn_left_config(struct vn_left_out *left, struct vn_error *err);
