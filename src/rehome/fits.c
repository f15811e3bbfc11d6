/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether a plan is one of this host, and of this VM. */
#include "../base/text.h"
#include "../model/plan_reader.h"
#include "part.h"

static bool is_of_host(struct vn_rehoming *the)
{
	uint64_t made_for = the->plan->host, here = the->host->identity;

	if (made_for == 0 || here == 0 || made_for == here)
		return true;
	vn_error_input(the->problems, NULL,
		"the plan is one of another host, " VN_PLAN_HOST_FORMAT "; this one is " VN_PLAN_HOST_FORMAT,
		(unsigned long long)made_for, (unsigned long long)here);
	return false;
}

static void check_vnodes(struct vn_rehoming *the)
{
	if (the->plan->n_vnodes != the->n_vnodes)
		vn_error_input(the->problems, NULL, "the plan has %zu vnode%s; the VM has %zu%s",
			the->plan->n_vnodes, the->plan->n_vnodes == 1 ? "" : "s", the->n_vnodes,
			the->vm->guest ? "" : ", as far as is known: its command line is not followed");
}

static void check_vcpus(struct vn_rehoming *the)
{
	const struct vn_guest *guest = the->vm->guest, *planned = the->plan->planned;
	unsigned n = guest ? guest->maxvcpus : 0;

	for (size_t i = 0; i < the->vm->n_threads && !guest; i++)
		n += the->vm->threads[i].kind == VN_THREAD_VCPU;
	if ((guest || n > 0) && the->plan->n_vcpus != n)
		vn_error_input(the->problems, NULL, "the plan has %u vCPU%s; the VM has %u",
			the->plan->n_vcpus, the->plan->n_vcpus == 1 ? "" : "s", n);
	for (unsigned i = 0; guest && planned && guest->n_vnodes > 1 && i < n && i < the->plan->n_vcpus;
		i++) {
		int is = vn_guest_vnode_of(guest, i), should = vn_guest_vnode_of(planned, i);
		if (is != should)
			vn_error_input(the->problems, NULL,
				"vCPU %u is of vnode %d in the plan; the VM has it in vnode %d", i, should,
				is);
	}
}

/* Not all memory that was plugged in is counted for its node, but its pools are: vn_hugepool_is_sound(). */
static bool has_memory(const struct vn_host_node *node)
{
	bool has = node->memory_total > 0;

	for (size_t i = 0; i < node->n_hugepools; i++)
		has |= node->hugepools[i].total > 0;
	return has;
}

static void check_node(struct vn_rehoming *the, size_t vnode, unsigned id, bool memory)
{
	int node = vn_host_node_index(the->host, id);

	if (node < 0 && the->host->offline_nodes && hwloc_bitmap_isset(the->host->offline_nodes, id))
		vn_error_input(
			the->problems, NULL, "vnode %zu is to be on node %u, which is offline", vnode, id);
	else if (node < 0)
		vn_error_input(the->problems, NULL,
			"vnode %zu is to be on node %u; the host has %zu node%s, and none of that number",
			vnode, id, the->host->n_nodes, the->host->n_nodes == 1 ? "" : "s");
	else if (memory && !has_memory(&the->host->nodes[node]))
		vn_error_input(the->problems, NULL, "vnode %zu is to have memory on node %u, which has none",
			vnode, id);
}

/* Memory that the plan does not know of goes to the home. */
static bool has_blocks(const struct vn_rehoming *the, size_t vnode)
{
	for (size_t i = 0; i < the->vm->n_blocks; i++) {
		if (vn_rehome_vnode_of(the, &the->vm->blocks[i]) == (int)vnode)
			return true;
	}
	return false;
}

static int check_nodes(struct vn_rehoming *the)
{
	for (size_t v = 0; v < the->plan->n_vnodes; v++) {
		const struct vn_plan_vnode *vnode = &the->plan->vnodes[v];
		vn_autoset seen = hwloc_bitmap_alloc();
		if (!seen)
			return -ENOMEM;
		for (size_t k = 0; k < vnode->n_shares; k++) {
			unsigned id = vnode->shares[k].pnode;
			if (!hwloc_bitmap_isset(seen, id))
				check_node(the, v, id, vnode->shares[k].memory > 0);
			if (hwloc_bitmap_set(seen, id) < 0)
				return -ENOMEM;
		}
		if (!hwloc_bitmap_isset(seen, the->plan->homes[v]))
			check_node(the, v, the->plan->homes[v], vnode->n_shares == 0 && has_blocks(the, v));
	}
	return 0;
}

int vn_rehome_fits(struct vn_rehoming *the)
{
	const struct vn_notes *reasons = &the->plan->reasons;

	if (!the->wish->threads && !the->wish->memory)
		vn_error_input(the->problems, NULL, "neither threads nor memory are to be moved");
	if (!the->plan->feasible)
		vn_error_input(the->problems, NULL, "the plan is none that can be carried out%s%s",
			reasons->n > 0 ? ": " : "", reasons->n > 0 ? reasons->v[0].text : "");
	else if (is_of_host(the)) { /* else, what does not fit follows from it */
		check_vnodes(the);
		check_vcpus(the);
		return check_nodes(the);
	}
	return 0;
}
