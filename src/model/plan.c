/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan.h"

#include <math.h>

struct vn_plan *vn_plan_new(void)
{
	return calloc(1, sizeof(struct vn_plan));
}

void vn_plan_free(struct vn_plan *plan)
{
	if (!plan)
		return;
	for (size_t i = 0; i < plan->n_vnodes; i++) {
		free(plan->vnodes[i].shares);
		hwloc_bitmap_free(plan->vnodes[i].cpus);
	}
	free(plan->vnodes);
	for (unsigned i = 0; i < plan->n_vcpus; i++)
		hwloc_bitmap_free(plan->vcpu_cpus[i]);
	free(plan->vcpu_cpus);
	hwloc_bitmap_free(plan->emulator_cpus);
	vn_view_clear(&plan->view);
	free(plan->guest);
	vn_guest_free(plan->planned);
	free(plan->homes);
	free(plan->runner_up_homes);
	vn_notes_clear(&plan->warnings);
	vn_notes_clear(&plan->reasons);
	free(plan);
}

void vn_view_clear(struct vn_view *view)
{
	for (size_t i = 0; i < view->n_nodes; i++) {
		hwloc_bitmap_free(view->nodes[i].cpus);
		free(view->nodes[i].distances);
	}
	free(view->nodes);
	*view = (struct vn_view){0};
}

static int order(vn_i128 a, vn_i128 b)
{
	return (a > b) - (a < b);
}

static int compare_level(
	const struct vn_cost *a, const struct vn_cost *b, enum vn_policy policy, enum vn_level level)
{
	switch (level) {
	case VN_LEVEL_SPILL:
		return order((vn_i128)a->spill, (vn_i128)b->spill);
	case VN_LEVEL_SQUEEZE:
		return order((vn_i128)a->squeeze, (vn_i128)b->squeeze);
	case VN_LEVEL_DISTANCE:
		return order(a->distance, b->distance);
	case VN_LEVEL_LOAD: /* a ratio each: 6 of 8 is as much as 3 of 4 */
		return order((vn_i128)a->load_vcpus * (vn_i128)b->load_cores,
			(vn_i128)b->load_vcpus * (vn_i128)a->load_cores);
	case VN_LEVEL_FRAGMENTATION:
		return policy == VN_POLICY_PACK ? order(b->fragmentation, a->fragmentation)
						: order(a->fragmentation, b->fragmentation);
	case VN_LEVEL_TIES:
		break;
	}
	return 0;
}

int vn_cost_compare(
	const struct vn_cost *a, const struct vn_cost *b, enum vn_policy policy, enum vn_level *ret_level)
{
	enum vn_level level = VN_LEVEL_SPILL;
	int r = 0;

	while (level < VN_LEVEL_TIES && (r = compare_level(a, b, policy, level)) == 0)
		level++;
	if (ret_level)
		*ret_level = level;
	return r;
}

double vn_cost_gap(const struct vn_cost *cost, enum vn_level level, const struct vn_cost *bound)
{
	double mine = 0, best = 0;

	switch (level) {
	case VN_LEVEL_SPILL:
		mine = (double)cost->spill;
		best = (double)bound->spill;
		break;
	case VN_LEVEL_SQUEEZE:
		mine = (double)cost->squeeze;
		best = (double)bound->squeeze;
		break;
	case VN_LEVEL_DISTANCE:
		mine = (double)cost->distance;
		best = (double)bound->distance;
		break;
	case VN_LEVEL_LOAD:
		mine = (double)cost->load_vcpus * (double)bound->load_cores;
		best = (double)bound->load_vcpus * (double)cost->load_cores;
		break;
	case VN_LEVEL_FRAGMENTATION: /* pack wants it large, spread small */
		mine = (double)cost->fragmentation;
		best = (double)bound->fragmentation;
		break;
	case VN_LEVEL_TIES:
		break;
	}
	double away = mine > best ? mine - best : best - mine;
	return best > 0 ? 100 * away / best : -1;
}

double vn_plan_mean(const struct vn_plan *plan, const struct vn_guest *guest)
{
	double vcpus = 0, mib = 0;

	for (size_t v = 0; v < guest->n_vnodes; v++) {
		vcpus += vn_set_weight(guest->vnodes[v].vcpus);
		mib += (double)guest->vnodes[v].memory / (double)VN_MIB;
	}
	return vcpus > 0 && mib > 0 ? (double)(plan->cost.distance - plan->device_distance) / vcpus / mib
				    : NAN;
}
