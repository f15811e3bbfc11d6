/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What a VM's monitor tells of its threads and memory. */

#include "monitor_talk.h"
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
	uint64_t address; /* in QEMU; 0: not told */
	int vnode; /* of the memory device that has it; -1: none, or not told */
	bool virtio_mem; /* a device of that kind has it */
	uint64_t requested; /* of it then: bytes that the guest is to have */
};

struct vn_monitor_facts {
	bool told; /* it was asked, and answered all */
	size_t n_threads;
	struct vn_monitor_thread *threads;
	size_t n_blocks;
	struct vn_monitor_block *blocks;
};

void vn_monitor_facts_clear(struct vn_monitor_facts *facts);
#define vn_autofacts vn_cleanup(vn_monitor_facts_clear) struct vn_monitor_facts

/* Adds an answer. 0; -EPROTO: it is not what QEMU answers; -ENOMEM. */
int vn_monitor_facts_read(struct vn_monitor_facts *facts, enum vn_question question, const json_t *answer);
