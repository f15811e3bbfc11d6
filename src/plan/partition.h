/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The exact answer where the host's distances make a tree: which vnodes go into which part of the tree. */

#include "bound.h"
#include "deadline.h"

struct vn_partition {
	bool done; /* false: too many choices, or too late; nothing else is told then */
	bool exact; /* the distances make a tree: `cost` is the optimum; if not, no plan is better than it */
	bool settled; /* all levels and the ties are settled: `homes` is the answer. Else (what spills has to go somewhere,
			 and where is not this module's business) the levels down to the load are */
	struct vn_cost cost; /* the levels down to the distance; with `exact` the load, too */
	size_t *homes; /* with `exact`: of this cost, the lexicographically smallest; n_parts, owned by the caller */
};

/*
 * `partial`: what is fixed has been settled, all else is free; it is not changed. `known`: what some plan costs, all of which
 * the partition may be as bad as and no worse. 0 or -ENOMEM.
 */
int vn_partition_solve(const struct vn_partial *partial, const struct vn_cost *known,
	const struct vn_deadline *deadline, struct vn_partition *ret_partition);
void vn_partition_clear(struct vn_partition *partition);
