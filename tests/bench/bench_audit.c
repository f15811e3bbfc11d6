/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What tools/bench_audit needs to time an audit. Each line of output has words separated by blanks.
 *
 *     bench_audit hold MIB                    holds memory in 4K pages, all touched: prints its pid and address, then waits
 *     bench_audit residency PID ADDRESS MIB   a sample of its pages, as an audit takes it: median time of 21, in ns
 *     bench_audit gap MIB SECONDS             a thread that never rests and touches MIB of memory: the longest pause in each 10 ms, of
 *                                             these the median, the 99th percentile and the longest, in ns
 */
#define _GNU_SOURCE
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "../../src/base/cleanup.h"
#include "../../src/base/parse.h"
#include "../../src/observe/page_sample.h"

#define MIB (UINT64_C(1) << 20)
#define TIMES 21
#define WINDOW_NS 10000000

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static uint64_t number(const char *text)
{
	uint64_t value;

	if (vn_parse_u64(text, UINT64_MAX, &value) < 0) {
		fprintf(stderr, "bench_audit: '%s'; expected a number\n", text);
		exit(2);
	}
	return value;
}

/* Memory with a page fault behind it for each 4K. */
static char *make_memory(uint64_t size)
{
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED) {
		perror("bench_audit: memory");
		exit(3);
	}
	madvise(memory, size, MADV_NOHUGEPAGE);
	for (uint64_t at = 0; at < size; at += 4096)
		memory[at] = 1;
	return memory;
}

static _Noreturn void hold(uint64_t size)
{
	char *memory = make_memory(size);

	printf("%d %llu\n", getpid(), (unsigned long long)(uintptr_t)memory);
	fflush(stdout);
	for (;;)
		pause();
}

static int time_residency(pid_t pid, uint64_t address, uint64_t size)
{
	int64_t ns[TIMES];

	for (size_t i = 0; i < TIMES; i++) {
		struct vn_residency residency = {0};
		vn_autoerror err = {0};
		int64_t begin = now_ns();
		int r = vn_residency_sample(
			pid, address, size, VN_SAMPLES_DEFAULT, (uint64_t)i, &residency, &err);
		ns[i] = now_ns() - begin;
		if (r < 0 || residency.absent) {
			fprintf(stderr, "bench_audit: %s\n",
				err.n ? err.problems[0].text : "pages are missing");
			return 3;
		}
		vn_residency_clear(&residency);
	}
	qsort(ns, TIMES, sizeof(*ns), compare);
	printf("%lld\n", (long long)ns[TIMES / 2]);
	return 0;
}

static int measure_gaps(uint64_t size, uint64_t seconds)
{
	volatile char *memory = make_memory(size);
	size_t n = 0, most = seconds * (1000000000 / WINDOW_NS);
	vn_autofree int64_t *longest = calloc(most + 1, sizeof(*longest));
	uint64_t at = 0;

	assert(longest);
	for (int64_t begin = now_ns(), last = begin, now; n < most; last = now) {
		memory[at] = (char)(memory[at] + 1);
		at = (at + 4096) % size;
		now = now_ns();
		n = (size_t)((now - begin) / WINDOW_NS);
		if (n < most && now - last > longest[n])
			longest[n] = now - last;
	}
	qsort(longest, most, sizeof(*longest), compare);
	printf("%lld %lld %lld\n", (long long)longest[most / 2], (long long)longest[most * 99 / 100],
		(long long)longest[most - 1]);
	return 0;
}

/* Behind `-m MIB`, so that a copy of this program called qemu-system-… passes for a VM whose memory the audit looks at. */
int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "hold") == 0)
		hold(number(argv[2]) * MIB);
	if (argc == 5 && strcmp(argv[1], "residency") == 0)
		return time_residency((pid_t)number(argv[2]), number(argv[3]), number(argv[4]) * MIB);
	if (argc == 4 && strcmp(argv[1], "gap") == 0)
		return measure_gaps(number(argv[2]) * MIB, number(argv[3]));
	if (argc == 5 && strcmp(argv[1], "-m") == 0 &&
		strcmp(argv[3], "-snapshot") == 0) /* as a VM: -m MIB -snapshot SECONDS */
		return measure_gaps(number(argv[2]) * MIB, number(argv[4]));
	fprintf(stderr, "usage: bench_audit hold MIB | residency PID ADDRESS MIB | gap MIB SECONDS\n");
	return 2;
}
