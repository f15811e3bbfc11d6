/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The planner, as `vnuma run` asks it: with everything that runs counted as occupied, and vnodes that it makes itself where the
 * trace does not give them (automatic vNUMA). A plan that spills is taken, as the guest does run: what of its memory is elsewhere counts in its distance.
 */
#include "rule.h"

#include "../base/text.h"
#include "../plan/plan_make.h"

#define PLAN_MS 100 /* a plan; hit by none of the hosts in docs/simulate.md */

struct ours {
	struct vn_occupied *occupied;
	const struct vn_host *host;
	size_t unproven;
};

/* What a guest that is there was planned as. */
struct kept {
	struct vn_guest *guest;
	struct vn_plan *plan;
};

static void kept_free(struct kept *kept)
{
	if (!kept)
		return;
	vn_guest_free(kept->guest);
	vn_plan_free(kept->plan);
	free(kept);
}

static int open_ours(const struct vn_stock *stock, uint64_t seed, void **ret_self)
{
	struct ours *self = calloc(1, sizeof(*self));
	struct vn_occupied *occupied = vn_occupied_new(stock->host);

	(void)seed;
	if (!self || !occupied) {
		free(self);
		vn_occupied_free(occupied);
		return -ENOMEM;
	}
	*self = (struct ours){occupied, stock->host, 0};
	*ret_self = self;
	return 0;
}

static void close_ours(void *pointer)
{
	struct ours *self = pointer;

	if (self)
		vn_occupied_free(self->occupied);
	free(self);
}

static int fill_vnode(struct vn_vnode *vnode, const struct vn_trace_guest *from, unsigned v, unsigned first)
{
	unsigned n = vn_trace_vnode_vcpus(from, v);

	vnode->memory = vn_trace_vnode_mib(from, v) * VN_MIB;
	vnode->home = -1;
	vnode->vcpus = hwloc_bitmap_alloc();
	vnode->distances = calloc(from->vnodes, sizeof(*vnode->distances));
	if (!vnode->vcpus || !vnode->distances ||
		hwloc_bitmap_set_range(vnode->vcpus, first, (int)(first + n) - 1) < 0)
		return -ENOMEM;
	for (unsigned w = 0; w < from->vnodes; w++)
		vnode->distances[w] = v == w ? VN_DISTANCE_LOCAL : 20;
	return 0;
}

/* One vnode that is left open, unless the trace says how many there are. */
static struct vn_guest *guest_of(const struct vn_trace_guest *given)
{
	vn_autoguest *guest = vn_guest_new();
	struct vn_trace_guest copy = *given, *from = &copy;
	unsigned vcpu = 0;

	if (!guest)
		return NULL;
	guest->vnodes_open = !given->vnodes_told;
	if (guest->vnodes_open)
		copy.vnodes = 1;
	guest->name = vn_copy("guest");
	guest->vnodes = calloc(from->vnodes, sizeof(*guest->vnodes));
	if (!guest->name || !guest->vnodes)
		return NULL;
	guest->n_vnodes = from->vnodes;
	guest->memory = guest->maxmem = from->mib * VN_MIB;
	guest->vcpus = guest->maxvcpus = from->vcpus;
	guest->weight = 256;
	guest->guest_numa = given->vnodes_told ? VN_GUEST_NUMA_ON : VN_GUEST_NUMA_AUTO;
	for (unsigned v = 0; v < from->vnodes; v++) {
		if (fill_vnode(&guest->vnodes[v], from, v, vcpu) < 0)
			return NULL;
		vcpu += vn_trace_vnode_vcpus(from, v);
	}
	return vn_steal(guest);
}

static int placement_of(
	const struct vn_host *host, const struct kept *kept, struct vn_placement *ret_placement)
{
	struct vn_placement placement = {0};
	int r = 0;

	for (size_t v = 0; v < kept->plan->n_vnodes && r == 0; v++) {
		const struct vn_plan_vnode *vnode = &kept->plan->vnodes[v];
		int home = vn_host_node_index(host, vnode->home);
		r = home < 0 ? home
			     : vn_placement_add(&placement, (size_t)home,
				       vn_set_weight(kept->guest->vnodes[v].vcpus), 0);
		for (size_t k = 0; k < vnode->n_shares && r == 0; k++) {
			int node = vn_host_node_index(host, vnode->shares[k].pnode);
			r = node < 0 ? node
				     : vn_placement_add(
					       &placement, (size_t)node, 0, vnode->shares[k].memory / VN_MIB);
		}
	}
	if (r < 0)
		vn_placement_clear(&placement);
	else
		*ret_placement = placement;
	return r;
}

static int plan(struct ours *self, struct kept *kept)
{
	struct vn_plan_options options = {.occupied = self->occupied, .deadline_ms = PLAN_MS};
	vn_autoerror err = {0};

	int r = vn_guest_shape(self->host, &options, kept->guest, &err);
	if (r == 0)
		r = vn_plan_make(self->host, kept->guest, &options, &kept->plan, &err);
	if (r == 0 && !kept->plan->optimal)
		self->unproven++;
	return r != 0 ? r : kept->plan->feasible ? 0 : -ENOSPC;
}

static int place(void *pointer, const struct vn_stock *stock, const struct vn_trace_guest *guest,
	struct vn_placement *ret_placement)
{
	struct ours *self = pointer;
	struct vn_placement placement = {0};
	struct kept *kept = calloc(1, sizeof(*kept));

	if (guest->mib > stock->free) {
		free(kept);
		return -ENOSPC; /* as the planner would say: no need to shape what has no room */
	}
	if (kept)
		kept->guest = guest_of(guest);
	int r = kept && kept->guest ? plan(self, kept) : -ENOMEM;
	if (r == 0)
		r = placement_of(self->host, kept, &placement);
	if (r == 0)
		r = vn_occupied_add(self->occupied, self->host, kept->guest, kept->plan);
	if (r < 0) {
		vn_placement_clear(&placement);
		kept_free(kept);
		return r;
	}
	placement.kept = kept;
	*ret_placement = placement;
	return 0;
}

static void depart(void *pointer, struct vn_placement *placement)
{
	struct ours *self = pointer;
	struct kept *kept = placement->kept;

	if (kept)
		vn_occupied_remove(self->occupied, self->host, kept->guest, kept->plan);
	kept_free(kept);
	placement->kept = NULL;
}

static size_t unproven(const void *pointer)
{
	const struct ours *self = pointer;
	return self->unproven;
}

const struct vn_rule vn_rule_ours = {
	.name = "ours",
	.about = "vnuma's planner: fewest bytes elsewhere, no shared cores, then the least distance",
	.open = open_ours,
	.close = close_ours,
	.place = place,
	.depart = depart,
	.unproven = unproven,
};
