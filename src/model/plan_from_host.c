/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether a plan that was read is one of this host: its nodes, its CPUs, no more memory than there is. */
#include "plan_reader.h"

#include "../base/text.h"

#define ANOTHER_HOST "is it a plan of another host?"

static void check_nodes(const struct vn_plan_reader *p)
{
	for (size_t v = 0; v < p->plan->n_vnodes; v++) {
		const struct vn_plan_vnode *vnode = &p->plan->vnodes[v];
		struct vn_json_reader in = {p->in.document, &p->in, "vnodes", (long)v, NULL};
		if (vn_host_node_index(p->host, vnode->home) < 0)
			vn_json_problem(&in, "home", "the host has no node %u: " ANOTHER_HOST, vnode->home);
		for (size_t k = 0; k < vnode->n_shares; k++) {
			if (vn_host_node_index(p->host, vnode->shares[k].pnode) < 0)
				vn_json_problem(&in, "shares", "the host has no node %u: " ANOTHER_HOST,
					vnode->shares[k].pnode);
		}
	}
}

/* Whether a CPU is of a node; one that went offline since counts as long as nothing says that it is elsewhere. */
static bool is_on_node(const struct vn_host *host, unsigned id, const struct vn_host_node *node)
{
	const struct vn_host_cpu *cpu = vn_host_cpu(host, id);

	if (hwloc_bitmap_isset(node->cpus, id))
		return true;
	return cpu && !cpu->online && (cpu->node < 0 || cpu->node == (int)node->id);
}

static void check_vcpu(const struct vn_plan_reader *p, unsigned vcpu)
{
	unsigned home = p->plan->homes[vn_guest_vnode_of(p->guest, vcpu)], id;
	const struct vn_host_node *node = &p->host->nodes[vn_host_node_index(p->host, home)];
	struct vn_json_reader in = {p->in.document, &p->in, "vcpus", (long)vcpu, NULL};

	hwloc_bitmap_foreach_begin (id, p->plan->vcpu_cpus[vcpu]) {
		if (is_on_node(p->host, id, node))
			continue;
		vn_json_problem(&in, "cpus", "CPU %u is not on node %u of the host: " ANOTHER_HOST, id, home);
		return;
	}
	hwloc_bitmap_foreach_end();
}

static void check_emulator(const struct vn_plan_reader *p)
{
	unsigned id;

	hwloc_bitmap_foreach_begin (id, p->plan->emulator_cpus) {
		bool known = vn_host_cpu(p->host, id);
		for (size_t i = 0; i < p->host->n_nodes && !known; i++)
			known = hwloc_bitmap_isset(p->host->nodes[i].cpus, id);
		if (known)
			continue;
		vn_json_problem(&p->in, "emulator_cpus", "the host has no CPU %u: " ANOTHER_HOST, id);
		return;
	}
	hwloc_bitmap_foreach_end();
}

/* All that the node could ever hold. Its pools may be more than its memory: see vn_hugepool_is_sound(). */
static uint64_t capacity(const struct vn_host_node *node)
{
	uint64_t pools = 0;

	for (size_t i = 0; i < node->n_hugepools && pools < VN_MAX_AMOUNT; i++)
		pools += node->hugepools[i].total * node->hugepools[i].size; /* of at most 2^60 bytes */
	return node->memory_total > pools ? node->memory_total : pools;
}

static void check_memory(const struct vn_plan_reader *p)
{
	for (size_t i = 0; i < p->host->n_nodes; i++) {
		const struct vn_host_node *node = &p->host->nodes[i];
		uint64_t sum = 0, most = capacity(node);
		char asked[VN_SIZE_TEXT], there[VN_SIZE_TEXT];
		for (size_t v = 0; v < p->plan->n_vnodes; v++) {
			for (size_t k = 0; k < p->plan->vnodes[v].n_shares; k++)
				sum += p->plan->vnodes[v].shares[k].pnode == node->id
					       ? p->plan->vnodes[v].shares[k].memory
					       : 0;
		}
		if (sum > most)
			vn_json_problem(&p->in, "vnodes", "%s on node %u, which has %s in all: " ANOTHER_HOST,
				vn_size_text(sum, asked), node->id, vn_size_text(most, there));
	}
}

/* Its numbers may all fit here, and yet mean something else. */
static bool is_of_host(const struct vn_plan_reader *p)
{
	uint64_t made_for = p->plan->host, here = p->host->identity;

	if (made_for == 0 || here == 0 || made_for == here)
		return true;
	vn_json_problem(&p->in, "host",
		VN_PLAN_HOST_FORMAT
		", so the plan of '%s' is one of another host; expected " VN_PLAN_HOST_FORMAT,
		(unsigned long long)made_for, p->guest->name, (unsigned long long)here);
	return false;
}

void vn_plan_check_host(const struct vn_plan_reader *p)
{
	if (!is_of_host(p))
		return; /* what else does not fit follows from it */
	check_nodes(p);
	if (!vn_plan_sound(p))
		return;
	for (unsigned vcpu = 0; vcpu < p->plan->n_vcpus; vcpu++)
		check_vcpu(p, vcpu);
	check_emulator(p);
	check_memory(p);
}
