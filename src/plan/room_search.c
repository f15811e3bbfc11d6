/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 *
 * A tree of decisions: a part of the guests gets a place; or, where something was put and does not fit, a part that is there
 * moves to another place, or stays for good (room_model.c says which part). Whatever fits can be reached: where something has to
 * leave, what leaves in that solution is decided to, and the rest to stay. Each part is decided once, so the tree is finite.
 *
 * It is searched best first (A*): a node's bytes are those moved so far and those that have to move yet at the least, its moves
 * likewise, and the node with the fewest of both is next. Neither figure is ever too high, so the first solution that comes up is
 * the best, and what comes up next with the same figures are all others as good. When the tree is exhausted there is no solution;
 * when time or memory is, the figure that is next is what has to move at the least. It is exact whatever the sizes are, but how
 * long it takes is another matter: whether things fit into nodes is a packing problem, and where much moves in a full host the
 * nodes of the tree grow with the power of the moves.
 *
 * So that there is something to tell then, a first answer is looked for by keeping the best few nodes of each depth (a beam): it
 * finds something soon if there is much choice, and nothing costlier has to be kept in the queue after that. When the
 * search is cut short, a wider beam has what is left of the time, and may find something better.
 */
#include "room_search.h"

#include <string.h>

#define MAX_NODES 600000u /* of the tree, 32 bytes each, and 4 in the queue */
#define BEAM 32 /* nodes of a depth that the first answer is looked for with */
#define WIDE_BEAM 384 /* and a better one, where the best is not found */

struct node {
	uint64_t bytes; /* at the least, in all */
	uint32_t n_moves;
	uint32_t parent, part, place; /* the decision; the root is its own parent */
	uint32_t depth;
};

#define STAYS UINT32_MAX

struct search {
	const struct vn_room_model *model;
	const struct vn_room_limits *limits;
	struct vn_room_state state;
	struct node *nodes;
	uint32_t n, size;
	uint32_t *queue; /* a heap */
	uint32_t n_queued;
	uint32_t *path; /* n_parts */
	bool full; /* of nodes */
	struct vn_room_found found;
};

void vn_room_found_clear(struct vn_room_found *found)
{
	for (size_t i = 0; i < found->n_sets; i++)
		free(found->sets[i]);
	found->n_sets = 0;
}

static void search_clear(struct search *s)
{
	vn_room_state_clear(&s->state);
	vn_room_found_clear(&s->found);
	free(s->nodes);
	free(s->queue);
	free(s->path);
}

/* ---- the tree ---- */

/* The fewest bytes first, then moves; then what is further; then what was there first. */
static bool comes_before(const struct search *s, uint32_t a, uint32_t b)
{
	const struct node *p = &s->nodes[a], *q = &s->nodes[b];

	if (p->bytes != q->bytes)
		return p->bytes < q->bytes;
	if (p->n_moves != q->n_moves)
		return p->n_moves < q->n_moves;
	return p->depth != q->depth ? p->depth > q->depth : a < b;
}

static int grow(struct search *s)
{
	uint32_t size = s->size ? s->size * 2 : 1024;

	size = size > MAX_NODES ? MAX_NODES : size;
	struct node *nodes = reallocarray(s->nodes, size, sizeof(*nodes));
	if (nodes)
		s->nodes = nodes;
	uint32_t *queue = reallocarray(s->queue, size, sizeof(*queue));
	if (queue)
		s->queue = queue;
	if (!nodes || !queue)
		return -ENOMEM;
	s->size = size;
	return 0;
}

/* A part, with all of its kind when it stays: they are the same, so the first of them that moves is the first. */
static void decide(struct search *s, uint32_t part, uint32_t place)
{
	const struct vn_room_model *model = s->model;

	if (place != STAYS) {
		vn_room_decide(&s->state, part, place);
		return;
	}
	for (size_t v = part; v < model->in.n_parts; v++) {
		if (model->kinds[v] == model->kinds[part])
			vn_room_decide(&s->state, v, VN_STAYS);
	}
}

static void take_back(struct search *s, uint32_t part, uint32_t place)
{
	const struct vn_room_model *model = s->model;

	if (place != STAYS) {
		vn_room_decide(&s->state, part, VN_UNDECIDED);
		return;
	}
	for (size_t v = part; v < model->in.n_parts; v++) {
		if (model->kinds[v] == model->kinds[part])
			vn_room_decide(&s->state, v, VN_UNDECIDED);
	}
}

/* Brings the state to that of a node. */
static void go_to(struct search *s, uint32_t node)
{
	uint32_t depth = s->nodes[node].depth;

	for (size_t v = 0; v < s->model->in.n_parts; v++)
		vn_room_decide(&s->state, v, VN_UNDECIDED);
	for (uint32_t i = depth; i-- > 0; node = s->nodes[node].parent)
		s->path[i] = node;
	for (uint32_t i = 0; i < depth; i++)
		decide(s, s->nodes[s->path[i]].part, s->nodes[s->path[i]].place);
}

/* Whether a node of these figures can still matter. */
static bool matters(const struct search *s, uint64_t bytes, size_t n_moves)
{
	if (!s->found.any || bytes < s->found.bytes)
		return true;
	return bytes == s->found.bytes && n_moves <= s->found.n_moves;
}

/* Adds the child of a node, whose state is there, for one decision; *ret_child 0 when it leads nowhere. */
static int add_child(struct search *s, uint32_t parent, uint32_t part, uint32_t place, uint32_t *ret_child)
{
	struct vn_room_rest rest;

	*ret_child = 0;
	decide(s, part, place);
	int r = vn_room_rest(&s->state, &rest);
	uint64_t bytes = s->state.bytes + rest.bytes;
	size_t n_moves = s->state.n_moved + rest.n_moves;
	take_back(s, part, place);
	if (r < 0 || rest.dead || !matters(s, bytes, n_moves))
		return r;
	if (s->n == s->size) {
		s->full |= s->size == MAX_NODES;
		r = s->full ? 0 : grow(s);
		if (s->full || r < 0)
			return r;
	}
	s->nodes[s->n] = (struct node){.bytes = bytes,
		.n_moves = (uint32_t)n_moves,
		.parent = parent,
		.part = part,
		.place = place,
		.depth = s->nodes[parent].depth + 1};
	*ret_child = s->n++;
	return 0;
}

/* ---- the queue ---- */

static void queue_add(struct search *s, uint32_t node)
{
	uint32_t at = s->n_queued++;

	for (; at > 0 && comes_before(s, node, s->queue[(at - 1) / 2]); at = (at - 1) / 2)
		s->queue[at] = s->queue[(at - 1) / 2];
	s->queue[at] = node;
}

static uint32_t queue_take(struct search *s)
{
	uint32_t first = s->queue[0], node = s->queue[--s->n_queued], at = 0;

	for (uint32_t child = 1; child < s->n_queued; child = 2 * at + 1) {
		if (child + 1 < s->n_queued && comes_before(s, s->queue[child + 1], s->queue[child]))
			child++;
		if (!comes_before(s, s->queue[child], node))
			break;
		s->queue[at] = s->queue[child];
		at = child;
	}
	s->queue[at] = node;
	return first;
}

/* ---- solutions ---- */

static bool same_moves(const struct vn_room_model *model, const size_t *a, const size_t *b)
{
	for (size_t v = model->n_new; v < model->in.n_parts; v++) {
		if ((a[v] < VN_STAYS) != (b[v] < VN_STAYS))
			return false;
	}
	return true;
}

/* Keeps what the state is: a solution as good as those that are there, or better. -ENOSPC: there are too many. */
static int keep(struct search *s)
{
	struct vn_room_found *found = &s->found;
	size_t n = s->model->in.n_parts;

	if (!found->any || s->state.bytes != found->bytes || s->state.n_moved != found->n_moves) {
		vn_room_found_clear(found);
		found->any = true;
		found->bytes = s->state.bytes;
		found->n_moves = s->state.n_moved;
	}
	for (size_t i = 0; i < found->n_sets; i++) {
		if (same_moves(s->model, found->sets[i], s->state.places))
			return 0;
	}
	if (found->n_sets == VN_ROOM_SETS)
		return -ENOSPC;
	size_t *places = calloc(n + 1, sizeof(*places));
	if (!places)
		return -ENOMEM;
	memcpy(places, s->state.places, n * sizeof(*places));
	found->sets[found->n_sets++] = places;
	return 0;
}

/* ---- the search ---- */

/* Calls for each child of a node that leads somewhere. The state is that of the node. */
static int expand(struct search *s, uint32_t node, uint32_t part,
	int (*each)(struct search *, uint32_t, void *), void *with)
{
	uint32_t child;
	int r = 0;

	for (size_t i = 0; i < s->model->in.n_places && r >= 0; i++) {
		if (!vn_room_may_go(&s->state, part, i))
			continue;
		r = add_child(s, node, part, (uint32_t)i, &child);
		if (r >= 0 && child)
			r = each(s, child, with);
	}
	if (part < s->model->n_new || r < 0)
		return r;
	r = add_child(s, node, part, STAYS, &child); /* last: what moves brings an answer nearer */
	return r >= 0 && child ? each(s, child, with) : r;
}

static int queue_child(struct search *s, uint32_t child, void *unused)
{
	(void)unused;
	queue_add(s, child);
	return 0;
}

struct beam {
	uint32_t nodes[WIDE_BEAM];
	size_t n, width;
};

/* The best few, in order. */
static int beam_child(struct search *s, uint32_t child, void *with)
{
	struct beam *beam = with;
	size_t at = beam->n;

	if (beam->n == beam->width && !comes_before(s, child, beam->nodes[beam->n - 1]))
		return 0;
	if (beam->n < beam->width)
		beam->n++;
	else
		at--;
	for (; at > 0 && comes_before(s, child, beam->nodes[at - 1]); at--)
		beam->nodes[at] = beam->nodes[at - 1];
	beam->nodes[at] = child;
	return 0;
}

static int search_beam(struct search *s, size_t width, const struct vn_deadline *until)
{
	struct beam beam = {.n = 1, .width = width}; /* the root */
	int r = 0;

	s->n = 1; /* what was there before is of no use any more */
	s->full = false;
	while (beam.n > 0 && r >= 0 && !s->full) {
		struct beam next = {.width = width};
		for (size_t i = 0; i < beam.n && r >= 0 && !vn_deadline_passed(until); i++) {
			struct vn_room_rest rest;
			go_to(s, beam.nodes[i]);
			r = vn_room_rest(&s->state, &rest);
			if (r < 0 ||
				!matters(s, s->state.bytes + rest.bytes, s->state.n_moved + rest.n_moves))
				continue;
			r = rest.part == VN_UNDECIDED
				    ? keep(s)
				    : expand(s, beam.nodes[i], (uint32_t)rest.part, beam_child, &next);
		}
		beam = next;
	}
	return r == -ENOSPC ? 0 : r;
}

/* Looks at the next node of the queue. */
static int step(struct search *s, bool *at_best)
{
	struct vn_room_rest rest;
	uint32_t node = queue_take(s);

	go_to(s, node);
	int r = vn_room_rest(&s->state, &rest);
	if (r < 0 || rest.dead)
		return r;
	if (rest.part != VN_UNDECIDED)
		return expand(s, node, (uint32_t)rest.part, queue_child, NULL);
	*at_best = true;
	return keep(s);
}

/* Until the best are all found, or nothing is left, or time is. `proven`, `compared` and `bound` say which. */
static int search_best(struct search *s)
{
	struct vn_room_found *found = &s->found;
	bool at_best = false; /* a solution came up: it is the best */

	while (s->n_queued > 0 && !s->full) {
		const struct node *next = &s->nodes[s->queue[0]];
		if (at_best && (next->bytes > found->bytes || next->n_moves > found->n_moves))
			break;
		found->bound = next->bytes;
		int r = vn_deadline_passed(at_best ? &s->limits->ties : &s->limits->best) ? -ETIME
											  : step(s, &at_best);
		if (r == -ETIME || r == -ENOSPC) {
			found->proven = found->any && found->bound == found->bytes;
			return 0;
		}
		if (r < 0)
			return r;
	}
	/* When no node could be added, children of the one before were lost: its figure stands. */
	found->proven = !s->full || (found->any && found->bound == found->bytes);
	found->compared = !s->full;
	if (!s->full)
		found->bound = found->any ? found->bytes : 0;
	return 0;
}

/* More than is free in all cannot be given, whoever moves. */
static bool has_room(const struct search *s)
{
	const struct vn_instance *in = &s->model->in;

	for (size_t k = 0; k < in->n_pools; k++) {
		uint64_t wanted = 0, left = 0;
		for (size_t v = 0; v < s->model->n_new; v++)
			wanted += in->parts[v].pool == k ? in->parts[v].memory : 0;
		for (size_t i = 0; i < in->n_places; i++)
			left += vn_excess(vn_room(in, k, i), s->state.held[k * in->n_places + i]);
		if (wanted > left)
			return false;
	}
	return true;
}

static int search(struct search *s)
{
	s->path = calloc(s->model->in.n_parts + 1, sizeof(*s->path));
	int r = s->path ? vn_room_state_make(s->model, &s->state) : -ENOMEM;
	if (r >= 0)
		r = grow(s);
	if (r < 0)
		return r;
	if (!has_room(s)) {
		s->found.proven = s->found.compared = true;
		return 0;
	}
	s->nodes[s->n++] = (struct node){0};
	for (size_t width = 1; width <= BEAM && r >= 0;
		width *= BEAM) /* the first step by step, in no time */
		r = search_beam(s, width, &s->limits->first);
	if (r < 0)
		return r;
	s->n = 1;
	s->full = false;
	queue_add(s, 0);
	r = search_best(s);
	if (r < 0 || s->found.proven)
		return r;
	r = search_beam(s, WIDE_BEAM, &s->limits->ties);
	s->found.proven = s->found.any && s->found.bytes == s->found.bound;
	return r;
}

int vn_room_search(const struct vn_room_model *model, const struct vn_room_limits *limits,
	struct vn_room_found *ret_found)
{
	vn_cleanup(search_clear) struct search s = {.model = model, .limits = limits};

	int r = search(&s);
	if (r < 0)
		return r;
	*ret_found = s.found;
	s.found = (struct vn_room_found){0};
	return 0;
}
