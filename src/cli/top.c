/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include <limits.h>
#include <poll.h>

#include "look.h"
#include "top_rounds.h"
#include "top_view.h"
#include "vms.h"

#define EVERY_SECONDS 2u
#define EVERY_MAX 3600u

struct session {
	struct vn_screen *screen;
	struct vn_rounds *rounds;
	int signals;
	struct vn_audit *round; /* that is shown */
	struct vn_top top;
};

static void session_clear(struct session *session)
{
	vn_rounds_stop(session->rounds);
	vn_screen_close(session->screen);
	vn_top_clear(&session->top);
	vn_audit_free(session->round);
}

/* Shows the latest round; the one before is given up only then, since its rows were still of use. */
static int fetch(struct session *session, struct vn_error *err)
{
	struct vn_audit *next = NULL;
	int r;

	while ((r = vn_rounds_fetch(session->rounds, &next, err)) == 1) {
		if (vn_top_update(&session->top, next) < 0) {
			vn_audit_free(next);
			return vn_error_environment(err, -ENOMEM, "out of memory");
		}
		vn_audit_free(session->round);
		session->round = next;
	}
	return r;
}

/* True: leave. */
static bool read_keys(struct session *session)
{
	int key;

	while ((key = vn_screen_key(session->screen)) != VN_KEY_NONE) {
		if (!vn_top_key(&session->top, session->screen, key))
			return true;
	}
	return false;
}

static int show(struct session *session, struct vn_error *err)
{
	struct pollfd fds[] = {{.fd = STDIN_FILENO, .events = POLLIN},
		{.fd = session->signals, .events = POLLIN},
		{.fd = vn_rounds_fd(session->rounds), .events = POLLIN}};

	for (;;) {
		vn_top_draw(&session->top, session->screen);
		/* a change of size interrupts it, and is read as a key */
		int r = poll(fds, sizeof(fds) / sizeof(fds[0]), -1);
		if (r < 0 && errno != EINTR)
			return vn_error_environment(err, vn_errno(), "cannot wait for keys");
		if (r > 0 && (fds[1].revents || (fds[0].revents & (POLLHUP | POLLERR | POLLNVAL))))
			return 0;
		if (read_keys(session))
			return 0;
		r = fetch(session, err);
		if (r < 0)
			return r;
	}
}

static int run(const struct vn_args *args, struct vn_error *err)
{
	vn_autolook look = {.root = {.fd = -1}};
	vn_autoclose int signals = -1;
	vn_cleanup(session_clear) struct session session = {.signals = -1};
	uint64_t every = EVERY_SECONDS;

	if (args->json)
		vn_error_input(err, &(struct vn_where){NULL, 0, "--json"},
			"a screen is not for programs; expected 'vnuma audit --watch --json'");
	vn_arg_number(args, "every", 1, EVERY_MAX, every, &every, err);
	int r = vn_look_open(args, &look, err);
	if (r < 0 || err->n)
		return r < 0 ? r : -EINVAL;
	session.top.every_ms = (unsigned)every * 1000;
	/* before there is another thread: signals that are blocked here are blocked there */
	session.signals = signals = vn_signals_open();
	r = vn_screen_open(&session.screen, err);
	if (r == 0)
		r = vn_rounds_start(&look, session.top.every_ms, &session.rounds, err);
	return r < 0 ? r : show(&session, err);
}

const struct vn_verb verb_top = {
	.name = "top",
	.operands = "[VM...]",
	.max_operands = INT_MAX,
	.summary = "running VMs on a full screen: home node, locality, remote memory",
	.details =
		"A line a VM, the worst first: home node (NHN), locality (N%L), remote memory in MiB (NRMEM), moves between nodes\n"
		"(NMIG), CPUs' worth of time run and waited; the columns are called as esxtop calls them. Enter shows all about a\n"
		"VM, ? lists the keys, q leaves. Needs a terminal and ncurses, which is loaded when it is there.",
	.options = {{"every", "S", "seconds from look to look (2)"}, VN_OPTION_LOOK_SAMPLES,
		VN_OPTION_LOOK_EXACT,
		{"interval", "MS", "how long to look at threads (1000); 0: once, without times"},
		{"threshold", "PERCENT", "locality below which a VM counts as remote (90)"},
		VN_OPTION_LOOK_NO_QMP, VN_OPTION_LOOK_SEED},
	.run = run,
};
