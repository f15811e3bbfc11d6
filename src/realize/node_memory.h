/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* How much memory a node of this machine has free right now, and how hard the whole is pressed for it. */

#include <stdint.h>

#include "../base/error.h"

/*
 * Bytes that are free on a node, with what of the page cache was not used lately and needs not be written first: the kernel drops
 * that without anybody waiting. And all that the node has. -ENOENT: there is no such node; -EINVAL: that is not what the kernel writes.
 */
int vn_node_memory(unsigned node, uint64_t *ret_free, uint64_t *ret_total);

/* Of the text of /sys/devices/system/node/nodeN/meminfo. */
int vn_node_memory_parse(const char *text, uint64_t *ret_free, uint64_t *ret_total);

/* Bytes of the pool of huge pages of that size on a node. A size that the kernel does not have has none. */
int vn_node_pool(unsigned node, uint64_t page, uint64_t *ret_free, uint64_t *ret_total);

/* Percent of the last ten seconds in which tasks waited for memory. -ENOENT, -EOPNOTSUPP: the kernel does not tell (CONFIG_PSI, psi=0). */
int vn_memory_pressure(double *ret_percent);

/* Of the text of /proc/pressure/memory. */
int vn_memory_pressure_parse(const char *text, double *ret_percent);
