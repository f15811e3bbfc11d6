/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: what is there of the ranges, as far as the sample tells, has to come to lie on their targets, in pages of its own
 * size; what of the same blocks is there already is there to stay, or leaves, and makes room either way. What nobody touched yet takes
 * nothing now. So a target has to have free
 *
 *     sum over its ranges of size * share of the block's pages that are there - sum over all blocks that move of their bytes on it
 *
 * Page cache that is clean counts as free. A sample is off by 2% or so (4096 pages, 99%): what lacks less than that may be a mere chance.
 */
#include "../base/text.h"
#include "part.h"

#define RESERVE_SHARE 50 /* of a node's memory: 2% */
#define RESERVE_LEAST (UINT64_C(512) << 20)
#define CHANCE 0.02
#define CUT ((double)(UINT64_C(2) << 20)) /* that a range is larger than planned: memory.c */

struct need {
	double want, own; /* bytes: of ranges to come to lie there; of blocks there already */
	double doubt; /* bytes that it may be less */
};

static struct need need_of(const struct vn_rehoming *the, unsigned node, uint64_t page)
{
	const struct vn_move *move = the->move;
	struct need need = {0};
	bool sure = true;

	for (size_t i = 0; i < the->vm->n_blocks; i++) {
		const struct vn_block_sample *block = &the->vm->blocks[i];
		bool moves = false;
		if (block->page != page)
			continue;
		for (size_t k = 0; k < move->n_ranges; k++) {
			const struct vn_move_range *range = &move->ranges[k];
			if (block->address == 0 || range->address < block->address ||
				range->address - block->address >= block->size)
				continue;
			moves = true;
			if (range->node != node)
				continue;
			need.want += (double)range->size * vn_rehome_present(block);
			need.doubt += CUT;
		}
		for (size_t k = 0; moves && block->has_residency && k < block->residency.n_nodes; k++) {
			const struct vn_node_count *count = &block->residency.nodes[k];
			if (count->node == node)
				need.own += (double)block->size * (double)count->pages /
					    (double)block->residency.asked;
		}
		sure &= !moves || (block->has_residency && block->residency.exact);
	}
	need.doubt += sure ? 0 : CHANCE * need.want;
	return need;
}

/* ---- ordinary pages ---- */

static uint64_t reserve_of(const struct vn_rehoming *the, const struct vn_host_node *node)
{
	uint64_t share = node->memory_total / RESERVE_SHARE;

	if (the->wish->limits.has_reserve)
		return the->wish->limits.reserve;
	return share > RESERVE_LEAST ? share : RESERVE_LEAST;
}

static int check_memory(struct vn_rehoming *the, const struct vn_host_node *node)
{
	struct need need = need_of(the, node->id, 0);
	uint64_t idle = node->memory_free + node->memory_reclaimable, reserve = reserve_of(the, node);
	double coming = need.want - need.own, lack = coming - (double)idle;
	char wanted[VN_SIZE_TEXT], has[VN_SIZE_TEXT], own[VN_SIZE_TEXT], rest[VN_SIZE_TEXT];

	if (!node->has_memory_free || coming <= 0 || lack + (double)reserve <= 0)
		return 0;
	vn_size_text((uint64_t)need.want, wanted);
	vn_size_text(idle, has);
	vn_size_text((uint64_t)need.own, own);
	if (the->wish->memory && lack > need.doubt) {
		vn_error_input(the->problems, NULL,
			"node %u is to have %s (%llu bytes) of its memory; it has %s (%llu bytes) free, and %s (%llu bytes) of "
			"it already",
			node->id, wanted, (unsigned long long)need.want, has, (unsigned long long)idle, own,
			(unsigned long long)need.own);
		return 0;
	}
	double stays = lack + (double)reserve < coming ? lack + (double)reserve : coming;
	return vn_notes_add(&the->move->notes, "memory-short",
		"node %u has %s free, of which %s are kept in reserve: up to %s of what is to come there stays where it is",
		node->id, has, vn_size_text(reserve, rest), vn_size_text((uint64_t)stays, wanted));
}

/* ---- huge pages ---- */

/* NULL: the node tells of none of that size. */
static const struct vn_hugepool *pool_of(const struct vn_host_node *node, uint64_t page)
{
	for (size_t i = 0; i < node->n_hugepools; i++) {
		if (node->hugepools[i].size == page)
			return &node->hugepools[i];
	}
	return NULL;
}

/* Whether any node tells of pools of this size: else nothing is known of them. */
static bool pools_known(const struct vn_rehoming *the, uint64_t page)
{
	for (size_t i = 0; i < the->host->n_nodes; i++) {
		if (pool_of(&the->host->nodes[i], page))
			return true;
	}
	return false;
}

static int check_pool(struct vn_rehoming *the, const struct vn_host_node *node, uint64_t page)
{
	struct need need = need_of(the, node->id, page);
	const struct vn_hugepool *pool = pool_of(node, page);
	uint64_t idle = pool ? pool->free : 0;
	double coming = (need.want - need.own) / (double)page; /* pages */
	char size[VN_SIZE_TEXT];

	/* half a page is what comes of sampling */
	if (!pools_known(the, page) || coming - (double)idle < 0.5)
		return 0;
	uint64_t pages = (uint64_t)(coming + 0.5), lack = pages - idle;
	return vn_notes_add(&the->move->notes, "hugepages-short",
		"node %u has %llu free huge pages of %s, and %llu are to come there: %llu MiB stay where they are, unless its pool "
		"grows",
		node->id, (unsigned long long)idle, vn_size_text_exact(page, size), (unsigned long long)pages,
		(unsigned long long)(lack * page / VN_MIB));
}

/* The next page size above `page` among what moves; 0: none. */
static uint64_t next_page(const struct vn_move *move, uint64_t page)
{
	uint64_t next = 0;

	for (size_t i = 0; i < move->n_ranges; i++) {
		uint64_t p = move->ranges[i].page;
		if (p > page && (next == 0 || p < next))
			next = p;
	}
	return next;
}

int vn_rehome_room(struct vn_rehoming *the)
{
	int r = 0;

	for (size_t i = 0; i < the->host->n_nodes && r == 0; i++) {
		const struct vn_host_node *node = &the->host->nodes[i];
		r = check_memory(the, node);
		for (uint64_t page = next_page(the->move, 0); page > 0 && r == 0;
			page = next_page(the->move, page))
			r = check_pool(the, node, page);
	}
	return r;
}
