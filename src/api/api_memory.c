/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The public side of how fast memory is: the kernel's figures, caches in front of it, the firmware's table. */
#include "api.h"

int64_t vn_host_node_access(
	const struct vn_host *host, size_t node, enum vn_access_class access, enum vn_access_figure figure)
{
	const struct vn_host_node *n = vn_api_node(host, node);
	uint64_t value;

	if (!n)
		return -ERANGE;
	if ((unsigned)access >= VN_ACCESS_CLASSES)
		return -EINVAL;
	switch (figure) {
	case VN_ACCESS_READ_LATENCY:
		value = n->access[access].read_latency;
		break;
	case VN_ACCESS_WRITE_LATENCY:
		value = n->access[access].write_latency;
		break;
	case VN_ACCESS_READ_BANDWIDTH:
		value = n->access[access].read_bandwidth;
		break;
	case VN_ACCESS_WRITE_BANDWIDTH:
		value = n->access[access].write_bandwidth;
		break;
	default:
		return -EINVAL;
	}
	return value ? vn_api_amount(value) : -ENODATA;
}

int vn_host_node_initiators(
	const struct vn_host *host, size_t node, enum vn_access_class access, unsigned *ret_ids, size_t max)
{
	const struct vn_host_node *n = vn_api_node(host, node);

	if (!n)
		return -ERANGE;
	if ((unsigned)access >= VN_ACCESS_CLASSES)
		return -EINVAL;
	return vn_api_set(n->access[access].initiators, ret_ids, max);
}

/* ---- caches ---- */

int vn_host_node_cache_count(const struct vn_host *host, size_t node)
{
	const struct vn_host_node *n = vn_api_node(host, node);
	return n ? (int)n->n_memory_caches : -ERANGE;
}

static const struct vn_memory_cache *cache_at(const struct vn_host *host, size_t node, size_t cache)
{
	const struct vn_host_node *n = vn_api_node(host, node);
	return n && cache < n->n_memory_caches ? &n->memory_caches[cache] : NULL;
}

int vn_host_node_cache_level(const struct vn_host *host, size_t node, size_t cache)
{
	const struct vn_memory_cache *c = cache_at(host, node, cache);
	return c ? (int)c->level : -ERANGE;
}

int64_t vn_host_node_cache_size(const struct vn_host *host, size_t node, size_t cache)
{
	const struct vn_memory_cache *c = cache_at(host, node, cache);
	return !c ? -ERANGE : c->size ? vn_api_amount(c->size) : -ENODATA;
}

int64_t vn_host_node_cache_line_size(const struct vn_host *host, size_t node, size_t cache)
{
	const struct vn_memory_cache *c = cache_at(host, node, cache);
	return !c ? -ERANGE : c->line_size ? vn_api_amount(c->line_size) : -ENODATA;
}

int vn_host_node_cache_indexing(const struct vn_host *host, size_t node, size_t cache)
{
	const struct vn_memory_cache *c = cache_at(host, node, cache);
	return c ? vn_api_id(c->indexing) : -ERANGE;
}

int vn_host_node_cache_write_policy(const struct vn_host *host, size_t node, size_t cache)
{
	const struct vn_memory_cache *c = cache_at(host, node, cache);
	return c ? vn_api_id(c->write_policy) : -ERANGE;
}

/* ---- the HMAT ---- */

/* The first of these proximity domains that Linux made this node of; `n` when there is none. */
static size_t find_domain(const struct vn_hmat *hmat, const uint32_t *domains, size_t n, unsigned node)
{
	size_t i = 0;

	while (i < n && vn_hmat_node(hmat, domains[i]) != (int)node)
		i++;
	return i;
}

int64_t vn_host_hmat(
	const struct vn_host *host, enum vn_host_hmat_figure figure, unsigned from_id, unsigned to_id)
{
	const struct vn_hmat *hmat = host->hmat;

	if ((unsigned)figure >= VN_HMAT_TYPES)
		return -EINVAL;
	if (vn_host_node_index(host, to_id) < 0)
		return -ENOENT;
	for (size_t i = 0; hmat && i < hmat->n_matrices; i++) {
		const struct vn_hmat_matrix *m = &hmat->matrices[i];
		size_t from = find_domain(hmat, m->initiators, m->n_initiators, from_id);
		size_t to = find_domain(hmat, m->targets, m->n_targets, to_id);
		if ((unsigned)m->type != (unsigned)figure || m->hierarchy != 0 || from == m->n_initiators ||
			to == m->n_targets)
			continue;
		uint64_t value = m->values[from * m->n_targets + to];
		if (value == VN_HMAT_UNREACHABLE)
			return -ENXIO;
		if (value != VN_HMAT_UNKNOWN)
			return vn_api_amount(value);
	}
	return -ENODATA;
}
