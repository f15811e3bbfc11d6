/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host_xml.h"

#include <string.h>

#include "../model/host_levels.h"
#include "xml.h"

#define KIB 1024u

static void print_id(struct vn_xml *xml, const char *name, int id)
{
	if (id >= 0)
		vn_xml_number(xml, name, (uint64_t)id);
}

static void print_known(struct vn_xml *xml, const char *name, uint64_t number)
{
	if (number)
		vn_xml_number(xml, name, number);
}

static void print_known_set(struct vn_xml *xml, const char *name, hwloc_const_bitmap_t set)
{
	if (set)
		vn_xml_set(xml, name, set);
}

/* ---- a cell ---- */

static void print_cpus(struct vn_xml *xml, const struct vn_host *host, const struct vn_host_node *node)
{
	vn_xml_begin(xml, "cpus");
	vn_xml_number(xml, "num", vn_set_weight(node->cpus));
	if (hwloc_bitmap_iszero(node->cpus)) {
		vn_xml_empty(xml);
		return;
	}
	vn_xml_open(xml);
	for (int id = hwloc_bitmap_first(node->cpus); id >= 0; id = hwloc_bitmap_next(node->cpus, id)) {
		const struct vn_host_cpu *cpu = vn_host_cpu(host, (unsigned)id);
		vn_xml_begin(xml, "cpu");
		vn_xml_number(xml, "id", (uint64_t)id);
		print_id(xml, "package", cpu->package);
		print_id(xml, "die", cpu->die);
		print_id(xml, "cluster", cpu->cluster);
		print_id(xml, "core", cpu->core);
		print_id(xml, "l3", cpu->l3);
		print_known_set(xml, "siblings", cpu->siblings);
		vn_xml_empty(xml);
	}
	vn_xml_close(xml, "cpus");
}

static void print_memory(struct vn_xml *xml, const struct vn_host_node *node)
{
	const char *kind = vn_memory_kind_text(node->memory_kind);

	vn_xml_begin(xml, "memory");
	vn_xml_number(xml, "size", node->memory_total / KIB);
	if (node->has_memory_free)
		vn_xml_number(xml, "free", node->memory_free / KIB);
	if (node->has_memory_reclaimable)
		vn_xml_number(xml, "reclaimable", node->memory_reclaimable / KIB);
	if (kind)
		vn_xml_text(xml, "kind", kind);
	print_id(xml, "tier", node->memory_tier);
	print_id(xml, "interleave_weight", node->interleave_weight);
	vn_xml_empty(xml);
}

static void print_pools(struct vn_xml *xml, const struct vn_host_node *node)
{
	for (size_t i = 0; i < node->n_hugepools; i++) {
		const struct vn_hugepool *pool = &node->hugepools[i];
		vn_xml_begin(xml, "pages");
		vn_xml_number(xml, "size", pool->size / KIB);
		vn_xml_text(xml, "unit", "KiB");
		vn_xml_number(xml, "total", pool->total);
		vn_xml_number(xml, "free", pool->free);
		vn_xml_number(xml, "surplus", pool->surplus);
		vn_xml_empty(xml);
	}
}

static void print_distances(struct vn_xml *xml, const struct vn_host *host, const struct vn_host_node *node)
{
	bool opened = false;

	for (size_t j = 0; j < host->n_nodes; j++) {
		if (node->distances[j] == VN_DISTANCE_UNKNOWN)
			continue;
		if (!opened) {
			vn_xml_begin(xml, "distances");
			vn_xml_open(xml);
			opened = true;
		}
		vn_xml_begin(xml, "sibling");
		vn_xml_number(xml, "id", host->nodes[j].id);
		vn_xml_number(xml, "value", node->distances[j]);
		vn_xml_empty(xml);
	}
	if (opened)
		vn_xml_close(xml, "distances");
}

/* Bytes in KiB; the few that are no whole number of them (nobody builds such a cache, but a table may say so) as they are. */
static void print_cache_size(struct vn_xml *xml, uint64_t bytes)
{
	if (bytes == 0)
		return;
	vn_xml_number(xml, "size", bytes % KIB ? bytes : bytes / KIB);
	vn_xml_text(xml, "unit", bytes % KIB ? "bytes" : "KiB");
}

static void print_caches(struct vn_xml *xml, const struct vn_host_node *node)
{
	static const char *const indexing[] = {"direct", "complex", "other"};
	static const char *const policy[] = {"writeback", "writethrough", "other"};

	for (size_t i = 0; i < node->n_memory_caches; i++) {
		const struct vn_memory_cache *cache = &node->memory_caches[i];
		vn_xml_begin(xml, "cache");
		vn_xml_number(xml, "level", cache->level);
		print_cache_size(xml, cache->size);
		print_known(xml, "line", cache->line_size);
		if (cache->indexing >= 0 && cache->indexing <= 2)
			vn_xml_text(xml, "associativity", indexing[cache->indexing]);
		if (cache->write_policy >= 0 && cache->write_policy <= 2)
			vn_xml_text(xml, "policy", policy[cache->write_policy]);
		vn_xml_empty(xml);
	}
}

static void print_speed(
	struct vn_xml *xml, const char *name, const char *type, uint64_t value, const char *unit)
{
	if (value == 0)
		return;
	vn_xml_begin(xml, name);
	vn_xml_text(xml, "type", type);
	vn_xml_number(xml, "value", value);
	vn_xml_text(xml, "unit", unit);
	vn_xml_empty(xml);
}

static void print_accesses(struct vn_xml *xml, const struct vn_host_node *node)
{
	for (unsigned c = 0; c < VN_ACCESS_CLASSES; c++) {
		const struct vn_memory_access *access = &node->access[c];
		if (!access->initiators)
			continue;
		vn_xml_begin(xml, "access");
		vn_xml_number(xml, "class", c);
		vn_xml_set(xml, "initiators", access->initiators);
		if (!access->read_latency && !access->write_latency && !access->read_bandwidth &&
			!access->write_bandwidth) {
			vn_xml_empty(xml);
			continue;
		}
		vn_xml_open(xml);
		print_speed(xml, "latency", "read", access->read_latency, "ns");
		print_speed(xml, "latency", "write", access->write_latency, "ns");
		print_speed(xml, "bandwidth", "read", access->read_bandwidth, "MB/s");
		print_speed(xml, "bandwidth", "write", access->write_bandwidth, "MB/s");
		vn_xml_close(xml, "access");
	}
}

/* ---- devices ---- */

/* A block device's file: the kernel writes `!` for the slash in such names as cciss/c0d0 (block/genhd.c). */
static void print_disk(struct vn_xml *xml, const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "/dev/%s", name);
	for (char *p = strchr(path, '!'); p; p = strchr(p, '!'))
		*p = '/';
	vn_xml_begin(xml, "disk");
	vn_xml_text(xml, "dev", path);
	vn_xml_empty(xml);
}

/* The names do not tell interfaces from block devices; the device's base class does (PCI Code and ID Assignment). */
static void print_name(struct vn_xml *xml, const struct vn_host_device *device, const char *name)
{
	switch (device->class_code >> 16) {
	case 0x01: /* mass storage */
	case 0x08: /* system peripherals, where SD hosts are */
		print_disk(xml, name);
		return;
	case 0x02: /* network */
		vn_xml_begin(xml, "interface");
		break;
	default:
		vn_xml_begin(xml, "attached");
	}
	vn_xml_text(xml, "name", name);
	vn_xml_empty(xml);
}

static void print_irqs(struct vn_xml *xml, const struct vn_host_device *device)
{
	for (size_t i = 0; i < device->n_irqs; i++) {
		const struct vn_host_irq *irq = &device->irqs[i];
		vn_xml_begin(xml, "irq");
		vn_xml_number(xml, "number", irq->number);
		print_known_set(xml, "cpus", irq->cpus);
		print_known_set(xml, "effective", irq->effective);
		vn_xml_empty(xml);
	}
}

static void print_code(struct vn_xml *xml, const char *name, int32_t code, int digits)
{
	if (code >= 0)
		vn_xml_hex(xml, name, (unsigned)code, digits);
}

static void print_device(struct vn_xml *xml, const struct vn_host_device *device)
{
	vn_xml_begin(xml, "device");
	vn_xml_text(xml, "address", device->address);
	print_code(xml, "class", device->class_code, 6);
	print_code(xml, "vendor", device->vendor, 4);
	print_code(xml, "device", device->device, 4);
	if (device->driver)
		vn_xml_text(xml, "driver", device->driver);
	if (*device->physical_function)
		vn_xml_text(xml, "physical_function", device->physical_function);
	if (*device->root)
		vn_xml_text(xml, "root", device->root);
	print_known_set(xml, "local_cpus", device->local_cpus);
	if (device->n_names + device->n_irqs == 0) {
		vn_xml_empty(xml);
		return;
	}
	vn_xml_open(xml);
	for (size_t i = 0; i < device->n_names; i++)
		print_name(xml, device, device->names[i]);
	print_irqs(xml, device);
	vn_xml_close(xml, "device");
}

/* Devices of the node with this id; -1: those whose node is not known. */
static void print_devices(struct vn_xml *xml, const struct vn_host *host, int node)
{
	size_t n = 0;

	for (size_t i = 0; i < host->n_devices; i++)
		n += host->devices[i].node == node;
	if (n == 0)
		return;
	vn_xml_begin(xml, "devices");
	vn_xml_number(xml, "num", n);
	vn_xml_open(xml);
	for (size_t i = 0; i < host->n_devices; i++) {
		if (host->devices[i].node == node)
			print_device(xml, &host->devices[i]);
	}
	vn_xml_close(xml, "devices");
}

/* ---- cells ---- */

static void print_cell(struct vn_xml *xml, const struct vn_host *host, const struct vn_host_node *node)
{
	vn_xml_begin(xml, "cell");
	vn_xml_number(xml, "id", node->id);
	vn_xml_open(xml);
	print_cpus(xml, host, node);
	print_memory(xml, node);
	print_pools(xml, node);
	print_caches(xml, node);
	print_accesses(xml, node);
	print_distances(xml, host, node);
	print_devices(xml, host, (int)node->id);
	vn_xml_close(xml, "cell");
}

static void print_level(struct vn_xml *xml, const struct vn_host *host, const struct vn_level *level)
{
	vn_xml_begin(xml, "cells");
	vn_xml_number(xml, "num", level->n_children + level->n_nodes);
	if (level->name)
		vn_xml_text(xml, "level", level->name);
	print_id(xml, "id", level->id);
	print_known(xml, "distance", level->distance);
	vn_xml_open(xml);
	for (size_t i = 0; i < level->n_children; i++)
		print_level(xml, host, &level->children[i]);
	for (size_t i = 0; i < level->n_nodes; i++)
		print_cell(xml, host, &host->nodes[level->nodes[i]]);
	vn_xml_close(xml, "cells");
}

/* The cells, flat when memory is too short to group them. */
static void print_cells(struct vn_xml *xml, const struct vn_host *host)
{
	vn_autolevel *root = vn_host_levels(host);

	if (root) {
		print_level(xml, host, root);
		return;
	}
	vn_xml_begin(xml, "cells");
	vn_xml_number(xml, "num", host->n_nodes);
	vn_xml_open(xml);
	for (size_t i = 0; i < host->n_nodes; i++)
		print_cell(xml, host, &host->nodes[i]);
	vn_xml_close(xml, "cells");
}

/* ---- the table of the firmware ---- */

static void print_target(struct vn_xml *xml, uint32_t domain, uint64_t value)
{
	if (value == VN_HMAT_UNKNOWN)
		return;
	vn_xml_begin(xml, "target");
	vn_xml_number(xml, "domain", domain);
	if (value == VN_HMAT_UNREACHABLE)
		vn_xml_text(xml, "value", "unreachable");
	else
		vn_xml_number(xml, "value", value);
	vn_xml_empty(xml);
}

static void print_matrix(struct vn_xml *xml, const struct vn_hmat_matrix *matrix)
{
	const char *type = vn_hmat_type_text(matrix->type);

	if (!type)
		return;
	vn_xml_begin(xml, "matrix");
	vn_xml_text(xml, "type", type);
	vn_xml_number(xml, "hierarchy", matrix->hierarchy);
	vn_xml_text(xml, "unit", matrix->type < VN_HMAT_ACCESS_BANDWIDTH ? "ps" : "MB/s");
	vn_xml_open(xml);
	for (size_t i = 0; i < matrix->n_initiators; i++) {
		vn_xml_begin(xml, "initiator");
		vn_xml_number(xml, "domain", matrix->initiators[i]);
		vn_xml_open(xml);
		for (size_t j = 0; j < matrix->n_targets; j++)
			print_target(xml, matrix->targets[j], matrix->values[i * matrix->n_targets + j]);
		vn_xml_close(xml, "initiator");
	}
	vn_xml_close(xml, "matrix");
}

static void print_hmat_cache(struct vn_xml *xml, const struct vn_hmat_cache *cache)
{
	static const char *const associativity[] = {"none", "direct", "complex"};
	static const char *const policy[] = {"none", "writeback", "writethrough"};

	vn_xml_begin(xml, "cache");
	vn_xml_number(xml, "domain", cache->domain);
	vn_xml_number(xml, "level", cache->level);
	vn_xml_number(xml, "levels", cache->levels);
	print_cache_size(xml, cache->size);
	print_known(xml, "line", cache->line_size);
	if (cache->associativity <= 2)
		vn_xml_text(xml, "associativity", associativity[cache->associativity]);
	if (cache->write_policy <= 2)
		vn_xml_text(xml, "policy", policy[cache->write_policy]);
	vn_xml_empty(xml);
}

static void print_hmat(struct vn_xml *xml, const struct vn_hmat *hmat)
{
	vn_xml_begin(xml, "hmat");
	vn_xml_number(xml, "revision", hmat->revision);
	vn_xml_open(xml);
	for (size_t i = 0; i < hmat->n_domains; i++) {
		vn_xml_begin(xml, "domain");
		vn_xml_number(xml, "id", hmat->domains[i].domain);
		print_id(xml, "cell", hmat->domains[i].node);
		vn_xml_empty(xml);
	}
	for (size_t i = 0; i < hmat->n_matrices; i++)
		print_matrix(xml, &hmat->matrices[i]);
	for (size_t i = 0; i < hmat->n_caches; i++)
		print_hmat_cache(xml, &hmat->caches[i]);
	vn_xml_close(xml, "hmat");
}

/* ---- the rest ---- */

/* An element of nothing but sets; left out when both are empty or not known. */
static void print_sets(
	struct vn_xml *xml, const char *name, hwloc_const_bitmap_t cpus, hwloc_const_bitmap_t cells)
{
	bool has_cpus = cpus && !hwloc_bitmap_iszero(cpus), has_cells = cells && !hwloc_bitmap_iszero(cells);

	if (!has_cpus && !has_cells)
		return;
	vn_xml_begin(xml, name);
	if (has_cpus)
		vn_xml_set(xml, "cpus", cpus);
	if (has_cells)
		vn_xml_set(xml, "cells", cells);
	vn_xml_empty(xml);
}

/* CPUs and devices that belong to a cell which the host does not tell. */
static void print_unplaced(struct vn_xml *xml, const struct vn_host *host, hwloc_const_bitmap_t cpus)
{
	bool devices = false;

	for (size_t i = 0; i < host->n_devices; i++)
		devices |= host->devices[i].node < 0;
	if (!devices && hwloc_bitmap_iszero(cpus))
		return;
	vn_xml_begin(xml, "unplaced");
	if (!hwloc_bitmap_iszero(cpus))
		vn_xml_set(xml, "cpus", cpus);
	if (!devices) {
		vn_xml_empty(xml);
		return;
	}
	vn_xml_open(xml);
	print_devices(xml, host, -1);
	vn_xml_close(xml, "unplaced");
}

static void print_outside(struct vn_xml *xml, const struct vn_host *host)
{
	vn_autoset offline = hwloc_bitmap_alloc(), stray = hwloc_bitmap_alloc();

	if (!offline || !stray)
		return;
	for (size_t i = 0; i < host->n_cpus; i++) {
		const struct vn_host_cpu *cpu = &host->cpus[i];
		if (!cpu->online)
			hwloc_bitmap_set(offline, cpu->id);
		else if (cpu->node < 0)
			hwloc_bitmap_set(stray, cpu->id);
	}
	print_unplaced(xml, host, stray);
	print_sets(xml, "offline", offline, host->offline_nodes);
	print_sets(xml, "allowed", host->allowed_cpus, host->allowed_nodes);
	print_sets(xml, "isolated", host->isolated_cpus, NULL);
	print_sets(xml, "nohz_full", host->nohz_full_cpus, NULL);
}

void vn_host_print_xml(const struct vn_host *host, FILE *out)
{
	struct vn_xml xml = {out, 0};

	vn_xml_begin(&xml, "topology");
	vn_xml_open(&xml);
	print_cells(&xml, host);
	if (host->hmat)
		print_hmat(&xml, host->hmat);
	print_outside(&xml, host);
	for (size_t i = 0; i < host->notes.n; i++) {
		vn_xml_begin(&xml, "note");
		vn_xml_text(&xml, "code", host->notes.v[i].code);
		vn_xml_content(&xml, "note", host->notes.v[i].text);
	}
	vn_xml_close(&xml, "topology");
}
