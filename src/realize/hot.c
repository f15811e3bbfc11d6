/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "hot.h"

#include <poll.h>
#include <string.h>

#include "../base/process.h"
#include "../base/text.h"
#include "damon.h"
#include "idleness.h"

#define SYS "/sys"
#define PROC "/proc"
#define DAMON "/kernel/mm/damon/admin"
#define BITMAP "/kernel/mm/page_idle/bitmap"
#define SPEED UINT64_C(1600000000) /* bytes a second: as an estimate of model/move_text.c */
#define LEAST_MS 500u /* five aggregation intervals of DAMON's */
#define TOO_SOON_MS 168u /* in which 256 MiB move */
#define LITTLE_LEAD 40u /* percent of the use in the hottest quarter of the bytes; 25: all is used alike */
#define MOST_SPANS 8192u /* for the sample of idle pages */

unsigned vn_hot_watch_ms(uint64_t bytes, uint64_t rate)
{
	uint64_t speed = rate && rate < SPEED ? rate : SPEED;
	double ms = (double)bytes / (double)speed * 1000;

	if (ms < TOO_SOON_MS)
		return 0;
	return ms < LEAST_MS ? LEAST_MS : ms < VN_HOT_WATCH_MS ? (unsigned)ms : VN_HOT_WATCH_MS;
}

static int wait_for_stop(void *context, unsigned ms)
{
	const struct vn_hot_wish *wish = context;
	struct pollfd stop = {.fd = wish->stop_fd, .events = POLLIN};

	return poll(&stop, 1, (int)ms) > 0 ? -ECANCELED : 0; /* a signal shortens the look, no more */
}

/* Where to look, and how to wait: a copy of the wish that says both. */
static struct vn_hot_wish complete(const struct vn_hot_wish *wish)
{
	struct vn_hot_wish full = *wish;

	full.sys = full.sys ? full.sys : SYS;
	full.proc = full.proc ? full.proc : PROC;
	return full;
}

static bool is_gone(const struct vn_hot_wish *wish)
{
	uint64_t start_time;

	return vn_process_start_time(wish->pid, &start_time) == -ESRCH;
}

/* `most`: spans. *ret_watch refers to them and to the wish. */
static int prepare(struct vn_hot_wish *wish, const struct vn_move_range *ranges, size_t n_ranges, size_t most,
	struct vn_heats *ret_spans, struct vn_heat_watch *ret_watch)
{
	*ret_watch = (struct vn_heat_watch){.pid = wish->pid,
		.watch_ms = wish->watch_ms,
		.spans = ret_spans,
		.wait_ms = wish->wait_ms ? wish->wait_ms : wait_for_stop,
		.context = wish->wait_ms ? wish->context : wish};
	return vn_heat_spans(ranges, n_ranges, most, ret_spans);
}

static int look_with_damon(struct vn_hot_wish *wish, const struct vn_move_range *ranges, size_t n_ranges,
	struct vn_heats *ret_heats, struct vn_damon_refusal *ret_refusal)
{
	vn_autofree char *folder = vn_format("%s" DAMON, wish->sys);
	vn_autoheats spans = {0};
	struct vn_heat_watch watch;
	int r = folder ? prepare(wish, ranges, n_ranges, VN_DAMON_SPANS, &spans, &watch) : -ENOMEM;

	return r < 0 ? r : vn_damon_look(folder, &watch, ret_heats, ret_refusal);
}

static int look_for_idle(struct vn_hot_wish *wish, const struct vn_move_range *ranges, size_t n_ranges,
	struct vn_heats *ret_heats)
{
	vn_autofree char *bitmap = vn_format("%s" BITMAP, wish->sys);
	vn_autoheats spans = {0};
	struct vn_heat_watch watch;
	int r = bitmap ? prepare(wish, ranges, n_ranges, MOST_SPANS, &spans, &watch) : -ENOMEM;

	return r < 0 ? r : vn_idleness_look(bitmap, wish->proc, &watch, ret_heats);
}

static int note(struct vn_notes *notes, const struct vn_damon_refusal *refusal, enum vn_move_order by)
{
	return vn_notes_add(notes, refusal->code, "%s; memory moves %s", refusal->text,
		by == VN_ORDER_IDLENESS ? "in the order that a sample of its pages tells" : "by address");
}

/*
 * One accessed bit stands for a whole huge page: where nearly each has something that is used all the time, all look alike.
 */
static int note_little(struct vn_notes *notes, unsigned lead)
{
	if (lead == 0)
		return vn_notes_add(notes, "order-says-little",
			"nothing was seen to use its memory while it was watched: that moves by address");
	return vn_notes_add(notes, "order-says-little",
		"all of its memory looked used about alike: the hottest quarter took %u%% of the use that was seen; so that it "
		"moves first helps little",
		lead);
}

/* Heats of the best source that there is, and which that is. */
static int look(struct vn_hot_wish *wish, const struct vn_move_range *ranges, size_t n_ranges,
	struct vn_heats *ret_heats, enum vn_move_order *ret_by, struct vn_notes *notes)
{
	struct vn_damon_refusal refusal = {0};
	enum vn_move_order by = VN_ORDER_DAMON;
	int r = look_with_damon(wish, ranges, n_ranges, ret_heats, &refusal);

	if (r == -EOPNOTSUPP && !is_gone(wish)) {
		by = VN_ORDER_IDLENESS;
		r = look_for_idle(wish, ranges, n_ranges, ret_heats);
		if (r < 0 && r != -ECANCELED && r != -ENOMEM) {
			by = VN_ORDER_ADDRESS;
			r = 0;
		}
		if (r == 0)
			r = note(notes, &refusal, by);
	}
	if (r == -EOPNOTSUPP || (r == 0 && is_gone(wish)))
		return -ESRCH;
	if (r == 0)
		*ret_by = by;
	return r;
}

static int fail(const struct vn_hot_wish *wish, int r, struct vn_error *err)
{
	if (r == -ENOMEM)
		return vn_error_environment(err, r, "out of memory");
	if (r == -ESRCH)
		return vn_error_environment(err, r, "process %d is gone", (int)wish->pid);
	if (r == -ECANCELED)
		return vn_error_environment(err, r, "stopped while it was looked which memory is used most");
	return r;
}

int vn_hot_order(const struct vn_hot_wish *wish, const struct vn_move_range *ranges, size_t n_ranges,
	struct vn_move_range **ret_pieces, size_t *ret_n, enum vn_move_order *ret_by, struct vn_notes *notes,
	struct vn_error *err)
{
	struct vn_hot_wish full = complete(wish);
	vn_autoheats heats = {0};
	vn_autofree struct vn_move_range *pieces = NULL;
	enum vn_move_order by = VN_ORDER_ADDRESS;
	unsigned lead = 0;
	size_t n = 0;
	int r = is_gone(&full) ? -ESRCH : 0;

	if (r == 0 && n_ranges > 0 && wish->watch_ms > 0)
		r = look(&full, ranges, n_ranges, &heats, &by, notes);
	if (r == 0)
		r = vn_heat_pieces(ranges, n_ranges, &heats, &pieces, &n, &lead);
	if (r == 0 && by != VN_ORDER_ADDRESS && lead < LITTLE_LEAD)
		r = note_little(notes, lead);
	if (r < 0)
		return fail(wish, r, err);
	*ret_pieces = vn_steal(pieces);
	*ret_n = n;
	*ret_by = by;
	return 0;
}

int vn_hot_clean(pid_t pid, struct vn_error *err)
{
	int r = vn_damon_clean(SYS DAMON, pid);

	return r < 0 ? vn_error_environment(err, r,
			       SYS DAMON ": a kdamond that a vnuma left on cannot be switched off: %s",
			       strerror(-r))
		     : 0;
}
