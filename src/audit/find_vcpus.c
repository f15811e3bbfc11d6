/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vCPUs and their homes. */
#define _GNU_SOURCE
#include <stdio.h>

#include "../base/text.h"
#include "claim.h"
#include "cost.h"
#include "findings.h"
#include "fix.h"
#include "ledger.h"

#define THREADS_NAMED 8u

/* vCPUs of one vnode that are wrong in the same way. */
struct group {
	size_t n;
	const struct vn_case_vcpu **vcpus;
	double cost, off, weight; /* off: of their weight, away from home */
	hwloc_bitmap_t may; /* nodes */
};

/* "vCPU 3 (thread 103)", "vCPUs 0-3 (threads 100 101 102 103)"; new, NULL when memory is short. */
static char *name_group(const struct group *group)
{
	vn_autoset indexes = hwloc_bitmap_alloc();
	char *text = NULL;
	size_t length;

	for (size_t i = 0; i < group->n && indexes; i++) {
		int index = group->vcpus[i]->thread->index;
		if (index >= 0 && hwloc_bitmap_set(indexes, (unsigned)index) < 0)
			return NULL;
	}
	vn_autofree char *list = indexes ? vn_set_text(indexes) : NULL;
	FILE *out = list ? open_memstream(&text, &length) : NULL;
	if (!out)
		return NULL;
	if (hwloc_bitmap_iszero(indexes))
		fprintf(out, "%s vCPU%s (thread%s", group->n > 1 ? "some" : "a", group->n > 1 ? "s" : "",
			group->n > 1 ? "s" : "");
	else
		fprintf(out, "vCPU%s %s (thread%s", group->n > 1 ? "s" : "", list, group->n > 1 ? "s" : "");
	for (size_t i = 0; i < group->n && i < THREADS_NAMED; i++)
		fprintf(out, " %d", group->vcpus[i]->thread->tid);
	fputs(group->n > THREADS_NAMED ? " …)" : ")", out);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

/* What a vCPU loses more than it would at home. */
static double cost_away(const struct vn_case *the, const struct vn_case_vcpu *vcpu,
	const struct vn_case_vnode *vnode, const double *home)
{
	bool known = true;

	if (!vnode->has_memory || !vcpu->has_place)
		return 0;
	double now = vn_cost_of_distance(vcpu->cpus, vn_case_mean(the, vcpu->on, vnode->memory, &known));
	double then = vn_cost_of_distance(vcpu->cpus, vn_case_mean(the, home, vnode->memory, &known));
	return now > then ? now - then : 0;
}

static int add_vcpu(const struct vn_case *the, const struct vn_case_vcpu *vcpu,
	const struct vn_case_vnode *vnode, hwloc_const_bitmap_t near, const double *home, struct group *group)
{
	group->vcpus[group->n++] = vcpu;
	group->cost += vnode->home >= 0 ? cost_away(the, vcpu, vnode, home) : 0;
	group->weight += vcpu->weight;
	for (size_t n = 0; n < the->host->n_nodes; n++)
		group->off += hwloc_bitmap_isset(near, (unsigned)n) ? 0 : vcpu->weight * vcpu->on[n];
	return hwloc_bitmap_or(group->may, group->may, vcpu->may) < 0 ? -ENOMEM : 0;
}

static const struct vn_vm_thread *promised(const struct vn_case *the, const struct vn_thread_sample *thread)
{
	const struct vn_vm *record = the->vm->record;

	for (size_t i = 0; record && i < record->n_threads; i++) {
		if (record->threads[i].kind == VN_THREAD_VCPU && record->threads[i].tid == thread->tid &&
			record->threads[i].cpus)
			return &record->threads[i];
	}
	return NULL;
}

/* CPUs of work that a command would bring home. What a plan promised was reckoned when it was made. */
static double work_of(const struct vn_case *the, const struct vn_case_vnode *vnode, const struct group *group)
{
	double work = 0;

	for (size_t i = 0; i < group->n; i++) {
		const struct vn_thread_sample *thread = group->vcpus[i]->thread;
		if (vnode->home_by != VN_HOME_BY_PLAN || !promised(the, thread))
			work += vn_ledger_demand(the->sample, thread);
	}
	return work;
}

/* Back to what vnuma promised each, or to all CPUs of home. */
static int fix_group(const struct vn_case *the, const struct vn_case_vnode *vnode, const struct group *group,
	hwloc_const_bitmap_t near, struct vn_claim *claim)
{
	vn_autoset cpus = vn_fix_own_cpus(the, near);
	vn_autofree const struct vn_thread_sample **threads = calloc(group->n + 1, sizeof(*threads));
	size_t rest = 0;
	char *fix = NULL;

	if (!cpus || !threads)
		return -ENOMEM;
	if (vnode->home_by == VN_HOME_BY_TIME && !vnode->has_memory)
		/* cppcheck-suppress memleak; it does not know the cleanup attribute */
		return 0; /* memory may well be elsewhere */
	for (size_t i = 0; i < group->n; i++) {
		const struct vn_thread_sample *thread = group->vcpus[i]->thread;
		const struct vn_vm_thread *own =
			vnode->home_by == VN_HOME_BY_PLAN ? promised(the, thread) : NULL;
		if (!own) {
			threads[rest++] = thread;
			continue;
		}
		if (the->vm->cpus && !hwloc_bitmap_isincluded(own->cpus, the->vm->cpus))
			continue;
		if (vn_fix_pin(the, &thread, 1, own->cpus, &fix) < 0)
			return -ENOMEM;
		vn_claim_fix(claim, fix);
	}
	if (vn_fix_pin(the, threads, rest, cpus, &fix) < 0)
		return -ENOMEM;
	if (fix || rest < group->n)
		vn_ledger_take_cores(the->ledger, near, work_of(the, vnode, group));
	vn_claim_fix(claim, fix);
	return 0;
}

/* CPUs of work of a vnode's vCPUs; without those that are kept on a node already (-1: of all). */
static double work_to(const struct vn_case *the, size_t vnode, int node)
{
	double work = 0;

	for (size_t i = 0; i < the->n_vcpus; i++) {
		const struct vn_case_vcpu *vcpu = &the->vcpus[i];
		if (vcpu->vnode == (int)vnode && !(hwloc_bitmap_weight(vcpu->may) == 1 && node >= 0 &&
							 hwloc_bitmap_isset(vcpu->may, (unsigned)node)))
			work += vn_ledger_demand(the->sample, vcpu->thread);
	}
	return work;
}

static bool has_room(const struct vn_case *the, const struct vn_case_vnode *vnode, size_t node)
{
	const struct vn_host_node *to = &the->host->nodes[node];
	uint64_t room = vn_ledger_memory(the->ledger, (int)node);
	vn_autoset only = hwloc_bitmap_alloc();

	if (!only || hwloc_bitmap_only(only, (unsigned)node) < 0)
		return false;
	return (int)node != vnode->home && !hwloc_bitmap_iszero(to->cpus) && room < UINT64_MAX &&
	       (double)room >= (double)vnode->size - vnode->memory[node] &&
	       (!the->vm->mems || hwloc_bitmap_isset(the->vm->mems, to->id)) &&
	       (!the->vm->cpus || hwloc_bitmap_isincluded(to->cpus, the->vm->cpus)) &&
	       vn_ledger_has_cores(the->ledger, only, work_to(the, (size_t)(vnode - the->vnodes), (int)node));
}

/* Home has no cores left: where vCPUs and memory may go together instead, most of all where the vCPUs are; -1: nowhere. */
static int find_other(const struct vn_case *the, const struct vn_case_vnode *vnode)
{
	int best = -1;

	if (!vnode->has_policy || !hwloc_bitmap_iszero(vnode->policy) || !vnode->has_memory ||
		vnode->page > 0 || vnode->size == 0 || vnode->home_by == VN_HOME_BY_PLAN ||
		vn_case_is_pinned(the))
		return -1;
	for (size_t n = 0; n < the->host->n_nodes; n++) {
		if (has_room(the, vnode, n) && (best < 0 || vnode->on[n] > vnode->on[best]))
			best = (int)n;
	}
	return best;
}

static int send_other(struct vn_case *the, struct vn_case_vnode *vnode, int node, struct vn_claim *claim)
{
	size_t at = (size_t)(vnode - the->vnodes);
	vn_autoset only = hwloc_bitmap_alloc();
	double bytes = (double)vnode->size - vnode->memory[node];

	if (!only || hwloc_bitmap_only(only, (unsigned)node) < 0)
		return -ENOMEM;
	vn_ledger_take_cores(the->ledger, only, work_to(the, at, node));
	the->ledger->nodes[node].promised += bytes > 0 ? (uint64_t)bytes : 0;
	vn_claim_move(claim, at, vn_case_id(the, node));
	vnode->goes = node;
	return 0;
}

static double home_cores(const struct vn_case *the, hwloc_const_bitmap_t near)
{
	double cores = 0;

	for (size_t n = 0; n < the->host->n_nodes; n++)
		cores += hwloc_bitmap_isset(near, (unsigned)n) ? the->ledger->nodes[n].cores : 0;
	return cores;
}

/* Why no command takes them home: "; node 0 has …". */
static char *tell_full(const struct vn_case *the, hwloc_const_bitmap_t near, double work, int other)
{
	vn_autofree char *at = vn_case_ids(the, near);
	double cores = home_cores(the, near), busy = 0;
	char instead[64] = "";

	for (size_t n = 0; n < the->host->n_nodes; n++)
		busy += hwloc_bitmap_isset(near, (unsigned)n) ? the->ledger->nodes[n].work : 0;
	if (other >= 0)
		snprintf(instead, sizeof(instead), ", but its memory can follow to node %u",
			vn_case_id(the, other));
	return at ? vn_format(
			    "; node%s %s cannot take them: %.0f cores, %.1f CPUs of work kept there or brought by other commands here, "
			    "and %.1f to come%s",
			    hwloc_bitmap_weight(near) > 1 ? "s" : "", at, cores, busy, work, instead)
		  : NULL;
}

static char *tell_group(const struct vn_case *the, const struct vn_case_vnode *vnode,
	const struct group *group, hwloc_const_bitmap_t near, bool floating)
{
	vn_autofree char *who = name_group(group);
	vn_autofree char *may = vn_case_ids(the, group->may);
	vn_autofree char *at = vn_case_ids(the, near);
	const char *nodes = hwloc_bitmap_weight(group->may) > 1 ? "s" : "";
	char away[64] = "";

	if (!who || !may || !at)
		return NULL;
	if (vnode->home < 0)
		return vn_format("%s may run on node%s %s, and nothing tells where home is", who, nodes, may);
	if (group->weight > 0)
		snprintf(away, sizeof(away), "; %.0f%% of %s time was spent away from there",
			100 * group->off / group->weight, group->n > 1 ? "their" : "its");
	return vn_format("%s of vnode %zu %s node%s %s, but home is node %u (by %s)%s", who,
		(size_t)(vnode - the->vnodes),
		floating       ? "may run on"
		: group->n > 1 ? "are kept on"
			       : "is kept on",
		nodes, may, vn_case_id(the, vnode->home), vn_home_by_name(vnode->home_by),
		floating ? away : "");
}

static int claim_group(struct vn_case *the, struct vn_case_vnode *vnode, const struct group *group,
	hwloc_const_bitmap_t near, bool floating, struct vn_claim *claim)
{
	double work = work_of(the, vnode, group);
	bool room = vnode->home < 0 || vn_ledger_has_cores(the->ledger, near, work);
	vn_autoset cpus = vnode->home >= 0 ? vn_fix_own_cpus(the, near) : NULL;

	if (vnode->home >= 0 && !cpus)
		return -ENOMEM;
	if (group->n == 0)
		return 0;
	if (cpus && the->vm->cpus && hwloc_bitmap_iszero(cpus)) {
		vnode->elsewhere = vnode->barred = true;
		vnode->barred_cost += group->cost;
		return 0;
	}
	/* a cpuset may leave so few CPUs of home that its vCPUs would be in each other's way */
	bool few = cpus && the->vm->cpus && vn_ledger_cores(the->host, cpus) < home_cores(the, near) &&
		   vn_ledger_cores(the->host, cpus) < work_to(the, (size_t)(vnode - the->vnodes), -1);
	room &= !few;
	int other = room ? -1 : find_other(the, vnode);
	vn_autofree char *told = tell_group(the, vnode, group, near, floating);
	vn_autofree char *full = room  ? vn_copy("")
				 : few ? vn_copy("; its cpuset leaves too few CPUs of home for them")
				       : tell_full(the, near, work, other);
	vn_claim_part(claim, (int)(vnode - the->vnodes), group->n == 1 ? group->vcpus[0]->thread->tid : 0,
		group->cost, told && full ? vn_format("%s%s", told, full) : NULL);
	vnode->elsewhere = true;
	if (other >= 0 && vnode->goes < 0)
		return send_other(the, vnode, other, claim);
	return vnode->home >= 0 && room && vnode->goes < 0 ? fix_group(the, vnode, group, near, claim) : 0;
}

static int find_of_vnode(
	struct vn_case *the, struct vn_case_vnode *vnode, struct vn_claim *off, struct vn_claim *floats)
{
	vn_autoset near = hwloc_bitmap_alloc(), may_off = hwloc_bitmap_alloc(),
		   may_float = hwloc_bitmap_alloc();
	vn_autofree const struct vn_case_vcpu **of_off = calloc(the->n_vcpus + 1, sizeof(*of_off));
	vn_autofree const struct vn_case_vcpu **of_float = calloc(the->n_vcpus + 1, sizeof(*of_float));
	vn_autofree double *home = calloc(the->host->n_nodes, sizeof(*home));
	struct group kept = {.vcpus = of_off, .may = may_off},
		     floating = {.vcpus = of_float, .may = may_float};

	if (!near || !may_off || !may_float || !of_off || !of_float || !home)
		return -ENOMEM;
	if (vnode->home >= 0 && vn_case_near(the, vnode->home, near) < 0)
		/* cppcheck-suppress memleak; it does not know the cleanup attribute */
		return -ENOMEM;
	if (vnode->home >= 0 && hwloc_bitmap_first(near) >= 0)
		home[hwloc_bitmap_first(near)] = 1;
	for (size_t i = 0; i < the->n_vcpus; i++) {
		const struct vn_case_vcpu *vcpu = &the->vcpus[i];
		bool is_floating = hwloc_bitmap_weight(vcpu->may) > 1 &&
				   (vnode->home < 0 || hwloc_bitmap_intersects(vcpu->may, near));
		if (vcpu->vnode != vnode - the->vnodes || hwloc_bitmap_iszero(vcpu->may) ||
			(vnode->home < 0 && !is_floating) ||
			(vnode->home >= 0 && hwloc_bitmap_isincluded(vcpu->may, near)))
			continue;
		if (add_vcpu(the, vcpu, vnode, near, home, is_floating ? &floating : &kept) < 0)
			return -ENOMEM;
	}
	int r = claim_group(the, vnode, &kept, near, false, off);
	return r == 0 ? claim_group(the, vnode, &floating, near, true, floats) : r;
}

int vn_find_vcpus(struct vn_case *the)
{
	vn_autoclaim off = {.code = "vcpu-off-home"}, floats = {.code = "vcpu-floating"};
	int r = 0;

	for (size_t v = 0; v < the->n_vnodes && r == 0; v++) {
		if (!the->vnodes[v].loose && the->vnodes[v].n_vcpus > 0)
			r = find_of_vnode(the, &the->vnodes[v], &off, &floats);
	}
	if (r == 0)
		r = vn_claim_close(&off, the, &the->audit->findings);
	return r == 0 ? vn_claim_close(&floats, the, &the->audit->findings) : r;
}
