/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "damon.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/file.h>

#include "../base/error.h"
#include "../base/parse.h"
#include "../base/text.h"
#include "damon_guard.h"
#include "sysfs_tree.h"

#define NUMBER "kdamonds/nr_kdamonds"
#define STATE "kdamonds/0/state"
#define CONTEXTS "kdamonds/0/contexts"
#define CONTEXT CONTEXTS "/0/"
#define SCHEME CONTEXT "schemes/0/"
#define TARGET CONTEXT "targets/0/"

#define MARK "1987999085" /* 0x766e756d, "vnum" */
#define SAMPLE_US "5000"
#define AGGREGATION_US "100000"
#define MOST_ACCESSES UINT64_C(20)
#define LOOKS 6u
#define LOOK_MS 400u /* of the whole time, for one of them */
#define MOST_EMPTY 20u /* answers without a region, in one session */
#define MOST_REGIONS 65536u /* of a look: nr_regions/max bounds it by 1000 */
#define LOCK_TRIES 100u /* 2 s, for a guard that is at work */
#define LOCK_MS 20

struct session {
	const char *folder;
	const struct vn_heat_watch *watch;
	struct vn_sysfs_tree tree;
	int lock; /* nr_kdamonds, open for writing */
	bool left_on; /* it could not be switched off */
	unsigned empty; /* answers that had no region */
};

static inline void end_session(struct session *session)
{
	if (session->lock >= 0)
		close(session->lock);
	vn_sysfs_close(&session->tree);
}

static int begin_session(const char *folder, struct session *session)
{
	int r = vn_sysfs_open(folder, &session->tree);

	if (r < 0)
		return r;
	session->lock = openat(session->tree.fd, NUMBER, O_RDWR | O_CLOEXEC);
	if (session->lock < 0) {
		r = vn_errno();
		snprintf(session->tree.at, sizeof(session->tree.at), "%s", NUMBER);
	}
	return r;
}

static int lock(struct session *session)
{
	return flock(session->lock, LOCK_EX | LOCK_NB) < 0 ? vn_errno() : 0;
}

/* ---- whose it is ---- */

/* Whether the one kdamond that there is bears our mark; and is for `pid`, if that is not 0. */
static bool is_marked(struct session *session, pid_t pid)
{
	char value[VN_SYSFS_VALUE];
	uint64_t target;

	if (vn_sysfs_get(&session->tree, NUMBER, value) < 0 || strcmp(value, "1") != 0)
		return false;
	if (vn_sysfs_get(&session->tree, SCHEME "watermarks/interval_us", value) < 0 ||
		strcmp(value, MARK) != 0)
		return false;
	if (pid == 0)
		return true;
	return vn_sysfs_get(&session->tree, TARGET "pid_target", value) == 0 &&
	       vn_parse_u64(value, INT_MAX, &target) == 0 && target == (uint64_t)pid;
}

/* With the lock held: what bears our mark was left by a vnuma that is dead. */
static int clean(struct session *session, pid_t pid)
{
	if (!is_marked(session, pid))
		return 0;
	vn_autoclose int state = openat(session->tree.fd, STATE, O_WRONLY | O_CLOEXEC);
	vn_autoclose int number = openat(session->tree.fd, NUMBER, O_WRONLY | O_CLOEXEC);
	return state < 0 || number < 0 ? vn_errno() : vn_damon_switch_off(state, number);
}

int vn_damon_clean(const char *folder, pid_t pid)
{
	vn_cleanup(end_session) struct session session = {.tree = {.fd = -1}, .lock = -1};
	int r = begin_session(folder, &session);

	if (r == -ENOENT || r == -EACCES || r == -EPERM || r == -EROFS)
		return 0; /* then nobody like us left anything here */
	if (r < 0 || !is_marked(&session, pid))
		return r;
	r = lock(&session);
	for (unsigned try = 0; r == -EWOULDBLOCK && try < LOCK_TRIES; try++) {
		poll(NULL, 0, LOCK_MS);
		r = lock(&session);
	}
	if (r == -EWOULDBLOCK)
		return 0; /* its owner lives, and switches it off itself */
	return r < 0 ? r : clean(&session, pid);
}

/* ---- settings ---- */

struct setting {
	const char *path, *value;
};

static int set_all(struct session *session, const struct setting *settings, size_t n)
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++)
		r = vn_sysfs_set(&session->tree, settings[i].path, settings[i].value);
	return r;
}

static int set_number(struct session *session, const char *path, uint64_t number)
{
	char value[24];

	snprintf(value, sizeof(value), "%llu", (unsigned long long)number);
	return vn_sysfs_set(&session->tree, path, value);
}

/* The mark comes first of all. */
static int set_mark(struct session *session)
{
	static const struct setting settings[] = {
		{CONTEXTS "/nr_contexts", "1"},
		{CONTEXT "schemes/nr_schemes", "1"},
		{SCHEME "watermarks/metric", "none"},
		{SCHEME "watermarks/interval_us", MARK},
	};

	return set_all(session, settings, sizeof(settings) / sizeof(settings[0]));
}

static int set_scheme(struct session *session)
{
	static const struct setting settings[] = {
		{SCHEME "action", "stat"},
		{SCHEME "access_pattern/sz/min", "0"},
		{SCHEME "access_pattern/nr_accesses/min", "0"},
		{SCHEME "access_pattern/nr_accesses/max", "4294967295"},
		{SCHEME "access_pattern/age/min", "0"},
		{SCHEME "access_pattern/age/max", "4294967295"},
		{CONTEXT "operations", "fvaddr"},
		{CONTEXT "monitoring_attrs/intervals/sample_us", SAMPLE_US},
		{CONTEXT "monitoring_attrs/intervals/aggr_us", AGGREGATION_US},
		{CONTEXT "monitoring_attrs/nr_regions/max", "1000"},
		{CONTEXT "monitoring_attrs/nr_regions/min", "100"}, /* so none is above a hundredth of all */
		{CONTEXT "targets/nr_targets", "1"},
	};
	int r = vn_sysfs_offers(&session->tree, CONTEXT "avail_operations", "fvaddr");

	if (r == 0 && faccessat(session->tree.fd, SCHEME "tried_regions", F_OK, 0) < 0)
		r = vn_errno(); /* Linux 6.1 and before */
	if (r == 0)
		r = set_all(session, settings, sizeof(settings) / sizeof(settings[0]));
	return r < 0 ? r : set_number(session, SCHEME "access_pattern/sz/max", ULONG_MAX);
}

static int set_target(struct session *session)
{
	const struct vn_heats *spans = session->watch->spans;
	char path[128];
	int r = set_number(session, TARGET "pid_target", (uint64_t)session->watch->pid);

	if (r == 0)
		r = set_number(session, TARGET "regions/nr_regions", spans->n);
	for (size_t i = 0; i < spans->n && r == 0; i++) {
		snprintf(path, sizeof(path), TARGET "regions/%zu/start", i);
		r = set_number(session, path, spans->v[i].address);
		if (r < 0)
			break;
		snprintf(path, sizeof(path), TARGET "regions/%zu/end", i);
		r = set_number(session, path, spans->v[i].address + spans->v[i].size);
	}
	return r;
}

/* ---- looks ---- */

static int get_number(struct session *session, size_t region, const char *key, uint64_t *ret_number)
{
	char path[128], value[VN_SYSFS_VALUE];

	snprintf(path, sizeof(path), SCHEME "tried_regions/%zu/%s", region, key);
	int r = vn_sysfs_get(&session->tree, path, value);
	return r < 0 ? r : vn_parse_u64(value, UINT64_MAX, ret_number);
}

/* -ENODATA: there are none. */
static int read_regions(struct session *session, struct vn_heats *heats)
{
	for (size_t i = 0; i < MOST_REGIONS; i++) {
		uint64_t start = 0, end = 0, accesses = 0;
		int r = get_number(session, i, "start", &start);
		if (r == -ENOENT)
			return i > 0 ? 0 : -ENODATA;
		if (r == 0)
			r = get_number(session, i, "end", &end);
		if (r == 0)
			r = get_number(session, i, "nr_accesses", &accesses);
		if (r == 0 && end > start)
			r = vn_heats_add(heats, start, end - start,
				accesses < MOST_ACCESSES ? accesses : MOST_ACCESSES);
		if (r < 0)
			return r;
	}
	return 0;
}

/*
 * The kernel waits for two aggregation intervals as they should be, and gives up without a word when the samples of one took longer
 * (damon_sysfs_after_sampling() of Linux 6.7 to 6.13): on a machine that is busy, or emulated. So it is asked again.
 */
static int update(struct session *session, struct vn_heats *heats)
{
	for (;;) {
		int r = vn_sysfs_put(&session->tree, STATE, "update_schemes_tried_regions");
		if (r == 0)
			r = read_regions(session, heats);
		if (r != -ENODATA || ++session->empty == MOST_EMPTY)
			return r;
		r = session->watch->wait_ms(session->watch->context, 0);
		if (r < 0)
			return r;
	}
}

/* The first look after half of the time. */
static int look(struct session *session, struct vn_heats *heats)
{
	const struct vn_heat_watch *watch = session->watch;
	unsigned looks = watch->watch_ms / LOOK_MS;
	int r = vn_sysfs_set(&session->tree, STATE, "on");

	looks = looks < 1 ? 1 : looks > LOOKS ? LOOKS : looks;
	for (unsigned i = 0; i < looks && r == 0; i++) {
		unsigned ms = looks == 1 ? watch->watch_ms
			      : i == 0   ? watch->watch_ms / 2
					 : watch->watch_ms / 2 / (looks - 1);
		r = watch->wait_ms(watch->context, ms);
		if (r == 0)
			r = update(session, heats);
	}
	return r == -ENODATA && heats->n > 0 ? 0 : r;
}

static int look_guarded(struct session *session, struct vn_heats *heats)
{
	struct vn_damon_guard guard;
	vn_autoclose int state = openat(session->tree.fd, STATE, O_WRONLY | O_CLOEXEC);
	int r = state < 0 ? vn_errno() : vn_damon_guard_begin(state, session->lock, &guard);

	if (r < 0) {
		int off = vn_sysfs_put(&session->tree, NUMBER, "0");
		return off < 0 ? off : r;
	}
	r = set_mark(session);
	if (r == 0)
		r = set_scheme(session);
	if (r == 0)
		r = set_target(session);
	if (r == 0)
		r = look(session, heats);
	int off = vn_damon_guard_end(&guard);
	if (off < 0) /* somebody killed it */
		off = vn_damon_switch_off(state, session->lock);
	session->left_on = off < 0;
	return r < 0 ? r : off;
}

static int look_alone(struct session *session, struct vn_heats *heats)
{
	char value[VN_SYSFS_VALUE];
	int r = lock(session);

	if (r < 0) {
		snprintf(session->tree.at, sizeof(session->tree.at), "%s", NUMBER);
		return r == -EWOULDBLOCK ? -EBUSY : r;
	}
	r = clean(session, 0);
	if (r == 0)
		r = vn_sysfs_get(&session->tree, NUMBER, value);
	if (r == 0 && strcmp(value, "0") != 0)
		r = -EBUSY;
	if (r == 0) /* whether it is there is seen when it is opened */
		r = vn_sysfs_put(&session->tree, NUMBER, "1");
	return r < 0 ? r : look_guarded(session, heats);
}

/* ---- why not ---- */

static const char *find_why(int r, struct vn_damon_refusal *refusal)
{
	refusal->code = "damon-failed";
	switch (r) {
	case -ENOENT:
		refusal->code = "damon-missing";
		return "this kernel does not have it (Linux 6.2, CONFIG_DAMON_SYSFS, CONFIG_DAMON_VADDR)";
	case -EBUSY:
		refusal->code = "damon-taken";
		return "somebody else uses DAMON";
	case -EACCES:
	case -EPERM:
	case -EROFS:
		refusal->code = "damon-forbidden";
		return strerror(-r);
	case -ENODATA:
		return "it told no regions";
	case -EIO:
		return "what was written had no effect";
	default:
		return strerror(-r);
	}
}

static int refuse(const struct session *session, int r, struct vn_damon_refusal *ret_refusal)
{
	struct vn_damon_refusal refusal;

	if (r == -ECANCELED || r == -ENOMEM)
		return r;
	const char *slash = session->tree.at[0] ? "/" : "", *why = find_why(r, &refusal);
	if (session->left_on) {
		refusal.code = "damon-failed";
		why = "the kdamond that was made cannot be switched off";
	}
	snprintf(refusal.text, sizeof(refusal.text), "%s%s%s: %s", session->folder, slash, session->tree.at,
		why);
	*ret_refusal = refusal;
	return -EOPNOTSUPP;
}

int vn_damon_look(const char *folder, const struct vn_heat_watch *watch, struct vn_heats *ret_heats,
	struct vn_damon_refusal *ret_refusal)
{
	vn_cleanup(end_session) struct session session = {
		.folder = folder, .watch = watch, .tree = {.fd = -1}, .lock = -1};
	vn_autoheats heats = {0};
	int r = begin_session(folder, &session);

	if (r == 0)
		r = look_alone(&session, &heats);
	if (r < 0)
		return refuse(&session, r, ret_refusal);
	*ret_heats = heats;
	heats = (struct vn_heats){0};
	return 0;
}
