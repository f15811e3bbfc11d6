/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What each branch of the tree of places can hold, and at what cost: the tables behind a partition. */

#include "bound.h"
#include "deadline.h"
#include "hierarchy.h"
#include "states.h"

/* A choice of parts put into a branch as well as can be. */
struct vn_entry {
	uint64_t spill;
	int64_t distance;
	uint32_t squeeze;
	uint32_t state;
};

/* By state, ascending. What is not listed is impossible there, or cannot be part of a plan as good as the one known. */
struct vn_table {
	size_t n;
	struct vn_entry *entries;
};

struct vn_split {
	const struct vn_instance *in;
	const struct vn_partial *partial; /* what is fixed */
	struct vn_states states;
	struct vn_hierarchy tree;
	int64_t *pulls; /* n_parts x n_places: devices, and the fixed parts */
	struct vn_table *tables; /* per branch; of a twin that is not the lowest: empty */
	struct vn_entry limit; /* what the known plan adds to what is fixed; of all parts */
	bool too_much; /* more entries than memory is for, or more choices than can be numbered */
	bool late;
};

/* 0 with the tables, or with too_much or late set and nothing of worth; or -ENOMEM. */
int vn_split_make(const struct vn_partial *partial, const struct vn_cost *known,
	const struct vn_deadline *deadline, struct vn_split *ret_split);
void vn_split_clear(struct vn_split *split);

/* The entry of a state, or NULL. */
const struct vn_entry *vn_table_find(const struct vn_table *table, size_t state);

/* The table of a branch. */
static inline const struct vn_table *vn_split_table(const struct vn_split *split, size_t branch)
{
	return &split->tables[split->tree.branches[branch].twin];
}

/* What putting `a` into one subtree and `b` into the other comes to. */
static inline struct vn_entry vn_split_join(
	const struct vn_split *split, const struct vn_entry *a, const struct vn_entry *b, uint32_t distance)
{
	return (struct vn_entry){a->spill + b->spill,
		a->distance + b->distance +
			(int64_t)distance * vn_states_cross(&split->states, a->state, b->state),
		a->squeeze + b->squeeze, a->state + b->state};
}

/* Whether a costs less than b (-1), the same (0) or more (1). */
static inline int vn_entry_compare(const struct vn_entry *a, const struct vn_entry *b)
{
	return vn_step_compare(&(struct vn_step){a->spill, a->squeeze, a->distance},
		&(struct vn_step){b->spill, b->squeeze, b->distance});
}
