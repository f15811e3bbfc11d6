/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What a complete choice of homes costs (DESIGN section 4), from scratch.
 *
 * "The nodes" of squeeze and load are those with a core that a guest may use: no vCPU can be placed on the
 * others, and what runs there is none of its business. Load there counts whether or not the guest comes to
 * live there. vCPUs count in cores' worth: `threads` of a guest that knows of its threads share one.
 *
 * Guests planned jointly that may use different CPUs squeeze each other on the CPUs of all of them, and each
 * itself on its own: the larger of the two counts. A guest that wants cores for itself lives only where the CPUs it may use
 * have one for all that runs there.
 */

#include "instance.h"

/* The squeeze of a place on the CPUs of all guests, `cores` cores' worth of parts living there. */
static inline uint64_t vn_crowd(const struct vn_place *place, uint64_t cores)
{
	return place->cores > 0 ? vn_excess(place->load + cores, place->cores) : 0;
}

/*
 * The squeeze of a place on which `cores` cores' worth of parts live, own[g] of them guest g's. `own` is only looked at where guests
 * may use different CPUs (not `alike`).
 */
uint64_t vn_squeeze(const struct vn_instance *instance, size_t place, uint64_t cores, const uint64_t *own);

/* Whether every vnode may live where `homes` (indices) puts it, and has its cores when they must be its own.
 */
bool vn_homes_allowed(const struct vn_instance *instance, const size_t *homes);

/* The distance level alone. */
vn_i128 vn_cost_distance(const struct vn_instance *instance, const size_t *homes);

/* The levels down to the load; fragmentation stays 0. Needs no memory. */
void vn_cost_head(const struct vn_instance *instance, const size_t *homes, struct vn_cost *ret_cost);

/* What devices add to the distance. */
vn_i128 vn_pulls(const struct vn_instance *instance, const size_t *homes);

/* All levels. 0 or -ENOMEM. */
int vn_cost_of(const struct vn_instance *instance, const size_t *homes, struct vn_cost *ret_cost);

/* The last level alone, from the bytes at home on each place (n_pools x n_places). */
int vn_cost_fragmentation(
	const struct vn_instance *instance, const uint64_t *demand, bool spills, vn_i128 *ret_fragmentation);

/* Negative, 0 or positive as load ratio a is lower than, equal to or higher than b. */
int vn_load_compare(uint64_t a_vcpus, uint64_t a_cores, uint64_t b_vcpus, uint64_t b_cores);
