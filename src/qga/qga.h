/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A client of the QEMU guest agent: a program that runs inside the guest and answers on a virtio-serial port, which QEMU joins to a
 * unix socket of the host's.
 *
 * Theory of operation (docs/interop/qemu-ga.rst, qga/qapi-schema.json, qga/main.c of QEMU): one JSON object a line, one reply for each
 * command, no greeting and no events. What another client left unread, or half written, is still in the pipe: so 0xFF comes first, which
 * no JSON has and ends what the agent's parser had begun, and then `guest-sync-delimited` with a number of ours; the agent answers with
 * 0xFF and that number. What comes before is not for us.
 *
 * Who is in the guest may put any program in the agent's place. So no reply is believed: each has a limit of size, must be of the kind that
 * was asked for, and what is wrong with it ends the connection. Nobody waits longer than the timeout of a command: a guest may hang, be
 * paused, or have no agent; as QEMU takes one client at a time, another one may be talking to it. After such an end what the guest has
 * done of the last command is not known.
 */

#include <jansson.h>

#include "../base/error.h"

#define VN_QGA_REPLY_MAX ((size_t)1 << 20) /* bytes */
#define VN_QGA_FILE_MAX ((size_t)16 << 20) /* bytes of a file that is read */
#define VN_QGA_INTERFACES_MAX 256u
#define VN_QGA_NAME 16u /* bytes of an interface's name with its end: IFNAMSIZ */
#define VN_QGA_MAC 18u

struct vn_qga;

/*
 * Talks to the agent behind a connected socket, which is closed with the client, and on failure too. `name` is for messages; `stop_fd`
 * ends any wait when it becomes readable (-1: none). -ETIMEDOUT, -ECANCELED, -ECONNRESET, -EPROTO.
 */
int vn_qga_attach(
	int fd, const char *name, int timeout_ms, int stop_fd, struct vn_qga **ret_qga, struct vn_error *err);

void vn_qga_free(struct vn_qga *qga);
static inline void vn_qga_freep(struct vn_qga **qga)
{
	vn_qga_free(*qga);
}
#define vn_autoqga vn_cleanup(vn_qga_freep) struct vn_qga

/*
 * Whether the agent allows all of these commands (the last is NULL): distributions forbid some. -EPERM with one problem that names
 * all that it does not.
 */
int vn_qga_allows(struct vn_qga *qga, const char *const *commands, struct vn_error *err);

/*
 * A file of the guest as a text of at most VN_QGA_FILE_MAX bytes: no NUL in it. -EREMOTEIO: the agent says why not (there is no such
 * file, say), and can be asked on; any other failure is the connection's end, so of all that follows, too (-ENOTCONN).
 */
int vn_qga_read_file(struct vn_qga *qga, const char *path, char **ret_text, struct vn_error *err);

/* Writes `text` into a file that is there. -EREMOTEIO also when the guest's kernel refuses it. */
int vn_qga_write_file(struct vn_qga *qga, const char *path, const char *text, struct vn_error *err);

/* An Ethernet interface of the guest. */
struct vn_qga_interface {
	char name[VN_QGA_NAME]; /* as Linux takes it, and safe in a path */
	char mac[VN_QGA_MAC]; /* lower case */
};

struct vn_qga_interfaces {
	size_t n;
	struct vn_qga_interface v[VN_QGA_INTERFACES_MAX];
};

/* Those with a name and an address that are sound; others are left out. */
int vn_qga_read_interfaces(struct vn_qga *qga, struct vn_qga_interfaces *ret, struct vn_error *err);
