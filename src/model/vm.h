/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* A VM that vnuma started: who it is, and what was promised of it. Kept in one JSON file each
 * (realize/state.h). */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "plan.h"

/* A process, told apart from a later one with the same pid. */
struct vn_process {
	pid_t pid; /* 0: none yet */
	uint64_t start_time; /* clock ticks since boot: field 22 of /proc/PID/stat */
	char *exe; /* the target of /proc/PID/exe; owned */
};

enum vn_vm_phase { VN_VM_STARTING, VN_VM_STARTED };

/* Guest memory of one vnode, as promised. */
struct vn_vm_backend {
	unsigned vnode;
	char id[16]; /* QEMU's object id: "ram0" */
	uint64_t memory; /* bytes */
	char device[16]; /* QEMU's id of the virtio-mem device that has it; empty: none has */
	uint64_t requested; /* bytes of it that the guest is to have; `memory` where no device has it */
	enum vn_binding binding;
	hwloc_bitmap_t
		policy_nodes; /* what the kernel's policy must name (preferred: the home alone); owned */
	hwloc_bitmap_t nodes; /* where its pages may be: the nodes of its shares; owned */
	uint64_t address; /* host virtual address of its first byte, as QEMU told; 0: not known */
};

enum vn_thread_kind {
	VN_THREAD_VCPU,
	VN_THREAD_IOTHREAD,
	VN_THREAD_VHOST,
	VN_THREAD_EMULATOR, /* the main loop */
	VN_THREAD_MIGRATION,
	VN_THREAD_OTHER, /* of QEMU's, come and go: workers of disks, of preallocation, of VNC */
};

struct vn_vm_thread {
	enum vn_thread_kind kind;
	unsigned index; /* vCPU, iothread or vhost worker number; 0 for the emulator */
	pid_t tid;
	hwloc_bitmap_t cpus; /* promised affinity; owned */
};

/* A channel of its, and the socket at which QEMU listens for it. */
struct vn_vm_channel {
	char *name, *path; /* owned */
};

struct vn_vm {
	char *name;
	enum vn_vm_phase phase;
	struct vn_process process;
	char accel[8]; /* kvm, tcg */
	char *qmp_path, *log_path; /* owned */
	int64_t started; /* seconds since the epoch */
	uint64_t memory; /* bytes */
	unsigned vcpus;
	size_t n_backends;
	struct vn_vm_backend *backends;
	size_t n_threads;
	struct vn_vm_thread *threads;
	size_t n_channels;
	struct vn_vm_channel *channels;
	json_t *plan; /* the vnuma.plan/1 object it was started with; owned */
};

struct vn_vm *vn_vm_new(void);
/* A copy that shares the plan, which nobody changes. 0 or -ENOMEM. */
int vn_vm_copy(const struct vn_vm *from, struct vn_vm **ret_copy);
void vn_vm_free(struct vn_vm *vm);
static inline void vn_vm_freep(struct vn_vm **vm)
{
	vn_vm_free(*vm);
}
#define vn_autovm vn_cleanup(vn_vm_freep) struct vn_vm

#define VN_VM_NAME_MAX 63u

/* Whether `name` is [A-Za-z0-9_][A-Za-z0-9._+-]{0,62}: a file name and a QEMU option value without surprises.
 */
bool vn_vm_name_valid(const char *name);

/* The memory that a vnode's virtio-mem device has; NULL: it has no such device. */
struct vn_vm_backend *vn_vm_device_of(const struct vn_vm *vm, unsigned vnode);

/* Bytes of a vnode that are there from its start to its end, beside what a virtio-mem device has. */
uint64_t vn_vm_fixed_memory(const struct vn_vm *vm, unsigned vnode);

/*
 * Notes that the guest is to have `requested` bytes of a virtio-mem device's memory: in the backend, in the VM's sum, and in what its plan
 * foretells of it (the vnode's memory and shares, the guest's view). 0 or -ENOMEM, and then the record is good for nothing.
 */
int vn_vm_resized(struct vn_vm *vm, struct vn_vm_backend *backend, uint64_t requested);

/* "vcpu", "iothread", "vhost", "emulator", "migration", "other". */
const char *vn_thread_kind_name(enum vn_thread_kind kind);

/* `"schema": "vnuma.vm/1"`: written to the state file, printed by `show --json`. */
json_t *vn_vm_to_json(const struct vn_vm *vm);

/* Reads it back; every field is checked, one problem each for what is missing or wrong. `file` is named in
 * them. */
int vn_vm_from_json(const json_t *json, const char *file, struct vn_vm **ret_vm, struct vn_error *err);
