/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * From what a VM is and a plan for it to what has to be done: which thread to which CPUs, which memory to which node. Pure.
 *
 * Notes in the move, by code:
 *
 * | code | says |
 * | --- | --- |
 * | cpus-forbidden | CPUs that the plan gives are left out: the VM's cpuset does not allow them |
 * | cpus-offline | CPUs that the plan gives are left out: they are not online |
 * | vcpus-unnamed | which thread is which vCPU is not known: each gets all CPUs of the one home |
 * | threads-left | threads are left alone: which CPUs they may use could not be read, so there would be no way back |
 * | workers-on-vcpus | the plan leaves no CPU of their home to I/O threads: they share those of vCPUs that do not kick them |
 * | workers-off-home | nor is there such a one: they go to another home's, or share the CPU of a vCPU that kicks them |
 * | block-not-found | memory of a vnode stays: where QEMU has it is not known |
 * | interleaved-left | memory stays that is dealt out page by page on purpose |
 * | sizes-differ | the VM has more or less memory than the plan tells, by more than QEMU rounds up |
 * | memory-short | so much of it stays, as the target has too little free beyond the reserve |
 * | hugepages-short | the same of the target's pool of huge pages |
 * | policy-keeps-old-node | pages that are touched anew go where the policy says, which nobody can change from outside |
 * | cpuset-widened | the cgroup's cpuset.mems lacks a target, and is to have it |
 * | cpuset-unknown | the same, but which cgroup that is, is not known |
 * | libvirt-owns-cpuset | that cgroup is libvirt's, which is told |
 * | kernel-balancing-may-undo | NUMA balancing may move pages that no policy binds |
 * | devices-pin-memory | the VM has devices of the host: memory that these may access does not move |
 * | irqs-managed | interrupts stay that the kernel places |
 * | irqs-left | interrupts stay: where they may go could not be read |
 */

#include "../model/move.h"

struct vn_rehome_wish {
	bool threads, memory; /* at least one */
	bool irqs; /* those of its devices, too */
	struct vn_move_limits limits;
};

/*
 * Reckons the move of sample->vms[vm] to `plan`, which has to be of a guest with the VM's vnodes and vCPUs (else -EINVAL with a problem
 * for each difference). A thread, an interrupt that needs no change is in it all the same, with `before` equal to `after`: undo
 * restores what others may have changed meanwhile, and reports tell them as kept. Ranges whose pages are there already are in it, too:
 * a sample does not know every page. Blocks of no vnode (video memory, ROMs) are not. Without wish->threads there are no threads; without
 * wish->memory blocks and ranges are there all the same, for who resumes the move, but that they do not fit is no problem.
 *
 * vCPUs get the plan's CPUs. Iothreads and vhost workers get the CPUs of the home of the vnode that they work for (the vnode whose vCPUs
 * use the queue; where several do, the homes of all) that the plan leaves to the emulator, and never a CPU that a vCPU that kicks them is
 * tied to while another is left there. The emulator's threads get plan->emulator_cpus. CPUs that the VM's cpuset forbids are left out,
 * with a note; where that leaves none, -EINVAL and what forbids it.
 */
int vn_rehome(const struct vn_sample *sample, size_t vm, const struct vn_plan *plan,
	const struct vn_rehome_wish *wish, struct vn_move **ret_move, struct vn_error *err);
