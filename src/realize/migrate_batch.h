/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * How much one call of move_pages(2) is given, so that it stays within the stall budget.
 *
 * Theory of operation: what a call costs depends on the host, the size of the pages and who else is at work, so it is measured: time per
 * byte of the calls so far, in which a rise counts at once and a fall by half. The next call gets what would take half of the budget, at
 * most twice what the one before got; after one that took longer than the budget, half of that at most. Each kind of page has a measure
 * of its own: copying a huge page costs a third per byte of what as many small ones do, and it cannot be cut.
 *
 * Each call also takes a time that does not depend on what it is given (the kernel waits for all CPUs to give up the pages that they have at
 * hand), in which no page is kept from anybody. Where that alone is more than half of the budget, smaller calls would not be shorter, only
 * more. Two small calls have to show it, since one may have been held up; then the lesser of both is taken off, a call that still is too long
 * halves the next one and no more, and every eighth call is a small one that measures again.
 */

#include <stdint.h>

struct vn_batch {
	uint64_t budget_ns;
	uint64_t page; /* bytes that cannot be cut */
	uint64_t least; /* bytes below which a call takes no less time */
	uint64_t least_ns[2]; /* what the last two calls with no more took; 0: not measured */
	unsigned calls;
	double ns_per_byte; /* 0: not measured yet */
	uint64_t bytes; /* for the next call: whole pages, `least` at least */
};

/* `least`: bytes of the smallest call, and of the first one. */
void vn_batch_begin(struct vn_batch *batch, uint64_t budget_ns, uint64_t page, uint64_t least);

/* Bytes for the next call. */
uint64_t vn_batch_next(const struct vn_batch *batch);

/* A call was given `sent` bytes, moved `moved` of them and took `ns`. */
void vn_batch_measured(struct vn_batch *batch, uint64_t sent, uint64_t moved, uint64_t ns);

/* Without a measure yet: no more per byte than `other`, of which there is one. */
void vn_batch_assume(struct vn_batch *batch, const struct vn_batch *other);
