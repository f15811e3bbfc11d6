/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * <cpu><numa>: cells become vnodes. Without any, the vnodes are left open and there is one until the planner knows the host.
 *
 * Cells may come in any order and without ids (then their place is the id); together they are 0 to n-1. vCPUs in no cell go to
 * cell 0, as libvirt has it (virDomainNumaFillCPUsInNode()). A distance that is not given is that of the way back, or else 20.
 */
#include <string.h>

#include "../base/text.h"
#include "../model/host.h"
#include "guest_libvirt_reader.h"

#define DEFAULT_REMOTE 20 /* ACPI's and QEMU's default distance between nodes */

static uint64_t round_up(uint64_t bytes)
{
	return (bytes + VN_MIB - 1) / VN_MIB * VN_MIB;
}

/* The element of each cell by id; false after a problem. */
static bool order_cells(struct domain_reader *r, size_t n, size_t *cells)
{
	size_t place = 0, told = r->told;

	for (size_t i = 0; i < n; i++)
		cells[i] = VN_MARKUP_NONE;
	for_each_domain(r, i, "cpu/numa", "cell")
	{
		uint64_t id = place++;
		bool given = vn_markup_get(r->doc, i, "id");
		if (given && !domain_number(r, i, "id", 0, UINT32_MAX, &id))
			continue;
		if (id >= n)
			domain_problem(r, i, "id",
				"%llu seen; expected 0 to %zu, each once: libvirt takes no gaps, and none that does not "
				"start from 0",
				(unsigned long long)id, n - 1);
		else if (cells[id] != VN_MARKUP_NONE)
			domain_problem(r, i, given ? "id" : NULL,
				"cell %llu is there twice, first in line %u; expected each id once",
				(unsigned long long)id, r->doc->elements[cells[id]].line);
		else
			cells[id] = i;
	}
	return r->told == told;
}

static void read_cell_memory(struct domain_reader *r, size_t cell, struct vn_vnode *vnode, bool *rounded)
{
	static const char *const accesses[] = {"shared", "private", NULL}, *const words[] = {
										   "yes", "no", NULL};
	uint64_t bytes = 0;

	domain_choice(r, cell, "memAccess", accesses, 0);
	domain_choice(r, cell, "discard", words, 0);
	if (!domain_need(r, cell, "memory", "the cell's memory"))
		r->memory_known = false;
	else if (!domain_size(r, cell, "memory", &bytes))
		r->memory_known = false;
	else if (bytes == 0)
		domain_problem(r, cell, "memory",
			"0 seen; expected some memory, as QEMU takes no backend of 0 bytes");
	vnode->memory = round_up(bytes);
	*rounded |= vnode->memory != bytes;
}

static void read_cell_vcpus(struct domain_reader *r, size_t v, size_t cell, hwloc_bitmap_t seen)
{
	vn_autoset vcpus = domain_set(r, cell, "cpus");
	unsigned most = r->guest->maxvcpus;

	if (!vcpus || !r->vcpus_known)
		return;
	int last = hwloc_bitmap_last(vcpus);
	if (last >= (int)most) {
		domain_problem(r, cell, "cpus", "vCPU %d seen; expected 0 to %u, as <vcpu> is %u", last,
			most - 1, most);
		hwloc_bitmap_clr_range(vcpus, most, -1);
	}
	vn_autoset twice = hwloc_bitmap_alloc();
	if (!twice || hwloc_bitmap_and(twice, vcpus, seen) < 0) {
		r->short_of_memory = true;
		return;
	}
	if (!hwloc_bitmap_iszero(twice)) {
		vn_autofree char *text = vn_set_text(twice);
		domain_problem(r, cell, "cpus", "vCPU %s is in another cell, too; expected each in one",
			text ? text : "");
		hwloc_bitmap_andnot(vcpus, vcpus, twice);
	}
	hwloc_bitmap_or(seen, seen, vcpus);
	hwloc_bitmap_or(r->guest->vnodes[v].vcpus, r->guest->vnodes[v].vcpus, vcpus);
}

/* What no cell has is cell 0's. */
static void place_rest(struct domain_reader *r, hwloc_bitmap_t seen, size_t numa)
{
	vn_autoset rest = hwloc_bitmap_alloc();

	if (!rest || hwloc_bitmap_set_range(rest, 0, (int)r->guest->maxvcpus - 1) < 0 ||
		hwloc_bitmap_andnot(rest, rest, seen) < 0) {
		r->short_of_memory = true;
		return;
	}
	if (hwloc_bitmap_iszero(rest) || !r->vcpus_known)
		return;
	hwloc_bitmap_or(r->guest->vnodes[0].vcpus, r->guest->vnodes[0].vcpus, rest);
	vn_autofree char *text = vn_set_text(rest);
	vn_notes_add(&r->guest->notes, "vcpus-in-no-cell",
		"line %u: cpu/numa: vCPUs %s are in no cell; libvirt puts them into cell 0",
		r->doc->elements[numa].line, text ? text : "");
}

/* ---- distances ---- */

static void read_sibling(struct domain_reader *r, size_t v, size_t sibling)
{
	struct vn_vnode *vnode = &r->guest->vnodes[v];
	uint64_t id = 0, value = 0;

	bool named = domain_need_number(r, sibling, "id", 0, UINT32_MAX, &id);
	bool valued =
		domain_need_number(r, sibling, "value", VN_DISTANCE_LOCAL, VN_DISTANCE_UNREACHABLE, &value);
	if (!named)
		return;
	if (id >= r->guest->n_vnodes) {
		domain_problem(r, sibling, "id", "%llu seen in cell %zu; expected a cell, 0 to %zu",
			(unsigned long long)id, v, r->guest->n_vnodes - 1);
		return;
	}
	if (!valued)
		return;
	if ((id == v) != (value == VN_DISTANCE_LOCAL))
		domain_problem(r, sibling, "value", "%llu seen from cell %zu to %llu; expected %s",
			(unsigned long long)value, v, (unsigned long long)id,
			id == v ? "10, as it is the cell itself"
				: "11 to 255 (with 10 or less Linux drops the whole table)");
	else if (id != v && vnode->distances[id] && vnode->distances[id] != value)
		domain_problem(r, sibling, "value",
			"%llu seen from cell %zu to %llu, which was %u before; expected one",
			(unsigned long long)value, v, (unsigned long long)id, vnode->distances[id]);
	else
		vnode->distances[id] = (uint32_t)value;
}

static void complete_distances(struct vn_guest *guest)
{
	for (size_t i = 0; i < guest->n_vnodes; i++) {
		for (size_t j = 0; j < i; j++) {
			uint32_t *there = &guest->vnodes[i].distances[j],
				 *back = &guest->vnodes[j].distances[i];
			if (!*there)
				*there = *back ? *back : DEFAULT_REMOTE;
			if (!*back)
				*back = *there;
		}
	}
}

static void read_distances(struct domain_reader *r, const size_t *cells)
{
	for (size_t v = 0; v < r->guest->n_vnodes; v++) {
		size_t list = vn_markup_child(r->doc, cells[v], "distances");
		if (list != VN_MARKUP_NONE && vn_markup_child(r->doc, list, "sibling") == VN_MARKUP_NONE)
			domain_problem(r, list, NULL,
				"no <sibling>; expected one, at least, or no <distances>: libvirt's schema has none that is "
				"empty");
		for (size_t i = vn_markup_child(r->doc, list, "sibling"); i != VN_MARKUP_NONE;
			i = vn_markup_next(r->doc, i, "sibling"))
			read_sibling(r, v, i);
	}
	complete_distances(r->guest);
	if (vn_guest_distances_asymmetric(r->guest))
		vn_notes_add(&r->guest->notes, "vdistance-asymmetric",
			"distances differ by direction: the guest's scheduler groups nodes as if the way there and back were one");
}

/* ---- cells ---- */

/* Threads of one core in two cells: QEMU takes that. The planner knows cores of one vnode only. */
static void check_cores(struct domain_reader *r, size_t numa)
{
	struct vn_guest *guest = r->guest;

	for (unsigned i = 0; guest->threads > 1 && i < guest->maxvcpus; i++) {
		if (vn_guest_vnode_of(guest, i) == vn_guest_vnode_of(guest, i - i % guest->threads))
			continue;
		vn_notes_add(&guest->notes, "threads-ignored",
			"line %u: cpu/numa: vCPUs %u and %u are threads of one core and in two cells; each vCPU is planned "
			"as a core",
			r->doc->elements[numa].line, i - i % guest->threads, i);
		guest->threads = 1;
	}
}

static void note_rounded(struct domain_reader *r, size_t element)
{
	char text[VN_SIZE_TEXT];

	vn_notes_add(&r->guest->notes, "memory-rounded",
		"line %u: memory is rounded up to whole MiB, as libvirt does: %s in all",
		element == VN_MARKUP_NONE ? 0 : r->doc->elements[element].line,
		vn_size_text_exact(r->guest->memory, text));
}

static void read_cells(struct domain_reader *r, size_t numa, size_t n, const size_t *cells)
{
	struct vn_guest *guest = r->guest;
	vn_autoset seen = hwloc_bitmap_alloc();
	bool rounded = false;

	if (!seen) {
		r->short_of_memory = true;
		return;
	}
	for (size_t v = 0; v < n; v++) {
		read_cell_memory(r, cells[v], &guest->vnodes[v], &rounded);
		read_cell_vcpus(r, v, cells[v], seen);
		guest->memory += guest->vnodes[v].memory;
	}
	place_rest(r, seen, numa);
	read_distances(r, cells);
	check_cores(r, numa);
	domain_read_hmat(r, n, cells);
	if (rounded)
		note_rounded(r, numa);
	if (r->memory && r->memory_known && round_up(r->memory) > guest->memory)
		vn_notes_add(&guest->notes, "memory-of-cells",
			"line %u: memory: the cells have less than <memory>; libvirt gives the guest what its cells and "
			"memory devices have",
			r->doc->elements[vn_markup_child(r->doc, 0, "memory")].line);
}

/* No cells: one vnode, which the planner may make several of. */
static void read_one(struct domain_reader *r)
{
	struct vn_guest *guest = r->guest;
	size_t element = vn_markup_child(r->doc, 0, "memory");

	guest->vnodes_open = true;
	guest->memory = round_up(r->memory);
	guest->vnodes[0].memory = guest->memory;
	hwloc_bitmap_set_range(guest->vnodes[0].vcpus, 0, (int)guest->maxvcpus - 1);
	if (r->memory_known && guest->memory == 0)
		domain_problem(r, element == VN_MARKUP_NONE ? 0 : element, NULL,
			"no memory; expected <memory>, or <cpu><numa> with cells");
	else if (guest->memory != r->memory)
		note_rounded(r, element);
}

void domain_read_cells(struct domain_reader *r)
{
	size_t numa = vn_markup_find(r->doc, 0, "cpu/numa"), n = 0, cells[VN_MAX_VNODES] = {0};

	for_each_domain(r, i, "cpu/numa", "cell") n++;
	r->has_cells = n > 0;
	if (n > VN_MAX_VNODES)
		domain_problem(r, numa, NULL, "%zu cells; expected at most %d", n, VN_MAX_VNODES);
	else if (numa != VN_MARKUP_NONE && n == 0)
		domain_problem(r, numa, NULL, "no <cell>; expected one, at least, or no <numa>");
	r->vnodes_known = n <= VN_MAX_VNODES && (n > 0 || numa == VN_MARKUP_NONE);
	if (n > 0 && r->vnodes_known)
		r->vnodes_known = order_cells(r, n, cells);
	size_t make = r->vnodes_known && n > 0 ? n : 1;
	if (vn_guest_make_vnodes(r->guest, make, 0) < 0) {
		r->short_of_memory = true;
		return;
	}
	if (!r->vnodes_known)
		return;
	if (n > 0)
		read_cells(r, numa, n, cells);
	else
		read_one(r);
}
