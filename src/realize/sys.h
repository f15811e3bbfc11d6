/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The calls that change where something runs or lies. All of them are here, so that one file tells what vnuma
 * may do. */

#include <sys/types.h>

#include "../base/set.h"

#define VN_CGROUP_MOUNT "/sys/fs/cgroup" /* where systemd and containers mount version 2 */

/*
 * sched_setaffinity(2) for one thread. The kernel cuts the set down to the thread's cpuset without a word:
 * -ENODEV when what it then allows is not what was asked. -ESRCH: no such thread. -EINVAL: no CPU of the set
 * is online and allowed.
 */
int vn_sys_set_affinity(pid_t tid, hwloc_const_bitmap_t cpus);

/* sched_getaffinity(2) into `cpus`. */
int vn_sys_get_affinity(pid_t tid, hwloc_bitmap_t cpus);

/*
 * Writes /proc/irq/NUMBER/smp_affinity_list. -EIO: the kernel places it by itself (a managed interrupt); -ENOENT: there is none; -EINVAL: no
 * CPU of the set is online.
 */
int vn_sys_set_irq_affinity(unsigned irq, hwloc_const_bitmap_t cpus);

/*
 * Writes a cgroup's cpuset.mems; an empty set: it has none of its own. The kernel moves pages of its tasks off nodes that are no longer
 * allowed at once and unthrottled, and rebinds their policies by position (kernel/cgroup/cpuset.c, mm/mempolicy.c of Linux).
 */
int vn_sys_set_cpuset_mems(const char *cgroup, hwloc_const_bitmap_t nodes);

/* Adds the interface to the bridge (SIOCBRADDIF); -EEXIST and -EBUSY when it is in one already. */
int vn_sys_bridge_add(const char *bridge, const char *ifname);

/* Sets the interface IFF_UP. */
int vn_sys_link_up(const char *ifname);

/*
 * move_pages(2): what it returns, or a negative errno. `nodes` NULL: only asks. A positive number of pages was not moved, and then the
 * kernel leaves part of `status` as it was. -EPERM: not permitted; with MPOL_MF_MOVE_ALL that may be about the flag alone.
 */
int vn_sys_move_pages(pid_t pid, size_t n, void **pages, const int *nodes, int *status, int flags);
