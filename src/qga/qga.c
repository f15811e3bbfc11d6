/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "qga.h"

#include <string.h>
#include <unistd.h>

#include "../base/clock.h"
#include "../base/text.h"
#include "../base/wire.h"
#include "reply.h"

#define CHUNK ((size_t)64 << 10) /* bytes of a file that are asked for at once */
#define PATIENCE 10 /* timeouts that all commands of a connection may take together */
#define SYNC_MASK 0x7fffffff

struct vn_qga {
	struct vn_wire wire;
	char *name; /* for messages */
	int timeout_ms; /* of a command */
	int64_t patience_ms; /* of all that are still to come */
	bool broken; /* what comes next may belong to another command */
};

static int wire_problem(struct vn_qga *qga, int status, const char *what, struct vn_error *err)
{
	qga->broken = true;
	switch (status) {
	case -ETIMEDOUT:
		return vn_error_environment(err, status,
			"guest agent %s: no answer in time (%s): no agent runs in the guest, it hangs, or somebody else talks to it",
			qga->name, what);
	case -ECANCELED:
		return vn_error_environment(err, status, "guest agent %s: given up (%s)", qga->name, what);
	case -ECONNRESET:
		return vn_error_environment(
			err, status, "guest agent %s: the connection was closed (%s)", qga->name, what);
	case -EMSGSIZE:
		return vn_error_environment(err, status, "guest agent %s: a reply of more than %zu KiB (%s)",
			qga->name, VN_QGA_REPLY_MAX >> 10, what);
	case -EPROTO:
		return vn_error_environment(err, status,
			"guest agent %s: what answers is not an agent's protocol (%s)", qga->name, what);
	default:
		return vn_error_environment(
			err, status, "guest agent %s: %s (%s)", qga->name, strerror(-status), what);
	}
}

/* Sends `text`, a line without its newline, behind `mark`. */
static int send_line(struct vn_qga *qga, const char *mark, const char *text, int64_t deadline)
{
	vn_autofree char *line = vn_format("%s%s\n", mark, text);

	return line ? vn_wire_send(&qga->wire, line, strlen(line), deadline) : -ENOMEM;
}

static int64_t begin(const struct vn_qga *qga, int64_t now)
{
	return now + (qga->patience_ms < qga->timeout_ms ? qga->patience_ms : qga->timeout_ms);
}

static void end(struct vn_qga *qga, int64_t begun)
{
	qga->patience_ms -= vn_now_ms() - begun;
	if (qga->patience_ms < 0)
		qga->patience_ms = 0;
}

static int synchronize(struct vn_qga *qga, struct vn_error *err)
{
	static const char what[] = "guest-sync-delimited";
	int64_t begun = vn_now_ms(), deadline = begin(qga, begun);
	json_int_t number = (begun ^ (json_int_t)getpid() << 16) & SYNC_MASK;
	vn_autofree char *text =
		vn_format("{\"execute\":\"%s\",\"arguments\":{\"id\":%lld}}", what, (long long)number);
	int r = text ? send_line(qga, "\xff", text, deadline) : -ENOMEM;
	const char *line;
	size_t length;

	while (r == 0) {
		r = vn_wire_line(&qga->wire, deadline, &line, &length);
		if (r == 0 && vn_qga_is_sync(line, length, number))
			break;
	}
	end(qga, begun);
	return r < 0 ? wire_problem(qga, r, what, err) : 0;
}

int vn_qga_attach(
	int fd, const char *name, int timeout_ms, int stop_fd, struct vn_qga **ret_qga, struct vn_error *err)
{
	vn_autoqga *qga = calloc(1, sizeof(*qga));

	if (!qga) {
		close(fd);
		return vn_error_environment(err, -ENOMEM, "out of memory");
	}
	*qga = (struct vn_qga){.wire = {fd, {stop_fd, -1}, .max = VN_QGA_REPLY_MAX},
		.name = strdup(name),
		.timeout_ms = timeout_ms,
		.patience_ms = (int64_t)timeout_ms * PATIENCE};
	if (!qga->name)
		/* cppcheck-suppress memleak; it does not know the cleanup attribute */
		return vn_error_environment(err, -ENOMEM, "out of memory");
	int r = synchronize(qga, err);
	if (r == 0)
		*ret_qga = vn_steal(qga);
	return r;
}

void vn_qga_free(struct vn_qga *qga)
{
	if (!qga)
		return;
	vn_wire_close(&qga->wire);
	free(qga->name);
	free(qga);
}

/* The reply to a command. Takes `arguments` over. */
static int execute(
	struct vn_qga *qga, const char *command, json_t *arguments, json_t **ret_reply, struct vn_error *err)
{
	json_auto_t *object = json_pack("{s:s, s:o*}", "execute", command, "arguments", arguments);
	vn_autofree char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;
	json_auto_t *reply = NULL;
	const char *line;
	size_t length;

	if (!text)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	if (qga->broken)
		return vn_error_environment(
			err, -ENOTCONN, "guest agent %s: not asked any more (%s)", qga->name, command);
	int64_t begun = vn_now_ms(), deadline = begin(qga, begun);
	int r = send_line(qga, "", text, deadline);
	if (r == 0)
		r = vn_wire_line(&qga->wire, deadline, &line, &length);
	if (r == 0)
		r = vn_qga_parse(line, length, &reply);
	end(qga, begun);
	if (r == -EREMOTEIO)
		return vn_error_environment(
			err, r, "guest agent %s: %s: %s", qga->name, command, json_string_value(reply));
	if (r < 0)
		return wire_problem(qga, r, command, err);
	*ret_reply = vn_steal(reply);
	return 0;
}

int vn_qga_allows(struct vn_qga *qga, const char *const *commands, struct vn_error *err)
{
	json_auto_t *reply = NULL;
	vn_autofree char *missing = NULL;
	int r = execute(qga, "guest-info", NULL, &reply, err);

	if (r < 0)
		return r;
	r = vn_qga_missing(reply, commands, &missing);
	if (r < 0)
		return wire_problem(qga, r, "guest-info", err);
	return missing ? vn_error_environment(
				 err, -EPERM, "guest agent %s: it does not allow %s", qga->name, missing)
		       : 0;
}

/* ---- files ---- */

static int open_file(
	struct vn_qga *qga, const char *path, const char *mode, json_int_t *ret_handle, struct vn_error *err)
{
	json_auto_t *reply = NULL;
	int r = execute(
		qga, "guest-file-open", json_pack("{s:s, s:s}", "path", path, "mode", mode), &reply, err);

	if (r < 0)
		return r;
	if (!json_is_integer(reply))
		return wire_problem(qga, -EPROTO, "guest-file-open", err);
	*ret_handle = json_integer_value(reply);
	return 0;
}

/* What was written reaches the kernel here, as the agent buffers it (qmp_guest_file_close(), qga/commands-posix.c). */
static int close_file(struct vn_qga *qga, json_int_t handle, struct vn_error *err)
{
	json_auto_t *reply = NULL;

	return execute(qga, "guest-file-close", json_pack("{s:I}", "handle", handle), &reply, err);
}

struct content {
	unsigned char *v; /* owned */
	size_t n;
};

static int read_chunk(
	struct vn_qga *qga, json_int_t handle, struct content *to, bool *ret_end, struct vn_error *err)
{
	static const char what[] = "guest-file-read";
	json_auto_t *reply = NULL;
	size_t n = 0;
	unsigned char *grown = realloc(to->v, to->n + CHUNK + 1);

	if (!grown)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	to->v = grown;
	int r = execute(qga, what, json_pack("{s:I, s:I}", "handle", handle, "count", (json_int_t)CHUNK),
		&reply, err);
	if (r < 0)
		return r;
	r = vn_qga_chunk(reply, CHUNK, to->v + to->n, &n, ret_end);
	if (r == 0 && ((n == 0 && !*ret_end) || memchr(to->v + to->n, '\0', n)))
		r = -EPROTO;
	to->n += n;
	if (r == 0 && to->n > VN_QGA_FILE_MAX)
		r = -EFBIG;
	return r < 0 ? wire_problem(qga, r, what, err) : 0;
}

int vn_qga_read_file(struct vn_qga *qga, const char *path, char **ret_text, struct vn_error *err)
{
	vn_autoerror ignored = {0};
	struct content content = {0};
	json_int_t handle;
	bool is_end = false;
	int r = open_file(qga, path, "r", &handle, err);

	if (r < 0)
		return r;
	while (r == 0 && !is_end)
		r = read_chunk(qga, handle, &content, &is_end, err);
	close_file(qga, handle, &ignored);
	if (r < 0) {
		free(content.v);
		return r;
	}
	content.v[content.n] = '\0';
	*ret_text = (char *)content.v;
	return 0;
}

static int write_text(struct vn_qga *qga, json_int_t handle, const char *text, struct vn_error *err)
{
	static const char what[] = "guest-file-write";
	vn_autofree char *coded = vn_qga_base64(text, strlen(text));
	json_auto_t *reply = NULL;

	if (!coded)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	int r = execute(qga, what, json_pack("{s:I, s:s}", "handle", handle, "buf-b64", coded), &reply, err);
	if (r < 0)
		return r;
	const json_t *count = json_object_get(reply, "count");
	if (!json_is_integer(count))
		return wire_problem(qga, -EPROTO, what, err);
	if (json_integer_value(count) != (json_int_t)strlen(text))
		return vn_error_environment(
			err, -EREMOTEIO, "guest agent %s: %s: not all was written", qga->name, what);
	return 0;
}

int vn_qga_write_file(struct vn_qga *qga, const char *path, const char *text, struct vn_error *err)
{
	vn_autoerror ignored = {0};
	json_int_t handle;
	int r = open_file(qga, path, "r+", &handle, err); /* which makes no file */

	if (r < 0)
		return r;
	r = write_text(qga, handle, text, err);
	int closed = close_file(qga, handle, r < 0 ? &ignored : err);
	return r < 0 ? r : closed;
}

/* ---- interfaces ---- */

int vn_qga_read_interfaces(struct vn_qga *qga, struct vn_qga_interfaces *ret, struct vn_error *err)
{
	static const char what[] = "guest-network-get-interfaces";
	json_auto_t *reply = NULL;
	int r = execute(qga, what, NULL, &reply, err);

	if (r < 0)
		return r;
	r = vn_qga_interfaces(reply, ret);
	return r < 0 ? wire_problem(qga, r, what, err) : 0;
}
