/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* A VM's threads: what each of them is, and where and how long it runs. */

#include "survey.h"

struct vn_monitor_facts;

/* A thread of the kernel's that works for a process: vhost-OWNER. */
struct vn_kernel_worker {
	pid_t tid, owner; /* owner: the thread that asked for it */
};

struct vn_kernel_workers {
	size_t n;
	struct vn_kernel_worker *v; /* by tid */
};

/*
 * All that there are: since all processes have to be looked through, once for all VMs (survey->workers). What cannot be looked at
 * is left out. 0 or -ENOMEM.
 */
int vn_kernel_workers_read(const struct vn_root *root, struct vn_kernel_workers *ret_workers);
void vn_kernel_workers_clear(struct vn_kernel_workers *workers);

/*
 * All threads of QEMU, and the kernel's threads that work for it (vhost-PID), with kind, index, allowed CPUs. A vCPU is known by what
 * QEMU said, the record, its name, or that it sits in KVM_RUN of vCPU n; else it may be guessed. 0, -ENOMEM, -ESRCH.
 */
int vn_vm_threads_find(
	const struct vn_survey *survey, const struct vn_monitor_facts *facts, struct vn_vm_sample *vm);

/* What a look at all threads of all VMs found; the next one is compared with it. */
struct vn_looks;

/* The first look. `vms` must stay in place until vn_looks_free(). 0 or -ENOMEM. */
int vn_looks_begin(const struct vn_survey *survey, const struct vn_host *host, struct vn_vm_sample *vms,
	size_t n, struct vn_looks **ret_looks);

/*
 * Another: adds what ran since the last one to each thread's times, ran_on, migrations. Threads that ended stay as they were. A vCPU
 * that was busy in the guest whenever it was looked at may be known now; it becomes one in its place among the threads. 0 or -ENOMEM.
 */
int vn_looks_take(struct vn_looks *looks);
void vn_looks_free(struct vn_looks *looks);
