/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the guest is told of latencies, bandwidths and memory-side caches: QEMU's -numa hmat-lb and hmat-cache (hw/core/numa.c). It
 * takes latencies in nanoseconds and bandwidths in bytes per second, of which it wants whole MiB: one stands in the
 * table as 1 MB/s (hw/acpi/hmat.c). Only vnodes with vCPUs are initiators.
 */
#include "emit_qemu_part.h"

#include <inttypes.h>

/* Picoseconds that an access takes from one vnode to the memory of another, as far as the table says. */
static uint64_t latency(const struct vn_guest *guest, unsigned initiator, unsigned target)
{
	uint64_t best = VN_HMAT_UNREACHABLE;

	for (size_t m = 0; guest->hmat && m < guest->hmat->n_matrices; m++) {
		const struct vn_hmat_matrix *matrix = &guest->hmat->matrices[m];
		if (matrix->hierarchy != 0 ||
			(matrix->type != VN_HMAT_ACCESS_LATENCY && matrix->type != VN_HMAT_READ_LATENCY))
			continue;
		for (size_t i = 0; i < matrix->n_initiators; i++) {
			for (size_t t = 0; t < matrix->n_targets; t++) {
				uint64_t value = matrix->values[i * matrix->n_targets + t];
				if (matrix->initiators[i] == initiator && matrix->targets[t] == target &&
					value != VN_HMAT_UNKNOWN && value < best)
					best = value;
			}
		}
	}
	return best;
}

int vn_qemu_initiator(const struct vn_guest *guest, size_t vnode)
{
	int best = -1;

	if (!hwloc_bitmap_iszero(guest->vnodes[vnode].vcpus))
		return (int)vnode;
	for (size_t i = 0; i < guest->n_vnodes; i++) {
		if (hwloc_bitmap_iszero(guest->vnodes[i].vcpus))
			continue;
		if (best < 0) {
			best = (int)i;
			continue;
		}
		uint64_t now = latency(guest, (unsigned)i, (unsigned)vnode);
		uint64_t so_far = latency(guest, (unsigned)best, (unsigned)vnode);
		uint32_t nearer = guest->vnodes[i].distances[vnode],
			 near = guest->vnodes[best].distances[vnode];
		if (now < so_far || (now == so_far && nearer < near))
			best = (int)i;
	}
	return best;
}

static bool can_initiate(const struct vn_guest *guest, uint32_t domain)
{
	return domain < guest->n_vnodes && !hwloc_bitmap_iszero(guest->vnodes[domain].vcpus);
}

/* What of the table cannot be told to QEMU, each counted. */
struct left_out {
	unsigned unreachable, initiators, rounded;
};

static void add_value(struct vn_qemu_line *line, const struct vn_hmat_matrix *matrix, size_t i, size_t t,
	struct left_out *left_out)
{
	static const char *const hierarchies[] = {"memory", "first-level", "second-level", "third-level"};
	uint64_t value = matrix->values[i * matrix->n_targets + t];
	bool is_latency = matrix->type <= VN_HMAT_WRITE_LATENCY;

	if (value == VN_HMAT_UNKNOWN)
		return;
	if (value == VN_HMAT_UNREACHABLE) {
		left_out->unreachable++;
		return;
	}
	left_out->rounded += is_latency && value % 1000 != 0;
	vn_argv_add(line->argv, "-numa");
	vn_argv_add(line->argv, "hmat-lb,initiator=%u,target=%u,hierarchy=%s,data-type=%s,%s=%" PRIu64 "%s",
		matrix->initiators[i], matrix->targets[t], hierarchies[matrix->hierarchy & 3],
		vn_hmat_type_text(matrix->type), is_latency ? "latency" : "bandwidth",
		is_latency ? value / 1000 + (value % 1000 != 0) : value, is_latency ? "" : "M");
}

static void add_matrix(
	struct vn_qemu_line *line, const struct vn_hmat_matrix *matrix, struct left_out *left_out)
{
	for (size_t i = 0; i < matrix->n_initiators; i++) {
		if (!can_initiate(line->guest, matrix->initiators[i])) {
			left_out->initiators++;
			continue;
		}
		for (size_t t = 0; t < matrix->n_targets; t++)
			add_value(line, matrix, i, t, left_out);
	}
}

/* QEMU wants the first level of a node's caches before the second. */
static void add_caches(struct vn_qemu_line *line, unsigned level)
{
	static const char *const associativities[] = {"none", "direct", "complex"};
	static const char *const policies[] = {"none", "write-back", "write-through"};
	const struct vn_hmat *hmat = line->guest->hmat;

	for (size_t i = 0; i < hmat->n_caches; i++) {
		const struct vn_hmat_cache *cache = &hmat->caches[i];
		if (cache->level != level)
			continue;
		vn_argv_add(line->argv, "-numa");
		vn_argv_add(line->argv,
			"hmat-cache,node-id=%u,size=%" PRIu64 ",level=%u,associativity=%s,policy=%s,line=%u",
			cache->domain, cache->size, level,
			associativities[cache->associativity < 3 ? cache->associativity : 0],
			policies[cache->write_policy < 3 ? cache->write_policy : 0], cache->line_size);
	}
}

void vn_qemu_add_hmat(struct vn_qemu_line *line)
{
	const struct vn_hmat *hmat = line->guest->hmat;
	struct left_out left_out = {0};

	for (size_t m = 0; hmat && m < hmat->n_matrices; m++)
		add_matrix(line, &hmat->matrices[m], &left_out);
	for (unsigned level = 1; hmat && level <= 3; level++)
		add_caches(line, level);
	if (left_out.unreachable)
		VN_QEMU_NOTE(line, "hmat-unreachable",
			"%u values say that memory cannot be reached: QEMU has no word for that, they are left out",
			left_out.unreachable);
	if (left_out.initiators)
		VN_QEMU_NOTE(line, "hmat-initiator",
			"%u initiators have no vCPUs: -numa knows only nodes with vCPUs as such, they are left out",
			left_out.initiators);
	if (left_out.rounded)
		VN_QEMU_NOTE(line, "hmat-rounded",
			"%u latencies are rounded up to whole nanoseconds, as QEMU has them",
			left_out.rounded);
}
