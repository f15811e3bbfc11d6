/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* A VM's memory: which mappings of QEMU are the guest's, of which vnode, under which policy, and where its pages are. */

#include "survey.h"

struct vn_monitor_facts;

/*
 * Finds the blocks of vm->guest in /proc/PID/maps and ties them to vnodes, by what QEMU said of itself (`facts`, NULL: nothing), the
 * record, or the command line; their policies, as long as asking does not cost more than a bounded number of pages walked; and the
 * process's own policy. 0, -ENOMEM, or -ESRCH when the VM is gone; what could not be read is a gap.
 */
int vn_blocks_find(
	const struct vn_survey *survey, const struct vn_monitor_facts *facts, struct vn_vm_sample *vm);

/* Where their pages are: sampled, or with survey->exact counted. 0, -ENOMEM, -ESRCH. */
int vn_blocks_look(const struct vn_survey *survey, struct vn_vm_sample *vm);
