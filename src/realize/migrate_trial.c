/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "migrate_trial.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ENOUGH 64u /* pinned pages of a sample, */
#define ENOUGH_HUGE 8u /* of hugetlbfs, to tell of all others */

/* ---- the sample ---- */

static uint64_t end_of(const struct vn_move_range *range)
{
	return range->address + range->size;
}

static const struct vn_move_range *range_at(const struct vn_migrate *job, uint64_t address)
{
	for (size_t i = 0; i < job->n_ranges; i++) {
		const struct vn_move_range *range = &job->ranges[i];
		if (address >= range->address && address < end_of(range))
			return range;
	}
	return NULL;
}

/* The piece of a range that `address` is in, if it is whole. */
static bool take_piece(const struct vn_migrate *job, uint64_t address, struct vn_move_range *ret)
{
	const struct vn_move_range *range = range_at(job, address);
	uint64_t unit = range && range->page > VN_PIECE ? range->page : VN_PIECE;

	if (!range)
		return false;
	*ret = *range;
	ret->address = address / unit * unit;
	ret->size = unit;
	return ret->address >= range->address && end_of(ret) <= end_of(range);
}

static void sample_block(
	const struct vn_migrate *job, const struct vn_move_block *block, struct vn_trial *trial)
{
	uint64_t unit = block->page > VN_PIECE ? block->page : VN_PIECE, step = block->size / VN_TRIAL_PIECES;

	if (block->address == 0 || step < VN_TRIAL_SHARE * unit)
		return;
	for (unsigned i = 0; i < VN_TRIAL_PIECES; i++) {
		if (take_piece(job, block->address + i * step + step / 2, &trial->ranges[trial->n]))
			trial->n++;
	}
}

static int by_address(const void *a, const void *b)
{
	const struct vn_move_range *x = a, *y = b;
	return (x->address > y->address) - (x->address < y->address);
}

/* What the sample leaves of a range. `pieces` are by address. */
static void add_rest(
	struct vn_trial *trial, const struct vn_move_range *range, const struct vn_move_range *pieces)
{
	struct vn_move_range rest = *range;

	for (size_t i = 0; i <= trial->n_sample; i++) {
		bool last = i == trial->n_sample || pieces[i].address >= end_of(range);
		if (!last && pieces[i].address < range->address)
			continue;
		rest.size = (last ? end_of(range) : pieces[i].address) - rest.address;
		if (rest.size)
			trial->ranges[trial->n++] = rest;
		if (last)
			return;
		rest.address = end_of(&pieces[i]);
	}
}

int vn_trial_arrange(const struct vn_migrate *job, uint64_t page, struct vn_trial *ret_trial)
{
	size_t most = job->n_suspects * VN_TRIAL_PIECES;
	struct vn_trial trial = {.ranges = calloc(2 * most + job->n_ranges + 1, sizeof(*trial.ranges))};
	vn_autofree struct vn_move_range *pieces = calloc(most + 1, sizeof(*pieces));

	if (!trial.ranges || !pieces) {
		free(trial.ranges);
		return -ENOMEM;
	}
	/* larger ordinary pages than any of ours: a piece might not be whole ones */
	for (size_t i = 0; i < job->n_suspects && VN_PIECE % page == 0; i++)
		sample_block(job, &job->suspects[i], &trial);
	trial.n_sample = trial.n;
	if (trial.n)
		memcpy(pieces, trial.ranges, trial.n * sizeof(*pieces));
	qsort(pieces, trial.n, sizeof(*pieces), by_address);
	for (size_t i = 0; i < job->n_ranges; i++)
		add_rest(&trial, &job->ranges[i], pieces);
	*ret_trial = trial;
	return 0;
}

/* ---- what it tells ---- */

enum vn_trial_verdict vn_trial_judge(
	const struct vn_migration *m, const struct vn_window *windows, size_t n, int suspect)
{
	unsigned moved = 0, pinned = 0, busy = 0, other = 0, enough = ENOUGH;

	for (size_t i = 0; i < n; i++) {
		const struct vn_window_counts *counts = &windows[i].counts;
		if (!windows[i].is_sample || windows[i].suspect != suspect)
			continue;
		if (vn_window_page(m, &windows[i]) > m->page)
			enough = ENOUGH_HUGE;
		moved += counts->moved;
		for (unsigned reason = 0; reason < VN_STAYED_N; reason++) {
			unsigned *sum = reason == VN_STAYED_PINNED ? &pinned
					: reason == VN_STAYED_BUSY ? &busy
								   : &other;
			*sum += counts->stayed[reason];
		}
	}
	if (moved || other || pinned + busy < enough)
		return VN_TRIAL_FREE;
	return busy ? VN_TRIAL_OPEN : VN_TRIAL_PINNED;
}
