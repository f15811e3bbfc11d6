/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What a guest's text says and the form that it becomes does not. */

#include "../model/guest.h"
#include "target.h"

/*
 * Adds one note, `conversion-leaves-out`, with every kind of thing that the guest's text has and a text for `target` made of the guest has
 * not, each with its lines (or words); none when nothing is left out, or the guest comes back in its own form. 0; -EINVAL (its text cannot
 * be read, though it was once), -ENOENT, -ENOMEM.
 */
int vn_note_left_out(const struct vn_guest *guest, enum vn_target_kind target, struct vn_notes *notes,
	struct vn_error *err);
