/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * From what a VM is and a plan for it to what has to be done: which thread to which CPUs, which memory to which node. Pure.
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
 * a sample does not know every page. Blocks of no vnode (video memory, ROMs) are not.
 *
 * vCPUs get the plan's CPUs. Iothreads and vhost workers get the CPUs of the home of the vnode that they work for (the vnode whose vCPUs
 * use the queue; where several do, the homes of all) that the plan leaves to the emulator, and never a CPU that a vCPU that kicks them is
 * tied to while another is left there. The emulator's threads get plan->emulator_cpus. CPUs that the VM's cpuset forbids are left out,
 * with a note; where that leaves none, -EINVAL and what forbids it.
 */
int vn_rehome(const struct vn_sample *sample, size_t vm, const struct vn_plan *plan,
	const struct vn_rehome_wish *wish, struct vn_move **ret_move, struct vn_error *err);
