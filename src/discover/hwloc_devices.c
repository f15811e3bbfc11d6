/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PCI functions of a topology of hwloc. It tells no drivers and no interrupts, and the place of a device by what is around it. */
#include "hwloc_topology.h"

#include <string.h>

#include "../base/parse.h"

/* The node at an object: the only one there, or among several the only one with CPUs. -1: none of these. */
static int node_at(const struct vn_host *host, hwloc_obj_t place)
{
	int any = -1, with_cpus = -1;
	unsigned n_any = 0, n_with_cpus = 0;

	for (size_t i = 0; place->nodeset && i < host->n_nodes; i++) {
		const struct vn_host_node *node = &host->nodes[i];
		if (!hwloc_bitmap_isset(place->nodeset, node->id))
			continue;
		any = (int)node->id;
		n_any++;
		if (hwloc_bitmap_iszero(node->cpus))
			continue;
		with_cpus = (int)node->id;
		n_with_cpus++;
	}
	return n_any == 1 ? any : n_with_cpus == 1 ? with_cpus : -1;
}

/* Linux names a root complex after the domain and the first bus below it. */
static void name_root(hwloc_obj_t device, struct vn_host_device *to)
{
	for (hwloc_obj_t above = device->parent; above; above = above->parent) {
		const union hwloc_obj_attr_u *attributes = above->attr;
		if (above->type != HWLOC_OBJ_BRIDGE ||
			attributes->bridge.upstream_type != HWLOC_OBJ_BRIDGE_HOST)
			continue;
		snprintf(to->root, sizeof(to->root), "pci%04x:%02x",
			attributes->bridge.downstream.pci.domain & 0xffff,
			attributes->bridge.downstream.pci.secondary_bus);
		return;
	}
}

static bool is_named(hwloc_obj_t object, hwloc_obj_osdev_type_t type)
{
	return object->type == HWLOC_OBJ_OS_DEVICE && object->name && vn_text_is_printable(object->name) &&
	       object->attr->osdev.type == type;
}

/* The names of one type below a device, but not those of a device behind it. */
static int add_names(hwloc_obj_t device, hwloc_obj_osdev_type_t type, struct vn_host_device *to)
{
	for (hwloc_obj_t below = device->io_first_child; below; below = below->next_sibling) {
		if (!is_named(below, type))
			continue;
		char **grown = reallocarray(to->names, to->n_names + 1, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		to->names = grown;
		to->names[to->n_names] = strdup(below->name);
		if (!to->names[to->n_names])
			return -ENOMEM;
		to->n_names++;
	}
	return 0;
}

static int fill_device(
	hwloc_topology_t topology, const struct vn_host *host, hwloc_obj_t object, struct vn_host_device *to)
{
	const struct hwloc_pcidev_attr_s *pci = &object->attr->pcidev;
	hwloc_obj_t place = hwloc_get_non_io_ancestor_obj(topology, object);

	*to = vn_host_device_init();
	snprintf(to->address, sizeof(to->address), "%04x:%02x:%02x.%x", pci->domain & 0xffff, pci->bus,
		pci->dev & 0x1f, pci->func & 7);
	to->class_code = pci->class_id << 8;
	to->vendor = pci->vendor_id;
	to->device = pci->device_id;
	name_root(object, to);
	if (place && place->cpuset) {
		to->node = node_at(host, place);
		to->local_cpus = hwloc_bitmap_dup(place->cpuset);
		if (!to->local_cpus)
			return -ENOMEM;
	}
	return add_names(object, HWLOC_OBJ_OSDEV_NETWORK, to) < 0
		       ? -ENOMEM
		       : add_names(object, HWLOC_OBJ_OSDEV_BLOCK, to);
}

/* A bridge between PCI buses is a function as well; one of the host is none. */
static bool is_function(hwloc_obj_t object)
{
	return object->type == HWLOC_OBJ_PCI_DEVICE ||
	       (object->type == HWLOC_OBJ_BRIDGE &&
		       object->attr->bridge.upstream_type == HWLOC_OBJ_BRIDGE_PCI);
}

static int add_of_type(hwloc_topology_t topology, hwloc_obj_type_t type, struct vn_host *host)
{
	for (hwloc_obj_t object = NULL; (object = hwloc_get_next_obj_by_type(topology, type, object));) {
		if (is_function(object) &&
			fill_device(topology, host, object, &host->devices[host->n_devices++]) < 0)
			return -ENOMEM;
	}
	return 0;
}

int vn_topology_devices(hwloc_topology_t topology, struct vn_host *host)
{
	int n_devices = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_PCI_DEVICE);
	int n_bridges = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_BRIDGE);
	size_t n = (size_t)(n_devices > 0 ? n_devices : 0) + (size_t)(n_bridges > 0 ? n_bridges : 0);

	host->devices = calloc(n + 1, sizeof(*host->devices));
	if (!host->devices || add_of_type(topology, HWLOC_OBJ_PCI_DEVICE, host) < 0)
		return -ENOMEM;
	return add_of_type(topology, HWLOC_OBJ_BRIDGE, host);
}
