/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What the parts of a move's reader share. Internal to model/. Each getter adds a problem where its key is missing or wrong. */

#include "json_reader.h"
#include "move_json.h"

/* move_from_json.c. `min` where it is missing or wrong. */
uint64_t vn_move_number(
	const struct vn_json_reader *in, const char *key, uint64_t min, uint64_t max, const char *expected);
/* The same, but null is 0. */
uint64_t vn_move_maybe_number(
	const struct vn_json_reader *in, const char *key, uint64_t min, uint64_t max, const char *expected);
bool vn_move_bool(const struct vn_json_reader *in, const char *key);
/* One member at least; NULL where it is wrong. */
hwloc_bitmap_t vn_move_set(const struct vn_json_reader *in, const char *key, unsigned max);
/* Null, where it may be, is the empty text. */
void vn_move_text(
	const struct vn_json_reader *in, const char *key, bool may_be_null, char ret[VN_SAMPLE_TEXT]);

/* move_lists_from_json.c: the lists, each member for itself; then, where all is sound, what they say together. */
void vn_move_lists_read(const struct vn_json_reader *in, struct vn_move *move);
void vn_move_lists_check(const struct vn_json_reader *in, const struct vn_move *move);
