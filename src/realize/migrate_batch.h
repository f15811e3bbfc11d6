/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * How much one call of move_pages(2) is given, so that it stays within the stall budget.
 *
 * Theory of operation: what a call costs depends on the host, the size of the pages and who else is at work, so it is measured: time per
 * byte of the calls so far, in which a rise counts at once and a fall by half. The next call gets what would take half of the budget, at
 * most twice what the one before got; after one that took longer than the budget, half of that at most. Each kind of page has a measure
 * of its own: copying a huge page costs a third per byte of what as many small ones do, and it cannot be cut.
 */

#include <stdint.h>

struct vn_batch {
	uint64_t budget_ns;
	uint64_t page; /* bytes that cannot be cut */
	double ns_per_byte; /* 0: not measured yet */
	uint64_t bytes; /* for the next call: a multiple of the page, one at least */
};

/* `first`: bytes of the first call. */
void vn_batch_begin(struct vn_batch *batch, uint64_t budget_ns, uint64_t page, uint64_t first);

/* A call was given `sent` bytes, moved `moved` of them and took `ns`. */
void vn_batch_measured(struct vn_batch *batch, uint64_t sent, uint64_t moved, uint64_t ns);

/* Without a measure yet: no more per byte than `other`, of which there is one. */
void vn_batch_assume(struct vn_batch *batch, const struct vn_batch *other);
