/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: the distance is a sum over pairs of parts. A pair that is not settled costs at least what it would on the
 * two places, or the one, where it is best off alone on the host; whether one place holds both is what makes the difference. What
 * such a part and the settled ones cost each other is at least that of its best place. Both are sums over parts, so they add up.
 */
#include "floor.h"

/* Whether a place has room for so much memory and so many cores, but for what may squeeze. */
static bool holds(const struct vn_floor *f, size_t pool, size_t i, uint64_t memory, uint64_t cores)
{
	const struct vn_place *place = &f->in->places[i];

	return memory <= vn_room(f->in, pool, i) &&
	       (cores == 0 || vn_crowd(place, cores) - vn_crowd(place, 0) <= f->slack);
}

static int64_t least_alone(const struct vn_floor *f, size_t v)
{
	const struct vn_part *part = &f->in->parts[v];
	uint32_t least = UINT32_MAX;

	for (size_t i = 0; i < f->in->n_places; i++) {
		if (vn_may_home(f->in, v, i) && holds(f, part->pool, i, part->memory, part->cores))
			least = vn_distance(f->in, i, i) < least ? vn_distance(f->in, i, i) : least;
	}
	return least == UINT32_MAX ? 0 : (int64_t)(part->vcpus * part->mib) * least;
}

/* `apart`: the least distance between two places. */
static int64_t least_together(const struct vn_floor *f, size_t v, size_t w, uint32_t apart)
{
	const struct vn_part *a = &f->in->parts[v], *b = &f->in->parts[w];
	uint32_t least = apart;

	if (a->group != b->group)
		return 0;
	for (size_t i = 0; i < f->in->n_places; i++) {
		if (vn_distance(f->in, i, i) < least && vn_may_home(f->in, v, i) &&
			vn_may_home(f->in, w, i) &&
			holds(f, a->pool, i, a->memory + (a->pool == b->pool ? b->memory : 0),
				a->cores + b->cores) &&
			holds(f, b->pool, i, b->memory, 0))
			least = vn_distance(f->in, i, i);
	}
	return (int64_t)(a->vcpus * b->mib + b->vcpus * a->mib) * least;
}

int vn_floor_make(const struct vn_instance *instance, uint64_t slack, struct vn_floor *ret_floor)
{
	size_t m = instance->n_parts, n = instance->n_places;
	struct vn_floor f = {instance, slack, calloc(m * m + 1, sizeof(*f.pairs))};
	uint32_t apart = VN_DISTANCE_UNREACHABLE;

	if (!f.pairs)
		return -ENOMEM;
	for (size_t i = 0; i < n * n; i++) {
		if (i / n != i % n && instance->distances[i] < apart)
			apart = instance->distances[i];
	}
	for (size_t v = 0; v < m; v++) {
		f.pairs[v * m + v] = least_alone(&f, v);
		for (size_t w = 0; w < v; w++)
			f.pairs[v * m + w] = f.pairs[w * m + v] = least_together(&f, v, w, apart);
	}
	*ret_floor = f;
	return 0;
}

void vn_floor_clear(struct vn_floor *floor)
{
	free(floor->pairs);
	*floor = (struct vn_floor){0};
}

/* What a part and those settled cost each other at least; INT64_MAX: it has nowhere to go. */
static int64_t least_seen(const struct vn_floor *f, const struct vn_partial *p, size_t v)
{
	const struct vn_part *part = &p->in->parts[v];
	const int64_t *memory = p->seen_memory + part->group * p->in->n_places;
	const int64_t *vcpus = p->seen_vcpus + part->group * p->in->n_places;
	int64_t least = INT64_MAX;

	for (size_t i = 0; i < p->in->n_places; i++) {
		int64_t sum = memory[i] * (int64_t)part->vcpus + vcpus[i] * (int64_t)part->mib +
			      vn_pull(p->in, v, i);
		if (sum < least && vn_may_home(p->in, v, i) &&
			holds(f, part->pool, i, p->demand[part->pool * p->in->n_places + i] + part->memory,
				part->cores ? p->cores[i] + part->cores : 0))
			least = sum;
	}
	return least;
}

int64_t vn_floor_seen(
	const struct vn_floor *floor, const struct vn_partial *partial, const size_t *parts, size_t n)
{
	int64_t sum = 0, seen = 0;

	for (size_t k = 0; k < n; k++) {
		if (k == 0 || !vn_parts_equal(floor->in, parts[k - 1], parts[k]))
			seen = least_seen(floor, partial, parts[k]);
		if (seen == INT64_MAX)
			return INT64_MAX / 2;
		sum += seen;
	}
	return sum;
}

int64_t vn_floor_pairs(const struct vn_floor *floor, const size_t *parts, size_t n)
{
	const int64_t *pairs = floor->pairs + parts[0] * floor->in->n_parts;
	int64_t sum = 0;

	for (size_t k = 0; k < n; k++)
		sum += pairs[parts[k]];
	return sum;
}
