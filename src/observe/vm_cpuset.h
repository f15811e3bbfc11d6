/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Which CPUs a VM's cgroup allows. */

#include "../base/rootfs.h"
#include "../model/sample.h"

/* Fills vm->cpus by vm->cgroup; what cannot be read stays not known. 0 or -ENOMEM. */
int vn_vm_cpuset_read(const struct vn_root *root, struct vn_vm_sample *vm);
