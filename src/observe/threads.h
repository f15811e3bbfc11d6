/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Threads of a process, and the CPUs they may use. */

#include <sys/types.h>

#include "../base/set.h"

struct vn_thread_seen {
	pid_t tid;
	char comm[32]; /* the kernel's own names are at most 15 characters, those of its workers up to 31 */
	hwloc_bitmap_t cpus; /* Cpus_allowed_list; owned */
};

struct vn_threads_seen {
	size_t n;
	struct vn_thread_seen *v; /* oldest first, as the kernel lists them */
};

void vn_threads_clear(struct vn_threads_seen *threads);
#define vn_autothreads vn_cleanup(vn_threads_clear) struct vn_threads_seen

/* Reads the text of a /proc/.../status file: Name and Cpus_allowed_list. -EINVAL when either is not in it. */
int vn_status_parse(const char *text, struct vn_thread_seen *ret_thread);

/* All threads of a process. One that ends meanwhile is left out. -ESRCH when the process is gone. */
int vn_threads_read(pid_t pid, struct vn_threads_seen *ret_threads, struct vn_error *err);

/* Adds the process (or kernel thread) `tid` itself to `threads`; -ESRCH when it is gone, without a problem
 * added. */
int vn_threads_add(struct vn_threads_seen *threads, pid_t tid);
