/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Each vnode in turn goes to any of the nodes that have its memory free and as many cores as it has vCPUs, by lot. */
#include "rule.h"
#include "synthetic.h"

static int open_lots(const struct vn_stock *stock, uint64_t seed, void **ret_self)
{
	uint64_t *state = malloc(sizeof(*state));

	(void)stock;
	if (!state)
		return -ENOMEM;
	*state = seed;
	*ret_self = state;
	return 0;
}

static uint64_t free_now(const struct vn_stock *stock, const struct vn_placement *placement, size_t node)
{
	for (size_t i = 0; i < placement->n; i++) {
		if (placement->portions[i].node == node)
			return stock->nodes[node].free - placement->portions[i].mib;
	}
	return stock->nodes[node].free;
}

/* The lot falls on one of those that fit, all with the same chance; -1: none fits. */
static int draw_node(uint64_t *state, const struct vn_stock *stock, const struct vn_placement *placement,
	unsigned vcpus, uint64_t mib)
{
	int drawn = -1;
	uint64_t n = 0;

	for (size_t i = 0; i < stock->n; i++) {
		if (free_now(stock, placement, i) < mib || stock->nodes[i].cores < vcpus)
			continue;
		if (vn_random_below(state, ++n) == 0)
			drawn = (int)i;
	}
	return drawn;
}

static int place(void *self, const struct vn_stock *stock, const struct vn_trace_guest *guest,
	struct vn_placement *ret_placement)
{
	struct vn_placement placement = {0};
	int r = 0;

	for (unsigned v = 0; v < guest->vnodes && r == 0; v++) {
		unsigned vcpus = vn_trace_vnode_vcpus(guest, v);
		uint64_t mib = vn_trace_vnode_mib(guest, v);
		int node = draw_node(self, stock, &placement, vcpus, mib);
		r = node < 0 ? -ENOSPC : vn_placement_add(&placement, (size_t)node, vcpus, mib);
	}
	if (r < 0)
		vn_placement_clear(&placement);
	else
		*ret_placement = placement;
	return r;
}

const struct vn_rule vn_rule_random = {
	.name = "random",
	.about = "each vnode on any node that fits, by lot",
	.open = open_lots,
	.close = free,
	.place = place,
};
