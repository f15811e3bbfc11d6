/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "states.h"

#include <stdlib.h>
#include <string.h>

static bool same_kind(const struct vn_instance *in, size_t a, size_t b, const int64_t *pulls)
{
	return vn_parts_equal(in, a, b) &&
	       (!pulls || memcmp(pulls + a * in->n_places, pulls + b * in->n_places,
				  in->n_places * sizeof(*pulls)) == 0);
}

static unsigned bits_for(size_t count)
{
	unsigned bits = 1;

	while (count >> bits)
		bits++;
	return bits;
}

/* Sorts the parts by kind. -E2BIG: too many kinds, choices, or bits. */
static int find_kinds(
	struct vn_states *s, const size_t *free_parts, size_t n_free, const int64_t *pulls, size_t max)
{
	unsigned shift = 0;

	for (size_t i = 0; i < n_free; i++) {
		size_t k = 0;
		while (k < s->n_kinds && !same_kind(s->in, s->kinds[k].part, free_parts[i], pulls))
			k++;
		if (k == VN_MAX_KINDS)
			return -E2BIG;
		if (k == s->n_kinds)
			s->kinds[s->n_kinds++] = (struct vn_kind){.part = free_parts[i]};
		s->kinds[k].n++;
	}
	s->n = 1;
	for (size_t k = 0; k < s->n_kinds; k++) {
		struct vn_kind *kind = &s->kinds[k];
		unsigned bits = bits_for(kind->n);
		if (shift + bits + 1 > 64 || s->n > max / (kind->n + 1))
			return -E2BIG;
		kind->stride = s->n;
		kind->shift = shift;
		s->n *= kind->n + 1;
		s->spare |= ((UINT64_C(1) << bits) - 1 - kind->n) << shift;
		s->guard |= UINT64_C(1) << (shift + bits);
		shift += bits + 1;
	}
	return 0;
}

/* A choice is another one with one part more. */
static void add_part(struct vn_states *s, size_t state, size_t without, const struct vn_kind *kind)
{
	const struct vn_instance *in = s->in;
	const struct vn_part *part = &in->parts[kind->part];
	struct vn_sum *sum = &s->sums[state];

	*sum = s->sums[without];
	sum->packed += UINT64_C(1) << kind->shift;
	sum->cores += part->cores;
	sum->claimed += in->groups[part->group].exclusive ? part->cores : 0;
	sum->homed += part->vcpus > 0;
	for (size_t p = 0; p < in->n_pools; p++)
		s->memory[p * s->n + state] =
			s->memory[p * s->n + without] + (p == part->pool ? part->memory : 0);
	for (size_t g = 0; g < in->n_groups; g++) {
		bool own = g == part->group;
		size_t to = g * s->n + state, from = g * s->n + without;
		s->vcpus[to] = s->vcpus[from] + (own ? (int64_t)part->vcpus : 0);
		s->mib[to] = s->mib[from] + (own ? (int64_t)part->mib : 0);
		s->own_cores[to] = s->own_cores[from] + (own ? part->cores : 0);
	}
}

int vn_states_make(const struct vn_instance *instance, const size_t *free_parts, size_t n_free,
	const int64_t *pulls, size_t max, struct vn_states *ret_states)
{
	struct vn_states s = {.in = instance};
	int r = find_kinds(&s, free_parts, n_free, pulls, max);

	if (r < 0)
		return r;
	s.sums = calloc(s.n, sizeof(*s.sums));
	s.memory = calloc(s.n * instance->n_pools, sizeof(*s.memory));
	s.vcpus = calloc(s.n * instance->n_groups, sizeof(*s.vcpus));
	s.mib = calloc(s.n * instance->n_groups, sizeof(*s.mib));
	s.own_cores = calloc(s.n * instance->n_groups, sizeof(*s.own_cores));
	if (!s.sums || !s.memory || !s.vcpus || !s.mib || !s.own_cores) {
		vn_states_clear(&s);
		return -ENOMEM;
	}
	for (size_t k = 0; k < s.n_kinds; k++) {
		const struct vn_kind *kind = &s.kinds[k];
		for (size_t state = kind->stride; state < kind->stride * (kind->n + 1); state++)
			add_part(&s, state, state - kind->stride, kind);
	}
	*ret_states = s;
	return 0;
}

void vn_states_clear(struct vn_states *states)
{
	free(states->sums);
	free(states->memory);
	free(states->vcpus);
	free(states->mib);
	free(states->own_cores);
	*states = (struct vn_states){0};
}
