/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Moves the memory of another process to other nodes while it runs, a little at a time.
 *
 * Theory of operation: the ranges are cut into windows of some thousands of pages with one target (migrate_window.h). Of a window's pages
 * the kernel is asked first where they are, which is cheap; only those that are elsewhere are sent, in calls for one target, each
 * as large as half of the stall budget lets it be (migrate_batch.h), when rate, pressure and reserve allow (migrate_pace.h). A huge page is
 * one address: of hugetlbfs the range says so; where a transparent one could be, the first two pages are sent, and the answer tells
 * whether it was one and moved. A single page that takes longer than the budget is moved all the same, alone: longest_ns tells.
 *
 * What the kernel answers (mm/migrate.c, do_pages_move(), of Linux 6.12): 0, and a status for each page: its node, or why not. Or a positive
 * count of pages that it did not move: then it has left the status of all that it had gathered as it was, though some of them did move, and has
 * not tried the pages behind. So each status begins as a value that is no answer, pages that still have it are asked for again,
 * and those behind are sent again. -EACCES for the whole: the cpuset of the process does not allow the target; for a page: others have it
 * mapped, and we may not use MPOL_MF_MOVE_ALL. -ENOMEM: the target is full. A page in use by a device gets no error of its own: it
 * just never moves. What did not move in several passes with growing waits between them, over a second in all, is called pinned; what
 * was tried less often, or moved in between, busy.
 *
 * Passes: all windows once, in the order of the ranges; then those in which pages stayed that may yet move, until less than 0.1% of the
 * memory is such, or a pass moves nothing, or after eight. Pages that the target had no room for are among these; others go on without
 * them. Of a pool of huge pages no more is taken than it has free: Linux would make new ones out of the target's ordinary memory, and
 * shrink the source's pool by as many.
 */

#include <sys/types.h>

#include "../model/move.h"

#define VN_STALL_US_DEFAULT 5000u

/* What is asked of the kernel, so that tests can answer in its place; sys.c has the real ones. All return 0 or more, or a negative errno. */
struct vn_migrate_calls {
	/* move_pages(2), MPOL_MF_MOVE_ALL where permitted; nodes NULL: only asks. A status is left as it was where the kernel does so. */
	int (*move_pages)(void *context, pid_t pid, size_t n, void **pages, const int *nodes, int *status);
	/* Bytes that a node has free, or can make free without harm (clean page cache), and has in all; of its pool of huge pages when page > 0. */
	int (*node_memory)(
		void *context, unsigned node, uint64_t page, uint64_t *ret_free, uint64_t *ret_total);
	/* Percent of time that tasks waited for memory: PSI some avg10. -ENOENT: the kernel does not tell. */
	int (*pressure)(void *context, double *ret_percent);
	uint64_t (*now_ns)(void *context);
	/* Sleeps; -ECANCELED when it was told to stop meanwhile. */
	int (*sleep_ns)(void *context, uint64_t ns);
	void *context;
};

struct vn_migrate {
	pid_t pid;
	size_t n_ranges;
	const struct vn_move_range *ranges; /* in the order in which they are to move */
	size_t n_suspects;
	const struct vn_move_block *
		suspects; /* blocks that a device may have pinned as a whole: a sample of each moves first (migrate_trial.h) */
	const struct vn_move_limits *limits;
	const struct vn_migrate_calls *calls; /* NULL: the kernel's, with stop_fd */
	int stop_fd; /* readable: stop after the call under way; -1 */
	/* Told after each batch, and while it pauses (at least every 0.5 s). Negative: stop, with this as the result. May be NULL. */
	int (*told)(void *context, const struct vn_move_progress *progress);
	void *context;
};

/*
 * Moves them, in several passes, until what is left is immovable or below 0.1% of the whole. The counts of progress end as what is true of
 * every page at the end: total = there + moved + absent + sum of stayed + left. The caller holds a pidfd of `pid` that it compared, and compares
 * again in `told`. 0: done, even if pages stayed; -ECANCELED; -ESRCH: the process is gone; -EPERM; what `told` returned. *progress is
 * filled as far as it came in any case.
 */
int vn_migrate_run(const struct vn_migrate *job, struct vn_move_progress *progress, struct vn_error *err);
