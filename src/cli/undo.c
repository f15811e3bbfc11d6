/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "moving.h"

static int run(const struct vn_args *args, struct vn_error *err)
{
	vn_automoving moving;
	vn_automove *move = NULL;
	int r = vn_moving_open(args, VN_LOOK_INTERVAL_MS, &moving, err);

	if (r < 0)
		return r;
	const struct vn_vm_sample *vm = moving.vm->vm;
	struct vn_move_watcher watcher = vn_moving_watcher(&moving);
	watcher.guest_stays = vn_arg_given(args, "no-guest");
	r = vn_move_undo(&moving.state, moving.sample->host, &vm->process, !vn_arg_given(args, "no-memory"),
		&watcher, &move, err);
	if (r == -ENOENT && err->n == 0)
		return vn_error_input(
			err, NULL, "'%s' was not moved by vnuma: there is nothing to undo", vm->name);
	if (r == 0)
		moving.inside.failed |= vn_notes_has(&move->notes, "guest-left");
	return r < 0 ? r : vn_moving_report(args, &moving, move, err);
}

const struct vn_verb verb_undo = {
	.name = "undo",
	.operands = "VM",
	.min_operands = 1,
	.max_operands = 1,
	.summary = "bring a VM back to where it was before vnuma moved it",
	.details =
		"CPUs of all its threads, interrupts, cpusets and memory are as they were before vnuma's first move of this VM, page by\n"
		"page; what was there already is left alone. Killed half-way, it can be given again. Exit status 1: some memory stayed, or\n"
		"the guest's agent did not set back what was set inside, and why; the journal is kept, for another try.",
	.options = {{"no-memory", NULL, "leave memory where it is now"},
		{"no-guest", NULL, "leave what is set inside the guest as it is now"}},
	.run = run,
};
