/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "migrate_batch.h"

#define OVERHEAD_LEAST 4 /* where every call is too long, at least so many times the smallest */

/* A whole number of pages. */
static uint64_t whole_pages(const struct vn_batch *batch, double bytes)
{
	uint64_t most = UINT64_C(1) << 40; /* no call is given that much */
	uint64_t pages = bytes < (double)most ? (uint64_t)bytes / batch->page : most / batch->page;

	return pages * batch->page > batch->least ? pages * batch->page : batch->least;
}

void vn_batch_begin(struct vn_batch *batch, uint64_t budget_ns, uint64_t page, uint64_t least)
{
	*batch = (struct vn_batch){.budget_ns = budget_ns, .page = page, .least = least, .bytes = least};
}

/* What is taken off the time of a call. A single huge page takes its time for copying: of that nothing is. */
static uint64_t overhead(const struct vn_batch *batch)
{
	uint64_t lesser = batch->least_ns[0] < batch->least_ns[1] ? batch->least_ns[0] : batch->least_ns[1];

	return batch->least > batch->page && lesser > batch->budget_ns / 2 ? lesser : 0;
}

uint64_t vn_batch_next(const struct vn_batch *batch)
{
	return overhead(batch) && batch->calls % 8 == 7 ? batch->least : batch->bytes;
}

static uint64_t fitting(const struct vn_batch *batch, double ns_per_byte)
{
	return whole_pages(batch, (double)batch->budget_ns / 2 / ns_per_byte);
}

void vn_batch_measured(struct vn_batch *batch, uint64_t sent, uint64_t moved, uint64_t ns)
{
	if (sent == 0)
		return;
	batch->calls++;
	if (sent <= batch->least) {
		batch->least_ns[1] = batch->least_ns[0];
		batch->least_ns[0] = ns;
	}
	uint64_t off = overhead(batch);
	ns -= off < ns ? off : ns;
	double cost = (double)(ns ? ns : 1) / (double)sent;
	if (ns > batch->budget_ns) {
		uint64_t fits = fitting(batch, cost), half = whole_pages(batch, (double)batch->bytes / 2);
		batch->ns_per_byte = cost > batch->ns_per_byte ? cost : batch->ns_per_byte;
		batch->bytes = off || half < fits ? half : fits;
		if (off && batch->bytes < OVERHEAD_LEAST * batch->least)
			batch->bytes = OVERHEAD_LEAST * batch->least;
		return;
	}
	/* What every call costs, whatever it is given, would make a small one look dear; one whose pages were refused, cheap. */
	if (sent < batch->bytes / 2 || moved < sent / 2)
		return;
	batch->ns_per_byte = cost > batch->ns_per_byte && !off ? cost : (batch->ns_per_byte + cost) / 2;
	uint64_t fits = fitting(batch, batch->ns_per_byte),
		 twice = 2 * (sent > batch->bytes ? sent : batch->bytes);
	batch->bytes = fits < twice ? fits : twice;
}

void vn_batch_assume(struct vn_batch *batch, const struct vn_batch *other)
{
	if (batch->ns_per_byte > 0 || other->ns_per_byte <= 0)
		return;
	batch->bytes = whole_pages(batch, (double)other->bytes);
}
