/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The planning task in plain integers: what each host node offers, what each vnode needs, how far nodes are
 * apart. Nodes and vnodes are known by index here; ids come back only in the plan. Several guests planned
 * jointly are one task: their vnodes in a row, each part knowing its group (guest) and its pool (page size).
 */

#include "plan_make.h"

/* Every figure below fits 64 bits because of this and the limits of guests: no pool counts for more than 8 PiB, no distance for
 * more than 255. */
#define VN_MAX_ROOM (UINT64_C(1) << 53)

/* What is assumed where the host did not tell a distance. */
#define VN_DISTANCE_ASSUMED 20u

/* Bytes of memory that a device counts for in the distance level, in MiB per vCPU of its vnode (DESIGN section 4). */
#define VN_DEVICE_MIB 1024

/* What a host node offers. */
struct vn_place {
	unsigned id;
	uint64_t cores; /* physical cores among the CPUs that one guest or another may use; 0: never home of a
			   vnode with vCPUs */
	uint64_t load; /* cores' worth of vCPUs that run there already */
	size_t class; /* the lowest index among the places that this one could change places with */
};

/* What a vnode needs. */
struct vn_part {
	uint64_t memory; /* bytes that are to be at home */
	uint64_t mib;
	uint64_t
		dealt; /* bytes whose nodes its user has settled, wherever it lives: dealt.h; `memory` is 0 then */
	uint64_t vcpus; /* all possible ones: a vCPU plugged later finds its core there */
	uint64_t cores; /* that they are worth: vcpus / threads of the guest, rounded up */
	int fixed; /* index of the place the user wants, or -1 */
	unsigned pool, group;
};

/* A guest. */
struct vn_group {
	bool exclusive; /* a core of its own for each vCPU: a constraint */
	unsigned threads; /* vCPUs of a guest core */
	unsigned pool; /* page size of its memory, of its first part's if they differ */
	bool mixed; /* they do */
	size_t first, n; /* its parts */
	uint64_t *cores; /* per place, among the CPUs that this guest may use; owned */
	hwloc_bitmap_t *cpus; /* per place, those CPUs; owned */
};

struct vn_instance {
	size_t n_places;
	struct vn_place *places;
	size_t n_pools;
	uint64_t *pages; /* page size of each pool, bytes; 0: ordinary */
	uint64_t *rooms; /* n_pools x n_places: bytes, whole MiB and whole pages, without what is dealt out */
	uint64_t *dealt; /* n_parts x n_places: bytes of `dealt` that are there; NULL: nobody deals any out */
	uint32_t *distances; /* n_places x n_places, row: where the CPU is */
	size_t n_parts;
	struct vn_part *parts;
	int64_t *
		pulls; /* n_parts x n_places: what the part's devices and its guest's dealt memory add to the distance there; NULL: none of either */
	bool *barred; /* n_parts x n_places: where a part must not live, for its user named other nodes; NULL: nobody did */
	size_t n_groups;
	struct vn_group *groups;
	bool alike; /* every guest may use the same CPUs */
	bool exclusive; /* some guest wants cores for itself */
	enum vn_policy policy;
	bool spanning; /* a guest told of no NUMA: spilled memory takes the fewest nodes */
};

/* The distance between two nodes, by index, as the planner takes it: what is not told is assumed, at most 255. */
uint32_t vn_told_distance(const struct vn_host *host, size_t from, size_t to);

/* -ENOMEM is the only failure: homes and CPU lists were checked before. `n` guests, at most VN_MAX_JOINT. */
int vn_instance_make(const struct vn_host *host, const struct vn_guest *const *guests, size_t n,
	const struct vn_plan_options *options, struct vn_instance *ret_instance);
void vn_instance_clear(struct vn_instance *instance);
#define vn_autoinstance vn_cleanup(vn_instance_clear) struct vn_instance

static inline uint32_t vn_distance(const struct vn_instance *instance, size_t from, size_t to)
{
	return instance->distances[from * instance->n_places + to];
}

static inline uint64_t vn_room(const struct vn_instance *instance, size_t pool, size_t place)
{
	return instance->rooms[pool * instance->n_places + place];
}

static inline uint64_t vn_dealt(const struct vn_instance *instance, size_t part, size_t place)
{
	return instance->dealt ? instance->dealt[part * instance->n_places + place] : 0;
}

/* Bytes of a pool on a place that are dealt out. */
static inline uint64_t vn_dealt_on(const struct vn_instance *instance, size_t pool, size_t place)
{
	uint64_t bytes = 0;

	for (size_t v = 0; v < instance->n_parts && instance->dealt; v++)
		bytes += instance->parts[v].pool == pool ? vn_dealt(instance, v, place) : 0;
	return bytes;
}

/* The room of a place before anything is dealt out. */
static inline uint64_t vn_whole_room(const struct vn_instance *instance, size_t pool, size_t place)
{
	return vn_room(instance, pool, place) + vn_dealt_on(instance, pool, place);
}

/* Bytes of a part, wherever they are to be. */
static inline uint64_t vn_part_memory(const struct vn_part *part)
{
	return part->memory + part->dealt;
}

static inline int64_t vn_pull(const struct vn_instance *instance, size_t part, size_t place)
{
	return instance->pulls ? instance->pulls[part * instance->n_places + place] : 0;
}

static inline bool vn_may_home(const struct vn_instance *instance, size_t part, size_t place)
{
	const struct vn_part *that = &instance->parts[part];

	if (instance->barred && instance->barred[part * instance->n_places + place])
		return false;
	return that->vcpus == 0 || instance->groups[that->group].cores[place] > 0;
}

/* Bytes of a place for all that a guest has there, whatever the page sizes: with several, more than any one of them finds. */
static inline uint64_t vn_group_room(
	const struct vn_instance *instance, const struct vn_group *group, size_t place)
{
	uint64_t room = 0;

	if (!group->mixed)
		return vn_room(instance, group->pool, place);
	for (size_t k = 0; k < instance->n_pools; k++)
		room += vn_room(instance, k, place);
	return room;
}

/* Whether two places offer the same, by themselves: all but their distances to others. */
bool vn_places_alike(const struct vn_instance *instance, size_t a, size_t b);

/* Whether two parts could change places with each other and nothing would change. */
bool vn_parts_equal(const struct vn_instance *instance, size_t a, size_t b);

static inline uint64_t vn_excess(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

static inline uint64_t vn_min(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}
