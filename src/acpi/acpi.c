/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "acpi.h"

#include <stdlib.h>
#include <string.h>

#define AMD_HOLE_START UINT64_C(0xfd00000000)
#define AMD_HOLE_END (UINT64_C(1) << 40)

struct vn_acpi_options *vn_acpi_options_new(void)
{
	struct vn_acpi_options *options = calloc(1, sizeof(*options));

	if (options)
		options->oem = (struct vn_acpi_oem){"VNUMA", "GUEST", 1};
	return options;
}

void vn_acpi_options_free(struct vn_acpi_options *options)
{
	free(options);
}

bool vn_acpi_initiator_parse(const char *address, struct vn_acpi_initiator *initiator)
{
	if (!vn_pci_is_address(address, strlen(address)))
		return false;
	char *at = NULL;
	unsigned long segment = strtoul(address, &at, 16), bus = strtoul(at + 1, &at, 16);
	unsigned long device = strtoul(at + 1, &at, 16), function = strtoul(at + 1, &at, 16);
	if (segment > UINT16_MAX || device > 31 || function > 7)
		return false;
	initiator->segment = (unsigned)segment;
	initiator->bus = (unsigned)bus;
	initiator->device = (unsigned)device;
	initiator->function = (unsigned)function;
	return true;
}

void vn_acpi_free(struct vn_acpi *acpi)
{
	if (!acpi)
		return;
	vn_acpi_table_clear(&acpi->srat);
	vn_acpi_table_clear(&acpi->slit);
	vn_acpi_table_clear(&acpi->hmat);
	vn_notes_clear(&acpi->notes);
	free(acpi);
}

/* ---- what is wrong ---- */

static int check_vnodes(const struct vn_guest *guest, struct vn_error *err)
{
	const struct vn_where where = {guest->file, 0, "vnodes"}, numa = {guest->file, 0, "guest_numa"};
	int r = 0;

	if (guest->guest_numa == VN_GUEST_NUMA_OFF)
		r = vn_error_input(err, &numa,
			"'off': such a guest is told of no nodes and gets no tables; expected 'auto' or 'on'");
	if (guest->n_vnodes == 0)
		return vn_error_input(err, &where, "none; expected at least one");
	if (guest->n_vnodes > VN_MAX_VNODES)
		return vn_error_input(
			err, &where, "%zu seen; expected %d at most", guest->n_vnodes, VN_MAX_VNODES);
	if (vn_acpi_memory(guest) == 0)
		r = vn_error_input(err, &(struct vn_where){guest->file, 0, "memory"},
			"none at start; expected at least 1 MiB");
	return r;
}

static int check_initiators(
	const struct vn_guest *guest, const struct vn_acpi_options *options, struct vn_error *err)
{
	const struct vn_where where = {NULL, 0, "initiator"};
	int r = 0;

	for (size_t i = 0; i < options->n_initiators; i++) {
		if (options->initiators[i].vnode >= guest->n_vnodes)
			r = vn_error_input(err, &where, "vnode %u; the guest has %zu, counted from 0",
				options->initiators[i].vnode, guest->n_vnodes);
	}
	return r;
}

/* ---- what is to be known ---- */

/* Vnodes that the order would give their own number, and Linux gives another. */
static int note_numbers(const struct vn_acpi_options *options, struct vn_acpi *acpi)
{
	for (size_t v = 0; v < acpi->n_vnodes && options->order == VN_ACPI_ORDER_VNODE; v++) {
		if (acpi->nodes[v] == (int)v || acpi->nodes[v] < 0)
			continue;
		return vn_notes_add(&acpi->notes, "acpi-node-order",
			"the guest's Linux numbers vnodes without vCPUs last: vnode %zu will be its node %d",
			v, acpi->nodes[v]);
	}
	return 0;
}

/*
 * QEMU since 7.1, hw/i386/pc.c, pc_memory_init(): memory of a guest with an AMD CPU does not lie in the addresses of HyperTransport,
 * nor does the room for PCI behind it, which is 32 GiB of q35's and 2 of pc's.
 */
static int note_amd_hole(const struct vn_acpi_options *options, struct vn_acpi *acpi)
{
	const struct vn_acpi_range *last = &acpi->ranges[acpi->n_ranges - 1];
	uint64_t pci = UINT64_C(1) << (options->machine == VN_ACPI_Q35 ? 35 : 31);

	if (options->has_layout || last->base + last->size + pci <= AMD_HOLE_START)
		return 0;
	return vn_notes_add(&acpi->notes, "acpi-amd-hole",
		"memory ends at 0x%llx: with an AMD CPU QEMU puts what is above 4 GiB at 0x%llx instead",
		(unsigned long long)(last->base + last->size), (unsigned long long)AMD_HOLE_END);
}

static int note_plugged(const struct vn_guest *guest, struct vn_acpi *acpi)
{
	uint64_t memory = vn_acpi_memory(guest);

	if (memory >= guest->memory)
		return 0;
	return vn_notes_add(&acpi->notes, "acpi-plugged",
		"%llu MiB are on memory devices: their nodes are told by the machine's own description of them (_PXM)",
		(unsigned long long)((guest->memory - memory) / VN_MIB));
}

/* ---- all of it ---- */

static int fill(const struct vn_guest *guest, const struct vn_acpi_options *options, struct vn_acpi *acpi)
{
	int r = vn_acpi_add_srat(guest, options, acpi);

	if (r == 0)
		r = vn_acpi_add_slit(guest, options, acpi);
	if (r == 0 && guest->hmat)
		r = vn_acpi_add_hmat(guest, options, acpi);
	if (r == 0)
		r = note_numbers(options, acpi);
	if (r == 0)
		r = note_amd_hole(options, acpi);
	return r < 0 ? r : note_plugged(guest, acpi);
}

int vn_acpi_build(const struct vn_guest *guest, const struct vn_acpi_options *options,
	struct vn_acpi **ret_acpi, struct vn_error *err)
{
	vn_autoacpi *acpi = calloc(1, sizeof(*acpi));

	int r = check_vnodes(guest, err);
	if (r < 0)
		return r;
	if (!acpi)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	struct vn_acpi_layout layout = options->has_layout
					       ? options->layout
					       : vn_acpi_layout_qemu(options->machine, vn_acpi_memory(guest));
	int bad_initiators = check_initiators(guest, options, err);
	int bad_hmat = guest->hmat ? vn_acpi_check_hmat(guest, err) : 0;
	int n = vn_acpi_ranges(guest, &layout, acpi->ranges, err);
	if (bad_initiators < 0 || bad_hmat < 0 || n < 0)
		return -EINVAL;
	acpi->n_ranges = (size_t)n;
	acpi->n_vnodes = guest->n_vnodes;
	r = fill(guest, options, acpi);
	if (r < 0)
		return vn_error_environment(err, r, "out of memory");
	*ret_acpi = vn_steal(acpi);
	return 0;
}
