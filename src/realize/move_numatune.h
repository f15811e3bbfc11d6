/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The nodes of a libvirt domain, where the cgroups that a move changes are libvirt's.
 *
 * Theory of operation: libvirt keeps the nodes of <numatune> in the definition of the running domain, and writes them into the cpuset.mems of
 * its threads' cgroups (emulator, vcpuN, iothreadN). If these are changed behind its back, `virsh numatune` and the XML go on telling the old
 * ones, and what libvirt does next, for a vCPU that is plugged in, say, goes by them. So libvirt is told, at each step; then the files
 * are looked at (move_cpusets.h), for it has one set of nodes for all of them, and may say no. libvirt 9.0, asked in the lab
 * (tests/lab/move.t), takes other nodes of a running domain in mode `restrictive`, and refuses any other mode ("change of nodeset for running
 * domain requires restrictive numa mode", qemuDomainSetNumaParamsLive(), src/qemu/qemu_driver.c). Other versions have other rules, so it is
 * always asked. What it refuses is done without it, and a note tells its words. A daemon that does not answer within VN_VIRT_ANSWER_MS holds up
 * the move that long, once at each step.
 *
 * What libvirt has at first is asked before the journal is written, which keeps it: undo tells libvirt that again.
 *
 * Notes, by code:
 *
 * | code | says |
 * | --- | --- |
 * | libvirt-not-told | libvirt cannot be asked, has no nodes (undo could not tell it none), or says no: `virsh numatune` tells other nodes than the cgroups have |
 * | libvirt-left-cpuset | it says that it has done it, but not all cgroups are as they have to be: they are written (move_cpusets.h) |
 */

#include "move_cpusets.h"

/*
 * Once the cgroups that stand in the way are found: asks libvirt, if there are any, for what it has: move->numatune's `before`; NULL: it is not
 * told. With `first`, the journal of an earlier move, what was told then keeps its own. That libvirt cannot be asked is a note. 0 or -ENOMEM.
 */
int vn_move_numatune_ask(struct vn_move *move, const struct vn_move *first);

/*
 * Once all cgroups are found that it writes: fills `during`, which has all nodes that any of these has or is to have, and `after`.
 * 0 or -ENOMEM.
 */
int vn_move_numatune_reckon(struct vn_move *move, const struct vn_move *first);

/* Tells libvirt. *ret_changed: it has taken nodes that it did not have. A note says why it has not what it was to have. 0 or -ENOMEM. */
int vn_move_numatune_set(struct vn_move *move, enum vn_cpuset_step step, bool *ret_changed);
