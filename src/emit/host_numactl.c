/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host_numactl.h"

#include "../model/numactl_form.h"

static uint32_t host_distance(const void *host, size_t i, size_t j)
{
	return ((const struct vn_host *)host)
		->nodes[i]
		.distances[j]; /* VN_DISTANCE_UNKNOWN is 0, as with numactl */
}

void vn_host_print_numactl(const struct vn_host *host, FILE *out)
{
	unsigned ids[VN_MAX_NODES];

	for (size_t i = 0; i < host->n_nodes; i++)
		ids[i] = host->nodes[i].id;
	vn_numactl_print_available(ids, host->n_nodes, out);
	for (size_t i = 0; i < host->n_nodes; i++) {
		const struct vn_host_node *node = &host->nodes[i];
		vn_numactl_print_cpus(node->id, node->cpus, out);
		vn_numactl_print_size(node->id, "size", true, node->memory_total, out);
		vn_numactl_print_size(node->id, "free", node->has_memory_free, node->memory_free, out);
	}
	vn_numactl_print_distances(ids, host->n_nodes, host_distance, host, out);
}
