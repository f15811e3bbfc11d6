/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* How local a VM is, with the intervals that its samples leave. */

#include "case.h"

/* Fills all of the->audit but its findings. 0 or -ENOMEM. */
int vn_locality(struct vn_case *the);

/* R of a vnode for vCPUs that are on nodes as `on` has it; only of one with memory that is known and present. */
struct vn_share_interval vn_locality_of(const struct vn_case *the, size_t vnode, const double *on);
