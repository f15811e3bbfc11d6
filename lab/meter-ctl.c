/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * lab/meter-ctl.c: switches and reads the meter, from inside the emulated host. Built by lab/meter; inside, $LAB_METER is its path.
 *
 * usage: meter-ctl on [START END]  count, accesses at virtual addresses from START to before END only (hexadecimal or 0x…)
 *        meter-ctl off             count no more
 *        meter-ctl reset           begin at zero
 *        meter-ctl read            print the state, and for each CPU and node what was counted since:
 *                                      meter on START END | meter off
 *                                      range START END node NODE      as QEMU numbers memory: see meter.c
 *                                      cpu CPU node NODE|other loads N stores N      only what is not zero
 *                                      end
 *        meter-ctl share           what was counted, as one line: "accesses N remote N", where an access is remote when its node
 *                                  is not that of the CPU, by /sys
 *        meter-ctl check           touch memory of every node, and see whether the meter finds it there: "node N: N of N"
 *        meter-ctl send TEXT       send it, and do not wait for anything: in a guest, which has not the folder for answers
 *
 * Exit status: 0; 1 for a failed check; 2 for wrong usage; 3 if the meter does not answer.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "meter.h"

#define WAIT_MS 60000 /* a loaded machine throws its code away slowly */
#define MOST_CPUS 256
#define MOST_NODES 64

static const unsigned char *cells;

static void give_up(int status, const char *what)
{
	fprintf(stderr, "meter-ctl: %s\n", what);
	exit(status);
}

static void open_telegraph(void)
{
	void *page =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (page == MAP_FAILED)
		give_up(3, strerror(errno));
	cells = page;
}

static void sleep_ms(long ms)
{
	struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

	nanosleep(&time, NULL);
}

/* ---- what the meter writes ---- */

/* The whole file, from malloc; it comes a moment after it was asked for. Each has a name of its own: nothing old is read. */
static char *ask(void)
{
	static unsigned serial;
	const size_t room = 1 << 20;
	char message[METER_MESSAGE], path[METER_MESSAGE + 32];
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	snprintf(message, sizeof(message), "read p%xs%lxn%lxc%x", (unsigned)getpid(),
		(unsigned long)now.tv_sec, (unsigned long)now.tv_nsec, serial++);
	snprintf(path, sizeof(path), METER_FOLDER "/meter.%s", message + strlen("read "));
	meter_send(cells, message);
	FILE *file = NULL;
	for (int waited = 0; !file && waited < 5000; waited += 20) {
		file = fopen(path, "r");
		if (!file)
			sleep_ms(20);
	}
	if (!file)
		give_up(3, "the meter does not answer: was the host started with --meter?");
	char *text = calloc(1, room);
	size_t length = text ? fread(text, 1, room - 1, file) : 0;
	fclose(file);
	unlink(path);
	if (length < 4 || strcmp(text + length - 4, "end\n") != 0)
		give_up(3, "the meter's answer is cut");
	return text;
}

static void await_state(const char *state)
{
	for (int waited = 0; waited < WAIT_MS; waited += 50) {
		char *text = ask();
		bool there = strncmp(text, state, strlen(state)) == 0;
		free(text);
		if (there)
			return;
		sleep_ms(50);
	}
	give_up(3, "the meter does not switch");
}

static void switch_on(uint64_t start, uint64_t end)
{
	char message[METER_MESSAGE], state[METER_MESSAGE + 16];

	snprintf(message, sizeof(message), "on %" PRIx64 " %" PRIx64, start, end);
	snprintf(state, sizeof(state), "meter %s\n", message);
	meter_send(cells, message);
	await_state(state);
}

static void switch_off(void)
{
	meter_send(cells, "off");
	await_state("meter off\n");
}

/* ---- sums ---- */

struct sums {
	uint64_t cpu[MOST_CPUS][MOST_NODES], other;
};

static void add_up(const char *text, struct sums *sums)
{
	*sums = (struct sums){0};
	for (const char *line = text; line; line = strchr(line, '\n')) {
		unsigned cpu = 0, node = 0;
		uint64_t loads = 0, stores = 0;

		line += *line == '\n';
		if (sscanf(line, "cpu %u node %u loads %" SCNu64 " stores %" SCNu64, &cpu, &node, &loads,
			    &stores) == 4 &&
			cpu < MOST_CPUS && node < MOST_NODES)
			sums->cpu[cpu][node] += loads + stores;
		else if (sscanf(line, "cpu %u node other loads %" SCNu64 " stores %" SCNu64, &cpu, &loads,
				 &stores) == 3)
			sums->other += loads + stores;
	}
}

/* The node of a CPU that is online, or -1. */
static int node_of_cpu(unsigned cpu)
{
	char path[96];

	for (int node = 0; node < MOST_NODES; node++) {
		snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%u/node%d", cpu, node);
		if (access(path, F_OK) == 0)
			return node;
	}
	return -1;
}

static void print_share(void)
{
	static struct sums sums;
	uint64_t all = 0, local = 0;
	char *text = ask();

	add_up(text, &sums);
	free(text);
	for (unsigned cpu = 0; cpu < MOST_CPUS; cpu++) {
		int home = -1;
		for (unsigned node = 0; node < MOST_NODES; node++) {
			if (sums.cpu[cpu][node] == 0)
				continue;
			if (home < 0)
				home = node_of_cpu(cpu);
			all += sums.cpu[cpu][node];
			if ((int)node == home)
				local += sums.cpu[cpu][node];
		}
	}
	printf("accesses %" PRIu64 " remote %" PRIu64 " other %" PRIu64 "\n", all, all - local, sums.other);
}

/* ---- the check ---- */

#define CHECK_PAGES 64
#define CHECK_BYTES (CHECK_PAGES * 4096UL)

static bool has_memory(int node)
{
	char path[96], line[256];
	unsigned long kib = 0;

	snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/meminfo", node);
	FILE *file = fopen(path, "r");
	if (!file)
		return false;
	if (fgets(line, sizeof(line), file))
		sscanf(line, "Node %*d MemTotal: %lu", &kib);
	fclose(file);
	return kib > 0;
}

/* Stores to each page of `memory`, bound to `node`, ten times; is what came to the right node all of it? */
static bool check_node(int node, volatile unsigned char *memory)
{
	static struct sums sums;
	unsigned long mask = 1UL << node;
	uint64_t there = 0, all = 0;

	/* 2 is MPOL_BIND */
	if (syscall(SYS_mbind, memory, CHECK_BYTES, 2, &mask, 65UL, 0) < 0)
		give_up(3, strerror(errno));
	memset((void *)memory, 1, CHECK_BYTES);
	meter_send(cells, "reset");
	for (int round = 0; round < 10; round++) {
		for (unsigned long at = 0; at < CHECK_BYTES; at += 4096)
			memory[at + (unsigned)round] = (unsigned char)round;
	}
	char *text = ask();
	add_up(text, &sums);
	free(text);
	all = sums.other;
	for (unsigned cpu = 0; cpu < MOST_CPUS; cpu++) {
		for (int n = 0; n < MOST_NODES; n++) {
			all += sums.cpu[cpu][n];
			there += n == node ? sums.cpu[cpu][n] : 0;
		}
	}
	printf("node %d: %" PRIu64 " of %" PRIu64 "\n", node, there, all);
	return there == all && all == 10 * CHECK_PAGES;
}

static int check(void)
{
	bool good = true;
	unsigned char *memory = mmap(NULL, MOST_NODES * CHECK_BYTES, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED)
		give_up(3, strerror(errno));
	switch_on((uint64_t)memory, (uint64_t)memory + MOST_NODES * CHECK_BYTES);
	for (int node = 0; node < MOST_NODES; node++) {
		if (has_memory(node))
			good = check_node(node, memory + (unsigned)node * CHECK_BYTES) && good;
	}
	switch_off();
	return good ? 0 : 1;
}

/* ---- begin ---- */

static uint64_t address(const char *text)
{
	char *end = NULL;

	errno = 0;
	uint64_t value = strtoull(text, &end, 16);
	if (errno || end == text || *end || *text == '-')
		give_up(2, "an address is hexadecimal, like 7f0000000000");
	return value;
}

int main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";

	open_telegraph();
	if (strcmp(verb, "on") == 0 && (argc == 2 || argc == 4)) {
		uint64_t start = argc == 4 ? address(argv[2]) : 0,
			 end = argc == 4 ? address(argv[3]) : UINT64_MAX;
		if (start >= end)
			give_up(2, "START must be below END");
		switch_on(start, end);
	} else if (strcmp(verb, "off") == 0 && argc == 2) {
		switch_off();
	} else if (strcmp(verb, "reset") == 0 && argc == 2) {
		meter_send(cells, "reset");
	} else if (strcmp(verb, "read") == 0 && argc == 2) {
		fputs(ask(), stdout);
	} else if (strcmp(verb, "share") == 0 && argc == 2) {
		print_share();
	} else if (strcmp(verb, "check") == 0 && argc == 2) {
		return check();
	} else if (strcmp(verb, "send") == 0 && argc == 3) {
		meter_send(cells, argv[2]);
	} else {
		give_up(2,
			"usage: meter-ctl on [START END] | off | reset | read | share | check | send TEXT");
	}
	return 0;
}
