/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include <time.h>

#include "../base/columns.h"
#include "../model/move_text.h"
#include "../realize/journal.h"
#include "cli.h"

#define NAME_COLUMNS 20

static int print_json(const struct vn_move_list *list, struct vn_error *err)
{
	json_t *moves = json_array();

	for (size_t i = 0; i < list->n; i++)
		json_array_append_new(moves, vn_move_to_json(list->v[i]));
	return vn_print_json(json_pack("{s:s, s:o}", "schema", "vnuma.moves/1", "moves", moves), err);
}

static void print_move(const struct vn_move *move)
{
	struct tm tm;
	time_t begun = (time_t)move->begun;
	char when[32] = "?";

	if (localtime_r(&begun, &tm))
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M", &tm);
	vn_put_columns(move->name, NAME_COLUMNS, stdout);
	printf(" %8d  %-16s  %-13s  ", move->process.pid, when, vn_move_phase_name(move->phase));
	if (move->memory && move->progress.total)
		vn_move_print_progress(move, stdout);
	else
		fputs(move->memory ? "-" : "threads only", stdout);
	putchar('\n');
}

static int run(const struct vn_args *args, struct vn_error *err)
{
	vn_autostate state = {.fd = -1};
	vn_automovelist list = {0};
	vn_autoerror broken = {0};
	int r = vn_state_open(&state, err);

	if (r == 0)
		r = vn_journal_list(&state, &list, &broken, err);
	if (r < 0)
		return r;
	if (args->json)
		r = print_json(&list, err);
	else if (list.n)
		printf("%-*s %8s  %-16s  %-13s  %s\n", NAME_COLUMNS, "VM", "process", "since", "phase",
			"memory");
	for (size_t i = 0; i < list.n && !args->json; i++)
		print_move(list.v[i]);
	if (r == 0 && broken.n) {
		vn_error_move(err, &broken);
		return -EINVAL;
	}
	return r < 0 ? r : VN_EXIT_DONE;
}

const struct vn_verb verb_moves = {
	.name = "moves",
	.operands = "",
	.summary = "VMs that vnuma moved, and moves under way: how far, how fast, how long still",
	.details =
		"Each VM in this list differs from how it was started or left by others; 'vnuma undo VM' brings it back. VMs that have ended\n"
		"are not listed any more.",
	.run = run,
};
