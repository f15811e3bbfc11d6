/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "backend.h"

#include <inttypes.h>
#include <string.h>

#include "../base/text.h"
#include "../emit/emit_qemu.h"

#define MAX_RANGES 16

static bool is_region(const char *name, const char *id)
{
	static const char prefix[] = "/objects/";

	if (strncmp(name, prefix, sizeof(prefix) - 1) == 0)
		name += sizeof(prefix) - 1;
	return strcmp(name, id) == 0;
}

/* "  0000000000100000-000000007fffffff (prio 0, ram): ram0 @0000000000100000 KVM" */
static bool read_range(const char *line, const char *id, struct vn_mtree_range *ret_range)
{
	struct vn_mtree_range range = {0};
	char kind[16], name[64];
	/* 16 digits do not overflow. NOLINTNEXTLINE(cert-err34-c) */
	int n = sscanf(line, " %16" SCNx64 "-%16" SCNx64 " (prio %*d, %15[^)]): %63s @%16" SCNx64,
		&range.first, &range.last, kind, name, &range.offset);

	if (n < 4 || strcmp(kind, "ram") != 0 || !is_region(name, id) || range.last < range.first)
		return false;
	*ret_range = range;
	return true;
}

size_t vn_mtree_ranges(const char *text, const char *id, struct vn_mtree_range *ranges, size_t max)
{
	vn_autofree char *copy = strdup(text);
	char *rest = copy, *line;
	bool in_memory = false;
	size_t n = 0;

	while (rest && (line = strsep(&rest, "\r\n"))) {
		if (strncmp(line, "FlatView", 8) == 0)
			in_memory = false;
		else if (strncmp(line, " AS \"memory\",", 13) == 0)
			in_memory = true;
		else if (in_memory && n < max && read_range(line, id, &ranges[n]))
			n++;
	}
	return n;
}

int vn_hva_parse(const char *text, const char *id, uint64_t *ret_address)
{
	char name[64];
	uint64_t address;
	/* NOLINTNEXTLINE(cert-err34-c): as above */
	int n = sscanf(text, "Host virtual address for 0x%*x (%63[^)]) is 0x%16" SCNx64, name, &address);

	if (n != 2 || !is_region(name, id) || address == 0)
		return -EPROTO;
	*ret_address = address;
	return 0;
}

/* Where the backend starts, going by one of its ranges. */
static int locate_by(struct vn_qmp *qmp, const struct vn_vm_backend *backend,
	const struct vn_mtree_range *range, uint64_t *ret_address, struct vn_error *err)
{
	vn_autofree char *command = vn_format("gpa2hva 0x%" PRIx64, range->first);
	vn_autofree char *text = NULL;
	uint64_t address;
	int r = command ? vn_qmp_human(qmp, command, &text, err) : -ENOMEM;

	if (r < 0)
		return r;
	r = vn_hva_parse(text, backend->id, &address);
	if (r == 0 && (range->offset > backend->memory || address < range->offset))
		r = -EPROTO;
	if (r < 0)
		return vn_error_environment(err, r,
			"QEMU's monitor: '%s' answered '%.*s'; expected the host address of %s", command,
			(int)strcspn(text, "\r\n"), text, backend->id);
	*ret_address = address - range->offset;
	return 0;
}

static int locate(struct vn_qmp *qmp, const char *mtree, struct vn_vm_backend *backend, struct vn_error *err)
{
	struct vn_mtree_range ranges[MAX_RANGES];
	size_t n = vn_mtree_ranges(mtree, backend->id, ranges, MAX_RANGES);
	uint64_t start = 0;

	if (n == 0)
		return vn_error_environment(
			err, -EPROTO, "QEMU's monitor: 'info mtree -f' shows no range of %s", backend->id);
	for (size_t i = 0; i < n; i++) {
		uint64_t address = 0;
		int r = locate_by(qmp, backend, &ranges[i], &address, err);
		if (r < 0)
			return r;
		if (i > 0 && address != start)
			return vn_error_environment(err, -EPROTO,
				"QEMU's monitor: %s is mapped at 0x%" PRIx64 " and at 0x%" PRIx64
				"; expected one piece",
				backend->id, start, address);
		start = address;
	}
	backend->address = start;
	return 0;
}

int vn_backends_locate(struct vn_qmp *qmp, struct vn_vm *vm, struct vn_error *err)
{
	vn_autofree char *mtree = NULL;
	int r = vn_qmp_human(qmp, "info mtree -f", &mtree, err);

	for (size_t i = 0; r == 0 && i < vm->n_backends; i++)
		r = locate(qmp, mtree, &vm->backends[i], err);
	return r;
}

/* A backend of `memory` bytes; with the memory device's (`plugged`), a vnode may have two. */
static int plan_backend(const struct vn_plan *plan, const struct vn_guest *guest, size_t vnode, bool plugged,
	uint64_t memory, struct vn_vm_backend *backend)
{
	const struct vn_plan_vnode *v = &plan->vnodes[vnode];

	*backend = (struct vn_vm_backend){
		.vnode = (unsigned)vnode, .memory = memory, .binding = vn_plan_binding(plan, guest, vnode)};
	backend->requested = memory;
	if (plugged && guest->vnodes[vnode].virtio_mem) {
		snprintf(backend->device, sizeof(backend->device), VN_QEMU_VIRTIO_MEM_ID, vnode);
		backend->requested = guest->vnodes[vnode].plugged;
	}
	if (plugged)
		snprintf(backend->id, sizeof(backend->id), VN_QEMU_PLUGGED_ID, vnode);
	else
		snprintf(backend->id, sizeof(backend->id), VN_QEMU_RAM_ID, vnode);
	backend->nodes = hwloc_bitmap_alloc();
	backend->policy_nodes = hwloc_bitmap_alloc();
	if (!backend->nodes || !backend->policy_nodes)
		return -ENOMEM;
	for (size_t i = 0; i < v->n_shares; i++) {
		if (hwloc_bitmap_set(backend->nodes, v->shares[i].pnode) < 0)
			return -ENOMEM;
	}
	int r = vn_policy_nodes(plan, guest, vnode, backend->policy_nodes);
	/* what the user fixed to the letter holds wherever that lets pages be */
	if (r == 0 && guest->vnodes[vnode].has_binding && backend->binding != VN_BINDING_PREFERRED &&
		hwloc_bitmap_or(backend->nodes, backend->nodes, backend->policy_nodes) < 0)
		r = -ENOMEM;
	return r;
}

int vn_backends_plan(
	const struct vn_plan *plan, const struct vn_guest *guest, struct vn_vm *vm, struct vn_error *err)
{
	vm->backends = calloc(2 * guest->n_vnodes, sizeof(*vm->backends));
	if (!vm->backends)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < guest->n_vnodes; i++) {
		uint64_t device = vn_vnode_device(&guest->vnodes[i]),
			 at_start = vn_vnode_at_start(&guest->vnodes[i]);
		int r = 0;
		/* counted first: what it has is freed with the VM */
		if (at_start)
			r = plan_backend(plan, guest, i, false, at_start, &vm->backends[vm->n_backends++]);
		if (r == 0 && device)
			r = plan_backend(plan, guest, i, true, device, &vm->backends[vm->n_backends++]);
		if (r < 0)
			return vn_error_environment(err, -ENOMEM, "out of memory");
	}
	return 0;
}
