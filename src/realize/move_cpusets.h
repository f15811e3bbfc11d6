/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The cgroups whose cpuset.mems stands in the way of a move.
 *
 * Theory of operation: move_pages(2) refuses a target that the cpuset of the VM's main thread does not allow, and what vCPU threads fault
 * in later comes where their cpuset says. libvirt gives the VM a cgroup, and below it one to each vCPU and to the emulator; what a cgroup
 * may use is what it says and all above it say. So each of those that has a cpuset.mems of its own and lacks a target is widened by the
 * targets first, outermost first. Widening moves no page: the nodes that were allowed still are. At the end each is narrowed
 * to the targets. That lets the kernel move, at once and unthrottled, what is still elsewhere: so it is only done when all of the
 * guest's memory has moved; QEMU's own, a few MiB, goes that way. It also rebinds the policies of the VM's memory to the new nodes, by
 * position, which nothing else can do from outside. A cgroup that others are in, too, stays widened.
 *
 * libvirt is told of each step first (move_numatune.h), and writes what its threads' cgroups are to have; what they do not have then, and
 * the cgroups that are not its own, are written here. It gives all of them the same nodes, those too that lacked none: where it is told, all
 * that have nodes of their own are on record, for undo, and for what it is told in step to take none away. Each step can be done twice.
 */

#include "../model/move.h"

/*
 * Fills move->cpusets by its mems_during and mems_after. With `first`, the journal of an earlier move of the same process, what is in it keeps its `before`, and what
 * only that has is kept, too: all there is where no memory moves. No cgroup of version 2 is no failure: there is nothing to widen. libvirt is
 * asked what it has of it (move->numatune). 0, -ENOMEM, -ESRCH.
 */
int vn_move_cpusets_find(struct vn_move *move, const struct vn_move *first, struct vn_error *err);

enum vn_cpuset_step { VN_CPUSET_WIDEN, VN_CPUSET_NARROW, VN_CPUSET_BACK };

/* Whether it is one that libvirt makes for threads of a domain: /…/emulator, /…/vcpuN, /…/iothreadN. */
bool vn_cgroup_is_domain_thread(const char *path);

/* Sets `during`, `after`, or `before`. A cgroup that is gone is passed over. 0, or the first failure, with a problem each. */
int vn_move_cpusets_set(struct vn_move *move, enum vn_cpuset_step step, struct vn_error *err);
