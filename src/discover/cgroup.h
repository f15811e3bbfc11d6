/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What the cgroups of this process let it have, beside the cpuset. Internal to discover/. */

#include "sysfs.h"

/* Fills cgroup_memory and cgroup_millicpus of sysfs->host anew; what cannot be read is no limit: the kernel still has it. */
void vn_sysfs_cgroup(struct vn_sysfs *sysfs);
