/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What is told of a VM's memory: by vnuma's record, by QEMU's command line, by its monitor. Where it is mapped is another matter. */

#include "monitor_facts.h"

struct vn_told_block {
	char id[VN_SAMPLE_TEXT]; /* QEMU's; or empty */
	int vnode; /* -1: not known */
	bool all_vnodes; /* it is the memory of all vnodes, one behind another (-numa node,mem=) */
	uint64_t size; /* bytes that QEMU maps */
	uint64_t unplugged; /* as of a vn_block_sample */
	uint64_t page; /* of hugetlbfs; 0: ordinary ones, or not told */
	uint64_t address; /* 0: not told */
	enum vn_told_by by;
	enum vn_told_by policy_by; /* VN_TOLD_BY_NOTHING: there is no policy of its own */
	struct vn_mem_policy policy;
};

struct vn_told_blocks {
	size_t n;
	struct vn_told_block *v; /* in the order in which QEMU makes them, as far as that is known */
};

/* 0 or -ENOMEM. Nothing is told of a guest that could not be read and has no record. */
int vn_told_blocks_read(const struct vn_vm_sample *vm, const struct vn_monitor_facts *facts,
	struct vn_told_blocks *ret_blocks);
void vn_told_blocks_clear(struct vn_told_blocks *blocks);
#define vn_autotold vn_cleanup(vn_told_blocks_clear) struct vn_told_blocks
