/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "migrate_send.h"

#define HUGETLB_PAGES 512u /* of a window */

/* ---- cutting ---- */

uint64_t vn_window_page(const struct vn_migration *m, const struct vn_window *window)
{
	uint64_t page = m->job->ranges[window->range].page;

	return page ? page : m->page;
}

unsigned vn_window_target(const struct vn_migration *m, const struct vn_window *window)
{
	return m->job->ranges[window->range].node;
}

/* Bytes up to where a transparent huge page may begin: a window has the whole of one, or nothing. */
static uint64_t piece_size(const struct vn_move_range *range, uint64_t offset)
{
	uint64_t left = range->size - offset;
	uint64_t to_next = range->page ? range->page : VN_PIECE - (range->address + offset) % VN_PIECE;

	return left < to_next ? left : to_next;
}

/* The suspect that memory, in pages of `page`, is of; *size becomes what of it is. */
static int suspect_at(const struct vn_migrate *job, uint64_t address, uint64_t page, uint64_t *size)
{
	for (size_t i = 0; i < job->n_suspects; i++) {
		const struct vn_move_block *block = &job->suspects[i];
		uint64_t offset = address - block->address;
		if (address < block->address || offset >= block->size)
			continue;
		if (*size > block->size - offset && (block->size - offset) % page == 0)
			*size = block->size - offset;
		return (int)i;
	}
	return -1;
}

/* Whether pages of a range that would make a window like `like` go to an earlier one. */
static bool takes(const struct vn_migrate *job, const struct vn_window *window, const struct vn_window *like)
{
	const struct vn_move_range *range = &job->ranges[like->range];
	const struct vn_move_range *first = &job->ranges[window->range];
	unsigned most = range->page ? HUGETLB_PAGES : VN_WINDOW_PAGES;

	return first->node == range->node && first->page == range->page && window->n + like->n <= most &&
	       window->suspect == like->suspect && window->is_sample == like->is_sample;
}

struct windows {
	size_t n, room;
	struct vn_window *v;
};

static int add_window(struct windows *windows, const struct vn_window *window)
{
	if (windows->n == windows->room) {
		size_t room = windows->room ? 2 * windows->room : 64;
		struct vn_window *grown = reallocarray(windows->v, room, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		windows->v = grown;
		windows->room = room;
	}
	windows->v[windows->n++] = *window;
	return 0;
}

int vn_windows_cut(const struct vn_migrate *job, uint64_t page, size_t n_sample,
	struct vn_window **ret_windows, size_t *ret_n)
{
	struct windows windows = {0};
	int r = 0;

	for (size_t i = 0; i < job->n_ranges && r == 0; i++) {
		const struct vn_move_range *range = &job->ranges[i];
		uint64_t unit = range->page ? range->page : page;
		struct vn_window window = {.range = i, .is_sample = i < n_sample};
		for (uint64_t size; window.offset < range->size && r == 0; window.offset += size) {
			size = piece_size(range, window.offset);
			window.suspect = suspect_at(job, range->address + window.offset, unit, &size);
			window.n = (unsigned)(size / unit);
			if (windows.n > 0 && takes(job, &windows.v[windows.n - 1], &window))
				windows.v[windows.n - 1].n += window.n;
			else
				r = add_window(&windows, &window);
		}
	}
	if (r < 0) {
		free(windows.v);
		return r;
	}
	*ret_windows = windows.v;
	*ret_n = windows.n;
	return 0;
}

void vn_windows_free(struct vn_window *windows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(windows[i].stuck);
	free(windows);
}

static void list_pages(struct vn_migration *m, const struct vn_window *window)
{
	struct vn_window_pages *p = m->pages;
	const struct vn_move_range *range = &m->job->ranges[window->range];
	uint64_t at = window->offset;

	p->page = vn_window_page(m, window);
	p->n = window->n;
	for (unsigned i = 0; i < p->n; i++, at += p->page) {
		if (at == range->size) {
			range++;
			at = 0;
		}
		p->address[i] = (void *)(uintptr_t)(range->address + at);
		p->state[i] = PAGE_UNASKED;
	}
}

/* ---- counting ---- */

bool vn_window_is_stuck(const struct vn_window *window, unsigned i)
{
	return window->stuck && window->stuck[i / 64] >> (i % 64) & 1;
}

static void add_counts(struct vn_move_progress *progress, const struct vn_window_counts *counts,
	uint64_t page, uint64_t sign)
{
	uint64_t unit = sign * page, all = 0;

	progress->there += counts->there * unit;
	progress->moved += counts->moved * unit;
	progress->absent += counts->absent * unit;
	for (size_t i = 0; i < VN_STAYED_N; i++) {
		progress->stayed[i] += counts->stayed[i] * unit;
		all += counts->stayed[i];
	}
	progress->left -= (counts->there + counts->moved + counts->absent + all) * unit;
}

static void count_page(
	struct vn_window_counts *counts, const struct vn_window *window, unsigned i, uint8_t state)
{
	bool always = vn_window_is_stuck(window, i);

	if ((state == PAGE_LEFT || state == PAGE_UNASKED) && always)
		state = PAGE_STUCK; /* as the pass before left it */
	switch (state) {
	case PAGE_THERE:
		counts->moved++;
		break;
	case PAGE_ABSENT:
		counts->absent++;
		break;
	case PAGE_STUCK:
	case PAGE_OPEN:
		counts->stayed[always && window->tries >= VN_PINNED_TRIES ? VN_STAYED_PINNED
									  : VN_STAYED_BUSY]++;
		break;
	case PAGE_LEFT:
	case PAGE_UNASKED:
		break;
	default:
		counts->stayed[state - PAGE_STAYED]++;
	}
}

/* Those that were there at the first look count as such, as long as so many are. */
void vn_window_count(struct vn_migration *m, struct vn_window *window)
{
	struct vn_window_counts now = {0};

	for (unsigned i = 0; i < window->n; i++)
		count_page(&now, window, i, m->pages->state[i]);
	now.there = window->were_there < now.moved ? window->were_there : now.moved;
	now.moved -= now.there;
	add_counts(m->progress, &window->counts, m->pages->page, UINT64_MAX); /* minus one */
	add_counts(m->progress, &now, m->pages->page, 1);
	window->counts = now;
}

/* The pages that are stuck now and were at every try before. */
static int remember_stuck(struct vn_migration *m, struct vn_window *window)
{
	bool first = !window->stuck, any = false;
	size_t words = (window->n + 63) / 64;

	for (unsigned i = 0; i < window->n && first && !any; i++)
		any = m->pages->state[i] == PAGE_STUCK;
	if (first && !any)
		return 0;
	if (first && !(window->stuck = calloc(words, sizeof(*window->stuck))))
		return -ENOMEM;
	any = false;
	for (unsigned i = 0; i < window->n; i++) {
		uint64_t bit = UINT64_C(1) << (i % 64);
		if (m->pages->state[i] != PAGE_STUCK)
			window->stuck[i / 64] &= ~bit;
		else if (first)
			window->stuck[i / 64] |= bit;
		any = any || (window->stuck[i / 64] & bit);
	}
	window->tries = any ? window->tries + 1 : 0;
	if (!any) {
		free(window->stuck);
		window->stuck = NULL;
	}
	return 0;
}

/* ---- looking ---- */

/* The same of pages that nothing was done to yet in this pass; in the first one, what is there was so before. */
static int look(struct vn_migration *m, struct vn_window *window, unsigned n)
{
	struct vn_window_pages *p = m->pages;

	for (unsigned i = 0; i < n; i++)
		p->state[p->asked[i]] = PAGE_LEFT;
	int r = vn_send_ask(m, n, vn_window_target(m, window));
	for (unsigned i = 0; i < n && r == 0 && !window->looked; i++)
		window->were_there += p->state[p->asked[i]] == PAGE_THERE;
	return r;
}

static int look_at_rest(struct vn_migration *m, struct vn_window *window)
{
	unsigned n = 0;

	for (unsigned i = 0; i < window->n; i++) {
		if (m->pages->state[i] == PAGE_UNASKED)
			m->pages->asked[n++] = i;
	}
	int r = look(m, window, n);
	if (r == 0) {
		window->looked = true;
		vn_window_count(m, window);
	}
	return r;
}

/* Of each piece a few pages, of which the two that would be sent. */
static int look_at_pieces(struct vn_migration *m, struct vn_window *window)
{
	struct vn_window_pages *p = m->pages;
	unsigned n = 0;

	for (unsigned at = 0; at < p->n; at++) {
		if (!vn_is_piece(p, at))
			continue;
		for (unsigned i = 0; i < VN_PIECE_PAGES; i++) {
			if (vn_is_sampled(i))
				p->asked[n++] = at + i;
		}
		at += VN_PIECE_PAGES - 1;
	}
	return look(m, window, n);
}

/* ---- the whole of it ---- */

/* Only where its pages are; those that are elsewhere are pinned. */
static int look_only(struct vn_migration *m, struct vn_window *window)
{
	int r = look_at_rest(m, window);

	for (unsigned i = 0; i < window->n && r == 0; i++) {
		if (m->pages->state[i] == PAGE_LEFT)
			m->pages->state[i] = PAGE_STAYED + VN_STAYED_PINNED;
	}
	if (r == 0)
		vn_window_count(m, window);
	return r;
}

int vn_window_run(struct vn_migration *m, struct vn_window *window)
{
	list_pages(m, window);
	if (window->is_pinned)
		return look_only(m, window);
	int r = window->looked ? look_at_rest(m, window) : look_at_pieces(m, window);
	if (r == 0)
		r = vn_send_huge(m, window);
	if (r == 0)
		r = look_at_rest(m, window);
	if (r == 0)
		r = vn_send_each(m, window);
	if (r < 0)
		return r;
	r = remember_stuck(m, window);
	vn_window_count(m, window);
	return r;
}
