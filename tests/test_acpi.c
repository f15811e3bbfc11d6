/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The ACPI tables: small ones byte for byte, by the specification's words; large ones read back by tests/acpi_read.h; limits, and what
 * is refused. That iasl takes them is asked here, too, where it is installed. What QEMU builds is in test_acpi_oracle.c.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <limits.h>
#include <unistd.h>

#include "../include/vnuma.h"
#include "../src/acpi/acpi.h"
#include "../src/acpi/apic_id.h"
#include "../src/base/text.h"
#include "../src/model/guest_initiator.h"
#include "../src/model/guest_sockets.h"
#include "acpi_read.h"

#define GIB (UINT64_C(1) << 30)

/* ---- guests ---- */

/* `n` vnodes of `memory` bytes each and `vcpus` vCPUs each in turn, 10 and 20 apart. */
static struct vn_guest *guest_of(size_t n, uint64_t memory, unsigned vcpus)
{
	struct vn_guest *guest = vn_guest_new();

	guest->name = vn_copy("t");
	guest->n_vnodes = n;
	guest->vnodes = calloc(n + 1, sizeof(*guest->vnodes));
	guest->vcpus = guest->maxvcpus = (unsigned)n * vcpus;
	guest->memory = guest->maxmem = n * memory;
	for (size_t v = 0; v < n; v++) {
		struct vn_vnode *vnode = &guest->vnodes[v];
		vnode->memory = memory;
		vnode->vcpus = hwloc_bitmap_alloc();
		vnode->distances = calloc(n, sizeof(*vnode->distances));
		for (size_t w = 0; w < n; w++)
			vnode->distances[w] = v == w ? 10 : 20;
		if (vcpus)
			hwloc_bitmap_set_range(vnode->vcpus, (int)(v * vcpus), (int)((v + 1) * vcpus) - 1);
	}
	return guest;
}

/* A matrix of all vnodes with all, each figure 0. */
static struct vn_hmat_matrix *add_matrix(struct vn_guest *guest, enum vn_hmat_type type, unsigned hierarchy)
{
	size_t n = guest->n_vnodes;

	if (!guest->hmat) {
		guest->hmat = calloc(1, sizeof(*guest->hmat));
		guest->hmat->matrices = calloc(8, sizeof(*guest->hmat->matrices));
		guest->hmat->caches = calloc(8, sizeof(*guest->hmat->caches));
	}
	struct vn_hmat_matrix *m = &guest->hmat->matrices[guest->hmat->n_matrices++];
	*m = (struct vn_hmat_matrix){.type = type, .hierarchy = hierarchy, .n_initiators = n, .n_targets = n};
	m->initiators = calloc(n, sizeof(*m->initiators));
	m->targets = calloc(n, sizeof(*m->targets));
	m->values = calloc(n * n, sizeof(*m->values));
	for (uint32_t v = 0; v < n; v++)
		m->initiators[v] = m->targets[v] = v;
	return m;
}

static struct vn_acpi *build(const struct vn_guest *guest, const struct vn_acpi_options *options)
{
	struct vn_acpi_options *defaults = vn_acpi_options_new();
	struct vn_acpi *acpi = NULL;
	vn_autoerror err = {0};

	int r = vn_acpi_build(guest, options ? options : defaults, &acpi, &err);
	if (r < 0 && err.n)
		print_error("%s\n", err.problems[0].text);
	assert_int_equal(r, 0);
	assert_int_equal(err.n, 0);
	vn_acpi_options_free(defaults);
	return acpi;
}

static struct read_tables *read_all(const struct vn_acpi *acpi)
{
	struct read_tables *tables = calloc(1, sizeof(*tables));
	const struct vn_acpi_table *const made[] = {&acpi->srat, &acpi->slit, &acpi->hmat};

	for (size_t i = 0; i < 3; i++) {
		if (made[i]->bytes)
			read_table(made[i]->bytes, made[i]->size, true, tables);
	}
	if (tables->problems)
		print_error("%s\n", tables->problem);
	assert_int_equal(tables->problems, 0);
	return tables;
}

/* Refused, with `n` problems, whose keys begin with those given, in this order. */
static void refused(const struct vn_guest *guest, const struct vn_acpi_options *options, size_t n,
	const char *const *keys)
{
	struct vn_acpi_options *defaults = vn_acpi_options_new();
	struct vn_acpi *acpi = NULL;
	vn_autoerror err = {0};

	assert_int_equal(vn_acpi_build(guest, options ? options : defaults, &acpi, &err), -EINVAL);
	assert_null(acpi);
	assert_int_equal(err.n, n);
	assert_true(err.input);
	for (size_t i = 0; i < n; i++)
		assert_string_equal(err.problems[i].key, keys[i]);
	vn_acpi_options_free(defaults);
}

#define REFUSED(guest, options, ...)                                                                         \
	refused(guest, options, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *),                 \
		(const char *const[]){__VA_ARGS__})

/* ---- byte for byte ---- */

static void assert_bytes(const struct vn_acpi_table *table, const unsigned char *expected, size_t size)
{
	assert_int_equal(table->size, size);
	assert_memory_equal(table->bytes, expected, size);
}

#define HEADER(a, b, c, d, length, revision, checksum)                                                       \
	a, b, c, d, length, 0, 0, 0, revision, checksum, 'V', 'N', 'U', 'M', 'A', ' ', 'G', 'U', 'E', 'S',   \
		'T', ' ', ' ', ' ', 1, 0, 0, 0, 'V', 'N', 'U', 'M', 1, 0, 0, 0

/* A vnode with a vCPU and 64 MiB: in two pieces around the hole below 1 MiB. */
static void smallest_srat(void **unused)
{
	static const unsigned char srat[] = {HEADER('S', 'R', 'A', 'T', 144, 3, 0xe9), 1, 0, 0, 0, 0, 0, 0, 0,
		0, 0, 0, 0,
		/* CPU */ 0, 16, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		/* 0 to 640 KiB */ 1, 40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x0a, 0, 0, 0, 0, 0,
		0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		/* 1 to 64 MiB */ 1, 40, 0, 0, 0, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0, 0, 0xf0, 3, 0, 0, 0,
		0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
	struct vn_guest *guest = guest_of(1, 64 * VN_MIB, 1);
	struct vn_acpi *acpi = build(guest, NULL);

	(void)unused;
	assert_bytes(&acpi->srat, srat, sizeof(srat));
	vn_acpi_free(acpi);
	vn_guest_free(guest);
}

static void smallest_slit(void **unused)
{
	static const unsigned char slit[] = {
		HEADER('S', 'L', 'I', 'T', 48, 1, 0x86), 2, 0, 0, 0, 0, 0, 0, 0, 10, 33, 255, 10};
	struct vn_guest *guest = guest_of(2, 64 * VN_MIB, 1);

	(void)unused;
	guest->vnodes[0].distances[1] = 33;
	guest->vnodes[1].distances[0] = 255;
	struct vn_acpi *acpi = build(guest, NULL);
	assert_bytes(&acpi->slit, slit, sizeof(slit));
	assert_null(acpi->hmat.bytes);
	vn_acpi_free(acpi);
	vn_guest_free(guest);
}

/* 80 ns, and a cache of 1 MiB, direct-mapped, write-through, with lines of 64 bytes. */
static void smallest_hmat(void **unused)
{
	static const unsigned char hmat[] = {HEADER('H', 'M', 'A', 'T', 154, 2, 0xaf), 0, 0, 0, 0,
		/* memory */ 0, 0, 0, 0, 40, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		/* access latency */ 1, 0, 0, 0, 42, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0,
		0x80, 0x38, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0,
		/* cache */ 2, 0, 0, 0, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0x11,
		0x21, 64, 0, 0, 0, 0, 0};
	struct vn_guest *guest = guest_of(1, 64 * VN_MIB, 1);

	(void)unused;
	add_matrix(guest, VN_HMAT_ACCESS_LATENCY, 0)->values[0] = 80000;
	guest->hmat->caches[guest->hmat->n_caches++] = (struct vn_hmat_cache){.size = 1 << 20,
		.levels = 1,
		.level = 1,
		.associativity = 1,
		.write_policy = 2,
		.line_size = 64};
	struct vn_acpi *acpi = build(guest, NULL);
	assert_bytes(&acpi->hmat, hmat, sizeof(hmat));
	vn_acpi_free(acpi);
	vn_guest_free(guest);
}

/* A generic initiator: 10:1f.7 of segment 2 on vnode 1, between CPUs and memory. */
static void initiator_bytes(void **unused)
{
	static const unsigned char entry[] = {5, 32, 0, 1, 1, 0, 0, 0, 2, 0, 0x10, 0xff, 0, 0, 0, 0, 0, 0, 0,
		0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0};
	struct vn_guest *guest = guest_of(2, 64 * VN_MIB, 1);
	vn_autoacpioptions *options = vn_acpi_options_new();

	(void)unused;
	assert_int_equal(vn_acpi_options_add_initiator(options, "0002:10:1f.7", 1), 0);
	struct vn_acpi *acpi = build(guest, options);
	assert_memory_equal(acpi->srat.bytes + 48 + 2 * 16, entry, sizeof(entry));
	struct read_tables *tables = read_all(acpi);
	assert_int_equal(tables->n_initiators, 1);
	free(tables);
	vn_acpi_free(acpi);
	vn_guest_free(guest);
}

static void own_oem(void **unused)
{
	struct vn_guest *guest = guest_of(1, 64 * VN_MIB, 1);
	vn_autoacpioptions *options = vn_acpi_options_new();

	(void)unused;
	assert_int_equal(vn_acpi_options_set_oem(options, "ABCDEF", "12345678", 0x01020304), 0);
	assert_int_equal(vn_acpi_options_set_oem(options, "ABCDEFG", "1", 1), -EINVAL);
	assert_int_equal(vn_acpi_options_set_oem(options, "A", "123456789", 1), -EINVAL);
	assert_int_equal(vn_acpi_options_set_oem(options, "A\n", "1", 1), -EINVAL);
	struct vn_acpi *acpi = build(guest, options);
	assert_memory_equal(acpi->slit.bytes + 10, "ABCDEF12345678\4\3\2\1VNUM", 22);
	free(read_all(acpi)); /* the checksum is that of these bytes */
	vn_acpi_free(acpi);
	vn_guest_free(guest);
}

/* ---- layouts ---- */

static void layouts_of_qemu(void **unused)
{
	static const struct {
		enum vn_acpi_machine machine;
		uint64_t mib, low_mib;
	} cases[] = {{VN_ACPI_Q35, 2815, 2816}, {VN_ACPI_Q35, 2816, 2048}, {VN_ACPI_PC, 3583, 3584},
		{VN_ACPI_PC, 3584, 3072}};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct vn_acpi_layout layout = vn_acpi_layout_qemu(cases[i].machine, cases[i].mib * VN_MIB);
		assert_int_equal(layout.low_end, cases[i].low_mib * VN_MIB);
		assert_int_equal(layout.high_start, 4 * GIB);
	}
}

static void assert_range(const struct vn_acpi *acpi, size_t i, uint64_t base, uint64_t size, unsigned vnode)
{
	assert_true(i < acpi->n_ranges);
	assert_int_equal(acpi->ranges[i].base, base);
	assert_int_equal(acpi->ranges[i].size, size);
	assert_int_equal(acpi->ranges[i].vnode, vnode);
}

/* One vnode ends where the holes begin, one is cut by them; what is plugged in comes behind the next GiB. */
static void holes_cut(void **unused)
{
	struct vn_guest *guest = guest_of(3, GIB, 1);
	vn_autoacpioptions *options = vn_acpi_options_new();

	(void)unused;
	guest->maxmem = guest->memory + 512 * VN_MIB;
	assert_int_equal(vn_acpi_options_set_memory(options, GIB + 256 * VN_MIB, 8 * GIB + VN_MIB), 0);
	struct vn_acpi *acpi = build(guest, options);
	assert_int_equal(acpi->n_ranges, 6);
	assert_range(acpi, 0, 0, 640 << 10, 0);
	assert_range(acpi, 1, VN_MIB, GIB - VN_MIB, 0);
	assert_range(acpi, 2, GIB, 256 * VN_MIB, 1);
	assert_range(acpi, 3, 8 * GIB + VN_MIB, 768 * VN_MIB, 1);
	assert_range(acpi, 4, 8 * GIB + 769 * VN_MIB, GIB, 2);
	assert_range(acpi, 5, 10 * GIB, 512 * VN_MIB, 2);
	assert_true(acpi->ranges[5].plug);
	struct read_tables *tables = read_all(acpi);
	assert_int_equal(tables->memory[5].flags, 3);
	free(tables);
	vn_acpi_free(acpi);
	/* a machine without the hole at 4 GiB */
	assert_int_equal(vn_acpi_options_set_memory(options, 4 * GIB, 4 * GIB), 0);
	acpi = build(guest, options);
	assert_range(acpi, 3, 2 * GIB, GIB, 2);
	vn_acpi_free(acpi);
	vn_guest_free(guest);
}

/* Memory devices hold a part of a vnode, or all of it: it is not there at start. */
static void plugged_memory(void **unused)
{
	struct vn_guest *guest = guest_of(2, GIB, 1);

	(void)unused;
	guest->vnodes[0].plugged = 256 * VN_MIB;
	guest->vnodes[1].plugged = GIB;
	hwloc_bitmap_zero(guest->vnodes[1].vcpus);
	guest->vcpus = guest->maxvcpus = 1;
	guest->maxmem = 3 * GIB;
	struct vn_acpi *acpi = build(guest, NULL);
	assert_int_equal(acpi->n_ranges, 3);
	assert_range(acpi, 1, VN_MIB, 767 * VN_MIB, 0);
	assert_range(acpi, 2, 4 * GIB, 3 * GIB - 768 * VN_MIB + 16 * GIB, 1);
	assert_int_equal(acpi->notes.n, 1);
	assert_string_equal(acpi->notes.v[0].code, "acpi-plugged");
	vn_acpi_free(acpi);
	vn_guest_free(guest);
}

static void layouts_refused(void **unused)
{
	struct vn_guest *guest = guest_of(1, GIB, 1);
	vn_autoacpioptions *options = vn_acpi_options_new();
	struct vn_acpi_options before = *options;

	(void)unused;
	assert_int_equal(vn_acpi_options_set_memory(options, 2 * GIB, GIB), -EINVAL);
	assert_int_equal(vn_acpi_options_set_memory(options, 5 * GIB, 6 * GIB), -EINVAL);
	assert_int_equal(vn_acpi_options_set_memory(options, 0, 4 * GIB), -EINVAL);
	assert_int_equal(vn_acpi_options_set_memory(options, GIB + 1, 4 * GIB), -EINVAL);
	assert_int_equal(vn_acpi_options_set_memory(options, GIB, UINT64_MAX), -EINVAL);
	assert_int_equal(vn_acpi_options_set_machine(options, "microvm"), -EINVAL);
	assert_memory_equal(options, &before, sizeof(before));
	options->has_layout = true;
	options->layout = vn_acpi_layout_own(2 * GIB + 1, GIB + 1); /* three things at once */
	REFUSED(guest, options, "low_end", "high_start", "high_start");
	options->layout = vn_acpi_layout_own(GIB, 4 * GIB);
	options->layout.hole_end = 2 * GIB;
	options->layout.plug_align = 3;
	REFUSED(guest, options, "hole", "plug");
	guest->vnodes[0].memory = guest->memory = guest->maxmem = 2 * GIB;
	options->layout = vn_acpi_layout_own(GIB, VN_ACPI_ADDRESS_MAX);
	REFUSED(guest, options, "memory");
	vn_guest_free(guest);
}

/* ---- CPUs ---- */

static void apic_ids(void **unused)
{
	const struct vn_guest_topology even = {4, 1, 1, 2}, odd = {2, 3, 1, 3};

	(void)unused;
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(vn_acpi_apic_id(&even, 1, i), i);
	/* threads 3: 2 bits; cores 3: 2; dies 3: 2 */
	assert_int_equal(vn_acpi_apic_id(&odd, 3, 2), 2);
	assert_int_equal(vn_acpi_apic_id(&odd, 3, 3), 4);
	assert_int_equal(vn_acpi_apic_id(&odd, 3, 9), 16);
	assert_int_equal(vn_acpi_apic_id(&odd, 3, 27), 64);
	assert_int_equal(vn_acpi_apic_id(&odd, 3, 53), 64 + 32 + 8 + 2);
}

static void assert_sockets(const struct vn_guest *guest, unsigned sockets, unsigned dies, unsigned cores)
{
	struct vn_guest_topology t = vn_guest_sockets(guest);

	assert_int_equal(t.sockets, sockets);
	assert_int_equal(t.dies, dies);
	assert_int_equal(t.clusters, 1);
	assert_int_equal(t.cores, cores);
}

static void sockets(void **unused)
{
	struct vn_guest *guest = guest_of(2, GIB, 12);

	(void)unused;
	assert_sockets(guest, 2, 1, 12);
	guest->threads = 2;
	assert_sockets(guest, 2, 1, 6);
	guest->topology = (struct vn_guest_topology){.sockets = 4};
	assert_sockets(guest, 4, 1, 3);
	guest->topology = (struct vn_guest_topology){.cores = 2, .dies = 3};
	assert_sockets(guest, 2, 3, 2);
	guest->topology = (struct vn_guest_topology){.sockets = 1, .clusters = 2};
	assert_sockets(guest, 1, 1, 12);
	/* what does not make 24 vCPUs */
	guest->topology = (struct vn_guest_topology){.sockets = 5};
	assert_sockets(guest, 2, 1, 6);
	guest->topology = (struct vn_guest_topology){.sockets = 2, .cores = 2};
	assert_sockets(guest, 2, 1, 6);
	guest->topology = (struct vn_guest_topology){UINT_MAX, UINT_MAX, UINT_MAX, UINT_MAX};
	assert_sockets(guest, 2, 1, 6);
	guest->topology = (struct vn_guest_topology){.dies = 2};
	assert_sockets(guest, 2, 1, 6);
	vn_guest_free(guest);
}

/* 1024 vCPUs: from id 255 on as x2APIC. */
static void many_cpus(void **unused)
{
	struct vn_guest *guest = guest_of(4, GIB, 256);
	struct vn_acpi *acpi = build(guest, NULL);
	struct read_tables *tables = read_all(acpi);

	(void)unused;
	assert_int_equal(tables->n_cpus, 1024);
	for (uint32_t i = 0; i < 1024; i++) {
		assert_int_equal(tables->cpus[i].apic_id, i);
		assert_int_equal(tables->cpus[i].domain, i / 256);
		assert_int_equal(tables->cpus[i].x2apic, i >= 255);
	}
	free(tables);
	vn_acpi_free(acpi);
	vn_guest_free(guest);
}

/* vCPUs 0 and 3 on vnode 2, 1 and 2 on vnode 0; vnode 1 has none. */
static struct vn_guest *crossed(void)
{
	struct vn_guest *guest = guest_of(3, GIB, 0);

	guest->vcpus = 2;
	guest->maxvcpus = 4; /* those that come later are told, too */
	hwloc_bitmap_set(guest->vnodes[2].vcpus, 0);
	hwloc_bitmap_set(guest->vnodes[2].vcpus, 3);
	hwloc_bitmap_set_range(guest->vnodes[0].vcpus, 1, 2);
	return guest;
}

static void orders(void **unused)
{
	static const uint32_t by_vcpu[] = {2, 0, 0, 2}, by_vnode[] = {0, 0, 2, 2}, ids[] = {1, 2, 0, 3};
	vn_autoacpioptions *options = vn_acpi_options_new();
	struct vn_guest *guest = crossed();
	struct vn_acpi *acpi = build(guest, options);
	struct read_tables *tables = read_all(acpi);

	(void)unused;
	assert_int_equal(tables->n_cpus, 4);
	for (uint32_t i = 0; i < 4; i++) {
		assert_int_equal(tables->cpus[i].apic_id, i);
		assert_int_equal(tables->cpus[i].domain, by_vcpu[i]);
	}
	assert_int_equal(acpi->nodes[2], 0);
	assert_int_equal(acpi->nodes[0], 1);
	assert_int_equal(acpi->nodes[1], 2);
	assert_int_equal(acpi->notes.n, 0);
	free(tables);
	vn_acpi_free(acpi);
	vn_acpi_options_set_vnode_order(options, 1);
	acpi = build(guest, options);
	tables = read_all(acpi);
	for (uint32_t i = 0; i < 4; i++) {
		assert_int_equal(tables->cpus[i].apic_id, ids[i]);
		assert_int_equal(tables->cpus[i].domain, by_vnode[i]);
	}
	assert_int_equal(acpi->nodes[0], 0);
	assert_int_equal(acpi->nodes[1], 2); /* memory comes after CPUs, whatever the order */
	assert_int_equal(acpi->nodes[2], 1);
	assert_string_equal(acpi->notes.v[0].code, "acpi-node-order");
	free(tables);
	vn_acpi_free(acpi);
	/* a generic initiator is met before memory */
	guest->vnodes[1].memory = 0;
	assert_int_equal(vn_acpi_options_add_initiator(options, "0000:00:01.0", 1), 0);
	acpi = build(guest, options);
	assert_int_equal(acpi->nodes[1], 2);
	vn_acpi_free(acpi);
	vn_guest_free(guest);
}

/* ---- HMAT ---- */

/* Figures are told to the last digit wherever 16 bits can, whatever they have in common. */
static void figures_exact(void **unused)
{
	struct vn_guest *guest = guest_of(2, GIB, 1);
	struct vn_hmat_matrix *m = add_matrix(guest, VN_HMAT_READ_LATENCY, 0);

	(void)unused;
	m->values[0] = 7 * 1234567;
	m->values[1] = UINT64_C(65534) * 1234567;
	m->values[2] = VN_HMAT_UNREACHABLE;
	m->values[3] = VN_HMAT_UNKNOWN;
	m = add_matrix(guest, VN_HMAT_WRITE_BANDWIDTH, 2);
	m->n_initiators = 1;
	m->initiators[0] = 1;
	m->values[0] = 1;
	m->values[1] = 65534;
	m = add_matrix(guest, VN_HMAT_WRITE_BANDWIDTH, 2); /* the other row, said apart */
	m->n_initiators = 1;
	m->n_targets = 1;
	m->values[0] = 4;
	add_matrix(guest, VN_HMAT_ACCESS_LATENCY, 0); /* nothing is known: no structure */
	struct vn_acpi *acpi = build(guest, NULL);
	struct read_tables *tables = read_all(acpi);
	assert_int_equal(acpi->notes.n, 0);
	assert_int_equal(tables->values[0][1][0][0], 7 * 1234567);
	assert_int_equal(tables->values[0][1][0][1], UINT64_C(65534) * 1234567);
	assert_true(tables->values[0][1][1][0] == UINT64_MAX);
	assert_int_equal(tables->values[0][1][1][1], 0);
	assert_int_equal(tables->values[2][5][1][0], 1);
	assert_int_equal(tables->values[2][5][1][1], 65534);
	assert_int_equal(tables->values[2][5][0][0], 4);
	assert_false(tables->has[0][0]);
	assert_int_equal(tables->n_attached, 2);
	free(tables);
	vn_acpi_free(acpi);
	vn_guest_free(guest);
}

static void figures_rounded(void **unused)
{
	struct vn_guest *guest = guest_of(2, GIB, 1);
	struct vn_hmat_matrix *m = add_matrix(guest, VN_HMAT_ACCESS_BANDWIDTH, 0);

	(void)unused;
	m->values[0] = 1; /* not 0, which would be "not known" */
	m->values[1] = 65535;
	m->values[2] = 3;
	m->values[3] = 2;
	struct vn_acpi *acpi = build(guest, NULL);
	struct read_tables *tables = read_all(acpi);
	assert_int_equal(tables->values[0][3][0][0], 2);
	assert_int_equal(tables->values[0][3][0][1], 65536);
	assert_int_equal(tables->values[0][3][1][0], 4);
	assert_int_equal(tables->values[0][3][1][1], 2);
	assert_int_equal(acpi->notes.n, 1);
	assert_string_equal(acpi->notes.v[0].code, "acpi-hmat-rounded");
	free(tables);
	vn_acpi_free(acpi);
	/* the largest there may be */
	m->values[0] = VN_HMAT_MAX;
	m->values[1] = VN_HMAT_MAX - 1;
	acpi = build(guest, NULL);
	tables = read_all(acpi);
	assert_true(tables->values[0][3][0][0] / 100 - VN_HMAT_MAX / 100 < VN_HMAT_MAX / 100 / 65534 + 1);
	free(tables);
	vn_acpi_free(acpi);
	/* nothing but what cannot be reached */
	for (size_t i = 0; i < 4; i++)
		m->values[i] = VN_HMAT_UNREACHABLE;
	acpi = build(guest, NULL);
	tables = read_all(acpi);
	assert_true(tables->values[0][3][1][1] == UINT64_MAX);
	free(tables);
	vn_acpi_free(acpi);
	vn_guest_free(guest);
}

static void initiators(void **unused)
{
	struct vn_guest *guest = guest_of(3, GIB, 1);

	(void)unused;
	hwloc_bitmap_zero(guest->vnodes[1].vcpus);
	assert_int_equal(vn_guest_initiator(guest, 0), 0);
	assert_int_equal(vn_guest_initiator(guest, 1), 0); /* as far from 2 */
	guest->vnodes[2].distances[1] = 15;
	assert_int_equal(vn_guest_initiator(guest, 1), 2);
	struct vn_hmat_matrix *bandwidth = add_matrix(guest, VN_HMAT_READ_BANDWIDTH, 0);
	bandwidth->values[0 * 3 + 1] = 2000;
	bandwidth->values[2 * 3 + 1] = 1000;
	assert_int_equal(vn_guest_initiator(guest, 1), 0);
	struct vn_hmat_matrix *cache = add_matrix(guest, VN_HMAT_READ_LATENCY, 1);
	cache->values[2 * 3 + 1] = 1; /* of the cache in front: does not count */
	assert_int_equal(vn_guest_initiator(guest, 1), 0);
	struct vn_hmat_matrix *latency = add_matrix(guest, VN_HMAT_READ_LATENCY, 0);
	latency->values[0 * 3 + 1] = VN_HMAT_UNREACHABLE;
	latency->values[2 * 3 + 1] = 300000;
	assert_int_equal(vn_guest_initiator(guest, 1), 2);
	struct vn_acpi *acpi = build(guest, NULL);
	struct read_tables *tables = read_all(acpi);
	assert_int_equal(tables->attached[0], 0);
	assert_int_equal(tables->attached[1], 2);
	assert_int_equal(tables->attached[2], 2);
	free(tables);
	vn_acpi_free(acpi);
	vn_guest_free(guest);
	guest = guest_of(2, GIB, 0);
	assert_int_equal(vn_guest_initiator(guest, 0), -1);
	vn_guest_free(guest);
}

static void hmat_refused(void **unused)
{
	struct vn_guest *guest = guest_of(2, GIB, 1);
	struct vn_hmat_matrix *m = add_matrix(guest, VN_HMAT_ACCESS_LATENCY, 4);

	(void)unused;
	m->initiators[0] = 2;
	m->targets[1] = UINT32_MAX;
	REFUSED(guest, NULL, "hmat", "hmat", "hmat");
	guest->hmat->caches[guest->hmat->n_caches++] = (struct vn_hmat_cache){
		.domain = 7, .levels = 1, .level = 2, .associativity = 3, .line_size = 1 << 16};
	REFUSED(guest, NULL, "hmat", "hmat", "hmat", "hmat", "hmat", "hmat");
	vn_guest_free(guest);
}

/* ---- limits ---- */

static void most_of_all(void **unused)
{
	struct vn_guest *guest = guest_of(32, UINT64_C(2) << 40, 32); /* 64 TiB, 1024 vCPUs */

	(void)unused;
	guest->maxmem = VN_MAX_MEMORY;
	struct vn_acpi *acpi = build(guest, NULL);
	struct read_tables *tables = read_all(acpi);
	assert_int_equal(tables->n_localities, 32);
	assert_int_equal(tables->n_cpus, 1024);
	uint64_t sum = 384 << 10;
	for (size_t i = 0; i < tables->n_memory; i++) {
		sum += tables->memory[i].size;
		assert_true(i == 0 || tables->memory[i].base >=
					      tables->memory[i - 1].base + tables->memory[i - 1].size);
	}
	assert_int_equal(sum, VN_MAX_MEMORY);
	assert_int_equal(acpi->notes.n, 1);
	assert_string_equal(acpi->notes.v[0].code, "acpi-amd-hole");
	free(tables);
	vn_acpi_free(acpi);
	vn_guest_free(guest);
}

static void guests_refused(void **unused)
{
	struct vn_guest *guest = guest_of(0, GIB, 0);

	(void)unused;
	REFUSED(guest, NULL, "vnodes");
	vn_guest_free(guest);
	guest = guest_of(33, GIB, 1);
	REFUSED(guest, NULL, "vnodes");
	vn_guest_free(guest);
	guest = guest_of(1, 0, 1);
	guest->guest_numa = VN_GUEST_NUMA_OFF;
	REFUSED(guest, NULL, "guest_numa", "memory");
	vn_guest_free(guest);
	guest = guest_of(2, GIB, 1);
	vn_autoacpioptions *options = vn_acpi_options_new();
	assert_int_equal(vn_acpi_options_add_initiator(options, "0000:00:01.0", 2), 0);
	assert_int_equal(vn_acpi_options_add_initiator(options, "0000:00:01.0", 32), -EINVAL);
	assert_int_equal(vn_acpi_options_add_initiator(options, "10000:00:01.0", 0), -EINVAL);
	assert_int_equal(vn_acpi_options_add_initiator(options, "0000:00:20.0", 0), -EINVAL);
	assert_int_equal(vn_acpi_options_add_initiator(options, "0000:00:01.8", 0), -EINVAL);
	assert_int_equal(vn_acpi_options_add_initiator(options, "00:01.0", 0), -EINVAL);
	REFUSED(guest, options, "initiator");
	for (unsigned i = 1; i < VN_ACPI_MAX_INITIATORS; i++)
		assert_int_equal(vn_acpi_options_add_initiator(options, "0000:00:01.0", 0), 0);
	assert_int_equal(vn_acpi_options_add_initiator(options, "0000:00:01.0", 0), -E2BIG);
	vn_guest_free(guest);
}

/* ---- the library's calls ---- */

static void of_a_draft(void **unused)
{
	const unsigned vcpus[] = {0, 1};
	struct vn_guest *guest = vn_guest_new();
	struct vn_error *err = vn_error_new();
	struct vn_acpi *acpi = NULL;
	size_t size = 0;

	(void)unused;
	assert_int_equal(vn_guest_set_name(guest, "draft"), 0);
	assert_int_equal(vn_guest_set_memory(guest, 512 * VN_MIB), 0);
	assert_int_equal(vn_guest_set_vcpus(guest, 2), 0);
	assert_int_equal(vn_acpi_of_guest(guest, NULL, &acpi, err), -EINVAL); /* its vnodes are left open */
	assert_int_equal(vn_error_count(err), 1);
	assert_string_equal(vn_error_key(err, 0), "vnodes");
	assert_int_equal(vn_guest_add_vnode(guest, 256 * VN_MIB, NULL, 0, -1), 0);
	assert_int_equal(vn_guest_add_vnode(guest, 256 * VN_MIB, vcpus, 2, -1), 1);
	assert_int_equal(vn_acpi_of_guest(guest, NULL, &acpi, NULL), 0);
	assert_int_equal(vn_acpi_vnode_node(acpi, 0), 1);
	assert_int_equal(vn_acpi_vnode_node(acpi, 1), 0);
	assert_int_equal(vn_acpi_vnode_node(acpi, 2), -ERANGE);
	assert_int_equal(vn_acpi_range_count(acpi), 3);
	assert_int_equal(vn_acpi_range_base(acpi, 1), VN_MIB);
	assert_int_equal(vn_acpi_range_size(acpi, 2), 256 * VN_MIB);
	assert_int_equal(vn_acpi_range_vnode(acpi, 2), 1);
	assert_int_equal(vn_acpi_range_is_pluggable(acpi, 2), 0);
	assert_int_equal(vn_acpi_range_base(acpi, 3), -ERANGE);
	assert_int_equal(vn_acpi_note_count(acpi), 0);
	assert_null(vn_acpi_note_text(acpi, 0));
	assert_memory_equal(vn_acpi_table(acpi, "SRAT", &size), "SRAT", 4);
	assert_int_equal(size, 48 + 2 * 16 + 3 * 40);
	assert_null(vn_acpi_table(acpi, "HMAT", &size));
	assert_null(vn_acpi_table(acpi, "DSDT", &size));
	vn_acpi_free(acpi);
	vn_acpi_free(NULL);
	vn_acpi_options_free(NULL);
	vn_guest_free(guest);
	vn_error_free(err);
}

/* Vnodes left open are those that planning made, on a host of two nodes that have room for half of it each. */
static void of_a_plan(void **unused)
{
	vn_autofree char *source =
		vn_format("numactl:%s/lab/shapes/two-nodes.txt", getenv("SRCDIR") ? getenv("SRCDIR") : ".");
	struct vn_host *host = NULL;
	struct vn_plan *plan = NULL;
	struct vn_acpi *acpi = NULL;
	struct vn_guest *guest = vn_guest_new();

	(void)unused;
	assert_int_equal(vn_host_open(source, &host, NULL), 0);
	int64_t half = vn_host_node_memory_free(host, 0) / (int64_t)VN_MIB * (int64_t)VN_MIB;
	assert_int_equal(vn_guest_set_name(guest, "open"), 0);
	assert_int_equal(vn_guest_set_memory(guest, (uint64_t)half + 16 * VN_MIB), 0);
	assert_int_equal(vn_guest_set_vcpus(guest, 4), 0);
	assert_int_equal(vn_plan_guest(host, guest, NULL, &plan, NULL), 0);
	assert_int_equal(vn_plan_vnode_count(plan), 2);
	assert_int_equal(vn_acpi_of_plan(plan, NULL, &acpi, NULL), 0);
	for (size_t v = 0; v < 2; v++)
		assert_int_equal(vn_plan_view_node_vnode(plan, (size_t)vn_acpi_vnode_node(acpi, v)), v);
	vn_acpi_free(acpi);
	vn_plan_free(plan);
	assert_int_equal(vn_guest_set_memory(guest, UINT64_C(1) << 40), 0);
	assert_int_equal(vn_plan_guest(host, guest, NULL, &plan, NULL), 0);
	assert_int_equal(vn_acpi_of_plan(plan, NULL, &acpi, NULL), -EINVAL); /* there is no room */
	vn_plan_free(plan);
	vn_guest_free(guest);
	vn_host_free(host);
}

/* ---- iasl ---- */

static void run_iasl(const char *folder, const char *name, const struct vn_acpi_table *table)
{
	vn_autofree char *path = vn_format("%s/%s.aml", folder, name);
	vn_autofree char *command = vn_format(
		"cd %s && iasl -d %s.aml >log 2>&1 && grep -q 'decoded' log && ! grep -iE 'warn|error|invalid|unknown' "
		"log %s.dsl",
		folder, name, name);
	FILE *out = fopen(path, "w");

	assert_non_null(out);
	assert_int_equal(fwrite(table->bytes, 1, table->size, out), table->size);
	assert_int_equal(fclose(out), 0);
	assert_int_equal(system(command), 0);
}

/* The ACPI component architecture's disassembler knows each field of the tables. */
static void taken_by_iasl(void **unused)
{
	char folder[] = "/tmp/vnuma-acpi-XXXXXX";
	vn_autoacpioptions *options = vn_acpi_options_new();

	(void)unused;
	if (system("command -v iasl >/dev/null") != 0)
		skip();
	assert_non_null(mkdtemp(folder));
	for (unsigned vcpus = 1; vcpus <= 128; vcpus *= 128) {
		struct vn_guest *guest = guest_of(3, 2 * GIB, vcpus);
		guest->maxmem = 64 * GIB;
		add_matrix(guest, VN_HMAT_ACCESS_LATENCY, 0)->values[1] = 80000;
		add_matrix(guest, VN_HMAT_READ_BANDWIDTH, 3)->values[2] = VN_HMAT_UNREACHABLE;
		guest->hmat->caches[guest->hmat->n_caches++] = (struct vn_hmat_cache){
			.domain = 2, .size = GIB, .levels = 1, .level = 1, .line_size = 64};
		struct vn_acpi *acpi = build(guest, options);
		run_iasl(folder, "SRAT", &acpi->srat);
		run_iasl(folder, "SLIT", &acpi->slit);
		run_iasl(folder, "HMAT", &acpi->hmat);
		vn_acpi_free(acpi);
		vn_guest_free(guest);
		assert_int_equal(vn_acpi_options_add_initiator(options, "0000:3b:00.1", 1), 0);
	}
	vn_autofree char *clean = vn_format("rm -r %s", folder);
	assert_int_equal(system(clean), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(smallest_srat),
		cmocka_unit_test(smallest_slit),
		cmocka_unit_test(smallest_hmat),
		cmocka_unit_test(initiator_bytes),
		cmocka_unit_test(own_oem),
		cmocka_unit_test(layouts_of_qemu),
		cmocka_unit_test(holes_cut),
		cmocka_unit_test(plugged_memory),
		cmocka_unit_test(layouts_refused),
		cmocka_unit_test(apic_ids),
		cmocka_unit_test(sockets),
		cmocka_unit_test(many_cpus),
		cmocka_unit_test(orders),
		cmocka_unit_test(figures_exact),
		cmocka_unit_test(figures_rounded),
		cmocka_unit_test(initiators),
		cmocka_unit_test(hmat_refused),
		cmocka_unit_test(most_of_all),
		cmocka_unit_test(guests_refused),
		cmocka_unit_test(of_a_draft),
		cmocka_unit_test(of_a_plan),
		cmocka_unit_test(taken_by_iasl),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
