/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The search for the vnodes that have to move. */

#include "deadline.h"
#include "room_model.h"

#define VN_ROOM_SETS 64 /* sets of moves of the same bytes that are looked at */

struct vn_room_found {
	bool any, proven, compared; /* as in struct vn_room */
	uint64_t bytes, bound;
	size_t n_moves;
	size_t n_sets; /* different sets of moved parts, all of that many bytes and moves */
	size_t *sets
		[VN_ROOM_SETS]; /* places of all parts, VN_STAYS or VN_UNDECIDED for those that stay; owned */
};

void vn_room_found_clear(struct vn_room_found *found);
#define vn_autoroomfound vn_cleanup(vn_room_found_clear) struct vn_room_found

struct vn_room_limits {
	struct vn_deadline first, best,
		ties; /* for a first answer; for the best; for others that are as good */
};

/* 0 or -ENOMEM. */
int vn_room_search(const struct vn_room_model *model, const struct vn_room_limits *limits,
	struct vn_room_found *ret_found);
