/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Memory to be moved, for tests and the bench: threads touch it page by page, round and round, check what they wrote the round before, and
 * note the longest time between two touches.
 * usage: touch_memory KIND MIB NODE THREADS
 * KIND: 4k, thp, hugetlb (2 MiB), memfd (a second process has it mapped, too), locked, vmsplice (256 pages are in a pipe), uring (1 MiB is
 * registered with io_uring). Prints its pid, the address and the size; then, for each line of stdin ("reset", "tell"), how many touches, how
 * many wrong values, the longest pause in ns and how many were above 1 ms. Ends with stdin.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/mempolicy.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096UL
#define HUGE (2UL << 20)
#define THREADS_MAX 16

struct toucher {
	pthread_t thread;
	char *memory;
	size_t first, step, pages;
	atomic_ulong touches, wrong, longest, long_ones;
	atomic_bool reset;
};

static void fail(const char *what)
{
	fprintf(stderr, "touch_memory: %s: %s\n", what, strerror(errno));
	exit(3);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* ---- memory ---- */

static void keep_on(char *memory, size_t size, int node)
{
	unsigned long mask[16] = {0};

	mask[node / 64] = 1UL << (node % 64);
	if (syscall(SYS_mbind, memory, size, MPOL_BIND, mask, 1024, 0) < 0)
		fail("mbind");
}

/* The policy is gone afterwards: what is moved is not to be held back by it. */
static void fill(char *memory, size_t size, int node)
{
	keep_on(memory, size, node);
	for (size_t at = 0; at < size; at += PAGE)
		*(uint64_t *)(void *)(memory + at) = at;
	if (syscall(SYS_mbind, memory, size, MPOL_DEFAULT, NULL, 0, 0) < 0)
		fail("mbind");
}

static char *map_aligned(size_t size, int advice)
{
	char *memory = mmap(NULL, size + 2 * HUGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		fail("memory");
	memory +=
		HUGE - (uintptr_t)memory % HUGE; /* between what is forbidden, it is one line of numa_maps */
	if (mprotect(memory, size, PROT_READ | PROT_WRITE) < 0)
		fail("memory");
	madvise(memory, size, advice);
	return memory;
}

static char *map(const char *kind, size_t size)
{
	char *memory;

	if (strcmp(kind, "hugetlb") == 0) {
		int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | (21 << MAP_HUGE_SHIFT);
		memory = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, -1, 0);
	} else if (strcmp(kind, "memfd") == 0) {
		int fd = memfd_create("guest", 0);
		if (fd < 0 || ftruncate(fd, (off_t)size) < 0)
			fail("memfd");
		memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	} else {
		return map_aligned(size, strcmp(kind, "thp") == 0 ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
	}
	if (memory == MAP_FAILED)
		fail("memory");
	return memory;
}

/* ---- what holds it ---- */

static void share(char *memory, size_t size)
{
	pid_t parent = getpid();

	if (fork() > 0)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (size_t at = 0; at < size && getppid() == parent; at += PAGE)
		(void)*(volatile char *)(memory + at);
	close(0);
	close(1);
	for (;;)
		pause();
}

static void hold_in_pipe(char *memory)
{
	int ends[2];

	if (pipe(ends) < 0 || fcntl(ends[0], F_SETPIPE_SZ, 1 << 20) < 0)
		fail("pipe");
	for (size_t i = 0; i < 256; i++) {
		struct iovec page = {memory + i * PAGE, PAGE};
		if (vmsplice(ends[1], &page, 1, SPLICE_F_NONBLOCK) != (ssize_t)PAGE)
			fail("vmsplice");
	}
}

static void hold_by_uring(char *memory)
{
	struct io_uring_params params = {0};
	struct iovec buffer = {memory, 1 << 20};
	int fd = (int)syscall(SYS_io_uring_setup, 4, &params);

	if (fd < 0 || syscall(SYS_io_uring_register, fd, IORING_REGISTER_BUFFERS, &buffer, 1) < 0)
		fail("io_uring");
}

static void hold(const char *kind, char *memory, size_t size)
{
	if (strcmp(kind, "memfd") == 0)
		share(memory, size);
	if (strcmp(kind, "locked") == 0 && mlock(memory, size) < 0)
		fail("mlock");
	if (strcmp(kind, "vmsplice") == 0)
		hold_in_pipe(memory);
	if (strcmp(kind, "uring") == 0)
		hold_by_uring(memory);
}

/* ---- touching ---- */

static void note_pause(struct toucher *t, uint64_t ns)
{
	if (ns > t->longest)
		t->longest = ns;
	t->long_ones += ns > 1000000;
}

static void *touch(void *context)
{
	struct toucher *t = context;
	uint64_t last = now_ns();

	for (uint64_t round = 0;; round++) {
		for (size_t i = t->first; i < t->pages; i += t->step) {
			volatile uint64_t *word = (volatile uint64_t *)(void *)(t->memory + i * PAGE);
			if (*word != i * PAGE + round)
				t->wrong++;
			*word = i * PAGE + round + 1;
			uint64_t now = now_ns();
			note_pause(t, now - last);
			last = now;
			t->touches++;
			if (atomic_exchange(&t->reset, false))
				t->longest = t->long_ones = t->touches = 0;
		}
	}
	return NULL;
}

static void answer(struct toucher *touchers, size_t n)
{
	char line[32];

	while (fgets(line, sizeof(line), stdin)) {
		unsigned long touches = 0, wrong = 0, longest = 0, long_ones = 0;
		for (size_t i = 0; i < n; i++) {
			touches += touchers[i].touches;
			wrong += touchers[i].wrong;
			longest = touchers[i].longest > longest ? touchers[i].longest : longest;
			long_ones += touchers[i].long_ones;
			if (strcmp(line, "reset\n") == 0)
				touchers[i].reset = true;
		}
		printf("%lu %lu %lu %lu\n", touches, wrong, longest, long_ones);
		fflush(stdout);
	}
}

int main(int argc, char **argv)
{
	static struct toucher touchers[THREADS_MAX];

	if (argc != 5) {
		fprintf(stderr, "usage: touch_memory KIND MIB NODE THREADS\n");
		return 2;
	}
	size_t size = strtoul(argv[2], NULL, 10) << 20, n = strtoul(argv[4], NULL, 10);
	char *memory = map(argv[1], size);
	n = n > THREADS_MAX ? THREADS_MAX : n;
	fill(memory, size, (int)strtol(argv[3], NULL, 10));
	hold(argv[1], memory, size);
	for (size_t i = 0; i < n; i++) {
		touchers[i] = (struct toucher){.memory = memory, .first = i, .step = n, .pages = size / PAGE};
		if (pthread_create(&touchers[i].thread, NULL, touch, &touchers[i]) != 0)
			fail("thread");
	}
	printf("%d %lu %lu\n", getpid(), (unsigned long)(uintptr_t)memory, size);
	fflush(stdout);
	answer(touchers, n);
	return 0;
}
