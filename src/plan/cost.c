/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cost.h"

#include "spill.h"

int vn_load_compare(uint64_t a_vcpus, uint64_t a_cores, uint64_t b_vcpus, uint64_t b_cores)
{
	vn_i128 a = (vn_i128)a_vcpus * (vn_i128)b_cores, b = (vn_i128)b_vcpus * (vn_i128)a_cores;

	return (a > b) - (a < b);
}

static uint64_t vcpus_on(const struct vn_instance *in, const size_t *homes, size_t place)
{
	uint64_t vcpus = 0;

	for (size_t v = 0; v < in->n_parts; v++)
		vcpus += homes[v] == place ? in->parts[v].vcpus : 0;
	return vcpus;
}

static uint64_t demand_on(const struct vn_instance *in, const size_t *homes, size_t place)
{
	uint64_t bytes = 0;

	for (size_t v = 0; v < in->n_parts; v++)
		bytes += homes[v] == place ? in->parts[v].memory : 0;
	return bytes;
}

bool vn_homes_allowed(const struct vn_instance *instance, const size_t *homes)
{
	for (size_t v = 0; v < instance->n_parts; v++) {
		const struct vn_part *part = &instance->parts[v];
		const struct vn_place *place = &instance->places[homes[v]];
		if (!vn_may_home(instance, v, homes[v]) ||
			(part->fixed >= 0 && (size_t)part->fixed != homes[v]))
			return false;
		if (instance->exclusive && part->vcpus > 0 &&
			place->load + vcpus_on(instance, homes, homes[v]) > place->cores)
			return false;
	}
	return true;
}

static vn_i128 distance_of(const struct vn_instance *in, const size_t *homes)
{
	vn_i128 sum = 0;

	for (size_t v = 0; v < in->n_parts; v++) {
		for (size_t w = 0; w < in->n_parts; w++)
			sum += (vn_i128)(in->parts[v].vcpus * in->parts[w].mib) *
			       vn_distance(in, homes[v], homes[w]);
	}
	return sum;
}

void vn_cost_head(const struct vn_instance *instance, const size_t *homes, struct vn_cost *ret_cost)
{
	struct vn_cost cost = {.load_vcpus = 0, .load_cores = 1};

	for (size_t i = 0; i < instance->n_places; i++) {
		const struct vn_place *place = &instance->places[i];
		cost.spill += vn_excess(demand_on(instance, homes, i), place->room);
		if (place->cores == 0)
			continue;
		uint64_t vcpus = place->load + vcpus_on(instance, homes, i);
		cost.squeeze += vn_excess(vcpus, place->cores);
		if (vn_load_compare(vcpus, place->cores, cost.load_vcpus, cost.load_cores) > 0) {
			cost.load_vcpus = vcpus;
			cost.load_cores = place->cores;
		}
	}
	cost.distance = distance_of(instance, homes);
	*ret_cost = cost;
}

int vn_cost_fragmentation(
	const struct vn_instance *instance, const uint64_t *demand, bool spills, vn_i128 *ret_fragmentation)
{
	vn_autospill spill = {0};
	vn_i128 sum = 0;

	if (spills) {
		int r = vn_spill_make(instance, demand, &spill);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < instance->n_places; i++) {
		uint64_t left = vn_excess(instance->places[i].room, demand[i]);
		for (size_t k = 0; k < spill.n_sources; k++)
			left -= spill.flow[k * spill.n_places + i];
		vn_i128 mib = (vn_i128)(left / VN_MIB);
		sum += mib * mib;
	}
	*ret_fragmentation = sum;
	return 0;
}

int vn_cost_of(const struct vn_instance *instance, const size_t *homes, struct vn_cost *ret_cost)
{
	vn_autofree uint64_t *demand = calloc(instance->n_places, sizeof(*demand));
	struct vn_cost cost;

	if (!demand)
		return -ENOMEM;
	for (size_t v = 0; v < instance->n_parts; v++)
		demand[homes[v]] += instance->parts[v].memory;
	vn_cost_head(instance, homes, &cost);
	int r = vn_cost_fragmentation(instance, demand, cost.spill > 0, &cost.fragmentation);
	if (r < 0)
		return r;
	*ret_cost = cost;
	return 0;
}
