/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: everything is sent at once, behind the request that ends negotiation and before the greeting has come: QEMU takes
 * up one request after the other (monitor/qmp.c, its queue holds 8), and a unix socket holds far more than these few bytes until QEMU
 * comes to them. A monitor that is told to be pretty puts a message on many lines, the brackets of the whole on lines of their own
 * (qobject/qjson.c, qobject_to_json_pretty()). So one turn of QEMU's loop answers all, and its monitor is ours for no longer than that. What comes back is limited,
 * a line and in all: who listens there may send without end.
 */
#define _GNU_SOURCE
#include "monitor_talk.h"

#include <string.h>
#include <sys/socket.h>

#include "../model/sample.h"
#include "../qmp/qmp.h"

#define LINE_MOST (1u << 20) /* bytes; a guest of 4096 vCPUs takes 0.8 MiB */
#define ALL_MOST (4u << 20) /* bytes, events with it */
#define READ_STEP 16384u

static const char *const commands[VN_QUESTIONS] = {
	"query-cpus-fast", "query-iothreads", "query-memdev", "info ramblock", "query-memory-devices"};

static const char requests[] =
	"{\"execute\":\"qmp_capabilities\",\"id\":1}\n"
	"{\"execute\":\"query-cpus-fast\",\"id\":2}\n"
	"{\"execute\":\"query-iothreads\",\"id\":3}\n"
	"{\"execute\":\"query-memdev\",\"id\":4}\n"
	"{\"execute\":\"human-monitor-command\",\"id\":5,\"arguments\":{\"command-line\":\"info ramblock\"}}\n"
	"{\"execute\":\"query-memory-devices\",\"id\":6}\n";

static int fail(struct vn_monitor_talk *talk, int status, const char *why)
{
	vn_sample_text(why, strlen(why), talk->why, sizeof(talk->why));
	return status;
}

int vn_monitor_talk_begin(struct vn_monitor_talk *talk, int fd)
{
	*talk = (struct vn_monitor_talk){.fd = fd};
	ssize_t n = send(fd, requests, sizeof(requests) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n == (ssize_t)sizeof(requests) - 1)
		return 0;
	return n < 0 ? fail(talk, vn_errno(), strerror(errno)) : fail(talk, -EAGAIN, "it takes no requests");
}

void vn_monitor_talk_end(struct vn_monitor_talk *talk)
{
	if (talk->fd >= 0)
		close(talk->fd);
	free(talk->buffer);
	*talk = (struct vn_monitor_talk){.fd = -1};
}

/* ---- messages ---- */

static const char *string_or(const json_t *object, const char *key, const char *otherwise)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : otherwise;
}

static int error_reply(struct vn_monitor_talk *talk, const char *command, const json_t *message)
{
	const json_t *error = json_object_get(message, "error");
	char text[VN_TALK_WHY];

	snprintf(text, sizeof(text), "%s: %s: %s", command, string_or(error, "class", "(no class)"),
		string_or(error, "desc", "(no description)"));
	return fail(talk, -EREMOTEIO, text);
}

/* Whether this is the reply that is due. QEMU leaves the id out where it could not read the request. */
static bool is_due(const struct vn_monitor_talk *talk, const json_t *message)
{
	const json_t *id = json_object_get(message, "id");

	return !id || (json_is_integer(id) && json_integer_value(id) == (json_int_t)talk->replies + 1);
}

static int take_reply(struct vn_monitor_talk *talk, enum vn_qmp_kind kind, const json_t *message,
	vn_answer_reader *read_answer, void *data)
{
	unsigned number = talk->replies++;

	if (number == 0)
		return kind == VN_QMP_RETURN ? 0 : error_reply(talk, "qmp_capabilities", message);
	enum vn_question question = (enum vn_question)(number - 1);
	if (kind == VN_QMP_ERROR) /* built without HMP, or memory devices: less is known then */
		return question == VN_ASK_RAMBLOCKS || question == VN_ASK_MEMORY_DEVICES
			       ? 0
			       : error_reply(talk, commands[question], message);
	int r = read_answer(question, json_object_get(message, "return"), data);
	return r == -EPROTO ? fail(talk, r, "what it answered is not understood") : r;
}

static int take_line(struct vn_monitor_talk *talk, const char *line, size_t length,
	vn_answer_reader *read_answer, void *data)
{
	static const char not_qmp[] = "what answers is not QEMU's protocol";
	json_auto_t *message = NULL;
	enum vn_qmp_kind kind;
	int r = vn_qmp_parse(line, length, &kind, &message);

	if (r < 0)
		return fail(talk, r, not_qmp);
	if (!talk->greeted) {
		talk->greeted = kind == VN_QMP_GREETING;
		return talk->greeted ? 0 : fail(talk, -EPROTO, not_qmp);
	}
	if ((kind != VN_QMP_RETURN && kind != VN_QMP_ERROR) || !is_due(talk, message))
		return 0;
	return take_reply(talk, kind, message, read_answer, data);
}

/* ---- bytes ---- */

static int make_room(struct vn_monitor_talk *talk)
{
	if (talk->capacity - talk->length >= READ_STEP)
		return 0;
	if (talk->length >= LINE_MOST)
		return fail(talk, -EMSGSIZE, "it answers without end");
	char *grown = realloc(talk->buffer, talk->capacity * 2 + READ_STEP);
	if (!grown)
		return -ENOMEM;
	talk->buffer = grown;
	talk->capacity = talk->capacity * 2 + READ_STEP;
	return 0;
}

static bool is_bracket(const char *line, size_t length, char bracket)
{
	length -= length > 0 && line[length - 1] == '\r';
	return length == 1 && line[0] == bracket;
}

/*
 * The end of the message that is at `begin`, as far as it is there: a line, or from a line with nothing but { to one with nothing but }.
 * `searched`: before that nothing ends.
 */
static char *message_end(const struct vn_monitor_talk *talk, size_t begin, size_t searched)
{
	char *end = memchr(talk->buffer + begin, '\n', talk->length - begin);

	if (!end || !is_bracket(talk->buffer + begin, (size_t)(end - talk->buffer) - begin, '{'))
		return end;
	for (size_t at = searched > begin ? searched : begin; at < talk->length; at++) {
		end = memchr(talk->buffer + at, '\n', talk->length - at);
		if (!end)
			return NULL;
		const char *line = memrchr(talk->buffer, '\n', (size_t)(end - talk->buffer));
		line = line ? line + 1 : talk->buffer;
		if (is_bracket(line, (size_t)(end - line), '}'))
			return end;
		at = (size_t)(end - talk->buffer);
	}
	return NULL;
}

/* Reads the messages that are whole, the last `fresh` bytes being new. */
static int take_lines(struct vn_monitor_talk *talk, size_t fresh, vn_answer_reader *read_answer, void *data)
{
	size_t begin = 0, searched = talk->length - fresh;
	char *end;
	int r = 0;

	while (r == 0 && talk->replies <= VN_QUESTIONS && (end = message_end(talk, begin, searched))) {
		size_t line_end = (size_t)(end - talk->buffer);
		r = take_line(talk, talk->buffer + begin, line_end - begin, read_answer, data);
		begin = searched = line_end + 1;
	}
	talk->length -= begin;
	memmove(talk->buffer, talk->buffer + begin, talk->length);
	return r;
}

int vn_monitor_talk_go_on(struct vn_monitor_talk *talk, vn_answer_reader *read_answer, void *data)
{
	int r = make_room(talk);

	if (r < 0)
		return r;
	ssize_t n = recv(talk->fd, talk->buffer + talk->length, READ_STEP, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0)
		return fail(talk, -ECONNRESET, "it closed the connection");
	talk->length += (size_t)n;
	talk->received += (size_t)n;
	r = take_lines(talk, (size_t)n, read_answer, data);
	if (r < 0)
		return r;
	if (talk->replies > VN_QUESTIONS)
		return 1;
	return talk->received > ALL_MOST ? fail(talk, -EMSGSIZE, "it answers without end") : 0;
}
