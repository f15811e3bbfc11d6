/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The question of who has to move, in plain integers: the guests' vnodes and those that may move, and what is decided of them. */

#include "instance.h"

#define VN_UNDECIDED SIZE_MAX
#define VN_STAYS (SIZE_MAX - 1)

/*
 * The instance has the guests first, then a group for each tenant that may move, with none of these counted as occupied. Parts
 * are numbered as in the instance: those below `n_new` are the guests'.
 */
struct vn_room_model {
	struct vn_instance in;
	size_t n_new; /* parts of the guests */
	size_t *origins; /* place of each part; VN_UNDECIDED for the guests' */
	size_t *starts,
		*residents; /* parts by origin: those of place i are residents[starts[i]] to [starts[i + 1] - 1] */
	size_t *kinds; /* the lowest part that this one could be exchanged for, in every respect */
	uint64_t *
		steps; /* n_pools x n_places: what the bytes that can leave there are a multiple of; 0: none can */
	/* For a tenant with cores of its own, and each group: how many of the cores that the group could use at its home it has.
	 * NULL for any other part. */
	uint64_t **claims;
};

void vn_room_model_clear(struct vn_room_model *model);

/* What is decided so far: kept up to date by vn_room_decide(). */
struct vn_room_state {
	const struct vn_room_model *model;
	size_t *places; /* of each part: a place, VN_STAYS, or VN_UNDECIDED */
	uint64_t *asked; /* n_pools x n_places: memory of parts put there */
	uint64_t *held; /* n_pools x n_places: memory of parts that have not left */
	uint64_t *load; /* n_places: cores' worth of what runs there and has not left, claimed cores apart */
	uint64_t *cores; /* n_places: cores' worth of parts put there */
	uint64_t bytes; /* of parts moved */
	size_t n_moved;
};

int vn_room_state_make(const struct vn_room_model *model, struct vn_room_state *ret_state);
void vn_room_state_clear(struct vn_room_state *state);
#define vn_autoroomstate vn_cleanup(vn_room_state_clear) struct vn_room_state

/* Decides a part: a place for it (not its own), or VN_STAYS. Takes it back: VN_UNDECIDED. */
void vn_room_decide(struct vn_room_state *state, size_t part, size_t place);

/* What is still to be done. */
struct vn_room_rest {
	bool dead; /* it cannot be done any more */
	uint64_t bytes; /* that have to move yet, at least */
	size_t n_moves; /* vnodes that have to move yet, at least */
	size_t part; /* what to decide next; VN_UNDECIDED: all fits, nothing is left to do */
};

/* 0 or -ENOMEM. */
int vn_room_rest(const struct vn_room_state *state, struct vn_room_rest *ret_rest);

/* Whether the part may be put there at all, as far as that can be seen now: symmetric choices are left out. */
bool vn_room_may_go(const struct vn_room_state *state, size_t part, size_t place);
