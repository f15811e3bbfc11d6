/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 *
 * Who may move is taken out of what is occupied, and the question put in plain integers (room_model.c): the guests' vnodes want
 * places, the tenants' vnodes have theirs. The search (room_search.c) answers it exactly: the fewest bytes, then the fewest
 * vnodes, and the sets of vnodes that are as good. It asks of places only whether things fit; which of the places that fit are
 * best is the planner's own question. So for each set the planner's solver chooses the homes of the guests and of what moves,
 * with all others where they are; of a tenant that moves in part, the distance to its other part is a pull. It may not choose
 * the old home of a vnode that moves, nor does it: if that fitted, the set without the vnode would have been found. Where it does
 * all the same (a solver cut short), the places of the search are taken. The sets are then compared by what all guests together,
 * tenants and all, pay with each.
 *
 * The CPUs of those that move and have cores for themselves are chosen as ever (joint.c), so that what is told as occupied at the
 * end is what the guests will meet. In that, as in joint.c, cores are counted: three guests whose `cpus` overlap may have enough
 * cores in number, but not of the right ones. Such a set is dropped, and if it was the last nothing is said to be proven.
 *
 * What bounds the work: the deadline, and the size of the search's tree. A part of the time goes to each step.
 */
#include "room.h"

#include <string.h>

#include "../base/text.h"
#include "room_search.h"
#include "solve.h"
#include "warn.h"
#include "wishes.h"

struct room_task {
	const struct vn_host *host;
	const struct vn_guest *const *guests;
	size_t n;
	const struct vn_plan_options *options;
	const struct vn_tenants *tenants;
	size_t n_movable;
	size_t *movable; /* indices of tenants, by name */
	const struct vn_guest **all; /* the guests, then those tenants: a group of the model each */
	struct vn_room_model model;
	struct vn_room_found found;
};

static void task_clear(struct room_task *t)
{
	free(t->movable);
	free(t->all);
	vn_room_model_clear(&t->model);
	vn_room_found_clear(&t->found);
}

void vn_room_clear(struct vn_room *room)
{
	for (size_t i = 0; room->plans && i < room->n_tenants; i++)
		vn_plan_free(room->plans[i]);
	free(room->plans);
	free(room->moves);
	room->plans = NULL;
	vn_occupied_free(room->occupied);
	vn_notes_clear(&room->kept);
	vn_notes_clear(&room->reasons);
	room->moves = NULL;
	room->occupied = NULL;
	room->n_moves = 0;
}

/* ---- who may move ---- */

static bool is_at_home(const struct vn_guest *guest, const struct vn_plan *plan)
{
	for (size_t v = 0; v < plan->n_vnodes; v++) {
		const struct vn_plan_vnode *vnode = &plan->vnodes[v];
		for (size_t k = 0; k < vnode->n_shares; k++) {
			if (vnode->shares[k].pnode != vnode->home)
				return false;
		}
	}
	return plan->n_vnodes == guest->n_vnodes;
}

static bool has_wishes(const struct vn_guest *guest)
{
	for (size_t v = 0; v < guest->n_vnodes; v++) {
		if (guest->vnodes[v].home >= 0)
			return true;
	}
	return false;
}

/* Whether a tenant may move; if not, a note says why. */
static int judge_tenant(const struct room_task *t, size_t i, struct vn_notes *kept, bool *ret_movable)
{
	const struct vn_guest *guest = t->tenants->guests[i];

	*ret_movable = false;
	if (has_wishes(guest))
		return vn_notes_add(kept, "home-wished", "'%s': its config gives its homes", guest->name);
	if (!is_at_home(guest, t->tenants->plans[i]))
		return vn_notes_add(kept, "not-at-home",
			"'%s': some of its memory is not at home, so it is not one move", guest->name);
	*ret_movable = true;
	return 0;
}

static int list_movable(struct room_task *t, struct vn_notes *kept)
{
	t->movable = calloc(t->tenants->n + 1, sizeof(*t->movable));
	t->all = calloc(t->n + t->tenants->n, sizeof(*t->all));
	if (!t->movable || !t->all)
		return -ENOMEM;
	for (size_t i = 0; i < t->tenants->n; i++) {
		size_t at = t->n_movable;
		bool movable;
		int r = judge_tenant(t, i, kept, &movable);
		if (r < 0)
			return r;
		if (!movable)
			continue;
		const char *name = t->tenants->guests[i]->name;
		for (; at > 0 && strcmp(name, t->tenants->guests[t->movable[at - 1]]->name) < 0; at--)
			t->movable[at] = t->movable[at - 1];
		t->movable[at] = i;
		t->n_movable++;
	}
	for (size_t g = 0; g < t->n + t->n_movable; g++)
		t->all[g] = g < t->n ? t->guests[g] : t->tenants->guests[t->movable[g - t->n]];
	return 0;
}

/* ---- the model ---- */

static const struct vn_plan *plan_of(const struct room_task *t, size_t group)
{
	return t->tenants->plans[t->movable[group - t->n]];
}

/* Whole cores of a vnode's vCPUs, as occupied.c claims them. */
static int claimed_cores(const struct room_task *t, size_t group, size_t v, hwloc_bitmap_t *ret_claimed)
{
	const struct vn_plan *plan = plan_of(t, group);
	vn_autoset claimed = hwloc_bitmap_alloc();
	unsigned vcpu, id;

	if (!claimed)
		return -ENOMEM;
	hwloc_bitmap_foreach_begin (vcpu, t->all[group]->vnodes[v].vcpus) {
		if (hwloc_bitmap_or(claimed, claimed, plan->vcpu_cpus[vcpu]) < 0)
			return -ENOMEM;
		hwloc_bitmap_foreach_begin (id, plan->vcpu_cpus[vcpu]) {
			const struct vn_host_cpu *cpu = vn_host_cpu(t->host, id);
			if (cpu && t->host->cores_known && cpu->siblings &&
				hwloc_bitmap_or(claimed, claimed, cpu->siblings) < 0)
				return -ENOMEM;
		}
		hwloc_bitmap_foreach_end();
	}
	hwloc_bitmap_foreach_end();
	*ret_claimed = vn_steal(claimed);
	return 0;
}

static int fill_claims(struct room_task *t, size_t group, size_t part)
{
	const struct vn_instance *in = &t->model.in;
	vn_autoset claimed = NULL, shared = hwloc_bitmap_alloc();
	uint64_t *claims = calloc(in->n_groups + 1, sizeof(*claims));

	t->model.claims[part] = claims;
	int r = shared && claims ? claimed_cores(t, group, part - in->groups[group].first, &claimed)
				 : -ENOMEM;
	for (size_t g = 0; g < in->n_groups && r >= 0; g++) {
		r = hwloc_bitmap_and(shared, claimed, in->groups[g].cpus[t->model.origins[part]]);
		claims[g] = hwloc_bitmap_iszero(shared) ? 0 : vn_host_cores(t->host, shared);
	}
	return r < 0 ? -ENOMEM : 0;
}

static bool same_cpus(const struct vn_instance *in, size_t a, size_t b)
{
	for (size_t i = 0; i < in->n_places && !in->alike; i++) {
		if (!hwloc_bitmap_isequal(in->groups[a].cpus[i], in->groups[b].cpus[i]))
			return false;
	}
	return true;
}

/* Parts of a guest are alike by what they are; tenants' only when they are whole guests without devices and at the same place. */
static bool are_alike(const struct room_task *t, size_t a, size_t b)
{
	const struct vn_instance *in = &t->model.in;
	const struct vn_part *p = &in->parts[a], *q = &in->parts[b];

	if (a < t->model.n_new || b < t->model.n_new)
		return vn_parts_equal(in, a, b) && p->fixed == q->fixed;
	return p->memory == q->memory && p->vcpus == q->vcpus && p->cores == q->cores && p->pool == q->pool &&
	       t->model.origins[a] == t->model.origins[b] && !t->model.claims[a] && !t->model.claims[b] &&
	       in->groups[p->group].n == 1 && in->groups[q->group].n == 1 &&
	       t->all[p->group]->n_hostdevs == 0 && t->all[q->group]->n_hostdevs == 0 &&
	       same_cpus(in, p->group, q->group);
}

static uint64_t divisor(uint64_t a, uint64_t b)
{
	while (b > 0) {
		uint64_t rest = a % b;
		a = b;
		b = rest;
	}
	return a;
}

static void fill_kinds_and_steps(struct room_task *t)
{
	struct vn_room_model *m = &t->model;

	for (size_t v = 0; v < m->in.n_parts; v++) {
		m->kinds[v] = v;
		for (size_t w = 0; w < v && m->kinds[v] == v; w++) {
			if (m->kinds[w] == w && are_alike(t, w, v))
				m->kinds[v] = w;
		}
		if (v < m->n_new)
			continue;
		size_t at = m->in.parts[v].pool * m->in.n_places + m->origins[v];
		m->steps[at] = divisor(m->steps[at], m->in.parts[v].memory);
	}
}

static int fill_origins(struct room_task *t)
{
	struct vn_room_model *m = &t->model;

	for (size_t v = 0; v < m->in.n_parts; v++) {
		size_t group = m->in.parts[v].group;
		m->origins[v] = VN_UNDECIDED;
		if (group < t->n) {
			m->n_new++;
			continue;
		}
		const struct vn_plan *plan = plan_of(t, group);
		m->origins[v] =
			(size_t)vn_host_node_index(t->host, plan->vnodes[v - m->in.groups[group].first].home);
		int r = m->in.groups[group].exclusive ? fill_claims(t, group, v) : 0;
		if (r < 0)
			return r;
	}
	return 0;
}

/* Parts by origin, in order. */
static int fill_residents(struct vn_room_model *m)
{
	m->starts = calloc(m->in.n_places + 2, sizeof(*m->starts));
	m->residents = calloc(m->in.n_parts + 1, sizeof(*m->residents));
	if (!m->starts || !m->residents)
		return -ENOMEM;
	for (size_t i = 0, n = 0; i < m->in.n_places; i++) {
		for (size_t v = m->n_new; v < m->in.n_parts; v++) {
			if (m->origins[v] == i)
				m->residents[n++] = v;
		}
		m->starts[i + 1] = n;
	}
	return 0;
}

/* What is occupied without those that may move. */
static int take_out_movable(const struct room_task *t, struct vn_occupied **ret_occupied)
{
	vn_autooccupied *occupied = vn_occupied_copy(t->options ? t->options->occupied : NULL, t->host);
	int r = occupied ? 0 : -ENOMEM;

	for (size_t i = 0; i < t->n_movable && r >= 0; i++)
		r = vn_occupied_remove(occupied, t->host, t->all[t->n + i], plan_of(t, t->n + i));
	if (r < 0)
		return r;
	*ret_occupied = vn_steal(occupied);
	return 0;
}

static int make_model(struct room_task *t)
{
	struct vn_room_model *m = &t->model;
	vn_autooccupied *occupied = NULL;

	int r = take_out_movable(t, &occupied);
	struct vn_plan_options options = {.occupied = occupied};
	if (r >= 0)
		r = vn_instance_make(t->host, t->all, t->n + t->n_movable, &options, &m->in);
	if (r < 0)
		return r;
	m->origins = calloc(m->in.n_parts + 1, sizeof(*m->origins));
	m->kinds = calloc(m->in.n_parts + 1, sizeof(*m->kinds));
	m->steps = calloc(m->in.n_pools * m->in.n_places + 1, sizeof(*m->steps));
	m->claims = calloc(m->in.n_parts + 1, sizeof(*m->claims));
	if (!m->origins || !m->kinds || !m->steps || !m->claims)
		return -ENOMEM;
	r = fill_origins(t);
	if (r >= 0)
		r = fill_residents(m);
	if (r >= 0)
		fill_kinds_and_steps(t);
	return r;
}

/* ---- a tenant in two ---- */

/* The vnodes of a tenant that move, or those that stay, as a guest by itself with vCPUs numbered anew. The rest is borrowed. */
struct half {
	struct vn_guest guest;
	struct vn_plan plan; /* of those that stay, as far as counting it needs */
	size_t group;
	size_t *vnodes; /* of the whole */
};

static void half_clear(struct half *half)
{
	for (size_t v = 0; half->guest.vnodes && v < half->guest.n_vnodes; v++) {
		hwloc_bitmap_free(half->guest.vnodes[v].vcpus);
		free(half->guest.vnodes[v].distances);
	}
	free(half->guest.vnodes);
	free(half->guest.hostdevs);
	free(half->plan.vnodes);
	free(half->plan.vcpu_cpus);
	free(half->vnodes);
	*half = (struct half){0};
}

static bool moves(const struct room_task *t, const size_t *places, size_t group, size_t v)
{
	return places[t->model.in.groups[group].first + v] < VN_STAYS;
}

static size_t count_moving(const struct room_task *t, const size_t *places, size_t group)
{
	size_t n = 0;

	for (size_t v = 0; v < t->all[group]->n_vnodes; v++)
		n += moves(t, places, group, v);
	return n;
}

static int add_vnode(const struct vn_guest *whole, const struct vn_plan *plan, size_t v, struct half *half)
{
	size_t at = half->guest.n_vnodes;
	struct vn_vnode *vnode = &half->guest.vnodes[at];
	unsigned vcpu, first = half->guest.maxvcpus;

	*vnode = (struct vn_vnode){.memory = whole->vnodes[v].memory,
		.vcpus = hwloc_bitmap_alloc(),
		.distances = calloc(whole->n_vnodes, sizeof(uint32_t)),
		.home = -1};
	half->guest.n_vnodes++;
	if (!vnode->vcpus || !vnode->distances)
		return -ENOMEM;
	hwloc_bitmap_foreach_begin (vcpu, whole->vnodes[v].vcpus) {
		half->plan.vcpu_cpus[half->guest.maxvcpus++] = plan->vcpu_cpus[vcpu];
	}
	hwloc_bitmap_foreach_end();
	if (half->guest.maxvcpus > first &&
		hwloc_bitmap_set_range(vnode->vcpus, first, (int)half->guest.maxvcpus - 1) < 0)
		return -ENOMEM;
	for (size_t w = 0; w < whole->n_vnodes; w++) /* no plan's cost depends on them */
		vnode->distances[w] = w == at ? VN_DISTANCE_LOCAL : VN_DISTANCE_ASSUMED;
	half->guest.memory += vnode->memory;
	half->vnodes[at] = v;
	half->plan.vnodes[at] = plan->vnodes[v];
	for (size_t k = 0; k < whole->n_hostdevs; k++) {
		if (whole->hostdevs[k].vnode != v)
			continue;
		struct vn_hostdev *device = &half->guest.hostdevs[half->guest.n_hostdevs++];
		*device = whole->hostdevs[k];
		device->vnode = (unsigned)at;
	}
	return 0;
}

static int make_half(
	const struct room_task *t, const size_t *places, size_t group, bool moving, struct half *half)
{
	const struct vn_guest *whole = t->all[group];
	const struct vn_plan *plan = plan_of(t, group);
	int r = 0;

	*half = (struct half){.guest = *whole, .group = group};
	half->guest.memory = half->guest.maxmem = 0;
	half->guest.vcpus = half->guest.maxvcpus = 0;
	half->guest.n_vnodes = half->guest.n_hostdevs = 0;
	half->guest.vnodes = calloc(whole->n_vnodes + 1, sizeof(*half->guest.vnodes));
	half->guest.hostdevs = calloc(whole->n_hostdevs + 1, sizeof(*half->guest.hostdevs));
	half->plan.vnodes = calloc(whole->n_vnodes + 1, sizeof(*half->plan.vnodes));
	half->plan.vcpu_cpus = calloc(whole->maxvcpus + 1, sizeof(*half->plan.vcpu_cpus));
	half->vnodes = calloc(whole->n_vnodes + 1, sizeof(*half->vnodes));
	if (!half->guest.vnodes || !half->guest.hostdevs || !half->plan.vnodes || !half->plan.vcpu_cpus ||
		!half->vnodes)
		r = -ENOMEM;
	for (size_t v = 0; v < whole->n_vnodes && r >= 0; v++) {
		if (moves(t, places, group, v) == moving)
			r = add_vnode(whole, plan, v, half);
	}
	half->guest.vcpus = half->plan.n_vcpus = half->guest.maxvcpus;
	half->guest.maxmem = half->guest.memory;
	half->plan.n_vnodes = half->guest.n_vnodes;
	half->plan.feasible = true;
	if (r < 0)
		half_clear(half);
	return r;
}

/* ---- a set of moves ---- */

struct moved {
	size_t n; /* tenants that move, in part or all */
	struct half *halves;
	const struct vn_guest **guests; /* the guests, then those */
	struct vn_occupied *occupied; /* all others, and what stays of those */
	const size_t *set; /* who moves, as the search found it; borrowed */
	struct vn_plan **plans; /* of those that move, whole; t->tenants->n, by index; owned */
	size_t n_tenants;
	size_t *places; /* of all parts of the model: where they are in the end */
	struct vn_cost cost; /* of all guests there are */
};

static void moved_clear(struct moved *m)
{
	for (size_t i = 0; i < m->n; i++)
		half_clear(&m->halves[i]);
	for (size_t i = 0; m->plans && i < m->n_tenants; i++)
		vn_plan_free(m->plans[i]);
	free(m->plans);
	free(m->halves);
	free(m->guests);
	free(m->places);
	vn_occupied_free(m->occupied);
	*m = (struct moved){0};
}

/* Takes a tenant out, and counts what stays of it. */
static int leave_behind(const struct room_task *t, const size_t *places, size_t group, struct moved *m)
{
	vn_cleanup(half_clear) struct half rest = {0};

	int r = make_half(t, places, group, false, &rest);
	if (r >= 0)
		r = vn_occupied_remove(m->occupied, t->host, t->all[group], plan_of(t, group));
	if (r >= 0 && rest.guest.n_vnodes > 0)
		r = vn_occupied_add(m->occupied, t->host, &rest.guest, &rest.plan);
	return r;
}

/* -E2BIG: more guests than can be planned at once. */
static int moved_make(const struct room_task *t, const size_t *places, struct moved *m)
{
	size_t n_parts = t->model.in.n_parts;
	int r = 0;

	m->set = places;
	m->n_tenants = t->tenants->n;
	m->plans = calloc(m->n_tenants + 1, sizeof(struct vn_plan *));
	m->halves = calloc(t->n_movable + 1, sizeof(*m->halves));
	m->guests = calloc(t->n + t->n_movable, sizeof(*m->guests));
	m->places = calloc(n_parts + 1, sizeof(*m->places));
	m->occupied = vn_occupied_copy(t->options ? t->options->occupied : NULL, t->host);
	if (!m->plans || !m->halves || !m->guests || !m->places || !m->occupied)
		return -ENOMEM;
	for (size_t v = 0; v < n_parts; v++)
		m->places[v] = places[v] < VN_STAYS ? places[v] : t->model.origins[v];
	for (size_t g = 0; g < t->n; g++)
		m->guests[g] = t->guests[g];
	for (size_t g = t->n; g < t->n + t->n_movable && r >= 0; g++) {
		if (count_moving(t, places, g) == 0)
			continue;
		r = make_half(t, places, g, true, &m->halves[m->n]);
		if (r < 0)
			break;
		m->guests[t->n + m->n] = &m->halves[m->n].guest;
		m->n++;
		r = t->n + m->n > VN_MAX_JOINT ? -E2BIG : leave_behind(t, places, g, m);
	}
	return r;
}

/* The part of the model that is part `v` of group `g` among the guests and halves. */
static size_t part_of(const struct room_task *t, const struct moved *m, size_t g, size_t v)
{
	if (g < t->n)
		return t->model.in.groups[g].first + v;
	const struct half *half = &m->halves[g - t->n];
	return t->model.in.groups[half->group].first + half->vnodes[v];
}

/* What the vnodes of its guest that stay add to the distance of a part, wherever it goes. */
static int add_pulls(const struct room_task *t, const struct moved *m, struct vn_instance *in)
{
	const struct vn_instance *all = &t->model.in;

	if (!in->pulls)
		in->pulls = calloc(in->n_parts * in->n_places + 1, sizeof(*in->pulls));
	if (!in->pulls)
		return -ENOMEM;
	for (size_t v = 0; v < in->n_parts; v++) {
		size_t g = in->parts[v].group;
		if (g < t->n)
			continue;
		const struct vn_group *whole = &all->groups[m->halves[g - t->n].group];
		for (size_t w = whole->first; w < whole->first + whole->n; w++) {
			const struct vn_part *that = &all->parts[w];
			bool stays = true;
			for (size_t k = 0; k < in->groups[g].n; k++)
				stays &= part_of(t, m, g, k) != w;
			for (size_t i = 0; i < in->n_places && stays; i++)
				in->pulls[v * in->n_places + i] += (int64_t)(in->parts[v].vcpus * that->mib) *
									   vn_distance(all, i, m->places[w]) +
								   (int64_t)(that->vcpus * in->parts[v].mib) *
									   vn_distance(all, m->places[w], i);
		}
	}
	return 0;
}

/* Puts guests and what moves where the planner wants them, unless that is not what was asked. */
static int choose_places(const struct room_task *t, struct moved *m, unsigned deadline_ms)
{
	struct vn_plan_options options = {.occupied = m->occupied};
	vn_autoinstance in = {0};
	vn_autosolution solution = {0};

	int r = vn_instance_make(t->host, m->guests, t->n + m->n, &options, &in);
	if (r >= 0)
		r = add_pulls(t, m, &in);
	if (r >= 0)
		r = vn_solve(&in, deadline_ms, false, &solution);
	if (r < 0 || !solution.feasible || solution.cost.spill > 0)
		return r;
	for (size_t v = 0; v < in.n_parts; v++) {
		size_t g = in.parts[v].group, part = part_of(t, m, g, v - in.groups[g].first);
		if (solution.homes[v] == t->model.origins[part])
			return 0;
	}
	for (size_t v = 0; v < in.n_parts; v++) {
		size_t g = in.parts[v].group;
		m->places[part_of(t, m, g, v - in.groups[g].first)] = solution.homes[v];
	}
	return 0;
}

/* What all guests there are pay. */
static int weigh(const struct room_task *t, struct moved *m)
{
	const struct vn_instance *in = &t->model.in;
	vn_autofree uint64_t *asked = calloc(in->n_pools * in->n_places + 1, sizeof(*asked));

	if (!asked)
		return -ENOMEM;
	for (size_t v = 0; v < in->n_parts; v++)
		asked[in->parts[v].pool * in->n_places + m->places[v]] += in->parts[v].memory;
	vn_cost_head(in, m->places, &m->cost);
	return vn_cost_fragmentation(in, asked, false, &m->cost.fragmentation);
}

/* Whether the set `a` is before `b` by cost, or else by the names of who moves. */
static bool is_better(const struct room_task *t, const struct moved *a, const struct moved *b)
{
	int order = vn_cost_compare(&a->cost, &b->cost, t->model.in.policy, NULL);

	for (size_t v = t->model.n_new; v < t->model.in.n_parts && order == 0; v++) {
		bool here = a->places[v] != t->model.origins[v];
		if (here != (b->places[v] != t->model.origins[v]))
			order = here ? -1 : 1;
	}
	return order < 0;
}

/* ---- the answer ---- */

/* The guests with their homes given, for the planner to find CPUs. */
static int fix_homes(const struct room_task *t, const struct moved *m, struct vn_guest *fixed)
{
	for (size_t g = 0; g < t->n + m->n; g++) {
		const struct vn_guest *guest = m->guests[g];
		struct vn_vnode *vnodes = calloc(guest->n_vnodes + 1, sizeof(*vnodes));
		if (!vnodes)
			return -ENOMEM;
		fixed[g] = *guest;
		fixed[g].vnodes = vnodes;
		for (size_t v = 0; v < guest->n_vnodes; v++) {
			vnodes[v] = guest->vnodes[v];
			if (vnodes[v].has_binding && vnodes[v].home >= 0)
				continue; /* it may be where its memory is, and there are no CPUs */
			vnodes[v].home = (int)t->host->nodes[m->places[part_of(t, m, g, v)]].id;
		}
	}
	return 0;
}

/* The plan of a whole tenant with its homes given as they are once it has moved. `others`: all that is taken beside it. */
static int plan_whole(const struct room_task *t, const struct moved *m, size_t group,
	const struct vn_occupied *others, struct vn_plan **ret_plan)
{
	struct vn_guest fixed = *t->all[group];
	struct vn_plan_options options = {.occupied = others};
	vn_autofree struct vn_vnode *vnodes = calloc(fixed.n_vnodes + 1, sizeof(*vnodes));
	vn_autoplan *plan = NULL;

	if (!vnodes)
		return -ENOMEM;
	for (size_t v = 0; v < fixed.n_vnodes; v++) {
		vnodes[v] = fixed.vnodes[v];
		vnodes[v].home = (int)t->host->nodes[m->places[t->model.in.groups[group].first + v]].id;
	}
	fixed.vnodes = vnodes;
	int r = vn_plan_make(t->host, &fixed, &options, &plan, NULL);
	if (r >= 0 && !plan->feasible)
		r = -EBUSY;
	if (r < 0)
		return r;
	/* It is for a guest without wishes again, who may move another time: with other homes it could do better. */
	plan->optimal = false;
	plan->open_level = VN_LEVEL_SPILL;
	plan->bound = (struct vn_cost){.load_cores = 1};
	r = vn_plan_check(t->host, t->all[group], &options, plan, NULL);
	if (r >= 0)
		*ret_plan = vn_steal(plan);
	return r;
}

/* A tenant that was counted in two parts becomes whole: `half` and `plan` are of what moves. */
static int join_halves(
	const struct room_task *t, struct moved *m, const struct half *half, const struct vn_plan *plan)
{
	vn_cleanup(half_clear) struct half rest = {0};
	struct vn_plan **ret = &m->plans[t->movable[half->group - t->n]];

	int r = vn_occupied_remove(m->occupied, t->host, &half->guest, plan);
	if (r >= 0)
		r = make_half(t, m->set, half->group, false, &rest);
	if (r >= 0 && rest.guest.n_vnodes > 0)
		r = vn_occupied_remove(m->occupied, t->host, &rest.guest, &rest.plan);
	if (r >= 0)
		r = plan_whole(t, m, half->group, m->occupied, ret);
	return r < 0 ? r : vn_occupied_add(m->occupied, t->host, t->all[half->group], *ret);
}

/* Adds the plans of the guests and of what moves, makes whole what was in two, guests with cores of their own first, and takes out
 * the guests again: their cores stay free for them. */
static int settle_plans(const struct room_task *t, struct moved *m, struct vn_plan *const *plans)
{
	int r = 0;

	for (size_t g = 0; g < t->n + m->n && r >= 0; g++)
		r = vn_occupied_add(m->occupied, t->host, m->guests[g], plans[g]);
	for (int exclusive = 1; exclusive >= 0; exclusive--) {
		for (size_t k = 0; k < m->n && r >= 0; k++) {
			if (m->halves[k].guest.exclusive_cores == (exclusive == 1))
				r = join_halves(t, m, &m->halves[k], plans[t->n + k]);
		}
	}
	for (size_t g = 0; g < t->n && r >= 0; g++)
		r = vn_occupied_remove(m->occupied, t->host, m->guests[g], plans[g]);
	return r;
}

/* Adds what moves to what is occupied, where it is in the end. -EBUSY: the cores are not the right ones. */
static int settle(const struct room_task *t, struct moved *m)
{
	struct vn_guest fixed[VN_MAX_JOINT] = {0};
	const struct vn_guest *guests[VN_MAX_JOINT];
	struct vn_plan *plans[VN_MAX_JOINT] = {NULL};
	struct vn_plan_options options = {.occupied = m->occupied};
	size_t n = t->n + m->n;

	int r = fix_homes(t, m, fixed);
	for (size_t g = 0; g < n; g++)
		guests[g] = &fixed[g];
	if (r >= 0)
		r = vn_plan_make_joint(t->host, guests, n, &options, plans, NULL, NULL);
	for (size_t g = 0; g < n && r >= 0; g++)
		r = plans[g]->feasible ? 0 : -EBUSY;
	if (r >= 0)
		r = settle_plans(t, m, plans);
	for (size_t g = 0; g < n; g++) {
		vn_plan_free(plans[g]);
		free(fixed[g].vnodes);
	}
	return r == -ENOMEM || r >= 0 ? r : -EBUSY;
}

static int fill_room(const struct room_task *t, struct moved *m, struct vn_room *room)
{
	room->moves = calloc(t->model.in.n_parts + 1, sizeof(*room->moves));
	if (!room->moves)
		return -ENOMEM;
	for (size_t v = t->model.n_new; v < t->model.in.n_parts; v++) {
		const struct vn_part *part = &t->model.in.parts[v];
		if (m->places[v] == t->model.origins[v])
			continue;
		room->moves[room->n_moves++] = (struct vn_room_move){.guest = t->all[part->group],
			.vnode = v - t->model.in.groups[part->group].first,
			.from = t->host->nodes[t->model.origins[v]].id,
			.to = t->host->nodes[m->places[v]].id,
			.bytes = part->memory};
		room->bytes += part->memory;
	}
	room->fits = true;
	room->plans = vn_steal(m->plans);
	room->n_tenants = m->n_tenants;
	room->occupied = vn_steal(m->occupied);
	return 0;
}

static int weigh_sets(const struct room_task *t, struct moved *sets, const struct vn_deadline *until,
	unsigned each_ms, struct vn_room *room)
{
	for (size_t i = 0; i < t->found.n_sets; i++) {
		if (i > 0 && vn_deadline_passed(until)) {
			room->compared = false;
			break;
		}
		int r = moved_make(t, t->found.sets[i], &sets[i]);
		if (r >= 0)
			r = choose_places(t, &sets[i], each_ms);
		if (r >= 0)
			r = weigh(t, &sets[i]);
		if (r == -ENOMEM)
			return r;
		if (r < 0)
			moved_clear(&sets[i]);
	}
	return 0;
}

/* The best of the sets that the planner finds CPUs for. */
static int choose_set(const struct room_task *t, struct moved *sets, struct vn_room *room)
{
	for (;;) {
		struct moved *best = NULL;
		for (size_t i = 0; i < t->found.n_sets; i++) {
			if (sets[i].places && (!best || is_better(t, &sets[i], best)))
				best = &sets[i];
		}
		if (!best) {
			room->proven = room->compared = false;
			return 0;
		}
		int r = settle(t, best);
		if (r != -EBUSY)
			return r < 0 ? r : fill_room(t, best, room);
		moved_clear(best);
	}
}

static int answer(
	const struct room_task *t, const struct vn_deadline *until, unsigned each_ms, struct vn_room *room)
{
	struct moved sets[VN_ROOM_SETS] = {0};

	room->proven = t->found.proven;
	room->compared = t->found.compared;
	room->bound = t->found.bound;
	if (!t->found.any)
		return 0;
	int r = weigh_sets(t, sets, until, each_ms, room);
	if (r >= 0)
		r = choose_set(t, sets, room);
	for (size_t i = 0; i < t->found.n_sets; i++)
		moved_clear(&sets[i]);
	return r;
}

/* A part of the time, in percent; none when there is no deadline. */
static struct vn_deadline part_of_time(unsigned deadline_ms, unsigned percent)
{
	unsigned ms = (unsigned)((uint64_t)deadline_ms * percent / 100);

	return deadline_ms ? vn_deadline_in(ms ? ms : 1) : (struct vn_deadline){0};
}

static int make_room(struct room_task *t, struct vn_room *room, struct vn_error *err)
{
	unsigned ms = t->options ? t->options->deadline_ms : 0;
	struct vn_deadline until = part_of_time(ms, 85);
	struct vn_room_limits limits = {part_of_time(ms, 10), part_of_time(ms, 50), part_of_time(ms, 70)};

	int r = list_movable(t, &room->kept);
	if (r >= 0)
		r = make_model(t);
	if (r == -EINVAL)
		r = -EPROTO; /* a tenant that was not counted as occupied: the caller's mistake, not the input's */
	for (size_t g = 0, bad = 0; g < t->n && r >= 0; g++) {
		bad |= vn_check_home_cpus(&t->model.in, t->guests[g], g, err) < 0;
		r = bad && g + 1 == t->n ? -EINVAL : r;
	}
	if (r < 0)
		return r;
	if (room->reasons.n > 0) {
		room->proven = true;
		return 0;
	}
	r = vn_room_search(&t->model, &limits, &t->found);
	return r < 0 ? r : answer(t, &until, ms / 10 + (ms > 0), room);
}

int vn_room_make(const struct vn_host *host, const struct vn_guest *const *guests, size_t n,
	const struct vn_tenants *tenants, const struct vn_plan_options *options, struct vn_room *ret_room,
	struct vn_error *err)
{
	/* What the cgroup leaves is of no concern to tenants, who have their memory; of the guests it is asked here. */
	struct vn_host open = *host;
	vn_cleanup(task_clear) struct room_task t = {
		.host = &open, .guests = guests, .n = n, .options = options, .tenants = tenants};
	vn_autoroom room = {0};
	int r = 0;

	if (n == 0 || n > VN_MAX_JOINT)
		return vn_error_environment(
			err, -E2BIG, "%zu guests seen; expected 1 to %d at once", n, VN_MAX_JOINT);
	for (size_t g = 0; g < n; g++)
		r |= vn_check_wishes(host, guests[g], err);
	if (r < 0)
		return -EINVAL;
	open.has_cgroup_memory = false;
	r = vn_reason_refused(host, guests, n, options ? options->occupied : NULL, &room.reasons);
	if (r >= 0)
		r = make_room(&t, &room, err);
	if (r == -EINVAL)
		return r;
	if (r < 0)
		return vn_error_environment(
			err, r, r == -ENOMEM ? "out of memory" : "the planner failed: please report this");
	*ret_room = room;
	room = (struct vn_room){0};
	return 0;
}
