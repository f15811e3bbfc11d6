/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What move, undo and moves share: the VM they are about, what is told while memory moves, what is printed at the end. */

#include "../model/audit.h"
#include "../realize/move.h"
#include "cli.h"
#include "inside.h"
#include "look.h"

/* The VM that the operand names, as it is now. */
struct vn_moving {
	struct vn_look look;
	struct vn_audit *audit;
	const struct vn_sample *sample; /* the audit's */
	const struct vn_vm_audit *vm;
	size_t at; /* where it is in the sample */
	struct vn_inside inside; /* of its guest, where that is asked for */
	struct vn_state state;
	int signals; /* readable: stop */
	int64_t told; /* when progress was shown, by vn_now_ms() */
	bool shown; /* a line without an end stands on the terminal */
	int ready_fd; /* of a move in the background: told once the threads have moved; -1 */
	bool is_alone; /* that was told: nobody listens any more */
};

/* Takes a look of `interval_ms` at it. A name that several VMs have is a problem of the input. *ret must stay where it is. */
int vn_moving_open(
	const struct vn_args *args, unsigned interval_ms, struct vn_moving *ret, struct vn_error *err);
void vn_moving_close(struct vn_moving *moving);
#define vn_automoving vn_cleanup(vn_moving_close) struct vn_moving

/* --guest: connects to the guest's agent and reckons what to set; the sample's queues are as they will be then. See inside.h. */
int vn_moving_reckon_inside(struct vn_moving *moving, struct vn_error *err);

/* Of a move with settings inside the guest: connects to its agent. That there is none is a note of the move, and moving->inside.failed. */
int vn_moving_inside(struct vn_moving *moving, struct vn_move *move, struct vn_error *err);

/* What realize/ tells goes to standard error, on a terminal only. */
struct vn_move_watcher vn_moving_watcher(struct vn_moving *moving);

/*
 * What came of it: in words, or with --json as an object with what the audit says now of the VM beside what it
 * said in `moving`. Returns the exit status: VN_EXIT_NO when memory stayed, or what was to
 * be set inside the guest was not.
 */
int vn_moving_report(const struct vn_args *args, struct vn_moving *moving, const struct vn_move *move,
	struct vn_error *err);
