/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: the search chooses the homes of all guests at once. Each guest's plan is then made alone, with these homes
 * and with what the others take counted as taken: those done already with their plans, those still to come with what they ask of
 * their homes. So each plan stands by itself, can be checked by itself, and none gives away what is another's. Guests that want
 * cores for themselves come first, so that the rest know which cores are gone.
 */
#include "../base/text.h"
#include "plan_fill.h"
#include "warn.h"
#include "wishes.h"

#include <string.h>

struct joint {
	const struct vn_host *host;
	const struct vn_guest *const *guests;
	const struct vn_plan_options *options; /* may be NULL */
	struct vn_instance in;
	struct vn_solution solution;
	struct vn_plan **plans; /* n of them, owned */
	bool *done;
};

static void joint_clear(struct joint *j)
{
	for (size_t g = 0; j->plans && g < j->in.n_groups; g++)
		vn_plan_free(j->plans[g]);
	free(j->plans);
	free(j->done);
	vn_solution_clear(&j->solution);
	vn_instance_clear(&j->in);
}

static int begin_plan(const struct joint *j, size_t g, struct vn_plan **ret_plan)
{
	vn_autoplan *plan = vn_plan_new();

	if (!plan)
		return -ENOMEM;
	plan->guest = vn_copy(j->guests[g]->name);
	if (!plan->guest && j->guests[g]->name)
		return -ENOMEM;
	plan->cost.load_cores = 1;
	int r = vn_view_foretell(j->guests[g], &plan->view);
	if (r >= 0)
		r = vn_warn_input(&j->in, j->host, j->guests[g], &plan->warnings);
	if (r < 0)
		return r;
	*ret_plan = vn_steal(plan);
	return 0;
}

/* What a guest that is not planned yet will ask of its homes; its vCPUs only of `others` that come no earlier than it. */
static int reserve(const struct joint *j, size_t g, bool others, struct vn_occupied *occupied)
{
	const struct vn_group *group = &j->in.groups[g];

	for (size_t v = group->first; v < group->first + group->n; v++) {
		struct vn_occupied_node *node = &occupied->nodes[j->solution.homes[v]];
		node->load += others ? j->in.parts[v].cores : 0;
		if (vn_occupied_promise(node, j->in.pages[group->pool], j->in.parts[v].memory) < 0)
			return -EINVAL;
	}
	return 0;
}

static int count_others(const struct joint *j, size_t g, struct vn_occupied **ret_occupied)
{
	vn_autooccupied *occupied = vn_occupied_copy(j->options ? j->options->occupied : NULL, j->host);
	int r = occupied ? 0 : -ENOMEM;

	for (size_t k = 0; k < j->in.n_groups && r >= 0; k++) {
		if (k == g)
			continue;
		r = j->done[k]
			    ? vn_occupied_add(occupied, j->host, j->guests[k], j->plans[k])
			    : reserve(j, k, j->in.groups[k].exclusive == j->in.groups[g].exclusive, occupied);
	}
	if (r < 0)
		return r;
	*ret_occupied = vn_steal(occupied);
	return 0;
}

/* The plan of one guest whose homes are chosen. */
static int finish_plan(struct joint *j, size_t g, struct vn_error *err)
{
	vn_autooccupied *occupied = NULL;
	vn_autoinstance in = {0};
	struct vn_solution own = {.proven = j->solution.proven,
		.homes = j->solution.homes + j->in.groups[g].first,
		.open_level = j->solution.open_level,
		.bound = j->solution.bound};

	int r = count_others(j, g, &occupied);
	struct vn_plan_options options = {.occupied = occupied};
	if (r >= 0)
		r = vn_instance_make(j->host, &j->guests[g], 1, &options, &in);
	if (r >= 0)
		r = vn_cost_of(&in, own.homes, &own.cost);
	if (r >= 0)
		r = vn_plan_fill(&in, j->host, j->guests[g], &options, &own, j->plans[g]);
	if (r >= 0)
		r = vn_plan_check(j->host, j->guests[g], &options, j->plans[g], err);
	j->done[g] = r >= 0;
	return r;
}

static int finish_all(struct joint *j, struct vn_error *err)
{
	int r = 0;

	for (int exclusive = 1; exclusive >= 0; exclusive--) {
		for (size_t g = 0; g < j->in.n_groups && r >= 0; g++) {
			if (j->in.groups[g].exclusive == (exclusive == 1))
				r = finish_plan(j, g, err);
		}
	}
	return r;
}

/* The same reasons for all: it is together that they do not fit. */
static int share_reasons(struct joint *j, const struct vn_notes *reasons, bool proven)
{
	int r = 0;

	for (size_t g = 0; g < j->in.n_groups && r >= 0; g++) {
		j->plans[g]->optimal = proven;
		r = vn_notes_copy(&j->plans[g]->reasons, reasons);
	}
	return r;
}

static int solve_joint(struct joint *j, struct vn_error *err)
{
	__attribute__((cleanup(vn_notes_clear))) struct vn_notes reasons = {0};

	int r = vn_reason_resources(&j->in, j->host, j->guests, &reasons);
	if (r < 0 || reasons.n > 0)
		return r < 0 ? r : share_reasons(j, &reasons, true);
	r = vn_solve(&j->in, j->options ? j->options->deadline_ms : 0, false, &j->solution);
	if (r < 0)
		return r;
	if (j->solution.feasible)
		return finish_all(j, err);
	r = j->solution.proven
		    ? vn_reason_cores(&j->in, &reasons)
		    : vn_notes_add(&reasons, "deadline",
			      "no plan was found in the time given, nor was it proven that there is none");
	return r < 0 ? r : share_reasons(j, &reasons, j->solution.proven);
}

static int check_all_wishes(const struct joint *j, size_t n, struct vn_error *err)
{
	int r = 0;

	for (size_t g = 0; g < n; g++)
		r |= vn_check_wishes(j->host, j->guests[g], err);
	return r;
}

int vn_plan_make_joint(const struct vn_host *host, const struct vn_guest *const *guests, size_t n,
	const struct vn_plan_options *options, struct vn_plan **ret_plans, struct vn_cost *ret_total,
	struct vn_error *err)
{
	vn_cleanup(joint_clear) struct joint j = {.host = host, .guests = guests, .options = options};

	if (n == 0 || n > VN_MAX_JOINT)
		return vn_error_environment(
			err, -E2BIG, "%zu guests seen; expected 1 to %d at once", n, VN_MAX_JOINT);
	int r = check_all_wishes(&j, n, err);
	if (r < 0)
		return r;
	r = vn_instance_make(host, guests, n, options, &j.in);
	for (size_t g = 0; g < n && r >= 0; g++)
		r = vn_check_home_cpus(&j.in, guests[g], g, err);
	if (r == -EINVAL)
		return r;
	j.plans = calloc(n, sizeof(*j.plans));
	j.done = calloc(n, sizeof(*j.done));
	if (r >= 0 && (!j.plans || !j.done))
		r = -ENOMEM;
	for (size_t g = 0; g < n && r >= 0; g++)
		r = begin_plan(&j, g, &j.plans[g]);
	if (r >= 0)
		r = solve_joint(&j, err);
	if (r < 0)
		return vn_error_environment(
			err, r, r == -ENOMEM ? "out of memory" : "the planner failed: please report this");
	memcpy(ret_plans, j.plans, n * sizeof(*ret_plans));
	memset(j.plans, 0, n * sizeof(*j.plans));
	if (ret_total)
		*ret_total = j.solution.cost;
	return 0;
}
