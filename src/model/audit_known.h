/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What of an audit is known, and what was left out: asked by all who show one. "Unknown" must never look like 0. */

#include "audit.h"

/* Whether times of some vCPU were read: without them `cpus`, `waited`, `migrations` mean nothing. */
bool vn_vm_has_times(const struct vn_vm_sample *vm);

/* The same of a vnode's vCPUs; of one vnode, all are its. */
bool vn_vnode_has_times(const struct vn_vm_sample *vm, size_t vnode, size_t n_vnodes);

/* Whether it was looked where pages of some block are: without that `present`, `memory` mean nothing. */
bool vn_vm_has_pages(const struct vn_vm_sample *vm);

/* The same of a vnode's blocks. */
bool vn_vnode_has_pages(const struct vn_vm_sample *vm, size_t vnode, size_t n_vnodes);

/* The vnode of a thread that is a vCPU; -1: not known, or no vCPU. */
int vn_thread_vnode(const struct vn_vm_sample *vm, const struct vn_thread_sample *thread);

/* Home nodes of all vnodes as a set; new; NULL when memory is short. */
hwloc_bitmap_t vn_vm_homes(const struct vn_vm_audit *vm);

/* Bytes of a VM on a node; 0: none. */
uint64_t vn_bytes_on(const struct vn_node_bytes *memory, size_t n, unsigned node);

/* Bytes of all vnodes whose home is known on a node that is another. */
uint64_t vn_bytes_off_home(const struct vn_vm_audit *vm, unsigned node);

/* Nanoseconds a VM's vCPUs ran on a node. */
uint64_t vn_time_on(const struct vn_vm_sample *vm, unsigned node);

/* The worst severity of findings; -1: there are none. */
int vn_findings_worst(const struct vn_findings *findings);

/* Findings of the host and of all VMs. */
size_t vn_audit_n_findings(const struct vn_audit *audit);

/* A thing that could not be read, once for all VMs of which the same is said. */
struct vn_gap {
	const char *code, *text; /* of the sample */
	bool of_host;
	size_t n_vms;
	const struct vn_vm_sample *first; /* VM; NULL: of the host only */
	size_t n_alike; /* of the same code in other words, which are left out here */
};

#define VN_GAPS_ALIKE 3u /* of a code are told in full */

/* All gaps, the host's first, in the order met. Array of *ret_n, new; texts belong to the sample. 0 or -ENOMEM. */
int vn_audit_gaps(const struct vn_audit *audit, struct vn_gap **ret_gaps, size_t *ret_n);

/* Whether pages could be read of no VM at all, nor is locality known without (on a host of one node it is), though there are VMs with
 * gaps: an audit that says nothing must not look calm. */
bool vn_audit_is_blind(const struct vn_audit *audit);

/* The audit in one sentence without its full stop: "2 of 3 VMs are less than 90% local". New; NULL when memory is short. */
char *vn_audit_verdict(const struct vn_audit *audit);

#define VN_SHARE_TEXT 24

/* "89.7%", "90%": rounded down to tenths, so that nothing looks better than it is. Returns `buffer`. */
const char *vn_share_text(double share, char buffer[static VN_SHARE_TEXT]);

/* The same with half the interval, where that shows: "89.7% ±1.2". */
const char *vn_interval_text(const struct vn_share_interval *interval, char buffer[static VN_SHARE_TEXT]);

/* "3.9", from 100 on "120": CPUs' worth of time. Returns `buffer`. */
const char *vn_cpus_text(double cpus, char buffer[static VN_SHARE_TEXT]);
