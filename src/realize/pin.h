/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Finds QEMU's threads and puts each where the plan wants it.
 *
 * Theory of operation: QMP tells the thread of each vCPU and iothread. vhost workers it does not know: the
 * kernel makes one per queue pair when QEMU opens the pair's /dev/vhost-net, in the order of the interfaces
 * and their queues, and names it vhost-TID after the thread that asked. Since Linux 6.4 it is a thread of
 * QEMU (and /proc lists threads in the order of their creation); before, and with a later option again, a
 * thread of the kernel. All other threads belong to the emulator; those that come later inherit from the one
 * that makes them.
 */

#include "../model/vm.h"
#include "../qmp/qmp.h"

/* Fills vm->threads and sets the affinity of each, which the kernel has confirmed when this returns 0. */
int vn_pin(struct vn_qmp *qmp, const struct vn_guest *guest, const struct vn_plan *plan,
	const struct vn_host *host, struct vn_vm *vm, struct vn_error *err);

/* Whether `comm` is a vhost worker's name, and of which thread. */
bool vn_is_vhost(const char *comm, pid_t *ret_owner);
