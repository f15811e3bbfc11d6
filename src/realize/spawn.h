/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A child process that does not run its program until it is told to.
 *
 * Theory of operation: the record of a VM must be on disk before its QEMU exists, or a crash in between would
 * leave a QEMU nobody knows of; but the record holds the process's pid and start time. So: fork; the child
 * waits on a pipe; the parent writes the record, then lets it go. When the parent dies first, the pipe ends
 * and the child exits. exec keeps pid and start time. A second pipe, closed by exec, brings the errno of an
 * exec that failed.
 */

#include "../base/error.h"

struct vn_child {
	pid_t pid;
	int pidfd;
	int go_fd; /* written to: run; closed: exit */
	int failed_fd; /* errno of the exec, or its end */
};

/*
 * Forks. The child is a session of its own, with /dev/null as its input, `log_fd` as output and error, no
 * other open descriptor, no blocked or ignored signal.
 */
int vn_spawn(char *const *argv, int log_fd, struct vn_child *ret_child, struct vn_error *err);

/* Lets it exec argv[0]. Fails with exec's errno. */
int vn_spawn_go(struct vn_child *child, const char *program, struct vn_error *err);

/* Kills it, if it still runs, and waits for its end. Closes all. Safe on a zeroed one. */
void vn_spawn_kill(struct vn_child *child);

/* Closes all and lets it run on. */
void vn_spawn_release(struct vn_child *child);

/* How a child that has ended did so: "exit status 1", "signal 9 (Killed)"; a new string, or NULL when it
 * still runs. */
char *vn_spawn_ending(const struct vn_child *child);
