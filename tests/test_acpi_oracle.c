/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Our tables beside those that QEMU builds for the same guest: random guests, each given to QEMU with -numa and read back through its
 * fw_cfg device, which the qtest protocol reaches without a guest that runs. Affinities of CPUs (in order) and of memory, distances,
 * latencies, bandwidths and caches must be the same. x2APIC entries are not among them: QEMU has APIC ids above 254 with KVM only
 * (hw/i386/x86.c, x86_cpus_init()).
 *
 * 60 guests; VNUMA_ACPI_GUESTS=500 for more, VNUMA_ACPI_FIRST=N to begin with another one:
 *
 *     VNUMA_ACPI_GUESTS=500 build-check/tests/test_acpi_oracle
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <endian.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../src/acpi/acpi.h"
#include "../src/base/parse.h"
#include "../src/base/text.h"
#include "../src/emit/argv.h"
#include "../src/model/guest_initiator.h"
#include "../src/model/guest_sockets.h"
#include "acpi_read.h"

#define BUFFER UINT64_C(0x200000) /* where fw_cfg puts what is read: every guest has memory there */
#define REQUEST UINT64_C(0x100000)
#define MAX_FILE (1u << 20)
#define FILE_DIR 0x19u

static uint64_t state;

/* splitmix64: the same guests everywhere. */
static uint64_t draw(uint64_t n)
{
	uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (z ^ z >> 31) % n;
}

static bool chance(unsigned percent)
{
	return draw(100) < percent;
}

/* ---- random guests ---- */

struct sample {
	struct vn_guest *guest;
	enum vn_acpi_machine machine;
	bool amd;
};

/* Sizes around the borders of the machines' layouts, small and large. */
static uint64_t draw_memory(void)
{
	static const uint64_t borders[] = {2048, 2816, 3072, 3584, 4096};

	switch (draw(6)) {
	case 0:
		return 64 + draw(448);
	case 1:
		return borders[draw(5)] + draw(5) - 2;
	case 2:
		return 512 + draw(8192);
	case 3:
		return (UINT64_C(960) << 10) + draw(UINT64_C(64) << 10); /* where HyperTransport is */
	case 4:
		return (UINT64_C(8) << 10) + draw(UINT64_C(1) << 18);
	default:
		return (UINT64_C(256) << 10) + draw(UINT64_C(3) << 20); /* up to 3.25 TiB */
	}
}

/* Cores go to vnodes at random, in runs or one by one; some vnodes get none. */
static void draw_vcpus(struct vn_guest *guest)
{
	size_t n = guest->n_vnodes, with = 1 + draw(n), skip = draw(n);
	unsigned cores = 1 + (unsigned)draw(chance(20) ? 100 / guest->threads : 12),
		 run = 1 + (unsigned)draw(4);
	bool mixed = chance(50);

	guest->maxvcpus = cores * guest->threads;
	guest->vcpus = chance(60) ? guest->maxvcpus : 1 + (unsigned)draw(guest->maxvcpus);
	for (unsigned c = 0; c < cores; c++) {
		size_t v = (skip + (mixed ? draw(with) : c / run % with)) % n;
		hwloc_bitmap_set_range(guest->vnodes[v].vcpus, (int)(c * guest->threads),
			(int)((c + 1) * guest->threads) - 1);
	}
	if (chance(30) && cores % 2 == 0) {
		guest->topology.sockets = 2;
		guest->topology.dies = cores % 4 == 0 && chance(50) ? 2 : 0;
	}
}

/* MiB for each vnode: at random, but some for every one without vCPUs. */
static void draw_split(struct vn_guest *guest)
{
	uint64_t mib = guest->memory / VN_MIB, left = mib;
	size_t n = guest->n_vnodes;

	for (size_t v = 0; v < n; v++) {
		struct vn_vnode *vnode = &guest->vnodes[v];
		uint64_t part = v + 1 == n ? left : left > n ? draw(2 * left / (n - v)) : 0;
		uint64_t most = left - (n - v - 1);
		if (!hwloc_bitmap_iszero(vnode->vcpus) && v + 1 < n && chance(10))
			part = 0; /* a vnode of CPUs only */
		else if (part == 0)
			part = 1;
		part = part < most ? part : most;
		vnode->memory = part * VN_MIB;
		left -= part;
	}
	guest->memory = mib * VN_MIB;
	guest->maxmem = chance(30) ? guest->memory + (1 + draw(64 << 10)) * VN_MIB : guest->memory;
}

static void draw_distances(struct vn_guest *guest)
{
	bool asymmetric = chance(40);

	for (size_t i = 0; i < guest->n_vnodes; i++) {
		guest->vnodes[i].distances[i] = 10;
		for (size_t j = 0; j < i; j++) {
			guest->vnodes[i].distances[j] = 11 + (uint32_t)draw(chance(10) ? 245 : 40);
			guest->vnodes[j].distances[i] =
				asymmetric ? 11 + (uint32_t)draw(245) : guest->vnodes[i].distances[j];
		}
	}
}

/* A matrix from all vnodes with vCPUs to all, with a gap now and then. */
static void draw_matrix(const struct vn_guest *guest, unsigned hierarchy, enum vn_hmat_type type, bool whole,
	struct vn_hmat_matrix *m)
{
	uint64_t scale = chance(50) ? 10 : 1;

	*m = (struct vn_hmat_matrix){.type = type, .hierarchy = hierarchy, .n_targets = guest->n_vnodes};
	m->initiators = calloc(guest->n_vnodes, sizeof(*m->initiators));
	m->targets = calloc(guest->n_vnodes, sizeof(*m->targets));
	for (uint32_t v = 0; v < guest->n_vnodes; v++) {
		m->targets[v] = v;
		if (!hwloc_bitmap_iszero(guest->vnodes[v].vcpus))
			m->initiators[m->n_initiators++] = v;
	}
	m->values = calloc(m->n_initiators * m->n_targets, sizeof(*m->values));
	for (size_t i = 0; i < m->n_initiators * m->n_targets; i++) {
		if (i > 0 && !whole && chance(20))
			continue;
		m->values[i] = type < VN_HMAT_ACCESS_BANDWIDTH ? (1 + draw(500)) * scale * 1000
							       : (1 + draw(1000)) * 256 * scale;
	}
}

static void draw_caches(const struct vn_guest *guest, struct vn_hmat *hmat)
{
	hmat->caches = calloc(3 * guest->n_vnodes, sizeof(*hmat->caches));
	for (uint32_t v = 0; v < guest->n_vnodes; v++) {
		unsigned levels = (unsigned)draw(4);
		for (unsigned level = 1; level <= levels; level++)
			hmat->caches[hmat->n_caches++] = (struct vn_hmat_cache){.domain = v,
				.size = (level * 10 + draw(9)) << 20,
				.levels = levels,
				.level = level,
				.associativity = (unsigned)draw(3),
				.write_policy = (unsigned)draw(3),
				.line_size = 8u << draw(5)};
	}
}

/* QEMU wants latencies and bandwidths of a vnode before its caches. */
static void draw_hmat(struct vn_guest *guest)
{
	struct vn_hmat *hmat = calloc(1, sizeof(*hmat));
	bool caches = chance(50);

	hmat->matrices = calloc(24, sizeof(*hmat->matrices));
	for (unsigned hierarchy = 0; hierarchy < 4; hierarchy++) {
		for (unsigned type = 0; type < VN_HMAT_TYPES; type++) {
			bool first = hierarchy == 0 && type % 3 == 0;
			if (first || chance(hierarchy ? 5 : 30))
				draw_matrix(guest, hierarchy, (enum vn_hmat_type)type, first,
					&hmat->matrices[hmat->n_matrices++]);
		}
	}
	if (caches)
		draw_caches(guest, hmat);
	guest->hmat = hmat;
}

static struct sample draw_sample(unsigned seed)
{
	struct vn_guest *guest = vn_guest_new();
	struct sample sample = {guest, draw(2) ? VN_ACPI_Q35 : VN_ACPI_PC};

	state = seed * UINT64_C(7919);
	sample.machine = draw(2) ? VN_ACPI_Q35 : VN_ACPI_PC;
	guest->n_vnodes = 1 + draw(8);
	guest->vnodes = calloc(guest->n_vnodes, sizeof(*guest->vnodes));
	for (size_t v = 0; v < guest->n_vnodes; v++) {
		guest->vnodes[v].vcpus = hwloc_bitmap_alloc();
		guest->vnodes[v].distances = calloc(guest->n_vnodes, sizeof(uint32_t));
		guest->vnodes[v].home = -1;
	}
	guest->threads = chance(30) ? 2 + (unsigned)draw(2) : 1;
	guest->memory = draw_memory() * VN_MIB;
	draw_vcpus(guest);
	draw_split(guest);
	draw_distances(guest);
	if (chance(35))
		draw_hmat(guest);
	sample.amd =
		chance(50) && guest->threads == 1; /* QEMU has a word to say on threads of this AMD model */
	return sample;
}

/* ---- the same for QEMU ---- */

static void add_machine(const struct sample *sample, struct vn_argv *argv)
{
	const struct vn_guest *guest = sample->guest;
	struct vn_guest_topology t = vn_guest_sockets(guest);
	bool q35 = sample->machine == VN_ACPI_Q35;

	vn_argv_add(argv, "qemu-system-x86_64");
	vn_argv_add(argv, "-machine");
	vn_argv_add(argv, "%s,accel=tcg%s", q35 ? "q35" : "pc", guest->hmat ? ",hmat=on" : "");
	vn_argv_add(argv, "-cpu");
	vn_argv_add(argv, "qemu64,vendor=%s,phys-bits=46", sample->amd ? "AuthenticAMD" : "GenuineIntel");
	for (const char *const *word = (const char *const[]){"-nodefaults", "-no-user-config", "-display",
		     "none", "-S", "-qtest", "stdio", "-qtest-log", "none", "-net", "none", NULL};
		*word; word++)
		vn_argv_add(argv, "%s", *word);
	vn_argv_add(argv, "-m");
	if (guest->maxmem > guest->memory)
		vn_argv_add(argv, "size=%" PRIu64 "M,slots=16,maxmem=%" PRIu64 "M", guest->memory / VN_MIB,
			guest->maxmem / VN_MIB);
	else
		vn_argv_add(argv, "size=%" PRIu64 "M", guest->memory / VN_MIB);
	vn_argv_add(argv, "-smp");
	vn_argv_add(argv, "cpus=%u,maxcpus=%u,sockets=%u,dies=%u,cores=%u,threads=%u", guest->vcpus,
		guest->maxvcpus, t.sockets, t.dies, t.cores, guest->threads);
}

static void add_nodes(const struct vn_guest *guest, struct vn_argv *argv)
{
	struct vn_guest_topology t = vn_guest_sockets(guest);

	for (size_t v = 0; v < guest->n_vnodes; v++) {
		vn_autofree char *initiator =
			guest->hmat ? vn_format(",initiator=%d", vn_guest_initiator(guest, v)) : vn_copy("");
		if (guest->vnodes[v].memory) {
			vn_argv_add(argv, "-object");
			vn_argv_add(argv, "memory-backend-ram,id=m%zu,size=%" PRIu64 "M,reserve=off", v,
				guest->vnodes[v].memory / VN_MIB);
		}
		vn_argv_add(argv, "-numa");
		if (guest->vnodes[v].memory)
			vn_argv_add(argv, "node,nodeid=%zu,memdev=m%zu%s", v, v, initiator);
		else
			vn_argv_add(argv, "node,nodeid=%zu%s", v, initiator);
	}
	for (unsigned i = 0; i < guest->maxvcpus; i++) {
		unsigned core = i / guest->threads;
		vn_autofree char *die =
			t.dies > 1 ? vn_format(",die-id=%u", core / t.cores % t.dies) : vn_copy("");
		vn_argv_add(argv, "-numa");
		vn_argv_add(argv, "cpu,node-id=%d,socket-id=%u%s,core-id=%u,thread-id=%u",
			vn_guest_vnode_of(guest, i), core / t.cores / t.dies, die, core % t.cores,
			i % guest->threads);
	}
	for (size_t i = 0; i < guest->n_vnodes; i++) {
		for (size_t j = 0; j < guest->n_vnodes; j++) {
			vn_argv_add(argv, "-numa");
			vn_argv_add(argv, "dist,src=%zu,dst=%zu,val=%u", i, j, guest->vnodes[i].distances[j]);
		}
	}
}

static void add_hmat(const struct vn_hmat *hmat, struct vn_argv *argv)
{
	static const char *const levels[] = {"memory", "first-level", "second-level", "third-level"};
	static const char *const associativities[] = {"none", "direct", "complex"};
	static const char *const policies[] = {"none", "write-back", "write-through"};

	for (size_t m = 0; m < hmat->n_matrices; m++) {
		const struct vn_hmat_matrix *matrix = &hmat->matrices[m];
		bool latency = matrix->type < VN_HMAT_ACCESS_BANDWIDTH;
		for (size_t i = 0; i < matrix->n_initiators * matrix->n_targets; i++) {
			uint64_t value = matrix->values[i];
			if (value == VN_HMAT_UNKNOWN)
				continue;
			vn_argv_add(argv, "-numa");
			vn_argv_add(argv,
				"hmat-lb,initiator=%u,target=%u,hierarchy=%s,data-type=%s,%s=%" PRIu64 "%s",
				matrix->initiators[i / matrix->n_targets],
				matrix->targets[i % matrix->n_targets], levels[matrix->hierarchy],
				vn_hmat_type_text(matrix->type), latency ? "latency" : "bandwidth",
				latency ? value / 1000 : value, latency ? "" : "M");
		}
	}
	for (size_t i = 0; i < hmat->n_caches; i++) {
		const struct vn_hmat_cache *cache = &hmat->caches[i];
		vn_argv_add(argv, "-numa");
		vn_argv_add(argv,
			"hmat-cache,node-id=%u,size=%" PRIu64 ",level=%u,associativity=%s,policy=%s,line=%u",
			cache->domain, cache->size, cache->level, associativities[cache->associativity],
			policies[cache->write_policy], cache->line_size);
	}
}

/* ---- QEMU ---- */

struct qemu {
	pid_t pid;
	FILE *in, *out;
};

static struct qemu start(const struct vn_argv *argv)
{
	int in[2], out[2];
	struct qemu qemu = {0};

	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	qemu.pid = fork();
	assert_true(qemu.pid >= 0);
	if (qemu.pid == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		execvp(argv->v[0], argv->v);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	qemu.in = fdopen(in[1], "w");
	qemu.out = fdopen(out[0], "r");
	return qemu;
}

static void end(struct qemu *qemu)
{
	int status;

	kill(qemu->pid, SIGKILL);
	waitpid(qemu->pid, &status, 0);
	fclose(qemu->in);
	fclose(qemu->out);
}

/* Sends a command; its answer behind "OK", or NULL when QEMU is gone or refuses. */
__attribute__((format(printf, 2, 3))) static char *ask(struct qemu *qemu, const char *format, ...)
{
	static char *line; /* one QEMU at a time */
	static size_t room;
	va_list args;

	va_start(args, format);
	vfprintf(qemu->in, format, args);
	va_end(args);
	fputc('\n', qemu->in);
	fflush(qemu->in);
	do {
		if (getline(&line, &room, qemu->out) < 0) {
			free(line);
			line = NULL;
			return NULL;
		}
	} while (strncmp(line, "IRQ", 3) == 0);
	return strncmp(line, "OK", 2) == 0 ? line + 2 : NULL;
}

/* Has a file of fw_cfg put into the guest's memory, by its DMA interface (docs/specs/fw_cfg.rst). */
static bool fetch(struct qemu *qemu, unsigned key, size_t size)
{
	uint32_t control = key << 16 | 8 | 2;

	return ask(qemu, "write 0x%" PRIx64 " 16 0x%08x%08x%016" PRIx64, REQUEST, control, (unsigned)size,
		       BUFFER) &&
	       ask(qemu, "outl 0x514 0x0") && ask(qemu, "outl 0x518 0x%x", htobe32((uint32_t)REQUEST));
}

/* Reads what lies there. */
static bool peek(struct qemu *qemu, size_t at, size_t size, unsigned char *bytes)
{
	const char *digits = "0123456789abcdef";
	const char *answer = ask(qemu, "read 0x%" PRIx64 " 0x%zx", BUFFER + at, size);

	if (!answer || strncmp(answer, " 0x", 3) != 0 || strlen(answer) < 3 + 2 * size)
		return false;
	for (size_t i = 0; i < 2 * size; i++) {
		const char *digit = strchr(digits, answer[3 + i]);
		if (!digit)
			return false;
		bytes[i / 2] = (unsigned char)(bytes[i / 2] << 4 | (digit - digits));
	}
	return true;
}

/* The file etc/acpi/tables; its size, 0 when QEMU does not give it. */
static size_t fetch_tables(struct qemu *qemu)
{
	unsigned char count[4], entry[64];

	if (!fetch(qemu, FILE_DIR, 4 + 64 * sizeof(entry)) || !peek(qemu, 0, 4, count))
		return 0;
	size_t n = be32toh((uint32_t)read_number(count, 4));
	for (size_t i = 0; i < n && peek(qemu, 4 + sizeof(entry) * i, sizeof(entry), entry); i++) {
		size_t size = be32toh((uint32_t)read_number(entry, 4));
		unsigned key = be16toh((uint16_t)read_number(entry + 4, 2));
		if (strcmp((const char *)entry + 8, "etc/acpi/tables") == 0)
			return size <= MAX_FILE && fetch(qemu, key, size) ? size : 0;
	}
	return 0;
}

static bool read_theirs(const struct vn_argv *argv, struct read_tables *tables)
{
	vn_autofree unsigned char *bytes = malloc(MAX_FILE);
	struct qemu qemu = start(argv);
	size_t size = fetch_tables(&qemu);

	for (size_t at = 0; at + 8 <= size && peek(&qemu, at, 8, bytes);) {
		size_t length = read_number(bytes + 4, 4);
		if (length < 8 || length > size - at)
			break; /* what fills the file up */
		if (memcmp(bytes, "SRAT", 4) == 0 || memcmp(bytes, "SLIT", 4) == 0 ||
			memcmp(bytes, "HMAT", 4) == 0) {
			assert_true(peek(&qemu, at, length, bytes));
			read_table(bytes, length, false, tables);
		}
		at += length;
	}
	end(&qemu);
	return size > 0;
}

/* ---- comparing ---- */

static char *compare_srat(const struct read_tables *a, const struct read_tables *b)
{
	if (a->n_cpus != b->n_cpus || a->n_memory != b->n_memory)
		return vn_format("%zu CPUs, %zu ranges; QEMU has %zu, %zu", a->n_cpus, a->n_memory, b->n_cpus,
			b->n_memory);
	for (size_t i = 0; i < a->n_cpus; i++) {
		if (a->cpus[i].apic_id != b->cpus[i].apic_id || a->cpus[i].domain != b->cpus[i].domain ||
			a->cpus[i].x2apic != b->cpus[i].x2apic)
			return vn_format("CPU %zu has APIC id %u, domain %u; QEMU has %u, %u", i,
				a->cpus[i].apic_id, a->cpus[i].domain, b->cpus[i].apic_id, b->cpus[i].domain);
	}
	for (size_t i = 0; i < a->n_memory; i++) {
		const struct read_memory *m = &a->memory[i], *q = &b->memory[i];
		if (m->base != q->base || m->size != q->size || m->domain != q->domain ||
			m->flags != q->flags)
			return vn_format("range %zu is 0x%" PRIx64 " + 0x%" PRIx64
					 ", domain %u, flags %u; QEMU has 0x%" PRIx64 " + 0x%" PRIx64
					 ", %u, %u",
				i, m->base, m->size, m->domain, m->flags, q->base, q->size, q->domain,
				q->flags);
	}
	return NULL;
}

static char *compare_hmat(const struct read_tables *a, const struct read_tables *b)
{
	if (a->n_attached != b->n_attached || memcmp(a->attached, b->attached, sizeof(a->attached)) != 0)
		return vn_format("memory is attached to others than QEMU has it");
	for (size_t level = 0; level < 4; level++) {
		for (size_t type = 0; type < 6; type++) {
			for (size_t i = 0; i < READ_NODES * READ_NODES; i++) {
				uint64_t x = a->values[level][type][i / READ_NODES][i % READ_NODES];
				uint64_t y = b->values[level][type][i / READ_NODES][i % READ_NODES];
				if (x != y)
					return vn_format("level %zu, type %zu, %zu to %zu: %" PRIu64
							 "; QEMU has %" PRIu64,
						level, type, i / READ_NODES, i % READ_NODES, x, y);
			}
		}
	}
	if (a->n_caches != b->n_caches)
		return vn_format("%zu caches; QEMU has %zu", a->n_caches, b->n_caches);
	for (size_t i = 0; i < a->n_caches; i++) {
		if (a->caches[i].domain != b->caches[i].domain || a->caches[i].size != b->caches[i].size ||
			a->caches[i].attributes != b->caches[i].attributes)
			return vn_format("cache %zu: attributes 0x%x; QEMU has 0x%x", i,
				a->caches[i].attributes, b->caches[i].attributes);
	}
	return NULL;
}

static char *compare(const struct read_tables *ours, const struct read_tables *theirs)
{
	char *difference = compare_srat(ours, theirs);

	if (ours->problems || theirs->problems)
		return vn_format("%s", ours->problems ? ours->problem : theirs->problem);
	if (!difference && (ours->n_localities != theirs->n_localities ||
				   memcmp(ours->distances, theirs->distances, sizeof(ours->distances)) != 0))
		return vn_format("distances differ");
	return difference ? difference : compare_hmat(ours, theirs);
}

static bool try_one(unsigned seed, unsigned *with_hmat)
{
	struct sample sample = draw_sample(seed);
	struct read_tables *ours = calloc(1, sizeof(*ours)), *theirs = calloc(1, sizeof(*theirs));
	vn_autoacpioptions *options = vn_acpi_options_new();
	vn_autoargv argv = {0};
	vn_autoacpi *acpi = NULL;
	vn_autoerror err = {0};

	options->has_machine = true;
	options->machine = sample.machine;
	options->amd = sample.amd;
	assert_int_equal(vn_acpi_build(sample.guest, options, &acpi, &err), 0);
	const struct vn_acpi_table *const made[] = {&acpi->srat, &acpi->slit, &acpi->hmat};
	for (size_t i = 0; i < 3; i++) {
		if (made[i]->bytes)
			read_table(made[i]->bytes, made[i]->size, true, ours);
	}
	add_machine(&sample, &argv);
	add_nodes(sample.guest, &argv);
	if (sample.guest->hmat)
		add_hmat(sample.guest->hmat, &argv);
	*with_hmat += sample.guest->hmat != NULL;
	vn_autofree char *difference =
		read_theirs(&argv, theirs) ? compare(ours, theirs) : vn_format("QEMU refuses it");
	if (difference) {
		fprintf(stderr, "guest %u: %s\n", seed, difference);
		vn_argv_print(&argv, stderr);
	}
	free(ours);
	free(theirs);
	vn_guest_free(sample.guest);
	return !difference;
}

static unsigned number_of(const char *name, unsigned unset)
{
	uint64_t value = unset;

	if (getenv(name))
		assert_int_equal(vn_parse_u64(getenv(name), 1000000, &value), 0);
	return (unsigned)value;
}

static void same_as_qemu(void **unused)
{
	unsigned n = number_of("VNUMA_ACPI_GUESTS", 60), first = number_of("VNUMA_ACPI_FIRST", 1), bad = 0,
		 with_hmat = 0;

	(void)unused;
	if (system("command -v qemu-system-x86_64 >/dev/null") != 0)
		skip();
	signal(SIGPIPE, SIG_IGN);
	for (unsigned i = 0; i < n && bad < 5; i++)
		bad += !try_one(first + i, &with_hmat);
	printf("# %u guests, %u of them with an HMAT\n", n, with_hmat);
	assert_int_equal(bad, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(same_as_qemu)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
