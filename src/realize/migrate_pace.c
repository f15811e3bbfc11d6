/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "migrate_pace.h"

#include <poll.h>

#define MS UINT64_C(1000000)
#define SECOND (1000 * MS)
#define SLICE (250 * MS)
#define ASK_AGAIN (UINT64_C(16) << 20) /* bytes */
#define RESERVE_LEAST (UINT64_C(512) << 20)

static uint64_t now(const struct vn_pace *pace)
{
	return pace->calls->now_ns(pace->calls->context);
}

void vn_pace_begin(struct vn_pace *pace)
{
	pace->filled_ns = now(pace);
}

static int told_to_stop(const struct vn_pace *pace)
{
	struct pollfd fd = {.fd = pace->stop_fd, .events = POLLIN};

	return pace->stop_fd >= 0 && poll(&fd, 1, 0) > 0 ? -ECANCELED : 0;
}

int vn_pace_sleep(struct vn_pace *pace, uint64_t ns)
{
	int r = told_to_stop(pace);

	while (r == 0 && ns > 0) {
		uint64_t slice = ns < SLICE ? ns : SLICE, begin = now(pace);
		r = pace->calls->sleep_ns(pace->calls->context, slice);
		pace->paused_ns += now(pace) - begin;
		ns -= slice;
		if (r == 0)
			r = pace->tell(pace->context);
	}
	return r < 0 ? r : 0;
}

/* ---- rate ---- */

uint64_t vn_pace_most(const struct vn_pace *pace)
{
	return pace->limits->rate ? pace->limits->rate / 50 : UINT64_MAX;
}

static int wait_for_rate(struct vn_pace *pace)
{
	double rate = (double)pace->limits->rate, most = rate / 10;
	int r = 0;

	while (r == 0 && pace->limits->rate) {
		uint64_t at = now(pace);
		pace->bucket += (double)(at - pace->filled_ns) * rate / 1e9;
		pace->filled_ns = at;
		if (pace->bucket > most)
			pace->bucket = most;
		if (pace->bucket >= 0)
			break;
		double ns = -pace->bucket / rate * 1e9 + 1;
		r = vn_pace_sleep(pace, ns < (double)SLICE ? (uint64_t)ns : SLICE);
	}
	return r;
}

/* ---- pressure ---- */

/* 1: above the limit. */
static int look_at_pressure(struct vn_pace *pace)
{
	double percent;

	pace->looked_ns = now(pace);
	int r = pace->calls->pressure(pace->calls->context, &percent);
	if (r < 0)
		pace->no_pressure = true; /* nor will it later */
	return r >= 0 && percent > pace->limits->pressure;
}

static int wait_for_pressure(struct vn_pace *pace)
{
	uint64_t begin = now(pace);
	bool looked = pace->looked_ns > 0;

	if (pace->limits->pressure <= 0 || pace->no_pressure ||
		(looked && begin - pace->looked_ns < SECOND / 2))
		return 0;
	if (!look_at_pressure(pace)) {
		pace->slow_until_ns = 0;
		return 0;
	}
	if (begin < pace->slow_until_ns)
		return 0;
	do {
		int r = vn_pace_sleep(pace, SECOND / 2);
		if (r < 0)
			return r;
		if (!look_at_pressure(pace)) {
			pace->slow_until_ns = 0;
			return 0;
		}
	} while (now(pace) - begin < 30 * SECOND);
	pace->slow_until_ns = now(pace) + 10 * SECOND;
	return 0;
}

int vn_pace_wait(struct vn_pace *pace)
{
	uint64_t owed = pace->owed_ns;

	pace->owed_ns = 0;
	int r = vn_pace_sleep(pace, owed);
	if (r == 0)
		r = wait_for_pressure(pace);
	return r < 0 ? r : wait_for_rate(pace);
}

/* ---- reserve ---- */

static uint64_t reserve_of(const struct vn_pace *pace, uint64_t total)
{
	if (pace->page)
		return 0; /* what is in a pool is for huge pages only */
	if (pace->limits->has_reserve)
		return pace->limits->reserve;
	return total / 50 > RESERVE_LEAST ? total / 50 : RESERVE_LEAST;
}

int vn_pace_room(struct vn_pace *pace, unsigned node, uint64_t page, uint64_t *ret_bytes)
{
	uint64_t free_bytes, total;

	if (!pace->has_room || node != pace->node || page != pace->page || pace->since >= ASK_AGAIN ||
		pace->room < (page ? page : 4096)) {
		int r = pace->calls->node_memory(pace->calls->context, node, page, &free_bytes, &total);
		if (r < 0)
			return r;
		pace->has_room = true;
		pace->node = node;
		pace->page = page;
		pace->since = 0;
		uint64_t reserve = reserve_of(pace, total);
		pace->room = free_bytes > reserve ? free_bytes - reserve : 0;
	}
	*ret_bytes = pace->room;
	return 0;
}

void vn_pace_moved(struct vn_pace *pace, uint64_t bytes, uint64_t ns)
{
	pace->bucket -= (double)bytes;
	pace->room -= bytes < pace->room ? bytes : pace->room;
	pace->since += bytes;
	pace->owed_ns = pace->slow_until_ns ? 9 * ns : 0;
}
