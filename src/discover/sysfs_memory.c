/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a node's memory is made of, how fast it is, and what lies in front of it.
 *
 * Theory of operation: Linux has no file that says "this node is HBM". What it tells, each of it only on some machines:
 *
 *   - devices/system/node/nodeN/accessC/initiators: latency and bandwidth from the best initiators (HMAT, since 5.2)
 *   - devices/virtual/memory_tiering/memory_tierT/nodelist: nodes sorted into tiers by those figures (since 6.1)
 *   - bus/dax/devices/daxX.Y: memory that a driver, kmem, made a node of: `target_node`. The device's own path names the
 *     bus it came from: an NVDIMM bus (ndbusN), a CXL region (…/regionR/dax_regionR), or memory that the firmware set
 *     apart as special (hmem.N), which is HBM on some machines and CXL on others
 *   - proc/driver/nvidia/gpus/ADDRESS/numa_status: nodes of GPU memory (POWER9)
 *
 * So a kind is given by the first of these that decides: a GPU's or a dax device's node is what its bus says; a node with
 * CPUs is DRAM, by definition (a machine that has HBM instead of it looks just the same); a node without CPUs is told by its figures beside those of the node that reaches it best: half as much
 * bandwidth again, or a faster tier, is HBM; a fifth less bandwidth, a fifth more latency, or a slower tier, is slow memory.
 * What is in between, or has no figures, stays unknown: nobody is told a kind that was guessed from a size.
 */
#define _GNU_SOURCE
#include "sysfs.h"

#include <limits.h>
#include <string.h>

#include "../base/parse.h"
#include "acpi_hmat.h"

#define NODE_DIRECTORY "sys/devices/system/node"
#define TIER_DIRECTORY "sys/devices/virtual/memory_tiering"
#define WEIGHT_DIRECTORY "sys/kernel/mm/mempolicy/weighted_interleave"
#define DAX_DIRECTORY "sys/bus/dax/devices"
#define GPU_DIRECTORY "proc/driver/nvidia/gpus"
#define TABLE_DIRECTORY "sys/firmware/acpi/tables"
#define MAX_TIERS 4096 /* memory_tierN: N is abstract distance / 128 */
#define MAX_CACHE_LEVEL 15
#define NO_FILE INT_MIN

static struct vn_host_node *find_node(struct vn_sysfs *sysfs, int id)
{
	int index = id < 0 ? -1 : vn_host_node_index(sysfs->host, (unsigned)id);
	return index < 0 ? NULL : &sysfs->host->nodes[index];
}

/* *ret stays as it is when the file is missing or its number too large to be true; 0 is the kernel's word for "not told". */
static int read_figure(struct vn_sysfs *sysfs, const char *directory, const char *name, uint64_t *ret)
{
	char path[VN_PATH_TEXT];
	snprintf(path, sizeof(path), "%s/%s", directory, name);
	uint64_t figure = 0;
	int r = vn_root_read_u64(&sysfs->root, path, &figure);
	if (r == -EINVAL)
		return vn_sysfs_problem(sysfs, path, "does not hold a number; expected one");
	if (r < 0 && r != -ERANGE)
		return r == -ENOENT || r == -ENOTDIR ? 0 : vn_sysfs_unreadable(sysfs, path, r);
	if (r == -ERANGE || (r == 0 && figure > VN_MAX_AMOUNT))
		vn_sysfs_leave_out(&sysfs->figures, path);
	else if (r == 0)
		*ret = figure;
	return 0;
}

static int read_access(struct vn_sysfs *sysfs, struct vn_host_node *node, unsigned class)
{
	struct vn_memory_access *access = &node->access[class];
	const struct {
		const char *name;
		uint64_t *value;
	} figures[] = {{"read_latency", &access->read_latency}, {"write_latency", &access->write_latency},
		{"read_bandwidth", &access->read_bandwidth}, {"write_bandwidth", &access->write_bandwidth}};
	char directory[VN_PATH_TEXT / 2];
	int status = 0;

	snprintf(directory, sizeof(directory), NODE_DIRECTORY "/node%u/access%u/initiators", node->id, class);
	int r = vn_sysfs_list_ids(sysfs, directory, "node", VN_MAX_NODES - 1, &access->initiators);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	for (size_t i = 0; i < 4; i++) {
		r = read_figure(sysfs, directory, figures[i].name, figures[i].value);
		status = r < 0 ? r : status;
	}
	return status;
}

static int read_cache(struct vn_sysfs *sysfs, const char *directory, struct vn_memory_cache *cache)
{
	char path[VN_PATH_TEXT];
	int r = read_figure(sysfs, directory, "size", &cache->size);
	int s = read_figure(sysfs, directory, "line_size", &cache->line_size);

	snprintf(path, sizeof(path), "%s/indexing", directory);
	int t = vn_sysfs_read_id(sysfs, path, &cache->indexing);
	snprintf(path, sizeof(path), "%s/write_policy", directory);
	int u = vn_sysfs_read_id(sysfs, path, &cache->write_policy);
	return r < 0 ? r : s < 0 ? s : t < 0 ? t : u;
}

static int read_caches(struct vn_sysfs *sysfs, struct vn_host_node *node)
{
	char directory[VN_PATH_TEXT / 4], path[VN_PATH_TEXT / 2];
	vn_autoset levels = NULL;
	int status = 0;

	snprintf(directory, sizeof(directory), NODE_DIRECTORY "/node%u/memory_side_cache", node->id);
	int r = vn_sysfs_list_ids(sysfs, directory, "index", MAX_CACHE_LEVEL, &levels);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	node->memory_caches = calloc(vn_set_weight(levels) + 1, sizeof(*node->memory_caches));
	if (!node->memory_caches)
		return vn_error_environment(sysfs->err, -ENOMEM, "out of memory");
	for (int level = hwloc_bitmap_first(levels); level >= 0; level = hwloc_bitmap_next(levels, level)) {
		struct vn_memory_cache *cache = &node->memory_caches[node->n_memory_caches++];
		*cache = (struct vn_memory_cache){
			.level = (unsigned)level, .indexing = -1, .write_policy = -1};
		snprintf(path, sizeof(path), "%s/index%d", directory, level);
		r = read_cache(sysfs, path, cache);
		status = r < 0 ? r : status;
	}
	return status;
}

static int read_tiers(struct vn_sysfs *sysfs)
{
	vn_autoset tiers = NULL;
	int r = vn_sysfs_list_ids(sysfs, TIER_DIRECTORY, "memory_tier", MAX_TIERS, &tiers);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	for (int tier = hwloc_bitmap_first(tiers); tier >= 0; tier = hwloc_bitmap_next(tiers, tier)) {
		char directory[VN_PATH_TEXT / 2];
		vn_autoset nodes = NULL;
		snprintf(directory, sizeof(directory), TIER_DIRECTORY "/memory_tier%d", tier);
		r = vn_sysfs_read_set(sysfs, directory, "nodelist", NULL, &nodes);
		if (r < 0 && r != -ENOENT)
			return r;
		for (size_t i = 0; nodes && i < sysfs->host->n_nodes; i++) {
			if (hwloc_bitmap_isset(nodes, sysfs->host->nodes[i].id))
				sysfs->host->nodes[i].memory_tier = tier;
		}
	}
	return 0;
}

static int read_weights(struct vn_sysfs *sysfs)
{
	vn_autoset ids = NULL;
	int r = vn_sysfs_list_ids(sysfs, WEIGHT_DIRECTORY, "node", VN_MAX_NODES - 1, &ids);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	for (int id = hwloc_bitmap_first(ids); id >= 0; id = hwloc_bitmap_next(ids, id)) {
		struct vn_host_node *node = find_node(sysfs, id);
		char path[VN_PATH_TEXT / 2];
		int weight = NO_FILE;
		snprintf(path, sizeof(path), WEIGHT_DIRECTORY "/node%d", id);
		r = node ? vn_sysfs_read_id(sysfs, path, &weight) : 0;
		if (r < 0)
			return r;
		if (weight == NO_FILE)
			continue;
		if (weight >= 1 && weight <= (int)VN_MAX_WEIGHT)
			node->interleave_weight = weight;
		else
			vn_sysfs_leave_out(&sysfs->figures, path);
	}
	return 0;
}

/* Has `text`, a path, a component that begins with `prefix`? */
static bool has_component(const char *text, const char *prefix)
{
	for (const char *at = text; at; at = strchr(at, '/')) {
		at += *at == '/';
		if (strncmp(at, prefix, strlen(prefix)) == 0)
			return true;
	}
	return false;
}

/* Memory of a dax device is a node's only if the driver kmem has it; else programs map it as a device. */
static int read_dax(struct vn_sysfs *sysfs, const char *name)
{
	char path[VN_PATH_TEXT];
	vn_autofree char *target = NULL, *driver = NULL;
	int id = -1;

	snprintf(path, sizeof(path), DAX_DIRECTORY "/%.64s/driver", name);
	if (vn_root_link_name(&sysfs->root, path, &driver) < 0 || strcmp(driver, "kmem") != 0)
		return 0;
	snprintf(path, sizeof(path), DAX_DIRECTORY "/%.64s/target_node", name);
	int r = vn_sysfs_read_id(sysfs, path, &id);
	struct vn_host_node *node = find_node(sysfs, id);
	snprintf(path, sizeof(path), DAX_DIRECTORY "/%.64s", name);
	if (r < 0 || !node || vn_root_link(&sysfs->root, path, &target) < 0)
		return r;
	if (has_component(target, "ndbus"))
		node->memory_kind = VN_MEMORY_PERSISTENT;
	else if (has_component(target, "dax_region"))
		node->memory_kind = VN_MEMORY_CXL; /* drivers/dax/cxl.c; hmem's and nvdimm's are named else */
	return 0;
}

static int read_daxes(struct vn_sysfs *sysfs)
{
	vn_cleanup(vn_names_free) char **names = NULL;
	int status = 0;

	if (vn_root_list(&sysfs->root, DAX_DIRECTORY, &names) < 0)
		return 0;
	for (char **name = names; *name; name++) {
		int r = read_dax(sysfs, *name);
		status = r < 0 ? r : status;
	}
	return status;
}

/* `Node:      255` */
static void read_gpu(struct vn_sysfs *sysfs, const char *name)
{
	char path[VN_PATH_TEXT];
	vn_autofree char *text = NULL;
	uint64_t id;

	snprintf(path, sizeof(path), GPU_DIRECTORY "/%.64s/numa_status", name);
	if (vn_root_read(&sysfs->root, path, &text) < 0 || strncmp(text, "Node:", 5) != 0)
		return;
	char *number = text + 5 + strspn(text + 5, " \t");
	number[strcspn(number, "\n")] = '\0';
	if (vn_parse_u64(number, VN_MAX_NODES - 1, &id) < 0)
		return; /* another form of this driver's file: no reason to refuse the host */
	struct vn_host_node *node = find_node(sysfs, (int)id);
	if (node)
		node->memory_kind = VN_MEMORY_GPU;
}

static void read_gpus(struct vn_sysfs *sysfs)
{
	vn_cleanup(vn_names_free) char **names = NULL;

	if (vn_root_list(&sysfs->root, GPU_DIRECTORY, &names) < 0)
		return;
	for (char **name = names; *name; name++)
		read_gpu(sysfs, *name);
}

/* Figures from CPUs (class 1) where they are told; class 0 may be those of a GPU or another initiator. */
static const struct vn_memory_access *cpu_access(const struct vn_host_node *node)
{
	const struct vn_memory_access *of_cpus = &node->access[1];
	return of_cpus->read_latency || of_cpus->read_bandwidth ? of_cpus : &node->access[0];
}

/* The node with CPUs and memory nearest to this one: by distance, else the first initiator. */
static const struct vn_host_node *nearest_dram(const struct vn_host *host, const struct vn_host_node *node)
{
	const struct vn_host_node *best = NULL;
	uint32_t best_distance = UINT32_MAX;
	size_t index = (size_t)(node - host->nodes);

	for (size_t i = 0; i < host->n_nodes; i++) {
		const struct vn_host_node *other = &host->nodes[i];
		uint32_t distance = other->distances ? other->distances[index] : VN_DISTANCE_UNKNOWN;
		if (hwloc_bitmap_iszero(other->cpus) || other->memory_total == 0)
			continue;
		if (distance == VN_DISTANCE_UNKNOWN)
			distance = UINT32_MAX - 1;
		if (distance < best_distance) {
			best = other;
			best_distance = distance;
		}
	}
	return best;
}

/* What a node without CPUs is, by its figures beside those of the DRAM near it. */
static enum vn_memory_kind judge(const struct vn_host_node *node, const struct vn_host_node *dram)
{
	const struct vn_memory_access *own = cpu_access(node), *its = cpu_access(dram);

	if (own->read_bandwidth && its->read_bandwidth) {
		if (own->read_bandwidth >= its->read_bandwidth + its->read_bandwidth / 2)
			return VN_MEMORY_HBM;
		if (own->read_bandwidth <= its->read_bandwidth - its->read_bandwidth / 5)
			return VN_MEMORY_SLOW;
	}
	if (own->read_latency && its->read_latency &&
		own->read_latency >= its->read_latency + its->read_latency / 5)
		return VN_MEMORY_SLOW;
	if (node->memory_tier >= 0 && dram->memory_tier >= 0 && node->memory_tier != dram->memory_tier)
		return node->memory_tier < dram->memory_tier ? VN_MEMORY_HBM : VN_MEMORY_SLOW;
	return VN_MEMORY_UNKNOWN;
}

static void judge_nodes(struct vn_host *host)
{
	for (size_t i = 0; i < host->n_nodes; i++) {
		struct vn_host_node *node = &host->nodes[i];
		if (node->memory_kind != VN_MEMORY_UNKNOWN || node->memory_total == 0)
			continue;
		if (!hwloc_bitmap_iszero(node->cpus)) {
			node->memory_kind = VN_MEMORY_DRAM;
			continue;
		}
		const struct vn_host_node *dram = nearest_dram(host, node);
		if (dram)
			node->memory_kind = judge(node, dram);
	}
}

/* A table of the firmware; NULL when there is none, or only root may read it (mode 0400 on a live host). */
static unsigned char *read_table(struct vn_sysfs *sysfs, const char *name, size_t *ret_length)
{
	char path[VN_PATH_TEXT / 2];
	unsigned char *bytes = NULL;

	snprintf(path, sizeof(path), TABLE_DIRECTORY "/%s", name);
	return vn_root_read_bytes(&sysfs->root, path, VN_ACPI_TABLE_MAX, &bytes, ret_length) < 0 ? NULL
												 : bytes;
}

/*
 * A table that makes no sense is a note, not a reason to refuse the host: Linux ignores such a table, too. An HMAT of no
 * matrix and no cache tells nothing.
 */
static int read_hmat(struct vn_sysfs *sysfs)
{
	size_t hmat_length = 0, srat_length = 0;
	vn_autofree unsigned char *hmat = read_table(sysfs, "HMAT", &hmat_length);
	vn_autofree unsigned char *srat = hmat ? read_table(sysfs, "SRAT", &srat_length) : NULL;
	vn_autohmat *parsed = NULL;
	vn_autoerror err = {0};

	if (!hmat)
		return 0;
	int r = vn_acpi_hmat_parse(
		hmat, hmat_length, srat, srat_length, TABLE_DIRECTORY "/HMAT", &parsed, &err);
	size_t left_out = r == 0 ? parsed->n_left_out : 0;
	if (r == 0 && parsed->n_matrices + parsed->n_caches > 0)
		sysfs->host->hmat = vn_steal(parsed);
	if (left_out)
		r = vn_notes_add(&sysfs->host->notes, "hmat-left-out",
			"%zu figure%s of the firmware's HMAT left out, as such numbers cannot be true",
			left_out, left_out == 1 ? "" : "s");
	if (r == -EINVAL && err.n)
		r = vn_notes_add(&sysfs->host->notes, "hmat-unreadable",
			"the firmware's HMAT makes no sense and is not used: at %s, %s",
			err.problems[0].key ? err.problems[0].key : "?", err.problems[0].text);
	return r < 0 ? vn_error_environment(sysfs->err, -ENOMEM, "out of memory") : 0;
}

int vn_sysfs_memory(struct vn_sysfs *sysfs)
{
	struct vn_host *host = sysfs->host;
	int status = read_tiers(sysfs);
	int r = read_weights(sysfs);

	status = status < 0 ? status : r;
	for (size_t i = 0; i < host->n_nodes; i++) {
		for (unsigned class = 0; class < VN_ACCESS_CLASSES; class ++) {
			r = read_access(sysfs, &host->nodes[i], class);
			status = status < 0 ? status : r;
		}
		r = read_caches(sysfs, &host->nodes[i]);
		status = status < 0 ? status : r;
	}
	r = read_daxes(sysfs);
	status = status < 0 ? status : r;
	read_gpus(sysfs);
	judge_nodes(host);
	r = read_hmat(sysfs);
	if (r == 0 && vn_left_out_note(&sysfs->figures, "figures-left-out", "figure", &host->notes) < 0)
		r = vn_error_environment(sysfs->err, -ENOMEM, "out of memory");
	return status < 0 ? status : r;
}
