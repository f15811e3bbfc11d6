/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * <numatune>, <memoryBacking>, <cputune>.
 *
 * <memory nodeset> bounds where the guest may live, and its mode is how its memory is tied there; which node each vnode lives on is
 * left to the planner. Only a mode that says more than that, interleave, is kept to the letter. <memnode> is kept to the letter,
 * and so fixes the home when it names one node. Pins are CPUs: they are the answer to the very question the plan asks anew, so
 * they are replaced.
 */
#include <string.h>

#include "../base/text.h"
#include "guest_libvirt_reader.h"

#define DEFAULT_HUGE_PAGE (UINT64_C(2) << 20)
#define SYSTEM_PAGE 4096u

enum mode { MODE_STRICT, MODE_PREFERRED, MODE_INTERLEAVE, MODE_RESTRICTIVE };
static const char *const modes[] = {"strict", "preferred", "interleave", "restrictive", NULL};

static enum vn_binding binding_of(int mode)
{
	return mode == MODE_PREFERRED ? VN_BINDING_PREFERRED
	       : mode == MODE_INTERLEAVE
		       ? VN_BINDING_INTERLEAVE
		       : VN_BINDING_STRICT; /* restrictive: the same nodes, by cgroup alone */
}

/* ---- <numatune> ---- */

/* Preferred is one node that is tried first; all others may have what it has no room for. */
static bool is_home_only(enum vn_binding binding, hwloc_const_bitmap_t nodes)
{
	return binding == VN_BINDING_PREFERRED && hwloc_bitmap_weight(nodes) == 1;
}

static bool fix_binding(struct domain_reader *r, size_t v, enum vn_binding binding,
	hwloc_const_bitmap_t nodes, const struct vn_where *where)
{
	struct vn_vnode *vnode = &r->guest->vnodes[v];

	hwloc_bitmap_t copy = is_home_only(binding, nodes) ? NULL : hwloc_bitmap_dup(nodes);
	if (!copy && !is_home_only(binding, nodes))
		return false;
	hwloc_bitmap_free(vnode->nodes);
	vnode->nodes = copy;
	vnode->has_binding = true;
	vnode->binding = binding;
	vnode->home_where = *where;
	vnode->home = hwloc_bitmap_weight(nodes) == 1 ? hwloc_bitmap_first(nodes) : -1;
	return true;
}

static void read_memnode(struct domain_reader *r, size_t element, int domain_mode, hwloc_bitmap_t seen)
{
	uint64_t cell = 0;
	size_t told = r->told;

	domain_need(r, element, "nodeset", "nodes of the host"); /* without a mode it is strict */
	int mode = domain_choice(r, element, "mode", modes, MODE_STRICT);
	vn_autoset nodes = domain_set(r, element, "nodeset");
	if (!domain_need_number(r, element, "cellid", 0, UINT32_MAX, &cell) || !r->vnodes_known)
		return;
	if (cell >= r->guest->n_vnodes) {
		domain_problem(r, element, "cellid", "%llu seen; expected a cell, 0 to %zu",
			(unsigned long long)cell, r->guest->n_vnodes - 1);
		return;
	}
	if (hwloc_bitmap_isset(seen, (unsigned)cell))
		domain_problem(r, element, "cellid",
			"%llu is there twice; expected one <memnode> for each cell",
			(unsigned long long)cell);
	hwloc_bitmap_set(seen, (unsigned)cell);
	if (r->told == told && domain_mode >= 0 &&
		(mode == MODE_RESTRICTIVE) != (domain_mode == MODE_RESTRICTIVE))
		domain_problem(r, element, "mode",
			"'%s' seen, and '%s' in <memory>; expected 'restrictive' in both or none",
			modes[mode], modes[domain_mode]);
	struct vn_where where = {r->guest->file, r->doc->elements[element].line, "numatune/memnode"};
	if (r->told == told && !fix_binding(r, cell, binding_of(mode), nodes, &where))
		r->short_of_memory = true;
}

static void read_memnodes(struct domain_reader *r, size_t numatune, int domain_mode)
{
	vn_autoset seen = hwloc_bitmap_alloc();

	if (!seen) {
		r->short_of_memory = true;
		return;
	}
	for (size_t i = vn_markup_child(r->doc, numatune, "memnode"); i != VN_MARKUP_NONE;
		i = vn_markup_next(r->doc, i, "memnode")) {
		size_t memory = vn_markup_child(r->doc, numatune, "memory");
		if (!r->has_cells)
			domain_problem(r, i, NULL,
				"seen without any cell of the guest's; expected <cpu><numa> with it");
		else if (domain_says(r, memory, "placement", "auto"))
			domain_problem(
				r, i, NULL, "seen with placement='auto' in <memory>; expected one of them");
		else
			read_memnode(r, i, domain_mode, seen);
	}
}

static bool lies_outside(const struct vn_vnode *vnode, hwloc_const_bitmap_t nodes)
{
	if (!vnode->has_binding)
		return false;
	return vnode->nodes ? !hwloc_bitmap_isincluded(vnode->nodes, nodes)
			    : !hwloc_bitmap_isset(nodes, (unsigned)vnode->home);
}

/*
 * The nodes of <memory>. What says where each vnode's memory is to be, interleave and one node that is preferred, goes to the vnodes
 * that have no <memnode>; all else bounds the guest. A <memnode> outside these nodes outweighs them: then each other vnode has them for
 * itself.
 */
static void bound_guest(struct domain_reader *r, size_t memory, int mode, hwloc_bitmap_t nodes)
{
	struct vn_guest *guest = r->guest;
	struct vn_where where = {guest->file, r->doc->elements[memory].line, "numatune/memory"};
	bool fixed = mode == MODE_INTERLEAVE || is_home_only(binding_of(mode), nodes), outside = false;

	for (size_t v = 0; v < guest->n_vnodes; v++)
		outside |= lies_outside(&guest->vnodes[v], nodes);
	for (size_t v = 0; v < guest->n_vnodes; v++) {
		struct vn_vnode *vnode = &guest->vnodes[v];
		if (vnode->has_binding)
			continue;
		if (fixed) {
			r->short_of_memory |= !fix_binding(r, v, binding_of(mode), nodes, &where);
			guest->vnodes_open = false;
		} else if (outside) {
			vnode->nodes = hwloc_bitmap_dup(nodes);
			vnode->home_where = where;
			r->short_of_memory |= !vnode->nodes;
		}
	}
	if (!outside && !fixed) {
		guest->nodes = hwloc_bitmap_dup(nodes);
		guest->nodes_where = where;
		r->short_of_memory |= !guest->nodes;
	}
}

static int read_memory_mode(struct domain_reader *r, size_t memory, hwloc_bitmap_t *ret_nodes)
{
	static const char *const placements[] = {"static", "auto", NULL};

	if (memory == VN_MARKUP_NONE)
		return -1;
	int mode = domain_choice(r, memory, "mode", modes, MODE_STRICT);
	int placement = domain_choice(r, memory, "placement", placements, 0);
	bool given = vn_markup_get(r->doc, memory, "nodeset");
	bool vcpus_auto = domain_says(r, vn_markup_child(r->doc, 0, "vcpu"), "placement", "auto");
	if (placement == 1 || (!given && vcpus_auto))
		vn_notes_add(&r->guest->notes, "placement-replaced",
			"line %u: numatune: placement='auto' asks numad; the plan takes its place",
			r->doc->elements[memory].line);
	else if (!given)
		domain_problem(
			r, memory, "nodeset", "missing; expected nodes of the host, or placement='auto'");
	else
		*ret_nodes = domain_set(r, memory, "nodeset");
	return mode;
}

void domain_read_numatune(struct domain_reader *r)
{
	size_t numatune = vn_markup_child(r->doc, 0, "numatune"),
	       memory = vn_markup_child(r->doc, numatune, "memory");
	struct vn_guest *guest = r->guest;
	vn_autoset nodes = NULL;
	bool huge = guest->hugepages > 0;

	int mode = read_memory_mode(r, memory, &nodes);
	read_memnodes(r, numatune, mode);
	if (nodes)
		bound_guest(r, memory, mode, nodes);
	for (size_t v = 0; v < guest->n_vnodes; v++)
		huge |= vn_vnode_page(guest, v) > 0;
	guest->memory_policy = (mode < 0 ? huge : binding_of(mode) == VN_BINDING_STRICT)
				       ? VN_MEMORY_STRICT
				       : VN_MEMORY_PREFERRED;
}

/* ---- <memoryBacking> ---- */

static bool page_size(struct domain_reader *r, size_t element, uint64_t *ret)
{
	uint64_t size = 0;

	if (!domain_need(r, element, "size", "the pages' size") || !domain_size(r, element, "size", &size))
		return false;
	if (size != SYSTEM_PAGE &&
		(size < (64u << 10) || size > (UINT64_C(16) << 30) || (size & (size - 1)))) {
		domain_problem(r, element, "size",
			"%llu KiB seen; expected a page size such as 2048 or 1048576 KiB",
			(unsigned long long)(size >> 10));
		return false;
	}
	*ret = size == SYSTEM_PAGE ? 0 : size;
	return true;
}

/* A page size for some cells. */
static void read_page_of_cells(struct domain_reader *r, size_t element, uint64_t size)
{
	struct vn_guest *guest = r->guest;
	vn_autoset cells = domain_set(r, element, "nodeset");
	unsigned v;

	if (!cells || !r->vnodes_known)
		return;
	hwloc_bitmap_foreach_begin (v, cells) {
		if (v >= guest->n_vnodes) {
			domain_problem(r, element, "nodeset",
				"node %u seen; expected cells of the guest's, 0 to %zu", v,
				guest->n_vnodes - 1);
			return;
		}
		if (guest->vnodes[v].has_page)
			domain_problem(r, element, "nodeset",
				"cell %u has pages of two sizes; expected one <page> for it", v);
		guest->vnodes[v].has_page = true;
		guest->vnodes[v].page = size;
	}
	hwloc_bitmap_foreach_end();
}

static void check_pages(struct domain_reader *r, size_t element)
{
	char memory[VN_SIZE_TEXT], page_text[VN_SIZE_TEXT];

	for (size_t v = 0; r->memory_known && r->vnodes_known && v < r->guest->n_vnodes; v++) {
		uint64_t page = vn_vnode_page(r->guest, v);
		if (page && r->guest->vnodes[v].memory % page)
			domain_problem(r, element, NULL,
				"cell %zu has %s; expected a multiple of its huge pages, %s", v,
				vn_size_text_exact(r->guest->vnodes[v].memory, memory),
				vn_size_text(page, page_text));
	}
}

/* Words that libvirt takes no others for. What they say stays in the domain. */
static void check_backing_words(struct domain_reader *r)
{
	static const char *const modes_of_access[] = {"shared", "private", NULL};
	static const char *const types[] = {"file", "anonymous", "memfd", NULL};
	static const char *const allocations[] = {"immediate", "ondemand", NULL};

	domain_choice(r, vn_markup_find(r->doc, 0, "memoryBacking/access"), "mode", modes_of_access, 0);
	domain_choice(r, vn_markup_find(r->doc, 0, "memoryBacking/source"), "type", types, 0);
	domain_choice(r, vn_markup_find(r->doc, 0, "memoryBacking/allocation"), "mode", allocations, 0);
}

void domain_read_backing(struct domain_reader *r)
{
	size_t list = vn_markup_find(r->doc, 0, "memoryBacking/hugepages"), n = 0, master = VN_MARKUP_NONE;
	struct vn_guest *guest = r->guest;

	check_backing_words(r);
	if (list == VN_MARKUP_NONE)
		return;
	for (size_t i = vn_markup_child(r->doc, list, "page"); i != VN_MARKUP_NONE;
		i = vn_markup_next(r->doc, i, "page"), n++) {
		uint64_t size;
		if (!page_size(r, i, &size))
			continue;
		if (vn_markup_get(r->doc, i, "nodeset")) {
			read_page_of_cells(r, i, size);
		} else if (master != VN_MARKUP_NONE) {
			domain_problem(r, i, NULL,
				"a second page size without nodeset, after line %u; expected one",
				r->doc->elements[master].line);
		} else {
			master = i;
			guest->hugepages = size;
		}
	}
	if (n == 0) {
		guest->hugepages = DEFAULT_HUGE_PAGE;
		vn_notes_add(&guest->notes, "hugepages-default",
			"line %u: memoryBacking/hugepages: the host's default size is meant; taken to be 2 MiB",
			r->doc->elements[list].line);
	}
	check_pages(r, list);
}

/* ---- <cputune> ---- */

/* Pins of vCPUs: whose, to which CPUs, and whether each has one CPU that no other is pinned to. */
struct pins {
	hwloc_bitmap_t vcpus, cpus;
	bool one_to_one;
};

static void read_pin(struct domain_reader *r, size_t element, struct pins *pins)
{
	uint64_t vcpu;
	vn_autoset cpus = domain_set(r, element, "cpuset");

	domain_need(r, element, "cpuset", "CPUs of the host");
	if (!domain_need_number(r, element, "vcpu", 0, VN_MAX_VCPUS - 1, &vcpu))
		return;
	if (hwloc_bitmap_isset(pins->vcpus, (unsigned)vcpu))
		domain_problem(r, element, "vcpu", "%llu is pinned twice; expected one <vcpupin> for each",
			(unsigned long long)vcpu);
	pins->one_to_one &=
		cpus && hwloc_bitmap_weight(cpus) == 1 && !hwloc_bitmap_intersects(pins->cpus, cpus);
	hwloc_bitmap_set(pins->vcpus, (unsigned)vcpu);
	if (cpus && hwloc_bitmap_or(pins->cpus, pins->cpus, cpus) < 0)
		r->short_of_memory = true;
}

/* The pin of what there is one of, or of an iothread. */
static void check_pin(struct domain_reader *r, size_t element)
{
	vn_autoset cpus = domain_set(r, element, "cpuset");

	if (!cpus && !vn_markup_get(r->doc, element, "cpuset"))
		domain_need(r, element, "cpuset", "CPUs of the host");
	if (strcmp(r->doc->elements[element].name, "emulatorpin") != 0) {
		if (domain_need(r, element, "iothread", "the number of an iothread"))
			domain_check_iothread(r, element, "iothread");
	}
	for (size_t i = vn_markup_child(r->doc, r->doc->elements[element].parent, NULL); i != element;
		i = vn_markup_next(r->doc, i, NULL)) {
		const char *seen = vn_markup_get(r->doc, i, "iothread"),
			   *own = vn_markup_get(r->doc, element, "iothread");
		if (strcmp(r->doc->elements[i].name, r->doc->elements[element].name) != 0 ||
			(own ? !seen || strcmp(seen, own) != 0 : seen != NULL))
			continue;
		domain_problem(r, element, own ? "iothread" : NULL,
			"a second pin of the same, after line %u; expected one", r->doc->elements[i].line);
		return;
	}
}

void domain_read_cputune(struct domain_reader *r)
{
	size_t list = vn_markup_child(r->doc, 0, "cputune"), n = 0;
	vn_autoset vcpus = hwloc_bitmap_alloc(), cpus = hwloc_bitmap_alloc();
	struct pins pins = {vcpus, cpus, true};

	if (!vcpus || !cpus) {
		r->short_of_memory = true;
		return;
	}
	for (size_t i = vn_markup_child(r->doc, list, NULL); i != VN_MARKUP_NONE;
		i = vn_markup_next(r->doc, i, NULL)) {
		const char *name = r->doc->elements[i].name;
		if (strcmp(name, "vcpupin") == 0)
			read_pin(r, i, &pins);
		else if (strcmp(name, "emulatorpin") == 0 || strcmp(name, "iothreadpin") == 0)
			check_pin(r, i);
		else
			continue;
		n++;
	}
	if (n > 0)
		vn_notes_add(&r->guest->notes, "pins-replaced",
			"line %u: cputune: %zu pin%s, which the plan's replace%s",
			r->doc->elements[list].line, n, n == 1 ? "" : "s",
			pins.one_to_one && vn_set_weight(vcpus) > 1
				? "; the vCPUs were pinned one to one, each to a CPU of its own"
				: "");
}
