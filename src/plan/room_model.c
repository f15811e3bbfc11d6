/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 *
 * A place is in order when what was put there fits: per page size, memory put there and memory that has not left are no more than
 * the room, unless nothing was put there (a place that was promised twice already is no worse for that); each group that has
 * vCPUs put there finds a core at all; and one that wants cores for itself finds one for everything that runs there, as cost.c
 * has it. Where something was put and does not fit, something that is there has to leave: that is all that ever has to be
 * decided, and vn_room_rest() picks a part for which it has to be.
 *
 * What has to leave a place, at the least: per page size, what is asked beyond the room, rounded up to the greatest common
 * divisor of the sizes that can leave (vnodes of 4 GiB make 4 GiB of it, however little is short); as many vnodes as the largest
 * of them make. For cores, the smallest vnode of those that would help. Parts on different places, or of different page sizes, are
 * different ones, so these figures add up; of the guest's parts that have no place yet, the one that is worst off counts on top,
 * at the place where it costs least. If all that can leave is not enough, nothing will help.
 *
 * Of parts that are alike in every respect the first has to move before the next does, and no further to the left: any other
 * choice is the same with the names exchanged.
 */
#include "room_model.h"

#include <string.h>

void vn_room_model_clear(struct vn_room_model *model)
{
	for (size_t v = 0; model->claims && v < model->in.n_parts; v++)
		free(model->claims[v]);
	free(model->claims);
	free(model->origins);
	free(model->starts);
	free(model->residents);
	free(model->kinds);
	free(model->steps);
	vn_instance_clear(&model->in);
}

void vn_room_state_clear(struct vn_room_state *state)
{
	free(state->places);
	free(state->asked);
	free(state->held);
	free(state->load);
	free(state->cores);
}

static void hold(struct vn_room_state *state, size_t part, bool here)
{
	const struct vn_room_model *model = state->model;
	const struct vn_part *that = &model->in.parts[part];
	size_t place = model->origins[part], at = that->pool * model->in.n_places + place;

	state->held[at] = here ? state->held[at] + that->memory : state->held[at] - that->memory;
	if (!model->claims[part])
		state->load[place] =
			here ? state->load[place] + that->cores : state->load[place] - that->cores;
}

int vn_room_state_make(const struct vn_room_model *model, struct vn_room_state *ret_state)
{
	const struct vn_instance *in = &model->in;
	vn_autoroomstate state = {.model = model,
		.places = calloc(in->n_parts + 1, sizeof(size_t)),
		.asked = calloc(in->n_pools * in->n_places + 1, sizeof(uint64_t)),
		.held = calloc(in->n_pools * in->n_places + 1, sizeof(uint64_t)),
		.load = calloc(in->n_places + 1, sizeof(uint64_t)),
		.cores = calloc(in->n_places + 1, sizeof(uint64_t))};

	if (!state.places || !state.asked || !state.held || !state.load || !state.cores)
		return -ENOMEM;
	for (size_t i = 0; i < in->n_places; i++)
		state.load[i] = in->places[i].load;
	for (size_t v = 0; v < in->n_parts; v++) {
		state.places[v] = VN_UNDECIDED;
		if (v >= model->n_new)
			hold(&state, v, true);
	}
	*ret_state = state;
	state = (struct vn_room_state){0};
	return 0;
}

static void put(struct vn_room_state *state, size_t part, size_t place, bool there)
{
	const struct vn_room_model *model = state->model;
	const struct vn_part *that = &model->in.parts[part];
	size_t at = that->pool * model->in.n_places + place;
	bool moves = part >= model->n_new;

	if (moves)
		hold(state, part, !there);
	state->asked[at] = there ? state->asked[at] + that->memory : state->asked[at] - that->memory;
	state->cores[place] = there ? state->cores[place] + that->cores : state->cores[place] - that->cores;
	if (!moves)
		return;
	state->bytes = there ? state->bytes + that->memory : state->bytes - that->memory;
	state->n_moved = there ? state->n_moved + 1 : state->n_moved - 1;
}

void vn_room_decide(struct vn_room_state *state, size_t part, size_t place)
{
	size_t before = state->places[part];

	if (before != VN_UNDECIDED && before != VN_STAYS)
		put(state, part, before, false);
	state->places[part] = place;
	if (place != VN_UNDECIDED && place != VN_STAYS)
		put(state, part, place, true);
}

/* ---- what has to leave ---- */

static bool is_put(const struct vn_room_state *state, size_t part)
{
	return state->places[part] != VN_UNDECIDED && state->places[part] != VN_STAYS;
}

/* Cores that a group can use on a place, given who has cores for himself there. */
static uint64_t cores_for(const struct vn_room_state *state, size_t group, size_t place)
{
	const struct vn_room_model *model = state->model;
	uint64_t cores = model->in.groups[group].cores[place];

	for (size_t k = model->starts[place]; k < model->starts[place + 1]; k++) {
		size_t v = model->residents[k];
		if (model->claims[v] && !is_put(state, v))
			cores = vn_excess(cores, model->claims[v][group]);
	}
	return cores;
}

/* Something that a place has too little of. */
struct lack {
	bool of_cores;
	size_t kind; /* pool, or group */
	uint64_t amount;
	size_t candidate; /* to be decided, the best to leave; VN_UNDECIDED: none */
	uint64_t least; /* bytes of the smallest candidate */
	uint64_t bytes; /* that have to leave */
	size_t n; /* parts that have to leave */
};

/* By how much a part that leaves makes it better. */
static uint64_t relief(const struct vn_room_model *model, const struct lack *lack, size_t part)
{
	const struct vn_part *that = &model->in.parts[part];

	if (!lack->of_cores)
		return that->pool == lack->kind ? that->memory : 0;
	if (model->claims[part])
		return model->claims[part][lack->kind];
	return lack->amount == UINT64_MAX ? 0 : that->cores; /* load does not take a core from anybody */
}

/* The one that is enough by itself and moves the fewest bytes, or else the one that does most; of equal ones the first. */
static bool better_candidate(
	const struct vn_room_model *model, const struct lack *lack, size_t part, size_t than)
{
	uint64_t a = relief(model, lack, part), b = relief(model, lack, than);
	uint64_t x = model->in.parts[part].memory, y = model->in.parts[than].memory;
	uint64_t enough = lack->amount == UINT64_MAX ? 1 : lack->amount;

	if ((a >= enough) != (b >= enough))
		return a >= enough;
	return a >= enough ? x < y : a > b;
}

/* Fills in who could leave; false when all together are not enough. */
static bool find_candidates(const struct vn_room_state *state, size_t place, struct lack *lack)
{
	const struct vn_room_model *model = state->model;
	uint64_t all = 0, most = 0, enough = lack->amount == UINT64_MAX ? 1 : lack->amount;

	lack->candidate = VN_UNDECIDED;
	lack->least = UINT64_MAX;
	for (size_t k = model->starts[place]; k < model->starts[place + 1]; k++) {
		size_t v = model->residents[k];
		uint64_t that = state->places[v] == VN_UNDECIDED ? relief(model, lack, v) : 0;
		if (that == 0)
			continue;
		all += that;
		most = that > most ? that : most;
		lack->least = vn_min(lack->least, model->in.parts[v].memory);
		if (lack->candidate == VN_UNDECIDED || better_candidate(model, lack, v, lack->candidate))
			lack->candidate = v;
	}
	if (all < enough)
		return false;
	lack->n = (size_t)((enough + most - 1) / most);
	lack->bytes = lack->least;
	if (!lack->of_cores) {
		uint64_t step = model->steps[lack->kind * model->in.n_places + place];
		lack->bytes = (lack->amount + step - 1) / step * step;
		lack->bytes = lack->bytes > lack->least ? lack->bytes : lack->least;
	}
	return true;
}

/* What is asked of a pool beyond its room. */
static uint64_t excess_of(const struct vn_room_state *state, size_t pool, size_t place, uint64_t more)
{
	size_t at = pool * state->model->in.n_places + place;
	uint64_t asked = state->asked[at] + more;

	return asked > 0 ? vn_excess(asked + state->held[at], vn_room(&state->model->in, pool, place)) : 0;
}

/* What a part that was put on a place lacks of cores there; 0: nothing. UINT64_MAX: there is none at all. */
static uint64_t cores_lacking(const struct vn_room_state *state, size_t part, size_t place)
{
	const struct vn_part *that = &state->model->in.parts[part];

	if (that->vcpus == 0)
		return 0;
	uint64_t cores = cores_for(state, that->group, place);
	if (cores == 0)
		return UINT64_MAX;
	if (!state->model->in.groups[that->group].exclusive)
		return 0;
	return vn_excess(state->load[place] + state->cores[place], cores);
}

/* What has to leave one place, at the least. Who leaves for memory's sake may help with cores, too: the larger counts. */
struct here {
	uint64_t memory, cores; /* bytes, for the sake of either */
	size_t n_memory, n_cores;
};

static uint64_t bytes_here(const struct here *here, uint64_t more)
{
	return here->memory + more > here->cores ? here->memory + more : here->cores;
}

/* Adds one lack to what is left to do. */
static void add_lack(const struct vn_room_state *state, size_t place, struct lack *lack, struct here *here,
	struct vn_room_rest *rest)
{
	if (!find_candidates(state, place, lack)) {
		rest->dead = true;
		return;
	}
	if (lack->of_cores) {
		here->cores = here->cores > lack->bytes ? here->cores : lack->bytes;
		here->n_cores = here->n_cores > lack->n ? here->n_cores : lack->n;
	} else {
		here->memory += lack->bytes;
		here->n_memory += lack->n;
	}
	if (rest->part == VN_UNDECIDED)
		rest->part = lack->candidate;
}

static void rest_of_memory(
	const struct vn_room_state *state, size_t place, struct here *here, struct vn_room_rest *rest)
{
	for (size_t k = 0; k < state->model->in.n_pools && !rest->dead; k++) {
		struct lack lack = {.kind = k, .amount = excess_of(state, k, place, 0)};
		if (lack.amount > 0)
			add_lack(state, place, &lack, here, rest);
	}
}

static void rest_of_cores(const struct vn_room_state *state, struct here *heres, struct vn_room_rest *rest)
{
	for (size_t v = 0; v < state->model->in.n_parts && !rest->dead; v++) {
		if (!is_put(state, v))
			continue;
		size_t place = state->places[v];
		struct lack lack = {.of_cores = true,
			.kind = state->model->in.parts[v].group,
			.amount = cores_lacking(state, v, place)};
		if (lack.amount > 0)
			add_lack(state, place, &lack, &heres[place], rest);
	}
}

/* Bytes more that have to leave if a part without a place is put there; UINT64_MAX: it cannot be. */
static uint64_t price(const struct vn_room_state *state, const struct here *here, size_t part, size_t place)
{
	const struct vn_part *that = &state->model->in.parts[part];
	struct lack now = {.kind = that->pool, .amount = excess_of(state, that->pool, place, 0)};
	struct lack then = {.kind = that->pool, .amount = excess_of(state, that->pool, place, that->memory)};

	if (!vn_may_home(&state->model->in, part, place) ||
		(that->fixed >= 0 && (size_t)that->fixed != place))
		return UINT64_MAX;
	if (then.amount == 0 || that->memory == 0)
		return 0;
	if (!find_candidates(state, place, &then))
		return UINT64_MAX;
	if (now.amount > 0 && !find_candidates(state, place, &now))
		return UINT64_MAX;
	return bytes_here(here, vn_excess(then.bytes, now.bytes)) - bytes_here(here, 0);
}

/* The guests' parts that have no place: the largest is next, and the worst off of them counts. */
static void rest_of_guests(
	const struct vn_room_state *state, const struct here *heres, struct vn_room_rest *rest)
{
	const struct vn_room_model *model = state->model;
	uint64_t worst = 0;

	for (size_t v = 0; v < model->n_new && !rest->dead; v++) {
		uint64_t best = UINT64_MAX;
		if (state->places[v] != VN_UNDECIDED)
			continue;
		for (size_t i = 0; i < model->in.n_places; i++)
			best = vn_min(best, price(state, &heres[i], v, i));
		rest->dead = best == UINT64_MAX;
		worst = best > worst ? best : worst;
		if (rest->part >= model->n_new ||
			model->in.parts[rest->part].memory < model->in.parts[v].memory)
			rest->part = v;
	}
	rest->bytes += rest->dead ? 0 : worst;
}

int vn_room_rest(const struct vn_room_state *state, struct vn_room_rest *ret_rest)
{
	size_t n = state->model->in.n_places;
	vn_autofree struct here *heres = calloc(n + 1, sizeof(*heres));
	struct vn_room_rest rest = {.part = VN_UNDECIDED};

	if (!heres)
		return -ENOMEM;
	for (size_t i = 0; i < n && !rest.dead; i++)
		rest_of_memory(state, i, &heres[i], &rest);
	rest_of_cores(state, heres, &rest);
	for (size_t i = 0; i < n; i++) {
		rest.bytes += bytes_here(&heres[i], 0);
		rest.n_moves += heres[i].n_memory > heres[i].n_cores ? heres[i].n_memory : heres[i].n_cores;
	}
	rest_of_guests(state, heres, &rest);
	*ret_rest = rest;
	return 0;
}

bool vn_room_may_go(const struct vn_room_state *state, size_t part, size_t place)
{
	const struct vn_room_model *model = state->model;
	const struct vn_part *that = &model->in.parts[part];

	if (!vn_may_home(&model->in, part, place) || place == model->origins[part] ||
		(that->fixed >= 0 && (size_t)that->fixed != place))
		return false;
	for (size_t v = part; v-- > 0;) {
		if (model->kinds[v] != model->kinds[part] || !is_put(state, v))
			continue;
		return state->places[v] <= place; /* the one before it of its kind */
	}
	return true;
}
