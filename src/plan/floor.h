/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What parts cost each other at least, wherever they live: a bound of the distance so cheap that it can be had for every branch
 * before it is entered. */

#include "bound.h"

struct vn_floor {
	const struct vn_instance *in;
	uint64_t slack; /* cores */
	int64_t *pairs; /* n_parts x n_parts: what two cost each other; one and itself: what it costs alone */
};

/* Of plans that spill nothing and squeeze no more than `slack` cores beyond what is crowded already. 0 or -ENOMEM. */
int vn_floor_make(const struct vn_instance *instance, uint64_t slack, struct vn_floor *ret_floor);
void vn_floor_clear(struct vn_floor *floor);

/* What these parts and the settled ones cost each other at least. INT64_MAX / 2: they have nowhere to go. */
int64_t vn_floor_seen(
	const struct vn_floor *floor, const struct vn_partial *partial, const size_t *parts, size_t n);

/* What the first of these parts costs with itself and each of the others at least. */
int64_t vn_floor_pairs(const struct vn_floor *floor, const size_t *parts, size_t n);
