/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * lab/meter.c: a plugin of QEMU that counts, for each CPU of the emulated host, its loads and stores to the memory of each node.
 * Built by lab/meter, loaded by `lab/host --meter`, switched and read from inside with lab/meter-ctl. meter.h has the protocol.
 *
 * Theory of operation
 *   - What runs in a KVM guest inside is translated by the same emulator (TCG), with the guest's pages walked through by it as
 *     hardware would. So an access of a guest's program comes here like any other, with its virtual address in the guest, and
 *     with the physical address in the emulated host where it ended: there is no other place that sees both.
 *   - Where a physical address belongs is told by ranges on the command line: lab/meter makes them from the shape.
 *   - Off costs next to nothing: no access calls us, only translation does, and looks for the telegraph. To switch, all that is
 *     translated must go. qemu_plugin_reset does it: it stops all CPUs, throws the code away, then calls switched(), which
 *     registers the translation again. What is translated from then on has a call for each access, or none.
 *   - Counting takes no lock and shares no cache line: each CPU adds to a block of its own. Nobody else writes there, so a
 *     reset does not clear it but remembers what it was; and a reader may be a few accesses late.
 *   - The window (a range of virtual addresses) is looked at first; what is outside costs a call and a comparison. It does not
 *     tell processes apart: what is to be measured maps its memory at an address that nobody else uses (tests/workload.c --at).
 *   - An access is what QEMU's translation makes: one of 16 bytes is two, a locked addition a load and a store. A string
 *     instruction is one for each element. There are no caches, so each access counts.
 *
 * API
 *   Debian has no package with QEMU's header. What is declared below are facts of it: include/qemu/qemu-plugin.h of QEMU 7.2 (API
 *   version 1) and of 10.0 (version 4), and docs/devel/tcg-plugins.rst. What differs between the two, and is seen to here:
 *     - qemu_plugin_version must be what QEMU expects before it asks: choose_version().
 *     - qemu_plugin_insn_data gave a pointer, since version 3 it copies.
 *     - qemu_plugin_hwaddr_phys_addr of 7.2 gives no physical address, but the sum of a block's offset in QEMU's own numbering, of
 *       the same block's place in the machine's memory, and of the byte's in the block (plugins/api.c); since 8.1 it is physical.
 *       lab/meter knows which, and makes the ranges so.
 *   Only 7.2 was tested.
 *
 *   7.2 leaves a pointer to an instruction's callbacks with the CPU when translated code leaves its block in the middle of that
 *   instruction and it has called a helper (mended in 8.0, QEMU's commit 3fd62e73ad81). When the code is thrown away, by us or because there
 *   is too much of it, the pointer dangles, and QEMU ends at the next access of any helper: seen here at the first "off". QEMU
 *   exports its own functions for its modules, so we can mend it: forget_callbacks() runs at each such moment, while all CPUs
 *   stand still.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "meter.h"

/* ---- what QEMU offers ---- */

typedef uint64_t qemu_plugin_id_t;
typedef uint32_t qemu_plugin_meminfo_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_plugin_hwaddr;

enum { NO_REGS = 0, LOADS_AND_STORES = 3 };

struct info {
	const char *target_name;
	struct {
		int min, cur;
	} version;
	bool system_emulation;
	struct {
		int smp_vcpus, max_vcpus;
	} system;
};

typedef void (*simple_cb)(qemu_plugin_id_t);
typedef void (*translate_cb)(qemu_plugin_id_t, struct qemu_plugin_tb *);
typedef void (*memory_cb)(unsigned cpu, qemu_plugin_meminfo_t, uint64_t address, void *data);

void qemu_plugin_reset(qemu_plugin_id_t, simple_cb);
void qemu_plugin_register_flush_cb(qemu_plugin_id_t, simple_cb);
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t, translate_cb);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *, memory_cb, int flags, int rw, void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
/* A pointer in version 1, which ignores what it is not told of; a number of bytes in version 4. */
uintptr_t qemu_plugin_insn_data(const struct qemu_plugin_insn *, void *to, size_t length);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *);
bool qemu_plugin_mem_is_store(qemu_plugin_meminfo_t);
struct qemu_plugin_hwaddr *qemu_plugin_get_hwaddr(qemu_plugin_meminfo_t, uint64_t address);
bool qemu_plugin_hwaddr_is_io(const struct qemu_plugin_hwaddr *);
uint64_t qemu_plugin_hwaddr_phys_addr(const struct qemu_plugin_hwaddr *);

/* Not of the API: cpus-common.c and plugins/core.c of 7.2. */
struct CPUState;
__attribute__((weak)) struct CPUState *qemu_get_cpu(int index);
__attribute__((weak)) void qemu_plugin_disable_mem_helpers(struct CPUState *);

#define EXPORT __attribute__((visibility("default")))
EXPORT extern int qemu_plugin_version;
EXPORT int qemu_plugin_install(qemu_plugin_id_t, const struct info *, int, char **);
EXPORT int qemu_plugin_version = 1;

/* Runs when QEMU loads us, before it reads the version. */
__attribute__((constructor)) static void choose_version(void)
{
	if (dlsym(RTLD_DEFAULT, "qemu_plugin_scoreboard_new"))
		qemu_plugin_version = 4;
}

/* ---- state ---- */

#define MOST_CPUS 256
#define MOST_NODES 64
#define MOST_RANGES 130
#define OTHER MOST_NODES /* devices, and what is in no range */
#define TELEGRAPH_SIZE 8

enum { LOADS, STORES };

struct counts {
	uint64_t of[MOST_NODES + 1][2];
};

static struct {
	_Alignas(128) struct counts counts;
} cpus[MOST_CPUS];

static struct {
	uint64_t start, size;
	unsigned node;
} ranges[MOST_RANGES];
static unsigned n_ranges;

/* Read by all CPUs all the time, written only while all of them stand still. */
static struct {
	bool on;
	uint64_t start, size;
} meter;

struct message {
	uint64_t sender;
	unsigned length;
	char text[METER_MESSAGE];
};

/* All below is under the lock: commands are rare. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
	qemu_plugin_id_t id;
	int api;
	const char *folder;
	unsigned n_cpus;
	bool on; /* wanted; the state is in `meter` */
	uint64_t start, size;
	struct message messages[16];
	unsigned oldest;
} control;
static struct counts zero[MOST_CPUS]; /* what the counters were at the last reset */

/* ---- counting ---- */

static unsigned node_of(uint64_t address)
{
	for (unsigned i = 0; i < n_ranges; i++) {
		if (address - ranges[i].start < ranges[i].size)
			return ranges[i].node;
	}
	return OTHER;
}

/* An addition that a reader sees whole; a plain addition in machine code, for only this CPU's thread writes. */
static void add_one(uint64_t *counter)
{
	__atomic_store_n(counter, __atomic_load_n(counter, __ATOMIC_RELAXED) + 1, __ATOMIC_RELAXED);
}

static void count(unsigned cpu, qemu_plugin_meminfo_t info, uint64_t address, void *data)
{
	const struct qemu_plugin_hwaddr *where;
	unsigned node = OTHER;

	(void)data;
	if (address - meter.start >= meter.size || cpu >= MOST_CPUS)
		return;
	where = qemu_plugin_get_hwaddr(info, address);
	if (where && !qemu_plugin_hwaddr_is_io(where))
		node = node_of(qemu_plugin_hwaddr_phys_addr(where));
	add_one(&cpus[cpu].counts.of[node][qemu_plugin_mem_is_store(info) ? STORES : LOADS]);
}

/* ---- commands ---- */

static void translate(qemu_plugin_id_t id, struct qemu_plugin_tb *tb);

static void forget_callbacks(qemu_plugin_id_t id)
{
	(void)id;
	if (!qemu_get_cpu || !qemu_plugin_disable_mem_helpers)
		return;
	for (unsigned i = 0; i < control.n_cpus; i++) {
		struct CPUState *cpu = qemu_get_cpu((int)i);

		if (cpu)
			qemu_plugin_disable_mem_helpers(cpu);
	}
}

static void register_callbacks(qemu_plugin_id_t id)
{
	qemu_plugin_register_flush_cb(id, forget_callbacks);
	qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
}

/* All CPUs stand still, and no translated code is left. */
static void switched(qemu_plugin_id_t id)
{
	forget_callbacks(id);
	pthread_mutex_lock(&lock);
	meter.on = control.on;
	meter.start = control.start;
	meter.size = control.size;
	pthread_mutex_unlock(&lock);
	register_callbacks(id);
}

static uint64_t since_reset(unsigned cpu, unsigned node, int kind)
{
	return __atomic_load_n(&cpus[cpu].counts.of[node][kind], __ATOMIC_RELAXED) - zero[cpu].of[node][kind];
}

static void print_counts(FILE *file)
{
	if (meter.on)
		fprintf(file, "meter on %" PRIx64 " %" PRIx64 "\n", meter.start, meter.start + meter.size);
	else
		fprintf(file, "meter off\n");
	for (unsigned i = 0; i < n_ranges; i++)
		fprintf(file, "range %" PRIx64 " %" PRIx64 " node %u\n", ranges[i].start,
			ranges[i].start + ranges[i].size, ranges[i].node);
	for (unsigned cpu = 0; cpu < control.n_cpus; cpu++) {
		for (unsigned node = 0; node <= MOST_NODES; node++) {
			uint64_t loads = since_reset(cpu, node, LOADS),
				 stores = since_reset(cpu, node, STORES);
			char name[16] = "other";

			if (loads + stores == 0)
				continue;
			if (node != OTHER)
				snprintf(name, sizeof(name), "%u", node);
			fprintf(file, "cpu %u node %s loads %" PRIu64 " stores %" PRIu64 "\n", cpu, name,
				loads, stores);
		}
	}
	fprintf(file, "end\n");
}

/* Complete when it is there: inside, somebody waits for it. */
static void write_file(const char *name)
{
	char path[512], part[520];

	if (name[0] == 0 || strspn(name, "0123456789abcdefghijklmnopqrstuvwxyz") != strlen(name))
		return;
	snprintf(path, sizeof(path), "%s/meter.%s", control.folder, name);
	snprintf(part, sizeof(part), "%s.part", path);
	FILE *file = fopen(part, "w");
	if (!file) {
		fprintf(stderr, "meter: %s: %s\n", part, strerror(errno));
		return;
	}
	print_counts(file);
	if (fclose(file) != 0 || rename(part, path) < 0)
		fprintf(stderr, "meter: %s: %s\n", path, strerror(errno));
}

static void remember_zero(void)
{
	for (unsigned cpu = 0; cpu < control.n_cpus; cpu++) {
		for (unsigned node = 0; node <= MOST_NODES; node++) {
			for (int kind = LOADS; kind <= STORES; kind++)
				zero[cpu].of[node][kind] =
					__atomic_load_n(&cpus[cpu].counts.of[node][kind], __ATOMIC_RELAXED);
		}
	}
}

/* Returns whether the meter is to be switched. */
static bool obey(const char *text)
{
	uint64_t start = 0, end = 0;
	char name[33], rest = 0;

	if (sscanf(text, "on %" SCNx64 " %" SCNx64 "%c", &start, &end, &rest) == 2 && start < end) {
		control.on = true;
		control.start = start;
		control.size = end - start;
		return true;
	}
	if (strcmp(text, "off") == 0) {
		control.on = false;
		return true;
	}
	if (strcmp(text, "reset") == 0)
		remember_zero();
	else if (sscanf(text, "read %32s%c", name, &rest) == 1)
		write_file(name);
	else
		fprintf(stderr, "meter: '%s' is no command\n", text);
	return false;
}

/* The message that this sender is writing; that of another is given up when all are taken. */
static struct message *message_of(uint64_t sender)
{
	const unsigned most = sizeof(control.messages) / sizeof(control.messages[0]);

	for (unsigned i = 0; i < most; i++) {
		if (control.messages[i].sender == sender)
			return &control.messages[i];
	}
	struct message *m = &control.messages[control.oldest++ % most];
	*m = (struct message){.sender = sender};
	return m;
}

/* A byte came over the telegraph. */
static void receive(unsigned cpu, qemu_plugin_meminfo_t info, uint64_t address, void *data)
{
	char byte = (char)(address % METER_CELLS);
	bool change = false;

	(void)cpu;
	(void)info;
	(void)data;
	pthread_mutex_lock(&lock);
	struct message *m = message_of(address / METER_CELLS);
	if (byte != '\n') {
		if (m->length < METER_MESSAGE - 1)
			m->text[m->length++] = byte;
	} else {
		m->text[m->length] = 0;
		if (m->length > 0)
			change = obey(m->text);
		m->length = 0;
	}
	pthread_mutex_unlock(&lock);
	if (change)
		qemu_plugin_reset(control.id, switched);
}

/* ---- translation ---- */

static size_t copy_insn(const struct qemu_plugin_insn *insn, unsigned char bytes[TELEGRAPH_SIZE])
{
	size_t size = qemu_plugin_insn_size(insn);

	if (size > TELEGRAPH_SIZE)
		size = TELEGRAPH_SIZE;
	uintptr_t got = qemu_plugin_insn_data(insn, bytes, size);
	if (control.api >= 3)
		return got;
	memcpy(bytes, (const void *)got, size);
	return size;
}

static bool is_telegraph(const unsigned char *bytes, size_t size)
{
	const unsigned char opcode[] = {METER_OPCODE};
	const uint32_t magic = METER_MAGIC;

	return size == TELEGRAPH_SIZE && memcmp(bytes, opcode, sizeof(opcode)) == 0 &&
	       memcmp(bytes + sizeof(opcode), &magic, sizeof(magic)) == 0;
}

static void translate(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	size_t n = qemu_plugin_tb_n_insns(tb);

	(void)id;
	for (size_t i = 0; i < n; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		unsigned char bytes[TELEGRAPH_SIZE];

		if (qemu_plugin_insn_size(insn) == TELEGRAPH_SIZE &&
			is_telegraph(bytes, copy_insn(insn, bytes)))
			qemu_plugin_register_vcpu_mem_cb(insn, receive, NO_REGS, LOADS_AND_STORES, NULL);
		else if (meter.on)
			qemu_plugin_register_vcpu_mem_cb(insn, count, NO_REGS, LOADS_AND_STORES, NULL);
	}
}

/* ---- begin ---- */

static bool take_range(const char *text)
{
	const uint64_t mib = 1 << 20;
	uint64_t start = 0, end = 0;
	unsigned node = 0;
	char rest = 0;

	if (n_ranges == MOST_RANGES ||
		sscanf(text, "%" SCNu64 ":%" SCNu64 ":%u%c", &start, &end, &node, &rest) != 3 ||
		start >= end || node >= MOST_NODES)
		return false;
	ranges[n_ranges].start = start * mib;
	ranges[n_ranges].size = (end - start) * mib;
	ranges[n_ranges++].node = node;
	return true;
}

/* Arguments: folder=DIR, and range=START:END:NODE as often as is needed, START and END in MiB. */
EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const struct info *info, int argc, char **argv)
{
	for (int i = 0; i < argc; i++) {
		if (strncmp(argv[i], "folder=", 7) == 0) {
			control.folder = argv[i] + 7;
		} else if (strncmp(argv[i], "range=", 6) != 0 || !take_range(argv[i] + 6)) {
			fprintf(stderr, "meter: '%s' seen; expected folder=DIR or range=START:END:NODE\n",
				argv[i]);
			return 1;
		}
	}
	if (!info->system_emulation || info->system.max_vcpus > MOST_CPUS || !control.folder) {
		fprintf(stderr,
			"meter: needs the emulation of a whole system, at most %d CPUs, and folder=DIR\n",
			MOST_CPUS);
		return 1;
	}
	control.id = id;
	control.api = info->version.cur;
	control.n_cpus = (unsigned)info->system.max_vcpus;
	register_callbacks(id);
	return 0;
}
