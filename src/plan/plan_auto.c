/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: guests whose vnodes may be open get them (shape.c), are planned, and are told the distances between the homes
 * that came out, and latencies and bandwidths if they want to (tell_hmat.c).
 *
 * The vnodes of several guests are made one guest after the other (shape_several.c), before the homes of all are chosen at once.
 * The homes that come out may be others than those a guest was shaped for, so each is shaped again beside the others as they are
 * planned, and all are planned again. In which order the guests best get their vnodes nobody knows beforehand: where the plan of
 * the first order spills or squeezes, a second one is tried. Of all these plans the best is kept; of equal ones that with the
 * fewest vnodes. It is the best there is for its vnodes: that no other vnodes would do better is not proven.
 */
#include "plan_make.h"

#include <string.h>

#define MAX_ROUNDS 4

int vn_plan_auto(const struct vn_host *host, struct vn_guest *guest, const struct vn_plan_options *options,
	struct vn_plan **ret_plan, struct vn_error *err)
{
	vn_autoplan *plan = NULL;

	int r = vn_guest_shape(host, options, guest, err);
	if (r == 0)
		r = vn_plan_make(host, guest, options, &plan, err);
	if (r < 0)
		return r;
	if (vn_guest_tell_distances(host, guest, plan) < 0 || vn_guest_tell_hmat(host, guest, plan) < 0)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	r = vn_plan_check(host, guest, options, plan, NULL);
	if (r < 0)
		/* Our mistake, not the user's: such a plan is neither printed nor run. */
		return vn_error_environment(err, r,
			"this plan failed its own check, which is a bug of vnuma: please report it with the guest's "
			"config and the output of 'vnuma topology --json'");
	*ret_plan = vn_steal(plan);
	return 0;
}

/* ---- several ---- */

/* Guests as one order shaped them, and their plans. */
struct attempt {
	size_t n;
	struct vn_guest *guests[VN_MAX_JOINT]; /* owned */
	struct vn_plan *plans[VN_MAX_JOINT]; /* owned */
	struct vn_joint_total total;
};

static void attempt_clear(struct attempt *a)
{
	for (size_t g = 0; g < a->n; g++) {
		vn_guest_free(a->guests[g]);
		vn_plan_free(a->plans[g]);
	}
}

static void attempt_move(struct attempt *to, struct attempt *from)
{
	attempt_clear(to);
	*to = *from;
	from->n = 0;
}

static int copy_guests(struct vn_guest *const *guests, size_t n, struct attempt *a)
{
	for (a->n = 0; a->n < n; a->n++) {
		a->guests[a->n] = vn_guest_copy(guests[a->n]);
		if (!a->guests[a->n])
			return -ENOMEM;
	}
	return 0;
}

static int plan_attempt(const struct vn_host *host, const struct vn_plan_options *options, struct attempt *a,
	struct vn_error *err)
{
	return vn_plan_make_joint(
		host, (const struct vn_guest *const *)a->guests, a->n, options, a->plans, &a->total, err);
}

static int make_attempt(const struct vn_host *host, struct vn_guest *const *guests, size_t n,
	enum vn_shape_order order, const struct vn_plan_options *options, struct attempt *a,
	struct vn_error *err)
{
	if (copy_guests(guests, n, a) < 0)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	int r = vn_guests_shape(host, options, a->guests, n, order, err);
	return r < 0 ? r : plan_attempt(host, options, a, err);
}

/* Guest g of `a` beside all others, as they are counted in `occupied`, where it is counted again afterwards. */
static int shape_again(const struct vn_host *host, const struct vn_plan_options *beside, size_t g,
	const struct attempt *before, struct vn_occupied *occupied, struct attempt *a)
{
	vn_autoplan *plan = NULL;

	int r = vn_occupied_remove(occupied, host, before->guests[g], before->plans[g]);
	if (r == 0)
		r = vn_guest_shape(host, beside, a->guests[g], NULL);
	if (r == 0)
		r = vn_plan_make(host, a->guests[g], beside, &plan, NULL);
	if (r == 0 && plan->feasible)
		return vn_occupied_add(occupied, host, a->guests[g], plan);
	return r < 0 ? r : -EBUSY; /* it had its place a moment ago: the attempt is not worth going on with */
}

/* Each open guest shaped beside the others of `before` as they are planned, then all planned. */
static int refine(const struct vn_host *host, const struct vn_plan_options *options,
	const struct attempt *before, struct attempt *a, struct vn_error *err)
{
	vn_autooccupied *occupied = vn_occupied_copy(options->occupied, host);
	struct vn_plan_options beside = {.occupied = occupied,
		.no_empty_vnodes = options->no_empty_vnodes,
		.deadline_ms = vn_shape_deadline(options->deadline_ms, before->n)};

	int r = occupied ? copy_guests(before->guests, before->n, a) : -ENOMEM;
	for (size_t g = 0; g < before->n && r == 0; g++)
		r = vn_occupied_add(occupied, host, before->guests[g], before->plans[g]);
	for (size_t g = 0; g < before->n && r == 0; g++) {
		if (a->guests[g]->vnodes_open)
			r = shape_again(host, &beside, g, before, occupied, a);
	}
	if (r < 0)
		return r == -ENOMEM ? vn_error_environment(err, r, "out of memory")
				    : 0; /* no plans: not taken */
	return plan_attempt(host, options, a, err);
}

static bool any_open(struct vn_guest *const *guests, size_t n)
{
	bool open = false;

	for (size_t g = 0; g < n; g++)
		open |= guests[g]->vnodes_open;
	return open;
}

static size_t count_vnodes(const struct attempt *a)
{
	size_t n = 0;

	for (size_t g = 0; g < a->n; g++)
		n += a->guests[g]->n_vnodes;
	return n;
}

static bool is_better(const struct attempt *second, const struct attempt *first)
{
	if (!first->total.feasible || !second->total.feasible)
		return second->total.feasible;
	int order = vn_cost_compare(&second->total.cost, &first->total.cost, first->guests[0]->policy, NULL);
	return order < 0 || (order == 0 && count_vnodes(second) < count_vnodes(first));
}

/* Makes the attempt as good as shaping its guests again can, which ends as each round must be better than the one before. */
static int refine_all(const struct vn_host *host, const struct vn_plan_options *options, struct attempt *a,
	struct vn_error *err)
{
	for (unsigned round = 0; round < MAX_ROUNDS && a->total.feasible; round++) {
		vn_cleanup(attempt_clear) struct attempt next = {0};
		int r = refine(host, options, a, &next, err);
		if (r < 0)
			return r;
		if (!is_better(&next, a))
			break;
		attempt_move(a, &next);
	}
	return 0;
}

/* The best attempt at guests some of whose vnodes are open. */
static int attempt_open(const struct vn_host *host, struct vn_guest *const *guests, size_t n,
	const struct vn_plan_options *options, struct attempt *best, struct vn_error *err)
{
	vn_cleanup(attempt_clear) struct attempt second = {0};

	int r = refine_all(host, options, best, err);
	if (r < 0 || (best->total.feasible && best->total.cost.spill == 0 && best->total.cost.squeeze == 0))
		return r;
	r = make_attempt(host, guests, n, VN_SHAPE_BY_VCPUS, options, &second, err);
	if (r == 0)
		r = refine_all(host, options, &second, err);
	if (r == 0 && is_better(&second, best))
		attempt_move(best, &second);
	return r;
}

/* By name, so that the answer is the same in whatever order the guests come. */
static void put_in_order(struct vn_guest *const *guests, size_t n, size_t *order)
{
	for (size_t i = 0; i < n; i++) {
		size_t at = i;
		const char *name = guests[i]->name ? guests[i]->name : "";
		for (; at > 0; at--) {
			const char *before = guests[order[at - 1]]->name;
			if (strcmp(before ? before : "", name) <= 0)
				break;
			order[at] = order[at - 1];
		}
		order[at] = i;
	}
}

/* Makes the attempt, whose guest i is the caller's order[i], what guests and plans are. */
static int hand_over(const struct vn_host *host, struct attempt *a, const size_t *order,
	struct vn_guest **guests, struct vn_plan **plans, struct vn_joint_total *ret_total,
	struct vn_error *err)
{
	for (size_t g = 0; g < a->n; g++) {
		if (vn_guest_tell_distances(host, a->guests[g], a->plans[g]) < 0 ||
			vn_guest_tell_hmat(host, a->guests[g], a->plans[g]) < 0)
			return vn_error_environment(err, -ENOMEM, "out of memory");
	}
	for (size_t g = 0; g < a->n; g++) {
		vn_guest_free(guests[order[g]]);
		guests[order[g]] = vn_steal(a->guests[g]);
		plans[order[g]] = vn_steal(a->plans[g]);
	}
	if (ret_total)
		*ret_total = a->total;
	return 0;
}

int vn_plan_auto_joint(const struct vn_host *host, struct vn_guest **guests, size_t n,
	const struct vn_plan_options *options, struct vn_plan **ret_plans, struct vn_joint_total *ret_total,
	struct vn_error *err)
{
	static const struct vn_plan_options none = {0};
	vn_cleanup(attempt_clear) struct attempt best = {0};
	struct vn_guest *sorted[VN_MAX_JOINT];
	size_t order[VN_MAX_JOINT] = {0};

	options = options ? options : &none;
	if (n == 0 || n > VN_MAX_JOINT)
		return vn_error_environment(
			err, -E2BIG, "%zu guests seen; expected 1 to %d at once", n, VN_MAX_JOINT);
	put_in_order(guests, n, order);
	for (size_t i = 0; i < n; i++)
		sorted[i] = guests[order[i]];
	int r = make_attempt(host, sorted, n, VN_SHAPE_BY_MEMORY, options, &best, err);
	if (r == 0 && n > 1 && any_open(sorted, n))
		r = attempt_open(host, sorted, n, options, &best, err);
	return r < 0 ? r : hand_over(host, &best, order, guests, ret_plans, ret_total, err);
}
