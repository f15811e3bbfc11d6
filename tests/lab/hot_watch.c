/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * For tests/lab/hot-inside, in an emulated host: a process whose memory is used unevenly, and a look at it.
 *
 * usage: hot_watch load MIB                 maps MIB of small pages, prints "PID ADDRESS BYTES", then reads and writes words at random
 *                                           for ever: nine of ten in the tenth that begins in the middle
 *        hot_watch order PID ADDRESS BYTES MS   "by NAME", "note CODE", and "piece ADDRESS BYTES" in the order of vn_hot_order()
 *        hot_watch clean PID                vn_hot_clean()
 * Exit status: 0; 1 with "error NUMBER".
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "../../src/base/cleanup.h"
#include "../../src/base/parse.h"
#include "../../src/realize/hot.h"

#define LINE 64u

static int fail(int r)
{
	printf("error %d\n", r);
	return 1;
}

static int load(uint64_t bytes)
{
	uint64_t state = 1, lines = bytes / LINE;
	unsigned char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED || madvise(memory, bytes, MADV_NOHUGEPAGE) < 0)
		return fail(-errno);
	memset(memory, 1, bytes);
	printf("%d %ju %ju\n", getpid(), (uintmax_t)(uintptr_t)memory, (uintmax_t)bytes);
	fflush(stdout);
	for (;;) {
		state = state * UINT64_C(6364136223846793005) + 1;
		uint64_t random = state >> 33;
		uint64_t line = random % 10 ? lines / 2 + random % (lines / 10) : random % lines;
		((volatile unsigned char *)memory)[line * LINE]++;
	}
}

static int order(char **argument)
{
	uint64_t pid = 0, ms = 0;
	struct vn_move_range range = {0}, *pieces = NULL;
	size_t n = 0;
	enum vn_move_order by = VN_ORDER_ADDRESS;
	struct vn_notes notes = {0};

	if (vn_parse_u64(argument[0], INT32_MAX, &pid) < 0 ||
		vn_parse_u64(argument[1], UINT64_MAX, &range.address) < 0 ||
		vn_parse_u64(argument[2], UINT64_MAX, &range.size) < 0 ||
		vn_parse_u64(argument[3], INT32_MAX, &ms) < 0)
		return fail(-EINVAL);
	const struct vn_hot_wish wish = {.pid = (pid_t)pid, .watch_ms = (unsigned)ms, .stop_fd = -1};
	int r = vn_hot_order(&wish, &range, 1, &pieces, &n, &by, &notes, NULL);
	if (r < 0)
		return fail(r);
	printf("by %s\n", vn_move_order_name(by));
	for (size_t i = 0; i < notes.n; i++)
		printf("note %s %s\n", notes.v[i].code, notes.v[i].text);
	for (size_t i = 0; i < n; i++)
		printf("piece %" PRIu64 " %" PRIu64 "\n", pieces[i].address, pieces[i].size);
	vn_notes_clear(&notes);
	free(pieces);
	return 0;
}

int main(int argc, char **argv)
{
	uint64_t number = 0;

	if (argc == 3 && strcmp(argv[1], "load") == 0 && vn_parse_u64(argv[2], 65536, &number) == 0)
		return load(number << 20);
	if (argc == 6 && strcmp(argv[1], "order") == 0)
		return order(argv + 2);
	if (argc == 3 && strcmp(argv[1], "clean") == 0 && vn_parse_u64(argv[2], INT32_MAX, &number) == 0) {
		int r = vn_hot_clean((pid_t)number, NULL);
		return r < 0 ? fail(r) : 0;
	}
	return fail(-EINVAL);
}
