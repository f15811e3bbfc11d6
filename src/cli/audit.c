/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <time.h>

#include "../base/clock.h"
#include "../emit/audit_html.h"
#include "../emit/audit_prometheus.h"
#include "../model/audit_json.h"
#include "../model/audit_text.h"
#include "look.h"
#include "vms.h"

#define EVERY_SECONDS 5u
#define EVERY_MAX 86400u

struct request {
	const struct vn_args *args;
	bool watch;
	unsigned every_ms;
	const char *html;
};

static int read_request(const struct vn_args *args, struct request *ret, struct vn_error *err)
{
	const char *others[] = {args->json ? "--json" : NULL, vn_arg(args, "html") ? "--html" : NULL,
		vn_arg_given(args, "prometheus") ? "--prometheus" : NULL};
	const char *first = NULL;
	uint64_t every = EVERY_SECONDS;

	*ret = (struct request){
		.args = args, .watch = vn_arg_given(args, "watch"), .html = vn_arg(args, "html")};
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (others[i] && first)
			vn_error_input(err, &(struct vn_where){NULL, 0, others[i]},
				"contradicts %s; expected one form", first);
		first = first ? first : others[i];
	}
	vn_arg_number(args, "every", 1, EVERY_MAX, every, &every, err);
	if (vn_arg_given(args, "every") && !ret->watch)
		vn_error_input(
			err, &(struct vn_where){NULL, 0, "--every"}, "without --watch there are no rounds");
	if (ret->watch && vn_arg_given(args, "prometheus"))
		vn_error_input(err, &(struct vn_where){NULL, 0, "--prometheus"},
			"contradicts --watch: metrics are of one time; expected one of them");
	if (ret->watch && ret->html && strcmp(ret->html, "-") == 0)
		vn_error_input(err, &(struct vn_where){NULL, 0, "--html"},
			"'-' contradicts --watch: a page a round is no page; expected a file");
	ret->every_ms = (unsigned)every * 1000;
	return err->n ? -EINVAL : 0;
}

static int print_page(const void *audit, FILE *out)
{
	return vn_audit_print_html(audit, out);
}

/* A round's line of JSON; vn_print_json() would put it on many. */
static int print_line(json_t *object, struct vn_error *err)
{
	vn_autofree char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;

	json_decref(object);
	if (!text)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	return puts(text) < 0 ? vn_error_environment(err, -EIO, "standard output: cannot be written") : 0;
}

static void print_time(const struct vn_audit *audit)
{
	time_t taken = (time_t)audit->sample->taken;
	struct tm tm;
	char text[32];

	if (localtime_r(&taken, &tm) && strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm))
		printf("---- %s\n", text);
}

static int print(const struct request *request, const struct vn_audit *audit, struct vn_error *err)
{
	struct vn_audit_style style = {
		.colour = vn_wants_colour(stdout), .all = request->args->n_operands > 0};

	if (request->html)
		return vn_write_whole("--html", request->html, print_page, audit, err);
	if (vn_arg_given(request->args, "prometheus"))
		return vn_audit_print_prometheus(audit, stdout) < 0
			       ? vn_error_environment(err, -ENOMEM, "out of memory")
			       : 0;
	if (request->args->json && request->watch)
		return print_line(vn_audit_to_json(audit), err);
	if (request->args->json)
		return vn_print_json(vn_audit_to_json(audit), err);
	if (request->watch)
		print_time(audit);
	vn_audit_print(audit, &style, stdout);
	if (request->watch)
		putchar('\n');
	return 0;
}

/* One look; the exit status it would have, or negative errno. */
static int take_round(const struct request *request, struct vn_look *look, struct vn_error *err)
{
	vn_autoaudit *audit = NULL;
	int r = vn_look_take(look, &audit, err);

	if (r == 0)
		r = print(request, audit, err);
	return r < 0 ? r : vn_look_status(audit);
}

/* Round after round, until a signal comes or nobody reads any more; the status is the last round's. */
static int watch(const struct request *request, struct vn_look *look, struct vn_error *err)
{
	int status = VN_EXIT_DONE;

	for (;;) {
		int64_t next = vn_now_ms() + request->every_ms;
		int r = take_round(request, look, err);
		if (r == -ECANCELED)
			return status;
		if (r < 0)
			return r;
		status = r;
		if (fflush(stdout) != 0)
			return status; /* told at the end */
		struct pollfd fd = {.fd = look->survey.stop_fd, .events = POLLIN};
		while ((r = poll(&fd, 1, vn_left_ms(next))) < 0 && errno == EINTR)
			;
		if (r != 0)
			return status;
	}
}

static int run(const struct vn_args *args, struct vn_error *err)
{
	struct request request;
	vn_autolook look = {.root = {.fd = -1}};
	int r = read_request(args, &request, err);
	int opened = vn_look_open(args, &look, err);

	if (r < 0 || opened < 0)
		return r < 0 ? r : opened;
	vn_autoclose int signals = vn_signals_open();
	look.survey.stop_fd = signals < 0 ? -1 : signals;
	r = request.watch ? watch(&request, &look, err) : take_round(&request, &look, err);
	return r == -ECANCELED ? vn_error_environment(err, r, "interrupted") : r;
}

const struct vn_verb verb_audit = {
	.name = "audit",
	.operands = "[VM...]",
	.max_operands = INT_MAX,
	.summary = "which running VMs are remote, why, and what mends it",
	.details =
		"Looks at every QEMU of this machine, whoever started it, or at those named (by name, uuid, Proxmox id or pid).\n"
		"Nothing is changed. Memory is looked at by random sampling, so that the cost does not grow with the VM.\n"
		"Exit status 1: a VM has less locality than the threshold; 3: where pages are could be read of no VM. What could\n"
		"not be read is told, with what it takes. docs/audit.md explains the columns, docs/findings.md each finding.",
	.options = {VN_OPTION_LOOK_SAMPLES, VN_OPTION_LOOK_EXACT,
		{"interval", "MS", "how long to look at threads (1000); 0: once, without times"},
		{"threshold", "PERCENT", "locality below which a VM counts as remote (90)"},
		{"watch", NULL, "again and again, until interrupted; with --json a line each"},
		{"every", "S", "with --watch: seconds from round to round (5)"},
		{"html", "FILE", "write a page for a browser instead; - is standard output"},
		{"prometheus", NULL, "metrics in Prometheus' text format instead"}, VN_OPTION_LOOK_NO_QMP,
		VN_OPTION_LOOK_SEED},
	.run = run,
};
