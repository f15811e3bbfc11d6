/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* `plan --make-room`: who has to move for guests to fit. */

#include "plan_several.h"

/* clang-format off */
#define VN_ROOM_DETAILS                                                                                                          \
	"\n--make-room tells which vnodes of the guests of --occupied FILE have to move for all of GUEST to fit, the fewest bytes\n" \
	"there are, and plans with these moves made. To fit is: the memory of each vnode is all on its home node, in its page\n"    \
	"size, and there is a core for each vCPU where exclusive_cores asks for it, of those that move, too. vCPUs that share a\n"   \
	"core are no reason to move anybody. Not moved are guests with a home given by their config, guests with memory away\n"    \
	"from home, and VMs that run. Exit status 1: nothing was found; whether it is proven that there is nothing is told.\n"
/* clang-format on */

/* The moves take longer to find than a plan does; the default is an answer within a second. */
#define VN_ROOM_DEADLINE_MS 900

/* What --make-room goes with. 0 or -EINVAL. */
int vn_room_check_args(const struct vn_args *args, struct vn_error *err);

/* Finds room, plans, prints all of it. An exit status, or a negative errno. */
int vn_make_room(const struct vn_host *host, struct vn_taken *taken, unsigned deadline_ms,
	struct vn_several *several, bool json, bool explain, struct vn_error *err);
