/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "damon_guard.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "../base/cleanup.h"
#include "../base/error.h"

#define TRIES                                                                                                \
	750u /* 15 s: the kernel's lock is held while a kdamond answers, up to an aggregation interval */
#define TRY_MS 20

enum { PIPE, STATE, NUMBER, KEPT };

static int write_patiently(int fd, const char *text, size_t length)
{
	for (unsigned try = 0; try < TRIES; try++) {
		if (write(fd, text, length) >= 0)
			return 0;
		if (errno != EBUSY && errno != EINTR)
			return -errno;
		poll(NULL, 0, TRY_MS);
	}
	return -EBUSY;
}

int vn_damon_switch_off(int state, int number)
{
	int r = write_patiently(state, "off\n", 4);

	if (r == -ENODEV)
		return 0;
	if (r < 0 && r != -EPERM && r != -EINVAL) /* these two: it does not run */
		return r;
	return write_patiently(number, "0\n", 2);
}

/* All descriptors but those kept. They are in rising order. */
static void close_others(const int kept[static KEPT])
{
	unsigned from = 0;

	for (size_t i = 0; i < KEPT; i++) {
		if ((unsigned)kept[i] > from)
			syscall(SYS_close_range, from, (unsigned)kept[i] - 1, 0);
		from = (unsigned)kept[i] + 1;
	}
	syscall(SYS_close_range, from, UINT_MAX, 0);
}

static void __attribute__((noreturn)) guard_main(const int file[static KEPT], const int rising[static KEPT])
{
	char byte;

	setsid();
	prctl(PR_SET_NAME, "vnuma-guard", 0, 0, 0);
	close_others(rising);
	if (chdir("/") < 0) /* holds no mount busy; where that fails it does, for a while */
		errno = 0;
	while (read(file[PIPE], &byte, 1) < 0 && errno == EINTR)
		;
	_exit(vn_damon_switch_off(file[STATE], file[NUMBER]) == 0 ? 0 : 1);
}

static void sort_three(int v[static KEPT])
{
	for (size_t i = 1; i < KEPT; i++) {
		for (size_t k = i; k > 0 && v[k - 1] > v[k]; k--) {
			int other = v[k];
			v[k] = v[k - 1];
			v[k - 1] = other;
		}
	}
}

int vn_damon_guard_begin(int state, int number, struct vn_damon_guard *ret_guard)
{
	int ends[2];
	sigset_t all, before;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return vn_errno();
	vn_autoclose int read_end = ends[0], write_end = ends[1];
	const int file[KEPT] = {[PIPE] = read_end, [STATE] = state, [NUMBER] = number};
	int rising[KEPT] = {read_end, state, number};
	sort_three(rising);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before); /* no handler of ours ever runs in the child */
	pid_t pid = fork();
	if (pid == 0)
		guard_main(file, rising);
	int r = pid < 0 ? vn_errno() : 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r < 0)
		return r;
	*ret_guard = (struct vn_damon_guard){pid, write_end};
	write_end = -1;
	return 0;
}

int vn_damon_guard_end(struct vn_damon_guard *guard)
{
	int status = 0;
	pid_t pid;

	close(guard->fd);
	do
		pid = waitpid(guard->pid, &status, 0);
	while (pid < 0 && errno == EINTR);
	*guard = (struct vn_damon_guard){.fd = -1};
	return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EIO;
}
