/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "near_nodes.h"

/* From node `from` to `to`; 0: not told. */
static uint32_t distance(const struct vn_host *host, size_t from, size_t to)
{
	const uint32_t *row = host->nodes[from].distances;

	if (from == to)
		return VN_DISTANCE_LOCAL;
	return row && row[to] > VN_DISTANCE_LOCAL ? row[to] : 0;
}

int vn_near_nodes(const struct vn_host *host, size_t node, hwloc_bitmap_t ret)
{
	uint32_t nearest = UINT32_MAX;
	bool known = true;

	if (!hwloc_bitmap_iszero(host->nodes[node].cpus))
		return hwloc_bitmap_set(ret, (unsigned)node) < 0 ? -ENOMEM : 0;
	for (size_t i = 0; i < host->n_nodes; i++) {
		uint32_t d = distance(host, i, node);
		known &= d > 0;
		if (!hwloc_bitmap_iszero(host->nodes[i].cpus) && d < nearest)
			nearest = d;
	}
	for (size_t i = 0; i < host->n_nodes; i++) {
		bool near = !known || distance(host, i, node) <= nearest;
		if (!hwloc_bitmap_iszero(host->nodes[i].cpus) && near &&
			hwloc_bitmap_set(ret, (unsigned)i) < 0)
			return -ENOMEM;
	}
	return 0;
}

int vn_near_cpus(const struct vn_host *host, hwloc_const_bitmap_t nodes, hwloc_bitmap_t ret)
{
	unsigned node;

	hwloc_bitmap_foreach_begin (node, nodes) {
		if (hwloc_bitmap_or(ret, ret, host->nodes[node].cpus) < 0)
			return -ENOMEM;
	}
	hwloc_bitmap_foreach_end();
	return 0;
}
