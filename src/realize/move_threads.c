/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: a tid is only touched if the thread's start time is the one on record, for tids are handed out again. Between that
 * look and the call the thread may still end and its number go to a stranger: the kernel has no affinity call by descriptor. The window is
 * some microseconds, and pids are handed out in a circle, so that a whole round of the pid space would have to fall into it.
 */
#define _GNU_SOURCE
#include "move_threads.h"

#include <limits.h>
#include <string.h>

#include "../base/directory.h"
#include "../base/parse.h"
#include "../base/process.h"
#include "../base/text.h"
#include "pin.h"
#include "sys.h"

static int start_time_of(const struct vn_move *move, const struct vn_move_thread *thread, uint64_t *ret)
{
	return thread->of_kernel ? vn_process_start_time(thread->tid, ret)
				 : vn_thread_start_time(move->process.pid, thread->tid, ret);
}

static struct vn_move_thread *find(const struct vn_move *move, pid_t tid)
{
	for (size_t i = 0; i < move->n_threads; i++) {
		if (move->thread_list[i].tid == tid)
			return &move->thread_list[i];
	}
	return NULL;
}

/* ---- reading ---- */

/* 1: it was read; 0: it is gone. */
static int read_thread(const struct vn_move *move, const struct vn_move *first, struct vn_move_thread *thread)
{
	uint64_t start_time;
	vn_autoset now = hwloc_bitmap_alloc();
	int r = now ? start_time_of(move, thread, &start_time) : -ENOMEM;

	if (r == -ESRCH || (r == 0 && thread->start_time && thread->start_time != start_time))
		return 0;
	if (r == 0)
		r = vn_sys_get_affinity(thread->tid, now);
	if (r < 0)
		return r == -ESRCH ? 0 : r;
	const struct vn_move_thread *was = first ? find(first, thread->tid) : NULL;
	bool same = was && was->start_time == start_time;
	if (hwloc_bitmap_copy(thread->before, same ? was->before : now) < 0)
		return -ENOMEM;
	thread->start_time = start_time;
	return 1;
}

static int add_copy(struct vn_move *move, const struct vn_move_thread *from)
{
	struct vn_move_thread *grown = reallocarray(move->thread_list, move->n_threads + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	move->thread_list = grown;
	struct vn_move_thread *thread = &grown[move->n_threads++];
	*thread = *from;
	thread->before = hwloc_bitmap_dup(from->before);
	thread->after = hwloc_bitmap_dup(from->after);
	return thread->before && thread->after ? 0 : -ENOMEM;
}

/* What an earlier move put elsewhere, and this one leaves alone (--memory-only): undo has to know it still. */
static int keep_earlier(struct vn_move *move, const struct vn_move *first)
{
	int r = 0;

	for (size_t i = 0; first && i < first->n_threads && r == 0; i++) {
		if (!find(move, first->thread_list[i].tid))
			r = add_copy(move, &first->thread_list[i]);
	}
	return r;
}

/* One whose tid was another's in between is a new one: what is on record of the other is of no use any more. */
int vn_move_threads_join(struct vn_move *first, const struct vn_move *move)
{
	int r = 0;

	for (size_t i = 0; i < move->n_threads && r == 0; i++) {
		const struct vn_move_thread *thread = &move->thread_list[i];
		struct vn_move_thread *was = find(first, thread->tid);
		if (!was)
			r = add_copy(first, thread);
		else if (hwloc_bitmap_copy(was->after, thread->after) < 0 ||
			 (was->start_time != thread->start_time &&
				 hwloc_bitmap_copy(was->before, thread->before) < 0))
			r = -ENOMEM;
		else
			was->start_time = thread->start_time;
	}
	return r;
}

int vn_move_threads_read(struct vn_move *move, const struct vn_move *first, struct vn_error *err)
{
	size_t kept = 0;

	for (size_t i = 0; i < move->n_threads; i++) {
		struct vn_move_thread *thread = &move->thread_list[i];
		int r = read_thread(move, first, thread);
		if (r < 0)
			return vn_error_environment(err, r, "thread %d (%s): its CPUs cannot be read: %s",
				thread->tid, thread->name, strerror(-r));
		if (r == 0) {
			vn_move_thread_clear(thread);
			continue;
		}
		struct vn_move_thread read = *thread;
		*thread = (struct vn_move_thread){0};
		move->thread_list[kept++] = read;
	}
	move->n_threads = kept;
	return keep_earlier(move, first) < 0 ? vn_error_environment(err, -ENOMEM, "out of memory") : 0;
}

/* ---- setting ---- */

/* What stops one thread does not stop the others; an ended one is no failure. */
static int set_one(pid_t tid, const char *name, hwloc_const_bitmap_t cpus, struct vn_error *err)
{
	int r = vn_sys_set_affinity(tid, cpus);

	if (r >= 0 || r == -ESRCH)
		return 0;
	vn_autofree char *list = vn_set_text(cpus);
	return vn_error_environment(err, r, "thread %d (%s): cannot be put on CPUs %s: %s", tid, name,
		list ? list : "",
		r == -ENODEV || r == -EINVAL ? "its cgroup's cpuset.cpus allows only others"
		: r == -EPERM                ? "not permitted (the same user, or CAP_SYS_NICE, is needed)"
					     : strerror(-r));
}

static int set_known(
	const struct vn_move *move, const struct vn_move_thread *thread, bool back, struct vn_error *err)
{
	uint64_t start_time;

	if (start_time_of(move, thread, &start_time) < 0 || start_time != thread->start_time)
		return 0;
	return set_one(thread->tid, thread->name, back ? thread->before : thread->after, err);
}

/* Threads that QEMU made since the sample was taken inherited from the one that made them, before it was moved, perhaps. */
static int set_unknown(const struct vn_move *move, bool back, struct vn_error *err)
{
	const struct vn_move_thread *main_thread = find(move, move->process.pid);
	char path[64];
	int result = 0;

	if (!main_thread)
		return 0;
	snprintf(path, sizeof(path), "/proc/%d/task", move->process.pid);
	vn_autoclosedir DIR *tasks = opendir(path);
	if (!tasks)
		return 0; /* it is gone */
	for (struct dirent *entry; (entry = readdir(tasks));) {
		vn_autofree char *comm = NULL, *file = vn_format("%s/%s/comm", path, entry->d_name);
		uint64_t tid;
		pid_t owner;
		if (!file || vn_parse_u64(entry->d_name, INT_MAX, &tid) < 0 || find(move, (pid_t)tid) ||
			vn_proc_read(file, &comm) < 0)
			continue;
		comm[strcspn(comm, "\n")] = 0;
		if (vn_is_vhost(comm, &owner))
			continue; /* the worker of a device that was plugged in meanwhile: nobody asked for it */
		int r = set_one((pid_t)tid, comm, back ? main_thread->before : main_thread->after, err);
		result = result < 0 ? result : r;
	}
	return result;
}

int vn_move_threads_set(const struct vn_move *move, bool back, struct vn_error *err)
{
	int result = back ? set_unknown(move, back, err) : 0;

	for (size_t i = 0; i < move->n_threads; i++) {
		size_t at = back ? move->n_threads - 1 - i : i;
		int r = set_known(move, &move->thread_list[at], back, err);
		result = result < 0 ? result : r;
	}
	int r = back ? 0 : set_unknown(move, back, err);
	return result < 0 ? result : r;
}
