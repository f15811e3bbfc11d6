/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* A VM's threads: what each of them is, and where and how long it runs. */

#include "survey.h"

struct vn_monitor_facts;

#define VN_GAP_VCPUS "vcpus-unknown" /* which threads are vCPUs is not known of any */

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
 * that was busy in the guest whenever it was looked at may be known now; it becomes one in its place among the threads, and VN_GAP_VCPUS is no gap any more. 0 or -ENOMEM.
 */
int vn_looks_take(struct vn_looks *looks);
void vn_looks_free(struct vn_looks *looks);
