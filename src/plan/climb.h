/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Good homes fast: a greedy start, improved by moving and swapping vnodes. The search prunes with what this
 * finds. */

#include "bound.h"
#include "deadline.h"

/*
 * Improves a complete choice down to the distance: moves and swaps those of the parts that `fixed` (place per part, or -1)
 * leaves free until none of them makes it better, or the time is up. The levels below are not looked at.
 */
void vn_climb_fast(struct vn_partial *partial, const int *fixed, const struct vn_deadline *until);

/* Improves *homes, and *cost with it, until no move of one part and no swap of two makes it better, or the time is up. 0 or
 * -ENOMEM. */
int vn_climb(const struct vn_instance *instance, size_t *homes, struct vn_cost *cost,
	const struct vn_deadline *until);

/*
 * The cheapest homes one move or one swap away from `homes` that cost more than `cost`, of those looked at in time. 1 when there
 * are such, 0 when not, or -ENOMEM.
 */
int vn_climb_next(const struct vn_instance *instance, const size_t *homes, const struct vn_cost *cost,
	const struct vn_deadline *until, size_t *ret_homes, struct vn_cost *ret_cost);
