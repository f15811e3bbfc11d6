/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "near.h"

#define AMONG 0.25 /* of vCPUs' time on a node, for them to be there */

void vn_near_clear(struct vn_near *near)
{
	hwloc_bitmap_free(near->homes);
	hwloc_bitmap_free(near->fine);
	*near = (struct vn_near){0};
}

static int add_vnode(const struct vn_case *the, const struct vn_case_vnode *vnode, struct vn_near *near)
{
	if (vn_case_near(the, vnode->home, near->homes) < 0 || vn_case_near(the, vnode->home, near->fine) < 0)
		return -ENOMEM;
	for (size_t n = 0; n < the->host->n_nodes; n++) {
		if (vnode->elsewhere && vnode->on[n] > AMONG && hwloc_bitmap_set(near->fine, (unsigned)n) < 0)
			return -ENOMEM;
	}
	return 0;
}

int vn_near_of(const struct vn_case *the, hwloc_const_bitmap_t vnodes, struct vn_near *ret_near)
{
	vn_autonear near = {hwloc_bitmap_alloc(), hwloc_bitmap_alloc()};

	if (!near.homes || !near.fine)
		return -ENOMEM;
	for (size_t v = 0; v < the->n_vnodes; v++) {
		if (!hwloc_bitmap_isset(vnodes, (unsigned)v) || the->vnodes[v].n_vcpus == 0)
			continue;
		if (the->vnodes[v].loose || the->vnodes[v].home < 0 || the->vnodes[v].goes >= 0)
			return 0;
		if (add_vnode(the, &the->vnodes[v], &near) < 0)
			return -ENOMEM;
	}
	if (hwloc_bitmap_iszero(near.homes))
		return 0;
	*ret_near = near;
	near = (struct vn_near){0};
	return 1;
}

int vn_near_find(const struct vn_case *the, int vnode, struct vn_near *ret_near)
{
	vn_autoset vnodes = hwloc_bitmap_alloc();
	int r = !vnodes     ? -1
		: vnode < 0 ? hwloc_bitmap_set_range(vnodes, 0, (int)the->n_vnodes - 1)
			    : hwloc_bitmap_set(vnodes, (unsigned)vnode);

	return r < 0 ? -ENOMEM : vn_near_of(the, vnodes, ret_near);
}
