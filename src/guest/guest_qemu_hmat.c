/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * -numa hmat-lb and hmat-cache, and initiators of nodes: what the guest is told of latencies, bandwidths and caches.
 *
 * Theory of operation: QEMU makes one matrix of each hierarchy and kind of data, from all nodes with vCPUs to all nodes; so does
 * this, as entries come. Domains are vnodes. Sources: QEMU's hw/core/numa.c (parse_numa_hmat_lb(), parse_numa_hmat_cache(),
 * numa_validate_initiator()), hw/acpi/hmat.c.
 */
#define _GNU_SOURCE
#include <string.h>

#include "../base/text.h"
#include "guest_qemu_part.h"

#define QEMU_REVISION 2 /* of its HMAT (hw/acpi/hmat.c) */
#define PS_PER_NS 1000u /* picoseconds of a nanosecond, -numa's unit */
#define MAX_LATENCY 1000000000u /* ns: a second; QEMU's fields end below it */

static bool is_type(const struct qemu_option *option, const char *type)
{
	const char *seen = vn_keyval_get(&option->keys, "type");
	return seen && strcmp(seen, type) == 0;
}

static bool has_vcpus(const struct qemu_reader *r, int vnode)
{
	return !hwloc_bitmap_iszero(r->guest->vnodes[vnode].vcpus);
}

/* ---- matrices ---- */

static bool fill_matrix(struct qemu_reader *r, struct vn_hmat_matrix *matrix)
{
	const struct vn_guest *guest = r->guest;
	size_t n = guest->n_vnodes;

	matrix->initiators = calloc(n, sizeof(*matrix->initiators));
	matrix->targets = calloc(n, sizeof(*matrix->targets));
	matrix->values = calloc(n * n, sizeof(*matrix->values));
	if (!matrix->initiators || !matrix->targets || !matrix->values) {
		r->short_of_memory = true;
		return false;
	}
	for (size_t i = 0; i < n; i++) {
		if (has_vcpus(r, (int)i))
			matrix->initiators[matrix->n_initiators++] = (uint32_t)i;
		matrix->targets[matrix->n_targets++] = (uint32_t)i;
	}
	return true;
}

/* The matrix of a hierarchy and a kind, made when there is none yet; NULL on want of memory. */
static struct vn_hmat_matrix *matrix_of(struct qemu_reader *r, unsigned hierarchy, enum vn_hmat_type type)
{
	struct vn_hmat *hmat = r->guest->hmat;

	for (size_t i = 0; i < hmat->n_matrices; i++) {
		if (hmat->matrices[i].hierarchy == hierarchy && hmat->matrices[i].type == type)
			return &hmat->matrices[i];
	}
	struct vn_hmat_matrix *matrix = qemu_append(r, &hmat->matrices, &hmat->n_matrices, sizeof(*matrix));
	if (!matrix || !fill_matrix(r, matrix))
		return NULL;
	matrix->hierarchy = hierarchy;
	matrix->type = type;
	return matrix;
}

/* latency= in ns, or bandwidth= in bytes a second: as the kind of data wants it. In the model's units. */
static bool read_value(struct qemu_reader *r, const struct qemu_option *option, bool latency, uint64_t *ret)
{
	const char *wanted = latency ? "latency" : "bandwidth", *other = latency ? "bandwidth" : "latency";
	uint64_t value = 0;

	if (vn_keyval_get(&option->keys, other))
		qemu_problem(r, option, "%s seen; expected %s, as data-type says", other, wanted);
	if (!vn_keyval_get(&option->keys, wanted)) {
		qemu_problem(r, option, "no %s", wanted);
		return false;
	}
	if (latency) {
		if (!qemu_number(r, option, wanted, 0, MAX_LATENCY, &value))
			return false;
		*ret = value * PS_PER_NS;
		return true;
	}
	if (!qemu_bytes(r, option, wanted, 1, &value))
		return false;
	if (value % VN_MIB)
		qemu_problem(r, option, "bandwidth=%llu seen; expected a multiple of 1M",
			(unsigned long long)value);
	*ret = value / VN_MIB;
	return value % VN_MIB == 0;
}

static void read_latency_or_bandwidth(struct qemu_reader *r, const struct qemu_option *option)
{
	static const char *const hierarchies[] = {
		"memory", "first-level", "second-level", "third-level", NULL};
	static const char *const types[] = {"access-latency", "read-latency", "write-latency",
		"access-bandwidth", "read-bandwidth", "write-bandwidth",
		NULL}; /* in the order of enum vn_hmat_type */
	int from = qemu_vnode(r, option, "initiator", true), to = qemu_vnode(r, option, "target", true);
	int hierarchy = qemu_choice(r, option, "hierarchy", hierarchies, -2),
	    type = qemu_choice(r, option, "data-type", types, -2);
	uint64_t value = 0;

	if (hierarchy == -2 || type == -2)
		qemu_problem(r, option, "no %s", hierarchy == -2 ? "hierarchy" : "data-type");
	if (hierarchy < 0 || type < 0 || from < 0 || to < 0 ||
		!read_value(r, option, type <= VN_HMAT_WRITE_LATENCY, &value))
		return;
	if (!has_vcpus(r, from)) {
		qemu_problem(r, option, "initiator=%d seen; expected a node with vCPUs", from);
		return;
	}
	struct vn_hmat_matrix *matrix = matrix_of(r, (unsigned)hierarchy, (enum vn_hmat_type)type);
	size_t row = 0;
	while (matrix && matrix->initiators[row] != (uint32_t)from)
		row++;
	if (!matrix)
		return;
	uint64_t *at = &matrix->values[row * matrix->n_targets + (size_t)to];
	if (*at != VN_HMAT_UNKNOWN)
		qemu_problem(r, option, "%s from node %d to %d is told twice", types[type], from, to);
	*at = value;
}

/* ---- caches ---- */

static void read_cache(struct qemu_reader *r, const struct qemu_option *option)
{
	static const char *const associativities[] = {"none", "direct", "complex", NULL};
	static const char *const policies[] = {"none", "write-back", "write-through", NULL};
	struct vn_hmat *hmat = r->guest->hmat;
	int domain = qemu_vnode(r, option, "node-id", true);
	int associativity = qemu_choice(r, option, "associativity", associativities, 0),
	    policy = qemu_choice(r, option, "policy", policies, 0);
	uint64_t size = 0, level = 0, line = 0;
	size_t problems = r->problems;

	if (!vn_keyval_get(&option->keys, "size") || !vn_keyval_get(&option->keys, "level"))
		qemu_problem(r, option, "expected size and level of the cache");
	qemu_bytes(r, option, "size", 1, &size);
	qemu_number(r, option, "level", 1, 3, &level);
	qemu_number(r, option, "line", 0, UINT16_MAX, &line);
	for (size_t i = 0; domain >= 0 && i < hmat->n_caches; i++) {
		if (hmat->caches[i].domain == (uint32_t)domain && hmat->caches[i].level == level)
			qemu_problem(r, option, "level %llu of node %d is told twice",
				(unsigned long long)level, domain);
	}
	if (domain < 0 || associativity < 0 || policy < 0 || r->problems != problems)
		return;
	struct vn_hmat_cache *cache = qemu_append(r, &hmat->caches, &hmat->n_caches, sizeof(*cache));
	if (!cache)
		return;
	*cache = (struct vn_hmat_cache){.domain = (uint32_t)domain,
		.size = size,
		.level = (unsigned)level,
		.associativity = (unsigned)associativity,
		.write_policy = (unsigned)policy,
		.line_size = (unsigned)line};
}

/* How many levels a node's caches have: each tells it. */
static void count_levels(struct vn_hmat *hmat)
{
	for (size_t i = 0; i < hmat->n_caches; i++) {
		hmat->caches[i].levels = 0;
		for (size_t k = 0; k < hmat->n_caches; k++)
			hmat->caches[i].levels += hmat->caches[k].domain == hmat->caches[i].domain;
	}
}

/* ---- all ---- */

/* A node with vCPUs is its own initiator; another one's must have vCPUs. */
static void check_initiators(struct qemu_reader *r)
{
	size_t before = 0;

	for (const struct qemu_option *option = NULL; (option = qemu_next(r, "-numa", option));) {
		if (!is_type(option, "node"))
			continue;
		uint64_t number = before++;
		int initiator = qemu_vnode(r, option, "initiator", false);
		if (initiator < 0)
			continue;
		if (vn_keyval_get(&option->keys, "nodeid") &&
			!qemu_number(r, option, "nodeid", 0, QEMU_MAX_NODES - 1, &number))
			continue;
		if (has_vcpus(r, (int)number) && (uint64_t)initiator != number)
			qemu_problem(r, option, "initiator=%d seen of a node with vCPUs; expected itself",
				initiator);
		else if (!has_vcpus(r, initiator))
			qemu_problem(r, option, "initiator=%d seen; expected a node with vCPUs", initiator);
	}
}

static void make_domains(struct qemu_reader *r)
{
	struct vn_hmat *hmat = r->guest->hmat;

	for (size_t i = 0; i < r->guest->n_vnodes; i++) {
		bool named = hmat->n_matrices > 0; /* each has all nodes for targets */
		for (size_t k = 0; k < hmat->n_caches; k++)
			named |= hmat->caches[k].domain == i;
		struct vn_hmat_domain *domain =
			named ? qemu_append(r, &hmat->domains, &hmat->n_domains, sizeof(*domain)) : NULL;
		if (domain)
			*domain = (struct vn_hmat_domain){
				(uint32_t)i, -1}; /* Linux's number is the planner's to foretell */
	}
}

/* The first option that speaks of the HMAT, or NULL. */
static const struct qemu_option *first_of_hmat(const struct qemu_reader *r)
{
	for (const struct qemu_option *option = NULL; (option = qemu_next(r, "-numa", option));) {
		if (is_type(option, "hmat-lb") || is_type(option, "hmat-cache") ||
			vn_keyval_get(&option->keys, "initiator"))
			return option;
	}
	return NULL;
}

void qemu_read_hmat(struct qemu_reader *r)
{
	const struct qemu_option *first = first_of_hmat(r), *machine = qemu_last(r, "-machine", "hmat");

	if (!first)
		return;
	if (!qemu_switch(r, machine, "hmat", false))
		qemu_problem(r, first, "speaks of an HMAT; expected -machine hmat=on with it");
	if (r->guest->n_vnodes == 0)
		return;
	check_initiators(r);
	r->guest->hmat = calloc(1, sizeof(*r->guest->hmat));
	if (!r->guest->hmat) {
		r->short_of_memory = true;
		return;
	}
	r->guest->hmat->revision = QEMU_REVISION;
	for (const struct qemu_option *option = NULL; (option = qemu_next(r, "-numa", option));) {
		if (is_type(option, "hmat-lb"))
			read_latency_or_bandwidth(r, option);
		else if (is_type(option, "hmat-cache"))
			read_cache(r, option);
	}
	count_levels(r->guest->hmat);
	make_domains(r);
	if (!r->guest->hmat->n_matrices && !r->guest->hmat->n_caches) { /* initiators alone */
		vn_hmat_free(r->guest->hmat);
		r->guest->hmat = NULL;
	}
}
