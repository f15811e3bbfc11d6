/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Memory moves where it shall be, within the budgets, and what stayed is counted by why: on a model of the kernel, for many seeds. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "migrate_model.h"
#include "../src/realize/migrate_batch.h"
#include "../src/realize/node_memory.h"

#define KIB UINT64_C(1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)
#define PAGE (4 * KIB)
#define THP (2 * MIB)
#define SEEDS 100

/* ---- running ---- */

struct run {
	struct model model;
	struct vn_move_limits limits;
	size_t n_ranges;
	struct vn_move_range ranges[64];
	size_t n_suspects;
	struct vn_move_block suspects[4];
	struct vn_move_progress progress;
	uint64_t tells, stop_at; /* stop at that one; 0: never */
	uint64_t last_tell;
	int status;
	bool expect_error;
};

static uint64_t stayed(const struct vn_move_progress *progress)
{
	uint64_t all = 0;

	for (size_t i = 0; i < VN_STAYED_N; i++)
		all += progress->stayed[i];
	return all;
}

static void assert_adds_up(const struct vn_move_progress *progress)
{
	assert_int_equal(progress->total,
		progress->there + progress->moved + progress->absent + stayed(progress) + progress->left);
}

static int told(void *context, const struct vn_move_progress *progress)
{
	struct run *run = context;

	assert_adds_up(progress);
	assert_true(progress->elapsed_ns - run->last_tell <= 500000000); /* the model's calls are short */
	run->last_tell = progress->elapsed_ns;
	return ++run->tells == run->stop_at ? -ECANCELED : 0;
}

static int migrate(struct run *run)
{
	struct vn_migrate_calls calls = model_calls(&run->model);
	struct vn_migrate job = {.pid = MODEL_PID,
		.n_ranges = run->n_ranges,
		.ranges = run->ranges,
		.n_suspects = run->n_suspects,
		.suspects = run->suspects,
		.limits = &run->limits,
		.calls = &calls,
		.stop_fd = -1,
		.told = told,
		.context = run};
	vn_autoerror err = {0};

	for (size_t i = 0; i < run->model.n; i++)
		run->model.v[i].was_there = false;
	for (size_t i = 0; i < run->n_ranges; i++) {
		size_t first = (run->ranges[i].address - MODEL_ADDRESS) / run->model.page;
		for (size_t p = first; p < first + run->ranges[i].size / run->model.page; p++)
			run->model.v[p].was_there = run->model.v[p].node == (int)run->ranges[i].node;
	}
	run->status = vn_migrate_run(&job, &run->progress, &err);
	assert_int_equal(err.n > 0, run->status < 0 && run->status != -ECANCELED);
	assert_adds_up(&run->progress);
	assert_int_equal(run->progress.longest_ns, run->model.longest);
	assert_int_equal(run->progress.calls, run->model.calls);
	return run->status;
}

/* [first, first + pages) to a node. */
static void add_range(struct run *run, size_t first, size_t pages, unsigned node)
{
	assert_true(run->n_ranges < 64);
	run->ranges[run->n_ranges++] =
		(struct vn_move_range){.address = MODEL_ADDRESS + first * run->model.page,
			.size = pages * run->model.page,
			.page = run->model.page > PAGE ? run->model.page : 0,
			.node = node};
}

struct truth {
	uint64_t there, absent, elsewhere, pinned, shared, forbidden;
};

/* What really is where, in bytes. */
static struct truth look(const struct run *run)
{
	struct truth truth = {0};

	for (size_t i = 0; i < run->n_ranges; i++) {
		const struct vn_move_range *range = &run->ranges[i];
		size_t first = (range->address - MODEL_ADDRESS) / run->model.page;
		for (size_t p = first; p < first + range->size / run->model.page; p++) {
			const struct model_page *page = &run->model.v[p];
			if (page->node < 0) {
				truth.absent += run->model.page;
			} else if (page->node == (int)range->node) {
				truth.there += run->model.page;
			} else {
				bool forbidden = run->model.forbidden >> range->node & 1;
				bool shared = !forbidden && page->shared && !run->model.move_all;
				truth.elsewhere += run->model.page;
				truth.forbidden += forbidden ? run->model.page : 0;
				truth.shared += shared ? run->model.page : 0;
				truth.pinned += !shared && !forbidden && page->pinned ? run->model.page : 0;
			}
		}
	}
	return truth;
}

/* Whatever happened: the counts are true. */
static void assert_true_counts(const struct run *run)
{
	struct truth truth = look(run);
	uint64_t before = 0;

	for (size_t i = 0; i < run->model.n; i++)
		before += run->model.v[i].was_there ? run->model.page : 0;
	assert_int_equal(truth.there, run->progress.there + run->progress.moved);
	assert_int_equal(run->progress.moved, run->model.bytes);
	if (run->progress.left == 0) {
		assert_int_equal(run->progress.there, before);
		assert_int_equal(truth.absent, run->progress.absent);
	}
}

/* ---- what is moved ---- */

#define PAGES 24576u /* 96 MiB */

static void make_memory(struct model *model, unsigned stuck_percent)
{
	for (size_t at = 0; at < model->n;) {
		unsigned kind = (unsigned)model_random(model, 12), run;
		int node = (int)model_random(model, 2);
		bool whole = at % 512 == 0 && at + 512 <= model->n;
		run = (unsigned)model_random(model, 700) + 1;
		if (kind < 3 && whole)
			run = 512;
		else if (kind < 5 && at % 16 == 0)
			run = 16;
		for (size_t i = at; i < at + run && i < model->n; i++) {
			model->v[i].node = kind == 5 ? -ENOENT : kind == 6 ? -EFAULT : node;
			model->v[i].shared = kind == 7;
		}
		bool stuck = model_random(model, 100) < stuck_percent;
		model->v[at].pinned = stuck && model_random(model, 2);
		model->v[at].busy_until = stuck && !model->v[at].pinned ? model_random(model, 600000000) : 0;
		if ((kind < 3 && whole) || (kind >= 3 && kind < 5 && run == 16 && at + 16 <= model->n))
			model_fold(model, at, run);
		at += run;
	}
}

static void make_ranges(struct run *run)
{
	for (size_t at = model_random(&run->model, 700); at < run->model.n && run->n_ranges < 60;) {
		size_t most = run->model.n - at, pages = 1 + model_random(&run->model, 6000);
		if (model_random(&run->model, 3) == 0)
			pages = (pages + 511) / 512 * 512 + 512 - at % 512;
		pages = pages < most ? pages : most;
		add_range(run, at, pages, (unsigned)model_random(&run->model, MODEL_NODES));
		at += pages + (model_random(&run->model, 2) ? model_random(&run->model, 100) : 0);
	}
	for (size_t i = run->n_ranges; i > 1; i--) { /* in an order as of heat */
		size_t k = model_random(&run->model, i);
		struct vn_move_range other = run->ranges[k];
		run->ranges[k] = run->ranges[i - 1];
		run->ranges[i - 1] = other;
	}
}

/* Folios reach over the end of a range, and go with it: only what lies in ranges of one target has one truth. */
static void one_target(struct run *run, unsigned node)
{
	for (size_t i = 0; i < run->n_ranges; i++)
		run->ranges[i].node = node;
}

/* Every page that can move does, and each that does not is counted by why. */
static void test_everything_moves(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct run run = {.limits = {.stall_us = 5000}};
		model_begin(&run.model, PAGES, PAGE, seed);
		run.model.noise = 50;
		make_memory(&run.model, (unsigned)(seed % 3 * 5));
		make_ranges(&run);
		run.model.move_all = seed % 4 != 0;
		run.model.forbidden = seed % 7 == 0 ? 4 : 0;
		if (seed % 2)
			one_target(&run, 3);
		assert_int_equal(migrate(&run), 0);
		struct truth truth = look(&run);
		assert_int_equal(truth.there, run.progress.there + run.progress.moved);
		assert_int_equal(truth.absent, run.progress.absent);
		assert_int_equal(run.progress.left, 0);
		assert_int_equal(stayed(&run.progress), truth.elsewhere);
		assert_int_equal(run.progress.stayed[VN_STAYED_SHARED], truth.shared);
		assert_int_equal(run.progress.stayed[VN_STAYED_FORBIDDEN], truth.forbidden);
		if (seed % 2) {
			assert_int_equal(run.progress.stayed[VN_STAYED_PINNED], truth.pinned);
			assert_int_equal(truth.elsewhere, truth.pinned + truth.shared + truth.forbidden);
		}
		model_end(&run.model);
	}
}

/* Those that cannot be had for a while move later, and are not called pinned. */
static void test_busy_pages_move_later(void **state)
{
	struct run run = {.limits = {.stall_us = 5000}};

	(void)state;
	model_begin(&run.model, 8192, PAGE, 1);
	model_fold(&run.model, 1024, 512);
	run.model.v[1024].busy_until = 300000000;
	run.model.v[17].busy_until = 1200000000;
	run.model.v[19].pinned = true;
	add_range(&run, 0, 8192, 2);
	assert_int_equal(migrate(&run), 0);
	assert_int_equal(run.progress.moved, 8191 * PAGE);
	assert_int_equal(run.progress.stayed[VN_STAYED_PINNED], PAGE);
	model_end(&run.model);
}

/* Each run of pinned pages takes one long call to be found, and none afterwards. */
static void test_pinned_pages_are_dear_once(void **state)
{
	struct run run = {.limits = {.stall_us = 5000}};
	size_t too_long = 0;

	(void)state;
	model_begin(&run.model, 16384, PAGE, 1);
	run.model.stuck_ns = 100000;
	for (size_t i = 6000; i < 6600; i++)
		run.model.v[i].pinned = true;
	add_range(&run, 0, 16384, 2);
	assert_int_equal(migrate(&run), 0);
	assert_int_equal(run.progress.stayed[VN_STAYED_PINNED], 600 * PAGE);
	for (size_t i = 0; i < run.model.n_log; i++)
		too_long += run.model.call_log[i] > 5000000;
	assert_int_equal(too_long, 1);
	model_end(&run.model);
}

/* A huge page in use by a device costs a call, not one for each of its pages; nor does it keep others from moving. */
static void test_pinned_huge_pages(void **state)
{
	struct run run = {.limits = {.stall_us = 5000}};

	(void)state;
	model_begin(&run.model, 64 * 512, PAGE, 1);
	for (size_t i = 0; i < 64; i++) {
		model_fold(&run.model, i * 512, 512);
		run.model.v[i * 512].pinned = i % 2;
	}
	add_range(&run, 0, 64 * 512, 1);
	assert_int_equal(migrate(&run), 0);
	assert_int_equal(run.progress.moved, 32 * THP);
	assert_int_equal(run.progress.stayed[VN_STAYED_PINNED], 32 * THP);
	assert_true(run.progress.calls <= 4 * 32 + 64);
	model_end(&run.model);
}

/* ---- memory that may be pinned as a whole ---- */

#define SAMPLE (UINT64_C(16) * 512) /* pages */
#define SUSPECT 65536u /* 256 MiB */

static void add_suspect(struct run *run, size_t first, size_t pages)
{
	run->suspects[run->n_suspects++] =
		(struct vn_move_block){.address = MODEL_ADDRESS + first * run->model.page,
			.size = pages * run->model.page,
			.page = run->model.page > PAGE ? run->model.page : 0};
}

static void pin(struct model *model, size_t first, size_t pages)
{
	for (size_t i = first; i < first + pages; i++)
		model->v[i].pinned = true;
}

/* Two blocks of which one is pinned, but for pages that are there or absent, which it is seen that they are. */
static void test_pinned_block_is_not_tried(void **state)
{
	struct run run = {.limits = {.stall_us = 5000}};

	(void)state;
	model_begin(&run.model, 2 * SUSPECT, PAGE, 1);
	pin(&run.model, 0, SUSPECT);
	for (size_t i = 0; i < 100; i++) {
		run.model.v[100 * i].node = 2;
		run.model.v[100 * i + 50].node = -ENOENT;
	}
	add_suspect(&run, 0, SUSPECT);
	add_suspect(&run, SUSPECT, SUSPECT);
	for (size_t i = 8; i-- > 0;) /* an order as of heat, of pieces that go over the end of the block */
		add_range(&run, i * SUSPECT / 4 + (i ? 17 : 0),
			SUSPECT / 4 + (i == 0          ? 17
					      : i == 7 ? -17
						       : 0),
			2);
	assert_int_equal(migrate(&run), 0);
	assert_true_counts(&run);
	assert_int_equal(run.progress.moved, SUSPECT * PAGE);
	assert_int_equal(run.progress.there, 100 * PAGE);
	assert_int_equal(run.progress.absent, 100 * PAGE);
	assert_int_equal(run.progress.stayed[VN_STAYED_PINNED], (SUSPECT - 200) * PAGE);
	assert_in_range(run.model.futile, 1, 5 * SAMPLE);
	model_end(&run.model);
}

/* Where anything moves, all is tried; so is what is not much more than its sample. */
static void test_block_is_pinned_in_part(void **state)
{
	static const size_t pinned[] = {SUSPECT - SUSPECT / 16, SUSPECT / 2, 100};

	(void)state;
	for (size_t i = 0; i < sizeof(pinned) / sizeof(pinned[0]); i++) {
		struct run run = {.limits = {.stall_us = 5000}};
		model_begin(&run.model, SUSPECT, PAGE, 1);
		pin(&run.model, 0, pinned[i]);
		add_suspect(&run, 0, SUSPECT);
		add_range(&run, 0, SUSPECT, 1);
		assert_int_equal(migrate(&run), 0);
		assert_true_counts(&run);
		assert_int_equal(run.progress.moved, (SUSPECT - pinned[i]) * PAGE);
		assert_int_equal(run.progress.stayed[VN_STAYED_PINNED], pinned[i] * PAGE);
		assert_true(run.model.futile >= pinned[i]);
		model_end(&run.model);
	}
}

/* Busy for half a second is not pinned; no room is another reason. */
static void test_suspect_that_is_free(void **state)
{
	struct run run = {.limits = {.stall_us = 5000}};

	(void)state;
	model_begin(&run.model, SUSPECT, PAGE, 1);
	for (size_t i = 0; i < SUSPECT; i++)
		run.model.v[i].busy_until = 500000000;
	add_suspect(&run, 0, SUSPECT);
	add_range(&run, 0, SUSPECT, 1);
	assert_int_equal(migrate(&run), 0);
	assert_int_equal(run.progress.moved, SUSPECT * PAGE);
	model_end(&run.model);

	run = (struct run){.limits = {.stall_us = 5000}};
	model_begin(&run.model, SUSPECT, PAGE, 1);
	pin(&run.model, 0, SUSPECT);
	run.model.room[1] = 0;
	add_suspect(&run, 0, SUSPECT);
	add_range(&run, 0, SUSPECT, 1);
	assert_int_equal(migrate(&run), 0);
	assert_int_equal(run.progress.stayed[VN_STAYED_TARGET_FULL], SUSPECT * PAGE);
	model_end(&run.model);
}

static void test_pinned_huge_suspects(void **state)
{
	struct run run = {.limits = {.stall_us = 5000}};

	(void)state;
	model_begin(&run.model, 1024, THP, 1); /* of hugetlbfs */
	pin(&run.model, 0, 1024);
	add_suspect(&run, 0, 1024);
	add_range(&run, 0, 1024, 1);
	assert_int_equal(migrate(&run), 0);
	assert_int_equal(run.progress.stayed[VN_STAYED_PINNED], 1024 * THP);
	assert_in_range(run.model.futile, 1, 5 * 16);
	model_end(&run.model);

	run = (struct run){.limits = {.stall_us = 5000}};
	model_begin(&run.model, SUSPECT, PAGE, 1); /* transparent */
	for (size_t i = 0; i < SUSPECT; i += 512) {
		model_fold(&run.model, i, 512);
		run.model.v[i].pinned = true;
	}
	add_suspect(&run, 0, SUSPECT);
	add_range(&run, 0, SUSPECT, 1);
	assert_int_equal(migrate(&run), 0);
	assert_int_equal(run.progress.stayed[VN_STAYED_PINNED], SUSPECT * PAGE);
	assert_true(run.model.futile < SUSPECT / 512);
	model_end(&run.model);
}

/* ---- order ---- */

/* The order of the ranges is the order of moving, window by window. */
static void test_order(void **state)
{
	static const size_t order[] = {3, 0, 2, 1};
	struct run run = {.limits = {.stall_us = 5000}};

	(void)state;
	model_begin(&run.model, 16384, PAGE, 1);
	for (size_t i = 0; i < 4; i++)
		add_range(&run, order[i] * 4096, 4096, 1);
	assert_int_equal(migrate(&run), 0);
	assert_int_equal(run.model.n_order, 16384);
	assert_int_equal(run.progress.passes, 1);
	for (size_t i = 0; i < 16384; i++)
		assert_int_equal(run.model.order[i] / 4096, order[i / 4096]);
	model_end(&run.model);
}

/* ---- budgets ---- */

static size_t over_budget(const struct run *run, size_t from)
{
	size_t n = 0;

	for (size_t i = from; i < run->model.n_log; i++)
		n += run->model.call_log[i] > run->limits.stall_us * UINT64_C(1000);
	return n;
}

static void test_stall_budget(void **state)
{
	static const unsigned budgets[] = {500, 5000, 20000};

	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct run run = {.limits = {.stall_us = budgets[seed % 3]}};
		model_begin(&run.model, PAGES, PAGE, seed);
		run.model.noise = 60;
		run.model.ns_per_byte = 0.1 * (double)(1 + model_random(&run.model, 50));
		run.model.huge_ns_per_byte = run.model.ns_per_byte / 4;
		for (size_t i = 0; i < PAGES; i += 512) {
			if (seed % 5 == 1 || (seed % 5 == 2 && model_random(&run.model, 2)))
				model_fold(&run.model, i, 512);
		}
		add_range(&run, 0, PAGES, 1);
		assert_int_equal(migrate(&run), 0);
		assert_int_equal(run.progress.moved, PAGES * PAGE);
		if ((double)THP * run.model.huge_ns_per_byte * 1.6 < run.limits.stall_us * 1000.0)
			assert_int_equal(over_budget(&run, 3), 0);
		model_end(&run.model);
	}
}

/* It uses what it is given: many small calls would be slow. */
static void test_batches_grow(void **state)
{
	struct run run = {.limits = {.stall_us = 5000}};

	(void)state;
	model_begin(&run.model, 16 * PAGES, PAGE, 1);
	add_range(&run, 0, 16 * PAGES, 1);
	assert_int_equal(migrate(&run), 0);
	double copying = (double)(16 * PAGES * PAGE) * run.model.ns_per_byte;
	assert_true((double)run.progress.elapsed_ns < 1.15 * copying);
	model_end(&run.model);
}

/* Where any call takes longer than the budget, however little it is given, smaller ones are no help. */
static void test_slow_calls(void **state)
{
	struct run run = {.limits = {.stall_us = 5000}};

	(void)state;
	model_begin(&run.model, PAGES, PAGE, 1);
	run.model.call_ns = 30000000;
	run.model.noise = 20;
	add_range(&run, 0, PAGES, 1);
	assert_int_equal(migrate(&run), 0);
	assert_int_equal(run.progress.moved, PAGES * PAGE);
	assert_true(run.progress.calls < 150); /* 48 of them for the first pages of pieces */
	assert_true(run.progress.longest_ns < 40000000);
	model_end(&run.model);
}

/* Nor is time lost with asking for each page of huge ones. */
static void test_huge_pages_are_fast(void **state)
{
	struct run run = {.limits = {.stall_us = 5000}};

	(void)state;
	model_begin(&run.model, 4 * PAGES, PAGE, 1);
	run.model.ask_ns = 100;
	for (size_t i = 0; i < 4 * PAGES; i += 512)
		model_fold(&run.model, i, 512);
	add_range(&run, 0, 4 * PAGES, 1);
	assert_int_equal(migrate(&run), 0);
	assert_int_equal(run.progress.moved, 4 * PAGES * PAGE);
	double copying = (double)(4 * PAGES * PAGE) * run.model.huge_ns_per_byte;
	assert_true((double)run.progress.elapsed_ns < 1.05 * copying);
	model_end(&run.model);
}

/* When the kernel becomes slower at once, a call is too long at most once or twice. */
static void test_shrinks_at_once(void **state)
{
	struct vn_batch batch;

	(void)state;
	vn_batch_begin(&batch, 5000000, PAGE, 16 * PAGE);
	for (int i = 0; i < 30; i++)
		vn_batch_measured(&batch, batch.bytes, batch.bytes, 12000 + batch.bytes * 3 / 10);
	assert_in_range(batch.bytes, 7 * MIB, 9 * MIB);
	uint64_t before = batch.bytes;
	vn_batch_measured(&batch, batch.bytes, batch.bytes, batch.bytes * 3);
	assert_true(batch.bytes < before / 8);
	assert_true(batch.bytes * 3 <= 2500000);
	/* What is refused at once is no reason to send more. */
	before = batch.bytes;
	vn_batch_measured(&batch, batch.bytes, 0, 12000);
	assert_int_equal(batch.bytes, before);
	/* Some pages take no longer than one. */
	vn_batch_measured(&batch, 64 * PAGE, 64 * PAGE, 500000000);
	assert_int_equal(batch.bytes, 16 * PAGE);
	/* A huge page cannot be cut. */
	vn_batch_begin(&batch, 5000000, THP, THP);
	vn_batch_measured(&batch, THP, THP, 50000000);
	vn_batch_measured(&batch, THP, THP, 50000000);
	assert_int_equal(batch.bytes, THP);
}

/* What all calls take, and that one or the other was held up, makes no call smaller than it need be. */
static void test_outliers(void **state)
{
	static const uint64_t fixed[] = {12000, 2000000, 9000000};

	(void)state;
	for (uint64_t seed = 0; seed < 30; seed++) {
		struct model model = {.seed = seed};
		struct vn_batch batch;
		uint64_t bytes = 0, calls = 600, ideal = 10 * MIB / 4; /* 10 ms of 4 ns a byte */
		vn_batch_begin(&batch, 20000000, PAGE, 16 * PAGE);
		for (uint64_t i = 0; i < calls; i++) {
			uint64_t sent = vn_batch_next(&batch), ns = fixed[seed % 3] + 4 * sent;
			assert_true(4 * sent < 20000000);
			ns += model_random(&model, 7) == 0 ? model_random(&model, 100) * 1000000 : 0;
			vn_batch_measured(&batch, sent, sent, ns);
			bytes += sent;
		}
		assert_in_range(bytes / calls, ideal * 6 / 10, ideal * 11 / 10);
	}
}

/* Where memory has no huge pages, they are not looked for at each piece. */
static void test_plain_memory_is_not_probed(void **state)
{
	struct run run = {.limits = {.stall_us = 20000}};

	(void)state;
	model_begin(&run.model, 16 * PAGES, PAGE, 1);
	run.model.ns_per_byte = 4;
	model_fold(&run.model, 12 * PAGES, 512); /* one late huge page, and then no more */
	add_range(&run, 0, 16 * PAGES, 1);
	assert_int_equal(migrate(&run), 0);
	assert_int_equal(run.progress.moved, 16 * PAGES * PAGE);
	/* 10 ms each, and one for each window; a piece has a fifth of that */
	assert_in_range(run.model.calls, 600, 600 + 3 * 16 * PAGES / 4096);
	model_end(&run.model);
}

/* Pages of 1 GiB take longer than any budget: each is moved alone. */
static void test_larger_than_budget(void **state)
{
	struct run run = {.limits = {.stall_us = 5000}};

	(void)state;
	model_begin(&run.model, 8, GIB, 1);
	add_range(&run, 0, 8, 1);
	run.model.room[1] = 6 * GIB;
	assert_int_equal(migrate(&run), 0);
	assert_int_equal(run.progress.moved, 6 * GIB);
	assert_int_equal(run.progress.stayed[VN_STAYED_NO_HUGE_PAGE], 2 * GIB);
	assert_int_equal(run.progress.calls, 6);
	assert_true(run.progress.longest_ns > 50000000);
	model_end(&run.model);
}

static void test_rate(void **state)
{
	static const uint64_t rates[] = {3 * MIB, 100 * MIB, 900 * MIB};

	(void)state;
	for (uint64_t seed = 0; seed < 30; seed++) {
		struct run run = {.limits = {.stall_us = 5000, .rate = rates[seed % 3]}};
		model_begin(&run.model, seed % 3 == 2 ? 4 * PAGES : PAGES, PAGE, seed);
		run.model.noise = 30;
		for (size_t i = 0; i < run.model.n && seed % 2; i += 512)
			model_fold(&run.model, i, 512);
		add_range(&run, 0, run.model.n, 1);
		assert_int_equal(migrate(&run), 0);
		double seconds = (double)run.progress.elapsed_ns / 1e9;
		double rate = (double)run.progress.moved / seconds;
		assert_true(rate > 0.95 * (double)run.limits.rate && rate < 1.05 * (double)run.limits.rate);
		assert_true((double)run.progress.paused_ns / 1e9 > 0.5 * seconds);
		model_end(&run.model);
	}
}

static void test_reserve(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 40; seed++) {
		struct run run = {.limits = {.stall_us = 5000, .has_reserve = seed % 2, .reserve = 64 * MIB}};
		model_begin(&run.model, PAGES, PAGE, seed);
		make_memory(&run.model, 0);
		uint64_t reserve = seed % 2 ? 64 * MIB : GIB * 1024 / 50;
		run.model.room[1] = reserve + (1 + model_random(&run.model, 20)) * MIB;
		run.model.room[2] = reserve - MIB;
		run.model.watched = 1;
		run.model.reserve = reserve;
		add_range(&run, 0, 8192, 1);
		add_range(&run, 8192, 8192, 2);
		add_range(&run, 16384, 8192, 3);
		assert_int_equal(migrate(&run), 0);
		assert_false(run.model.reserve_broken);
		for (size_t i = 0; i < run.model.n_order; i++)
			assert_true(run.model.order[i] < 8192 || run.model.order[i] >= 16384);
		struct truth truth = look(&run);
		assert_int_equal(run.progress.stayed[VN_STAYED_TARGET_FULL], truth.elsewhere);
		assert_true(truth.elsewhere > 0);
		for (size_t i = 16384; i < PAGES; i++)
			assert_true(run.model.v[i].node < 0 || run.model.v[i].node == 3);
		model_end(&run.model);
	}
}

/* The kernel has less than it says: one call finds out, and no more are made in that pass. */
static void test_full_after_all(void **state)
{
	struct run run = {.limits = {.stall_us = 5000, .has_reserve = true}};

	(void)state;
	model_begin(&run.model, PAGES, PAGE, 3);
	run.model.room[1] = 200 * MIB;
	run.model.hidden[1] = 170 * MIB;
	add_range(&run, 0, PAGES, 1);
	assert_int_equal(migrate(&run), 0);
	assert_int_equal(run.progress.moved, 30 * MIB);
	assert_int_equal(run.progress.stayed[VN_STAYED_TARGET_FULL], PAGES * PAGE - 30 * MIB);
	assert_true(run.progress.passes <= 3);
	model_end(&run.model);
}

/* Nothing free in a pool, and some in another. */
static void test_huge_page_pool(void **state)
{
	struct run run = {.limits = {.stall_us = 5000}};

	(void)state;
	model_begin(&run.model, 100, 2 * MIB, 3);
	run.model.room[1] = 0;
	run.model.room[2] = 80 * MIB;
	run.model.v[99].pinned = true;
	add_range(&run, 0, 10, 1);
	add_range(&run, 10, 50, 2);
	add_range(&run, 60, 40, 3);
	assert_int_equal(migrate(&run), 0);
	assert_int_equal(run.progress.moved, (40 + 39) * 2 * MIB);
	assert_int_equal(run.progress.stayed[VN_STAYED_NO_HUGE_PAGE], 20 * 2 * MIB);
	assert_int_equal(run.progress.stayed[VN_STAYED_PINNED], 2 * MIB);
	model_end(&run.model);
}

static void test_pressure(void **state)
{
	struct run run = {.limits = {.stall_us = 5000, .pressure = 10}};

	(void)state;
	model_begin(&run.model, PAGES, PAGE, 3); /* ends while it is paused */
	run.model.pressure = 25;
	run.model.pressed_until = UINT64_C(10) * 1000000000;
	add_range(&run, 0, PAGES, 1);
	assert_int_equal(migrate(&run), 0);
	assert_in_range(run.progress.elapsed_ns, UINT64_C(9900000000), UINT64_C(11500000000));
	assert_int_equal(run.progress.moved, PAGES * PAGE);
	model_end(&run.model);

	run = (struct run){.limits = {.stall_us = 5000, .pressure = 10}}; /* never ends: it goes on, slowly */
	model_begin(&run.model, 4 * PAGES, PAGE, 3);
	run.model.pressure = 25;
	run.model.pressed_until = UINT64_MAX;
	add_range(&run, 0, 4 * PAGES, 1);
	assert_int_equal(migrate(&run), 0);
	assert_int_equal(run.progress.moved, 4 * PAGES * PAGE);
	assert_in_range(run.progress.elapsed_ns, UINT64_C(30500000000), UINT64_C(60000000000));
	model_end(&run.model);

	run = (struct run){.limits = {.stall_us = 5000, .pressure = 10}}; /* not told: asked once */
	model_begin(&run.model, PAGES, PAGE, 3);
	add_range(&run, 0, PAGES, 1);
	assert_int_equal(migrate(&run), 0);
	assert_int_equal(run.model.looks, 1);
	model_end(&run.model);
}

/* ---- ends ---- */

/* Stopped at each point at which it can be: the counts are true of each page. */
static void test_cancel_everywhere(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 4; seed++) {
		for (uint64_t at = 1, ended = 0; !ended; at++) {
			struct run run = {.limits = {.stall_us = 300}, .stop_at = at};
			model_begin(&run.model, 6144, PAGE, seed);
			run.model.noise = 20;
			make_memory(&run.model, 10);
			run.model.move_all = seed % 2;
			for (size_t i = 0; i < 4; i++)
				add_range(&run, i * 1536, 1536, 3);
			int r = migrate(&run);
			assert_true(r == 0 || r == -ECANCELED);
			assert_true(r == 0 || run.tells >= at);
			assert_true_counts(&run);
			ended = r == 0;
			model_end(&run.model);
		}
	}
}

static void test_process_dies(void **state)
{
	(void)state;
	for (uint64_t at = 1; at < 40; at += 3) {
		struct run run = {.limits = {.stall_us = 500}};
		model_begin(&run.model, PAGES, PAGE, 7);
		run.model.dies_at_call = at;
		add_range(&run, 0, PAGES, 1);
		assert_int_equal(migrate(&run), -ESRCH);
		assert_int_equal(run.progress.moved, run.model.bytes);
		model_end(&run.model);
	}
}

static void test_not_permitted(void **state)
{
	struct run run = {.limits = {.stall_us = 5000}};

	(void)state;
	model_begin(&run.model, 512, PAGE, 7);
	run.model.not_permitted = true;
	add_range(&run, 0, 512, 1);
	assert_int_equal(migrate(&run), -EPERM);
	assert_int_equal(run.progress.left, 512 * PAGE);
	model_end(&run.model);
}

static void test_bad_ranges(void **state)
{
	struct vn_move_range ranges[] = {{.address = 4097, .size = 4096}, {.address = 4096, .size = 100},
		{.address = 4096, .size = 4096, .page = 2 * MIB},
		{.address = UINT64_MAX - 4095, .size = 8192}, {.address = 4096, .size = 4096, .node = 70000},
		{.address = 4096, .size = 4096}};
	struct vn_move_limits limits = {0};
	struct vn_move_progress progress;
	struct vn_migrate job = {.pid = 0, .n_ranges = 6, .ranges = ranges, .limits = &limits, .stop_fd = -1};
	vn_autoerror err = {0};

	(void)state;
	assert_int_equal(vn_migrate_run(&job, &progress, &err), -EINVAL);
	assert_int_equal(err.n, 6);
	assert_true(err.input);
}

static void test_nothing_to_do(void **state)
{
	struct run run = {.limits = {.stall_us = 5000}};

	(void)state;
	model_begin(&run.model, 512, PAGE, 7);
	assert_int_equal(migrate(&run), 0);
	add_range(&run, 0, 512, 0);
	assert_int_equal(migrate(&run), 0);
	assert_int_equal(run.progress.there, 512 * PAGE);
	assert_int_equal(run.progress.calls, 0);
	model_end(&run.model);
}

/* ---- what a node has ---- */

#define MEMINFO                                                                                                        \
	"Node 1 MemTotal:       24658944 kB\nNode 1 MemFree:         3142260 kB\nNode 1 MemUsed:        21516684 kB\n" \
	"Node 1 Active(file):    7712480 kB\nNode 1 Inactive(file):  5200000 kB\nNode 1 Dirty:               100 kB\n" \
	"Node 1 Writeback:            20 kB\nNode 1 WritebackTmp:         7 kB\n"

static void test_node_memory(void **state)
{
	uint64_t free_bytes, total;

	(void)state;
	assert_int_equal(vn_node_memory_parse(MEMINFO, &free_bytes, &total), 0);
	assert_int_equal(total, 24658944 * KIB);
	assert_int_equal(free_bytes, (3142260 + 5200000 - 120) * KIB);
	for (size_t length = 0; length < strlen(MEMINFO) - 40; length++) {
		vn_autofree char *cut = strndup(MEMINFO, length);
		assert_int_equal(vn_node_memory_parse(cut, &free_bytes, &total), -EINVAL);
	}
	assert_int_equal(vn_node_memory(60000, &free_bytes, &total), -ENOENT);
	assert_int_equal(vn_node_pool(0, 12 * KIB, &free_bytes, &total), 0);
	assert_int_equal(free_bytes, 0);
}

static void test_pressure_text(void **state)
{
	static const char *const wrong[] = {"", "some avg10=", "some avg10=1.5 avg60=0.00",
		"some avg10=-1.50 ", "some avg10=1000.00 ", "some avg10=100.01 ", "full avg10=0.00 ",
		"some avg10=1,50 "};
	double percent;

	(void)state;
	assert_int_equal(
		vn_memory_pressure_parse("some avg10=12.34 avg60=0.00 avg300=0.00 total=0\n", &percent), 0);
	assert_true(percent > 12.33 && percent < 12.35);
	assert_int_equal(vn_memory_pressure_parse("some avg10=100.00 avg60", &percent), 0);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(vn_memory_pressure_parse(wrong[i], &percent), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_everything_moves),
		cmocka_unit_test(test_busy_pages_move_later),
		cmocka_unit_test(test_pinned_pages_are_dear_once),
		cmocka_unit_test(test_pinned_huge_pages),
		cmocka_unit_test(test_pinned_block_is_not_tried),
		cmocka_unit_test(test_block_is_pinned_in_part),
		cmocka_unit_test(test_suspect_that_is_free),
		cmocka_unit_test(test_pinned_huge_suspects),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_stall_budget),
		cmocka_unit_test(test_batches_grow),
		cmocka_unit_test(test_slow_calls),
		cmocka_unit_test(test_huge_pages_are_fast),
		cmocka_unit_test(test_shrinks_at_once),
		cmocka_unit_test(test_outliers),
		cmocka_unit_test(test_plain_memory_is_not_probed),
		cmocka_unit_test(test_larger_than_budget),
		cmocka_unit_test(test_rate),
		cmocka_unit_test(test_reserve),
		cmocka_unit_test(test_full_after_all),
		cmocka_unit_test(test_huge_page_pool),
		cmocka_unit_test(test_pressure),
		cmocka_unit_test(test_cancel_everywhere),
		cmocka_unit_test(test_process_dies),
		cmocka_unit_test(test_not_permitted),
		cmocka_unit_test(test_bad_ranges),
		cmocka_unit_test(test_nothing_to_do),
		cmocka_unit_test(test_node_memory),
		cmocka_unit_test(test_pressure_text),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
