/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Room for guests that do not fit: which vnodes of others have to move, at the least. */

#include "../model/tenants.h"
#include "plan_make.h"

struct vn_room_move {
	const struct vn_guest *guest; /* one of the tenants */
	size_t vnode;
	unsigned from, to; /* node ids */
	uint64_t bytes; /* of the vnode: all of it moves */
};

struct vn_room {
	bool fits; /* once the moves are made: without any when there are none */
	bool proven; /* fits: no cheaper moves would do; else: no moves at all would */
	bool compared; /* all sets of moves that are as cheap were weighed against each other, too */
	uint64_t bytes; /* that move; 0 when nothing fits */
	uint64_t bound; /* proven: fewer bytes do not do, or nothing at all does */
	size_t n_moves;
	struct vn_room_move *moves; /* by name of guest, then vnode; owned */
	size_t n_tenants;
	struct vn_plan **
		plans; /* by index of tenants: of one that moves, once it has; NULL: it stays as it is; owned */
	struct vn_occupied
		*occupied; /* once the moves are made, without the guests; owned; NULL when nothing fits */
	struct vn_notes kept; /* tenants that are not moved in any case, and why */
	struct vn_notes
		reasons; /* why the guests would not fit if all were moved, where it is more than a want of room */
};

void vn_room_clear(struct vn_room *room);
#define vn_autoroom vn_cleanup(vn_room_clear) struct vn_room

/*
 * Finds the moves of `tenants` with the fewest bytes that let the `n` guests fit: all memory of each vnode on its home (no
 * spill), a core for each vCPU where exclusive_cores wants it; vCPUs that share a core (squeeze) are no reason to move anybody.
 * The same holds for what moves. Of as few bytes: the fewest vnodes, then the best cost of all guests together, then the first
 * by name. `options->occupied` counts the tenants, as vn_tenants_occupy() does, and whatever else cannot move; its deadline
 * holds for all. Not moved is a tenant whose homes were wished for, or whose memory is not all at home already. The guests have
 * their vnodes. -EINVAL as vn_plan_make(), -E2BIG as vn_plan_make_joint(), -ENOMEM; *ret_room is untouched then.
 */
int vn_room_make(const struct vn_host *host, const struct vn_guest *const *guests, size_t n,
	const struct vn_tenants *tenants, const struct vn_plan_options *options, struct vn_room *ret_room,
	struct vn_error *err);
