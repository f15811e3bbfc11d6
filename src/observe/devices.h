/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Devices of the host that a VM has (VFIO): their nodes and interrupts. */

#include "survey.h"

/* 0, -ENOMEM, -ESRCH; what could not be read is a gap. */
int vn_devices_find(const struct vn_survey *survey, const struct vn_host *host, struct vn_vm_sample *vm);

/* Interrupt counts of all devices' IRQs: adds them (`sign` 1), or takes them off (-1), so that two calls give those between. 0 or
 * -ENOMEM. */
int vn_devices_count_irqs(const struct vn_survey *survey, struct vn_vm_sample *vms, size_t n, int sign);
