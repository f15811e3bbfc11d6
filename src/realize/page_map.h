/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * On which node each page of a VM was before it was moved, so that undo brings each back to where it was.
 *
 * Theory of operation: a list of runs (how many pages, on which node, or on none), so that memory that lay in large pieces takes little;
 * memory dealt out page by page takes two bytes a page. Where that would be more than VN_PAGE_MAP_MAX bytes, only each piece of
 * 2 MiB is told, as the node that had most of it.
 */

#include "../model/move.h"
#include "state.h"

#define VN_PAGE_MAP_MAX ((size_t)64 << 20) /* bytes; the state directory is in memory */

/* Asks the kernel where every page of the move's ranges is, and writes it down, synced. */
int vn_page_map_write(const struct vn_state *state, const struct vn_move *move, struct vn_error *err);

/* The ranges that lead back: neighbours of one node together, by address. -ENOENT without a problem: none was written. */
int vn_page_map_read(const struct vn_state *state, const struct vn_move *move,
	struct vn_move_range **ret_ranges, size_t *ret_n, struct vn_error *err);
