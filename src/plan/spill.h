/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Where the memory goes that does not fit its home. */

#include "instance.h"

struct vn_spill {
	size_t n_sources; /* places that keep less than they are asked for */
	size_t *sources; /* their indices */
	size_t n_places;
	uint64_t *flow; /* n_sources x n_places: bytes that source i sends to place j */
};

/*
 * Of one pool. `demand`: bytes of the vnodes at home on each place. The rooms together must hold all of it.
 * Returns 0 or -ENOMEM.
 */
int vn_spill_make(
	const struct vn_instance *instance, size_t pool, const uint64_t *demand, struct vn_spill *ret_spill);

/* Bytes that go elsewhere of what is at home on `place`; 0 when it keeps all. */
uint64_t vn_spill_sent(const struct vn_spill *spill, size_t place);

void vn_spill_clear(struct vn_spill *spill);
#define vn_autospill vn_cleanup(vn_spill_clear) struct vn_spill
