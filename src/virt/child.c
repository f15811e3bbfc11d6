/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "child.h"

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "../base/error.h"

static void keep_only(int fd)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int standard = STDIN_FILENO; null >= 0 && standard <= STDERR_FILENO; standard++)
		dup2(null, standard);
	if (fd > STDERR_FILENO + 1)
		syscall(SYS_close_range, STDERR_FILENO + 1u, (unsigned)fd - 1, 0);
	syscall(SYS_close_range, (unsigned)fd + 1, UINT_MAX, 0);
}

static void __attribute__((noreturn))
child_main(int fd, pid_t parent, void (*work)(int fd, const void *context), const void *context)
{
	sigset_t none;

	sigemptyset(&none);
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (getppid() != parent) /* it died before that was asked for */
		_exit(1);
	setsid();
	prctl(PR_SET_NAME, "vnuma-libvirt", 0, 0, 0);
	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
	pthread_sigmask(SIG_SETMASK, &none, NULL);
	keep_only(fd);
	work(fd, context);
	_exit(0);
}

int vn_virt_child_start(
	void (*work)(int fd, const void *context), const void *context, struct vn_virt_child *ret_child)
{
	pid_t parent = getpid();
	sigset_t all, before;
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return vn_errno();
	vn_autoclose int ours = ends[0], theirs = ends[1];
	/* the child's end must be none of 0, 1, 2, which it gives away */
	int high = fcntl(theirs, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (high < 0)
		return vn_errno();
	close(theirs);
	theirs = high;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before); /* no handler of ours ever runs in the child */
	pid_t pid = fork();
	if (pid == 0)
		child_main(theirs, parent, work, context);
	int r = pid < 0 ? vn_errno() : 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r < 0)
		return r;
	*ret_child = (struct vn_virt_child){pid, ours};
	ours = -1;
	return 0;
}

void vn_virt_child_end(struct vn_virt_child *child)
{
	if (child->pid <= 0)
		return;
	close(child->fd);
	/*
	 * Of a parent of ours that forked since, in the background, it is the child and not ours: then only that may tell its pid from
	 * another's. It ends with that parent.
	 */
	if (waitpid(child->pid, NULL, WNOHANG) == 0) {
		kill(child->pid, SIGKILL);
		while (waitpid(child->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	*child = (struct vn_virt_child){0};
}
