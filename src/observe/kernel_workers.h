/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Threads of the kernel's that work for VMs. */

#include <sys/types.h>

#include "../base/rootfs.h"

/* A thread of the kernel's that works for a process: vhost-OWNER. */
struct vn_kernel_worker {
	pid_t tid, owner; /* owner: the thread that asked for it */
};

struct vn_kernel_workers {
	size_t n;
	struct vn_kernel_worker *v; /* by tid */
};

/*
 * All that there are: since all processes have to be looked through, once for all VMs (survey->workers). What cannot be looked at
 * is left out. 0 or -ENOMEM.
 */
int vn_kernel_workers_read(const struct vn_root *root, struct vn_kernel_workers *ret_workers);
void vn_kernel_workers_clear(struct vn_kernel_workers *workers);
