/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Where what works for a vnode, or for all of them, should be. */

#include "case.h"

struct vn_near {
	hwloc_bitmap_t homes; /* nodes with CPUs at, or nearest to, the homes; owned */
	hwloc_bitmap_t
		fine; /* and those where the vCPUs are as it is, where they are not at home: what is with them is no wrong of its own; owned */
};

void vn_near_clear(struct vn_near *near);
#define vn_autonear vn_cleanup(vn_near_clear) struct vn_near

/* Of those of these vnodes that have vCPUs. 1; 0: not all homes are known, or there are none to be near to; -ENOMEM. */
int vn_near_of(const struct vn_case *the, hwloc_const_bitmap_t vnodes, struct vn_near *ret_near);

/* The same of one vnode, or of all (-1). */
int vn_near_find(const struct vn_case *the, int vnode, struct vn_near *ret_near);
