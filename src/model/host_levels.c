/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: first each node gets a key for each level, coarse to fine (-1: in no group of that level), then a
 * tree is made by grouping nodes with equal keys. Keys of packages and dies are the kernel's ids. Those of distance are
 * found from near to far: at each distance d that occurs, take the relation "not farther than d, both ways". If that
 * relation falls into groups whose members are all related to each other, the groups are a level; if not (a ring of
 * nodes, a ladder), that distance makes none.
 */
#include "host_levels.h"

#include <string.h>

#define MAX_LEVELS 4 /* more would be no picture */

struct keys {
	size_t n_levels;
	const char *names[MAX_LEVELS]; /* coarse to fine */
	int *of[MAX_LEVELS]; /* [node index] */
};

static void keys_clear(struct keys *keys)
{
	for (size_t i = 0; i < keys->n_levels; i++)
		free(keys->of[i]);
}

/* Package (or die) of all CPUs of a node; -1 when it is not known or there are several. */
static int common_id(const struct vn_host *host, const struct vn_host_node *node, bool die)
{
	int common = -1;

	for (int id = hwloc_bitmap_first(node->cpus); id >= 0; id = hwloc_bitmap_next(node->cpus, id)) {
		const struct vn_host_cpu *cpu = vn_host_cpu(host, (unsigned)id);
		int own = !cpu ? -1 : die ? cpu->die : cpu->package;
		if (own < 0 || (common >= 0 && own != common))
			return -1;
		common = own;
	}
	return common;
}

/* The key of a node without CPUs: that of the nearest node that has one, if all the nearest have the same. */
static int nearest_key(const struct vn_host *host, size_t node, const int *keys)
{
	uint32_t best = UINT32_MAX;
	int key = -1;

	for (size_t i = 0; i < host->n_nodes; i++) {
		uint32_t distance = host->nodes[i].distances[node];
		if (hwloc_bitmap_iszero(host->nodes[i].cpus) || distance == VN_DISTANCE_UNKNOWN ||
			distance > best)
			continue;
		if (distance < best)
			key = keys[i];
		else if (keys[i] != key)
			key = -1;
		best = distance;
	}
	return key;
}

/* Whether some key is that of several nodes, and there are several keys: otherwise a level tells nothing. */
static bool tells_something(const int *keys, size_t n)
{
	bool several = false, other = false;

	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < i; j++) {
			several |= keys[i] >= 0 && keys[i] == keys[j];
			other |= keys[i] != keys[j];
		}
	}
	return several && other;
}

static int add_ids(const struct vn_host *host, bool die, struct keys *keys)
{
	vn_autofree int *own = calloc(host->n_nodes + 1, sizeof(*own));
	vn_autofree int *all = calloc(host->n_nodes + 1, sizeof(*all));

	if (!own || !all)
		return -ENOMEM;
	for (size_t i = 0; i < host->n_nodes; i++)
		own[i] = common_id(host, &host->nodes[i], die);
	for (size_t i = 0; i < host->n_nodes; i++)
		all[i] = hwloc_bitmap_iszero(host->nodes[i].cpus) ? nearest_key(host, i, own) : own[i];
	if (!tells_something(all, host->n_nodes))
		return 0;
	keys->names[keys->n_levels] = die ? "die" : "package";
	keys->of[keys->n_levels++] = vn_steal(all);
	return 0;
}

static bool related(const struct vn_host *host, size_t i, size_t j, uint32_t d)
{
	uint32_t there = host->nodes[i].distances[j], back = host->nodes[j].distances[i];
	return i == j ||
	       (there != VN_DISTANCE_UNKNOWN && back != VN_DISTANCE_UNKNOWN && there <= d && back <= d);
}

/* Fills groups of nodes that are all not farther than d from each other; false when it does not come out even. */
static bool group_by_distance(const struct vn_host *host, uint32_t d, int *groups)
{
	int n_groups = 0;

	for (size_t i = 0; i < host->n_nodes; i++) {
		size_t first = 0;
		while (!related(host, first, i, d))
			first++;
		groups[i] = first == i ? n_groups++ : groups[first];
	}
	for (size_t i = 0; i < host->n_nodes; i++) {
		for (size_t j = 0; j < i; j++) {
			if (related(host, i, j, d) != (groups[i] == groups[j]))
				return false;
		}
	}
	return true;
}

static int add_distances(const struct vn_host *host, struct keys *keys)
{
	vn_autoset values = hwloc_bitmap_alloc();

	if (!values)
		return -ENOMEM;
	for (size_t i = 0; i < host->n_nodes; i++) {
		for (size_t j = 0; j < host->n_nodes; j++)
			hwloc_bitmap_set(values, i == j ? 0 : host->nodes[i].distances[j]);
	}
	hwloc_bitmap_clr(values, VN_DISTANCE_UNKNOWN);
	for (int d = hwloc_bitmap_first(values); d >= 0; d = hwloc_bitmap_next(values, d)) {
		vn_autofree int *groups = calloc(host->n_nodes + 1, sizeof(*groups));
		if (!groups)
			return -ENOMEM;
		if (keys->n_levels == MAX_LEVELS || !group_by_distance(host, (uint32_t)d, groups) ||
			!tells_something(groups, host->n_nodes))
			continue;
		/* farther is coarser: it goes in front */
		memmove(&keys->of[1], &keys->of[0], keys->n_levels * sizeof(keys->of[0]));
		memmove(&keys->names[1], &keys->names[0], keys->n_levels * sizeof(keys->names[0]));
		keys->names[0] = "distance";
		keys->of[0] = vn_steal(groups);
		keys->n_levels++;
	}
	return 0;
}

/* ---- the tree ---- */

static int add_node(struct vn_level *level, size_t node)
{
	size_t *grown = reallocarray(level->nodes, level->n_nodes + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	level->nodes = grown;
	grown[level->n_nodes++] = node;
	return 0;
}

static struct vn_level *find_or_add_child(struct vn_level *level, const char *name, int id)
{
	for (size_t i = 0; i < level->n_children; i++) {
		if (level->children[i].id == id)
			return &level->children[i];
	}
	struct vn_level *grown = reallocarray(level->children, level->n_children + 1, sizeof(*grown));
	if (!grown)
		return NULL;
	level->children = grown;
	grown[level->n_children] = (struct vn_level){.name = name, .id = id};
	return &grown[level->n_children++];
}

/* A level with one child that holds all says no more than the child: it is left out. */
static void flatten(struct vn_level *level)
{
	while (level->n_children == 1 && level->n_nodes == 0) {
		struct vn_level *only = level->children, child = *only;
		level->n_children = child.n_children;
		level->children = child.children;
		level->n_nodes = child.n_nodes;
		level->nodes = child.nodes;
		free(only);
	}
}

/* Moves the nodes of `level` that have a key of depth `depth` or deeper into children. */
static int split(struct vn_level *level, const struct keys *keys, size_t depth)
{
	vn_autofree size_t *nodes = vn_steal(level->nodes);
	size_t n = level->n_nodes;

	level->n_nodes = 0;
	for (size_t i = 0; i < n; i++) {
		int key = depth < keys->n_levels ? keys->of[depth][nodes[i]] : -1;
		struct vn_level *to = key < 0 ? level : find_or_add_child(level, keys->names[depth], key);
		if (!to || add_node(to, nodes[i]) < 0)
			return -ENOMEM;
	}
	for (size_t i = 0; i < level->n_children; i++) {
		int r = split(&level->children[i], keys, depth + 1);
		if (r < 0)
			return r;
	}
	flatten(level);
	return 0;
}

int vn_levels_make(const struct vn_host *host, struct vn_level *ret_top)
{
	vn_cleanup(keys_clear) struct keys keys = {0};
	vn_autolevel top = {.name = "host"};
	int r = add_ids(host, false, &keys);

	if (r == 0 && keys.n_levels)
		r = add_ids(host, true, &keys);
	if (r == 0 && !keys.n_levels)
		r = add_distances(host, &keys);
	for (size_t i = 0; r == 0 && i < host->n_nodes; i++)
		r = add_node(&top, i);
	if (r == 0)
		r = split(&top, &keys, 0);
	if (r < 0)
		return r;
	*ret_top = top;
	top = (struct vn_level){0};
	return 0;
}

void vn_level_clear(struct vn_level *level)
{
	for (size_t i = 0; i < level->n_children; i++)
		vn_level_clear(&level->children[i]);
	free(level->children);
	free(level->nodes);
	*level = (struct vn_level){0};
}
