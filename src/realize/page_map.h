/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * On which node each page of a VM was before it was moved, so that undo brings each back to where it was.
 *
 * Theory of operation: a list of runs (how many pages, on which node, or on none), so that memory that lay in large pieces takes little;
 * memory dealt out page by page takes two bytes a page. Where that would be more than VN_PAGE_MAP_MAX bytes, only each piece of
 * 2 MiB is told, as the node that had most of it; where several had, as each of them in turn.
 *
 * The file, PID-START.pages beside the journal (journal.h), numbers lowest byte first: a header (magic, version, how many sections, pid,
 * start time, boot, bytes of all runs), the sections (address, size, page of hugetlbfs or 0, bytes that a page of its runs stands for,
 * vnode, bytes of its runs), their runs, a checksum of all before. A run is two numbers, each in as many groups of seven bits as it needs,
 * lowest first, all but the last with the eighth bit set: how many pages, at least 1; the node + 1, or 0 for none. A page of a run is a
 * stretch between multiples of its size, so the first and the last of a section may be cut by its ends.
 *
 * What was before vnuma's first move of a process counts: as long as there is a journal of the process, a second map keeps what the
 * first one tells and asks only for memory that is not in it. Without one nothing of a map found counts, since nothing was moved.
 *
 * Pages that are nowhere (never touched, swapped out, the zero page) are led nowhere. They split runs: what comes there meanwhile was
 * not there before.
 */

#include "../model/move.h"
#include "state.h"

#define VN_PAGE_MAP_MAX ((size_t)64 << 20) /* bytes; the state directory is in memory */

/* How a map is made. */
struct vn_page_map_calls {
	/*
	 * Asks where pages of a process are, as move_pages(2) does without nodes: each status a node or a negative errno. 0 or a negative
	 * errno. NULL: the kernel is asked.
	 */
	int (*ask)(void *context, pid_t pid, size_t n, void **pages, int *status);
	/*
	 * Told after each call, of some thousands of pages, how many were asked for, of how many. Negative: stop, with this as the
	 * result. May be NULL.
	 */
	int (*told)(void *context, uint64_t asked, uint64_t pages);
	void *context;
};

/*
 * Asks where every page of the move's ranges is, and writes it down, synced. About 0.1 us a page of 4 KiB, a page of hugetlbfs. What fails,
 * or is stopped, leaves the map that was.
 */
int vn_page_map_write(const struct vn_state *state, const struct vn_move *move,
	const struct vn_page_map_calls *calls, struct vn_error *err);

/*
 * The ranges that lead back: neighbours of one node together, by address; of all memory that was ever moved, not of this move's ranges
 * alone. They take up to 32 bytes a page: 0.8% of a VM whose memory was dealt out page by page. -ENOENT without a problem: none was written.
 */
int vn_page_map_read(const struct vn_state *state, const struct vn_move *move,
	struct vn_move_range **ret_ranges, size_t *ret_n, struct vn_error *err);
