/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "migrate_batch.h"

#include <stdbool.h>
#include <string.h>

#define FLOOR 8u /* small calls' worth, where any call takes long */
#define MEASURE_EVERY 32u /* calls, of which one is small */

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

/* The first two show what any call takes: the lesser counts, as one may have been held up. */
uint64_t vn_batch_next(const struct vn_batch *batch)
{
	return batch->calls == 1 || batch->calls % MEASURE_EVERY == MEASURE_EVERY - 1 ? batch->least
										      : batch->bytes;
}

/* ---- what it costs ---- */

static uint64_t small_ns(const struct vn_batch *batch)
{
	bool second = batch->least_ns[1] && batch->least_ns[1] < batch->least_ns[0];

	return batch->least_ns[second];
}

/* What is taken off the time of a call. Above half of the budget a quarter more: the differences of such calls say nothing of their pages. */
static double any_call(const struct vn_batch *batch)
{
	uint64_t ns = small_ns(batch);

	return ns > batch->budget_ns / 2 ? 1.25 * (double)ns : (double)ns;
}

/* ns a byte, of a call that was larger than a small one. */
static double cost_of(const struct vn_batch *batch, uint64_t sent, uint64_t ns)
{
	if (batch->least_ns[0] == 0)
		return (double)ns / (double)sent;
	double beyond = (double)ns - any_call(batch);
	return beyond > 0 ? beyond / (double)(sent - batch->least) : 0;
}

static double median(const double *values, unsigned n)
{
	double sorted[VN_BATCH_COSTS] = {0};

	for (unsigned i = 0; i < n; i++) {
		unsigned at = i;
		for (; at > 0 && sorted[at - 1] > values[i]; at--)
			sorted[at] = sorted[at - 1];
		sorted[at] = values[i];
	}
	return sorted[n / 2];
}

static double usual_cost(const struct vn_batch *batch)
{
	double middle = median(batch->costs, batch->n_costs), last = batch->costs[0];

	if (batch->n_costs > 1 && batch->costs[1] < last)
		last = batch->costs[1];
	return last > middle ? last : middle;
}

static void remember(struct vn_batch *batch, double cost)
{
	memmove(&batch->costs[1], &batch->costs[0], (VN_BATCH_COSTS - 1) * sizeof(batch->costs[0]));
	batch->costs[0] = cost;
	if (batch->n_costs < VN_BATCH_COSTS)
		batch->n_costs++;
}

/* ---- how much ---- */

/* Where any call takes more than half of the budget, what the pages take is lost in its noise; a few more make no difference then. */
static uint64_t fitting(const struct vn_batch *batch, double ns_per_byte)
{
	uint64_t bytes = whole_pages(batch, (double)batch->budget_ns / 2 / ns_per_byte);
	bool lost = batch->least > batch->page && small_ns(batch) > batch->budget_ns / 2;

	return lost && bytes < FLOOR * batch->least ? FLOOR * batch->least : bytes;
}

static uint64_t lesser(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* A single huge page takes its time for copying; of smaller ones a few take no less than one. */
static void measured_small(struct vn_batch *batch, uint64_t ns)
{
	batch->least_ns[1] = batch->least_ns[0];
	batch->least_ns[0] = ns;
	if (batch->bytes > batch->least)
		return;
	if (batch->calls % MEASURE_EVERY == 0)
		batch->n_costs = 0; /* pages that were dear may not be so any more */
	uint64_t fits = batch->n_costs ? fitting(batch, usual_cost(batch)) : UINT64_MAX;
	if (batch->least > batch->page || ns <= batch->budget_ns / 2)
		batch->bytes = lesser(fits, 2 * batch->least);
}

void vn_batch_measured(struct vn_batch *batch, uint64_t sent, uint64_t moved, uint64_t ns)
{
	if (sent == 0)
		return;
	batch->calls++;
	if (sent <= batch->least) {
		measured_small(batch, ns);
		return;
	}
	if (ns < batch->least_ns[0])
		batch->least_ns[0] = ns; /* so the small one had been held up */
	double cost = cost_of(batch, sent, ns);
	uint64_t most = sent > batch->bytes ? sent : batch->bytes;
	if (cost * (double)sent > (double)batch->budget_ns) {
		/* it may have been those that did not move: the next ones, too */
		double dear = moved < sent ? cost * (double)sent / (double)(sent - moved) : cost;
		remember(batch, cost);
		batch->held_back = most;
		batch->bytes = lesser(fitting(batch, dear), whole_pages(batch, (double)most / 2));
		return;
	}
	/* One whose pages were refused looks cheap. */
	if (sent < batch->bytes / 2 || moved < sent / 2)
		return;
	remember(batch, cost);
	most = most > batch->held_back ? most : batch->held_back;
	batch->held_back = 0;
	batch->bytes = lesser(fitting(batch, usual_cost(batch)), 2 * most);
}

void vn_batch_assume(struct vn_batch *batch, const struct vn_batch *other)
{
	if (batch->calls > 0 || other->n_costs == 0)
		return;
	batch->bytes = whole_pages(batch, (double)other->bytes);
}
