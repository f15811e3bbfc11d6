/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Where QEMU has mapped the memory of each vnode.
 *
 * Theory of operation: no QMP command tells the host address of a backend, two of the human monitor do
 * together. `info mtree -f` lists, for the address space "memory", each range of guest-physical addresses
 * with the region behind it - for RAM the backend's id ("ram0"; "/objects/ram0" for some machine types) and
 * the offset in it - and `gpa2hva ADDRESS` says where a guest-physical address is in QEMU. A backend may have
 * several ranges (below and above 4 GiB, around the ROMs below 1 MiB): all must lead to the same start.
 */

#include "../model/vm.h"
#include "../qmp/qmp.h"

struct vn_mtree_range {
	uint64_t first, last, offset;
};

/*
 * Reads the text of `info mtree -f`: the ranges of region `id` in the address space "memory", at most `max`.
 * Returns how many there are. Machine types with SMM have other address spaces with other views: those do not
 * count.
 */
size_t vn_mtree_ranges(const char *text, const char *id, struct vn_mtree_range *ranges, size_t max);

/* Reads the text of `gpa2hva`: the host address, when it is of region `id`. -EPROTO for any other text. */
int vn_hva_parse(const char *text, const char *id, uint64_t *ret_address);

/* Fills in the address of every backend of `vm`. */
int vn_backends_locate(struct vn_qmp *qmp, struct vn_vm *vm, struct vn_error *err);

/* Allocates vm->backends as the plan wants them, addresses not known yet. */
int vn_backends_plan(
	const struct vn_plan *plan, const struct vn_guest *guest, struct vn_vm *vm, struct vn_error *err);
