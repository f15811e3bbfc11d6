/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What a sample means: how local each VM is, what is wrong with it, what that costs and which command mends it. audit/judge.c makes
 * it. docs/findings.md says of each code what it means, how it is found and when to leave it alone.
 */

#include "sample.h"

/* By what it costs; the bounds are in audit/cost.h. */
enum vn_severity {
	VN_SEVERITY_NOTICE, /* costs nothing now, may later */
	VN_SEVERITY_LOW,
	VN_SEVERITY_MEDIUM,
	VN_SEVERITY_HIGH,
};

struct vn_finding {
	char code[32]; /* stable: "memory-remote" */
	enum vn_severity severity;
	double cost; /* CPUs' worth of time that is lost now, as cost.h reckons; 0: nothing now */
	int vnode; /* -1: of the VM as a whole, or of the host */
	pid_t tid; /* of the thread it is about; 0: none */
	char *text; /* a sentence; owned */
	char *fix; /* a command for a shell, or several, joined by " && "; owned; NULL: there is none that is safe to give */
};

struct vn_findings {
	size_t n;
	struct vn_finding *v; /* worst first */
};

/* How the home node of a vnode is known. */
enum vn_home_by {
	VN_HOME_UNKNOWN,
	VN_HOME_BY_PLAN, /* vnuma's own */
	VN_HOME_BY_AFFINITY, /* all its vCPUs are kept on one node */
	VN_HOME_BY_POLICY, /* its memory is bound to one node, or prefers it */
	VN_HOME_BY_MEMORY, /* most of its memory is there */
	VN_HOME_BY_TIME, /* most of its vCPUs' time was spent there */
};

struct vn_vnode_audit {
	int home; /* node id; -1: not known */
	enum vn_home_by home_by;
	bool spread; /* it spans nodes because it must, or is meant to: nothing is remote there */
	uint64_t size; /* bytes the guest is told */
	size_t n_memory;
	struct vn_node_bytes *memory; /* present, estimated; by node; owned */
	bool has_local;
	struct vn_share_interval
		local; /* share of its present pages on the node(s) where its vCPUs ran, weighed by their time */
	double mean_distance; /* of an access by its vCPUs to its memory, 10: all local; 0: not known */
	double cpus; /* CPUs' worth of time that its vCPUs took */
};

struct vn_vm_audit {
	const struct vn_vm_sample *vm;
	bool has_locality; /* false: pages or threads could not be read; or nothing of it is there yet */
	struct vn_share_interval
		locality; /* DESIGN's: sum over vCPUs of share of CPU time * share of its vnode's pages on the node it ran on */
	double reach; /* the most that locality can be as its memory is spread by choice; 1: it is not */
	bool below; /* even the upper end of locality is less than the threshold's part of `reach` */
	double mean_distance; /* 10 to 255; 0: not known */
	double cpus; /* CPUs' worth of time its vCPUs took */
	double waited; /* CPUs' worth of time they waited for a CPU */
	uint64_t present,
		remote; /* bytes of guest memory there, and of these not on the node of the vCPUs that use them */
	unsigned migrations; /* of vCPUs from node to node, as seen */
	size_t n_memory;
	struct vn_node_bytes *memory; /* of all vnodes; by node; owned */
	size_t n_vnodes; /* one at least; of a guest without vnodes it is all */
	struct vn_vnode_audit *vnodes;
	struct vn_notes
		unjudged; /* what was not known, and so was not judged: 'memory-unknown', 'threads-unknown' */
	struct vn_findings findings;
};

struct vn_audit {
	const struct vn_sample *sample; /* must outlive it */
	struct vn_sample *owned; /* the same, where it is freed with the audit; NULL: it is somebody else's */
	double threshold; /* locality below which a VM counts as remote; 0 to 1 */
	size_t n_vms;
	struct vn_vm_audit *
		vms; /* those that were asked for, worst first: by cost of findings, then locality, then pid */
	struct vn_findings host; /* findings that are no VM's */
	size_t n_below; /* VMs below the threshold */
};

struct vn_audit *vn_audit_new(void);
void vn_audit_free(struct vn_audit *audit);
static inline void vn_audit_freep(struct vn_audit **audit)
{
	vn_audit_free(*audit);
}
#define vn_autoaudit vn_cleanup(vn_audit_freep) struct vn_audit

void vn_vm_audit_clear(struct vn_vm_audit *vm);
void vn_findings_clear(struct vn_findings *findings);

/* "notice", "low", "medium", "high". */
const char *vn_severity_name(enum vn_severity severity);

/* "plan", "affinity", "policy", "memory", "time"; NULL: not known. */
const char *vn_home_by_name(enum vn_home_by by);
