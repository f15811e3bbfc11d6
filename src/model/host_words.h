/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What the text and the pictures of a host say in words: each is put in one place, so that both say the same. */

#include "host.h"

enum vn_word_length {
	VN_WORD_BRIEF, /* "CXL": for a badge that says "memory" by where it is */
	VN_WORD_FULL, /* "CXL memory" */
};

/* What stands out of a node's memory; NULL for DRAM and for what is not known. */
const char *vn_kind_word(enum vn_memory_kind kind, enum vn_word_length length);

/* The best class of access that has figures of reading: 1, of CPUs, else 0; NULL when none has. */
const struct vn_memory_access *vn_told_access(const struct vn_host_node *node);

#define VN_BANDWIDTH_TEXT 32

/* "120.5 GB/s"; below 1000 MB/s in those. Returns `buffer`. */
const char *vn_bandwidth_text(uint64_t mb_per_second, char buffer[static VN_BANDWIDTH_TEXT]);

/* "network", "storage", ...: what matters to a VM's I/O; NULL for bridges, USB and the like. */
const char *vn_device_word(const struct vn_host_device *device);

/* The device's interfaces and block devices, blank between, and the driver when it is vfio-pci. New string, NULL when memory is
 * short. */
char *vn_device_names(const struct vn_host_device *device);

/* "8 nodes in 2 packages, 64 CPUs in 32 cores, 503 GiB memory, 480 GiB free": of all that is online, be it in a node or not; a core
 * with CPUs in two nodes is one. New string, NULL when memory is short. */
char *vn_host_totals(const struct vn_host *host);

/* Packages of these CPUs; a new set, empty where one is not known. NULL when memory is short. */
hwloc_bitmap_t vn_cpus_packages(const struct vn_host *host, hwloc_const_bitmap_t cpus);
