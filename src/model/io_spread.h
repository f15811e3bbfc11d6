/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Which vnode each device is with, and which vnode's home each of its threads on the host belongs to. The command
 * line is made by these rules, and threads are pinned by them.
 */

#include "plan.h"

/* The vnode that a device is with: by wish, or else the vnodes that have vCPUs in turn, disks and interfaces each on their own. */
unsigned vn_disk_vnode(const struct vn_guest *guest, size_t index);
unsigned vn_vif_vnode(const struct vn_guest *guest, size_t index);
unsigned vn_hostdev_vnode(const struct vn_guest *guest, size_t index);

/* Which vCPUs send through queue pair `queue` of `queues`: drivers/net/virtio_net.c, virtnet_set_affinity().
 */
void vn_queue_vcpus(
	unsigned vcpus, unsigned queues, unsigned queue, unsigned *ret_first, unsigned *ret_count);

/*
 * The vnode whose vCPUs use queue pair `queue` of interface `index` most: its vhost worker belongs there. Of several that
 * use it as much it is the interface's own vnode, or else the lowest. A sole queue pair is the interface's own.
 */
unsigned vn_queue_vnode(const struct vn_guest *guest, size_t index, unsigned queue);
