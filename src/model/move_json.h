/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What the parts of a move's reader and writer share, and the journal's files of progress. */

#include "move.h"

struct vn_json_reader; /* json_reader.h, which does not go with audit_json.h */

#define VN_MOVE_SCHEMA "vnuma.move/1"
#define VN_N_MOVE_PHASES (VN_MOVE_UNDOING + 1)
#define VN_N_MOVE_ORDERS (VN_ORDER_DAMON + 1)

/* move_json.c: parts of it; NULL when memory is short. */
json_t *vn_process_to_json(const struct vn_process *process);
json_t *vn_move_progress_to_json(const struct vn_move_progress *progress);
json_t *vn_move_order_to_json(const struct vn_move *move); /* null: not decided yet */

/* move_from_json.c: the same parts read, by their keys in `in`. Problems are told where they belong, as by any getter. */
void vn_process_read(const struct vn_json_reader *in, const char *key, struct vn_process *ret_process);
void vn_move_progress_read(
	const struct vn_json_reader *in, const char *key, struct vn_move_progress *ret_progress);
enum vn_move_phase vn_move_phase_read(const struct vn_json_reader *in, const char *key);
void vn_move_order_read(const struct vn_json_reader *in, const char *key, struct vn_move *move);
