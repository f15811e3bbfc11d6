/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* From host and guest to a checked plan: what `plan` and `run` share, so that the one foretells what the other does. */

#include "../plan/plan_make.h"
#include "occupied.h"

/* clang-format off: as VN_OPTION_OCCUPIED */
#define VN_OPTION_DEADLINE                                                                                   \
	{                                                                                                    \
		"deadline", "MS", "ends a search with the best plan found by then; default 100, 0: never"    \
	}
/* clang-format on */

/* The value of --deadline, or `unset`. */
int vn_args_deadline(const struct vn_args *args, unsigned unset, unsigned *ret_ms, struct vn_error *err);

/*
 * Makes the vnodes that the guest left open, plans it, and checks the plan. The notes on what is taken go to the plan's warnings.
 */
int vn_make_plan(const struct vn_host *host, const struct vn_plan_options *options,
	const struct vn_notes *notes, struct vn_guest *guest, struct vn_plan **ret_plan,
	struct vn_error *err);

/* Notes on standard error, `vnuma: WHAT: TEXT [CODE]` each. */
void vn_notes_print(const struct vn_notes *notes, const char *what);
