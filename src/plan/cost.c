/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cost.h"

#include "spill.h"

int vn_load_compare(uint64_t a_vcpus, uint64_t a_cores, uint64_t b_vcpus, uint64_t b_cores)
{
	vn_i128 a = (vn_i128)a_vcpus * (vn_i128)b_cores, b = (vn_i128)b_vcpus * (vn_i128)a_cores;

	return (a > b) - (a < b);
}

/* Cores' worth of the parts `from` to `to` that live on a place. */
static uint64_t cores_on(
	const struct vn_instance *in, const size_t *homes, size_t place, size_t from, size_t to)
{
	uint64_t cores = 0;

	for (size_t v = from; v < to; v++)
		cores += homes[v] == place ? in->parts[v].cores : 0;
	return cores;
}

static uint64_t demand_on(const struct vn_instance *in, const size_t *homes, size_t pool, size_t place)
{
	uint64_t bytes = 0;

	for (size_t v = 0; v < in->n_parts; v++)
		bytes += homes[v] == place && in->parts[v].pool == pool ? in->parts[v].memory : 0;
	return bytes;
}

vn_i128 vn_pulls(const struct vn_instance *instance, const size_t *homes)
{
	vn_i128 sum = 0;

	for (size_t v = 0; v < instance->n_parts; v++)
		sum += vn_pull(instance, v, homes[v]);
	return sum;
}

vn_i128 vn_cost_distance(const struct vn_instance *instance, const size_t *homes)
{
	vn_i128 sum = 0;

	for (size_t v = 0; v < instance->n_parts; v++) {
		const struct vn_part *part = &instance->parts[v];
		const struct vn_group *group = &instance->groups[part->group];
		uint64_t seen =
			0; /* what fits the figures of an instance: MiB times a distance, all of a guest */
		for (size_t w = group->first; w < group->first + group->n; w++)
			seen += instance->parts[w].mib * vn_distance(instance, homes[v], homes[w]);
		sum += (vn_i128)part->vcpus * seen;
	}
	return sum + vn_pulls(instance, homes);
}

uint64_t vn_squeeze(const struct vn_instance *instance, size_t place, uint64_t cores, const uint64_t *own)
{
	const struct vn_place *there = &instance->places[place];
	uint64_t squeeze = vn_crowd(there, cores);

	for (size_t g = 0; g < instance->n_groups && !instance->alike; g++) {
		uint64_t alone =
			own[g] ? vn_excess(there->load + own[g], instance->groups[g].cores[place]) : 0;
		squeeze = alone > squeeze ? alone : squeeze;
	}
	return squeeze;
}

static uint64_t squeeze_on(const struct vn_instance *in, const size_t *homes, size_t i, uint64_t cores)
{
	uint64_t own[VN_MAX_JOINT];

	for (size_t g = 0; g < in->n_groups && !in->alike; g++)
		own[g] = cores_on(in, homes, i, in->groups[g].first, in->groups[g].first + in->groups[g].n);
	return vn_squeeze(in, i, cores, own);
}

/* Whether each guest that has cores for itself on a place finds them, whatever the others there take. */
static bool claims_fit(const struct vn_instance *in, const size_t *homes, size_t place)
{
	uint64_t all = in->places[place].load + cores_on(in, homes, place, 0, in->n_parts);

	for (size_t g = 0; g < in->n_groups; g++) {
		const struct vn_group *group = &in->groups[g];
		if (group->exclusive && all > group->cores[place] &&
			cores_on(in, homes, place, group->first, group->first + group->n) > 0)
			return false;
	}
	return true;
}

bool vn_homes_allowed(const struct vn_instance *instance, const size_t *homes)
{
	for (size_t v = 0; v < instance->n_parts; v++) {
		const struct vn_part *part = &instance->parts[v];
		if (!vn_may_home(instance, v, homes[v]) ||
			(part->fixed >= 0 && (size_t)part->fixed != homes[v]))
			return false;
		if (instance->exclusive && part->vcpus > 0 && !claims_fit(instance, homes, homes[v]))
			return false;
	}
	return true;
}

void vn_cost_head(const struct vn_instance *instance, const size_t *homes, struct vn_cost *ret_cost)
{
	struct vn_cost cost = {.load_vcpus = 0, .load_cores = 1};

	for (size_t i = 0; i < instance->n_places; i++) {
		const struct vn_place *place = &instance->places[i];
		for (size_t k = 0; k < instance->n_pools; k++)
			cost.spill += vn_excess(demand_on(instance, homes, k, i), vn_room(instance, k, i));
		if (place->cores == 0)
			continue;
		uint64_t cores = cores_on(instance, homes, i, 0, instance->n_parts);
		cost.squeeze += squeeze_on(instance, homes, i, cores);
		if (vn_load_compare(place->load + cores, place->cores, cost.load_vcpus, cost.load_cores) >
			0) {
			cost.load_vcpus = place->load + cores;
			cost.load_cores = place->cores;
		}
	}
	cost.distance = vn_cost_distance(instance, homes);
	*ret_cost = cost;
}

static int add_fragmentation(
	const struct vn_instance *in, size_t pool, const uint64_t *demand, bool spills, vn_i128 *sum)
{
	vn_autospill spill = {0};

	if (spills) {
		int r = vn_spill_make(in, pool, demand, &spill);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < in->n_places; i++) {
		uint64_t left = vn_excess(vn_room(in, pool, i) + vn_spill_sent(&spill, i), demand[i]);
		for (size_t k = 0; k < spill.n_sources; k++)
			left -= spill.flow[k * spill.n_places + i];
		vn_i128 mib = (vn_i128)(left / VN_MIB);
		*sum += mib * mib;
	}
	return 0;
}

int vn_cost_fragmentation(
	const struct vn_instance *instance, const uint64_t *demand, bool spills, vn_i128 *ret_fragmentation)
{
	vn_i128 sum = 0;

	for (size_t k = 0; k < instance->n_pools; k++) {
		int r = add_fragmentation(instance, k, demand + k * instance->n_places, spills, &sum);
		if (r < 0)
			return r;
	}
	*ret_fragmentation = sum;
	return 0;
}

int vn_cost_of(const struct vn_instance *instance, const size_t *homes, struct vn_cost *ret_cost)
{
	vn_autofree uint64_t *demand = calloc(instance->n_pools * instance->n_places + 1, sizeof(*demand));
	struct vn_cost cost;

	if (!demand)
		return -ENOMEM;
	for (size_t v = 0; v < instance->n_parts; v++)
		demand[instance->parts[v].pool * instance->n_places + homes[v]] += instance->parts[v].memory;
	vn_cost_head(instance, homes, &cost);
	int r = vn_cost_fragmentation(instance, demand, cost.spill > 0, &cost.fragmentation);
	if (r < 0)
		return r;
	*ret_cost = cost;
	return 0;
}
