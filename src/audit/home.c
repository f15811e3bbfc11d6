/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: a home is what somebody decided, if anybody did, and else what the VM does. In this order:
 *
 *  1. plan: vnuma started the VM and wrote its homes down;
 *  2. affinity: all vCPUs of the vnode are kept on one node;
 *  3. policy: its memory is bound to one node or prefers it, or its cpuset allows one;
 *  4. memory: more than half of what is present is on one node;
 *  5. time: its vCPUs spent more than half of their time on one node.
 *
 * A plan that is out of date decides nothing: where all vCPUs are kept on another node and most of the memory is there as well,
 * somebody moved the vnode, and it is at home where it is (`vnuma verify` tells that it is not as planned).
 *
 * A vnode is loose, and has no home to be remote from, if it spans nodes
 *  - because it must: it has more memory than any node, or more vCPUs than any node has CPUs;
 *  - because that was asked for: its memory is interleaved; or it is the guest's only vnode, not all its vCPUs are kept on one node, and
 *    either its policy names several nodes or its vCPUs are kept on one node each, with fewer than three quarters of them on any.
 */
#include "home.h"

#include <limits.h>

static int home_by_plan(const struct vn_case *the, size_t at)
{
	const struct vn_vm *record = the->vm->record;
	const json_t *homes = record ? json_object_get(record->plan, "homes") : NULL;
	const json_t *home = json_array_size(homes) == the->n_vnodes ? json_array_get(homes, at) : NULL;
	json_int_t id = json_is_integer(home) ? json_integer_value(home) : -1;

	if (id >= 0 && id < UINT_MAX)
		return vn_case_index(the->host, (unsigned)id);
	for (size_t i = 0; record && i < record->n_backends; i++) {
		const struct vn_vm_backend *backend = &record->backends[i];
		if (backend->vnode == at && backend->nodes && hwloc_bitmap_weight(backend->nodes) == 1)
			return vn_case_index(the->host, (unsigned)hwloc_bitmap_first(backend->nodes));
	}
	return -1;
}

/* The node that has more than half of a vector. */
static int most_of(const struct vn_case *the, const double *share)
{
	double sum = 0;

	for (size_t i = 0; i < the->host->n_nodes; i++)
		sum += share[i];
	for (size_t i = 0; i < the->host->n_nodes; i++) {
		if (share[i] > sum / 2)
			return (int)i;
	}
	return -1;
}

static void find_home(const struct vn_case *the, size_t at, struct vn_case_vnode *vnode)
{
	int by_memory = vnode->has_memory ? most_of(the, vnode->memory) : -1;
	int by_policy = vnode->has_policy && hwloc_bitmap_weight(vnode->policy) == 1
				? hwloc_bitmap_first(vnode->policy)
				: -1;
	const struct {
		int node;
		enum vn_home_by by;
	} ways[] = {{home_by_plan(the, at), VN_HOME_BY_PLAN}, {vnode->kept, VN_HOME_BY_AFFINITY},
		{by_policy, VN_HOME_BY_POLICY}, {by_memory, VN_HOME_BY_MEMORY},
		{vnode->has_place ? most_of(the, vnode->on) : -1, VN_HOME_BY_TIME}};
	bool moved = ways[0].node >= 0 && vnode->kept >= 0 && vnode->kept == by_memory &&
		     vnode->kept != ways[0].node;

	for (size_t i = moved ? 1 : 0; i < sizeof(ways) / sizeof(*ways) && vnode->home < 0; i++) {
		vnode->home = ways[i].node;
		vnode->home_by = ways[i].node >= 0 ? ways[i].by : VN_HOME_UNKNOWN;
	}
}

static bool is_too_large(const struct vn_case *the, const struct vn_case_vnode *vnode)
{
	uint64_t memory = 0;
	unsigned cpus = 0;

	for (size_t i = 0; i < the->host->n_nodes; i++) {
		const struct vn_host_node *node = &the->host->nodes[i];
		unsigned has = vn_set_weight(node->cpus);
		memory = node->memory_total > memory ? node->memory_total : memory;
		cpus = has > cpus ? has : cpus;
	}
	return vnode->size > memory || vnode->n_vcpus > cpus;
}

/* vCPUs that are kept on a node each, and not on the same one. */
static bool is_spread_by_pins(const struct vn_case *the)
{
	size_t most = 0;

	for (size_t n = 0; n < the->host->n_nodes; n++) {
		size_t here = 0;
		for (size_t i = 0; i < the->n_vcpus; i++) {
			const struct vn_case_vcpu *vcpu = &the->vcpus[i];
			if (hwloc_bitmap_weight(vcpu->may) != 1)
				return false;
			here += hwloc_bitmap_isset(vcpu->may, (unsigned)n);
		}
		most = here > most ? here : most;
	}
	return the->n_vcpus > 1 && 4 * most < 3 * the->n_vcpus;
}

/* Interleaved by a policy, or as vnuma planned it: over the nodes that are named, as far as the cpuset allows them. */
static void find_dealt(const struct vn_case *the, size_t at, struct vn_case_vnode *vnode)
{
	const struct vn_vm *record = the->vm->record;
	hwloc_const_bitmap_t planned = NULL;

	for (size_t i = 0; record && i < record->n_backends; i++) {
		if (record->backends[i].vnode == at && record->backends[i].binding == VN_BINDING_INTERLEAVE) {
			vnode->dealt = true;
			planned = record->backends[i].nodes;
		}
	}
	for (size_t i = 0; i < the->host->n_nodes && vnode->dealt; i++) {
		const struct vn_host_node *node = &the->host->nodes[i];
		bool named = !hwloc_bitmap_iszero(vnode->policy)
				     ? hwloc_bitmap_isset(vnode->policy, (unsigned)i)
				     : !planned || hwloc_bitmap_isset(planned, node->id);
		vnode->dealt_over += node->memory_total > 0 && named &&
				     (!the->vm->mems || hwloc_bitmap_isset(the->vm->mems, node->id));
	}
	vnode->dealt_over = vnode->dealt_over > 0 ? vnode->dealt_over : 1;
}

static bool is_loose(const struct vn_case *the, const struct vn_case_vnode *vnode)
{
	bool several = vnode->has_policy && hwloc_bitmap_weight(vnode->policy) > 1;

	if (vnode->dealt || is_too_large(the, vnode))
		return true;
	return the->n_vnodes == 1 && vnode->kept < 0 && (several || is_spread_by_pins(the));
}

int vn_homes_find(struct vn_case *the)
{
	for (size_t v = 0; v < the->n_vnodes; v++) {
		struct vn_case_vnode *vnode = &the->vnodes[v];
		find_dealt(the, v, vnode);
		vnode->loose = is_loose(the, vnode);
		find_home(the, v, vnode);
	}
	return 0;
}
