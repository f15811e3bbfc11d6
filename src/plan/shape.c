/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 *
 * A guest that left its vnodes open gets the fewest that make it fit: each with its memory in a node's pool and its vCPUs on a
 * node's free cores. Fewer are better for the guest, whose kernel and programs then have less to get wrong. How few, and which
 * nodes near each other hold it, node_choice.c says.
 *
 * For that number of vnodes two shapes are planned. The even one, as even vnodes are what guests expect; and that in which each
 * chosen node holds as even a part of the vCPUs and of the memory as it can. The even one is taken unless the other spills or
 * squeezes less, or lives on nodes that are nearer to each other. That its mean distance is shorter is not enough: the more
 * uneven vnodes are, the shorter it gets, and nobody wants a guest of one large vnode and many small ones for that.
 *
 * vCPUs come in runs, in whole guest cores, vCPU 0 in vnode 0: so the guest's own numbering is the config's. Distances between
 * vnodes are those between the homes of their plan, scaled to 10 for local, as Linux wants them (facts: a table with a diagonal
 * other than 10, or with 10 or less beside it, is dropped whole). They are known when the plan is: see vn_guest_tell_distances().
 */
#include "node_choice.h"
#include "solve.h"

#include <string.h>

struct share {
	uint64_t units, cores;
};

struct shape {
	const struct vn_host *host;
	const struct vn_plan_options *options;
	struct vn_guest *guest;
	struct vn_instance in; /* of the guest as one vnode */
	struct vn_node_choice choice;
	struct share *shares; /* one per node chosen */
};

/* What comes of a shape. */
struct trial {
	bool feasible;
	struct vn_cost cost;
	uint64_t width; /* of its homes */
};

static void shape_clear(struct shape *s)
{
	vn_node_choice_clear(&s->choice);
	vn_instance_clear(&s->in);
	free(s->shares);
}

/* ---- dividing among nodes ---- */

/* What a node takes of something. */
struct portion {
	bool open; /* any of it */
	uint64_t limit, part;
};

/* `all` in parts as even as the limits allow, each that is open at least 1; what no limit allows goes evenly on top. */
static void divide(uint64_t all, struct portion *portions, size_t k)
{
	size_t n_open = 0, n = 1;

	for (size_t i = 0; i < k; i++) {
		n_open += portions[i].open;
		portions[i].part = portions[i].open && all > 0;
		all -= portions[i].part;
	}
	while (all > 0 && n > 0) {
		n = 0;
		for (size_t i = 0; i < k; i++)
			n += portions[i].open && portions[i].part < portions[i].limit;
		uint64_t each =
			n && all > n ? all / n : 1; /* the first ones get what does not come out even */
		for (size_t i = 0; i < k && all > 0 && n > 0; i++) {
			if (!portions[i].open || portions[i].part >= portions[i].limit)
				continue;
			uint64_t more = vn_min(vn_min(each, portions[i].limit - portions[i].part), all);
			portions[i].part += more;
			all -= more;
		}
	}
	for (size_t i = 0; i < k; i++) {
		if (!portions[i].open)
			continue;
		uint64_t more = all / n_open--;
		portions[i].part += more;
		all -= more;
	}
}

static int divide_among_chosen(struct shape *s)
{
	const struct vn_node_choice *c = &s->choice;
	vn_autofree struct portion *portions = calloc(c->k, sizeof(*portions));

	if (!portions)
		return -ENOMEM;
	for (size_t i = 0; i < c->k; i++) {
		const struct vn_choice_node *node = &c->nodes[c->chosen[i]];
		portions[i] = (struct portion){node->cpus, node->cores, 0};
	}
	divide(c->cores, portions, c->k);
	for (size_t i = 0; i < c->k; i++) {
		const struct vn_choice_node *node = &c->nodes[c->chosen[i]];
		s->shares[i].cores = portions[i].part;
		portions[i] = (struct portion){node->memory, node->units, 0};
	}
	divide(c->units, portions, c->k);
	for (size_t i = 0; i < c->k; i++)
		s->shares[i].units = portions[i].part;
	return 0;
}

static void divide_evenly(struct shape *s)
{
	const struct vn_node_choice *c = &s->choice;

	for (size_t i = 0; i < c->k; i++) {
		s->shares[i].cores = c->cores / c->k + (i < c->cores % c->k);
		s->shares[i].units = c->units / c->k + (i < c->units % c->k);
	}
}

/* ---- the guest's vnodes ---- */

/* Gives the guest its vnodes by shares[]; distances 10/20 for the time being. */
static int set_vnodes(struct shape *s)
{
	struct vn_guest *guest = s->guest;
	size_t k = s->choice.k;
	unsigned next = 0;

	vn_guest_drop_vnodes(guest);
	guest->vnodes = calloc(k, sizeof(*guest->vnodes));
	if (!guest->vnodes)
		return -ENOMEM;
	guest->n_vnodes = k;
	for (size_t v = 0; v < s->choice.k; v++) {
		struct vn_vnode *vnode = &guest->vnodes[v];
		uint64_t last = next + s->shares[v].cores * guest->threads;
		vnode->home = -1;
		vnode->memory = s->shares[v].units * s->choice.unit;
		vnode->vcpus = hwloc_bitmap_alloc();
		vnode->distances = calloc(k, sizeof(*vnode->distances));
		if (!vnode->vcpus || !vnode->distances)
			return -ENOMEM;
		last = last < guest->maxvcpus ? last : guest->maxvcpus;
		if (last > next && hwloc_bitmap_set_range(vnode->vcpus, next, (int)last - 1) < 0)
			return -ENOMEM;
		next = (unsigned)last;
		for (size_t w = 0; w < s->choice.k; w++)
			vnode->distances[w] = v == w ? VN_DISTANCE_LOCAL : VN_DISTANCE_ASSUMED;
	}
	return 0;
}

/* Plans the guest as it is shaped now. */
static int try_shape(const struct shape *s, struct trial *ret_trial)
{
	const struct vn_guest *guest = s->guest;
	vn_autoinstance in = {0};
	vn_autosolution solution = {0};

	int r = vn_instance_make(s->host, &guest, 1, s->options, &in);
	if (r >= 0)
		r = vn_solve(&in, s->options ? s->options->deadline_ms : 0, false, &solution);
	if (r < 0)
		return r;
	*ret_trial = (struct trial){solution.feasible, solution.cost,
		solution.feasible ? vn_places_width(&in, solution.homes, in.n_parts) : 0};
	return 0;
}

/* Whether the shape for the chosen nodes is to be had instead of the even one. */
static bool is_better(const struct trial *chosen, const struct trial *even)
{
	if (!even->feasible || !chosen->feasible)
		return chosen->feasible;
	if (chosen->cost.spill != even->cost.spill)
		return chosen->cost.spill < even->cost.spill;
	if (chosen->cost.squeeze != even->cost.squeeze)
		return chosen->cost.squeeze < even->cost.squeeze;
	return chosen->width < even->width && chosen->cost.distance < even->cost.distance;
}

static int shape_evenly(struct shape *s, struct trial *ret_trial)
{
	divide_evenly(s);
	int r = set_vnodes(s);
	return r < 0 ? r : try_shape(s, ret_trial);
}

static int shape_for_chosen(struct shape *s, struct trial *ret_trial)
{
	int r = divide_among_chosen(s);

	if (r >= 0)
		r = set_vnodes(s);
	return r < 0 ? r : try_shape(s, ret_trial);
}

static int shape_both(struct shape *s)
{
	struct trial even = {0}, chosen = {0};
	size_t places[VN_MAX_VNODES], k = s->choice.k;

	int r = shape_evenly(s, &even);
	if (r < 0 || k == 1)
		return r;
	for (size_t i = 0; i < k; i++)
		places[i] = s->choice.nodes[s->choice.chosen[i]].place;
	uint64_t squeeze = s->choice.cores - s->choice.want_cores; /* what must be */
	if (even.feasible && even.cost.spill == 0 && even.cost.squeeze <= squeeze &&
		even.width <= vn_places_width(&s->in, places, k))
		return 0; /* as near as any that holds it */
	r = shape_for_chosen(s, &chosen);
	if (r < 0 || is_better(&chosen, &even))
		return r;
	divide_evenly(s);
	return set_vnodes(s);
}

/* Whether all nodes together have room for it: the solver is asked of nothing else, and vn_plan_make() says what is short. */
static bool has_room(const struct shape *s, uint64_t unit)
{
	uint64_t units = 0;

	for (size_t i = 0; i < s->in.n_places; i++)
		units += vn_room(&s->in, 0, i) / unit;
	return units >= s->guest->memory / unit;
}

static int shape_guest(struct shape *s)
{
	const struct vn_guest *guest = s->guest;
	uint64_t unit = guest->hugepages > VN_MIB ? guest->hugepages : VN_MIB;
	uint64_t cores = (guest->maxvcpus + guest->threads - 1) / guest->threads;

	int r = vn_instance_make(s->host, &guest, 1, s->options, &s->in);
	if (r < 0 || !has_room(s, unit) || (s->in.n_parts > 0 && s->in.parts[0].dealt > 0))
		return r; /* where its memory is is settled */
	bool no_empty = guest->form == VN_FORM_LIBVIRT || (s->options && s->options->no_empty_vnodes);
	r = vn_node_choice_make(&s->in, unit, guest->memory / unit, cores, no_empty, &s->choice);
	if (r < 0 || s->choice.k == 0)
		return r; /* nothing to choose */
	s->shares = calloc(s->choice.k, sizeof(*s->shares));
	return s->shares ? shape_both(s) : -ENOMEM;
}

int vn_guest_shape(const struct vn_host *host, const struct vn_plan_options *options, struct vn_guest *guest,
	struct vn_error *err)
{
	vn_cleanup(shape_clear) struct shape s = {.host = host, .options = options, .guest = guest};

	if (!guest->vnodes_open)
		return 0;
	int r = shape_guest(&s);
	return r < 0 ? vn_error_environment(err, r, "out of memory") : 0;
}

/* ---- what the guest is told of distances ---- */

/* A distance as a guest may be told it. */
static uint32_t scaled(uint32_t local, uint32_t d)
{
	d = local ? (d * VN_DISTANCE_LOCAL + local / 2) / local : d;
	d = d > VN_DISTANCE_LOCAL ? d : VN_DISTANCE_LOCAL + 1;
	return d < VN_DISTANCE_UNREACHABLE ? d : VN_DISTANCE_UNREACHABLE - 1;
}

int vn_guest_tell_distances(const struct vn_host *host, struct vn_guest *guest, struct vn_plan *plan)
{
	struct vn_view view = {0};

	if (!guest->vnodes_open || !plan->feasible)
		return 0;
	for (size_t v = 0; v < guest->n_vnodes; v++) {
		size_t from = (size_t)vn_host_node_index(host, plan->homes[v]);
		for (size_t w = 0; w < guest->n_vnodes; w++) {
			size_t to = (size_t)vn_host_node_index(host, plan->homes[w]);
			if (v != w)
				guest->vnodes[v].distances[w] = scaled(
					vn_told_distance(host, from, from), vn_told_distance(host, from, to));
		}
	}
	int r = vn_view_foretell(guest, &view);
	if (r < 0)
		return r;
	vn_view_clear(&plan->view);
	plan->view = view;
	return 0;
}
