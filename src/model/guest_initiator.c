/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "guest_initiator.h"

/* How well a vnode reaches a memory; less is better. */
struct reach {
	uint64_t latency; /* ps; UINT64_MAX: not told, or not reachable */
	uint64_t slowness; /* UINT64_MAX less the bandwidth in MB/s */
	uint32_t distance;
};

/* The figure of a matrix from `from` to `to`; VN_HMAT_UNKNOWN when it has none. */
static uint64_t figure(const struct vn_hmat_matrix *matrix, uint32_t from, uint32_t to)
{
	uint64_t value = VN_HMAT_UNKNOWN;

	for (size_t i = 0; i < matrix->n_initiators; i++) {
		for (size_t k = 0; k < matrix->n_targets && matrix->initiators[i] == from; k++) {
			if (matrix->targets[k] == to)
				value = matrix->values[i * matrix->n_targets + k];
		}
	}
	return value == VN_HMAT_UNREACHABLE ? VN_HMAT_UNKNOWN : value;
}

/* Of the memory itself, not of its caches; where reads and writes are told apart, the worst counts for latency. */
static struct reach reach_of(const struct vn_guest *guest, uint32_t from, uint32_t to)
{
	struct reach reach = {UINT64_MAX, UINT64_MAX, guest->vnodes[from].distances[to]};
	uint64_t latency = 0, bandwidth = 0;

	for (size_t i = 0; guest->hmat && i < guest->hmat->n_matrices; i++) {
		const struct vn_hmat_matrix *matrix = &guest->hmat->matrices[i];
		uint64_t value = matrix->hierarchy == 0 ? figure(matrix, from, to) : VN_HMAT_UNKNOWN;
		uint64_t *most = matrix->type < VN_HMAT_ACCESS_BANDWIDTH ? &latency : &bandwidth;
		*most = value > *most ? value : *most;
	}
	reach.latency = latency ? latency : UINT64_MAX;
	reach.slowness -= bandwidth;
	return reach;
}

static bool is_better(const struct reach *a, const struct reach *b)
{
	if (a->latency != b->latency)
		return a->latency < b->latency;
	return a->slowness != b->slowness ? a->slowness < b->slowness : a->distance < b->distance;
}

int vn_guest_initiator(const struct vn_guest *guest, size_t vnode)
{
	struct reach best = {0};
	int found = -1;

	if (!hwloc_bitmap_iszero(guest->vnodes[vnode].vcpus))
		return (int)vnode;
	for (size_t v = 0; v < guest->n_vnodes; v++) {
		if (hwloc_bitmap_iszero(guest->vnodes[v].vcpus))
			continue;
		struct reach reach = reach_of(guest, (uint32_t)v, (uint32_t)vnode);
		if (found >= 0 && !is_better(&reach, &best))
			continue;
		best = reach;
		found = (int)v;
	}
	return found;
}
