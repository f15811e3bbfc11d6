/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What --occupied tells of the host: who has what of it already. */

#include "../model/tenants.h"
#include "../realize/state.h"
#include "cli.h"

/* For the table of options, and what a verb's details say of it. */
/* clang-format off: it would put each piece of text on a line of its own */
#define VN_OPTION_OCCUPIED                                                                                   \
	{                                                                                                    \
		"occupied", "FILE",                                                                          \
			"guests that have their share already: a file of plans, 'live' or 'none'",           \
			.values = "live none"                                                                \
	}
#define VN_OCCUPIED_DETAILS                                                                                                     \
	"\n--occupied says who has a share of the host already. live, the default on this machine: the VMs that vnuma runs\n"   \
	"here, and QEMUs that others started: their vCPUs' threads, and memory that they have not touched yet where a policy\n" \
	"says to which node it will come. none, the default elsewhere: nobody. FILE: the guests whose plans it holds (what\n"   \
	"'vnuma plan --json' printed, or a list of such), as if they ran: their memory, vCPUs and exclusive cores are taken.\n" \
	"On this machine what runs counts beside FILE; a VM of vnuma's that is in FILE counts once, as it runs, and QEMUs of\n" \
	"others do not belong into FILE. A guest does not count against itself."
/* clang-format on */

struct vn_taken {
	struct vn_occupied *occupied; /* NULL: nothing is */
	struct vn_tenants tenants; /* the plans of FILE that were counted: guests that may have to move */
	struct vn_notes notes; /* warnings, for each plan that is made with it */
};

void vn_taken_clear(struct vn_taken *taken);
#define vn_autotaken vn_cleanup(vn_taken_clear) struct vn_taken

/* What the VMs on record take that run, and guests that others started, all but process `but` (0: none), for a verb without --occupied. */
int vn_taken_running(const struct vn_state *state, const struct vn_host *host, pid_t but,
	struct vn_taken *ret_taken, struct vn_error *err);

/*
 * Reads what is taken of the host when the `n` guests are to be planned on it. `state` has the VMs on record; NULL: the
 * usual place is looked at if it is asked for, and one that cannot be read is worth a note but no reason not to plan.
 */
int vn_args_occupied(const struct vn_args *args, const struct vn_state *state, const struct vn_host *host,
	const struct vn_guest *const *guests, size_t n, struct vn_taken *ret_taken, struct vn_error *err);
