/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 *
 * Every level has a lower bound that relaxes what is not settled into a liquid:
 *
 * spill     what is settled, plus the liquid memory that exceeds the room left (of all places; of places with
 * CPUs for the parts that need them), or plus what the largest single part must spill wherever it goes
 * squeeze   likewise with vCPUs and cores
 * distance  sum over v of vcpus(v) * [sum over w of MiB(w) * D(home v, home w)]. From place i, the settled
 * memory is at known distances, and the liquid memory is at best poured into the room left, nearest to i
 * first ("fill"). A settled v pays that from its home, another from its best place. The room may be
 * overfilled by no more than the spill the limit still allows, so the bound is sharp just where memory is
 * short. The same sum read by columns, pouring vCPUs into free cores, gives a second bound; the larger one
 * counts. load      the highest ratio so far, or the mean over all cores fragmentation  the liquid poured so
 * that the sum of squares is extreme: into the least free room first (pack), or off the top of the most
 * (spread)
 *
 * The levels are compared one after the other and a later one is only computed where the earlier ones tie. A
 * prune at a later level is right: a completion either exceeds the tie before (worse) or keeps it and meets
 * the later bound.
 */
#include "bound.h"

#include <string.h>

static void sort_near(const struct vn_instance *in, size_t i, bool from, uint16_t *order)
{
	for (size_t j = 0; j < in->n_places; j++) {
		uint32_t d = from ? vn_distance(in, i, j) : vn_distance(in, j, i);
		size_t at = j;
		for (; at > 0; at--) {
			size_t before = order[at - 1];
			uint32_t e = from ? vn_distance(in, i, before) : vn_distance(in, before, i);
			if (e <= d)
				break;
			order[at] = order[at - 1];
		}
		order[at] = (uint16_t)j;
	}
}

int vn_partial_make(const struct vn_instance *instance, struct vn_partial *ret_partial)
{
	size_t n = instance->n_places;
	vn_autopartial p = {.in = instance};

	p.homes = calloc(instance->n_parts, sizeof(*p.homes));
	p.tenants = calloc(n, sizeof(*p.tenants));
	p.demand = calloc(n, sizeof(*p.demand));
	p.vcpus = calloc(n, sizeof(*p.vcpus));
	p.seen_memory = calloc(n, sizeof(*p.seen_memory));
	p.seen_vcpus = calloc(n, sizeof(*p.seen_vcpus));
	p.fill = calloc(n, sizeof(*p.fill));
	p.lefts = calloc(n, sizeof(*p.lefts));
	p.near_from = calloc(n * n, sizeof(*p.near_from));
	p.near_to = calloc(n * n, sizeof(*p.near_to));
	if (!p.homes || !p.tenants || !p.demand || !p.vcpus || !p.seen_memory || !p.seen_vcpus || !p.fill ||
		!p.lefts || !p.near_from || !p.near_to)
		/* cppcheck-suppress memleak; it does not know the cleanup attribute */
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const struct vn_place *place = &instance->places[i];
		p.squeeze += place->cores > 0 ? vn_excess(place->load, place->cores) : 0;
		sort_near(instance, i, true, p.near_from + i * n);
		sort_near(instance, i, false, p.near_to + i * n);
	}
	for (size_t v = 0; v < instance->n_parts; v++) {
		const struct vn_part *part = &instance->parts[v];
		p.homes[v] = VN_NOWHERE;
		p.rest_memory += part->memory;
		p.rest_homed_memory += part->vcpus > 0 ? part->memory : 0;
		p.rest_vcpus += part->vcpus;
	}
	*ret_partial = p;
	p = (struct vn_partial){0};
	return 0;
}

void vn_partial_clear(struct vn_partial *partial)
{
	free(partial->homes);
	free(partial->tenants);
	free(partial->demand);
	free(partial->vcpus);
	free(partial->seen_memory);
	free(partial->seen_vcpus);
	free(partial->fill);
	free(partial->lefts);
	free(partial->near_from);
	free(partial->near_to);
	*partial = (struct vn_partial){0};
}

static uint64_t spill_at(const struct vn_partial *p, size_t i)
{
	return vn_excess(p->demand[i], p->in->places[i].room);
}

static uint64_t squeeze_at(const struct vn_partial *p, size_t i)
{
	const struct vn_place *place = &p->in->places[i];

	return place->cores > 0 ? vn_excess(place->load + p->vcpus[i], place->cores) : 0;
}

static uint64_t room_left(const struct vn_partial *p, size_t i)
{
	return vn_excess(p->in->places[i].room, p->demand[i]);
}

static uint64_t cores_left(const struct vn_partial *p, size_t i)
{
	return vn_excess(p->in->places[i].cores, p->in->places[i].load + p->vcpus[i]);
}

/* Adds (sign 1) or takes back (-1) what the other parts see of `part` at `place`. */
static void look(struct vn_partial *p, const struct vn_part *part, size_t place, int64_t sign)
{
	int64_t mib = sign * (int64_t)part->mib, vcpus = sign * (int64_t)part->vcpus;

	for (size_t i = 0; i < p->in->n_places; i++) {
		p->seen_memory[i] += mib * vn_distance(p->in, i, place);
		p->seen_vcpus[i] += vcpus * vn_distance(p->in, place, i);
	}
}

void vn_partial_settle(struct vn_partial *partial, size_t part, size_t place)
{
	const struct vn_part *that = &partial->in->parts[part];

	partial->spill -= spill_at(partial, place);
	partial->squeeze -= squeeze_at(partial, place);
	partial->homes[part] = place;
	partial->tenants[place]++;
	partial->demand[place] += that->memory;
	partial->vcpus[place] += that->vcpus;
	partial->spill += spill_at(partial, place);
	partial->squeeze += squeeze_at(partial, place);
	partial->rest_memory -= that->memory;
	partial->rest_homed_memory -= that->vcpus > 0 ? that->memory : 0;
	partial->rest_vcpus -= that->vcpus;
	partial->distance += (int64_t)that->mib * partial->seen_vcpus[place]; /* the settled ones to it */
	look(partial, that, place, 1);
	partial->distance +=
		(int64_t)that->vcpus * partial->seen_memory[place]; /* it to them and to itself */
}

void vn_partial_unsettle(struct vn_partial *partial, size_t part)
{
	const struct vn_part *that = &partial->in->parts[part];
	size_t place = partial->homes[part];

	partial->distance -= (int64_t)that->vcpus * partial->seen_memory[place];
	look(partial, that, place, -1);
	partial->distance -= (int64_t)that->mib * partial->seen_vcpus[place];
	partial->rest_vcpus += that->vcpus;
	partial->rest_homed_memory += that->vcpus > 0 ? that->memory : 0;
	partial->rest_memory += that->memory;
	partial->spill -= spill_at(partial, place);
	partial->squeeze -= squeeze_at(partial, place);
	partial->vcpus[place] -= that->vcpus;
	partial->demand[place] -= that->memory;
	partial->tenants[place]--;
	partial->homes[part] = VN_NOWHERE;
	partial->spill += spill_at(partial, place);
	partial->squeeze += squeeze_at(partial, place);
}

static uint64_t bound_spill(const struct vn_partial *p)
{
	uint64_t left = 0, left_homed = 0, roomiest = 0, roomiest_homed = 0, least = 0;

	for (size_t i = 0; i < p->in->n_places; i++) {
		uint64_t room = room_left(p, i);
		left += room;
		roomiest = room > roomiest ? room : roomiest;
		if (p->in->places[i].cores > 0) {
			left_homed += room;
			roomiest_homed = room > roomiest_homed ? room : roomiest_homed;
		}
	}
	least = vn_excess(p->rest_memory, left);
	uint64_t homed = vn_excess(p->rest_homed_memory, left_homed);
	least = homed > least ? homed : least;
	for (size_t v = 0; v < p->in->n_parts; v++) {
		if (p->homes[v] != VN_NOWHERE)
			continue;
		uint64_t alone =
			vn_excess(p->in->parts[v].memory, p->in->parts[v].vcpus ? roomiest_homed : roomiest);
		least = alone > least ? alone : least;
	}
	return p->spill + least;
}

static uint64_t bound_squeeze(const struct vn_partial *p)
{
	uint64_t left = 0, most = 0, least;

	for (size_t i = 0; i < p->in->n_places; i++) {
		uint64_t cores = cores_left(p, i);
		left += cores;
		most = cores > most ? cores : most;
	}
	least = vn_excess(p->rest_vcpus, left);
	for (size_t v = 0; v < p->in->n_parts; v++) {
		if (p->homes[v] != VN_NOWHERE)
			continue;
		uint64_t alone = vn_excess(p->in->parts[v].vcpus, most);
		least = alone > least ? alone : least;
	}
	return p->squeeze + least;
}

/* fill[i]: the least distance from i of `rest` poured into the `left` of the places, `slack` of it anywhere.
 */
static void pour(struct vn_partial *p, bool memory, uint64_t rest, uint64_t slack)
{
	size_t n = p->in->n_places;

	for (size_t i = 0; i < n; i++)
		p->lefts[i] = memory ? room_left(p, i) / VN_MIB : cores_left(p, i);
	for (size_t i = 0; i < n; i++) {
		const uint16_t *order = (memory ? p->near_from : p->near_to) + i * n;
		uint64_t todo = rest;
		int64_t sum = 0;
		for (size_t k = 0; k < n && todo > 0; k++) {
			size_t j = order[k];
			uint64_t here = vn_min(todo, p->lefts[j] + (k == 0 ? slack : 0));
			sum += (int64_t)here * (memory ? vn_distance(p->in, i, j) : vn_distance(p->in, j, i));
			todo -= here;
		}
		p->fill[i] = sum;
	}
}

/* Whether part v may still settle at i without passing the limit's spill (and squeeze). */
static bool may_settle(const struct vn_partial *p, size_t v, size_t i, uint64_t slack, uint64_t cores_slack)
{
	const struct vn_part *part = &p->in->parts[v];

	return vn_may_home(p->in, v, i) && vn_excess(part->memory, room_left(p, i)) <= slack &&
	       (part->vcpus == 0 || vn_excess(part->vcpus, cores_left(p, i)) <= cores_slack);
}

/* One reading of the distance: by rows (memory poured) or by columns (vCPUs poured). INT64_MAX: no way on. */
static int64_t bound_distance_one(struct vn_partial *p, bool memory, uint64_t slack, uint64_t cores_slack)
{
	int64_t sum = p->distance;
	const int64_t *seen = memory ? p->seen_memory : p->seen_vcpus;

	pour(p, memory, memory ? p->rest_memory / VN_MIB : p->rest_vcpus,
		memory ? slack / VN_MIB : cores_slack);
	for (size_t i = 0; i < p->in->n_places; i++) {
		if (p->tenants[i] > 0)
			sum += p->fill[i] * (int64_t)(memory ? p->vcpus[i] : p->demand[i] / VN_MIB);
	}
	for (size_t v = 0; v < p->in->n_parts; v++) {
		if (p->homes[v] != VN_NOWHERE)
			continue;
		int64_t least = INT64_MAX;
		for (size_t i = 0; i < p->in->n_places; i++) {
			if (seen[i] + p->fill[i] < least && may_settle(p, v, i, slack, cores_slack))
				least = seen[i] + p->fill[i];
		}
		if (least == INT64_MAX)
			return INT64_MAX;
		sum += least * (int64_t)(memory ? p->in->parts[v].vcpus : p->in->parts[v].mib);
	}
	return sum;
}

static int64_t bound_distance(struct vn_partial *p, const struct vn_limit *limit)
{
	/* The levels above tie with the limit here, so a completion worth having spills and squeezes exactly
	 * that much. */
	uint64_t slack = vn_excess(limit->cost.spill, p->spill);
	uint64_t cores_slack = vn_excess(limit->cost.squeeze, p->squeeze);
	int64_t rows = bound_distance_one(p, true, slack, cores_slack);

	if (rows > limit->cost.distance)
		return rows;
	int64_t columns = bound_distance_one(p, false, slack, cores_slack);
	return columns > rows ? columns : rows;
}

static void bound_load(const struct vn_partial *p, uint64_t *ret_vcpus, uint64_t *ret_cores)
{
	uint64_t vcpus = p->rest_vcpus, cores = 0, top_vcpus = 0, top_cores = 1;

	for (size_t i = 0; i < p->in->n_places; i++) {
		const struct vn_place *place = &p->in->places[i];
		if (place->cores == 0)
			continue;
		uint64_t here = place->load + p->vcpus[i];
		vcpus += here;
		cores += place->cores;
		if (vn_load_compare(here, place->cores, top_vcpus, top_cores) > 0) {
			top_vcpus = here;
			top_cores = place->cores;
		}
	}
	bool mean = p->rest_vcpus > 0 && cores > 0 && vn_load_compare(vcpus, cores, top_vcpus, top_cores) > 0;
	*ret_vcpus = mean ? vcpus : top_vcpus;
	*ret_cores = mean ? cores : top_cores;
}

/* Free MiB per place in ascending order into lefts[]. */
static void sort_lefts(struct vn_partial *p)
{
	for (size_t i = 0; i < p->in->n_places; i++) {
		uint64_t left = room_left(p, i) / VN_MIB;
		size_t at = i;
		for (; at > 0 && p->lefts[at - 1] > left; at--)
			p->lefts[at] = p->lefts[at - 1];
		p->lefts[at] = left;
	}
}

static vn_i128 square(uint64_t mib)
{
	return (vn_i128)mib * (vn_i128)mib;
}

/* The most that the sum of squares can be after `rest` MiB more: the smallest rooms are used up first. */
static vn_i128 most_squares(const struct vn_partial *p, uint64_t rest)
{
	vn_i128 sum = 0;

	for (size_t i = 0; i < p->in->n_places; i++) {
		uint64_t here = vn_min(rest, p->lefts[i]);
		rest -= here;
		sum += square(p->lefts[i] - here);
	}
	return sum;
}

/* The least: the highest rooms are worn down to a common level, the last steps of which may be uneven by one.
 */
static vn_i128 least_squares(const struct vn_partial *p, uint64_t rest)
{
	size_t n = p->in->n_places, top = 1;
	vn_i128 sum = 0;
	uint64_t above = p->lefts[n - 1]; /* sum of the `top` highest */

	while (top < n && above - p->lefts[n - top - 1] * top < rest) {
		above += p->lefts[n - top - 1];
		top++;
	}
	uint64_t kept = vn_excess(above, rest), level = kept / top, odd = kept % top;
	for (size_t i = 0; i + top < n; i++)
		sum += square(p->lefts[i]);
	return sum + square(level + 1) * (vn_i128)odd + square(level) * (vn_i128)(top - odd);
}

static vn_i128 bound_fragmentation(struct vn_partial *p)
{
	uint64_t rest =
		(p->rest_memory + p->spill) / VN_MIB; /* what is settled and spills also lands somewhere */

	sort_lefts(p);
	return p->in->policy == VN_POLICY_PACK ? most_squares(p, rest) : least_squares(p, rest);
}

bool vn_partial_promises(struct vn_partial *partial, const struct vn_limit *limit)
{
	const struct vn_cost *cost = &limit->cost;

	uint64_t spill = bound_spill(partial);
	if (spill != cost->spill || limit->levels == 1)
		return spill < cost->spill || (spill == cost->spill && limit->or_equal);
	uint64_t squeeze = bound_squeeze(partial);
	if (squeeze != cost->squeeze || limit->levels == 2)
		return squeeze < cost->squeeze || (squeeze == cost->squeeze && limit->or_equal);
	int64_t distance = bound_distance(partial, limit);
	if (distance != cost->distance)
		return distance < cost->distance;
	uint64_t vcpus, cores;
	bound_load(partial, &vcpus, &cores);
	int order = vn_load_compare(vcpus, cores, cost->load_vcpus, cost->load_cores);
	if (order != 0)
		return order < 0;
	vn_i128 squares = bound_fragmentation(partial);
	if (squares != cost->fragmentation)
		return (squares > cost->fragmentation) == (partial->in->policy == VN_POLICY_PACK);
	return limit->or_equal;
}

void vn_partial_bound(struct vn_partial *partial, const struct vn_limit *limit, struct vn_cost *ret_cost)
{
	ret_cost->spill = bound_spill(partial);
	ret_cost->squeeze = bound_squeeze(partial);
	ret_cost->distance = bound_distance(partial, limit);
	bound_load(partial, &ret_cost->load_vcpus, &ret_cost->load_cores);
	ret_cost->fragmentation = bound_fragmentation(partial);
}
