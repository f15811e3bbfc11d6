/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "apic_id.h"

/* Bits that tell `count` members apart. */
static unsigned width(unsigned count)
{
	unsigned bits = 0;

	while ((1u << bits) < count)
		bits++;
	return bits;
}

uint32_t vn_acpi_apic_id(const struct vn_guest_topology *topology, unsigned threads, unsigned vcpu)
{
	const unsigned counts[] = {threads, topology->cores * topology->clusters, topology->dies};
	unsigned rest = vcpu, shift = 0;
	uint32_t id = 0;

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		id |= rest % counts[i] << shift;
		rest /= counts[i];
		shift += width(counts[i]);
	}
	return id | rest << shift;
}
