/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Which of a process's memory is used most, so that it moves first.
 *
 * Theory of operation: the kernel is asked which memory the process uses: DAMON for the length of a look (damon.h), switched off after it
 * even when we are killed (damon_guard.h); where that cannot be used, a sample of pages that are marked idle (idleness.h); where the kernel
 * has neither, the address alone tells the order. What was seen becomes pieces in heat.h. A wrong order costs time on remote memory
 * while the move lasts, and nothing else: so whatever goes wrong with looking is a note, not a failure.
 */

#include <sys/types.h>

#include "../model/move.h"

#define VN_HOT_WATCH_MS 3000u /* for DAMON to tell hot from cold: 30 of its aggregation intervals of 100 ms */

struct vn_hot_wish {
	pid_t pid;
	unsigned watch_ms; /* how long to look; 0: not at all, the order is by address */
	int stop_fd; /* readable: stop at once; -1 */
	/* For tests, which have a folder in place of the kernel's files and wait in their own way (-ECANCELED: stop). NULL: /sys, /proc, stop_fd. */
	const char *sys, *proc;
	int (*wait_ms)(void *context, unsigned ms);
	void *context;
};

/*
 * How long a look pays before so many bytes move at `rate` bytes a second (0: as fast as calls allow): about as long as they take, at
 * least half a second, at most VN_HOT_WATCH_MS; 0 where they would be there before it told anything (256 MiB without a rate).
 */
unsigned vn_hot_watch_ms(uint64_t bytes, uint64_t rate);

/*
 * Cuts `ranges` into pieces, those that are used most first, and within the same heat by address. Together they are the same memory with
 * the same targets; cuts are at multiples of 2 MiB (or of the range's page). *ret_by says how it is known, with a note on why not DAMON
 * where that could not be used (not in the kernel: damon-missing; somebody else uses it: damon-taken; no permission:
 * damon-forbidden; anything else: damon-failed). Where what was seen tells hardly one part of the memory from another, a note says so
 * (order-says-little).
 * With VN_ORDER_ADDRESS the pieces are the ranges, by address. Never fails for want of a heat source: 0, -ENOMEM, -ECANCELED, -ESRCH.
 */
int vn_hot_order(const struct vn_hot_wish *wish, const struct vn_move_range *ranges, size_t n_ranges,
	struct vn_move_range **ret_pieces, size_t *ret_n, enum vn_move_order *ret_by, struct vn_notes *notes,
	struct vn_error *err);

/*
 * Switches off what a vnuma that was killed left on: DAMON contexts that watch `pid` and were made by us. Called before a move and by undo. 0, or a negative errno.
 */
int vn_hot_clean(pid_t pid, struct vn_error *err);
