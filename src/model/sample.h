/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A look at the VMs of a host over a short interval: what was read of them, and nothing judged. observe/survey.c fills it,
 * audit/ judges it.
 *
 * Text that comes from a VM or its command line (names, ids, paths) is well-formed UTF-8 without control characters and short, whatever
 * it was: vn_sample_text() made it so. Nobody who prints it has to think of terminals; HTML, JSON and shells have rules of their own.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "guest.h"
#include "host.h"
#include "mem_policy.h"
#include "moved.h"
#include "residency.h"
#include "vm.h"

#define VN_SAMPLE_TEXT 128u /* bytes of any such text, with its end */

/* Who looks after a VM, and so who is to be asked to change it. */
enum vn_manager {
	VN_MANAGER_NONE, /* started by hand, or by something that is not known here */
	VN_MANAGER_VNUMA,
	VN_MANAGER_LIBVIRT,
	VN_MANAGER_PROXMOX,
	VN_MANAGER_LIBVIRT_SESSION, /* a user's own libvirt, which virsh reaches only as that user */
};

/* From where something is known. */
enum vn_told_by {
	VN_TOLD_BY_NOTHING, /* it is not known */
	VN_TOLD_BY_KERNEL,
	VN_TOLD_BY_QMP,
	VN_TOLD_BY_RECORD, /* what vnuma wrote down when it started the VM */
	VN_TOLD_BY_COMMAND, /* QEMU's command line */
	VN_TOLD_BY_NAME, /* of a thread */
	VN_TOLD_BY_BEHAVIOUR, /* a guess that fits what was seen */
};

struct vn_node_bytes {
	unsigned node;
	uint64_t bytes;
};

struct vn_node_time {
	unsigned node;
	uint64_t ns;
};

/* A piece of guest memory that QEMU mapped as one. */
struct vn_block_sample {
	char id[VN_SAMPLE_TEXT]; /* QEMU's name: "ram0", "pc.ram"; or empty */
	int vnode; /* index in the guest; -1: not known */
	uint64_t address; /* of its first byte in QEMU; 0: not found */
	uint64_t size; /* bytes */
	uint64_t
		unplugged; /* bytes of it that the guest is not to have: of a virtio-mem device, all but what is requested of it */
	uint64_t page; /* bytes a page of hugetlbfs; 0: ordinary pages */
	bool shared; /* mapped MAP_SHARED: another process may have it, too */
	enum vn_told_by tied_by; /* how the vnode is known */
	enum vn_told_by policy_by; /* VN_TOLD_BY_NOTHING: policy is VN_MODE_UNKNOWN */
	struct vn_mem_policy policy; /* of most of it */
	bool policies_differ; /* parts of it have others */
	bool has_residency;
	struct vn_residency residency;
};

/* A thread that works for a VM. */
struct vn_thread_sample {
	enum vn_thread_kind kind;
	int index; /* number of the vCPU, of the iothread, of the vhost worker in the order of their making; -1: not known */
	enum vn_told_by by; /* how that is known */
	pid_t tid;
	bool of_kernel; /* a thread of the kernel's, not of QEMU */
	char name[VN_SAMPLE_TEXT]; /* comm, or the id of an iothread where QMP told it */
	hwloc_bitmap_t cpus; /* that it may use; owned */
	int cpu; /* where it was last; -1: not known */
	hwloc_bitmap_t ran_on; /* CPUs where it was seen after it had run since the look before; owned */
	bool has_times; /* /proc/…/schedstat could be read at both ends of the interval */
	uint64_t run_ns, wait_ns; /* on a CPU; runnable, but waiting for one */
	size_t n_times;
	struct vn_node_time
		*times; /* run_ns by the node of the CPU it was on at the end of each look; owned, by node */
	unsigned migrations; /* looks at which it was on another node than at the one before */
};

/* A queue pair of a network device. */
struct vn_queue_sample {
	unsigned queue; /* of the device, from 0 */
	int vnode; /* whose vCPUs use it most, as Linux in the guest spreads them; -1: not known */
	unsigned first_vcpu,
		n_vcpus; /* that use it, where it is a run of them; n_vcpus 0: not known, or no run */
	hwloc_bitmap_t
		vcpus; /* that use it because the guest was told so (rehome/guest_queues.h); NULL: Linux's own way; owned */
	ptrdiff_t worker; /* its vhost worker in threads[]; -1: none, or not known */
};

struct vn_nic_sample {
	char name[VN_SAMPLE_TEXT]; /* of the tap or macvtap on the host; or empty */
	char bridge[VN_SAMPLE_TEXT]; /* or empty */
	char physical[VN_SAMPLE_TEXT]; /* the host's interface under it; or empty */
	char address[VN_PCI_ADDRESS]; /* of that one; or empty */
	int node; /* of that one; -1: not known */
	bool vhost;
	int vnode; /* that it is behind in the guest; -1: none is told */
	size_t n_queues;
	struct vn_queue_sample *queues; /* owned */
};

struct vn_irq_sample {
	unsigned number;
	char name[VN_SAMPLE_TEXT]; /* as in /proc/interrupts */
	hwloc_bitmap_t cpus, effective; /* may go, does go; owned; NULL: not told */
	bool managed; /* the kernel places it: it refuses to be moved */
	uint64_t count; /* during the interval, over all CPUs */
	char chip[VN_SAMPLE_TEXT]; /* "IR-PCI-MSIX": remapped; or empty */
};

/* A device of the host that the guest has. */
struct vn_device_sample {
	char address[VN_PCI_ADDRESS];
	int node; /* of the host; -1: the firmware did not say */
	int vnode; /* that the guest is told; -1: none */
	bool posted; /* its interrupts reach a running vCPU without the host's help, as far as the kernel tells */
	size_t n_irqs;
	struct vn_irq_sample *irqs; /* owned */
};

struct vn_vm_sample {
	char name[VN_SAMPLE_TEXT]; /* as its manager calls it; "qemu-PID" where nobody named it */
	bool aside; /* nobody asked for it: it is there because it bears on the others, and its pages are not looked at */
	bool name_is_plain; /* it was [A-Za-z0-9._+-] only, and so stands unchanged */
	char uuid[37]; /* lower case; or empty */
	char id[16]; /* Proxmox: its number; or empty */
	enum vn_manager manager;
	bool claims_manager; /* its command line is as a manager writes them, but the manager does not know it */
	struct vn_process process;
	uid_t uid;
	char cgroup[2 * VN_SAMPLE_TEXT]; /* of cgroup v2, or of v1's cpuset: "/machine.slice/…"; or empty */
	char unit[VN_SAMPLE_TEXT]; /* of systemd: "machine-qemu\x2d1\x2ddb.scope"; or empty */
	bool other_mounts,
		other_pids; /* it is in other mount, pid namespaces than we are: in a container, say */
	char accel[8]; /* "kvm", "tcg"; or empty */
	struct vn_guest *guest; /* what its command line says; owned; NULL: not readable, see gaps */
	struct vn_vm *record; /* vnuma's own; owned; NULL: it did not start it */
	struct vn_moved moved;
	hwloc_bitmap_t cpus; /* CPUs that its cgroup allows all its threads at most; owned; NULL: not known */
	hwloc_bitmap_t mems; /* nodes that its cpuset allows; owned; NULL: not known */
	bool has_policy;
	struct vn_mem_policy policy; /* of the process: of memory without a policy of its own */
	size_t n_blocks;
	struct vn_block_sample *blocks; /* by address */
	size_t n_threads;
	struct vn_thread_sample
		*threads; /* vCPUs, iothreads, vhost workers, emulator, others; each kind by index */
	size_t n_nics;
	struct vn_nic_sample *nics;
	size_t n_devices;
	struct vn_device_sample *devices;
	struct vn_notes gaps; /* what could not be read, and what it takes to read it */
};

/* What of the host's settings bears on VMs, beside the numa_balancing of vn_host. */
struct vn_host_settings {
	int zone_reclaim; /* vm.zone_reclaim_mode; -1: not known */
	char thp[16], thp_defrag[16], thp_shmem[16]; /* the word in brackets: "always", "madvise"; or empty */
	int ksm; /* ksm/run; -1 */
	bool has_ksm_sharing;
	uint64_t ksm_sharing; /* bytes that KSM's merging saves: ksm/pages_sharing */
	int ksm_merges_nodes; /* ksm/merge_across_nodes; -1 */
	int irqbalance; /* 1: runs; 0; -1: not known */
	int numad; /* the same of numad */
	bool has_faults;
	uint64_t hint_faults,
		migrated_pages; /* numa_hint_faults, numa_pages_migrated of /proc/vmstat during the interval */
};

struct vn_sample {
	struct vn_host *host; /* owned */
	struct vn_host_settings settings;
	int64_t taken; /* seconds since the epoch */
	uint64_t interval_ns; /* that passed */
	unsigned looks; /* at threads, within it */
	unsigned pages; /* that were drawn of each block; 0: all */
	uint64_t seed;
	size_t n_vms;
	struct vn_vm_sample *vms; /* by pid */
	struct vn_notes gaps; /* of the host */
};

struct vn_sample *vn_sample_new(void);
void vn_sample_free(struct vn_sample *sample);
static inline void vn_sample_freep(struct vn_sample **sample)
{
	vn_sample_free(*sample);
}
#define vn_autosample vn_cleanup(vn_sample_freep) struct vn_sample

void vn_vm_sample_clear(struct vn_vm_sample *vm);
void vn_block_sample_clear(struct vn_block_sample *block);
void vn_thread_sample_clear(struct vn_thread_sample *thread);
void vn_nic_sample_clear(struct vn_nic_sample *nic);
void vn_device_sample_clear(struct vn_device_sample *device);

/* "none", "vnuma", "libvirt", "proxmox", "libvirt-session". */
const char *vn_manager_name(enum vn_manager manager);

/* "kernel", "qmp", "record", "command-line", "name", "behaviour"; NULL for nothing. */
const char *vn_told_by_name(enum vn_told_by by);

/*
 * Writes up to `room` - 1 bytes of `text` into `ret`, and nothing that a terminal would act on: each byte that is no part of UTF-8, and
 * each control character, as \xNN; a text that is too long ends in "…". Returns whether it stands there unchanged.
 */
bool vn_sample_text(const char *text, size_t length, char *ret, size_t room);

/* The thread of a kind with this index; NULL: there is none. */
const struct vn_thread_sample *vn_sample_thread(
	const struct vn_vm_sample *vm, enum vn_thread_kind kind, int index);

/* The first queue that a vhost worker, an index of threads[], serves; NULL: that is not known. */
const struct vn_queue_sample *vn_sample_queue(const struct vn_vm_sample *vm, size_t thread);

/* Whether a vCPU uses it, as far as is known. */
bool vn_queue_uses(const struct vn_queue_sample *queue, unsigned vcpu);

/* The policy that holds for a block: its own, or the process's where it has none. NULL: not known. */
const struct vn_mem_policy *vn_sample_policy(
	const struct vn_vm_sample *vm, const struct vn_block_sample *block);

/* Bytes of a block that are estimated to be on each node, scaled from its residency. Array of *ret_n, new. 0 or -ENOMEM. */
int vn_block_bytes(const struct vn_block_sample *block, struct vn_node_bytes **ret_bytes, size_t *ret_n);
