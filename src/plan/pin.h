/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Which pCPUs each vCPU may use, once the homes are chosen. */

#include "instance.h"

/* Fills vnodes[].cpus, vcpu_cpus and emulator_cpus of a plan whose vnodes and homes (`homes`: indices) are
 * there. `occupied` may be NULL. */
int vn_pin_plan(const struct vn_instance *instance, const struct vn_host *host, const struct vn_guest *guest,
	const struct vn_occupied *occupied, const size_t *homes, struct vn_plan *plan);

/* The CPUs of QEMU's other threads alone: all that the guest may use of the homes that have vCPUs, but for cores that vCPUs have for
 * themselves if any are left. 0 or -ENOMEM. */
int vn_pin_emulator(const struct vn_instance *instance, const size_t *homes, struct vn_plan *plan);
