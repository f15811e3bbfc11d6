/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The whole state in the manner of Xen's debug key `u`: nodes, CPUs, each VM's pages by node, its vnodes, vCPUs, ranges. */

#include <jansson.h>

#include "../model/audit.h"

/* A piece of a VM's guest-physical memory. */
struct vn_dump_range {
	uint64_t base, size; /* bytes */
	unsigned vnode;
};

struct vn_dump_ranges {
	size_t n; /* 0: not known, the VM's machine lays memory out in a way of its own */
	struct vn_dump_range *v; /* ascending; owned */
};

/* `ranges` are of audit->vms[i]. */
void vn_dump_print(const struct vn_audit *audit, const struct vn_dump_ranges *ranges, FILE *out);

/* `"schema": "vnuma.dump/1"`; NULL when memory is short. */
json_t *vn_dump_to_json(const struct vn_audit *audit, const struct vn_dump_ranges *ranges);
