/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The memory policy of a mapping. */

#include "../base/set.h"

enum vn_policy_mode {
	VN_MODE_DEFAULT,
	VN_MODE_PREFER,
	VN_MODE_BIND,
	VN_MODE_INTERLEAVE,
	VN_MODE_LOCAL,
	VN_MODE_PREFER_MANY,
	VN_MODE_WEIGHTED_INTERLEAVE,
	VN_MODE_UNKNOWN, /* of a kernel newer than we are */
};

struct vn_mem_policy {
	enum vn_policy_mode mode;
	char text[64]; /* as the kernel wrote it, cut */
	hwloc_bitmap_t nodes; /* owned; empty for modes without */
};

/* As in /proc/PID/numa_maps: "default", "prefer (many)"; "unknown". */
const char *vn_policy_mode_name(enum vn_policy_mode mode);

void vn_mem_policy_clear(struct vn_mem_policy *policy);
#define vn_autopolicy vn_cleanup(vn_mem_policy_clear) struct vn_mem_policy

struct vn_mem_policy_list {
	size_t n;
	struct vn_mem_policy *v;
};

void vn_mem_policy_list_clear(struct vn_mem_policy_list *list);
