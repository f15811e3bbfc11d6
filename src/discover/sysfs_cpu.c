/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sys/devices/system/cpu: which CPUs there are, which are online, and which threads share a core or an L3
 * cache. */
#include "sysfs.h"

#include <stdint.h>
#include <string.h>

#define CPU_DIRECTORY "sys/devices/system/cpu"
#define MAX_CACHES 16 /* index0..: x86 has 4, the most known is 5 */

/* The CPUs are added in ascending order, so they can be searched before the host is finished. */
static struct vn_host_cpu *find_cpu(struct vn_host *host, int id)
{
	const struct vn_host_cpu *cpu = vn_host_cpu(host, (unsigned)id);
	return cpu ? &host->cpus[cpu - host->cpus] : NULL;
}

/* A kernel from before 2008 has no cpu/online: each CPU tells for itself, and one that cannot go offline does
 * not tell. */
static int ask_each_cpu(struct vn_sysfs *sysfs, hwloc_const_bitmap_t present, hwloc_bitmap_t online)
{
	for (int id = hwloc_bitmap_first(present); id >= 0; id = hwloc_bitmap_next(present, id)) {
		char path[VN_PATH_TEXT];
		int is_online = 1;
		snprintf(path, sizeof(path), CPU_DIRECTORY "/cpu%d/online", id);
		int r = vn_sysfs_read_id(sysfs, path, &is_online);
		if (r < 0)
			return r;
		if (is_online == 1 && hwloc_bitmap_set(online, (unsigned)id) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* First of the given files that is there, of topology/ or cache/indexN/. */
static int read_cpus_of(struct vn_sysfs *sysfs, const char *directory, const char *const (*files)[2],
	size_t n, hwloc_bitmap_t *ret_set)
{
	int r = -ENOENT;
	for (size_t i = 0; i < n && r == -ENOENT; i++)
		r = vn_sysfs_read_set(sysfs, directory, files[i][0], files[i][1], ret_set);
	return r;
}

static int read_siblings(struct vn_sysfs *sysfs, struct vn_host_cpu *cpu, const char *directory)
{
	/* the first names are those since Linux 5.3; the others are kept by the kernel for old programs */
	static const char *const files[][2] = {
		{"core_cpus_list", "core_cpus"}, {"thread_siblings_list", "thread_siblings"}};
	vn_autoset siblings = NULL;
	int r = read_cpus_of(sysfs, directory, files, 2, &siblings);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	cpu->siblings = vn_steal(siblings); /* without itself, too: that is found with other contradictions */
	return 0;
}

/* A cluster shares something below the L3, most often an L2. Named after its lowest CPU, as the L3 is: the id of the
 * firmware is unique only in its package. 65535 and -1 are the kernel's words for "none". */
static int read_cluster(struct vn_sysfs *sysfs, struct vn_host_cpu *cpu, const char *directory)
{
	char path[VN_PATH_TEXT];
	vn_autoset members = NULL;
	int id = -1;

	snprintf(path, sizeof(path), "%s/cluster_id", directory);
	int r = vn_sysfs_read_id(sysfs, path, &id);
	if (r < 0 || id < 0 || id == UINT16_MAX)
		return r;
	r = vn_sysfs_read_set(sysfs, directory, "cluster_cpus_list", "cluster_cpus", &members);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	cpu->cluster = hwloc_bitmap_isset(members, cpu->id) ? hwloc_bitmap_first(members) : -1;
	return 0;
}

static int read_topology_id(struct vn_sysfs *sysfs, unsigned cpu, const char *name, int *ret)
{
	char path[VN_PATH_TEXT];
	snprintf(path, sizeof(path), CPU_DIRECTORY "/cpu%u/topology/%s", cpu, name);
	return vn_sysfs_read_id(sysfs, path, ret);
}

/* What the threads of a core have in common, but for the list of them. */
static int read_topology(struct vn_sysfs *sysfs, struct vn_host_cpu *cpu, const char *directory)
{
	int r = read_topology_id(sysfs, cpu->id, "physical_package_id", &cpu->package);

	if (r == 0)
		r = read_topology_id(sysfs, cpu->id, "die_id", &cpu->die);
	return r < 0 ? r : read_cluster(sysfs, cpu, directory);
}

/* Level of cache indexN, 0 when there is none. */
static int read_level(struct vn_sysfs *sysfs, unsigned cpu, int index, int *ret_level)
{
	char path[VN_PATH_TEXT];
	snprintf(path, sizeof(path), CPU_DIRECTORY "/cpu%u/cache/index%d/level", cpu, index);
	return vn_sysfs_read_id(sysfs, path, ret_level);
}

/* Index of the L3 cache, -1 when there is none. x86 has it as index3: looked at first, which saves three files a CPU. */
static int find_l3(struct vn_sysfs *sysfs, unsigned cpu, int *ret_index)
{
	int level = 0, r = read_level(sysfs, cpu, 3, &level);

	*ret_index = level == 3 ? 3 : -1;
	for (int i = 0; r >= 0 && *ret_index < 0 && i < MAX_CACHES; i++) {
		level = 0;
		r = read_level(sysfs, cpu, i, &level);
		if (level == 0)
			break;
		if (level == 3)
			*ret_index = i;
	}
	return r;
}

/* Named after the lowest CPU that shares it: sysfs has an id for it only on some machines. Told to all who share it. */
static int read_l3(struct vn_sysfs *sysfs, const struct vn_host_cpu *cpu)
{
	char directory[VN_PATH_TEXT / 2];
	vn_autoset sharers = NULL;
	int index, r = find_l3(sysfs, cpu->id, &index);

	if (r < 0 || index < 0)
		return r;
	snprintf(directory, sizeof(directory), CPU_DIRECTORY "/cpu%u/cache/index%d", cpu->id, index);
	r = vn_sysfs_read_set(sysfs, directory, "shared_cpu_list", "shared_cpu_map", &sharers);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	int first = hwloc_bitmap_first(sharers);
	for (int id = first; id >= 0; id = hwloc_bitmap_next(sharers, id)) {
		struct vn_host_cpu *sharer = find_cpu(sysfs->host, id);
		if (sharer && sharer->online && sharer->l3 < 0)
			sharer->l3 = first;
	}
	return 0;
}

/* What the threads of a core have in common is read once, of its first, which tells the same list. The core's id is not: the two
 * halves of an AMD compute unit (family 15h) are siblings with an id each. */
static bool take_of_core(struct vn_sysfs *sysfs, struct vn_host_cpu *cpu)
{
	int id = cpu->siblings ? hwloc_bitmap_first(cpu->siblings) : -1;
	const struct vn_host_cpu *first = id < 0 ? NULL : find_cpu(sysfs->host, id);

	if (!first || first == cpu || !first->siblings ||
		!hwloc_bitmap_isequal(first->siblings, cpu->siblings))
		return false;
	cpu->package = first->package;
	cpu->die = first->die;
	cpu->cluster = first->cluster;
	return true;
}

static int read_cpu(struct vn_sysfs *sysfs, struct vn_host_cpu *cpu)
{
	char directory[VN_PATH_TEXT / 2];
	int r = read_topology_id(sysfs, cpu->id, "core_id", &cpu->core);

	snprintf(directory, sizeof(directory), CPU_DIRECTORY "/cpu%u/topology", cpu->id);
	if (r == 0)
		r = read_siblings(sysfs, cpu, directory);
	if (r == 0 && !take_of_core(sysfs, cpu))
		r = read_topology(sysfs, cpu, directory);
	int s = cpu->l3 < 0 ? read_l3(sysfs, cpu) : 0;
	return r < 0 ? r : s;
}

static int no_memory(struct vn_sysfs *sysfs)
{
	return vn_error_environment(sysfs->err, -ENOMEM, "out of memory");
}

/* Who shares a core with whom is told by each of its CPUs. Where they do not agree, nobody's word is better than another's:
 * those that others contradict count as cores of their own. */
static int part_contradicting(struct vn_sysfs *sysfs)
{
	struct vn_host *host = sysfs->host;
	vn_autoset wrong = hwloc_bitmap_alloc();

	if (!wrong || vn_host_wrong_siblings(host, wrong) < 0)
		return no_memory(sysfs);
	if (hwloc_bitmap_iszero(wrong))
		return 0;
	for (size_t i = 0; i < host->n_cpus; i++) {
		struct vn_host_cpu *cpu = &host->cpus[i];
		char directory[VN_PATH_TEXT / 2];
		if (!hwloc_bitmap_isset(wrong, cpu->id))
			continue;
		if (hwloc_bitmap_only(cpu->siblings, cpu->id) < 0)
			return no_memory(sysfs);
		snprintf(directory, sizeof(directory), CPU_DIRECTORY "/cpu%u/topology", cpu->id);
		int r = read_topology(sysfs, cpu, directory); /* what it has was another's perhaps */
		if (r < 0)
			return r;
	}
	vn_autofree char *text = vn_set_text(wrong);
	const char *plural = hwloc_bitmap_weight(wrong) == 1 ? "" : "s", *verb = *plural ? "" : "s";
	int r = !text ? -ENOMEM
		      : vn_notes_add(&host->notes, "siblings-contradict",
				"what CPU%s %s tell%s of who shares a core, other CPUs contradict: each counts as a "
				"core of its own",
				plural, text, verb);
	return r < 0 ? no_memory(sysfs) : 0;
}

/*
 * The node of an offline CPU: the link cpuN/nodeM, which many kernels keep while it is offline (drivers/base/node.c) and some
 * take away. A node's own cpulist has online CPUs only. Not there, or one of several: not told.
 */
static int read_offline_node(struct vn_sysfs *sysfs, struct vn_host_cpu *cpu)
{
	char directory[VN_PATH_TEXT / 2];
	vn_autoset nodes = NULL;

	snprintf(directory, sizeof(directory), CPU_DIRECTORY "/cpu%u", cpu->id);
	int r = vn_sysfs_list_ids(sysfs, directory, "node", VN_MAX_NODES - 1, &nodes);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (hwloc_bitmap_weight(nodes) == 1)
		cpu->node = hwloc_bitmap_first(nodes);
	return 0;
}

static int add_cpus(struct vn_sysfs *sysfs, hwloc_const_bitmap_t present, hwloc_const_bitmap_t online)
{
	struct vn_host *host = sysfs->host;
	int status = 0;

	host->cpus = calloc(vn_set_weight(present) + 1, sizeof(*host->cpus));
	if (!host->cpus)
		return vn_error_environment(sysfs->err, -ENOMEM, "out of memory");
	host->cores_known = true;
	for (int id = hwloc_bitmap_first(present); id >= 0; id = hwloc_bitmap_next(present, id)) {
		struct vn_host_cpu *cpu = &host->cpus[host->n_cpus++];
		*cpu = vn_host_cpu_init((unsigned)id);
		cpu->online = hwloc_bitmap_isset(online, cpu->id);
	}
	for (size_t i = 0; i < host->n_cpus; i++) {
		struct vn_host_cpu *cpu = &host->cpus[i];
		int r = cpu->online ? read_cpu(sysfs, cpu) : read_offline_node(sysfs, cpu);
		if (r < 0)
			status = r;
		if (cpu->online && !cpu->siblings)
			host->cores_known = false;
	}
	int r = part_contradicting(sysfs);
	return status < 0 ? status : r;
}

/* CPUs that the scheduler (isolcpus=) or the tick (nohz_full=) leaves alone. A kernel without the feature has the file
 * with `(null)`, padded with blanks to a column for each possible CPU (printk's "%*pbl" of no mask), or no file. isolcpus=
 * may name CPUs that are possible but not present: they are no CPUs of this host. */
static int read_kept_free(struct vn_sysfs *sysfs, hwloc_const_bitmap_t present)
{
	static const char *const files[] = {"isolated", "nohz_full"};
	hwloc_bitmap_t *const sets[] = {&sysfs->host->isolated_cpus, &sysfs->host->nohz_full_cpus};

	for (size_t i = 0; i < 2; i++) {
		char path[VN_PATH_TEXT / 2];
		vn_autofree char *text = NULL;
		snprintf(path, sizeof(path), CPU_DIRECTORY "/%s", files[i]);
		int r = vn_sysfs_read(sysfs, path, &text);
		if (r == -ENOENT || (r == 0 && strncmp(text + strspn(text, " "), "(null)", 6) == 0))
			continue;
		if (r == 0)
			r = vn_sysfs_read_set(sysfs, CPU_DIRECTORY, files[i], NULL, sets[i]);
		if (r < 0)
			return r;
		if (hwloc_bitmap_and(*sets[i], *sets[i], present) < 0)
			return vn_error_environment(sysfs->err, -ENOMEM, "out of memory");
	}
	return 0;
}

int vn_sysfs_cpus(struct vn_sysfs *sysfs)
{
	vn_autoset present = NULL, online = NULL;
	int r = vn_sysfs_list_ids(sysfs, CPU_DIRECTORY, "cpu", VN_SET_MAX, &present);

	if (r == -ENOENT)
		return vn_sysfs_problem(
			sysfs, CPU_DIRECTORY, "is not there; expected a tree that holds sys/devices/system");
	if (r < 0)
		return r;
	r = vn_sysfs_read_set(sysfs, CPU_DIRECTORY, "online", NULL, &online);
	if (r == -ENOENT) {
		online = hwloc_bitmap_alloc();
		r = online ? ask_each_cpu(sysfs, present, online) : -ENOMEM;
	} else if (r == 0) {
		r = hwloc_bitmap_or(present, present, online) < 0 ? -ENOMEM : 0;
	}
	if (r == -ENOMEM)
		return vn_error_environment(sysfs->err, r, "out of memory");
	if (r < 0)
		return r;
	r = add_cpus(sysfs, present, online);
	int s = read_kept_free(sysfs, present);
	return r < 0 ? r : s;
}
