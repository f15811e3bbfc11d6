/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: all threads of QEMU are listed with what status and stat tell; then each source says what it knows of them,
 * the surest last: names, KVM, the record, the monitor. An answer of the monitor's names threads as QEMU sees them, which is not as we
 * do when it is in another pid namespace (NSpid in status).
 *
 * Names come with `debug-threads=on` only. Without them KVM still tells (kvm_vcpus.h). Under TCG nothing does, and vCPUs are guessed:
 * QEMU makes their threads one after another, and they are what takes the time. The row of as many threads as the guest has vCPUs
 * that ran most is taken for them if each of its threads ran at least twice as long as any outside, and longer than the main thread,
 * which takes the time that QEMU needs to start: a paused guest's vCPUs have not run. Which is which is not known. With an idle
 * vCPU nothing is guessed. The oldest thread is no vCPU: it is made before main() (util/rcu.c, rcu_init()).
 *
 * Workers of vhost are named by the kernel; some are no threads of QEMU's (kernel_workers.h).
 */
#define _GNU_SOURCE
#include "vm_threads.h"

#include <limits.h>
#include <string.h>

#include "../base/parse.h"
#include "../base/text.h"
#include "kernel_workers.h"
#include "kvm_vcpus.h"
#include "monitor_facts.h"
#include "thread_kind.h"
#include "thread_times.h"
#include "threads.h"

#define MAX_THREADS 65536u
#define GUESS_LEAST (UINT64_C(10) * 1000 * 1000) /* ns that a thread must have run to be taken for a vCPU */

struct found {
	struct vn_thread_sample thread;
	uint64_t start_time, run_ns;
	pid_t inner_tid; /* as QEMU sees it */
	bool unnamed; /* it has the program's name */
};

struct finder {
	const struct vn_survey *survey;
	struct vn_vm_sample *vm;
	size_t n;
	struct found *v; /* oldest first */
};

static void finder_clear(struct finder *f)
{
	for (size_t i = 0; i < f->n; i++)
		vn_thread_sample_clear(&f->v[i].thread);
	free(f->v);
}

/* ---- reading ---- */

/* The last number of "NSpid:\t1234\t12"; 0: the kernel does not tell. */
static pid_t inner_tid(const char *status)
{
	vn_autofree char *numbers = vn_line_value(status, "NSpid", ':');
	const char *last = numbers ? strrchr(numbers, '\t') : NULL;
	uint64_t tid;

	last = last ? last + 1 : numbers;
	return last && vn_parse_u64(last, INT_MAX, &tid) == 0 ? (pid_t)tid : 0;
}

/* `folder`: proc/PID/task/TID, or proc/TID of the kernel's. -ESRCH: it has ended; its like: it cannot be read. */
static int read_thread(struct finder *f, const char *folder, pid_t tid, struct found *found)
{
	const struct vn_root *root = f->survey->root;
	vn_autofree char *status = NULL, *stat = NULL, *schedstat = NULL;
	struct vn_thread_seen seen = {0};
	uint64_t wait_ns;
	char path[96];

	snprintf(path, sizeof(path), "%s/status", folder);
	int r = vn_root_read(root, path, &status);
	if (r == 0)
		r = vn_status_parse(status, &seen);
	if (r < 0)
		return r;
	found->thread.cpus = seen.cpus;
	found->thread.tid = tid;
	found->thread.cpu = -1;
	vn_sample_text(seen.comm, strlen(seen.comm), found->thread.name, sizeof(found->thread.name));
	found->inner_tid = inner_tid(status);
	snprintf(path, sizeof(path), "%s/stat", folder);
	r = vn_root_read(root, path, &stat);
	if (r == 0)
		r = vn_thread_stat_parse(stat, &found->start_time, &found->thread.cpu);
	snprintf(path, sizeof(path), "%s/schedstat", folder);
	if (r == 0 && vn_root_read(root, path, &schedstat) == 0)
		vn_schedstat_parse(schedstat, &found->run_ns, &wait_ns);
	return r;
}

static int add_thread(struct finder *f, const char *folder, pid_t tid, bool of_kernel)
{
	struct found found = {0};
	struct found *grown = f->n < MAX_THREADS ? reallocarray(f->v, f->n + 1, sizeof(*grown)) : NULL;

	if (!grown)
		return f->n < MAX_THREADS ? -ENOMEM : 0;
	f->v = grown;
	int r = read_thread(f, folder, tid, &found);
	found.thread.ran_on = r == 0 ? hwloc_bitmap_alloc() : NULL;
	if (r == 0 && !found.thread.ran_on)
		r = -ENOMEM;
	if (r < 0) {
		vn_thread_sample_clear(&found.thread);
		return r == -ENOMEM ? r : 0; /* it has ended */
	}
	found.thread.of_kernel = of_kernel;
	found.thread.kind = vn_thread_kind_of(found.thread.name, &found.thread.index);
	found.thread.by = found.thread.kind == VN_THREAD_OTHER   ? VN_TOLD_BY_NOTHING
			  : found.thread.kind == VN_THREAD_VHOST ? VN_TOLD_BY_KERNEL
								 : VN_TOLD_BY_NAME;
	grown[f->n++] = found;
	return 0;
}

static int compare_age(const void *a, const void *b)
{
	const struct found *x = a, *y = b;

	if (x->start_time != y->start_time)
		return x->start_time < y->start_time ? -1 : 1;
	return x->thread.tid - y->thread.tid;
}

static struct found *find_thread(const struct finder *f, pid_t tid)
{
	for (size_t i = 0; i < f->n; i++) {
		if (f->v[i].thread.tid == tid)
			return &f->v[i];
	}
	return NULL;
}

static int read_tasks(struct finder *f)
{
	vn_cleanup(vn_names_free) char **names = NULL;
	pid_t pid = f->vm->process.pid;
	char folder[64];
	uint64_t tid;

	snprintf(folder, sizeof(folder), "proc/%d/task", pid);
	int r = vn_root_list(f->survey->root, folder, &names);
	for (size_t i = 0; r == 0 && names[i]; i++) {
		if (vn_parse_u64(names[i], INT_MAX, &tid) < 0)
			continue;
		snprintf(folder, sizeof(folder), "proc/%d/task/%d", pid, (int)tid);
		r = add_thread(f, folder, (pid_t)tid, false);
	}
	if (r < 0 && r != -ENOMEM)
		return r == -ENOENT ? -ESRCH : r;
	if (r == 0 && f->n == 0)
		return -ESRCH;
	const struct found *main = find_thread(f, pid);
	for (size_t i = 0; r == 0 && main && i < f->n; i++)
		f->v[i].unnamed = &f->v[i] != main && strcmp(f->v[i].thread.name, main->thread.name) == 0;
	return r;
}

static int add_workers(struct finder *f, const struct vn_kernel_workers *workers)
{
	size_t tasks = f->n;
	int r = 0;

	for (size_t i = 0; i < workers->n && r == 0; i++) {
		char folder[64];
		bool ours = false;
		for (size_t k = 0; k < tasks && !ours; k++)
			ours = f->v[k].thread.tid == workers->v[i].owner;
		if (!ours)
			continue;
		snprintf(folder, sizeof(folder), "proc/%d", workers->v[i].tid);
		r = add_thread(f, folder, workers->v[i].tid, true);
	}
	return r;
}

/* ---- who is who ---- */

static void tell(struct found *found, enum vn_thread_kind kind, int index, enum vn_told_by by)
{
	found->thread.kind = kind;
	found->thread.index = index;
	found->thread.by = by;
}

static void use_record(struct finder *f, const struct vn_vm *record)
{
	for (size_t i = 0; i < record->n_threads; i++) {
		const struct vn_vm_thread *thread = &record->threads[i];
		struct found *found = find_thread(f, thread->tid);
		if (found && (thread->kind != VN_THREAD_VHOST || found->thread.kind == VN_THREAD_VHOST))
			tell(found, thread->kind, (int)thread->index, VN_TOLD_BY_RECORD);
	}
}

static void use_facts(struct finder *f, const struct vn_monitor_facts *facts)
{
	for (size_t i = 0; i < facts->n_threads; i++) {
		const struct vn_monitor_thread *fact = &facts->threads[i];
		for (size_t k = 0; k < f->n; k++) {
			struct found *found = &f->v[k];
			pid_t tid =
				f->vm->other_pids && found->inner_tid ? found->inner_tid : found->thread.tid;
			if (tid != fact->tid || found->thread.of_kernel)
				continue;
			bool shared = found->thread.by == VN_TOLD_BY_QMP; /* one thread for all vCPUs */
			int index = fact->kind == VN_THREAD_IOTHREAD && found->thread.by == VN_TOLD_BY_RECORD
					    ? found->thread.index
					    : fact->index;
			tell(found, fact->kind, shared ? -1 : index, VN_TOLD_BY_QMP);
			if (*fact->id)
				memcpy(found->thread.name, fact->id, sizeof(found->thread.name));
		}
	}
}

static unsigned count_vcpus(const struct finder *f)
{
	unsigned n = 0;

	for (size_t i = 0; i < f->n; i++)
		n += f->v[i].thread.kind == VN_THREAD_VCPU;
	return n;
}

/* Threads whose names do not tell, of a VM that uses KVM. */
static int use_kvm(struct finder *f)
{
	const struct vn_root *root = f->survey->root;
	pid_t pid = f->vm->process.pid;
	vn_autokvm vcpus = {.vm_fd = -1};
	int r = vn_kvm_vcpus_read(root, pid, f->vm->guest ? f->vm->guest->vcpus : 0, &vcpus);

	for (size_t i = 0; r == 0 && i < vcpus.n; i++) {
		pid_t tid = vn_kvm_vcpu_thread(root, pid, &vcpus, &vcpus.v[i]);
		struct found *found = tid ? find_thread(f, tid) : NULL;
		if (found && found->thread.kind == VN_THREAD_OTHER)
			tell(found, VN_THREAD_VCPU, vcpus.v[i].index, VN_TOLD_BY_KERNEL);
	}
	for (size_t i = 0; r == 0 && vcpus.n > 0 && i < f->n; i++) {
		const struct vn_kvm_vcpu *vcpu =
			f->v[i].thread.kind == VN_THREAD_OTHER && f->v[i].unnamed
				? vn_kvm_vcpu_of(root, pid, f->v[i].thread.tid, &vcpus)
				: NULL;
		if (vcpu)
			tell(&f->v[i], VN_THREAD_VCPU, vcpu->index, VN_TOLD_BY_KERNEL);
	}
	return r == -ENOMEM || r == -ESRCH ? r : 0;
}

/* Where in `ages`, threads without a name by age, the row of n begins that ran most; n_ages: none stands out, or ran for `bar`. */
static size_t find_row(struct found *const *ages, size_t n_ages, size_t n, uint64_t bar)
{
	size_t best = 0;
	uint64_t most = 0, least = UINT64_MAX, outside = 0;

	for (size_t i = 0; i + n <= n_ages; i++) {
		uint64_t sum = 0;
		for (size_t k = i; k < i + n; k++)
			sum += ages[k]->run_ns;
		if (sum > most) {
			most = sum;
			best = i;
		}
	}
	for (size_t i = 0; i < n_ages; i++) {
		uint64_t run = ages[i]->run_ns;
		if (i >= best && i < best + n)
			least = run < least ? run : least;
		else
			outside = run > outside ? run : outside;
	}
	return n <= n_ages && least >= bar && least / 2 >= outside ? best : n_ages;
}

static int guess_vcpus(struct finder *f)
{
	size_t n = f->vm->guest ? f->vm->guest->vcpus : 0, n_ages = 0;
	vn_autofree struct found **ages = calloc(f->n + 1, sizeof(struct found *));
	const struct found *main = find_thread(f, f->vm->process.pid), *oldest = NULL;

	if (!ages)
		return -ENOMEM;
	for (size_t i = 0; i < f->n; i++) {
		struct found *found = &f->v[i];
		if (found == main)
			continue;
		if (oldest && found->unnamed && found->thread.kind == VN_THREAD_OTHER)
			ages[n_ages++] = found;
		oldest = oldest ? oldest : found;
	}
	uint64_t bar = main && main->run_ns > GUESS_LEAST ? main->run_ns : GUESS_LEAST;
	size_t row = n > 0 ? find_row(ages, n_ages, n, bar) : n_ages;
	for (size_t i = row; i < n_ages && i < row + n; i++)
		tell(ages[i], VN_THREAD_VCPU, n == 1 ? 0 : -1, VN_TOLD_BY_BEHAVIOUR);
	return 0;
}

/* iothreads and workers of vhost that nobody numbered: in the order of their making. */
static void number(struct finder *f, enum vn_thread_kind kind)
{
	int next = 0;

	for (size_t i = 0; i < f->n; i++) {
		if (f->v[i].thread.kind != kind)
			continue;
		if (f->v[i].thread.index < 0)
			f->v[i].thread.index = next;
		next = (f->v[i].thread.index >= next ? f->v[i].thread.index : next) + 1;
	}
}

static int identify(struct finder *f, const struct vn_monitor_facts *facts)
{
	struct vn_vm_sample *vm = f->vm;
	unsigned vcpus = vm->guest ? vm->guest->vcpus : 1;
	int r = 0;

	if (vm->record)
		use_record(f, vm->record);
	if (facts)
		use_facts(f, facts);
	struct found *main = find_thread(f, vm->process.pid);
	if (main && main->thread.by != VN_TOLD_BY_RECORD)
		tell(main, VN_THREAD_EMULATOR, 0, VN_TOLD_BY_KERNEL);
	if (count_vcpus(f) < vcpus && strcmp(vm->accel, "tcg") != 0)
		r = use_kvm(f);
	if (r == 0 && count_vcpus(f) == 0 && strcmp(vm->accel, "kvm") != 0)
		r = guess_vcpus(f);
	for (size_t i = 0; i < f->n; i++) { /* of one vCPU it is that one */
		if (f->v[i].thread.kind == VN_THREAD_VCPU && f->v[i].thread.index < 0 && vm->guest &&
			vcpus == 1)
			f->v[i].thread.index = 0;
	}
	number(f, VN_THREAD_IOTHREAD);
	number(f, VN_THREAD_VHOST);
	return r;
}

/* ---- all ---- */

static int compare_threads(const void *a, const void *b)
{
	const struct vn_thread_sample *x = a, *y = b;

	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	if (x->index != y->index) /* -1 is last */
		return (unsigned)x->index < (unsigned)y->index ? -1 : 1;
	return x->tid - y->tid;
}

static int hand_over(struct finder *f)
{
	struct vn_vm_sample *vm = f->vm;

	vm->threads = calloc(f->n + 1, sizeof(*vm->threads));
	if (!vm->threads)
		return -ENOMEM;
	for (size_t i = 0; i < f->n; i++)
		vm->threads[i] = f->v[i].thread;
	vm->n_threads = f->n;
	f->n = 0;
	qsort(vm->threads, vm->n_threads, sizeof(*vm->threads), compare_threads);
	return 0;
}

static int tell_gap(const struct finder *f)
{
	if (count_vcpus(f) > 0)
		return 0;
	return vn_notes_add(&f->vm->gaps, VN_GAP_VCPUS,
		"which of its threads are vCPUs is not known: they have no names (-name debug-threads=on gives them), its "
		"monitor told nothing, and the kernel does not tell; of a VM that runs with KVM it does with CAP_SYS_PTRACE");
}

int vn_vm_threads_find(
	const struct vn_survey *survey, const struct vn_monitor_facts *facts, struct vn_vm_sample *vm)
{
	vn_cleanup(finder_clear) struct finder f = {.survey = survey, .vm = vm};
	vn_cleanup(vn_kernel_workers_clear) struct vn_kernel_workers own = {0};
	int r = read_tasks(&f);

	if (r < 0 && r != -ENOMEM && r != -ESRCH)
		return vn_notes_add(
			&vm->gaps, "threads-unreadable", "its threads could not be read: %s", strerror(-r));
	if (r == 0 && !survey->workers)
		r = vn_kernel_workers_read(survey->root, &own);
	if (r == 0)
		r = add_workers(&f, survey->workers ? survey->workers : &own);
	if (r == 0 && f.n > 0)
		qsort(f.v, f.n, sizeof(*f.v), compare_age);
	if (r == 0)
		r = identify(&f, facts);
	if (r == 0)
		r = tell_gap(&f);
	return r == 0 ? hand_over(&f) : r;
}
