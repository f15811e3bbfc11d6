/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* CPUs of home that a VM's cpuset does not allow. */
#include "../base/text.h"
#include "findings.h"
#include "fix.h"
#include "ledger.h"

/* The vCPUs that are not at home, kept there once the cpuset lets them. */
static int fix_vnode(struct vn_case *the, const struct vn_case_vnode *vnode, hwloc_const_bitmap_t near,
	struct vn_claim *claim)
{
	vn_autofree const struct vn_thread_sample **threads = calloc(the->n_vcpus + 1, sizeof(*threads));
	vn_autoset cpus = vn_fix_cpus(the, near);
	double work = 0;
	char *fix = NULL;
	size_t n = 0;

	if (!threads || !cpus)
		return -ENOMEM;
	for (size_t i = 0; i < the->n_vcpus; i++) {
		const struct vn_case_vcpu *vcpu = &the->vcpus[i];
		if (vcpu->vnode != vnode - the->vnodes || hwloc_bitmap_isincluded(vcpu->may, near))
			continue;
		threads[n++] = vcpu->thread;
		work += vn_ledger_demand(the->sample, vcpu->thread);
	}
	if (!vn_ledger_has_cores(the->ledger, near, work))
		return 0;
	int r = vn_fix_pin(the, threads, n, cpus, &fix);
	if (fix)
		vn_ledger_take_cores(the->ledger, near, work);
	vn_claim_fix(claim, fix);
	return r;
}

static int claim_vnode(
	struct vn_case *the, const struct vn_case_vnode *vnode, const char *allowed, struct vn_claim *claim)
{
	size_t at = (size_t)(vnode - the->vnodes);

	vn_claim_part(claim, (int)at, 0, vnode->barred_cost,
		vn_format(
			"vnode %zu is at home on node %u (by %s), but its cpuset allows CPUs %s only, none of them there; %s",
			at, vn_case_id(the, vnode->home), vn_home_by_name(vnode->home_by), allowed,
			the->vm->manager == VN_MANAGER_LIBVIRT
				? "let its slice have them (AllowedCPUs=), then virsh vcpupin"
				: "let its unit have them (AllowedCPUs=), or start its container with them (--cpuset-cpus)"));
	return 0;
}

/* First the cpuset, once for all vnodes; pins are refused without. */
int vn_find_barred(struct vn_case *the, struct vn_claim *claim)
{
	vn_autoset homes = hwloc_bitmap_alloc();
	vn_autofree char *allowed = the->vm->cpus ? vn_set_text(the->vm->cpus) : vn_copy("");
	char *fix = NULL;
	bool any = false;

	if (!homes || !allowed)
		return -ENOMEM;
	for (size_t v = 0; v < the->n_vnodes; v++) {
		const struct vn_case_vnode *vnode = &the->vnodes[v];
		any |= vnode->barred;
		if (vnode->barred && (claim_vnode(the, vnode, allowed, claim) < 0 ||
					     vn_case_near(the, vnode->home, homes) < 0))
			return -ENOMEM;
	}
	vn_autoset cpus = vn_fix_cpus(the, homes);
	if (!cpus)
		return -ENOMEM;
	if (!any)
		return 0;
	int r = vn_fix_allow(the, cpus, &fix);
	bool allows = fix != NULL;
	vn_claim_before(claim, fix);
	for (size_t v = 0; v < the->n_vnodes && r == 0 && allows; v++) {
		vn_autoset near = hwloc_bitmap_alloc();
		if (!the->vnodes[v].barred)
			continue;
		if (!near || vn_case_near(the, the->vnodes[v].home, near) < 0)
			return -ENOMEM;
		r = fix_vnode(the, &the->vnodes[v], near, claim);
	}
	return r;
}
