/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A process of our own that talks to libvirt, and can be killed.
 *
 * Theory of operation: libvirt's calls wait for its daemon as long as that takes, and a daemon that hangs takes for ever. Its client knows one
 * way out, keepalive messages (virConnectSetKeepAlive()), which the daemon's main loop answers while the worker that has our call hangs,
 * and which want an event loop in a thread beside us. So the calls are made by a child, and whoever wants no more of it kills it: that works
 * whatever it hangs in. virsh with a timeout would be such a child, too; but it is a package of its own, says what went wrong in the
 * language of the user, and a guest's agent is asked a hundred things, for each of which it would have to be started.
 *
 * The child has none of our descriptors (a lock that it kept would outlive us), no output, no signals of our terminal, and ends with us.
 * It is forked and runs no program: so it must be forked by a process without threads, as our verbs are.
 */
#include <sys/types.h>

struct vn_virt_child {
	pid_t pid; /* 0: none */
	int fd; /* a stream to it */
};

/*
 * Forks a child that does `work` with its end of the stream, and then ends. *ret_child is to be ended by vn_virt_child_end(). 0 or a
 * negative errno.
 */
int vn_virt_child_start(
	void (*work)(int fd, const void *context), const void *context, struct vn_virt_child *ret_child);

/* Kills it, whatever it is at, and waits for its end. Safe on a zeroed one, and twice. */
void vn_virt_child_end(struct vn_virt_child *child);
#define vn_autochild vn_cleanup(vn_virt_child_end) struct vn_virt_child
