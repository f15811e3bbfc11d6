/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libxl's rule (Xen 4.20, tools/libs/light/libxl_numa.c and libxl_dom.c, numa_cmpf): of all sets of nodes that have the memory
 * free and as many CPUs as the guest has vCPUs, those of the fewest nodes; of these the one on whose nodes the fewest vCPUs may
 * run, then the one with the most free memory, then the first found, in the order of combinations. Distances are not looked at.
 * The guest gets the set as one mask for all of its vCPUs and memory; a vCPU that may run on three nodes counts on each of them.
 * Above 16 nodes libxl places nothing, and the guest gets all nodes.
 *
 * Where in the set vCPUs and memory come to be is Xen's, later: memory is taken node after node in turn, so evenly while there is
 * some; a vCPU is counted where most cores are free when the guest arrives, the best that can be said for a mask.
 */
#include "rule.h"

#define MOST_NODES 16

struct fewest {
	size_t n;
	uint64_t *runnable; /* vCPUs that may run on each node */
};

struct set {
	size_t n;
	uint32_t nodes[MOST_NODES]; /* ascending */
	uint64_t runnable, free;
};

static int open_fewest(const struct vn_stock *stock, uint64_t seed, void **ret_self)
{
	struct fewest *self = calloc(1, sizeof(*self));
	uint64_t *runnable = calloc(stock->n, sizeof(*runnable));

	(void)seed;
	if (!self || !runnable) {
		free(self);
		free(runnable);
		return -ENOMEM;
	}
	*self = (struct fewest){stock->n, runnable};
	*ret_self = self;
	return 0; /* cppcheck-suppress memleak ; the rule's own now */
}

static void close_fewest(void *pointer)
{
	struct fewest *self = pointer;

	if (self)
		free(self->runnable);
	free(self);
}

/* The sets of one size in the order of combinations: the next one, or false after the last. */
static bool next_set(uint32_t *nodes, size_t size, size_t n)
{
	size_t i = size;

	while (i > 0 && nodes[i - 1] == n - size + i - 1)
		i--;
	if (i == 0)
		return false;
	nodes[i - 1]++;
	for (; i < size; i++)
		nodes[i] = nodes[i - 1] + 1;
	return true;
}

/* Sums up a set; whether it is a candidate. */
static bool is_candidate(const struct fewest *self, const struct vn_stock *stock,
	const struct vn_trace_guest *guest, struct set *set)
{
	uint64_t cores = 0;

	set->free = set->runnable = 0;
	for (size_t i = 0; i < set->n; i++) {
		set->free += stock->nodes[set->nodes[i]].free;
		set->runnable += self->runnable[set->nodes[i]];
		cores += stock->nodes[set->nodes[i]].cores;
	}
	return set->free >= guest->mib && cores >= guest->vcpus;
}

static bool is_better(const struct set *a, const struct set *b)
{
	return a->runnable != b->runnable ? a->runnable < b->runnable : a->free > b->free;
}

static bool find_set(const struct fewest *self, const struct vn_stock *stock,
	const struct vn_trace_guest *guest, struct set *ret_best)
{
	bool found = false;

	for (size_t size = 1; size <= stock->n && !found; size++) {
		struct set set = {.n = size};
		for (size_t i = 0; i < size; i++)
			set.nodes[i] = (uint32_t)i;
		do {
			if (!is_candidate(self, stock, guest, &set) || (found && !is_better(&set, ret_best)))
				continue;
			*ret_best = set;
			found = true;
		} while (next_set(set.nodes, size, stock->n));
	}
	return found;
}

/* A MiB of each node in turn comes to an even share of each, as far as there is that much. */
static int spread_memory(const struct vn_stock *stock, const uint32_t *nodes, size_t n, uint64_t mib,
	struct vn_placement *placement)
{
	vn_autofree uint64_t *shares = calloc(n, sizeof(*shares));
	size_t open = n;
	int r = 0;

	if (!shares)
		return -ENOMEM;
	while (mib > 0 && open > 0) {
		uint64_t even = mib / open, rest = even ? 0 : mib;
		open = 0;
		for (size_t i = 0; i < n; i++) {
			uint64_t left = stock->nodes[nodes[i]].free - shares[i];
			uint64_t want = even ? even : rest > 0;
			uint64_t take = want < left ? want : left;
			shares[i] += take;
			mib -= take;
			rest -= even ? 0 : take;
			open += left > take;
		}
	}
	for (size_t i = 0; i < n && r == 0; i++)
		r = vn_placement_add(placement, nodes[i], 0, shares[i]);
	return r == 0 && mib > 0 ? -ENOSPC : r;
}

static int spread_vcpus(const struct vn_stock *stock, unsigned vcpus, struct vn_placement *placement)
{
	for (unsigned v = 0; v < vcpus; v++) {
		struct vn_portion *best = NULL;
		int64_t most = 0;
		for (size_t i = 0; i < placement->n; i++) {
			struct vn_portion *portion = &placement->portions[i];
			const struct vn_stock_node *node = &stock->nodes[portion->node];
			int64_t left = (int64_t)node->cores - (int64_t)node->load - portion->vcpus;
			if (node->cores > 0 && (!best || left > most)) {
				best = portion;
				most = left;
			}
		}
		if (!best)
			return -ENOSPC;
		best->vcpus++;
	}
	return 0;
}

static int place(void *pointer, const struct vn_stock *stock, const struct vn_trace_guest *guest,
	struct vn_placement *ret_placement)
{
	struct fewest *self = pointer;
	struct set set = {0};
	struct vn_placement placement = {0};
	vn_autofree uint32_t *all = NULL;
	bool too_many = stock->n > MOST_NODES;

	if (!too_many && !find_set(self, stock, guest, &set))
		return -ENOSPC;
	if (too_many && !(all = calloc(stock->n, sizeof(*all))))
		return -ENOMEM;
	for (size_t i = 0; too_many && i < stock->n; i++)
		all[i] = (uint32_t)i;
	int r = spread_memory(
		stock, too_many ? all : set.nodes, too_many ? stock->n : set.n, guest->mib, &placement);
	if (r == 0)
		r = spread_vcpus(stock, guest->vcpus, &placement);
	if (r < 0) {
		vn_placement_clear(&placement);
		return r;
	}
	for (size_t i = 0; i < placement.n; i++)
		self->runnable[placement.portions[i].node] += guest->vcpus;
	*ret_placement = placement;
	return 0;
}

static void depart(void *pointer, struct vn_placement *placement)
{
	struct fewest *self = pointer;
	uint64_t vcpus = 0;

	for (size_t i = 0; i < placement->n; i++)
		vcpus += placement->portions[i].vcpus;
	for (size_t i = 0; i < placement->n; i++)
		self->runnable[placement->portions[i].node] -= vcpus;
}

const struct vn_rule vn_rule_fewest_nodes = {
	.name = "fewest-nodes",
	.about = "libxl's rule: the smallest set of nodes, then the one with the fewest vCPUs",
	.open = open_fewest,
	.close = close_fewest,
	.place = place,
	.depart = depart,
};
