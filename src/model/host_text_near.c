/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which nodes are near each other, for a host whose matrix of distances is too wide: by the groups of host_levels.h. */
#define _GNU_SOURCE
#include <string.h>

#include "host_levels.h"
#include "host_text.h"

#define LINES 4 /* in all */
#define MAX_VALUES 24 /* characters of distances */
#define DEPTHS 2 /* packages and their dies; nothing known has more */

/* The groups of one depth. */
struct near {
	const struct vn_host *host;
	const char *name; /* the level's */
	size_t n;
	hwloc_bitmap_t within, beyond; /* distances in a group, and from it to others; owned */
	FILE *list;
};

/* Adds the indices of a level's nodes, with those of its groups. */
static void add_members(const struct vn_level *level, hwloc_bitmap_t members)
{
	for (size_t i = 0; i < level->n_nodes; i++)
		hwloc_bitmap_set(members, (unsigned)level->nodes[i]);
	for (size_t i = 0; i < level->n_children; i++)
		add_members(&level->children[i], members);
}

static void add_distances(struct near *near, hwloc_const_bitmap_t members, size_t i)
{
	const struct vn_host *host = near->host;

	for (size_t j = 0; j < host->n_nodes; j++) {
		uint32_t d = host->nodes[i].distances[j];
		if (j == i || d == VN_DISTANCE_UNKNOWN)
			continue;
		hwloc_bitmap_set(hwloc_bitmap_isset(members, (unsigned)j) ? near->within : near->beyond, d);
	}
}

/* A group of one node tells nothing. */
static void add_group(struct near *near, const struct vn_level *level)
{
	vn_autoset members = hwloc_bitmap_alloc(), ids = hwloc_bitmap_alloc();

	if (!members || !ids)
		return;
	add_members(level, members);
	if (vn_set_weight(members) < 2)
		return;
	for (int i = hwloc_bitmap_first(members); i >= 0; i = hwloc_bitmap_next(members, i)) {
		hwloc_bitmap_set(ids, near->host->nodes[i].id);
		add_distances(near, members, (size_t)i);
	}
	vn_autofree char *text = vn_set_text(ids);
	fprintf(near->list, "%s%s", near->n++ ? "; " : "", text ? text : "?");
	near->name = level->name;
}

static void add_groups(struct near *near, const struct vn_level *level, unsigned depth)
{
	for (size_t i = 0; i < level->n_children; i++) {
		if (depth == 0)
			add_group(near, &level->children[i]);
		else
			add_groups(near, &level->children[i], depth - 1);
	}
}

/* "; " between groups becomes ", " unless a group, of nodes that do not follow each other, has commas of its own. */
static void separate(char *list)
{
	if (strchr(list, ','))
		return;
	for (; *list; list++) {
		if (*list == ';')
			*list = ',';
	}
}

/* "16,22", of many values the least and the most; "" for none. New string. */
static char *values_text(hwloc_const_bitmap_t values)
{
	vn_autofree char *text = vn_set_text(values);

	if (text && strlen(text) > MAX_VALUES)
		return vn_format("%d to %d", hwloc_bitmap_first(values), hwloc_bitmap_last(values));
	return vn_steal(text);
}

static void near_clear(struct near *near)
{
	hwloc_bitmap_free(near->within);
	hwloc_bitmap_free(near->beyond);
}

/* "nodes near each other (16): 0-3, 4-7; others 50", new string; NULL when the depth has no groups. */
static char *near_text(
	const struct vn_host *host, const struct vn_level *root, unsigned depth, char **ret_rest)
{
	vn_cleanup(near_clear) struct near near = {
		.host = host, .within = hwloc_bitmap_alloc(), .beyond = hwloc_bitmap_alloc()};
	vn_autofree char *list = NULL;
	size_t length = 0;

	near.list = near.within && near.beyond ? open_memstream(&list, &length) : NULL;
	if (!near.list)
		return NULL;
	add_groups(&near, root, depth);
	if (fclose(near.list) != 0 || near.n == 0)
		return NULL;
	separate(list);
	vn_autofree char *within = values_text(near.within), *beyond = values_text(near.beyond);
	bool inside = within && *within, outside = beyond && *beyond;
	vn_autofree char *head =
		strcmp(near.name, "distance") == 0
			? vn_copy(depth ? "nodes nearest to each other" : "nodes near each other")
			: vn_format("nodes of the same %s", near.name);
	char *rest = vn_format("%s%s", outside ? "; others " : "", outside ? beyond : "");
	if (!head || !rest) {
		free(rest);
		return NULL;
	}
	*ret_rest = rest;
	return vn_format("%s%s%s%s: %s%s", head, inside ? " (" : "", inside ? within : "", inside ? ")" : "",
		list, rest);
}

void vn_host_print_near(const struct vn_host *host, FILE *out)
{
	vn_autolevel *root = vn_host_levels(host);
	char *texts[DEPTHS] = {NULL}, *rests[DEPTHS] = {NULL};
	unsigned n = 0;

	while (root && n < DEPTHS && (texts[n] = near_text(host, root, n, &rests[n])))
		n++;
	for (unsigned i = 0; i < n; i++) {
		vn_autofree char *mark = vn_format("…%s", rests[i]);
		vn_print_cut(texts[i], 0, LINES / n, mark ? mark : "", out);
		free(texts[i]);
		free(rests[i]);
	}
}
