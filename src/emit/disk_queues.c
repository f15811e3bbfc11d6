/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation. A virtio disk has an interrupt for each queue, and the guest's kernel lets a vCPU use the queue whose
 * interrupt may come to it (Linux: block/blk-mq-virtio.c, blk_mq_virtio_map_queues()). Interrupts are spread over the
 * vCPUs that are present, node by node (lib/group_cpus.c, group_cpus_evenly(); before 6.2 in kernel/irq/affinity.c):
 * with as many queues as vCPUs each vCPU has its own, those of a node one after the other. What is not obvious is
 * which node comes first. The kernel sorts its nodes by how many vCPUs they have, fewest first, with lib/sort.c, and
 * that heap sort does not keep the order of equal ones: of two equal nodes the second comes first. So it has to be done
 * here as it is done there. Newer kernels (6.12 is one, 6.8 is none) take two elements off the heap at a time, which leaves three or more equal ones in yet
 * another order. Seen on 6.12, with three nodes of two vCPUs and one without: the first two queues are node 1's, then node 2's, then
 * node 0's.
 *
 * A guest that spreads its queues otherwise loses no disk and no data: a queue is then served by the other vnode's thread.
 */
#include "disk_queues.h"

#include <stdlib.h>

#include "../base/cleanup.h"

/* A node as the guest's kernel has it. */
struct node {
	unsigned vnode;
	int vcpus; /* present; -1: none, which sorts first as in the kernel */
};

static void swap(struct node *nodes, size_t i, size_t k)
{
	struct node kept = nodes[i];

	nodes[i] = nodes[k];
	nodes[k] = kept;
}

/* Puts nodes[at] where it belongs in the heap below it: down to a leaf along the greater children, then back up. */
static void sift(struct node *nodes, size_t n, size_t at)
{
	size_t to = at;

	while (2 * to + 2 < n)
		to = 2 * to + (nodes[2 * to + 1].vcpus >= nodes[2 * to + 2].vcpus ? 1 : 2);
	if (2 * to + 2 == n)
		to = 2 * to + 1;
	while (to != at && nodes[at].vcpus >= nodes[to].vcpus)
		to = (to - 1) / 2;
	for (size_t hole = to; to != at;) {
		to = (to - 1) / 2;
		swap(nodes, to, hole);
	}
}

/* lib/sort.c from 5.2 to 6.8. */
static void sort_by_one(struct node *nodes, size_t n)
{
	for (size_t i = n / 2; i-- > 0;)
		sift(nodes, n, i);
	while (n > 1) {
		swap(nodes, 0, --n);
		sift(nodes, n, 0);
	}
}

/* lib/sort.c of 6.12: the root and the greater of its children leave the heap together. */
static void sort_by_two(struct node *nodes, size_t n)
{
	for (size_t i = n / 2; i-- > 0;)
		sift(nodes, n, i);
	while (n > 3) {
		size_t child = nodes[1].vcpus <= nodes[2].vcpus ? 2 : 1;
		swap(nodes, 0, n - 1);
		swap(nodes, child, n - 2);
		n -= 2;
		sift(nodes, n, child);
		sift(nodes, n, 0);
	}
	if (n > 1)
		swap(nodes, 0, n - 1);
	if (n == 3 && nodes[0].vcpus > nodes[1].vcpus)
		swap(nodes, 0, 1);
}

unsigned vn_disk_queues(const struct vn_guest *guest)
{
	return guest->vcpus;
}

static void fill_in(const struct node *nodes, size_t n, unsigned *vnodes, unsigned queues)
{
	unsigned queue = 0;

	for (size_t i = 0; i < n; i++) {
		for (int k = 0; k < nodes[i].vcpus && queue < queues; k++)
			vnodes[queue++] = nodes[i].vnode;
	}
}

int vn_disk_queue_vnodes(
	const struct vn_guest *guest, const struct vn_view *view, unsigned *vnodes, bool *ret_same)
{
	size_t n = view->n_nodes, busy = 0;
	vn_autofree struct node *nodes = calloc(n + 1, sizeof(*nodes)),
				*older = calloc(n + 1, sizeof(*older));
	bool same = true;

	if (!nodes || !older)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		int vcpus = hwloc_bitmap_weight(view->nodes[i].cpus);
		busy += vcpus > 0;
		older[i] = nodes[i] = (struct node){view->nodes[i].vnode, vcpus > 0 ? vcpus : -1};
	}
	if (guest->vcpus > busy) { /* else each node has one queue, and they are not sorted */
		sort_by_two(nodes, n);
		sort_by_one(older, n);
	}
	for (size_t i = 0; i < n; i++)
		same &= nodes[i].vnode == older[i].vnode || nodes[i].vcpus < 0;
	fill_in(nodes, n, vnodes, vn_disk_queues(guest));
	*ret_same = same;
	return 0;
}
