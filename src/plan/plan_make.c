/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan_make.h"

#include "../base/text.h"
#include "plan_fill.h"
#include "warn.h"
#include "wishes.h"

static int reason_nothing_found(
	const struct vn_instance *in, const struct vn_solution *solution, struct vn_plan *plan)
{
	if (solution->proven)
		return vn_reason_cores(in, &plan->reasons);
	return vn_notes_add(&plan->reasons, "deadline",
		"no plan was found in the time given, nor was it proven that there is none");
}

static int make(const struct vn_instance *in, const struct vn_host *host, const struct vn_guest *guest,
	const struct vn_plan_options *options, struct vn_plan *plan)
{
	vn_autosolution solution = {0};

	plan->guest = vn_copy(guest->name);
	if (!plan->guest && guest->name)
		return -ENOMEM;
	plan->cost.load_cores = 1;
	int r = vn_view_foretell(guest, &plan->view);
	if (r >= 0)
		r = vn_warn_input(in, host, guest, &plan->warnings);
	if (r >= 0)
		r = vn_reason_resources(in, host, &guest, &plan->reasons);
	if (r < 0 || plan->reasons.n > 0) {
		plan->optimal = r >= 0; /* that there is none is proven */
		return r;
	}
	r = vn_solve(in, options ? options->deadline_ms : 0, options && options->runner_up, &solution);
	if (r < 0)
		return r;
	if (solution.feasible)
		return vn_plan_fill(in, host, guest, options, &solution, plan);
	plan->optimal = solution.proven;
	return reason_nothing_found(in, &solution, plan);
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
	vn_autoplan *plan = vn_plan_new();
	if (r >= 0)
		r = plan ? make(&in, host, guest, options, plan) : -ENOMEM;
	if (r < 0)
		return vn_error_environment(
			err, r, r == -ENOMEM ? "out of memory" : "the planner failed: please report this");
	*ret_plan = vn_steal(plan);
	return 0;
}
