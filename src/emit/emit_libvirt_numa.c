/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * <cpu><numa> and <numatune>. Cells that are there stay as they are; a guest of several vnodes that has none gets them. <memnode> is
 * written for each cell that has none: one that is there is the user's word, and the plan kept to it. Without cells there is one
 * vnode, and <memory> says where it is, unless libvirt wants a cell for it all the same.
 */
#include <string.h>

#include "../base/parse.h"
#include "../base/text.h"
#include "emit_libvirt_part.h"

static const char *const before_cpu[] = {"name", "uuid", "genid", "title", "description", "metadata",
	"maxMemory", "memory", "currentMemory", "memoryBacking", "vcpu", "vcpus", "iothreads", "iothreadids",
	"cputune", "numatune", "resource", "sysinfo", "bootloader", "bootloader_args", "os", "idmap",
	"features", NULL};
static const char *const before_numatune[] = {"name", "uuid", "genid", "title", "description", "metadata",
	"maxMemory", "memory", "currentMemory", "memoryBacking", "blkiotune", "memtune", "vcpu", "vcpus",
	"iothreads", "iothreadids", "cputune", NULL};

/* ---- cells ---- */

/* The cell of a vnode: by its id, or else its place. */
static size_t find_cell(const struct domain_writer *w, size_t vnode)
{
	size_t numa = vn_markup_find(w->doc, 0, "cpu/numa"), place = 0;

	for (size_t i = vn_markup_child(w->doc, numa, "cell"); i != VN_MARKUP_NONE;
		i = vn_markup_next(w->doc, i, "cell"), place++) {
		const char *text = vn_markup_get(w->doc, i, "id");
		uint64_t id = place;
		if ((!text || vn_parse_u64(text, UINT32_MAX, &id) == 0) && id == vnode)
			return i;
	}
	return VN_MARKUP_NONE;
}

static bool has_cells(const struct domain_writer *w)
{
	return vn_markup_find(w->doc, 0, "cpu/numa/cell") != VN_MARKUP_NONE;
}

/*
 * A guest that was no domain needs a cell for its only vnode when memory can be added to it: libvirt's QEMU driver says of <maxMemory>
 * without any that at least one NUMA node has to be configured (libvirt 9.0). Latencies and caches are told of with cells, too.
 */
static bool needs_cells(const struct domain_writer *w)
{
	return w->guest->n_vnodes > 1 ||
	       (w->guest->form != VN_FORM_LIBVIRT &&
		       (w->guest->hmat || vn_markup_child(w->doc, 0, "maxMemory") != VN_MARKUP_NONE));
}

static void put_cell(struct domain_writer *w, size_t v, FILE *out)
{
	const struct vn_vnode *vnode = &w->guest->vnodes[v];
	vn_autofree char *cpus = vn_set_text(vnode->vcpus);

	w->edit.short_of_memory |= !cpus;
	fprintf(out, "\t<cell id='%zu'", v);
	if (cpus && *cpus)
		fprintf(out, " cpus='%s'", cpus);
	fprintf(out, " memory='%llu' unit='KiB'%s>\n\t\t<distances>\n",
		(unsigned long long)(vn_vnode_at_start(vnode) >> 10),
		vnode->shared && !w->guest->machine.shared ? " memAccess='shared'" : "");
	for (size_t k = 0; k < w->guest->n_vnodes; k++)
		fprintf(out, "\t\t\t<sibling id='%zu' value='%u'/>\n", k, vnode->distances[k]);
	fputs("\t\t</distances>\n", out);
	domain_put_caches(w, v, out);
	fputs("\t</cell>\n", out);
}

/* vCPUs in no cell are cell 0's, and libvirt warns of them. */
static void correct_cell(struct domain_writer *w)
{
	size_t cell = find_cell(w, 0);

	if (cell != VN_MARKUP_NONE && !hwloc_bitmap_iszero(w->guest->vnodes[0].vcpus))
		domain_set_set(w, cell, "cpus", w->guest->vnodes[0].vcpus);
}

/* Linux takes CPUs of a socket to share a cache, and complains when they are on two nodes (arch/x86/kernel/smpboot.c,
 * topology_sane()). Which topology a guest has is its owner's to say. */
static void note_sockets(struct domain_writer *w)
{
	const struct vn_guest_topology *t = &w->guest->topology;
	unsigned socket = t->sockets ? w->guest->maxvcpus / t->sockets : 1;

	for (unsigned i = 0; socket > 1 && i < w->guest->maxvcpus; i++) {
		if (vn_guest_vnode_of(w->guest, i) == vn_guest_vnode_of(w->guest, i - i % socket))
			continue;
		vn_notes_add(w->notes, "socket-spans-cells",
			"cpu/topology: vCPUs %u and %u are in one socket and in two cells; a Linux guest takes a socket to "
			"share a cache, and warns. What would help: %zu sockets, or as many as make whole cells",
			i - i % socket, i, w->guest->n_vnodes);
		return;
	}
}

void domain_write_cells(struct domain_writer *w)
{
	struct domain_block block;

	if (has_cells(w)) {
		correct_cell(w);
		return;
	}
	note_sockets(w);
	if (!needs_cells(w) || !domain_block_open(w, &block))
		return;
	fputs("<numa>\n", block.out);
	for (size_t v = 0; v < w->guest->n_vnodes; v++)
		put_cell(w, v, block.out);
	domain_put_interconnects(w, block.out);
	fputs("</numa>", block.out);
	domain_block_put(w, &block, vn_markup_child(w->doc, 0, "cpu"), "cpu", before_cpu);
}

/* ---- numatune ---- */

static const char *mode_of(const struct domain_writer *w, size_t v)
{
	static const char *const modes[] = {
		[VN_BINDING_PREFERRED] = "preferred",
		[VN_BINDING_STRICT] = "strict",
		[VN_BINDING_INTERLEAVE] = "interleave",
	};

	return modes[vn_plan_binding(w->plan, w->guest, v)];
}

/* The nodes that a vnode's policy names: the user's own, or those of its shares; when preferred, the first of these. */
static bool add_nodes(const struct domain_writer *w, size_t v, hwloc_bitmap_t nodes)
{
	const struct vn_vnode *vnode = &w->guest->vnodes[v];
	const struct vn_plan_vnode *planned = &w->plan->vnodes[v];
	bool one = vn_plan_binding(w->plan, w->guest, v) == VN_BINDING_PREFERRED;

	if (vnode->has_binding && vnode->nodes)
		return hwloc_bitmap_or(nodes, nodes, vnode->nodes) == 0;
	if (planned->n_shares == 0)
		return hwloc_bitmap_set(nodes, planned->home) == 0;
	for (size_t i = 0; i < (one ? 1 : planned->n_shares); i++) {
		if (hwloc_bitmap_set(nodes, planned->shares[i].pnode) < 0)
			return false;
	}
	return true;
}

/* Nodes of all vnodes together, or of one (v < n_vnodes). NULL when memory is short. */
static hwloc_bitmap_t nodes_of(struct domain_writer *w, size_t v)
{
	vn_autoset nodes = hwloc_bitmap_alloc();
	bool all = v >= w->guest->n_vnodes, good = nodes;

	for (size_t i = 0; good && i < w->guest->n_vnodes; i++)
		good = (!all && i != v) || add_nodes(w, i, nodes);
	w->edit.short_of_memory |= !good;
	return good ? vn_steal(nodes) : NULL;
}

/* numad's place: its answer is the plan's. */
static bool was_auto(const struct domain_writer *w, size_t memory)
{
	return domain_has(w, memory, "placement", "auto") || !vn_markup_get(w->doc, memory, "nodeset");
}

static void put_memnodes(struct domain_writer *w, size_t numatune, FILE *out)
{
	bool restrictive = domain_has(w, vn_markup_child(w->doc, numatune, "memory"), "mode", "restrictive");

	for (size_t v = 0; v < w->guest->n_vnodes; v++) {
		size_t there = domain_numbered(w, numatune, "memnode", "cellid", v);
		if (there != VN_MARKUP_NONE && !w->guest->rehomed)
			continue;
		vn_autoset nodes = nodes_of(w, v);
		if (there != VN_MARKUP_NONE) {
			vn_xml_edit_set(&w->edit, there, "mode", restrictive ? "restrictive" : mode_of(w, v));
			if (nodes)
				domain_set_set(w, there, "nodeset", nodes);
			continue;
		}
		vn_autofree char *text = nodes ? vn_set_text(nodes) : NULL;
		w->edit.short_of_memory |= !text;
		fprintf(out, "<memnode cellid='%zu' mode='%s' nodeset='%s'/>\n", v,
			restrictive ? "restrictive" : mode_of(w, v), text ? text : "");
	}
}

static void put_memory(struct domain_writer *w, FILE *out)
{
	vn_autoset nodes = nodes_of(w, 0);
	vn_autofree char *text = nodes ? vn_set_text(nodes) : NULL;

	w->edit.short_of_memory |= !text;
	fprintf(out, "<memory mode='%s' nodeset='%s'/>\n", mode_of(w, 0), text ? text : "");
}

/* <memory> that is there: of the only vnode, or what bounds all of them when nobody has said so yet. */
static void edit_memory(struct domain_writer *w, size_t memory, bool cells)
{
	bool asked = was_auto(w, memory);
	const char *mode = vn_markup_get(w->doc, memory, "mode");

	if (!asked && !w->guest->rehomed && (cells || w->guest->vnodes[0].has_binding))
		return;
	vn_autoset nodes = nodes_of(w, cells ? w->guest->n_vnodes : 0);
	vn_xml_edit_unset(&w->edit, memory, "placement");
	if (nodes)
		domain_set_set(w, memory, "nodeset", nodes);
	/* what the user said stays, unless the plan needs several nodes page by page */
	if (!cells && w->plan->binding == VN_BINDING_INTERLEAVE && (!mode || strcmp(mode, "interleave") != 0))
		vn_xml_edit_set(&w->edit, memory, "mode", "interleave");
}

/* Memory devices with nodes of their own: they go where their cell goes, when the user has forgotten where that was. */
static void move_devices(struct domain_writer *w)
{
	size_t devices = vn_markup_child(w->doc, 0, "devices");

	for (size_t i = vn_markup_child(w->doc, devices, "memory"); i != VN_MARKUP_NONE && w->guest->rehomed;
		i = vn_markup_next(w->doc, i, "memory")) {
		size_t mask = vn_markup_find(w->doc, i, "source/nodemask"),
		       node = vn_markup_find(w->doc, i, "target/node");
		const char *text = node == VN_MARKUP_NONE ? NULL : w->doc->elements[node].text;
		uint64_t cell = 0;
		if (mask == VN_MARKUP_NONE || (text && vn_parse_u64(text, w->guest->n_vnodes - 1, &cell) < 0))
			continue;
		vn_autoset nodes = nodes_of(w, cell);
		vn_autofree char *value = nodes ? vn_set_text(nodes) : NULL;
		vn_xml_edit_text(&w->edit, mask, value);
	}
}

void domain_write_numatune(struct domain_writer *w)
{
	size_t numatune = vn_markup_child(w->doc, 0, "numatune"),
	       memory = vn_markup_child(w->doc, numatune, "memory");
	bool cells = has_cells(w) || needs_cells(w);
	struct domain_block block;

	if (memory != VN_MARKUP_NONE)
		edit_memory(w, memory, cells);
	move_devices(w);
	if (!domain_block_open(w, &block))
		return;
	if (cells)
		put_memnodes(w, numatune, block.out);
	else if (memory == VN_MARKUP_NONE)
		put_memory(w, block.out);
	domain_block_put(w, &block, numatune, "numatune", before_numatune);
}
