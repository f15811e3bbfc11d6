/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* How far apart a guest's vnodes must be at least, whatever their homes: a bound of the distance level, quickly. */

#include "hierarchy.h"

/*
 * A lower bound of the distance of every plan that spills no more than `spill` bytes and squeezes no more than `squeeze` cores
 * beyond the cores that are there. `tree`: of all places that a part may live on. 0 or -ENOMEM.
 */
int vn_dispersion(const struct vn_instance *instance, const struct vn_hierarchy *tree, uint64_t spill,
	uint64_t squeeze, int64_t *ret_distance);
