/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: proc/self/cgroup names the process's cgroup in each hierarchy, `0::/a/b` in that of version 2, `4:memory:/a/b`
 * in one of version 1. The limits of that one and of all above it hold, so the least counts. The hierarchies are looked for where
 * systemd and containers mount them. In a container the path may be the host's, and not be there: what is mounted is then the
 * container's own cgroup, which the walk ends at.
 *
 * Page cache is charged to a cgroup, but given up before anything fails: it counts as free, as it does on nodes.
 *
 * Sources: Linux, Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/memory.rst, Documentation/scheduler/sched-bwc.rst.
 */
#define _GNU_SOURCE
#include "cgroup.h"

#include <string.h>

#include "../base/parse.h"
#include "../base/text.h"

#define MOUNT "sys/fs/cgroup"
#define MAX_MICROSECONDS (UINT64_C(1) << 50)

/* The figure behind a key of memory.stat; 0 when it is not told. */
static uint64_t stat_figure(const char *text, const char *key)
{
	vn_autofree char *number = vn_line_value(text, key, ' ');
	uint64_t figure = 0;

	if (number)
		vn_parse_u64(number, VN_MAX_AMOUNT, &figure);
	return figure;
}

/* A file that holds one number. False for none: `max`, -1, or one so large that it means no limit. */
static bool read_number(const struct vn_sysfs *sysfs, const char *folder, const char *name, uint64_t *ret)
{
	vn_autofree char *path = vn_format("%s/%s", folder, name);
	uint64_t number;

	if (!path || vn_root_read_u64(&sysfs->root, path, &number) < 0 || number >= VN_MAX_AMOUNT)
		return false;
	*ret = number;
	return true;
}

static void read_memory(struct vn_sysfs *sysfs, const char *folder, bool second)
{
	static const char *const cached[][3] = {{"total_active_file", "total_inactive_file", NULL},
		{"active_file", "inactive_file", "slab_reclaimable"}};
	vn_autofree char *path = vn_format("%s/memory.stat", folder), *text = NULL;
	struct vn_host *host = sysfs->host;
	uint64_t limit = 0, used = 0, cache = 0;

	if (!path || !read_number(sysfs, folder, second ? "memory.max" : "memory.limit_in_bytes", &limit))
		return;
	read_number(sysfs, folder, second ? "memory.current" : "memory.usage_in_bytes", &used);
	if (vn_root_read(&sysfs->root, path, &text) == 0) {
		for (size_t i = 0; i < 3 && cached[second][i]; i++)
			cache += stat_figure(text, cached[second][i]);
	}
	used -= cache < used ? cache : used;
	uint64_t left = limit > used ? limit - used : 0;
	if (!host->has_cgroup_memory || left < host->cgroup_memory)
		host->cgroup_memory = left;
	host->has_cgroup_memory = true;
}

/* cpu.max is `QUOTA PERIOD`, in microseconds, or `max PERIOD`. */
static bool read_cpu_max(const struct vn_sysfs *sysfs, const char *folder, uint64_t *quota, uint64_t *period)
{
	vn_autofree char *path = vn_format("%s/cpu.max", folder), *text = NULL;

	if (!path || vn_root_read(&sysfs->root, path, &text) < 0)
		return false;
	char *second = strchr(text, ' ');
	if (!second)
		return false;
	*second++ = '\0';
	second[strcspn(second, "\n")] = '\0';
	return vn_parse_u64(text, MAX_MICROSECONDS, quota) == 0 &&
	       vn_parse_u64(second, MAX_MICROSECONDS, period) == 0;
}

static void read_cpu(struct vn_sysfs *sysfs, const char *folder, bool second)
{
	struct vn_host *host = sysfs->host;
	uint64_t quota = 0, period = 0;
	bool told = second ? read_cpu_max(sysfs, folder, &quota, &period)
			   : read_number(sysfs, folder, "cpu.cfs_quota_us", &quota) &&
				     read_number(sysfs, folder, "cpu.cfs_period_us", &period);

	if (!told || quota == 0 || quota > MAX_MICROSECONDS || period == 0)
		return;
	uint64_t millicpus = (quota * 1000 + period - 1) / period;
	if (host->cgroup_millicpus == 0 || millicpus < host->cgroup_millicpus)
		host->cgroup_millicpus = millicpus;
}

/* Calls for the cgroup of that path, and for all above it. */
static void walk(struct vn_sysfs *sysfs, const char *mount, const char *path, bool second,
	void (*call)(struct vn_sysfs *, const char *folder, bool second))
{
	/* `/../a`: outside of what this process's namespace shows */
	vn_autofree char *folder = vn_format("%s%s", mount, strstr(path, "/..") ? "" : path);

	for (char *end = folder ? folder + strlen(folder) : NULL; end; end = strrchr(folder, '/')) {
		*end = '\0';
		if (strlen(folder) < strlen(mount))
			break;
		call(sysfs, folder, second);
	}
}

/* Whether the list `memory,hugetlb` has this one. */
static bool has_controller(const char *list, const char *name)
{
	size_t n = strlen(name);

	for (const char *at = list; *at; at += strcspn(at, ","), at += *at == ',') {
		if (strncmp(at, name, n) == 0 && (at[n] == ',' || at[n] == '\0'))
			return true;
	}
	return false;
}

/* A line `ID:CONTROLLERS:PATH`, which is cut up. */
static void read_line(struct vn_sysfs *sysfs, char *line)
{
	char *controllers = strchr(line, ':'), *path = controllers ? strchr(controllers + 1, ':') : NULL;

	if (!path)
		return;
	*controllers++ = '\0';
	*path++ = '\0';
	if (*controllers ==
		'\0') { /* version 2; beside version 1 it is mounted elsewhere, as a rule without these controllers */
		walk(sysfs, MOUNT, path, true, read_memory);
		walk(sysfs, MOUNT, path, true, read_cpu);
		return;
	}
	vn_autofree char *mount = vn_format(MOUNT "/%s", controllers);
	if (mount && has_controller(controllers, "memory"))
		walk(sysfs, mount, path, false, read_memory);
	if (mount && has_controller(controllers, "cpu"))
		walk(sysfs, mount, path, false, read_cpu);
}

void vn_sysfs_cgroup(struct vn_sysfs *sysfs)
{
	vn_autofree char *text = NULL;

	sysfs->host->has_cgroup_memory = false;
	sysfs->host->cgroup_memory = sysfs->host->cgroup_millicpus = 0;
	if (vn_root_read(&sysfs->root, "proc/self/cgroup", &text) < 0)
		return;
	for (char *line = text, *rest; *line; line = rest) {
		rest = line + strcspn(line, "\n");
		if (*rest)
			*rest++ = '\0';
		read_line(sysfs, line);
	}
}
