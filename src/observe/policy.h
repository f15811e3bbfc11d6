/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The memory policy of a mapping, as /proc/PID/numa_maps tells it. */

#include <sys/types.h>

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

void vn_mem_policy_clear(struct vn_mem_policy *policy);
#define vn_autopolicy vn_cleanup(vn_mem_policy_clear) struct vn_mem_policy

/*
 * Reads a line of numa_maps: the address of the mapping and its policy. The form is mpol_to_str()'s
 * (mm/mempolicy.c): a mode of policy_modes[] (which may hold blanks and parentheses: "prefer (many)"), "="
 * and flags, ":" and nodes. -EINVAL when it is no such line.
 */
int vn_numa_maps_line(const char *line, uint64_t *ret_address, struct vn_mem_policy *ret_policy);

struct vn_mem_policy_list {
	size_t n;
	struct vn_mem_policy *v;
};

void vn_mem_policy_list_clear(struct vn_mem_policy_list *list);

/* The distinct policies of the mappings that [address, address + size) is made of: QEMU binds a backend as
 * one piece. */
int vn_policies_read(pid_t pid, uint64_t address, uint64_t size, struct vn_mem_policy_list *ret_list,
	struct vn_error *err);
