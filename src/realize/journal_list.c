/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* All journals there are; those of processes that are gone are swept, with all that lies beside them. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "../base/parse.h"
#include "../base/process.h"
#include "journal_part.h"

static const char *const suffixes[] = {
	VN_JOURNAL_PROGRESS, VN_JOURNAL_PAGES, VN_JOURNAL_MOVE, VN_JOURNAL_LOCK}; /* the lock last */
#define N_SUFFIXES (sizeof(suffixes) / sizeof(suffixes[0]))

/* A file of ours: PID-START.move and so on, or what a writer that was killed left of one, .PID-START.move.WRITER. */
struct entry {
	struct vn_process process; /* pid and start time */
	const char *suffix; /* one of `suffixes`; NULL: left by a writer */
};

/* Whether `name` begins with a number as we write them, up to `end`; *ret_rest is behind that. */
static bool take_number(const char *name, char end, uint64_t max, uint64_t *ret, const char **ret_rest)
{
	char digits[24];
	size_t n = strspn(name, "0123456789");

	if (n == 0 || n >= sizeof(digits) || name[n] != end || (*name == '0' && n > 1))
		return false;
	memcpy(digits, name, n);
	digits[n] = '\0';
	*ret_rest = name + n + 1;
	return vn_parse_u64(digits, max, ret) == 0;
}

static bool parse_name(const char *name, struct entry *ret)
{
	bool left = *name == '.';
	uint64_t pid, start_time, writer;
	const char *rest;

	if (!take_number(name + left, '-', INT_MAX, &pid, &rest) || pid == 0 ||
		!take_number(rest, '.', UINT64_MAX, &start_time, &rest))
		return false;
	rest--; /* the dot is the suffix's */
	*ret = (struct entry){{.pid = (pid_t)pid, .start_time = start_time}, NULL};
	for (size_t i = 0; i < N_SUFFIXES; i++) {
		size_t length = strlen(suffixes[i]);
		if (strncmp(rest, suffixes[i], length) != 0)
			continue;
		if (!left)
			ret->suffix = suffixes[i];
		return left ? rest[length] == '.' && take_number(rest + length + 1, '\0', INT_MAX, &writer,
							     &(const char *){NULL})
			    : rest[length] == '\0';
	}
	return false;
}

static bool is_ours(const char *name)
{
	struct entry parsed;
	return parse_name(name, &parsed);
}

/*
 * Removes all files of a process that is gone; `name` is the one that was found. One that somebody is at work on is left to the next
 * time: a move whose VM has just ended still has its report to make.
 */
static void sweep(const struct vn_state *state, const struct vn_process *process, const char *name)
{
	char file[VN_JOURNAL_NAME];
	vn_autoclose int fd = -1;
	struct stat st;

	if (fstatat(state->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return; /* swept with an earlier one */
	if (vn_journal_try_lock(state, process, 0, &fd) < 0)
		return;
	unlinkat(state->fd, name, 0);
	for (size_t i = 0; i < N_SUFFIXES; i++)
		unlinkat(state->fd, vn_journal_name(process, suffixes[i], file), 0);
}

static bool is_gone(const struct vn_process *process)
{
	int match = vn_process_match(process->pid, process->start_time, NULL);
	return match == VN_PROCESS_GONE || match == VN_PROCESS_STRANGER;
}

/* Adds the journal behind a directory entry, or sweeps it. */
static void take_entry(
	const struct vn_state *state, const char *name, struct vn_move_list *list, struct vn_error *broken)
{
	struct entry entry;

	if (!parse_name(name, &entry))
		return;
	if (is_gone(&entry.process)) {
		sweep(state, &entry.process, name);
		return;
	}
	if (!entry.suffix || strcmp(entry.suffix, VN_JOURNAL_MOVE) != 0)
		return;
	if (vn_journal_read(state, &entry.process, &list->v[list->n], broken) < 0)
		return; /* -ENOENT: undone meanwhile */
	vn_journal_progress_read(state, list->v[list->n++]);
}

static int by_begun(const void *a, const void *b)
{
	const struct vn_move *const *x = a, *const *y = b;

	if ((*x)->begun != (*y)->begun)
		return (*x)->begun < (*y)->begun ? -1 : 1;
	return ((*x)->process.pid > (*y)->process.pid) - ((*x)->process.pid < (*y)->process.pid);
}

void vn_move_list_clear(struct vn_move_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		vn_move_free(list->v[i]);
	free(list->v);
	*list = (struct vn_move_list){0};
}

int vn_journal_list(const struct vn_state *state, struct vn_move_list *ret_list, struct vn_error *broken,
	struct vn_error *err)
{
	vn_autostatenames names = {0};
	struct vn_move_list list = {0};
	int r = vn_state_names(state, is_ours, &names, err);

	if (r < 0)
		return r;
	list.v = calloc(names.n + 1, sizeof(struct vn_move *));
	if (!list.v)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < names.n; i++)
		take_entry(state, names.v[i], &list, broken);
	qsort(list.v, list.n, sizeof(struct vn_move *), by_begun);
	*ret_list = list;
	return 0;
}
