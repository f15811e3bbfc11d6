/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "wishes.h"

#include <stdio.h>

#include "../base/text.h"

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

/* Whether a list of nodes names at least one that the host has; a problem if not. */
static int check_nodes(const struct vn_host *host, hwloc_const_bitmap_t nodes, const struct vn_where *where,
	const char *whose, struct vn_error *err)
{
	unsigned id;

	if (!nodes)
		return 0;
	hwloc_bitmap_foreach_begin (id, nodes) {
		if (vn_host_node_index(host, id) < 0) {
			vn_autofree char *there = list_nodes(host);
			return vn_error_input(err, where, "%s: node %u seen; expected those of this host: %s",
				whose, id, there ? there : "");
		}
	}
	hwloc_bitmap_foreach_end();
	return 0;
}

int vn_check_wishes(const struct vn_host *host, const struct vn_guest *guest, struct vn_error *err)
{
	int r = 0;

	if (guest->cpus && !names_a_cpu(host, guest->cpus)) {
		vn_autofree char *cpus = vn_set_text(guest->cpus);
		r = vn_error_input(
			err, &guest->cpus_where, "'%s' names no CPU of this host", cpus ? cpus : "");
	}
	if (check_nodes(host, guest->nodes, &guest->nodes_where, "the guest's nodes", err) < 0)
		r = -EINVAL;
	for (size_t v = 0; v < guest->n_vnodes; v++) {
		const struct vn_vnode *vnode = &guest->vnodes[v];
		char whose[32];
		snprintf(whose, sizeof(whose), "vnode %zu", v);
		if (vnode->home < 0 && check_nodes(host, vnode->nodes, &vnode->home_where, whose, err) < 0)
			r = -EINVAL;
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
	if (guest->exclusive_cores && threads == 0 && guest->threads > 1)
		r = vn_error_input(err, &(struct vn_where){guest->file, 0, "threads"},
			"%u seen, with exclusive_cores; expected 1, as it is not known which CPUs of this host share a core",
			guest->threads);
	return r;
}

bool vn_spills_astray(const struct vn_guest *guest, const struct vn_plan *plan)
{
	for (size_t v = 0; v < plan->n_vnodes; v++) {
		hwloc_const_bitmap_t nodes = guest->vnodes[v].nodes;
		for (size_t k = 0; k < plan->vnodes[v].n_shares; k++) {
			unsigned pnode = plan->vnodes[v].shares[k].pnode;
			if ((nodes && !hwloc_bitmap_isset(nodes, pnode)) ||
				(guest->nodes && !hwloc_bitmap_isset(guest->nodes, pnode)))
				return true;
		}
	}
	return false;
}

int vn_reason_astray(
	const struct vn_guest *guest, const struct vn_plan *plan, bool several, struct vn_notes *reasons)
{
	bool named = several && guest->name;

	for (size_t v = 0; v < plan->n_vnodes; v++) {
		hwloc_const_bitmap_t wish = guest->vnodes[v].nodes ? guest->vnodes[v].nodes : guest->nodes;
		uint64_t away = 0;
		char size[VN_SIZE_TEXT];
		for (size_t k = 0; wish && k < plan->vnodes[v].n_shares; k++) {
			const struct vn_share *share = &plan->vnodes[v].shares[k];
			away += hwloc_bitmap_isset(wish, share->pnode) ? 0 : share->memory;
		}
		if (away == 0)
			continue;
		vn_autofree char *nodes = vn_set_text(wish);
		if (!nodes)
			return -ENOMEM;
		int r = vn_notes_add(reasons, "nodes-short",
			"%s%svnode %zu: the nodes that it is tied to (%s) have no room for %s (%llu bytes) of its memory. What "
			"would help: name more nodes, or none, or free as much there",
			named ? guest->name : "", named ? ": " : "", v, nodes, vn_size_text(away, size),
			(unsigned long long)away);
		if (r < 0)
			return r;
	}
	return 0;
}

static bool may_live(const struct vn_instance *in, size_t part)
{
	for (size_t i = 0; i < in->n_places; i++) {
		if (vn_may_home(in, part, i))
			return true;
	}
	return false;
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
		if (home < 0 && !may_live(in, in->groups[g].first + v))
			r = vn_error_input(err,
				guest->vnodes[v].nodes ? &guest->vnodes[v].home_where : &guest->nodes_where,
				"vnode %zu: none of the nodes that it is tied to has a CPU that this guest may use; expected "
				"one that has, as the vnode has vCPUs",
				v);
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
