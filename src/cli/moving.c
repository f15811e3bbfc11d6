/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "moving.h"

#include <fcntl.h>
#include <string.h>

#include "../base/clock.h"
#include "../model/move_text.h"
#include "vms.h"

#define SHOW_MS 200 /* between two lines of progress */
#define SLOW_MS 1000 /* what takes no longer has none */

int vn_moving_open(
	const struct vn_args *args, unsigned interval_ms, struct vn_moving *ret, struct vn_error *err)
{
	*ret = (struct vn_moving){.state = {.fd = -1}, .look = {.root = {.fd = -1}}, .ready_fd = -1};
	ret->signals = vn_signals_open();
	int r = vn_look_open(args, &ret->look, err);

	if (r < 0)
		return r;
	ret->look.survey.interval_ms = interval_ms;
	ret->look.survey.looks = interval_ms ? VN_LOOK_LOOKS : 1;
	ret->look.survey.stop_fd = ret->signals < 0 ? -1 : ret->signals;
	r = vn_state_open(&ret->state, err);
	if (r == 0)
		r = vn_look_take(&ret->look, &ret->audit, err);
	if (r == -ECANCELED)
		return vn_error_environment(err, r, "interrupted");
	if (r < 0)
		return r;
	if (ret->audit->n_vms != 1)
		return vn_error_input(err, NULL,
			"'%s' names %zu VMs; expected one: name it by its uuid or pid", args->operands[0],
			ret->audit->n_vms);
	ret->vm = &ret->audit->vms[0];
	ret->sample = ret->audit->sample;
	ret->at = (size_t)(ret->vm->vm - ret->sample->vms);
	return 0;
}

int vn_moving_reckon_inside(struct vn_moving *moving, struct vn_error *err)
{
	struct vn_vm_sample *vm = &moving->audit->owned->vms[moving->at];
	int r = vn_inside_open(&moving->look.survey, vm, &moving->inside, err);

	return r < 0 ? r : vn_inside_reckon(&moving->inside, vm, err);
}

int vn_moving_inside(struct vn_moving *moving, struct vn_move *move, struct vn_error *err)
{
	static const char *const codes[] = {
		"guest-agent-missing", "guest-agent-silent", "guest-agent-forbids", "guest-agent-failed"};

	if (move->n_guest_settings == 0)
		return 0;
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		vn_notes_drop(&move->notes, codes[i]);
	int r = vn_inside_open(&moving->look.survey, moving->vm->vm, &moving->inside, err);
	return r < 0 ? r : vn_inside_give(&moving->inside, move, err);
}

static void end_line(struct vn_moving *moving)
{
	if (moving->shown)
		fputs("\r\033[K", stderr);
	moving->shown = false;
}

void vn_moving_close(struct vn_moving *moving)
{
	end_line(moving); /* problems are printed after this */
	vn_inside_close(&moving->inside);
	vn_audit_free(moving->audit);
	vn_look_close(&moving->look);
	vn_state_close(&moving->state);
	vn_closep(&moving->signals);
	vn_closep(&moving->ready_fd);
}

/* Who started a move in the background is told, and let go: also who reads what it prints to the end. */
static void let_go(struct vn_moving *moving)
{
	vn_autoclose int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	end_line(moving);
	fflush(NULL);
	for (int fd = STDIN_FILENO; null >= 0 && fd <= STDERR_FILENO; fd++)
		dup2(null, fd);
	/* who waited for it may have gone: the move goes on */
	ssize_t written = write(moving->ready_fd, "+", 1);
	(void)written;
	moving->is_alone = true;
	vn_closep(&moving->ready_fd);
}

static int told(void *context, const struct vn_move *move, const char *step)
{
	struct vn_moving *moving = context;
	int64_t now = vn_now_ms();

	if (step && strcmp(step, "memory") == 0) {
		moving->told = now + SLOW_MS - SHOW_MS;
		if (moving->ready_fd >= 0)
			let_go(moving);
	}
	if (step || moving->is_alone || !isatty(STDERR_FILENO) || now - moving->told < SHOW_MS)
		return 0;
	moving->told = now;
	fprintf(stderr, "\r%s: ", move->name);
	vn_move_print_progress(move, stderr);
	fputs("\033[K", stderr);
	fflush(stderr);
	moving->shown = true;
	return 0;
}

static void asking(void *context, const struct vn_move *move, uint64_t asked, uint64_t pages)
{
	struct vn_moving *moving = context;
	int64_t now = vn_now_ms();

	if (moving->told == 0)
		moving->told = now + SLOW_MS - SHOW_MS;
	if (!isatty(STDERR_FILENO) || now - moving->told < SHOW_MS)
		return;
	moving->told = now;
	fprintf(stderr, "\r%s: writing down where pages are: %u%%\033[K", move->name,
		(unsigned)((double)asked / (double)(pages ? pages : 1) * 100));
	fflush(stderr);
	moving->shown = true;
}

static int inside(void *context, struct vn_move *move, struct vn_qga **ret_agent, struct vn_error *err)
{
	struct vn_moving *moving = context;
	int r = vn_moving_inside(moving, move, err);

	*ret_agent = moving->inside.agent;
	return r;
}

static struct vn_qga *again(void *context)
{
	struct vn_moving *moving = context;
	struct vn_survey survey = moving->look.survey;
	vn_autoerror ignored = {0}; /* who asks tells what is left for that */

	survey.stop_fd = -1;
	vn_inside_close(&moving->inside);
	vn_inside_open(&survey, moving->vm->vm, &moving->inside, &ignored);
	return moving->inside.agent;
}

static void leave(void *context)
{
	struct vn_moving *moving = context;

	vn_inside_leave(&moving->inside);
}

struct vn_move_watcher vn_moving_watcher(struct vn_moving *moving)
{
	return (struct vn_move_watcher){.told = told,
		.asking = asking,
		.inside = inside,
		.again = again,
		.leave = leave,
		.context = moving,
		.stop_fd = moving->signals < 0 ? -1 : moving->signals,
		.agent = moving->inside.agent};
}

/* ---- the end ---- */

static void print_locality(const struct vn_vm_audit *before, const struct vn_vm_audit *after)
{
	if (!after->has_locality)
		return;
	if (before->has_locality)
		printf("%s: %.1f%% local before, %.1f%% now\n", after->vm->name, before->locality.share * 100,
			after->locality.share * 100);
	else
		printf("%s: %.1f%% local now\n", after->vm->name, after->locality.share * 100);
}

static json_t *locality(const struct vn_vm_audit *vm)
{
	return vm && vm->has_locality ? json_real(vm->locality.share) : json_null();
}

static bool all_moved(const struct vn_move *move)
{
	for (size_t i = 0; i < VN_STAYED_N; i++) {
		if (move->progress.stayed[i] > move->progress.total / 1000)
			return false;
	}
	return true;
}

int vn_moving_report(const struct vn_args *args, struct vn_moving *moving, const struct vn_move *move,
	struct vn_error *err)
{
	vn_autoaudit *audit = NULL;
	vn_autoerror ignored = {0};

	end_line(moving);
	moving->look.survey.interval_ms = VN_LOOK_INTERVAL_MS;
	moving->look.survey.looks = VN_LOOK_LOOKS;
	int looked = vn_look_take(&moving->look, &audit, &ignored);
	const struct vn_vm_audit *after = looked == 0 && audit->n_vms == 1 ? &audit->vms[0] : NULL;
	int status = all_moved(move) && !moving->inside.failed ? VN_EXIT_DONE : VN_EXIT_NO;
	if (args->json) {
		json_t *json = vn_move_to_json(move);
		if (json && (json_object_set_new(json, "local_before", locality(moving->vm)) < 0 ||
				    json_object_set_new(json, "local_after", locality(after)) < 0)) {
			json_decref(json);
			json = NULL;
		}
		int r = vn_print_json(json, err);
		return r < 0 ? r : status;
	}
	vn_move_print_report(move, stdout);
	if (after)
		print_locality(moving->vm, after);
	vn_move_print_notes(move, stdout);
	return status;
}
