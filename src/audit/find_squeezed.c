/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vCPUs that have no CPU to themselves. */
#include "../base/text.h"
#include "claim.h"
#include "cost.h"
#include "crowd.h"
#include "findings.h"
#include "fix.h"

#define WAITS 0.10 /* of the time that it ran or waited */
#define WAITS_AT_LEAST 0.02 /* CPUs: below, it is the noise of any host */

/* Somebody else's busy vCPU on the same CPU, both kept there; or, with `siblings`, another VM's on another CPU of its core. */
static const struct vn_seat *neighbour(
	const struct vn_crowd *crowd, const struct vn_seat *seat, bool siblings)
{
	for (size_t i = 0; i < crowd->n; i++) {
		const struct vn_seat *other = &crowd->seats[i];
		if (other == seat || other->core != seat->core)
			continue;
		if (!siblings && other->cpu == seat->cpu && other->pinned && seat->pinned)
			return other;
		if (siblings && other->cpu != seat->cpu && other->vm != seat->vm)
			return other;
	}
	return NULL;
}

/* Whether a CPU is nobody's: no busy vCPU is in its core, no thread is kept on it, or, for a `whole` core, on any CPU of the core, and no
 * fix gave it away. */
static bool is_idle(const struct vn_case *the, const struct vn_host_cpu *cpu, bool whole)
{
	const struct vn_crowd *crowd = the->crowd;

	return cpu->online && !hwloc_bitmap_isset(crowd->busy, cpu->id) &&
	       !hwloc_bitmap_isset(crowd->given, cpu->id) && !hwloc_bitmap_isset(crowd->taken, cpu->id) &&
	       !(whole && cpu->siblings && hwloc_bitmap_intersects(crowd->taken, cpu->siblings));
}

/* A CPU of home that is idle, in a whole core if there is one; -1: none. */
static int idle_cpu(const struct vn_case *the, hwloc_const_bitmap_t home)
{
	unsigned cpu;

	for (int whole = 1; whole >= 0; whole--) {
		hwloc_bitmap_foreach_begin (cpu, home) {
			const struct vn_host_cpu *c = vn_host_cpu(the->host, cpu);
			if (!c || !is_idle(the, c, whole))
				continue;
			if (hwloc_bitmap_set(the->crowd->given, cpu) < 0 ||
				(c->siblings && hwloc_bitmap_or(the->crowd->given, the->crowd->given,
							c->siblings) < 0))
				return -ENOMEM;
			return (int)cpu;
		}
		hwloc_bitmap_foreach_end();
	}
	return -1;
}

/* Only one that is kept on a CPU has to be told of another: the scheduler looks after those that may choose. */
static int fix_vcpu(struct vn_case *the, const struct vn_case_vcpu *vcpu, struct vn_claim *claim)
{
	const struct vn_case_vnode *vnode = vcpu->vnode >= 0 ? &the->vnodes[vcpu->vnode] : NULL;
	vn_autoset near = hwloc_bitmap_alloc();
	char *fix = NULL;

	if (!near)
		return -ENOMEM;
	if (!vnode || vnode->home < 0 || vnode->loose || vnode->elsewhere || !vcpu->thread->cpus ||
		hwloc_bitmap_weight(vcpu->thread->cpus) != 1)
		return 0;
	if (vn_case_near(the, vnode->home, near) < 0)
		return -ENOMEM;
	vn_autoset cpus = vn_fix_own_cpus(the, near);
	if (!cpus)
		return -ENOMEM;
	int cpu = idle_cpu(the, cpus);
	if (cpu < 0)
		return cpu == -1 ? 0 : cpu;
	if (hwloc_bitmap_only(cpus, (unsigned)cpu) < 0 || vn_fix_pin(the, &vcpu->thread, 1, cpus, &fix) < 0)
		return -ENOMEM;
	vn_claim_fix(claim, fix);
	return 0;
}

static char *tell_neighbour(const struct vn_case *the, const struct vn_case_vcpu *vcpu,
	const struct vn_seat *seat, const struct vn_seat *other, bool same)
{
	bool alone = the->vm->cpus && hwloc_bitmap_weight(the->vm->cpus) == 1;
	char name[VN_CASE_NAME], of_other[VN_CASE_NAME];

	vn_case_vcpu_name(vcpu->thread, "", name);
	vn_case_vcpu_name(other->thread, "busy ", of_other);
	if (same)
		return vn_format(alone ? "%s may use CPU %u only by its cpuset, as may %s of %s"
				       : "%s is kept on CPU %u, as is %s of %s",
			name, seat->cpu, of_other, other->vm == seat->vm ? "the same VM" : other->vm->name);
	return vn_format("%s on CPU %u shares its core with %s of %s on CPU %u", name, seat->cpu, of_other,
		other->vm->name, other->cpu);
}

static int find_vcpu(struct vn_case *the, struct vn_case_vcpu *vcpu, struct vn_claim *claim)
{
	const struct vn_thread_sample *thread = vcpu->thread;
	double waited = vn_case_cpus(the, thread->wait_ns);
	const struct vn_seat *seat = vn_crowd_seat(the->crowd, thread);
	char name[VN_CASE_NAME];
	const struct vn_seat *same = seat ? neighbour(the->crowd, seat, false) : NULL;
	const struct vn_seat *sibling = seat ? neighbour(the->crowd, seat, true) : NULL;

	if (!thread->has_times || vcpu->kicked)
		return 0;
	if (same)
		vn_claim_part(
			claim, vcpu->vnode, thread->tid, waited, tell_neighbour(the, vcpu, seat, same, true));
	else if (waited > WAITS * (waited + vcpu->cpus) && waited >= WAITS_AT_LEAST)
		vn_claim_part(claim, vcpu->vnode, thread->tid, waited,
			vn_format(
				"%s waited for a CPU %.0f%% of the time in which it could have run: %.2f CPUs",
				vn_case_vcpu_name(thread, "", name), 100 * waited / (waited + vcpu->cpus),
				waited));
	else if (sibling && vcpu->cpus >= VN_BUSY)
		vn_claim_part(claim, vcpu->vnode, thread->tid,
			VN_SMT_LOSS * (vcpu->cpus < 1 ? vcpu->cpus : 1) *
				(sibling->demand < 1 ? sibling->demand : 1),
			tell_neighbour(the, vcpu, seat, sibling, false));
	else
		return 0;
	return fix_vcpu(the, vcpu, claim);
}

int vn_find_squeezed(struct vn_case *the)
{
	vn_autoclaim claim = {.code = "vcpu-squeezed"};
	int r = 0;

	for (size_t i = 0; i < the->n_vcpus && r == 0; i++)
		r = find_vcpu(the, &the->vcpus[i], &claim);
	return r == 0 ? vn_claim_close(&claim, the, &the->audit->findings) : r;
}
