/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sys/devices/system/cpu: which CPUs there are, which are online, and which threads share a core or an L3
 * cache. */
#include "sysfs.h"

#include <stdint.h>
#include <string.h>

#define CPU_DIRECTORY "sys/devices/system/cpu"
#define MAX_CACHES 16 /* index0..: x86 has 4, the most known is 5 */

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
	if (hwloc_bitmap_isset(siblings, cpu->id))
		cpu->siblings = vn_steal(siblings);
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

static int read_topology(struct vn_sysfs *sysfs, struct vn_host_cpu *cpu)
{
	static const char *const names[] = {"physical_package_id", "die_id", "core_id"};
	int *const values[] = {&cpu->package, &cpu->die, &cpu->core};
	char directory[VN_PATH_TEXT / 2], path[VN_PATH_TEXT];

	snprintf(directory, sizeof(directory), CPU_DIRECTORY "/cpu%u/topology", cpu->id);
	for (size_t i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
		int r = vn_sysfs_read_id(sysfs, path, values[i]);
		if (r < 0)
			return r;
	}
	int r = read_cluster(sysfs, cpu, directory);
	return r < 0 ? r : read_siblings(sysfs, cpu, directory);
}

/* The L3 cache is named after the lowest CPU that shares it: sysfs has an id for it only on some machines. */
static int read_l3(struct vn_sysfs *sysfs, struct vn_host_cpu *cpu)
{
	for (int i = 0; i < MAX_CACHES; i++) {
		char directory[VN_PATH_TEXT / 2], path[VN_PATH_TEXT];
		vn_autoset sharers = NULL;
		int level = 0;

		snprintf(directory, sizeof(directory), CPU_DIRECTORY "/cpu%u/cache/index%d", cpu->id, i);
		snprintf(path, sizeof(path), "%s/level", directory);
		int r = vn_sysfs_read_id(sysfs, path, &level);
		if (r < 0)
			return r;
		if (level == 0)
			break; /* no such cache */
		if (level != 3)
			continue;
		r = vn_sysfs_read_set(sysfs, directory, "shared_cpu_list", "shared_cpu_map", &sharers);
		if (r < 0)
			return r == -ENOENT ? 0 : r;
		cpu->l3 = hwloc_bitmap_first(sharers);
		break;
	}
	return 0;
}

static int read_cpu(struct vn_sysfs *sysfs, struct vn_host_cpu *cpu)
{
	int r = read_topology(sysfs, cpu);
	int s = read_l3(sysfs, cpu);
	return r < 0 ? r : s;
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
		int r = cpu->online ? read_cpu(sysfs, cpu) : 0;
		if (r < 0)
			status = r;
		if (cpu->online && !cpu->siblings)
			host->cores_known = false;
	}
	return status;
}

/* CPUs that the scheduler (isolcpus=) or the tick (nohz_full=) leaves alone. A kernel without the feature has the file
 * with `(null)`, or no file. */
static int read_kept_free(struct vn_sysfs *sysfs)
{
	static const char *const files[] = {"isolated", "nohz_full"};
	hwloc_bitmap_t *const sets[] = {&sysfs->host->isolated_cpus, &sysfs->host->nohz_full_cpus};

	for (size_t i = 0; i < 2; i++) {
		char path[VN_PATH_TEXT / 2];
		vn_autofree char *text = NULL;
		snprintf(path, sizeof(path), CPU_DIRECTORY "/%s", files[i]);
		int r = vn_sysfs_read(sysfs, path, &text);
		if (r == -ENOENT || (r == 0 && strncmp(text, " (null)", 7) == 0) ||
			(r == 0 && strncmp(text, "(null)", 6) == 0))
			continue;
		if (r == 0)
			r = vn_sysfs_read_set(sysfs, CPU_DIRECTORY, files[i], NULL, sets[i]);
		if (r < 0)
			return r;
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
	int s = read_kept_free(sysfs);
	return r < 0 ? r : s;
}
