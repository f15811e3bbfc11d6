/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * -m slots= and maxmem=: what memory devices go into. The sum of their memory against maxmem is guest_qemu_memory.c's.
 *
 * Sources: QEMU's system/vl.c and hw/core/machine.c (machine_set_mem()), hw/mem/pc-dimm.c (pc_dimm_get_free_slot()),
 * hw/mem/memory-device.c, include/hw/acpi/acpi_dev_interface.h (ACPI_MAX_RAM_SLOTS); asked of QEMU 7.2.
 */
#include <string.h>

#include "../base/text.h"
#include "guest_qemu_part.h"

#define MAX_SLOTS 256u

static bool is_driver(const struct qemu_option *option, const char *const *drivers)
{
	const char *driver = vn_keyval_get(&option->keys, "driver");

	for (size_t i = 0; driver && drivers[i]; i++) {
		if (strcmp(driver, drivers[i]) == 0)
			return true;
	}
	return false;
}

/* Each DIMM takes a slot; memory that is a PCI device takes none. */
static void check_devices(struct qemu_reader *r, uint64_t slots, bool room)
{
	static const char *const dimms[] = {"pc-dimm", "nvdimm", NULL}, *const others[] = {"virtio-mem-pci",
										"virtio-mem",
										"virtio-mem-device", NULL};
	uint64_t used = 0;

	for (const struct qemu_option *option = NULL; (option = qemu_next(r, "-device", option));) {
		if (is_driver(option, dimms) && used++ == slots)
			qemu_problem(r, option,
				"more memory devices than -m has slots, %llu; expected a slot for each",
				(unsigned long long)slots);
		else if (is_driver(option, others) && !room)
			qemu_problem(r, option,
				"-m has no maxmem; expected one, as memory devices want room there");
	}
}

void qemu_check_slots(struct qemu_reader *r)
{
	const struct qemu_option *option = qemu_last(r, "-m", "slots"), *max = qemu_last(r, "-m", "maxmem");
	uint64_t slots = 0;

	for (const struct qemu_option *size = NULL; (size = qemu_next(r, "-m", size));) {
		if (size->unread)
			return;
	}
	if (option && !qemu_number(r, option, "slots", 0, MAX_SLOTS, &slots))
		return;
	if (option && !max)
		qemu_problem(r, option,
			"slots without maxmem; expected both: how much memory there may be in all");
	else if (slots && r->ram_known && r->maxmem == r->ram)
		qemu_problem(
			r, option, "slots, and maxmem is the memory at start; expected more, or no slots");
	else
		check_devices(r, slots, max);
}
