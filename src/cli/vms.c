/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "vms.h"

#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>

#include "../base/process.h"
#include "../base/text.h"
#include "../qmp/qmp.h"
#include "../realize/journal.h"

#define ANSWER_MS 1000

int vn_args_vm(
	const struct vn_args *args, struct vn_state *ret_state, struct vn_vm **ret_vm, struct vn_error *err)
{
	vn_autostate state = {.fd = -1};
	int r = vn_state_open(&state, err);

	if (r == 0)
		r = vn_state_read(&state, args->operands[0], ret_vm, err);
	if (r < 0)
		return r;
	*ret_state = state;
	state = (struct vn_state){.fd = -1};
	return 0;
}

static const char *ask_qemu(const struct vn_vm *vm)
{
	struct vn_qmp_limits limits = VN_QMP_LIMITS(ANSWER_MS);
	vn_autoqmp *qmp = NULL;
	json_auto_t *status = NULL;
	int r = vn_qmp_connect(vm->qmp_path, &limits, &qmp, NULL);

	if (r == 0)
		r = vn_qmp_execute(qmp, "query-status", NULL, &status, NULL);
	if (r < 0)
		return "silent";
	const char *text = json_string_value(json_object_get(status, "status"));
	if (text && strcmp(text, "internal-error") == 0)
		return "failed";
	return json_is_true(json_object_get(status, "running")) ? "running" : "paused";
}

const char *vn_vm_state(const struct vn_vm *vm)
{
	bool starting = vm->phase == VN_VM_STARTING;
	const struct vn_process *process = &vm->process;
	int r = vn_process_match(process->pid, process->start_time, starting ? NULL : process->exe);

	if (r < 0)
		return "unknown";
	if (r != VN_PROCESS_SAME)
		return "dead";
	return starting ? "starting" : ask_qemu(vm);
}

int vn_vm_moved(const struct vn_state *state, const struct vn_process *process, struct vn_moved *ret_moved,
	struct vn_error *err)
{
	vn_automove *move = NULL;
	int r = vn_journal_read(state, process, &move, err);

	if (r < 0 && r != -ENOENT)
		return r;
	*ret_moved = (struct vn_moved){.known = true};
	if (move) {
		ret_moved->begun = move->begun;
		snprintf(ret_moved->phase, sizeof(ret_moved->phase), "%s", vn_move_phase_name(move->phase));
	}
	return 0;
}

int vn_vm_check_alive(const struct vn_vm *vm, struct vn_error *err)
{
	const struct vn_process *process = &vm->process;

	if (vm->phase == VN_VM_STARTING)
		return vn_error_environment(
			err, -EAGAIN, "'%s' is still starting (or its start was killed)", vm->name);
	int r = vn_process_match(process->pid, process->start_time, process->exe);
	if (r < 0)
		return vn_error_environment(err, r, "process %d: %s", process->pid, strerror(-r));
	if (r == VN_PROCESS_SAME)
		return 0;
	return vn_error_environment(err, -ESRCH,
		"'%s' is dead: %s process %d; 'vnuma stop %s' removes its record", vm->name,
		r == VN_PROCESS_GONE ? "there is no" : "another program is", process->pid, vm->name);
}

char *vn_vm_homes_text(const struct vn_vm *vm)
{
	char *text = strdup("");
	size_t i;
	json_t *home;

	json_array_foreach (json_object_get(vm->plan, "homes"), i, home) {
		char *longer =
			text ? vn_format("%s%s%lld", text, i ? " " : "", (long long)json_integer_value(home))
			     : NULL;
		free(text);
		text = longer;
	}
	return text;
}

int vn_signals_open(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}
