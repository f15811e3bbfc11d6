/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The public side of where a plan puts things: vnodes, vCPUs, QEMU's other threads; and of what the guest will see. */
#include "api_plan.h"

#include "../model/plan_names.h"

const char *vn_plan_memory_policy(const struct vn_plan *plan)
{
	return plan->feasible ? vn_binding_names[plan->binding] : NULL;
}

/* ---- vnodes ---- */

static const struct vn_plan_vnode *vnode_at(const struct vn_plan *plan, size_t index)
{
	return index < plan->n_vnodes ? &plan->vnodes[index] : NULL;
}

size_t vn_plan_vnode_count(const struct vn_plan *plan)
{
	return plan->n_vnodes;
}

int vn_plan_vnode_home(const struct vn_plan *plan, size_t vnode)
{
	const struct vn_plan_vnode *v = vnode_at(plan, vnode);
	return v ? (int)v->home : -ERANGE;
}

int64_t vn_plan_vnode_memory(const struct vn_plan *plan, size_t vnode)
{
	return vnode < plan->n_vnodes ? vn_api_amount(plan->planned->vnodes[vnode].memory) : -ERANGE;
}

int64_t vn_plan_vnode_memory_on(const struct vn_plan *plan, size_t vnode, unsigned node_id)
{
	const struct vn_plan_vnode *v = vnode_at(plan, vnode);

	for (size_t k = 0; v && k < v->n_shares; k++) {
		if (v->shares[k].pnode == node_id)
			return vn_api_amount(v->shares[k].memory);
	}
	return v ? 0 : -ERANGE;
}

int vn_plan_vnode_nodes(const struct vn_plan *plan, size_t vnode, unsigned *ret_ids, size_t max)
{
	const struct vn_plan_vnode *v = vnode_at(plan, vnode);
	vn_autoset nodes = v ? hwloc_bitmap_alloc() : NULL;

	if (!nodes)
		return v ? -ENOMEM : -ERANGE;
	for (size_t k = 0; k < v->n_shares; k++) {
		if (hwloc_bitmap_set(nodes, v->shares[k].pnode) < 0)
			return -ENOMEM;
	}
	return vn_api_set(nodes, ret_ids, max);
}

int vn_plan_vnode_vcpus(const struct vn_plan *plan, size_t vnode, unsigned *ret_ids, size_t max)
{
	return vnode < plan->n_vnodes ? vn_api_set(plan->planned->vnodes[vnode].vcpus, ret_ids, max)
				      : -ERANGE;
}

int vn_plan_vnode_cpus(const struct vn_plan *plan, size_t vnode, unsigned *ret_ids, size_t max)
{
	const struct vn_plan_vnode *v = vnode_at(plan, vnode);
	return v ? vn_api_set(v->cpus, ret_ids, max) : -ERANGE;
}

/* ---- threads ---- */

size_t vn_plan_vcpu_count(const struct vn_plan *plan)
{
	return plan->n_vcpus;
}

int vn_plan_vcpu_vnode(const struct vn_plan *plan, size_t vcpu)
{
	return vcpu < plan->n_vcpus ? vn_guest_vnode_of(plan->planned, (unsigned)vcpu) : -ERANGE;
}

int vn_plan_vcpu_cpus(const struct vn_plan *plan, size_t vcpu, unsigned *ret_ids, size_t max)
{
	return vcpu < plan->n_vcpus ? vn_api_set(plan->vcpu_cpus[vcpu], ret_ids, max) : -ERANGE;
}

int vn_plan_emulator_cpus(const struct vn_plan *plan, unsigned *ret_ids, size_t max)
{
	return vn_api_set(plan->emulator_cpus, ret_ids, max);
}

/* ---- what the guest sees ---- */

static const struct vn_view_node *view_node_at(const struct vn_plan *plan, size_t index)
{
	return index < plan->view.n_nodes ? &plan->view.nodes[index] : NULL;
}

size_t vn_plan_view_node_count(const struct vn_plan *plan)
{
	return plan->view.n_nodes;
}

int vn_plan_view_node_vnode(const struct vn_plan *plan, size_t node)
{
	const struct vn_view_node *n = view_node_at(plan, node);
	return n ? (int)n->vnode : -ERANGE;
}

int64_t vn_plan_view_node_memory(const struct vn_plan *plan, size_t node)
{
	const struct vn_view_node *n = view_node_at(plan, node);
	return n ? vn_api_amount(n->memory) : -ERANGE;
}

int vn_plan_view_node_cpus(const struct vn_plan *plan, size_t node, unsigned *ret_ids, size_t max)
{
	const struct vn_view_node *n = view_node_at(plan, node);
	return n ? vn_api_set(n->cpus, ret_ids, max) : -ERANGE;
}

int vn_plan_view_distance(const struct vn_plan *plan, size_t from, size_t to)
{
	const struct vn_view_node *n = view_node_at(plan, from);
	return n && to < plan->view.n_nodes ? (int)n->distances[to] : -ERANGE;
}
