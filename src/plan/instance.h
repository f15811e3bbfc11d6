/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The planning task in plain integers: what each host node offers, what each vnode needs, how far nodes are
 * apart. Nodes and vnodes are known by index here; ids come back only in the plan.
 */

#include "plan_make.h"

/* Every figure below fits 64 bits because of these two: no pool counts for more than 8 PiB, no distance for
 * more than 255. */
#define VN_MAX_ROOM (UINT64_C(1) << 53)

/* What is assumed where the host did not tell a distance. */
#define VN_DISTANCE_ASSUMED 20u

/* What a host node offers. */
struct vn_place {
	unsigned id;
	uint64_t room; /* bytes in the pool of the guest's page size, whole MiB and whole pages */
	uint64_t cores; /* physical cores among its usable CPUs; 0: never home of a vnode with vCPUs */
	uint64_t load; /* vCPUs that run there already */
	size_t class; /* the lowest index among the places that this one could change places with */
};

/* What a vnode needs. */
struct vn_part {
	uint64_t memory; /* bytes */
	uint64_t mib;
	uint64_t vcpus; /* all possible ones: a vCPU plugged later finds its core there */
	int fixed; /* index of the place the user wants, or -1 */
};

struct vn_instance {
	size_t n_places;
	struct vn_place *places;
	hwloc_bitmap_t *cpus; /* usable CPUs per place, owned */
	uint32_t *distances; /* n_places x n_places, row: where the CPU is */
	size_t n_parts;
	struct vn_part *parts;
	enum vn_policy policy;
	bool exclusive; /* a core of its own for each vCPU: a constraint */
	bool spanning; /* a guest told of no NUMA: spilled memory takes the fewest nodes */
};

/* -ENOMEM is the only failure: homes and CPU lists were checked before. */
int vn_instance_make(const struct vn_host *host, const struct vn_guest *guest,
	const struct vn_plan_options *options, struct vn_instance *ret_instance);
void vn_instance_clear(struct vn_instance *instance);
#define vn_autoinstance vn_cleanup(vn_instance_clear) struct vn_instance

static inline uint32_t vn_distance(const struct vn_instance *instance, size_t from, size_t to)
{
	return instance->distances[from * instance->n_places + to];
}

static inline bool vn_may_home(const struct vn_instance *instance, size_t part, size_t place)
{
	return instance->places[place].cores > 0 || instance->parts[part].vcpus == 0;
}

static inline uint64_t vn_excess(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

static inline uint64_t vn_min(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}
