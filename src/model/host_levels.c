/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: first a flat list of groups (sets of node indices) is made, of which any two are disjoint or
 * one lies within the other; then the list, largest first, becomes a tree.
 *
 * A node is in the package and die that all its CPUs are in. One without CPUs, or with CPUs of several packages, goes
 * where its nearest nodes are: those of a known package at the least distance, as far as they agree on package and
 * die. (Nearest to all of them means belonging to none.) Packages are groups when one of them holds several nodes, and
 * so are the dies of a package; a group of all nodes tells nothing and is left out.
 *
 * Where that makes no group, distances may: a set of nodes all nearer to each other than any of them is to any other
 * node. Such sets are disjoint or nested, whatever the distances are: with two that overlap, a node of both would have to
 * be nearer to the rest of the one than to the rest of the other, and the other way round. They are found by joining
 * nodes in order of their distance, as single-linkage clustering does, and keeping each joined set in which no two are
 * farther apart than the distance reached.
 */
#include "host_levels.h"

#include <string.h>

#define DISTANCES 256 /* above any that ACPI can tell */

struct group {
	const char *name;
	int id;
	uint32_t distance;
	hwloc_bitmap_t members; /* indices of nodes; owned */
};

struct grouping {
	const struct vn_host *host;
	int *package, *die; /* by node; -1: none, or several */
	size_t n_groups, room;
	struct group *groups;
};

static void grouping_clear(struct grouping *g)
{
	for (size_t i = 0; i < g->n_groups; i++)
		hwloc_bitmap_free(g->groups[i].members);
	free(g->groups);
	free(g->package);
	free(g->die);
}

static int grouping_init(struct grouping *g, const struct vn_host *host)
{
	size_t n = host->n_nodes;

	g->host = host;
	g->room = 2 * n + 1; /* nested or disjoint groups of two or more, and packages of one, are fewer */
	g->package = calloc(n + 1, sizeof(*g->package));
	g->die = calloc(n + 1, sizeof(*g->die));
	g->groups = calloc(g->room, sizeof(*g->groups));
	return g->package && g->die && g->groups ? 0 : -ENOMEM;
}

/* Distance for the purpose of grouping: the farther of both directions. Unknown when neither is known. */
static uint32_t distance_between(const struct vn_host *host, size_t i, size_t j)
{
	uint32_t there = host->nodes[i].distances[j], back = host->nodes[j].distances[i];
	uint32_t d = there > back ? there : back;
	return d < DISTANCES ? d : VN_DISTANCE_UNKNOWN;
}

/* ---- packages and dies ---- */

static void find_home(struct grouping *g, size_t i)
{
	const struct vn_host_node *node = &g->host->nodes[i];
	bool first = true;

	g->package[i] = g->die[i] = -1;
	for (int id = hwloc_bitmap_first(node->cpus); id >= 0; id = hwloc_bitmap_next(node->cpus, id)) {
		const struct vn_host_cpu *cpu = vn_host_cpu(g->host, (unsigned)id);
		if (!cpu || (!first && cpu->package != g->package[i])) {
			g->package[i] = g->die[i] = -1;
			return;
		}
		g->package[i] = cpu->package;
		g->die[i] = first || g->die[i] == cpu->die ? cpu->die : -1;
		first = false;
	}
}

/* The home of a node that has none of its own: where those that are nearest are at home, if they agree. */
static void attach(struct grouping *g, size_t i, const int *package, const int *die)
{
	uint32_t nearest = DISTANCES;

	for (size_t j = 0; j < g->host->n_nodes; j++) {
		uint32_t d = distance_between(g->host, i, j);
		if (j == i || package[j] < 0 || d == VN_DISTANCE_UNKNOWN || d > nearest)
			continue;
		bool tie = d == nearest;
		nearest = d;
		g->die[i] = !tie || (g->package[i] == package[j] && g->die[i] == die[j]) ? die[j] : -1;
		g->package[i] = !tie || g->package[i] == package[j] ? package[j] : -1;
	}
}

static int find_homes(struct grouping *g)
{
	size_t n = g->host->n_nodes;
	vn_autofree int *package = calloc(n + 1, sizeof(*package)), *die = calloc(n + 1, sizeof(*die));

	if (!package || !die)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		find_home(g, i);
	memcpy(package, g->package, n * sizeof(*package));
	memcpy(die, g->die, n * sizeof(*die));
	for (size_t i = 0; i < n; i++) {
		if (package[i] < 0)
			attach(g, i, package, die);
	}
	return 0;
}

static int add_group(struct grouping *g, struct group group)
{
	if (!group.members || g->n_groups == g->room) {
		hwloc_bitmap_free(group.members);
		return -ENOMEM;
	}
	g->groups[g->n_groups++] = group;
	return 0;
}

/* Adds a group for each value in `home` among `members` (NULL: all), if one of them holds several nodes and none holds all. */
static int add_homes(struct grouping *g, const char *name, const int *home, hwloc_const_bitmap_t members)
{
	size_t n = g->host->n_nodes, before = g->n_groups, largest = 0, all = 0;

	for (size_t i = 0; i < n; i++) {
		size_t at = before;
		if (members && !hwloc_bitmap_isset(members, (unsigned)i))
			continue;
		all++;
		if (home[i] < 0)
			continue;
		while (at < g->n_groups && g->groups[at].id != home[i])
			at++;
		if (at == g->n_groups && add_group(g, (struct group){.name = name,
							      .id = home[i],
							      .members = hwloc_bitmap_alloc()}) < 0)
			return -ENOMEM;
		if (hwloc_bitmap_set(g->groups[at].members, (unsigned)i) < 0)
			return -ENOMEM;
		size_t weight = vn_set_weight(g->groups[at].members);
		largest = weight > largest ? weight : largest;
	}
	if (largest > 1 && largest < all)
		return 0;
	while (g->n_groups > before)
		hwloc_bitmap_free(g->groups[--g->n_groups].members);
	return 0;
}

/* Dies are numbered within their package, so each package is looked at for itself, be it a group or not. */
static int add_dies(struct grouping *g)
{
	vn_autoset members = hwloc_bitmap_alloc(), seen = hwloc_bitmap_alloc();
	size_t n = g->host->n_nodes;

	if (!members || !seen)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		if (g->package[i] < 0 || hwloc_bitmap_isset(seen, (unsigned)i))
			continue;
		hwloc_bitmap_zero(members);
		for (size_t j = i; j < n; j++) {
			if (g->package[j] == g->package[i])
				hwloc_bitmap_set(members, (unsigned)j);
		}
		if (hwloc_bitmap_or(seen, seen, members) < 0 || add_homes(g, "die", g->die, members) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* ---- distances ---- */

struct joining {
	size_t *set; /* by node: the lowest node it is joined with */
	bool *done; /* by lowest node: the set is a group already */
};

static void join(const struct vn_host *host, struct joining *j, size_t a, size_t b)
{
	size_t low = j->set[a] < j->set[b] ? j->set[a] : j->set[b];
	size_t high = j->set[a] < j->set[b] ? j->set[b] : j->set[a];

	if (low == high)
		return;
	for (size_t i = 0; i < host->n_nodes; i++) {
		if (j->set[i] == high)
			j->set[i] = low;
	}
	j->done[low] = false;
}

/* The members of the set of node `low` if they are several, not all, and no two of them farther apart than `distance`. */
static hwloc_bitmap_t members_within(
	const struct vn_host *host, const struct joining *joined, size_t low, uint32_t distance)
{
	vn_autoset members = hwloc_bitmap_alloc();
	size_t n = 0;

	for (size_t i = low; members && i < host->n_nodes; i++) {
		if (joined->set[i] != low)
			continue;
		for (size_t j = low; j < i; j++) {
			uint32_t d = joined->set[j] == low ? distance_between(host, i, j) : distance;
			if (d == VN_DISTANCE_UNKNOWN || d > distance)
				return NULL;
		}
		hwloc_bitmap_set(members, (unsigned)i);
		n++;
	}
	return n > 1 && n < host->n_nodes ? vn_steal(members) : NULL;
}

/* Joins all that are at this distance, and adds the sets that have become groups. */
static int join_at(struct grouping *g, struct joining *joined, uint32_t distance)
{
	size_t n = g->host->n_nodes;

	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < i; j++) {
			if (distance_between(g->host, i, j) == distance)
				join(g->host, joined, i, j);
		}
	}
	for (size_t i = 0; i < n; i++) {
		if (joined->set[i] != i || joined->done[i])
			continue;
		struct group group = {.name = "distance", .distance = distance};
		group.members = members_within(g->host, joined, i, distance);
		joined->done[i] = group.members != NULL;
		if (group.members && add_group(g, group) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int add_distances(struct grouping *g)
{
	size_t n = g->host->n_nodes;
	bool there[DISTANCES] = {false};
	vn_autofree size_t *set = calloc(n + 1, sizeof(*set));
	vn_autofree bool *done = calloc(n + 1, sizeof(*done));
	struct joining joined = {set, done};

	if (!set || !done)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		set[i] = i;
		for (size_t j = 0; j < i; j++)
			there[distance_between(g->host, i, j)] = true;
	}
	for (uint32_t d = VN_DISTANCE_UNKNOWN + 1; d < DISTANCES; d++) {
		int r = there[d] ? join_at(g, &joined, d) : 0;
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- the tree ---- */

static int compare_groups(const void *a, const void *b)
{
	unsigned x = vn_set_weight(((const struct group *)a)->members);
	unsigned y = vn_set_weight(((const struct group *)b)->members);
	return (x < y) - (x > y);
}

/* The largest group with this node, behind those before `from`, which are as large or larger; n_groups when there is none. */
static size_t next_group(const struct grouping *g, size_t from, int node)
{
	while (from < g->n_groups && !hwloc_bitmap_isset(g->groups[from].members, (unsigned)node))
		from++;
	return from;
}

/* Fills a level whose members are given; the groups within it come from `from` on. */
static int fill_level(
	const struct grouping *g, hwloc_const_bitmap_t members, size_t from, struct vn_level *level)
{
	vn_autoset left = hwloc_bitmap_dup(members);
	size_t weight = vn_set_weight(members);

	level->children = calloc(weight + 1, sizeof(*level->children));
	level->nodes = calloc(weight + 1, sizeof(*level->nodes));
	if (!left || !level->children || !level->nodes)
		return -ENOMEM;
	for (int i = hwloc_bitmap_first(left); i >= 0; i = hwloc_bitmap_next(left, i)) {
		size_t at = next_group(g, from, i);
		if (at == g->n_groups) {
			level->nodes[level->n_nodes++] = (size_t)i;
			continue;
		}
		const struct group *group = &g->groups[at];
		struct vn_level *child = &level->children[level->n_children++];
		*child = (struct vn_level){.name = group->name, .id = group->id, .distance = group->distance};
		if (fill_level(g, group->members, at + 1, child) < 0 ||
			hwloc_bitmap_andnot(left, left, group->members) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int number_distances(struct vn_level *level, int next)
{
	for (size_t i = 0; i < level->n_children; i++) {
		struct vn_level *child = &level->children[i];
		if (child->distance)
			child->id = next++;
		next = number_distances(child, next);
	}
	return next;
}

static int find_groups(struct grouping *g)
{
	if (find_homes(g) < 0 || add_homes(g, "package", g->package, NULL) < 0 || add_dies(g) < 0)
		return -ENOMEM;
	return g->n_groups ? 0 : add_distances(g);
}

struct vn_level *vn_host_levels(const struct vn_host *host)
{
	vn_autolevel *root = calloc(1, sizeof(*root));
	vn_cleanup(grouping_clear) struct grouping g = {0};
	vn_autoset all = hwloc_bitmap_alloc();

	if (!root || !all || grouping_init(&g, host) < 0 || find_groups(&g) < 0)
		return NULL;
	qsort(g.groups, g.n_groups, sizeof(*g.groups), compare_groups);
	for (size_t i = 0; i < host->n_nodes; i++) {
		if (hwloc_bitmap_set(all, (unsigned)i) < 0)
			return NULL;
	}
	root->id = -1;
	if (fill_level(&g, all, 0, root) < 0)
		return NULL;
	number_distances(root, 0);
	return vn_steal(root);
}

static void level_clear(struct vn_level *level)
{
	for (size_t i = 0; i < level->n_children; i++)
		level_clear(&level->children[i]);
	free(level->children);
	free(level->nodes);
}

void vn_level_free(struct vn_level *root)
{
	if (!root)
		return;
	level_clear(root);
	free(root);
}
