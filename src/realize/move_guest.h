/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What a move sets inside the guest, through its agent: which vCPUs use which queue, and get its interrupts.
 *
 * The guest goes on meanwhile: it may boot anew, and then its interrupts have other numbers; somebody in it may set the same. So on the
 * way back only what still has what was set is set, and all else is the guest's own by now, and told.
 */

#include "../model/move.h"
#include "../qga/qga.h"
#include "move.h"

/*
 * Before `move`, as it was read from the guest, is written down. With `first`: what that has set already keeps the `before` it has there; what
 * only it has set is taken over for undo, and not set: by now the file may be gone, or another device's. 0 or a problem.
 */
int vn_move_guest_keep(struct vn_move *move, const struct vn_move *first, struct vn_error *err);

/*
 * In `present`, which is `move` as it was written down, what an earlier move had set becomes `before`: this one's end is to leave that. What
 * `move` does not set has nothing to be set back. 0 or -ENOMEM.
 */
int vn_move_guest_present(struct vn_move *present, const struct vn_move *move, struct vn_error *err);

/* Puts settings of `move` on record in `first`, as vn_move_irqs_join() does interrupts. 0 or -ENOMEM. */
int vn_move_guest_join(struct vn_move *first, const struct vn_move *move);

/* Whether any has another `after` than `before`: what has not is on record for those who look later, and is never set. */
bool vn_move_guest_changes(const struct vn_move *move);

/* Sets each to `after`, queues before interrupts, but what `stands`. A problem is the first that could not be: nothing is set back. */
int vn_move_guest_set(struct vn_qga *agent, const struct vn_move *move, struct vn_error *err);

/* The same of a move that another run has written down: what has neither `before` nor `after` by now is left, and a note (guest-changed). */
int vn_move_guest_set_later(struct vn_qga *agent, struct vn_move *move, struct vn_error *err);

/*
 * Sets each back to `before`, as far as it has `after` still, or `earlier`; those that have something else, or are gone, are a note (guest-changed). `agent` NULL:
 * nothing can be asked. *ret_left: how many may still be as the move made them, of which a note tells, too (guest-left). 0 or -ENOMEM.
 */
int vn_move_guest_back(struct vn_qga *agent, struct vn_move *move, size_t *ret_left, struct vn_error *err);

/*
 * For a move that fails: vn_move_guest_back() by `agent`, or what is left then by another connection (watcher->again). What is left even so
 * is marked in its settings.
 */
void vn_move_guest_take_back(
	struct vn_qga *agent, const struct vn_move_watcher *watcher, struct vn_move *move);

/*
 * The end of that: on record is what an earlier move had there (`first`; NULL: nothing), and what is left of `move`, which is a problem,
 * too: by itself that is an undo that has begun. What cannot be written leaves the journal as it was.
 */
void vn_move_guest_end_record(const struct vn_state *state, const struct vn_move *move, struct vn_move *first,
	struct vn_error *err);
