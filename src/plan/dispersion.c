/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 *
 * Let t1 < t2 < … be the distances of the tree (hierarchy.c), and at each level the places fall into clusters whose places are no
 * farther apart than that. A vCPU and a MiB that are not in one cluster of level k are at least t(k+1) apart. So
 *
 *     distance >= t0 * C * M + sum over k of (t(k+1) - t(k)) * (C * M - G(k)),   G(k) = sum over clusters g of C(g) * M(g)
 *
 * with C vCPUs and M MiB in all, C(g) and M(g) of them in cluster g, and level 0 the single places, t0 being the least distance
 * of a place to itself. G(k) is at most what it would be if vCPUs and memory were liquids that fill the clusters as unevenly as
 * can be: the largest one by cores full of vCPUs and so on, and the same for memory, largest beside largest. (Any way to
 * distribute is majorized by that one, and a sum of products of two sequences in descending order only grows when one of them is
 * replaced by one that majorizes it: Hardy, Littlewood, Polya, "Inequalities", 1934, theorem 108 and 368.)
 *
 * A place holds no more memory than the parts have that its cores suffice for (a knapsack), and no more vCPUs than those have
 * that fit its memory (a knapsack again, its last item divided).
 */
#include "dispersion.h"

#include <stdlib.h>
#include <string.h>

#include "menu.h"

struct bounding {
	const struct vn_instance *in;
	const struct vn_hierarchy *tree;
	const struct vn_group *group;
	uint64_t spill, squeeze; /* MiB; vCPUs */
	uint64_t mib, vcpus; /* of the guest */
	uint64_t *limits; /* 2 per branch: memory, vCPUs that it holds at most */
	uint64_t *sorted; /* 2 x branches: those of a level's clusters, descending */
	const struct vn_part **by_density; /* the guest's parts, most vCPUs a MiB first */
	uint64_t most_mib[VN_MENU_CORES + 1]; /* of parts worth so many cores together */
};

static void bounding_clear(struct bounding *b)
{
	free(b->limits);
	free(b->sorted);
	free(b->by_density);
}

static int denser(const void *a, const void *b)
{
	const struct vn_part *x = *(const struct vn_part *const *)a, *y = *(const struct vn_part *const *)b;
	uint64_t left = x->vcpus * y->mib, right = y->vcpus * x->mib;

	return (left < right) - (left > right);
}

static void pack(struct bounding *b)
{
	memset(b->most_mib, 0, sizeof(b->most_mib));
	b->mib = b->vcpus = 0;
	for (size_t v = 0; v < b->group->n; v++) {
		const struct vn_part *part = &b->in->parts[b->group->first + v];
		b->mib += part->mib;
		b->vcpus += part->vcpus;
		b->by_density[v] = part;
		vn_knapsack_add(b->most_mib, part);
	}
	qsort(b->by_density, b->group->n, sizeof(*b->by_density), denser);
}

/* The most vCPUs of parts that have so much memory together, one of them divided. */
static uint64_t vcpus_in(const struct bounding *b, uint64_t mib)
{
	uint64_t vcpus = 0;

	for (size_t v = 0; v < b->group->n; v++) {
		const struct vn_part *part = b->by_density[v];
		if (part->mib > mib)
			return vcpus + (part->vcpus * mib + part->mib - 1) / part->mib;
		mib -= part->mib;
		vcpus += part->vcpus;
	}
	return vcpus;
}

static void limit_place(const struct bounding *b, size_t i, uint64_t *limits)
{
	const struct vn_place *place = &b->in->places[i];
	uint64_t mib = vn_group_room(b->in, b->group, i) / VN_MIB + b->spill;
	uint64_t cores = vn_excess(vn_min(place->cores, b->group->cores[i]), place->load) + b->squeeze;
	uint64_t by_cores = cores <= VN_MENU_CORES ? b->most_mib[cores] : UINT64_MAX;

	limits[0] = vn_min(vn_min(mib, by_cores), b->mib);
	limits[1] = vn_min(vn_min(cores * b->group->threads, vcpus_in(b, mib)), b->vcpus);
}

static int descending(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x < y) - (x > y);
}

/* G: the most that the products of what is in one cluster can come to. `mib`, `vcpus`: of n clusters, descending. */
static int64_t most_together(const struct bounding *b, const uint64_t *mib, const uint64_t *vcpus, size_t n)
{
	uint64_t left_mib = b->mib, left_vcpus = b->vcpus;
	int64_t sum = 0;

	for (size_t g = 0; g < n && left_mib > 0 && left_vcpus > 0; g++) {
		uint64_t m = vn_min(mib[g], left_mib), c = vn_min(vcpus[g], left_vcpus);
		sum += (int64_t)(m * c);
		left_mib -= m;
		left_vcpus -= c;
	}
	return sum;
}

/* The clusters of a level: the largest branches whose places are no farther apart. `next`: the least distance beyond any. */
static int64_t level_together(const struct bounding *b, int64_t level, int64_t *ret_next)
{
	size_t n = 0, all = b->tree->n;

	*ret_next = INT64_MAX;
	for (size_t k = 0; k < all; k++) {
		const struct vn_branch *branch = &b->tree->branches[k];
		bool leaf = branch->left == VN_NO_NODE;
		if ((!leaf && branch->distance > level) || (k + 1 < all && branch->above <= level))
			continue; /* not a cluster, or part of a larger one */
		b->sorted[n] = b->limits[2 * k];
		b->sorted[all + n++] = b->limits[2 * k + 1];
		if (k + 1 < all && branch->above < *ret_next)
			*ret_next = branch->above;
	}
	qsort(b->sorted, n, sizeof(*b->sorted), descending);
	qsort(b->sorted + all, n, sizeof(*b->sorted), descending);
	return most_together(b, b->sorted, b->sorted + all, n);
}

static int64_t bound_group(struct bounding *b)
{
	int64_t local = INT64_MAX, sum, level = -1, before;

	pack(b);
	for (size_t k = 0; k < b->tree->n; k++) {
		const struct vn_branch *branch = &b->tree->branches[k];
		uint64_t *limits = &b->limits[2 * k];
		if (branch->left == VN_NO_NODE) {
			limit_place(b, branch->place, limits);
			local = branch->distance < local ? branch->distance : local;
			continue;
		}
		for (int what = 0; what < 2; what++)
			limits[what] = vn_min(
				b->limits[2 * branch->left + what] + b->limits[2 * branch->right + what],
				what ? b->vcpus : b->mib);
	}
	int64_t product = (int64_t)(b->mib * b->vcpus), next;
	sum = local * product;
	before = local;
	do {
		int64_t together = level_together(b, level, &next);
		if (next < INT64_MAX &&
			next > before) { /* a remote place nearer than the place itself adds nothing */
			sum += (next - before) * (product - together);
			before = next;
		}
		level = next;
	} while (next < INT64_MAX);
	return sum;
}

/* What the devices add at least. */
static int64_t least_pulls(const struct bounding *b)
{
	int64_t sum = 0;

	for (size_t v = 0; v < b->in->n_parts && b->in->pulls; v++) {
		int64_t least = INT64_MAX;
		for (size_t i = 0; i < b->in->n_places; i++)
			least = vn_pull(b->in, v, i) < least ? vn_pull(b->in, v, i) : least;
		sum += least;
	}
	return sum;
}

int vn_dispersion(const struct vn_instance *instance, const struct vn_hierarchy *tree, uint64_t spill,
	uint64_t squeeze, int64_t *ret_distance)
{
	vn_cleanup(bounding_clear) struct bounding b = {
		.in = instance, .tree = tree, .spill = spill / VN_MIB, .squeeze = squeeze};

	b.limits = calloc(2 * tree->n, sizeof(*b.limits));
	b.sorted = calloc(2 * tree->n, sizeof(*b.sorted));
	b.by_density = calloc(instance->n_parts + 1, sizeof(*b.by_density));
	if (!b.limits || !b.sorted || !b.by_density)
		/* cppcheck-suppress memleak; it does not know the cleanup attribute */
		return -ENOMEM;
	int64_t sum = least_pulls(&b);
	for (size_t g = 0; g < instance->n_groups; g++) {
		b.group = &instance->groups[g];
		sum += bound_group(&b);
	}
	*ret_distance = sum;
	return 0;
}
