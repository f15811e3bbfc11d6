/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The planner's task as mixed-integer programs for glpsol: the first three levels of DESIGN section 4, one solve each, where the
 * later ones hold the earlier ones at what they came to.
 *
 * x(v,i) says that vnode v is at home on node i. s(i) and q(i) are the spill and the squeeze of a node. The distance has
 * products x(v,i) x(w,j); each becomes a variable y(v,i,w,j) that is never negative, and for every pair v < w
 *
 *     sum over j of y(v,i,w,j) = x(v,i)        sum over i of y(v,i,w,j) = x(w,j)
 *
 * Where x is 0 or 1 that leaves y no choice but the product. (So do fewer rows, y >= x + x - 1; but there a y is free to be 0
 * as long as the two x are no more than a half, and the relaxation bounds next to nothing.)
 */

#include <stdio.h>

#include "plan_oracle.h"

struct milp {
	struct oracle o; /* of one guest; for its figures alone: what each node has and each vnode wants */
	unsigned level; /* 1 to 3: what is minimised */
	int64_t spill, squeeze; /* known by then; units, vCPUs */
};

/* In the LP form of CPLEX, which glpsol reads. */
void write_milp(const struct milp *milp, FILE *out);
