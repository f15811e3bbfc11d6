/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "wire.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "clock.h"
#include "error.h"

#define READ_STEP 65536u

int vn_wire_wait(int fd, short events, const int abort_fds[2], int64_t deadline)
{
	for (;;) {
		struct pollfd fds[] = {{fd, events, 0}, {abort_fds[0], POLLIN, 0},
			{abort_fds[1], POLLIN, 0}}; /* poll(2) skips negative descriptors */
		int n = poll(fds, 3, vn_left_ms(deadline));
		if (n < 0 && errno != EINTR)
			return vn_errno();
		if (n > 0 && (fds[1].revents || fds[2].revents))
			return -ECANCELED;
		if (n > 0)
			return 0;
		if (n == 0)
			return -ETIMEDOUT;
	}
}

static int grow(struct vn_wire *wire)
{
	size_t capacity = wire->capacity ? wire->capacity * 2 : READ_STEP;

	if (wire->length >= wire->max)
		return -EMSGSIZE;
	char *grown = realloc(wire->buffer, capacity);
	if (!grown)
		return -ENOMEM;
	wire->buffer = grown;
	wire->capacity = capacity;
	return 0;
}

/*
 * Adds what has arrived to the buffer; waits for some. What is there when the deadline has passed is taken once: who sends without an
 * end, so that there always is something, holds up nobody.
 */
static int receive(struct vn_wire *wire, int64_t deadline)
{
	bool is_late = vn_now_ms() > deadline;

	if (is_late && wire->is_late && wire->late == deadline)
		return -ETIMEDOUT;
	wire->is_late = is_late;
	wire->late = deadline;
	int r = wire->length == wire->capacity ? grow(wire) : 0;
	if (r == 0)
		r = vn_wire_wait(wire->fd, POLLIN, wire->abort_fds, deadline);
	if (r < 0)
		return r;
	ssize_t n = recv(wire->fd, wire->buffer + wire->length, wire->capacity - wire->length, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0)
		return -ECONNRESET;
	wire->length += (size_t)n;
	return 0;
}

/* Takes the line that was given out last away. */
static void forget(struct vn_wire *wire)
{
	if (wire->used == 0)
		return;
	wire->length -= wire->used;
	memmove(wire->buffer, wire->buffer + wire->used, wire->length);
	wire->used = 0;
}

int vn_wire_line(struct vn_wire *wire, int64_t deadline, const char **ret_line, size_t *ret_length)
{
	size_t searched = 0;
	char *end;

	forget(wire);
	while (!(end = wire->length > searched
			       ? memchr(wire->buffer + searched, '\n', wire->length - searched)
			       : NULL)) {
		searched = wire->length;
		int r = receive(wire, deadline);
		if (r < 0)
			return r;
	}
	*ret_line = wire->buffer;
	*ret_length = (size_t)(end - wire->buffer);
	wire->used = *ret_length + 1;
	return 0;
}

int vn_wire_send(struct vn_wire *wire, const char *text, size_t length, int64_t deadline)
{
	while (length > 0) {
		int r = vn_wire_wait(wire->fd, POLLOUT, wire->abort_fds, deadline);
		if (r < 0)
			return r;
		ssize_t n = send(wire->fd, text, length, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -ECONNRESET;
		if (n > 0) {
			text += n;
			length -= (size_t)n;
		}
	}
	return 0;
}

void vn_wire_close(struct vn_wire *wire)
{
	if (wire->fd >= 0)
		close(wire->fd);
	wire->fd = -1;
	free(wire->buffer);
	wire->buffer = NULL;
}
