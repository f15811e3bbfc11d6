/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Which places could change names, all at once, so that nothing changes: rings turned, cubes mirrored. */

#include "instance.h"

struct vn_symmetry {
	const struct vn_instance *in;
	bool none; /* no renaming at all */
	size_t *color; /* per place: the lowest one that offers the same by itself */
	size_t *image, *order; /* scratch: a renaming in the making, and in which order it is made */
	bool *used; /* scratch, per place: it is the image of one */
	struct vn_orbits *orbits; /* those reckoned so far */
};

/* 0 or -ENOMEM. */
int vn_symmetry_make(const struct vn_instance *instance, struct vn_symmetry *ret_symmetry);
void vn_symmetry_clear(struct vn_symmetry *symmetry);

/*
 * Per place the lowest one that a renaming maps it to which leaves every place with tenants where it is. NULL where there is none
 * to know of, or too many have tenants for it to be worth the time. Good until the next call. A place that is only said to be its
 * own may yet have a lower one: looking stops after some steps.
 */
const uint16_t *vn_symmetry_lowest(struct vn_symmetry *symmetry, const unsigned *tenants);
