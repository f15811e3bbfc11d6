/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The tables that tell a guest of its nodes: SRAT, SLIT and HMAT (ACPI 6.5, sections 5.2.16, 5.2.17 and 5.2.28). Pure. */

#include "layout.h"
#include "table.h"

/* What the SRAT's entries of CPUs are ordered by, and so Linux's numbers of the nodes. */
enum vn_acpi_order {
	VN_ACPI_ORDER_VCPU, /* as QEMU and Xen have it: the vnode of vCPU 0 is node 0 */
	VN_ACPI_ORDER_VNODE, /* vnode i is node i, but that vnodes without vCPUs still come last */
};

/* A PCI function of the guest that reads and writes memory by itself, and is near a vnode. */
struct vn_acpi_initiator {
	unsigned vnode;
	unsigned segment, bus, device, function;
};

#define VN_ACPI_MAX_INITIATORS 256

/* Segment to function from an address like 0000:3b:00.0. False: it is none that the table can hold. */
bool vn_acpi_initiator_parse(const char *address, struct vn_acpi_initiator *initiator);

struct vn_acpi_options {
	bool has_machine; /* `machine` was said; otherwise it is the guest's own, or q35 */
	enum vn_acpi_machine machine; /* whose layout the memory has, as QEMU has it, … */
	bool amd; /* the CPU is one of AMD's: QEMU then moves memory out of HyperTransport's way */
	bool has_layout; /* … unless there is one of its own: */
	struct vn_acpi_layout layout;
	enum vn_acpi_order order;
	struct vn_acpi_oem oem;
	size_t n_initiators;
	struct vn_acpi_initiator initiators[VN_ACPI_MAX_INITIATORS];
};

/* The guest's own machine, or q35; in vCPU order; made by us. */
struct vn_acpi_options *vn_acpi_options_new(void);
void vn_acpi_options_free(struct vn_acpi_options *options);
static inline void vn_acpi_options_freep(struct vn_acpi_options **options)
{
	vn_acpi_options_free(*options);
}
#define vn_autoacpioptions vn_cleanup(vn_acpi_options_freep) struct vn_acpi_options

struct vn_acpi {
	struct vn_acpi_table srat, slit, hmat; /* the HMAT without bytes: the guest is told of no latencies */
	size_t n_ranges;
	struct vn_acpi_range ranges[VN_ACPI_MAX_RANGES];
	size_t n_vnodes;
	int nodes
		[VN_MAX_VNODES]; /* of vnode i: the number that Linux gives it; -1: none, nothing of it is in the SRAT */
	struct vn_notes notes;
};

/*
 * All tables of a guest whose vnodes are made. *ret_acpi is new. 0; -EINVAL with all that is wrong with guest and options;
 * -ENOMEM.
 */
int vn_acpi_build(const struct vn_guest *guest, const struct vn_acpi_options *options,
	struct vn_acpi **ret_acpi, struct vn_error *err);
void vn_acpi_free(struct vn_acpi *acpi);
static inline void vn_acpi_freep(struct vn_acpi **acpi)
{
	vn_acpi_free(*acpi);
}
#define vn_autoacpi vn_cleanup(vn_acpi_freep) struct vn_acpi

/* ---- the parts of it: each fills one table of `acpi`, whose ranges are made; 0 or -ENOMEM ---- */

/* Numbers the nodes, too. */
int vn_acpi_add_srat(
	const struct vn_guest *guest, const struct vn_acpi_options *options, struct vn_acpi *acpi);
int vn_acpi_add_slit(
	const struct vn_guest *guest, const struct vn_acpi_options *options, struct vn_acpi *acpi);

/* `guest` has an HMAT that vn_acpi_check_hmat() took. */
int vn_acpi_add_hmat(
	const struct vn_guest *guest, const struct vn_acpi_options *options, struct vn_acpi *acpi);

/* All that the table cannot hold of a guest's HMAT. 0 or -EINVAL. */
int vn_acpi_check_hmat(const struct vn_guest *guest, struct vn_error *err);
