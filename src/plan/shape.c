/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 *
 * A guest that left its vnodes open gets the fewest that make it fit: each with its memory in a node's pool and its vCPUs on a
 * node's free cores. Fewer are better for the guest, whose kernel and programs then have less to get wrong.
 *
 * How few are possible is reckoned exactly: of the choices of k nodes with at least c free cores, the most memory that one has,
 * for all k and c, node by node (dynamic programming, as for a knapsack). The first k whose best choice with enough cores holds
 * all the memory is it. Where nothing holds all, the goal is what can be had: as much memory and as many cores as there are, so
 * that no more spills and squeezes than must.
 *
 * For that k, an even split is tried first, as even vnodes are what guests expect. If the best plan of it spills or squeezes, the
 * nodes are uneven and so are the vnodes: each gets of the vCPUs and of the memory as even a part as its node can hold, on the
 * nodes that are nearest to each other of those tried: around each node the k nearest, roomier ones taken in for poorer ones as
 * long as it takes; and the choice that the reckoning above found.
 *
 * vCPUs come in runs, in whole guest cores, vCPU 0 in vnode 0: so the guest's own numbering is the config's. Distances between
 * vnodes are those between the homes of their plan, scaled to 10 for local, as Linux wants them (facts: a table with a diagonal
 * other than 10, or with 10 or less beside it, is dropped whole).
 */
#include "solve.h"

#include <string.h>

struct node {
	size_t place;
	uint64_t units, cores; /* of memory, that it can hold; free */
};

struct share {
	uint64_t units, cores;
};

struct shape {
	const struct vn_host *host;
	const struct vn_plan_options *options;
	struct vn_guest *guest;
	struct vn_instance in; /* of the guest as one vnode */
	uint64_t unit; /* bytes that memory is given out in */
	uint64_t units, cores; /* that the guest has */
	uint64_t want_units, want_cores; /* of these, that nodes can hold at all */
	size_t n; /* nodes with CPUs and memory */
	struct node *nodes;
	size_t k; /* vnodes */
	size_t *chosen; /* k of the nodes, by index */
	struct share *shares; /* k */
};

static void shape_clear(struct shape *s)
{
	vn_instance_clear(&s->in);
	free(s->nodes);
	free(s->chosen);
	free(s->shares);
}

static int list_nodes(struct shape *s)
{
	uint64_t units = 0, cores = 0;

	s->nodes = calloc(s->in.n_places + 1, sizeof(*s->nodes));
	s->chosen = calloc(s->in.n_places + 1, sizeof(*s->chosen));
	s->shares = calloc(s->in.n_places + 1, sizeof(*s->shares));
	if (!s->nodes || !s->chosen || !s->shares)
		return -ENOMEM;
	for (size_t i = 0; i < s->in.n_places; i++) {
		if (s->in.places[i].cores == 0 || vn_room(&s->in, 0, i) < s->unit)
			continue; /* cores beside no memory would be bought with spilled memory, which is worse */
		struct node node = {i, vn_room(&s->in, 0, i) / s->unit,
			vn_excess(s->in.places[i].cores, s->in.places[i].load)};
		units += node.units;
		cores += node.cores;
		s->nodes[s->n++] = node;
	}
	s->want_units = vn_min(s->units, units);
	s->want_cores = vn_min(s->cores, cores);
	return 0;
}

/* The most vnodes that make sense: each wants a node, a core and a unit of memory. */
static size_t most_vnodes(const struct shape *s)
{
	size_t most = s->n < VN_MAX_VNODES ? s->n : VN_MAX_VNODES;

	most = s->cores < most ? (size_t)s->cores : most;
	return s->units < most ? (size_t)s->units : most;
}

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

static int fill_table(const struct shape *s, size_t most, struct table *t)
{
	size_t row = (size_t)s->want_cores + 1, size = (most + 1) * row;

	t->kinds = most + 1;
	t->cores = row;
	t->best = malloc(size * sizeof(*t->best));
	t->taken = calloc(s->n * size, sizeof(*t->taken));
	if (!t->best || !t->taken)
		return -ENOMEM;
	for (size_t at = 0; at < size; at++)
		t->best[at] = at == 0 ? 0 : -1;
	for (size_t i = 0; i < s->n; i++) {
		const struct node *node = &s->nodes[i];
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
static void trace(struct shape *s, const struct table *t, size_t k)
{
	size_t j = t->cores - 1, size = t->kinds * t->cores;

	for (size_t i = s->n; i-- > 0 && k > 0;) {
		if (!t->taken[i * size + k * t->cores + j])
			continue;
		s->chosen[--k] = i;
		j = s->nodes[i].cores > j ? 0 : j - (size_t)s->nodes[i].cores;
	}
}

/* ---- dividing among chosen nodes ---- */

/* `all` of something in k parts as even as their limits allow, each at least 1; what no limit allows goes evenly on top. */
static void divide(uint64_t all, const uint64_t *limits, size_t k, uint64_t *parts)
{
	bool open = true;

	for (size_t i = 0; i < k; i++) {
		parts[i] = 1;
		all -= 1;
	}
	while (all > 0 && open) {
		size_t n = 0;
		for (size_t i = 0; i < k; i++)
			n += parts[i] < limits[i];
		open = n > 0;
		uint64_t each = n ? all / n : 0;
		for (size_t i = 0; i < k && all > 0 && open;
			i++) { /* the first ones get what does not come out even */
			if (parts[i] >= limits[i])
				continue;
			uint64_t more = vn_min(vn_min(each ? each : 1, limits[i] - parts[i]), all);
			parts[i] += more;
			all -= more;
		}
	}
	for (size_t i = 0; i < k; i++) {
		uint64_t more = all / (k - i);
		parts[i] += more;
		all -= more;
	}
}

static int divide_among_chosen(struct shape *s)
{
	vn_autofree uint64_t *limits = calloc(2 * s->k, sizeof(*limits));

	if (!limits)
		return -ENOMEM;
	uint64_t *parts = limits + s->k;
	for (int cores = 1; cores >= 0; cores--) {
		for (size_t i = 0; i < s->k; i++) {
			const struct node *node = &s->nodes[s->chosen[i]];
			limits[i] = cores ? node->cores : node->units;
		}
		divide(cores ? s->cores : s->units, limits, s->k, parts);
		for (size_t i = 0; i < s->k; i++)
			*(cores ? &s->shares[i].cores : &s->shares[i].units) = parts[i];
	}
	return 0;
}

static void divide_evenly(struct shape *s)
{
	for (size_t i = 0; i < s->k; i++) {
		s->shares[i].cores = s->cores / s->k + (i < s->cores % s->k);
		s->shares[i].units = s->units / s->k + (i < s->units % s->k);
	}
}

/* ---- choosing nodes near each other ---- */

static bool holds_all(const struct shape *s, const size_t *chosen)
{
	uint64_t units = 0, cores = 0;

	for (size_t i = 0; i < s->k; i++) {
		units += s->nodes[chosen[i]].units;
		cores += s->nodes[chosen[i]].cores;
	}
	return units >= s->want_units && cores >= s->want_cores;
}

/* The sum of distances among chosen nodes. */
static uint64_t width(const struct shape *s, const size_t *chosen)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < s->k; i++) {
		for (size_t j = 0; j < s->k; j++)
			sum += vn_distance(&s->in, s->nodes[chosen[i]].place, s->nodes[chosen[j]].place);
	}
	return sum;
}

/* How much of what is wanted a node has, for comparing nodes: memory and cores as parts of 2^20. */
static uint64_t worth(const struct shape *s, size_t node)
{
	const struct node *that = &s->nodes[node];
	uint64_t units = s->want_units ? (vn_min(that->units, s->want_units) << 20) / s->want_units : 0;
	uint64_t cores = s->want_cores ? (vn_min(that->cores, s->want_cores) << 20) / s->want_cores : 0;

	return units < cores ? units : cores;
}

/* The k nearest to a node, itself first; then, nearest first, each further one for the poorest if it is richer, until all fits. */
static bool choose_around(const struct shape *s, size_t center, size_t *order, size_t *chosen)
{
	for (size_t i = 0; i < s->n; i++) {
		uint32_t d = i == center ? 0 : vn_distance(&s->in, s->nodes[center].place, s->nodes[i].place);
		size_t at = i;
		for (; at > 0; at--) {
			size_t other = order[at - 1];
			uint32_t e = other == center ? 0
						     : vn_distance(&s->in, s->nodes[center].place,
							       s->nodes[other].place);
			if (e < d || (e == d && worth(s, other) >= worth(s, i)))
				break;
			order[at] = other;
		}
		order[at] = i;
	}
	memcpy(chosen, order, s->k * sizeof(*chosen));
	for (size_t next = s->k; next < s->n && !holds_all(s, chosen); next++) {
		size_t poorest = 0;
		for (size_t i = 1; i < s->k; i++)
			poorest = worth(s, chosen[i]) < worth(s, chosen[poorest]) ? i : poorest;
		if (worth(s, order[next]) > worth(s, chosen[poorest]))
			chosen[poorest] = order[next];
	}
	return holds_all(s, chosen);
}

static int choose_near(struct shape *s)
{
	vn_autofree size_t *order = calloc(2 * s->n + 1, sizeof(*order));

	if (!order)
		return -ENOMEM;
	size_t *tried = order + s->n;
	for (size_t center = 0; center < s->n; center++) {
		if (choose_around(s, center, order, tried) && width(s, tried) < width(s, s->chosen))
			memcpy(s->chosen, tried, s->k * sizeof(*tried));
	}
	return 0;
}

/* ---- the guest's vnodes ---- */

/* Gives the guest its vnodes by shares[]; distances 10/20 for the time being. */
static int set_vnodes(struct shape *s)
{
	struct vn_guest *guest = s->guest;
	unsigned next = 0;

	vn_guest_drop_vnodes(guest);
	guest->vnodes = calloc(s->k, sizeof(*guest->vnodes));
	if (!guest->vnodes)
		return -ENOMEM;
	guest->n_vnodes = s->k;
	for (size_t v = 0; v < s->k; v++) {
		struct vn_vnode *vnode = &guest->vnodes[v];
		uint64_t last = next + s->shares[v].cores * guest->threads;
		vnode->home = -1;
		vnode->memory = s->shares[v].units * s->unit;
		vnode->vcpus = hwloc_bitmap_alloc();
		vnode->distances = calloc(s->k, sizeof(*vnode->distances));
		if (!vnode->vcpus || !vnode->distances)
			return -ENOMEM;
		last = last < guest->maxvcpus ? last : guest->maxvcpus;
		if (last > next && hwloc_bitmap_set_range(vnode->vcpus, next, (int)last - 1) < 0)
			return -ENOMEM;
		next = (unsigned)last;
		for (size_t w = 0; w < s->k; w++)
			vnode->distances[w] = v == w ? VN_DISTANCE_LOCAL : VN_DISTANCE_ASSUMED;
	}
	return 0;
}

/* A distance as a guest may be told it. */
static uint32_t scaled(const struct vn_instance *in, size_t from, size_t to)
{
	uint32_t local = vn_distance(in, from, from), d = vn_distance(in, from, to);

	d = local ? (d * VN_DISTANCE_LOCAL + local / 2) / local : d;
	d = d > VN_DISTANCE_LOCAL ? d : VN_DISTANCE_LOCAL + 1;
	return d < VN_DISTANCE_UNREACHABLE ? d : VN_DISTANCE_UNREACHABLE - 1;
}

/* Plans the guest as it is shaped now; *ret_fits: without spill or squeeze beyond what must be. */
static int try_shape(struct shape *s, bool *ret_fits)
{
	const struct vn_guest *guest = s->guest;
	vn_autoinstance in = {0};
	vn_autosolution solution = {0};

	int r = vn_instance_make(s->host, &guest, 1, s->options, &in);
	if (r >= 0)
		r = vn_solve(&in, s->options ? s->options->deadline_ms : 0, false, &solution);
	if (r < 0)
		return r;
	uint64_t squeeze = s->cores - s->want_cores;
	for (size_t i = 0; i < in.n_places; i++)
		squeeze += in.places[i].cores ? vn_excess(in.places[i].load, in.places[i].cores) : 0;
	*ret_fits = solution.feasible && solution.cost.spill <= (s->units - s->want_units) * s->unit &&
		    solution.cost.squeeze <= squeeze;
	for (size_t v = 0; solution.feasible && v < s->k; v++) {
		for (size_t w = 0; w < s->k; w++) {
			if (v != w)
				s->guest->vnodes[v].distances[w] =
					scaled(&in, solution.homes[v], solution.homes[w]);
		}
	}
	return 0;
}

static int shape_for(struct shape *s, const struct table *t, size_t k)
{
	bool fits = false;

	s->k = k;
	divide_evenly(s);
	int r = set_vnodes(s);
	if (r >= 0)
		r = try_shape(s, &fits);
	if (r < 0 || fits || k == 1)
		return r;
	trace(s, t, k);
	r = choose_near(s);
	if (r >= 0)
		r = divide_among_chosen(s);
	if (r >= 0)
		r = set_vnodes(s);
	return r < 0 ? r : try_shape(s, &fits);
}

/* Whether all nodes together have room for it: the solver is asked of nothing else, and vn_plan_make() says what is short. */
static bool has_room(const struct shape *s)
{
	uint64_t units = 0;

	for (size_t i = 0; i < s->in.n_places; i++)
		units += vn_room(&s->in, 0, i) / s->unit;
	return units >= s->units;
}

static int shape_guest(struct shape *s)
{
	vn_cleanup(table_clear) struct table t = {0};
	const struct vn_guest *guest = s->guest;

	s->unit = guest->hugepages > VN_MIB ? guest->hugepages : VN_MIB;
	s->units = guest->memory / s->unit;
	s->cores = (guest->maxvcpus + guest->threads - 1) / guest->threads;
	int r = vn_instance_make(s->host, &guest, 1, s->options, &s->in);
	if (r >= 0)
		r = list_nodes(s);
	size_t most = r < 0 ? 0 : most_vnodes(s), k = 1;
	if (most < 2 || !has_room(s))
		return r; /* nothing to choose */
	r = fill_table(s, most, &t);
	if (r < 0)
		return r;
	while (k < most && t.best[k * t.cores + t.cores - 1] < (int64_t)s->want_units)
		k++;
	return shape_for(s, &t, k);
}

int vn_guest_shape(const struct vn_host *host, const struct vn_plan_options *options, struct vn_guest *guest,
	struct vn_error *err)
{
	vn_cleanup(shape_clear) struct shape s = {.host = host, .options = options, .guest = guest};

	if (!guest->vnodes_open)
		return 0;
	int r = shape_guest(&s);
	return r < 0 ? vn_error_environment(err, r, "out of memory") : 0;
}
