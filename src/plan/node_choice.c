/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 *
 * How few nodes do is reckoned exactly: of the choices of k nodes with at least c free cores, the most memory that one has, for all
 * k and c, node by node (dynamic programming, as for a knapsack). The first k whose best choice with enough cores holds all the
 * memory is it. Where nothing holds all, the goal is what can be had: as much memory and as many cores as there are, so that no
 * more spills and squeezes than must.
 *
 * Nodes with both CPUs and memory are enough for most guests. Only where all of these together cannot hold one do nodes without
 * CPUs (CXL, say) and without memory come in, for vnodes without vCPUs and without memory: a guest asks for such only when in need.
 * Where vnodes without memory are of no use, as libvirt has none, nodes without memory never come in.
 *
 * Of the choices of k nodes that hold all, the nearest is the one with the least sum of distances. All are looked at where there
 * are at most MAX_SETS of them (any k of 12 nodes); on larger hosts, around each node the k nearest, roomier ones taken in for
 * poorer ones as long as it takes, and the choice that the reckoning above found.
 */
#include "node_choice.h"

#include <string.h>

#define MAX_SETS 1000

void vn_node_choice_clear(struct vn_node_choice *choice)
{
	free(choice->nodes);
	free(choice->chosen);
}

/* ---- the nodes ---- */

/* `any`: those without CPUs or without memory, too. */
static void list_nodes(struct vn_node_choice *c, bool any)
{
	uint64_t units = 0, cores = 0;

	c->n = 0;
	for (size_t i = 0; i < c->in->n_places; i++) {
		const struct vn_place *place = &c->in->places[i];
		struct vn_choice_node node = {.place = i,
			.cpus = place->cores > 0,
			.units = vn_room(c->in, 0, i) / c->unit,
			.cores = vn_excess(place->cores, place->load)};
		node.memory = node.units > 0;
		if (any ? !node.memory && (!node.cpus || c->no_empty) : !node.cpus || !node.memory)
			continue;
		units += node.units;
		cores += node.cores;
		c->nodes[c->n++] = node;
	}
	c->want_units = vn_min(c->units, units);
	c->want_cores = vn_min(c->cores, cores);
}

/* The most vnodes that make sense: each wants a node, and a core or a unit of memory; both, where nodes have both. */
static size_t most_nodes(const struct vn_node_choice *c, bool any)
{
	uint64_t most = c->n < VN_MAX_VNODES ? c->n : VN_MAX_VNODES;

	if (any && c->no_empty)
		return (size_t)vn_min(most, c->units);
	return (size_t)vn_min(most, any ? c->cores + c->units : vn_min(c->cores, c->units));
}

/* ---- how few ---- */

/*
 * best[k * (c + 1) + j]: the most units of k nodes with j cores or more (j counts up to the c wanted), of the first i nodes; taken
 * [i]: whether node i is in that choice. -1: there is no such choice.
 */
struct table {
	size_t kinds, cores;
	int64_t *best;
	bool *taken; /* n x kinds x cores */
};

static void table_clear(struct table *t)
{
	free(t->best);
	free(t->taken);
}

static int fill_table(const struct vn_node_choice *c, size_t most, struct table *t)
{
	size_t row = (size_t)c->want_cores + 1, size = (most + 1) * row;

	t->kinds = most + 1;
	t->cores = row;
	t->best = malloc(size * sizeof(*t->best));
	t->taken = calloc(c->n * size, sizeof(*t->taken));
	if (!t->best || !t->taken)
		return -ENOMEM;
	for (size_t at = 0; at < size; at++)
		t->best[at] = at == 0 ? 0 : -1;
	for (size_t i = 0; i < c->n; i++) {
		const struct vn_choice_node *node = &c->nodes[i];
		for (size_t k = most; k > 0; k--) {
			for (size_t j = row; j-- > 0;) {
				size_t before = node->cores > j ? 0 : j - (size_t)node->cores;
				int64_t without = t->best[(k - 1) * row + before];
				if (without < 0 || without + (int64_t)node->units <= t->best[k * row + j])
					continue;
				t->best[k * row + j] = without + (int64_t)node->units;
				t->taken[i * size + k * row + j] = true;
			}
		}
	}
	return 0;
}

/* The choice of k nodes that the table found, into chosen[]. */
static void trace(struct vn_node_choice *c, const struct table *t)
{
	size_t j = t->cores - 1, size = t->kinds * t->cores, k = c->k;

	for (size_t i = c->n; i-- > 0 && k > 0;) {
		if (!t->taken[i * size + k * t->cores + j])
			continue;
		c->chosen[--k] = i;
		j = c->nodes[i].cores > j ? 0 : j - (size_t)c->nodes[i].cores;
	}
}

/* ---- how near ---- */

static bool holds_all(const struct vn_node_choice *c, const size_t *chosen)
{
	uint64_t units = 0, cores = 0;

	for (size_t i = 0; i < c->k; i++) {
		units += c->nodes[chosen[i]].units;
		cores += c->nodes[chosen[i]].cores;
	}
	return units >= c->want_units && cores >= c->want_cores;
}

uint64_t vn_places_width(const struct vn_instance *in, const size_t *places, size_t k)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < k; i++) {
		for (size_t j = 0; j < k; j++)
			sum += vn_distance(in, places[i], places[j]);
	}
	return sum;
}

/* Takes another choice where it is nearer than chosen[]. */
static void take_nearer(struct vn_node_choice *c, const size_t *other)
{
	size_t mine[VN_MAX_VNODES], its[VN_MAX_VNODES];

	for (size_t i = 0; i < c->k; i++) {
		mine[i] = c->nodes[c->chosen[i]].place;
		its[i] = c->nodes[other[i]].place;
	}
	if (vn_places_width(c->in, its, c->k) < vn_places_width(c->in, mine, c->k))
		memcpy(c->chosen, other, c->k * sizeof(*other));
}

/* How many choices of k there are among n, or MAX_SETS + 1. */
static size_t count_sets(size_t n, size_t k)
{
	size_t sets = 1;

	for (size_t i = 1; i <= k && sets <= MAX_SETS; i++)
		sets = sets * (n - k + i) / i;
	return sets <= MAX_SETS ? sets : MAX_SETS + 1;
}

/* The next choice of k out of n in ascending order; false behind the last. */
static bool next_set(size_t *set, size_t n, size_t k)
{
	size_t i = k;

	while (i > 0 && set[i - 1] == n - k + i - 1)
		i--;
	if (i == 0)
		return false;
	set[i - 1]++;
	for (; i < k; i++)
		set[i] = set[i - 1] + 1;
	return true;
}

static void try_all(struct vn_node_choice *c)
{
	size_t set[VN_MAX_VNODES];

	for (size_t i = 0; i < c->k; i++)
		set[i] = i;
	do {
		if (holds_all(c, set))
			take_nearer(c, set);
	} while (next_set(set, c->n, c->k));
}

/* How much of what is wanted a node has, for comparing nodes: memory and cores as parts of 2^20. */
static uint64_t worth(const struct vn_node_choice *c, size_t node)
{
	const struct vn_choice_node *that = &c->nodes[node];
	uint64_t units = c->want_units ? (vn_min(that->units, c->want_units) << 20) / c->want_units : 0;
	uint64_t cores = c->want_cores ? (vn_min(that->cores, c->want_cores) << 20) / c->want_cores : 0;

	return units < cores ? units : cores;
}

/* The k nearest to a node, itself first; then, nearest first, each further one for the poorest if it is richer, until all fits. */
static bool choose_around(const struct vn_node_choice *c, size_t center, size_t *order, size_t *chosen)
{
	for (size_t i = 0; i < c->n; i++) {
		uint32_t d = i == center ? 0 : vn_distance(c->in, c->nodes[center].place, c->nodes[i].place);
		size_t at = i;
		for (; at > 0; at--) {
			size_t other = order[at - 1];
			uint32_t e = other == center ? 0
						     : vn_distance(c->in, c->nodes[center].place,
							       c->nodes[other].place);
			if (e < d || (e == d && worth(c, other) >= worth(c, i)))
				break;
			order[at] = other;
		}
		order[at] = i;
	}
	memcpy(chosen, order, c->k * sizeof(*chosen));
	for (size_t next = c->k; next < c->n && !holds_all(c, chosen); next++) {
		size_t poorest = 0;
		for (size_t i = 1; i < c->k; i++)
			poorest = worth(c, chosen[i]) < worth(c, chosen[poorest]) ? i : poorest;
		if (worth(c, order[next]) > worth(c, chosen[poorest]))
			chosen[poorest] = order[next];
	}
	return holds_all(c, chosen);
}

static int try_around_each(struct vn_node_choice *c)
{
	size_t tried[VN_MAX_VNODES];
	vn_autofree size_t *order = calloc(c->n, sizeof(*order));

	if (!order)
		return -ENOMEM;
	for (size_t center = 0; center < c->n; center++) {
		if (choose_around(c, center, order, tried))
			take_nearer(c, tried);
	}
	return 0;
}

/* vCPU 0 is to be in vnode 0. */
static void put_cpus_first(struct vn_node_choice *c)
{
	for (size_t i = 1; i < c->k; i++) {
		size_t node = c->chosen[i], at = i;
		for (; at > 0 && c->nodes[node].cpus && !c->nodes[c->chosen[at - 1]].cpus; at--)
			c->chosen[at] = c->chosen[at - 1];
		c->chosen[at] = node;
	}
}

/* ---- the front ---- */

static int choose(struct vn_node_choice *c, bool any)
{
	vn_cleanup(table_clear) struct table t = {0};
	size_t most = most_nodes(c, any);

	c->k = 0;
	if (most == 0)
		return 0;
	int r = fill_table(c, most, &t);
	if (r < 0)
		return r;
	c->k = 1;
	while (c->k < most && t.best[c->k * t.cores + t.cores - 1] < (int64_t)c->want_units)
		c->k++;
	trace(c, &t);
	if (count_sets(c->n, c->k) <= MAX_SETS)
		try_all(c);
	else
		r = try_around_each(c);
	put_cpus_first(c);
	return r;
}

int vn_node_choice_make(const struct vn_instance *in, uint64_t unit, uint64_t units, uint64_t cores,
	bool no_empty, struct vn_node_choice *ret_choice)
{
	struct vn_node_choice c = {
		.in = in, .no_empty = no_empty, .unit = unit, .units = units, .cores = cores};
	bool any = false;

	c.nodes = calloc(in->n_places + 1, sizeof(*c.nodes));
	c.chosen = calloc(in->n_places + 1, sizeof(*c.chosen));
	int r = c.nodes && c.chosen ? 0 : -ENOMEM;
	if (r == 0) {
		list_nodes(&c, any);
		any = c.want_units < units || c.want_cores < cores;
		if (any)
			list_nodes(&c, any);
		r = choose(&c, any);
	}
	if (r < 0)
		vn_node_choice_clear(&c);
	else
		*ret_choice = c;
	return r;
}
