/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: a guest's memory is one row of bytes, vnode after vnode. A machine shows it through windows: [0, hole),
 * [hole's end, low_end) at their own addresses, all behind low_end from high_start on. So a vnode's pieces are what is common to
 * its part of the row and to each window, moved by what the window moves.
 *
 * QEMU's figures: hw/i386/pc_piix.c, pc_init1(); hw/i386/pc_q35.c, pc_q35_init(); hw/i386/acpi-build.c, build_srat(), which cuts
 * out 640 KiB to 1 MiB; hw/i386/pc.c, pc_memory_init(), for what may be plugged in: with 1 GiB for each slot (a DIMM is aligned
 * to its page size), and with the last node as its affinity. tests/test_acpi_oracle.c holds them against what QEMU builds.
 */
#include "layout.h"

#include <string.h>

#define GIB (UINT64_C(1) << 30)
#define SLOTS 16 /* for DIMMs: as many as our command lines of QEMU have */

static const char *const machine_names[] = {[VN_ACPI_Q35] = "q35", [VN_ACPI_PC] = "pc"};

bool vn_acpi_machine_parse(const char *name, enum vn_acpi_machine *ret_machine)
{
	for (size_t i = 0; i < sizeof(machine_names) / sizeof(machine_names[0]); i++) {
		if (strcmp(name, machine_names[i]) != 0)
			continue;
		*ret_machine = (enum vn_acpi_machine)i;
		return true;
	}
	return false;
}

const char *vn_acpi_machine_name(enum vn_acpi_machine machine)
{
	return machine_names[machine];
}

struct vn_acpi_layout vn_acpi_layout_qemu(enum vn_acpi_machine machine, uint64_t memory)
{
	/* the most that fits below 4 GiB, and where the split is once there is more, so that it is on a GiB */
	uint64_t most = machine == VN_ACPI_Q35 ? UINT64_C(0xb0000000) : UINT64_C(0xe0000000);
	uint64_t split = machine == VN_ACPI_Q35 ? 2 * GIB : 3 * GIB;

	struct vn_acpi_layout layout = vn_acpi_layout_own(memory < most ? most : split, 4 * GIB);
	layout.plug_spare = SLOTS * GIB;
	return layout;
}

struct vn_acpi_layout vn_acpi_layout_own(uint64_t low_end, uint64_t high_start)
{
	return (struct vn_acpi_layout){.hole_start = 640 << 10,
		.hole_end = 1 << 20,
		.low_end = low_end,
		.high_start = high_start,
		.plug_align = GIB};
}

uint64_t vn_acpi_memory_of(const struct vn_vnode *vnode)
{
	return vnode->memory - vnode->plugged;
}

uint64_t vn_acpi_memory(const struct vn_guest *guest)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < guest->n_vnodes; i++)
		sum += vn_acpi_memory_of(&guest->vnodes[i]);
	return sum;
}

/* ---- checking ---- */

__attribute__((format(printf, 3, 4))) static int wrong(
	struct vn_error *err, const char *key, const char *format, ...)
{
	struct vn_where where = {NULL, 0, key};
	va_list args;

	va_start(args, format);
	vn_error_input_list(err, &where, format, args);
	va_end(args);
	return -EINVAL;
}

int vn_acpi_layout_check(const struct vn_acpi_layout *layout, struct vn_error *err)
{
	unsigned long long low = layout->low_end, high = layout->high_start;
	int r = 0;

	if (low < VN_MIB || low > 4 * GIB || low % VN_MIB)
		r = wrong(err, "low_end", "0x%llx; expected a multiple of 1 MiB from 1 MiB to 4 GiB", low);
	if (high % VN_MIB || high > VN_ACPI_ADDRESS_MAX)
		r = wrong(err, "high_start", "0x%llx; expected a multiple of 1 MiB up to 0x%llx", high,
			(unsigned long long)VN_ACPI_ADDRESS_MAX);
	if (high < low)
		r = wrong(err, "high_start",
			"0x%llx is below low_end, 0x%llx: memory would overlap; expected one from there on",
			high, low);
	if (layout->hole_start > layout->hole_end || layout->hole_end > low)
		r = wrong(err, "hole", "0x%llx to 0x%llx; expected a hole that lies below low_end, 0x%llx",
			(unsigned long long)layout->hole_start, (unsigned long long)layout->hole_end, low);
	if (layout->plug_align == 0 || (layout->plug_align & (layout->plug_align - 1)) ||
		layout->plug_align > VN_ACPI_ADDRESS_MAX || layout->plug_spare > VN_ACPI_ADDRESS_MAX)
		r = wrong(err, "plug", "aligned to 0x%llx with 0x%llx to spare; expected a power of two",
			(unsigned long long)layout->plug_align, (unsigned long long)layout->plug_spare);
	return r;
}

/* ---- cutting ---- */

struct window {
	uint64_t from, to; /* of the row of memory */
	uint64_t base; /* address of `from` */
};

/* What may be plugged in; 0 when there is none. */
static int plug_range(const struct vn_guest *guest, const struct vn_acpi_layout *layout,
	struct vn_acpi_range *range, struct vn_error *err)
{
	uint64_t memory = vn_acpi_memory(guest);
	uint64_t above = memory > layout->low_end ? memory - layout->low_end : 0;
	uint64_t end = layout->high_start + above;
	uint64_t mask = layout->plug_align - 1, base = (end + mask) & ~mask;
	uint64_t size = guest->maxmem > memory ? guest->maxmem - memory + layout->plug_spare : 0;

	if (end > VN_ACPI_ADDRESS_MAX || base + size > VN_ACPI_ADDRESS_MAX)
		return wrong(err, "memory", "would end at 0x%llx; expected 0x%llx at most",
			(unsigned long long)(size ? base + size : end),
			(unsigned long long)VN_ACPI_ADDRESS_MAX);
	*range = (struct vn_acpi_range){base, size, (unsigned)guest->n_vnodes - 1, true};
	return size > 0;
}

int vn_acpi_ranges(const struct vn_guest *guest, const struct vn_acpi_layout *layout,
	struct vn_acpi_range *ranges, struct vn_error *err)
{
	const struct window windows[] = {
		{0, layout->hole_start, 0},
		{layout->hole_end, layout->low_end, layout->hole_end},
		{layout->low_end, UINT64_MAX, layout->high_start},
	};
	uint64_t from = 0;
	int n = 0;

	int r = vn_acpi_layout_check(layout, err);
	if (r < 0)
		return r;
	for (unsigned v = 0; v < guest->n_vnodes; v++) {
		uint64_t to = from + vn_acpi_memory_of(&guest->vnodes[v]);
		for (size_t w = 0; w < sizeof(windows) / sizeof(windows[0]); w++) {
			uint64_t first = from > windows[w].from ? from : windows[w].from;
			uint64_t end = to < windows[w].to ? to : windows[w].to;
			if (first < end)
				ranges[n++] = (struct vn_acpi_range){
					first - windows[w].from + windows[w].base, end - first, v, false};
		}
		from = to;
	}
	r = plug_range(guest, layout, &ranges[n], err);
	return r < 0 ? r : n + r;
}
