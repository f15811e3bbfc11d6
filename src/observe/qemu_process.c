/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu_process.h"

#include <stdio.h>
#include <string.h>

#include "../base/qemu_options.h"

/* Up to the newline of comm, or the " (deleted)" that the kernel adds to a program that an upgrade replaced. */
static bool is_qemu_name(const char *name)
{
	return vn_qemu_program_of(name, strcspn(name, " \n")) == VN_QEMU_VM;
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
