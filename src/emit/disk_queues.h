/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Foretells which vCPUs use which queue of a virtio disk. The comment at the head of disk_queues.c says how. */

#include "../model/plan.h"

/* How many queues a disk is given: one for each vCPU that is there at start, as QEMU does by itself. */
unsigned vn_disk_queues(const struct vn_guest *guest);

/*
 * Fills in the vnode whose vCPUs use each of the disk's vn_disk_queues() queues. *ret_same: every Linux since 5.4 does so;
 * else 6.12 and what is like it. 0 or -ENOMEM.
 */
int vn_disk_queue_vnodes(
	const struct vn_guest *guest, const struct vn_view *view, unsigned *vnodes, bool *ret_same);
