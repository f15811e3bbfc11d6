/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How Linux numbers the nodes of a guest: a proximity domain becomes the next free node when the kernel meets
 * it first in the SRAT, CPU entries before memory entries. QEMU (x86) and Xen write a CPU entry for every
 * possible vCPU in vCPU order, and memory entries in vnode order. So the vnode of vCPU 0 is node 0, a vnode
 * without vCPUs comes after all that have one, and a vCPU that is not online yet counts as well.
 */
#include "plan_make.h"

/* Vnodes in the order in which the guest's kernel meets them; `order` has room for all. */
static size_t number_vnodes(const struct vn_guest *guest, size_t *order)
{
	size_t n = 0;

	for (unsigned vcpu = 0; vcpu < guest->maxvcpus; vcpu++) {
		int vnode = vn_guest_vnode_of(guest, vcpu);
		bool met = vnode < 0;
		for (size_t i = 0; i < n && !met; i++)
			met = order[i] == (size_t)vnode;
		if (!met)
			order[n++] = (size_t)vnode;
	}
	for (size_t v = 0; v < guest->n_vnodes; v++) {
		if (hwloc_bitmap_iszero(guest->vnodes[v].vcpus))
			order[n++] = v;
	}
	return n;
}

static int fill_node(
	const struct vn_guest *guest, const size_t *order, size_t n, unsigned id, struct vn_view_node *node)
{
	const struct vn_vnode *vnode = &guest->vnodes[order[id]];

	node->id = id;
	node->vnode = (unsigned)order[id];
	node->memory = vnode->memory;
	node->cpus = hwloc_bitmap_dup(vnode->vcpus);
	node->distances = calloc(n, sizeof(*node->distances));
	if (!node->cpus || !node->distances)
		return -ENOMEM;
	if (hwloc_bitmap_clr_range(node->cpus, guest->vcpus, -1) < 0)
		return -ENOMEM;
	for (size_t j = 0; j < n; j++)
		node->distances[j] = vnode->distances[order[j]];
	return 0;
}

int vn_view_foretell(const struct vn_guest *guest, struct vn_view *ret_view)
{
	vn_autofree size_t *order = calloc(guest->n_vnodes, sizeof(*order));
	vn_cleanup(vn_view_clear) struct vn_view view = {0};

	if (!order)
		return -ENOMEM;
	size_t n = number_vnodes(guest, order);
	view.nodes = calloc(n, sizeof(*view.nodes));
	if (!view.nodes)
		return -ENOMEM;
	view.n_nodes = n;
	for (unsigned i = 0; i < n; i++) {
		int r = fill_node(guest, order, n, i, &view.nodes[i]);
		if (r < 0)
			/* cppcheck-suppress memleak; it does not know the cleanup attribute */
			return r;
	}
	*ret_view = view;
	view = (struct vn_view){0};
	return 0;
}
