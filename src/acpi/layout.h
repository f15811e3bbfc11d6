/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Where a machine puts a guest's memory, and what of it is which vnode's. */

#include "../model/guest.h"

#define VN_ACPI_ADDRESS_MAX (UINT64_C(1) << 52) /* the end of what an x86 CPU can address at most */

/*
 * Memory has addresses from 0 to low_end and, what is left, from high_start on. The hole below 1 MiB is no memory, but takes up
 * as much of it: memory behind it is not shifted.
 */
struct vn_acpi_layout {
	uint64_t hole_start, hole_end; /* equal: there is none */
	uint64_t low_end, high_start; /* multiples of 1 MiB; low_end <= 4 GiB, low_end <= high_start */
	uint64_t plug_align,
		plug_spare; /* what may be plugged in begins behind all memory at the next multiple of plug_align
					    (a power of two), and takes plug_spare bytes more than what is plugged in */
};

enum vn_acpi_machine { VN_ACPI_Q35, VN_ACPI_PC };

/* As QEMU's machine lays out `memory` bytes; what it has below 4 GiB depends on how much there is. */
struct vn_acpi_layout vn_acpi_layout_qemu(enum vn_acpi_machine machine, uint64_t memory);

/* Of a machine of one's own, with QEMU's hole below 1 MiB, which every PC has, and nothing to spare for what is plugged in. */
struct vn_acpi_layout vn_acpi_layout_own(uint64_t low_end, uint64_t high_start);

/* All that is wrong with it. 0 or -EINVAL. */
int vn_acpi_layout_check(const struct vn_acpi_layout *layout, struct vn_error *err);

/* The machine of that name, "q35" or "pc". False: there is none. */
bool vn_acpi_machine_parse(const char *name, enum vn_acpi_machine *ret_machine);

const char *vn_acpi_machine_name(enum vn_acpi_machine machine);

/* A piece of memory. */
struct vn_acpi_range {
	uint64_t base, size; /* bytes */
	unsigned vnode;
	bool plug; /* where memory may be plugged in */
};

/* What a guest has when it starts: all but what memory devices hold. Of a vnode, of all. */
uint64_t vn_acpi_memory_of(const struct vn_vnode *vnode);
uint64_t vn_acpi_memory(const struct vn_guest *guest);

#define VN_ACPI_MAX_RANGES                                                                                   \
	(VN_MAX_VNODES + 3) /* a vnode is in one piece; each hole cuts one; and what may be plugged in */

/*
 * The pieces in ascending order of address, vnode by vnode: no vnode comes before its predecessors. What may be plugged in is
 * the last vnode's, as QEMU has it. `ranges` has room for VN_ACPI_MAX_RANGES. Their number, or -EINVAL with all that is wrong
 * with the layout.
 */
int vn_acpi_ranges(const struct vn_guest *guest, const struct vn_acpi_layout *layout,
	struct vn_acpi_range *ranges, struct vn_error *err);
