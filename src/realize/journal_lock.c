/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who is at work on a VM; the theory is in journal.h. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "../base/clock.h"
#include "../base/parse.h"
#include "../base/process.h"
#include "../base/text.h"
#include "journal_part.h"

#define WAIT_MS 200 /* vn_journal_holder() has it for a moment; a move has it for long */
#define RETRY_MS 10
#define HOLDER_MAX 64u /* bytes of "PID START" */

/* Opened and locked. -EAGAIN: what was locked is no longer the file of that name. */
static int lock_once(const struct vn_state *state, const char *file, int *ret_fd)
{
	vn_autoclose int fd = openat(state->fd, file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	struct stat locked, named;

	if (fd < 0)
		return vn_errno();
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? -EBUSY : errno == EINTR ? -EAGAIN : vn_errno();
	if (fstat(fd, &locked) < 0)
		return vn_errno();
	if (fstatat(state->fd, file, &named, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? -EAGAIN : vn_errno();
	if (locked.st_dev != named.st_dev || locked.st_ino != named.st_ino)
		return -EAGAIN;
	*ret_fd = fd;
	fd = -1;
	return 0;
}

/* "PID START" of us. */
static int write_holder(int fd)
{
	char text[HOLDER_MAX];
	uint64_t start_time;
	int r = vn_process_start_time(getpid(), &start_time);

	if (r < 0)
		return r;
	int length = snprintf(text, sizeof(text), "%d %llu\n", getpid(), (unsigned long long)start_time);
	if (ftruncate(fd, 0) < 0)
		return vn_errno();
	ssize_t n = pwrite(fd, text, (size_t)length, 0);
	return n < 0 ? vn_errno() : n == length ? 0 : -ENOSPC;
}

int vn_journal_try_lock(
	const struct vn_state *state, const struct vn_process *process, int wait_ms, int *ret_fd)
{
	char file[VN_JOURNAL_NAME];
	int64_t deadline = vn_now_ms() + wait_ms;
	vn_autoclose int fd = -1;
	int r;

	vn_journal_name(process, VN_JOURNAL_LOCK, file);
	while ((r = lock_once(state, file, &fd)) == -EBUSY || r == -EAGAIN) {
		if (r == -EBUSY && vn_left_ms(deadline) == 0)
			return r;
		if (r == -EBUSY)
			usleep(RETRY_MS * 1000);
	}
	if (r == 0)
		r = write_holder(fd);
	if (r < 0)
		return r;
	*ret_fd = fd;
	fd = -1;
	return 0;
}

/* Who is in the file, if that very process lives. */
static bool read_holder(int fd, struct vn_process *ret_holder)
{
	char text[HOLDER_MAX];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	char *end = n > 0 ? memchr(text, '\n', (size_t)n) : NULL, *blank = NULL;
	uint64_t pid, start_time;

	if (end) {
		*end = '\0';
		blank = strchr(text, ' ');
	}
	if (!blank)
		return false;
	*blank = '\0';
	if (vn_parse_u64(text, INT_MAX, &pid) < 0 || pid == 0 ||
		vn_parse_u64(blank + 1, UINT64_MAX, &start_time) < 0 ||
		vn_process_match((pid_t)pid, start_time, NULL) != VN_PROCESS_SAME)
		return false;
	*ret_holder = (struct vn_process){.pid = (pid_t)pid, .start_time = start_time};
	return true;
}

/* pid 0: it cannot be told. */
static int find_holder(
	const struct vn_state *state, const struct vn_process *process, struct vn_process *ret_holder)
{
	char file[VN_JOURNAL_NAME];
	vn_autoclose int fd = openat(state->fd, vn_journal_name(process, VN_JOURNAL_LOCK, file),
		O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0)
		return errno == ENOENT ? -ESRCH : vn_errno();
	if (flock(fd, LOCK_SH | LOCK_NB) == 0)
		return -ESRCH;
	if (errno != EWOULDBLOCK)
		return vn_errno();
	if (!read_holder(fd, ret_holder))
		*ret_holder = (struct vn_process){0};
	return 0;
}

int vn_journal_holder(const struct vn_state *state, const struct vn_process *process, pid_t *ret_pid)
{
	struct vn_process holder;
	int r = find_holder(state, process, &holder);

	if (r == 0)
		*ret_pid = holder.pid;
	return r;
}

/* Through a pidfd: what is told to stop is what was found. */
static int stop(const struct vn_process *holder)
{
	vn_autoclose int fd = vn_process_open(holder->pid, holder->start_time, NULL);
	return fd < 0 ? fd : vn_process_signal(fd, SIGTERM);
}

int vn_journal_stop(const struct vn_state *state, const struct vn_process *process, struct vn_error *err)
{
	struct vn_process holder;
	int r = find_holder(state, process, &holder);

	if (r == 0 && holder.pid == 0)
		return vn_error_environment(err, -EBUSY,
			"process %d: a vnuma is at work on it, but which process that is cannot be told",
			process->pid);
	if (r == 0)
		r = stop(&holder);
	if (r == 0)
		return 0;
	if (r == -ESRCH)
		return vn_error_environment(err, r, "process %d: nobody is at work on it", process->pid);
	return vn_error_environment(
		err, r, "process %d: who is at work on it cannot be stopped: %s", process->pid, strerror(-r));
}

int vn_journal_lock(
	const struct vn_state *state, const struct vn_process *process, int *ret_fd, struct vn_error *err)
{
	char file[VN_JOURNAL_NAME];
	pid_t holder = 0;
	int r = vn_journal_try_lock(state, process, WAIT_MS, ret_fd);

	if (r == 0)
		return 0;
	if (r == -EBUSY) {
		vn_journal_holder(state, process, &holder);
		return holder ? vn_error_environment(err, r,
					"process %d: another vnuma, process %d, is at work on it",
					process->pid, holder)
			      : vn_error_environment(
					err, r, "process %d: another vnuma is at work on it", process->pid);
	}
	return vn_error_environment(err, r, "%s/%s: %s", state->path,
		vn_journal_name(process, VN_JOURNAL_LOCK, file), strerror(-r));
}
