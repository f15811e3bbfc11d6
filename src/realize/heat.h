/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What was seen to be used of a process's memory, and the pieces that this makes of the ranges that shall move. Pure.
 *
 * Theory of operation: a look tells stretches of memory, each with a number: how often it was found used. Several looks, whose stretches
 * end at different places, add up: each address has the sum of what was told of it. Ranges are cut where stretches end, at the nearest
 * multiple of 2 MiB (of a page, if that is larger), and no piece is smaller than that but a range that is. A piece's heat is the mean over
 * its bytes; it is told in 20 steps of the hottest one's and one for what was never used, since finer differences are noise. Neighbours
 * of the same step are one piece again: so memory moves in runs. Where that leaves more than VN_PIECES_MAX, the steps become coarser.
 */

#include <sys/types.h>

#include "../model/move.h"

#define VN_PIECE_UNIT (UINT64_C(2) << 20) /* bytes */
#define VN_PIECES_MAX ((size_t)10000)
#define VN_HEAT_MAX UINT64_C(1000) /* of one stretch in one look; more counts as this */

struct vn_heat {
	uint64_t address, size; /* bytes; multiples of 4 KiB */
	uint64_t heat;
};

struct vn_heats {
	size_t n, room;
	struct vn_heat *v;
};

/* 0 or -ENOMEM. What has no bytes, or runs over the end of the address space, is left out. */
int vn_heats_add(struct vn_heats *heats, uint64_t address, uint64_t size, uint64_t heat);

void vn_heats_clear(struct vn_heats *heats);
#define vn_autoheats vn_cleanup(vn_heats_clear) struct vn_heats

/* A look at what a process uses, whoever takes it: damon.h, idleness.h. */
struct vn_heat_watch {
	pid_t pid;
	unsigned watch_ms;
	const struct vn_heats *spans; /* what to look at, by address */
	int (*wait_ms)(void *context, unsigned ms); /* -ECANCELED: it was told to stop */
	void *context;
};

/*
 * Pieces of the ranges, the hottest first, and of the same step by address. Without heats: the ranges, by address. *ret_lead: of all the use that
 * was seen, what part the first quarter of the bytes takes, in percent: 25 where all was used alike, 100 where nothing else was, 0 where no use was
 * seen at all. 0 or -ENOMEM.
 */
int vn_heat_pieces(const struct vn_move_range *ranges, size_t n_ranges, const struct vn_heats *heats,
	struct vn_move_range **ret_pieces, size_t *ret_n, unsigned *ret_lead);

/*
 * At most `max` (4 or more) stretches, by address, that cover the ranges: neighbours together, the smallest gaps covered, too, where there
 * are too many, and large ones cut, at multiples of 2 MiB, into about equal parts. Their heat is 0. 0 or -ENOMEM.
 */
int vn_heat_spans(
	const struct vn_move_range *ranges, size_t n_ranges, size_t max, struct vn_heats *ret_spans);
