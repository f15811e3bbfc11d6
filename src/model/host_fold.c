/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host_fold.h"

static bool like_pools(const struct vn_host_node *a, const struct vn_host_node *b)
{
	if (a->n_hugepools != b->n_hugepools)
		return false;
	for (size_t i = 0; i < a->n_hugepools; i++) {
		if (a->hugepools[i].size != b->hugepools[i].size ||
			a->hugepools[i].total != b->hugepools[i].total)
			return false;
	}
	return true;
}

static bool like_nodes(const struct vn_host *host, size_t i, size_t j)
{
	const struct vn_host_node *a = &host->nodes[i], *b = &host->nodes[j];
	uint64_t most = a->memory_total > b->memory_total ? a->memory_total : b->memory_total;
	uint64_t least = a->memory_total > b->memory_total ? b->memory_total : a->memory_total;

	return a->memory_kind == b->memory_kind && vn_set_weight(a->cpus) == vn_set_weight(b->cpus) &&
	       vn_host_cores(host, a->cpus) == vn_host_cores(host, b->cpus) && like_pools(a, b) &&
	       (least == 0) == (most == 0) && most - least <= most / 16;
}

static bool like_distances(const struct vn_host *host, size_t i, size_t j)
{
	const struct vn_host_node *nodes = host->nodes;

	if (nodes[i].distances[j] != nodes[j].distances[i] || nodes[i].distances[i] != nodes[j].distances[j])
		return false;
	for (size_t k = 0; k < host->n_nodes; k++) {
		if (k == i || k == j)
			continue;
		if (nodes[i].distances[k] != nodes[j].distances[k] ||
			nodes[k].distances[i] != nodes[k].distances[j])
			return false;
	}
	return true;
}

/* Each node joins the group whose first member it is like. Being alike in distances is transitive, so the first speaks for
 * all. */
static int fold(const struct vn_host *host, bool (*like)(const struct vn_host *, size_t, size_t),
	struct vn_fold *ret_fold)
{
	vn_autofree size_t *first = calloc(host->n_nodes + 1, sizeof(*first));
	struct vn_fold result = {0, calloc(host->n_nodes + 1, sizeof(size_t))};

	if (!first || !result.groups) {
		free(result.groups);
		return -ENOMEM;
	}
	for (size_t i = 0; i < host->n_nodes; i++) {
		size_t group = 0;
		while (group < result.n_groups && !like(host, first[group], i))
			group++;
		result.groups[i] = group;
		if (group == result.n_groups)
			first[result.n_groups++] = i;
	}
	*ret_fold = result;
	return 0;
}

int vn_fold_nodes(const struct vn_host *host, struct vn_fold *ret_fold)
{
	return fold(host, like_nodes, ret_fold);
}

int vn_fold_distances(const struct vn_host *host, struct vn_fold *ret_fold)
{
	return fold(host, like_distances, ret_fold);
}

void vn_fold_clear(struct vn_fold *fold)
{
	free(fold->groups);
	*fold = (struct vn_fold){0};
}

size_t vn_fold_next(const struct vn_host *host, const struct vn_fold *fold, size_t group, size_t node)
{
	do
		node++;
	while (node < host->n_nodes && fold->groups[node] != group);
	return node;
}

size_t vn_fold_first(const struct vn_host *host, const struct vn_fold *fold, size_t group)
{
	return vn_fold_next(host, fold, group, (size_t)-1);
}

hwloc_bitmap_t vn_fold_ids(const struct vn_host *host, const struct vn_fold *fold, size_t group)
{
	hwloc_bitmap_t ids = hwloc_bitmap_alloc();

	for (size_t i = 0; ids && i < host->n_nodes; i++) {
		if (fold->groups[i] == group)
			hwloc_bitmap_set(ids, host->nodes[i].id);
	}
	return ids;
}
