/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The interrupts of a VM's devices: their affinity, before, after, and again. */

#include "../model/move.h"

/* Reads anew where each may go (before); one that is gone is taken out. With `first`, its interrupts keep the `before` they have there. */
int vn_move_irqs_read(struct vn_move *move, const struct vn_move *first, struct vn_error *err);

/* Puts interrupts of `move` on record in `first`, as vn_move_threads_join() does threads. */
int vn_move_irqs_join(struct vn_move *first, const struct vn_move *move);

/* Lets each go to `after`, or with `back` where it went before. What the kernel refuses (EIO: it manages the interrupt itself) is a note. */
int vn_move_irqs_set(const struct vn_move *move, bool back, struct vn_notes *notes, struct vn_error *err);
