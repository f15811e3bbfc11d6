/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Threads that do a VM's I/O: vhost workers and iothreads. */
#include "../base/text.h"
#include "../model/io_users.h"
#include "claim.h"
#include "cost.h"
#include "crowd.h"
#include "findings.h"
#include "fix.h"
#include "near.h"

#define MOSTLY 0.5 /* of a thread's time */

/* A thread that is not where it should be: its distance from there, 0: it is there, or that is not known. */
static double strays_by(const struct vn_case *the, const struct vn_thread_sample *thread,
	const struct vn_near *near, bool *kept)
{
	vn_autofree double *on = calloc(the->host->n_nodes, sizeof(*on));
	vn_autoset may = hwloc_bitmap_alloc();
	double off = 0, distance = 0;
	bool known = true;

	if (!on || !may || vn_case_nodes(the->host, thread->cpus, may) < 0 || hwloc_bitmap_iszero(may))
		return 0;
	*kept = !hwloc_bitmap_intersects(may, near->fine);
	if (!vn_case_place(the->host, thread, on))
		return 0;
	for (size_t n = 0; n < the->host->n_nodes; n++) {
		double nearest = 0;
		for (size_t h = 0; h < the->host->n_nodes; h++) {
			double d = hwloc_bitmap_isset(near->homes, (unsigned)h)
					   ? vn_case_distance(the, n, h, &known)
					   : 0;
			nearest = d > 0 && (nearest <= 0 || d < nearest) ? d : nearest;
		}
		distance += on[n] * nearest;
		off += hwloc_bitmap_isset(near->fine, (unsigned)n) ? 0 : on[n];
	}
	return off > MOSTLY ? distance : 0;
}

/*
 * libvirt has its workers in the cgroup of the emulator, which may not let them go home one by one: where all of the VM has one home, it
 * all goes there, once.
 */
static int fix_stray(const struct vn_case *the, const struct vn_thread_sample *thread,
	const struct vn_near *near, struct vn_claim *claim)
{
	bool with_all = the->vm->manager == VN_MANAGER_LIBVIRT && thread->kind == VN_THREAD_VHOST &&
			the->n_vnodes == 1;
	vn_autoset cpus = vn_fix_own_cpus(the, near->homes);
	char *fix = NULL;

	if (!cpus)
		return -ENOMEM;
	if (with_all && claim->fix)
		return 0;
	int r = with_all ? vn_fix_emulator(the, cpus, &fix) : vn_fix_pin(the, &thread, 1, cpus, &fix);
	vn_claim_fix(claim, fix);
	return r;
}

static int find_stray(struct vn_case *the, size_t at, const char *what, struct vn_claim *claim)
{
	const struct vn_thread_sample *thread = &the->vm->threads[at];
	vn_autoiousers users = {0};
	vn_autonear near = {0};
	bool kept = false;
	int r = vn_io_users_of(the->vm, at, &users);

	if (r == 0)
		r = vn_near_of(the, users.vnodes, &near);
	if (r <= 0)
		return r;
	double cpus = thread->has_times ? vn_case_cpus(the, thread->run_ns) : 0;
	double distance = strays_by(the, thread, &near, &kept);
	double cost = vn_cost_of_distance(cpus, distance);
	if (distance <= 0 || (!kept && cost < VN_COST_LOW))
		return 0; /* it may be at home, and where it was last is chance */
	vn_autofree char *homes = vn_case_ids(the, near.homes);
	vn_autofree char *may = vn_set_text(thread->cpus);
	if (!homes || !may || fix_stray(the, thread, &near, claim) < 0)
		return -ENOMEM;
	vn_claim_part(claim, users.vnode, thread->tid, cost,
		vn_format(
			"%s (thread %d, %s, on CPUs %s) works for vCPUs at home on node%s %s, but %s, at distance %.0f",
			what, thread->tid, thread->name, may, hwloc_bitmap_weight(near.homes) > 1 ? "s" : "",
			homes, kept ? "is kept elsewhere" : "ran mostly elsewhere", distance));
	return 0;
}

/* The vCPU of a worker's queues that stays on the worker's own CPU; NULL: none. */
static struct vn_case_vcpu *kicker_of(struct vn_case *the, const struct vn_queue_sample *queue)
{
	const struct vn_thread_sample *worker = &the->vm->threads[queue->worker];

	for (size_t i = 0; i < the->n_vcpus; i++) {
		struct vn_case_vcpu *vcpu = &the->vcpus[i];
		int index = vcpu->thread->index;
		bool kept, strays = vcpu->vnode >= 0 && the->vnodes[vcpu->vnode].elsewhere;
		if (index < 0 || !vn_queue_uses(queue, (unsigned)index) ||
			!vn_io_meets(the->sample, worker, vcpu->thread, &kept))
			continue;
		if (kept || (!strays && vcpu->thread->run_ns > 0 && worker->run_ns > 0))
			return vcpu;
	}
	return NULL;
}

static int fix_kicked(struct vn_case *the, const struct vn_thread_sample *worker,
	const struct vn_case_vcpu *vcpu, struct vn_claim *claim)
{
	vn_autonear near = {0};
	int r = vn_near_find(the, vcpu->vnode, &near);
	char *fix = NULL;

	if (r <= 0)
		return r;
	vn_autoset cpus = vn_fix_own_cpus(the, near.homes);
	vn_autoset idle = cpus ? hwloc_bitmap_dup(cpus) : NULL;
	if (!idle)
		return -ENOMEM;
	for (size_t i = 0; i < the->n_vcpus; i++) {
		const struct vn_thread_sample *other = the->vcpus[i].thread;
		bool kept;
		int cpu = vn_io_stays(the->sample, other, &kept);
		if (cpu >= 0 && hwloc_bitmap_clr(cpus, (unsigned)cpu) < 0)
			return -ENOMEM;
	}
	if (hwloc_bitmap_andnot(cpus, cpus, the->crowd->taken) < 0 ||
		hwloc_bitmap_and(idle, cpus, idle) < 0 ||
		hwloc_bitmap_andnot(idle, idle, the->crowd->busy) < 0 ||
		hwloc_bitmap_andnot(idle, idle, the->crowd->given) < 0)
		return -ENOMEM;
	r = vn_fix_pin(the, &worker, 1, hwloc_bitmap_iszero(idle) ? cpus : idle, &fix);
	vn_claim_fix(claim, fix);
	return r;
}

/* 1: told. */
static int find_kicked(struct vn_case *the, const struct vn_queue_sample *queue, struct vn_claim *claim)
{
	const struct vn_thread_sample *worker = &the->vm->threads[queue->worker];
	bool pinned;
	struct vn_case_vcpu *vcpu = kicker_of(the, queue);

	if (!vcpu || vcpu->kicked)
		return 0;
	vcpu->kicked = true;
	vn_claim_part(claim, vcpu->vnode, worker->tid,
		vn_case_cpus(the, worker->has_times ? worker->wait_ns : 0) +
			vn_case_cpus(the, vcpu->thread->has_times ? vcpu->thread->wait_ns : 0),
		vn_format(
			"the vhost worker of queue %u (thread %d) runs on CPU %d, as does vCPU %d (thread %d) that wakes it: each "
			"waits for the other",
			queue->queue, worker->tid, vn_io_stays(the->sample, worker, &pinned),
			vcpu->thread->index, vcpu->thread->tid));
	int r = fix_kicked(the, worker, vcpu, claim);
	return r < 0 ? r : 1;
}

static bool is_worker(const struct vn_case *the, ptrdiff_t at)
{
	return at >= 0 && (size_t)at < the->vm->n_threads && the->vm->threads[at].kind == VN_THREAD_VHOST;
}

int vn_find_vhost(struct vn_case *the)
{
	vn_autoclaim kicked = {.code = "vhost-on-kicking-cpu"}, remote = {.code = "vhost-remote"};
	vn_autofree bool *told = calloc(the->vm->n_threads + 1, sizeof(*told));
	int r = told ? 0 : -ENOMEM;

	for (size_t i = 0; i < the->vm->n_nics && r >= 0; i++) {
		const struct vn_nic_sample *nic = &the->vm->nics[i];
		for (size_t q = 0; q < nic->n_queues && r >= 0; q++) {
			if (!is_worker(the, nic->queues[q].worker))
				continue;
			r = find_kicked(the, &nic->queues[q], &kicked);
			told[nic->queues[q].worker] |= r > 0;
		}
	}
	for (size_t i = 0; i < the->vm->n_threads && r >= 0 && the->host->n_nodes > 1; i++) {
		if (the->vm->threads[i].kind == VN_THREAD_VHOST && !told[i])
			r = find_stray(the, i, "a vhost worker", &remote);
	}
	if (r >= 0)
		r = vn_claim_close(&kicked, the, &the->audit->findings);
	return r == 0 ? vn_claim_close(&remote, the, &the->audit->findings) : r;
}

int vn_find_iothreads(struct vn_case *the)
{
	vn_autoclaim claim = {.code = "iothread-remote"};
	int r = 0;

	for (size_t i = 0; i < the->vm->n_threads && r >= 0; i++) {
		if (the->vm->threads[i].kind == VN_THREAD_IOTHREAD)
			r = find_stray(the, i, "an iothread", &claim);
	}
	return r < 0 ? r : vn_claim_close(&claim, the, &the->audit->findings);
}
