/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Carries out a move, and takes it back.
 *
 * Theory of operation: the process is compared (pid, start time, executable), its lock taken, the journal with all that was before written
 * and synced; only then threads get their CPUs, vCPUs first, and memory follows, hottest first (hot.h, migrate.h). The process is compared
 * again through its pidfd before each batch, every thread by its own start time before it is touched. A crash at any point leaves a VM that
 * runs, and a journal that undo and resume understand: each step can be done twice.
 */

#include "../model/move.h"
#include "../qga/qga.h"
#include "state.h"

struct vn_move_watcher {
	/* Told of each step and of progress, at least every 0.5 s; negative: stop. May be NULL. */
	int (*told)(void *context, const struct vn_move *move, const char *step);
	void *context;
	int stop_fd; /* readable: stop; -1 */
	bool no_damon;
	struct vn_qga *
		agent; /* of the guest, for move->guest_settings; borrowed; NULL: none answers, and nothing is set there */
	bool guest_stays; /* undo leaves what is set inside the guest, and forgets it */
};

/* Carries `move` out, as far as its `threads` and `memory` ask. Its phase, order, progress and notes are filled in. */
int vn_move_run(const struct vn_state *state, const struct vn_host *host, struct vn_move *move,
	const struct vn_move_watcher *watcher, struct vn_error *err);

/*
 * Gives the threads and interrupts of `move`, which has nothing else, their CPUs. Where an earlier move is on record all of that stays on
 * record as it is, phase, targets and other threads too: only targets of these threads are others, and undo leads to what was before the
 * first. One whose threads were not all moved, or whose undo was begun, has to be ended first. move->phase is VN_MOVE_DONE afterwards; of
 * what cannot be set all is set back to what was right before.
 */
int vn_move_pin(const struct vn_state *state, const struct vn_host *host, struct vn_move *move,
	const struct vn_move_watcher *watcher, struct vn_error *err);

/* Goes on with one that was stopped, killed or had only its threads moved. `move` is as read from the journal. */
int vn_move_resume(const struct vn_state *state, const struct vn_host *host, struct vn_move *move,
	const struct vn_move_watcher *watcher, struct vn_error *err);

/*
 * Everything back as it was; without `memory` only threads, interrupts, the cpuset and what was set inside the guest. What cannot be set
 * back there is a note (move_guest.h), and holds up nothing else. The journal is removed when all is back.
 */
int vn_move_undo(const struct vn_state *state, const struct vn_host *host, struct vn_move *move, bool memory,
	const struct vn_move_watcher *watcher, struct vn_error *err);
