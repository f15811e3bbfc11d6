/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu_process.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "../base/qemu_options.h"

#define FIRST_WORD 4096 /* bytes of a path that are looked at */

/* Up to the newline of comm, or the " (deleted)" that the kernel adds to a program that an upgrade replaced. */
static bool is_qemu_name(const char *name)
{
	return vn_qemu_program_of(name, strcspn(name, " \n")) == VN_QEMU_VM;
}

/* -name process= changes the kernel's name of it, but not its first word, which all may read. */
static bool is_first_word(const struct vn_root *root, pid_t pid)
{
	char path[64], word[FIRST_WORD];

	snprintf(path, sizeof(path), "proc/%d/cmdline", pid);
	vn_autoclose int fd = vn_root_open_path(root, path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, word, sizeof(word) - 1);
	if (n <= 0)
		return false;
	word[n] = '\0';
	return vn_qemu_program_of(word, strlen(word)) == VN_QEMU_VM;
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
	int r = vn_root_read(root, path, &comm);
	return r == 0 && (is_qemu_name(comm) || is_first_word(root, pid));
}
