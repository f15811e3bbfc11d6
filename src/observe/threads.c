/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "threads.h"

#include <limits.h>
#include <string.h>

#include "../base/directory.h"
#include "../base/parse.h"
#include "../base/process.h"
#include "../base/text.h"

void vn_threads_clear(struct vn_threads_seen *threads)
{
	for (size_t i = 0; i < threads->n; i++)
		hwloc_bitmap_free(threads->v[i].cpus);
	free(threads->v);
	*threads = (struct vn_threads_seen){0};
}

int vn_status_parse(const char *text, struct vn_thread_seen *ret_thread)
{
	vn_autofree char *name = vn_line_value(text, "Name", ':');
	vn_autofree char *list = vn_line_value(text, "Cpus_allowed_list", ':');
	struct vn_thread_seen thread = {0};

	if (!name || !list)
		return -EINVAL;
	int r = vn_set_parse(list, &thread.cpus);
	if (r < 0)
		return r;
	snprintf(thread.comm, sizeof(thread.comm), "%.31s", name);
	*ret_thread = thread;
	return 0;
}

static int add(struct vn_threads_seen *threads, const char *path, pid_t tid)
{
	vn_autofree char *text = NULL;
	struct vn_thread_seen thread;
	int r = vn_proc_read(path, &text);

	if (r == 0)
		r = vn_status_parse(text, &thread);
	if (r != 0)
		return r;
	thread.tid = tid;
	struct vn_thread_seen *grown = reallocarray(threads->v, threads->n + 1, sizeof(*grown));
	if (!grown) {
		hwloc_bitmap_free(thread.cpus);
		return -ENOMEM;
	}
	threads->v = grown;
	grown[threads->n++] = thread;
	return 0;
}

int vn_threads_add(struct vn_threads_seen *threads, pid_t tid)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/status", tid);
	return add(threads, path, tid);
}

int vn_threads_read(pid_t pid, struct vn_threads_seen *ret_threads, struct vn_error *err)
{
	vn_autothreads threads = {0};
	char path[64], status[128];

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	vn_autoclosedir DIR *directory = opendir(path);
	if (!directory) {
		int r = errno == ENOENT ? -ESRCH : -errno;
		return vn_error_environment(err, r, "%s: %s", path, strerror(-r));
	}
	for (struct dirent *entry; (entry = readdir(directory));) {
		uint64_t tid;
		if (vn_parse_u64(entry->d_name, INT_MAX, &tid) < 0)
			continue; /* . and .. */
		snprintf(status, sizeof(status), "%s/%d/status", path, (int)tid);
		int r = add(&threads, status, (pid_t)tid);
		if (r < 0 && r != -ESRCH)
			return vn_error_environment(err, r, "%s: %s", status, strerror(-r));
	}
	if (threads.n == 0)
		return vn_error_environment(err, -ESRCH, "%s: %s", path, strerror(ESRCH));
	*ret_threads = threads;
	threads = (struct vn_threads_seen){0};
	return 0;
}
