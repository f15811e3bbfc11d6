/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "io_spread.h"

static bool has_vcpus(const struct vn_guest *guest, size_t vnode)
{
	return !hwloc_bitmap_iszero(guest->vnodes[vnode].vcpus);
}

/* The vnodes that have vCPUs, in turn: a memory-only vnode has nothing to serve. */
static unsigned in_turn(const struct vn_guest *guest, size_t index)
{
	size_t busy = 0;

	for (size_t i = 0; i < guest->n_vnodes; i++)
		busy += has_vcpus(guest, i);
	for (size_t i = 0, nth = 0; i < guest->n_vnodes && busy > 0; i++) {
		if (has_vcpus(guest, i) && nth++ == index % busy)
			return (unsigned)i;
	}
	return 0;
}

static bool is_vnode(const struct vn_guest *guest, int vnode)
{
	return vnode >= 0 && (size_t)vnode < guest->n_vnodes;
}

unsigned vn_disk_vnode(const struct vn_guest *guest, size_t index)
{
	int wish = guest->disks[index].vnode;

	return is_vnode(guest, wish) ? (unsigned)wish : in_turn(guest, index);
}

unsigned vn_vif_vnode(const struct vn_guest *guest, size_t index)
{
	int wish = guest->vifs[index].vnode;

	return is_vnode(guest, wish) ? (unsigned)wish : in_turn(guest, index);
}

unsigned vn_hostdev_vnode(const struct vn_guest *guest, size_t index)
{
	unsigned wish = guest->hostdevs[index].vnode;

	return wish < guest->n_vnodes ? wish : 0;
}

void vn_queue_vcpus(unsigned vcpus, unsigned queues, unsigned queue, unsigned *ret_first, unsigned *ret_count)
{
	unsigned stride = vcpus / queues ? vcpus / queues : 1;
	unsigned stragglers = vcpus >= queues ? vcpus % queues : 0;

	*ret_first = (queue * stride + (queue < stragglers ? queue : stragglers)) % vcpus;
	*ret_count = stride + (queue < stragglers);
}

unsigned vn_queue_vnode(const struct vn_guest *guest, size_t index, unsigned queue)
{
	unsigned first, count, best = 0, most = 0, own = vn_vif_vnode(guest, index);
	unsigned queues = guest->vifs[index].queues;

	if (queues < 2)
		return own;
	vn_queue_vcpus(guest->vcpus, queues, queue, &first, &count);
	for (unsigned v = 0; v < guest->n_vnodes; v++) {
		unsigned users = 0;
		for (unsigned i = first; i < first + count; i++)
			users += hwloc_bitmap_isset(guest->vnodes[v].vcpus, i) != 0;
		if (users > most || (users > 0 && users == most && v == own)) {
			most = users;
			best = v;
		}
	}
	return best;
}
