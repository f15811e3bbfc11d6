/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "migrate_batch.h"

/* A whole number of pages, one at least. */
static uint64_t whole_pages(const struct vn_batch *batch, double bytes)
{
	uint64_t most = UINT64_C(1) << 40; /* no call is given that much */
	uint64_t pages = bytes < (double)most ? (uint64_t)bytes / batch->page : most / batch->page;

	return (pages ? pages : 1) * batch->page;
}

void vn_batch_begin(struct vn_batch *batch, uint64_t budget_ns, uint64_t page, uint64_t first)
{
	*batch = (struct vn_batch){.budget_ns = budget_ns, .page = page};
	batch->bytes = whole_pages(batch, (double)first);
}

static uint64_t fitting(const struct vn_batch *batch, double ns_per_byte)
{
	return whole_pages(batch, (double)batch->budget_ns / 2 / ns_per_byte);
}

void vn_batch_measured(struct vn_batch *batch, uint64_t sent, uint64_t moved, uint64_t ns)
{
	if (sent == 0)
		return;
	double cost = (double)(ns ? ns : 1) / (double)sent;
	if (ns > batch->budget_ns) {
		uint64_t fits = fitting(batch, cost), half = whole_pages(batch, (double)sent / 2);
		batch->ns_per_byte = cost > batch->ns_per_byte ? cost : batch->ns_per_byte;
		batch->bytes = fits < half ? fits : half;
		return;
	}
	/* What every call costs, whatever it is given, would make a small one look dear; one whose pages were refused, cheap. */
	if (sent < batch->bytes / 2 || moved < sent / 2)
		return;
	batch->ns_per_byte = cost > batch->ns_per_byte ? cost : (batch->ns_per_byte + cost) / 2;
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
