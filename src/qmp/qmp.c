/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "qmp.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "../base/clock.h"
#include "../base/text.h"
#include "../base/wire.h"

#define RETRY_MS 20 /* between two looks for a socket that is not there yet */

struct vn_qmp {
	struct vn_wire wire;
	char *name; /* for messages */
	int timeout_ms;
	json_t *events; /* array, oldest first */
	json_int_t last_id;
};

int vn_qmp_parse(const char *line, size_t length, enum vn_qmp_kind *ret_kind, json_t **ret_message)
{
	json_t *message = json_loadb(line, length, JSON_REJECT_DUPLICATES, NULL);
	enum vn_qmp_kind kind;

	if (json_is_object(json_object_get(message, "QMP")))
		kind = VN_QMP_GREETING;
	else if (json_is_string(json_object_get(message, "event")))
		kind = VN_QMP_EVENT;
	else if (json_is_object(json_object_get(message, "error")))
		kind = VN_QMP_ERROR;
	else if (json_object_get(message, "return"))
		kind = VN_QMP_RETURN;
	else {
		json_decref(message);
		return -EPROTO;
	}
	*ret_kind = kind;
	*ret_message = message;
	return 0;
}

/* What ended the wire's work, in words. */
static int wire_problem(struct vn_qmp *qmp, int status, const char *what, struct vn_error *err)
{
	switch (status) {
	case -ETIMEDOUT:
		return vn_error_environment(
			err, status, "QMP %s: QEMU did not answer in time (%s)", qmp->name, what);
	case -ECANCELED:
		return vn_error_environment(err, status, "QMP %s: given up (%s)", qmp->name, what);
	case -EMSGSIZE:
		return vn_error_environment(err, status, "QMP %s: a message of more than %zu MiB (%s)",
			qmp->name, VN_QMP_MESSAGE_MAX >> 20, what);
	case -ECONNRESET:
		return vn_error_environment(
			err, status, "QMP %s: QEMU closed the connection (%s)", qmp->name, what);
	default:
		return vn_error_environment(
			err, status, "QMP %s: %s (%s)", qmp->name, strerror(-status), what);
	}
}

/* The next message of any kind. -ETIMEDOUT and -ECANCELED add no problem. */
static int next_message(struct vn_qmp *qmp, int64_t deadline, const char *what, enum vn_qmp_kind *ret_kind,
	json_t **ret_message, struct vn_error *err)
{
	const char *line;
	size_t length;
	int r = vn_wire_line(&qmp->wire, deadline, &line, &length);

	if (r == -ETIMEDOUT || r == -ECANCELED)
		return r;
	if (r < 0)
		return wire_problem(qmp, r, what, err);
	r = vn_qmp_parse(line, length, ret_kind, ret_message);
	if (r < 0)
		return vn_error_environment(
			err, r, "QMP %s: what answers is not QEMU's protocol (%s)", qmp->name, what);
	return 0;
}

static void queue_event(struct vn_qmp *qmp, json_t *event)
{
	if (json_array_size(qmp->events) >= VN_QMP_EVENTS_MAX)
		json_array_remove(qmp->events, 0);
	json_array_append_new(qmp->events, event);
}

static int send_command(
	struct vn_qmp *qmp, const char *command, json_t *arguments, int64_t deadline, struct vn_error *err)
{
	json_auto_t *object = json_pack(
		"{s:s, s:I, s:O*}", "execute", command, "id", ++qmp->last_id, "arguments", arguments);
	vn_autofree char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;
	vn_autofree char *line = text ? vn_format("%s\n", text) : NULL;

	if (!line)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	int r = vn_wire_send(&qmp->wire, line, strlen(line), deadline);
	return r < 0 ? wire_problem(qmp, r, command, err) : 0;
}

static const char *string_or(json_t *object, const char *key, const char *otherwise)
{
	const char *text = json_string_value(json_object_get(object, key));
	return text ? text : otherwise;
}

static int error_reply(struct vn_qmp *qmp, const char *command, json_t *message, struct vn_error *err)
{
	json_t *error = json_object_get(message, "error");
	return vn_error_environment(err, -EREMOTEIO, "QMP %s: %s: %s: %s", qmp->name, command,
		string_or(error, "class", "(no class)"), string_or(error, "desc", "(no description)"));
}

/* Whether this is the reply to our last command. QEMU leaves the id out when it could not read the command at
 * all. */
static bool is_ours(const struct vn_qmp *qmp, json_t *message)
{
	json_t *id = json_object_get(message, "id");
	return !id || (json_is_integer(id) && json_integer_value(id) == qmp->last_id);
}

int vn_qmp_execute(
	struct vn_qmp *qmp, const char *command, json_t *arguments, json_t **ret_return, struct vn_error *err)
{
	int64_t deadline = vn_now_ms() + qmp->timeout_ms;
	int r = send_command(qmp, command, arguments, deadline, err);

	while (r >= 0) {
		enum vn_qmp_kind kind = VN_QMP_GREETING;
		json_auto_t *message = NULL;
		r = next_message(qmp, deadline, command, &kind, &message, err);
		if (r == -ETIMEDOUT || r == -ECANCELED)
			return wire_problem(qmp, r, command, err);
		if (r < 0)
			return r;
		if (kind == VN_QMP_EVENT) {
			queue_event(qmp, json_incref(message));
		} else if (kind == VN_QMP_ERROR && is_ours(qmp, message)) {
			return error_reply(qmp, command, message, err);
		} else if (kind == VN_QMP_RETURN && is_ours(qmp, message)) {
			if (ret_return)
				*ret_return = json_incref(json_object_get(message, "return"));
			return 0;
		}
	}
	return r;
}

int vn_qmp_human(struct vn_qmp *qmp, const char *line, char **ret_text, struct vn_error *err)
{
	json_auto_t *arguments = json_pack("{s:s}", "command-line", line);
	json_auto_t *value = NULL;
	int r = vn_qmp_execute(qmp, "human-monitor-command", arguments, &value, err);

	if (r < 0)
		return r;
	if (!json_is_string(value))
		return vn_error_environment(
			err, -EPROTO, "QMP %s: '%s' did not return a text", qmp->name, line);
	char *text = strdup(json_string_value(value));
	if (!text)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	*ret_text = text;
	return 0;
}

static json_t *take_queued(struct vn_qmp *qmp, const char *name)
{
	size_t i;
	json_t *event;

	json_array_foreach (qmp->events, i, event) {
		if (strcmp(string_or(event, "event", ""), name) == 0) {
			json_incref(event);
			json_array_remove(qmp->events, i);
			return event;
		}
	}
	return NULL;
}

int vn_qmp_wait_event(
	struct vn_qmp *qmp, const char *name, int timeout_ms, json_t **ret_event, struct vn_error *err)
{
	int64_t deadline = vn_now_ms() + timeout_ms;

	for (;;) {
		enum vn_qmp_kind kind;
		json_t *message;
		json_t *found = take_queued(qmp, name);
		if (found) {
			*ret_event = found;
			return 0;
		}
		int r = next_message(qmp, deadline, name, &kind, &message, err);
		if (r == -ECANCELED)
			return wire_problem(qmp, r, name, err);
		if (r < 0)
			return r;
		if (kind == VN_QMP_EVENT)
			queue_event(qmp, message);
		else
			json_decref(message); /* a late reply */
	}
}

void vn_qmp_set_timeout(struct vn_qmp *qmp, int timeout_ms)
{
	qmp->timeout_ms = timeout_ms;
}

static int greet(struct vn_qmp *qmp, struct vn_error *err)
{
	static const char what[] = "waiting for its greeting; it talks to one client at a time";
	enum vn_qmp_kind kind;
	json_auto_t *message = NULL;
	int r = next_message(qmp, vn_now_ms() + qmp->timeout_ms, what, &kind, &message, err);

	if (r == -ETIMEDOUT || r == -ECANCELED)
		return wire_problem(qmp, r, what, err);
	if (r < 0)
		return r;
	if (kind != VN_QMP_GREETING)
		return vn_error_environment(
			err, -EPROTO, "QMP %s: what answers is not QEMU's protocol (%s)", qmp->name, what);
	return vn_qmp_execute(qmp, "qmp_capabilities", NULL, NULL, err);
}

int vn_qmp_attach(int fd, const char *name, const struct vn_qmp_limits *limits, struct vn_qmp **ret_qmp,
	struct vn_error *err)
{
	struct vn_qmp *qmp = calloc(1, sizeof(*qmp));
	int r = -ENOMEM;

	if (!qmp) {
		close(fd);
		return vn_error_environment(err, r, "out of memory");
	}
	*qmp = (struct vn_qmp){
		.wire = {fd, {limits->abort_fds[0], limits->abort_fds[1]}, .max = VN_QMP_MESSAGE_MAX},
		.name = strdup(name),
		.timeout_ms = limits->timeout_ms,
		.events = json_array()};
	if (!qmp->name || !qmp->events)
		vn_error_environment(err, r, "out of memory");
	else
		r = greet(qmp, err);
	if (r < 0) {
		vn_qmp_free(qmp);
		return r;
	}
	*ret_qmp = qmp;
	return 0;
}

void vn_qmp_free(struct vn_qmp *qmp)
{
	if (!qmp)
		return;
	vn_wire_close(&qmp->wire);
	json_decref(qmp->events);
	free(qmp->name);
	free(qmp);
}

/* A connected socket, or negative errno; -ENOENT and -ECONNREFUSED: not yet. */
static int connect_once(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0)
		return fd;
	int r = -errno;
	close(fd);
	return r;
}

int vn_qmp_connect(
	const char *path, const struct vn_qmp_limits *limits, struct vn_qmp **ret_qmp, struct vn_error *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int64_t deadline = vn_now_ms() + limits->timeout_ms;
	int fd;

	if (strlen(path) >= sizeof(address.sun_path))
		return vn_error_environment(err, -ENAMETOOLONG,
			"%s: %zu bytes seen; the path of a unix socket has at most %zu", path, strlen(path),
			sizeof(address.sun_path) - 1);
	memcpy(address.sun_path, path, strlen(path) + 1);
	/* EAGAIN: its backlog is full, of clients that it has not come to yet. */
	while ((fd = connect_once(&address)) == -ENOENT || fd == -ECONNREFUSED || fd == -EAGAIN) {
		int left = vn_left_ms(deadline);
		int r = vn_wire_wait(
			-1, 0, limits->abort_fds, vn_now_ms() + (left < RETRY_MS ? left : RETRY_MS));
		if (r == -ECANCELED)
			return vn_error_environment(err, r, "QMP %s: given up (connecting)", path);
		if (left == 0)
			return vn_error_environment(
				err, -ETIMEDOUT, "QMP %s: no QEMU listens there (%s)", path, strerror(-fd));
	}
	if (fd < 0)
		return vn_error_environment(
			err, fd, "QMP %s: cannot be connected to: %s", path, strerror(-fd));

	struct vn_qmp_limits rest = *limits;
	rest.timeout_ms = vn_left_ms(deadline);
	int r = vn_qmp_attach(fd, path, &rest, ret_qmp, err);
	if (r == 0)
		vn_qmp_set_timeout(*ret_qmp, limits->timeout_ms);
	return r;
}
