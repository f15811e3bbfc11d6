/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The lines of `numactl --hardware`, byte for byte, for all who print them: of the host, and of what a guest will see.
 * Source: what numactl 2.0.16 prints, and its numactl.c, hardware() and print_distances().
 */

#include <stdint.h>
#include <stdio.h>

#include "../base/set.h"

/* `available: 3 nodes (0-1,8)`; ids ascending. */
void vn_numactl_print_available(const unsigned *ids, size_t n, FILE *out);

/* `node 0 cpus: 0 1`, and nothing behind the colon for a node without CPUs. */
void vn_numactl_print_cpus(unsigned id, hwloc_const_bitmap_t cpus, FILE *out);

/* `node 0 size: 4031 MB` (of 2^20 bytes, rounded down); `<not available>` when not known. `key`: "size" or "free". */
void vn_numactl_print_size(unsigned id, const char *key, bool known, uint64_t bytes, FILE *out);

/*
 * The table of distances, with the blank that ends each line. Where the one from the last node to the first is 0, that is
 * numactl's sign that there are none: `No distance information available.` Others that are not known it prints as 0.
 */
void vn_numactl_print_distances(const unsigned *ids, size_t n,
	uint32_t (*distance)(const void *of, size_t i, size_t j), const void *of, FILE *out);
