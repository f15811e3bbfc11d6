/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A connected socket over which lines of text go to and fro: what QEMU's protocols (QMP, the guest agent's) have in common.
 *
 * Theory of operation: nothing blocks longer than its deadline (of vn_now_ms()). The socket is asked without blocking, and every wait
 * is a poll that also ends when one of two descriptors of the caller's becomes readable (a signalfd, the pidfd of QEMU). A line is
 * kept until the next one is asked for; one that is longer than `max` ends the connection's use. Only statuses come back: the words are
 * the protocol's.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vn_wire {
	int fd; /* owned */
	int abort_fds[2]; /* readable: -ECANCELED. -1 for none */
	size_t max; /* bytes a line may have */
	char *buffer; /* received; owned */
	size_t length, capacity;
	size_t used; /* bytes of it that the line given out last takes, with its newline */
	bool is_late; /* something was taken after the deadline `late` */
	int64_t late;
};

/* Waits until `fd` (-1: none) is ready for `events` of poll(2). 0, -ETIMEDOUT, -ECANCELED, or poll's errno. */
int vn_wire_wait(int fd, short events, const int abort_fds[2], int64_t deadline);

/* Sends all of it. 0, -ETIMEDOUT, -ECANCELED, -ECONNRESET. */
int vn_wire_send(struct vn_wire *wire, const char *text, size_t length, int64_t deadline);

/*
 * The next line, without its newline and without an end of its own; it may hold any bytes, and is there until the next call. 0, -ETIMEDOUT,
 * -ECANCELED, -ECONNRESET (closed at the other end), -EMSGSIZE, -ENOMEM.
 */
int vn_wire_line(struct vn_wire *wire, int64_t deadline, const char **ret_line, size_t *ret_length);

/* Closes the socket. */
void vn_wire_close(struct vn_wire *wire);
