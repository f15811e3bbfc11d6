/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Whom the I/O threads of a running VM work for, and so where they belong: one rule for those who judge them (audit/find_io.c), show them
 * (rehome/io.c) and move them (rehome/threads.c).
 *
 *  - A vhost worker works for the vCPUs that use its queue (io_spread.h), and belongs to the vnode of most of them; where several vnodes
 *    use it alike, to all of these; where its queue is not known, to all.
 *  - An iothread that vnuma started belongs to the vnode that the record says (realize/pin.c); any other to the vnode that all disks
 *    of the command line which name it are behind, if it is one; else to all.
 *  - What belongs to a vnode belongs to the node of its home, or the nearest with CPUs; vnodes without vCPUs count only among themselves.
 */

#include "sample.h"

struct vn_io_users {
	hwloc_bitmap_t vnodes; /* that it works for; owned */
	hwloc_bitmap_t vcpus; /* that wake it; owned */
	int vnode; /* the only one of the above; -1: there are several */
};

void vn_io_users_clear(struct vn_io_users *users);
#define vn_autoiousers vn_cleanup(vn_io_users_clear) struct vn_io_users

/* Of a vhost worker or an iothread, an index of vm->threads. 0 or -ENOMEM. */
int vn_io_users_of(const struct vn_vm_sample *vm, size_t thread, struct vn_io_users *ret_users);

/* Of a queue pair, whoever its worker is; NULL: one that is not known. 0 or -ENOMEM. */
int vn_io_queue_users(
	const struct vn_vm_sample *vm, const struct vn_queue_sample *queue, struct vn_io_users *ret_users);

/* Of what works for a vnode; -1: for all. 0 or -ENOMEM. */
int vn_io_vnode_users(const struct vn_vm_sample *vm, int vnode, struct vn_io_users *ret_users);

/* Vnodes of a VM, one at least: a guest without any is one. */
size_t vn_io_vnodes(const struct vn_vm_sample *vm);

/* Adds the vCPUs of a vnode: of a guest whose command line could not be read, or of one vnode, all. 0 or -ENOMEM. */
int vn_io_vcpus(const struct vn_vm_sample *vm, size_t vnode, hwloc_bitmap_t ret);

/*
 * Adds the nodes (indices of the host) where what works for these vnodes belongs; homes[v] is the id of the node where vnode v is at home,
 * -1: not known. 1; 0: a home of those that count is not known, and `ret` is of no use; -ENOMEM.
 */
int vn_io_homes(const struct vn_host *host, const struct vn_vm_sample *vm, const int *homes,
	hwloc_const_bitmap_t vnodes, hwloc_bitmap_t ret);

/* The one CPU that a thread stays on: that it is kept on, or was on at several looks. -1: there is no such. */
int vn_io_stays(const struct vn_sample *sample, const struct vn_thread_sample *thread, bool *ret_kept);

/*
 * Whether a worker stays on the very CPU on which a vCPU that wakes it stays: each waits for the other. *ret_kept: both are kept there;
 * otherwise one of them may leave, and it is so only while both run.
 */
bool vn_io_meets(const struct vn_sample *sample, const struct vn_thread_sample *worker,
	const struct vn_thread_sample *vcpu, bool *ret_kept);

/* Whether a disk of the command line is served by an iothread of the VM, as far as names tell. */
bool vn_io_serves(const struct vn_thread_sample *iothread, const struct vn_disk *disk);
