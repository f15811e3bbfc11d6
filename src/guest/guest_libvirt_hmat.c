/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * <interconnects> of <numa>, and <cache> of a cell: what the guest is told in its HMAT. Domains are vnodes. libvirt has latencies
 * in ns and bandwidths in KiB/s unless a unit says otherwise; the table has ps and MB/s.
 */
#include <string.h>

#include "../base/text.h"
#include "guest_libvirt_reader.h"

#define MAX_LEVEL 3u /* of memory-side caches: QEMU's hmat-cache */
#define PS_PER_NS 1000u
#define MOST_LATENCY 65534000u /* ns; beyond any machine, and what QEMU's 16 bits over a base can tell */

/* A matrix over all vnodes for a type and a level of cache; made when first asked for. NULL when memory is short. */
static struct vn_hmat_matrix *matrix_of(struct domain_reader *r, enum vn_hmat_type type, unsigned hierarchy)
{
	struct vn_hmat *hmat = r->guest->hmat;
	size_t n = r->guest->n_vnodes;

	for (size_t i = 0; i < hmat->n_matrices; i++) {
		if (hmat->matrices[i].type == type && hmat->matrices[i].hierarchy == hierarchy)
			return &hmat->matrices[i];
	}
	void *grown = realloc(hmat->matrices, (hmat->n_matrices + 1) * sizeof(*hmat->matrices));
	if (!grown)
		return NULL;
	hmat->matrices = grown;
	struct vn_hmat_matrix *matrix = &hmat->matrices[hmat->n_matrices++];
	*matrix = (struct vn_hmat_matrix){.type = type,
		.hierarchy = hierarchy,
		.n_initiators = n,
		.n_targets = n,
		.initiators = calloc(n, sizeof(*matrix->initiators)),
		.targets = calloc(n, sizeof(*matrix->targets)),
		.values = calloc(n * n, sizeof(*matrix->values))};
	if (!matrix->initiators || !matrix->targets || !matrix->values)
		return NULL;
	for (size_t i = 0; i < n; i++)
		matrix->initiators[i] = matrix->targets[i] = (uint32_t)i;
	return matrix;
}

static bool has_level(const struct vn_hmat *hmat, uint64_t domain, uint64_t level)
{
	for (size_t i = 0; i < hmat->n_caches; i++) {
		if (hmat->caches[i].domain == domain && hmat->caches[i].level == level)
			return true;
	}
	return level == 0;
}

/* The value in the table's unit; false after a problem. */
static bool read_value(struct domain_reader *r, size_t element, bool latency, uint64_t *ret)
{
	if (latency) {
		if (!domain_need_number(r, element, "value", 1, MOST_LATENCY, ret))
			return false;
		*ret *= PS_PER_NS;
		return true;
	}
	uint64_t bytes = 0;
	if (!domain_need(r, element, "value", "a bandwidth, in KiB/s or what 'unit' says") ||
		!domain_size(r, element, "value", &bytes))
		return false;
	if (bytes == 0 || bytes % VN_MIB) {
		domain_problem(r, element, "value",
			"%llu KiB/s seen; expected whole MiB/s, as QEMU takes nothing else",
			(unsigned long long)(bytes >> 10));
		return false;
	}
	*ret = bytes / VN_MIB;
	return true;
}

static void read_interconnect(struct domain_reader *r, size_t element, bool latency)
{
	static const char *const types[] = {"access", "read", "write", NULL};
	uint64_t from, to, level = 0, value, last = r->guest->n_vnodes - 1;

	bool good = domain_need_number(r, element, "initiator", 0, last, &from);
	good &= domain_need_number(r, element, "target", 0, last, &to);
	if (vn_markup_get(r->doc, element, "cache"))
		good &= domain_number(r, element, "cache", 1, MAX_LEVEL, &level);
	good &= domain_need(r, element, "type", "access, read or write") != NULL;
	size_t told = r->told;
	int type = domain_choice(r, element, "type", types, 0);
	good &= read_value(r, element, latency, &value) && r->told == told;
	if (!good)
		return;
	if (hwloc_bitmap_iszero(r->guest->vnodes[from].vcpus))
		domain_problem(r, element, "initiator",
			"%llu seen, which has no vCPU; expected a cell that has", (unsigned long long)from);
	if (!has_level(r->guest->hmat, to, level))
		domain_problem(r, element, "cache",
			"%llu seen; expected a <cache> of that level in cell %llu", (unsigned long long)level,
			(unsigned long long)to);
	struct vn_hmat_matrix *matrix = matrix_of(r,
		(enum vn_hmat_type)(type + (latency ? VN_HMAT_ACCESS_LATENCY : VN_HMAT_ACCESS_BANDWIDTH)),
		(unsigned)level);
	if (!matrix) {
		r->short_of_memory = true;
		return;
	}
	uint64_t *at = &matrix->values[from * matrix->n_targets + to];
	if (*at != VN_HMAT_UNKNOWN)
		domain_problem(r, element, NULL,
			"cell %llu to %llu is there twice; expected each once of a type",
			(unsigned long long)from, (unsigned long long)to);
	*at = value;
}

static bool read_cache_size(struct domain_reader *r, size_t cache, const char *name, uint64_t *ret)
{
	size_t element = vn_markup_child(r->doc, cache, name);

	if (element == VN_MARKUP_NONE) {
		domain_problem(r, cache, NULL, "no <%s>; expected one", name);
		return false;
	}
	return domain_need(r, element, "value", "a size") && domain_size(r, element, "value", ret);
}

static void read_cache(struct domain_reader *r, size_t v, size_t element)
{
	static const char *const associativities[] = {"none", "direct", "full", NULL};
	static const char *const policies[] = {"none", "writeback", "writethrough", NULL};
	struct vn_hmat *hmat = r->guest->hmat;
	uint64_t level = 0, size = 0, line = 0;

	bool good = domain_need_number(r, element, "level", 1, MAX_LEVEL, &level);
	domain_need(r, element, "associativity", "none, direct or full");
	domain_need(r, element, "policy", "none, writeback or writethrough");
	int associativity = domain_choice(r, element, "associativity", associativities, 0);
	int policy = domain_choice(r, element, "policy", policies, 0);
	good &= read_cache_size(r, element, "size", &size) & read_cache_size(r, element, "line", &line);
	if (!good)
		return;
	if (line > UINT16_MAX) {
		domain_problem(r, element, NULL,
			"a line of %llu bytes; expected at most 65535, as the table has it",
			(unsigned long long)line);
		return;
	}
	if (has_level(hmat, v, level)) {
		domain_problem(r, element, "level", "%llu is there twice; expected each level once in a cell",
			(unsigned long long)level);
		return;
	}
	void *grown = realloc(hmat->caches, (hmat->n_caches + 1) * sizeof(*hmat->caches));
	if (!grown) {
		r->short_of_memory = true;
		return;
	}
	hmat->caches = grown;
	hmat->caches[hmat->n_caches++] = (struct vn_hmat_cache){.domain = (uint32_t)v,
		.size = size,
		.level = (unsigned)level,
		.associativity = (unsigned)associativity,
		.write_policy = (unsigned)policy,
		.line_size = (unsigned)line};
}

static void read_caches(struct domain_reader *r, size_t n_cells, const size_t *cells)
{
	struct vn_hmat *hmat = r->guest->hmat;

	for (size_t v = 0; v < n_cells; v++) {
		size_t first = hmat->n_caches;
		unsigned highest = 0;
		for (size_t i = vn_markup_child(r->doc, cells[v], "cache"); i != VN_MARKUP_NONE;
			i = vn_markup_next(r->doc, i, "cache"))
			read_cache(r, v, i);
		for (size_t i = first; i < hmat->n_caches; i++)
			highest = hmat->caches[i].level > highest ? hmat->caches[i].level : highest;
		for (size_t i = first; i < hmat->n_caches; i++)
			hmat->caches[i].levels = highest;
		if (hmat->n_caches - first < highest)
			domain_problem(r, cells[v], NULL,
				"caches up to level %u, but not all of them; expected 1 to %u", highest,
				highest);
	}
}

void domain_read_hmat(struct domain_reader *r, size_t n_cells, const size_t *cells)
{
	size_t list = vn_markup_find(r->doc, 0, "cpu/numa/interconnects");
	bool any = list != VN_MARKUP_NONE;

	for (size_t v = 0; v < n_cells; v++)
		any |= vn_markup_child(r->doc, cells[v], "cache") != VN_MARKUP_NONE;
	if (!any)
		return;
	struct vn_hmat *hmat = r->guest->hmat = calloc(1, sizeof(*hmat));
	if (!hmat || !(hmat->domains = calloc(n_cells, sizeof(*hmat->domains)))) {
		r->short_of_memory = true;
		return;
	}
	hmat->revision = 2; /* which QEMU writes */
	hmat->n_domains = n_cells;
	for (size_t v = 0; v < n_cells; v++)
		hmat->domains[v] = (struct vn_hmat_domain){(uint32_t)v, (int)v};
	read_caches(r, n_cells, cells);
	for (size_t i = vn_markup_child(r->doc, list, NULL); i != VN_MARKUP_NONE;
		i = vn_markup_next(r->doc, i, NULL)) {
		const char *name = r->doc->elements[i].name;
		if (strcmp(name, "latency") == 0 || strcmp(name, "bandwidth") == 0)
			read_interconnect(r, i, name[0] == 'l');
		else
			domain_problem(r, i, NULL, "<%.40s> seen; expected <latency> or <bandwidth>", name);
	}
}
