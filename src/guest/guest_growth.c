/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `vnumamem_min` and `vnumamem_max`: how little and how much memory each vnode may have while the guest runs. Between the two it is a
 * virtio-mem device's, which gives and takes memory of that vnode alone; below `min` it is ordinary memory. One that is not told is what
 * the vnode has at start, and a vnode whose two are the same has no device.
 *
 * The least a vnode with a device can have is 1 MiB, for it is the ordinary memory that makes it a node with memory from the guest's
 * first moment; of vnode 0, which begins at address 0 and where Linux puts itself, its initramfs and its page tables, LEAST_OF_FIRST.
 *
 * QEMU wants a device, and what is requested of it, to be whole blocks of it (hw/virtio/virtio-mem.c), which are as large as a huge page.
 * Linux adds memory to itself in blocks of 128 MiB and more; of a device that ends within one the rest is never used
 * (drivers/virtio/virtio_mem.c, "can make some memory unusable"), and the next device begins where this one ends.
 */
#include <stdio.h>

#include "../base/text.h"
#include "guest_reader.h"

#define LEAST_OF_FIRST                                                                                       \
	128 /* MiB; chosen: Linux 6.12 boots with that in each of two vnodes (tests/lab/resize-inside), less was not tried */

/* One of the two options, in MiB. */
struct bounds {
	const struct vn_cfg_entry *entry; /* NULL: is not told */
	uint64_t *mib; /* owned; NULL: not told, or wrong */
};

static void bounds_clear(struct bounds *bounds)
{
	free(bounds->mib);
}

static void read_bounds(struct guest_reader *r, const char *key, struct bounds *ret)
{
	size_t n = r->guest->n_vnodes;
	char expected[64];

	snprintf(expected, sizeof(expected), "%zu number%s of MiB, one per vnode", n, n == 1 ? "" : "s");
	ret->entry = vn_cfg_find(r->cfg, key);
	if (ret->entry)
		ret->mib = guest_numbers(r, ret->entry, n, VN_MAX_MEMORY / VN_MIB, expected);
}

static uint64_t bound_of(const struct guest_reader *r, const struct bounds *bounds, size_t v)
{
	return bounds->mib ? bounds->mib[v] : r->guest->vnodes[v].memory / VN_MIB;
}

/* Whether the bound of a vnode is on its side of the memory at start, and whole blocks from it. */
static bool check_bound(struct guest_reader *r, const struct bounds *bounds, size_t v, bool least)
{
	uint64_t bound = bound_of(r, bounds, v), memory = r->guest->vnodes[v].memory / VN_MIB;
	uint64_t page = vn_vnode_page(r->guest, v),
		 block = (page > VN_VIRTIO_MEM_BLOCK ? page : VN_VIRTIO_MEM_BLOCK) / VN_MIB;
	uint64_t apart = bound > memory ? bound - memory : memory - bound;
	uint64_t lowest = v == 0 ? LEAST_OF_FIRST : 1;

	if (least ? bound > memory : bound < memory)
		guest_wrong(r, bounds->entry,
			"vnode %zu: %llu MiB; expected at %s the %llu MiB that it has at start", v,
			(unsigned long long)bound, least ? "most" : "least", (unsigned long long)memory);
	else if (apart % block)
		guest_wrong(r, bounds->entry,
			"vnode %zu: %llu MiB, which is %llu MiB from what it has at start; expected a multiple of %llu MiB, %s",
			v, (unsigned long long)bound, (unsigned long long)apart, (unsigned long long)block,
			page > VN_VIRTIO_MEM_BLOCK ? "its huge pages" : "the blocks of virtio-mem");
	else if (least && bound < lowest)
		guest_wrong(r, bounds->entry, "vnode %zu: %llu MiB; expected at least %llu MiB, as %s", v,
			(unsigned long long)bound, (unsigned long long)lowest,
			v == 0 ? "Linux boots in vnode 0" : "it is a node with memory from the start");
	else
		return true;
	return false;
}

/* A vnode that can grow has to have some memory that no device holds. */
static bool check_grows(
	struct guest_reader *r, const struct bounds *least, const struct bounds *most, size_t v)
{
	uint64_t lowest = v == 0 ? LEAST_OF_FIRST : 1, memory = r->guest->vnodes[v].memory / VN_MIB;

	if (least->mib || bound_of(r, most, v) == memory || memory >= lowest)
		return true;
	guest_wrong(r, most->entry,
		"vnode %zu: has %llu MiB at start; expected at least %llu MiB of one that can grow", v,
		(unsigned long long)memory, (unsigned long long)lowest);
	return false;
}

static bool check_all(struct guest_reader *r, const struct bounds *least, const struct bounds *most)
{
	bool good = true;

	for (size_t v = 0; v < r->guest->n_vnodes; v++) {
		uint64_t lowest = bound_of(r, least, v), memory = r->guest->vnodes[v].memory / VN_MIB;
		bool fixed = lowest == memory && bound_of(r, most, v) == memory;
		if (least->mib && !fixed)
			good &= check_bound(r, least, v, true);
		if (most->mib)
			good &= check_bound(r, most, v, false) && check_grows(r, least, most, v);
	}
	return good;
}

static void note_block(struct guest_reader *r, const struct bounds *bounds, size_t v, uint64_t device)
{
	char size[VN_SIZE_TEXT];

	if (device % VN_LINUX_MEMORY_BLOCK)
		vn_notes_add(&r->guest->notes, "growth-not-whole-blocks",
			"line %u: %s: vnode %zu can have %s more than at least; Linux adds memory in blocks of 128 MiB or larger, and what "
			"is left of the last one it never uses",
			bounds->entry->line, bounds->entry->key, v, vn_size_text_exact(device, size));
}

static void apply(struct guest_reader *r, const struct bounds *least, const struct bounds *most)
{
	struct vn_guest *guest = r->guest;

	for (size_t v = 0; v < guest->n_vnodes; v++) {
		struct vn_vnode *vnode = &guest->vnodes[v];
		uint64_t lowest = bound_of(r, least, v) * VN_MIB, highest = bound_of(r, most, v) * VN_MIB;
		if (lowest == highest)
			continue;
		vnode->plugged = vnode->memory - lowest;
		vnode->virtio_mem = highest - lowest;
		note_block(r, most->entry ? most : least, v, vnode->virtio_mem);
	}
}

/* All that it may become has to be within maxmem, which is as much where nobody says so. */
static bool check_maxmem(struct guest_reader *r, const struct bounds *most)
{
	const struct vn_cfg_entry *maxmem = vn_cfg_find(r->cfg, "maxmem");
	uint64_t sum = 0;

	for (size_t v = 0; v < r->guest->n_vnodes; v++)
		sum += bound_of(r, most, v) * VN_MIB;
	if (maxmem && sum > r->guest->maxmem) {
		guest_problem(r, maxmem->line, "maxmem",
			"%llu MiB seen; expected at least %llu MiB, the sum of 'vnumamem_max'",
			(unsigned long long)(r->guest->maxmem / VN_MIB), (unsigned long long)(sum / VN_MIB));
		return false;
	}
	if (sum > VN_MAX_MEMORY) {
		guest_wrong(r, most->entry, "the sum is %llu MiB; expected at most %llu MiB",
			(unsigned long long)(sum / VN_MIB), (unsigned long long)(VN_MAX_MEMORY / VN_MIB));
		return false;
	}
	if (sum > r->guest->maxmem)
		r->guest->maxmem = sum;
	return true;
}

void guest_read_growth(struct guest_reader *r)
{
	vn_cleanup(bounds_clear) struct bounds least = {0}, most = {0};

	read_bounds(r, "vnumamem_min", &least);
	read_bounds(r, "vnumamem_max", &most);
	bool read = (!least.entry || least.mib) && (!most.entry || most.mib);
	if ((!least.entry && !most.entry) || !read || !r->sizes_known)
		return;
	if (check_all(r, &least, &most) && (!most.entry || check_maxmem(r, &most)))
		apply(r, &least, &most);
}
