/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: each VM becomes a case (case.h), in which its pages and its threads' times are vectors by node and belong to
 * vnodes. Of these follow homes (home.c), locality (locality.c) and then what is wrong (findings.h), first of each VM, then of the host,
 * for which all cases have to be there. What is not known is not judged: a vnode whose pages or policies could not be read has no
 * finding that would need them, and vn_vm_audit.unjudged says so.
 */
#include "judge.h"

#include "claim.h"
#include "crowd.h"
#include "findings.h"
#include "home.h"
#include "ledger.h"
#include "locality.h"

static int find_all(struct vn_case *the)
{
	static int (*const far[])(struct vn_case *) = {
		vn_find_vcpus, vn_find_memory, vn_find_vhost, vn_find_iothreads};
	bool one = the->host->n_nodes == 1;
	int r = one ? vn_find_vhost(the) : 0;

	for (size_t i = 0; i < sizeof(far) / sizeof(*far) && !one && r == 0; i++)
		r = far[i](the);
	if (r == 0)
		r = vn_find_squeezed(the);
	if (r == 0)
		r = vn_find_swapped(the);
	if (r == 0 && !one)
		r = vn_find_devices(the);
	if (r == 0 && !one)
		r = vn_find_told(the);
	vn_findings_sort(&the->audit->findings);
	return r;
}

static int judge_vm(struct vn_case *the, double threshold)
{
	the->threshold = threshold;
	int r = vn_homes_find(the);
	if (r == 0)
		r = vn_locality(the);
	/* as findings are: by what is sure, or a VM near the threshold would be below it now and then */
	the->audit->below =
		the->audit->has_locality && the->audit->locality.high < threshold * the->audit->reach;
	return r == 0 ? find_all(the) : r;
}

static double cost_of(const struct vn_vm_audit *vm)
{
	double cost = 0;

	for (size_t i = 0; i < vm->findings.n; i++)
		cost += vm->findings.v[i].cost;
	return cost;
}

/* A VM of which nothing is known is no worse than any other. */
static int compare_vms(const void *a, const void *b)
{
	const struct vn_vm_audit *x = a, *y = b;
	double cost_x = cost_of(x), cost_y = cost_of(y);
	double share_x = x->has_locality ? x->locality.share : 2,
	       share_y = y->has_locality ? y->locality.share : 2;

	if (cost_x != cost_y)
		return cost_x > cost_y ? -1 : 1;
	if (share_x != share_y)
		return share_x < share_y ? -1 : 1;
	return (x->vm->process.pid > y->vm->process.pid) - (x->vm->process.pid < y->vm->process.pid);
}

static int judge_cases(const struct vn_sample *sample, struct vn_crowd *crowd, struct vn_ledger *ledger,
	struct vn_case *cases, struct vn_audit *audit)
{
	int r = 0;

	for (size_t i = 0; i < sample->n_vms && r == 0; i++) {
		audit->n_vms++;
		r = vn_case_open(sample, &sample->vms[i], crowd, ledger, &audit->vms[i], &cases[i]);
		if (r == 0)
			r = judge_vm(&cases[i], audit->threshold);
	}
	if (r == 0 && sample->host->n_nodes > 1)
		r = vn_find_host(cases, sample->n_vms, audit);
	return r;
}

/* Those that nobody asked for have played their part. */
static void drop_aside(struct vn_audit *audit)
{
	size_t n = 0;

	for (size_t i = 0; i < audit->n_vms; i++) {
		if (audit->vms[i].vm->aside)
			vn_vm_audit_clear(&audit->vms[i]);
		else
			audit->vms[n++] = audit->vms[i];
	}
	audit->n_vms = n;
}

int vn_judge(const struct vn_sample *sample, double threshold, struct vn_audit **ret_audit)
{
	vn_autoaudit *audit = vn_audit_new();
	vn_autocrowd crowd = {0};
	vn_autoledger ledger = {0};
	struct vn_case *cases = calloc(sample->n_vms + 1, sizeof(*cases));

	if (audit)
		audit->vms = calloc(sample->n_vms + 1, sizeof(*audit->vms));
	int r = audit && audit->vms && cases ? vn_crowd_make(sample, &crowd) : -ENOMEM;
	if (r == 0)
		r = vn_ledger_make(sample, &ledger);
	if (r == 0) {
		audit->sample = sample;
		audit->threshold = threshold;
		r = judge_cases(sample, &crowd, &ledger, cases, audit);
	}
	for (size_t i = 0; i < sample->n_vms && cases; i++)
		vn_case_close(&cases[i]);
	free(cases);
	if (r < 0)
		return r;
	vn_findings_sort(&audit->host);
	drop_aside(audit);
	qsort(audit->vms, audit->n_vms, sizeof(*audit->vms), compare_vms);
	for (size_t i = 0; i < audit->n_vms; i++)
		audit->n_below += audit->vms[i].below;
	*ret_audit = vn_steal(audit);
	return 0;
}
