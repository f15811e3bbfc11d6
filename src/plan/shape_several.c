/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 *
 * The homes of several guests are chosen at once (joint.c), but the vnodes of a guest that left them open must be there before.
 * They are made guest by guest (shape.c), each with what those before it would take counted. Made all against the same occupancy,
 * two guests that each fit the one free node would both become one vnode, and one of them would spill or squeeze for it. First
 * come the guests whose vnodes are given, as they have no choice; then the rest, the largest first (by memory, or by vCPUs: the caller
 * says): what is large finds few places that hold it whole, and what is small still fits between, as in any packing.
 *
 * The limit of it: a shape is not made again when the joint search puts the guests elsewhere. If that plan spills or squeezes
 * although smaller vnodes would fit, it stands; giving `vnodes` in a config is the way out.
 */
#include "plan_make.h"

#include <string.h>

static bool comes_before(const struct vn_guest *a, const struct vn_guest *b, enum vn_shape_order by)
{
	if (a->vnodes_open != b->vnodes_open)
		return !a->vnodes_open;
	if (by == VN_SHAPE_BY_VCPUS && a->maxvcpus != b->maxvcpus)
		return a->maxvcpus > b->maxvcpus;
	if (a->memory != b->memory)
		return a->memory > b->memory;
	if (a->maxvcpus != b->maxvcpus)
		return a->maxvcpus > b->maxvcpus;
	return a->name && b->name && strcmp(a->name, b->name) < 0;
}

static void put_in_order(struct vn_guest *const *guests, size_t n, enum vn_shape_order by, size_t *order)
{
	for (size_t i = 0; i < n; i++) {
		size_t at = i;
		for (; at > 0 && comes_before(guests[i], guests[order[at - 1]], by); at--)
			order[at] = order[at - 1];
		order[at] = i;
	}
}

/* Counts a guest for the next ones. One that has no plan takes nothing: why is for the joint plan to say. */
static int count_guest(const struct vn_host *host, const struct vn_guest *guest,
	const struct vn_plan_options *options, struct vn_occupied *occupied)
{
	vn_autoplan *plan = NULL;

	int r = vn_plan_make(host, guest, options, &plan, NULL);
	if (r == 0 && plan->feasible)
		r = vn_occupied_add(occupied, host, guest, plan);
	return r == -ENOMEM ? r : 0;
}

unsigned vn_shape_deadline(unsigned deadline_ms, size_t n)
{
	return deadline_ms == 0 ? 0 : deadline_ms / (unsigned)n + 1;
}

int vn_guests_shape(const struct vn_host *host, const struct vn_plan_options *options,
	struct vn_guest *const *guests, size_t n, enum vn_shape_order by, struct vn_error *err)
{
	vn_autooccupied *occupied = vn_occupied_copy(options ? options->occupied : NULL, host);
	struct vn_plan_options beside = {.occupied = occupied,
		.no_empty_vnodes = options && options->no_empty_vnodes,
		.deadline_ms = options ? vn_shape_deadline(options->deadline_ms, n) : 0};
	size_t order[VN_MAX_JOINT];

	if (n > VN_MAX_JOINT)
		return vn_error_environment(
			err, -E2BIG, "%zu guests seen; expected at most %d at once", n, VN_MAX_JOINT);
	int r = occupied ? 0 : -ENOMEM;
	put_in_order(guests, n, by, order);
	if (n > 0 && !guests[order[n - 1]]->vnodes_open)
		return 0; /* the open ones come last: there is none */
	for (size_t i = 0; i < n && r == 0; i++) {
		r = vn_guest_shape(host, &beside, guests[order[i]], NULL);
		if (r == 0 && i + 1 < n)
			r = count_guest(host, guests[order[i]], &beside, occupied);
	}
	return r < 0 ? vn_error_environment(err, r, "out of memory") : 0;
}
