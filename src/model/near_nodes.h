/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Where work for a node's memory is done best. */

#include "host.h"

/*
 * Indices of the nodes with CPUs that are nearest to a node: itself, if it has CPUs; all that have some, where a distance is not told
 * (one of 10 to another node tells nothing). Adds to `ret`. 0 or -ENOMEM.
 */
int vn_near_nodes(const struct vn_host *host, size_t node, hwloc_bitmap_t ret);

/* Adds the online CPUs of these nodes (indices) to `ret`. 0 or -ENOMEM. */
int vn_near_cpus(const struct vn_host *host, hwloc_const_bitmap_t nodes, hwloc_bitmap_t ret);
