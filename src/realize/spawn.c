/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "spawn.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "../base/process.h"
#include "../base/text.h"

/* Marks all but the standard descriptors to be closed by exec; before Linux 5.11 one by one. */
static void close_on_exec(void)
{
	if (syscall(SYS_close_range, 3, UINT_MAX, CLOSE_RANGE_CLOEXEC) == 0)
		return;
	long max = sysconf(_SC_OPEN_MAX);
	for (int fd = 3; fd < (max > 0 ? max : 1024); fd++)
		fcntl(fd, F_SETFD, FD_CLOEXEC);
}

static void reset_signals(void)
{
	sigset_t none;

	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_DFL); /* fails for two of them, which are never anything else */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* The child's side. Only what is safe after fork in a program with threads. */
static void __attribute__((noreturn)) child_main(char *const *argv, int log_fd, int go_fd, int failed_fd)
{
	char go;
	int null = open("/dev/null", O_RDONLY);

	setsid();
	if (null < 0 || dup2(null, 0) < 0 || dup2(log_fd, 1) < 0 || dup2(log_fd, 2) < 0)
		_exit(126);
	close_on_exec();
	while (read(go_fd, &go, 1) != 1) {
		if (errno != EINTR)
			_exit(125); /* the parent is gone, or changed its mind */
	}
	reset_signals();
	umask(umask(0) | S_IWGRP | S_IWOTH); /* who may write to a socket of its may connect to it */
	execv(argv[0], argv);
	int failed = errno;
	if (write(failed_fd, &failed, sizeof(failed)) < 0)
		_exit(126);
	_exit(127);
}

int vn_spawn(char *const *argv, int log_fd, struct vn_child *ret_child, struct vn_error *err)
{
	int go[2], failed[2];

	if (pipe2(go, O_CLOEXEC) < 0)
		return vn_error_environment(err, -errno, "no pipe: %s", strerror(errno));
	vn_autoclose int go_read = go[0], go_write = go[1];
	if (pipe2(failed, O_CLOEXEC) < 0)
		return vn_error_environment(err, -errno, "no pipe: %s", strerror(errno));
	vn_autoclose int failed_read = failed[0], failed_write = failed[1];
	pid_t pid = fork();
	if (pid < 0)
		return vn_error_environment(err, -errno, "no process: %s", strerror(errno));
	if (pid == 0) {
		close(go_write); /* or the parent's death would not end the pipe */
		errno = 0;
		child_main(argv, log_fd, go_read, failed_write);
	}
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0) {
		int r = -errno;
		kill(pid, SIGKILL); /* our own child, not waited for: nobody else can have this pid */
		waitpid(pid, NULL, 0);
		return vn_error_environment(err, r, "pidfd_open: %s (Linux 5.3 has it)", strerror(-r));
	}
	*ret_child = (struct vn_child){pid, pidfd, go_write, failed_read};
	go_write = failed_read = -1;
	return 0;
}

int vn_spawn_go(struct vn_child *child, const char *program, struct vn_error *err)
{
	int failed = 0;

	if (write(child->go_fd, "", 1) != 1)
		return vn_error_environment(err, -EPIPE, "%s: its process ended before it began", program);
	close(child->go_fd);
	child->go_fd = -1;
	ssize_t n;
	do
		n = read(child->failed_fd, &failed, sizeof(failed));
	while (n < 0 && errno == EINTR);
	close(child->failed_fd);
	child->failed_fd = -1;
	if (n == sizeof(failed))
		return vn_error_environment(err, -failed, "%s: cannot be run: %s", program, strerror(failed));
	return 0;
}

void vn_spawn_release(struct vn_child *child)
{
	if (child->pid == 0)
		return;
	close(child->pidfd);
	if (child->go_fd >= 0)
		close(child->go_fd);
	if (child->failed_fd >= 0)
		close(child->failed_fd);
	*child = (struct vn_child){0};
}

void vn_spawn_kill(struct vn_child *child)
{
	siginfo_t info;

	if (child->pid == 0)
		return;
	vn_process_signal(child->pidfd, SIGKILL);
	while (waitid(P_PIDFD, (id_t)child->pidfd, &info, WEXITED) < 0 && errno == EINTR)
		;
	vn_spawn_release(child);
}

char *vn_spawn_ending(const struct vn_child *child)
{
	siginfo_t info = {0};

	if (waitid(P_PIDFD, (id_t)child->pidfd, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == 0)
		return NULL;
	if (info.si_code == CLD_EXITED)
		return vn_format("exit status %d", info.si_status);
	return vn_format("signal %d (%s)", info.si_status, strsignal(info.si_status));
}
