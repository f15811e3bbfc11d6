/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "agent.h"

#include <jansson.h>
#include <libvirt/libvirt-qemu.h>
#include <poll.h>
#include <string.h>

#include "../base/clock.h"
#include "../base/library.h"
#include "../base/wire.h"
#include "talk.h"

#define COMMAND_MAX ((size_t)1 << 20) /* bytes of a line that we are sent */
#define REPLY_S 6 /* longer than who asks waits (cli/inside.c), so that it is that which gives up */
#define FIRST_S 5

struct agent_calls {
	VN_VIRT_FIELD(virDomainQemuAgentCommand)
};

struct proxy {
	struct vn_virt_talk talk;
	struct agent_calls calls;
	FILE *out;
};

/* ---- in the child ---- */

/* That the agent refused the command, and not that it could not be asked: *ret_why is what it said, within `words`. */
static bool agent_refused(const struct proxy *proxy, char words[static VN_VIRT_WORDS], const char **ret_why)
{
	virErrorPtr error = proxy->talk.calls.virGetLastError();
	const char *quoted = strstr(vn_virt_words(&proxy->talk, words), "': ");

	*ret_why = quoted ? quoted + 3 : words; /* … unable to execute QEMU agent command 'NAME': WHY */
	/* the first up to libvirt 10; then VIR_ERR_AGENT_COMMAND_FAILED, which older headers have not */
	return error &&
	       (error->code == VIR_ERR_INTERNAL_ERROR || (error->code > VIR_ERR_AGENT_UNSYNCED && quoted));
}

/* One line of text for the answer of an agent, or NULL: the talk is over. */
static char *reply_to(struct proxy *proxy, const char *command)
{
	char words[VN_VIRT_WORDS];
	const char *why;
	char *reply = proxy->calls.virDomainQemuAgentCommand(proxy->talk.domain, command, REPLY_S, 0);

	if (reply) {
		for (char *p = reply; (p = strchr(p, '\n'));)
			*p = ' '; /* between words, if anywhere: in strings JSON has none */
		return reply;
	}
	if (!agent_refused(proxy, words, &why))
		return NULL;
	json_auto_t *error = json_pack("{s:{s:s, s:s}}", "error", "class", "GenericError", "desc", why);
	return error ? json_dumps(error, JSON_COMPACT) : NULL;
}

/* The command of a line in the form that libvirt can send. NULL: it is none. */
static char *translate(const char *line, size_t length, bool *ret_delimited)
{
	*ret_delimited = length > 0 && line[0] == '\xff';
	if (!*ret_delimited)
		return strndup(line, length);
	json_auto_t *command = json_loadb(line + 1, length - 1, 0, NULL);
	if (!command || json_object_set_new(command, "execute", json_string("guest-sync")) < 0)
		return NULL;
	return json_dumps(command, JSON_COMPACT);
}

static void serve(struct proxy *proxy, int fd)
{
	struct vn_wire wire = {.fd = fd, .abort_fds = {-1, -1}, .max = COMMAND_MAX};
	const char *line;
	size_t length;

	while (vn_wire_line(&wire, INT64_MAX, &line, &length) == 0) {
		bool delimited;
		vn_autofree char *command = translate(line, length, &delimited);
		vn_autofree char *reply = command ? reply_to(proxy, command) : NULL;
		if (!reply || fprintf(proxy->out, "%s%s\n", delimited ? "\xff" : "", reply) < 0 ||
			fflush(proxy->out) < 0)
			break;
	}
}

static int begin(const struct vn_virt_domain *domain, struct proxy *proxy, struct vn_error *err)
{
	static const char *const names[] = {"libvirt-qemu.so.0", "libvirt-qemu.so", NULL};
	static const struct vn_symbol symbols[] = {
		VN_SYMBOL(struct agent_calls, virDomainQemuAgentCommand), {0}};
	char words[VN_VIRT_WORDS];
	int r = vn_virt_talk_begin(domain, true, &proxy->talk, err);

	if (r == 0)
		r = vn_library_load(
			names, "asking a guest's agent through libvirt", symbols, &proxy->calls, err);
	if (r < 0)
		return r;
	vn_autofree char *reply = proxy->calls.virDomainQemuAgentCommand(
		proxy->talk.domain, "{\"execute\":\"guest-sync\",\"arguments\":{\"id\":1}}", FIRST_S, 0);
	if (reply)
		return 0;
	virErrorPtr error = proxy->talk.calls.virGetLastError();
	int code = error ? error->code : VIR_ERR_OK;
	r = code == VIR_ERR_AGENT_UNRESPONSIVE || code == VIR_ERR_AGENT_UNSYNCED ? -ETIMEDOUT
	    : code == VIR_ERR_ARGUMENT_UNSUPPORTED || code == VIR_ERR_CONFIG_UNSUPPORTED
		    ? -ENOENT /* no channel: qemuDomainAgentAvailable(), src/qemu/qemu_domain.c */
		    : -EREMOTEIO;
	return vn_error_environment(err, r, "%s", vn_virt_words(&proxy->talk, words));
}

/* The first line is "+", or a negative errno and what is wrong. */
static void work(int fd, const void *context)
{
	vn_autoerror problems = {0};
	struct proxy proxy = {.out = fdopen(dup(fd), "w")};
	int r = proxy.out ? begin(context, &proxy, &problems) : -errno;

	if (!proxy.out)
		return;
	if (r < 0)
		fprintf(proxy.out, "%d %s\n", r, problems.n ? problems.problems[0].text : strerror(-r));
	else
		fputs("+\n", proxy.out);
	fflush(proxy.out);
	if (r == 0)
		serve(&proxy, fd);
}

/* ---- in the parent ---- */

/* Its first line, byte by byte: nothing behind it is ours. */
static int read_first(int fd, int stop_fd, int64_t deadline, char *line, size_t room)
{
	const int stops[2] = {stop_fd, -1};

	for (size_t n = 0; n + 1 < room;) {
		int r = vn_wire_wait(fd, POLLIN, stops, deadline);
		if (r < 0)
			return r;
		ssize_t got = read(fd, line + n, 1);
		if (got < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (got <= 0)
			return got < 0 ? vn_errno() : -EPROTO;
		if (line[n] == '\n') {
			line[n] = '\0';
			return 0;
		}
		n++;
	}
	return -EPROTO;
}

int vn_virt_agent_open(const struct vn_virt_domain *domain, int stop_fd, struct vn_virt_child *ret_child,
	struct vn_error *err)
{
	vn_autochild child = {0};
	char line[VN_VIRT_WORDS + 128] = "";
	char *words = line;
	int64_t deadline = vn_now_ms() + domain->timeout_ms;
	int r = vn_virt_child_start(work, domain, &child);

	if (r == 0)
		r = read_first(child.fd, stop_fd, deadline, line, sizeof(line));
	if (r == -ETIMEDOUT)
		return vn_error_environment(
			err, r, "libvirt does not answer within %g s", (double)domain->timeout_ms / 1000);
	if (r < 0)
		return vn_error_environment(err, r, "libvirt cannot be asked: %s",
			r == -EPROTO ? "its library ended the process that used it" : strerror(-r));
	if (line[0] != '+') {
		r = (int)strtol(line, &words, 10);
		return vn_error_environment(
			err, r < 0 ? r : -EPROTO, "%s", *words == ' ' ? words + 1 : words);
	}
	*ret_child = child;
	child = (struct vn_virt_child){0};
	return 0;
}
