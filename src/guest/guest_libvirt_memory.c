/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Memory devices. What a DIMM has, and what is requested of a virtio-mem device, is its cell's memory, though none of the memory that is
 * there at start. Of a virtio-mem device <size> is the most it can have: the guest's maxmem has room for that, the plan does not.
 *
 * A device may have nodes of the host of its own (<source><nodemask>): its memory is bound to them, by the policy of its cell
 * (qemuBuildMemoryBackendProps() in src/qemu/qemu_command.c). That says nothing of the cell, whose other memory may be meant to be
 * elsewhere, as with a DIMM of memory behind CXL: both stand, and it is told that the plan counts the device's memory with the cell's.
 * The same of its pages: a vnode has one size of them.
 *
 * What is refused is what libvirt 9.0 refuses: no power of two for a block, one below 2 MiB (a transparent huge page of x86), more
 * requested than there is or half a block of it.
 */
#include <string.h>

#include "../base/text.h"
#include "../model/host.h"
#include "guest_libvirt_reader.h"

#define LEAST_BLOCK (UINT64_C(2) << 20) /* THP of x86: virDomainMemoryDefValidate() */

enum model { MODEL_DIMM, MODEL_VIRTIO_MEM, MODEL_NVDIMM, MODEL_VIRTIO_PMEM, MODEL_SGX, N_MODELS };
static const char *const models[] = {"dimm", "virtio-mem", "nvdimm", "virtio-pmem", "sgx-epc", NULL};

static uint64_t round_up(uint64_t bytes, uint64_t to)
{
	return (bytes + to - 1) / to * to;
}

/* An element within another that must have a size above 0. */
static bool need_size(
	struct domain_reader *r, size_t element, const char *path, const char *what, uint64_t *ret)
{
	size_t at = vn_markup_find(r->doc, element, path);
	uint64_t bytes = 0;

	if (at != VN_MARKUP_NONE && !domain_size(r, at, NULL, &bytes))
		return false;
	if (bytes == 0) {
		domain_problem(r, element, NULL, "no <%s>; expected %s", strrchr(path, '/') + 1, what);
		return false;
	}
	*ret = bytes;
	return true;
}

/* Bytes requested of a virtio-mem device of `size`; false after a problem. */
static bool read_requested(struct domain_reader *r, size_t element, uint64_t size, uint64_t *ret)
{
	size_t at = vn_markup_find(r->doc, element, "target/requested");
	char text[VN_SIZE_TEXT], most[VN_SIZE_TEXT];
	uint64_t block = 0, requested = 0;
	size_t told = r->told;

	if (!need_size(r, element, "target/block", "the blocks that memory is added in", &block))
		return false;
	if ((block & (block - 1)) || block < LEAST_BLOCK)
		domain_problem(r, vn_markup_find(r->doc, element, "target/block"), NULL,
			"%s seen; expected a power of two, 2 MiB at least", vn_size_text_exact(block, text));
	if (at != VN_MARKUP_NONE && domain_size(r, at, NULL, &requested)) {
		if (requested > size)
			domain_problem(r, at, NULL, "%s seen; expected at most the device's <size>, %s",
				vn_size_text_exact(requested, text), vn_size_text_exact(size, most));
		else if (requested % block)
			domain_problem(r, at, NULL, "%s seen; expected a multiple of its blocks, %s",
				vn_size_text_exact(requested, text), vn_size_text_exact(block, most));
	}
	if (r->told > told)
		return false;
	if (requested < size)
		vn_notes_add(&r->guest->notes, "virtio-mem-requested",
			"line %u: memory: %s of the %s that the device can have are requested; these are planned",
			r->doc->elements[element].line, vn_size_text_exact(requested, text),
			vn_size_text_exact(size, most));
	*ret = requested;
	return true;
}

/* The nodes a vnode is tied to; NULL: none. `*own` is to be freed. */
static hwloc_const_bitmap_t tied_to(
	struct domain_reader *r, const struct vn_vnode *vnode, hwloc_bitmap_t *own)
{
	if (vnode->nodes || vnode->home < 0)
		return vnode->nodes;
	*own = hwloc_bitmap_alloc();
	if (!*own || hwloc_bitmap_set(*own, (unsigned)vnode->home) < 0)
		r->short_of_memory = true;
	return *own;
}

/* <nodemask>: the plan knows of the cell's nodes alone. */
static void read_nodes(struct domain_reader *r, size_t element, size_t cell)
{
	size_t at = vn_markup_find(r->doc, element, "source/nodemask");
	vn_autoset nodes = domain_set(r, at, NULL), own = NULL;
	struct vn_guest *guest = r->guest;
	const struct vn_vnode *vnode = &guest->vnodes[cell];

	if (!nodes)
		return;
	hwloc_const_bitmap_t tied = tied_to(r, vnode, &own), kept = tied ? tied : guest->nodes;
	vn_autofree char *text = vn_set_text(nodes), *others = tied ? vn_set_text(tied) : NULL;
	unsigned line = r->doc->elements[at].line;

	if (kept && hwloc_bitmap_isequal(kept, nodes))
		return;
	vn_notes_add(&guest->notes, "memory-device-apart",
		"line %u: memory: its memory is bound to node %s of the host, its cell %zu %s%s; it is counted where the cell is",
		line, text ? text : "", cell,
		tied   ? "is tied to "
		: kept ? "is kept within <numatune>'s"
		       : "to none",
		others ? others : "");
}

/* <pagesize>: a vnode has pages of one size. */
static void check_page(struct domain_reader *r, size_t element, size_t cell)
{
	size_t at = vn_markup_find(r->doc, element, "source/pagesize");
	uint64_t size = 0, page = vn_vnode_page(r->guest, cell);
	char text[VN_SIZE_TEXT], own[VN_SIZE_TEXT];

	if (at == VN_MARKUP_NONE || !domain_size(r, at, NULL, &size) || size == 0)
		return; /* its cell's */
	if (size & (size - 1))
		domain_problem(r, at, NULL, "%s seen; expected a page size such as 2048 or 1048576 KiB",
			vn_size_text_exact(size, text));
	else if (size != page && (page || size > VN_MIN_PAGE))
		vn_notes_add(&r->guest->notes, "memory-device-pages",
			"line %u: memory: it has pages of %s, its cell %zu %s%s; they are planned as the cell's",
			r->doc->elements[at].line, vn_size_text(size, text), cell,
			page ? "" : "ordinary ones", page ? vn_size_text(page, own) : "");
}

/* A DIMM beside a virtio-mem device counts as a part of it that is always requested. */
static void add_device(struct vn_vnode *vnode, uint64_t bytes, uint64_t unrequested, bool virtio)
{
	if (virtio || vnode->virtio_mem)
		vnode->virtio_mem = vn_vnode_device(vnode) + bytes + unrequested;
	vnode->plugged += bytes;
}

/* Without cells <memory> has the devices' memory already; libvirt then makes a cell of what is left. */
static void add_to_memory(
	struct domain_reader *r, size_t element, uint64_t bytes, uint64_t unrequested, bool virtio)
{
	struct vn_vnode *vnode = &r->guest->vnodes[0];

	r->guest->vnodes_open = false;
	if (vnode->plugged + bytes + unrequested >= vnode->memory) {
		domain_problem(r, element, NULL, "memory devices have all of <memory>; expected less");
		return;
	}
	add_device(vnode, bytes, unrequested, virtio);
	vnode->memory -= unrequested;
	r->guest->memory -= unrequested;
}

static void add_to_cell(
	struct domain_reader *r, size_t cell, uint64_t bytes, uint64_t unrequested, bool virtio)
{
	r->guest->vnodes[cell].memory += bytes;
	add_device(&r->guest->vnodes[cell], bytes, unrequested, virtio);
	r->guest->memory += bytes;
}

/* The cell that a device's memory is of; false after a problem. */
static bool read_cell(struct domain_reader *r, size_t element, uint64_t *ret)
{
	size_t node = vn_markup_find(r->doc, element, "target/node"), told = r->told;

	*ret = 0;
	if (node != VN_MARKUP_NONE)
		domain_number(r, node, NULL, 0, r->guest->n_vnodes - 1, ret);
	else if (r->has_cells)
		domain_problem(r, element, NULL, "no <node>; expected the cell that its memory is of");
	return r->told == told;
}

/* A DIMM's or virtio-mem's; that of the others is a file's or an enclave's. */
static void read_device(struct domain_reader *r, size_t element, enum model model)
{
	uint64_t size = 0, bytes, cell;
	size_t told = r->told;

	bool known = read_cell(r, element, &cell);
	bool sized = need_size(r, element, "target/size", "the memory it has", &size);
	bytes = size = round_up(size, VN_MIB);
	if (sized && model == MODEL_VIRTIO_MEM)
		read_requested(r, element, size, &bytes);
	if (vn_markup_child(r->doc, 0, "maxMemory") == VN_MARKUP_NONE)
		domain_problem(r, element, NULL,
			"seen without <maxMemory>; expected it, with slots, beside <memory>");
	if (known)
		check_page(r, element, cell);
	if (known)
		read_nodes(r, element, cell);
	if (r->told > told)
		return;
	r->unrequested += size - bytes;
	if (r->has_cells)
		add_to_cell(r, cell, bytes, size - bytes, model == MODEL_VIRTIO_MEM);
	else
		add_to_memory(r, element, bytes, size - bytes, model == MODEL_VIRTIO_MEM);
}

static void check_sums(struct domain_reader *r)
{
	char memory[VN_SIZE_TEXT], page_text[VN_SIZE_TEXT];
	uint64_t sum = 0;

	for (size_t v = 0; v < r->guest->n_vnodes; v++) {
		const struct vn_vnode *vnode = &r->guest->vnodes[v];
		uint64_t page = vn_vnode_page(r->guest, v);
		sum += vnode->memory;
		if (r->has_cells && page && vnode->plugged % page)
			domain_problem(r, vn_markup_find(r->doc, 0, "devices/memory"), NULL,
				"cell %zu has %s in memory devices; expected a multiple of its huge pages, %s",
				v, vn_size_text_exact(vnode->plugged, memory), vn_size_text(page, page_text));
	}
	if (sum > VN_MAX_MEMORY)
		domain_problem(
			r, 0, NULL, "the cells and memory devices have more than 64 TiB; expected less");
}

void domain_read_memory_devices(struct domain_reader *r)
{
	static const char *const accesses[] = {"shared", "private", NULL}, *const words[] = {
										   "yes", "no", NULL};

	for_each_domain(r, i, "devices", "memory")
	{
		if (!domain_need(r, i, "model", "dimm, nvdimm, virtio-mem, …"))
			continue;
		int model = domain_choice(r, i, "model", models, N_MODELS);
		domain_choice(r, i, "access", accesses, 0);
		domain_choice(r, i, "discard", words, 0);
		if (!r->vnodes_known || model == N_MODELS)
			continue;
		if (model == MODEL_DIMM || model == MODEL_VIRTIO_MEM) {
			read_device(r, i, (enum model)model);
			continue;
		}
		uint64_t cell;
		if (model == MODEL_NVDIMM) /* the others have no node, or need none */
			read_cell(r, i, &cell);
		domain_note_left_out(r, i, "memory of a file or of an enclave");
	}
	check_sums(r);
}
