/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* A round of questions to the monitors of many VMs. */

#include "monitor_facts.h"

/*
 * Asks the monitor of each VM where that disturbs nobody: the VM is vnuma's own, or nobody is connected to its QMP socket and no manager
 * is known that would want to be. facts[i], zeroed by the caller and the caller's to clear, is filled where vms[i] answered (`told`);
 * where it was of no use, a gap of the VM's says why. A VM is waited for 0.3 s at most, and all of them together 1 s. 0 or -ENOMEM.
 */
int vn_monitors_ask(
	const struct vn_survey *survey, struct vn_vm_sample *vms, size_t n, struct vn_monitor_facts *facts);
