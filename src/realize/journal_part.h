/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What the parts of the journal share. Internal to realize/. */

#include <jansson.h>

#include "journal.h"

#define VN_JOURNAL_MOVE ".move"
#define VN_JOURNAL_PAGES ".pages"
#define VN_JOURNAL_LOCK ".lock"
#define VN_JOURNAL_PROGRESS ".progress"
#define VN_JOURNAL_NAME 64 /* room for PID-START and one of these */

/* "PID-START.move". Returns `ret`. */
const char *vn_journal_name(
	const struct vn_process *process, const char *suffix, char ret[static VN_JOURNAL_NAME]);

/* Takes the lock, waiting up to `wait_ms`. -EBUSY: somebody else has it. */
int vn_journal_try_lock(
	const struct vn_state *state, const struct vn_process *process, int wait_ms, int *ret_fd);

/* Adds, or replaces, the checksum of all else in the object. 0 or -ENOMEM. */
int vn_journal_seal(json_t *json);

/* Fills in what PID-START.progress tells, where there is one and it is of this very move and phase. */
void vn_journal_progress_read(const struct vn_state *state, struct vn_move *move);
