/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The search for the best homes. */

#include "cost.h"

struct vn_solution {
	bool feasible; /* homes were found that break no constraint */
	bool proven; /* nothing is better, or (not feasible) nothing is allowed */
	size_t *homes; /* place of each part */
	struct vn_cost cost;
	bool has_runner_up;
	size_t *runner_up;
	struct vn_cost runner_up_cost;
	enum vn_level open_level; /* when not proven: the first level at which something better was not ruled
				     out, … */
	struct vn_cost bound; /* … and no plan can be better at it than this */
};

/* 0 or -ENOMEM. The rooms together must hold the memory of all parts. `deadline_ms` 0: none. `runner_up`: look for it, too. */
int vn_solve(const struct vn_instance *instance, unsigned deadline_ms, bool runner_up,
	struct vn_solution *ret_solution);
void vn_solution_clear(struct vn_solution *solution);
#define vn_autosolution vn_cleanup(vn_solution_clear) struct vn_solution
