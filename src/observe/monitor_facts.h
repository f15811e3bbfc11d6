/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What a VM's monitor tells of its threads and memory, asked only where that disturbs nobody: the VM is vnuma's own, or nobody is
 * connected to its QMP socket and no manager is known that would want to be.
 */

#include "survey.h"

struct vn_monitor_thread {
	enum vn_thread_kind kind; /* vCPU or iothread */
	int index; /* of a vCPU; -1 */
	char id[VN_SAMPLE_TEXT]; /* of an iothread */
	pid_t tid;
};

struct vn_monitor_block {
	char id[VN_SAMPLE_TEXT]; /* "ram0", "pc.ram" */
	uint64_t size, page; /* bytes */
	uint64_t address; /* in QEMU */
};

struct vn_monitor_facts {
	size_t n_threads;
	struct vn_monitor_thread *threads;
	size_t n_blocks;
	struct vn_monitor_block *blocks;
};

void vn_monitor_facts_clear(struct vn_monitor_facts *facts);
#define vn_autofacts vn_cleanup(vn_monitor_facts_clear) struct vn_monitor_facts

/*
 * Asks. At most about 0.3 s for a socket that does not answer. 1: *ret_facts was filled; 0: nobody was to be asked, or the answer was no
 * good (then a gap of the VM's says why); -ENOMEM.
 */
int vn_monitor_ask(
	const struct vn_survey *survey, struct vn_vm_sample *vm, struct vn_monitor_facts *ret_facts);
