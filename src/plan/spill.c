/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 *
 * An over-full place (a source) must send its excess to places with room left
 * (sinks); a byte sent costs the distance. That is a transportation problem,
 * solved exactly: bytes are sent along shortest paths of the residual graph,
 * one source after the other, where a path may take back what an earlier source
 * sent and send it elsewhere.
 *
 * Many cheapest answers may exist. The one taken is, in this order of sources
 * and sinks, the lexicographically largest flow (the first source sends all it
 * can to the first sink, and so on). Sinks are ordered by room left, the
 * fullest first when packing and the emptiest first when spreading, then by
 * class and number; sources by class, excess and number. The order rests on
 * nothing that changes when two interchangeable places swap names, hence
 * neither does the free memory left behind: the solver, which looks at one of
 * several mirror images only, relies on that. It is reached by pushing flow
 * around cycles of no cost (found with potentials: on such a cycle every arc
 * has reduced cost 0).
 *
 * A guest that is told of no NUMA gets its memory interleaved, and Linux deals
 * that out evenly, page by page in turn (mm/mempolicy.c, interleave_nid()),
 * whatever room the nodes have. So there its home keeps no more than the others
 * get: the home and the fewest others that each hold an even part, of those
 * sets the one whose farthest node is nearest, and of that the nearest nodes,
 * the roomiest first. Parts are whole pages (whole MiB of ordinary ones); what
 * does not divide evenly goes to the roomiest, a grain each. Where no nodes
 * hold even parts, the fewest that hold all of it are taken. Of these the
 * kernel fills up the small ones, and what would be theirs then falls back on
 * nodes that have room: here, on the others of the set.
 */
#include "spill.h"

#include <string.h>

struct sink {
	size_t place;
	uint64_t room, left;
};

struct transport {
	const struct vn_instance *in;
	size_t n_sources, n_sinks; /* graph nodes: sources, then sinks, then one that
                                all sinks lead to */
	size_t *sources;
	uint64_t *excess;
	struct sink *sinks;
	uint64_t *flow; /* n_sources x n_sinks */
	int *cost; /* per graph node */
	size_t *parent; /* per graph node */
};

static void transport_clear(struct transport *t)
{
	free(t->sources);
	free(t->excess);
	free(t->sinks);
	free(t->flow);
	free(t->cost);
	free(t->parent);
}

static int arc_cost(const struct transport *t, size_t source, size_t sink)
{
	return (int)vn_distance(t->in, t->sources[source], t->sinks[sink].place);
}

static uint64_t *arc(const struct transport *t, size_t source, size_t sink)
{
	return &t->flow[source * t->n_sinks + sink];
}

static bool source_before(const struct transport *t, size_t a, size_t b)
{
	const struct vn_place *p = &t->in->places[t->sources[a]], *q = &t->in->places[t->sources[b]];

	if (p->class != q->class)
		return p->class < q->class;
	if (t->excess[a] != t->excess[b])
		return t->excess[a] > t->excess[b];
	return t->sources[a] < t->sources[b];
}

static bool sink_before(const struct vn_instance *in, const struct sink *a, const struct sink *b)
{
	if (a->room != b->room)
		return (a->room < b->room) == (in->policy == VN_POLICY_PACK);
	if (in->places[a->place].class != in->places[b->place].class)
		return in->places[a->place].class < in->places[b->place].class;
	return a->place < b->place;
}

static void sort_sources(struct transport *t)
{
	for (size_t i = 1; i < t->n_sources; i++) {
		for (size_t j = i; j > 0 && source_before(t, j, j - 1); j--) {
			size_t place = t->sources[j];
			uint64_t excess = t->excess[j];
			t->sources[j] = t->sources[j - 1];
			t->excess[j] = t->excess[j - 1];
			t->sources[j - 1] = place;
			t->excess[j - 1] = excess;
		}
	}
}

static void sort_sinks(struct transport *t)
{
	for (size_t i = 1; i < t->n_sinks; i++) {
		for (size_t j = i; j > 0 && sink_before(t->in, &t->sinks[j], &t->sinks[j - 1]); j--) {
			struct sink sink = t->sinks[j];
			t->sinks[j] = t->sinks[j - 1];
			t->sinks[j - 1] = sink;
		}
	}
}

static int transport_make(
	const struct vn_instance *in, size_t pool, const uint64_t *demand, struct transport *t)
{
	size_t n = in->n_places;

	t->in = in;
	t->sources = calloc(n, sizeof(*t->sources));
	t->excess = calloc(n, sizeof(*t->excess));
	t->sinks = calloc(n, sizeof(*t->sinks));
	t->cost = calloc(n + 1, sizeof(*t->cost));
	t->parent = calloc(n + 1, sizeof(*t->parent));
	if (!t->sources || !t->excess || !t->sinks || !t->cost || !t->parent)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		uint64_t room = vn_room(in, pool, i);
		if (demand[i] > room) {
			t->sources[t->n_sources] = i;
			t->excess[t->n_sources++] = demand[i] - room;
		} else if (demand[i] < room) {
			t->sinks[t->n_sinks++] = (struct sink){i, room - demand[i], room - demand[i]};
		}
	}
	sort_sources(t);
	sort_sinks(t);
	t->flow = calloc(t->n_sources * t->n_sinks + 1, sizeof(*t->flow));
	return t->flow ? 0 : -ENOMEM;
}

/* Lets arcs out of one graph node lower the costs behind them (Bellman and
 * Ford); true when any did. */
static bool relax(struct transport *t, size_t from, size_t to, int cost)
{
	if (t->cost[from] == INT32_MAX || t->cost[from] + cost >= t->cost[to])
		return false;
	t->cost[to] = t->cost[from] + cost;
	t->parent[to] = from;
	return true;
}

static bool relax_all(struct transport *t)
{
	bool changed = false;

	for (size_t i = 0; i < t->n_sources; i++) {
		for (size_t j = 0; j < t->n_sinks; j++) {
			changed |= relax(t, i, t->n_sources + j, arc_cost(t, i, j));
			if (*arc(t, i, j) > 0)
				changed |= relax(t, t->n_sources + j, i, -arc_cost(t, i, j));
		}
	}
	return changed;
}

/* Sends what one cheapest path from `source` can carry. */
static void send_once(struct transport *t, size_t source)
{
	size_t best = SIZE_MAX;

	for (size_t i = 0; i < t->n_sources + t->n_sinks; i++)
		t->cost[i] = INT32_MAX;
	t->cost[source] = 0;
	while (relax_all(t))
		;
	for (size_t j = 0; j < t->n_sinks; j++) {
		if (t->sinks[j].left > 0 &&
			(best == SIZE_MAX || t->cost[t->n_sources + j] < t->cost[t->n_sources + best]))
			best = j;
	}
	uint64_t bytes = vn_min(t->excess[source], t->sinks[best].left);
	for (size_t at = t->n_sources + best; at != source; at = t->parent[at]) {
		if (at < t->n_sources)
			bytes = vn_min(bytes, *arc(t, at, t->parent[at] - t->n_sources));
	}
	for (size_t at = t->n_sources + best; at != source; at = t->parent[at]) {
		if (at < t->n_sources)
			*arc(t, at, t->parent[at] - t->n_sources) -= bytes;
		else
			*arc(t, t->parent[at], at - t->n_sources) += bytes;
	}
	t->excess[source] -= bytes;
	t->sinks[best].left -= bytes;
}

/* Potentials: with them no residual arc has a negative reduced cost. The last
 * graph node joins all sinks. */
static void find_potentials(struct transport *t)
{
	size_t joint = t->n_sources + t->n_sinks;
	bool changed = true;

	memset(t->cost, 0, (joint + 1) * sizeof(*t->cost));
	while (changed) {
		changed = relax_all(t);
		for (size_t j = 0; j < t->n_sinks; j++) {
			if (t->sinks[j].left > 0)
				changed |= relax(t, t->n_sources + j, joint, 0);
			if (t->sinks[j].left < t->sinks[j].room)
				changed |= relax(t, joint, t->n_sources + j, 0);
		}
	}
}

/* Bytes that the residual arc from -> to can carry without cost, leaving alone
 * the arcs up to `frozen`. */
static uint64_t free_capacity(const struct transport *t, size_t from, size_t to, size_t frozen)
{
	size_t s = t->n_sources, joint = s + t->n_sinks;

	if (from == joint || to == joint) {
		if (t->cost[from] != t->cost[to] || from == to || from < s || to < s)
			return 0;
		const struct sink *sink = &t->sinks[(from == joint ? to : from) - s];
		return from == joint ? sink->room - sink->left : sink->left;
	}
	if ((from < s) == (to < s))
		return 0;
	size_t source = from < s ? from : to, sink = (from < s ? to : from) - s;
	if (source * t->n_sinks + sink <= frozen)
		return 0;
	if (t->cost[source] + arc_cost(t, source, sink) != t->cost[s + sink])
		return 0;
	return from < s ? UINT64_MAX : *arc(t, source, sink);
}

/* Finds a way of no cost from `start` to `goal`, breadth first; fills parent[].
 */
static bool find_free_way(struct transport *t, size_t start, size_t goal, size_t frozen, size_t *queue)
{
	size_t n = t->n_sources + t->n_sinks + 1, head = 0, tail = 0;

	for (size_t i = 0; i < n; i++)
		t->parent[i] = SIZE_MAX;
	t->parent[start] = start;
	queue[tail++] = start;
	while (head < tail && t->parent[goal] == SIZE_MAX) {
		size_t from = queue[head++];
		for (size_t to = 0; to < n; to++) {
			if (t->parent[to] == SIZE_MAX && free_capacity(t, from, to, frozen) > 0) {
				t->parent[to] = from;
				queue[tail++] = to;
			}
		}
	}
	return t->parent[goal] != SIZE_MAX;
}

static void push(struct transport *t, size_t from, size_t to, uint64_t bytes)
{
	size_t s = t->n_sources, joint = s + t->n_sinks;

	if (to == joint)
		t->sinks[from - s].left -= bytes;
	else if (from == joint)
		t->sinks[to - s].left += bytes;
	else if (from < s)
		*arc(t, from, to - s) += bytes;
	else
		*arc(t, to, from - s) -= bytes;
}

/* Whether an arc has anything to gain: its source sends elsewhere after it, and
 * its sink has room or later senders. */
static bool may_rise(const struct transport *t, size_t source, size_t sink)
{
	bool gives = false, takes = t->sinks[sink].left > 0;

	for (size_t j = sink + 1; j < t->n_sinks && !gives; j++)
		gives = *arc(t, source, j) > 0;
	for (size_t i = source + 1; i < t->n_sources && gives && !takes; i++)
		takes = *arc(t, i, sink) > 0;
	return gives && takes;
}

/* Raises one arc's flow as far as it goes without cost. */
static void raise_arc(struct transport *t, size_t source, size_t sink, size_t *queue)
{
	size_t frozen = source * t->n_sinks + sink, start = t->n_sources + sink;

	if (t->cost[source] + arc_cost(t, source, sink) != t->cost[start])
		return;
	while (may_rise(t, source, sink) && find_free_way(t, start, source, frozen, queue)) {
		uint64_t bytes = UINT64_MAX;
		for (size_t at = source; at != start; at = t->parent[at])
			bytes = vn_min(bytes, free_capacity(t, t->parent[at], at, frozen));
		for (size_t at = source; at != start; at = t->parent[at])
			push(t, t->parent[at], at, bytes);
		*arc(t, source, sink) += bytes;
	}
}

static int send_all(struct transport *t)
{
	vn_autofree size_t *queue = calloc(t->n_sources + t->n_sinks + 1, sizeof(*queue));

	if (!queue)
		return -ENOMEM;
	for (size_t i = 0; i < t->n_sources; i++) {
		while (t->excess[i] > 0)
			send_once(t, i);
	}
	find_potentials(t);
	for (size_t i = 0; i < t->n_sources; i++) {
		for (size_t j = 0; j < t->n_sinks; j++)
			raise_arc(t, i, j, queue);
	}
	return 0;
}

/* ---- one guest, interleaved over several nodes ---- */

struct deal {
	struct transport *t; /* of one source, its sinks sorted roomiest first */
	uint64_t memory, home; /* what is to be dealt out, and the home's room */
	uint64_t grain; /* parts are whole multiples of it */
	bool *chosen; /* per sink */
	uint64_t *parts; /* per sink */
	bool even; /* the last pour() held all of it, and no two parts differ by more
                than a grain */
};

static void deal_clear(struct deal *d)
{
	free(d->chosen);
	free(d->parts);
}

/* What one of `ways` nodes gets of what is left, the fuller ones having had
 * theirs. */
static uint64_t next_part(const struct deal *d, uint64_t room, uint64_t left, size_t ways)
{
	uint64_t level = left / ways;

	return vn_min(room, ways == 1 ? left : level - level % d->grain);
}

/* As the kernel will: the same for each chosen node and the home, and where one
 * is full the others share what it cannot take. */
static void pour(struct deal *d)
{
	uint64_t left = d->memory, most = 0, least = UINT64_MAX;
	size_t ways = d->home > 0;
	bool home_due = d->home > 0;

	for (size_t j = 0; j < d->t->n_sinks; j++)
		ways += d->chosen[j];
	for (size_t k = d->t->n_sinks + 1;
		k-- > 0;) { /* the smallest first; 0 stands for whoever is left: the home */
		bool is_home =
			home_due && (k == 0 || (d->chosen[k - 1] && d->home < d->t->sinks[k - 1].room));
		if (!is_home && (k == 0 || !d->chosen[k - 1]))
			continue;
		uint64_t part = next_part(d, is_home ? d->home : d->t->sinks[k - 1].room, left, ways--);
		left -= part;
		most = part > most ? part : most;
		least = vn_min(part, least);
		if (!is_home) {
			d->parts[k - 1] = part;
			continue;
		}
		home_due = false;
		k += k > 0; /* that sink has not had its turn */
	}
	d->even = left == 0 && most - least <= d->grain;
}

/* Chooses the `n` roomiest sinks within `reach` and pours; the bytes that they
 * and the home hold. */
static uint64_t pour_roomiest(struct deal *d, size_t n, int reach)
{
	uint64_t held = d->home;

	for (size_t j = 0; j < d->t->n_sinks; j++) {
		d->chosen[j] = n > 0 && arc_cost(d->t, 0, j) <= reach;
		n -= d->chosen[j];
		held += d->chosen[j] ? d->t->sinks[j].room : 0;
	}
	pour(d);
	d->even &= n == 0;
	return held;
}

/* Chooses the `n` nearest sinks that have room for an even part, the roomiest
 * first, and pours. */
static void pour_nearest(struct deal *d, size_t n, int reach)
{
	uint64_t ways = n + (d->home > 0), part = (d->memory / d->grain + ways - 1) / ways * d->grain;

	memset(d->chosen, 0, d->t->n_sinks * sizeof(*d->chosen));
	for (; n > 0; n--) {
		size_t best = SIZE_MAX;
		for (size_t j = 0; j < d->t->n_sinks; j++) {
			if (!d->chosen[j] && d->t->sinks[j].room >= part && arc_cost(d->t, 0, j) <= reach &&
				(best == SIZE_MAX || arc_cost(d->t, 0, j) < arc_cost(d->t, 0, best)))
				best = j;
		}
		if (best == SIZE_MAX) {
			d->even = false;
			return;
		}
		d->chosen[best] = true;
	}
	pour(d);
}

static bool deal_evenly(struct deal *d)
{
	for (size_t n = 1; n <= d->t->n_sinks; n++) {
		int reach = 0;
		pour_roomiest(d, n, INT32_MAX);
		if (!d->even)
			continue;
		for (pour_roomiest(d, n, reach); !d->even; pour_roomiest(d, n, reach))
			reach++;
		pour_nearest(d, n, reach);
		if (!d->even) /* some of these nodes have room for the smaller parts only */
			pour_roomiest(d, n, reach);
		return true;
	}
	return false;
}

static void deal_unevenly(struct deal *d)
{
	size_t n = 1;
	int reach = 0;

	while (pour_roomiest(d, n, INT32_MAX) < d->memory)
		n++;
	while (pour_roomiest(d, n, reach) < d->memory)
		reach++;
}

static int interleave(struct transport *t, size_t pool)
{
	uint64_t home = vn_room(t->in, pool, t->sources[0]), page = t->in->pages[pool];
	vn_cleanup(deal_clear) struct deal d = {.t = t,
		.memory = home + t->excess[0],
		.home = home,
		.grain = page > VN_MIB ? page : VN_MIB,
		.chosen = calloc(t->n_sinks + 1, sizeof(*d.chosen)),
		.parts = calloc(t->n_sinks + 1, sizeof(*d.parts))};

	if (!d.chosen || !d.parts)
		return -ENOMEM;
	if (!deal_evenly(&d))
		deal_unevenly(&d);
	for (size_t j = 0; j < t->n_sinks; j++)
		*arc(t, 0, j) = d.chosen[j] ? d.parts[j] : 0;
	t->excess[0] = 0;
	return 0;
}

static int spill_from_transport(const struct transport *t, struct vn_spill *ret_spill)
{
	size_t n = t->in->n_places;
	vn_autofree size_t *sources = calloc(t->n_sources + 1, sizeof(*sources));
	vn_autofree uint64_t *flow = calloc(t->n_sources * n + 1, sizeof(*flow));

	if (!sources || !flow)
		return -ENOMEM;
	for (size_t i = 0; i < t->n_sources; i++) {
		sources[i] = t->sources[i];
		for (size_t j = 0; j < t->n_sinks; j++)
			flow[i * n + t->sinks[j].place] = *arc(t, i, j);
	}
	*ret_spill = (struct vn_spill){t->n_sources, vn_steal(sources), n, vn_steal(flow)};
	return 0;
}

int vn_spill_make(
	const struct vn_instance *instance, size_t pool, const uint64_t *demand, struct vn_spill *ret_spill)
{
	vn_cleanup(transport_clear) struct transport t = {0};
	int r = transport_make(instance, pool, demand, &t);

	if (r < 0)
		return r;
	if (instance->spanning && t.n_sources == 1) {
		struct vn_instance spreading = *instance; /* a borrowed view: the roomiest
                                                 first, whatever the policy */
		spreading.policy = VN_POLICY_SPREAD;
		t.in = &spreading;
		sort_sinks(&t);
		r = interleave(&t, pool);
		t.in = instance;
	} else if (t.n_sources > 0) {
		r = send_all(&t);
	}
	if (r < 0)
		return r;
	return spill_from_transport(&t, ret_spill);
}

uint64_t vn_spill_sent(const struct vn_spill *spill, size_t place)
{
	uint64_t bytes = 0;

	for (size_t k = 0; k < spill->n_sources; k++) {
		for (size_t j = 0; j < spill->n_places && spill->sources[k] == place; j++)
			bytes += spill->flow[k * spill->n_places + j];
	}
	return bytes;
}

void vn_spill_clear(struct vn_spill *spill)
{
	free(spill->sources);
	free(spill->flow);
	*spill = (struct vn_spill){0};
}
