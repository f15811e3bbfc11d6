/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Which vCPUs of a guest are to use which queue pair of its network devices, so that no queue serves two vnodes. Pure.
 *
 * Theory of operation: left to itself Linux deals queue pairs out to its CPUs by their number (model/io_spread.h). Where vCPUs of several
 * vnodes stand between each other, a queue is used by vCPUs of two vnodes then, and its vhost worker is far from some of them wherever it
 * is. Told otherwise, the guest sends from each CPU through the queue that has this CPU in its xps_cpus (net/core/dev.c,
 * netdev_pick_tx()); what comes in for a flow the host's tap puts on the queue that the flow was last sent through
 * (drivers/net/tun.c, tun_flow_update()); so it is that one mask which decides about both ways, and interrupts follow.
 *
 * Each vnode gets queues by the number of its vCPUs, one at least: every next one goes to the vnode with most vCPUs for each queue that it
 * has. Its vCPUs are dealt out to them in order, each to exactly one. Vnodes take queues in the order of their first vCPUs, so that
 * what Linux does by itself stays where that is right already; and what somebody else has set and is as good is not changed.
 *
 * A guest's CPU i is taken for vCPU i, as Linux numbers CPUs in the order of the ACPI tables, and QEMU writes those in the order of vCPUs. That
 * is held against what the guest itself says of its nodes: without that nothing is set.
 *
 * Notes, by code:
 *
 * | code | says |
 * | --- | --- |
 * | guest-view-differs | the guest does not see the nodes that follow from its command line: its CPUs may be other vCPUs |
 * | guest-queues-too-few | a device has fewer queues than there are vnodes with vCPUs: it is left as it is |
 * | guest-nothing-to-set | of a guest with one vnode, or without a device with several queues |
 */

#include "../model/guest_inside.h"
#include "../model/plan.h"
#include "../model/sample.h"

struct vn_guest_queue {
	int vnode; /* -1: it is left over, as there are more queues than vCPUs */
	hwloc_bitmap_t vcpus; /* owned */
};

/*
 * Deals `n` queues out. *ret_queues is an array of n, new. -ERANGE, and *ret_vnodes, when there are more vnodes with vCPUs than
 * queues; -ENOMEM.
 */
int vn_guest_queues_deal(
	const struct vn_guest *guest, unsigned n, struct vn_guest_queue **ret_queues, unsigned *ret_vnodes);
void vn_guest_queues_free(struct vn_guest_queue *queues, unsigned n);

/*
 * Reckons what is to be set: each setting of `inside` that is to be gets its `after`, those of devices that are left alone are taken out. The
 * queues of vm->nics[] become what they are then. `view` is what the guest should see (plan/view.c). 0 or -ENOMEM; all else is a note.
 */
int vn_guest_queues_reckon(
	struct vn_vm_sample *vm, const struct vn_view *view, struct vn_guest_inside *inside);

/* Whether what was asked for is not done, or not of all devices, by what reckoning left and the notes: a reason for an exit status. */
bool vn_guest_queues_left_out(const struct vn_guest_inside *inside);

/* The queues of vm->nics[] as settings made before, by a journal, have them. 0 or -ENOMEM. */
int vn_guest_queues_apply(
	struct vn_vm_sample *vm, const struct vn_guest_setting *settings, size_t n_settings);
