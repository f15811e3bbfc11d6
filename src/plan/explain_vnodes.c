/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What each vnode got, and what stays free on each node. */
#define _GNU_SOURCE
#include "dealt.h"
#include "explain_part.h"

static void say_memory(const struct vn_explained *e, size_t v)
{
	const struct vn_plan_vnode *vnode = &e->plan->vnodes[v];
	bool dealt = vn_plan_binding(e->plan, e->guest, v) == VN_BINDING_INTERLEAVE && vnode->n_shares > 1;
	char size[VN_SIZE_TEXT], pages[VN_PAGES_TEXT];
	vn_autofree char *text = vn_copy("");

	for (size_t i = 0; i < vnode->n_shares && text; i++) {
		vn_autofree char *before = text;
		text = vn_format("%s%s%s on node %u%s", before, i > 0 ? ", " : "",
			vn_size_text(vnode->shares[i].memory, size), vnode->shares[i].pnode,
			vnode->shares[i].pnode == vnode->home ? "" : " (not its home)");
	}
	vn_explain_say(e->out, "    memory   ", "%s%s%s%s",
		vnode->n_shares == 0 ? "none" : vn_explain_pages(e->guest->hugepages, pages),
		vnode->n_shares == 0 ? "" : ": ", text ? text : "",
		!dealt                              ? ""
		: vn_is_dealt(&e->guest->vnodes[v]) ? ", dealt out page by page, as the guest itself wants it"
						    : ", dealt out page by page");
}

/* Groups of CPUs under one L3 cache that have a CPU of the set; 0 when that is not known of one of them. */
static unsigned count_caches(const struct vn_host *host, hwloc_const_bitmap_t cpus)
{
	vn_autoset groups = hwloc_bitmap_alloc();
	unsigned id;

	if (!groups)
		return 0;
	hwloc_bitmap_foreach_begin (id, cpus) {
		const struct vn_host_cpu *cpu = vn_host_cpu(host, id);
		if (!cpu || cpu->l3 < 0 || hwloc_bitmap_set(groups, (unsigned)cpu->l3) < 0)
			return 0;
	}
	hwloc_bitmap_foreach_end();
	return vn_set_weight(groups);
}

static void say_cpus(const struct vn_explained *e, size_t v)
{
	const struct vn_plan_vnode *vnode = &e->plan->vnodes[v];
	const struct vn_part *part = &e->in.parts[v];
	const struct vn_place *place = &e->in.places[e->homes[v]];
	vn_autofree char *vcpus = vn_set_text(e->guest->vnodes[v].vcpus), *cpus = vn_set_text(vnode->cpus);
	unsigned caches = count_caches(e->host, vnode->cpus),
		 all = count_caches(e->host, e->host->nodes[e->homes[v]].cpus);
	uint64_t others = 0;
	char groups[80] = "";

	if (part->vcpus == 0) {
		vn_explain_say(e->out, "    vCPUs    ", "none: memory only");
		return;
	}
	for (size_t w = 0; w < e->in.n_parts; w++)
		others += w != v && e->homes[w] == e->homes[v] ? e->in.parts[w].cores : 0;
	uint64_t room = vn_excess(place->cores, place->load + others);
	vn_explain_say(e->out, "    vCPUs    ",
		"%s, worth %llu core%s; node %u has %llu, %llu of them free%s%s", vcpus ? vcpus : "",
		(unsigned long long)part->cores, part->cores == 1 ? "" : "s", place->id,
		(unsigned long long)place->cores, (unsigned long long)room,
		others > 0 ? " beside this guest's other vnodes" : "",
		room < part->cores ? ": some share a core" : "");
	if (caches > 0 && all > 1)
		snprintf(groups, sizeof(groups), ": %u of the node's %u groups that share an L3 cache",
			caches, all);
	vn_explain_say(e->out, "    on CPUs  ", "%s%s%s", cpus ? cpus : "",
		e->guest->exclusive_cores ? ", whole cores for this guest alone" : "", groups);
}

static void say_devices(const struct vn_explained *e, size_t v)
{
	for (size_t i = 0; i < e->guest->n_hostdevs; i++) {
		const struct vn_hostdev *hostdev = &e->guest->hostdevs[i];
		const struct vn_host_device *device = vn_host_device(e->host, hostdev->address);
		if (hostdev->vnode != v)
			continue;
		int at = device && device->node >= 0 ? vn_host_node_index(e->host, (unsigned)device->node)
						     : -1;
		if (at < 0) {
			vn_explain_say(e->out, "    device   ",
				"%s: its node is not known, so it pulls nowhere", hostdev->address);
			continue;
		}
		unsigned d = vn_distance(&e->in, e->homes[v], (size_t)at);
		vn_explain_say(e->out, "    device   ", "%s%s%s%s, behind node %u: distance %u%s",
			hostdev->address, device->n_names ? " (" : "",
			device->n_names ? device->names[0] : "", device->n_names ? ")" : "",
			e->in.places[at].id, d, (size_t)at == e->homes[v] ? " (local)" : "");
	}
}

void vn_explain_vnodes(const struct vn_explained *e)
{
	char size[VN_SIZE_TEXT];

	fputs("What each virtual node (vnode) got:\n", e->out);
	for (size_t v = 0; v < e->plan->n_vnodes; v++) {
		fprintf(e->out, "  vnode %zu, %s, lives on node %u\n", v,
			vn_size_text(vn_part_memory(&e->in.parts[v]), size), e->plan->homes[v]);
		say_memory(e, v);
		say_cpus(e, v);
		say_devices(e, v);
	}
}

/* ---- what stays free ---- */

struct left {
	uint64_t memory, cores, all;
};

static struct left left_on(const struct vn_explained *e, size_t i)
{
	const struct vn_place *place = &e->in.places[i];
	struct left left = {vn_whole_room(&e->in, 0, i), vn_excess(place->cores, place->load), place->cores};

	for (size_t v = 0; v < e->plan->n_vnodes; v++) {
		const struct vn_plan_vnode *vnode = &e->plan->vnodes[v];
		for (size_t k = 0; k < vnode->n_shares; k++)
			left.memory -= vnode->shares[k].pnode == place->id ? vnode->shares[k].memory : 0;
		if (e->homes[v] == i)
			left.cores = vn_excess(left.cores, e->in.parts[v].cores);
	}
	return left;
}

void vn_explain_left(const struct vn_explained *e)
{
	char pages[VN_PAGES_TEXT], size[VN_SIZE_TEXT], text[48];
	size_t n = e->in.n_places;

	fprintf(e->out, "\nWhat then stays free, in %s:\n  %-10s  %10s  %s\n",
		vn_explain_pages(e->guest->hugepages, pages), "node", "memory", "cores");
	for (size_t i = 0; i < n;) {
		struct left left = left_on(e, i);
		size_t last = i;
		while (last + 1 < n) { /* nodes in a row that are left alike are one line */
			struct left next = left_on(e, last + 1);
			if (next.memory != left.memory || next.cores != left.cores || next.all != left.all)
				break;
			last++;
		}
		if (last > i)
			snprintf(text, sizeof(text), "%u to %u", e->in.places[i].id, e->in.places[last].id);
		else
			snprintf(text, sizeof(text), "%u", e->in.places[i].id);
		fprintf(e->out, "  %-10s  %10s  %llu of %llu%s\n", text, vn_size_text(left.memory, size),
			(unsigned long long)left.cores, (unsigned long long)left.all,
			last > i ? " each" : "");
		i = last + 1;
	}
}
