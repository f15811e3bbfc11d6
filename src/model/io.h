/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Whose each queue, worker, iothread and interrupt of a running VM is, where it is and where it belongs. rehome/io.c finds it. */

#include <jansson.h>
#include <stdio.h>

#include "sample.h"

enum vn_io_verdict {
	VN_IO_UNKNOWN,
	VN_IO_HOME, /* it may run on CPUs of its home only */
	VN_IO_ELSEWHERE, /* on none of its home */
	VN_IO_FLOATS, /* on some of its home and some that are not */
	VN_IO_ON_VCPU, /* it is tied to the one CPU of a vCPU that wakes it */
};

/* "unknown", "home", "elsewhere", "floats", "on-vcpu". */
const char *vn_io_verdict_name(enum vn_io_verdict verdict);

/* A thread's or an interrupt's. */
struct vn_io_place {
	int vnode; /* that it works for; -1: several, or not known */
	hwloc_bitmap_t home; /* ids of the nodes where it belongs; empty: not known; owned */
	hwloc_bitmap_t cpus; /* that it may use; NULL: not known; owned */
	hwloc_bitmap_t nodes; /* ids of theirs; owned */
	hwloc_bitmap_t belongs; /* CPUs that it is to have: `cpus` where it is well; NULL: not known; owned */
	size_t way; /* how those were found, as rehome/io_cpus.h has it */
	enum vn_io_verdict verdict;
	char *why; /* unknown: for what reason; owned */
};

struct vn_io_queue {
	const struct vn_queue_sample *queue;
	const struct vn_thread_sample *worker; /* NULL: none, or not known */
	hwloc_bitmap_t vcpus; /* that use it; owned */
	struct vn_io_place place;
};

struct vn_io_nic {
	const struct vn_nic_sample *nic;
	size_t n_queues;
	struct vn_io_queue *queues; /* owned */
};

struct vn_io_thread {
	const struct vn_thread_sample *thread;
	char *disks; /* paths, with blanks between; NULL: none are known; owned */
	struct vn_io_place place;
};

struct vn_io_irq {
	const struct vn_irq_sample *irq;
	struct vn_io_place place;
};

struct vn_io_device {
	const struct vn_device_sample *device;
	size_t n_irqs;
	struct vn_io_irq *irqs; /* owned */
};

/* Refers to the sample, which must outlive it. */
struct vn_io {
	const struct vn_sample *sample;
	const struct vn_vm_sample *vm;
	size_t n_nics;
	struct vn_io_nic *nics;
	size_t n_threads;
	struct vn_io_thread *threads; /* iothreads, and workers that are no queue's as far as is known */
	size_t n_devices;
	struct vn_io_device *devices;
	struct vn_notes notes; /* what is not known, and what to do about it */
};

/* What of all that is where it belongs. */
struct vn_io_count {
	unsigned home, away, unknown;
	unsigned mended; /* threads that have other CPUs to go to */
	unsigned irqs; /* interrupts likewise */
};

struct vn_io *vn_io_new(void);
void vn_io_free(struct vn_io *io);
static inline void vn_io_freep(struct vn_io **io)
{
	vn_io_free(*io);
}
#define vn_autoio vn_cleanup(vn_io_freep) struct vn_io

struct vn_io_count vn_io_counts(const struct vn_io *io);

/* Whether it is to get other CPUs than it has. */
bool vn_io_is_to_go(const struct vn_io_place *place);

/* `"schema": "vnuma.io/1"`. NULL when memory is short. */
json_t *vn_io_to_json(const struct vn_io *io);

/* A table for each kind that there is, then notes, then how many are at home and what mends the others; `word`: what the VM is called on a command line. */
void vn_io_print(const struct vn_io *io, const char *word, FILE *out);
