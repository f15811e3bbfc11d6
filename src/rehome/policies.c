/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What outlasts a move of pages: policies, which only the process itself can change (there is no mbind(2) of another's memory), so that
 * pages touched anew, or given back and touched again, come where they say; the kernel's own balancing; devices that hold pages.
 */
#include "../base/text.h"
#include "part.h"

#define BALANCING_ON 1 /* bit of kernel.numa_balancing; the other, 2, is memory tiering alone */

/* Whether a policy may send pages of a range to other nodes than the range's. */
static bool sends_away(const struct vn_mem_policy *policy, unsigned node)
{
	bool names = policy->nodes && !hwloc_bitmap_iszero(policy->nodes);
	bool here = names && hwloc_bitmap_isset(policy->nodes, node);

	switch (policy->mode) {
	case VN_MODE_BIND:
	case VN_MODE_PREFER:
	case VN_MODE_PREFER_MANY:
		return names && !here;
	case VN_MODE_INTERLEAVE:
	case VN_MODE_WEIGHTED_INTERLEAVE:
		return names && (!here || hwloc_bitmap_weight(policy->nodes) != 1);
	case VN_MODE_DEFAULT:
	case VN_MODE_LOCAL:
	case VN_MODE_UNKNOWN:
		break;
	}
	return false;
}

static const char *mode_name(enum vn_policy_mode mode)
{
	if (mode == VN_MODE_BIND)
		return "is bound to";
	return mode == VN_MODE_PREFER || mode == VN_MODE_PREFER_MANY ? "prefers" : "is interleaved over";
}

/* The block of a range of the move. */
static const struct vn_block_sample *block_of(
	const struct vn_rehoming *the, const struct vn_move_range *range)
{
	for (size_t i = 0; i < the->vm->n_blocks; i++) {
		const struct vn_block_sample *block = &the->vm->blocks[i];
		if (block->address > 0 && range->address >= block->address &&
			range->address - block->address < block->size)
			return block;
	}
	return NULL;
}

/* One note a vnode: of the first range that it is true of. */
static int tell_policies(struct vn_rehoming *the)
{
	vn_autoset told = hwloc_bitmap_alloc();

	if (!told)
		return -ENOMEM;
	for (size_t i = 0; i < the->move->n_ranges; i++) {
		const struct vn_move_range *range = &the->move->ranges[i];
		const struct vn_block_sample *block = block_of(the, range);
		const struct vn_mem_policy *policy = block ? vn_sample_policy(the->vm, block) : NULL;
		if (!policy || hwloc_bitmap_isset(told, range->vnode) || !sends_away(policy, range->node))
			continue;
		vn_autofree char *nodes = vn_set_text(policy->nodes);
		if (!nodes || hwloc_bitmap_set(told, range->vnode) < 0 ||
			vn_notes_add(&the->move->notes, "policy-keeps-old-node",
				"memory of vnode %u %s node%s %s, not %u: pages that it touches anew come there; that cannot be "
				"changed from outside: start it with the plan next time, and move it again till then",
				range->vnode, mode_name(policy->mode),
				hwloc_bitmap_weight(policy->nodes) == 1 ? "" : "s", nodes, range->node) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* It leaves hugetlb and what is bound alone (task_numa_work, vma_policy_mof). */
static bool is_scanned(const struct vn_rehoming *the)
{
	for (size_t i = 0; i < the->move->n_ranges; i++) {
		const struct vn_block_sample *block = block_of(the, &the->move->ranges[i]);
		const struct vn_mem_policy *policy = block ? vn_sample_policy(the->vm, block) : NULL;
		if (policy && block->page == 0 && policy->mode != VN_MODE_BIND)
			return true;
	}
	return false;
}

int vn_rehome_policies(struct vn_rehoming *the)
{
	struct vn_notes *notes = &the->move->notes;
	int balancing = the->host->numa_balancing;
	int r = tell_policies(the);

	if (r == 0 && balancing > 0 && (balancing & BALANCING_ON) && is_scanned(the))
		r = vn_notes_add(notes, "kernel-balancing-may-undo",
			"the kernel's NUMA balancing is on, and no policy binds its memory: it may move pages again "
			"(sysctl kernel.numa_balancing=0)");
	if (r == 0 && the->vm->n_devices > 0 && the->move->n_ranges > 0)
		r = vn_notes_add(notes, "devices-pin-memory",
			"it has %zu device%s of the host, from %s: what of its memory they may access, as a rule all of it, is "
			"pinned, and does not move while it runs%s",
			the->vm->n_devices, the->vm->n_devices == 1 ? "" : "s", the->vm->devices[0].address,
			the->wish->threads ? "; its threads leave it behind" : "");
	return r;
}
