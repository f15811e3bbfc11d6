/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A child process that switches our kdamond off when we are no more, whatever ended us.
 *
 * Theory of operation: it holds three descriptors and nothing else: the read end of a pipe whose only write end is ours, `state` of the
 * kdamond, and `nr_kdamonds`. It waits for the pipe to end, writes "off" and then "0", and exits. That is the ordinary way to switch it
 * off, too, so that it is tried with each use. It is made by fork without exec in a program that may have threads: it calls only what
 * is safe in a signal handler. All signals but SIGKILL are blocked in it, and it is a session of its own: Ctrl-C, a closed terminal and
 * a SIGTERM to the whole unit end us, and not it. The descriptor of `state` belongs to this very kdamond: should that be gone and
 * another have its number, a write says ENODEV (kernfs), and the other is left alone.
 */

#include <sys/types.h>

struct vn_damon_guard {
	pid_t pid;
	int fd; /* the write end */
};

/* Starts it. `state` and `number` are open for writing; it has copies. 0 or a negative errno. */
int vn_damon_guard_begin(int state, int number, struct vn_damon_guard *ret_guard);

/* Lets it switch off, and waits for its end. 0; -EIO: it did not succeed, or was killed. */
int vn_damon_guard_end(struct vn_damon_guard *guard);

/* What it does: `state` off, no kdamonds. 0, also when the kdamond is another's by now; or a negative errno. Safe in a signal handler. */
int vn_damon_switch_off(int state, int number);
