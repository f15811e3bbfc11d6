/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 *
 * The tables of split.c tell the least spill, squeeze and distance, and by that which entries take part in a plan that costs just
 * that: the root's, and going down each entry of the two subtrees that one of these is the sum of. All others are dropped. What
 * is left is usually small, and the levels below are settled on it, from the leaves up:
 *
 * load           of an entry: the lowest that the fullest of its places can be. (The load is no sum, so it cannot be reckoned
 *                along with the levels above.) The root's is the optimum, and leaves' entries beyond it go.
 * fragmentation  a sum again, of the entries left.
 * ties           vnode by vnode the lowest place is taken that leaves a way to complete the plan: each subtree must hold at
 *                least what has been put into it so far. Only subtrees that hold something need be looked into.
 *
 * Where memory spills, it lands on places outside the branch and the free memory left behind is no sum over places: then
 * fragmentation and ties are left to the search.
 */
#include "partition.h"

#include <stdlib.h>

#include "split.h"

struct value {
	bool alive; /* takes part in a plan that is the best as far as it is settled */
	uint64_t busy, cores; /* the lowest load of the fullest place: busy / cores */
	vn_i128 squares; /* the fragmentation; negative where it should be large */
};

struct work {
	struct vn_split split;
	const struct vn_partial *partial;
	const struct vn_deadline *deadline;
	struct value **values; /* per branch that has a table: per entry */
	bool with_load, with_squares; /* whether splits must match in these, too */
	uint64_t busy, cores; /* the load that must not be passed */
	size_t *parent; /* per branch */
	size_t *leaf; /* per place: its branch, or VN_NO_NODE */
	size_t *need; /* per branch: what has been put there for good */
	unsigned steps;
	bool late;
};

static void work_clear(struct work *w)
{
	for (size_t k = 0; w->values && k < w->split.tree.n; k++)
		free(w->values[k]);
	free(w->values);
	free(w->parent);
	vn_split_clear(&w->split);
}

static bool is_leaf(const struct work *w, size_t branch)
{
	return w->split.tree.branches[branch].left == VN_NO_NODE;
}

static bool has_table(const struct work *w, size_t branch)
{
	return w->split.tree.branches[branch].twin == branch;
}

static struct value *value_of(const struct work *w, size_t branch, const struct vn_entry *entry)
{
	size_t twin = w->split.tree.branches[branch].twin;

	return &w->values[twin][entry - w->split.tables[twin].entries];
}

/* Called for each way in which `entry` of a branch is the sum of entries of its subtrees. True: enough. */
typedef bool visitor(struct work *w, size_t branch, const struct vn_entry *entry, const struct vn_entry *a,
	const struct vn_entry *b);

static bool splits_of(struct work *w, size_t k, const struct vn_entry *entry, visitor *visit)
{
	const struct vn_branch *branch = &w->split.tree.branches[k];
	const struct vn_table *left = vn_split_table(&w->split, branch->left),
			      *right = vn_split_table(&w->split, branch->right);

	for (size_t i = 0; i < left->n && left->entries[i].state <= entry->state; i++) {
		const struct vn_entry *a = &left->entries[i];
		if (++w->steps % 65536 == 0)
			w->late |= vn_deadline_passed(w->deadline);
		if (w->late)
			return false;
		if (!value_of(w, branch->left, a)->alive ||
			!vn_states_holds(&w->split.states, entry->state, a->state))
			continue;
		const struct vn_entry *b = vn_table_find(right, entry->state - a->state);
		if (!b || !value_of(w, branch->right, b)->alive)
			continue;
		struct vn_entry both = vn_split_join(&w->split, a, b, branch->distance);
		if (vn_entry_compare(&both, entry) == 0 && visit(w, k, entry, a, b))
			return true;
	}
	return false;
}

/* From the leaves up: each branch's entries that are alive. */
static void go_up(struct work *w, void leaf(struct work *, size_t, const struct vn_entry *), visitor *visit)
{
	for (size_t k = 0; k < w->split.tree.n; k++) {
		const struct vn_table *table = &w->split.tables[k];
		for (size_t i = 0; has_table(w, k) && i < table->n; i++) {
			if (!w->values[k][i].alive)
				continue;
			if (is_leaf(w, k))
				leaf(w, k, &table->entries[i]);
			else
				splits_of(w, k, &table->entries[i], visit);
		}
	}
}

/* ---- what takes part ---- */

static int load_order(const struct value *a, const struct value *b)
{
	return vn_load_compare(a->busy, a->cores, b->busy, b->cores);
}

static bool mark(struct work *w, size_t k, const struct vn_entry *entry, const struct vn_entry *a,
	const struct vn_entry *b)
{
	const struct vn_branch *branch = &w->split.tree.branches[k];
	struct value *x = value_of(w, branch->left, a), *y = value_of(w, branch->right, b);

	if (w->with_squares && value_of(w, k, entry)->squares != x->squares + y->squares)
		return false;
	x->cores |= UINT64_C(1) << 63; /* a mark; no place has that many cores */
	y->cores |= UINT64_C(1) << 63;
	return false;
}

/* Lets only those live that take part in a best plan. */
static void go_down(struct work *w)
{
	const uint64_t bit = UINT64_C(1) << 63;
	size_t root = w->split.tree.n - 1;

	for (size_t i = 0; i < w->split.tables[root].n; i++)
		w->values[root][i].cores |= w->values[root][i].alive ? bit : 0;
	for (size_t k = w->split.tree.n; k-- > 0;) {
		for (size_t i = 0; has_table(w, k) && i < w->split.tables[k].n; i++) {
			struct value *value = &w->values[k][i];
			value->alive = value->cores & bit;
			value->cores &= ~bit;
			if (value->alive && !is_leaf(w, k))
				splits_of(w, k, &w->split.tables[k].entries[i], mark);
		}
	}
}

/* ---- load ---- */

static void leaf_load(struct work *w, size_t k, const struct vn_entry *entry)
{
	size_t i = w->split.tree.branches[k].place;
	const struct vn_place *place = &w->split.in->places[i];
	struct value *value = value_of(w, k, entry);

	if (place->cores == 0)
		return;
	value->busy = place->load + w->partial->cores[i] + w->split.states.sums[entry->state].cores;
	value->cores = place->cores;
	if (w->with_load && vn_load_compare(value->busy, value->cores, w->busy, w->cores) > 0)
		value->alive = false;
}

static bool join_load(struct work *w, size_t k, const struct vn_entry *entry, const struct vn_entry *a,
	const struct vn_entry *b)
{
	const struct vn_branch *branch = &w->split.tree.branches[k];
	struct value *value = value_of(w, k, entry), *x = value_of(w, branch->left, a),
		     *y = value_of(w, branch->right, b);
	const struct value *higher = load_order(x, y) < 0 ? y : x;

	if (value->cores == 0 || load_order(higher, value) < 0) {
		value->busy = higher->busy;
		value->cores = higher->cores;
	}
	return false;
}

/* The load of the best plan, places outside the tree counted. */
static void settle_load(struct work *w)
{
	size_t root = w->split.tree.n - 1;

	for (size_t k = 0; k < w->split.tree.n; k++) {
		for (size_t i = 0; has_table(w, k) && i < w->split.tables[k].n; i++)
			w->values[k][i].cores = is_leaf(w, k);
	}
	go_up(w, leaf_load, join_load);
	w->busy = w->values[root][0].busy;
	w->cores = w->values[root][0].cores;
	for (size_t i = 0; i < w->split.in->n_places; i++) {
		const struct vn_place *place = &w->split.in->places[i];
		uint64_t busy = place->load + w->partial->cores[i];
		if (place->cores > 0 && vn_load_compare(busy, place->cores, w->busy, w->cores) > 0) {
			w->busy = busy;
			w->cores = place->cores;
		}
	}
}

/* ---- fragmentation ---- */

static void leaf_squares(struct work *w, size_t k, const struct vn_entry *entry)
{
	const struct vn_instance *in = w->split.in;
	size_t i = w->split.tree.branches[k].place;
	struct value *value = value_of(w, k, entry);

	value->squares = 0;
	for (size_t p = 0; p < in->n_pools; p++) {
		uint64_t demand = w->partial->demand[p * in->n_places + i] +
				  w->split.states.memory[p * w->split.states.n + entry->state];
		vn_i128 mib = (vn_i128)(vn_excess(vn_room(in, p, i), demand) / VN_MIB);
		value->squares += in->policy == VN_POLICY_PACK ? -mib * mib : mib * mib;
	}
	leaf_load(w, k, entry);
}

static bool join_squares(struct work *w, size_t k, const struct vn_entry *entry, const struct vn_entry *a,
	const struct vn_entry *b)
{
	const struct vn_branch *branch = &w->split.tree.branches[k];
	struct value *value = value_of(w, k, entry);
	vn_i128 squares = value_of(w, branch->left, a)->squares + value_of(w, branch->right, b)->squares;

	if (value->cores == 0 || squares < value->squares)
		value->squares = squares;
	value->cores = 1; /* there is a way */
	return false;
}

/* Those that pass the load go, from the leaves up, and of the others the best squares are found. */
static void settle_squares(struct work *w)
{
	for (size_t k = 0; k < w->split.tree.n; k++) {
		for (size_t i = 0; has_table(w, k) && i < w->split.tables[k].n; i++)
			w->values[k][i].cores = 0;
	}
	w->with_load = true;
	for (size_t k = 0; k < w->split.tree.n; k++) {
		const struct vn_table *table = &w->split.tables[k];
		for (size_t i = 0; has_table(w, k) && i < table->n; i++) {
			struct value *value = &w->values[k][i];
			if (!value->alive)
				continue;
			if (is_leaf(w, k)) {
				leaf_squares(w, k, &table->entries[i]);
			} else {
				splits_of(w, k, &table->entries[i], join_squares);
				value->alive = value->cores == 1;
			}
		}
	}
	for (size_t k = 0; k < w->split.tree.n; k++) {
		for (size_t i = 0; has_table(w, k) && i < w->split.tables[k].n; i++)
			w->values[k][i].cores = 0;
	}
}

/* ---- ties ---- */

static bool can_hold(struct work *w, size_t k, const struct vn_entry *entry);

static bool try_split(struct work *w, size_t k, const struct vn_entry *entry, const struct vn_entry *a,
	const struct vn_entry *b)
{
	const struct vn_branch *branch = &w->split.tree.branches[k];

	if (w->with_squares &&
		value_of(w, k, entry)->squares !=
			value_of(w, branch->left, a)->squares + value_of(w, branch->right, b)->squares)
		return false;
	return can_hold(w, branch->left, a) && can_hold(w, branch->right, b);
}

/* Whether a branch can hold an entry such that everybody who was put somewhere is there. */
static bool can_hold(struct work *w, size_t k, const struct vn_entry *entry)
{
	if (w->need[k] == 0)
		return true;
	if (!vn_states_holds(&w->split.states, entry->state, w->need[k]))
		return false;
	return is_leaf(w, k) || splits_of(w, k, entry, try_split);
}

static void put(struct work *w, size_t leaf, size_t stride, bool in)
{
	for (size_t k = leaf; k != VN_NO_NODE; k = w->parent[k])
		w->need[k] += in ? stride : -stride;
}

static bool tried_twin(const struct work *w, size_t place)
{
	const struct vn_instance *in = w->split.in;

	if (w->need[w->leaf[place]] > 0 || w->partial->tenants[place] > 0)
		return false;
	for (size_t i = in->places[place].class; i < place; i++) {
		if (in->places[i].class == in->places[place].class && w->leaf[i] != VN_NO_NODE &&
			w->need[w->leaf[i]] == 0 && w->partial->tenants[i] == 0)
			return true;
	}
	return false;
}

/* The lowest place for one part of a kind, from `lowest` on; n_places when the time is up. */
static size_t find_place(struct work *w, const struct vn_kind *kind, size_t lowest)
{
	size_t root = w->split.tree.n - 1, i;

	for (i = lowest; i < w->split.in->n_places && !w->late; i++) {
		if (w->leaf[i] == VN_NO_NODE || tried_twin(w, i))
			continue;
		put(w, w->leaf[i], kind->stride, true);
		if (can_hold(w, root, &w->split.tables[root].entries[0]))
			return i;
		put(w, w->leaf[i], kind->stride, false);
	}
	return w->split.in->n_places;
}

static const struct vn_kind *kind_of(const struct work *w, size_t part)
{
	const struct vn_states *states = &w->split.states;
	const struct vn_instance *in = w->split.in;

	for (size_t t = 0; t < states->n_kinds; t++) {
		const struct vn_kind *kind = &states->kinds[t];
		bool same = kind->part == part || vn_parts_equal(in, kind->part, part);
		for (size_t i = 0; i < in->n_places && same && w->split.pulls; i++)
			same = w->split.pulls[kind->part * in->n_places + i] ==
			       w->split.pulls[part * in->n_places + i];
		if (same)
			return kind;
	}
	return NULL;
}

static int settle_ties(struct work *w, size_t *homes)
{
	size_t lowest[VN_MAX_KINDS] = {0};

	for (size_t v = 0; v < w->split.in->n_parts; v++) {
		if (w->partial->homes[v] != VN_NOWHERE) {
			homes[v] = w->partial->homes[v];
			continue;
		}
		const struct vn_kind *kind = kind_of(w, v);
		size_t *from = &lowest[kind - w->split.states.kinds];
		homes[v] = *from = find_place(w, kind, *from);
		if (w->late)
			return 0;
		if (homes[v] == w->split.in->n_places)
			return -EINVAL; /* cannot happen: what is alive can be completed */
	}
	return 0;
}

/* ---- all of it ---- */

static int work_make(struct work *w)
{
	const struct vn_hierarchy *tree = &w->split.tree;
	size_t n_places = w->split.in->n_places;

	w->values = calloc(tree->n, sizeof(*w->values));
	w->parent = malloc((2 * tree->n + n_places) * sizeof(*w->parent));
	if (!w->values || !w->parent)
		return -ENOMEM;
	w->need = w->parent + tree->n;
	w->leaf = w->need + tree->n;
	for (size_t i = 0; i < n_places; i++)
		w->leaf[i] = VN_NO_NODE;
	for (size_t k = 0; k < tree->n; k++) {
		const struct vn_branch *branch = &tree->branches[k];
		w->need[k] = 0;
		w->parent[k] = VN_NO_NODE;
		if (branch->left == VN_NO_NODE)
			w->leaf[branch->place] = k;
		else
			w->parent[branch->left] = w->parent[branch->right] = k;
		w->values[k] = calloc(w->split.tables[k].n + 1, sizeof(*w->values[k]));
		if (!w->values[k])
			return -ENOMEM;
		for (size_t i = 0; i < w->split.tables[k].n; i++)
			w->values[k][i].alive = true;
	}
	return 0;
}

/* Everything below the distance. */
static int settle_rest(struct work *w, struct vn_partition *partition)
{
	int r = work_make(w);

	if (r < 0)
		return r;
	go_down(w);
	settle_load(w);
	settle_squares(w);
	w->with_squares = partition->cost.spill == 0;
	go_down(w);
	partition->cost.load_vcpus = w->busy;
	partition->cost.load_cores = w->cores;
	partition->homes = calloc(w->split.in->n_parts + 1, sizeof(*partition->homes));
	if (!partition->homes)
		return -ENOMEM;
	r = w->late ? 0 : settle_ties(w, partition->homes);
	partition->done = !w->late;
	partition->settled = w->with_squares;
	return r;
}

int vn_partition_solve(const struct vn_partial *partial, const struct vn_cost *known,
	const struct vn_deadline *deadline, struct vn_partition *ret_partition)
{
	vn_cleanup(work_clear) struct work w = {.partial = partial, .deadline = deadline};
	struct vn_partition partition = {0};

	int r = vn_split_make(partial, known, deadline, &w.split);
	if (r < 0)
		return r;
	if (!w.split.too_much && !w.split.late && w.split.tables[w.split.tree.n - 1].n > 0) {
		const struct vn_table *root = &w.split.tables[w.split.tree.n - 1];
		const struct vn_entry *all = vn_table_find(root, w.split.states.n - 1);
		partition.done = all != NULL;
		partition.exact = w.split.tree.exact;
		partition.cost = (struct vn_cost){.spill = partial->spill + (all ? all->spill : 0),
			.squeeze = partial->squeeze + (all ? all->squeeze : 0),
			.distance = partial->distance + (all ? all->distance : 0),
			.load_cores = 1};
		if (all && partition.exact)
			r = settle_rest(&w, &partition);
	}
	if (r < 0) {
		vn_partition_clear(&partition);
		return r;
	}
	*ret_partition = partition;
	return 0;
}

void vn_partition_clear(struct vn_partition *partition)
{
	free(partition->homes);
	*partition = (struct vn_partition){0};
}
