/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Some thousands of pages with one target, that are asked for, moved and counted together. The theory is in migrate.h; this is its inner loop.
 */

#include "migrate_batch.h"
#include "migrate_pace.h"

#define VN_WINDOW_PAGES 4096u
#define VN_PIECE ((uint64_t)2 << 20) /* bytes of a transparent huge page */
#define VN_PIECE_PAGES 512u
#define VN_PINNED_TRIES 4u /* after so many passes in which a page did not move it counts as pinned */

/* Pages, of whatever size the window's are. */
struct vn_window_counts {
	unsigned there, moved, absent, stayed[VN_STAYED_N];
};

struct vn_window {
	size_t range; /* in which it begins; it may go on in the next ones */
	uint64_t offset; /* of its first page there, bytes */
	unsigned n; /* pages */
	unsigned tries; /* passes in which all of `stuck` stayed */
	bool looked; /* every page was asked for */
	int suspect; /* the job's, that it is of; -1: none */
	bool is_sample; /* of that one */
	bool is_pinned; /* so the sample tells: its pages are asked for and not tried */
	unsigned were_there; /* pages, when they were asked for first */
	struct vn_window_counts counts;
	uint64_t *stuck; /* a bit for each page that no try moved yet; owned; NULL: none */
};

/* What is known of a page of the window at work. */
enum vn_page_state {
	PAGE_LEFT, /* to be moved */
	PAGE_UNASKED, /* most likely to be moved */
	PAGE_THERE,
	PAGE_ABSENT,
	PAGE_STUCK, /* the kernel did not get hold of it */
	PAGE_OPEN, /* within a call: it said nothing of this page */
	PAGE_STAYED, /* and above: + enum vn_stayed */
};

enum vn_measure { VN_MEASURE_ORDINARY, VN_MEASURE_THP, VN_MEASURE_HUGETLB, VN_MEASURE_N };

/* The pages of the window at work. */
struct vn_window_pages {
	uint64_t page; /* bytes */
	unsigned n;
	void *address[VN_WINDOW_PAGES];
	int where[VN_WINDOW_PAGES]; /* node, or what the kernel said instead */
	uint8_t state[VN_WINDOW_PAGES];
	unsigned sent[VN_WINDOW_PAGES], asked[VN_WINDOW_PAGES]; /* indices of what is in a call */
	void *arguments[VN_WINDOW_PAGES];
	int nodes[VN_WINDOW_PAGES], status[VN_WINDOW_PAGES], answer[VN_WINDOW_PAGES];
};

struct vn_migration {
	const struct vn_migrate *job;
	const struct vn_migrate_calls *calls;
	struct vn_move_progress *progress;
	struct vn_error *err;
	uint64_t begun_ns;
	uint64_t page; /* bytes of an ordinary one */
	struct vn_batch batch[VN_MEASURE_N];
	struct vn_pace pace;
	hwloc_bitmap_t forbidden, full; /* nodes that took nothing in this pass; owned */
	struct vn_window_pages *pages; /* owned */
	unsigned plain; /* pieces in a row that were no huge page */
};

/*
 * Cuts the job's ranges into windows, in their order; the first n_sample of them are samples of the job's suspects. A window is of one
 * suspect, or of none. Array of *ret_n, new. 0 or -ENOMEM.
 */
int vn_windows_cut(const struct vn_migrate *job, uint64_t page, size_t n_sample,
	struct vn_window **ret_windows, size_t *ret_n);
void vn_windows_free(struct vn_window *windows, size_t n);

/* Bytes of one of its pages; its target. */
uint64_t vn_window_page(const struct vn_migration *m, const struct vn_window *window);
unsigned vn_window_target(const struct vn_migration *m, const struct vn_window *window);

/* Whether every try so far left its page `i` where it was. */
bool vn_window_is_stuck(const struct vn_window *window, unsigned i);

/* Counts the states of its pages, into the window and the progress. Those that were there at the first look count as such. */
void vn_window_count(struct vn_migration *m, struct vn_window *window);

/* Asks where its pages are, moves those that are elsewhere, counts. Whatever it returns, the progress is true of this window. */
int vn_window_run(struct vn_migration *m, struct vn_window *window);
