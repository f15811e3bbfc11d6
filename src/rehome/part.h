/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The parts of rehome.c, in the order in which it calls them. What is wrong goes to the->problems; each returns 0 or -ENOMEM. */

#include "../model/io_users.h"
#include "io_cpus.h"
#include "rehome.h"

struct vn_rehoming {
	const struct vn_sample *sample;
	const struct vn_host *host;
	const struct vn_vm_sample *vm;
	const struct vn_plan *plan;
	const struct vn_rehome_wish *wish;
	size_t n_vnodes; /* one at least */
	hwloc_bitmap_t usable; /* CPUs that are online, and that the VM's cpuset allows; owned */
	hwloc_bitmap_t lost; /* CPUs that the plan gives and are not usable; owned */
	int *homes; /* the plan's; owned */
	struct vn_move *move;
	struct vn_error *problems;
};

int vn_rehome_fits(struct vn_rehoming *the); /* whether the plan is one of this host and this VM */
int vn_rehome_threads(struct vn_rehoming *the);
int vn_rehome_memory(struct vn_rehoming *the); /* blocks and ranges */
int vn_rehome_room(struct vn_rehoming *the); /* whether the targets hold the ranges */
int vn_rehome_policies(struct vn_rehoming *the); /* what sends pages elsewhere afterwards, or holds them */
int vn_rehome_cpuset(struct vn_rehoming *the);
int vn_rehome_irqs(struct vn_rehoming *the);

/* The vnode of a block: of a guest with one, or none, all is that one's. -1: none. */
static inline int vn_rehome_vnode_of(const struct vn_rehoming *the, const struct vn_block_sample *block)
{
	if (the->n_vnodes == 1)
		return 0;
	return block->vnode >= 0 && (size_t)block->vnode < the->n_vnodes ? block->vnode : -1;
}

/* Adds the CPUs that are online and that the VM's cpuset allows. */
int vn_rehome_usable(const struct vn_host *host, const struct vn_vm_sample *vm, hwloc_bitmap_t ret);

/* Takes isolated CPUs out, while others are left. */
int vn_rehome_not_isolated(const struct vn_host *host, hwloc_bitmap_t cpus);

/* Adds a thread to the list, which has room for it, and takes over both sets. `vnode`: that it works for; -1: for all. */
void vn_rehome_put_thread(struct vn_move *move, const struct vn_thread_sample *thread, int vnode,
	hwloc_bitmap_t before, hwloc_bitmap_t after);

/* Whose move it is. */
int vn_rehome_identity(const struct vn_vm_sample *vm, struct vn_move *move);

/* Adds the CPUs at, or nearest to, the homes of these vnodes; of those of them that have vCPUs, if any has. */
int vn_rehome_near(const struct vn_rehoming *the, hwloc_const_bitmap_t vnodes, hwloc_bitmap_t ret);

/* Share of a block's pages that are there, as far as it is known; else 1. */
static inline double vn_rehome_present(const struct vn_block_sample *block)
{
	const struct vn_residency *residency = &block->residency;

	return block->has_residency && residency->asked > 0
		       ? (double)vn_residency_present(residency) / (double)residency->asked
		       : 1;
}
