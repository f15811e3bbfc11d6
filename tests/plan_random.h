/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Random hosts and guests, small enough for the oracle, odd in every way that the planner must weigh. */

#include <stdio.h>

#include "host_maker.h"

#define RANDOM_DEVICES 3

/* One time in `n`. */
static inline bool maker_once_in(uint64_t *state, unsigned n)
{
	return maker_pick(state, n) == 0;
}

static inline void random_distances(uint64_t *state, struct vn_host *host)
{
	unsigned shape = maker_pick(
		state, 6); /* all alike, symmetric, anything, anything with holes; else groups of groups */
	unsigned inner = 1 + maker_pick(state, 3), outer = inner * (1 + maker_pick(state, 2));

	for (size_t i = 0; i < host->n_nodes && shape > 0; i++) {
		for (size_t j = 0; j < host->n_nodes; j++) {
			uint32_t d = i == j ? 10 : 11 + 5 * maker_pick(state, 3);
			if (shape > 3 && i != j)
				d = i / inner == j / inner ? 12 : i / outer == j / outer ? 17 : 21;
			if (shape == 3 && i != j && maker_once_in(state, 5))
				d = maker_once_in(state, 2) ? VN_DISTANCE_UNREACHABLE : VN_DISTANCE_UNKNOWN;
			host->nodes[i].distances[j] = shape == 1 && j < i ? host->nodes[j].distances[i] : d;
		}
	}
}

/* Pools of 2 MiB and 1 GiB pages, and page cache that can be had back. */
static inline void random_pools(uint64_t *state, struct vn_host *host, bool even)
{
	for (size_t i = 0; i < host->n_nodes; i++) {
		struct vn_host_node *node = &host->nodes[i];
		node->n_hugepools = 2;
		node->hugepools = maker_alloc(2, sizeof(*node->hugepools));
		uint64_t some = maker_pick(state, 8), more = maker_pick(state, 6);
		node->hugepools[0] = (struct vn_hugepool){.size = 2 * VN_MIB, .total = 9, .free = some};
		node->hugepools[1] = (struct vn_hugepool){.size = 1024 * VN_MIB, .total = 9, .free = more};
		if (even)
			memcpy(node->hugepools, host->nodes[0].hugepools, 2 * sizeof(*node->hugepools));
		if (!even && maker_once_in(state, 8))
			node->memory_reclaimable = maker_pick(state, 3) * VN_MIB;
	}
}

/* Some of the host's CPUs, as a new set. */
static inline hwloc_bitmap_t random_cpus(uint64_t *state, const struct vn_host *host, unsigned one_in)
{
	hwloc_bitmap_t set = hwloc_bitmap_alloc();

	for (size_t c = 0; c < host->n_cpus; c++) {
		if (maker_once_in(state, one_in))
			hwloc_bitmap_set(set, host->cpus[c].id);
	}
	return set;
}

/* Devices behind the nodes, some of them behind nobody knows which. */
static inline void random_devices(uint64_t *state, struct vn_host *host)
{
	host->devices = maker_alloc(RANDOM_DEVICES, sizeof(*host->devices));
	host->n_devices = RANDOM_DEVICES;
	for (unsigned d = 0; d < RANDOM_DEVICES; d++) {
		host->devices[d] = vn_host_device_init();
		snprintf(host->devices[d].address, VN_PCI_ADDRESS, "0000:%02x:00.0", d + 1);
		host->devices[d].node =
			maker_once_in(state, 5) ? -1 : (int)maker_pick(state, (unsigned)host->n_nodes);
	}
}

/* Devices of the host for some vnodes, and at times one that the host does not have. */
static inline void random_hostdevs(uint64_t *state, struct vn_guest *guest)
{
	unsigned have = 1 + maker_pick(state, 7);

	guest->hostdevs = maker_alloc(RANDOM_DEVICES, sizeof(*guest->hostdevs));
	for (unsigned d = 0; d < RANDOM_DEVICES; d++) {
		if (!(have >> d & 1))
			continue;
		struct vn_hostdev *wish = &guest->hostdevs[guest->n_hostdevs++];
		snprintf(wish->address, VN_PCI_ADDRESS, "0000:%02x:00.0",
			maker_once_in(state, 8) ? 0x99 : d + 1);
		wish->vnode = maker_pick(state, (unsigned)guest->n_vnodes);
	}
}

static inline struct vn_host *random_host(uint64_t *state, size_t least, size_t most)
{
	struct maker_node nodes[16];
	size_t n = least + maker_pick(state, (unsigned)(most - least + 1));
	bool even = maker_once_in(state, 3);

	for (size_t i = 0; i < n; i++) {
		nodes[i].cores = maker_once_in(state, 8) ? 0 : 1 + maker_pick(state, 6);
		nodes[i].free_mib = maker_once_in(state, 8) ? 0 : 1 + maker_pick(state, 9);
		if (even)
			nodes[i] = nodes[0];
	}
	nodes[maker_pick(state, (unsigned)n)].cores = 1 + maker_pick(state, 6);
	struct vn_host *host = make_host(n, nodes, 1 + maker_pick(state, 2), 20);
	random_distances(state, host);
	random_pools(state, host, even);
	random_devices(state, host);
	if (maker_once_in(state, 6))
		host->isolated_cpus = random_cpus(state, host, 3);
	if (maker_once_in(state, 12)) {
		host->allowed_nodes = hwloc_bitmap_alloc_full();
		hwloc_bitmap_clr(host->allowed_nodes, maker_pick(state, (unsigned)n));
	}
	return host;
}

/* What runs on the host already. */
static inline struct vn_occupied *random_occupied(uint64_t *state, const struct vn_host *host)
{
	struct maker_taken taken[16] = {0};
	bool even = maker_once_in(state, 3), claims = maker_once_in(state, 6);
	uint64_t pages = maker_pick(state, 3);

	for (size_t i = 0; i < host->n_nodes; i++) {
		taken[i].load = maker_once_in(state, 3) ? maker_pick(state, 4) : 0;
		taken[i].promised = maker_once_in(state, 6) ? maker_pick(state, 3) * VN_MIB : 0;
		if (even)
			taken[i] = taken[0];
	}
	struct vn_occupied *occupied = make_occupied(host, taken);
	for (size_t i = 0; i < host->n_nodes; i++) {
		if (even || maker_once_in(state, 4))
			vn_occupied_promise(&occupied->nodes[i], 2 * VN_MIB, pages * 2 * VN_MIB);
		if (!even && maker_once_in(state, 4))
			vn_occupied_promise(&occupied->nodes[i], 1024 * VN_MIB, 1024 * VN_MIB);
	}
	for (size_t c = 0; c < host->n_cpus && claims; c++) {
		if (maker_once_in(state, 5)) /* whole cores */
			hwloc_bitmap_or(occupied->claimed, occupied->claimed, host->cpus[c].siblings);
	}
	return occupied;
}

static inline void random_vnode(uint64_t *state, const struct vn_host *host, struct maker_vnode *vnode)
{
	*vnode = (struct maker_vnode){1 + maker_pick(state, 6), maker_pick(state, 4), -1};
	if (maker_once_in(state, 8))
		vnode->home = (int)maker_pick(state, (unsigned)host->n_nodes);
	if (vnode->vcpus > 0 && maker_once_in(state, 8))
		vnode->mib = 0;
}

static inline struct vn_guest *random_guest(
	uint64_t *state, const struct vn_host *host, size_t least, size_t most)
{
	static const uint64_t pages[] = {0, 0, 0, 2 * VN_MIB, 2 * VN_MIB, 1024 * VN_MIB};
	struct maker_vnode vnodes[16];
	size_t m = least + maker_pick(state, (unsigned)(most - least + 1));
	bool even = maker_once_in(state, 3);
	uint64_t page = pages[maker_pick(state, 6)];
	unsigned threads = maker_once_in(state, 4) ? 2 + maker_pick(state, 2) : 1;

	for (size_t v = 0; v < m; v++) {
		random_vnode(state, host, &vnodes[v]);
		if (even)
			vnodes[v] = (struct maker_vnode){vnodes[0].mib, 1 + vnodes[0].vcpus, -1};
	}
	vnodes[0].vcpus += vnodes[0].vcpus == 0;
	for (size_t v = 0; v < m && page > 0; v++)
		vnodes[v].mib =
			vnodes[v].mib / 2 * (page / VN_MIB) + (vnodes[v].vcpus > 0 ? 0 : page / VN_MIB);
	for (size_t v = 0; v < m; v++) /* whole guest cores: they do not straddle vnodes */
		vnodes[v].vcpus *= threads;
	if (threads > 1 && vnodes[m - 1].vcpus > 0) /* but the very last may have fewer threads */
		vnodes[m - 1].vcpus -= maker_pick(state, threads);
	struct vn_guest *guest = make_guest(m, vnodes);
	guest->threads = threads;
	guest->hugepages = page;
	guest->policy = maker_pick(state, 2) ? VN_POLICY_SPREAD : VN_POLICY_PACK;
	guest->exclusive_cores = maker_once_in(state, 4);
	guest->memory_policy = maker_pick(state, 2) ? VN_MEMORY_STRICT : VN_MEMORY_PREFERRED;
	if (maker_once_in(state, 4))
		random_hostdevs(state, guest);
	if (maker_once_in(state, 6)) {
		guest->cpus = random_cpus(state, host, 2);
		hwloc_bitmap_set(guest->cpus, host->cpus[0].id);
	}
	return guest;
}

/* Of half of the vnodes the memory is dealt out, over one node or several: beside others', uneven where some are full. */
static inline void random_dealt(uint64_t *state, const struct vn_host *host, struct vn_guest *guest)
{
	for (size_t v = 0; v < guest->n_vnodes; v++) {
		struct vn_vnode *vnode = &guest->vnodes[v];
		if (maker_once_in(state, 2))
			continue;
		if (!vnode->nodes)
			vnode->nodes = hwloc_bitmap_alloc();
		for (size_t i = 0; i < host->n_nodes; i++) {
			if (maker_once_in(state, 2) || (int)host->nodes[i].id == vnode->home)
				hwloc_bitmap_set(vnode->nodes, host->nodes[i].id);
		}
		if (hwloc_bitmap_iszero(vnode->nodes))
			hwloc_bitmap_set(vnode->nodes, host->nodes[0].id);
		vnode->has_binding = true;
		vnode->binding = maker_once_in(state, 4) ? VN_BINDING_STRICT : VN_BINDING_INTERLEAVE;
		if (maker_once_in(state, 4)) { /* memory only: its vCPUs go to another */
			struct vn_vnode *other = &guest->vnodes[(v + 1) % guest->n_vnodes];
			if (other != vnode)
				hwloc_bitmap_or(other->vcpus, other->vcpus, vnode->vcpus);
			if (other != vnode)
				hwloc_bitmap_zero(vnode->vcpus);
		}
	}
}
