/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* A VM as promised against what the kernel says of it: reading, and a comparison that reads nothing. */

#include "../model/vm.h"
#include "policy.h"
#include "../model/residency.h"
#include "threads.h"

struct vn_backend_seen {
	struct vn_mem_policy_list policies;
	struct vn_residency residency;
};

/* Backend i belongs to vm->backends[i]. */
struct vn_vm_seen {
	size_t n_backends;
	struct vn_backend_seen *backends;
	struct vn_threads_seen threads; /* QEMU's, and vhost workers that are threads of the kernel */
};

void vn_vm_seen_clear(struct vn_vm_seen *seen);
#define vn_autoseen vn_cleanup(vn_vm_seen_clear) struct vn_vm_seen

/* Reads all of it from a process that the caller has identified. `samples` pages of each backend, 0: all. */
int vn_vm_observe(const struct vn_vm *vm, unsigned samples, uint64_t seed, struct vn_vm_seen *ret_seen,
	struct vn_error *err);

/*
 * One note for each thing that is not as promised: 'pages-elsewhere', 'policy-differs', 'address-unknown',
 * 'thread-gone', 'affinity-differs' (a thread that was placed), 'stray-thread' (another thread of QEMU
 * outside the emulator's CPUs). A single page on a wrong node is told: it was seen there. 0 or -ENOMEM.
 */
int vn_vm_compare(const struct vn_vm *vm, const struct vn_vm_seen *seen, struct vn_notes *mismatches);

/* "vCPU 2 (tid 123)", a new string, or NULL. */
char *vn_vm_thread_name(const struct vn_vm_thread *thread);
