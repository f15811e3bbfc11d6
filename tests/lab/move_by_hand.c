/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Moves present pages of another process to a node, for tests: what a careless administrator (or another tool) does.
 * usage: move_by_hand PID ADDRESS SIZE MIB NODE. Prints how many bytes were moved; shares no code with vnuma.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BATCH 512
#define PAGE 4096UL

static long move(pid_t pid, void **pages, unsigned long n, const int *nodes, int *status)
{
	return syscall(SYS_move_pages, pid, n, pages, nodes, status, nodes ? 2 /* MPOL_MF_MOVE */ : 0);
}

/* Moves what is present of `n` pages at `start` and not on `node` yet; returns how many then are. */
static unsigned long move_batch(pid_t pid, unsigned long start, unsigned long n, int node)
{
	void *pages[BATCH];
	int status[BATCH], nodes[BATCH];
	unsigned long present = 0, moved = 0;

	for (unsigned long i = 0; i < n; i++)
		pages[i] = (void *)(start + i * PAGE);
	if (move(pid, pages, n, NULL, status) < 0)
		return 0;
	for (unsigned long i = 0; i < n; i++) {
		if (status[i] < 0 || status[i] == node)
			continue;
		pages[present] = pages[i];
		nodes[present++] = node;
	}
	if (present == 0 || move(pid, pages, present, nodes, status) < 0)
		return 0;
	move(pid, pages, present, NULL, status);
	for (unsigned long i = 0; i < present; i++)
		moved += status[i] == node;
	return moved;
}

int main(int argc, char **argv)
{
	if (argc != 6) {
		fprintf(stderr, "usage: move_by_hand PID ADDRESS SIZE MIB NODE\n");
		return 2;
	}
	pid_t pid = (pid_t)strtol(argv[1], NULL, 10);
	unsigned long address = strtoul(argv[2], NULL, 0), pages = strtoul(argv[3], NULL, 0) / PAGE;
	unsigned long wanted = strtoul(argv[4], NULL, 10) * (1048576 / PAGE), moved = 0;
	int node = (int)strtol(argv[5], NULL, 10);

	for (unsigned long i = 0; i < pages && moved < wanted; i += BATCH)
		moved += move_batch(pid, address + i * PAGE, pages - i < BATCH ? pages - i : BATCH, node);
	printf("%lu\n", moved * PAGE);
	return moved >= wanted ? 0 : 1;
}
