/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A move of a running VM: what was, what shall be, and how far it has come. rehome/ reckons it from a sample and a plan, realize/ carries
 * it out, and the journal is this very struct, written down before anything is changed.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "guest_inside.h"
#include "sample.h"

enum vn_move_phase {
	VN_MOVE_PLANNED, /* written down; nothing is changed yet, or not all threads */
	VN_MOVE_THREADS_MOVED, /* and memory is, or is to be, on its way */
	VN_MOVE_DONE,
	VN_MOVE_STOPPED, /* by --cancel, by a failure: what was moved stays, the rest did not */
	VN_MOVE_UNDOING, /* an undo was begun */
};

/* In which order memory was moved. */
enum vn_move_order {
	VN_ORDER_ADDRESS,
	VN_ORDER_IDLENESS, /* a sample of pages that were used lately: /sys/kernel/mm/page_idle */
	VN_ORDER_DAMON,
};

/* Why pages stayed where they were. */
enum vn_stayed {
	VN_STAYED_PINNED, /* in use by a device or by io_uring: they never move */
	VN_STAYED_SHARED, /* another process has them mapped, and we lack CAP_SYS_NICE */
	VN_STAYED_NO_HUGE_PAGE, /* the target's pool has none free */
	VN_STAYED_TARGET_FULL, /* no memory, or none beyond the reserve */
	VN_STAYED_FORBIDDEN, /* the VM's cpuset does not allow the target */
	VN_STAYED_BUSY, /* the kernel did not get hold of them, several times over */
	VN_STAYED_UNKNOWN, /* another errno */
	VN_STAYED_N
};

struct vn_move_thread {
	enum vn_thread_kind kind;
	int index; /* as in vn_thread_sample */
	pid_t tid;
	uint64_t start_time; /* ticks since boot: a tid is handed out again, too; 0: not read yet */
	bool of_kernel; /* a vhost worker of the kernel's, not of QEMU */
	int vnode; /* that it works for; -1: for all */
	char name[VN_SAMPLE_TEXT];
	hwloc_bitmap_t before, after; /* allowed CPUs; owned */
};

/* Memory that shall be on one node. */
struct vn_move_range {
	uint64_t address, size; /* bytes; multiples of the page */
	uint64_t page; /* bytes a page of hugetlbfs; 0: ordinary pages */
	unsigned node; /* where it shall be */
	unsigned vnode;
};

/* A block of the guest's memory as it was: where undo brings it back to. */
struct vn_move_block {
	char id[VN_SAMPLE_TEXT];
	int vnode;
	uint64_t address, size, page; /* as in vn_block_sample */
	bool shared;
	enum vn_policy_mode policy; /* of future pages: moving does not change it */
	hwloc_bitmap_t policy_nodes; /* owned; NULL: none */
	size_t n_before;
	struct vn_node_bytes *before; /* estimated; owned; by node */
};

struct vn_move_irq {
	unsigned number;
	char name[VN_SAMPLE_TEXT];
	hwloc_bitmap_t before, after; /* owned */
};

/*
 * A cgroup whose cpuset.mems stands in the way of the targets: widened while memory moves, narrowed at the end. realize/ finds those that
 * the VM's tasks are in and those above, and fills all of it. With them is what libvirt changes along with it, where it is told.
 */
struct vn_move_cpuset {
	char *path; /* below the root of cgroup v2, "/machine.slice/…"; owned */
	hwloc_bitmap_t before, during, after; /* nodes; owned */
};

/* The same of a domain whose cgroups are libvirt's: what its <numatune> says. realize/ asks libvirt for `before`. */
struct vn_move_numatune {
	char domain[37]; /* its uuid; empty: none of the system's libvirt, or its cpusets need no change */
	hwloc_bitmap_t before, during, after; /* nodes; owned; NULL: libvirt is not told */
};

struct vn_move_limits {
	uint64_t rate; /* bytes a second; 0: as fast as the stall budget lets it */
	unsigned stall_us; /* what one call may last */
	bool has_reserve;
	uint64_t reserve; /* bytes to be left free on each target; without: the larger of 2% and 512 MiB */
	double pressure; /* percent of time that tasks wait for memory (PSI some avg10) above which it pauses; 0: never looks */
};

struct vn_move_progress {
	uint64_t total; /* bytes of all ranges */
	uint64_t there; /* of these, on their target already before the move */
	uint64_t moved;
	uint64_t absent; /* never touched, or swapped out: the policy decides where they come */
	uint64_t stayed[VN_STAYED_N];
	uint64_t left; /* not tried yet: what was stopped, or is under way. total is the sum of all these */
	uint64_t calls; /* of move_pages(2) that moved something */
	uint64_t longest_ns; /* the longest of them */
	uint64_t elapsed_ns, paused_ns; /* paused: for the rate, the pressure, the reserve */
	unsigned passes;
};

struct vn_move {
	char name[VN_SAMPLE_TEXT]; /* of the VM */
	struct vn_process process;
	enum vn_manager manager;
	char boot[37]; /* /proc/sys/kernel/random/boot_id of when it was written down; empty before */
	int64_t begun; /* seconds since the epoch */
	enum vn_move_phase phase;
	bool threads, memory; /* what of it is to be done: --vcpus-now, --memory-only */
	size_t n_homes;
	unsigned *homes; /* pnode of vnode i, afterwards; owned */
	size_t n_threads;
	struct vn_move_thread *thread_list; /* vCPUs first */
	size_t n_blocks;
	struct vn_move_block *blocks; /* by address */
	size_t n_ranges;
	struct vn_move_range *ranges; /* by address */
	size_t n_irqs;
	struct vn_move_irq *irqs;
	size_t n_guest_settings;
	struct vn_guest_setting *guest_settings; /* what of its queues is set inside the guest: --guest */
	hwloc_bitmap_t mems_during,
		mems_after; /* nodes that its cpusets are to allow while memory moves, and then; owned; NULL: they do */
	size_t n_cpusets;
	struct vn_move_cpuset *
		cpusets; /* those that did not, outermost first, then libvirt's others; realize/ finds them */
	struct vn_move_numatune numatune;
	struct vn_move_limits limits;
	enum vn_move_order order;
	bool order_known; /* `order` is what was done; before: not decided yet */
	struct vn_move_progress progress;
	struct vn_notes notes; /* what cannot be done, or will not last, and what to do about it */
};

struct vn_move *vn_move_new(void);
void vn_move_free(struct vn_move *move);
static inline void vn_move_freep(struct vn_move **move)
{
	vn_move_free(*move);
}
#define vn_automove vn_cleanup(vn_move_freep) struct vn_move

void vn_move_thread_clear(struct vn_move_thread *thread);
void vn_move_block_clear(struct vn_move_block *block);
void vn_move_irq_clear(struct vn_move_irq *irq);
void vn_move_cpuset_clear(struct vn_move_cpuset *cpuset);
void vn_move_numatune_clear(struct vn_move_numatune *numatune);

/* "planned", "threads-moved", "done", "stopped", "undoing". */
const char *vn_move_phase_name(enum vn_move_phase phase);
/* "address", "idleness", "damon". */
const char *vn_move_order_name(enum vn_move_order order);
/* "pinned", "shared", "no-huge-page", "target-full", "forbidden", "busy", "unknown"; and what to do about it, a sentence. */
const char *vn_stayed_name(enum vn_stayed reason);
const char *vn_stayed_advice(enum vn_stayed reason);

/* `"schema": "vnuma.move/1"`: the journal, and what `move --json` prints. NULL when memory is short. */
json_t *vn_move_to_json(const struct vn_move *move);

/* Reads it back; every field is checked, one problem each for what is missing or wrong. `file` is named in them. */
int vn_move_from_json(const json_t *json, const char *file, struct vn_move **ret_move, struct vn_error *err);
