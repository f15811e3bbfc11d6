/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The threads of a move: where each may run, before, after, and again. */

#include "../model/move.h"

/*
 * Reads anew what each thread may use now (before) and its start time. One that is gone meanwhile is taken out. With `first`, the journal of
 * an earlier move of the same process: its threads keep the `before` they have there, and those that this move leaves alone stay on record.
 */
int vn_move_threads_read(struct vn_move *move, const struct vn_move *first, struct vn_error *err);

/* Puts threads of `move` on record in `first`, the journal of an earlier move: new targets of those that it has, `before` of the others. 0 or -ENOMEM. */
int vn_move_threads_join(struct vn_move *first, const struct vn_move *move);

/*
 * Gives each its CPUs: `after`, or with `back` those before; vCPUs first, in the order of the list, so back in the opposite one. A thread
 * that is gone needs none; a thread that QEMU has made since is treated as the one that makes them, the main thread. What the kernel
 * would not do is a problem each, and all others are done all the same. 0, or the first failure.
 */
int vn_move_threads_set(const struct vn_move *move, bool back, struct vn_error *err);
