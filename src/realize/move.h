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

/* Whether it is looked which memory is used most, so that it moves first. */
enum vn_move_look {
	VN_MOVE_LOOK_IF_IT_PAYS, /* vn_hot_watch_ms() */
	VN_MOVE_LOOK_ALWAYS,
	VN_MOVE_LOOK_NEVER,
};

struct vn_move_watcher {
	/* Told of each step and of progress, at least every 0.5 s; negative: stop. May be NULL. */
	int (*told)(void *context, const struct vn_move *move, const char *step);
	/* Told before memory moves, while it is asked where each page is: so many of so many were. May be NULL. */
	void (*asking)(void *context, const struct vn_move *move, uint64_t asked, uint64_t pages);
	void *context;
	int stop_fd; /* readable: stop; -1 */
	enum vn_move_look look;
	struct vn_qga *agent; /* of the guest, for move->guest_settings; borrowed; NULL: none answers */
	/* Connects to it where a move on record has such settings: *ret_agent borrowed, or NULL with a note. 0 or a problem. May be NULL. */
	int (*inside)(void *context, struct vn_move *move, struct vn_qga **ret_agent, struct vn_error *err);
	/* What was set inside could not be taken back: connects anew, once, and no matter whether it was to stop. NULL: cannot. May be NULL. */
	struct vn_qga *(*again)(void *context);
	/* Nothing is asked inside the guest any more: the agent, which has one client at a time, can be let go. May be NULL. */
	void (*leave)(void *context);
	bool guest_stays; /* undo leaves what is set inside the guest, and forgets it */
};

/* Carries `move` out, as far as its `threads` and `memory` ask. Its phase, order, progress and notes are filled in. */
int vn_move_run(const struct vn_state *state, const struct vn_host *host, struct vn_move *move,
	const struct vn_move_watcher *watcher, struct vn_error *err);

/*
 * Goes on with the one on record of a process, within `limits`, that was stopped, killed or had only its threads moved. The journal is read
 * under the lock: what another vnuma did before it let go of that counts. -ENOENT without a problem: none is on record.
 */
int vn_move_resume(const struct vn_state *state, const struct vn_host *host, const struct vn_process *process,
	const struct vn_move_limits *limits, const struct vn_move_watcher *watcher, struct vn_move **ret_move,
	struct vn_error *err);

/*
 * Everything that is on record of a process back as it was; without `memory` only threads, interrupts, the cpuset and what was set inside the
 * guest. What cannot be set back there is a note (move_guest.h), and holds up nothing else. The journal is removed when all is back. Read
 * as in vn_move_resume(), -ENOENT too.
 */
int vn_move_undo(const struct vn_state *state, const struct vn_host *host, const struct vn_process *process,
	bool memory, const struct vn_move_watcher *watcher, struct vn_move **ret_move, struct vn_error *err);
