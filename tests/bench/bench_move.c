/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What tools/bench_move and tests/lab/migrate-inside need to move memory without a VM. Output: a line of words and values.
 *
 *     bench_move run PID ADDRESS SIZE PAGE NODE STALL-US RATE RESERVE   moves it (PAGE: of hugetlbfs, else 0), tells what became of it
 *     bench_move steps PID ADDRESS SIZE NODE STALL-US ORDER WATCH-MS PERCENT...   moves it in the ORDER hot or address, watched for so long.
 *                                                             Waits for a line of stdin before it begins, and whenever so much has moved
 *     bench_move ask PID ADDRESS SIZE PAGE                        asks where each page is: ns a page, median of 5
 *     bench_move same PID ADDRESS SIZE NODE                       sends each page to where it is, 512 a call: ns a call, median
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <linux/mempolicy.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "../../src/base/parse.h"
#include "../../src/realize/hot.h"
#include "../../src/realize/migrate.h"
#include "../../src/realize/sys.h"

#define BATCH 4096

static uint64_t number(const char *text)
{
	uint64_t value;

	if (vn_parse_u64(text, UINT64_MAX, &value) < 0) {
		fprintf(stderr, "bench_move: '%s'; expected a number\n", text);
		exit(2);
	}
	return value;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void print_problems(const struct vn_error *err)
{
	for (size_t i = 0; i < err->n; i++)
		fprintf(stderr, "bench_move: %s\n", err->problems[i].text);
}

static void print_progress(int r, const struct vn_move_progress *progress)
{
	printf("status %d total %" PRIu64 " there %" PRIu64 " moved %" PRIu64 " absent %" PRIu64
	       " left %" PRIu64,
		r, progress->total, progress->there, progress->moved, progress->absent, progress->left);
	for (size_t i = 0; i < VN_STAYED_N; i++)
		printf(" %s %" PRIu64, vn_stayed_name((enum vn_stayed)i), progress->stayed[i]);
	printf(" calls %" PRIu64 " longest_ns %" PRIu64 " elapsed_ns %" PRIu64 " paused_ns %" PRIu64
	       " passes %u\n",
		progress->calls, progress->longest_ns, progress->elapsed_ns, progress->paused_ns,
		progress->passes);
}

static int run(char **words)
{
	struct vn_move_range range = {.address = number(words[1]),
		.size = number(words[2]),
		.page = number(words[3]),
		.node = (unsigned)number(words[4])};
	struct vn_move_limits limits = {.stall_us = (unsigned)number(words[5]),
		.rate = number(words[6]),
		.has_reserve = true,
		.reserve = number(words[7])};
	struct vn_migrate job = {.pid = (pid_t)number(words[0]),
		.n_ranges = 1,
		.ranges = &range,
		.limits = &limits,
		.stop_fd = -1};
	struct vn_move_progress progress;
	vn_autoerror err = {0};
	int r = vn_migrate_run(&job, &progress, &err);

	print_problems(&err);
	print_progress(r, &progress);
	return r < 0 ? 3 : 0;
}

/* ---- in steps ---- */

struct steps {
	uint64_t size;
	size_t n, at;
	char **percents;
};

static int wait_for_line(void)
{
	char line[16];

	fflush(stdout);
	return fgets(line, sizeof(line), stdin) ? 0 : -ECANCELED;
}

static int told(void *context, const struct vn_move_progress *progress)
{
	struct steps *steps = context;
	int r = 0;

	while (r == 0 && steps->at < steps->n &&
		progress->moved >= steps->size / 100 * number(steps->percents[steps->at])) {
		steps->at++;
		printf("moved %" PRIu64 "\n", progress->moved);
		r = wait_for_line();
	}
	return r;
}

static int move_in_steps(char **words, int n_percents)
{
	struct vn_move_range range = {
		.address = number(words[1]), .size = number(words[2]), .node = (unsigned)number(words[3])};
	struct vn_move_limits limits = {.stall_us = (unsigned)number(words[4]), .has_reserve = true};
	const struct vn_hot_wish wish = {.pid = (pid_t)number(words[0]),
		.watch_ms = strcmp(words[5], "address") == 0 ? 0 : (unsigned)number(words[6]),
		.stop_fd = -1};
	struct steps steps = {.size = range.size, .n = (size_t)n_percents, .percents = words + 7};
	struct vn_migrate job = {
		.pid = wish.pid, .limits = &limits, .stop_fd = -1, .told = told, .context = &steps};
	vn_autofree struct vn_move_range *pieces = NULL;
	enum vn_move_order by = VN_ORDER_ADDRESS;
	struct vn_move_progress progress = {0};
	struct vn_notes notes = {0};
	vn_autoerror err = {0};
	int r = vn_hot_order(&wish, &range, 1, &pieces, &job.n_ranges, &by, &notes, &err);

	for (size_t i = 0; i < notes.n; i++)
		fprintf(stderr, "bench_move: %s: %s\n", notes.v[i].code, notes.v[i].text);
	vn_notes_clear(&notes);
	if (r == 0) {
		job.ranges = pieces;
		printf("order %s pieces %zu\n", vn_move_order_name(by), job.n_ranges);
		r = wait_for_line();
	}
	if (r == 0)
		r = vn_migrate_run(&job, &progress, &err);
	print_problems(&err);
	print_progress(r, &progress);
	return r < 0 ? 3 : 0;
}

/* ---- asking ---- */

/* Sends all pages, `batch` a call, to `node`, or asks (-1). Into ns[] the time of each call; returns how many. */
static size_t walk(char **words, uint64_t page, int node, size_t batch, uint64_t *ns, size_t most)
{
	static void *pages[BATCH];
	static int nodes[BATCH], status[BATCH];
	uint64_t address = number(words[1]), size = number(words[2]);
	size_t calls = 0;

	for (uint64_t at = 0; at < size && calls < most; calls++) {
		size_t n = 0;
		for (; n < batch && at < size; at += page, n++) {
			pages[n] = (void *)(uintptr_t)(address + at);
			nodes[n] = node;
		}
		uint64_t begin = now_ns();
		int r = vn_sys_move_pages((pid_t)number(words[0]), n, pages, node < 0 ? NULL : nodes, status,
			node < 0 ? 0 : MPOL_MF_MOVE);
		ns[calls] = now_ns() - begin;
		if (r < 0) {
			fprintf(stderr, "bench_move: %s\n", strerror(-r));
			exit(3);
		}
	}
	return calls;
}

#define CALLS 65536
static uint64_t times[CALLS];

static int ask(char **words)
{
	uint64_t page = number(words[3]) ? number(words[3]) : 4096, total[5];

	for (size_t i = 0; i < 5; i++) {
		size_t calls = walk(words, page, -1, BATCH, times, CALLS);
		total[i] = 0;
		for (size_t k = 0; k < calls; k++)
			total[i] += times[k];
	}
	qsort(total, 5, sizeof(total[0]), compare);
	printf("ask_ns_a_page %.1f\n", (double)total[2] / (double)(number(words[2]) / page));
	return 0;
}

static int same(char **words)
{
	size_t calls = walk(words, 4096, (int)number(words[3]), 512, times, CALLS);

	qsort(times, calls, sizeof(times[0]), compare);
	printf("call_ns_of_512 %" PRIu64 "\n", times[calls / 2]);
	calls = walk(words, 4096, (int)number(words[3]), 1, times, 2000);
	qsort(times, calls, sizeof(times[0]), compare);
	printf("call_ns_of_1 %" PRIu64 "\n", times[calls / 2]);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 10 && strcmp(argv[1], "run") == 0)
		return run(argv + 2);
	if (argc >= 9 && strcmp(argv[1], "steps") == 0)
		return move_in_steps(argv + 2, argc - 9);
	if (argc == 6 && strcmp(argv[1], "ask") == 0)
		return ask(argv + 2);
	if (argc == 6 && strcmp(argv[1], "same") == 0)
		return same(argv + 2);
	fprintf(stderr,
		"usage: bench_move run PID ADDRESS SIZE PAGE NODE STALL-US RATE RESERVE | "
		"steps PID ADDRESS SIZE NODE STALL-US ORDER WATCH-MS PERCENT... | ask PID ADDRESS SIZE PAGE | "
		"same PID ADDRESS SIZE NODE\n");
	return 2;
}
