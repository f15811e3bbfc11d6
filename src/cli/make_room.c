/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The moves come from plan/room.c; the plans are then made as ever, beside the guests as they are once moved: so what is printed
 * here is what `vnuma plan` says when the moves are done.
 */
#include "make_room.h"

#include <string.h>

#include "../base/text.h"
#include "../plan/room.h"
#include "planning.h"

int vn_room_check_args(const struct vn_args *args, struct vn_error *err)
{
	struct vn_where where = {NULL, 0, "--make-room"};
	const char *occupied = vn_arg(args, "occupied");

	if (!occupied)
		return vn_error_input(
			err, &where, "without --occupied FILE, which holds the guests that may move");
	if (strcmp(occupied, "live") == 0 || strcmp(occupied, "none") == 0)
		return vn_error_input(err, &where,
			"with --occupied %s; expected a file, which holds the guests that may move",
			occupied);
	return 0;
}

/* ---- JSON ---- */

static json_t *moves_to_json(const struct vn_room *room)
{
	json_t *moves = json_array();
	bool filled = moves != NULL;

	for (size_t i = 0; i < room->n_moves && filled; i++) {
		const struct vn_room_move *move = &room->moves[i];
		json_t *object = json_pack("{s:s, s:I, s:I, s:I, s:I}", "guest", move->guest->name, "vnode",
			(json_int_t)move->vnode, "from", (json_int_t)move->from, "to", (json_int_t)move->to,
			"bytes", (json_int_t)move->bytes);
		filled = json_array_append_new(moves, object) == 0;
	}
	if (filled)
		return moves;
	json_decref(moves);
	return NULL;
}

/* Behind the plans of the guests those of the tenants, as they are once moved: --occupied of it all counts everybody. */
static bool append_tenants(json_t *object, const struct vn_room *room, const struct vn_tenants *tenants)
{
	json_t *plans = json_object_get(object, "plans");

	for (size_t i = 0; i < tenants->n && room->fits; i++) {
		const struct vn_plan *moved = room->plans[i];
		if (json_array_append_new(plans,
			    vn_plan_to_json(moved ? moved : tenants->plans[i], tenants->guests[i])) < 0)
			return false;
	}
	return true;
}

/*
 * The plans as ever, in a list even of one, so that --occupied reads it back; `optimal` speaks of the moves here, the plans tell of
 * themselves.
 */
static int print_json(const struct vn_room *room, const struct vn_tenants *tenants,
	const struct vn_several *several, struct vn_error *err)
{
	json_t *object =
		room->fits ? vn_several_to_json(several)
			   : json_pack("{s:s, s:b, s:[]}", "schema", "vnuma.plans/1", "feasible", 0, "plans");
	json_t *told = json_pack("{s:b, s:b, s:o, s:I, s:I, s:o, s:o}", "optimal", room->proven, "compared",
		room->compared, "moves", moves_to_json(room), "bytes_moved", (json_int_t)room->bytes,
		"bytes_bound", (json_int_t)room->bound, "not_moved", vn_notes_to_json(&room->kept, NULL),
		"reasons", vn_notes_to_json(&room->reasons, NULL));
	bool filled = object && told && json_object_update(object, told) == 0 &&
		      append_tenants(object, room, tenants);

	json_decref(told);
	if (filled)
		return vn_print_json(object, err);
	json_decref(object);
	return vn_error_environment(err, -ENOMEM, "out of memory");
}

/* ---- text ---- */

static void print_moves(const struct vn_room *room, FILE *out)
{
	char size[VN_SIZE_TEXT];
	int width = 5;

	if (room->n_moves == 0) {
		fprintf(out, "nobody has to move\n\n");
		return;
	}
	for (size_t i = 0; i < room->n_moves; i++) {
		int length = (int)strlen(room->moves[i].guest->name);
		width = length > width ? length : width;
	}
	fprintf(out, "%-*s  %5s  %9s  %7s  %10s\n", width, "guest", "vnode", "from node", "to node", "size");
	for (size_t i = 0; i < room->n_moves; i++) {
		const struct vn_room_move *move = &room->moves[i];
		fprintf(out, "%-*s  %5zu  %9u  %7u  %10s\n", width, move->guest->name, move->vnode,
			move->from, move->to, vn_size_text(move->bytes, size));
	}
	fprintf(out, "%-*s  %5s  %9s  %7s  %10s\n", width, "in all", "", "", "",
		vn_size_text(room->bytes, size));
	if (room->proven)
		fprintf(out, "\nit is proven that moving fewer bytes does not do%s\n\n",
			room->compared
				? ""
				: "; of the sets of moves with as few not all were compared, for want of time");
	else
		fprintf(out,
			"\nthe time was up before it was proven that nothing less does: at least %s have to move\n\n",
			vn_size_text(room->bound, size));
}

static void print_no_room(const struct vn_room *room, const struct vn_taken *taken)
{
	char size[VN_SIZE_TEXT];

	vn_notes_print(&taken->notes, "warning");
	if (room->proven)
		fprintf(stderr, "vnuma: no room: it is proven that no moves of the guests that may move make "
				"it [no-room]\n");
	else
		fprintf(stderr,
			"vnuma: no room: none was found in the time given, nor was it proven that there is "
			"none; it would take at least %s to move [deadline]\n",
			vn_size_text(room->bound, size));
	vn_notes_print(&room->reasons, "no room");
	vn_notes_print(&room->kept, "not moved");
}

static int print_text(const struct vn_host *host, const struct vn_taken *taken, const struct vn_room *room,
	const struct vn_several *several, bool explain, struct vn_error *err)
{
	struct vn_plan_options options = {.occupied = taken->occupied};

	print_moves(room, stdout);
	if (several->n > 1)
		return vn_several_print(host, taken, several, explain, err);
	vn_plan_print(several->plans[0], several->guests[0], stdout);
	if (explain) {
		fputc('\n', stdout);
		vn_plan_explain(host, several->guests[0], &options, several->plans[0], stdout);
	}
	return VN_EXIT_DONE;
}

static struct vn_joint_total total_of(const struct vn_plan *plan)
{
	return (struct vn_joint_total){.feasible = plan->feasible,
		.optimal = plan->optimal,
		.cost = plan->cost,
		.mean_distance = plan->mean_distance,
		.open_level = plan->open_level,
		.bound = plan->bound};
}

/* Plans the guests with the vnodes there are: it is these that room was made for. */
static int plan_as_shaped(const struct vn_host *host, const struct vn_plan_options *options,
	const struct vn_notes *notes, struct vn_several *several, struct vn_error *err)
{
	const struct vn_guest *const *guests = (const struct vn_guest *const *)several->guests;
	bool one = several->n == 1; /* alone, it has a runner-up */

	int r = one ? vn_plan_make(host, guests[0], options, &several->plans[0], err)
		    : vn_plan_make_joint(
			      host, guests, several->n, options, several->plans, &several->total, err);
	if (r < 0)
		return r;
	if (one)
		several->total = total_of(several->plans[0]);
	for (size_t g = 0; g < several->n && r >= 0; g++)
		r = vn_guest_tell_distances(host, several->guests[g], several->plans[g]);
	if (r >= 0)
		r = vn_notes_copy(&several->plans[0]->warnings, notes);
	return r < 0 ? vn_error_environment(err, -ENOMEM, "out of memory") : 0;
}

/* Plans beside the guests as they are once moved. */
static int plan_moved(const struct vn_host *host, struct vn_taken *taken, unsigned deadline_ms,
	struct vn_room *room, struct vn_several *several, struct vn_error *err)
{
	struct vn_plan_options options = {
		.occupied = room->occupied, .deadline_ms = deadline_ms, .runner_up = several->n == 1};

	vn_occupied_free(taken->occupied);
	taken->occupied = vn_steal(room->occupied);
	int r = plan_as_shaped(host, &options, &taken->notes, several, err);
	if (r < 0)
		return r;
	if (!vn_several_feasible(several) || several->total.cost.spill > 0)
		/* Our mistake, or a search cut short where room is known to be. */
		return vn_error_environment(err, -EINVAL,
			"the guests do not fit where room was made for them: please report this with their "
			"configs, the file of --occupied and the output of 'vnuma topology --json'");
	return 0;
}

int vn_make_room(const struct vn_host *host, struct vn_taken *taken, unsigned deadline_ms,
	struct vn_several *several, bool json, bool explain, struct vn_error *err)
{
	struct vn_plan_options options = {.occupied = taken->occupied, .deadline_ms = deadline_ms};
	vn_autoroom room = {0};

	int r = vn_guests_shape(host, &options, several->guests, several->n, VN_SHAPE_BY_MEMORY, err);
	if (r == 0)
		r = vn_room_make(host, (const struct vn_guest *const *)several->guests, several->n,
			&taken->tenants, &options, &room, err);
	if (r == 0 && room.fits)
		r = plan_moved(host, taken, deadline_ms, &room, several, err);
	if (r < 0)
		return r;
	if (!room.fits && !json)
		print_no_room(&room, taken);
	if (json)
		r = print_json(&room, &taken->tenants, several, err);
	else if (room.fits)
		r = print_text(host, taken, &room, several, explain, err);
	return r < 0 || room.fits ? r : VN_EXIT_NO;
}
