/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The public side of what a plan came to: whether there is one, what it costs, what was proven, notes. vn_plan_free() is the
 * model's own. */
#include "api_plan.h"

#include <math.h>

#include "../model/plan_names.h"

const char *vn_plan_guest_name(const struct vn_plan *plan)
{
	return plan->guest;
}

int vn_plan_is_feasible(const struct vn_plan *plan)
{
	return plan->feasible;
}

int vn_plan_is_optimal(const struct vn_plan *plan)
{
	return plan->optimal;
}

static int64_t wide(vn_i128 value)
{
	return value > INT64_MAX ? INT64_MAX : (int64_t)value;
}

/* One figure of a cost, and the level that it belongs to. */
static int64_t figure_of(const struct vn_cost *cost, enum vn_plan_figure figure, enum vn_level *ret_level)
{
	switch (figure) {
	case VN_PLAN_SPILL:
		*ret_level = VN_LEVEL_SPILL;
		return vn_api_amount(cost->spill);
	case VN_PLAN_SQUEEZE:
		*ret_level = VN_LEVEL_SQUEEZE;
		return vn_api_amount(cost->squeeze);
	case VN_PLAN_DISTANCE:
		*ret_level = VN_LEVEL_DISTANCE;
		return wide(cost->distance);
	case VN_PLAN_LOAD_VCPUS:
		*ret_level = VN_LEVEL_LOAD;
		return vn_api_amount(cost->load_vcpus);
	case VN_PLAN_LOAD_CORES:
		*ret_level = VN_LEVEL_LOAD;
		return vn_api_amount(cost->load_cores);
	case VN_PLAN_FRAGMENTATION:
		*ret_level = VN_LEVEL_FRAGMENTATION;
		return wide(cost->fragmentation);
	default:
		return -EINVAL;
	}
}

int64_t vn_plan_cost(const struct vn_plan *plan, enum vn_plan_figure figure)
{
	enum vn_level level;
	int64_t value = figure_of(&plan->cost, figure, &level);
	return value < 0 || plan->feasible ? value : -ENODATA;
}

double vn_plan_mean_distance(const struct vn_plan *plan)
{
	double mean = plan->feasible ? vn_plan_mean(plan, plan->planned) : NAN;

	return isnan(mean) ? -ENODATA : mean;
}

/* ---- what was proven ---- */

const char *vn_plan_open_level(const struct vn_plan *plan)
{
	return plan->feasible && !plan->optimal ? vn_level_names[plan->open_level] : NULL;
}

int64_t vn_plan_bound(const struct vn_plan *plan, enum vn_plan_figure figure)
{
	enum vn_level level;
	int64_t value = figure_of(&plan->bound, figure, &level);

	if (value < 0)
		return value;
	return vn_plan_open_level(plan) && level == plan->open_level ? value : -ENODATA;
}

/* ---- the runner-up ---- */

int vn_plan_runner_up_home(const struct vn_plan *plan, size_t vnode)
{
	if (!plan->has_runner_up)
		return -ENODATA;
	return vnode < plan->n_vnodes ? (int)plan->runner_up_homes[vnode] : -ERANGE;
}

int64_t vn_plan_runner_up_cost(const struct vn_plan *plan, enum vn_plan_figure figure)
{
	enum vn_level level;
	int64_t value = figure_of(&plan->runner_up_cost, figure, &level);
	return value < 0 || plan->has_runner_up ? value : -ENODATA;
}

const char *vn_plan_runner_up_level(const struct vn_plan *plan)
{
	return plan->has_runner_up ? vn_level_names[plan->decided_by] : NULL;
}

/* ---- notes: the guest's, then the plan's, as in JSON ---- */

/* The notes that warning `*index` is among, and its index there. */
static const struct vn_notes *warnings_at(const struct vn_plan *plan, size_t *index)
{
	const struct vn_notes *first = &plan->planned->notes;

	if (*index < first->n)
		return first;
	*index -= first->n;
	return &plan->warnings;
}

size_t vn_plan_warning_count(const struct vn_plan *plan)
{
	return plan->planned->notes.n + plan->warnings.n;
}

const char *vn_plan_warning_code(const struct vn_plan *plan, size_t warning)
{
	const struct vn_notes *notes = warnings_at(plan, &warning);
	return vn_api_note_code(notes, warning);
}

const char *vn_plan_warning_text(const struct vn_plan *plan, size_t warning)
{
	const struct vn_notes *notes = warnings_at(plan, &warning);
	return vn_api_note_text(notes, warning);
}

size_t vn_plan_reason_count(const struct vn_plan *plan)
{
	return plan->reasons.n;
}

const char *vn_plan_reason_code(const struct vn_plan *plan, size_t reason)
{
	return vn_api_note_code(&plan->reasons, reason);
}

const char *vn_plan_reason_text(const struct vn_plan *plan, size_t reason)
{
	return vn_api_note_text(&plan->reasons, reason);
}
