/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What a host has for guests, and what is left of it while they come and go. The same account for every policy. */

#include "../model/host.h"
#include "../model/plan.h"

typedef unsigned __int128 vn_u128;

struct vn_stock_node {
	uint64_t cores; /* physical ones that guests may use */
	uint64_t mib; /* memory for guests */
	uint64_t free; /* MiB of that */
	uint64_t load; /* vCPUs that live here */
};

struct vn_stock {
	const struct vn_host *host;
	size_t n; /* nodes, by index as in the host */
	struct vn_stock_node *nodes;
	uint64_t cores, mib; /* of all nodes */
	uint64_t most_cores, most_mib; /* of a node that has both; of any where none has */
	uint64_t free, load; /* of all nodes */
};

/* What a guest takes of a node. */
struct vn_portion {
	uint32_t node; /* index */
	uint32_t vcpus;
	uint64_t mib;
};

/* Where a guest is: a portion of each node that it takes something of, by node. */
struct vn_placement {
	size_t n;
	struct vn_portion *portions; /* owned */
	void *kept; /* the policy's own */
};

void vn_placement_clear(struct vn_placement *placement);

/* Adds to the portion of a node, which is made when there is none; -ENOMEM. */
int vn_placement_add(struct vn_placement *placement, size_t node, unsigned vcpus, uint64_t mib);

/*
 * Makes a host as if nothing ran on it: all memory is free but the pools of huge pages, which the guests of a simulation do not
 * use. To be done before anything else here.
 */
void vn_stock_empty_host(struct vn_host *host);

/* NULL when memory is short. */
struct vn_stock *vn_stock_new(const struct vn_host *host);
void vn_stock_free(struct vn_stock *stock);
static inline void vn_stock_freep(struct vn_stock **stock)
{
	vn_stock_free(*stock);
}
#define vn_autostock vn_cleanup(vn_stock_freep) struct vn_stock

/* As the host tells; 10 and 20 where it does not. */
uint32_t vn_stock_distance(const struct vn_stock *stock, size_t from, size_t to);

/* Whether there is so much memory on each of its nodes. */
bool vn_stock_fits(const struct vn_stock *stock, const struct vn_placement *placement);
void vn_stock_take(struct vn_stock *stock, const struct vn_placement *placement);
void vn_stock_give_back(struct vn_stock *stock, const struct vn_placement *placement);

/* vCPUs that share a core: the sum over nodes of what is above their cores (DESIGN 4.2). */
uint64_t vn_stock_squeeze(const struct vn_stock *stock);

/* MiB free on nodes that could not take a guest of that size whole, for lack of memory or of cores. */
uint64_t vn_stock_stranded(const struct vn_stock *stock, unsigned vcpus, uint64_t mib);

/* The guest's mean access distance in thousandths: every vCPU to all of its memory alike (DESIGN 4.3). */
uint64_t vn_stock_mean_distance(const struct vn_stock *stock, const struct vn_placement *placement);
