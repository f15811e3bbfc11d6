/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: what a guest with `vnuma_hmat = "host"` is told of latencies and bandwidths. Vnode i reaches the memory of vnode j as the
 * node that i's vCPUs run on reaches j's home. All figures are known where the host's own HMAT could be read (by root); else sysfs has those
 * of a node's best initiators, which is enough for vnodes that live together, or memory that is near.
 *
 * Half a matrix would be no true picture: Linux orders its nodes by these figures, and one that has none would look as if it had no speed.
 * So a kind of figure is passed on when it is known for each vnode with vCPUs and each with memory, and else left out, with a note.
 *
 * Caches in front of a node's memory are left out: their size is the whole node's, not what the guest has of it.
 */
#include "plan_make.h"

#define PS_PER_NS 1000u
#define COMPRESSED                                                                                           \
	0xffffu /* what QEMU's entries must stay below, in units of a power of two for bandwidths */

struct teller {
	const struct vn_host *host;
	const struct vn_guest *guest;
	const struct vn_plan *plan;
	size_t n_initiators, n_targets;
	uint32_t initiators[VN_MAX_VNODES], targets[VN_MAX_VNODES];
	bool rounded;
};

/* ---- figures of the host ---- */

/* The place of a node in a list of domains, behind `from`; n: none. */
static size_t find_node(const struct vn_hmat *hmat, const uint32_t *domains, size_t n, int node, size_t from)
{
	while (from < n && vn_hmat_node(hmat, domains[from]) != node)
		from++;
	return from;
}

static uint64_t in_table(const struct vn_hmat *hmat, enum vn_hmat_type type, int from, int to)
{
	for (size_t m = 0; hmat && m < hmat->n_matrices; m++) {
		const struct vn_hmat_matrix *matrix = &hmat->matrices[m];
		if (matrix->type != type || matrix->hierarchy != 0)
			continue;
		size_t i = find_node(hmat, matrix->initiators, matrix->n_initiators, from, 0);
		size_t t = find_node(hmat, matrix->targets, matrix->n_targets, to, 0);
		if (i == matrix->n_initiators || t == matrix->n_targets)
			continue;
		uint64_t value = matrix->values[i * matrix->n_targets + t];
		if (value != VN_HMAT_UNKNOWN && value != VN_HMAT_UNREACHABLE)
			return value;
	}
	return VN_HMAT_UNKNOWN;
}

static uint64_t in_sysfs(const struct vn_host *host, enum vn_hmat_type type, int from, int to)
{
	int index = vn_host_node_index(host, (unsigned)to);

	for (size_t c = 0; index >= 0 && c < VN_ACCESS_CLASSES; c++) {
		const struct vn_memory_access *access = &host->nodes[index].access[c];
		if (!access->initiators || !hwloc_bitmap_isset(access->initiators, (unsigned)from))
			continue;
		switch (type) {
		case VN_HMAT_READ_LATENCY:
			return access->read_latency * PS_PER_NS;
		case VN_HMAT_WRITE_LATENCY:
			return access->write_latency * PS_PER_NS;
		case VN_HMAT_READ_BANDWIDTH:
			return access->read_bandwidth;
		case VN_HMAT_WRITE_BANDWIDTH:
			return access->write_bandwidth;
		case VN_HMAT_ACCESS_LATENCY: /* sysfs has none that is not one of these */
		case VN_HMAT_ACCESS_BANDWIDTH:
		case VN_HMAT_TYPES:
			return VN_HMAT_UNKNOWN;
		}
	}
	return VN_HMAT_UNKNOWN;
}

/* The node that the vnode's vCPUs run on: its home, unless that has no CPUs for them. -1: several. */
static int node_of_vcpus(const struct teller *t, uint32_t vnode)
{
	hwloc_const_bitmap_t cpus = t->plan->vnodes[vnode].cpus;

	for (size_t i = 0; i < t->host->n_nodes; i++) {
		if (cpus && !hwloc_bitmap_iszero(cpus) &&
			hwloc_bitmap_isincluded(cpus, t->host->nodes[i].cpus))
			return (int)t->host->nodes[i].id;
	}
	return -1;
}

static uint64_t figure(const struct teller *t, enum vn_hmat_type type, uint32_t initiator, uint32_t target)
{
	int from = node_of_vcpus(t, initiator), to = (int)t->plan->homes[target];
	uint64_t value = from < 0 ? VN_HMAT_UNKNOWN : in_table(t->host->hmat, type, from, to);

	return value == VN_HMAT_UNKNOWN && from >= 0 ? in_sysfs(t->host, type, from, to) : value;
}

/* ---- the guest's ---- */

/*
 * Bandwidths that QEMU would refuse, as they have no power of two in common that leaves 16 bits, lose their last bits: one part in 32768 at
 * most of the highest.
 */
static void fit_bandwidths(struct teller *t, struct vn_hmat_matrix *matrix)
{
	uint64_t most = 0, unit = 1;

	for (size_t i = 0; i < matrix->n_initiators * matrix->n_targets; i++)
		most = matrix->values[i] > most ? matrix->values[i] : most;
	while (most / unit >= COMPRESSED)
		unit *= 2;
	for (size_t i = 0; i < matrix->n_initiators * matrix->n_targets; i++) {
		uint64_t value = matrix->values[i], cut = value - value % unit;
		t->rounded |= cut != value;
		matrix->values[i] = cut ? cut : unit;
	}
}

/* One kind of figure: 1 when all of them are known, else 0; -ENOMEM. The caller has to drop it unless 1. */
static int fill(struct teller *t, enum vn_hmat_type type, struct vn_hmat_matrix *matrix)
{
	matrix->type = type;
	matrix->n_initiators = t->n_initiators;
	matrix->n_targets = t->n_targets;
	matrix->initiators = calloc(t->n_initiators, sizeof(*matrix->initiators));
	matrix->targets = calloc(t->n_targets, sizeof(*matrix->targets));
	matrix->values = calloc(t->n_initiators * t->n_targets, sizeof(*matrix->values));
	if (!matrix->initiators || !matrix->targets || !matrix->values)
		return -ENOMEM;
	for (size_t i = 0; i < t->n_initiators; i++) {
		matrix->initiators[i] = t->initiators[i];
		for (size_t k = 0; k < t->n_targets; k++) {
			uint64_t value = figure(t, type, t->initiators[i], t->targets[k]);
			matrix->targets[k] = t->targets[k];
			matrix->values[i * t->n_targets + k] = value;
			if (value == VN_HMAT_UNKNOWN)
				return 0;
		}
	}
	if (type >= VN_HMAT_ACCESS_BANDWIDTH)
		fit_bandwidths(t, matrix);
	return 1;
}

static void drop(struct vn_hmat_matrix *matrix)
{
	free(matrix->initiators);
	free(matrix->targets);
	free(matrix->values);
	*matrix = (struct vn_hmat_matrix){0};
}

/* All kinds of figures that are known. NULL: memory is short. */
static struct vn_hmat *make_hmat(struct teller *t)
{
	vn_autohmat *hmat = calloc(1, sizeof(*hmat));

	if (!hmat)
		return NULL;
	hmat->revision = 2;
	hmat->matrices = calloc(VN_HMAT_TYPES, sizeof(*hmat->matrices));
	hmat->domains = calloc(t->guest->n_vnodes, sizeof(*hmat->domains));
	if (!hmat->matrices || !hmat->domains)
		return NULL; /* cppcheck-suppress memleak ; freed by its clean-up */
	for (size_t v = 0; v < t->guest->n_vnodes; v++)
		hmat->domains[hmat->n_domains++] = (struct vn_hmat_domain){(uint32_t)v, -1};
	for (unsigned type = 0; type < VN_HMAT_TYPES; type++) {
		struct vn_hmat_matrix *matrix = &hmat->matrices[hmat->n_matrices];
		int known = fill(t, (enum vn_hmat_type)type, matrix);
		if (known <= 0)
			drop(matrix);
		if (known < 0)
			return NULL; /* cppcheck-suppress memleak ; freed by its clean-up */
		hmat->n_matrices += known > 0;
	}
	return vn_steal(hmat);
}

static bool has_kind(const struct vn_hmat *hmat, bool latency)
{
	for (size_t i = 0; i < hmat->n_matrices; i++) {
		if ((hmat->matrices[i].type < VN_HMAT_ACCESS_BANDWIDTH) == latency)
			return true;
	}
	return false;
}

static int note(const struct teller *t, const struct vn_hmat *hmat, struct vn_notes *notes)
{
	bool latency = has_kind(hmat, true), bandwidth = has_kind(hmat, false);
	int r = 0;

	if (!latency || !bandwidth)
		r = vn_notes_add(notes, "hmat-unknown",
			"vnuma_hmat: the host does not tell %s between all nodes that the guest lives on%s, and so the guest is not told them",
			!latency && !bandwidth ? "latencies and bandwidths"
			: latency              ? "bandwidths"
					       : "latencies",
			t->host->hmat ? "" : " (its HMAT is for root to read, or not there)");
	if (r == 0 && t->rounded)
		r = vn_notes_add(notes, "hmat-rounded",
			"vnuma_hmat: bandwidths are rounded down by up to one part in 32768 of the highest, as entries of an HMAT have 16 bits");
	return r;
}

int vn_guest_tell_hmat(const struct vn_host *host, struct vn_guest *guest, const struct vn_plan *plan)
{
	struct teller t = {.host = host, .guest = guest, .plan = plan};

	if (!guest->hmat_of_host || !plan->feasible)
		return 0;
	if (guest->guest_numa == VN_GUEST_NUMA_OFF)
		return vn_notes_add(&guest->notes, "hmat-unknown",
			"vnuma_hmat: the guest is told of no nodes (guest_numa), and so of no latencies and bandwidths");
	for (uint32_t v = 0; v < guest->n_vnodes; v++) {
		if (!hwloc_bitmap_iszero(guest->vnodes[v].vcpus))
			t.initiators[t.n_initiators++] = v;
		if (guest->vnodes[v].memory > 0)
			t.targets[t.n_targets++] = v;
	}
	vn_autohmat *hmat = make_hmat(&t);
	if (!hmat || note(&t, hmat, &guest->notes) < 0)
		return -ENOMEM;
	vn_hmat_free(guest->hmat);
	guest->hmat = hmat->n_matrices ? vn_steal(hmat) : NULL;
	return 0;
}
