/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* CPUs that a VM's cgroup allows, whatever its threads' own masks say. */

#include "../base/rootfs.h"
#include "../model/sample.h"

/* Sets vm->cpus, with vm->cgroup and vm->manager known; NULL where that cannot be read. 0 or -ENOMEM. */
int vn_cpuset_read(const struct vn_root *root, struct vn_vm_sample *vm);
