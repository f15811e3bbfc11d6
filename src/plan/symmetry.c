/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: a renaming of the places that keeps every distance and what each place offers (an automorphism) makes of a
 * plan another one that costs the same. So of places that such renamings map to each other, all places in use staying where they
 * are, it is enough to try one; which ones these are is a partition, the orbits of the stabilizer. An empty ring of 16 has a
 * single orbit, an empty cube of 64 places likewise, and 7 once one place is in use.
 *
 * A renaming that maps one given place to another is looked for by trying: place by place the lowest image that is as far from
 * all images so far as the place is from what they are the images of. On hosts as they are built hardly any step has to be taken
 * back. Each renaming found joins all places that it moves, so a handful of them tell all orbits. They are kept for the sets of
 * places in use that the search comes by again and again.
 */
#include "symmetry.h"

#include <stdlib.h>
#include <string.h>

#define MAX_KEPT 4 /* places in use; hardly any host has renamings left that keep more */
#define MAX_STEPS 32 /* images tried per place, on average, until a renaming is given up */
#define BUCKETS 256

/* Of one set of places in use. */
struct vn_orbits {
	size_t n_kept;
	size_t kept[MAX_KEPT]; /* ascending */
	uint16_t *lowest; /* per place; NULL: nothing here yet */
	bool trivial; /* every place is alone */
};

static void reckon(struct vn_symmetry *s, struct vn_orbits *orbits);

/* Whether nothing is alike even with no place in use. */
static int look_at_empty(struct vn_symmetry *s)
{
	struct vn_orbits empty = {.lowest = calloc(s->in->n_places + 1, sizeof(*empty.lowest))};

	if (!empty.lowest)
		return -ENOMEM;
	reckon(s, &empty);
	s->none = empty.trivial;
	free(empty.lowest);
	return 0;
}

int vn_symmetry_make(const struct vn_instance *instance, struct vn_symmetry *ret_symmetry)
{
	size_t n = instance->n_places;
	struct vn_symmetry s = {.in = instance, .none = true};

	s.color = calloc(3 * n, sizeof(*s.color));
	s.used = calloc(n, sizeof(*s.used));
	s.orbits = calloc(BUCKETS, sizeof(*s.orbits));
	if (!s.color || !s.used || !s.orbits || n > UINT16_MAX) {
		vn_symmetry_clear(&s);
		return -ENOMEM;
	}
	s.image = s.color + n;
	s.order = s.image + n;
	for (size_t i = 0; i < n; i++) {
		s.color[i] = i;
		for (size_t j = 0; j < i && s.color[i] == i; j++) {
			if (s.color[j] == j && vn_places_alike(instance, i, j))
				s.color[i] = j;
		}
		s.none &= s.color[i] == i;
	}
	int r = s.none ? 0 : look_at_empty(&s);
	if (r < 0) {
		vn_symmetry_clear(&s);
		return r;
	}
	*ret_symmetry = s;
	return 0;
}

void vn_symmetry_clear(struct vn_symmetry *symmetry)
{
	for (size_t k = 0; symmetry->orbits && k < BUCKETS; k++)
		free(symmetry->orbits[k].lowest);
	free(symmetry->orbits);
	free(symmetry->color);
	free(symmetry->used);
	*symmetry = (struct vn_symmetry){0};
}

/* Whether `to` may be the image of order[at], those before having theirs. */
static bool fits(const struct vn_symmetry *s, size_t at, size_t to)
{
	size_t from = s->order[at];

	if (s->used[to] || s->color[from] != s->color[to])
		return false;
	for (size_t k = 0; k < at; k++) {
		size_t place = s->order[k], image = s->image[place];
		if (vn_distance(s->in, from, place) != vn_distance(s->in, to, image) ||
			vn_distance(s->in, place, from) != vn_distance(s->in, image, to))
			return false;
	}
	return true;
}

/* Finds images for order[at] and on. False: there are none, or it took too long. */
static bool complete(struct vn_symmetry *s, size_t at, size_t *steps)
{
	if (at == s->in->n_places)
		return true;
	size_t from = s->order[at];
	for (size_t to = 0; to<s->in->n_places && * steps> 0; to++) {
		if (!fits(s, at, to))
			continue;
		(*steps)--;
		s->image[from] = to;
		s->used[to] = true;
		if (complete(s, at + 1, steps))
			return true;
		s->used[to] = false;
	}
	return false;
}

/* Into s->image: a renaming that keeps what the orbits keep and maps `from` to `to`. */
static bool find_renaming(struct vn_symmetry *s, const struct vn_orbits *orbits, size_t from, size_t to)
{
	size_t n = 0, steps = MAX_STEPS * s->in->n_places;

	memset(s->used, 0, s->in->n_places * sizeof(*s->used));
	for (size_t k = 0; k < orbits->n_kept; k++) {
		s->order[n++] = orbits->kept[k];
		s->image[orbits->kept[k]] = orbits->kept[k];
		s->used[orbits->kept[k]] = true;
	}
	if (s->used[from])
		return false;
	s->order[n] = from;
	if (!fits(s, n, to))
		return false;
	s->image[from] = to;
	s->used[to] = true;
	n++;
	size_t mapped = n;
	for (size_t i = 0; i < s->in->n_places; i++) {
		bool known = i == from;
		for (size_t k = 0; k < orbits->n_kept; k++)
			known |= orbits->kept[k] == i;
		if (!known)
			s->order[n++] = i;
	}
	return complete(s, mapped, &steps);
}

static size_t find(const uint16_t *lowest, size_t i)
{
	while (lowest[i] != i)
		i = lowest[i];
	return i;
}

/* Joins each place with its image. */
static void unite(const struct vn_symmetry *s, uint16_t *lowest)
{
	for (size_t i = 0; i < s->in->n_places; i++) {
		size_t a = find(lowest, i), b = find(lowest, s->image[i]);
		lowest[a > b ? a : b] = (uint16_t)(a > b ? b : a);
	}
}

static void reckon(struct vn_symmetry *s, struct vn_orbits *orbits)
{
	size_t n = s->in->n_places;

	for (size_t i = 0; i < n; i++)
		orbits->lowest[i] = (uint16_t)i;
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < i && find(orbits->lowest, i) == i; j++) {
			if (find(orbits->lowest, j) == j && find_renaming(s, orbits, i, j))
				unite(s, orbits->lowest);
		}
	}
	orbits->trivial = true;
	for (size_t i = 0; i < n; i++) {
		orbits->lowest[i] = (uint16_t)find(orbits->lowest, i);
		orbits->trivial &= orbits->lowest[i] == i;
	}
}

const uint16_t *vn_symmetry_lowest(struct vn_symmetry *symmetry, const unsigned *tenants)
{
	struct vn_orbits wanted = {0};
	size_t hash = 0;

	for (size_t i = 0; i < symmetry->in->n_places && !symmetry->none; i++) {
		if (tenants[i] == 0)
			continue;
		if (wanted.n_kept == MAX_KEPT)
			return NULL;
		wanted.kept[wanted.n_kept++] = i;
		hash = hash * 67 + i + 1;
	}
	if (symmetry->none)
		return NULL;
	struct vn_orbits *orbits = &symmetry->orbits[hash % BUCKETS];
	if (!orbits->lowest)
		wanted.lowest = calloc(symmetry->in->n_places + 1, sizeof(*wanted.lowest));
	else if (orbits->n_kept != wanted.n_kept ||
		 memcmp(orbits->kept, wanted.kept, sizeof(wanted.kept)) != 0)
		wanted.lowest = orbits->lowest; /* takes its place */
	if (!orbits->lowest && !wanted.lowest)
		return NULL; /* no memory: then without */
	if (wanted.lowest) {
		reckon(symmetry, &wanted);
		*orbits = wanted;
	}
	return orbits->trivial ? NULL : orbits->lowest;
}
