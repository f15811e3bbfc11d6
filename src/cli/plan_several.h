/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Guests planned together: what `plan` does with more than one config. */

#include "../plan/plan_make.h"
#include "occupied.h"

struct vn_several {
	size_t n;
	struct vn_guest *guests[VN_MAX_JOINT];
	struct vn_plan *plans[VN_MAX_JOINT]; /* NULL before they are made */
	struct vn_joint_total total; /* of all, together */
};

void vn_several_clear(struct vn_several *several);
#define vn_autoseveral vn_cleanup(vn_several_clear) struct vn_several

/* Reads the configs that the operands name. All that is wrong with any is told, and names that are there twice. */
int vn_args_several(const struct vn_args *args, struct vn_several *several, struct vn_error *err);

/* Plans the guests, whose vnodes are made where they were left open. `notes`, on what is taken, go to the warnings of the first. */
int vn_several_plan(const struct vn_host *host, const struct vn_plan_options *options,
	const struct vn_notes *notes, struct vn_several *several, struct vn_error *err);

bool vn_several_feasible(const struct vn_several *several);

/* One plan after the other, what they cost together, and what stays free; with `explain` why each is as it is. */
int vn_several_print(const struct vn_host *host, const struct vn_taken *taken,
	const struct vn_several *several, bool explain, struct vn_error *err);

/* "vnuma.plans/1", as --occupied reads it. NULL when memory is short. */
json_t *vn_several_to_json(const struct vn_several *several);
