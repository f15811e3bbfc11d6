/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What the best of some parts make of one place: how much of their memory fits with so many cores, and the other way round. */

#include "instance.h"

#define VN_MENU_PARTS 12 /* beyond, there are too many subsets */
#define VN_MENU_CORES 256 /* of a place; more count as so many */

/* A knapsack of cores: most[c] is the most MiB of parts worth at most c cores together. Begins as zeros; this adds a part to those
 * there are to choose from. */
static inline void vn_knapsack_add(uint64_t most[static VN_MENU_CORES + 1], const struct vn_part *part)
{
	for (size_t c = VN_MENU_CORES + 1; c-- > part->cores;) {
		uint64_t with = most[c - part->cores] + part->mib;
		most[c] = with > most[c] ? with : most[c];
	}
}

struct vn_dish {
	uint64_t have; /* with at most so much memory, MiB … */
	uint64_t mib, vcpus; /* … the most memory, and the most vCPUs, that a subset has */
};

/* Of one set of parts. */
struct vn_menu {
	uint64_t
		mib_by_cores[VN_MENU_CORES + 1]; /* the most memory of a subset worth at most so many cores */
	size_t n;
	struct vn_dish *dishes; /* ascending by `have`; the first has 0 */
};

/* Menus of sets of parts, made when they are asked for. */
struct vn_menus {
	const struct vn_instance *in;
	struct vn_menu **menus; /* 2^n_parts */
};

/* False (and the menus are of no use): the task is not one of a single guest of few parts. */
bool vn_menus_make(const struct vn_instance *instance, struct vn_menus *ret_menus);
void vn_menus_clear(struct vn_menus *menus);

/* The menu of the parts whose bits are set, or NULL (no menus, or no memory). */
const struct vn_menu *vn_menus_get(struct vn_menus *menus, unsigned parts);

/* The most MiB of a subset that fits `mib` of memory and `cores`; the most vCPUs of one that fits `mib`. No less than what is
 * possible, and no more than `mib` for the first. */
uint64_t vn_menu_mib(const struct vn_menu *menu, uint64_t mib, uint64_t cores);
uint64_t vn_menu_vcpus(const struct vn_menu *menu, uint64_t mib);
