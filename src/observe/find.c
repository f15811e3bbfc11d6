/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: one pass over /proc. Most processes are passed after one readlink. Of a QEMU the start time is read first and
 * again at the end: were they different, another process had been given the pid in between. Each file that cannot be read leaves
 * something unknown and a gap that says so; only want of memory ends the pass.
 */
#define _GNU_SOURCE
#include "find.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "../base/parse.h"
#include "../base/process.h"
#include "../base/qemu_options.h"
#include "../base/text.h"
#include "cpuset.h"
#include "manager.h"
#include "qemu_process.h"
#include "vm_identity.h"

#define MAX_CMDLINE                                                                                          \
	(4u << 20) /* bytes; Linux takes at most a quarter of the stack's limit, 2 MiB as it comes */

struct finder {
	const struct vn_survey *survey;
	struct vn_vm_sample *vms;
	size_t n;
	size_t n_single; /* processes of QEMU's name with one thread */
};

/* ---- one process ---- */

static int read_of(const struct finder *f, pid_t pid, const char *leaf, char **ret_text)
{
	char path[64];

	snprintf(path, sizeof(path), "proc/%d/%s", pid, leaf);
	return vn_root_read(f->survey->root, path, ret_text);
}

static int start_time(const struct finder *f, pid_t pid, uint64_t *ret)
{
	vn_autofree char *text = NULL;
	int r = read_of(f, pid, "stat", &text);

	return r == 0 ? vn_stat_parse(text, ret) : r;
}

/*
 * *ret_single: it has one thread. QEMU never has: the one of its RCU is made before main(), and again behind a fork (util/rcu.c,
 * rcu_init(), rcu_init_child()). Nothing else of it is as sure: a VM has no option, no memory and no vCPU before its machine is made.
 */
static int read_status(const struct finder *f, struct vn_vm_sample *vm, bool *ret_single)
{
	vn_autofree char *text = NULL;
	uint64_t number;
	int r = read_of(f, vm->process.pid, "status", &text);

	if (r < 0)
		return r;
	vn_autofree char *uids = vn_line_value(text, "Uid", ':'); /* real, effective, saved, … */
	vn_autofree char *mems = vn_line_value(text, "Mems_allowed_list", ':');
	vn_autofree char *threads = vn_line_value(text, "Threads", ':');
	*ret_single = threads && vn_parse_u64(threads, UINT32_MAX, &number) == 0 && number <= 1;
	if (uids)
		uids[strspn(uids, "0123456789")] = 0;
	if (uids && vn_parse_u64(uids, UINT32_MAX, &number) == 0)
		vm->uid = (uid_t)number;
	return mems && vn_set_parse(mems, &vm->mems) == -ENOMEM ? -ENOMEM : 0;
}

/* Whether a namespace of the process is another than ours. Not known: no. */
static bool has_other(const struct finder *f, pid_t pid, const char *kind)
{
	vn_autofree char *own = NULL, *its = NULL;
	char path[64];

	snprintf(path, sizeof(path), "proc/%d/ns/%s", pid, kind);
	if (vn_root_link(f->survey->root, path, &its) < 0)
		return false;
	snprintf(path, sizeof(path), "proc/self/ns/%s", kind);
	return vn_root_link(f->survey->root, path, &own) == 0 && strcmp(own, its) != 0;
}

static int gap(struct vn_vm_sample *vm, const char *code, const char *what, int r)
{
	return vn_notes_add(&vm->gaps, code, "%s (%s)%s", what, strerror(-r),
		r == -EACCES || r == -EPERM ? "; run as root, or as the VM's own user" : "");
}

/*
 * The command line without -name and -uuid, into the same bytes, or what is left of them: names of a VM change nothing of what it is, and
 * whoever could hide a VM by calling it something odd would. false: there are none.
 */
static bool drop_names(char *line, size_t *size)
{
	vn_autowords words = {0};
	size_t length = 0;
	bool dropped = false;

	if (vn_words_parse(line, *size, NULL, &words, NULL) < 0)
		return false;
	for (size_t at = 0, next; at < words.n; at = next) {
		struct vn_qemu_option option = {.name = ""};
		next = at <= words.n_assignments ? at + 1 : vn_qemu_option_at(&words, at, &option);
		bool names = strcmp(option.name, "-name") == 0 || strcmp(option.name, "-uuid") == 0;
		dropped |= names;
		for (; !names && at < next; at++) {
			size_t n = strlen(words.v[at].text) + 1;
			memcpy(line + length, words.v[at].text, n);
			length += n;
		}
	}
	*size = length;
	return dropped;
}

static int read_text(
	const struct finder *f, struct vn_vm_sample *vm, const char *line, size_t size, struct vn_error *err)
{
	vn_autofree char *file = vn_format("/proc/%d/cmdline", vm->process.pid);

	if (!file)
		return -ENOMEM;
	int r = f->survey->read_guest(line, size, file, &vm->guest, err);
	return r == 0 ? vn_guest_set_text(vm->guest, VN_FORM_QEMU, line, size) : r;
}

/* What the guest is, as far as our reader follows the command line. `line` is changed. */
static int read_guest(const struct finder *f, struct vn_vm_sample *vm, char *line, size_t size)
{
	vn_autoerror err = {0}, again = {0};
	char seen[VN_QUOTE_MAX];
	int r = read_text(f, vm, line, size, &err);

	if (r == 0 || r == -ENOMEM)
		return r;
	const struct vn_problem *problem = err.n ? &err.problems[0] : NULL;
	const char *why = problem ? problem->text : strerror(-r);
	const char *key = problem && problem->key ? vn_quote(problem->key, seen) : "",
		   *colon = problem && problem->key ? ": " : "";
	bool dropped = drop_names(line, &size);
	int without = dropped ? read_text(f, vm, line, size, &again) : r;
	if (without == -ENOMEM)
		return without;
	if (without == 0)
		return vn_notes_add(&vm->gaps, "name-not-followed",
			"its -name or -uuid is not followed, so it was read without: %s%s%s", key, colon,
			why);
	return vn_notes_add(&vm->gaps, "command-not-followed",
		"its command line is not followed, so its vnodes are not known: %s%s%s", key, colon, why);
}

/* 1: it is a VM; 0: it is none. Where the program could not be looked at (!`sure`) its own word for it has to do: a script of QEMU's name has
 * its shell there. */
static int read_command(const struct finder *f, bool sure, struct vn_vm_sample *vm)
{
	struct vn_words words = {0};
	vn_autofree char *line = NULL;
	unsigned char *bytes = NULL;
	char path[64];
	size_t size = 0;

	snprintf(path, sizeof(path), "proc/%d/cmdline", vm->process.pid);
	int r = vn_root_read_bytes(f->survey->root, path, MAX_CMDLINE, &bytes, &size);
	line = (char *)bytes;
	if (r == -ENOENT || r == -ESRCH)
		return 0; /* it has ended */
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		return gap(vm, "command-unreadable", "its command line cannot be read", r) < 0 ? -ENOMEM : 1;
	if (size == 0)
		return 0; /* a thread of the kernel's, or a process that is ending */
	r = vn_words_parse(line, size, NULL, &words, NULL);
	if (r == 0) {
		const char *own = words.v[0].text;
		sure = sure || vn_qemu_program_of(own, strlen(own)) == VN_QEMU_VM;
		r = !sure || vn_identity_is_probe(&words) ? 0 : 1;
		if (r == 1 && vn_identity_from_words(&words, vm) < 0)
			r = -ENOMEM;
	} else if (r != -ENOMEM) {
		r = 1;
	}
	vn_words_clear(&words);
	if (r == 1 && f->survey->read_guest && read_guest(f, vm, line, size) < 0)
		r = -ENOMEM;
	return r;
}

/* vnuma's own record of it, which knows it by more than its pid. */
static int find_record(const struct finder *f, struct vn_vm_sample *vm)
{
	for (size_t i = 0; i < f->survey->n_records; i++) {
		const struct vn_vm *record = f->survey->records[i];
		if (record->process.pid != vm->process.pid ||
			record->process.start_time != vm->process.start_time)
			continue;
		vm->manager = VN_MANAGER_VNUMA;
		vm->name_is_plain = true;
		snprintf(vm->name, sizeof(vm->name), "%s", record->name);
		return vn_vm_copy(record, &vm->record);
	}
	return 0;
}

static int read_exe(const struct finder *f, struct vn_vm_sample *vm)
{
	char path[64];

	snprintf(path, sizeof(path), "proc/%d/exe", vm->process.pid);
	int r = vn_root_link(f->survey->root, path, &vm->process.exe);
	if (r == 0)
		vn_exe_trim(vm->process.exe);
	return r == -ENOMEM ? r : 0;
}

/* 1: *vm is a VM; 0: there is none of this pid any more, or it is none. */
static int read_vm(struct finder *f, pid_t pid, bool sure, struct vn_vm_sample *vm)
{
	vn_autofree char *cgroup = NULL;
	uint64_t again;
	bool single = false;

	vm->process.pid = pid;
	if (start_time(f, pid, &vm->process.start_time) < 0)
		return 0;
	int r = read_command(f, sure, vm);
	if (r <= 0)
		return r;
	r = read_status(f, vm, &single);
	if (r == 0 && single) {
		f->n_single++;
		return 0;
	}
	if (r == 0)
		r = read_exe(f, vm);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	if (vn_manager_confirm(f->survey->root, vm) < 0)
		return -ENOMEM;
	if (read_of(f, pid, "cgroup", &cgroup) == 0)
		vn_identity_from_cgroup(cgroup, vm);
	vm->other_mounts = has_other(f, pid, "mnt");
	vm->other_pids = has_other(f, pid, "pid");
	if (vn_cpuset_read(f->survey->root, vm) < 0)
		return -ENOMEM;
	if (!vm->name[0])
		snprintf(vm->name, sizeof(vm->name), "qemu-%d", pid);
	if (find_record(f, vm) < 0)
		return -ENOMEM;
	return start_time(f, pid, &again) == 0 && again == vm->process.start_time;
}

/* ---- which are asked for ---- */

static bool is_named(const struct vn_vm_sample *vm, const char *name)
{
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", vm->process.pid);
	return strcmp(name, vm->name) == 0 || strcmp(name, pid) == 0 ||
	       (vm->id[0] && strcmp(name, vm->id) == 0) || (vm->uuid[0] && strcasecmp(name, vm->uuid) == 0);
}

static bool is_wanted(const struct vn_survey *survey, const struct vn_vm_sample *vm)
{
	for (size_t i = 0; i < survey->n_names; i++) {
		if (is_named(vm, survey->names[i]))
			return true;
	}
	return survey->n_names == 0;
}

static int check_names(const struct vn_survey *survey, size_t n, const bool *found, struct vn_notes *gaps,
	struct vn_error *err)
{
	int r = 0;
	char seen[VN_QUOTE_MAX];

	for (size_t i = 0; i < survey->n_names; i++) {
		if (found[i])
			continue;
		if (survey->names_known) {
			if (vn_notes_add(gaps, "vm-ended", "VM %s has ended",
				    vn_quote(survey->names[i], seen)) < 0)
				return vn_error_environment(err, -ENOMEM, "out of memory");
			continue;
		}
		vn_error_input(err, NULL,
			"no VM runs here that is called '%s', nor has that pid, uuid or id; %s",
			vn_quote(survey->names[i], seen),
			n ? "'vnuma audit' without names lists them"
			  : "QEMU runs nowhere that can be seen from here");
		r = -ENOENT;
	}
	return r;
}

/* ---- all ---- */

static int add(struct finder *f, struct vn_vm_sample *vm)
{
	struct vn_vm_sample *grown = reallocarray(f->vms, f->n + 1, sizeof(*grown));

	if (!grown) {
		vn_vm_sample_clear(vm);
		return -ENOMEM;
	}
	grown[f->n++] = *vm;
	f->vms = grown;
	return 0;
}

/* What a /proc like this one leaves out altogether. */
static int tell_limits(const struct finder *f, struct vn_notes *gaps)
{
	vn_autofree char *ns = NULL, *init = NULL;

	if (!f->survey->root->live)
		return 0;
	/* Process 1 is always there, and its stat is for all to read: hidepid=1 shuts its folder, 2 and 4 hide it (fs/proc/base.c,
	 * proc_pid_permission(), proc_pid_getattr()) */
	if (read_of(f, 1, "stat", &init) < 0)
		return vn_notes_add(gaps, "proc-hidden",
			"/proc hides other users' processes (hidepid), so only this user's VMs are seen; run as root, or as a member of the group that is its gid= option");
	/* include/linux/proc_ns.h: PROC_PID_INIT_INO */
	if (vn_root_link(f->survey->root, "proc/self/ns/pid", &ns) == 0 &&
		strcmp(ns, "pid:[4026531836]") != 0)
		return vn_notes_add(gaps, "in-a-container",
			"this is a container with process numbers of its own: VMs outside of it are not seen; run on the host");
	return 0;
}

static int walk(struct finder *f, char *const *names, bool *found, size_t *ret_seen)
{
	for (size_t i = 0; names[i]; i++) {
		struct vn_vm_sample vm = {0};
		uint64_t pid;
		bool sure;
		if (vn_parse_u64(names[i], INT_MAX, &pid) != 0 ||
			!vn_is_qemu(f->survey->root, (pid_t)pid, &sure))
			continue;
		int r = read_vm(f, (pid_t)pid, sure, &vm);
		*ret_seen += r > 0;
		for (size_t k = 0; r > 0 && k < f->survey->n_names; k++)
			found[k] |= is_named(&vm, f->survey->names[k]);
		vm.aside = r > 0 && !is_wanted(f->survey, &vm);
		if (r > 0)
			r = add(f, &vm);
		else
			vn_vm_sample_clear(&vm);
		if (r < 0)
			return r;
	}
	return 0;
}

static void drop(struct finder *f)
{
	for (size_t i = 0; i < f->n; i++)
		vn_vm_sample_clear(&f->vms[i]);
	free(f->vms);
}

int vn_vms_find(const struct vn_survey *survey, struct vn_vm_sample **ret_vms, size_t *ret_n,
	struct vn_notes *gaps, struct vn_error *err)
{
	vn_cleanup(vn_names_free) char **names = NULL;
	struct finder f = {.survey = survey};
	size_t seen = 0;
	int r = vn_root_list(survey->root, "proc", &names);

	if (r < 0)
		return vn_error_environment(err, r, "/proc: %s", strerror(-r));
	vn_autofree bool *found = calloc(survey->n_names + 1, sizeof(*found));
	if (!found || tell_limits(&f, gaps) < 0)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	r = walk(&f, names, found, &seen);
	if (r == 0 && f.n_single)
		r = vn_notes_add(gaps, "not-qemu",
			"%zu process%s called QEMU %s one thread only, which QEMU never has, and so %s left out",
			f.n_single, f.n_single == 1 ? "" : "es", f.n_single == 1 ? "has" : "have",
			f.n_single == 1 ? "was" : "were");
	if (r < 0)
		vn_error_environment(err, -ENOMEM, "out of memory");
	if (r == 0)
		r = check_names(survey, seen, found, gaps, err);
	if (r < 0) {
		drop(&f);
		return r;
	}
	*ret_vms = f.vms;
	*ret_n = f.n;
	return 0;
}
