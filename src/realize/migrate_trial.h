/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Whether the memory of a block is pinned as a whole, told from a sample of it.
 *
 * Theory of operation: a device that is given to a VM (VFIO) pins all memory that it may access, which is all there is as a rule. To try each
 * of its pages in several passes moves nothing and takes an hour a TiB. So of each large block that is suspected, sixteen pieces
 * of 2 MiB (or pages of hugetlbfs), spread over it evenly, move first, in passes and with waits as all else (migrate.h). Where none
 * of their pages moved, enough are pinned, and none stayed for another reason, the block is pinned: its other pages are only asked
 * where they are. In any other case all of it is tried. Pieces, not pages: a page takes all of a transparent huge page along.
 */

#include "migrate_window.h"

/* Below so many times the sample a block is tried as a whole: that takes no longer. */
#define VN_TRIAL_SHARE 4u
#define VN_TRIAL_PIECES 16u

/* The job's ranges with the samples of its suspects in front, by block; the rest in its order. */
struct vn_trial {
	size_t n, n_sample;
	struct vn_move_range *ranges; /* owned */
};

/* `page`: bytes of an ordinary one. 0 or -ENOMEM. */
int vn_trial_arrange(const struct vn_migrate *job, uint64_t page, struct vn_trial *ret_trial);

enum vn_trial_verdict {
	VN_TRIAL_OPEN, /* not known yet: pages did not move that may be busy */
	VN_TRIAL_FREE,
	VN_TRIAL_PINNED,
};

/* What the windows of the sample of a suspect tell. */
enum vn_trial_verdict vn_trial_judge(
	const struct vn_migration *m, const struct vn_window *windows, size_t n, int suspect);
