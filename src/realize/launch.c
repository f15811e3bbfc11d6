/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation. The order is what makes a start safe:
 *
 *   0. QEMU is asked which version it is, and the plan held against what that version refuses
 *   1. under the state's lock: the name is looked up, the child is forked (spawn.h), its record written
 *   2. the child is put on the emulator's CPUs, so that all threads QEMU ever makes start there and what it allocates for itself
 *      is near; then it execs QEMU, paused (-S). Guest memory is bound by QEMU itself as it makes the backends
 *   3. over QMP: where the backends are, which thread is which; each thread is pinned and the kernel asked whether it is
 *   4. the record is written again with all of that; the guest runs; its first moments are watched
 *
 * A launcher that is killed outright leaves, at worst, a paused QEMU on record as 'starting', which `stop`
 * removes. Every other failure goes through give_up(), which leaves nothing.
 */
#define _GNU_SOURCE
#include "launch.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>

#include "../base/clock.h"
#include "../base/parse.h"
#include "../base/process.h"
#include "../base/text.h"
#include "../emit/emit_qemu.h"
#include "backend.h"
#include "channel_sockets.h"
#include "pin.h"
#include "qemu_version.h"
#include "spawn.h"
#include "sys.h"
#include "tap.h"

#define LOCK_MS 30000
#define ANSWER_MS 30000 /* until QEMU answers; more for memory it takes beforehand (see answer_ms) */
#define MS_PER_GIB 2000 /* clearing huge pages, on a slow machine */
#define EXIT_MS 1000 /* from the socket's end to the process's */
/*
 * How long a guest is watched for a KVM that opens but cannot run it: with a nested KVM of that kind, Linux
 * stopped with 'internal-error' 2.5 s after `cont`, when SeaBIOS had loaded it. TCG has no such failure.
 */
#define WATCH_KVM_MS 4000
#define WATCH_TCG_MS 200
#define LOG_LINES 5
#define LOG_TAIL 4096

struct launch {
	const struct vn_state *state;
	const struct vn_host *host;
	const struct vn_guest *guest;
	const struct vn_plan *plan;
	const struct vn_launch_options *options;
	struct vn_vm *vm;
	struct vn_child child;
	struct vn_qmp *qmp;
	int own_lock; /* -1 when the caller's is used */
	int *lock;
	char *qemu;
	struct vn_target target; /* that QEMU */
};

static const char *choose_accel(const char *wanted)
{
	vn_autoclose int fd = wanted ? -1 : open("/dev/kvm", O_RDWR | O_CLOEXEC);
	return wanted ? wanted : fd >= 0 ? "kvm" : "tcg";
}

static int check_request(const struct launch *l, struct vn_error *err)
{
	struct vn_where where = {l->guest->file, 0, NULL};
	const char *accel = l->options->accel;

	if (!l->host->live)
		return vn_error_input(err, NULL,
			"host '%s' is not this machine, now: it can be planned on, not run on",
			l->host->source);
	if (!l->plan->feasible)
		return vn_error_input(err, &where, "the plan is not feasible; 'vnuma plan' tells why");
	if (accel && strcmp(accel, "kvm") != 0 && strcmp(accel, "tcg") != 0)
		return vn_error_input(err, NULL, "accelerator '%s'; expected kvm or tcg", accel);
	if (!vn_vm_name_valid(l->guest->name))
		return vn_error_input(err, &where,
			"'%s' cannot be a VM's name; expected letters, digits and ._+-", l->guest->name);
	return 0;
}

/* Step 0. A QEMU that does not tell its version may still run the guest: what is written then runs on all since 7.2. */
static int settle_target(struct launch *l, struct vn_error *err)
{
	vn_autoerror unanswered = {0};
	int r = vn_qemu_version(l->qemu, l->options->abort_fd, &l->target.version, &unanswered);

	if (r == -ECANCELED)
		return vn_error_environment(err, -EINTR, "interrupted: '%s' was not started", l->guest->name);
	if (r < 0) {
		l->target.version = VN_TARGET_QEMU_VERSION;
		l->target.assumed = true;
		if (l->options->notes &&
			vn_notes_add(l->options->notes, "qemu-version",
				"%s; the command line is one of QEMU 7.2, which later ones take, too",
				unanswered.n ? unanswered.problems[0].text : strerror(-r)) < 0)
			return vn_error_environment(err, -ENOMEM, "out of memory");
	}
	return vn_target_check(l->plan, l->guest, &l->target, err);
}

int vn_launch_claim(const struct vn_state *state, const char *name, struct vn_error *err)
{
	vn_autovm *old = NULL;
	int r = vn_state_read(state, name, &old, NULL);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return vn_state_read(state, name, &old, err); /* once more, for the words */
	const char *exe = old->phase == VN_VM_STARTING ? NULL : old->process.exe;
	r = vn_process_match(old->process.pid, old->process.start_time, exe);
	if (r < 0)
		return vn_error_environment(err, r, "process %d: %s", old->process.pid, strerror(-r));
	if (r == VN_PROCESS_SAME)
		return vn_error_input(err, NULL,
			"a VM named '%s' is there already (process %d); 'vnuma stop %s' ends it", name,
			old->process.pid, name);
	return vn_state_sweep(state, old, err);
}

static int note_channels(struct launch *l, struct vn_error *err)
{
	const struct vn_guest *guest = l->guest;
	struct vn_vm *vm = l->vm;

	vm->channels = calloc(guest->n_channels + 1, sizeof(*vm->channels));
	for (size_t i = 0; vm->channels && i < guest->n_channels; i++) {
		struct vn_vm_channel *channel = &vm->channels[vm->n_channels++];
		channel->name = vn_copy(guest->channels[i].name);
		channel->path = vn_channel_path(&guest->channels[i], i, vm->name, l->state->path);
		if (!channel->name || !channel->path)
			return vn_error_environment(err, -ENOMEM, "out of memory");
	}
	return vm->channels ? 0 : vn_error_environment(err, -ENOMEM, "out of memory");
}

/* Whether a VM on record that lives listens, or is about to, where this one would. */
static int check_channels_of(const struct launch *l, const struct vn_vm *other, struct vn_error *err)
{
	for (size_t i = 0; i < l->vm->n_channels; i++) {
		for (size_t k = 0; k < other->n_channels; k++) {
			const char *path = l->vm->channels[i].path;
			if (!vn_channel_sockets_are_one(path, other->channels[k].path) ||
				vn_process_match(other->process.pid, other->process.start_time, NULL) !=
					VN_PROCESS_SAME)
				continue;
			return vn_error_environment(err, -EADDRINUSE,
				"channel %s: %s is that of the VM '%s'; expected a path that is free",
				l->vm->channels[i].name, path, other->name);
		}
	}
	return 0;
}

static int check_channels(const struct launch *l, struct vn_error *err)
{
	vn_autovmlist others = {0};
	vn_autoerror broken = {0}; /* told by 'list' */
	int r = l->vm->n_channels ? vn_state_list(l->state, &others, &broken, err) : 0;

	for (size_t i = 0; r == 0 && i < others.n; i++)
		r = check_channels_of(l, others.v[i], err);
	return r == 0 ? vn_channel_sockets_check(l->state, l->vm, err) : r;
}

static int new_record(struct launch *l, struct vn_error *err)
{
	struct vn_vm *vm = l->vm = vn_vm_new();

	if (!vm)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	vm->name = strdup(l->guest->name);
	vm->qmp_path = vn_state_file(l->state, l->guest->name, ".qmp");
	vm->log_path = vn_state_file(l->state, l->guest->name, ".log");
	vm->plan = vn_plan_to_json(l->plan, l->guest);
	snprintf(vm->accel, sizeof(vm->accel), "%s", choose_accel(l->options->accel));
	vm->started = time(NULL);
	vm->memory = l->guest->memory;
	vm->vcpus = l->guest->vcpus;
	vm->process.exe = realpath(l->qemu, NULL);
	if (!vm->name || !vm->qmp_path || !vm->log_path || !vm->plan || !vm->process.exe)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	int r = note_channels(l, err);
	return r < 0 ? r : vn_backends_plan(l->plan, l->guest, vm, err);
}

/* A file left by a crash must not be bound over or appended to. */
static int open_log(struct launch *l, int *ret_fd, struct vn_error *err)
{
	const char *path = l->vm->log_path;

	unlink(l->vm->qmp_path);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return vn_error_environment(err, -errno, "%s: cannot be made: %s", path, strerror(errno));
	*ret_fd = fd;
	return 0;
}

static int fork_child(struct launch *l, struct vn_error *err)
{
	vn_autoargv argv = {0};
	vn_autoclose int log = -1;
	struct vn_qemu_options options = {.binary = l->qemu,
		.accel = l->vm->accel,
		.qmp_path = l->vm->qmp_path,
		.serial_path = l->options->serial_path,
		.channel_folder = l->state->path,
		.paused = true,
		.version = l->target.version,
		.notes = l->options->notes};
	int r = vn_emit_qemu(l->plan, l->guest, &options, &argv, err);

	if (r == 0)
		r = open_log(l, &log, err);
	if (r == 0)
		r = vn_spawn(argv.v, log, &l->child, err);
	if (r < 0)
		return r;
	l->vm->process.pid = l->child.pid;
	r = vn_process_start_time(l->child.pid, &l->vm->process.start_time);
	return r < 0 ? vn_error_environment(err, r, "process %d: %s", l->child.pid, strerror(-r)) : 0;
}

static void release_lock(struct launch *l)
{
	if (*l->lock >= 0)
		close(*l->lock);
	*l->lock = -1;
}

/* Step 1 of the theory above. */
static int register_start(struct launch *l, struct vn_error *err)
{
	int r = *l->lock >= 0 ? 0 : vn_state_lock(l->state, LOCK_MS, l->lock, err);

	if (r == 0)
		r = vn_launch_claim(l->state, l->guest->name, err);
	if (r == 0)
		r = new_record(l, err);
	if (r == 0)
		r = check_channels(l, err);
	if (r == 0)
		r = fork_child(l, err);
	if (r == 0)
		r = vn_state_write(l->state, l->vm, err);
	if (r == 0)
		release_lock(l);
	return r;
}

/* The last lines of QEMU's output, one problem each. */
static void add_log_tail(const struct launch *l, struct vn_error *err)
{
	char text[LOG_TAIL + 1];
	vn_autoclose int fd = open(l->vm->log_path, O_RDONLY | O_CLOEXEC);
	off_t size = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);
	ssize_t n = fd < 0 ? 0 : pread(fd, text, LOG_TAIL, size > LOG_TAIL ? size - LOG_TAIL : 0);

	if (n <= 0)
		return;
	text[n] = '\0';
	char *lines[LOG_LINES], *rest = text, *line;
	size_t count = 0;
	while ((line = strsep(&rest, "\r\n"))) {
		if (*line && vn_text_is_printable(line))
			lines[count++ % LOG_LINES] = line;
	}
	for (size_t i = count > LOG_LINES ? count - LOG_LINES : 0; i < count; i++)
		vn_error_environment(err, -EIO, "QEMU: %s", lines[i % LOG_LINES]);
}

/* When QEMU has ended (or does so in a moment), that is what went wrong, not that its socket closed. */
static int explain(const struct launch *l, int status, struct vn_error *socket_error, struct vn_error *err)
{
	struct pollfd ended = {l->child.pidfd, POLLIN, 0};

	if (status == -ECONNRESET)
		poll(&ended, 1, EXIT_MS);
	vn_autofree char *ending = vn_spawn_ending(&l->child);
	if (ending) {
		vn_error_clear(socket_error);
		status = vn_error_environment(
			err, -ECHILD, "QEMU ended while '%s' was being started: %s", l->vm->name, ending);
		add_log_tail(l, err);
		return status;
	}
	if (status == -ECANCELED) {
		vn_error_clear(socket_error);
		return vn_error_environment(err, -EINTR, "interrupted: '%s' was not started", l->vm->name);
	}
	vn_error_move(err, socket_error);
	if (status == -ETIMEDOUT)
		add_log_tail(l, err);
	return status;
}

static int answer_ms(const struct vn_guest *guest)
{
	uint64_t gib = guest->hugepages ? guest->memory >> 30 : 0;
	return ANSWER_MS + (gib > 100000 ? 100000 : (int)gib) * MS_PER_GIB;
}

static int start_qemu(struct launch *l, struct vn_error *err)
{
	struct vn_qmp_limits limits = {answer_ms(l->guest), {l->options->abort_fd, l->child.pidfd}};
	int r = vn_sys_set_affinity(l->child.pid, l->plan->emulator_cpus);

	if (r < 0) {
		vn_autofree char *cpus = vn_set_text(l->plan->emulator_cpus);
		return vn_error_environment(err, r, "QEMU cannot be put on CPUs %s: %s", cpus ? cpus : "",
			r == -ENODEV ? "the kernel allows only some of them (cpuset)" : strerror(-r));
	}
	r = vn_spawn_go(&l->child, l->qemu, err);
	if (r == 0)
		r = vn_qmp_connect(l->vm->qmp_path, &limits, &l->qmp, err);
	return r;
}

/* Whether the guest runs, a while after `cont`. */
static int watch(struct launch *l, struct vn_error *err)
{
	bool kvm = strcmp(l->vm->accel, "kvm") == 0;
	json_auto_t *stop = NULL, *status = NULL;
	int r = vn_qmp_wait_event(l->qmp, "STOP", kvm ? WATCH_KVM_MS : WATCH_TCG_MS, &stop, err);

	if (r == -ETIMEDOUT)
		return 0;
	if (r == 0)
		r = vn_qmp_execute(l->qmp, "query-status", NULL, &status, err);
	if (r < 0)
		return r;
	const char *text = json_string_value(json_object_get(status, "status"));
	if (text && strcmp(text, "internal-error") == 0)
		return vn_error_environment(err, -ENOEXEC,
			"%s cannot run this guest here: QEMU reports 'internal-error' right after its "
			"start%s",
			l->vm->accel,
			kvm ? " (a nested or broken KVM); '--accel tcg' does without KVM, slowly" : "");
	if (json_is_true(json_object_get(status, "running")))
		return 0;
	return vn_error_environment(err, -EIO, "the guest stopped right after its start: QEMU reports '%s'",
		text ? text : "nothing");
}

/* Steps 2 to 4. */
static int bring_up(struct launch *l, struct vn_error *err)
{
	struct vn_process *process = &l->vm->process;
	char *exe = NULL;
	int r = start_qemu(l, err);

	if (r == 0 && (r = vn_process_exe(process->pid, &exe)) < 0)
		return vn_error_environment(err, r, "process %d: %s", process->pid, strerror(-r));
	if (r == 0) {
		free(process->exe);
		process->exe = exe; /* a wrapper script has become QEMU by now */
		r = vn_backends_locate(l->qmp, l->vm, err);
	}
	if (r == 0)
		r = vn_pin(l->qmp, l->guest, l->plan, l->host, l->vm, err);
	if (r == 0)
		r = vn_taps_attach(l->qmp, l->guest, err);
	if (r == 0)
		r = vn_state_write(l->state, l->vm, err);
	if (r == 0)
		r = vn_qmp_execute(l->qmp, "cont", NULL, NULL, err);
	if (r == 0)
		r = watch(l, err);
	l->vm->phase = r == 0 ? VN_VM_STARTED : VN_VM_STARTING;
	return r == 0 ? vn_state_write(l->state, l->vm, err) : r;
}

/* The process first: it holds the socket and the log. */
static void give_up(struct launch *l)
{
	bool forked = l->child.pid != 0;

	vn_spawn_kill(&l->child);
	if (!forked && !(l->vm && l->vm->log_path))
		return;
	if (*l->lock < 0)
		vn_state_lock(l->state, LOCK_MS, l->lock,
			NULL); /* without it too: what is swept is compared again */
	if (forked)
		vn_channel_sockets_remove(l->state, l->vm, true);
	vn_state_sweep(l->state, l->vm, NULL);
}

int vn_launch(const struct vn_state *state, const struct vn_host *host, const struct vn_guest *guest,
	const struct vn_plan *plan, const struct vn_launch_options *options, struct vn_vm **ret_vm,
	struct vn_error *err)
{
	struct launch l = {.state = state,
		.host = host,
		.guest = guest,
		.plan = plan,
		.options = options,
		.own_lock = -1,
		.target = {VN_TARGET_QEMU, 0, false}};
	vn_autoerror late = {0};

	l.lock = options->lock ? options->lock : &l.own_lock;
	int r = check_request(&l, err);
	if (r == 0)
		r = vn_qemu_find(&l.qemu, err);
	if (r == 0)
		r = settle_target(&l, err);
	if (r == 0)
		r = register_start(&l, err);
	if (r == 0 && (r = bring_up(&l, &late)) < 0)
		r = explain(&l, r, &late, err);
	if (r < 0)
		give_up(&l);
	else
		*ret_vm = vn_steal(l.vm);
	vn_spawn_release(&l.child);
	vn_qmp_free(l.qmp);
	vn_vm_free(l.vm);
	release_lock(&l);
	free(l.qemu);
	return r;
}
