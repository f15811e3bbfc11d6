/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The host as `numactl --hardware` tells it. Pure. */

#include <stdio.h>

#include "../model/host.h"

/*
 * What numactl 2.0.16 would print on that host, byte for byte. Like numactl it knows nothing of the process's cpuset: all
 * nodes are told. A node's CPUs are those online, as in the kernel's cpumap (drivers/base/node.c, node_read_cpumap());
 * offline ones are in no line. What the source does not tell of free memory is `<not available>`, numactl's words for it.
 *
 * Where numactl prints something else: for a kernel without NUMA, numactl has an error only (here it is one node of
 * everything); and the one node of a source that tells no distances is at 10 from itself, by the SLIT's definition.
 */
void vn_host_print_numactl(const struct vn_host *host, FILE *out);
