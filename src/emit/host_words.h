/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What pictures of a host say in words. */

#include "../model/host.h"

/* What stands out of a node's memory: "HBM", "CXL", ...; NULL for DRAM and for what is not known. */
const char *vn_kind_word(enum vn_memory_kind kind);

/* "network", "storage", ...: what matters to a VM's I/O; NULL for bridges, USB and the like. */
const char *vn_device_word(const struct vn_host_device *device);

/* The device's interfaces and block devices, blank between, and the driver when it is vfio-pci. New string, NULL when memory is
 * short. */
char *vn_device_names(const struct vn_host_device *device);

/* "8 nodes in 2 packages, 64 CPUs in 32 cores, 503 GiB memory, 480 GiB free". New string, NULL when memory is short. */
char *vn_host_totals(const struct vn_host *host);

/* Packages of these CPUs; a new set, empty where one is not known. NULL when memory is short. */
hwloc_bitmap_t vn_cpus_packages(const struct vn_host *host, hwloc_const_bitmap_t cpus);
