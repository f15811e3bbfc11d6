/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "move.h"

#include <poll.h>
#include <string.h>
#include <time.h>

#include "../base/clock.h"
#include "../base/process.h"
#include "../base/text.h"
#include "../model/move_text.h"
#include "hot.h"
#include "journal.h"
#include "migrate.h"
#include "move_cpusets.h"
#include "move_guest.h"
#include "move_irqs.h"
#include "move_threads.h"
#include "page_map.h"

#define PROGRESS_MS 1000 /* between two writings of how far it is */
#define LEFT_SHARE 1000u /* one of so many bytes may be elsewhere when a cpuset is narrowed */

/* A move under way, or its way back. */
struct course {
	const struct vn_state *state;
	const struct vn_process *process;
	struct vn_move *move;
	const struct vn_move_watcher *watcher;
	struct vn_qga *agent; /* of the guest; borrowed; NULL: none */
	int pidfd, lock;
	bool is_later; /* another run wrote the move down */
	uint64_t to_go; /* bytes that may have to move */
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
	const char *name = course->move ? course->move->name : "";

	return vn_error_environment(course->err, status, "%s%s%sprocess %d %s", *name ? "'" : "", name,
		*name ? "': " : "", course->process->pid,
		status == -ESRCH ? "is gone, or is another one by now: nothing more is done to it"
				 : strerror(-status));
}

static int begin(struct course *course, const struct vn_host *host)
{
	const struct vn_process *process = course->process;

	if (!host->live)
		return vn_error_input(
			course->err, NULL, "the host is a snapshot; only this machine's VMs can be moved");
	course->pidfd = vn_process_open(process->pid, process->start_time, process->exe);
	if (course->pidfd < 0)
		return gone(course, course->pidfd);
	int r = vn_journal_lock(course->state, process, &course->lock, course->err);
	return r < 0 ? r : vn_hot_clean(process->pid, course->err);
}

/*
 * The same of what is on record. Where nothing is, no lock is made for it; what is there then may be gone, or be another one, once we have
 * the lock.
 */
static int begin_on_record(struct course *course, const struct vn_host *host, struct vn_move **ret_move)
{
	if (!vn_journal_exists(course->state, course->process))
		return -ENOENT;
	int r = begin(course, host);
	if (r < 0)
		return r;
	r = vn_journal_read(course->state, course->process, ret_move, course->err);
	if (r < 0)
		return r;
	course->move = *ret_move;
	return 0;
}

/* What a move on record set inside the guest takes its agent. */
static int find_agent(struct course *course)
{
	const struct vn_move_watcher *watcher = course->watcher;

	if (!vn_move_guest_changes(course->move) || !watcher->inside)
		return 0;
	return watcher->inside(watcher->context, course->move, &course->agent, course->err);
}

/* Memory takes long, and others may want the agent. */
static void leave_guest(struct course *course)
{
	course->agent = NULL;
	if (course->watcher->leave)
		course->watcher->leave(course->watcher->context);
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

/* The same while it is asked where pages are. */
static int told_asked(void *context, uint64_t asked, uint64_t pages)
{
	struct course *course = context;
	const struct vn_move_watcher *watcher = course->watcher;
	struct pollfd ends[] = {
		{.fd = course->pidfd, .events = POLLIN}, {.fd = watcher->stop_fd, .events = POLLIN}};

	if (poll(ends, 2, 0) > 0)
		return ends[0].revents ? -ESRCH : -ECANCELED;
	if (watcher->asking)
		watcher->asking(watcher->context, course->move, asked, pages);
	return 0;
}

static int move_ranges(struct course *course, const struct vn_move_range *ranges, size_t n)
{
	struct vn_move *move = course->move;
	/* what moved to where it is moves back from there */
	bool pinned = move->phase != VN_MOVE_UNDOING && vn_notes_has(&move->notes, "devices-pin-memory");
	struct vn_migrate job = {.pid = move->process.pid,
		.n_ranges = n,
		.ranges = ranges,
		.n_suspects = pinned ? move->n_blocks : 0,
		.suspects = move->blocks,
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
	static const char *const codes[] = {"damon-missing", "damon-taken", "damon-forbidden", "damon-failed",
		"order-says-little", "cpuset-left-wide", "look-left-out"};

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		vn_notes_drop(&move->notes, codes[i]);
}

/* How long to look which memory is used most. A note says why not at all, unless that was asked for. */
static int choose_look(struct course *course, unsigned *ret_ms)
{
	struct vn_move *move = course->move;
	int r = 0;

	*ret_ms = VN_HOT_WATCH_MS;
	if (course->watcher->look == VN_MOVE_LOOK_NEVER)
		*ret_ms = 0;
	if (course->watcher->look != VN_MOVE_LOOK_IF_IT_PAYS)
		return 0;
	*ret_ms = vn_hot_watch_ms(course->to_go, move->limits.rate);
	if (*ret_ms == 0)
		r = vn_notes_add(&move->notes, "look-left-out",
			"by address: so little is there sooner than could be seen which of it is used most");
	return r < 0 ? vn_error_environment(course->err, r, "out of memory") : 0;
}

static int move_memory(struct course *course)
{
	struct vn_move *move = course->move;
	struct vn_hot_wish wish = {.pid = move->process.pid, .stop_fd = course->watcher->stop_fd};
	vn_autofree struct vn_move_range *pieces = NULL;
	size_t n = 0;

	forget_notes(move);
	int r = vn_page_map_write(course->state, move,
		&(struct vn_page_map_calls){.told = told_asked, .context = course},
		course->err); /* what an earlier one has is kept */

	if (r == 0)
		r = vn_move_cpusets_set(move, VN_CPUSET_WIDEN, course->err);
	if (r == 0)
		r = tell(course, "memory");
	if (r == 0)
		r = choose_look(course, &wish.watch_ms);
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
		if (r == 0 && course->agent)
			r = course->is_later ? vn_move_guest_set_later(course->agent, move, course->err)
					     : vn_move_guest_set(course->agent, move, course->err);
		if (r == 0)
			r = vn_move_threads_set(move, false, course->err);
		if (r == 0)
			r = vn_move_irqs_set(move, false, &move->notes, course->err);
	}
	if (r == 0)
		r = enter(course, move->memory ? VN_MOVE_THREADS_MOVED : VN_MOVE_DONE);
	if (r < 0 || !move->memory)
		return r;
	leave_guest(course);
	r = tell_end_once(course, move_memory);
	/* Also what failed is written down; but of a VM that is gone nothing is worth keeping. */
	int written = r == -ESRCH ? vn_journal_remove(course->state, &move->process, NULL)
				  : enter(course, r == 0 ? VN_MOVE_DONE : VN_MOVE_STOPPED);
	return r < 0 ? r : written;
}

/* What was before vnuma's first move of the VM is what undo leads back to. Done twice, each has its own again. */
static void exchange_blocks(struct vn_move *move, struct vn_move *first)
{
	struct vn_move_block *blocks = move->blocks;
	size_t n = move->n_blocks;

	if (n == 0 || first->n_blocks == 0)
		return;
	move->blocks = first->blocks;
	move->n_blocks = first->n_blocks;
	first->blocks = blocks;
	first->n_blocks = n;
}

/*
 * Nothing is half-done: threads that could be set are set back when others could not, to what was right before this move, which after
 * an earlier one is not what undo leads to. `present` NULL: none was set. The earlier move's journal takes the place of this one's.
 */
static void take_back(struct course *course, struct vn_move *present, struct vn_move *first)
{
	vn_autoerror ignored = {0};
	struct vn_notes notes = {0};

	if (present && course->move->threads) {
		if (course->agent)
			vn_move_guest_take_back(course->agent, course->watcher, present);
		course->agent = NULL; /* it may be another by now */
		vn_move_threads_set(present, true, &ignored);
		vn_move_irqs_set(present, true, &notes, &ignored);
		vn_notes_clear(&notes);
	}
	if (first)
		exchange_blocks(course->move, first);
	vn_move_guest_end_record(course->state, present ? present : course->move, first, course->err);
}

/* What is to be written down, with what an earlier move knows better. */
static int complete(struct course *course, struct vn_move *first)
{
	struct vn_move *move = course->move;
	int r = vn_move_threads_read(move, first, course->err);

	move->begun = time(NULL);
	if (r == 0)
		r = vn_move_irqs_read(move, first, course->err);
	if (r == 0)
		r = vn_move_cpusets_find(move, first, course->err);
	if (r == 0)
		r = vn_move_guest_keep(move, first, course->err);
	if (r == 0 && first) {
		exchange_blocks(move, first);
		move->begun = first->begun;
	}
	return r;
}

/* The move as written down, but with what its threads, interrupts and guest have now as what was before. */
static int read_present(const struct course *course, struct vn_move **ret_present)
{
	vn_automove *present = NULL;
	int r = vn_journal_read(course->state, course->process, &present, course->err);

	if (r == 0)
		r = vn_move_threads_read(present, NULL, course->err);
	if (r == 0)
		r = vn_move_irqs_read(present, NULL, course->err);
	if (r == 0)
		r = vn_move_guest_present(present, course->move, course->err);
	if (r == 0)
		*ret_present = vn_steal(present);
	return r;
}

int vn_move_run(const struct vn_state *state, const struct vn_host *host, struct vn_move *move,
	const struct vn_move_watcher *watcher, struct vn_error *err)
{
	autocourse course = {state, &move->process, move, watcher, watcher->agent, -1, -1, false, 0, 0, err};
	vn_automove *first = NULL, *present = NULL;
	int r = begin(&course, host);

	if (r == 0)
		r = vn_journal_read(state, &move->process, &first, err);
	if (r < 0 && r != -ENOENT)
		return r;
	course.to_go = vn_move_to_go(move); /* by the blocks as they are now */
	r = complete(&course, first);
	if (r < 0)
		return r;
	r = enter(&course, VN_MOVE_PLANNED);
	if (r == 0)
		r = read_present(&course, &present);
	if (r == 0)
		r = carry_out(&course);
	if (r < 0 && move->phase == VN_MOVE_PLANNED)
		take_back(&course, present, first);
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
	first->numatune = move->numatune;
	move->numatune.before = move->numatune.during = move->numatune.after = NULL;
	move->memory = true;
	int r = vn_move_cpusets_find(move, first, course->err);
	return r < 0 ? r : enter(course, VN_MOVE_PLANNED);
}

int vn_move_resume(const struct vn_state *state, const struct vn_host *host, const struct vn_process *process,
	const struct vn_move_limits *limits, const struct vn_move_watcher *watcher, struct vn_move **ret_move,
	struct vn_error *err)
{
	autocourse course = {state, process, NULL, watcher, NULL, -1, -1, true, 0, 0, err};
	vn_automove *move = NULL;
	int r = begin_on_record(&course, host, &move);

	if (r < 0)
		return r;
	if (move->phase == VN_MOVE_UNDOING)
		return vn_error_input(
			err, NULL, "'%s': an undo was begun; 'vnuma undo' goes on with it", move->name);
	move->limits = *limits;
	r = find_agent(&course);
	for (size_t i = 0; i < move->n_ranges; i++)
		course.to_go += move->ranges[i].size; /* how much of it is there by now is not known */
	/* only threads were asked for at first; where these alone went home (move_pin.h), no memory follows */
	if (r == 0 && !move->memory && move->n_ranges > 0)
		r = add_memory(&course);
	if (r == 0)
		r = carry_out(&course);
	if (r == 0)
		*ret_move = vn_steal(move);
	return r;
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

static int take_all_back(struct course *course, bool memory)
{
	struct vn_move *move = course->move;
	size_t left = 0; /* inside the guest */
	int r = vn_move_threads_set(move, true, course->err);

	if (r == 0)
		r = vn_move_irqs_set(move, true, &move->notes, course->err);
	if (r == 0 && move->n_guest_settings && !course->watcher->guest_stays)
		r = vn_move_guest_back(course->agent, move, &left, course->err);
	leave_guest(course);
	if (r == 0 && memory)
		r = tell_end_once(course, move_back);
	/* Without its memory back, a narrow cpuset would have the kernel move it at once. */
	bool is_back = stayed(&move->progress) <= move->progress.total / LEFT_SHARE;
	if (r == 0 && memory && is_back)
		r = vn_move_cpusets_set(move, VN_CPUSET_BACK, course->err);
	/* What would not go back can be tried again: the journal is kept for that. */
	if (r < 0 || (memory && !is_back) || left > 0)
		return r;
	return vn_journal_remove(course->state, course->process, course->err);
}

int vn_move_undo(const struct vn_state *state, const struct vn_host *host, const struct vn_process *process,
	bool memory, const struct vn_move_watcher *watcher, struct vn_move **ret_move, struct vn_error *err)
{
	autocourse course = {state, process, NULL, watcher, NULL, -1, -1, true, 0, 0, err};
	vn_automove *move = NULL;
	int r = begin_on_record(&course, host, &move);

	if (r == 0 && !watcher->guest_stays)
		r = find_agent(&course);
	if (r == 0)
		r = enter(&course, VN_MOVE_UNDOING);
	if (r == 0)
		r = tell(&course, "threads");
	if (r == 0)
		r = take_all_back(&course, memory);
	if (r == 0)
		*ret_move = vn_steal(move);
	return r;
}
