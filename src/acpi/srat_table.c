/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The System Resource Affinity Table: an entry for each CPU that is possible, each piece of memory, each device that is an
 * initiator. The proximity domain of a vnode is its number.
 *
 * Linux numbers domains as it meets them, CPUs and generic initiators first, in the table's order, then memory (drivers/acpi/numa/srat.c,
 * acpi_numa_init()). So the order of entries is what gives a node its number; vn_acpi.nodes tells it.
 */
#include "acpi.h"

#include "../model/guest_sockets.h"
#include "apic_id.h"

#define REVISION 3 /* with domains of 32 bits, and generic initiators */

enum { LOCAL_APIC = 0, MEMORY = 1, X2APIC = 2, GENERIC_INITIATOR = 5 };
enum { ENABLED = 1, HOT_PLUGGABLE = 2 };
#define X2APIC_FIRST 255u /* a local APIC's id has 8 bits, and 255 is all of them */

struct maker {
	struct vn_acpi_table *table;
	struct vn_acpi *acpi;
	int next_node;
};

static void number(struct maker *m, unsigned vnode)
{
	if (m->acpi->nodes[vnode] < 0)
		m->acpi->nodes[vnode] = m->next_node++;
}

static void add_cpu(struct maker *m, unsigned vnode, uint32_t apic_id)
{
	bool wide = apic_id >= X2APIC_FIRST;

	vn_acpi_add(m->table, wide ? X2APIC : LOCAL_APIC, 1);
	vn_acpi_add(m->table, wide ? 24 : 16, 1);
	if (wide) {
		vn_acpi_add_zeros(m->table, 2);
		vn_acpi_add(m->table, vnode, 4);
		vn_acpi_add(m->table, apic_id, 4);
		vn_acpi_add(m->table, ENABLED, 4);
	} else {
		vn_acpi_add(m->table, vnode & 255, 1);
		vn_acpi_add(m->table, apic_id, 1);
		vn_acpi_add(m->table, ENABLED, 4);
		vn_acpi_add_zeros(m->table, 1); /* local SAPIC: of Itanium */
		vn_acpi_add(m->table, vnode >> 8, 3);
	}
	vn_acpi_add_zeros(m->table, wide ? 8 : 4); /* clock domain */
	number(m, vnode);
}

static void add_cpus(const struct vn_guest *guest, enum vn_acpi_order order, struct maker *m)
{
	struct vn_guest_topology topology = vn_guest_sockets(guest);
	size_t rounds = order == VN_ACPI_ORDER_VNODE ? guest->n_vnodes : 1;

	for (size_t round = 0; round < rounds; round++) {
		for (unsigned i = 0; i < guest->maxvcpus; i++) {
			int vnode = vn_guest_vnode_of(guest, i);
			if (vnode < 0 || (order == VN_ACPI_ORDER_VNODE && (size_t)vnode != round))
				continue;
			add_cpu(m, (unsigned)vnode, vn_acpi_apic_id(&topology, topology.threads, i));
		}
	}
}

static void add_initiator(struct maker *m, const struct vn_acpi_initiator *initiator)
{
	vn_acpi_add(m->table, GENERIC_INITIATOR, 1);
	vn_acpi_add(m->table, 32, 1);
	vn_acpi_add_zeros(m->table, 1);
	vn_acpi_add(m->table, 1, 1); /* the handle is a PCI address */
	vn_acpi_add(m->table, initiator->vnode, 4);
	vn_acpi_add(m->table, initiator->segment, 2);
	vn_acpi_add(m->table, initiator->bus, 1);
	vn_acpi_add(m->table, initiator->device << 3 | initiator->function, 1);
	vn_acpi_add_zeros(m->table, 12);
	vn_acpi_add(m->table, ENABLED, 4);
	vn_acpi_add_zeros(m->table, 4);
	number(m, initiator->vnode);
}

static void add_memory(struct maker *m, const struct vn_acpi_range *range)
{
	vn_acpi_add(m->table, MEMORY, 1);
	vn_acpi_add(m->table, 40, 1);
	vn_acpi_add(m->table, range->vnode, 4);
	vn_acpi_add_zeros(m->table, 2);
	vn_acpi_add(m->table, range->base, 8);
	vn_acpi_add(m->table, range->size, 8);
	vn_acpi_add_zeros(m->table, 4);
	vn_acpi_add(m->table, range->plug ? ENABLED | HOT_PLUGGABLE : ENABLED, 4);
	vn_acpi_add_zeros(m->table, 8);
	number(m, range->vnode);
}

int vn_acpi_add_srat(
	const struct vn_guest *guest, const struct vn_acpi_options *options, struct vn_acpi *acpi)
{
	struct maker m = {.table = &acpi->srat, .acpi = acpi};

	for (size_t v = 0; v < VN_MAX_VNODES; v++)
		acpi->nodes[v] = -1;
	vn_acpi_begin(m.table, "SRAT", REVISION, &options->oem);
	vn_acpi_add(m.table, 1, 4); /* as the specification has it, for those who knew its first version */
	vn_acpi_add_zeros(m.table, 8);
	add_cpus(guest, options->order, &m);
	for (size_t i = 0; i < options->n_initiators; i++)
		add_initiator(&m, &options->initiators[i]);
	for (size_t i = 0; i < acpi->n_ranges; i++)
		add_memory(&m, &acpi->ranges[i]);
	return vn_acpi_end(m.table);
}
