/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan_fill.h"

#include <math.h>

#include "../base/text.h"
#include "dealt.h"
#include "pin.h"
#include "spill.h"
#include "warn.h"

int vn_plan_begin(const struct vn_instance *in, const struct vn_host *host, const struct vn_guest *guest,
	struct vn_plan **ret_plan)
{
	vn_autoplan *plan = vn_plan_new();

	if (!plan)
		return -ENOMEM;
	plan->guest = vn_copy(guest->name);
	if (!plan->guest && guest->name)
		return -ENOMEM;
	plan->host = host->identity;
	plan->cost.load_cores = 1;
	int r = vn_view_foretell(guest, &plan->view);
	if (r >= 0)
		r = vn_warn_input(in, host, guest, &plan->warnings);
	if (r < 0)
		return r;
	*ret_plan = vn_steal(plan);
	return 0;
}

static int add_share(struct vn_plan_vnode *vnode, unsigned pnode, uint64_t bytes)
{
	struct vn_share *grown = reallocarray(vnode->shares, vnode->n_shares + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	vnode->shares = grown;
	grown[vnode->n_shares++] = (struct vn_share){pnode, bytes};
	return 0;
}

/* The place nearest to `from` that still takes bytes of source k, or n_places. */
static size_t nearest_flow(const struct vn_instance *in, const struct vn_spill *spill, size_t k)
{
	size_t best = in->n_places, from = spill->sources[k];

	for (size_t j = 0; j < in->n_places; j++) {
		if (spill->flow[k * in->n_places + j] > 0 &&
			(best == in->n_places || vn_distance(in, from, j) < vn_distance(in, from, best)))
			best = j;
	}
	return best;
}

static size_t place_of(const struct vn_instance *in, unsigned pnode)
{
	size_t i = 0;

	while (in->places[i].id != pnode)
		i++;
	return i;
}

/* Gives `bytes` of a vnode to the places that source k spills to, nearest first. */
static int share_spill(const struct vn_instance *in, struct vn_spill *spill, size_t k, uint64_t bytes,
	struct vn_plan_vnode *vnode)
{
	while (bytes > 0) {
		size_t j = nearest_flow(in, spill, k);
		if (j == in->n_places)
			return -EINVAL; /* cannot happen: the flow is what spills */
		uint64_t *flow = &spill->flow[k * in->n_places + j], here = vn_min(*flow, bytes);
		int r = add_share(vnode, in->places[j].id, here);
		if (r < 0)
			return r;
		*flow -= here;
		bytes -= here;
	}
	return 0;
}

static size_t source_of(const struct vn_spill *spill, size_t place)
{
	size_t k = 0;

	while (k < spill->n_sources && spill->sources[k] != place)
		k++;
	return k;
}

/* Within an over-full node the highest vnode spills first, and to the nearest of the places that are taken.
 */
static int fill_shares_of(
	const struct vn_instance *in, size_t pool, const size_t *homes, struct vn_plan *plan)
{
	vn_autofree uint64_t *demand = calloc(in->n_places, sizeof(*demand));
	vn_autospill spill = {0};

	if (!demand)
		return -ENOMEM;
	for (size_t v = 0; v < in->n_parts; v++)
		demand[homes[v]] += in->parts[v].pool == pool ? in->parts[v].memory : 0;
	int r = vn_spill_make(in, pool, demand, &spill);
	for (size_t v = in->n_parts; v-- > 0 && r >= 0;) {
		struct vn_plan_vnode *vnode = &plan->vnodes[v];
		if (in->parts[v].pool != pool)
			continue;
		uint64_t away = vn_min(vn_spill_sent(&spill, homes[v]), in->parts[v].memory);
		if (away < in->parts[v].memory)
			r = add_share(vnode, in->places[homes[v]].id, in->parts[v].memory - away);
		if (r >= 0 && away > 0)
			r = share_spill(in, &spill, source_of(&spill, homes[v]), away, vnode);
	}
	return r;
}

/* The place that is nearest to `home`, itself first, of those that have dealt memory of a part and no share yet; or n_places. */
static size_t nearest_dealt(
	const struct vn_instance *in, size_t part, size_t home, const struct vn_plan_vnode *vnode)
{
	size_t best = in->n_places;

	for (size_t j = 0; j < in->n_places; j++) {
		bool told = vn_dealt(in, part, j) == 0;
		for (size_t k = 0; k < vnode->n_shares; k++)
			told |= vnode->shares[k].pnode == in->places[j].id;
		if (!told &&
			(best == in->n_places || j == home ||
				(best != home && vn_distance(in, home, j) < vn_distance(in, home, best))))
			best = j;
	}
	return best;
}

/* What is on a node that is preferred is told first: it is the one that a policy of one node names. */
static int fill_dealt(
	const struct vn_instance *in, const struct vn_guest *guest, const size_t *homes, struct vn_plan *plan)
{
	int r = 0;

	for (size_t v = 0; v < in->n_parts; v++) {
		struct vn_plan_vnode *vnode = &plan->vnodes[v];
		const struct vn_vnode *wish = &guest->vnodes[v];
		size_t from = vn_prefers_home(wish) ? place_of(in, (unsigned)wish->home) : homes[v];
		size_t j = nearest_dealt(in, v, from, vnode);
		for (; j < in->n_places && r >= 0; j = nearest_dealt(in, v, from, vnode))
			r = add_share(vnode, in->places[j].id, vn_dealt(in, v, j));
	}
	return r;
}

static int fill_shares(
	const struct vn_instance *in, const struct vn_guest *guest, const size_t *homes, struct vn_plan *plan)
{
	int r = fill_dealt(in, guest, homes, plan);

	for (size_t k = 0; k < in->n_pools && r >= 0; k++)
		r = fill_shares_of(in, k, homes, plan);
	return r;
}

double vn_access_weight(const struct vn_instance *in, size_t group)
{
	const struct vn_group *that = &in->groups[group];
	double vcpus = 0, mib = 0;

	for (size_t v = that->first; v < that->first + that->n; v++) {
		vcpus += (double)in->parts[v].vcpus;
		mib += (double)vn_part_memory(&in->parts[v]) / (double)VN_MIB;
	}
	return vcpus * mib;
}

/* DESIGN section 4, but from each vCPU's home to where the shares have the memory, and without the devices. */
static double mean_distance(const struct vn_instance *in, const size_t *homes, const struct vn_plan *plan)
{
	double sum = 0, all = vn_access_weight(in, 0);

	for (size_t w = 0; w < plan->n_vnodes; w++) {
		for (size_t k = 0; k < plan->vnodes[w].n_shares; k++) {
			const struct vn_share *share = &plan->vnodes[w].shares[k];
			size_t place = place_of(in, share->pnode);
			for (size_t v = 0; v < in->n_parts; v++)
				sum += (double)in->parts[v].vcpus * ((double)share->memory / (double)VN_MIB) *
				       vn_distance(in, homes[v], place);
		}
	}
	return all > 0 ? sum / all : NAN;
}

static unsigned *name_homes(const struct vn_instance *in, const size_t *homes)
{
	unsigned *ids = calloc(in->n_parts, sizeof(*ids));

	for (size_t v = 0; ids && v < in->n_parts; v++)
		ids[v] = in->places[homes[v]].id;
	return ids;
}

static enum vn_binding binding_of(
	const struct vn_instance *in, const struct vn_guest *guest, const struct vn_cost *cost)
{
	if (in->spanning && cost->spill > 0)
		return VN_BINDING_INTERLEAVE;
	return guest->memory_policy == VN_MEMORY_STRICT ? VN_BINDING_STRICT : VN_BINDING_PREFERRED;
}

int vn_plan_fill(const struct vn_instance *in, const struct vn_host *host, const struct vn_guest *guest,
	const struct vn_plan_options *options, const struct vn_solution *solution, struct vn_plan *plan)
{
	plan->feasible = true;
	plan->optimal = solution->proven;
	plan->open_level = solution->open_level;
	plan->bound = solution->bound;
	plan->cost = solution->cost;
	plan->binding = binding_of(in, guest, &solution->cost);
	plan->homes = name_homes(in, solution->homes);
	plan->vnodes = calloc(in->n_parts, sizeof(*plan->vnodes));
	if (!plan->homes || !plan->vnodes)
		return -ENOMEM;
	plan->n_vnodes = in->n_parts;
	for (size_t v = 0; v < in->n_parts; v++)
		plan->vnodes[v].home = plan->homes[v];
	int r = fill_shares(in, guest, solution->homes, plan);
	if (r >= 0)
		plan->mean_distance = mean_distance(in, solution->homes, plan);
	if (r >= 0)
		r = vn_pin_plan(in, host, guest, options ? options->occupied : NULL, solution->homes, plan);
	if (r < 0)
		return r;
	if (solution->has_runner_up) {
		plan->runner_up_homes = name_homes(in, solution->runner_up);
		if (!plan->runner_up_homes)
			return -ENOMEM;
		plan->has_runner_up = true;
		plan->runner_up_cost = solution->runner_up_cost;
		vn_cost_compare(&plan->cost, &plan->runner_up_cost, in->policy, &plan->decided_by);
	}
	return vn_warn_plan(in, host, guest, options, solution->homes, plan);
}
