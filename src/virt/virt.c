/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "virt.h"

#include <poll.h>
#include <string.h>

#include "../base/clock.h"
#include "../base/text.h"
#include "child.h"
#include "talk.h"

#define ANSWER_MAX ((size_t)16 << 20) /* bytes; libvirt's own limit of a text is 4 MiB (REMOTE_STRING_MAX) */

/* ---- in the child ---- */

/* What is asked: the answer in *ret_text, new, NULL where there is none but yes. */
struct question {
	const struct vn_virt_domain *domain;
	bool writes;
	const char *argument;
	int (*ask)(
		const struct vn_virt_talk *talk, const char *argument, char **ret_text, struct vn_error *err);
};

static int says_no(const struct vn_virt_talk *talk, struct vn_error *err)
{
	char words[VN_VIRT_WORDS];

	return vn_error_environment(err, -EREMOTEIO, "%s", vn_virt_words(talk, words));
}

static int ask_xml(
	const struct vn_virt_talk *talk, const char *argument, char **ret_text, struct vn_error *err)
{
	(void)argument;
	*ret_text = talk->calls.virDomainGetXMLDesc(talk->domain, 0);
	return *ret_text ? 0 : says_no(talk, err);
}

static int ask_uri(
	const struct vn_virt_talk *talk, const char *argument, char **ret_text, struct vn_error *err)
{
	(void)argument;
	*ret_text = talk->calls.virConnectGetURI(talk->connection);
	return *ret_text ? 0 : says_no(talk, err);
}

static int ask_nodes(
	const struct vn_virt_talk *talk, const char *argument, char **ret_text, struct vn_error *err)
{
	virTypedParameter parameters[8] = {{.field = ""}}; /* QEMU's driver has two */
	int n = 8;

	(void)argument;
	if (talk->calls.virDomainGetNumaParameters(talk->domain, parameters, &n, VIR_DOMAIN_AFFECT_LIVE) < 0)
		return says_no(talk, err);
	for (int i = 0; i < n && i < 8; i++) {
		if (strcmp(parameters[i].field, VIR_DOMAIN_NUMA_NODESET) == 0 &&
			parameters[i].type == VIR_TYPED_PARAM_STRING && parameters[i].value.s)
			*ret_text = strdup(parameters[i].value.s);
	}
	return 0;
}

/* Who has just answered is not one that takes a change now and makes it when it wakes up, after we have gone. */
static int set_nodes(
	const struct vn_virt_talk *talk, const char *argument, char **ret_text, struct vn_error *err)
{
	vn_autofree char *now = NULL, *wanted = strdup(argument);
	virTypedParameter parameter = {
		.field = VIR_DOMAIN_NUMA_NODESET, .type = VIR_TYPED_PARAM_STRING, .value.s = wanted};
	int r = wanted ? ask_nodes(talk, NULL, &now, err) : -ENOMEM;

	if (r < 0 || (now && strcmp(now, argument) == 0))
		return r;
	if (talk->calls.virDomainSetNumaParameters(talk->domain, &parameter, 1, VIR_DOMAIN_AFFECT_LIVE) < 0)
		return says_no(talk, err);
	*ret_text = strdup("changed");
	return *ret_text ? 0 : -ENOMEM;
}

static int update_device(
	const struct vn_virt_talk *talk, const char *argument, char **ret_text, struct vn_error *err)
{
	(void)ret_text;
	if (talk->calls.virDomainUpdateDeviceFlags(talk->domain, argument, VIR_DOMAIN_AFFECT_LIVE) < 0)
		return says_no(talk, err);
	return 0;
}

static void send_all(int fd, const void *bytes, size_t n)
{
	for (const char *p = bytes; n > 0;) {
		ssize_t written = write(fd, p, n);
		if (written < 0 && errno != EINTR)
			return;
		n -= written < 0 ? 0 : (size_t)written;
		p += written < 0 ? 0 : written;
	}
}

/* The status, then the answer or what is wrong, then the end. */
static void work(int fd, const void *context)
{
	const struct question *question = context;
	struct vn_virt_talk talk;
	vn_autoerror problems = {0};
	vn_autofree char *text = NULL;
	int r = vn_virt_talk_begin(question->domain, question->writes, &talk, &problems);

	if (r == 0)
		r = question->ask(&talk, question->argument, &text, &problems);
	const char *said = r == 0 ? text : problems.n ? problems.problems[0].text : strerror(-r);
	send_all(fd, &r, sizeof(r));
	if (said)
		send_all(fd, said, strlen(said));
}

/* ---- in the parent ---- */

struct answer {
	size_t n;
	char *bytes; /* owned */
};

static void answer_clear(struct answer *answer)
{
	free(answer->bytes);
}

static int receive(int fd, int64_t deadline, struct answer *answer)
{
	for (;;) {
		struct pollfd at = {.fd = fd, .events = POLLIN};
		char *grown = realloc(answer->bytes, answer->n + 65536 + 1);
		if (!grown)
			return -ENOMEM;
		answer->bytes = grown;
		int r = poll(&at, 1, vn_left_ms(deadline));
		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return r < 0 ? vn_errno() : -ETIMEDOUT;
		ssize_t n = read(fd, answer->bytes + answer->n, 65536);
		if (n < 0 && errno != EINTR)
			return vn_errno();
		if (n == 0)
			break;
		answer->n += n > 0 ? (size_t)n : 0;
		if (answer->n > ANSWER_MAX)
			return -EMSGSIZE;
	}
	answer->bytes[answer->n] = '\0';
	return answer->n < sizeof(int) ? -EPROTO : 0;
}

static int no_answer(const struct question *question, int status, struct vn_error *err)
{
	if (status == -ETIMEDOUT)
		return vn_error_environment(err, status, "libvirt does not answer within %g s",
			(double)question->domain->timeout_ms / 1000);
	return vn_error_environment(err, status, "libvirt cannot be asked: %s",
		status == -EPROTO     ? "its library ended the process that used it"
		: status == -EMSGSIZE ? "it answers with more than 16 MiB"
				      : strerror(-status));
}

/* *ret_text is new, and may be empty; NULL: nobody wants it. */
static int put(const struct question *question, char **ret_text, struct vn_error *err)
{
	vn_autochild child = {0};
	vn_cleanup(answer_clear) struct answer answer = {0};
	int64_t deadline = vn_now_ms() + question->domain->timeout_ms;
	int r = vn_virt_child_start(work, question, &child), status = 0;

	if (r == 0)
		r = receive(child.fd, deadline, &answer);
	if (r < 0 || !answer.bytes)
		return no_answer(question, r < 0 ? r : -EPROTO, err);
	memcpy(&status, answer.bytes, sizeof(status));
	const char *said = answer.bytes + sizeof(status);
	if (status < 0)
		return vn_error_environment(err, status, "%s", said);
	if (!ret_text)
		return 0;
	*ret_text = strdup(said);
	return *ret_text ? 0 : vn_error_environment(err, -ENOMEM, "out of memory");
}

int vn_virt_xml(const struct vn_virt_domain *domain, char **ret_xml, struct vn_error *err)
{
	return put(&(struct question){.domain = domain, .ask = ask_xml}, ret_xml, err);
}

int vn_virt_uri(const struct vn_virt_domain *domain, char **ret_uri, struct vn_error *err)
{
	return put(&(struct question){.domain = domain, .ask = ask_uri}, ret_uri, err);
}

bool vn_virt_uri_has_host(const char *uri)
{
	const char *authority = strstr(uri, "://");

	return authority && !strchr("/?#", authority[3]); /* which finds the end, too */
}

int vn_virt_nodes(const struct vn_virt_domain *domain, char **ret_nodes, struct vn_error *err)
{
	return put(&(struct question){.domain = domain, .ask = ask_nodes}, ret_nodes, err);
}

int vn_virt_set_nodes(
	const struct vn_virt_domain *domain, const char *nodes, bool *ret_changed, struct vn_error *err)
{
	vn_autofree char *changed = NULL;
	int r = put(&(struct question){.domain = domain, .writes = true, .argument = nodes, .ask = set_nodes},
		&changed, err);

	if (r == 0)
		*ret_changed = *changed;
	return r;
}

int vn_virt_update_device(const struct vn_virt_domain *domain, const char *xml, struct vn_error *err)
{
	return put(
		&(struct question){.domain = domain, .writes = true, .argument = xml, .ask = update_device},
		NULL, err);
}
