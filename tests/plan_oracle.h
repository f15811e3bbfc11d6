/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * An oracle for the planner: tries all homes of one guest, or of several planned jointly, and knows nothing of the planner's
 * code. DESIGN section 4 written down once more, as plainly as can be.
 *
 * Of several guests: levels are summed. On a node, the squeeze is what all vCPUs and the load exceed the cores by that any of the
 * guests may use, or what the vCPUs of one guest that is there and the load exceed its own usable cores by, whichever is more;
 * distance is counted within a guest; fragmentation over the pool of each page size that one of them uses; a guest with
 * exclusive cores lives only where its usable CPUs have a core for all that runs there.
 *
 * Memory that its user interleaves over several nodes is dealt out before all else, vnode by vnode, a unit at a time: to each of
 * its nodes in turn, from the lowest on, that has room. Its vnode then has none that a home could hold; without vCPUs, it is at
 * home where the first unit went. So is memory that its user ties, however, to nodes without a core for its vCPUs: unless it is
 * interleaved to the node nearest to any core of its guest that has room; the vCPUs may live anywhere.
 */

#include "../src/plan/plan_make.h"

#define ORACLE_NODES 8
#define ORACLE_VNODES 6 /* of all guests */
#define ORACLE_GUESTS 2
#define ORACLE_POOLS 4

struct oracle {
	size_t n, m, g; /* nodes, vnodes of all guests, guests */
	int64_t load[ORACLE_NODES];
	int64_t cores[ORACLE_GUESTS][ORACLE_NODES], any_cores[ORACLE_NODES]; /* usable by a guest; by any */
	int64_t distance[ORACLE_NODES][ORACLE_NODES];
	size_t n_pools; /* page sizes in use */
	uint64_t page[ORACLE_POOLS]; /* of pools */
	int64_t unit[ORACLE_POOLS]; /* MiB that a pool is handed out in */
	int64_t room[ORACLE_POOLS][ORACLE_NODES]; /* units */
	bool exclusive[ORACLE_GUESTS], spread;
	bool untrue; /* cores of one's own are wanted, of more threads than the host's have */
	size_t guest[ORACLE_VNODES], pool[ORACLE_VNODES];
	int64_t units[ORACLE_VNODES], mib[ORACLE_VNODES], vcpus[ORACLE_VNODES],
		wants[ORACLE_VNODES]; /* cores */
	int64_t home[ORACLE_VNODES]; /* index, or -1 */
	bool barred[ORACLE_VNODES][ORACLE_NODES]; /* its user named others */
	int64_t pull
		[ORACLE_VNODES]
		[ORACLE_NODES]; /* distance to the vnode's devices and its guest's dealt memory, were it at home there */
	bool roomy; /* the pools hold what is asked of them, in all */
	int64_t lacks; /* units of dealt memory that its nodes have no room for */
};

struct oracle_cost {
	int64_t spill, squeeze, distance, load_vcpus, load_cores, squares;
};

void oracle_make(struct oracle *o, const struct vn_host *host, const struct vn_guest *const *guests, size_t n,
	const struct vn_occupied *occupied);

/* Whether the pools hold what is asked of them, in all. */
bool oracle_has_room(const struct oracle *o);

/* Whether the nodes that the user deals memory out over hold all of it, where the pools in all do. */
bool oracle_deals(const struct oracle *o);

/* Whether the user named a home without a core that its vnode could use, though there are such cores elsewhere, or wants
 * cores of more threads than there are: refused. */
bool oracle_refuses(const struct oracle *o);

/* False when the homes are not allowed. `squares` false leaves the last level out: it takes long. */
bool oracle_cost(const struct oracle *o, const size_t *homes, bool squares, struct oracle_cost *ret);

int oracle_compare(
	const struct oracle *o, const struct oracle_cost *a, const struct oracle_cost *b, bool squares);

/*
 * The best homes, the first in lexicographic order (of the first guest's vnodes, then the next's); with `above`, the best of
 * those that cost more. False when none is allowed.
 */
bool oracle_best(
	const struct oracle *o, const struct oracle_cost *above, size_t *ret_homes, struct oracle_cost *ret);
