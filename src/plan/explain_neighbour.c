/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 *
 * The other nodes that a vnode could have are asked from the nearest on, all at one distance together: the vnode is moved there
 * alone, all else stays, and what that costs is compared with the plan. Of the nodes at that distance that it may live on, the one that loses
 * least speaks for all. (What is best with several moved at once is the runner-up's part.) Vnodes that got the same answer
 * are told in one line.
 */
#define _GNU_SOURCE
#include "explain_part.h"

#include <string.h>

/* Moves vnode v to place `to`, and says whether that is allowed and what it costs. 1, 0 or -ENOMEM. */
static int cost_at(const struct vn_explained *e, size_t *homes, size_t v, size_t to, struct vn_cost *ret_cost)
{
	homes[v] = to;
	int r = vn_homes_allowed(&e->in, homes) ? vn_cost_of(&e->in, homes, ret_cost) : 1;
	homes[v] = e->homes[v];
	return r < 0 ? r : r == 0;
}

/* Best of the places at that distance of the home; n_places: none is allowed. */
static int best_at(const struct vn_explained *e, size_t *homes, size_t v, uint32_t distance,
	size_t *ret_place, struct vn_cost *ret_cost)
{
	size_t best = e->in.n_places;

	for (size_t j = 0; j < e->in.n_places; j++) {
		struct vn_cost cost;
		if (j == e->homes[v] || vn_distance(&e->in, e->homes[v], j) != distance)
			continue;
		int r = cost_at(e, homes, v, j, &cost);
		if (r < 0)
			return r;
		if (r == 0 ||
			(best < e->in.n_places && vn_cost_compare(&cost, ret_cost, e->in.policy, NULL) >= 0))
			continue;
		best = j;
		*ret_cost = cost;
	}
	*ret_place = best;
	return 0;
}

/* The least distance of another node that is above `from`; 0: there is none. */
static uint32_t next_distance(const struct vn_explained *e, size_t v, uint32_t from)
{
	uint32_t next = 0;

	for (size_t j = 0; j < e->in.n_places; j++) {
		uint32_t d = vn_distance(&e->in, e->homes[v], j);
		if (j != e->homes[v] && d > from && (next == 0 || d < next))
			next = d;
	}
	return next;
}

/* The answer for one vnode. NULL: memory is short. */
static char *answer(const struct vn_explained *e, size_t v)
{
	vn_autofree size_t *homes = calloc(e->in.n_parts + 1, sizeof(*homes));
	size_t place = e->in.n_places;
	struct vn_cost cost = {0};
	enum vn_level level = VN_LEVEL_TIES;
	uint32_t d = 0;
	char loss[160];

	if (!homes)
		return NULL;
	memcpy(homes, e->homes, e->in.n_parts * sizeof(*homes));
	while (place == e->in.n_places && (d = next_distance(e, v, d)) > 0) {
		if (best_at(e, homes, v, d, &place, &cost) < 0)
			return NULL;
	}
	if (place == e->in.n_places)
		return vn_copy("there is no other node that it may live on");
	int order = vn_cost_compare(&e->plan->cost, &cost, e->in.policy, &level);
	if (order > 0)
		return vn_format(
			"node %u (distance %u): would be better, and the time was up before it was seen",
			e->in.places[place].id, d);
	homes[v] = place;
	if (order == 0 && place < e->homes[v])
		snprintf(loss, sizeof(loss), "the same in all that counts, together with the other vnodes");
	else
		vn_explain_loss(e, homes, &cost, order == 0 ? VN_LEVEL_TIES : level, loss, sizeof(loss));
	return vn_format("node %u (distance %u): %s", e->in.places[place].id, d, loss);
}

int vn_explain_neighbours(const struct vn_explained *e)
{
	size_t n = e->in.n_parts;
	char *answers[VN_MAX_VNODES + 1] = {NULL};
	int r = 0;

	for (size_t v = 0; v < n && r == 0; v++) {
		answers[v] = e->in.parts[v].fixed < 0
				     ? answer(e, v)
				     : vn_copy("home given in the config, so nothing else was considered");
		r = answers[v] ? 0 : -ENOMEM;
	}
	if (r == 0)
		fputs("\nWhy not the nearest other node (that vnode moved alone, all else as planned):\n",
			e->out);
	for (size_t v = 0; v < n && r == 0; v++) {
		bool told = false;
		for (size_t w = 0; w < v; w++)
			told |= strcmp(answers[w], answers[v]) == 0;
		if (told)
			continue;
		vn_autoset alike = hwloc_bitmap_alloc();
		for (size_t w = v; w < n && alike; w++) {
			if (strcmp(answers[w], answers[v]) == 0)
				hwloc_bitmap_set(alike, (unsigned)w);
		}
		vn_autofree char *list = alike ? vn_set_text(alike) : NULL;
		vn_autofree char *lead =
			list ? vn_format("  vnode%s %s: ", vn_set_weight(alike) == 1 ? "" : "s", list) : NULL;
		if (lead)
			vn_explain_say(e->out, lead, "%s", answers[v]);
		r = lead ? 0 : -ENOMEM;
	}
	for (size_t v = 0; v < n; v++)
		free(answers[v]);
	return r;
}
