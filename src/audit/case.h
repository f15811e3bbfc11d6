/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* A VM before the judge: its sample in the terms that all findings are made of. Nodes are indices into host->nodes here, never ids. */

#include "../model/audit.h"

struct vn_crowd;
struct vn_ledger;

struct vn_case_vcpu {
	const struct vn_thread_sample *thread;
	int vnode; /* -1: not known */
	double cpus; /* CPUs' worth of time it took */
	double weight; /* its share of the time of all vCPUs; where none ran each has the same */
	bool has_place;
	double *on; /* share of its time by node; owned by the case */
	bool kicked; /* it shares its CPU with a vhost worker that it wakes: set by vn_find_vhost() */
	hwloc_bitmap_t may; /* nodes of the CPUs that it may use; empty: not known; owned */
};

struct vn_case_vnode {
	uint64_t size; /* bytes the guest is told */
	uint64_t page; /* bytes a huge page in use; 0: ordinary */
	size_t n_blocks;
	double *memory; /* bytes by node, estimated; owned by the case */
	double present; /* the sum of `memory` */
	size_t n_vcpus;
	double weight; /* of its vCPUs */
	double *on; /* of its vCPUs' time by node, 1 in all; owned by the case */
	hwloc_bitmap_t policy; /* nodes that the policies, or the cpuset, name; empty: none; owned */
	double barred_cost; /* what that costs, see `barred` */
	uint64_t lack; /* huge pages that a command adds to the pool at home: set by vn_find_memory() */
	int kept; /* the node that all its vCPUs are kept on; -1: not one */
	unsigned dealt_over; /* dealt: over how many nodes, one at least: set by vn_homes_find() */
	int home; /* -1: not known */
	enum vn_home_by home_by;
	int goes; /* the node that a command sends it to, though it is not at home there; -1: set by vn_find_vcpus() */
	bool has_memory; /* pages of all its blocks were looked at */
	bool has_place; /* of all its vCPUs that have a weight */
	bool has_policy; /* of all its blocks */
	bool bound; /* all are bound, be it by the cpuset */
	bool dealt; /* some are interleaved on purpose */
	bool loose; /* it spans nodes because it must, or is meant to: nothing is remote there */
	bool elsewhere; /* vCPUs of its were found floating, or off home: set by vn_find_vcpus() */
	bool comes; /* a command brings its memory home: set by vn_find_memory() */
	bool barred; /* its cpuset allows no CPU of home: set by vn_find_vcpus(), told by vn_find_memory() */
	bool misplaced; /* and memory of its away from home: set by vn_find_memory() */
};

struct vn_case {
	const struct vn_sample *sample;
	const struct vn_host *host;
	const struct vn_vm_sample *vm;
	struct vn_crowd *crowd;
	struct vn_ledger *ledger;
	struct vn_vm_audit *audit;
	double threshold; /* share at home below which memory is away */
	size_t n_vcpus;
	struct vn_case_vcpu *vcpus;
	size_t n_vnodes; /* one at least */
	struct vn_case_vnode *vnodes;
	bool has_strays; /* memory, or vCPUs that ran, of which the vnode is not known */
	double *shares; /* all vectors by node */
};

/* Everything but homes. 0 or -ENOMEM. */
int vn_case_open(const struct vn_sample *sample, const struct vn_vm_sample *vm, struct vn_crowd *crowd,
	struct vn_ledger *ledger, struct vn_vm_audit *audit, struct vn_case *ret_case);
void vn_case_close(struct vn_case *the);

/* Distance from a CPU of one node to memory of another, and whether that was told. */
double vn_case_distance(const struct vn_case *the, size_t from, size_t to, bool *known);

/* Adds the nodes of these CPUs to `ret`. 0 or -ENOMEM. */
int vn_case_nodes(const struct vn_host *host, hwloc_const_bitmap_t cpus, hwloc_bitmap_t ret);

/* Where vCPUs at home on `home` are: it, or the nodes with CPUs that are nearest to it. Adds to `ret`. 0 or -ENOMEM. */
int vn_case_near(const struct vn_case *the, int home, hwloc_bitmap_t ret);

/* Where a thread was: shares of its time by node into `on`, or where it was last; one that slept since it was told to be elsewhere is
 * there already, as far as it matters. False: not known. */
bool vn_case_place(const struct vn_host *host, const struct vn_thread_sample *thread, double *on);

/* Mean distance of an access by CPUs on `on` to memory as `memory` has it (any scale); 0: there is none. */
double vn_case_mean(const struct vn_case *the, const double *on, const double *memory, bool *known);

/* Index of the host's node with this id, or -1. */
int vn_case_index(const struct vn_host *host, unsigned id);

/* "0,2-3": ids of nodes that are given by index. NULL when memory is short. */
char *vn_case_ids(const struct vn_case *the, hwloc_const_bitmap_t nodes);

#define VN_CASE_NAME 64u

/* "vCPU 3 (thread 103)", with what kind of one it is ("busy ") before; "a vCPU (thread 103)" where its number is not known. */
const char *vn_case_vcpu_name(
	const struct vn_thread_sample *thread, const char *kind, char buffer[static VN_CASE_NAME]);

/* A device of the host (VFIO) has its memory pinned, as a rule all of it: that moves nowhere while the VM runs. */
static inline bool vn_case_is_pinned(const struct vn_case *the)
{
	return the->vm->n_devices > 0;
}

static inline unsigned vn_case_id(const struct vn_case *the, int node)
{
	return the->host->nodes[node].id;
}

/* CPUs' worth of time. */
static inline double vn_case_cpus(const struct vn_case *the, uint64_t ns)
{
	return the->sample->interval_ns ? (double)ns / (double)the->sample->interval_ns : 0;
}
