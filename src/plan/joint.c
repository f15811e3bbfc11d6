/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: the search chooses the homes of all guests at once. Each guest's plan is then made alone, with these homes
 * and with what the others take counted as taken: those done already with their plans, those still to come with what they ask of
 * their homes. So each plan stands by itself, can be checked by itself, and none gives away what is another's. Guests that want
 * cores for themselves come first, so that the rest know which cores are gone.
 */
#include "../model/plan_names.h"
#include "pin.h"
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
	struct vn_notes astray; /* why a plan is none: it has memory where its user does not want it */
};

static void joint_clear(struct joint *j)
{
	for (size_t g = 0; j->plans && g < j->in.n_groups; g++)
		vn_plan_free(j->plans[g]);
	free(j->plans);
	free(j->done);
	vn_notes_clear(&j->astray);
	vn_solution_clear(&j->solution);
	vn_instance_clear(&j->in);
}

/* What a vnode will ask of its home, but for what will spill from there (`asked`: what others did), and what is dealt out of it:
 * others' dealt memory has its nodes to itself. */
static int reserve_memory(const struct joint *j, size_t v, uint64_t *asked, struct vn_occupied *occupied)
{
	const struct vn_part *part = &j->in.parts[v];
	size_t home = j->solution.homes[v], at = part->pool * j->in.n_places + home;
	uint64_t page = j->in.pages[part->pool],
		 kept = vn_min(part->memory, vn_excess(j->in.rooms[at], asked[at]));

	asked[at] += kept;
	if (vn_occupied_promise(&occupied->nodes[home], page, kept) < 0)
		return -EINVAL;
	for (size_t i = 0; i < j->in.n_places; i++) {
		uint64_t dealt = vn_dealt(&j->in, v, i);
		if (dealt > 0 && vn_occupied_promise(&occupied->nodes[i], page, dealt) < 0)
			return -EINVAL;
	}
	return 0;
}

/* What a guest that is not planned yet will ask of its homes. */
static int reserve(const struct joint *j, size_t g, uint64_t *asked, struct vn_occupied *occupied)
{
	const struct vn_group *group = &j->in.groups[g];

	for (size_t v = group->first; v < group->first + group->n; v++) {
		occupied->nodes[j->solution.homes[v]].load += j->in.parts[v].cores;
		if (j->in.parts[v].vcpus > 0 && hwloc_bitmap_or(occupied->wanted, occupied->wanted,
							group->cpus[j->solution.homes[v]]) < 0)
			return -ENOMEM;
		int r = reserve_memory(j, v, asked, occupied);
		if (r < 0)
			return r;
	}
	return 0;
}

static int count_others(const struct joint *j, size_t g, struct vn_occupied **ret_occupied)
{
	vn_autooccupied *occupied = vn_occupied_copy(j->options ? j->options->occupied : NULL, j->host);
	vn_autofree uint64_t *asked = calloc(j->in.n_pools * j->in.n_places + 1, sizeof(*asked));
	int r = occupied && asked ? 0 : -ENOMEM;

	for (size_t k = 0; k < j->in.n_groups && r >= 0; k++) {
		if (k == g)
			continue;
		r = j->done[k] ? vn_occupied_add(occupied, j->host, j->guests[k], j->plans[k])
			       : reserve(j, k, asked, occupied);
	}
	if (r < 0)
		return r;
	*ret_occupied = vn_steal(occupied);
	return 0;
}

/* No plan of a guest is better than this at the open level, with the homes of the others as they are. */
static struct vn_cost own_bound(
	const struct joint *j, const struct vn_instance *in, const struct vn_cost *own)
{
	const struct vn_solution *all = &j->solution;
	struct vn_cost bound = {.load_cores = 1};

	/* All distances together are a sum: one guest alone can gain no more than all of them can. */
	vn_i128 gain = all->cost.distance - all->bound.distance;
	bound.distance = own->distance > gain ? own->distance - gain : 0;
	for (size_t i = 0; i < in->n_places && in->policy == VN_POLICY_PACK; i++) {
		vn_i128 free = (vn_i128)(vn_room(in, 0, i) / VN_MIB);
		bound.fragmentation += free * free;
	}
	return bound;
}

/* The plan of one guest whose homes are chosen. */
static int finish_plan(struct joint *j, size_t g)
{
	vn_autooccupied *occupied = NULL;
	vn_autoinstance in = {0};
	struct vn_solution own = {.proven = j->solution.proven,
		.homes = j->solution.homes + j->in.groups[g].first,
		.open_level = j->solution.open_level};

	int r = count_others(j, g, &occupied);
	struct vn_plan_options options = {.occupied = occupied};
	if (r >= 0)
		r = vn_instance_make(j->host, &j->guests[g], 1, &options, &in);
	if (r >= 0 && !vn_homes_allowed(&in, own.homes))
		r = -EBUSY; /* the CPUs that were left for it by its config are all another's */
	if (r >= 0)
		r = vn_cost_of(&in, own.homes, &own.cost);
	own.bound = own_bound(j, &in, &own.cost);
	if (r >= 0)
		r = vn_plan_fill(&in, j->host, j->guests[g], &options, &own, j->plans[g]);
	if (r >= 0 && vn_spills_astray(j->guests[g], j->plans[g])) {
		r = vn_reason_astray(j->guests[g], j->plans[g], j->in.n_groups > 1, &j->astray);
		return r < 0 ? r : -EBUSY;
	}
	if (r >= 0) /* by those that were there: the others of the party keep off */
		r = vn_warn_disturbed(
			j->host, j->guests[g], j->options ? j->options->occupied : NULL, j->plans[g]);
	j->done[g] = r >= 0;
	return r;
}

/* What is left free when the plan's shares are taken, and nobody else's. */
static vn_i128 squares_of(const struct vn_instance *in, const struct vn_plan *plan)
{
	vn_i128 sum = 0;

	for (size_t i = 0; i < in->n_places; i++) {
		uint64_t left = vn_whole_room(in, 0, i);
		for (size_t v = 0; v < plan->n_vnodes; v++) {
			for (size_t k = 0; k < plan->vnodes[v].n_shares; k++) {
				const struct vn_share *share = &plan->vnodes[v].shares[k];
				left -= share->pnode == in->places[i].id ? share->memory : 0;
			}
		}
		sum += (vn_i128)(left / VN_MIB) * (vn_i128)(left / VN_MIB);
	}
	return sum;
}

/* The cost of a plan, and the CPUs of QEMU's threads, beside all others as they came out: cores that one has for itself are no
 * load any more, but gone. */
static int weigh_plan(struct joint *j, size_t g, struct vn_error *err)
{
	vn_autooccupied *occupied = NULL;
	vn_autoinstance in = {0};

	int r = count_others(j, g, &occupied);
	struct vn_plan_options options = {.occupied = occupied};
	if (r >= 0)
		r = vn_instance_make(j->host, &j->guests[g], 1, &options, &in);
	if (r < 0)
		return r;
	const size_t *homes = j->solution.homes + j->in.groups[g].first;
	vn_cost_head(&in, homes, &j->plans[g]->cost);
	j->plans[g]->cost.fragmentation = squares_of(&in, j->plans[g]);
	r = vn_pin_emulator(&in, homes, j->plans[g]);
	return r < 0 ? r : vn_plan_check(j->host, j->guests[g], &options, j->plans[g], err);
}

static int finish_all(struct joint *j, struct vn_error *err)
{
	int r = 0;

	for (int exclusive = 1; exclusive >= 0; exclusive--) {
		for (size_t g = 0; g < j->in.n_groups && r >= 0; g++) {
			if (j->in.groups[g].exclusive == (exclusive == 1))
				r = finish_plan(j, g);
		}
	}
	for (size_t g = 0; g < j->in.n_groups && r >= 0; g++)
		r = weigh_plan(j, g, err);
	return r;
}

/* The last level is of all guests together, so one rule must do. */
static int warn_policies(struct joint *j)
{
	int r = 0;

	for (size_t g = 1; g < j->in.n_groups && r >= 0; g++) {
		if (j->guests[g]->policy != j->in.policy)
			r = vn_notes_add(&j->plans[g]->warnings, "policy-mixed",
				"policy is %s, but guests planned together have one policy: %s, that of '%s'",
				vn_policy_names[j->guests[g]->policy], vn_policy_names[j->in.policy],
				j->guests[0]->name ? j->guests[0]->name : "the first");
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

/* Begins anew with plans that cannot all be. */
static int drop_plans(struct joint *j)
{
	int r = 0;

	for (size_t g = 0; g < j->in.n_groups && r >= 0; g++) {
		vn_plan_free(j->plans[g]);
		j->plans[g] = NULL;
		r = vn_plan_begin(&j->in, j->host, j->guests[g], &j->plans[g]);
	}
	return r;
}

static int solve_joint(struct joint *j, struct vn_error *err)
{
	__attribute__((cleanup(vn_notes_clear))) struct vn_notes reasons = {0};

	int r = vn_reason_resources(&j->in, j->host, j->guests, j->options, &reasons);
	if (r < 0 || reasons.n > 0)
		return r < 0 ? r : share_reasons(j, &reasons, true);
	r = vn_solve(&j->in, j->options ? j->options->deadline_ms : 0, false, &j->solution);
	if (r < 0)
		return r;
	if (j->solution.feasible) {
		r = finish_all(j, err);
		if (r != -EBUSY)
			return r;
		/* Three or more guests whose `cpus` overlap, one with cores for itself: enough in all, but not of the right ones. */
		r = drop_plans(j);
		if (r < 0)
			return r;
	}
	if (j->astray.n > 0) /* with other homes they may all be where they are wanted */
		return share_reasons(j, &j->astray, false);
	r = vn_reason_not_found(&j->in, j->solution.proven, &reasons);
	return r < 0 ? r : share_reasons(j, &reasons, j->solution.proven);
}

/* Before the plans are given away. */
static struct vn_joint_total total_of(const struct joint *j)
{
	struct vn_joint_total total = {.feasible = j->plans[0]->feasible,
		.optimal = j->plans[0]->optimal, /* the same of all */
		.cost = j->solution.cost,
		.open_level = j->solution.open_level,
		.bound = j->solution.bound};

	double sum = 0, all = 0;
	if (!total.feasible) /* there are no costs */
		total.cost = (struct vn_cost){.load_cores = 1};
	for (size_t g = 0; g < j->in.n_groups; g++) {
		double weight = vn_access_weight(&j->in, g);
		sum += weight > 0 ? weight * j->plans[g]->mean_distance : 0;
		all += weight;
	}
	total.mean_distance = sum / all; /* NAN without any */
	return total;
}

static int check_all_wishes(const struct joint *j, size_t n, struct vn_error *err)
{
	int r = 0;

	for (size_t g = 0; g < n; g++)
		r |= vn_check_wishes(j->host, j->guests[g], err);
	return r;
}

int vn_plan_make_joint(const struct vn_host *host, const struct vn_guest *const *guests, size_t n,
	const struct vn_plan_options *options, struct vn_plan **ret_plans, struct vn_joint_total *ret_total,
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
		r = vn_plan_begin(&j.in, host, guests[g], &j.plans[g]);
	if (r >= 0)
		r = solve_joint(&j, err);
	if (r >= 0)
		r = warn_policies(&j);
	if (r < 0)
		return vn_error_environment(
			err, r, r == -ENOMEM ? "out of memory" : "the planner failed: please report this");
	if (ret_total)
		*ret_total = total_of(&j);
	memcpy(ret_plans, j.plans, n * sizeof(*ret_plans));
	memset(j.plans, 0, n * sizeof(*j.plans));
	return 0;
}
