/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Whose a VM's I/O threads and interrupts are, and where they belong as the VM is now: no plan is asked, homes are as the audit finds
 * them. Pure. Notes, by code, beside the gaps of the sample:
 *
 * | code | says |
 * | --- | --- |
 * | no-cpu-at-home | a thread stays: of its home there is no CPU that is online and that the VM's cpuset allows |
 * | workers-on-vcpus, workers-off-home | as in rehome.h: what a thread is to get is not what it should |
 * | managers-not-told | libvirt, or another manager, may set what it had when it next sets any |
 */

#include "../model/audit.h"
#include "../model/io.h"
#include "../model/move.h"

/* Looks at the I/O of one VM of an audit of `sample`. 0 or -ENOMEM. */
int vn_io_find(const struct vn_sample *sample, const struct vn_vm_audit *vm, struct vn_io **ret_io);

/* A queue's worker that is put somewhere by hand. */
struct vn_io_hand {
	char nic[VN_SAMPLE_TEXT]; /* as the host calls it */
	unsigned queue;
	hwloc_bitmap_t nodes; /* ids; owned by whoever made it */
};

struct vn_io_wish {
	bool threads; /* those that are not at home go there */
	bool irqs; /* and interrupts */
	size_t n_hands;
	const struct vn_io_hand *hands; /* these go where they say, in any case */
};

/*
 * The move that does it, of threads and interrupts alone; a thread that is well where it is, is not in it, so it may be one of none.
 * -EINVAL, with a problem for each: hands that name no interface, queue or node that there is, no worker that is known, or nodes of which
 * the VM may use no CPU.
 */
int vn_io_move(const struct vn_io *io, const struct vn_io_wish *wish, struct vn_move **ret_move,
	struct vn_error *err);
