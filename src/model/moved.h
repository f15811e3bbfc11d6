/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* That vnuma moved a running VM, which so differs from how it was started. Who has a state directory hands it in: its journal is there. */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct vn_moved {
	bool known; /* it was looked whether it was */
	char phase[16]; /* vn_move_phase_name(); empty: it was not */
	int64_t begun; /* seconds since the epoch: the first move that was not undone */
};

static inline bool vn_was_moved(const struct vn_moved *moved)
{
	return moved->known && *moved->phase;
}

/* {"phase", "begun"}; null where it was not moved, or that is not known. NULL when memory is short. */
json_t *vn_moved_to_json(const struct vn_moved *moved);

/* "moved by vnuma on 2026-11-22 03:26 (done)", in local time. New string, or NULL. */
char *vn_moved_text(const struct vn_moved *moved);
