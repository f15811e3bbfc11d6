/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How fast the nodes of a topology of hwloc are, and the caches in front of them. */
#include "hwloc_topology.h"

#include <hwloc/memattrs.h>
#include <string.h>

/* ---- caches ---- */

/* Caches stand between a node and the place it hangs from, the one nearest to the memory lowest. */
static int add_caches(hwloc_obj_t object, struct vn_host_node *node)
{
	size_t n = 0;

	for (hwloc_obj_t above = object->parent; above && above->type == HWLOC_OBJ_MEMCACHE;
		above = above->parent)
		n++;
	if (n == 0)
		return 0;
	node->memory_caches = calloc(n, sizeof(*node->memory_caches));
	if (!node->memory_caches)
		return -ENOMEM;
	for (hwloc_obj_t above = object->parent; node->n_memory_caches < n; above = above->parent) {
		const struct hwloc_cache_attr_s *cache = &above->attr->cache;
		struct vn_memory_cache *to = &node->memory_caches[node->n_memory_caches++];
		*to = (struct vn_memory_cache){
			(unsigned)node->n_memory_caches, cache->size, cache->linesize, -1, -1};
	}
	return 0;
}

/* ---- latency and bandwidth ---- */

/* An attribute by the name it has since hwloc 2.8, or the one that does not tell reading from writing. */
static bool find_attribute(hwloc_topology_t topology, const char *name, const char *both, hwloc_obj_t object,
	hwloc_memattr_id_t *ret_id)
{
	const char *const names[] = {name, both};

	for (size_t i = 0; i < 2; i++) {
		unsigned n = 0;
		if (hwloc_memattr_get_by_name(topology, names[i], ret_id) == 0 &&
			hwloc_memattr_get_initiators(topology, *ret_id, object, 0, &n, NULL, NULL) == 0 &&
			n > 0)
			return true;
	}
	return false;
}

/* Adds the nodes that have some of the initiator's CPUs. */
static int add_initiators(const struct vn_host *host, const struct hwloc_location *from, hwloc_bitmap_t nodes)
{
	hwloc_const_bitmap_t cpus = from->type == HWLOC_LOCATION_TYPE_CPUSET ? from->location.cpuset
									     : from->location.object->cpuset;
	for (size_t i = 0; cpus && i < host->n_nodes; i++) {
		if (hwloc_bitmap_intersects(host->nodes[i].cpus, cpus) &&
			hwloc_bitmap_set(nodes, host->nodes[i].id) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* The best figure of an attribute, and the nodes that have it. 0: there is none. */
static int best(hwloc_topology_t topology, hwloc_memattr_id_t id, bool low_is_good,
	const struct vn_host *host, hwloc_obj_t object, uint64_t *ret_value, hwloc_bitmap_t nodes)
{
	unsigned n = 0;

	if (hwloc_memattr_get_initiators(topology, id, object, 0, &n, NULL, NULL) < 0 || n == 0)
		return 0;
	vn_autofree struct hwloc_location *from = calloc(n, sizeof(*from));
	vn_autofree hwloc_uint64_t *values = calloc(n, sizeof(*values));
	if (!from || !values)
		return -ENOMEM;
	if (hwloc_memattr_get_initiators(topology, id, object, 0, &n, from, values) < 0)
		return 0;
	uint64_t found = values[0];
	for (unsigned i = 1; i < n; i++) {
		if (low_is_good ? values[i] < found : values[i] > found)
			found = values[i];
	}
	for (unsigned i = 0; i < n; i++) {
		if (values[i] == found && add_initiators(host, &from[i], nodes) < 0)
			return -ENOMEM;
	}
	*ret_value = found;
	return 0;
}

/*
 * What sysfs has as access1, the best CPUs': hwloc reads its figures there, and keeps the kernel's numbers (its "MiB/s" are
 * the kernel's MB/s; hwloc, topology-linux.c).
 */
static int add_access(
	hwloc_topology_t topology, hwloc_obj_t object, const struct vn_host *host, struct vn_host_node *node)
{
	struct vn_memory_access *access = &node->access[1];
	const struct {
		const char *name, *both;
		bool low_is_good;
		uint64_t *value;
	} attributes[] = {{"ReadLatency", "Latency", true, &access->read_latency},
		{"WriteLatency", "Latency", true, &access->write_latency},
		{"ReadBandwidth", "Bandwidth", false, &access->read_bandwidth},
		{"WriteBandwidth", "Bandwidth", false, &access->write_bandwidth}};
	vn_autoset nodes = hwloc_bitmap_alloc();

	if (!nodes)
		return -ENOMEM;
	for (size_t i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++) {
		hwloc_memattr_id_t id;
		if (find_attribute(topology, attributes[i].name, attributes[i].both, object, &id) &&
			best(topology, id, attributes[i].low_is_good, host, object, attributes[i].value,
				nodes) < 0)
			return -ENOMEM;
	}
	if (!hwloc_bitmap_iszero(nodes))
		access->initiators = vn_steal(nodes);
	return 0;
}

int vn_topology_memory(hwloc_topology_t topology, struct vn_host *host)
{
	hwloc_obj_t object = NULL;

	for (size_t i = 0; (object = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_NUMANODE, object)); i++) {
		if (add_caches(object, &host->nodes[i]) < 0 ||
			add_access(topology, object, host, &host->nodes[i]) < 0)
			return -ENOMEM;
	}
	return 0;
}
