/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* A real QEMU for tests that look at one: paused, with a monitor of the test's own to hear the truth from. */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../src/base/process.h"
#include "../src/base/rootfs.h"
#include "../src/guest/guest_qemu.h"
#include "../src/observe/survey.h"
#include "../src/qmp/qmp.h"

#define LIVE_WORDS 64

struct live_qemu {
	char folder[32], socket[48];
	pid_t pid;
	struct vn_qmp *qmp; /* while it is connected */
};

/* Whether there is a QEMU to start: its answer is asked for once. `words` are split at blanks. */
static inline bool live_start(struct live_qemu *q, const char *words)
{
	vn_autofree char *copy = strdup(words);
	char *argv[LIVE_WORDS] = {(char *)(uintptr_t) "qemu-system-x86_64"}, monitor[80];
	int n = 1;

	*q = (struct live_qemu){.folder = "/tmp/vnuma-live-XXXXXX"};
	assert_non_null(mkdtemp(q->folder));
	snprintf(q->socket, sizeof(q->socket), "%s/qmp", q->folder);
	snprintf(monitor, sizeof(monitor), "unix:%s,server=on,wait=off", q->socket);
	for (char *rest = copy, *word; (word = strsep(&rest, " "));) {
		assert_true(n < LIVE_WORDS - 8);
		argv[n++] = word;
	}
	char *fixed[] = {(char *)(uintptr_t) "-display", (char *)(uintptr_t) "none",
		(char *)(uintptr_t) "-nodefaults", (char *)(uintptr_t) "-qmp", monitor};
	memcpy(argv + n, fixed, sizeof(fixed));
	q->pid = fork();
	assert_true(q->pid >= 0);
	if (q->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (!freopen("/dev/null", "w", stderr))
			_exit(126);
		execvp(argv[0], argv);
		_exit(127);
	}
	struct vn_qmp_limits limits = VN_QMP_LIMITS(20000);
	int status;
	while (access(q->socket, F_OK) != 0) {
		if (waitpid(q->pid, &status, WNOHANG) == q->pid) {
			rmdir(q->folder);
			assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 127);
			return false;
		}
		usleep(10000);
	}
	assert_int_equal(vn_qmp_connect(q->socket, &limits, &q->qmp, NULL), 0);
	return true;
}

static inline void live_disconnect(struct live_qemu *q)
{
	vn_qmp_free(q->qmp);
	q->qmp = NULL;
}

static inline void live_stop(struct live_qemu *q)
{
	live_disconnect(q);
	if (q->pid > 0) {
		kill(q->pid, SIGKILL);
		waitpid(q->pid, NULL, 0);
		unlink(q->socket);
		rmdir(q->folder);
	}
}

/* As find.c makes it: the process, and the guest as its command line says. */
static inline void live_sample(const struct live_qemu *q, struct vn_vm_sample *vm)
{
	vn_autofree char *path = NULL, *text = NULL;
	size_t size;

	*vm = (struct vn_vm_sample){.process.pid = q->pid, .uid = getuid()};
	assert_true(asprintf(&path, "/proc/%d/cmdline", q->pid) > 0);
	assert_int_equal(vn_file_read_bytes(path, 1 << 20, &text, &size, NULL), 0);
	assert_int_equal(vn_process_start_time(q->pid, &vm->process.start_time), 0);
	assert_int_equal(vn_guest_from_qemu(text, size, "cmdline", &vm->guest, NULL), 0);
	assert_int_equal(vn_guest_set_text(vm->guest, VN_FORM_QEMU, text, size), 0);
	strcpy(vm->accel, memmem(text, size, "\0kvm", 5) ? "kvm" : "tcg");
}

static inline struct vn_survey live_survey(const struct vn_root *root)
{
	return (struct vn_survey){.root = root, .looks = 1, .pages = 4096, .seed = 1, .stop_fd = -1};
}
