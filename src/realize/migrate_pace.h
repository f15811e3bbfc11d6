/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * When a move may go on, and how much of its target is left for it: rate, pressure, reserve.
 *
 * Theory of operation: the rate is a bucket that fills with the clock and that what was moved is taken from; it may go below zero, since what a
 * call really moved is known only afterwards, and the next one waits until it is not. No call is given more than the rate lets through in
 * 20 ms. Pressure is looked at each half a second (the kernel averages over two): above the limit all waits for up to 30 s;
 * if it stays, moving goes on for 10 s with a tenth of the time in calls, and is then looked at afresh. What a node has free is
 * asked before another 16 MiB go there, and what goes there is taken off meanwhile.
 *
 * All waiting is done in pieces of at most a quarter of a second, after each of which the caller is told; a sleep ends at once when
 * it was told to stop.
 */

#include "migrate.h"

struct vn_pace {
	const struct vn_migrate_calls *calls;
	const struct vn_move_limits *limits;
	int stop_fd;
	int (*tell)(void *context); /* negative: stop */
	void *context;
	uint64_t paused_ns;

	double bucket; /* bytes */
	uint64_t filled_ns; /* when */

	bool no_pressure; /* the kernel does not tell it */
	uint64_t looked_ns; /* at the pressure, when; 0: never */
	uint64_t slow_until_ns; /* 0: not slow */
	uint64_t owed_ns; /* rest that the last call is to be followed by */

	bool has_room;
	unsigned node; /* of the room */
	uint64_t page; /* of hugetlbfs; 0: ordinary pages */
	uint64_t room, since; /* bytes that may go there; bytes that went there since it was asked */
};

void vn_pace_begin(struct vn_pace *pace);

/* Waits until the next call may be made. 0, -ECANCELED, or what `tell` returned. */
int vn_pace_wait(struct vn_pace *pace);

/* Waits that long, and tells meanwhile. */
int vn_pace_sleep(struct vn_pace *pace, uint64_t ns);

/* Bytes that one call may be given at most for the rate's sake. */
uint64_t vn_pace_most(const struct vn_pace *pace);

/* Bytes of pages of this kind that may go to the node now, down to the reserve; what the kernel's pool has free of huge pages. */
int vn_pace_room(struct vn_pace *pace, unsigned node, uint64_t page, uint64_t *ret_bytes);

/* A call moved that much to the node that was last asked about, and took `ns`. */
void vn_pace_moved(struct vn_pace *pace, uint64_t bytes, uint64_t ns);
