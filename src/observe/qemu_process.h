/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Which processes are QEMU. */

#include <sys/types.h>

#include "../base/rootfs.h"

/*
 * By the program it runs: what it calls itself does not count (a script of that name, `-name process=`). Only where the program may
 * not be looked at does the kernel's name of the process decide, or the first word of its command line; then *ret_sure is false. A process that is gone is none.
 */
bool vn_is_qemu(const struct vn_root *root, pid_t pid, bool *ret_sure);
