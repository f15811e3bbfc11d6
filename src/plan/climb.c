/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "climb.h"

#include <string.h>

/* One walk over all homes one step away; `above`: only those that cost more than that count. */
struct walk {
	const struct vn_instance *in;
	size_t *homes; /* changed in place and put back */
	const struct vn_cost *above;
	bool any; /* `best` is set */
	struct vn_cost best;
	size_t *best_homes;
	uint64_t crowd; /* the squeeze that is there already */
	const struct vn_deadline *until;
};

static uint64_t crowd_of(const struct vn_instance *in)
{
	uint64_t crowd = 0;

	for (size_t i = 0; i < in->n_places; i++)
		crowd += vn_crowd(&in->places[i], 0);
	return crowd;
}

static int consider(struct walk *w)
{
	struct vn_cost cost;

	if (w->any && w->best.spill == 0 && w->best.squeeze == w->crowd &&
		vn_cost_distance(w->in, w->homes) > w->best.distance)
		return 0; /* the levels before are as low as can be */
	if (!vn_homes_allowed(w->in, w->homes))
		return 0;
	vn_cost_head(w->in, w->homes, &cost);
	cost.fragmentation = w->best.fragmentation;
	if (w->any && vn_cost_compare(&cost, &w->best, w->in->policy, NULL) > 0)
		return 0;
	int r = vn_cost_of(w->in, w->homes, &cost);
	if (r < 0)
		return r;
	if (w->any && vn_cost_compare(&cost, &w->best, w->in->policy, NULL) >= 0)
		return 0;
	if (w->above && vn_cost_compare(&cost, w->above, w->in->policy, NULL) <= 0)
		return 0;
	w->any = true;
	w->best = cost;
	memcpy(w->best_homes, w->homes, w->in->n_parts * sizeof(*w->homes));
	return 1;
}

static int walk_moves(struct walk *w, size_t part)
{
	size_t home = w->homes[part];
	int r = 0;

	for (size_t i = 0; i < w->in->n_places && r >= 0; i++) {
		if (i == home)
			continue;
		w->homes[part] = i;
		r = consider(w);
	}
	w->homes[part] = home;
	return r;
}

static int walk_swaps(struct walk *w, size_t part)
{
	size_t home = w->homes[part];
	int r = 0;

	for (size_t other = 0; other < part && r >= 0; other++) {
		size_t there = w->homes[other];
		if (there == home)
			continue;
		w->homes[part] = there;
		w->homes[other] = home;
		r = consider(w);
		w->homes[other] = there;
	}
	w->homes[part] = home;
	return r;
}

static int walk_all(struct walk *w)
{
	int r = 0;

	for (size_t v = 0; v < w->in->n_parts && r >= 0 && !vn_deadline_passed(w->until); v++) {
		r = walk_moves(w, v);
		if (r >= 0)
			r = walk_swaps(w, v);
	}
	return r;
}

/* ---- down to the distance only, on running sums ---- */

static bool move_fast(struct vn_partial *p, size_t part)
{
	size_t home = p->homes[part], best = home;

	vn_partial_unsettle(p, part);
	struct vn_step least = vn_partial_step(p, part, home);
	for (size_t i = 0; i < p->in->n_places; i++) {
		struct vn_step step = vn_partial_step(p, part, i);
		if (vn_step_compare(&step, &least) < 0 && vn_partial_admits(p, part, i)) {
			least = step;
			best = i;
		}
	}
	vn_partial_settle(p, part, best);
	return best != home;
}

/* What two parts add together; *ret_admitted: whether they may live there. */
static struct vn_step weigh_two(
	struct vn_partial *p, size_t a, size_t at, size_t b, size_t there, bool *ret_admitted)
{
	bool first = vn_partial_admits(p, a, at);
	struct vn_step sum = vn_partial_step(p, a, at);

	vn_partial_settle(p, a, at);
	struct vn_step step = vn_partial_step(p, b, there);
	*ret_admitted = first && vn_partial_admits(p, b, there);
	vn_partial_unsettle(p, a);
	sum.spill += step.spill;
	sum.squeeze += step.squeeze;
	sum.distance += step.distance;
	return sum;
}

static bool swap_fast(struct vn_partial *p, size_t a, size_t b)
{
	size_t here = p->homes[a], there = p->homes[b];
	bool admitted, known;

	if (here == there || vn_parts_equal(p->in, a, b))
		return false;
	vn_partial_unsettle(p, a);
	vn_partial_unsettle(p, b);
	struct vn_step before = weigh_two(p, a, here, b, there, &known);
	struct vn_step after = weigh_two(p, a, there, b, here, &admitted);
	bool better = admitted && vn_step_compare(&after, &before) < 0;
	vn_partial_settle(p, a, better ? there : here);
	vn_partial_settle(p, b, better ? here : there);
	return better;
}

void vn_climb_fast(struct vn_partial *partial, const int *fixed, const struct vn_deadline *until)
{
	bool better = true;

	while (better && !vn_deadline_passed(until)) {
		better = false;
		for (size_t v = 0; v < partial->in->n_parts; v++)
			better |= fixed[v] < 0 && move_fast(partial, v);
		for (size_t v = 0; v < partial->in->n_parts && !vn_deadline_passed(until); v++) {
			for (size_t w = 0; w < v; w++)
				better |= fixed[v] < 0 && fixed[w] < 0 && swap_fast(partial, v, w);
		}
	}
}

/* ---- all levels ---- */

int vn_climb(const struct vn_instance *instance, size_t *homes, struct vn_cost *cost,
	const struct vn_deadline *until)
{
	vn_autofree size_t *best = calloc(instance->n_parts, sizeof(*best));
	struct walk walk = {instance, homes, NULL, true, *cost, best, crowd_of(instance), until};

	if (!best)
		return -ENOMEM;
	do {
		*cost = walk.best;
		int r = walk_all(&walk);
		if (r < 0)
			return r;
		if (vn_cost_compare(&walk.best, cost, instance->policy, NULL) < 0)
			memcpy(homes, best, instance->n_parts * sizeof(*homes));
	} while (vn_cost_compare(&walk.best, cost, instance->policy, NULL) < 0);
	return 0;
}

int vn_climb_next(const struct vn_instance *instance, const size_t *homes, const struct vn_cost *cost,
	const struct vn_deadline *until, size_t *ret_homes, struct vn_cost *ret_cost)
{
	vn_autofree size_t *scratch = calloc(instance->n_parts, sizeof(*scratch));
	struct walk walk = {instance, scratch, cost, false, {0}, ret_homes, crowd_of(instance), until};

	if (!scratch)
		return -ENOMEM;
	memcpy(scratch, homes, instance->n_parts * sizeof(*scratch));
	int r = walk_all(&walk);
	if (r >= 0 && walk.any)
		*ret_cost = walk.best;
	/* cppcheck-suppress memleak; it does not know the cleanup attribute */
	return r < 0 ? r : walk.any;
}
