/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "move.h"

#include <poll.h>
#include <string.h>
#include <time.h>

#include "../base/clock.h"
#include "../base/process.h"
#include "../base/text.h"
#include "hot.h"
#include "journal.h"
#include "migrate.h"
#include "move_cpusets.h"
#include "move_irqs.h"
#include "move_threads.h"
#include "page_map.h"

#define WATCH_MS 3000u /* for DAMON to tell hot from cold: 30 of its aggregation intervals of 100 ms */
#define PROGRESS_MS 1000 /* between two writings of how far it is */
#define LEFT_SHARE 1000u /* one of so many bytes may be elsewhere when a cpuset is narrowed */

/* A move under way, or its way back. */
struct course {
	const struct vn_state *state;
	struct vn_move *move;
	const struct vn_move_watcher *watcher;
	int pidfd, lock;
	int64_t written; /* when the progress was, by vn_now_ms() */
	struct vn_error *err;
};

static void course_clear(struct course *course)
{
	vn_closep(&course->pidfd);
	vn_closep(&course->lock);
}
#define autocourse vn_cleanup(course_clear) struct course

/* ---- what all of it begins with ---- */

static int gone(const struct course *course, int status)
{
	const struct vn_process *process = &course->move->process;

	return vn_error_environment(course->err, status, "'%s': process %d %s", course->move->name,
		process->pid,
		status == -ESRCH ? "is gone, or is another one by now: nothing more is done to it"
				 : strerror(-status));
}

static int begin(struct course *course, const struct vn_host *host)
{
	struct vn_move *move = course->move;

	if (!host->live)
		return vn_error_input(
			course->err, NULL, "the host is a snapshot; only this machine's VMs can be moved");
	course->pidfd = vn_process_open(move->process.pid, move->process.start_time, move->process.exe);
	if (course->pidfd < 0)
		return gone(course, course->pidfd);
	int r = vn_journal_lock(course->state, &move->process, &course->lock, course->err);
	return r < 0 ? r : vn_hot_clean(move->process.pid, course->err);
}

static int tell(struct course *course, const char *step)
{
	const struct vn_move_watcher *watcher = course->watcher;

	return watcher->told ? watcher->told(watcher->context, course->move, step) : 0;
}

/* A phase is on disk before what belongs to it begins. */
static int enter(struct course *course, enum vn_move_phase phase)
{
	course->move->phase = phase;
	return vn_journal_write(course->state, course->move, course->err);
}

/* ---- memory ---- */

/* Called between batches. That the process is still the one we opened, its pidfd tells: it becomes readable when that ends. */
static int told(void *context, const struct vn_move_progress *progress)
{
	struct course *course = context;
	struct pollfd end = {.fd = course->pidfd, .events = POLLIN};
	int64_t now = vn_now_ms();

	course->move->progress = *progress;
	if (poll(&end, 1, 0) > 0)
		return -ESRCH;
	if (now - course->written >= PROGRESS_MS) {
		vn_journal_progress(course->state, course->move);
		course->written = now;
	}
	return tell(course, NULL);
}

static int move_ranges(struct course *course, const struct vn_move_range *ranges, size_t n)
{
	struct vn_move *move = course->move;
	struct vn_migrate job = {.pid = move->process.pid,
		.n_ranges = n,
		.ranges = ranges,
		.limits = &move->limits,
		.stop_fd = course->watcher->stop_fd,
		.told = told,
		.context = course};
	struct vn_move_progress progress = {0};
	int r = vn_migrate_run(&job, &progress, course->err);

	move->progress = progress;
	return r;
}

static uint64_t stayed(const struct vn_move_progress *progress)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < VN_STAYED_N; i++)
		sum += progress->stayed[i];
	return sum;
}

/* Narrowing a cpuset lets the kernel move the rest at once, unthrottled: only where there is next to none. */
static int narrow(struct course *course)
{
	struct vn_move *move = course->move;

	if (move->n_cpusets == 0)
		return 0;
	if (stayed(&move->progress) <= move->progress.total / LEFT_SHARE)
		return vn_move_cpusets_set(move, VN_CPUSET_NARROW, course->err);
	int r = vn_notes_add(&move->notes, "cpuset-left-wide",
		"the VM's cpuset allows its old nodes still, for memory that stayed there; when that has moved (move --resume) it is "
		"narrowed");
	return r < 0 ? vn_error_environment(course->err, r, "out of memory") : 0;
}

/* What was noted when memory was on its way before, and is found anew. */
static void forget_notes(struct vn_move *move)
{
	static const char *const codes[] = {
		"damon-missing", "damon-taken", "damon-forbidden", "damon-failed", "cpuset-left-wide"};

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		vn_notes_drop(&move->notes, codes[i]);
}

static int move_memory(struct course *course)
{
	struct vn_move *move = course->move;
	struct vn_hot_wish wish = {.pid = move->process.pid,
		.watch_ms = WATCH_MS,
		.no_damon = course->watcher->no_damon,
		.stop_fd = course->watcher->stop_fd};
	vn_autofree struct vn_move_range *pieces = NULL;
	size_t n = 0;

	forget_notes(move);
	int r = vn_page_map_write(course->state, move, course->err); /* what an earlier one has is kept */

	if (r == 0)
		r = vn_move_cpusets_set(move, VN_CPUSET_WIDEN, course->err);
	if (r == 0)
		r = tell(course, "memory");
	if (r == 0)
		r = vn_hot_order(&wish, move->ranges, move->n_ranges, &pieces, &n, &move->order, &move->notes,
			course->err);
	if (r < 0)
		return r;
	move->order_known = true;
	r = move_ranges(course, pieces, n);
	return r < 0 ? r : narrow(course);
}

/* Where the process ends, whoever finds out first has words of his own for it: it is told once, with the VM's name. */
static int tell_end_once(struct course *course, int (*work)(struct course *course))
{
	struct vn_error *err = course->err;
	vn_autoerror problems = {0};

	course->err = &problems;
	int r = work(course);
	course->err = err;
	if (r == -ESRCH)
		return gone(course, r);
	vn_error_move(err, &problems);
	return r;
}

/* ---- there ---- */

static int carry_out(struct course *course)
{
	struct vn_move *move = course->move;
	int r = 0;

	if (move->threads) {
		r = tell(course, "threads");
		if (r == 0)
			r = vn_move_threads_set(move, false, course->err);
		if (r == 0)
			r = vn_move_irqs_set(move, false, &move->notes, course->err);
	}
	if (r == 0)
		r = enter(course, move->memory ? VN_MOVE_THREADS_MOVED : VN_MOVE_DONE);
	if (r < 0 || !move->memory)
		return r;
	r = tell_end_once(course, move_memory);
	/* Also what failed is written down; but of a VM that is gone nothing is worth keeping. */
	int written = r == -ESRCH ? vn_journal_remove(course->state, &move->process, NULL)
				  : enter(course, r == 0 ? VN_MOVE_DONE : VN_MOVE_STOPPED);
	return r < 0 ? r : written;
}

/* Nothing is half-done: threads that could be set are set back when others could not. */
static void take_back(struct course *course, bool is_first)
{
	vn_autoerror ignored = {0};
	struct vn_notes notes = {0};

	vn_move_threads_set(course->move, true, &ignored);
	vn_move_irqs_set(course->move, true, &notes, &ignored);
	vn_notes_clear(&notes);
	if (is_first)
		vn_journal_remove(course->state, &course->move->process, &ignored);
}

/* What was before vnuma's first move of the VM is what undo leads back to. */
static void keep_first_blocks(struct vn_move *move, struct vn_move *first)
{
	if (!first || first->n_blocks == 0)
		return;
	for (size_t i = 0; i < move->n_blocks; i++)
		vn_move_block_clear(&move->blocks[i]);
	free(move->blocks);
	move->blocks = vn_steal(first->blocks);
	move->n_blocks = first->n_blocks;
	move->begun = first->begun;
	first->n_blocks = 0;
}

static int write_down(struct course *course, struct vn_move *first)
{
	struct vn_move *move = course->move;
	int r = vn_move_threads_read(move, first, course->err);

	move->begun = time(NULL);
	if (r == 0)
		r = vn_move_irqs_read(move, first, course->err);
	if (r == 0)
		r = vn_move_cpusets_find(move, first, course->err);
	if (r == 0)
		keep_first_blocks(move, first);
	return r < 0 ? r : enter(course, VN_MOVE_PLANNED);
}

int vn_move_run(const struct vn_state *state, const struct vn_host *host, struct vn_move *move,
	const struct vn_move_watcher *watcher, struct vn_error *err)
{
	autocourse course = {state, move, watcher, -1, -1, 0, err};
	vn_automove *first = NULL;
	int r = begin(&course, host);

	if (r == 0)
		r = vn_journal_read(state, &move->process, &first, err);
	if (r < 0 && r != -ENOENT)
		return r;
	r = write_down(&course, first);
	if (r < 0)
		return r;
	r = carry_out(&course);
	if (r < 0 && move->phase == VN_MOVE_PLANNED)
		take_back(&course, !first);
	return r;
}

/* Cpusets that an even earlier move widened are on record, and may lack the targets of this one. */
static int add_memory(struct course *course)
{
	struct vn_move *move = course->move;
	vn_automove *first = vn_move_new();

	if (!first)
		return vn_error_environment(course->err, -ENOMEM, "out of memory");
	first->cpusets = vn_steal(move->cpusets);
	first->n_cpusets = move->n_cpusets;
	move->n_cpusets = 0;
	move->memory = true;
	int r = vn_move_cpusets_find(move, first, course->err);
	return r < 0 ? r : enter(course, VN_MOVE_PLANNED);
}

int vn_move_resume(const struct vn_state *state, const struct vn_host *host, struct vn_move *move,
	const struct vn_move_watcher *watcher, struct vn_error *err)
{
	autocourse course = {state, move, watcher, -1, -1, 0, err};
	int r = begin(&course, host);

	if (r == 0 && move->phase == VN_MOVE_UNDOING)
		return vn_error_input(
			err, NULL, "'%s': an undo was begun; 'vnuma undo' goes on with it", move->name);
	if (r == 0 && !move->memory) /* only threads were asked for at first */
		r = add_memory(&course);
	return r < 0 ? r : carry_out(&course);
}

/* ---- back ---- */

static int move_back(struct course *course)
{
	vn_autofree struct vn_move_range *ranges = NULL;
	size_t n = 0;
	int r = vn_page_map_read(course->state, course->move, &ranges, &n, course->err);

	if (r == -ENOENT)
		return 0; /* no memory was moved */
	if (r == 0)
		r = vn_move_cpusets_set(course->move, VN_CPUSET_WIDEN, course->err);
	if (r == 0)
		r = tell(course, "memory");
	if (r == 0)
		r = move_ranges(course, ranges, n);
	return r;
}

int vn_move_undo(const struct vn_state *state, const struct vn_host *host, struct vn_move *move, bool memory,
	const struct vn_move_watcher *watcher, struct vn_error *err)
{
	autocourse course = {state, move, watcher, -1, -1, 0, err};
	int r = begin(&course, host);

	if (r == 0)
		r = enter(&course, VN_MOVE_UNDOING);
	if (r == 0)
		r = tell(&course, "threads");
	if (r == 0)
		r = vn_move_threads_set(move, true, err);
	if (r == 0)
		r = vn_move_irqs_set(move, true, &move->notes, err);
	if (r == 0 && memory)
		r = tell_end_once(&course, move_back);
	/* Without its memory back, a narrow cpuset would have the kernel move it at once. */
	bool all_back = stayed(&move->progress) <= move->progress.total / LEFT_SHARE;
	if (r == 0 && memory && all_back)
		r = vn_move_cpusets_set(move, VN_CPUSET_BACK, err);
	/* What would not go back can be tried again: the journal is kept for that. */
	return r < 0 || (memory && !all_back) ? r : vn_journal_remove(state, &move->process, err);
}
