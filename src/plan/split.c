/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 *
 * Where distances make a tree (hierarchy.c), it does not matter to the parts outside a branch where in it those inside live: all
 * of these are as far. So a table of each branch tells, for every choice of parts, the least that it costs to have just these in
 * it: spill and squeeze of its places, and the distances among them. A leaf's table is reckoned directly. An inner branch splits
 * the choice between its two subtrees in every way: both parts' costs, and the distance between the subtrees for what crosses.
 * Costs are compared level by level and add up, so the best of sums is the sum of bests. The table of the root has the optimum
 * down to the distance, for any number of places in time proportional to it, where enumerating homes is exponential in the vnodes
 * with the number of places as its base. This is dynamic programming over subsets; the choices are multisets (states.c), so that
 * equal vnodes cost little.
 *
 * What cannot be part of a plan as good as the one that is known already is left out: an entry of a branch is at least completed
 * by what crosses to the parts left over, at the distance to the nearest place beyond, and by what these cost among themselves.
 * The latter is looked up in a table of a better host that is built first, and quickly: its places all have the best of every
 * leaf for each choice, and as its branches at one level are all alike, each level takes a few joins however many places there
 * are. With a good plan known most tables are nearly empty. Branches that are alike share a table.
 *
 * Two tables are put together entry by entry where they have few, and choice by choice on plain sums where they have many; see
 * join_dense().
 */
#include "split.h"

#include <stdlib.h>
#include <string.h>

#define MAX_CHOICES (1u << 16)
#define MAX_ENTRIES (UINT64_C(1) << 20) /* of all tables: 24 MiB */
#define NOWHERE (INT64_MAX / 4) /* a cost beyond all */
#define MAX_BETTER_HOST 1200 /* entries of its leaf; beyond, building it takes longer than it saves */

/* A cost as one number, level by level: spill * of_spill + squeeze * of_squeeze + distance. */
struct packing {
	bool possible; /* all costs fit */
	int64_t of_spill, of_squeeze; /* spill in units */
	uint64_t unit; /* of memory, bytes: all there is comes in these */
};

/* What building takes beside the split itself. */
struct builder {
	struct vn_split *split;
	const struct vn_deadline *deadline;
	struct vn_entry *best; /* per state, where `told` says so */
	bool *told;
	uint32_t *touched; /* the states told */
	size_t n_touched;
	struct vn_entry *rest; /* per state: what its parts cost at least among themselves */
	int64_t *rates; /* 2 per state: of the two tables that are joined; see join_dense() */
	struct packing packing;
	size_t n_pairs; /* of two choices that can be made together */
	uint64_t n_entries, steps;
};

static void builder_clear(struct builder *b)
{
	free(b->best);
	free(b->told);
	free(b->touched);
	free(b->rest);
	free(b->rates);
}

const struct vn_entry *vn_table_find(const struct vn_table *table, size_t state)
{
	size_t low = 0, high = table->n;

	while (low < high) {
		size_t middle = (low + high) / 2;
		if (table->entries[middle].state < state)
			low = middle + 1;
		else
			high = middle;
	}
	return low < table->n && table->entries[low].state == state ? &table->entries[low] : NULL;
}

/* Keeps the cheaper one. */
static void tell(struct builder *b, struct vn_entry entry)
{
	if (!b->told[entry.state]) {
		b->told[entry.state] = true;
		b->touched[b->n_touched++] = entry.state;
		b->best[entry.state] = entry;
	} else if (vn_entry_compare(&entry, &b->best[entry.state]) < 0) {
		b->best[entry.state] = entry;
	}
}

static int by_state(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* Whether an entry may be part of a plan as good as the known one, all that is outside being `beyond` or farther. */
static bool promises(const struct builder *b, const struct vn_entry *entry, uint32_t beyond)
{
	const struct vn_states *states = &b->split->states;
	size_t left = states->n - 1 - entry->state;
	struct vn_entry rest = b->rest[left];

	rest.spill += entry->spill;
	rest.squeeze += entry->squeeze;
	rest.distance += entry->distance + (int64_t)beyond * vn_states_cross(states, entry->state, left);
	return vn_entry_compare(&rest, &b->split->limit) <= 0;
}

/* Moves what was told into a table, without what promises nothing; at the root, nothing may be left over. */
static int take(struct builder *b, uint32_t beyond, bool root, struct vn_table *ret_table)
{
	size_t n = 0;

	for (size_t i = 0; i < b->n_touched; i++) {
		uint32_t state = b->touched[i];
		b->told[state] = false;
		if (root ? state == b->split->states.n - 1 : promises(b, &b->best[state], beyond))
			b->touched[n++] = state;
	}
	b->n_touched = 0;
	b->n_entries += n;
	if (b->n_entries > MAX_ENTRIES) {
		b->split->too_much = true;
		return 0;
	}
	struct vn_entry *entries = malloc((n + 1) * sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	bool sorted = true;
	for (size_t i = 1; i < n; i++)
		sorted &= b->touched[i - 1] < b->touched[i];
	if (!sorted)
		qsort(b->touched, n, sizeof(*b->touched), by_state);
	for (size_t i = 0; i < n; i++)
		entries[i] = b->best[b->touched[i]];
	*ret_table = (struct vn_table){n, entries};
	return 0;
}

/* ---- leaves ---- */

/* What one place makes of a choice. False: it may not be there. */
static bool weigh_leaf(const struct vn_split *s, size_t place, size_t state, struct vn_entry *ret)
{
	const struct vn_instance *in = s->in;
	const struct vn_sum *sum = &s->states.sums[state];
	const struct vn_partial *p = s->partial;
	const struct vn_place *there = &in->places[place];
	uint64_t cores = p->cores[place] + sum->cores;
	struct vn_entry entry = {.state = (uint32_t)state};

	for (size_t k = 0; k < in->n_pools; k++) {
		uint64_t room = vn_room(in, k, place), before = p->demand[k * in->n_places + place];
		entry.spill += vn_excess(before + s->states.memory[k * s->states.n + state], room) -
			       vn_excess(before, room);
	}
	uint64_t before[VN_MAX_JOINT], after[VN_MAX_JOINT]; /* cores' worth of each guest */
	for (size_t g = 0; g < in->n_groups; g++) {
		const struct vn_group *group = &in->groups[g];
		before[g] = p->own_cores[g * in->n_places + place];
		after[g] = before[g] + s->states.own_cores[g * s->states.n + state];
		if (group->exclusive && sum->cores > 0 && after[g] > 0 &&
			there->load + cores > group->cores[place])
			return false;
		entry.distance += s->states.vcpus[g * s->states.n + state] *
				  s->states.mib[g * s->states.n + state] *
				  (int64_t)vn_distance(in, place, place);
	}
	if (sum->cores > 0)
		entry.squeeze = (uint32_t)(vn_squeeze(in, place, cores, after) -
					   vn_squeeze(in, place, p->cores[place], before));
	*ret = entry;
	return true;
}

/* Tells every choice that a place can take: kind by kind from the last one, that is in order, as many as go without passing the
 * limit. `so_far`: what has been chosen of the kinds from `kind` on; without `pull`. */
static void fill_leaf(struct builder *b, size_t place, size_t kind, struct vn_entry so_far, int64_t pull)
{
	const struct vn_split *s = b->split;

	if (kind == 0) {
		so_far.distance += pull;
		tell(b, so_far);
		return;
	}
	const struct vn_kind *that = &s->states.kinds[kind - 1];
	int64_t one = s->pulls ? s->pulls[that->part * s->in->n_places + place] : 0;
	fill_leaf(b, place, kind - 1, so_far, pull);
	for (size_t n = 1; n <= that->n && vn_may_home(s->in, that->part, place); n++) {
		if (!weigh_leaf(s, place, so_far.state + that->stride, &so_far) ||
			so_far.spill > s->limit.spill ||
			(so_far.spill == s->limit.spill && so_far.squeeze > s->limit.squeeze))
			return;
		fill_leaf(b, place, kind - 1, so_far, pull + (int64_t)n * one);
	}
}

/* ---- inner branches ---- */

/* Counts steps; true when the time is up. */
static bool late(struct builder *b, size_t steps)
{
	b->steps += steps;
	if (b->steps > 1u << 16) {
		b->steps = 0;
		b->split->late |= vn_deadline_passed(b->deadline);
	}
	return b->split->late;
}

static void join_entries(
	struct builder *b, const struct vn_entry *a, const struct vn_entry *c, uint32_t distance)
{
	struct vn_entry both = vn_split_join(b->split, a, c, distance);

	if (vn_entry_compare(&both, &b->split->limit) <= 0)
		tell(b, both);
}

/* Puts two tables together that have few entries: each with each. */
static void join_sparse(
	struct builder *b, const struct vn_table *left, const struct vn_table *right, uint32_t distance)
{
	for (size_t i = 0; i < left->n && !late(b, right->n); i++) {
		const struct vn_entry *a = &left->entries[i];
		for (size_t j = 0; j < right->n; j++) {
			const struct vn_entry *c = &right->entries[j];
			if (vn_states_fit(&b->split->states, a->state, c->state))
				join_entries(b, a, c, distance);
		}
	}
}

/* Whether all costs fit into one number. Where no plan is known they may be anything. */
static struct packing find_packing(const struct vn_split *s)
{
	const struct vn_instance *in = s->in;
	const size_t all = s->states.n - 1;
	struct packing packing = {.unit = VN_MAX_ROOM};
	vn_i128 distance = 1, squeeze = s->states.sums[all].cores + 1, spill;

	for (size_t g = 0; g < in->n_groups; g++)
		distance += (vn_i128)s->states.vcpus[g * s->states.n + all] *
			    s->states.mib[g * s->states.n + all] * VN_DISTANCE_UNREACHABLE;
	for (size_t t = 0; t < s->states.n_kinds && s->pulls; t++) {
		int64_t most = 0;
		for (size_t i = 0; i < in->n_places; i++)
			most = s->pulls[s->states.kinds[t].part * in->n_places + i] > most
				       ? s->pulls[s->states.kinds[t].part * in->n_places + i]
				       : most;
		distance += (vn_i128)most * (vn_i128)s->states.kinds[t].n;
	}
	for (size_t v = 0; v < in->n_parts; v++)
		while (in->parts[v].memory % packing.unit)
			packing.unit /= 2;
	for (size_t i = 0; i < in->n_places * in->n_pools; i++)
		while (in->rooms[i] % packing.unit)
			packing.unit /= 2;
	spill = 2 * ((vn_i128)s->limit.spill / packing.unit) + 1; /* of two tables' entries together */
	packing.possible = s->limit.distance < distance && distance * squeeze * spill < NOWHERE / 4;
	if (packing.possible) {
		packing.of_squeeze = (int64_t)distance;
		packing.of_spill = (int64_t)(distance * squeeze);
	}
	return packing;
}

static int64_t pack(const struct builder *b, const struct vn_entry *entry)
{
	return (int64_t)(entry->spill / b->packing.unit) * b->packing.of_spill +
	       (int64_t)entry->squeeze * b->packing.of_squeeze + entry->distance;
}

static struct vn_entry unpack(const struct builder *b, int64_t cost, size_t state)
{
	return (struct vn_entry){.spill = (uint64_t)(cost / b->packing.of_spill) * b->packing.unit,
		.squeeze = (uint32_t)(cost % b->packing.of_spill / b->packing.of_squeeze),
		.distance = cost % b->packing.of_squeeze,
		.state = (uint32_t)state};
}

/* What a choice's vCPUs and memory are worth together, per unit of distance. */
static int64_t product(const struct vn_states *states, size_t state)
{
	int64_t sum = 0;

	for (size_t g = 0; g < states->in->n_groups; g++)
		sum += states->vcpus[g * states->n + state] * states->mib[g * states->n + state];
	return sum;
}

/* The least that a choice can be split into; choice by choice of what one side holds, as an odometer counts. */
static int64_t least_split(
	const struct vn_states *states, size_t all, const int64_t *left, const int64_t *right)
{
	size_t most[VN_MAX_KINDS], digits[VN_MAX_KINDS] = {0}, state = 0, k = 0;
	int64_t least = 2 * NOWHERE;

	for (size_t t = 0; t < states->n_kinds; t++)
		most[t] = vn_states_count(states, all, t);
	while (k < states->n_kinds) {
		int64_t sum = left[state] + right[all - state];
		least = sum < least ? sum : least;
		for (k = 0; k < states->n_kinds && digits[k] == most[k]; k++) {
			state -= digits[k] * states->kinds[k].stride;
			digits[k] = 0;
		}
		if (k < states->n_kinds) {
			digits[k]++;
			state += states->kinds[k].stride;
		}
	}
	return least;
}

/* The same where no two parts are of a kind: a choice's bits are its parts. */
static int64_t least_subset(size_t all, const int64_t *left, const int64_t *right)
{
	int64_t least = left[0] + right[all];

	for (size_t state = all; state > 0; state = (state - 1) & all) {
		int64_t sum = left[state] + right[all - state];
		least = sum < least ? sum : least;
	}
	return least;
}

/*
 * Puts two tables together choice by choice. What crosses between choices A and B is, per unit of distance, P(A + B) - P(A) - P(B),
 * where P is a choice's vCPUs times its memory. So with P times the distance taken off every entry beforehand, what is left to
 * find is the least of plain sums.
 */
static void join_dense(
	struct builder *b, const struct vn_table *left, const struct vn_table *right, uint32_t distance)
{
	const struct vn_states *states = &b->split->states;
	int64_t *from_left = b->rates, *from_right = b->rates + states->n, limit = pack(b, &b->split->limit);
	bool single = states->n == (size_t)1 << states->n_kinds;

	for (size_t state = 0; state < 2 * states->n; state++)
		b->rates[state] = NOWHERE;
	for (size_t i = 0; i < left->n; i++) {
		const struct vn_entry *entry = &left->entries[i];
		from_left[entry->state] = pack(b, entry) - distance * product(states, entry->state);
	}
	for (size_t i = 0; i < right->n; i++) {
		const struct vn_entry *entry = &right->entries[i];
		from_right[entry->state] = pack(b, entry) - distance * product(states, entry->state);
	}
	for (size_t state = 0; state < states->n && !late(b, b->n_pairs / states->n); state++) {
		int64_t least = single ? least_subset(state, from_left, from_right)
				       : least_split(states, state, from_left, from_right);
		if (least >= NOWHERE / 2)
			continue;
		least += distance * product(states, state);
		if (least <= limit)
			tell(b, unpack(b, least, state));
	}
}

static void join_tables(
	struct builder *b, const struct vn_table *left, const struct vn_table *right, uint32_t distance)
{
	if (b->packing.possible && 8 * left->n * right->n > b->n_pairs)
		join_dense(b, left, right, distance);
	else
		join_sparse(b, left, right, distance);
}

/* Of the root's table only what holds all parts is wanted. */
static void join_root(
	struct builder *b, const struct vn_table *left, const struct vn_table *right, uint32_t distance)
{
	for (size_t i = 0; i < left->n; i++) {
		const struct vn_entry *c =
			vn_table_find(right, b->split->states.n - 1 - left->entries[i].state);
		if (c)
			join_entries(b, &left->entries[i], c, distance);
	}
}

/* ---- the better host ---- */

/* At first only what is certain without it: at best, all that is left over is in one place, where it costs the least. */
static void fill_rest(struct builder *b)
{
	const struct vn_split *s = b->split;
	uint32_t nearest = UINT32_MAX;
	int64_t least[VN_MAX_KINDS] = {0};

	for (size_t k = 0; k < s->tree.n; k++) {
		const struct vn_branch *leaf = &s->tree.branches[k];
		nearest = leaf->distance < nearest ? leaf->distance : nearest;
		for (size_t t = 0; t < s->states.n_kinds && s->pulls && leaf->left == VN_NO_NODE; t++) {
			int64_t pull = s->pulls[s->states.kinds[t].part * s->in->n_places + leaf->place];
			least[t] = k == 0 || pull < least[t] ? pull : least[t];
		}
	}
	for (size_t state = 0; state < s->states.n; state++) {
		struct vn_entry *rest = &b->rest[state];
		*rest = (struct vn_entry){.state = (uint32_t)state};
		for (size_t g = 0; g < s->in->n_groups; g++)
			rest->distance += s->states.vcpus[g * s->states.n + state] *
					  s->states.mib[g * s->states.n + state] * nearest;
		for (size_t t = 0; t < s->states.n_kinds; t++)
			rest->distance += (int64_t)vn_states_count(&s->states, state, t) * least[t];
	}
}

/* The most branches that one branch joins at each distance, counting from the level below: powers of two are built. */
static unsigned doublings(const struct vn_hierarchy *tree, uint32_t distance)
{
	size_t most = 1;
	unsigned n = 0;

	for (size_t k = 0; k < tree->n; k++) {
		const struct vn_branch *branch = &tree->branches[k];
		if (branch->left == VN_NO_NODE || branch->distance != distance || branch->beyond == distance)
			continue; /* only those on top of their level */
		size_t below = SIZE_MAX; /* leaves of the smallest branch of the level below */
		for (size_t l = 0; l < k; l++) {
			const struct vn_branch *lower = &tree->branches[l];
			if (lower->beyond == distance &&
				(lower->left == VN_NO_NODE || lower->distance < distance))
				below = lower->n_leaves < below ? lower->n_leaves : below;
		}
		size_t joined = below == SIZE_MAX ? 1 : (branch->n_leaves + below - 1) / below;
		most = joined > most ? joined : most;
	}
	while ((size_t)1 << n < most)
		n++;
	return n;
}

/* Doubles the table of a level as often as its branches may be joined. */
static int raise_level(struct builder *b, uint32_t distance, struct vn_table *table)
{
	for (unsigned n = doublings(&b->split->tree, distance); n > 0 && !b->split->late; n--) {
		struct vn_table twice = {0};
		join_tables(b, table, table, distance);
		uint64_t before = b->n_entries;
		int r = take(b, 0, false, &twice);
		b->n_entries = before;
		if (r < 0)
			return r;
		free(table->entries);
		*table = twice;
	}
	return 0;
}

/* The levels of the tree from below, each distance once. */
static int build_better_host(struct builder *b, struct vn_table *table)
{
	int64_t distance = -1;

	while (!b->split->late && !b->split->too_much) {
		uint32_t next = UINT32_MAX;
		for (size_t k = 0; k < b->split->tree.n; k++) {
			const struct vn_branch *branch = &b->split->tree.branches[k];
			if (branch->left != VN_NO_NODE && (int64_t)branch->distance > distance &&
				branch->distance < next)
				next = branch->distance;
		}
		if (next == UINT32_MAX)
			break;
		distance = next;
		int r = raise_level(b, next, table);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Replaces `rest` by what the better host says; what it cannot hold nobody can. */
static int improve_rest(struct builder *b)
{
	const struct vn_split *s = b->split;
	struct vn_table table = {0};

	for (size_t k = 0; k < s->tree.n; k++) {
		const struct vn_table *leaf = &s->tables[k];
		for (size_t i = 0; s->tree.branches[k].left == VN_NO_NODE && i < leaf->n; i++)
			tell(b, leaf->entries[i]);
	}
	uint64_t before = b->n_entries;
	int r = take(b, 0, false, &table);
	b->n_entries = before;
	if (r >= 0 && table.n <= MAX_BETTER_HOST)
		r = build_better_host(b, &table);
	else
		before = UINT64_MAX;
	if (r >= 0 && before != UINT64_MAX && !s->late && !s->too_much) {
		for (size_t state = 0; state < s->states.n; state++)
			b->rest[state].spill = UINT64_MAX / 4; /* nowhere */
		for (size_t i = 0; i < table.n; i++)
			b->rest[table.entries[i].state] = table.entries[i];
	}
	free(table.entries);
	return r;
}

/* ---- all of it ---- */

static int build_leaves(struct builder *b)
{
	struct vn_split *s = b->split;
	int r = 0;

	for (size_t k = 0; k < s->tree.n && r >= 0 && !s->too_much; k++) {
		const struct vn_branch *branch = &s->tree.branches[k];
		if (branch->left != VN_NO_NODE || branch->twin != k)
			continue;
		fill_leaf(b, branch->place, s->states.n_kinds, (struct vn_entry){0}, 0);
		r = take(b, branch->beyond, k + 1 == s->tree.n, &s->tables[k]);
	}
	return r;
}

/* Throws out of the leaves what the better host shows to be worth nothing. */
static void sift_leaves(struct builder *b)
{
	for (size_t k = 0; k < b->split->tree.n; k++) {
		struct vn_table *table = &b->split->tables[k];
		size_t n = 0;
		for (size_t i = 0; i < table->n; i++) {
			if (promises(b, &table->entries[i], b->split->tree.branches[k].beyond))
				table->entries[n++] = table->entries[i];
		}
		table->n = n;
	}
}

static int build_tables(struct builder *b)
{
	struct vn_split *s = b->split;

	b->packing = find_packing(s);
	b->n_pairs = 1;
	for (size_t t = 0; t < s->states.n_kinds; t++)
		b->n_pairs *= (s->states.kinds[t].n + 1) * (s->states.kinds[t].n + 2) / 2;
	fill_rest(b);
	int r = build_leaves(b);
	if (r >= 0 && !s->too_much)
		r = improve_rest(b);
	if (r < 0 || s->late || s->too_much)
		return r;
	sift_leaves(b);
	for (size_t k = 0; k < s->tree.n && r >= 0 && !s->late && !s->too_much; k++) {
		const struct vn_branch *branch = &s->tree.branches[k];
		if (branch->left == VN_NO_NODE || branch->twin != k)
			continue;
		(k + 1 == s->tree.n ? join_root : join_tables)(b, vn_split_table(s, branch->left),
			vn_split_table(s, branch->right), branch->distance);
		r = take(b, branch->beyond, k + 1 == s->tree.n, &s->tables[k]);
	}
	return r;
}

/* The places that take part (some free part may live there), each with the lowest that is like it; none: false. */
static bool find_alike(const struct vn_split *s, const size_t *free_parts, size_t n_free, size_t *alike)
{
	bool any = false;

	for (size_t i = 0; i < s->in->n_places; i++) {
		bool open = false;
		for (size_t k = 0; k < n_free && !open; k++)
			open = vn_partial_admits(s->partial, free_parts[k], i);
		alike[i] = open ? i : VN_NO_NODE;
		any |= open;
		for (size_t j = 0; j < i && open; j++) {
			bool same = alike[j] == j && s->partial->tenants[j] == 0 &&
				    s->partial->tenants[i] == 0 && vn_places_alike(s->in, i, j);
			for (size_t k = 0; k < n_free && same && s->pulls; k++)
				same = s->pulls[free_parts[k] * s->in->n_places + i] ==
				       s->pulls[free_parts[k] * s->in->n_places + j];
			if (same) {
				alike[i] = j;
				break;
			}
		}
	}
	return any;
}

/* What the devices and the fixed parts make of each place for each part. */
static int find_pulls(struct vn_split *s)
{
	const struct vn_instance *in = s->in;
	bool none = !in->pulls;

	for (size_t v = 0; v < in->n_parts; v++)
		none &= s->partial->homes[v] == VN_NOWHERE;
	if (none)
		return 0;
	s->pulls = calloc(in->n_parts * in->n_places, sizeof(*s->pulls));
	if (!s->pulls)
		return -ENOMEM;
	for (size_t v = 0; v < in->n_parts; v++) {
		const struct vn_part *part = &in->parts[v];
		for (size_t i = 0; i < in->n_places && s->partial->homes[v] == VN_NOWHERE; i++)
			s->pulls[v * in->n_places + i] =
				vn_partial_step(s->partial, v, i).distance -
				(int64_t)(part->vcpus * part->mib) * vn_distance(in, i, i);
	}
	return 0;
}

/* The plan known already, less what is fixed. */
static struct vn_entry limit_of(const struct vn_partial *partial, const struct vn_cost *known)
{
	uint64_t squeeze = known->squeeze - partial->squeeze;

	return (struct vn_entry){
		.spill = known->spill - partial->spill,
		.squeeze = squeeze > UINT32_MAX ? UINT32_MAX : (uint32_t)squeeze,
		.distance = (int64_t)(known->distance - partial->distance),
	};
}

static int prepare(struct vn_split *s)
{
	const struct vn_instance *in = s->in;
	vn_autofree size_t *free_parts = calloc(in->n_parts + 1, sizeof(*free_parts));
	vn_autofree size_t *alike = calloc(in->n_places + 1, sizeof(*alike));
	size_t n = 0;

	if (!free_parts || !alike)
		return -ENOMEM;
	for (size_t v = 0; v < in->n_parts; v++) {
		if (s->partial->homes[v] == VN_NOWHERE)
			free_parts[n++] = v;
	}
	int r = find_pulls(s);
	if (r < 0)
		return r;
	if (!find_alike(s, free_parts, n, alike)) {
		s->too_much = true;
		return 0;
	}
	r = vn_states_make(in, free_parts, n, s->pulls, MAX_CHOICES, &s->states);
	s->too_much = r == -E2BIG;
	if (r < 0)
		return s->too_much ? 0 : r;
	return vn_hierarchy_make(in, alike, &s->tree);
}

int vn_split_make(const struct vn_partial *partial, const struct vn_cost *known,
	const struct vn_deadline *deadline, struct vn_split *ret_split)
{
	struct vn_split s = {.in = partial->in, .partial = partial, .limit = limit_of(partial, known)};
	vn_cleanup(builder_clear) struct builder b = {.split = &s, .deadline = deadline};
	int r = prepare(&s);

	if (r >= 0 && !s.too_much) {
		s.tables = calloc(s.tree.n, sizeof(*s.tables));
		b.best = calloc(s.states.n, sizeof(*b.best));
		b.told = calloc(s.states.n, sizeof(*b.told));
		b.touched = calloc(s.states.n, sizeof(*b.touched));
		b.rest = calloc(s.states.n, sizeof(*b.rest));
		b.rates = calloc(2 * s.states.n, sizeof(*b.rates));
		r = s.tables && b.best && b.told && b.touched && b.rest && b.rates ? build_tables(&b)
										   : -ENOMEM;
	}
	if (r < 0) {
		vn_split_clear(&s);
		return r;
	}
	*ret_split = s;
	return 0;
}

void vn_split_clear(struct vn_split *split)
{
	for (size_t k = 0; split->tables && k < split->tree.n; k++)
		free(split->tables[k].entries);
	free(split->tables);
	free(split->pulls);
	vn_states_clear(&split->states);
	vn_hierarchy_clear(&split->tree);
	*split = (struct vn_split){0};
}
