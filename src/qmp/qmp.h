/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A client of QEMU's machine protocol (QMP) over a unix socket.
 *
 * Theory of operation: QMP is one JSON object a line (docs/interop/qmp-spec.txt in QEMU). The server greets,
 * we ask for its capabilities, and from then on each command has one reply, matched by an id of ours; a reply
 * with another id is a late answer to a command we gave up on, and dropped. Events may come at any time:
 * those that arrive while a reply is awaited are queued (the oldest go first when there are too many), and
 * vn_qmp_wait_event takes from that queue before it listens. Nothing blocks longer than its timeout: the
 * socket does not block, and every wait is a poll that also ends when one of the caller's own descriptors
 * becomes readable (a signalfd, the pidfd of QEMU).
 *
 * QEMU talks to one client at a time; a second one is let in but greeted only when the first has left.
 */

#include <jansson.h>
#include <stddef.h>

#include "../base/error.h"

#define VN_QMP_MESSAGE_MAX                                                                                   \
	((size_t)16 << 20) /* bytes a line; `query-qmp-schema` is the longest known, about 0.2 MiB */
#define VN_QMP_EVENTS_MAX 256u

struct vn_qmp;

/* What ends a wait. */
struct vn_qmp_limits {
	int timeout_ms; /* of connecting with greeting, and then of each command */
	int abort_fds[2]; /* readable: -ECANCELED. -1 for none */
};

#define VN_QMP_LIMITS(ms)                                                                                    \
	{                                                                                                    \
		(ms),                                                                                        \
		{                                                                                            \
			-1, -1                                                                               \
		}                                                                                            \
	}

/*
 * Connects, waits for the greeting, leaves negotiation mode. The socket need not be there yet. -ETIMEDOUT,
 * -ECANCELED, -EPROTO (what answers is not QMP), -ECONNRESET (it went away), -ENAMETOOLONG.
 */
int vn_qmp_connect(
	const char *path, const struct vn_qmp_limits *limits, struct vn_qmp **ret_qmp, struct vn_error *err);

/* The same on a connected socket, which is closed with the client, and on failure too. `name` is for
 * messages. */
int vn_qmp_attach(int fd, const char *name, const struct vn_qmp_limits *limits, struct vn_qmp **ret_qmp,
	struct vn_error *err);

void vn_qmp_free(struct vn_qmp *qmp);
static inline void vn_qmp_freep(struct vn_qmp **qmp)
{
	vn_qmp_free(*qmp);
}
#define vn_autoqmp vn_cleanup(vn_qmp_freep) struct vn_qmp

/* A timeout for the commands that follow. */
void vn_qmp_set_timeout(struct vn_qmp *qmp, int timeout_ms);

/*
 * Runs a command. `arguments` is borrowed, may be NULL; *ret_return (may be NULL) is a new reference to what
 * the command returned. An error reply is -EREMOTEIO and a problem that names command, class and description.
 */
int vn_qmp_execute(struct vn_qmp *qmp, const char *command, json_t *arguments, json_t **ret_return,
	struct vn_error *err);

/* A line for the human monitor; *ret_text is a new string. */
int vn_qmp_human(struct vn_qmp *qmp, const char *line, char **ret_text, struct vn_error *err);

/*
 * Waits for the next event with this name; others stay queued. 0 with a new reference, or -ETIMEDOUT without
 * a problem added (nothing happened: often good news).
 */
int vn_qmp_wait_event(
	struct vn_qmp *qmp, const char *name, int timeout_ms, json_t **ret_event, struct vn_error *err);

enum vn_qmp_kind { VN_QMP_GREETING, VN_QMP_RETURN, VN_QMP_ERROR, VN_QMP_EVENT };

/* Reads one line from the server, without its newline. -EPROTO for what is no message of the protocol. */
int vn_qmp_parse(const char *line, size_t length, enum vn_qmp_kind *ret_kind, json_t **ret_message);
