/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "stop.h"

#include <poll.h>
#include <signal.h>
#include <string.h>

#include "../base/clock.h"
#include "../base/process.h"
#include "../qmp/qmp.h"

#define LOCK_MS 30000
#define ANSWER_MS 5000
#define QUIT_MS 5000
#define KILL_MS 30000 /* giving back a terabyte takes a while */

/* Waits for the end of the process: 1 ended, 0 not yet, -ECANCELED. */
static int wait_end(int pidfd, int abort_fd, int timeout_ms)
{
	int64_t deadline = vn_now_ms() + timeout_ms;

	for (;;) {
		struct pollfd fds[] = {{pidfd, POLLIN, 0}, {abort_fd, POLLIN, 0}};
		int n = poll(fds, 2, vn_left_ms(deadline));
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0 && fds[0].revents)
			return 1;
		if (n > 0)
			return -ECANCELED;
		if (n == 0)
			return 0;
	}
}

/* One command on a connection of its own, so that other clients get their turn while we wait. */
static int tell(const struct vn_vm *vm, int pidfd, int abort_fd, const char *command)
{
	struct vn_qmp_limits limits = {ANSWER_MS, {abort_fd, pidfd}};
	vn_autoqmp *qmp = NULL;
	int r = vn_qmp_connect(vm->qmp_path, &limits, &qmp, NULL);

	return r < 0 ? r : vn_qmp_execute(qmp, command, NULL, NULL, NULL);
}

/* 1: the guest powered off. A QEMU that does not answer, or a guest that is paused, cannot be asked. */
static int power_down(const struct vn_vm *vm, int pidfd, const struct vn_stop_options *options)
{
	int64_t deadline = vn_now_ms() + options->timeout_ms;

	for (int half = 2; half > 0; half--) {
		int r = tell(vm, pidfd, options->abort_fd, "system_powerdown");
		if (r == -ECANCELED && wait_end(pidfd, -1, 0) != 1)
			return r;
		r = wait_end(pidfd, options->abort_fd, vn_left_ms(deadline) / half);
		if (r != 0)
			return r;
	}
	return 0;
}

static int kill_it(const struct vn_vm *vm, int pidfd, struct vn_error *err)
{
	int r = vn_process_signal(pidfd, SIGKILL);

	if (r < 0 && r != -ESRCH)
		return vn_error_environment(
			err, r, "process %d: cannot be killed: %s", vm->process.pid, strerror(-r));
	if (wait_end(pidfd, -1, KILL_MS) != 1)
		return vn_error_environment(err, -ETIMEDOUT,
			"process %d: does not end, killed as it was, in %d s", vm->process.pid,
			KILL_MS / 1000);
	return 0;
}

static int end_process(const struct vn_vm *vm, int pidfd, const struct vn_stop_options *options,
	enum vn_stopped *ret_how, struct vn_error *err)
{
	int r = options->force || vm->phase == VN_VM_STARTING ? 0 : power_down(vm, pidfd, options);

	*ret_how = VN_STOPPED_DOWN;
	if (r == 0) {
		*ret_how = VN_STOPPED_QUIT;
		tell(vm, pidfd, options->abort_fd, "quit");
		r = wait_end(pidfd, options->abort_fd, QUIT_MS);
	}
	if (r == 0) {
		*ret_how = VN_STOPPED_KILLED;
		r = kill_it(vm, pidfd, err);
	} else if (r < 0) {
		r = vn_error_environment(err, r, "interrupted: '%s' may still be running", vm->name);
	}
	return r < 0 ? r : 0;
}

/* A pidfd of the VM's process, or -ESRCH when it has ended. */
static int open_process(const struct vn_vm *vm, struct vn_error *err)
{
	/* Until its record is complete, the process may not have become QEMU yet. */
	const char *exe = vm->phase == VN_VM_STARTING ? NULL : vm->process.exe;
	int fd = vn_process_open(vm->process.pid, vm->process.start_time, exe);

	if (fd < 0 && fd != -ESRCH)
		return vn_error_environment(err, fd, "process %d: %s", vm->process.pid, strerror(-fd));
	return fd;
}

static int sweep(const struct vn_state *state, const struct vn_vm *vm, struct vn_error *err)
{
	vn_autoclose int lock = -1;
	int r = vn_state_lock(state, LOCK_MS, &lock, err);
	return r < 0 ? r : vn_state_sweep(state, vm, err);
}

int vn_stop(const struct vn_state *state, const struct vn_vm *vm, const struct vn_stop_options *options,
	enum vn_stopped *ret_how, struct vn_error *err)
{
	enum vn_stopped how = VN_STOPPED_DEAD;
	vn_autoclose int pidfd = open_process(vm, err);
	int r = pidfd == -ESRCH ? 0 : pidfd < 0 ? pidfd : end_process(vm, pidfd, options, &how, err);

	if (r == 0)
		r = sweep(state, vm, err);
	if (r == 0)
		*ret_how = how;
	return r;
}
