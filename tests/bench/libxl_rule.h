/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The rule by which Xen's libxl places a domain on NUMA nodes, as its documentation has it (docs/misc/xl-numa-placement): of all
 * sets of k nodes that have CPUs and free memory enough, k as small as can be, the one on which the fewest vCPUs run, and of
 * those the one with the most free memory. Distances play no part. It gives up above 16 nodes.
 */

#include "../../src/model/occupied.h"

#define LIBXL_MAX_NODES 16u

struct libxl_node {
	uint64_t free_mib, vcpus; /* free; that run there */
	unsigned cpus;
};

/* The set as a mask of node indices; 0 when there is none. */
uint32_t libxl_place(const struct libxl_node *nodes, unsigned n, uint64_t mib, unsigned vcpus);
