/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stock.h"

#define ASSUMED 20u /* a distance that was not told, as the planner has it */

void vn_placement_clear(struct vn_placement *placement)
{
	free(placement->portions);
	*placement = (struct vn_placement){0};
}

int vn_placement_add(struct vn_placement *placement, size_t node, unsigned vcpus, uint64_t mib)
{
	size_t i = 0;

	while (i < placement->n && placement->portions[i].node < node)
		i++;
	if (i == placement->n || placement->portions[i].node != node) {
		struct vn_portion *grown =
			reallocarray(placement->portions, placement->n + 1, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		placement->portions = grown;
		for (size_t k = placement->n++; k > i; k--)
			grown[k] = grown[k - 1];
		grown[i] = (struct vn_portion){.node = (uint32_t)node};
	}
	placement->portions[i].vcpus += vcpus;
	placement->portions[i].mib += mib;
	return 0;
}

void vn_stock_empty_host(struct vn_host *host)
{
	for (size_t i = 0; i < host->n_nodes; i++) {
		struct vn_host_node *node = &host->nodes[i];
		uint64_t left = node->memory_total;
		for (size_t p = 0; p < node->n_hugepools; p++) {
			uint64_t pool = node->hugepools[p].size * node->hugepools[p].total;
			left -= pool < left ? pool : left;
		}
		node->has_memory_free = true;
		node->memory_free = left;
		node->has_memory_reclaimable = true;
		node->memory_reclaimable = 0;
	}
	host->has_cgroup_memory = false; /* of this process, which starts none of these guests */
	host->cgroup_millicpus = 0;
}

/* CPUs that this process may use and that the scheduler looks after, as the planner has it; UINT64_MAX: memory is short. */
static uint64_t usable_cores(const struct vn_host *host, const struct vn_host_node *node)
{
	vn_autoset cpus = hwloc_bitmap_dup(node->cpus);

	if (!cpus)
		return UINT64_MAX;
	if (host->allowed_cpus && hwloc_bitmap_and(cpus, cpus, host->allowed_cpus) < 0)
		return UINT64_MAX;
	if (host->isolated_cpus && hwloc_bitmap_andnot(cpus, cpus, host->isolated_cpus) < 0)
		return UINT64_MAX;
	return hwloc_bitmap_iszero(cpus) ? 0 : vn_host_cores(host, cpus);
}

static bool fill_node(struct vn_stock *stock, size_t i)
{
	const struct vn_host *host = stock->host;
	struct vn_stock_node *node = &stock->nodes[i];
	bool allowed = !host->allowed_nodes || hwloc_bitmap_isset(host->allowed_nodes, host->nodes[i].id);

	node->cores = usable_cores(host, &host->nodes[i]);
	node->mib = node->free = allowed ? host->nodes[i].memory_free / VN_MIB : 0;
	stock->cores += node->cores;
	stock->mib += node->mib;
	stock->free += node->free;
	return node->cores != UINT64_MAX;
}

/* The largest node that can be a home; where none has both cores and memory, the most of each. */
static void find_largest(struct vn_stock *stock)
{
	for (int any = 0; any < 2 && (stock->most_cores == 0 || stock->most_mib == 0); any++) {
		for (size_t i = 0; i < stock->n; i++) {
			const struct vn_stock_node *node = &stock->nodes[i];
			if (!any && (node->cores == 0 || node->mib == 0))
				continue;
			if (node->cores > stock->most_cores)
				stock->most_cores = node->cores;
			if (node->mib > stock->most_mib)
				stock->most_mib = node->mib;
		}
	}
}

struct vn_stock *vn_stock_new(const struct vn_host *host)
{
	vn_autostock *stock = calloc(1, sizeof(*stock));

	if (!stock)
		return NULL;
	stock->host = host;
	stock->n = host->n_nodes;
	stock->nodes = calloc(host->n_nodes + 1, sizeof(*stock->nodes));
	if (!stock->nodes)
		return NULL; /* cppcheck-suppress memleak ; freed by its clean-up */
	for (size_t i = 0; i < stock->n; i++) {
		if (!fill_node(stock, i))
			return NULL;
	}
	find_largest(stock);
	return vn_steal(stock);
}

void vn_stock_free(struct vn_stock *stock)
{
	if (!stock)
		return;
	free(stock->nodes);
	free(stock);
}

uint32_t vn_stock_distance(const struct vn_stock *stock, size_t from, size_t to)
{
	const uint32_t *row = stock->host->nodes[from].distances;
	uint32_t told = row ? row[to] : VN_DISTANCE_UNKNOWN;

	if (told == VN_DISTANCE_UNKNOWN)
		return from == to ? VN_DISTANCE_LOCAL : ASSUMED;
	return told > VN_DISTANCE_UNREACHABLE ? VN_DISTANCE_UNREACHABLE : told;
}

bool vn_stock_fits(const struct vn_stock *stock, const struct vn_placement *placement)
{
	for (size_t i = 0; i < placement->n; i++) {
		if (placement->portions[i].mib > stock->nodes[placement->portions[i].node].free)
			return false;
	}
	return true;
}

void vn_stock_take(struct vn_stock *stock, const struct vn_placement *placement)
{
	for (size_t i = 0; i < placement->n; i++) {
		const struct vn_portion *portion = &placement->portions[i];
		stock->nodes[portion->node].free -= portion->mib;
		stock->nodes[portion->node].load += portion->vcpus;
		stock->free -= portion->mib;
		stock->load += portion->vcpus;
	}
}

void vn_stock_give_back(struct vn_stock *stock, const struct vn_placement *placement)
{
	for (size_t i = 0; i < placement->n; i++) {
		const struct vn_portion *portion = &placement->portions[i];
		stock->nodes[portion->node].free += portion->mib;
		stock->nodes[portion->node].load -= portion->vcpus;
		stock->free += portion->mib;
		stock->load -= portion->vcpus;
	}
}

uint64_t vn_stock_squeeze(const struct vn_stock *stock)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < stock->n; i++) {
		const struct vn_stock_node *node = &stock->nodes[i];
		sum += node->load > node->cores ? node->load - node->cores : 0;
	}
	return sum;
}

uint64_t vn_stock_stranded(const struct vn_stock *stock, unsigned vcpus, uint64_t mib)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < stock->n; i++) {
		const struct vn_stock_node *node = &stock->nodes[i];
		if (node->free < mib || node->load + vcpus > node->cores)
			sum += node->free;
	}
	return sum;
}

uint64_t vn_stock_mean_distance(const struct vn_stock *stock, const struct vn_placement *placement)
{
	vn_u128 sum = 0, accesses = 0;

	for (size_t i = 0; i < placement->n; i++) {
		for (size_t j = 0; j < placement->n; j++) {
			const struct vn_portion *from = &placement->portions[i],
						*to = &placement->portions[j];
			vn_u128 pairs = (vn_u128)from->vcpus * to->mib;
			sum += pairs * vn_stock_distance(stock, from->node, to->node);
			accesses += pairs;
		}
	}
	return accesses ? (uint64_t)((sum * 1000 + accesses / 2) / accesses) : 0;
}
