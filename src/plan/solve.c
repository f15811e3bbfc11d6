/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 *
 * 1. A greedy plan, improved by moves and swaps (climb.c), is the first to beat. Most often it is the answer down to the
 *    distance, and what follows is its proof.
 * 2. Where the host's distances make a tree, as those of most hosts do, dynamic programming over the tree (split.c, partition.c)
 *    settles every level and the ties, exactly, in well under a millisecond for up to eight vnodes. What is left for the search
 *    below are hosts whose distances make none, guests of very many different vnodes, and memory that must spill.
 * 3. Branch and bound over homes, one vnode at a time, the largest first, the most promising place first. A branch is left as
 *    soon as its bounds (bound.c) say that it cannot beat the best plan known; most are not even entered, because a cheap bound
 *    of what pairs of vnodes cost each other (floor.c) says so beforehand. The least spill is settled first, then with it the
 *    least squeeze, then all the rest: early levels are the easy ones, and the bound of the distance needs their final values.
 * 4. Ties: vnode by vnode each lower-numbered place is tried, asking whether homes of the same cost begin so.
 * 5. The runner-up, when it is asked for: the best plan that costs more than the best. One that costs the same (a mirror image,
 *    say) would tell nobody why the best was taken. This search may stop early, after a fixed number of steps: then the runner-up
 *    is the best found. The plan itself stays proven.
 *
 * Symmetry, in the search: equal vnodes are only tried in ascending order of places, and of places without a tenant that a
 * renaming of the host maps to each other (symmetry.c), all places with tenants staying where they are, only the lowest is tried.
 * Read in the order in which vnodes are placed, the lexicographically smallest of all images of a plan passes both rules: where it
 * broke one, swapping the vnodes or renaming the places would make it smaller. So none is lost. What is settled before the search
 * begins (homes of the user, the prefix of step 4) has taken its places by then and is not touched by either rule. Where memory
 * spills only places that could simply change names (their class) count as alike: which of many cheapest ways the spilled memory
 * takes depends on the numbers of the places, and what is left free behind it with that.
 */
#include "solve.h"

#include <string.h>

#include "bound.h"
#include "climb.h"
#include "deadline.h"
#include "dispersion.h"
#include "floor.h"
#include "partition.h"
#include "symmetry.h"

#define RUNNER_UP_STEPS 20000
#define MANY_PARTS 10

struct choice {
	size_t place;
	struct vn_step step;
};

struct search {
	const struct vn_instance *in;
	struct vn_partial partial;
	struct vn_limit limit;
	int *fixed; /* place per part, or -1: the search chooses */
	size_t n_order;
	size_t *order; /* parts to place, in order */
	struct choice *choices; /* n_places for each depth */
	const struct vn_cost *above; /* only plans that cost more than this count; or NULL */
	bool first; /* any plan within the limit will do */
	bool found;
	size_t *best;
	struct vn_floor floor; /* once it is settled that nothing has to spill, and the least squeeze */
	uint64_t least_squeeze;
	int64_t *among; /* per depth, and one more: what order[depth] and on cost among themselves at least */
	struct vn_symmetry symmetry; /* once it is needed */
	uint64_t steps, max_steps; /* 0: as many as it takes */
	struct vn_deadline deadline;
	unsigned deadline_ms;
	struct vn_deadline early; /* for tables, which may come to nothing: the search needs time, too */
	bool late; /* the deadline has passed */
	bool open; /* of the last search: it had to look, the bounds alone did not settle it */
	int status; /* -ENOMEM on the way */
};

static void search_clear(struct search *s)
{
	vn_partial_clear(&s->partial);
	vn_symmetry_clear(&s->symmetry);
	vn_floor_clear(&s->floor);
	free(s->among);
	free(s->fixed);
	free(s->order);
	free(s->choices);
	free(s->best);
}

static int search_make(const struct vn_instance *in, unsigned deadline_ms, struct search *s)
{
	*s = (struct search){.in = in};
	s->fixed = calloc(in->n_parts, sizeof(*s->fixed));
	s->order = calloc(in->n_parts, sizeof(*s->order));
	s->choices = calloc(in->n_parts * in->n_places, sizeof(*s->choices));
	s->best = calloc(in->n_parts, sizeof(*s->best));
	s->among = calloc(in->n_parts + 1, sizeof(*s->among));
	if (!s->fixed || !s->order || !s->choices || !s->best || !s->among)
		return -ENOMEM;
	for (size_t v = 0; v < in->n_parts; v++)
		s->fixed[v] = in->parts[v].fixed;
	s->deadline_ms = deadline_ms;
	s->deadline = vn_deadline_in(deadline_ms);
	s->early = vn_deadline_in(deadline_ms / 5 * 2 + (deadline_ms > 0));
	return vn_partial_make(in, &s->partial);
}

/* The search has used up its steps or its time: what it did not find may yet exist. */
static bool cut_short(const struct search *s)
{
	return s->late || (s->max_steps > 0 && s->steps > s->max_steps);
}

/* Counts a step; true when the search has to end. */
static bool over(struct search *s)
{
	if (s->late || s->status < 0 || (s->found && s->first))
		return true;
	s->steps++;
	if (s->steps % 64 == 0)
		s->late = vn_deadline_passed(&s->deadline);
	return cut_short(s);
}

/* Whether a place without tenants may wait for a lower one that it could change names with. */
static bool mirrored(const struct search *s, size_t place)
{
	if (s->partial.tenants[place] > 0)
		return false;
	for (size_t i = s->in->places[place].class; i < place; i++) {
		if (s->in->places[i].class == s->in->places[place].class && s->partial.tenants[i] == 0)
			return true;
	}
	return false;
}

static bool choice_before(const struct choice *a, const struct choice *b)
{
	int order = vn_step_compare(&a->step, &b->step);

	return order != 0 ? order < 0 : a->place < b->place;
}

static int know_symmetry(struct search *s)
{
	return s->symmetry.in ? 0 : vn_symmetry_make(s->in, &s->symmetry);
}

/* Of places that renamings of the host map to each other, what is settled staying where it is, the lowest; or NULL. */
static const uint16_t *lowest_alike(struct search *s)
{
	return s->symmetry.in && s->limit.cost.spill == 0
		       ? vn_symmetry_lowest(&s->symmetry, s->partial.tenants)
		       : NULL;
}

/* The places worth trying for a part from `lowest` on, the most promising first. */
static size_t list_choices(struct search *s, size_t part, size_t lowest, struct choice *choices)
{
	const uint16_t *alike = lowest_alike(s);
	size_t n = 0;

	for (size_t i = lowest; i < s->in->n_places; i++) {
		if ((alike && alike[i] != i) || !vn_partial_admits(&s->partial, part, i) || mirrored(s, i))
			continue;
		struct choice choice = {i, vn_partial_step(&s->partial, part, i)};
		size_t at = n++;
		for (; at > 0 && choice_before(&choice, &choices[at - 1]); at--)
			choices[at] = choices[at - 1];
		choices[at] = choice;
	}
	return n;
}

static void weigh_complete(struct search *s)
{
	struct vn_cost cost;

	vn_cost_head(s->in, s->partial.homes, &cost);
	if (s->limit.levels == 5) {
		s->status =
			vn_cost_fragmentation(s->in, s->partial.demand, cost.spill > 0, &cost.fragmentation);
		if (s->status < 0)
			return;
		int order = vn_cost_compare(&cost, &s->limit.cost, s->in->policy, NULL);
		if (order > 0 || (order == 0 && !s->limit.or_equal))
			return;
		if (s->above && vn_cost_compare(&cost, s->above, s->in->policy, NULL) <= 0)
			return;
	}
	s->limit.cost = cost;
	s->found = true;
	memcpy(s->best, s->partial.homes, s->in->n_parts * sizeof(*s->best));
}

/* Whether only plans that the floor was made for can be below the limit. */
static bool has_floor(const struct search *s)
{
	return s->floor.in && s->limit.levels == 5 && s->limit.cost.spill == 0 &&
	       s->limit.cost.squeeze == s->least_squeeze;
}

/* What the parts from a depth on add at least to the distance. */
static int64_t floor_from(const struct search *s, size_t depth)
{
	return s->among[depth] + vn_floor_seen(&s->floor, &s->partial, s->order + depth, s->n_order - depth);
}

/* What the parts after a depth add at least to the distance, and what they and the one at that depth cost each other. */
static int64_t floor_beside(const struct search *s, size_t depth)
{
	return s->among[depth] - vn_floor_pairs(&s->floor, s->order + depth, 1) +
	       vn_floor_seen(&s->floor, &s->partial, s->order + depth + 1, s->n_order - depth - 1);
}

/* Whether what is settled, all up to a depth, may be completed below the limit: the cheap bound first. */
static bool promises(struct search *s, size_t depth)
{
	if (has_floor(s) && s->partial.distance + floor_from(s, depth) > s->limit.cost.distance)
		return false;
	return vn_partial_promises(&s->partial, &s->limit);
}

/* Fills s->among for the order there is. */
static void find_among(struct search *s)
{
	s->among[s->n_order] = 0;
	for (size_t d = s->n_order; d-- > 0;)
		s->among[d] = s->among[d + 1] + vn_floor_pairs(&s->floor, s->order + d, s->n_order - d);
}

static void descend(struct search *s, size_t depth)
{
	if (over(s))
		return;
	if (depth == s->n_order) {
		weigh_complete(s);
		return;
	}
	size_t part = s->order[depth], lowest = 0;
	if (depth > 0 && vn_parts_equal(s->in, s->order[depth - 1], part))
		lowest = s->partial.homes[s->order[depth - 1]];
	struct choice *choices = s->choices + depth * s->in->n_places;
	size_t n = list_choices(s, part, lowest, choices);
	bool bounded = has_floor(s);
	int64_t rest = bounded && n > 1 ? floor_beside(s, depth) : 0;
	for (size_t i = 0; i < n; i++) {
		if (bounded && s->partial.distance + choices[i].step.distance + rest > s->limit.cost.distance)
			continue;
		vn_partial_settle(&s->partial, part, choices[i].place);
		if (promises(s, depth + 1))
			descend(s, depth + 1);
		vn_partial_unsettle(&s->partial, part);
	}
}

static bool part_before(const struct vn_part *a, const struct vn_part *b)
{
	if (a->memory != b->memory)
		return a->memory > b->memory;
	if (a->vcpus != b->vcpus)
		return a->vcpus > b->vcpus;
	return a->group < b->group;
}

/* Settles what is fixed and puts the other parts in order. False when what is fixed breaks a constraint
 * already. */
static bool settle_fixed(struct search *s)
{
	const struct vn_part *parts = s->in->parts;
	bool allowed = true;

	s->n_order = 0;
	for (size_t v = 0; v < s->in->n_parts; v++) {
		if (s->fixed[v] >= 0) {
			allowed &= vn_partial_admits(&s->partial, v, (size_t)s->fixed[v]);
			vn_partial_settle(&s->partial, v, (size_t)s->fixed[v]);
			continue;
		}
		size_t at = s->n_order++;
		for (; at > 0 && part_before(&parts[v], &parts[s->order[at - 1]]); at--)
			s->order[at] = s->order[at - 1];
		s->order[at] = v;
	}
	return allowed;
}

static void unsettle_fixed(struct search *s)
{
	for (size_t v = 0; v < s->in->n_parts; v++) {
		if (s->fixed[v] >= 0)
			vn_partial_unsettle(&s->partial, v);
	}
}

/* One search within s->limit; s->found, s->best and s->limit.cost tell what came of it. */
static void run(struct search *s)
{
	s->found = false;
	s->status = know_symmetry(s);
	if (s->status < 0)
		return;
	vn_partial_sort(&s->partial);
	bool allowed = settle_fixed(s);
	if (has_floor(s))
		find_among(s);
	s->open = allowed && promises(s, 0);
	if (s->open)
		descend(s, 0);
	unsettle_fixed(s);
}

static const struct vn_cost worst_cost = {
	.spill = UINT64_MAX,
	.squeeze = UINT64_MAX,
	.distance = INT64_MAX,
	.load_vcpus = UINT64_MAX,
	.load_cores = 1,
};

/* The best place for each part in turn, the first of them on `first` if that is a place; then improved. False: stuck. */
static bool place_all(struct search *s, size_t first)
{
	for (size_t k = 0; k < s->n_order; k++) {
		size_t n = list_choices(s, s->order[k], 0, s->choices),
		       place = n > 0 ? s->choices[0].place : first;
		if (k == 0 && first != VN_NOWHERE && vn_partial_admits(&s->partial, s->order[k], first))
			place = first;
		else if (n == 0)
			return false;
		vn_partial_settle(&s->partial, s->order[k], place);
	}
	vn_climb_fast(&s->partial, s->fixed, &s->deadline);
	return true;
}

static void unplace_all(struct search *s)
{
	for (size_t k = s->n_order; k-- > 0;) {
		if (s->partial.homes[s->order[k]] != VN_NOWHERE)
			vn_partial_unsettle(&s->partial, s->order[k]);
	}
}

/* Takes what is settled when it is better than what is known. */
static int take_settled(struct search *s, struct vn_solution *solution)
{
	struct vn_step settled = {s->partial.spill, s->partial.squeeze, s->partial.distance};
	struct vn_step known = {
		solution->cost.spill, solution->cost.squeeze, (int64_t)solution->cost.distance};
	struct vn_cost cost;

	if (vn_step_compare(&settled, &known) >= 0)
		return 0;
	int r = vn_cost_of(s->in, s->partial.homes, &cost);
	if (r < 0)
		return r;
	solution->cost = cost;
	solution->feasible = true;
	memcpy(solution->homes, s->partial.homes, s->in->n_parts * sizeof(*solution->homes));
	return 0;
}

/* A first plan. Leaves solution->feasible false when it gets stuck. */
static int begin(struct search *s, struct vn_solution *solution)
{
	int r = 0;

	solution->cost = worst_cost;
	if (settle_fixed(s) && place_all(s, VN_NOWHERE))
		r = take_settled(s, solution);
	unplace_all(s);
	unsettle_fixed(s);
	return r;
}

/* More first plans, around each place: for tasks too large to be sure of the best soon. */
static int begin_everywhere(struct search *s, struct vn_solution *solution)
{
	struct vn_deadline enough = vn_deadline_in(s->deadline_ms / 5 + (s->deadline_ms > 0));
	int r = know_symmetry(s);

	for (size_t i = 0; i < s->in->n_places && r >= 0; i++) {
		if (s->in->places[i].class != i)
			continue; /* around a lower place it came out alike */
		if (vn_deadline_passed(&enough))
			break;
		bool allowed = settle_fixed(s);
		const uint16_t *alike = lowest_alike(s);
		if (allowed && !(alike && alike[i] != i) && place_all(s, i))
			r = take_settled(s, solution);
		unplace_all(s);
		unsettle_fixed(s);
	}
	return r;
}

/* Takes what the last search found. */
static int adopt(struct search *s, struct vn_solution *solution)
{
	if (s->status < 0)
		return s->status;
	if (!s->found)
		return 0;
	solution->feasible = true;
	memcpy(solution->homes, s->best, s->in->n_parts * sizeof(*solution->homes));
	int r = vn_cost_of(s->in, solution->homes, &solution->cost);
	return r < 0 ? r : vn_climb(s->in, solution->homes, &solution->cost, &s->deadline);
}

/* The first level at which the bound leaves something to find. */
static enum vn_level first_open(
	const struct vn_instance *in, const struct vn_cost *bound, const struct vn_cost *cost)
{
	enum vn_level level;

	return vn_cost_compare(bound, cost, in->policy, &level) < 0 ? level : VN_LEVEL_TIES;
}

/* A bound of the distance that needs no search. INT64_MIN where there is no memory to reckon it. */
static int64_t bound_apart(const struct search *s, const struct vn_cost *cost)
{
	vn_autofree size_t *alike = calloc(s->in->n_places + 1, sizeof(*alike));
	struct vn_hierarchy tree = {0};
	int64_t distance = INT64_MIN;

	for (size_t i = 0; alike && i < s->in->n_places; i++) {
		alike[i] = VN_NO_NODE;
		for (size_t v = 0; v < s->in->n_parts; v++)
			alike[i] = vn_may_home(s->in, v, i) ? i : alike[i];
	}
	if (!alike || vn_hierarchy_make(s->in, alike, &tree) < 0)
		return INT64_MIN;
	if (vn_dispersion(s->in, &tree, cost->spill, cost->squeeze - s->partial.crowd, &distance) < 0)
		distance = INT64_MIN;
	vn_hierarchy_clear(&tree);
	return distance;
}

/* What is known when the time is up: `level` was being settled. */
static void account(struct search *s, enum vn_level level, struct vn_solution *solution)
{
	int64_t apart = level == VN_LEVEL_DISTANCE ? bound_apart(s, &solution->cost) : INT64_MIN;
	struct vn_cost bound;

	settle_fixed(s);
	vn_partial_bound(&s->partial, &(struct vn_limit){.cost = solution->cost}, &bound);
	unsettle_fixed(s);
	bound.distance = apart > bound.distance ? apart : bound.distance;
	if (level > VN_LEVEL_SPILL)
		bound.spill = solution->cost.spill;
	if (level > VN_LEVEL_SQUEEZE)
		bound.squeeze = solution->cost.squeeze;
	solution->bound = bound;
	solution->open_level =
		level == VN_LEVEL_DISTANCE ? first_open(s->in, &bound, &solution->cost) : level;
	solution->proven = false;
}

/*
 * Step 2. Returns how many of the steps of settle_levels() it has made needless, or a negative errno; solution->proven when all
 * is settled. A tree that is not exact tells what no plan can be better than: where the plan known is that good, it is the best
 * at that level.
 */
static int divide(struct search *s, struct vn_solution *solution)
{
	struct vn_partition partition = {0};

	if (!settle_fixed(s)) {
		unsettle_fixed(s);
		return 0;
	}
	int r = vn_partition_solve(&s->partial, &solution->cost, &s->early, &partition);
	unsettle_fixed(s);
	if (r < 0)
		return r;
	unsigned settled = 0;
	if (partition.done && partition.exact) {
		solution->feasible = true;
		memcpy(solution->homes, partition.homes, s->in->n_parts * sizeof(*solution->homes));
		r = vn_cost_of(s->in, solution->homes, &solution->cost);
		solution->proven = partition.settled;
		settled = 2;
	} else if (partition.done && partition.cost.spill == solution->cost.spill) {
		settled = partition.cost.squeeze == solution->cost.squeeze ? 2 : 1;
	}
	vn_partition_clear(&partition);
	return r < 0 ? r : (int)settled;
}

/* Step 3. True in solution->proven when the cost is the best there is. */
static int settle_levels(struct search *s, unsigned settled, struct vn_solution *solution)
{
	static const struct {
		unsigned levels;
		enum vn_level level;
	} steps[] = {{1, VN_LEVEL_SPILL}, {2, VN_LEVEL_SQUEEZE}, {5, VN_LEVEL_DISTANCE}};

	int r = 0;

	if (solution->feasible && s->in->n_parts * s->in->n_places <=
					  512) { /* a good start for the levels below the distance */
		r = vn_climb(s->in, solution->homes, &solution->cost, &s->deadline);
		if (r < 0)
			return r;
	}
	solution->proven = true;
	for (size_t i = settled; i < sizeof(steps) / sizeof(steps[0]); i++) {
		s->limit = (struct vn_limit){.cost = solution->cost, .levels = steps[i].levels};
		if (steps[i].levels == 5 && solution->cost.spill == 0) { /* else nearly all may go anywhere */
			s->least_squeeze = solution->cost.squeeze;
			r = vn_floor_make(s->in, s->least_squeeze - s->partial.crowd, &s->floor);
			if (r < 0)
				return r;
		}
		run(s);
		r = adopt(s, solution);
		if (r < 0)
			return r;
		if (s->late && s->open) {
			account(s, steps[i].level, solution);
			return 0;
		}
		if (!solution->feasible)
			return 0;
	}
	return 0;
}

static bool taken_by_prefix(const struct search *s, size_t place)
{
	for (size_t v = 0; v < s->in->n_parts; v++) {
		if (s->fixed[v] == (int)place)
			return true;
	}
	return false;
}

/* Whether an interchangeable, lower place has been tried in vain. */
static bool tried_twin(const struct search *s, size_t place)
{
	if (taken_by_prefix(s, place))
		return false;
	for (size_t i = s->in->places[place].class; i < place; i++) {
		if (s->in->places[i].class == s->in->places[place].class && !taken_by_prefix(s, i))
			return true;
	}
	return false;
}

/* Whether a renaming of the host that leaves what is fixed where it is maps a lower place to this one: that was tried in vain. */
static bool tried_image(struct search *s, size_t place)
{
	settle_fixed(s);
	const uint16_t *alike = lowest_alike(s);
	unsettle_fixed(s);
	return alike && alike[place] != place;
}

/* Step 4: among plans of this cost, the one with the lexicographically smallest homes. Ends early with the
 * search. */
static int settle_ties(struct search *s, size_t *homes, struct vn_cost *cost)
{
	s->first = true;
	for (size_t v = 0; v < s->in->n_parts; v++) {
		if (s->fixed[v] >= 0)
			continue;
		for (size_t i = 0; i < homes[v] && !cut_short(s); i++) {
			s->limit = (struct vn_limit){.cost = *cost, .levels = 5, .or_equal = true};
			if (!vn_may_home(s->in, v, i) || tried_twin(s, i) || tried_image(s, i))
				continue;
			s->fixed[v] = (int)i;
			run(s);
			s->fixed[v] = -1;
			if (s->status < 0)
				return s->status;
			if (!s->found)
				continue;
			memcpy(homes, s->best, s->in->n_parts * sizeof(*homes));
			*cost = s->limit.cost; /* as good, yet 3 of 6 cores may have become 2 of 4 */
		}
		s->fixed[v] = (int)homes[v];
	}
	for (size_t v = 0; v < s->in->n_parts; v++)
		s->fixed[v] = s->in->parts[v].fixed;
	s->first = false;
	return 0;
}

/* Step 5. */
static int find_runner_up(struct search *s, struct vn_solution *solution)
{
	int r = vn_climb_next(s->in, solution->homes, &solution->cost, &s->deadline, solution->runner_up,
		&solution->runner_up_cost);

	if (r < 0)
		return r;
	solution->has_runner_up = r > 0;
	s->limit = (struct vn_limit){.cost = r > 0 ? solution->runner_up_cost : worst_cost, .levels = 5};
	s->above = &solution->cost;
	s->steps = 0;
	s->max_steps = RUNNER_UP_STEPS;
	run(s);
	if (s->status < 0)
		return s->status;
	if (s->found) {
		solution->has_runner_up = true;
		memcpy(solution->runner_up, s->best, s->in->n_parts * sizeof(*s->best));
		solution->runner_up_cost = s->limit.cost;
	}
	if (!solution->has_runner_up)
		return 0;
	return settle_ties(s, solution->runner_up, &solution->runner_up_cost);
}

int vn_solve(const struct vn_instance *instance, unsigned deadline_ms, bool runner_up,
	struct vn_solution *ret_solution)
{
	vn_cleanup(search_clear) struct search s = {0};
	vn_autosolution solution = {0};

	int r = search_make(instance, deadline_ms, &s);
	if (r < 0)
		return r;
	solution.homes = calloc(instance->n_parts, sizeof(*solution.homes));
	solution.runner_up = calloc(instance->n_parts, sizeof(*solution.runner_up));
	if (!solution.homes || !solution.runner_up)
		/* cppcheck-suppress memleak; it does not know the cleanup attribute */
		return -ENOMEM;
	r = begin(&s, &solution);
	if (r >= 0 &&
		s.n_order >
			MANY_PARTS) /* tables want a good plan known; fewer parts make small ones anyway */
		r = begin_everywhere(&s, &solution);
	if (r >= 0)
		r = divide(&s, &solution);
	bool divided = r >= 0 && solution.proven;
	if (r >= 0 && !divided && s.n_order > 4 && s.n_order <= MANY_PARTS) {
		int settled = r;
		r = begin_everywhere(&s, &solution);
		r = r < 0 ? r : settled;
	}
	if (r >= 0 && !divided)
		r = settle_levels(&s, (unsigned)r, &solution);
	if (r >= 0 && solution.feasible && !s.late && !divided) {
		r = settle_ties(&s, solution.homes, &solution.cost);
		if (r >= 0 && s.late)
			account(&s, VN_LEVEL_TIES, &solution);
	}
	if (r >= 0 && solution.feasible && !s.late && runner_up)
		r = find_runner_up(&s, &solution);
	if (r < 0)
		return r;
	*ret_solution = solution;
	solution = (struct vn_solution){0};
	return 0;
}

void vn_solution_clear(struct vn_solution *solution)
{
	free(solution->homes);
	free(solution->runner_up);
	*solution = (struct vn_solution){0};
}
