/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What of the host works against its VMs. */
#include "../base/text.h"
#include "claim.h"
#include "cost.h"
#include "findings.h"
#include "ledger.h"

#define NEARLY_FULL 0.05 /* of the memory that is not in pools of huge pages */
#define BALANCING_ON 1 /* bit of kernel.numa_balancing; the other, 2, is memory tiering alone */
#define ZONE_RECLAIM 1 /* bit of vm.zone_reclaim_mode that turns it on */

/* Bytes of ordinary memory of VMs at home on a node that nobody touched yet. */
static double to_come(const struct vn_case *cases, size_t n, int node)
{
	double bytes = 0;

	for (size_t i = 0; i < n; i++) {
		for (size_t v = 0; v < cases[i].n_vnodes; v++) {
			const struct vn_case_vnode *vnode = &cases[i].vnodes[v];
			if (vnode->home == node && !vnode->loose && vnode->page == 0 && vnode->has_memory &&
				(double)vnode->size > vnode->present)
				bytes += (double)vnode->size - vnode->present;
		}
	}
	return bytes;
}

static int find_full(const struct vn_case *cases, size_t n, struct vn_audit *audit)
{
	vn_autoclaim claim = {.code = "node-nearly-full"};
	const struct vn_host *host = audit->sample->host;

	for (size_t i = 0; i < host->n_nodes; i++) {
		const struct vn_host_node *node = &host->nodes[i];
		uint64_t pools = 0, idle = node->memory_free + node->memory_reclaimable;
		char has[VN_SIZE_TEXT], of[VN_SIZE_TEXT], coming[VN_SIZE_TEXT];
		for (size_t k = 0; k < node->n_hugepools; k++)
			pools += node->hugepools[k].size * node->hugepools[k].total;
		if (!node->has_memory_free || node->memory_total <= pools)
			continue;
		double bytes = to_come(cases, n, (int)i);
		uint64_t ordinary = node->memory_total - pools;
		if ((double)idle >= NEARLY_FULL * (double)ordinary || bytes <= (double)idle)
			continue;
		vn_claim_part(&claim, -1, 0, 0,
			vn_format(
				"node %u has %s of %s left, and VMs at home there have not touched %s of theirs yet: that will lie on "
				"other nodes, or push others out",
				node->id, vn_size_text(idle, has), vn_size_text(ordinary, of),
				vn_size_text((uint64_t)bytes, coming)));
	}
	return vn_claim_close(&claim, NULL, &audit->host);
}

/* Memory that NUMA balancing may scan: it leaves hugetlb and what is bound alone (task_numa_work, vma_policy_mof). */
static bool is_scanned(const struct vn_case_vnode *vnode)
{
	return vnode->n_blocks > 0 && vnode->page == 0 && vnode->has_policy && !vnode->bound;
}

static bool is_placed(const struct vn_case *the, const struct vn_case_vnode *vnode)
{
	return vnode->n_vcpus > 0 && vnode->home >= 0 && !vnode->elsewhere &&
	       (vnode->kept >= 0 || the->vm->record);
}

static int find_balancing(const struct vn_case *cases, size_t n, struct vn_audit *audit)
{
	vn_autoclaim claim = {.code = "kernel-balancing-fights"};
	const struct vn_host_settings *settings = &audit->sample->settings;
	int mode = audit->sample->host->numa_balancing;
	const char *first = NULL;
	size_t fought = 0;

	if (mode <= 0 || !(mode & BALANCING_ON) || (settings->has_faults && settings->hint_faults == 0))
		return 0;
	for (size_t i = 0; i < n; i++) {
		bool found = false;
		for (size_t v = 0; v < cases[i].n_vnodes && !found; v++)
			found = is_scanned(&cases[i].vnodes[v]) && is_placed(&cases[i], &cases[i].vnodes[v]);
		fought += found;
		first = found && !first ? cases[i].vm->name : first;
	}
	if (fought == 0)
		return 0;
	double interval = (double)audit->sample->interval_ns;
	double cost = !settings->has_faults || interval <= 0
			      ? 0
			      : ((double)settings->hint_faults * VN_HINT_FAULT_NS +
					(double)settings->migrated_pages * VN_MIGRATED_PAGE_NS) /
					interval;
	vn_autofree char *seen =
		settings->has_faults
			? vn_format("; it took %llu faults and moved %llu pages on the whole host meanwhile",
				  (unsigned long long)settings->hint_faults,
				  (unsigned long long)settings->migrated_pages)
			: vn_copy("");
	vn_claim_part(&claim, -1, 0, cost,
		seen ? vn_format(
			       "the kernel's NUMA balancing scans, and may move, the memory of %zu VM%s whose vCPUs are kept at home (%s%s)%s",
			       fought, fought > 1 ? "s" : "", first, fought > 1 ? " and others" : "", seen)
		     : NULL);
	vn_claim_fix(&claim, vn_copy("sysctl kernel.numa_balancing=0"));
	return vn_claim_close(&claim, NULL, &audit->host);
}

/* VMs with memory in ordinary pages, and of these those that no policy binds. */
static size_t count_ordinary(const struct vn_case *cases, size_t n, bool only_free)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++) {
		bool found = false;
		for (size_t v = 0; v < cases[i].n_vnodes; v++) {
			const struct vn_case_vnode *vnode = &cases[i].vnodes[v];
			found |= vnode->n_blocks > 0 && vnode->page == 0 &&
				 (!only_free || (vnode->has_policy && !vnode->bound));
		}
		count += found;
	}
	return count;
}

/* Parting the pages takes what merging saved, of nodes that nobody can tell beforehand: each has to have it. New; empty: they do. */
static char *lacks_room(const struct vn_case *cases, const struct vn_audit *audit)
{
	const struct vn_host *host = audit->sample->host;
	const struct vn_host_settings *settings = &audit->sample->settings;
	char need[VN_SIZE_TEXT], has[VN_SIZE_TEXT];

	if (!settings->has_ksm_sharing)
		return vn_copy("; how much is not known, so no command is given");
	for (size_t i = 0; i < host->n_nodes; i++) {
		uint64_t left = vn_ledger_memory(cases[0].ledger, (int)i);
		if (host->nodes[i].memory_total == 0 ||
			(host->nodes[i].has_memory_free && left >= settings->ksm_sharing))
			continue;
		return vn_format(": up to %s, and node %u has %s free beside what other commands here take",
			vn_size_text(settings->ksm_sharing, need), host->nodes[i].id,
			host->nodes[i].has_memory_free ? vn_size_text(left, has) : "an unknown amount");
	}
	return vn_copy("");
}

/* Whatever fails, KSM runs again at the end: a kernel that lacks memory for it stops KSM by itself (mm/ksm.c, run_store()). */
static char *fix_ksm(void)
{
	return vn_copy(
		"(echo 2 > /sys/kernel/mm/ksm/run && echo 0 > /sys/kernel/mm/ksm/merge_across_nodes; r=$?; "
		"echo 1 > /sys/kernel/mm/ksm/run && exit $r)");
}

static int find_ksm(const struct vn_case *cases, size_t n, struct vn_audit *audit)
{
	vn_autoclaim claim = {.code = "ksm-merges-nodes"};
	const struct vn_host_settings *settings = &audit->sample->settings;
	size_t vms = count_ordinary(cases, n, false);

	if (settings->ksm != 1 || settings->ksm_merges_nodes != 1 || vms == 0)
		return 0;
	vn_autofree char *lack = lacks_room(cases, audit);
	vn_claim_part(&claim, -1, 0, 0,
		lack ? vn_format(
			       "KSM runs and merges equal pages of different nodes, so pages of %zu VM%s can come to lie on any of them; to "
			       "change that all merged pages have to be parted first, which takes memory%s",
			       vms, vms > 1 ? "s" : "", lack)
		     : NULL);
	if (lack && !*lack)
		vn_claim_fix(&claim, fix_ksm());
	return vn_claim_close(&claim, NULL, &audit->host);
}

static int find_zone_reclaim(const struct vn_case *cases, size_t n, struct vn_audit *audit)
{
	vn_autoclaim claim = {.code = "zone-reclaim"};
	int mode = audit->sample->settings.zone_reclaim;
	size_t vms = count_ordinary(cases, n, true);

	if (mode <= 0 || !(mode & ZONE_RECLAIM) || vms == 0)
		return 0;
	vn_claim_part(&claim, -1, 0, 0,
		vn_format(
			"vm.zone_reclaim_mode is %d: on a full node the kernel drops caches there, and stalls who asks, before it takes "
			"memory of another node; %zu VM%s may run into it",
			mode, vms, vms > 1 ? "s" : ""));
	vn_claim_fix(&claim, vn_copy("sysctl vm.zone_reclaim_mode=0"));
	return vn_claim_close(&claim, NULL, &audit->host);
}

/* numad sets one mask for all threads of a process, and so takes pins off. */
static int find_numad(const struct vn_case *cases, size_t n, struct vn_audit *audit)
{
	vn_autoclaim claim = {.code = "numad-runs"};
	size_t placed = 0;

	for (size_t i = 0; i < n && audit->sample->settings.numad == 1; i++) {
		bool found = false;
		for (size_t v = 0; v < cases[i].n_vnodes; v++)
			found |= is_placed(&cases[i], &cases[i].vnodes[v]);
		placed += found;
	}
	if (placed == 0)
		return 0;
	vn_claim_part(&claim, -1, 0, 0,
		vn_format(
			"numad runs: it gives all threads of a process the same CPUs, and so undoes the pins of %zu VM%s",
			placed, placed > 1 ? "s" : ""));
	vn_claim_fix(&claim, vn_copy("systemctl disable --now numad"));
	return vn_claim_close(&claim, NULL, &audit->host);
}

int vn_find_host(const struct vn_case *cases, size_t n, struct vn_audit *audit)
{
	int (*const finders[])(const struct vn_case *, size_t, struct vn_audit *) = {
		find_full, find_balancing, find_ksm, find_zone_reclaim, find_numad};
	int r = 0;

	for (size_t i = 0; i < sizeof(finders) / sizeof(*finders) && r == 0; i++)
		r = finders[i](cases, n, audit);
	return r;
}
