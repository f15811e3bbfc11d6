/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* A loaded topology of hwloc -> the host. Internal to discover/. */

#include <hwloc.h>

#include "../model/host.h"

static inline void vn_topology_freep(hwloc_topology_t *topology)
{
	if (*topology)
		hwloc_topology_destroy(*topology);
}
#define vn_autotopology vn_cleanup(vn_topology_freep) hwloc_topology_t

/* An empty topology that will keep all it is given: every type, I/O too, and CPUs that a cgroup forbade. */
int vn_topology_new(hwloc_topology_t *ret_topology, struct vn_error *err);

/* The whole host, finished (vn_host_finish). */
int vn_topology_host(
	hwloc_topology_t topology, const char *source, struct vn_host **ret_host, struct vn_error *err);

/* The parts that have a file of their own: each adds to `host`, whose nodes and CPUs are there. -ENOMEM. */
int vn_topology_memory(hwloc_topology_t topology, struct vn_host *host);
int vn_topology_devices(hwloc_topology_t topology, struct vn_host *host);
