/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/wait.h>

#include "../base/parse.h"
#include "../base/process.h"
#include "../base/text.h"
#include "../model/move_text.h"
#include "../realize/journal.h"
#include "../rehome/rehome.h"
#include "moving.h"
#include "planning.h"
#include "target.h"
#include "usage.h"
#include "vms.h"

#define LOOK_MS 500u /* before a move: enough to see which vCPUs work */
#define STALL_MS 5u
#define STALL_MAX_MS 10000u
#define RATE_MAX UINT64_C(1000000) /* MB/s */
#define PRESSURE 10.0 /* percent of time that some task waits for memory */

struct request {
	struct vn_rehome_wish wish;
	bool resume, cancel, dry_run, background, guest;
	enum vn_move_look look;
};

/* ---- options ---- */

static void contradicts(const struct vn_args *args, const char *a, const char *b, struct vn_error *err)
{
	char key[32];

	snprintf(key, sizeof(key), "--%s", b);
	if (vn_arg_given(args, a) && vn_arg_given(args, b))
		vn_error_input(
			err, &(struct vn_where){NULL, 0, key}, "contradicts --%s; expected one of them", a);
}

/* What is resumed is what the journal has, within limits that may be others now; a cancel is nothing but that. */
static void check_together(const struct vn_args *args, struct vn_error *err)
{
	static const char *const of_new[] = {
		"to", "vnode", "plan", "best", "dry-run", "vcpus-now", "memory-only", "irqs", "guest"};
	static const char *const of_doing[] = {
		"stall-ms", "rate", "reserve", "order", "background", "resume"};

	vn_target_check_options(args, err);
	contradicts(args, "vcpus-now", "memory-only", err);
	contradicts(args, "memory-only", "irqs", err); /* they go with the threads */
	contradicts(args, "memory-only", "guest", err);
	contradicts(args, "vcpus-now", "background", err); /* nothing is left for it */
	contradicts(args, "dry-run", "background", err);
	for (size_t i = 0; i < sizeof(of_new) / sizeof(of_new[0]); i++) {
		contradicts(args, "resume", of_new[i], err);
		contradicts(args, "cancel", of_new[i], err);
	}
	for (size_t i = 0; i < sizeof(of_doing) / sizeof(of_doing[0]); i++)
		contradicts(args, "cancel", of_doing[i], err);
}

static int read_request(const struct vn_args *args, struct request *ret, struct vn_error *err)
{
	const char *order = vn_arg(args, "order");
	uint64_t rate = 0, stall = STALL_MS, reserve = 0;
	char seen[32];

	check_together(args, err);
	vn_arg_number(args, "rate", 1, RATE_MAX, rate, &rate, err);
	vn_arg_number(args, "stall-ms", 1, STALL_MAX_MS, stall, &stall, err);
	vn_arg_number(args, "reserve", 0, VN_MAX_MEMORY / VN_MIB, reserve, &reserve, err);
	if (order && strcmp(order, "hot") != 0 && strcmp(order, "address") != 0) {
		snprintf(seen, sizeof(seen), "%.20s", vn_text_is_printable(order) ? order : "?");
		vn_error_input(
			err, &(struct vn_where){NULL, 0, "--order"}, "'%s'; expected hot or address", seen);
	}
	*ret = (struct request){
		.wish = {.threads = !vn_arg_given(args, "memory-only"),
			.memory = !vn_arg_given(args, "vcpus-now"),
			.irqs = vn_arg_given(args, "irqs"),
			.limits = {.rate = rate * 1000000,
				.stall_us = (unsigned)stall * 1000,
				.has_reserve = vn_arg_given(args, "reserve"),
				.reserve = reserve * VN_MIB,
				.pressure = PRESSURE}},
		.resume = vn_arg_given(args, "resume"),
		.cancel = vn_arg_given(args, "cancel"),
		.dry_run = vn_arg_given(args, "dry-run"),
		.background = vn_arg_given(args, "background"),
		.guest = vn_arg_given(args, "guest"),
		.look = !order                      ? VN_MOVE_LOOK_IF_IT_PAYS
			: strcmp(order, "hot") == 0 ? VN_MOVE_LOOK_ALWAYS
						    : VN_MOVE_LOOK_NEVER,
	};
	return err->n ? -EINVAL : 0;
}

/* ---- what is to be done ---- */

static int infeasible(const struct vn_plan *plan)
{
	vn_notes_print(&plan->reasons, "not moved, no plan");
	return VN_EXIT_NO;
}

/* 0, VN_EXIT_NO, or a negative errno. */
static int reckon(const struct vn_args *args, const struct request *request, struct vn_moving *moving,
	struct vn_move **ret_move, struct vn_error *err)
{
	const struct vn_vm_audit *vm = moving->vm;
	vn_autofree int *homes = calloc(vm->n_vnodes, sizeof(*homes));
	vn_autoplan *plan = NULL;

	if (!homes)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < vm->n_vnodes; i++)
		homes[i] = vm->vnodes[i].home;
	int r = vn_target_plan(
		args, &moving->state, moving->sample, moving->at, homes, vm->n_vnodes, &plan, err);
	if (r < 0)
		return r;
	vn_notes_drop(&plan->warnings,
		"numa-balancing"); /* the move has a note of its own on what it means for it */
	vn_notes_print(&plan->warnings, "warning");
	if (!plan->feasible)
		return infeasible(plan);
	/* which vCPUs use which queue shall change: workers go by it */
	r = request->guest ? vn_moving_reckon_inside(moving, err) : 0;
	if (r == 0)
		r = vn_rehome(moving->sample, moving->at, plan, &request->wish, ret_move, err);
	return r < 0 ? r : vn_inside_give(&moving->inside, *ret_move, err);
}

/* ---- doing it ---- */

static int resume(const struct request *request, struct vn_moving *moving,
	const struct vn_move_watcher *watcher, struct vn_move **ret_move, struct vn_error *err)
{
	const struct vn_vm_sample *vm = moving->vm->vm;
	int r = vn_move_resume(&moving->state, moving->sample->host, &vm->process, &request->wish.limits,
		watcher, ret_move, err);

	if (r == -ENOENT && err->n == 0)
		return vn_error_input(
			err, NULL, "'%s' was not moved by vnuma: there is nothing to resume", vm->name);
	return r;
}

/* With --resume, *move is NULL and becomes what was on record. */
static int carry_out(
	const struct request *request, struct vn_moving *moving, struct vn_move **move, struct vn_error *err)
{
	struct vn_move_watcher watcher = vn_moving_watcher(moving);

	watcher.look = request->look;
	return request->resume ? resume(request, moving, &watcher, move, err)
			       : vn_move_run(&moving->state, moving->sample->host, *move, &watcher, err);
}

/* What goes wrong before the threads have moved is told as ever; later nobody listens, and it is in the journal. */
_Noreturn static void in_background(const struct vn_args *args, const struct request *request,
	struct vn_moving *moving, struct vn_move **move, int ready_fd)
{
	vn_autoerror err = {0};

	setsid();
	moving->ready_fd = ready_fd;
	int r = carry_out(request, moving, move, &err);
	if (r < 0)
		vn_error_print(&err, r, args->json);
	fflush(NULL);
	_exit(r >= 0 ? VN_EXIT_DONE : err.input ? VN_EXIT_INPUT : VN_EXIT_ENVIRONMENT);
}

/* Ends when the threads have moved; memory follows. */
static int start_background(const struct vn_args *args, const struct request *request,
	struct vn_moving *moving, struct vn_move **move, struct vn_error *err)
{
	const char *name = moving->vm->vm->name;
	int pipes[2], status = 0;
	char ready = 0;

	if (pipe2(pipes, O_CLOEXEC) < 0)
		return vn_error_environment(err, -errno, "pipe: %s", strerror(errno));
	vn_autoclose int listen = pipes[0];
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0)
		in_background(args, request, moving, move, pipes[1]);
	close(pipes[1]);
	if (pid < 0)
		return vn_error_environment(err, -errno, "fork: %s", strerror(errno));
	if (read(listen, &ready, 1) != 1) {
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
		return WIFEXITED(status) ? WEXITSTATUS(status) : VN_EXIT_ENVIRONMENT;
	}
	if (args->json)
		return vn_print_json(json_pack("{s:s, s:s, s:i}", "schema", "vnuma.move-background/1", "name",
					     name, "pid", (int)pid),
			err);
	printf("%s: its threads are on their CPUs; memory follows, process %d does it\n"
	       "  'vnuma moves' tells how far it is, 'vnuma move %s --cancel' stops it\n",
		name, pid, args->operands[0]);
	return VN_EXIT_DONE;
}

/*
 * Threads of a VM whose memory a device has pinned would leave all of it behind: its locality would go from all to none. Only --vcpus-now
 * says that this is wanted. What the kernel does not tell is no reason to refuse.
 */
static bool is_refused(const struct vn_moving *moving, const struct vn_move *move)
{
	const struct vn_vm_sample *vm = &moving->sample->vms[moving->at];
	char size[VN_SIZE_TEXT];
	uint64_t pinned;

	if (vn_process_pinned(move->process.pid, &pinned) < 0 || !vn_move_strands(move, pinned))
		return false;
	fprintf(stderr,
		"vnuma: '%s' is not moved: device %s has its memory pinned: its threads would leave %s behind. Start it there anew; "
		"--vcpus-now moves its threads all the same, and --resume then tries its memory\n",
		move->name, vm->devices ? vm->devices[0].address : "",
		vn_size_text(vn_move_to_go(move), size));
	return true;
}

static int do_move(const struct vn_args *args, const struct request *request, struct vn_moving *moving,
	struct vn_error *err)
{
	vn_automove *move = NULL;
	int r = request->resume ? 0 : reckon(args, request, moving, &move, err);

	if (r != 0)
		return r;
	int done = move && is_refused(moving, move) ? VN_EXIT_NO
						    : VN_EXIT_DONE; /* what is resumed is in the journal */
	if (request->dry_run && args->json) {
		r = vn_print_json(vn_move_to_json(move), err);
		return r < 0 ? r : done;
	}
	if (!args->json && !request->resume)
		vn_move_print_steps(move, stdout);
	if (request->dry_run)
		vn_move_print_notes(move, stdout);
	if (request->dry_run || done == VN_EXIT_NO)
		return done;
	if (request->background)
		return start_background(args, request, moving, &move, err);
	r = carry_out(request, moving, &move, err);
	return r < 0 ? r : vn_moving_report(args, moving, move, err);
}

static int cancel(const struct vn_args *args, const struct vn_moving *moving, struct vn_error *err)
{
	const struct vn_vm_sample *vm = moving->vm->vm;
	int r = vn_journal_stop(&moving->state, &vm->process, err);

	if (r < 0)
		return r;
	if (args->json)
		return vn_print_json(
			json_pack("{s:s, s:s}", "schema", "vnuma.move-cancel/1", "name", vm->name), err);
	printf("%s: told to stop; what has moved stays, 'vnuma undo' brings it back\n", vm->name);
	return VN_EXIT_DONE;
}

static int run(const struct vn_args *args, struct vn_error *err)
{
	vn_automoving moving = {
		.state = {.fd = -1}, .look = {.root = {.fd = -1}}, .signals = -1, .ready_fd = -1};
	struct request request;
	int r = read_request(args, &request, err);

	if (r == 0)
		r = vn_moving_open(args, request.cancel ? 0 : LOOK_MS, &moving, err);
	if (r < 0)
		return r;
	if (!request.cancel)
		return do_move(args, &request, &moving, err);
	return cancel(args, &moving, err);
}

const struct vn_verb verb_move = {
	.name = "move",
	.operands = "VM",
	.min_operands = 1,
	.max_operands = 1,
	.summary = "re-home a running VM: its threads at once, its memory behind them",
	.details =
		"What was is written down first, so that 'vnuma undo' brings it back, also when vnuma is killed half-way. Then threads get\n"
		"the CPUs of their new homes, vCPUs first, and memory follows in small batches, what is used most first. No call into the\n"
		"kernel lasts longer than --stall-ms: that is how long the guest may wait for a page. Exit status 1: there is no room, or\n"
		"memory stayed behind, and why, or would, as a device has it pinned, while its threads go.",
	.options = {VN_OPTIONS_TARGET, {"dry-run", NULL, "say every step, with bytes and time, and do none"},
		{"vcpus-now", NULL, "move threads only, as a first relief; memory can follow with --resume"},
		{"memory-only", NULL, "leave the threads where they are"},
		{"irqs", NULL, "let the interrupts of its devices follow, but those that the kernel manages"},
		{"guest", NULL,
			"let the guest's network queues, and their interrupts, follow its vnodes, through its agent"},
		{"stall-ms", "MS", "how long the guest may be kept waiting by one batch (5)"},
		{"rate", "MB/S", "megabytes a second at most"},
		{"reserve", "MIB", "to be left free on each target (the larger of 2% and 512)"},
		{"order", "ORDER",
			"hot: what is used most first, as far as DAMON tells; or address; without: hot, where the look pays",
			.values = "hot address"},
		{"background", NULL,
			"come back when the threads have moved; 'vnuma moves' tells of the rest"},
		{"resume", NULL, "go on with a move that was stopped, or whose threads alone were moved"},
		{"cancel", NULL, "stop the move of this VM that is under way"}},
	.run = run,
};
