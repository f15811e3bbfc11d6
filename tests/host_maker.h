/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Hosts and guests built by hand, for the planner's tests. Everything that fails asserts. */

#include <assert.h>
#include <string.h>

#include "../src/model/guest.h"
#include "../src/model/host.h"
#include "../src/model/occupied.h"

struct maker_node {
	unsigned cores; /* each with `threads` CPUs */
	uint64_t free_mib;
};

static inline void *maker_alloc(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size);
	assert(p);
	return p;
}

/*
 * Nodes 0..n-1, all distances 10 and `remote`. CPUs are numbered node by node, all first threads before the
 * second ones, as on a real machine.
 */
static inline struct vn_host *make_host(
	size_t n, const struct maker_node *nodes, unsigned threads, uint32_t remote)
{
	struct vn_host *host = vn_host_new();
	unsigned total = 0, core = 0;

	assert(host);
	for (size_t i = 0; i < n; i++)
		total += nodes[i].cores;
	host->cores_known = host->ordered = true;
	host->n_nodes = n;
	host->nodes = maker_alloc(n, sizeof(*host->nodes));
	host->n_cpus = (size_t)total * threads;
	host->cpus = maker_alloc(host->n_cpus, sizeof(*host->cpus));
	for (size_t i = 0; i < n; i++) {
		struct vn_host_node *node = &host->nodes[i];
		*node = (struct vn_host_node){.id = (unsigned)i,
			.cpus = hwloc_bitmap_alloc(),
			.memory_total = nodes[i].free_mib * VN_MIB,
			.has_memory_free = true,
			.memory_free = nodes[i].free_mib * VN_MIB,
			.distances = maker_alloc(n, sizeof(uint32_t))};
		for (size_t j = 0; j < n; j++)
			node->distances[j] = i == j ? 10 : remote;
		for (unsigned c = 0; c < nodes[i].cores; c++, core++) {
			for (unsigned t = 0; t < threads; t++) {
				unsigned id = core + t * total;
				hwloc_bitmap_set(node->cpus, id);
				host->cpus[id] = (struct vn_host_cpu){.id = id,
					.online = true,
					.node = (int)i,
					.package = (int)i,
					.die = -1,
					.core = (int)core,
					.l3 = -1,
					.siblings = hwloc_bitmap_alloc()};
				for (unsigned s = 0; s < threads; s++)
					hwloc_bitmap_set(host->cpus[id].siblings, core + s * total);
			}
		}
	}
	return host;
}

struct maker_taken {
	unsigned load;
	uint64_t promised; /* bytes of ordinary pages */
};

/* What is taken of each node of the host. */
static inline struct vn_occupied *make_occupied(const struct vn_host *host, const struct maker_taken *taken)
{
	struct vn_occupied *occupied = vn_occupied_new(host);

	assert(occupied);
	for (size_t i = 0; i < host->n_nodes; i++) {
		occupied->nodes[i].load = taken[i].load;
		vn_occupied_promise(&occupied->nodes[i], 0, taken[i].promised);
	}
	return occupied;
}

struct maker_vnode {
	uint64_t mib;
	unsigned vcpus;
	int home;
};

/* vCPUs in runs, distances 10/20. */
static inline struct vn_guest *make_guest(size_t n, const struct maker_vnode *vnodes)
{
	struct vn_guest *guest = vn_guest_new();
	unsigned vcpu = 0;

	assert(guest);
	guest->name = strdup("test");
	guest->weight = 256;
	guest->guest_numa = VN_GUEST_NUMA_ON;
	guest->n_vnodes = n;
	guest->vnodes = maker_alloc(n, sizeof(*guest->vnodes));
	for (size_t v = 0; v < n; v++) {
		struct vn_vnode *vnode = &guest->vnodes[v];
		*vnode = (struct vn_vnode){.memory = vnodes[v].mib * VN_MIB,
			.vcpus = hwloc_bitmap_alloc(),
			.distances = maker_alloc(n, sizeof(uint32_t)),
			.home = vnodes[v].home,
			.home_where = {"test.cfg", 7, "vnuma_vnodemap"}};
		for (size_t w = 0; w < n; w++)
			vnode->distances[w] = v == w ? 10 : 20;
		for (unsigned c = 0; c < vnodes[v].vcpus; c++)
			hwloc_bitmap_set(vnode->vcpus, vcpu++);
		guest->memory += vnode->memory;
	}
	guest->maxmem = guest->memory;
	guest->vcpus = guest->maxvcpus = vcpu;
	return guest;
}

/* Deals the vCPUs anew: vCPU i to vnode map[i]. */
static inline void deal_vcpus(struct vn_guest *guest, size_t n, const unsigned *map)
{
	for (size_t v = 0; v < guest->n_vnodes; v++)
		hwloc_bitmap_zero(guest->vnodes[v].vcpus);
	for (size_t i = 0; i < n; i++)
		hwloc_bitmap_set(guest->vnodes[map[i]].vcpus, (unsigned)i);
	guest->vcpus = guest->maxvcpus = (unsigned)n;
}

/* Numbers by xorshift64*: the same on every machine. */
static inline uint64_t maker_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * UINT64_C(2685821657736338717);
}

static inline unsigned maker_pick(uint64_t *state, unsigned below)
{
	return (unsigned)(maker_random(state) >> 33) % below;
}
