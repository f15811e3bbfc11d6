/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * OpenStack Nova's rule: the host's cells are sorted, then the permutations of as many of them as the guest has cells are tried
 * in the order of Python's itertools, and the first in which every guest cell fits its host cell is taken. One guest cell a host
 * cell; a cell fits when its memory is free and it has no more vCPUs than the host cell has CPUs. Distances are not looked at.
 * (Nova 26, nova/virt/hardware.py, numa_fit_instance_to_host and _numa_fit_instance_cell, for guests with shared CPUs; with
 * ram_allocation_ratio 1, as memory here is not promised twice, and the vCPU ratio of 16 that is the default and never reached.)
 *
 * Sorted by _sort_host_numa_cells, with packing_host_numa_cells_allocation_strategy off as it is by default: fewest vCPUs in use,
 * then most free memory; not sorted when the guest has as many cells as the host.
 *
 * The first permutation that fits is found here by going back on the first cell that does not fit, instead of trying all that
 * begin alike: the same answer, so much faster that the time says nothing about Nova's.
 */
#include "rule.h"

struct candidates {
	size_t n;
	uint32_t *nodes; /* sorted */
	bool *used; /* by position */
	uint32_t *chosen; /* position for each vnode */
	const struct vn_stock *stock;
	const struct vn_trace_guest *guest;
};

static bool comes_before(const struct vn_stock_node *a, const struct vn_stock_node *b)
{
	return a->load != b->load ? a->load < b->load : a->free > b->free;
}

/* Stable, as Python's sorted() is; by insertion, as hosts have few nodes. */
static void sort(struct candidates *c)
{
	for (size_t i = 1; i < c->n; i++) {
		uint32_t node = c->nodes[i];
		size_t k = i;
		for (; k > 0 && comes_before(&c->stock->nodes[node], &c->stock->nodes[c->nodes[k - 1]]); k--)
			c->nodes[k] = c->nodes[k - 1];
		c->nodes[k] = node;
	}
}

static bool fits(const struct candidates *c, unsigned vnode, size_t position)
{
	const struct vn_stock_node *node = &c->stock->nodes[c->nodes[position]];

	return !c->used[position] && node->free >= vn_trace_vnode_mib(c->guest, vnode) &&
	       node->cores >= vn_trace_vnode_vcpus(c->guest, vnode);
}

/* The first permutation, or false. At most VN_MAX_VNODES deep. */
static bool permute(struct candidates *c, unsigned vnode)
{
	if (vnode == c->guest->vnodes)
		return true;
	for (size_t position = 0; position < c->n; position++) {
		if (!fits(c, vnode, position))
			continue;
		c->used[position] = true;
		c->chosen[vnode] = (uint32_t)position;
		if (permute(c, vnode + 1))
			return true;
		c->used[position] = false;
	}
	return false;
}

static int place(void *self, const struct vn_stock *stock, const struct vn_trace_guest *guest,
	struct vn_placement *ret_placement)
{
	uint32_t chosen[VN_MAX_VNODES];
	vn_autofree uint32_t *nodes = calloc(stock->n, sizeof(*nodes));
	vn_autofree bool *used = calloc(stock->n, sizeof(*used));
	struct candidates c = {stock->n, nodes, used, chosen, stock, guest};

	(void)self;
	if (!nodes || !used || guest->vnodes > stock->n)
		return !nodes || !used ? -ENOMEM : -ENOSPC;
	for (size_t i = 0; i < stock->n; i++)
		nodes[i] = (uint32_t)i;
	if (guest->vnodes < stock->n)
		sort(&c);
	if (!permute(&c, 0))
		return -ENOSPC;
	struct vn_placement placement = {0};
	int r = 0;
	for (unsigned v = 0; v < guest->vnodes && r == 0; v++)
		r = vn_placement_add(&placement, nodes[chosen[v]], vn_trace_vnode_vcpus(guest, v),
			vn_trace_vnode_mib(guest, v));
	if (r < 0)
		vn_placement_clear(&placement);
	else
		*ret_placement = placement;
	return r;
}

const struct vn_rule vn_rule_first_fit = {
	.name = "first-fit",
	.about = "OpenStack Nova's rule: the first permutation of nodes that fits",
	.place = place,
};
