/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * How much one call of move_pages(2) is given, so that no page is kept from the guest for longer than the stall budget.
 *
 * Theory of operation: a call takes a time that does not depend on what it is given (the kernel waits for all CPUs to give up the pages that
 * they have at hand), in which no page is kept from anybody, and then a time for each page. Both depend on the host, the size of the pages
 * and who else is at work, so both are measured: the first by a small call now and then, the second by what larger ones take beyond a small
 * one. The next call gets what takes half of the budget by the second; so as long as the first is below the other half, the
 * whole call is within the budget, too. Where it is not, smaller calls would not be shorter, only more.
 *
 * What one call takes is uncertain: whoever makes it, or the kernel, may have waited for a processor. So the usual cost is the median of the last
 * calls, or what the last two had at least; a single dear one, if it was above the budget, makes the next call as small as if it were
 * right, and is forgotten when that one was not dear. A call is at most twice as large as the largest of the two before.
 *
 * Each kind of page has a measure of its own: copying a huge page costs a third per byte of what as many small ones do, and it cannot
 * be cut.
 */

#include <stdint.h>

#define VN_BATCH_COSTS 9u

struct vn_batch {
	uint64_t budget_ns;
	uint64_t page; /* bytes that cannot be cut */
	uint64_t least; /* bytes of a small call */
	uint64_t least_ns[2]; /* what the last two small calls took; 0: not measured */
	unsigned calls;
	unsigned n_costs; /* at most VN_BATCH_COSTS are kept */
	double costs[VN_BATCH_COSTS]; /* ns a byte of the last calls, the last one first */
	uint64_t bytes; /* for the next call: whole pages, `least` at least */
	uint64_t held_back; /* what it was before a call above the budget; 0: there was none */
};

/* `least`: bytes of the smallest call, and of the first one. */
void vn_batch_begin(struct vn_batch *batch, uint64_t budget_ns, uint64_t page, uint64_t least);

/* Bytes for the next call. */
uint64_t vn_batch_next(const struct vn_batch *batch);

/* A call was given `sent` bytes, moved `moved` of them and took `ns`. */
void vn_batch_measured(struct vn_batch *batch, uint64_t sent, uint64_t moved, uint64_t ns);

/* Without a measure yet: no more than `other`, of which there is one. */
void vn_batch_assume(struct vn_batch *batch, const struct vn_batch *other);
