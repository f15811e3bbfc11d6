/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A vnode's memory on the command line: a backend that binds it to the pnodes of the plan. Ordinary pages come when
 * the guest touches them; huge pages are all taken at start, because reserved for all nodes together one may be
 * missing on the very node that is bound to. Taking them means clearing them, and who clears should be near: QEMU's
 * threads for that are made from a thread context that is on the CPUs of the vnode's home (QEMU 7.2,
 * util/thread-context.c; threads inherit the affinity of the one that makes them). QEMU makes the contexts before
 * it enters `-sandbox …,resourcecontrol=deny`, wherever they stand (object_create_pre_sandbox() in softmmu/vl.c), so
 * that is no hindrance; after it nobody could make another.
 *
 * Memory of a virtio-mem device is taken block by block, as the guest is given it, and given back likewise: its backend reserves nothing.
 */
#define _GNU_SOURCE
#include "emit_qemu_part.h"

#include <string.h>

#define MEMORY_SLOTS 16 /* DIMM slots offered when maxmem is above memory */

uint64_t vn_qemu_memory_at_start(const struct vn_guest *guest, size_t vnode)
{
	return vn_vnode_at_start(&guest->vnodes[vnode]);
}

/* A DIMM has a slot; a virtio-mem device has none, but its room is counted into maxmem (hw/mem/memory-device.c). */
void vn_qemu_add_size(struct vn_qemu_line *line)
{
	const struct vn_guest *guest = line->guest;
	uint64_t at_start = 0, devices = 0;
	unsigned slots = 0;

	for (size_t i = 0; i < guest->n_vnodes; i++) {
		at_start += vn_qemu_memory_at_start(guest, i);
		devices += vn_vnode_device(&guest->vnodes[i]);
		slots += guest->vnodes[i].plugged > 0 && guest->vnodes[i].virtio_mem == 0;
	}
	uint64_t most = guest->maxmem > at_start + devices ? guest->maxmem : at_start + devices;
	slots += most > at_start + devices ? MEMORY_SLOTS : 0;
	unsigned long long mib = at_start / VN_MIB, most_mib = most / VN_MIB;
	vn_argv_add(line->argv, "-m");
	if (slots > 0)
		vn_argv_add(line->argv, "size=%lluM,slots=%u,maxmem=%lluM", mib, slots, most_mib);
	else if (most > at_start)
		vn_argv_add(line->argv, "size=%lluM,maxmem=%lluM", mib, most_mib);
	else
		vn_argv_add(line->argv, "size=%lluM", mib);
}

int vn_policy_nodes(
	const struct vn_plan *plan, const struct vn_guest *guest, size_t vnode, hwloc_bitmap_t nodes)
{
	const struct vn_plan_vnode *v = &plan->vnodes[vnode];
	bool one = vn_plan_binding(plan, guest, vnode) == VN_BINDING_PREFERRED && v->n_shares;

	if (guest->vnodes[vnode].has_binding && guest->vnodes[vnode].nodes)
		return hwloc_bitmap_or(nodes, nodes, guest->vnodes[vnode].nodes) < 0 ? -ENOMEM : 0;
	for (size_t i = 0; i < (one ? 1 : v->n_shares); i++) {
		if (hwloc_bitmap_set(nodes, v->shares[i].pnode) < 0)
			return -ENOMEM;
	}
	return 0;
}

char *vn_qemu_ranges(const char *key, hwloc_const_bitmap_t set)
{
	vn_autofree char *list = vn_set_text(set);
	char *text = vn_copy(""), *rest = list, *range;

	while (text && list && *list && (range = strsep(&rest, ","))) {
		char *longer = vn_format("%s,%s=%s", text, key, range);
		free(text);
		text = longer;
	}
	if (!list) {
		free(text);
		return NULL;
	}
	return text;
}

char *vn_qemu_host_nodes(const struct vn_qemu_line *line, size_t vnode)
{
	vn_autoset nodes = hwloc_bitmap_alloc();

	if (!nodes || vn_policy_nodes(line->plan, line->guest, vnode, nodes) < 0)
		return NULL;
	return vn_qemu_ranges("host-nodes", nodes);
}

/*
 * The context of a vnode whose pages are taken at start, and how the backend asks for it. It is on the CPUs that its vCPUs
 * may use: those of the home, less what the user keeps them from. A thread for each, but no more than the vnode has vCPUs. A
 * vnode without vCPUs has no CPUs of its own: the emulator's clear its pages.
 */
static char *add_context(struct vn_qemu_line *line, size_t vnode)
{
	hwloc_const_bitmap_t cpus = line->plan->vnodes[vnode].cpus;
	unsigned vcpus = vn_set_weight(line->guest->vnodes[vnode].vcpus), threads = vn_set_weight(cpus);

	if (vn_vnode_page(line->guest, vnode) == 0)
		return vn_copy("");
	if (line->version < VN_QEMU_HAS_THREAD_CONTEXT || threads == 0)
		return vn_copy(",prealloc=on");
	vn_autofree char *affinity = vn_qemu_ranges("cpu-affinity", cpus);
	if (!affinity)
		return NULL;
	vn_argv_add(line->argv, "-object");
	vn_argv_add(line->argv, "thread-context,id=tc%zu%s", vnode, affinity);
	return vn_format(",prealloc=on,prealloc-threads=%u,prealloc-context=tc%zu",
		vcpus && vcpus < threads ? vcpus : threads, vnode);
}

const char *vn_qemu_policy(const struct vn_qemu_line *line, size_t vnode)
{
	static const char *const policies[] = {
		[VN_BINDING_PREFERRED] = "preferred",
		[VN_BINDING_STRICT] = "bind",
		[VN_BINDING_INTERLEAVE] = "interleave",
	};

	return policies[vn_plan_binding(line->plan, line->guest, vnode)];
}

/* One backend: `id` of `memory` bytes. */
static void add_backend(
	struct vn_qemu_line *line, size_t vnode, const char *id, uint64_t memory, const char *prealloc)
{
	unsigned long long page = vn_vnode_page(line->guest, vnode) >> 10, mib = memory / VN_MIB;
	vn_autofree char *nodes = vn_qemu_host_nodes(line, vnode);
	const char *policy = vn_qemu_policy(line, vnode);

	line->argv->short_of_memory |= !nodes;
	vn_argv_add(line->argv, "-object");
	const char *share = line->guest->machine.shared ? ",share=on" : "";
	if (page)
		vn_argv_add(line->argv,
			"memory-backend-memfd,id=%s,size=%lluM,hugetlb=on,hugetlbsize=%lluK%s%s%s,policy=%s",
			id, mib, page, share, prealloc, nodes ? nodes : "", policy);
	else if (*share)
		vn_argv_add(line->argv, "memory-backend-memfd,id=%s,size=%lluM%s%s%s,policy=%s", id, mib,
			share, prealloc, nodes ? nodes : "", policy);
	else
		vn_argv_add(line->argv, "memory-backend-ram,id=%s,size=%lluM%s%s,policy=%s", id, mib,
			prealloc, nodes ? nodes : "", policy);
}

void vn_qemu_add_backends(struct vn_qemu_line *line)
{
	for (size_t i = 0; i < line->guest->n_vnodes; i++) {
		const struct vn_vnode *vnode = &line->guest->vnodes[i];
		uint64_t at_start = vn_vnode_at_start(vnode), device = vn_vnode_device(vnode);
		bool dimm = device && vnode->virtio_mem == 0;
		vn_autofree char *prealloc = at_start || dimm ? add_context(line, i) : vn_copy("");
		vn_autofree char *ram = vn_format(VN_QEMU_RAM_ID, i),
				 *plug = vn_format(VN_QEMU_PLUGGED_ID, i);
		if (!prealloc || !ram || !plug) {
			line->argv->short_of_memory = true;
			return;
		}
		if (at_start)
			add_backend(line, i, ram, at_start, prealloc);
		if (device)
			add_backend(line, i, plug, device, dimm ? prealloc : ",reserve=off");
	}
}

void vn_qemu_add_dimms(struct vn_qemu_line *line)
{
	bool numa = vn_qemu_tells_numa(line->guest);

	for (size_t i = 0; i < line->guest->n_vnodes; i++) {
		if (line->guest->vnodes[i].plugged == 0 || line->guest->vnodes[i].virtio_mem)
			continue;
		vn_argv_add(line->argv, "-device");
		vn_argv_add(line->argv, "pc-dimm,id=dimm%zu,memdev=" VN_QEMU_PLUGGED_ID ",node=%zu", i, i,
			numa ? i : 0);
	}
}

/*
 * Blocks are those of the pages that the backend has, for QEMU gives memory back block by block. Huge pages are taken when the guest is
 * given them (prealloc of the device, not of the backend, which would take all of them at start): where the pool has none left the guest
 * is told no, and not killed later.
 */
void vn_qemu_add_virtio_mems(struct vn_qemu_line *line, const char *bus)
{
	bool numa = vn_qemu_tells_numa(line->guest);

	for (size_t i = 0; i < line->guest->n_vnodes; i++) {
		const struct vn_vnode *vnode = &line->guest->vnodes[i];
		uint64_t page = vn_vnode_page(line->guest, i),
			 block = page > VN_VIRTIO_MEM_BLOCK ? page : VN_VIRTIO_MEM_BLOCK;
		if (vnode->virtio_mem == 0)
			continue;
		vn_argv_add(line->argv, "-device");
		vn_argv_add(line->argv,
			"virtio-mem-pci,id=" VN_QEMU_VIRTIO_MEM_ID ",memdev=" VN_QEMU_PLUGGED_ID
			",node=%zu,block-size=%lluM,requested-size=%lluM%s%s",
			i, i, numa ? i : 0, (unsigned long long)(block / VN_MIB),
			(unsigned long long)(vnode->plugged / VN_MIB), page ? ",prealloc=on" : "", bus);
	}
}
