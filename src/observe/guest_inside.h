/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What the inside of a guest says of its nodes and its network queues, asked of its agent. Changes nothing there. */

#include "../model/guest_inside.h"
#include "../model/sample.h"
#include "../qga/qga.h"

/*
 * Notes, by code:
 *
 * | code | says |
 * | --- | --- |
 * | guest-nic-unknown | which interface of the guest's a network device is, is not known: it is left as it is |
 * | guest-queues-unknown | what the guest's kernel has set for its queues cannot be read: it is left as it is |
 * | guest-irqs-left | a device's interrupts are left as they are: it has none for each queue, or they cannot be read |
 */

/*
 * Asks the agent about the network devices of `vm` that have several queues. -EPERM (the agent does not allow what it takes), or as
 * qga.h has it; then *ret_inside is untouched.
 */
int vn_guest_inside_read(struct vn_qga *agent, const struct vn_vm_sample *vm,
	struct vn_guest_inside *ret_inside, struct vn_error *err);
