/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* A plan as a QEMU command line. Pure. */

#include "../model/plan.h"
#include "argv.h"
#include "target.h"

struct vn_qemu_options {
	const char *binary; /* argv[0]; NULL: qemu-system-x86_64 */
	const char *accel; /* "kvm" or "tcg" */
	const char *qmp_path; /* socket QEMU listens on, or NULL: none */
	const char *serial_path; /* file for the first serial port, or NULL: none */
	bool paused; /* -S */
	unsigned
		version; /* of QEMU: VN_TARGET_VERSION(); 0: VN_TARGET_QEMU_VERSION. Nothing that came later is asked for */
};

/* Builds the whole command line. */
int vn_emit_qemu(const struct vn_plan *plan, const struct vn_guest *guest,
	const struct vn_qemu_options *options, struct vn_argv *ret_argv, struct vn_error *err);

/*
 * The nodes that a vnode's memory policy names: all of its shares' when strict or interleaved; when
 * preferred, one: the home, or where its memory begins when the home has none. Adds to `nodes`; 0 or -ENOMEM.
 */
int vn_policy_nodes(const struct vn_plan *plan, size_t vnode, hwloc_bitmap_t nodes);

/* Which vCPUs send through queue pair `queue` of `queues`: drivers/net/virtio_net.c, virtnet_set_affinity().
 */
void vn_queue_vcpus(
	unsigned vcpus, unsigned queues, unsigned queue, unsigned *ret_first, unsigned *ret_count);

/* The vnode whose vCPUs use that queue pair most (the lowest when two are equal). */
unsigned vn_queue_vnode(const struct vn_guest *guest, unsigned queues, unsigned queue);

/* The vnode that disk `index` is served from: its iothread `io<vnode>` runs there. */
unsigned vn_disk_vnode(const struct vn_guest *guest, size_t index);
