/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: a cgroup without a file of its own has what the nearest one above has that has one (v2 makes them only where the
 * controller is enabled). Of v2 it is cpuset.cpus.effective, of v1 cpuset.effective_cpus (Linux, Documentation/admin-guide/cgroup-v2.rst
 * and cgroup-v1/cpusets.rst). libvirt keeps QEMU's main thread in a cgroup "emulator", and each vCPU in another beside it: what holds for
 * all is above (src/util/vircgroup.c).
 */
#define _GNU_SOURCE
#include "cpuset.h"

#include <stdio.h>
#include <string.h>

#include "../base/text.h"

static const char *const files[][2] = {{"sys/fs/cgroup", "cpuset.cpus.effective"},
	{"sys/fs/cgroup/cpuset", "cpuset.effective_cpus"}, {"sys/fs/cgroup/cpuset", "cpuset.cpus"}};

#define N_FILES (sizeof(files) / sizeof(files[0]))

/* 1: *ret is the set of the cgroup itself; 0: it has none. */
static int read_set(const struct vn_root *root, const char *cgroup, hwloc_bitmap_t *ret)
{
	for (size_t i = 0; i < N_FILES; i++) {
		vn_autofree char *path = vn_format("%s%s/%s", files[i][0], cgroup, files[i][1]), *text = NULL;
		hwloc_bitmap_t set = NULL;
		if (!path)
			return -ENOMEM;
		if (vn_root_read(root, path, &text) < 0)
			continue;
		text[strcspn(text, "\n")] = 0;
		int r = vn_set_parse(text, &set);
		if (r == -ENOMEM)
			return r;
		if (r == 0 && !hwloc_bitmap_iszero(set)) {
			*ret = set;
			return 1;
		}
		hwloc_bitmap_free(set);
	}
	return 0;
}

/* A path that was cut, or that leads out of the cgroups that can be seen here. */
static bool is_odd(const char *cgroup)
{
	return cgroup[0] != '/' || strstr(cgroup, "…") || strstr(cgroup, "/..");
}

int vn_cpuset_read(const struct vn_root *root, struct vn_vm_sample *vm)
{
	static const char emulator[] = "/emulator";
	char path[sizeof(vm->cgroup)];
	int r = 0;

	snprintf(path, sizeof(path), "%s", vm->cgroup);
	size_t n = strlen(path), end = sizeof(emulator) - 1;
	if (is_odd(path))
		return 0;
	if (vm->manager == VN_MANAGER_LIBVIRT && n > end && strcmp(path + n - end, emulator) == 0)
		path[n - end] = 0;
	for (char *last = path; r == 0 && last;) {
		last = strrchr(path, '/');
		if (last && !last[1])
			*last = 0; /* the topmost is called "/" */
		r = read_set(root, path, &vm->cpus);
		last = strrchr(path, '/');
		if (last)
			*last = 0;
	}
	return r < 0 ? r : 0;
}
