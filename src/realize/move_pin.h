/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* A move of some threads and interrupts alone: their CPUs, and nothing else of the VM. */

#include "move.h"

/*
 * Gives the threads and interrupts of `move`, which has nothing else, their CPUs; the process, its lock and the journal are as in move.h.
 * Where an earlier move is on record all of that stays on record as it is, phase, targets and other threads too: only the targets of these
 * threads are others, and undo leads to what was before the first. One whose threads were not all moved, or whose undo was begun, has to be
 * ended first: a problem of the input. Where something cannot be set, all is set back to what was right before, and so is the record.
 * move->phase is VN_MOVE_DONE afterwards, `before` is what was right before.
 */
int vn_move_pin(const struct vn_state *state, const struct vn_host *host, struct vn_move *move,
	const struct vn_move_watcher *watcher, struct vn_error *err);
