/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: a table is a header of 36 bytes (signature, length, revision, checksum …) and, in the HMAT from
 * byte 40, in the SRAT from byte 48 on, structures that tell their own length. Nothing of it is trusted: every length
 * is checked against what is there before a byte behind it is read, products are bounded (what is too large to be true is
 * left out and counted), and a structure that does not add up is a problem with its offset. Structures of unknown type are skipped, as the specification wants.
 *
 * The HMAT names proximity domains, Linux numbers nodes. The SRAT has the rule: a domain gets the next free node number
 * when it is first seen, in the table's order, entries of CPUs (local APIC, x2APIC, GICC) and generic initiators first, then
 * those of memory (Linux, drivers/acpi/numa/srat.c: acpi_numa_init(), acpi_map_pxm_to_node()). Entries that are not
 * enabled do not count.
 *
 * Sources: ACPI 6.5, sections 5.2.16 (SRAT) and 5.2.28 (HMAT). Units of revision 1: Linux, drivers/acpi/numa/hmat.c,
 * hmat_normalize(): there latencies are in 100 ps and bandwidths in 100 KB/s.
 */
#include "acpi_hmat.h"

#include <string.h>

#define HEADER 36u
#define HMAT_FIRST 40u
#define SRAT_FIRST 48u
#define MAX_DOMAINS 1024u
#define MAX_STRUCTURES 256u
#define MAX_PROBLEMS 20u

enum { HMAT_PROXIMITY = 0, HMAT_LOCALITY = 1, HMAT_CACHE = 2 };
enum { SRAT_APIC = 0, SRAT_MEMORY = 1, SRAT_X2APIC = 2, SRAT_GICC = 3, SRAT_INITIATOR = 5 };

struct table {
	const unsigned char *bytes;
	size_t length;
	const char *file;
	struct vn_error *err;
	unsigned problems;
	size_t too_large; /* figures above what VN_HMAT_MAX allows */
};

static uint16_t get16(const unsigned char *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static uint32_t get32(const unsigned char *p)
{
	return get16(p) | (uint32_t)get16(p + 2) << 16;
}

static uint64_t get64(const unsigned char *p)
{
	return get32(p) | (uint64_t)get32(p + 4) << 32;
}

__attribute__((format(printf, 3, 4))) static int problem(
	struct table *table, size_t offset, const char *format, ...)
{
	struct vn_where where = {table->file, 0, NULL};
	char text[160], at[32];
	va_list args;

	if (table->problems++ >= MAX_PROBLEMS)
		return -EINVAL;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	snprintf(at, sizeof(at), "byte %zu", offset);
	where.key = at;
	return vn_error_input(table->err, &where, "%s", text);
}

/* Signature, length and checksum; cuts the table to the length it tells. */
static int check_header(struct table *table, const char *signature, size_t first)
{
	unsigned char sum = 0;

	if (table->length < first)
		return problem(table, 0, "%zu bytes; expected a table of at least %zu", table->length, first);
	if (memcmp(table->bytes, signature, 4) != 0)
		return problem(table, 0, "is no %s; expected a table with that signature", signature);
	uint32_t length = get32(table->bytes + 4);
	if (length < first || length > table->length)
		return problem(
			table, 4, "a length of %u bytes; expected %zu to %zu", length, first, table->length);
	table->length = length;
	for (size_t i = 0; i < table->length; i++)
		sum = (unsigned char)(sum + table->bytes[i]);
	return sum ? problem(table, 9, "the checksum does not fit the content") : 0;
}

/* ---- SRAT: proximity domains -> nodes ---- */

struct domain_map {
	size_t n;
	uint32_t domains[MAX_DOMAINS]; /* [node] */
};

static void add_domain(struct domain_map *map, uint32_t domain)
{
	for (size_t i = 0; i < map->n; i++) {
		if (map->domains[i] == domain)
			return;
	}
	if (map->n < MAX_DOMAINS)
		map->domains[map->n++] = domain;
}

/* Domain of an SRAT entry of `type` and `length` bytes; false when it is of no use: not enabled, another type, short. */
static bool srat_domain(const unsigned char *p, unsigned length, bool memory, uint32_t *ret_domain)
{
	static const struct {
		unsigned type, length, domain, flags;
	} forms[] = {{SRAT_APIC, 16, 2, 4}, {SRAT_MEMORY, 40, 2, 28}, {SRAT_X2APIC, 24, 4, 12},
		{SRAT_GICC, 18, 2, 10}, {SRAT_INITIATOR, 32, 4, 24}};

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (p[0] != forms[i].type)
			continue;
		if (length < forms[i].length || (forms[i].type == SRAT_MEMORY) != memory ||
			!(get32(p + forms[i].flags) & 1))
			return false;
		*ret_domain = forms[i].type == SRAT_APIC
				      ? p[2] | (uint32_t)p[9] << 8 | (uint32_t)get16(p + 10) << 16
				      : get32(p + forms[i].domain);
		return true;
	}
	return false;
}

static int read_srat(struct table *table, struct domain_map *map)
{
	int r = check_header(table, "SRAT", SRAT_FIRST);
	if (r < 0)
		return r;
	for (int memory = 0; memory < 2; memory++) {
		for (size_t at = SRAT_FIRST; at + 2 <= table->length;) {
			const unsigned char *p = table->bytes + at;
			uint32_t domain;
			if (p[1] < 2 || p[1] > table->length - at)
				return problem(table, at, "an entry of %u bytes; expected 2 to %zu", p[1],
					table->length - at);
			if (srat_domain(p, p[1], memory, &domain))
				add_domain(map, domain);
			at += p[1];
		}
	}
	return 0;
}

/* ---- HMAT ---- */

/* A value of the matrix in picoseconds or MB/s. */
static uint64_t scale(
	struct table *table, uint16_t entry, uint64_t base, enum vn_hmat_type type, unsigned revision)
{
	bool latency = type < VN_HMAT_ACCESS_BANDWIDTH;
	unsigned factor = revision < 2 && latency ? 100 : 1, divisor = revision < 2 && !latency ? 10 : 1;
	uint64_t value;

	if (entry == 0 || base == 0)
		return VN_HMAT_UNKNOWN;
	if (entry == 0xffff)
		return VN_HMAT_UNREACHABLE;
	if (__builtin_mul_overflow(base, (uint64_t)entry * factor, &value) || value / divisor > VN_HMAT_MAX) {
		table->too_large++;
		return VN_HMAT_UNKNOWN;
	}
	return value / divisor;
}

static uint32_t *read_domains(const unsigned char *p, size_t n)
{
	uint32_t *domains = calloc(n + 1, sizeof(*domains));
	for (size_t i = 0; domains && i < n; i++)
		domains[i] = get32(p + 4 * i);
	return domains;
}

static int fill_matrix(
	struct table *table, const unsigned char *p, unsigned revision, struct vn_hmat_matrix *matrix)
{
	size_t ni = matrix->n_initiators, nt = matrix->n_targets;
	uint64_t base = get64(p + 24);

	matrix->initiators = read_domains(p + 32, ni);
	matrix->targets = read_domains(p + 32 + 4 * ni, nt);
	matrix->values = calloc(ni * nt + 1, sizeof(*matrix->values));
	if (!matrix->initiators || !matrix->targets || !matrix->values)
		return -ENOMEM;
	for (size_t i = 0; i < ni * nt; i++) {
		uint16_t entry = get16(p + 32 + 4 * (ni + nt) + 2 * i);
		matrix->values[i] = scale(table, entry, base, matrix->type, revision);
	}
	return 0;
}

static int read_locality(struct table *table, size_t at, size_t length, struct vn_hmat *hmat)
{
	const unsigned char *p = table->bytes + at;

	if (length < 32)
		return problem(table, at, "a locality structure of %zu bytes; expected at least 32", length);
	struct vn_hmat_matrix matrix = {.type = p[9],
		.hierarchy = p[8] & 15,
		.n_initiators = get32(p + 12),
		.n_targets = get32(p + 16)};
	if (matrix.n_initiators > MAX_DOMAINS || matrix.n_targets > MAX_DOMAINS)
		return problem(table, at + 12, "%zu initiators, %zu targets; expected at most %u each",
			matrix.n_initiators, matrix.n_targets, MAX_DOMAINS);
	size_t needed = 32 + 4 * (matrix.n_initiators + matrix.n_targets) +
			2 * matrix.n_initiators * matrix.n_targets;
	if (length < needed)
		return problem(table, at, "a locality structure of %zu bytes; its %zu x %zu values need %zu",
			length, matrix.n_initiators, matrix.n_targets, needed);
	if (matrix.type >= VN_HMAT_TYPES)
		return problem(table, at + 9, "data type %u; expected 0 to %u", p[9], VN_HMAT_TYPES - 1);
	struct vn_hmat_matrix *slot = &hmat->matrices[hmat->n_matrices++];
	*slot = matrix;
	return fill_matrix(table, p, hmat->revision, slot);
}

static int read_cache(struct table *table, size_t at, size_t length, struct vn_hmat *hmat)
{
	const unsigned char *p = table->bytes + at;

	if (length < 32)
		return problem(table, at, "a cache structure of %zu bytes; expected at least 32", length);
	if (get64(p + 16) > VN_HMAT_MAX) {
		table->too_large++;
		return 0;
	}
	uint32_t attributes = get32(p + 24);
	hmat->caches[hmat->n_caches++] = (struct vn_hmat_cache){.domain = get32(p + 8),
		.size = get64(p + 16),
		.levels = attributes & 15,
		.level = attributes >> 4 & 15,
		.associativity = attributes >> 8 & 15,
		.write_policy = attributes >> 12 & 15,
		.line_size = attributes >> 16};
	return 0;
}

static int read_structure(struct table *table, size_t at, size_t length, struct vn_hmat *hmat)
{
	switch (get16(table->bytes + at)) {
	case HMAT_LOCALITY:
		return read_locality(table, at, length, hmat);
	case HMAT_CACHE:
		return read_cache(table, at, length, hmat);
	default:
		return 0; /* HMAT_PROXIMITY says which initiator a memory is attached to: Linux shows that itself */
	}
}

static int read_structures(struct table *table, struct vn_hmat *hmat)
{
	size_t at = HMAT_FIRST, n = 0;
	int status = 0;

	for (; at + 8 <= table->length; n++) {
		uint32_t length = get32(table->bytes + at + 4);
		if (length < 8 || length > table->length - at)
			return problem(table, at + 4, "a structure of %u bytes; expected 8 to %zu", length,
				table->length - at);
		if (n == MAX_STRUCTURES)
			return problem(table, at, "too many structures; expected at most %u", MAX_STRUCTURES);
		int r = read_structure(table, at, length, hmat);
		if (r == -ENOMEM)
			return r;
		status = r < 0 ? r : status;
		at += length;
	}
	if (at != table->length)
		return problem(
			table, at, "%zu bytes behind the last structure; expected none", table->length - at);
	return status;
}

static int compare_domains(const void *a, const void *b)
{
	uint32_t x = ((const struct vn_hmat_domain *)a)->domain,
		 y = ((const struct vn_hmat_domain *)b)->domain;
	return (x > y) - (x < y);
}

/* All domains that the table names, once each, with their nodes. */
static int collect_domains(struct table *table, struct vn_hmat *hmat, const struct domain_map *map)
{
	size_t most = hmat->n_caches, n = 0;

	for (size_t i = 0; i < hmat->n_matrices; i++)
		most += hmat->matrices[i].n_initiators + hmat->matrices[i].n_targets;
	struct vn_hmat_domain *all = calloc(most + 1, sizeof(*all));
	if (!all)
		return -ENOMEM;
	for (size_t i = 0; i < hmat->n_matrices; i++) {
		const struct vn_hmat_matrix *m = &hmat->matrices[i];
		for (size_t k = 0; k < m->n_initiators; k++)
			all[n++].domain = m->initiators[k];
		for (size_t k = 0; k < m->n_targets; k++)
			all[n++].domain = m->targets[k];
	}
	for (size_t i = 0; i < hmat->n_caches; i++)
		all[n++].domain = hmat->caches[i].domain;
	hmat->domains = all;
	qsort(all, n, sizeof(*all), compare_domains);
	for (size_t i = 0; i < n; i++) {
		if (hmat->n_domains && all[hmat->n_domains - 1].domain == all[i].domain)
			continue;
		if (hmat->n_domains == MAX_DOMAINS)
			return problem(
				table, 0, "too many proximity domains; expected at most %u", MAX_DOMAINS);
		struct vn_hmat_domain *domain = &all[hmat->n_domains++];
		*domain = (struct vn_hmat_domain){all[i].domain, -1};
		for (size_t node = 0; node < map->n; node++) {
			if (map->domains[node] == domain->domain)
				domain->node = (int)node;
		}
	}
	return 0;
}

static int parse(struct table *table, const struct domain_map *map, struct vn_hmat *hmat)
{
	int r = check_header(table, "HMAT", HMAT_FIRST);
	if (r < 0)
		return r;
	hmat->revision = table->bytes[8];
	if (hmat->revision < 1 || hmat->revision > 2)
		return problem(table, 8, "revision %u; expected 1 or 2", hmat->revision);
	hmat->matrices = calloc(MAX_STRUCTURES, sizeof(*hmat->matrices));
	hmat->caches = calloc(MAX_STRUCTURES, sizeof(*hmat->caches));
	if (!hmat->matrices || !hmat->caches)
		return -ENOMEM;
	r = read_structures(table, hmat);
	return r < 0 ? r : collect_domains(table, hmat, map);
}

int vn_acpi_hmat_parse(const unsigned char *hmat, size_t hmat_length, const unsigned char *srat,
	size_t srat_length, const char *file, struct vn_hmat **ret_hmat, struct vn_error *err)
{
	struct table table = {.bytes = hmat, .length = hmat_length, .file = file, .err = err};
	vn_autofree struct domain_map *map = calloc(1, sizeof(*map));
	vn_autohmat *parsed = calloc(1, sizeof(*parsed));
	int r = map && parsed ? 0 : -ENOMEM;

	if (r == 0 && srat) {
		struct table domains = {.bytes = srat, .length = srat_length, .file = "SRAT"};
		if (read_srat(&domains, map) < 0)
			map->n = 0; /* the HMAT is of use without node numbers, too */
	}
	if (r == 0)
		r = parse(&table, map, parsed);
	if (r == -ENOMEM)
		return vn_error_environment(err, r, "out of memory");
	if (r < 0)
		return r;
	parsed->n_left_out = table.too_large;
	*ret_hmat = vn_steal(parsed);
	return 0;
}
