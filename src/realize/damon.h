/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * DAMON's view of a process, through its sysfs interface (Documentation/admin-guide/mm/damon/usage.rst of Linux; read in 6.12's
 * mm/damon/sysfs.c).
 *
 * Theory of operation:
 *
 * One kdamond with one context: `fvaddr`, which is vaddr on addresses that stay as they were told (vaddr would replace ours by its own view of the
 * whole process), one target, up to 500 initial regions that cover the ranges, and one scheme that does nothing (`stat`) to every region,
 * so that `update_schemes_tried_regions` (6.2) tells all regions and how often each was found accessed in the last 100 ms, 20 times looked at.
 * Several such looks in the second half of the time add up, since regions become finer all along.
 *
 * What it cannot see: memory that is used between any two samples (5 ms) counts the same however often it is used, and one accessed bit
 * stands for a huge page. In an emulated host the accessed bit is set again only after the TLB was flushed.
 *
 * Not ours: the kernel lets each user of this interface write over the others' settings, and a write to nr_kdamonds removes what is there
 * unless it runs. So nothing is written unless nr_kdamonds is 0. vnumas keep out of each other's way by a lock (flock) on that file; it is
 * held by us and by our guard (damon_guard.h), so it is free when both are dead. A kdamond of ours bears a mark where the kernel keeps it,
 * in a setting that has no effect: the watermarks' interval of a scheme without watermarks. Mark and lock together tell what a vnuma that
 * was killed left: a file of our own could be left behind, or be gone, while DAMON is not. Without a mark a kdamond is somebody else's
 * and stays. DAMON_RECLAIM, DAMON_LRU_SORT and DAMON_STAT (6.17) want DAMON for themselves: then "on" fails with EBUSY.
 *
 * What remains: killed between making the kdamond and the guard, which are three system calls, or together with the guard before the
 * mark stands, we leave a kdamond that is off and has no mark. It costs nothing, but is somebody else's to all who come later. And a
 * container with a sysfs of its own has other locks: a vnuma in it that is let write there takes ours for left.
 */

#include "heat.h"

#define VN_DAMON_SPANS 500u

/* Why it could not be used: "damon-missing", "damon-taken", "damon-forbidden", "damon-failed", and half a sentence. */
struct vn_damon_refusal {
	const char *code;
	char text[320];
};

/*
 * Looks for watch_ms at up to VN_DAMON_SPANS spans. `folder`: "/sys/kernel/mm/damon/admin". -EOPNOTSUPP: *ret_refusal tells why not;
 * -ECANCELED, -ENOMEM. In any case DAMON is as it was before.
 */
int vn_damon_look(const char *folder, const struct vn_heat_watch *watch, struct vn_heats *ret_heats,
	struct vn_damon_refusal *ret_refusal);

/* Switches off what a vnuma left that watched `pid`; 0: whatever process. What a living one has on stays. 0 or a negative errno. */
int vn_damon_clean(const char *folder, pid_t pid);
