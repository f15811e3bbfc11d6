/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "migrate_send.h"

#include <assert.h>
#include <limits.h>
#include <string.h>

#define UNTOLD INT_MIN /* what the kernel left of a status as it was: no errno, no node */
#define PLAIN_PIECES 16u /* so many in a row without a huge page: there are hardly any */
#define STUCK_PAGES 16u /* so many at most in a call, of those that no try moved yet */
#define SKIP_PAGES 16u /* the smallest folio of several pages that Linux makes by itself has 64 KiB */

/* ---- asking ---- */

static int failed(struct vn_migration *m, int r)
{
	if (r == -EINVAL)
		r = -ESRCH; /* a process that has ended and is not waited for yet: it has no memory */
	return vn_error_environment(m->err, r, "process %d: its pages cannot be moved: %s", m->job->pid,
		r == -EPERM   ? "not permitted (same user, or CAP_SYS_PTRACE, is needed)"
		: r == -ESRCH ? "it is gone"
			      : strerror(-r));
}

int vn_send_ask(struct vn_migration *m, unsigned n, unsigned target)
{
	struct vn_window_pages *p = m->pages;

	if (n == 0)
		return 0;
	for (unsigned i = 0; i < n; i++) {
		p->arguments[i] = p->address[p->asked[i]];
		p->answer[i] = UNTOLD;
	}
	int r = m->calls->move_pages(m->calls->context, m->job->pid, n, p->arguments, NULL, p->answer);
	if (r < 0)
		return failed(m, r);
	for (unsigned i = 0; i < n; i++) {
		unsigned at = p->asked[i];
		p->where[at] = p->answer[i];
		if (p->answer[i] == (int)target)
			p->state[at] = PAGE_THERE;
		else if (p->answer[i] == -ENOENT || p->answer[i] == -EFAULT)
			p->state[at] = PAGE_ABSENT; /* EFAULT: the zero page, or nothing mapped */
	}
	return 0;
}

/* ---- a call ---- */

struct call {
	unsigned n; /* pages, listed in `sent` */
	int r; /* what the kernel returned */
	int last_told; /* index in `sent` of the last page with a status; -1: none */
	uint64_t ns;
};

/* The call's own failure, as far as it ends the whole. */
static int is_fatal(int r)
{
	return r == -ESRCH || r == -EINVAL || r == -EPERM;
}

static int make_call(struct vn_migration *m, struct vn_window *window, struct call *call)
{
	struct vn_window_pages *p = m->pages;
	int r = vn_pace_wait(&m->pace);

	if (r < 0)
		return r;
	for (unsigned i = 0; i < call->n; i++) {
		p->arguments[i] = p->address[p->sent[i]];
		p->nodes[i] = (int)vn_window_target(m, window);
		p->status[i] = UNTOLD;
	}
	uint64_t begin = m->calls->now_ns(m->calls->context);
	call->r = m->calls->move_pages(
		m->calls->context, m->job->pid, call->n, p->arguments, p->nodes, p->status);
	call->ns = m->calls->now_ns(m->calls->context) - begin;
	if (is_fatal(call->r))
		return failed(m, call->r);
	m->progress->calls++;
	if (call->ns > m->progress->longest_ns)
		m->progress->longest_ns = call->ns;
	call->last_told = (int)call->n - 1;
	while (call->last_told >= 0 && p->status[call->last_told] == UNTOLD)
		call->last_told--;
	return 0;
}

/* All that waits for its turn stays, for that reason. */
static void stay(struct vn_migration *m, enum vn_stayed reason)
{
	for (unsigned i = 0; i < m->pages->n; i++) {
		if (m->pages->state[i] == PAGE_LEFT)
			m->pages->state[i] = (uint8_t)(PAGE_STAYED + reason);
	}
}

static enum vn_stayed no_room(const struct vn_migration *m)
{
	return m->pages->page == m->page ? VN_STAYED_TARGET_FULL : VN_STAYED_NO_HUGE_PAGE;
}

static uint8_t meaning(const struct vn_migration *m, const struct call *call, int status, unsigned target)
{
	if (status == (int)target)
		return PAGE_THERE;
	switch (status) {
	case -ENOENT:
	case -EFAULT:
		return PAGE_ABSENT;
	case -EACCES:
		return PAGE_STAYED + VN_STAYED_SHARED;
	case -ENOMEM:
		return (uint8_t)(PAGE_STAYED + no_room(m));
	case -EBUSY:
		return PAGE_STUCK;
	case UNTOLD:
		break;
	default:
		return PAGE_STAYED + VN_STAYED_UNKNOWN;
	}
	switch (call->r) {
	case -EACCES:
		return PAGE_STAYED + VN_STAYED_FORBIDDEN;
	case -ENOMEM:
		return (uint8_t)(PAGE_STAYED + no_room(m));
	default:
		return call->r < 0 ? PAGE_STAYED + VN_STAYED_UNKNOWN : PAGE_OPEN;
	}
}

static unsigned count_state(const struct vn_window_pages *p, unsigned from, unsigned n, uint8_t state)
{
	unsigned found = 0;

	for (unsigned i = from; i < n; i++)
		found += p->state[p->sent[i]] == state;
	return found;
}

/* After each call, when what became of its pages is known. */
static int finish_call(
	struct vn_migration *m, struct vn_window *window, const struct call *call, uint64_t moved)
{
	vn_pace_moved(&m->pace, moved, call->ns);
	vn_window_count(m, window);
	return m->pace.tell(m->pace.context);
}

/* ---- page by page ---- */

/*
 * The kernel gives up a call where it could not move all of what it had gathered: what was gathered has no status, and what came after the
 * page at which it noticed was not tried. Where it really got to the end, something of these pages moved; if nothing did, they are tried
 * once more by themselves, which is a call with fewer pages. Where it noticed because a page is of the same folio as the one before, that
 * folio is the one that is stuck, and its other pages need not be tried one after the other.
 */
static unsigned tail_of(struct vn_migration *m, const struct call *call)
{
	struct vn_window_pages *p = m->pages;
	unsigned tail = (unsigned)(call->last_told + 1);

	if (call->r <= 0 || tail == 0 || tail == call->n || count_state(p, tail, call->n, PAGE_THERE) > 0)
		return call->n;
	unsigned last = p->sent[tail - 1];
	if (tail < 2 || p->status[tail - 1] != -EBUSY || p->status[tail - 2] != UNTOLD ||
		p->state[last] != PAGE_STUCK)
		return tail;
	unsigned end = (unsigned)((uintptr_t)p->address[last] / p->page % SKIP_PAGES);
	for (end = last + SKIP_PAGES - end; tail < call->n && p->sent[tail] < end; tail++)
		p->state[p->sent[tail]] = PAGE_STUCK;
	return tail;
}

/* Ask again where a status says nothing, or says that the page was at work. */
static int settle(struct vn_migration *m, struct vn_window *window, const struct call *call)
{
	struct vn_window_pages *p = m->pages;
	unsigned target = vn_window_target(m, window), doubtful = 0;

	for (unsigned i = 0; i < call->n; i++) {
		p->state[p->sent[i]] = meaning(m, call, p->status[i], target);
		if (p->status[i] == UNTOLD || p->status[i] == -EBUSY)
			p->asked[doubtful++] = p->sent[i];
	}
	int r = vn_send_ask(m, doubtful, target);
	for (unsigned i = 0; i < call->n && r == 0; i++) {
		if (p->status[i] == -EBUSY && p->state[p->sent[i]] == PAGE_THERE)
			m->plain = 0; /* it moved with the page before */
	}
	return r;
}

static int take_answers(struct vn_migration *m, struct vn_window *window, const struct call *call,
	struct vn_batch *batch, unsigned *from)
{
	struct vn_window_pages *p = m->pages;
	int r = settle(m, window, call);

	if (r < 0)
		return r;
	uint64_t moved = count_state(p, 0, call->n, PAGE_THERE) * p->page;
	unsigned tail = tail_of(m, call);
	for (unsigned i = 0; i < call->n; i++) {
		if (p->state[p->sent[i]] == PAGE_OPEN)
			p->state[p->sent[i]] = i < tail ? PAGE_STUCK : PAGE_LEFT;
	}
	if (tail < call->n)
		*from = p->sent[tail];
	if (call->r == -EACCES && moved == 0)
		hwloc_bitmap_set(m->forbidden, vn_window_target(m, window));
	if (call->r == -ENOMEM)
		hwloc_bitmap_set(m->full, 2 * vn_window_target(m, window) + (p->page != m->page));
	vn_batch_measured(batch, call->n * p->page, moved, call->ns);
	return finish_call(m, window, call, moved);
}

static uint64_t least(uint64_t a, uint64_t b, uint64_t c)
{
	uint64_t d = a < b ? a : b;
	return c < d ? c : d;
}

static int room_for(struct vn_migration *m, const struct vn_window *window, uint64_t *ret_room)
{
	unsigned node = vn_window_target(m, window);
	uint64_t page = m->job->ranges[window->range].page;
	int r = vn_pace_room(&m->pace, node, page, ret_room);

	if (r < 0)
		return vn_error_environment(
			m->err, r, "node %u: how much memory is free there cannot be read", node);
	if (hwloc_bitmap_isset(m->full, 2 * node + (page != 0)))
		*ret_room = 0;
	return 0;
}

/*
 * Lists what the next call is given, from *from on. What is pinned the kernel tries ten times a call, most of them one by one and each time with
 * a flush of all TLBs (migrate_pages_sync(), mm/migrate.c): fifty of them may take as long as a thousand that move. Which ones those are is
 * known after the first pass, so then each call is given a few.
 */
static void list_pages(struct vn_migration *m, const struct vn_window *window, uint64_t most, unsigned *from,
	struct call *call)
{
	struct vn_window_pages *p = m->pages;
	unsigned stuck = 0;

	for (; *from < p->n && call->n < (most ? most : 1); ++*from) {
		if (p->state[*from] != PAGE_LEFT)
			continue;
		if (vn_window_is_stuck(window, *from) && stuck++ == STUCK_PAGES)
			break;
		p->sent[call->n++] = *from;
	}
}

int vn_send_each(struct vn_migration *m, struct vn_window *window)
{
	struct vn_window_pages *p = m->pages;
	assert(p->page > 0);
	struct vn_batch *batch = &m->batch[p->page == m->page ? VN_MEASURE_ORDINARY : VN_MEASURE_HUGETLB];
	int r = 0;

	for (unsigned from = 0; r == 0;) {
		uint64_t room;
		r = room_for(m, window, &room);
		if (r < 0)
			break;
		if (room < p->page || hwloc_bitmap_isset(m->forbidden, vn_window_target(m, window))) {
			stay(m, room < p->page ? no_room(m) : VN_STAYED_FORBIDDEN);
			break;
		}
		uint64_t next = vn_batch_next(batch), left = (p->n - from) * p->page;
		if (left > next && left <= next + next / 4)
			next = left; /* no call for the little that would be left of the window */
		uint64_t most = least(next, vn_pace_most(&m->pace), room) / p->page;
		struct call call = {0};
		list_pages(m, window, most, &from, &call);
		if (call.n == 0)
			break;
		r = make_call(m, window, &call);
		if (r == 0)
			r = take_answers(m, window, &call, batch, &from);
	}
	return r;
}

/* ---- huge pages ---- */

bool vn_is_piece(const struct vn_window_pages *p, unsigned at)
{
	uintptr_t address = (uintptr_t)p->address[at];

	return p->page == 4096 && address % VN_PIECE == 0 && at + VN_PIECE_PAGES <= p->n &&
	       (uintptr_t)p->address[at + VN_PIECE_PAGES - 1] == address + VN_PIECE - p->page;
}

bool vn_is_sampled(unsigned page)
{
	return page <= 1 || page % 64 == 0 || page == VN_PIECE_PAGES - 1;
}

/* Whether there may be one in this piece: all that is known of its pages is that they are to be moved and on one node. */
static bool may_be_huge(const struct vn_window_pages *p, unsigned at)
{
	if (!vn_is_piece(p, at))
		return false;
	for (unsigned i = 0; i < VN_PIECE_PAGES; i++) {
		bool known = p->state[at + i] == PAGE_LEFT && p->where[at + i] == p->where[at];
		if (!known && p->state[at + i] != PAGE_UNASKED)
			return false;
	}
	return true;
}

static bool told_huge(const struct vn_window_pages *p, unsigned pair)
{
	return p->status[2 * pair + 1] == -EBUSY;
}

/* What there is to ask about the pairs: of a huge page its last page, too. */
static int settle_pairs(struct vn_migration *m, struct vn_window *window, const struct call *call)
{
	struct vn_window_pages *p = m->pages;
	unsigned target = vn_window_target(m, window), n = 0;

	for (unsigned i = 0; i < call->n; i++) {
		unsigned at = p->sent[i];
		if (i % 2 && told_huge(p, i / 2))
			at += VN_PIECE_PAGES - 2;
		else if (p->status[i] == (int)target)
			p->state[at] = PAGE_THERE;
		if (p->status[i] != (int)target)
			p->asked[n++] = at;
	}
	return vn_send_ask(m, n, target);
}

/* Makes one of what is known of a pair; *moved grows by what moved. Returns bytes that the call was given with it. */
static uint64_t take_pair(struct vn_window_pages *p, unsigned pair, const struct call *call, uint64_t *moved)
{
	unsigned at = p->sent[2 * pair];
	bool first = p->state[at] == PAGE_THERE, last = p->state[at + VN_PIECE_PAGES - 1] == PAGE_THERE;

	if (!told_huge(p, pair)) {
		*moved += (first + (p->state[at + 1] == PAGE_THERE)) * p->page;
		return 2 * p->page;
	}
	if (first && last) {
		memset(&p->state[at], PAGE_THERE, VN_PIECE_PAGES);
		*moved += VN_PIECE;
	} else if (call->r > 0 && p->state[at] == PAGE_LEFT && p->status[2 * pair] == UNTOLD) {
		memset(&p->state[at], PAGE_STUCK, VN_PIECE_PAGES);
	}
	return VN_PIECE;
}

static int take_pairs(
	struct vn_migration *m, struct vn_window *window, const struct call *call, unsigned *from)
{
	struct vn_window_pages *p = m->pages;
	unsigned pairs = call->n / 2, huge = 0;
	uint64_t moved = 0, sent = 0;
	int r = settle_pairs(m, window, call);

	if (r < 0)
		return r;
	if (call->r > 0 && call->last_told >= 0) /* what is behind it was not tried */
		pairs = (unsigned)call->last_told / 2 + 1;
	for (unsigned i = 0; i < pairs; i++) {
		huge += told_huge(p, i);
		sent += take_pair(p, i, call, &moved);
		if (told_huge(p, i))
			m->plain = 0;
		else if (p->state[p->sent[2 * i]] == PAGE_THERE)
			m->plain++;
	}
	if (pairs < call->n / 2)
		*from = p->sent[2 * pairs];
	if (huge)
		vn_batch_measured(&m->batch[VN_MEASURE_THP], sent, moved, call->ns);
	else
		vn_batch_assume(&m->batch[VN_MEASURE_THP], &m->batch[VN_MEASURE_ORDINARY]);
	return finish_call(m, window, call, moved);
}

/*
 * Which pages are huge the kernel does not tell to those who only ask, and to ask for each of the 512 takes a fifth of the time that moving the
 * whole does. So of each piece that could be one the first two pages are sent: of a
 * huge page the first one moves all of it, unsplit, and the second one, which is in the kernel's hands by then, is told to be busy. After many
 * that were none they are not looked for any more, until one is met: each call has its price, and a huge page whose pages are all sent
 * moves as well.
 */
int vn_send_huge(struct vn_migration *m, struct vn_window *window)
{
	struct vn_window_pages *p = m->pages;
	int r = 0;

	for (unsigned from = 0; r == 0 && m->plain < PLAIN_PIECES;) {
		uint64_t room;
		r = room_for(m, window, &room);
		if (r < 0 || room < VN_PIECE || hwloc_bitmap_isset(m->forbidden, vn_window_target(m, window)))
			break;
		uint64_t most =
			least(vn_batch_next(&m->batch[VN_MEASURE_THP]), vn_pace_most(&m->pace), room) /
			VN_PIECE;
		struct call call = {0};
		for (; from < p->n && call.n / 2 < (most ? most : 1); from++) {
			if (!may_be_huge(p, from))
				continue;
			p->sent[call.n++] = from;
			p->sent[call.n++] = from + 1;
			from += VN_PIECE_PAGES - 1;
		}
		if (call.n == 0)
			break;
		r = make_call(m, window, &call);
		if (r < 0)
			break;
		bool refused = call.r < 0;
		r = take_pairs(m, window, &call, &from);
		if (refused) /* page by page it shows why */
			break;
	}
	return r;
}
