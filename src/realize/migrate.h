/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Moves the memory of another process to other nodes while it runs, a little at a time.
 *
 * (The theory of operation is to stand here: batches by target, how their size follows the stall budget, huge pages, what the kernel's
 * answers mean and the sentinel, passes, what ends it.)
 */

#include <sys/types.h>

#include "../model/move.h"

/* What is asked of the kernel, so that tests can answer in its place; sys.c has the real ones. All return 0 or more, or a negative errno. */
struct vn_migrate_calls {
	/* move_pages(2), MPOL_MF_MOVE_ALL where permitted; nodes NULL: only asks. */
	int (*move_pages)(void *context, pid_t pid, size_t n, void **pages, const int *nodes, int *status);
	/* Bytes that a node has free, or can make free without harm (clean page cache); of huge pages when page > 0. */
	int (*free_memory)(void *context, unsigned node, uint64_t page, uint64_t *ret_bytes);
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
	const struct vn_move_limits *limits;
	const struct vn_migrate_calls *calls; /* NULL: the kernel's, with stop_fd */
	int stop_fd; /* readable: stop after the call under way; -1 */
	/* Told after each batch, and while it pauses (at least every 0.5 s). Negative: stop, with this as the result. May be NULL. */
	int (*told)(void *context, const struct vn_move_progress *progress);
	void *context;
};

/*
 * Moves them, in several passes, until what is left is immovable or below 0.1% of the whole. The counts of progress end as what is true of
 * every page at the end: total = there + moved + absent + sum of stayed. The caller holds a pidfd of `pid` that it compared, and compares
 * again in `told`. 0: done, even if pages stayed; -ECANCELED; -ESRCH: the process is gone; -EPERM; what `told` returned. *progress is
 * filled as far as it came in any case.
 */
int vn_migrate_run(const struct vn_migrate *job, struct vn_move_progress *progress, struct vn_error *err);
