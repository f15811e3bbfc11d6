/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sys/devices/system/node: CPUs, memory, huge pages and distances of each node. */
#define _GNU_SOURCE
#include "sysfs.h"

#include <string.h>

#include "../base/parse.h"
#include "../base/text.h"

#define NODE_DIRECTORY VN_NODE_DIRECTORY

static int read_bytes(
	struct vn_sysfs *sysfs, const char *path, const char *text, const char *key, uint64_t *ret)
{
	int r = vn_meminfo_bytes(text, key, ret);
	if (r == -EINVAL)
		vn_sysfs_problem(sysfs, path, "%s does not hold a number of kB", key);
	return r;
}

/* What the kernel would give up for the asking: clean page cache and slab. All of its parts must be told. */
static int read_reclaimable(
	struct vn_sysfs *sysfs, const char *path, const char *text, struct vn_host_node *node)
{
	static const char *const keys[] = {
		"Active(file)", "Inactive(file)", "SReclaimable", "Dirty", "Writeback"};
	uint64_t bytes[5];

	for (size_t i = 0; i < 5; i++) {
		int r = read_bytes(sysfs, path, text, keys[i], &bytes[i]);
		if (r < 0)
			return r == -ENOENT ? 0 : r;
	}
	uint64_t cache = bytes[0] + bytes[1] + bytes[2], unclean = bytes[3] + bytes[4];
	node->has_memory_reclaimable = true;
	node->memory_reclaimable = cache > unclean ? cache - unclean : 0;
	return 0;
}

static int read_meminfo(struct vn_sysfs *sysfs, const char *path, struct vn_host_node *node)
{
	vn_autofree char *text = NULL;
	int r = vn_sysfs_read(sysfs, path, &text);

	if (r == -ENOENT)
		return vn_sysfs_problem(sysfs, path, "is not there; expected the node's memory");
	if (r < 0)
		return r;
	r = read_bytes(sysfs, path, text, "MemTotal", &node->memory_total);
	if (r == -ENOENT)
		return vn_sysfs_problem(sysfs, path, "has no MemTotal; expected the node's memory");
	if (r < 0)
		return r;
	r = read_bytes(sysfs, path, text, "MemFree", &node->memory_free);
	node->has_memory_free = r == 0 && node->memory_free <= node->memory_total;
	if (r == 0 && !node->has_memory_free) {
		node->memory_free = 0;
		vn_sysfs_leave_out(&sysfs->free_memory, path);
	}
	return r < 0 && r != -ENOENT ? r : read_reclaimable(sysfs, path, text, node);
}

/* -ENOENT: not told. */
static int read_count(struct vn_sysfs *sysfs, const char *directory, const char *name, uint64_t *ret)
{
	char path[VN_PATH_TEXT];
	snprintf(path, sizeof(path), "%s/%s", directory, name);
	int r = vn_root_read_u64(&sysfs->root, path, ret);
	if (r == -ERANGE)
		*ret = UINT64_MAX; /* too large for a pool of any size, which is told there */
	if (r == -EINVAL)
		return vn_sysfs_problem(sysfs, path, "does not hold a number; expected a number of pages");
	if (r == 0 || r == -ERANGE)
		return 0;
	return r == -ENOENT || r == -ENOTDIR ? -ENOENT : vn_sysfs_unreadable(sysfs, path, r);
}

/* Adds the pool of `hugepages-2048kB`. One whose counts are not told is left out rather than called empty. */
static int read_pool(struct vn_sysfs *sysfs, const char *parent, unsigned kb, struct vn_host_node *node)
{
	struct vn_hugepool pool = {.size = (uint64_t)kb * 1024};
	char directory[VN_PATH_TEXT / 2];

	snprintf(directory, sizeof(directory), "%s/hugepages-%ukB", parent, kb);
	int r = read_count(sysfs, directory, "nr_hugepages", &pool.total);
	if (r == 0)
		r = read_count(sysfs, directory, "free_hugepages", &pool.free);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	r = read_count(sysfs, directory, "surplus_hugepages", &pool.surplus);
	if (r < 0 && r != -ENOENT)
		return r;
	/* the pool may have grown between the two */
	if (pool.free > pool.total && (r = read_count(sysfs, directory, "nr_hugepages", &pool.total)) < 0)
		return r == -ENOENT ? 0 : r;
	if (!vn_hugepool_is_sound(&pool) || node->n_hugepools == VN_MAX_POOLS) {
		vn_sysfs_leave_out(&sysfs->pools, directory);
		return 0;
	}
	struct vn_hugepool *grown = reallocarray(node->hugepools, node->n_hugepools + 1, sizeof(*grown));
	if (!grown)
		return vn_error_environment(sysfs->err, -ENOMEM, "out of memory");
	node->hugepools = grown;
	grown[node->n_hugepools++] = pool;
	return 0;
}

/* The size in kB of a directory's name, `hugepages-1048576kB`; 0 for another name. */
static unsigned pool_kb(const char *name)
{
	static const char prefix[] = "hugepages-";
	char digits[12];
	uint64_t kb;

	if (strncmp(name, prefix, sizeof(prefix) - 1) != 0)
		return 0;
	name += sizeof(prefix) - 1;
	size_t n = strspn(name, "0123456789");
	if (n == 0 || n >= sizeof(digits) || *name == '0' || strcmp(name + n, "kB") != 0)
		return 0; /* the kernel writes no leading zeros: one size cannot be there twice */
	memcpy(digits, name, n);
	digits[n] = '\0';
	return vn_parse_u64(digits, UINT32_MAX, &kb) < 0 ? 0 : (unsigned)kb;
}

static int read_pools(struct vn_sysfs *sysfs, const char *directory, struct vn_host_node *node)
{
	vn_cleanup(vn_names_free) char **names = NULL;
	int r = vn_root_list(&sysfs->root, directory, &names), status = 0;

	if (r == -ENOENT || r == -ENOTDIR)
		return 0;
	if (r < 0)
		return vn_sysfs_unreadable(sysfs, directory, r);
	for (char **name = names; *name; name++) {
		unsigned kb = pool_kb(*name);
		r = kb ? read_pool(sysfs, directory, kb, node) : 0;
		if (r < 0)
			status = r;
	}
	return status;
}

int vn_sysfs_node_memory(
	struct vn_sysfs *sysfs, const char *meminfo, const char *pools, struct vn_host_node *node)
{
	int r = read_meminfo(sysfs, meminfo, node);
	int s = read_pools(sysfs, pools, node);
	return r < 0 ? r : s;
}

int vn_distances_parse(char *text, size_t n, uint32_t *distances, const char **ret_wrong)
{
	size_t seen = 0;
	char *rest = NULL;

	for (char *word = strtok_r(text, " \n", &rest); word; word = strtok_r(NULL, " \n", &rest), seen++) {
		uint64_t distance;
		if (vn_parse_u64(word, VN_DISTANCE_UNREACHABLE, &distance) < 0 || distance == 0) {
			*ret_wrong = word;
			return -EINVAL;
		}
		if (seen < n)
			distances[seen] = (uint32_t)distance;
	}
	return (int)(seen > INT32_MAX ? INT32_MAX : seen);
}

/* A row of another length does not tell which number is whose: none of them is used. */
static int drop_row(struct vn_sysfs *sysfs, struct vn_host_node *node, size_t n)
{
	free(node->distances);
	node->distances = NULL;
	int r = vn_notes_add(&sysfs->host->notes, "distances-not-square",
		"node %u tells %zu distance%s where the host has %zu node%s: they are not used", node->id, n,
		n == 1 ? "" : "s", sysfs->host->n_nodes, sysfs->host->n_nodes == 1 ? "" : "s");
	return r < 0 ? vn_error_environment(sysfs->err, r, "out of memory") : 0;
}

/* The row holds one number for each online node, ascending by id (drivers/base/node.c, node_read_distance()).
 */
static int read_distances(struct vn_sysfs *sysfs, const char *path, struct vn_host_node *node)
{
	vn_autofree char *text = NULL;
	const char *wrong = NULL;
	size_t n = sysfs->host->n_nodes;
	int r = vn_sysfs_read(sysfs, path, &text);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	node->distances = calloc(n, sizeof(*node->distances));
	if (!node->distances)
		return vn_error_environment(sysfs->err, -ENOMEM, "out of memory");
	r = vn_distances_parse(text, n, node->distances, &wrong);
	if (r < 0)
		return vn_sysfs_problem(sysfs, path, "'%.20s'; expected a distance of 1 to 255", wrong);
	return (size_t)r == n ? 0 : drop_row(sysfs, node, (size_t)r);
}

/* Some kernels (ppc64) name offline CPUs in the nodes' masks, even such as have no directory. */
static int drop_offline(struct vn_host *host, unsigned node, hwloc_bitmap_t cpus)
{
	for (int id = hwloc_bitmap_first(cpus); id >= 0; id = hwloc_bitmap_next(cpus, id)) {
		const struct vn_host_cpu *cpu = vn_host_cpu(host, (unsigned)id);
		if ((!cpu || !cpu->online) && hwloc_bitmap_clr(cpus, (unsigned)id) < 0)
			return -ENOMEM;
		if (cpu && !cpu->online)
			host->cpus[cpu - host->cpus].node = (int)node;
	}
	return 0;
}

static int read_cpus(struct vn_sysfs *sysfs, const char *directory, struct vn_host_node *node)
{
	int r = vn_sysfs_read_set(sysfs, directory, "cpulist", "cpumap", &node->cpus);

	if (r == -ENOENT)
		return vn_sysfs_problem(sysfs, directory, "has no cpulist and no cpumap; expected one");
	if (r < 0)
		return r;
	r = drop_offline(sysfs->host, node->id, node->cpus);
	return r < 0 ? vn_error_environment(sysfs->err, r, "out of memory") : 0;
}

static int read_node(struct vn_sysfs *sysfs, struct vn_host_node *node)
{
	char directory[VN_PATH_TEXT / 2], path[VN_PATH_TEXT], pools[VN_PATH_TEXT];

	snprintf(directory, sizeof(directory), NODE_DIRECTORY "/node%u", node->id);
	int status = read_cpus(sysfs, directory, node);
	snprintf(path, sizeof(path), "%s/meminfo", directory);
	snprintf(pools, sizeof(pools), "%s/hugepages", directory);
	int r = vn_sysfs_node_memory(sysfs, path, pools, node);
	status = status < 0 ? status : r;
	snprintf(path, sizeof(path), "%s/distance", directory);
	r = read_distances(sysfs, path, node);
	return status < 0 ? status : r;
}

/*
 * A kernel built without NUMA: one node of everything, as memory and CPUs are there all the same, and a note. (numactl 2.0.16
 * gives up there, "No NUMA available on this system"; where only the folder is hidden it prints "available: 0 nodes ()".)
 */
static int make_single_node(struct vn_sysfs *sysfs)
{
	struct vn_host *host = sysfs->host;
	struct vn_host_node *node = calloc(1, sizeof(*node));

	host->nodes = node;
	if (node)
		*node = vn_host_node_init(0);
	if (!node || !(node->cpus = hwloc_bitmap_alloc()))
		return vn_error_environment(sysfs->err, -ENOMEM, "out of memory");
	host->n_nodes = 1;
	for (size_t i = 0; i < host->n_cpus; i++) {
		if (host->cpus[i].online)
			hwloc_bitmap_set(node->cpus, host->cpus[i].id);
	}
	if (host->n_cpus == 0 && sysfs->problems)
		return -EINVAL; /* no tree of a host, which has been told */
	int r = vn_sysfs_node_memory(sysfs, "proc/meminfo", "sys/kernel/mm/hugepages", node);
	if (r < 0)
		return r;
	r = vn_notes_add(&host->notes, "kernel-without-numa",
		"the kernel shows no nodes (built without NUMA, or hidden by a container): all counts as "
		"node 0");
	return r < 0 ? vn_error_environment(sysfs->err, r, "out of memory") : 0;
}

/* Adds the nodes that could come online; old kernels do not tell them. */
static int add_possible(struct vn_sysfs *sysfs, hwloc_bitmap_t nodes)
{
	vn_autoset possible = NULL;
	int r = vn_sysfs_read_set(sysfs, NODE_DIRECTORY, "possible", NULL, &possible);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (hwloc_bitmap_last(possible) >= (int)VN_MAX_NODES)
		return vn_sysfs_problem(sysfs, NODE_DIRECTORY "/possible",
			"names node %d; expected node numbers below %u", hwloc_bitmap_last(possible),
			VN_MAX_NODES);
	return hwloc_bitmap_or(nodes, nodes, possible) < 0
		       ? vn_error_environment(sysfs->err, -ENOMEM, "out of memory")
		       : 0;
}

/* A node that is online must have its directory. `ids` may be NULL for none. */
static int check_online(struct vn_sysfs *sysfs, hwloc_const_bitmap_t online, hwloc_const_bitmap_t ids)
{
	vn_autoset missing = hwloc_bitmap_dup(online);

	if (!missing || (ids && hwloc_bitmap_andnot(missing, online, ids) < 0))
		return vn_error_environment(sysfs->err, -ENOMEM, "out of memory");
	if (hwloc_bitmap_iszero(missing))
		return 0;
	vn_autofree char *text = vn_set_text(missing);
	return vn_sysfs_problem(sysfs, NODE_DIRECTORY "/online", "names node %.60s, which has no directory",
		text ? text : "?");
}

/* No node has a directory: a tree that was copied in part names them as online still, and is not one without NUMA. */
static int check_hidden(struct vn_sysfs *sysfs, hwloc_const_bitmap_t none)
{
	vn_autoset online = NULL;
	int r = vn_sysfs_read_set(sysfs, NODE_DIRECTORY, "online", NULL, &online);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	return check_online(sysfs, online, none);
}

/* Moves those that are not online out of `ids`. */
static int split_offline(struct vn_sysfs *sysfs, hwloc_bitmap_t ids)
{
	vn_autoset online = NULL, offline = hwloc_bitmap_dup(ids);
	int r = vn_sysfs_read_set(sysfs, NODE_DIRECTORY, "online", NULL, &online);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	r = check_online(sysfs, online, ids);
	if (!offline || hwloc_bitmap_and(ids, ids, online) < 0)
		return vn_error_environment(sysfs->err, -ENOMEM, "out of memory");
	int s = add_possible(sysfs, offline);
	if (hwloc_bitmap_andnot(offline, offline, online) < 0)
		return vn_error_environment(sysfs->err, -ENOMEM, "out of memory");
	if (!hwloc_bitmap_iszero(offline))
		sysfs->host->offline_nodes = vn_steal(offline);
	return r < 0 ? r : s;
}

/*
 * Memory that was plugged in may be missing from the nodes' own counts (seen on a virtio-mem guest: 6 GiB on its only node,
 * 24 GiB in all). Placement goes by the nodes, so the difference must be told.
 */
static int note_uncounted(struct vn_sysfs *sysfs, struct vn_notes *notes)
{
	const struct vn_host *host = sysfs->host;
	vn_autofree char *text = NULL;
	uint64_t total = 0, sum = 0;
	char of_nodes[VN_SIZE_TEXT], of_host[VN_SIZE_TEXT];

	int r = vn_sysfs_read(sysfs, "proc/meminfo", &text);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (vn_meminfo_bytes(text, "MemTotal", &total) < 0)
		return 0;
	for (size_t i = 0; i < host->n_nodes; i++)
		sum += host->nodes[i].memory_total;
	if (sum >= total - total / 16)
		return 0;
	return vn_notes_add(notes, "memory-uncounted",
		"the nodes' memory sums to %s, but the host has %s: the rest cannot be planned with",
		vn_size_text(sum, of_nodes), vn_size_text(total, of_host));
}

int vn_sysfs_memory_notes(struct vn_sysfs *sysfs)
{
	struct vn_notes notes = {0};
	int r = note_uncounted(sysfs, &notes);

	if (r == 0)
		r = vn_left_out_note(
			&sysfs->free_memory, "free-memory-left-out", "free memory figure", &notes);
	if (r == 0)
		r = vn_left_out_note(&sysfs->pools, "hugepages-left-out", "huge page pool", &notes);
	if (r == 0)
		r = vn_host_renew_notes(sysfs->host, &notes);
	vn_notes_clear(&notes);
	return r == -ENOMEM ? vn_error_environment(sysfs->err, r, "out of memory") : r;
}

int vn_sysfs_nodes(struct vn_sysfs *sysfs)
{
	struct vn_host *host = sysfs->host;
	vn_autoset ids = NULL;
	int r = vn_sysfs_list_ids(sysfs, NODE_DIRECTORY, "node", VN_MAX_NODES - 1, &ids);

	if (r == -ENOENT || (r == 0 && hwloc_bitmap_iszero(ids))) {
		r = check_hidden(sysfs, ids);
		return r < 0 ? r : make_single_node(sysfs);
	}
	int status = r < 0 ? r : split_offline(sysfs, ids);
	if (r < 0)
		return r;
	host->nodes = calloc(vn_set_weight(ids) + 1, sizeof(*host->nodes));
	if (!host->nodes)
		return vn_error_environment(sysfs->err, -ENOMEM, "out of memory");
	for (int id = hwloc_bitmap_first(ids); id >= 0; id = hwloc_bitmap_next(ids, id))
		host->nodes[host->n_nodes++] = vn_host_node_init((unsigned)id);
	for (size_t i = 0; i < host->n_nodes; i++) {
		r = read_node(sysfs, &host->nodes[i]);
		if (r < 0)
			status = r;
	}
	return status;
}
