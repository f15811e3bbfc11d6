/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * ACPI tables read for tests, by the words of ACPI 6.5 and without any code of ours: ours and QEMU's are brought into one form and
 * compared. A table that does not add up fails the test.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define READ_NODES 64
#define READ_CPUS 2048
#define READ_PIECES 256

struct read_cpu {
	uint32_t apic_id, domain;
	bool x2apic;
};

struct read_memory {
	uint64_t base, size;
	uint32_t domain, flags;
};

struct read_cache {
	uint32_t domain, attributes;
	uint64_t size;
};

struct read_tables {
	size_t n_cpus, n_memory, n_initiators, n_caches;
	struct read_cpu cpus[READ_CPUS]; /* in the table's order */
	struct read_memory memory[READ_PIECES]; /* that are enabled, in the table's order */
	uint32_t initiators[READ_PIECES]; /* domains */
	uint64_t n_localities;
	uint8_t distances[READ_NODES][READ_NODES];
	size_t n_attached;
	int attached[READ_NODES]; /* initiator of memory; -1: not told */
	bool has[4][6];
	uint64_t values[4][6][READ_NODES][READ_NODES]; /* ps or MB/s; UINT64_MAX: unreachable */
	struct read_cache caches[READ_PIECES];
	unsigned problems;
	char problem[200]; /* the first */
};

static uint64_t read_number(const unsigned char *p, unsigned size)
{
	uint64_t value = 0;

	while (size-- > 0)
		value = value << 8 | p[size];
	return value;
}

#define READ_CHECK(tables, condition, ...)                                                                   \
	do {                                                                                                 \
		if (!(condition)) {                                                                          \
			if ((tables)->problems++ == 0)                                                       \
				snprintf((tables)->problem, sizeof((tables)->problem), __VA_ARGS__);         \
			return;                                                                              \
		}                                                                                            \
	} while (0)

static void read_srat(const unsigned char *p, size_t size, struct read_tables *t)
{
	for (size_t at = 48; at < size; at += p[at + 1]) {
		const unsigned char *e = p + at;
		static const unsigned char sizes[] = {16, 40, 24, 0, 0, 32};
		READ_CHECK(t,
			at + 2 <= size && e[0] < 6 && sizes[e[0]] && e[1] == sizes[e[0]] && at + e[1] <= size,
			"SRAT, byte %zu: entry of type %u with %u bytes", at, e[0], e[1]);
		bool cpu = e[0] == 0 || e[0] == 2;
		uint64_t flags = read_number(e + (e[0] == 0 ? 4 : e[0] == 1 ? 28 : e[0] == 2 ? 12 : 24), 4);
		if (!(flags & 1))
			continue;
		READ_CHECK(t,
			t->n_cpus < READ_CPUS && t->n_memory < READ_PIECES && t->n_initiators < READ_PIECES,
			"SRAT: too many entries");
		if (cpu)
			t->cpus[t->n_cpus++] = (struct read_cpu){
				(uint32_t)(e[0] ? read_number(e + 8, 4) : e[3]),
				(uint32_t)(e[0] ? read_number(e + 4, 4) : e[2] | read_number(e + 9, 3) << 8),
				e[0] == 2};
		else if (e[0] == 1)
			t->memory[t->n_memory++] = (struct read_memory){read_number(e + 8, 8),
				read_number(e + 16, 8), (uint32_t)read_number(e + 2, 4), (uint32_t)flags};
		else
			t->initiators[t->n_initiators++] = (uint32_t)read_number(e + 4, 4);
	}
}

static void read_slit(const unsigned char *p, size_t size, struct read_tables *t)
{
	t->n_localities = read_number(p + 36, 8);
	READ_CHECK(t, t->n_localities <= READ_NODES && size == 44 + t->n_localities * t->n_localities,
		"SLIT: %zu bytes with %u localities", size, (unsigned)t->n_localities);
	for (size_t i = 0; i < t->n_localities * t->n_localities; i++)
		t->distances[i / t->n_localities][i % t->n_localities] = p[44 + i];
}

static void read_locality(const unsigned char *e, size_t length, struct read_tables *t)
{
	size_t ni = read_number(e + 12, 4), nt = read_number(e + 16, 4);
	unsigned level = e[8] & 15, type = e[9];
	uint64_t base = read_number(e + 24, 8);

	READ_CHECK(t,
		ni <= READ_NODES && nt <= READ_NODES && level < 4 && type < 6 && base > 0 &&
			length == 32 + 4 * (ni + nt) + 2 * ni * nt && !t->has[level][type],
		"HMAT: a locality structure of %zu bytes, %zu x %zu, type %u, level %u", length, ni, nt, type,
		level);
	t->has[level][type] = true;
	for (size_t i = 0; i < ni * nt; i++) {
		size_t from = read_number(e + 32 + 4 * (i / nt), 4),
		       to = read_number(e + 32 + 4 * ni + 4 * (i % nt), 4);
		uint64_t entry = read_number(e + 32 + 4 * (ni + nt) + 2 * i, 2);
		READ_CHECK(t, from < READ_NODES && to < READ_NODES, "HMAT: domains %zu, %zu", from, to);
		t->values[level][type][from][to] = entry == 0xffff ? UINT64_MAX : entry * base;
	}
}

static void read_hmat(const unsigned char *p, size_t size, struct read_tables *t)
{
	for (size_t at = 40; at < size; at += read_number(p + at + 4, 4)) {
		const unsigned char *e = p + at;
		size_t length = at + 8 <= size ? read_number(e + 4, 4) : 0, type = read_number(e, 2);
		READ_CHECK(t, length >= 32 && at + length <= size && type < 3 && t->n_caches < READ_PIECES,
			"HMAT, byte %zu: a structure of type %zu with %zu bytes", at, type, length);
		if (type == 0) {
			size_t domain = read_number(e + 16, 4);
			READ_CHECK(t, length == 40 && domain == t->n_attached, "HMAT: memory of domain %zu",
				domain);
			t->attached[t->n_attached++] = e[8] & 1 ? (int)read_number(e + 12, 4) : -1;
		} else if (type == 1) {
			read_locality(e, length, t);
		} else {
			t->caches[t->n_caches++] = (struct read_cache){(uint32_t)read_number(e + 8, 4),
				(uint32_t)read_number(e + 24, 4), read_number(e + 16, 8)};
		}
	}
}

/* A whole table into `tables`; others than the three are passed over. `summed`: its checksum is filled in. */
static void read_table(const unsigned char *p, size_t size, bool summed, struct read_tables *tables)
{
	unsigned char sum = 0;

	READ_CHECK(tables, size >= 36 && read_number(p + 4, 4) == size, "%.4s: %zu bytes and another length",
		(const char *)p, size);
	for (size_t i = 0; i < size; i++)
		sum = (unsigned char)(sum + p[i]);
	READ_CHECK(tables, !summed || sum == 0, "%.4s: wrong checksum", (const char *)p);
	if (memcmp(p, "SRAT", 4) == 0)
		read_srat(p, size, tables);
	else if (memcmp(p, "SLIT", 4) == 0)
		read_slit(p, size, tables);
	else if (memcmp(p, "HMAT", 4) == 0)
		read_hmat(p, size, tables);
}
