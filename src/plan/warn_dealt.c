/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is to be said of memory whose nodes its user has settled. */
#define _GNU_SOURCE
#include "../base/text.h"
#include "dealt.h"
#include "warn.h"

/* "node 3", "nodes 0,2-3". */
static char *name_nodes(hwloc_const_bitmap_t nodes)
{
	vn_autofree char *list = vn_set_text(nodes);

	return list ? vn_format("node%s %s", hwloc_bitmap_weight(nodes) == 1 ? "" : "s", list) : NULL;
}

/* The nodes that the memory is tied to. */
static char *tied_text(const struct vn_guest *guest, const struct vn_vnode *vnode)
{
	if (vn_is_kept(guest, vnode))
		return vn_set_text(guest->nodes);
	return vnode->nodes ? vn_set_text(vnode->nodes) : vn_format("%d", vnode->home);
}

/* Nodes of a vnode whose user deals its memory out that are full before they have as much as the others. Those without any memory
 * are no nodes to the kernel here. */
static int find_full(const struct vn_instance *in, const struct vn_host *host, size_t part,
	hwloc_const_bitmap_t nodes, hwloc_bitmap_t full)
{
	uint64_t most = 0, page = in->pages[in->parts[part].pool], grain = page > VN_MIB ? page : VN_MIB;

	for (size_t i = 0; i < in->n_places; i++)
		most = vn_dealt(in, part, i) > most ? vn_dealt(in, part, i) : most;
	for (size_t i = 0; i < in->n_places; i++) {
		if (hwloc_bitmap_isset(nodes, in->places[i].id) && host->nodes[i].memory_total > 0 &&
			most - vn_dealt(in, part, i) > grain && hwloc_bitmap_set(full, in->places[i].id) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* A vnode whose user deals its memory out over nodes that cannot all have as much of it. */
static int warn_uneven(const struct vn_instance *in, const struct vn_host *host, const struct vn_guest *guest,
	struct vn_notes *warnings)
{
	for (size_t v = 0; v < in->n_parts; v++) {
		vn_autoset full = hwloc_bitmap_alloc();
		if (!vn_is_dealt(&guest->vnodes[v]))
			continue;
		if (!full || find_full(in, host, v, guest->vnodes[v].nodes, full) < 0)
			return -ENOMEM;
		if (hwloc_bitmap_iszero(full))
			continue;
		vn_autofree char *names = name_nodes(full), *nodes = vn_set_text(guest->vnodes[v].nodes);
		if (!names || !nodes)
			return -ENOMEM;
		int r = vn_notes_add(warnings, "interleave-uneven",
			"vnode %zu: its memory is dealt out over nodes %s, as the guest itself wants it, but %s %s no room for "
			"an even part: once full, the kernel takes what would be there from other nodes, by its own order of nearness, "
			"which may be none of these",
			v, nodes, names, hwloc_bitmap_weight(full) == 1 ? "has" : "have");
		if (r < 0)
			return r;
	}
	return 0;
}

/* vCPUs that live on none of the nodes that their memory is tied to, for these have no CPUs. */
static int warn_apart(const struct vn_instance *in, const struct vn_guest *guest, const size_t *homes,
	struct vn_notes *warnings)
{
	int r = 0;

	for (size_t v = 0; v < in->n_parts && r >= 0; v++) {
		const struct vn_vnode *vnode = &guest->vnodes[v];
		unsigned home = in->places[homes[v]].id, nearest = UINT32_MAX;
		hwloc_const_bitmap_t tied = vn_is_kept(guest, vnode) ? guest->nodes : vnode->nodes;
		bool apart = tied ? !hwloc_bitmap_isset(tied, home) : vnode->home != (int)home;
		if (in->parts[v].dealt == 0 || in->parts[v].vcpus == 0 || !apart)
			continue;
		for (size_t i = 0; i < in->n_places; i++) {
			uint32_t d = vn_distance(in, homes[v], i);
			bool spilled = vn_prefers_home(vnode) && in->places[i].id != (unsigned)vnode->home;
			nearest = vn_dealt(in, v, i) > 0 && !spilled && d < nearest ? d : nearest;
		}
		vn_autofree char *nodes = tied_text(guest, vnode);
		if (!nodes)
			return -ENOMEM;
		r = vn_notes_add(warnings, "vcpus-apart",
			"vnode %zu: its memory is tied to nodes without a CPU that this guest may use (%s), so it is there and the "
			"vCPUs live on node %u, at distance %u",
			v, nodes, home, nearest);
	}
	return r;
}

/* Memory that the node which it prefers, one without CPUs, has no room for. */
static int warn_spilled(const struct vn_instance *in, const struct vn_guest *guest, struct vn_notes *warnings)
{
	int r = 0;

	for (size_t v = 0; v < in->n_parts && r >= 0; v++) {
		const struct vn_vnode *vnode = &guest->vnodes[v];
		vn_autoset away = hwloc_bitmap_alloc();
		uint64_t bytes = 0;
		char size[VN_SIZE_TEXT];
		if (!away)
			return -ENOMEM;
		for (size_t i = 0; i < in->n_places && vn_prefers_home(vnode); i++) {
			if (vn_dealt(in, v, i) == 0 || in->places[i].id == (unsigned)vnode->home)
				continue;
			bytes += vn_dealt(in, v, i);
			if (hwloc_bitmap_set(away, in->places[i].id) < 0)
				return -ENOMEM;
		}
		vn_autofree char *names = name_nodes(away);
		if (!names)
			return -ENOMEM;
		if (bytes > 0)
			r = vn_notes_add(warnings, "spill",
				"vnode %zu: %s of its memory does not fit the node that it prefers, node %d, and goes to %s",
				v, vn_size_text(bytes, size), vnode->home, names);
	}
	return r;
}

int vn_warn_dealt(const struct vn_instance *instance, const struct vn_host *host,
	const struct vn_guest *guest, const size_t *homes, struct vn_notes *warnings)
{
	int r = warn_uneven(instance, host, guest, warnings);

	if (r >= 0)
		r = warn_apart(instance, guest, homes, warnings);
	return r < 0 ? r : warn_spilled(instance, guest, warnings);
}

int vn_reason_dealt(
	const struct vn_instance *in, size_t g, const struct vn_guest *guest, struct vn_notes *reasons)
{
	int r = 0;

	for (size_t v = 0; v < guest->n_vnodes && r >= 0; v++) {
		uint64_t lacks = vn_deal_lacks(in, in->groups[g].first + v);
		vn_autofree char *nodes = lacks > 0 ? tied_text(guest, &guest->vnodes[v]) : NULL;
		char size[VN_SIZE_TEXT];
		bool named = in->n_groups > 1 && guest->name;
		if (lacks == 0)
			continue;
		if (!nodes)
			return -ENOMEM;
		r = vn_notes_add(reasons, "nodes-short",
			"%s%svnode %zu: the nodes that its memory is tied to (%s) have no room for %s (%llu bytes) of it. "
			"What would help: name more nodes, or none, or free as much there",
			named ? guest->name : "", named ? ": " : "", v, nodes, vn_size_text(lacks, size),
			(unsigned long long)lacks);
	}
	return r;
}
