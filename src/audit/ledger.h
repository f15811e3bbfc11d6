/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What each node still has to give, over all VMs of an audit.
 *
 * Theory of operation: commands are given VM by VM, and each may be run with any of the others or without. So each one that brings work,
 * memory or huge pages to a node is written down here when it is given, and none is given that the node has no room for beside those
 * before it. What a command takes away from a node is not counted, since nobody knows whether it will be run.
 *
 * Work is counted against cores, not CPUs: contention comes before distance, and two threads of a core contend. Work that is there is
 * that of the vCPUs that are kept on the node. Those that may go elsewhere make room: that is the scheduler's work.
 */

#include "../model/sample.h"

struct vn_ledger_node {
	double cores; /* without isolated ones, where others are left */
	double work; /* CPUs, of vCPUs that are kept there and that commands bring there */
	uint64_t promised; /* bytes of free memory that commands take */
	uint64_t *taken; /* huge pages of each pool that commands take; owned */
	bool grown; /* a command makes a pool of its larger */
};

struct vn_ledger {
	const struct vn_sample *sample;
	size_t n;
	struct vn_ledger_node *nodes; /* as host->nodes */
};

int vn_ledger_make(const struct vn_sample *sample, struct vn_ledger *ret_ledger);
void vn_ledger_clear(struct vn_ledger *ledger);
#define vn_autoledger vn_cleanup(vn_ledger_clear) struct vn_ledger

/* Cores that these CPUs are of. */
double vn_ledger_cores(const struct vn_host *host, hwloc_const_bitmap_t cpus);

/* CPUs' worth of time that a thread wants: that it ran or waited, one at most. */
double vn_ledger_demand(const struct vn_sample *sample, const struct vn_thread_sample *thread);

/* Whether nodes (by index) together have cores for so many more CPUs of work; to take them, of the emptiest. */
bool vn_ledger_has_cores(const struct vn_ledger *ledger, hwloc_const_bitmap_t nodes, double cpus);
void vn_ledger_take_cores(struct vn_ledger *ledger, hwloc_const_bitmap_t nodes, double cpus);

/* Bytes of ordinary memory left on a node, page cache counted; UINT64_MAX: not known. */
uint64_t vn_ledger_memory(const struct vn_ledger *ledger, int node);

/* Free huge pages of a size left in a node's pool. */
uint64_t vn_ledger_huge(const struct vn_ledger *ledger, int node, uint64_t page);
void vn_ledger_take_huge(struct vn_ledger *ledger, int node, uint64_t page, uint64_t pages);
