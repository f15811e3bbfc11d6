/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Heat becomes pieces: they are the ranges, cut where they may be, the hottest first; and what is looked at covers the ranges. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "../src/realize/heat.h"

#define MIB (UINT64_C(1) << 20)

static uint64_t random_below(uint64_t *state, uint64_t limit)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (*state >> 33) % limit;
}

static int by_address(const void *a, const void *b)
{
	const struct vn_move_range *left = a, *right = b;

	return left->address < right->address ? -1 : left->address > right->address;
}

/* Heat times pages, page by page. */
static double mean_heat(const struct vn_heats *heats, const struct vn_move_range *piece)
{
	double sum = 0;

	for (size_t i = 0; i < heats->n; i++) {
		uint64_t low = heats->v[i].address, high = low + heats->v[i].size;
		low = low > piece->address ? low : piece->address;
		high = high < piece->address + piece->size ? high : piece->address + piece->size;
		if (high > low)
			sum += (double)((high - low) * heats->v[i].heat);
	}
	return sum / (double)piece->size;
}

static size_t random_ranges(uint64_t *state, struct vn_move_range *ranges, size_t most)
{
	static const uint64_t pages[] = {0, 0, 4096, 64 << 10, 2 * MIB, 16 * MIB};
	size_t n = 1 + random_below(state, most);
	uint64_t at = 64 * MIB;

	for (size_t i = 0; i < n; i++) {
		uint64_t page = pages[random_below(state, 6)], unit = page ? page : 4096;
		at += random_below(state, 3) * 4096;
		at = (at + unit - 1) / unit * unit;
		ranges[i] = (struct vn_move_range){at, unit * (1 + random_below(state, 40 * MIB / unit)),
			page, (unsigned)i % 3, (unsigned)i % 2};
		at += ranges[i].size;
	}
	return n;
}

static void random_heats(uint64_t *state, struct vn_heats *heats)
{
	for (uint64_t looks = 1 + random_below(state, 3); looks > 0; looks--) {
		for (uint64_t at = 60 * MIB; at < 300 * MIB;) {
			uint64_t size = 4096 * (1 + random_below(state, 4096));
			if (random_below(state, 8))
				assert_int_equal(vn_heats_add(heats, at, size, random_below(state, 21)), 0);
			at += size;
		}
	}
}

/* Together they are the ranges; where they are cut there is a multiple of 2 MiB or a page, and none is small. */
static void assert_partition(
	const struct vn_move_range *ranges, size_t n_ranges, const struct vn_move_range *pieces, size_t n)
{
	struct vn_move_range *ordered = calloc(n, sizeof(*ordered));
	size_t at = 0;

	assert_non_null(ordered);
	memcpy(ordered, pieces, n * sizeof(*ordered));
	qsort(ordered, n, sizeof(*ordered), by_address);
	for (size_t i = 0; i < n_ranges; i++) {
		uint64_t unit = ranges[i].page > VN_PIECE_UNIT ? ranges[i].page : VN_PIECE_UNIT;
		uint64_t end = ranges[i].address + ranges[i].size;
		for (uint64_t next = ranges[i].address; next < end; at++) {
			assert_true(at < n);
			assert_true(ordered[at].address == next);
			assert_true(next == ranges[i].address || next % unit == 0);
			assert_true(ordered[at].size >= unit || ordered[at].size == ranges[i].size);
			assert_int_equal(ordered[at].node, ranges[i].node);
			assert_int_equal(ordered[at].vnode, ranges[i].vnode);
			assert_true(ordered[at].page == ranges[i].page);
			next += ordered[at].size;
			assert_true(next <= end);
		}
	}
	assert_true(at == n);
	free(ordered);
}

/* Each is at least as hot as any that follows, but for what is within a step; and of the same step by address. */
static void assert_order(const struct vn_heats *heats, const struct vn_move_range *pieces, size_t n)
{
	double hottest = 0, least = 1e9;

	for (size_t i = 0; i < n; i++)
		hottest = mean_heat(heats, &pieces[i]) > hottest ? mean_heat(heats, &pieces[i]) : hottest;
	/* The hottest may have been joined with neighbours of its step: their heat is over 18/19 of its. */
	for (size_t i = 0; i < n; i++) {
		double heat = mean_heat(heats, &pieces[i]);
		assert_true(heat <= least + hottest / 17 + 0.2);
		least = heat < least ? heat : least;
	}
}

static void test_pieces_at_random(void **unused)
{
	(void)unused;
	uint64_t state = 7;
	size_t cut = 0;

	for (unsigned i = 0; i < 600; i++) {
		struct vn_move_range ranges[8], *pieces = NULL;
		struct vn_heats heats = {0};
		size_t n_ranges = random_ranges(&state, ranges, 8), n = 0;
		unsigned lead = 0;
		random_heats(&state, &heats);
		assert_int_equal(vn_heat_pieces(ranges, n_ranges, &heats, &pieces, &n, &lead), 0);
		assert_partition(ranges, n_ranges, pieces, n);
		assert_order(&heats, pieces, n);
		assert_true(lead == 0 || (lead >= 25 && lead <= 100));
		cut += n > n_ranges;
		free(pieces);
		vn_heats_clear(&heats);
	}
	assert_true(cut > 500); /* or nothing was tested */
}

static void test_hot_tenth(void **unused)
{
	(void)unused;
	const struct vn_move_range range = {.address = 1024 * MIB, .size = 200 * MIB, .node = 1};
	struct vn_move_range *pieces = NULL;
	struct vn_heats heats = {0};
	unsigned lead = 0;
	size_t n = 0;

	vn_heats_add(&heats, range.address, 100 * MIB, 0);
	vn_heats_add(&heats, range.address + 100 * MIB, 20 * MIB, 20);
	vn_heats_add(&heats, range.address + 120 * MIB, 40 * MIB, 0);
	vn_heats_add(&heats, range.address + 160 * MIB, 40 * MIB, 1); /* once is not never */
	assert_int_equal(vn_heat_pieces(&range, 1, &heats, &pieces, &n, &lead), 0);
	assert_int_equal(n, 4);
	assert_int_equal(pieces[0].address, range.address + 100 * MIB);
	assert_int_equal(pieces[0].size, 20 * MIB);
	assert_int_equal(pieces[1].address, range.address + 160 * MIB);
	assert_int_equal(pieces[2].address, range.address);
	assert_int_equal(pieces[3].address, range.address + 120 * MIB);
	assert_int_equal(lead, 98); /* 20 MiB of step 20 and 30 of step 1, of 20 and 40 */
	free(pieces);
	vn_heats_clear(&heats);
}

static void test_lead_of_what_is_used_alike(void **unused)
{
	(void)unused;
	const struct vn_move_range range = {.address = 1024 * MIB, .size = 200 * MIB, .node = 1};
	struct vn_move_range *pieces = NULL;
	struct vn_heats heats = {0};
	unsigned lead = 0;
	size_t n = 0;

	vn_heats_add(&heats, range.address, 100 * MIB, 20);
	vn_heats_add(&heats, range.address + 100 * MIB, 100 * MIB, 20);
	assert_int_equal(vn_heat_pieces(&range, 1, &heats, &pieces, &n, &lead), 0);
	assert_int_equal(lead, 25);
	free(pieces);
	vn_heats_clear(&heats);
}

static void test_without_heat(void **unused)
{
	(void)unused;
	const struct vn_move_range ranges[] = {
		{.address = 8 * MIB, .size = 4096, .node = 1}, {.address = 2 * MIB, .size = 3 * MIB}};
	const struct vn_heats none = {0};
	struct vn_move_range *pieces = NULL;
	unsigned lead = 0;
	size_t n = 0;

	assert_int_equal(vn_heat_pieces(ranges, 2, &none, &pieces, &n, &lead), 0);
	assert_int_equal(lead, 0);
	assert_int_equal(n, 2);
	assert_memory_equal(&pieces[0], &ranges[1], sizeof(ranges[0]));
	assert_memory_equal(&pieces[1], &ranges[0], sizeof(ranges[0]));
	free(pieces);
	assert_int_equal(vn_heat_pieces(NULL, 0, &none, &pieces, &n, &lead), 0);
	assert_int_equal(n, 0);
	free(pieces);
}

/* 30000 stretches of 4 MiB with heats that differ: steps become coarser until the pieces are few enough. */
static void test_too_many_pieces(void **unused)
{
	(void)unused;
	const struct vn_move_range range = {.address = 0, .size = 30000 * 4 * MIB};
	struct vn_move_range *pieces = NULL;
	struct vn_heats heats = {0};
	uint64_t state = 3;
	unsigned lead = 0;
	size_t n = 0;

	for (uint64_t i = 0; i < 30000; i++)
		vn_heats_add(&heats, i * 4 * MIB, 4 * MIB,
			random_below(&state, 20) ? random_below(&state, 20) + 1 : 0);
	assert_int_equal(vn_heat_pieces(&range, 1, &heats, &pieces, &n, &lead), 0);
	assert_true(n > 1000 && n <= VN_PIECES_MAX);
	assert_partition(&range, 1, pieces, n);
	free(pieces);
	vn_heats_clear(&heats);
}

static bool is_covered(const struct vn_heats *spans, const struct vn_move_range *range)
{
	uint64_t at = range->address;

	for (size_t i = 0; i < spans->n; i++) {
		if (spans->v[i].address <= at && at < spans->v[i].address + spans->v[i].size)
			at = spans->v[i].address + spans->v[i].size;
	}
	return at >= range->address + range->size;
}

static void test_spans_at_random(void **unused)
{
	(void)unused;
	uint64_t state = 11;

	for (unsigned i = 0; i < 500; i++) {
		struct vn_move_range ranges[300];
		struct vn_heats spans = {0};
		size_t most = i % 2 ? 8 : 300, n = random_ranges(&state, ranges, most);
		size_t max = 4 + random_below(&state, 60);
		assert_int_equal(vn_heat_spans(ranges, n, max, &spans), 0);
		assert_true(spans.n > 0 && spans.n <= max);
		for (size_t k = 1; k < spans.n; k++)
			assert_true(spans.v[k - 1].address + spans.v[k - 1].size <= spans.v[k].address);
		for (size_t k = 0; k < n; k++)
			assert_true(is_covered(&spans, &ranges[k]));
		vn_heats_clear(&spans);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pieces_at_random),
		cmocka_unit_test(test_hot_tenth),
		cmocka_unit_test(test_lead_of_what_is_used_alike),
		cmocka_unit_test(test_without_heat),
		cmocka_unit_test(test_too_many_pieces),
		cmocka_unit_test(test_spans_at_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
