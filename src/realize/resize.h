/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Memory of a running guest, vnode by vnode, through virtio-mem devices.
 *
 * Theory of operation: a device is memory of one vnode, in blocks. Its `requested-size` is what the guest is to have of it; the guest's
 * driver plugs blocks or unplugs them until it has that much, and QEMU gives the host back what was unplugged (ram_block_discard_range()).
 * QEMU tells with MEMORY_DEVICE_SIZE_CHANGE when that has gone on, at most once a second (hw/virtio/virtio-mem.c, monitor/monitor.c), and
 * `query-memory-devices` has it at any time. A guest may take its time, stop half-way (Linux cannot unplug a block in which the
 * kernel itself has a page), or never answer: one without the driver.
 *
 * Nothing here touches a page: which node gives and which takes is decided by whose device is asked.
 */
#include <stdint.h>

#include "../qmp/qmp.h"

struct vn_memory_device {
	char id[16]; /* as the record has it */
	uint64_t block, most; /* bytes: of a block; that it can have */
	uint64_t requested, size; /* that the guest is to have; that it has */
};

/* How a vnode's memory is to change. */
struct vn_resize_wish {
	char sign; /* '+', '-', or '=': to this much */
	uint64_t bytes;
};

/* "+512M", "-2G", "=1536M": a sign, a number, K, M, G or T. -EINVAL, with a problem that names `text`. */
int vn_resize_parse(const char *text, struct vn_resize_wish *ret_wish, struct vn_error *err);

/*
 * The device of this id in an answer to `query-memory-devices`. -ENOENT (not there, or of another kind), -EPROTO (that is no answer of
 * QEMU's).
 */
int vn_memory_device_read(const json_t *answer, const char *id, struct vn_memory_device *ret_device);

/* Asks QEMU for it. */
int vn_memory_device_ask(
	struct vn_qmp *qmp, const char *id, struct vn_memory_device *ret_device, struct vn_error *err);

/*
 * What is to be requested of the device so that its vnode, which has `fixed` bytes beside it, becomes as wished for. `vnode` is for
 * messages. All that is wrong is told: -EINVAL.
 */
int vn_resize_reckon(const struct vn_memory_device *device, unsigned vnode, uint64_t fixed,
	const struct vn_resize_wish *wish, uint64_t *ret_requested, struct vn_error *err);

/* Sets what the guest is to have of the device. */
int vn_resize_request(struct vn_qmp *qmp, const char *id, uint64_t requested, struct vn_error *err);

/*
 * Waits until the guest has what is requested. 0; without a problem -ETIMEDOUT, it has not yet, and -ECANCELED, nor has it now that stop_fd (-1:
 * none) is readable. *device is what it was when last asked, in each case. stop_fd ends the wait alone, within a quarter of a second, and no
 * command to QEMU: who waited can still take back what was requested, on the same connection.
 */
int vn_resize_wait(struct vn_qmp *qmp, struct vn_memory_device *device, int timeout_ms, int stop_fd,
	struct vn_error *err);
