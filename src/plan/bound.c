/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 *
 * Every level has a lower bound that relaxes what is not settled into a liquid:
 *
 * spill          what is settled, plus the liquid memory that exceeds the room left (of all places; of places with CPUs for
 *                the parts that need them), or plus what single parts must spill wherever they go
 * squeeze        likewise with vCPUs and cores
 * distance       sum over v of vcpus(v) * [sum over w of MiB(w) * D(home v, home w)]. From place i, the settled memory is at
 *                known distances, and the liquid memory is at best poured into the room left, nearest to i first ("fill"). A
 *                settled v pays that from its home, another from its best place. The room may be overfilled by no more than
 *                the spill the limit still allows, so the bound is sharp just where memory is short. The same sum read by
 *                columns, pouring vCPUs into free cores, gives a second bound, and the mean of both, each part at the place
 *                best for both together, a third; the largest counts.
 * load           the highest ratio so far, or the mean over all cores
 * fragmentation  the liquid poured so that the sum of squares is extreme: into the least free room first (pack), or off the
 *                top of the most (spread)
 *
 * The levels are compared one after the other and a later one is only computed where the earlier ones tie. A
 * prune at a later level is right: a completion either exceeds the tie before (worse) or keeps it and meets
 * the later bound.
 */
#include "bound.h"

#include <string.h>

/* The places by their distance from i, or to it; those as far by number. */
static void sort_near(const struct vn_instance *in, size_t i, bool from, uint16_t *order)
{
	size_t starts[VN_DISTANCE_UNREACHABLE + 2] = {0};

	for (size_t j = 0; j < in->n_places; j++)
		starts[1 + (from ? vn_distance(in, i, j) : vn_distance(in, j, i))]++;
	for (size_t d = 0; d < VN_DISTANCE_UNREACHABLE; d++)
		starts[d + 1] += starts[d];
	for (size_t j = 0; j < in->n_places; j++)
		order[starts[from ? vn_distance(in, i, j) : vn_distance(in, j, i)]++] = (uint16_t)j;
}

static int allocate(struct vn_partial *p)
{
	const struct vn_instance *in = p->in;
	size_t n = in->n_places, wide = in->n_groups * n, pools = in->n_pools * n;

	p->homes = calloc(in->n_parts, sizeof(*p->homes));
	p->tenants = calloc(n, sizeof(*p->tenants));
	p->demand = calloc(pools, sizeof(*p->demand));
	p->vcpus = calloc(3 * wide + 2 * n, sizeof(*p->vcpus)); /* one block for all that count alike */
	p->seen_memory = calloc(2 * wide + 2 * n, sizeof(*p->seen_memory));
	p->rest_memory = calloc(2 * in->n_pools + 2 * in->n_groups, sizeof(*p->rest_memory));
	p->near_from = calloc(2 * n * n, sizeof(*p->near_from));
	if (!p->homes || !p->tenants || !p->demand || !p->vcpus || !p->seen_memory || !p->rest_memory ||
		!p->near_from)
		return -ENOMEM;
	p->mib = p->vcpus + wide;
	p->own_cores = p->mib + wide;
	p->cores = p->own_cores + wide;
	p->lefts = p->cores + n;
	p->seen_vcpus = p->seen_memory + wide;
	p->fill = p->seen_vcpus + wide;
	p->fill_vcpus = p->fill + n;
	p->rest_homed_memory = p->rest_memory + in->n_pools;
	p->rest_mib = p->rest_homed_memory + in->n_pools;
	p->rest_vcpus = p->rest_mib + in->n_groups;
	p->near_to = p->near_from + n * n;
	return 0;
}

int vn_partial_make(const struct vn_instance *instance, struct vn_partial *ret_partial)
{
	vn_autopartial p = {.in = instance};
	int r = allocate(&p);

	if (r < 0)
		return r;
	for (size_t i = 0; i < instance->n_places; i++) {
		p.crowd += vn_crowd(&instance->places[i], 0);
	}
	p.squeeze = p.crowd;
	for (size_t v = 0; v < instance->n_parts; v++) {
		const struct vn_part *part = &instance->parts[v];
		p.homes[v] = VN_NOWHERE;
		p.rest_memory[part->pool] += part->memory;
		p.rest_homed_memory[part->pool] += part->vcpus > 0 ? part->memory : 0;
		p.rest_mib[part->group] += part->mib;
		p.rest_vcpus[part->group] += part->vcpus;
		p.rest_cores += part->cores;
		p.rest |= v < 32 ? 1u << v : 0;
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
	free(partial->rest_memory);
	free(partial->near_from);
	vn_menus_clear(&partial->menus);
	*partial = (struct vn_partial){0};
}

static uint64_t room_left(const struct vn_partial *p, size_t pool, size_t i)
{
	return vn_excess(vn_room(p->in, pool, i), p->demand[pool * p->in->n_places + i]);
}

static uint64_t cores_left(const struct vn_partial *p, size_t i)
{
	return vn_excess(p->in->places[i].cores, p->in->places[i].load + p->cores[i]);
}

static uint64_t spill_at(const struct vn_partial *p, size_t pool, size_t i)
{
	return vn_excess(p->demand[pool * p->in->n_places + i], vn_room(p->in, pool, i));
}

static uint64_t crowd_at(const struct vn_partial *p, size_t i)
{
	return vn_crowd(&p->in->places[i], p->cores[i]);
}

/* The squeeze of a place once `cores` more of a guest are there. */
static uint64_t squeeze_with(const struct vn_partial *p, size_t group, size_t i, uint64_t cores)
{
	uint64_t own[VN_MAX_JOINT];

	for (size_t g = 0; g < p->in->n_groups && !p->in->alike; g++)
		own[g] = p->own_cores[g * p->in->n_places + i] + (g == group ? cores : 0);
	return vn_squeeze(p->in, i, p->cores[i] + cores, own);
}

static uint64_t squeeze_at(const struct vn_partial *p, size_t i)
{
	return squeeze_with(p, 0, i, 0);
}

/* Adds (sign 1) or takes back (-1) what the other parts of its guest see of `part` at `place`. */
static void look(struct vn_partial *p, const struct vn_part *part, size_t place, int64_t sign)
{
	int64_t mib = sign * (int64_t)part->mib, vcpus = sign * (int64_t)part->vcpus;
	int64_t *memory = p->seen_memory + part->group * p->in->n_places;
	int64_t *cpus = p->seen_vcpus + part->group * p->in->n_places;

	for (size_t i = 0; i < p->in->n_places; i++) {
		memory[i] += mib * vn_distance(p->in, i, place);
		cpus[i] += vcpus * vn_distance(p->in, place, i);
	}
}

/* Moves a part in (sign 1) or out (-1) of all sums but the distance. */
static void shift(struct vn_partial *p, size_t part, size_t place, int sign)
{
	const struct vn_part *that = &p->in->parts[part];
	size_t n = p->in->n_places, own = that->group * n + place;
	uint64_t s = sign < 0 ? UINT64_MAX : 1; /* sums wrap around as they should */

	p->spill -= spill_at(p, that->pool, place);
	p->squeeze -= squeeze_at(p, place);
	p->crowd -= crowd_at(p, place);
	p->tenants[place] += (unsigned)s;
	p->demand[that->pool * n + place] += s * that->memory;
	p->vcpus[own] += s * that->vcpus;
	p->mib[own] += s * that->mib;
	p->own_cores[own] += s * that->cores;
	p->cores[place] += s * that->cores;
	p->rest_memory[that->pool] -= s * that->memory;
	p->rest_homed_memory[that->pool] -= that->vcpus > 0 ? s * that->memory : 0;
	p->rest_mib[that->group] -= s * that->mib;
	p->rest_vcpus[that->group] -= s * that->vcpus;
	p->rest_cores -= s * that->cores;
	p->rest ^= part < 32 ? 1u << part : 0;
	p->spill += spill_at(p, that->pool, place);
	p->squeeze += squeeze_at(p, place);
	p->crowd += crowd_at(p, place);
}

void vn_partial_settle(struct vn_partial *partial, size_t part, size_t place)
{
	const struct vn_part *that = &partial->in->parts[part];
	size_t seen = that->group * partial->in->n_places + place;

	partial->homes[part] = place;
	shift(partial, part, place, 1);
	partial->distance += vn_pull(partial->in, part, place);
	partial->distance += (int64_t)that->mib * partial->seen_vcpus[seen]; /* the settled ones to it */
	look(partial, that, place, 1);
	partial->distance += (int64_t)that->vcpus * partial->seen_memory[seen]; /* it to them and to itself */
}

void vn_partial_unsettle(struct vn_partial *partial, size_t part)
{
	const struct vn_part *that = &partial->in->parts[part];
	size_t place = partial->homes[part], seen = that->group * partial->in->n_places + place;

	partial->distance -= (int64_t)that->vcpus * partial->seen_memory[seen];
	look(partial, that, place, -1);
	partial->distance -= (int64_t)that->mib * partial->seen_vcpus[seen];
	partial->distance -= vn_pull(partial->in, part, place);
	shift(partial, part, place, -1);
	partial->homes[part] = VN_NOWHERE;
}

struct vn_step vn_partial_step(const struct vn_partial *partial, size_t part, size_t place)
{
	const struct vn_instance *in = partial->in;
	const struct vn_part *that = &in->parts[part];
	size_t own = that->group * in->n_places + place;
	uint64_t demand = partial->demand[that->pool * in->n_places + place];
	uint64_t room = vn_room(in, that->pool, place);

	return (struct vn_step){
		.spill = vn_excess(demand + that->memory, room) - vn_excess(demand, room),
		.squeeze = that->cores ? squeeze_with(partial, that->group, place, that->cores) -
						 squeeze_at(partial, place)
				       : 0,
		.distance =
			(int64_t)that->vcpus * (partial->seen_memory[own] +
						       (int64_t)that->mib * vn_distance(in, place, place)) +
			(int64_t)that->mib * partial->seen_vcpus[own] + vn_pull(in, part, place),
	};
}

bool vn_partial_admits(const struct vn_partial *partial, size_t part, size_t place)
{
	const struct vn_instance *in = partial->in;
	const struct vn_part *that = &in->parts[part];
	uint64_t all = in->places[place].load + partial->cores[place] + that->cores;

	if (!vn_may_home(in, part, place))
		return false;
	for (size_t g = 0; g < in->n_groups && that->cores > 0; g++) {
		const struct vn_group *group = &in->groups[g];
		if (group->exclusive && all > group->cores[place] &&
			(g == that->group || partial->own_cores[g * in->n_places + place] > 0))
			return false;
	}
	return true;
}

/* Of one pool: what is not settled and cannot all be at home, or the parts that could not be even if alone. */
static uint64_t bound_spill_of(const struct vn_partial *p, size_t pool)
{
	uint64_t left = 0, left_homed = 0, roomiest = 0, roomiest_homed = 0, least;

	for (size_t i = 0; i < p->in->n_places; i++) {
		uint64_t room = room_left(p, pool, i);
		left += room;
		roomiest = room > roomiest ? room : roomiest;
		if (p->in->places[i].cores > 0) {
			left_homed += room;
			roomiest_homed = room > roomiest_homed ? room : roomiest_homed;
		}
	}
	least = vn_excess(p->rest_memory[pool], left);
	uint64_t homed = vn_excess(p->rest_homed_memory[pool], left_homed);
	least = homed > least ? homed : least;
	uint64_t each =
		0; /* what single ones exceed the roomiest place by adds up, in one place or in several */
	for (size_t v = 0; v < p->in->n_parts; v++) {
		const struct vn_part *part = &p->in->parts[v];
		if (p->homes[v] == VN_NOWHERE && part->pool == pool)
			each += vn_excess(part->memory, part->vcpus ? roomiest_homed : roomiest);
	}
	return each > least ? each : least;
}

static uint64_t bound_spill(const struct vn_partial *p)
{
	uint64_t least = p->spill;

	for (size_t k = 0; k < p->in->n_pools; k++)
		least += bound_spill_of(p, k);
	return least;
}

/* Where guests may use different CPUs, what one squeezes itself may hide what the others add: then the larger sum counts. */
static uint64_t bound_squeeze(const struct vn_partial *p)
{
	uint64_t left = 0, most = 0, least;

	for (size_t i = 0; i < p->in->n_places; i++) {
		uint64_t cores = cores_left(p, i);
		left += cores;
		most = cores > most ? cores : most;
	}
	least = vn_excess(p->rest_cores, left);
	uint64_t each = 0;
	for (size_t v = 0; v < p->in->n_parts; v++)
		each += p->homes[v] == VN_NOWHERE ? vn_excess(p->in->parts[v].cores, most) : 0;
	least = each > least ? each : least;
	return p->crowd + least > p->squeeze ? p->crowd + least : p->squeeze;
}

void vn_partial_sort(struct vn_partial *partial)
{
	size_t n = partial->in->n_places;

	for (size_t i = 0; i < n && !partial->sorted; i++) {
		sort_near(partial->in, i, true, partial->near_from + i * n);
		sort_near(partial->in, i, false, partial->near_to + i * n);
	}
	if (!partial->sorted)
		vn_menus_make(partial->in, &partial->menus);
	partial->sorted = true;
}

/* Bytes left of a place for all that a guest may yet have there. */
static uint64_t group_left(const struct vn_partial *p, const struct vn_group *group, size_t place)
{
	uint64_t left = 0;

	for (size_t k = 0; k < p->in->n_pools; k++)
		left += group->mixed || k == group->pool ? room_left(p, k, place) : 0;
	return left;
}

/* fill[i]: the least distance from i of `rest` of a guest poured into the `left` of the places, `slack` of it anywhere. */
static void pour(struct vn_partial *p, size_t g, bool memory, uint64_t slack, uint64_t cores_slack)
{
	const struct vn_group *group = &p->in->groups[g];
	const struct vn_menu *menu = p->menus.menus ? vn_menus_get(&p->menus, p->rest) : NULL;
	uint64_t rest = memory ? p->rest_mib[g] : p->rest_vcpus[g];
	uint64_t more = memory ? slack / VN_MIB : cores_slack * group->threads;
	size_t n = p->in->n_places;

	for (size_t i = 0; i < n; i++) {
		uint64_t mib = group_left(p, group, i) / VN_MIB, cores = cores_left(p, i);
		p->lefts[i] = memory ? mib : cores * group->threads;
		if (menu && slack == 0 && cores_slack == 0)
			p->lefts[i] = vn_min(p->lefts[i],
				memory ? vn_menu_mib(menu, mib, cores) : vn_menu_vcpus(menu, mib));
	}
	for (size_t i = 0; i < n; i++) {
		const uint16_t *order = (memory ? p->near_from : p->near_to) + i * n;
		uint64_t todo = rest;
		int64_t sum = 0;
		for (size_t k = 0; k < n && todo > 0; k++) {
			size_t j = order[k];
			uint64_t here = vn_min(todo, p->lefts[j] + (k == 0 ? more : 0));
			sum += (int64_t)here * (memory ? vn_distance(p->in, i, j) : vn_distance(p->in, j, i));
			todo -= here;
		}
		p->fill[i] = todo > 0 ? INT32_MAX : sum; /* no room in all: nothing comes of it */
	}
}

/* Whether part v may still settle at i without passing the limit's spill (and squeeze). */
static bool may_settle(const struct vn_partial *p, size_t v, size_t i, uint64_t slack, uint64_t cores_slack)
{
	const struct vn_part *part = &p->in->parts[v];

	return vn_may_home(p->in, v, i) && vn_excess(part->memory, room_left(p, part->pool, i)) <= slack &&
	       (part->cores == 0 || vn_excess(part->cores, cores_left(p, i)) <= cores_slack);
}

/* The three readings of a guest's distances, as sums or for one part. */
struct readings {
	int64_t rows, columns, both; /* `both`: the sum of the other two, place by place */
};

/* What part v pays at least, wherever it settles; false: it cannot. */
static bool cheapest(
	const struct vn_partial *p, size_t v, uint64_t slack, uint64_t cores_slack, struct readings *sum)
{
	const struct vn_part *part = &p->in->parts[v];
	const int64_t *memory = p->seen_memory + part->group * p->in->n_places;
	const int64_t *vcpus = p->seen_vcpus + part->group * p->in->n_places;
	struct readings least = {INT64_MAX, INT64_MAX, INT64_MAX};

	for (size_t i = 0; i < p->in->n_places; i++) {
		if (!may_settle(p, v, i, slack, cores_slack))
			continue;
		int64_t pull = vn_pull(p->in, v, i);
		int64_t row = (memory[i] + p->fill[i]) * (int64_t)part->vcpus + pull;
		int64_t column = (vcpus[i] + p->fill_vcpus[i]) * (int64_t)part->mib + pull;
		least.rows = row < least.rows ? row : least.rows;
		least.columns = column < least.columns ? column : least.columns;
		least.both = row + column < least.both ? row + column : least.both;
	}
	if (least.rows == INT64_MAX)
		return false;
	sum->rows += least.rows;
	sum->columns += least.columns;
	sum->both += least.both;
	return true;
}

/* What a guest's distances add at least to those of what is settled, by all three readings. INT64_MAX: no way on. */
static int64_t bound_group(struct vn_partial *p, size_t g, uint64_t slack, uint64_t cores_slack)
{
	const struct vn_group *group = &p->in->groups[g];
	const uint64_t *vcpus = p->vcpus + g * p->in->n_places, *mib = p->mib + g * p->in->n_places;
	struct readings sum = {0};

	pour(p, g, false, slack, cores_slack);
	memcpy(p->fill_vcpus, p->fill, p->in->n_places * sizeof(*p->fill));
	pour(p, g, true, slack, cores_slack);
	for (size_t i = 0; i < p->in->n_places; i++) {
		if (p->tenants[i] == 0)
			continue;
		sum.rows += p->fill[i] * (int64_t)vcpus[i];
		sum.columns += p->fill_vcpus[i] * (int64_t)mib[i];
	}
	sum.both = sum.rows + sum.columns;
	for (size_t v = group->first; v < group->first + group->n; v++) {
		if (p->homes[v] == VN_NOWHERE && !cheapest(p, v, slack, cores_slack, &sum))
			return INT64_MAX;
	}
	int64_t larger = sum.rows > sum.columns ? sum.rows : sum.columns, half = sum.both / 2 + sum.both % 2;
	return larger > half ? larger : half;
}

static int64_t bound_distance(struct vn_partial *p, const struct vn_limit *limit)
{
	/* The levels above tie with the limit here, so a completion worth having spills and squeezes exactly
	 * that much. */
	uint64_t slack = vn_excess(limit->cost.spill, p->spill);
	uint64_t cores_slack = vn_excess(limit->cost.squeeze, p->crowd);
	int64_t sum = p->distance;

	for (size_t g = 0; g < p->in->n_groups && sum <= limit->cost.distance; g++) {
		int64_t more = bound_group(p, g, slack, cores_slack);
		if (more == INT64_MAX)
			return more;
		sum += more;
	}
	return sum;
}

static void bound_load(const struct vn_partial *p, uint64_t *ret_vcpus, uint64_t *ret_cores)
{
	uint64_t vcpus = p->rest_cores, cores = 0, top_vcpus = 0, top_cores = 1;

	for (size_t i = 0; i < p->in->n_places; i++) {
		const struct vn_place *place = &p->in->places[i];
		if (place->cores == 0)
			continue;
		uint64_t here = place->load + p->cores[i];
		vcpus += here;
		cores += place->cores;
		if (vn_load_compare(here, place->cores, top_vcpus, top_cores) > 0) {
			top_vcpus = here;
			top_cores = place->cores;
		}
	}
	bool mean = p->rest_cores > 0 && cores > 0 && vn_load_compare(vcpus, cores, top_vcpus, top_cores) > 0;
	*ret_vcpus = mean ? vcpus : top_vcpus;
	*ret_cores = mean ? cores : top_cores;
}

/* Free MiB of a pool per place in ascending order into lefts[]. */
static void sort_lefts(struct vn_partial *p, size_t pool)
{
	for (size_t i = 0; i < p->in->n_places; i++) {
		uint64_t left = room_left(p, pool, i) / VN_MIB;
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

#define MAX_SQUARES ((vn_i128)1 << 126) /* more than any */

static vn_i128 bound_fragmentation(struct vn_partial *p)
{
	vn_i128 sum = 0;

	/* What is dealt out over several nodes does not fill its home first: none of this holds then, and no figure is out of reach. */
	if (p->in->spanning && bound_spill(p) > 0)
		return p->in->policy == VN_POLICY_PACK ? MAX_SQUARES : 0;
	for (size_t k = 0; k < p->in->n_pools; k++) {
		uint64_t rest = p->rest_memory[k];
		for (size_t i = 0; i < p->in->n_places;
			i++) /* what is settled and spills also lands somewhere */
			rest += spill_at(p, k, i);
		sort_lefts(p, k);
		sum += p->in->policy == VN_POLICY_PACK ? most_squares(p, rest / VN_MIB)
						       : least_squares(p, rest / VN_MIB);
	}
	return sum;
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
