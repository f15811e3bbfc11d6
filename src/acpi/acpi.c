/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "acpi.h"

#include <stdlib.h>
#include <string.h>

#define GIB (UINT64_C(1) << 30)
#define AMD_HT_START UINT64_C(0xfd00000000) /* HyperTransport's addresses, … */
#define AMD_ABOVE (UINT64_C(1) << 40) /* … and what is behind them */

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

/* Whether it is given to a QEMU that has a machine of its own choice: pc, of all versions (libvirt: qemu_capabilities.c, which prefers it). */
static bool has_default(const struct vn_guest *guest)
{
	return guest->form == VN_FORM_QEMU || guest->form == VN_FORM_LIBVIRT;
}

/* Whose layout it is: the machine that was named, or else the guest's own, which it must not contradict. */
static int settle_machine(const struct vn_guest *guest, struct vn_acpi_options *options, struct vn_error *err)
{
	const struct vn_guest_machine *own = &guest->machine;
	const struct vn_where where = {options->has_machine ? NULL : guest->file, 0, "machine"};
	bool q35 = own->type ? vn_machine_is_q35(own) : !has_default(guest);
	enum vn_acpi_machine family = q35 ? VN_ACPI_Q35 : VN_ACPI_PC;

	if (options->has_layout)
		return 0;
	if ((own->foreign || own->other) && !options->has_machine)
		return vn_error_input(err, &where,
			"neither pc's nor q35's, and another's layout of memory is not known; expected that one of them is named, or where its memory is");
	if (own->type && options->has_machine && options->machine != family)
		return vn_error_input(err, &where,
			"%s seen, but the guest's own is '%s', whose memory is elsewhere; expected %s, or none",
			vn_acpi_machine_name(options->machine), own->type, vn_acpi_machine_name(family));
	if (!options->has_machine)
		options->machine = family;
	return 0;
}

/* A text that could have named a machine and did not. */
static int note_machine(
	const struct vn_guest *guest, const struct vn_acpi_options *options, struct vn_acpi *acpi)
{
	if (options->has_layout || options->has_machine || guest->machine.type || !has_default(guest))
		return 0;
	return vn_notes_add(&acpi->notes, "acpi-machine",
		"no machine is named: memory is laid out as %s has it, which is the default of QEMU and of libvirt; name "
		"another where it has one",
		vn_acpi_machine_name(options->machine));
}

/* ---- where AMD's CPUs have no memory ---- */

/*
 * Whether memory, and the room for PCI behind it, would reach into HyperTransport's addresses: then QEMU has all that is above 4 GiB
 * behind them (since 7.1, hw/i386/pc.c, pc_memory_init()). PCI begins on a GiB; q35 leaves it 32 GiB, pc 2.
 */
static bool comes_near_ht(const struct vn_acpi_options *options, const struct vn_acpi *acpi)
{
	const struct vn_acpi_range *last = &acpi->ranges[acpi->n_ranges - 1];
	uint64_t end = (last->base + last->size + GIB - 1) / GIB * GIB;

	return end + (options->machine == VN_ACPI_Q35 ? 32 : 2) * GIB > AMD_HT_START;
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

/* Memory that QEMU would put elsewhere for an AMD CPU, and it was not said that there is one, nor that there is none. */
static int note_amd(const struct vn_acpi_options *options, struct vn_acpi *acpi)
{
	if (options->has_layout || options->amd || !comes_near_ht(options, acpi))
		return 0;
	return vn_notes_add(&acpi->notes, "acpi-amd",
		"memory comes near the end of the first TiB: with an AMD CPU QEMU puts what is above 4 GiB at 0x%llx "
		"instead; say so where it has one",
		(unsigned long long)AMD_ABOVE);
}

static int note_plugged(const struct vn_guest *guest, struct vn_acpi *acpi)
{
	uint64_t memory = vn_acpi_memory(guest);
	uint64_t plugged = guest->memory > memory ? (guest->memory - memory) / VN_MIB : 0;

	if (plugged == 0)
		return 0;
	return vn_notes_add(&acpi->notes, "acpi-plugged",
		"%llu MiB are on memory devices: their nodes are told by the machine's own description of them (_PXM)",
		(unsigned long long)plugged);
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
		r = note_amd(options, acpi);
	if (r == 0)
		r = note_machine(guest, options, acpi);
	return r < 0 ? r : note_plugged(guest, acpi);
}

/* All that is wrong; the ranges when nothing is. */
static int lay_out(const struct vn_guest *guest, const struct vn_acpi_options *options, struct vn_acpi *acpi,
	struct vn_error *err)
{
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
	if (options->has_layout || !options->amd || !comes_near_ht(options, acpi))
		return 0;
	layout.high_start = AMD_ABOVE;
	n = vn_acpi_ranges(guest, &layout, acpi->ranges, err);
	acpi->n_ranges = n < 0 ? 0 : (size_t)n;
	return n < 0 ? n : 0;
}

int vn_acpi_build(const struct vn_guest *guest, const struct vn_acpi_options *wanted,
	struct vn_acpi **ret_acpi, struct vn_error *err)
{
	struct vn_acpi_options settled = *wanted, *options = &settled;
	int bad_machine = settle_machine(guest, options, err);
	int r = check_vnodes(guest, err);
	if (r < 0 || bad_machine < 0)
		return r < 0 ? r : bad_machine;
	vn_autoacpi *acpi = calloc(1, sizeof(*acpi));
	if (!acpi)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	r = lay_out(guest, options, acpi, err);
	if (r < 0)
		return r;
	r = fill(guest, options, acpi);
	if (r < 0)
		return vn_error_environment(err, r, "out of memory");
	*ret_acpi = vn_steal(acpi);
	return 0;
}
