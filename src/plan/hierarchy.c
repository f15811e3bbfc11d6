/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: hosts are built of packages within boards within cabinets, and their distances say so: two places are as
 * far apart as the smallest enclosure that holds both is large. Such distances are called ultrametric: of any three places, the
 * two largest distances among them are equal. Starting from single places, all groups that are joined by the smallest distance
 * left become one, and so on to the largest (Kruskal's way to a minimum spanning tree). Where distances are ultrametric the tree
 * tells them all; where they are not, or differ by direction, it tells less than they are.
 *
 * Groups joined at the same distance may be paired in any order: those alike are paired with each other, so that whole subtrees
 * come out alike and what is reckoned for one holds for its twins.
 */
#include "hierarchy.h"

#include <stdlib.h>

struct building {
	const struct vn_instance *in;
	struct vn_hierarchy tree;
	size_t n_places;
	size_t *places; /* that take part; from here on all are counted by their index in this */
	size_t *group; /* the branch on top of each */
	size_t *joined; /* scratch: branches to be joined */
	size_t *leader; /* of the places united so far */
	uint8_t *shortest; /* n_places x n_places, below the diagonal: the smaller of the two distances */
	bool *both; /* likewise: whether both are that */
	size_t n_levels;
	uint32_t levels[VN_DISTANCE_UNREACHABLE + 1]; /* the distances there are, ascending */
};

static void building_clear(struct building *b)
{
	vn_hierarchy_clear(&b->tree);
	free(b->places);
	free(b->shortest);
	free(b->both);
}

static void add_branch(struct building *b, struct vn_branch branch)
{
	struct vn_branch *all = b->tree.branches;

	branch.twin = b->tree.n;
	for (size_t k = 0; k < b->tree.n; k++) {
		if (all[k].left == VN_NO_NODE || branch.left == VN_NO_NODE || all[k].twin != k)
			continue;
		size_t l = all[all[k].left].twin, r = all[all[k].right].twin;
		size_t x = all[branch.left].twin, y = all[branch.right].twin;
		if (all[k].distance == branch.distance && l == x && r == y) {
			branch.twin = k;
			break;
		}
	}
	all[b->tree.n++] = branch;
}

static void add_leaves(struct building *b, const size_t *alike)
{
	for (size_t i = 0; i < b->n_places; i++) {
		size_t place = b->places[i];
		struct vn_branch leaf = {.left = VN_NO_NODE,
			.right = VN_NO_NODE,
			.place = place,
			.distance = vn_distance(b->in, place, place),
			.twin = b->tree.n,
			.n_leaves = 1};
		add_branch(b, leaf);
		for (size_t k = 0; k < i; k++) {
			const struct vn_branch *other = &b->tree.branches[k];
			if (alike[other->place] == alike[place] && other->distance == leaf.distance) {
				b->tree.branches[i].twin = other->twin;
				break;
			}
		}
		b->group[i] = i;
	}
}

/* Joins the branches `joined`, all as far from each other, two by two, like with like. Returns the one on top. */
static size_t join(struct building *b, size_t n, uint32_t distance)
{
	struct vn_branch *all = b->tree.branches;

	while (n > 1) {
		for (size_t i = 1; i < n; i++) {
			size_t branch = b->joined[i], at = i;
			for (; at > 0 && all[b->joined[at - 1]].twin > all[branch].twin; at--)
				b->joined[at] = b->joined[at - 1];
			b->joined[at] = branch;
		}
		size_t pairs = 0;
		for (size_t i = 0; i + 1 < n; i += 2) {
			size_t left = b->joined[i], right = b->joined[i + 1];
			all[left].above = all[right].above = distance;
			all[left].beyond = all[right].beyond = distance;
			add_branch(b, (struct vn_branch){.left = left,
					      .right = right,
					      .distance = distance,
					      .n_leaves = all[left].n_leaves + all[right].n_leaves});
			b->joined[pairs++] = b->tree.n - 1;
		}
		if (n % 2 == 1)
			b->joined[pairs++] = b->joined[n - 1];
		n = pairs;
	}
	return b->joined[0];
}

static size_t find(size_t *leader, size_t i)
{
	while (leader[i] != i)
		i = leader[i] = leader[leader[i]];
	return i;
}

/* Unites the places that ways of this distance connect, and sees whether all of a union are as far from each other. */
static void unite(struct building *b, uint32_t distance)
{
	size_t n = b->n_places;

	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < i; j++) {
			if (b->shortest[i * n + j] == distance)
				b->leader[find(b->leader, i)] = find(b->leader, j);
		}
	}
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < i && b->tree.exact; j++) {
			if (b->group[i] != b->group[j] && find(b->leader, i) == find(b->leader, j))
				b->tree.exact = b->shortest[i * n + j] == distance && b->both[i * n + j];
		}
	}
}

static void join_level(struct building *b, uint32_t distance)
{
	unite(b, distance);
	for (size_t i = 0; i < b->n_places; i++) {
		size_t n = 0;
		if (b->leader[i] != i)
			continue;
		for (size_t j = 0; j < b->n_places; j++) {
			bool known = find(b->leader, j) != i;
			for (size_t k = n; k-- > 0 && !known;)
				known = b->joined[k] == b->group[j];
			if (!known)
				b->joined[n++] = b->group[j];
		}
		if (n < 2)
			continue;
		size_t top = join(b, n, distance);
		for (size_t j = 0; j < b->n_places; j++)
			b->group[j] = find(b->leader, j) == i ? top : b->group[j];
	}
}

/* The distances between places, the smaller one where they differ by direction, and which of all there are. */
static void list_levels(struct building *b)
{
	bool seen[VN_DISTANCE_UNREACHABLE + 1] = {false};
	size_t n = b->n_places;

	for (size_t i = 0; i < n; i++) {
		b->leader[i] = i;
		for (size_t j = 0; j < i; j++) {
			uint32_t there = vn_distance(b->in, b->places[i], b->places[j]),
				 back = vn_distance(b->in, b->places[j], b->places[i]);
			b->both[i * n + j] = there == back;
			b->shortest[i * n + j] = (uint8_t)(there < back ? there : back);
			seen[b->shortest[i * n + j]] = true;
		}
	}
	for (unsigned d = 0; d <= VN_DISTANCE_UNREACHABLE; d++) {
		if (seen[d])
			b->levels[b->n_levels++] = d;
	}
}

int vn_hierarchy_make(
	const struct vn_instance *instance, const size_t *alike, struct vn_hierarchy *ret_hierarchy)
{
	size_t n = instance->n_places;
	vn_cleanup(building_clear) struct building b = {.in = instance};

	b.places = calloc(4 * n, sizeof(*b.places));
	b.shortest = calloc(n * n, sizeof(*b.shortest));
	b.both = calloc(n * n, sizeof(*b.both));
	b.tree.branches = calloc(2 * n, sizeof(*b.tree.branches));
	if (!b.places || !b.shortest || !b.both || !b.tree.branches)
		/* cppcheck-suppress memleak; it does not know the cleanup attribute */
		return -ENOMEM;
	b.group = b.places + n;
	b.joined = b.group + n;
	b.leader = b.joined + n;
	for (size_t i = 0; i < n; i++) {
		if (alike[i] != VN_NO_NODE)
			b.places[b.n_places++] = i;
	}
	b.tree.exact = true;
	add_leaves(&b, alike);
	list_levels(&b);
	for (size_t k = 0; k < b.n_levels; k++)
		join_level(&b, b.levels[k]);
	for (size_t k = 0; k < b.tree.n; k++) {
		struct vn_branch *branch = &b.tree.branches[k], *twin = &b.tree.branches[branch->twin];
		twin->beyond = branch->beyond < twin->beyond ? branch->beyond : twin->beyond;
	}
	*ret_hierarchy = b.tree;
	b.tree = (struct vn_hierarchy){0};
	return 0;
}

void vn_hierarchy_clear(struct vn_hierarchy *hierarchy)
{
	free(hierarchy->branches);
	*hierarchy = (struct vn_hierarchy){0};
}
