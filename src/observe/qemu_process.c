/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu_process.h"

#include <stdio.h>
#include <string.h>

/* The kernel cuts its names after 15 characters, and adds " (deleted)" to a program that an upgrade replaced. */
static bool is_qemu_name(const char *name)
{
	size_t n = strcspn(name, " \n");

	name += *name == '.';
	return strncmp(name, "qemu-system", 11) == 0 || (n == 8 && strncmp(name, "qemu-kvm", 8) == 0) ||
	       (n == 3 && strncmp(name, "kvm", 3) == 0);
}

bool vn_is_qemu_program(const char *path)
{
	const char *slash = strrchr(path, '/');

	return is_qemu_name(slash ? slash + 1 : path);
}

bool vn_is_qemu(const struct vn_root *root, pid_t pid, bool *ret_sure)
{
	vn_autofree char *comm = NULL;
	vn_autofree char *exe = NULL;
	char path[64];

	snprintf(path, sizeof(path), "proc/%d/exe", pid);
	*ret_sure = vn_root_link_name(root, path, &exe) == 0;
	if (*ret_sure)
		return is_qemu_name(exe);
	snprintf(path, sizeof(path), "proc/%d/comm", pid);
	return vn_root_read(root, path, &comm) == 0 && is_qemu_name(comm);
}
