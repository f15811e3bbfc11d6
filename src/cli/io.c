/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include <string.h>

#include "../base/parse.h"
#include "../base/text.h"
#include "../model/io.h"
#include "../model/move_text.h"
#include "../realize/move_pin.h"
#include "../rehome/io.h"
#include "moving.h"

#define LOOK_MS 500u /* enough to see where workers run */

/* What --queue asks for. */
struct hands {
	size_t n;
	struct vn_io_hand *v;
};

static void hands_clear(struct hands *hands)
{
	for (size_t i = 0; i < hands->n; i++)
		hwloc_bitmap_free(hands->v[i].nodes);
	free(hands->v);
}
#define autohands vn_cleanup(hands_clear) struct hands

/* ---- options ---- */

/* One "NIC:Q=NODES"; the last ':' counts, as one may be in no name of an interface (dev_valid_name(), net/core/dev.c). */
static int read_hand(char *text, struct hands *hands, struct vn_error *err)
{
	static const struct vn_where where = {NULL, 0, "--queue"};
	char seen[VN_QUOTE_MAX];
	vn_autofree char *whole = strdup(text);
	vn_autoset nodes = NULL;
	uint64_t queue = 0;

	if (!whole)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	char *equals = strrchr(text, '='), *colon;
	if (equals)
		*equals = '\0';
	colon = strrchr(text, ':');
	if (!equals || !colon || colon == text || (size_t)(colon - text) >= VN_SAMPLE_TEXT ||
		vn_parse_u64(colon + 1, VN_SET_MAX, &queue) < 0 || vn_set_parse(equals + 1, &nodes) < 0 ||
		hwloc_bitmap_iszero(nodes))
		return vn_error_input(err, &where,
			"'%s' seen; expected an interface, :, a queue, = and nodes, as tap0:1=0 or tap0:1=0-1",
			vn_quote(whole, seen));
	*colon = '\0';
	for (size_t i = 0; i < hands->n; i++) {
		if (strcmp(hands->v[i].nic, text) == 0 && hands->v[i].queue == queue)
			return vn_error_input(
				err, &where, "'%s' seen; expected each queue once", vn_quote(whole, seen));
	}
	struct vn_io_hand *hand = &hands->v[hands->n++];
	hand->queue = (unsigned)queue;
	hand->nodes = vn_steal(nodes);
	memcpy(hand->nic, text, strlen(text) + 1);
	return 0;
}

static int read_hands(const char *text, struct hands *hands, struct vn_error *err)
{
	vn_autofree char *copy = strdup(text);
	char *rest = copy, *one;
	size_t most = 1;
	int result = 0;

	for (const char *c = text; *c; c++)
		most += *c == ',';
	hands->v = copy ? calloc(most, sizeof(*hands->v)) : NULL;
	if (!hands->v)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	while (result != -ENOMEM && (one = strsep(&rest, ","))) {
		int r = read_hand(one, hands, err);
		result = result < 0 ? result : r;
	}
	return result;
}

static int read_wish(
	const struct vn_args *args, struct hands *hands, struct vn_io_wish *wish, struct vn_error *err)
{
	const char *queue = vn_arg(args, "queue");
	int r = queue ? read_hands(queue, hands, err) : 0;

	if (vn_arg_given(args, "irqs") && !vn_arg_given(args, "set"))
		r = vn_error_input(err, &(struct vn_where){NULL, 0, "--irqs"}, "expected --set with it");
	if (vn_arg_given(args, "guest") && !vn_arg_given(args, "set"))
		r = vn_error_input(err, &(struct vn_where){NULL, 0, "--guest"}, "expected --set with it");
	if (vn_arg_given(args, "dry-run") && !vn_arg_given(args, "set") && !queue)
		r = vn_error_input(
			err, &(struct vn_where){NULL, 0, "--dry-run"}, "expected --set or --queue with it");
	*wish = (struct vn_io_wish){.threads = vn_arg_given(args, "set"),
		.irqs = vn_arg_given(args, "irqs"),
		.n_hands = hands->n,
		.hands = hands->v};
	return r;
}

/* ---- showing ---- */

static int find_io(const struct vn_audit *audit, struct vn_io **ret_io, struct vn_error *err)
{
	return vn_io_find(audit->sample, &audit->vms[0], ret_io) < 0
		       ? vn_error_environment(err, -ENOMEM, "out of memory")
		       : 0;
}

static int show(const struct vn_args *args, const struct vn_io *io, struct vn_error *err)
{
	int status = vn_io_counts(io).away ? VN_EXIT_NO : VN_EXIT_DONE;

	if (args->json) {
		int r = vn_print_json(vn_io_to_json(io), err);
		return r < 0 ? r : status;
	}
	vn_io_print(io, args->operands[0], stdout);
	return status;
}

/* ---- setting ---- */

/* Text has those of the move before all else. */
static int add_notes(struct vn_io *io, const struct vn_move *move, struct vn_error *err)
{
	for (size_t i = 0; i < move->notes.n; i++) {
		const struct vn_note *note = &move->notes.v[i];
		if (!vn_notes_has(&io->notes, note->code) &&
			vn_notes_add(&io->notes, note->code, "%s", note->text) < 0)
			return vn_error_environment(err, -ENOMEM, "out of memory");
	}
	return 0;
}

/* As it is afterwards. */
static int show_again(const struct vn_args *args, struct vn_moving *moving, const struct vn_move *move,
	struct vn_error *err)
{
	vn_autoaudit *audit = NULL;
	vn_autoio *io = NULL;
	int r = vn_look_take(&moving->look, &audit, err);

	if (r == 0 && audit->n_vms != 1)
		r = vn_error_environment(err, -ESRCH, "'%s' has ended", moving->vm->vm->name);
	if (r == 0)
		r = find_io(audit, &io, err);
	if (r == 0 && args->json)
		r = add_notes(io, move, err);
	return r < 0 ? r : show(args, io, err);
}

/* What was to be set inside the guest, and was not, is not as it should be either. */
static int worse(const struct vn_moving *moving, int status)
{
	return status == VN_EXIT_DONE && moving->inside.failed ? VN_EXIT_NO : status;
}

static int carry_out(
	const struct vn_args *args, struct vn_moving *moving, struct vn_move *move, struct vn_error *err)
{
	struct vn_move_watcher watcher = vn_moving_watcher(moving);
	int r = vn_move_pin(&moving->state, moving->sample->host, move, &watcher, err);

	if (r < 0)
		return r;
	if (!args->json) {
		vn_move_print_notes(move, stdout);
		printf("  set; 'vnuma undo %s' brings back what was\n\n", args->operands[0]);
	}
	return worse(moving, show_again(args, moving, move, err));
}

static bool changes_inside(const struct vn_move *move)
{
	for (size_t i = 0; i < move->n_guest_settings; i++) {
		if (!hwloc_bitmap_isequal(move->guest_settings[i].before, move->guest_settings[i].after))
			return true;
	}
	return false;
}

static int set(const struct vn_args *args, struct vn_moving *moving, struct vn_io *io,
	const struct vn_io_wish *wish, struct vn_error *err)
{
	vn_automove *move = NULL;
	int r = vn_io_move(io, wish, &move, err);

	if (r == 0)
		r = vn_inside_give(&moving->inside, move, err);
	if (r < 0)
		return r;
	if (args->json && vn_arg_given(args, "dry-run"))
		return vn_print_json(vn_move_to_json(move), err);
	if (move->n_threads == 0 && move->n_irqs == 0 && !changes_inside(move)) {
		if (!args->json)
			printf("%s: nothing to set\n\n", move->name);
		if (!args->json)
			vn_move_print_notes(move, stdout);
		else
			r = add_notes(io, move, err);
		return r < 0 ? r : worse(moving, show(args, io, err));
	}
	if (!args->json)
		vn_move_print_steps(move, stdout);
	if (!vn_arg_given(args, "dry-run"))
		return carry_out(args, moving, move, err);
	vn_move_print_notes(move, stdout);
	return VN_EXIT_DONE;
}

static int run(const struct vn_args *args, struct vn_error *err)
{
	vn_automoving moving = {
		.state = {.fd = -1}, .look = {.root = {.fd = -1}}, .signals = -1, .ready_fd = -1};
	autohands hands = {0};
	struct vn_io_wish wish;
	vn_autoio *io = NULL;
	int r = read_wish(args, &hands, &wish, err);

	if (r == 0)
		r = vn_moving_open(args, LOOK_MS, &moving, err);
	if (r == 0 && vn_arg_given(args, "guest"))
		r = vn_moving_reckon_inside(&moving, err);
	if (r == 0)
		r = find_io(moving.audit, &io, err);
	if (r < 0)
		return r;
	return wish.threads || wish.n_hands ? set(args, &moving, io, &wish, err) : show(args, io, err);
}

const struct vn_verb verb_io = {
	.name = "io",
	.operands = "VM",
	.min_operands = 1,
	.max_operands = 1,
	.summary = "whose the I/O threads of a VM are, where they are and belong; put them there",
	.details =
		"For each queue of a network interface the vCPUs that use it, as Linux in the guest deals them out, the home of their vnode, and\n"
		"the vhost worker that serves it; likewise iothreads, and interrupts of devices of the host. --set puts on CPUs of their home what\n"
		"is elsewhere, and nothing else; 'vnuma undo' brings it back. Exit status 1: some are not at home, or --guest could not be done.",
	.options = {{"set", NULL, "put workers and iothreads on CPUs of their homes"},
		{"irqs", NULL, "and interrupts of its devices, but those that the kernel manages"},
		{"guest", NULL,
			"and let the guest's network queues, and their interrupts, follow its vnodes, through its agent"},
		{"queue", "NIC:Q=NODES",
			"put the worker of a queue on CPUs of these nodes; several with commas"},
		{"dry-run", NULL, "say every step, and do none"}},
	.run = run,
};
