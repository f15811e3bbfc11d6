/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "wishes.h"

/* Whether `cpus` names at least one CPU that the host has, online or not. */
static bool names_a_cpu(const struct vn_host *host, hwloc_const_bitmap_t cpus)
{
	for (size_t i = 0; i < host->n_nodes; i++) {
		if (hwloc_bitmap_intersects(host->nodes[i].cpus, cpus))
			return true;
	}
	for (size_t i = 0; i < host->n_cpus; i++) {
		if (hwloc_bitmap_isset(cpus, host->cpus[i].id))
			return true;
	}
	return false;
}

static char *list_nodes(const struct vn_host *host)
{
	vn_autoset ids = hwloc_bitmap_alloc();

	for (size_t i = 0; ids && i < host->n_nodes; i++)
		hwloc_bitmap_set(ids, host->nodes[i].id);
	return ids ? vn_set_text(ids) : NULL;
}

int vn_check_wishes(const struct vn_host *host, const struct vn_guest *guest, struct vn_error *err)
{
	int r = 0;

	if (guest->cpus && !names_a_cpu(host, guest->cpus)) {
		vn_autofree char *cpus = vn_set_text(guest->cpus);
		r = vn_error_input(
			err, &guest->cpus_where, "'%s' names no CPU of this host", cpus ? cpus : "");
	}
	for (size_t v = 0; v < guest->n_vnodes; v++) {
		const struct vn_vnode *vnode = &guest->vnodes[v];
		if (vnode->home < 0 || vn_host_node_index(host, (unsigned)vnode->home) >= 0)
			continue;
		vn_autofree char *nodes = list_nodes(host);
		r = vn_error_input(err, &vnode->home_where,
			"vnode %zu: node %d seen; expected one of this host's: %s", v, vnode->home,
			nodes ? nodes : "");
	}
	unsigned threads = vn_host_threads(host);
	if (guest->exclusive_cores && threads > 0 && guest->threads > threads)
		r = vn_error_input(err, &(struct vn_where){guest->file, 0, "threads"},
			"%u seen, with exclusive_cores; expected at most %u, as a core of this host has so many",
			guest->threads, threads);
	return r;
}

int vn_check_home_cpus(
	const struct vn_instance *in, const struct vn_guest *guest, size_t g, struct vn_error *err)
{
	bool any = false;
	int r = 0;

	for (size_t i = 0; i < in->n_places; i++)
		any |= in->groups[g].cores[i] > 0;
	for (size_t v = 0; v < guest->n_vnodes && any; v++) {
		int home = in->parts[in->groups[g].first + v].fixed;
		if (home < 0 || vn_may_home(in, in->groups[g].first + v, (size_t)home))
			continue;
		r = vn_error_input(err, &guest->vnodes[v].home_where,
			"vnode %zu: node %d has no CPU that this guest may use; expected one that has, as "
			"the vnode has "
			"vCPUs",
			v, guest->vnodes[v].home);
	}
	return r;
}
