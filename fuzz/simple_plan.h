/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* For targets that write a guest back: a plan made in the simplest way. */

#include "../src/model/plan.h"

static inline void must(bool good)
{
	if (!good)
		__builtin_trap();
}

static inline hwloc_bitmap_t one(unsigned member)
{
	hwloc_bitmap_t set = hwloc_bitmap_alloc();
	must(set && hwloc_bitmap_set(set, member) == 0);
	return set;
}

/* Each vnode at the first node that it may live on, which has one CPU. */
static inline struct vn_plan *plan_of(const struct vn_guest *guest)
{
	struct vn_plan *plan = vn_plan_new();
	must(plan);
	plan->feasible = true;
	plan->n_vnodes = guest->n_vnodes;
	plan->vnodes = calloc(guest->n_vnodes, sizeof(*plan->vnodes));
	plan->homes = calloc(guest->n_vnodes, sizeof(*plan->homes));
	plan->n_vcpus = guest->maxvcpus;
	plan->vcpu_cpus = calloc(guest->maxvcpus, sizeof(*plan->vcpu_cpus));
	plan->emulator_cpus = one(0);
	must(plan->vnodes && plan->homes && plan->vcpu_cpus);
	for (size_t v = 0; v < guest->n_vnodes; v++) {
		const struct vn_vnode *vnode = &guest->vnodes[v];
		hwloc_const_bitmap_t nodes = vnode->nodes ? vnode->nodes : guest->nodes;
		struct vn_plan_vnode *planned = &plan->vnodes[v];
		planned->home = vnode->home >= 0 ? (unsigned)vnode->home
				: nodes          ? (unsigned)hwloc_bitmap_first(nodes)
						 : 0;
		plan->homes[v] = planned->home;
		planned->shares = calloc(1, sizeof(*planned->shares));
		must(planned->shares);
		planned->n_shares = 1;
		planned->shares[0] = (struct vn_share){planned->home, vnode->memory};
		planned->cpus = one(planned->home);
	}
	for (unsigned i = 0; i < guest->maxvcpus; i++) {
		int vnode = vn_guest_vnode_of(guest, i);
		must(vnode >= 0);
		plan->vcpu_cpus[i] = one(plan->vnodes[vnode].home);
	}
	return plan;
}
