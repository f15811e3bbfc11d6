/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "sysfs.h"

#include <string.h>

#include "../base/text.h"
#include "cgroup.h"
#include "discover.h"

/* The list behind `KEY:` of proc/self/status; NULL when it is not told. */
static hwloc_bitmap_t status_set(const char *status, const char *key)
{
	hwloc_bitmap_t set = NULL;
	vn_autofree char *list = vn_line_value(status, key, ':');

	return list && vn_set_parse(list, &set) == 0 ? set : NULL;
}

/* What this process may use: in a container or a cpuset that is less than the host has. An archive has what the process
 * that gathered it might use; a copied tree has no /proc/self as a rule. */
static void read_allowed(struct vn_sysfs *sysfs)
{
	vn_autofree char *status = NULL;

	if (vn_root_read(&sysfs->root, "proc/self/status", &status) < 0)
		return; /* unknown counts as all: the kernel still refuses what is not allowed */
	sysfs->host->allowed_cpus = status_set(status, "Cpus_allowed_list");
	sysfs->host->allowed_nodes = status_set(status, "Mems_allowed_list");
}

/* A kernel without the feature has no such file. 2 and 3 have come with memory tiers (Linux 5.18). */
static int read_balancing(struct vn_sysfs *sysfs)
{
	int mode = -1, r = vn_sysfs_read_id(sysfs, "proc/sys/kernel/numa_balancing", &mode);

	if (r == 0 && mode <= 3)
		sysfs->host->numa_balancing = mode;
	return r == -ENOENT ? 0 : r;
}

static int read_tree(struct vn_sysfs *sysfs)
{
	/* CPUs first: nodes leave out those that are offline */
	int r = vn_sysfs_cpus(sysfs);
	int s = vn_sysfs_nodes(sysfs);
	int t = s < 0 ? s : vn_sysfs_memory(sysfs);
	int u = vn_sysfs_devices(sysfs);
	int b = read_balancing(sysfs);

	read_allowed(sysfs);
	vn_sysfs_cgroup(sysfs);
	vn_sysfs_tell_rest(sysfs);
	if (vn_left_out_note(&sysfs->numbers, "folders-left-out", "folder", &sysfs->host->notes) < 0)
		return vn_error_environment(sysfs->err, -ENOMEM, "out of memory");
	return r < 0 ? r : t < 0 ? t : u < 0 ? u : b;
}

int vn_sysfs_host(struct vn_root *root, const char *source, struct vn_host **ret_host, struct vn_error *err)
{
	vn_autohost *host = vn_host_new();
	struct vn_sysfs sysfs = {.root = *root, .host = host, .err = err};
	int r = -ENOMEM;

	*root = (struct vn_root){.fd = -1};
	if (host) {
		host->live = sysfs.root.live;
		host->source = vn_copy(source);
	}
	if (!host || !host->source)
		vn_error_environment(err, r, "out of memory");
	else
		r = read_tree(&sysfs);
	if (r == 0)
		r = vn_host_finish(host, err);
	if (r == 0)
		r = vn_sysfs_memory_notes(&sysfs);
	if (r == 0)
		*ret_host = vn_steal(host);
	vn_root_close(&sysfs.root);
	return r;
}

int vn_discover_sysfs(const char *path, struct vn_host **ret_host, struct vn_error *err)
{
	vn_autoroot root = {.fd = -1};
	int r = vn_root_open(path, &root, err);

	if (r < 0)
		return r;
	vn_autofree char *source = root.live ? vn_copy("live") : vn_format("sysfs:%s", path);
	if (!source)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	return vn_sysfs_host(&root, source, ret_host, err);
}
