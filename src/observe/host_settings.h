/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Settings of the kernel, and daemons, that move memory, threads or interrupts behind a VM's back. */

#include "../base/rootfs.h"
#include "../model/sample.h"

/* What cannot be read stays unknown. 0 or -ENOMEM. */
int vn_settings_read(const struct vn_root *root, struct vn_host_settings *ret_settings);

/* numa_hint_faults and numa_pages_migrated of /proc/vmstat as they stand. -ENODATA: the kernel counts none. */
int vn_settings_faults(const struct vn_root *root, uint64_t *ret_faults, uint64_t *ret_migrated);
