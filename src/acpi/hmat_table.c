/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: the Heterogeneous Memory Attribute Table has, behind an entry for each vnode's memory, a matrix for each
 * kind of figure (type and level of the hierarchy) that there is, from the vnodes with a figure as initiators to all vnodes, in
 * the order of level and type, as QEMU has it; then the caches.
 *
 * A figure is 16 bits times the matrix's base unit; 0 means not told, 0xffff not reachable. The unit is the greatest common
 * divisor of the matrix's figures, so that they are told to the last digit wherever that is possible at all (QEMU's powers of
 * 10 and of 2 find some of these cases, and it refuses the others). Where it is not, the unit is the smallest with which
 * the largest figure fits, the others are rounded to it, and a note says so.
 *
 * Source: ACPI 6.5, section 5.2.28. Revision 2: picoseconds and MB/s.
 */
#include "acpi.h"

#include "../model/guest_initiator.h"

#define REVISION 2
#define ENTRY_MAX 0xfffeu
#define ENTRY_UNREACHABLE 0xffffu
#define HIERARCHIES 4
#define INITIATOR_VALID 1

enum { PROXIMITY = 0, LOCALITY = 1, CACHE = 2 };

/* ---- checking ---- */

static int check_domain(const struct vn_guest *guest, uint32_t domain, const char *what, struct vn_error *err)
{
	if (domain < guest->n_vnodes)
		return 0;
	return vn_error_input(err, &(struct vn_where){guest->file, 0, "hmat"},
		"%s is vnode %u; the guest has %zu, counted from 0", what, domain, guest->n_vnodes);
}

static int check_matrix(
	const struct vn_guest *guest, const struct vn_hmat_matrix *matrix, struct vn_error *err)
{
	const struct vn_where where = {guest->file, 0, "hmat"};
	int r = 0;

	if (matrix->hierarchy >= HIERARCHIES || matrix->type >= VN_HMAT_TYPES)
		r = vn_error_input(err, &where,
			"figures of type %u at level %u; expected types 0 to %d, levels 0 to %d",
			(unsigned)matrix->type, matrix->hierarchy, VN_HMAT_TYPES - 1, HIERARCHIES - 1);
	for (size_t i = 0; i < matrix->n_initiators; i++)
		r |= check_domain(guest, matrix->initiators[i], "an initiator", err);
	for (size_t i = 0; i < matrix->n_targets; i++)
		r |= check_domain(guest, matrix->targets[i], "a target", err);
	return r < 0 ? -EINVAL : 0;
}

static int check_cache(const struct vn_guest *guest, const struct vn_hmat_cache *cache, struct vn_error *err)
{
	const struct vn_where where = {guest->file, 0, "hmat"};
	int r = check_domain(guest, cache->domain, "the memory behind a cache", err);

	if (cache->levels > 3 || cache->level == 0 || cache->level > cache->levels)
		r = vn_error_input(err, &where,
			"a cache of level %u of %u; expected one of level 1 to the number of levels, at most 3",
			cache->level, cache->levels);
	if (cache->associativity > 2 || cache->write_policy > 2 || cache->line_size > UINT16_MAX)
		r = vn_error_input(err, &where,
			"a cache with associativity %u, write policy %u and lines of %u bytes; expected 0 to 2, 0 to 2 "
			"and up to 65535",
			cache->associativity, cache->write_policy, cache->line_size);
	return r < 0 ? -EINVAL : 0;
}

int vn_acpi_check_hmat(const struct vn_guest *guest, struct vn_error *err)
{
	const struct vn_hmat *hmat = guest->hmat;
	int r = 0;

	for (size_t i = 0; i < hmat->n_matrices; i++)
		r |= check_matrix(guest, &hmat->matrices[i], err);
	for (size_t i = 0; i < hmat->n_caches; i++)
		r |= check_cache(guest, &hmat->caches[i], err);
	return r < 0 ? -EINVAL : 0;
}

/* ---- memory ---- */

/* Who the memory is attached to. */
static void add_proximity(const struct vn_guest *guest, uint32_t vnode, struct vn_acpi_table *table)
{
	int initiator = vn_guest_initiator(guest, vnode);
	bool valid = initiator >= 0;

	vn_acpi_add(table, PROXIMITY, 2);
	vn_acpi_add_zeros(table, 2);
	vn_acpi_add(table, 40, 4);
	vn_acpi_add(table, valid ? INITIATOR_VALID : 0, 2);
	vn_acpi_add_zeros(table, 2);
	vn_acpi_add(table, valid ? (uint64_t)initiator : 0, 4);
	vn_acpi_add(table, vnode, 4);
	vn_acpi_add_zeros(table, 20);
}

/* ---- latencies and bandwidths ---- */

/* All figures of one kind. */
struct grid {
	bool initiators[VN_MAX_VNODES]; /* that have a figure */
	uint64_t values[VN_MAX_VNODES][VN_MAX_VNODES]; /* [initiator][target] */
};

static void add_to_grid(const struct vn_hmat_matrix *matrix, struct grid *grid)
{
	for (size_t i = 0; i < matrix->n_initiators; i++) {
		for (size_t k = 0; k < matrix->n_targets; k++) {
			uint64_t value = matrix->values[i * matrix->n_targets + k];
			if (value == VN_HMAT_UNKNOWN)
				continue;
			grid->initiators[matrix->initiators[i]] = true;
			grid->values[matrix->initiators[i]][matrix->targets[k]] = value;
		}
	}
}

/* All of a kind that the guest has; the number of initiators. */
static size_t fill_grid(
	const struct vn_guest *guest, unsigned hierarchy, enum vn_hmat_type type, struct grid *grid)
{
	size_t n = 0;

	*grid = (struct grid){0};
	for (size_t i = 0; i < guest->hmat->n_matrices; i++) {
		if (guest->hmat->matrices[i].hierarchy == hierarchy && guest->hmat->matrices[i].type == type)
			add_to_grid(&guest->hmat->matrices[i], grid);
	}
	for (size_t v = 0; v < guest->n_vnodes; v++)
		n += grid->initiators[v];
	return n;
}

static uint64_t common_divisor(uint64_t a, uint64_t b)
{
	while (b) {
		uint64_t rest = a % b;
		a = b;
		b = rest;
	}
	return a;
}

/* The base unit; *ret_exact: whether each figure is a multiple of it. */
static uint64_t find_base(const struct grid *grid, size_t n, bool *ret_exact)
{
	uint64_t divisor = 0, most = 0;

	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < n; k++) {
			uint64_t value = grid->values[i][k];
			if (value == VN_HMAT_UNKNOWN || value == VN_HMAT_UNREACHABLE)
				continue;
			divisor = common_divisor(value, divisor);
			most = value > most ? value : most;
		}
	}
	*ret_exact = divisor == 0 || most / divisor <= ENTRY_MAX;
	if (!*ret_exact)
		return most / ENTRY_MAX + (most % ENTRY_MAX != 0);
	return divisor ? divisor : 1; /* nothing but what cannot be reached */
}

static uint64_t entry_of(uint64_t value, uint64_t base)
{
	if (value == VN_HMAT_UNKNOWN)
		return 0;
	if (value == VN_HMAT_UNREACHABLE)
		return ENTRY_UNREACHABLE;
	uint64_t entry = value / base + (value % base >= base - value % base);
	return entry ? entry : 1; /* 0 would say that it is not known */
}

static int add_locality(const struct vn_guest *guest, unsigned hierarchy, enum vn_hmat_type type,
	const struct grid *grid, size_t n_initiators, struct vn_acpi *acpi)
{
	struct vn_acpi_table *table = &acpi->hmat;
	size_t n = guest->n_vnodes;
	bool exact;
	uint64_t base = find_base(grid, n, &exact);

	vn_acpi_add(table, LOCALITY, 2);
	vn_acpi_add_zeros(table, 2);
	vn_acpi_add(table, 32 + 4 * (n_initiators + n) + 2 * n_initiators * n, 4);
	vn_acpi_add(table, hierarchy, 1);
	vn_acpi_add(table, type, 1);
	vn_acpi_add_zeros(table, 2);
	vn_acpi_add(table, n_initiators, 4);
	vn_acpi_add(table, n, 4);
	vn_acpi_add_zeros(table, 4);
	vn_acpi_add(table, base, 8);
	for (size_t i = 0; i < n; i++) {
		if (grid->initiators[i])
			vn_acpi_add(table, i, 4);
	}
	for (size_t k = 0; k < n; k++)
		vn_acpi_add(table, k, 4);
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < n && grid->initiators[i]; k++)
			vn_acpi_add(table, entry_of(grid->values[i][k], base), 2);
	}
	if (exact)
		return 0;
	return vn_notes_add(&acpi->notes, "acpi-hmat-rounded",
		"%s of the guest differ too much for the table's 16 bits and are rounded to multiples of %llu %s",
		vn_hmat_type_text(type), (unsigned long long)base,
		type < VN_HMAT_ACCESS_BANDWIDTH ? "ps" : "MB/s");
}

/* ---- caches ---- */

static void add_cache(const struct vn_hmat_cache *cache, struct vn_acpi_table *table)
{
	vn_acpi_add(table, CACHE, 2);
	vn_acpi_add_zeros(table, 2);
	vn_acpi_add(table, 32, 4);
	vn_acpi_add(table, cache->domain, 4);
	vn_acpi_add_zeros(table, 4);
	vn_acpi_add(table, cache->size, 8);
	vn_acpi_add(table,
		cache->levels | cache->level << 4 | cache->associativity << 8 | cache->write_policy << 12 |
			cache->line_size << 16,
		4);
	vn_acpi_add_zeros(table, 4); /* no handles of SMBIOS */
}

int vn_acpi_add_hmat(
	const struct vn_guest *guest, const struct vn_acpi_options *options, struct vn_acpi *acpi)
{
	vn_autofree struct grid *grid = calloc(1, sizeof(*grid));
	int r = grid ? 0 : -ENOMEM;

	vn_acpi_begin(&acpi->hmat, "HMAT", REVISION, &options->oem);
	vn_acpi_add_zeros(&acpi->hmat, 4);
	for (uint32_t v = 0; v < guest->n_vnodes; v++)
		add_proximity(guest, v, &acpi->hmat);
	for (unsigned hierarchy = 0; hierarchy < HIERARCHIES; hierarchy++) {
		for (unsigned type = 0; type < VN_HMAT_TYPES && r == 0; type++) {
			size_t n = fill_grid(guest, hierarchy, (enum vn_hmat_type)type, grid);
			if (n > 0)
				r = add_locality(guest, hierarchy, (enum vn_hmat_type)type, grid, n, acpi);
		}
	}
	for (size_t i = 0; i < guest->hmat->n_caches; i++)
		add_cache(&guest->hmat->caches[i], &acpi->hmat);
	return r < 0 ? r : vn_acpi_end(&acpi->hmat);
}
