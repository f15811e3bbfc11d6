/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: the guest (vm->guest) says how much memory each vnode has, but a vnode may have several pieces (memory at start,
 * DIMMs), so the command line is asked for the backends themselves: each -object memory-backend-* that a -numa node, a DIMM or the machine
 * takes. What none of them takes is no guest memory yet, unless the monitor lists it: then it was plugged in later, and
 * its memory device, if it tells, is of that vnode. Without any, QEMU makes one piece of all memory; where -numa node,mem= divides it, the nodes' parts lie in it in their
 * order (QEMU, hw/core/numa.c: a node's part of machine->ram begins where that of the node before ends).
 *
 * Objects are made in the order of the command line, the machine's own memory after them (QEMU, system/vl.c:
 * object_option_foreach_add(object_create_late) before qemu_init_board()).
 */
#define _GNU_SOURCE
#include "told_blocks.h"

#include <string.h>

#include "../base/keyval.h"
#include "../base/parse.h"
#include "../base/qemu_options.h"
#include "../base/text.h"
#include "../base/words.h"

#define NOBODYS (-2) /* vnode of an object that nothing takes */
#define MAX_BLOCKS 4096u /* QEMU takes at most 256 memory devices, and 128 nodes */

void vn_told_blocks_clear(struct vn_told_blocks *blocks)
{
	for (size_t i = 0; i < blocks->n; i++)
		vn_mem_policy_clear(&blocks->v[i].policy);
	free(blocks->v);
	*blocks = (struct vn_told_blocks){0};
}

static struct vn_told_block *append(struct vn_told_blocks *blocks)
{
	struct vn_told_block *grown =
		blocks->n < MAX_BLOCKS ? reallocarray(blocks->v, blocks->n + 1, sizeof(*grown)) : NULL;

	if (!grown)
		return NULL;
	blocks->v = grown;
	grown[blocks->n] = (struct vn_told_block){.vnode = -1};
	return &grown[blocks->n++];
}

static struct vn_told_block *find(const struct vn_told_blocks *blocks, const char *id)
{
	for (size_t i = 0; id && *id && i < blocks->n; i++) {
		if (strcmp(blocks->v[i].id, id) == 0)
			return &blocks->v[i];
	}
	return NULL;
}

/* As the kernel would write it. `nodes` is copied. */
static int set_policy(
	struct vn_told_block *block, enum vn_binding binding, hwloc_const_bitmap_t nodes, enum vn_told_by by)
{
	static const struct {
		enum vn_policy_mode mode;
		const char *text;
	} modes[] = {[VN_BINDING_PREFERRED] = {VN_MODE_PREFER, "prefer"},
		[VN_BINDING_STRICT] = {VN_MODE_BIND, "bind"},
		[VN_BINDING_INTERLEAVE] = {VN_MODE_INTERLEAVE, "interleave"}};
	struct vn_mem_policy policy = {.mode = modes[binding].mode, .nodes = hwloc_bitmap_dup(nodes)};
	vn_autofree char *list = vn_set_text(nodes);

	if (!policy.nodes || !list) {
		vn_mem_policy_clear(&policy);
		return -ENOMEM;
	}
	snprintf(policy.text, sizeof(policy.text), "%s:%.40s", modes[binding].text, list);
	vn_mem_policy_clear(&block->policy);
	block->policy = policy;
	block->policy_by = by;
	return 0;
}

/* ---- the record ---- */

static int read_record(
	const struct vn_vm *record, const struct vn_guest *guest, struct vn_told_blocks *blocks)
{
	int r = 0;

	for (size_t i = 0; i < record->n_backends && r == 0; i++) {
		const struct vn_vm_backend *backend = &record->backends[i];
		struct vn_told_block *block = append(blocks);
		if (!block)
			return -ENOMEM;
		vn_sample_text(backend->id, strlen(backend->id), block->id, sizeof(block->id));
		block->vnode = (int)backend->vnode;
		block->size = backend->memory;
		block->unplugged = backend->memory - backend->requested;
		block->address = backend->address;
		block->by = VN_TOLD_BY_RECORD;
		if (guest && backend->vnode < guest->n_vnodes)
			block->page = vn_vnode_page(guest, backend->vnode);
		if (backend->policy_nodes && !hwloc_bitmap_iszero(backend->policy_nodes))
			r = set_policy(block, backend->binding, backend->policy_nodes, VN_TOLD_BY_RECORD);
	}
	return r;
}

/* ---- the command line ---- */

struct reader {
	const struct vn_guest *guest;
	struct vn_told_blocks *blocks;
	struct vn_words words;
	bool taken; /* memory at start is an object's */
};

/* An option's keys, one after another; `implied` of a first value without one. Whether they could be read. */
static bool read_keys(const struct vn_qemu_option *option, const char *implied, struct vn_keyval *ret_keys)
{
	return option->value && vn_keyval_parse(option->value, implied, NULL, ret_keys, NULL) == 0;
}

/* "4G", "131072K", "1073741824": what QEMU takes as a size (util/cutils.c, do_strtosz()), without fractions. 0: none. */
static uint64_t read_size(const char *text)
{
	static const char units[] = "bkmgtpe";
	size_t digits = text ? strspn(text, "0123456789") : 0;
	const char *unit = text && text[digits] ? strchr(units, text[digits] | 0x20) : units;
	char number[24];
	uint64_t size;

	if (digits == 0 || digits >= sizeof(number) || !unit || (text[digits] && text[digits + 1]))
		return 0;
	snprintf(number, sizeof(number), "%.*s", (int)digits, text);
	unsigned shift = 10 * (unsigned)(unit - units);
	return vn_parse_u64(number, UINT64_MAX >> shift, &size) == 0 ? size << shift : 0;
}

static int read_number(const char *text, int otherwise)
{
	uint64_t number;

	return text && vn_parse_u64(text, VN_MAX_VNODES - 1, &number) == 0 ? (int)number : otherwise;
}

static int read_policy(const struct vn_keyval *keys, struct vn_told_block *block)
{
	static const char *const names[] = {[VN_BINDING_PREFERRED] = "preferred",
		[VN_BINDING_STRICT] = "bind",
		[VN_BINDING_INTERLEAVE] = "interleave"};
	const char *name = vn_keyval_get(keys, "policy");
	const struct vn_keyval_pair *pair = NULL;
	vn_autoset nodes = hwloc_bitmap_alloc();
	size_t binding = 0;

	while (binding < 3 && (!name || strcmp(name, names[binding]) != 0))
		binding++;
	while (nodes && (pair = vn_keyval_next(keys, "host-nodes", pair))) {
		vn_autoset some = NULL;
		if (vn_set_parse(pair->value, &some) == 0 && hwloc_bitmap_or(nodes, nodes, some) < 0)
			return -ENOMEM;
	}
	if (!nodes)
		return -ENOMEM;
	if (binding == 3 || hwloc_bitmap_iszero(nodes))
		return 0;
	return set_policy(block, (enum vn_binding)binding, nodes, VN_TOLD_BY_COMMAND);
}

static int read_object(struct reader *r, const struct vn_keyval *keys)
{
	static const char prefix[] = "memory-backend-";
	const char *type = vn_keyval_get(keys, "qom-type"), *id = vn_keyval_get(keys, "id");

	if (!type || !id || strncmp(type, prefix, sizeof(prefix) - 1) != 0)
		return 0;
	struct vn_told_block *block = append(r->blocks);
	if (!block)
		return -ENOMEM;
	vn_sample_text(id, strlen(id), block->id, sizeof(block->id));
	block->vnode = NOBODYS;
	block->size = read_size(vn_keyval_get(keys, "size"));
	block->by = VN_TOLD_BY_COMMAND;
	return read_policy(keys, block);
}

/* The object becomes memory of a vnode; -1: of all of them. */
static void take(struct reader *r, const char *id, int vnode, bool plugged)
{
	struct vn_told_block *block = id ? find(r->blocks, id) : NULL;
	size_t n = r->guest->n_vnodes;

	if (!block)
		return;
	r->taken |= !plugged;
	block->all_vnodes = vnode < 0 && n > 1;
	block->vnode = n <= 1 ? 0 : vnode < (int)n ? vnode : -1;
	size_t of = block->vnode < 0 ? 0 : (size_t)block->vnode;
	if (of < n)
		block->page = vn_vnode_page(r->guest, of);
	if (block->size == 0 && !plugged && of < n && !block->all_vnodes)
		block->size = vn_vnode_at_start(&r->guest->vnodes[of]);
}

static bool is_memory_device(const char *driver)
{
	return driver && (strcmp(driver, "pc-dimm") == 0 || strncmp(driver, "virtio-mem", 10) == 0);
}

/* Of virtio-mem the guest has at start what is requested of it, nothing where that is not said. */
static void take_device(struct reader *r, const struct vn_keyval *keys)
{
	const char *driver = vn_keyval_get(keys, "driver"), *id = vn_keyval_get(keys, "memdev");

	if (!is_memory_device(driver))
		return;
	take(r, id, read_number(vn_keyval_get(keys, "node"), 0), true);
	struct vn_told_block *block = id ? find(r->blocks, id) : NULL;
	uint64_t requested = read_size(vn_keyval_get(keys, "requested-size"));
	if (block && strncmp(driver, "virtio-mem", 10) == 0 && requested <= block->size)
		block->unplugged = block->size - requested;
}

static int read_option(
	struct reader *r, const struct vn_qemu_option *option, bool objects, unsigned *nodes_before)
{
	vn_autokeyval keys = {0};
	bool object = strcmp(option->name, "-object") == 0;

	if (!option->keyed || object != objects || !read_keys(option, option->implied, &keys))
		return 0;
	if (object)
		return read_object(r, &keys);
	if (strcmp(option->name, "-numa") == 0) {
		const char *type = vn_keyval_get(&keys, "type");
		if (type && strcmp(type, "node") == 0)
			take(r, vn_keyval_get(&keys, "memdev"),
				read_number(vn_keyval_get(&keys, "nodeid"), (int)(*nodes_before)++), false);
	} else if (strcmp(option->name, "-device") == 0) {
		take_device(r, &keys);
	} else if (strcmp(option->name, "-machine") == 0) {
		take(r, vn_keyval_get(&keys, "memory-backend"), -1, false);
	}
	return 0;
}

/* Those who take an object may stand before it. */
static int read_options(struct reader *r)
{
	int status = 0;

	for (unsigned pass = 0; pass < 2; pass++) {
		struct vn_qemu_option option;
		unsigned nodes_before = 0;
		for (size_t at = r->words.n_assignments + 1; status == 0 && at < r->words.n;) {
			at = vn_qemu_option_at(&r->words, at, &option);
			status = read_option(r, &option, pass == 0, &nodes_before);
		}
	}
	return status;
}

/* What nothing takes is left out, and what has no size that could be looked for. */
static void drop_the_rest(struct vn_told_blocks *blocks)
{
	size_t n = 0;

	for (size_t i = 0; i < blocks->n; i++) {
		if (blocks->v[i].vnode == NOBODYS || blocks->v[i].size == 0)
			vn_mem_policy_clear(&blocks->v[i].policy);
		else
			blocks->v[n++] = blocks->v[i];
	}
	blocks->n = n;
}

static int read_vnode_policy(const struct vn_vnode *vnode, struct vn_told_block *block)
{
	vn_autoset home = hwloc_bitmap_alloc();

	if (!home)
		return -ENOMEM;
	if (vnode->has_binding && vnode->nodes)
		return set_policy(block, vnode->binding, vnode->nodes, VN_TOLD_BY_COMMAND);
	if (!vnode->has_binding || vnode->home < 0)
		return 0;
	if (hwloc_bitmap_set(home, (unsigned)vnode->home) < 0)
		return -ENOMEM;
	return set_policy(block, vnode->binding, home, VN_TOLD_BY_COMMAND);
}

/* One piece that QEMU makes by itself: of a vnode, or with -1 of all. */
static int add_piece(struct reader *r, int vnode, uint64_t size, uint64_t unplugged)
{
	const struct vn_guest *guest = r->guest;
	struct vn_told_block *block = size ? append(r->blocks) : NULL;

	if (size == 0)
		return 0;
	if (!block)
		return -ENOMEM;
	block->size = size;
	block->unplugged = unplugged;
	block->all_vnodes = vnode < 0 && guest->n_vnodes > 1;
	block->vnode = guest->n_vnodes <= 1 ? 0 : vnode;
	block->by = VN_TOLD_BY_COMMAND;
	block->page = guest->n_vnodes ? vn_vnode_page(guest, vnode < 0 ? 0 : (size_t)vnode) : 0;
	return vnode < 0 ? 0 : read_vnode_policy(&guest->vnodes[vnode], block);
}

static int read_command(const struct vn_guest *guest, struct vn_told_blocks *blocks)
{
	struct reader r = {.guest = guest, .blocks = blocks};
	uint64_t at_start = 0;
	int status = 0;

	if (guest->form == VN_FORM_QEMU &&
		vn_words_parse(guest->text, guest->text_size, guest->file, &r.words, NULL) == 0) {
		status = read_options(&r);
		vn_words_clear(&r.words);
		drop_the_rest(blocks);
		for (size_t i = 0; i < guest->n_vnodes; i++)
			at_start += vn_vnode_at_start(&guest->vnodes[i]);
		return status || r.taken ? status : add_piece(&r, -1, at_start, 0);
	}
	for (size_t i = 0; i < guest->n_vnodes && status == 0; i++) {
		const struct vn_vnode *vnode = &guest->vnodes[i];
		uint64_t device = vn_vnode_device(vnode);
		status = add_piece(&r, (int)i, vn_vnode_at_start(vnode), 0);
		if (status == 0)
			status = add_piece(&r, (int)i, device, device - vnode->plugged);
	}
	return status;
}

/* ---- the monitor ---- */

/* The only block without a name, if it is as large: what the machine made by itself. */
static struct vn_told_block *find_nameless(const struct vn_told_blocks *blocks, uint64_t size)
{
	struct vn_told_block *found = NULL;

	for (size_t i = 0; i < blocks->n; i++) {
		if (*blocks->v[i].id || blocks->v[i].size != size)
			continue;
		if (found)
			return NULL;
		found = &blocks->v[i];
	}
	return found;
}

static int add_fact(
	const struct vn_guest *guest, const struct vn_monitor_block *fact, struct vn_told_blocks *blocks)
{
	struct vn_told_block *block = find(blocks, fact->id);

	if (!block && !(block = find_nameless(blocks, fact->size))) {
		block = append(blocks);
		if (!block)
			return -ENOMEM;
		block->by = VN_TOLD_BY_QMP;
		block->vnode = !guest || guest->n_vnodes <= 1       ? 0
			       : fact->vnode < (int)guest->n_vnodes ? fact->vnode
								    : -1;
	}
	memcpy(block->id, fact->id, sizeof(block->id));
	block->size = fact->size;
	if (fact->virtio_mem && fact->requested <= fact->size)
		block->unplugged = fact->size - fact->requested;
	block->page = fact->page > 4096 * 15 ? fact->page : block->page;
	if (fact->address) {
		block->address = fact->address;
		block->by = VN_TOLD_BY_QMP;
	}
	return 0;
}

/* Huge pages are rounded up to: so is what QEMU maps (hostmem-file.c, qemu_ram_alloc_from_fd()). */
static void round_sizes(struct vn_told_blocks *blocks)
{
	uint64_t ordinary = (uint64_t)sysconf(_SC_PAGESIZE);

	for (size_t i = 0; i < blocks->n; i++) {
		uint64_t page = blocks->v[i].page ? blocks->v[i].page : ordinary;
		blocks->v[i].size = (blocks->v[i].size + page - 1) / page * page;
	}
}

int vn_told_blocks_read(const struct vn_vm_sample *vm, const struct vn_monitor_facts *facts,
	struct vn_told_blocks *ret_blocks)
{
	vn_autotold blocks = {0};
	int r = 0;

	if (vm->record && vm->record->n_backends > 0)
		r = read_record(vm->record, vm->guest, &blocks);
	else if (vm->guest)
		r = read_command(vm->guest, &blocks);
	for (size_t i = 0; facts && i < facts->n_blocks && r == 0; i++)
		r = add_fact(vm->guest, &facts->blocks[i], &blocks);
	if (r < 0)
		return r;
	round_sizes(&blocks);
	*ret_blocks = blocks;
	blocks = (struct vn_told_blocks){0};
	return 0;
}
