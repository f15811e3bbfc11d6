/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What the public functions share. They have no header of their own: include/vnuma.h is it. */

#include "../../include/vnuma.h"

#include "../model/plan.h"

/* The first `max` members to ret_ids; the number of all, or -ENODATA for a set that is not told (NULL). */
int vn_api_set(hwloc_const_bitmap_t set, unsigned *ret_ids, size_t max);

/* An id of ours, where -1 is "not known", as the public header has it. */
static inline int vn_api_id(int id)
{
	return id < 0 ? -ENODATA : id;
}

/* Amounts are bounded far below this where they are read; a figure must not turn into an errno all the same. */
static inline int64_t vn_api_amount(uint64_t value)
{
	return value > INT64_MAX ? INT64_MAX : (int64_t)value;
}

static inline const struct vn_host_node *vn_api_node(const struct vn_host *host, size_t index)
{
	return index < host->n_nodes ? &host->nodes[index] : NULL;
}

static inline const char *vn_api_note_code(const struct vn_notes *notes, size_t index)
{
	return index < notes->n ? notes->v[index].code : NULL;
}

static inline const char *vn_api_note_text(const struct vn_notes *notes, size_t index)
{
	return index < notes->n ? notes->v[index].text : NULL;
}

/* Hands on what was collected: the stages want an error object, the public header does without one. Returns `r`. */
static inline int vn_api_settle(int r, struct vn_error *collected, struct vn_error *err)
{
	if (r < 0 && err)
		vn_error_move(err, collected);
	return r;
}

/*
 * guest_draft.c: a guest made with vn_guest_new() and setters, which says only what was set, or one that is complete.
 * vn_api_guest_whole() makes a new, complete guest of either; -EINVAL with all that is wrong, -ENOMEM.
 */
bool vn_api_guest_is_draft(const struct vn_guest *guest);
int vn_api_guest_whole(const struct vn_guest *guest, struct vn_guest **ret_guest, struct vn_error *err);
