/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "as_if_gone.h"

#include "../model/host_copy.h"

/* What of a node is in no pool of huge pages; such pools may be more than its memory, see vn_hugepool_is_sound(). */
static uint64_t ordinary(const struct vn_host_node *node)
{
	uint64_t rest = node->memory_total;

	for (size_t i = 0; i < node->n_hugepools; i++) {
		uint64_t pool = node->hugepools[i].size * node->hugepools[i].total;
		rest -= pool < rest ? pool : rest;
	}
	return rest;
}

static void free_memory(struct vn_host_node *node, uint64_t bytes)
{
	uint64_t idle = node->memory_free + node->memory_reclaimable, most = ordinary(node),
		 more = most > idle ? most - idle : 0;

	if (node->has_memory_free)
		node->memory_free += bytes < more ? bytes : more;
}

static void free_pages(struct vn_host_node *node, uint64_t page, uint64_t bytes)
{
	for (size_t i = 0; i < node->n_hugepools; i++) {
		struct vn_hugepool *pool = &node->hugepools[i];
		uint64_t pages = (bytes + page / 2) / page, more = pool->total - pool->free;
		if (pool->size == page)
			pool->free += pages < more ? pages : more;
	}
}

static int free_block(struct vn_host *host, const struct vn_block_sample *block)
{
	vn_autofree struct vn_node_bytes *bytes = NULL;
	size_t n = 0;

	if (!block->has_residency || block->residency.asked == 0)
		return 0;
	if (vn_block_bytes(block, &bytes, &n) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		int node = vn_host_node_index(host, bytes[i].node);
		if (node >= 0 && block->page > 0)
			free_pages(&host->nodes[node], block->page, bytes[i].bytes);
		else if (node >= 0)
			free_memory(&host->nodes[node], bytes[i].bytes);
	}
	return 0;
}

int vn_rehome_host(const struct vn_sample *sample, size_t vm, struct vn_host **ret_host, struct vn_error *err)
{
	vn_autohost *host = NULL;
	int r = vn_host_copy(sample->host, &host);

	for (size_t i = 0; i < sample->vms[vm].n_blocks && r == 0; i++)
		r = free_block(host, &sample->vms[vm].blocks[i]);
	if (r < 0)
		return vn_error_environment(err, r, "out of memory");
	*ret_host = vn_steal(host);
	return 0;
}
