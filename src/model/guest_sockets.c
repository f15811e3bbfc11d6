/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "guest_sockets.h"

/* Whether vCPUs first … first + n - 1 are all in one vnode. */
static bool in_one_vnode(const struct vn_guest *guest, unsigned first, unsigned n)
{
	int vnode = vn_guest_vnode_of(guest, first);

	for (unsigned i = first + 1; i < first + n; i++) {
		if (vn_guest_vnode_of(guest, i) != vnode)
			return false;
	}
	return true;
}

unsigned vn_guest_cores_per_socket(const struct vn_guest *guest)
{
	for (unsigned cores = guest->maxvcpus / guest->threads; cores > 1; cores--) {
		unsigned vcpus = cores * guest->threads;
		bool good = guest->maxvcpus % vcpus == 0;
		for (unsigned first = 0; good && first < guest->maxvcpus; first += vcpus)
			good = in_one_vnode(guest, first, vcpus);
		if (good)
			return cores;
	}
	return 1;
}

static unsigned told_threads(const struct vn_guest *guest)
{
	return guest->topology.threads ? guest->topology.threads : guest->threads;
}

/* What was said, where it makes exactly the guest's vCPUs; one of sockets and cores that is open follows from the rest. */
static bool read_topology(const struct vn_guest *guest, struct vn_guest_topology *ret)
{
	const struct vn_guest_topology *t = &guest->topology;
	uint64_t all = guest->maxvcpus, dies = t->dies ? t->dies : 1,
		 clusters = t->clusters ? t->clusters : 1;
	uint64_t sockets = t->sockets ? t->sockets : 1, cores = t->cores ? t->cores : 1;

	if ((!t->sockets && !t->cores) || dies > all || clusters > all || sockets > all || cores > all)
		return false;
	if (told_threads(guest) > all)
		return false;
	uint64_t known = sockets * dies * clusters * cores * told_threads(guest);
	if (all % known != 0 || (t->sockets && t->cores && known != all))
		return false;
	sockets = t->sockets ? sockets : all / known;
	cores = t->cores ? cores : all / known;
	*ret = (struct vn_guest_topology){
		(unsigned)sockets, (unsigned)dies, 1, (unsigned)(cores * clusters), told_threads(guest)};
	return true;
}

struct vn_guest_topology vn_guest_sockets(const struct vn_guest *guest)
{
	struct vn_guest_topology topology;

	if (read_topology(guest, &topology))
		return topology;
	unsigned cores = vn_guest_cores_per_socket(guest);
	return (struct vn_guest_topology){
		guest->maxvcpus / guest->threads / cores, 1, 1, cores, guest->threads};
}
