/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What io.c and io_move.c share: a look at a VM's I/O, and the CPUs that there are for it. */

#include "io.h"

struct vn_io_looker {
	const struct vn_sample *sample;
	const struct vn_host *host;
	const struct vn_vm_sample *vm;
	struct vn_io *io;
	int *homes; /* ids by vnode; -1: not known, or none; owned */
	bool *spread; /* by vnode; owned */
	hwloc_bitmap_t usable; /* CPUs that are online, and that the VM's cpuset allows; owned */
	hwloc_bitmap_t at_home; /* of these those of any home of the VM; owned */
	hwloc_bitmap_t taken; /* CPUs that are the only ones of somebody; owned */
};

void vn_io_looker_clear(struct vn_io_looker *the);
#define vn_autoiolooker vn_cleanup(vn_io_looker_clear) struct vn_io_looker

/* Finds the CPUs that may be used and those that are taken; host, vm and sample are told. 0 or -ENOMEM. */
int vn_io_looker_open(struct vn_io_looker *the);

/*
 * CPUs of a thread that these vCPUs wake and that belongs to the CPUs of `near`, into `ret`; `within`: it gets no others. 1, and how they were
 * found (io_cpus.h); 0: there are none; -ENOMEM.
 */
int vn_io_looker_cpus(const struct vn_io_looker *the, hwloc_const_bitmap_t vcpus, hwloc_const_bitmap_t near,
	bool within, hwloc_bitmap_t ret, size_t *ret_way);
