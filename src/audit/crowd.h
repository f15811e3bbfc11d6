/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Which busy vCPUs of all VMs share cores and CPUs. */

#include "../model/audit.h"

#define VN_BUSY 0.5 /* of a CPU, run and waited for: a thread that wants at least this much is busy */

/* A busy vCPU that stays in one core. */
struct vn_seat {
	unsigned core; /* the lowest CPU of it */
	unsigned cpu; /* that it is kept on, or was on whenever it was seen */
	bool pinned; /* it is kept there */
	double demand; /* CPUs */
	const struct vn_vm_sample *vm;
	const struct vn_thread_sample *thread;
};

struct vn_crowd {
	size_t n;
	struct vn_seat *seats; /* by core */
	hwloc_bitmap_t busy; /* CPUs of cores that some busy vCPU was on; owned */
	hwloc_bitmap_t
		taken; /* CPUs that are the only one of some vCPU, vhost worker or iothread, busy or not; owned */
	hwloc_bitmap_t given; /* CPUs that a fix gave a vCPU to be alone on: no two get the same; owned */
};

int vn_crowd_make(const struct vn_sample *sample, struct vn_crowd *ret_crowd);
void vn_crowd_clear(struct vn_crowd *crowd);
#define vn_autocrowd vn_cleanup(vn_crowd_clear) struct vn_crowd

/* The seat of a thread; NULL: it is not busy, or was on several CPUs. */
const struct vn_seat *vn_crowd_seat(const struct vn_crowd *crowd, const struct vn_thread_sample *thread);
