/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: the affinity of a thread, which /proc tells, says where it may go now; its cpuset where it could ever go. The file
 * with the CPUs in effect is in the cgroup, or where the cpuset controller is not on for that one in the first above it that has it. Two
 * hierarchies may be mounted: version 2's, or cpuset's own of version 1, where systemd puts them.
 *
 * libvirt has the threads of a domain in groups of their own, and the main thread in `emulator`, which says nothing of vCPUs: what holds
 * for all is the group around them, and a thread's own is changed through libvirt.
 *
 * Sources: Linux, Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/cpusets.rst.
 */
#include "vm_cpuset.h"

#include <string.h>

#include "../base/text.h"

static int read_set(const struct vn_root *root, const char *path, hwloc_bitmap_t *ret_set)
{
	vn_autofree char *text = NULL;
	int r = vn_root_read(root, path, &text);

	return r == 0 ? vn_set_parse(text, ret_set) : r;
}

int vn_vm_cpuset_read(const struct vn_root *root, struct vn_vm_sample *vm)
{
	static const char emulator[] = "/emulator";
	vn_autofree char *group = vn_copy(vm->cgroup);
	size_t length = group ? strlen(group) : 0, end = sizeof(emulator) - 1;

	if (!group)
		return -ENOMEM;
	if (vm->manager == VN_MANAGER_LIBVIRT && length > end && strcmp(group + length - end, emulator) == 0)
		group[length - end] = 0;
	while (*group && !vm->cpus) {
		vn_autofree char *second = vn_format("sys/fs/cgroup%s/cpuset.cpus.effective", group),
				 *first = vn_format("sys/fs/cgroup/cpuset%s/cpuset.effective_cpus", group);
		char *last = strrchr(group, '/');
		if (!second || !first)
			return -ENOMEM;
		int r = read_set(root, second, &vm->cpus);
		if (r < 0 && r != -ENOMEM)
			r = read_set(root, first, &vm->cpus);
		if (r == -ENOMEM)
			return r;
		*(last ? last : group) = 0;
	}
	if (vm->cpus && hwloc_bitmap_iszero(vm->cpus)) { /* of a group without threads */
		hwloc_bitmap_free(vm->cpus);
		vm->cpus = NULL;
	}
	return 0;
}
