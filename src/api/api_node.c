/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The public side of a host's nodes. */
#include "api.h"

size_t vn_host_node_count(const struct vn_host *host)
{
	return host->n_nodes;
}

int vn_host_node_id(const struct vn_host *host, size_t node)
{
	const struct vn_host_node *n = vn_api_node(host, node);
	return n ? (int)n->id : -ERANGE;
}

int64_t vn_host_node_memory_total(const struct vn_host *host, size_t node)
{
	const struct vn_host_node *n = vn_api_node(host, node);
	return n ? vn_api_amount(n->memory_total) : -ERANGE;
}

int64_t vn_host_node_memory_free(const struct vn_host *host, size_t node)
{
	const struct vn_host_node *n = vn_api_node(host, node);
	if (!n)
		return -ERANGE;
	return n->has_memory_free ? vn_api_amount(n->memory_free) : -ENODATA;
}

int64_t vn_host_node_memory_reclaimable(const struct vn_host *host, size_t node)
{
	const struct vn_host_node *n = vn_api_node(host, node);
	if (!n)
		return -ERANGE;
	return n->has_memory_reclaimable ? vn_api_amount(n->memory_reclaimable) : -ENODATA;
}

const char *vn_host_node_kind(const struct vn_host *host, size_t node)
{
	const struct vn_host_node *n = vn_api_node(host, node);
	return n ? vn_memory_kind_text(n->memory_kind) : NULL;
}

int vn_host_node_tier(const struct vn_host *host, size_t node)
{
	const struct vn_host_node *n = vn_api_node(host, node);
	return n ? vn_api_id(n->memory_tier) : -ERANGE;
}

int vn_host_node_interleave_weight(const struct vn_host *host, size_t node)
{
	const struct vn_host_node *n = vn_api_node(host, node);
	return n ? vn_api_id(n->interleave_weight) : -ERANGE;
}

int vn_host_node_cpus(const struct vn_host *host, size_t node, unsigned *ret_ids, size_t max)
{
	const struct vn_host_node *n = vn_api_node(host, node);
	return n ? vn_api_set(n->cpus, ret_ids, max) : -ERANGE;
}

int vn_host_node_cores(const struct vn_host *host, size_t node)
{
	const struct vn_host_node *n = vn_api_node(host, node);
	if (!n)
		return -ERANGE;
	return host->cores_known ? (int)vn_host_cores(host, n->cpus) : -ENODATA;
}

int vn_host_node_pool_count(const struct vn_host *host, size_t node)
{
	const struct vn_host_node *n = vn_api_node(host, node);
	return n ? (int)n->n_hugepools : -ERANGE;
}

static const struct vn_hugepool *pool_at(const struct vn_host *host, size_t node, size_t pool)
{
	const struct vn_host_node *n = vn_api_node(host, node);
	return n && pool < n->n_hugepools ? &n->hugepools[pool] : NULL;
}

int64_t vn_host_node_pool_page_size(const struct vn_host *host, size_t node, size_t pool)
{
	const struct vn_hugepool *p = pool_at(host, node, pool);
	return p ? vn_api_amount(p->size) : -ERANGE;
}

int64_t vn_host_node_pool_total(const struct vn_host *host, size_t node, size_t pool)
{
	const struct vn_hugepool *p = pool_at(host, node, pool);
	return p ? vn_api_amount(p->total) : -ERANGE;
}

int64_t vn_host_node_pool_free(const struct vn_host *host, size_t node, size_t pool)
{
	const struct vn_hugepool *p = pool_at(host, node, pool);
	return p ? vn_api_amount(p->free) : -ERANGE;
}

int64_t vn_host_node_pool_surplus(const struct vn_host *host, size_t node, size_t pool)
{
	const struct vn_hugepool *p = pool_at(host, node, pool);
	return p ? vn_api_amount(p->surplus) : -ERANGE;
}

int vn_host_distance(const struct vn_host *host, unsigned from_id, unsigned to_id)
{
	int from = vn_host_node_index(host, from_id), to = vn_host_node_index(host, to_id);

	if (from < 0 || to < 0)
		return -ENOENT;
	uint32_t distance = host->nodes[from].distances[to];
	return distance == VN_DISTANCE_UNKNOWN ? -ENODATA : (int)distance;
}
