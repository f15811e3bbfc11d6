/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The host from any source: `live`, `sysfs:DIR`, `tar:FILE`, `numactl:FILE`. */

#include "../model/host.h"

/*
 * Reads the host that `source` names. A source that is not understood, or whose content is wrong, is a
 * problem of the input; a /sys that cannot be read is the environment's. *ret_host is new; untouched on
 * failure.
 */
int vn_discover(const char *source, struct vn_host **ret_host, struct vn_error *err);

/* A tree that holds sys/devices/system/… (and proc/meminfo): "/" is the live host. */
int vn_discover_sysfs(const char *root, struct vn_host **ret_host, struct vn_error *err);

/* The same in an archive, as hwloc-gather-topology and `vnuma gather` write them (base/archive.h). */
int vn_discover_tar(const char *file, struct vn_host **ret_host, struct vn_error *err);

/*
 * The text that `numactl --hardware` prints; `file` is for messages. Lines that start with `#` are skipped.
 * Both column styles of the distance table are read; free lines may be missing; nodes without CPUs or without
 * memory are kept.
 */
int vn_discover_numactl(const char *text, const char *file, struct vn_host **ret_host, struct vn_error *err);
