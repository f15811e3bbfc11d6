/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The planner's front: (host, guest, what is occupied) -> plan. Pure: no I/O, no globals, no clock but the
 * deadline. */

#include "../model/occupied.h"

/* What the user interfaces set when nobody says otherwise, as include/vnuma.h has it. */
#define VN_PLAN_DEADLINE_MS 100

/* Guests that can be planned at once. */
#define VN_MAX_JOINT 64

struct vn_plan_options {
	const struct vn_occupied *occupied; /* of this host, or NULL: nothing runs there */
	unsigned deadline_ms; /* 0: none. When hit, the best plan found, `optimal` false */
	bool no_empty_vnodes; /* vnodes that are made have memory each, as libvirt's cells must; so has any guest that was a domain's text */
	bool runner_up; /* also look for the best plan that costs more, which --explain tells */
};

/*
 * Finds the plan that minimises the levels of DESIGN section 4. Returns 0 with a plan; one that is not
 * feasible says why in `reasons`. -EINVAL when the guest asks for something this host cannot have whatever is
 * free (a home that does not exist or has no usable CPU; `cpus` that name none of the host's). The guest's
 * vnodes must be there: vn_guest_shape() makes those that were left open.
 */
int vn_plan_make(const struct vn_host *host, const struct vn_guest *guest,
	const struct vn_plan_options *options, struct vn_plan **ret_plan, struct vn_error *err);

/* What guests that were planned jointly cost together. */
struct vn_joint_total {
	bool feasible, optimal;
	struct vn_cost cost;
	double mean_distance; /* as of a plan, over the accesses of all guests */
	enum vn_level open_level; /* feasible but not optimal: as of a plan */
	struct vn_cost bound;
};

/*
 * Plans `n` guests jointly: the sum of each level over all of them is as small as can be. ret_plans[k] is the plan of guests[k],
 * made as if all others were there already, and its own cost says what it pays then; *ret_total (may be NULL) is what all pay
 * together, where what two share, such as a squeezed node, counts once. It has the bound, too; that of a single plan is what holds
 * for it with the others where they are. When one is infeasible none is feasible, and all have
 * the same reasons. At most VN_MAX_JOINT guests: -E2BIG. Each plan has been checked. No runner-up is looked for.
 */
int vn_plan_make_joint(const struct vn_host *host, const struct vn_guest *const *guests, size_t n,
	const struct vn_plan_options *options, struct vn_plan **ret_plans, struct vn_joint_total *ret_total,
	struct vn_error *err);

/*
 * Automatic vNUMA: makes the vnodes of a guest that left them open (`vnodes_open`), the fewest such that each fits a node's
 * memory, page pool and free cores; one when one node holds all. Any other guest is left as it is. Depends on the host and on
 * what is occupied, so the same guest may be shaped otherwise tomorrow. 0 or -ENOMEM.
 */
int vn_guest_shape(const struct vn_host *host, const struct vn_plan_options *options, struct vn_guest *guest,
	struct vn_error *err);

/* Which guest is shaped first of several; of those alike in it the rest decides, so that no order of the guests does. */
enum vn_shape_order { VN_SHAPE_BY_MEMORY, VN_SHAPE_BY_VCPUS };

/*
 * The same for guests that will be planned jointly: each as if those before it had their plans, guests with given vnodes first,
 * then the largest. 0, -ENOMEM or -E2BIG.
 */
int vn_guests_shape(const struct vn_host *host, const struct vn_plan_options *options,
	struct vn_guest *const *guests, size_t n, enum vn_shape_order order, struct vn_error *err);

/* The deadline of a search for the shape of one of `n` guests, such that all take about as long as the joint search may. */
unsigned vn_shape_deadline(unsigned deadline_ms, size_t n);

/* Tells a guest whose vnodes were made the distances between their homes in `plan`, and the plan what the guest will see. 0, -ENOMEM. */
int vn_guest_tell_distances(const struct vn_host *host, struct vn_guest *guest, struct vn_plan *plan);

/*
 * Tells a guest that wants the host's HMAT (guest->hmat_of_host) the latencies and bandwidths between its homes in `plan`, and a note what of
 * them is not known. 0, -ENOMEM.
 */
int vn_guest_tell_hmat(const struct vn_host *host, struct vn_guest *guest, const struct vn_plan *plan);

/*
 * All of it: makes the vnodes that were left open, plans, tells the distances, checks. As vn_plan_make(); `guest` is changed only
 * where its vnodes were open.
 */
int vn_plan_auto(const struct vn_host *host, struct vn_guest *guest, const struct vn_plan_options *options,
	struct vn_plan **ret_plan, struct vn_error *err);

/* As vn_plan_make_joint(). On success the guests, which must be owned, are replaced by what was planned. The answer
 * does not depend on their order: they are planned in that of their names. */
int vn_plan_auto_joint(const struct vn_host *host, struct vn_guest **guests, size_t n,
	const struct vn_plan_options *options, struct vn_plan **ret_plans, struct vn_joint_total *ret_total,
	struct vn_error *err);

/*
 * Re-validates a plan without any code of the solver: homes exist and are allowed, shares add up and fit,
 * costs are what they should be, CPUs lie in the home, the view follows the numbering rule. -EINVAL with one
 * problem each.
 */
int vn_plan_check(const struct vn_host *host, const struct vn_guest *guest,
	const struct vn_plan_options *options, const struct vn_plan *plan, struct vn_error *err);

/*
 * In words and figures: what each vnode got, why not the nearest other node, what each level came to, what the runner-up loses by,
 * what would make the plan better or, when there is none, possible. Solves a few changed tasks, for 250 ms at most for each thing
 * that could be better; what there was no time for is said to be left out.
 */
void vn_plan_explain(const struct vn_host *host, const struct vn_guest *guest,
	const struct vn_plan_options *options, const struct vn_plan *plan, FILE *out);

/* How a Linux guest will number the vnodes: facts/KERNEL.md "How guests number their nodes". */
int vn_view_foretell(const struct vn_guest *guest, struct vn_view *ret_view);
