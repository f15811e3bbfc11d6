/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* From host and guest to a checked plan: what `plan` and `run` share, so that the one foretells what the other does. */

#include "../plan/plan_make.h"
#include "../realize/state.h"

/*
 * Makes the vnodes that the guest left open and plans, with what runs already taken into account (`state`; NULL: nothing does), within a deadline, and checks the plan. `runner_up`: looks for it, too.
 * *ret_occupied, or NULL, is what was counted.
 */
int vn_make_plan(const struct vn_state *state, const struct vn_host *host, struct vn_guest *guest,
	bool runner_up, struct vn_occupied **ret_occupied, struct vn_plan **ret_plan, struct vn_error *err);

/* Notes on standard error, `vnuma: WHAT: TEXT [CODE]` each. */
void vn_notes_print(const struct vn_notes *notes, const char *what);
