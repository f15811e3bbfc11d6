/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 *
 * hwloc and Linux mean different things by the CPUs of a NUMA node. Linux: the CPUs that the firmware put into it; each is in
 * one node, and a node of HBM, CXL or persistent memory has none. hwloc: the CPUs that are near; several nodes may have the
 * same, and a node of the package all CPUs of the package's halves. To come back to Linux's meaning, each CPU goes to one of
 * the nodes that are near it:
 *
 *   1. to the one with the fewest CPUs near it (half of a package before the whole),
 *   2. among equals to one of ordinary memory before HBM, CXL, persistent or GPU memory,
 *   3. among equals to the one with the lowest number: Linux numbers nodes with CPUs first, as the SRAT's domains of
 *      processors come before those of memory alone (facts on the machines we have seen; no rule of ACPI).
 *
 * Where that was a choice, a note tells it. With one node for each CPU, as on most machines, there is none.
 */
#include "hwloc_topology.h"

#include <string.h>

#include "../base/text.h"

int vn_topology_new(hwloc_topology_t *ret_topology, struct vn_error *err)
{
	vn_autotopology topology = NULL;

	if (hwloc_topology_init(&topology) < 0) {
		topology = NULL;
		return vn_error_environment(err, -ENOMEM, "hwloc: no new topology: out of memory");
	}
	if (hwloc_topology_set_flags(topology, HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED) < 0 ||
		hwloc_topology_set_all_types_filter(topology, HWLOC_TYPE_FILTER_KEEP_ALL) < 0 ||
		hwloc_topology_set_io_types_filter(topology, HWLOC_TYPE_FILTER_KEEP_ALL) < 0)
		return vn_error_environment(err, -ENOSYS, "hwloc: this version does not take its own flags");
	*ret_topology = vn_steal(topology);
	return 0;
}

/* ---- CPUs ---- */

/* The kernel's number of an object around; -1 when there is none, or it has none. */
static int number_above(hwloc_topology_t topology, hwloc_obj_t pu, hwloc_obj_type_t type)
{
	hwloc_obj_t above = hwloc_get_ancestor_obj_by_type(topology, type, pu);
	return above && above->os_index <= INT32_MAX ? (int)above->os_index : -1;
}

/* On Knights Landing hwloc may call the cache in front of DRAM an L3: that is the memory's, not the CPUs'. */
static bool is_memory_side(hwloc_obj_t cache)
{
	return cache->subtype && strcmp(cache->subtype, "MemorySideCache") == 0;
}

static int l3_of(hwloc_obj_t pu)
{
	for (hwloc_obj_t above = pu->parent; above; above = above->parent) {
		if (above->type == HWLOC_OBJ_L3CACHE && !is_memory_side(above))
			return hwloc_bitmap_first(above->cpuset);
	}
	return -1;
}

/* hwloc gives a cluster no number of the kernel's: it is named after its lowest CPU, like an L3. */
static int cluster_of(hwloc_obj_t pu)
{
	for (hwloc_obj_t above = pu->parent; above; above = above->parent) {
		if (above->type == HWLOC_OBJ_GROUP && above->subtype &&
			strcmp(above->subtype, "Cluster") == 0)
			return hwloc_bitmap_first(above->cpuset);
	}
	return -1;
}

static int fill_cpu(hwloc_topology_t topology, hwloc_obj_t pu, struct vn_host_cpu *cpu)
{
	hwloc_obj_t core = hwloc_get_ancestor_obj_by_type(topology, HWLOC_OBJ_CORE, pu);

	*cpu = vn_host_cpu_init(pu->os_index);
	cpu->online = true;
	cpu->package = number_above(topology, pu, HWLOC_OBJ_PACKAGE);
	cpu->die = number_above(topology, pu, HWLOC_OBJ_DIE);
	cpu->core = number_above(topology, pu, HWLOC_OBJ_CORE);
	cpu->cluster = cluster_of(pu);
	cpu->l3 = l3_of(pu);
	if (!core)
		return 0;
	cpu->siblings = hwloc_bitmap_dup(core->cpuset);
	return cpu->siblings ? 0 : -ENOMEM;
}

static int add_cpus(hwloc_topology_t topology, struct vn_host *host)
{
	vn_autoset offline = hwloc_bitmap_dup(hwloc_topology_get_complete_cpuset(topology));
	hwloc_obj_t pu = NULL;

	if (!offline ||
		hwloc_bitmap_andnot(offline, offline, hwloc_topology_get_topology_cpuset(topology)) < 0)
		return -ENOMEM;
	int n = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_PU), n_offline = hwloc_bitmap_weight(offline);
	host->cpus = calloc((size_t)n + (n_offline > 0 ? (size_t)n_offline : 0) + 1, sizeof(*host->cpus));
	if (!host->cpus)
		return -ENOMEM;
	host->cores_known = true;
	while ((pu = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_PU, pu))) {
		struct vn_host_cpu *cpu = &host->cpus[host->n_cpus++];
		if (fill_cpu(topology, pu, cpu) < 0)
			return -ENOMEM;
		if (!cpu->siblings)
			host->cores_known = false;
	}
	for (int id = hwloc_bitmap_first(offline); n_offline > 0 && id >= 0;
		id = hwloc_bitmap_next(offline, id))
		host->cpus[host->n_cpus++] = vn_host_cpu_init((unsigned)id);
	return 0;
}

/* ---- nodes ---- */

static enum vn_memory_kind kind_of(hwloc_obj_t node)
{
	static const struct {
		const char *subtype;
		enum vn_memory_kind kind;
	} kinds[] = {{"DRAM", VN_MEMORY_DRAM}, {"HBM", VN_MEMORY_HBM}, {"MCDRAM", VN_MEMORY_HBM},
		{"NVM", VN_MEMORY_PERSISTENT}, {"CXL-DRAM", VN_MEMORY_CXL}, {"CXL-NVM", VN_MEMORY_CXL},
		{"GPUMemory", VN_MEMORY_GPU}};

	for (size_t i = 0; node->subtype && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(node->subtype, kinds[i].subtype) == 0)
			return kinds[i].kind;
	}
	return VN_MEMORY_UNKNOWN; /* "SPM", memory for a special purpose, may be HBM or CXL */
}

static bool is_ordinary(const struct vn_host_node *node)
{
	return node->memory_kind == VN_MEMORY_UNKNOWN || node->memory_kind == VN_MEMORY_DRAM;
}

/* Whether the CPUs near both nodes belong to `a` rather than to `b`: see the head of this file. */
static bool owns_before(
	hwloc_obj_t a, const struct vn_host_node *host_a, hwloc_obj_t b, const struct vn_host_node *host_b)
{
	int near_a = hwloc_bitmap_weight(a->cpuset), near_b = hwloc_bitmap_weight(b->cpuset);

	if (near_a != near_b)
		return near_a < near_b;
	if (is_ordinary(host_a) != is_ordinary(host_b))
		return is_ordinary(host_a);
	return host_a->id < host_b->id;
}

static int claim_cpus(const hwloc_obj_t *objects, struct vn_host *host, hwloc_bitmap_t chosen)
{
	for (size_t c = 0; c < host->n_cpus; c++) {
		unsigned cpu = host->cpus[c].id;
		size_t best = SIZE_MAX, near = 0;
		for (size_t i = 0; i < host->n_nodes; i++) {
			if (!hwloc_bitmap_isset(objects[i]->cpuset, cpu))
				continue;
			near++;
			if (best == SIZE_MAX ||
				owns_before(objects[i], &host->nodes[i], objects[best], &host->nodes[best]))
				best = i;
		}
		if (best == SIZE_MAX || !host->cpus[c].online)
			continue;
		if (hwloc_bitmap_set(host->nodes[best].cpus, cpu) < 0 ||
			(near > 1 && hwloc_bitmap_set(chosen, host->nodes[best].id) < 0))
			return -ENOMEM;
	}
	return 0;
}

static int give_cpus(const hwloc_obj_t *objects, struct vn_host *host)
{
	vn_autoset chosen = hwloc_bitmap_alloc();

	if (!chosen || claim_cpus(objects, host, chosen) < 0)
		return -ENOMEM;
	if (hwloc_bitmap_iszero(chosen))
		return 0;
	vn_autofree char *text = vn_set_text(chosen);
	if (!text)
		return -ENOMEM;
	return vn_notes_add(&host->notes, "cpus-chosen",
		"several nodes are near the same CPUs, and the source does not tell which has them: they were given to node%s %s, "
		"the nearest of ordinary memory",
		hwloc_bitmap_weight(chosen) == 1 ? "" : "s", text);
}

#if HWLOC_API_VERSION < 0x00030000
/* Whether there are huge pages: the smallest page is the ordinary one. */
static bool has_hugepages(hwloc_obj_t object)
{
	const struct hwloc_numanode_attr_s *attributes = &object->attr->numanode;
	uint64_t smallest = UINT64_MAX;
	bool any = false;

	for (unsigned i = 0; i < attributes->page_types_len; i++) {
		if (attributes->page_types[i].size < smallest)
			smallest = attributes->page_types[i].size;
	}
	for (unsigned i = 0; i < attributes->page_types_len; i++)
		any |= attributes->page_types[i].size > smallest && attributes->page_types[i].count > 0;
	return any;
}
#else
/* hwloc 3 does not tell pages by node. */
static bool has_hugepages(hwloc_obj_t object)
{
	(void)object;
	return false;
}
#endif

/* How many are free is not told, and that is what counts: rather none than some that are taken. */
static int note_hugepages(struct vn_host *host, hwloc_const_bitmap_t nodes)
{
	if (hwloc_bitmap_iszero(nodes))
		return 0;
	vn_autofree char *text = vn_set_text(nodes);
	if (!text)
		return -ENOMEM;
	return vn_notes_add(&host->notes, "hugepages-free-unknown",
		"node%s %s: huge pages are left out, as the source does not tell how many are free",
		hwloc_bitmap_weight(nodes) == 1 ? "" : "s", text);
}

static int add_nodes(hwloc_topology_t topology, struct vn_host *host)
{
	int n = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_NUMANODE);
	vn_autofree hwloc_obj_t *objects = calloc((size_t)(n > 0 ? n : 0) + 1, sizeof(hwloc_obj_t));
	hwloc_obj_t object = NULL;
	vn_autoset with_hugepages = hwloc_bitmap_alloc();

	host->nodes = calloc((size_t)(n > 0 ? n : 0) + 1, sizeof(*host->nodes));
	if (!objects || !host->nodes || !with_hugepages)
		return -ENOMEM;
	while ((object = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_NUMANODE, object))) {
		struct vn_host_node *node = &host->nodes[host->n_nodes];
		*node = vn_host_node_init(object->os_index);
		objects[host->n_nodes++] = object;
		node->cpus = hwloc_bitmap_alloc();
		node->memory_total = object->attr->numanode.local_memory;
		node->memory_kind = kind_of(object);
		if (!node->cpus || (has_hugepages(object) && hwloc_bitmap_set(with_hugepages, node->id) < 0))
			return -ENOMEM;
	}
	return give_cpus(objects, host) < 0 || note_hugepages(host, with_hugepages) < 0 ? -ENOMEM : 0;
}

/* ---- distances ---- */

static size_t index_of(const struct vn_host *host, unsigned id)
{
	for (size_t i = 0; i < host->n_nodes; i++) {
		if (host->nodes[i].id == id)
			return i;
	}
	return host->n_nodes;
}

/* Only what a SLIT may hold: a matrix may be in other units (nanoseconds of a benchmark), or made by a user. */
static bool is_slit(const struct hwloc_distances_s *matrix)
{
	for (size_t i = 0; i < (size_t)matrix->nbobjs * matrix->nbobjs; i++) {
		if (matrix->values[i] < 1 || matrix->values[i] > VN_DISTANCE_UNREACHABLE)
			return false;
	}
	return true;
}

static int copy_matrix(const struct hwloc_distances_s *matrix, struct vn_host *host)
{
	size_t n = matrix->nbobjs;

	for (size_t i = 0; i < n; i++) {
		size_t row = matrix->objs[i] ? index_of(host, matrix->objs[i]->os_index) : host->n_nodes;
		if (row == host->n_nodes || host->nodes[row].distances)
			continue;
		host->nodes[row].distances = calloc(host->n_nodes, sizeof(uint32_t));
		if (!host->nodes[row].distances)
			return -ENOMEM;
		for (size_t j = 0; j < n; j++) {
			size_t column =
				matrix->objs[j] ? index_of(host, matrix->objs[j]->os_index) : host->n_nodes;
			if (column < host->n_nodes)
				host->nodes[row].distances[column] = (uint32_t)matrix->values[i * n + j];
		}
	}
	return 0;
}

static int add_distances(hwloc_topology_t topology, struct vn_host *host)
{
	struct hwloc_distances_s *matrix[2] = {NULL};
	unsigned n = 1;

	/* at most one: it is named, and the kernel has only one */
	if (hwloc_distances_get_by_name(topology, "NUMALatency", &n, matrix, 0) < 0 || n == 0 || !matrix[0])
		return 0;
	int r;
	if (is_slit(matrix[0]))
		r = copy_matrix(matrix[0], host);
	else
		r = vn_notes_add(&host->notes, "distances-other-units",
			"the source's distances are not between 1 and 255, so they are no ACPI distances: not used");
	hwloc_distances_release(topology, matrix[0]);
	return r;
}

/* A description may tell any size; what our JSON holds is enough for any host. */
static int check_memory(const struct vn_host *host, struct vn_error *err)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < host->n_nodes; i++) {
		if (host->nodes[i].memory_total > VN_MAX_AMOUNT - sum) {
			struct vn_where where = {host->source, 0, "memory"};
			return vn_error_input(
				err, &where, "the nodes have more than 2^60 bytes; expected less");
		}
		sum += host->nodes[i].memory_total;
	}
	return 0;
}

int vn_topology_host(
	hwloc_topology_t topology, const char *source, struct vn_host **ret_host, struct vn_error *err)
{
	vn_autohost *host = vn_host_new();

	if (!host || !(host->source = strdup(source)) || add_cpus(topology, host) < 0 ||
		add_nodes(topology, host) < 0 || add_distances(topology, host) < 0 ||
		vn_topology_memory(topology, host) < 0 || vn_topology_devices(topology, host) < 0)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	int r = check_memory(host, err);
	if (r == 0)
		r = vn_host_finish(host, err);
	if (r < 0)
		return r;
	*ret_host = vn_steal(host);
	return 0;
}
