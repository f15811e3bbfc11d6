/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "heat.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../base/cleanup.h"

#define PAGE_SHIFT 12
#define STEPS 20u
#define FINE 16u /* parts of one, in which a mean heat is reckoned */

int vn_heats_add(struct vn_heats *heats, uint64_t address, uint64_t size, uint64_t heat)
{
	if (size == 0 || address + size < address)
		return 0;
	if (heats->n == heats->room) {
		size_t room = heats->room ? 2 * heats->room : 64;
		struct vn_heat *v = reallocarray(heats->v, room, sizeof(*v));
		if (!v)
			return -ENOMEM;
		heats->v = v;
		heats->room = room;
	}
	heats->v[heats->n++] = (struct vn_heat){address, size, heat < VN_HEAT_MAX ? heat : VN_HEAT_MAX};
	return 0;
}

void vn_heats_clear(struct vn_heats *heats)
{
	free(heats->v);
	*heats = (struct vn_heats){0};
}

static int by_address(const void *a, const void *b)
{
	const struct vn_move_range *left = a, *right = b;

	return left->address < right->address ? -1 : left->address > right->address;
}

static struct vn_move_range *sorted(const struct vn_move_range *ranges, size_t n)
{
	struct vn_move_range *copy = calloc(n ? n : 1, sizeof(*copy));

	if (copy && n) {
		memcpy(copy, ranges, n * sizeof(*copy));
		qsort(copy, n, sizeof(*copy), by_address);
	}
	return copy;
}

/* ---- the sum of all looks, as a function of the address ---- */

struct edge {
	uint64_t address;
	uint64_t below; /* heat times pages of all that lies below */
	uint64_t level; /* heat from here to the next edge */
	int64_t change;
};

struct edges {
	size_t n;
	struct edge *v; /* by address */
};

static int by_edge(const void *a, const void *b)
{
	const struct edge *left = a, *right = b;

	return left->address < right->address ? -1 : left->address > right->address;
}

static int make_edges(const struct vn_heats *heats, struct edges *ret_edges)
{
	struct edge *v = calloc(2 * heats->n + 1, sizeof(*v));
	uint64_t level = 0;

	if (!v)
		return -ENOMEM;
	for (size_t i = 0; i < heats->n; i++) {
		const struct vn_heat *heat = &heats->v[i];
		v[2 * i] = (struct edge){.address = heat->address, .change = (int64_t)heat->heat};
		v[2 * i + 1] =
			(struct edge){.address = heat->address + heat->size, .change = -(int64_t)heat->heat};
	}
	qsort(v, 2 * heats->n, sizeof(*v), by_edge);
	for (size_t i = 0; i < 2 * heats->n; i++) {
		if (i > 0)
			v[i].below =
				v[i - 1].below + level * ((v[i].address - v[i - 1].address) >> PAGE_SHIFT);
		level +=
			(uint64_t)v[i]
				.change; /* ends come with starts in any order: it may pass below 0 in between */
		v[i].level = level;
	}
	*ret_edges = (struct edges){2 * heats->n, v};
	return 0;
}

static inline void clear_edges(struct edges *edges)
{
	free(edges->v);
}

/* The first edge above an address. */
static size_t edge_above(const struct edges *edges, uint64_t address)
{
	size_t low = 0, high = edges->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (edges->v[middle].address > address)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

static uint64_t heat_below(const struct edges *edges, uint64_t address)
{
	size_t above = edge_above(edges, address);

	if (above == 0)
		return 0;
	const struct edge *edge = &edges->v[above - 1];
	return edge->below + edge->level * ((address - edge->address) >> PAGE_SHIFT);
}

/* ---- pieces ---- */

struct piece {
	struct vn_move_range range;
	size_t of; /* which range it is of */
	uint64_t heat; /* mean, FINE parts of one */
	unsigned step;
};

struct pieces {
	size_t n;
	struct piece *v;
};

static inline void clear_pieces(struct pieces *pieces)
{
	free(pieces->v);
}

static void add_piece(struct pieces *pieces, const struct edges *edges, const struct vn_move_range *range,
	size_t of, uint64_t start, uint64_t end)
{
	struct piece *piece = &pieces->v[pieces->n++];
	uint64_t pages = (end - start) >> PAGE_SHIFT;

	*piece = (struct piece){.range = *range, .of = of};
	piece->range.address = start;
	piece->range.size = end - start;
	if (pages)
		piece->heat = (heat_below(edges, end) - heat_below(edges, start)) * FINE / pages;
}

/* Walks the places where a range is cut; without `pieces` it only counts them. */
static size_t cut_range(
	struct pieces *pieces, const struct edges *edges, const struct vn_move_range *range, size_t of)
{
	uint64_t unit = range->page > VN_PIECE_UNIT ? range->page : VN_PIECE_UNIT;
	uint64_t start = range->address, end = start + range->size;
	size_t n = 0;

	for (size_t i = edge_above(edges, start); i < edges->n && edges->v[i].address < end; i++) {
		uint64_t at = edges->v[i].address + unit / 2;
		at -= at % unit;
		if (at <= start || at >= end || at - start < unit || end - at < unit)
			continue;
		if (pieces)
			add_piece(pieces, edges, range, of, start, at);
		start = at;
		n++;
	}
	if (pieces)
		add_piece(pieces, edges, range, of, start, end);
	return n + 1;
}

static int cut(const struct vn_move_range *ranges, size_t n_ranges, const struct edges *edges,
	struct pieces *ret_pieces)
{
	size_t n = 0;

	for (size_t i = 0; i < n_ranges; i++)
		n += cut_range(NULL, edges, &ranges[i], i);
	*ret_pieces = (struct pieces){0, calloc(n ? n : 1, sizeof(struct piece))};
	if (!ret_pieces->v)
		return -ENOMEM;
	for (size_t i = 0; i < n_ranges; i++)
		cut_range(ret_pieces, edges, &ranges[i], i);
	return 0;
}

static bool are_one(const struct piece *piece, const struct piece *next)
{
	return piece->of == next->of && piece->step == next->step;
}

/* Gives each its step; how many are left when neighbours of the same are together. */
static size_t take_steps(struct pieces *pieces, uint64_t hottest, unsigned steps)
{
	size_t n = 0;

	for (size_t i = 0; i < pieces->n; i++) {
		struct piece *piece = &pieces->v[i];
		piece->step = 0;
		if (piece->heat && steps)
			piece->step = 1 + (unsigned)(piece->heat * (steps - 1) / hottest);
		n += i == 0 || !are_one(piece - 1, piece);
	}
	return n;
}

static void join_neighbours(struct pieces *pieces)
{
	size_t n = 0;

	for (size_t i = 0; i < pieces->n; i++) {
		if (n > 0 && are_one(&pieces->v[n - 1], &pieces->v[i]))
			pieces->v[n - 1].range.size += pieces->v[i].range.size;
		else
			pieces->v[n++] = pieces->v[i];
	}
	pieces->n = n;
}

static int hottest_first(const void *a, const void *b)
{
	const struct piece *left = a, *right = b;

	if (left->step != right->step)
		return left->step > right->step ? -1 : 1;
	return by_address(&left->range, &right->range);
}

static int tell_pieces(const struct pieces *pieces, struct vn_move_range **ret_pieces, size_t *ret_n)
{
	struct vn_move_range *v = calloc(pieces->n ? pieces->n : 1, sizeof(*v));

	if (!v)
		return -ENOMEM;
	for (size_t i = 0; i < pieces->n; i++)
		v[i] = pieces->v[i].range;
	*ret_pieces = v;
	*ret_n = pieces->n;
	return 0;
}

/* By the pieces in their order; the piece over the quarter's end counts with its part. */
static unsigned lead_of(const struct pieces *pieces)
{
	double bytes = 0, used = 0, first = 0;

	for (size_t i = 0; i < pieces->n; i++) {
		bytes += (double)pieces->v[i].range.size;
		used += (double)pieces->v[i].range.size * pieces->v[i].step;
	}
	double left = bytes / 4;
	for (size_t i = 0; i < pieces->n && left > 0; i++) {
		double size = (double)pieces->v[i].range.size;
		first += (size < left ? size : left) * pieces->v[i].step;
		left -= size;
	}
	return used > 0 ? (unsigned)(100 * first / used + 0.5) : 0;
}

int vn_heat_pieces(const struct vn_move_range *ranges, size_t n_ranges, const struct vn_heats *heats,
	struct vn_move_range **ret_pieces, size_t *ret_n, unsigned *ret_lead)
{
	vn_autofree struct vn_move_range *ordered = sorted(ranges, n_ranges);
	vn_cleanup(clear_edges) struct edges edges = {0};
	vn_cleanup(clear_pieces) struct pieces pieces = {0};
	size_t most = n_ranges > VN_PIECES_MAX ? n_ranges : VN_PIECES_MAX;
	uint64_t hottest = 0;
	unsigned steps = STEPS;
	int r = ordered ? make_edges(heats, &edges) : -ENOMEM;

	if (r == 0)
		r = cut(ordered, n_ranges, &edges, &pieces);
	if (r < 0)
		return r;
	for (size_t i = 0; i < pieces.n; i++)
		hottest = pieces.v[i].heat > hottest ? pieces.v[i].heat : hottest;
	while (take_steps(&pieces, hottest, steps) > most)
		steps /= 2; /* with none, the pieces are the ranges */
	join_neighbours(&pieces);
	if (pieces.n)
		qsort(pieces.v, pieces.n, sizeof(*pieces.v), hottest_first);
	r = tell_pieces(&pieces, ret_pieces, ret_n);
	if (r == 0)
		*ret_lead = lead_of(&pieces);
	return r;
}

/* ---- what is looked at ---- */

static int by_size(const void *a, const void *b)
{
	const uint64_t *left = a, *right = b;

	return *left < *right ? -1 : *left > *right;
}

/* Neighbours that no gap above `gap` bytes parts become one; sorted by address before. How many are left. */
static size_t bridge(struct vn_move_range *ranges, size_t n, uint64_t gap)
{
	size_t left = 0;

	for (size_t i = 0; i < n; i++) {
		uint64_t end = ranges[i].address + ranges[i].size;
		struct vn_move_range *last = left ? &ranges[left - 1] : NULL;
		uint64_t last_end = last ? last->address + last->size : 0;
		if (!last || (ranges[i].address > last_end && ranges[i].address - last_end > gap))
			ranges[left++] = ranges[i];
		else if (end > last_end)
			last->size = end - last->address;
	}
	return left;
}

/* The smallest gap so that bridging those up to it leaves at most `max`. */
static int widest_bridged(const struct vn_move_range *ranges, size_t n, size_t max, uint64_t *ret_gap)
{
	vn_autofree uint64_t *gaps = calloc(n, sizeof(*gaps));

	if (!gaps)
		return -ENOMEM;
	for (size_t i = 1; i < n; i++)
		gaps[i - 1] = ranges[i].address - ranges[i - 1].address - ranges[i - 1].size;
	qsort(gaps, n - 1, sizeof(*gaps), by_size);
	*ret_gap = gaps[n - 1 - max];
	return 0;
}

int vn_heat_spans(const struct vn_move_range *ranges, size_t n_ranges, size_t max, struct vn_heats *ret_spans)
{
	vn_autofree struct vn_move_range *whole = sorted(ranges, n_ranges);
	vn_autoheats spans = {0};
	size_t n = whole ? bridge(whole, n_ranges, 0) : 0;
	uint64_t total = 0, gap = 0;
	int r = whole ? 0 : -ENOMEM;

	if (r == 0 && n > max / 4) {
		r = widest_bridged(whole, n, max / 4, &gap);
		n = bridge(whole, n, gap);
	}
	for (size_t i = 0; i < n; i++)
		total += whole[i].size;
	/* max / 2 whole parts, and at the ends of each of max / 4 stretches at most two that are not. */
	uint64_t part = total / (max / 2) + VN_PIECE_UNIT;
	part -= part % VN_PIECE_UNIT;
	for (size_t i = 0; i < n && r == 0; i++) {
		uint64_t at = whole[i].address, end = at + whole[i].size;
		while (at < end && r == 0) {
			uint64_t next = at - at % VN_PIECE_UNIT + part;
			next = next < end ? next : end;
			r = vn_heats_add(&spans, at, next - at, 0);
			at = next;
		}
	}
	if (r < 0)
		return r;
	*ret_spans = spans;
	spans = (struct vn_heats){0};
	return 0;
}
