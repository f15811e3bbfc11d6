/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan_make.h"

#include "plan_fill.h"
#include "warn.h"
#include "wishes.h"

#define ASTRAY 1 /* the plan has memory where its user does not want it, and is none */

/* A plan anew, without homes: what it would take is on nodes that the user did not name. */
static int refuse_astray(const struct vn_instance *in, const struct vn_host *host,
	const struct vn_guest *guest, struct vn_plan **plan)
{
	vn_autoplan *none = NULL;

	int r = vn_plan_begin(in, host, guest, &none);
	if (r >= 0)
		r = vn_reason_astray(guest, *plan, false, &none->reasons);
	if (r < 0)
		return r;
	vn_plan_free(*plan);
	*plan = vn_steal(none);
	return 0;
}

static int make(const struct vn_instance *in, const struct vn_host *host, const struct vn_guest *guest,
	const struct vn_plan_options *options, struct vn_plan *plan)
{
	vn_autosolution solution = {0};

	int r = vn_reason_resources(in, host, &guest, options, &plan->reasons);
	if (r < 0 || plan->reasons.n > 0) {
		plan->optimal = r >= 0; /* that there is none is proven */
		return r;
	}
	r = vn_solve(in, options ? options->deadline_ms : 0, options && options->runner_up, &solution);
	if (r < 0)
		return r;
	if (solution.feasible) {
		r = vn_plan_fill(in, host, guest, options, &solution, plan);
		if (r >= 0 && vn_spills_astray(guest, plan))
			return ASTRAY;
		return r < 0 ? r : vn_warn_disturbed(host, guest, options ? options->occupied : NULL, plan);
	}
	plan->optimal = solution.proven;
	return vn_reason_not_found(in, solution.proven, &plan->reasons);
}

int vn_plan_make(const struct vn_host *host, const struct vn_guest *guest,
	const struct vn_plan_options *options, struct vn_plan **ret_plan, struct vn_error *err)
{
	vn_autoinstance in = {0};

	int r = vn_check_wishes(host, guest, err);
	if (r < 0)
		return r;
	r = vn_instance_make(host, &guest, 1, options, &in);
	if (r >= 0) {
		r = vn_check_home_cpus(&in, guest, 0, err);
		if (r < 0)
			return r;
	}
	vn_autoplan *plan = NULL;
	if (r >= 0)
		r = vn_plan_begin(&in, host, guest, &plan);
	if (r >= 0)
		r = make(&in, host, guest, options, plan);
	if (r == ASTRAY)
		r = refuse_astray(&in, host, guest, &plan);
	if (r < 0)
		return vn_error_environment(
			err, r, r == -ENOMEM ? "out of memory" : "the planner failed: please report this");
	*ret_plan = vn_steal(plan);
	return 0;
}
