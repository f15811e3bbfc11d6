/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The I/O threads of a command line, and which vnode's disks each serves. One a vnode that serves disks, unless the guest asks for a number: then
 * that many, dealt out evenly; where there are fewer than such vnodes, vnodes that follow each other share one.
 *
 * Each is named after the vnode that it belongs to, so that whoever pins it knows where to: io0, and io0-1 and so on where there are several.
 */

#include <stdbool.h>

#include "../model/guest.h"

struct vn_iothread {
	unsigned vnode, nth; /* the vnode's nth, from 0 */
};

struct vn_iothreads {
	size_t n;
	struct vn_iothread *v; /* owned; by vnode */
	size_t first[VN_MAX_VNODES]; /* of each vnode that serves disks … */
	size_t count[VN_MAX_VNODES]; /* … and how many it has; 0: it serves none */
};

/* Deals out `wanted` threads (0: one each) to the vnodes that serve disks. None serves any: no thread. 0 or -ENOMEM. */
int vn_iothreads_deal(
	unsigned wanted, const bool serves[static VN_MAX_VNODES], struct vn_iothreads *ret_threads);

static inline void vn_iothreads_clear(struct vn_iothreads *threads)
{
	free(threads->v);
	*threads = (struct vn_iothreads){0};
}
#define vn_autoiothreads vn_cleanup(vn_iothreads_clear) struct vn_iothreads

/* The index of a vnode's thread: they take turns. The vnode must serve disks. */
size_t vn_iothread_of(const struct vn_iothreads *threads, unsigned vnode, size_t turn);

#define VN_IOTHREAD_NAME 32

/* Its name. Returns `buffer`. */
const char *vn_iothread_name(const struct vn_iothread *thread, char buffer[static VN_IOTHREAD_NAME]);

/* The vnode of a thread of that name; -1: it is none of ours. */
int vn_iothread_vnode(const char *name);
