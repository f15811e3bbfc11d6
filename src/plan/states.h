/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Every way to choose some of the parts that are still to be placed, counted by kind: parts that could change places with each
 * other are of one kind, and it does not matter which of them are chosen. A choice is a number, and the numbers of two choices
 * without a part in common add up to that of both together.
 */

#include "instance.h"

#define VN_MAX_KINDS 32

struct vn_kind {
	size_t part; /* the first of them */
	size_t n; /* how many */
	size_t stride; /* what one of them adds to the number of a choice */
	unsigned shift; /* where their count is in `packed` */
};

/* What the parts of a choice come to. */
struct vn_sum {
	uint64_t packed; /* the counts, a field for each kind with one bit more than it takes */
	uint64_t cores; /* cores' worth */
};

struct vn_states {
	const struct vn_instance *in;
	size_t n_kinds;
	struct vn_kind kinds[VN_MAX_KINDS];
	size_t n; /* choices; the last one is all */
	uint64_t spare,
		guard; /* a and b have no more of a kind than there are: ((a + b + spare) & guard) == 0 */
	struct vn_sum *sums; /* n */
	uint64_t *memory; /* n_pools x n: bytes */
	int64_t *vcpus, *mib; /* n_groups x n */
	uint64_t *own_cores; /* n_groups x n */
};

/*
 * Of the parts that `free_parts` lists; pulls: n_parts x n_places, what counts beside the distances among them, or NULL.
 * -E2BIG: there are more than `max` choices, or kinds; -ENOMEM.
 */
int vn_states_make(const struct vn_instance *instance, const size_t *free_parts, size_t n_free,
	const int64_t *pulls, size_t max, struct vn_states *ret_states);
void vn_states_clear(struct vn_states *states);

/* How many of a kind a choice has. */
static inline size_t vn_states_count(const struct vn_states *states, size_t state, size_t kind)
{
	return state / states->kinds[kind].stride % (states->kinds[kind].n + 1);
}

/* Whether two choices have no part in common that is there once only, and so on: whether they can be made together. */
static inline bool vn_states_fit(const struct vn_states *states, size_t a, size_t b)
{
	return ((states->sums[a].packed + states->sums[b].packed + states->spare) & states->guard) == 0;
}

/* Whether choice a holds choice b. */
static inline bool vn_states_holds(const struct vn_states *states, size_t a, size_t b)
{
	/* with the guards set, a field that would go below zero clears its guard */
	return (((states->sums[a].packed | states->guard) - states->sums[b].packed) & states->guard) ==
	       states->guard;
}

/* What the parts of a pay for the memory of b and those of b for that of a, per unit of distance. */
static inline int64_t vn_states_cross(const struct vn_states *states, size_t a, size_t b)
{
	int64_t sum = 0;

	for (size_t g = 0; g < states->in->n_groups; g++) {
		const int64_t *vcpus = states->vcpus + g * states->n, *mib = states->mib + g * states->n;
		sum += vcpus[a] * mib[b] + vcpus[b] * mib[a];
	}
	return sum;
}
