/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What the second and third dialects of a config (DESIGN section 3) tell of vnodes, read before anything else: the guest's memory
 * and vCPUs are the sums of it where no key of their own tells them. Not for other folders.
 */

#include <hwloc/bitmap.h>
#include <stdbool.h>
#include <stdint.h>

#include "../model/guest.h"

struct guest_told_vnode {
	unsigned line;
	bool has_memory;
	uint64_t mib;
	hwloc_bitmap_t vcpus; /* owned; NULL: nothing was said */
	int home; /* pnode, or -1 */
	unsigned home_line;
	const char *home_key; /* that tells it; a literal */
	size_t n_distances; /* 0: nothing was said */
	uint32_t distances[VN_MAX_VNODES];
};

struct guest_told {
	const char *
		key; /* that tells most of it: "vnuma", or "vnode" of the second dialect; NULL: none of both is used */
	bool broken; /* the number of vnodes cannot be told */
	size_t n;
	struct guest_told_vnode *vnodes; /* owned */
	uint64_t mib; /* of all; 0 when not all tell theirs */
	unsigned vcpus; /* highest one and 1; 0: none was named */
};

struct guest_reader;

/* Reads `vnuma`, or `vnode`, `vcpu` and a list in `memory`; nothing where a config has none of them. */
void guest_read_told(struct guest_reader *r, struct guest_told *ret_told);

/* The vnodes of the guest, which have their defaults, become what was told. */
void guest_apply_told(struct guest_reader *r, const struct guest_told *told);
void guest_told_clear(struct guest_told *told);
