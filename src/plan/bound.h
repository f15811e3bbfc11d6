/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* A choice of homes in the making, and what it will cost at least however it is completed. */

#include "cost.h"
#include "menu.h"

#define VN_NOWHERE SIZE_MAX

struct vn_partial {
	const struct vn_instance *in;
	size_t *homes; /* place of each part, or VN_NOWHERE */
	unsigned *tenants; /* per place: parts at home there */
	uint64_t *demand; /* n_pools x n_places: bytes of them */
	uint64_t *vcpus, *mib; /* n_groups x n_places: vCPUs and MiB of them */
	uint64_t *cores; /* per place: cores' worth of them */
	uint64_t *own_cores; /* n_groups x n_places; only where guests may use different CPUs */
	int64_t *seen_memory; /* n_groups x n_places: sum over settled w of mib(w) * D(i, home w) */
	int64_t *seen_vcpus; /* n_groups x n_places: sum over settled v of vcpus(v) * D(home v, i) */
	uint64_t *rest_memory,
		*rest_homed_memory; /* per pool, bytes not settled: all, and of parts with vCPUs */
	uint64_t *rest_mib, *rest_vcpus; /* per group, not settled */
	uint64_t rest_cores;
	uint64_t spill, squeeze,
		crowd; /* of what is settled; crowd: the squeeze on the CPUs of all guests alone */
	int64_t distance;
	int64_t *fill, *fill_vcpus; /* scratch, per place */
	uint64_t *lefts; /* scratch, per place */
	uint16_t *near_from, *near_to; /* n x n: places by D(i, .), by D(., i), nearest first */
	bool sorted; /* these two are there */
	struct vn_menus menus; /* of sets of parts; of no use where there are too many */
	unsigned rest; /* the parts that are not settled, a bit each, for these */
};

/* How far a bound is worth computing: what the best plan known costs, and how many levels of it count. */
struct vn_limit {
	struct vn_cost cost;
	unsigned levels; /* 1: spill; 2: and squeeze; 5: all */
	bool or_equal; /* a plan of this very cost is still welcome */
};

int vn_partial_make(const struct vn_instance *instance, struct vn_partial *ret_partial);
void vn_partial_clear(struct vn_partial *partial);
#define vn_autopartial vn_cleanup(vn_partial_clear) struct vn_partial

void vn_partial_settle(struct vn_partial *partial, size_t part, size_t place);
void vn_partial_unsettle(struct vn_partial *partial, size_t part);

/* What settling one more part adds to each level down to the distance. */
struct vn_step {
	uint64_t spill, squeeze;
	int64_t distance;
};

/* Whether a costs less than b (-1), the same (0) or more (1). */
static inline int vn_step_compare(const struct vn_step *a, const struct vn_step *b)
{
	if (a->spill != b->spill)
		return a->spill < b->spill ? -1 : 1;
	if (a->squeeze != b->squeeze)
		return a->squeeze < b->squeeze ? -1 : 1;
	return (a->distance > b->distance) - (a->distance < b->distance);
}

struct vn_step vn_partial_step(const struct vn_partial *partial, size_t part, size_t place);

/* Whether the constraints let `part` live there beside those who do already. */
bool vn_partial_admits(const struct vn_partial *partial, size_t part, size_t place);

/* What the two functions below need beside, and others do not. */
void vn_partial_sort(struct vn_partial *partial);

/* Whether some completion may be below the limit (or at it, with `or_equal`). Never false when one is. */
bool vn_partial_promises(struct vn_partial *partial, const struct vn_limit *limit);

/* Lower bounds of every level, each for itself, into `ret_cost`; for the account of a search cut short. */
void vn_partial_bound(struct vn_partial *partial, const struct vn_limit *limit, struct vn_cost *ret_cost);
