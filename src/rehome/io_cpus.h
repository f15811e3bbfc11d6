/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Which CPUs an I/O thread gets: the one rule for those that move with their VM (threads.c) and those that go home alone (io.c). */

#include "../model/sample.h"

struct vn_io_room {
	hwloc_const_bitmap_t left; /* CPUs that no vCPU is to have: the emulator's */
	hwloc_const_bitmap_t all; /* that anything of the VM may have */
	hwloc_const_bitmap_t near; /* of the nodes where the thread belongs */
	hwloc_const_bitmap_t tied; /* that vCPUs which wake it are tied to */
};

/*
 * The CPUs, into *ret_cpus, and how they were found: 0: as they should be; 1: they are those of vCPUs that do not wake it; more: they are
 * another home's, or those of a vCPU that does. 1; 0: there is no CPU at all; -ENOMEM.
 */
int vn_rehome_io_cpus(const struct vn_io_room *room, hwloc_bitmap_t ret_cpus, size_t *ret_way);

/* Tells what is not as it should be with the CPUs that a thread is to get. 0 or -ENOMEM. */
int vn_rehome_tell_io(
	struct vn_notes *notes, const struct vn_thread_sample *thread, size_t way, hwloc_const_bitmap_t cpus);
