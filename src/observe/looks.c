/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: a look reads schedstat of each thread, and of those that ran since the look before, stat, which tells on which
 * CPU. The time that passed is counted for the node of that CPU: where the thread was in between is not told, so the more looks, the
 * truer the shares; the sum is exact.
 *
 * Nothing is kept open from look to look: 200 VMs of 6 threads would take 1200 descriptors. A VM's task folder is opened once per
 * look, its threads' files relative to it: 3 to 5 us for a thread that did not run, 20 us for one that did (Linux 6.18). A process that ended and
 * whose id was given to another has no threads of ours in it; that a thread's id was given to another within it, its start time tells.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "kvm_vcpus.h"
#include "thread_times.h"
#include "vm_threads.h"

#define STAT_MOST 2048 /* bytes; a line of 52 numbers */
#define CPUS_MOST (VN_SET_MAX + 1)

/* A thread as it was at the look before. */
struct before {
	bool alive;
	uint64_t start_time;
	uint64_t run_ns, wait_ns;
	int node; /* where it ran last; -1: not known */
};

struct vn_looks {
	const struct vn_survey *survey;
	struct vn_vm_sample *vms;
	size_t n;
	size_t n_cpus;
	int *nodes; /* of each CPU; -1: not known */
	struct before *before; /* of all threads of all VMs, in their order */
};

void vn_looks_free(struct vn_looks *looks)
{
	if (!looks)
		return;
	free(looks->nodes);
	free(looks->before);
	free(looks);
}

static int node_of(const struct vn_looks *looks, int cpu)
{
	return cpu >= 0 && (size_t)cpu < looks->n_cpus ? looks->nodes[cpu] : -1;
}

/* ---- reading ---- */

/* A file of a thread, relative to the folder of its task. False: it is gone, or may not be read. */
static bool read_file(int folder, pid_t tid, const char *leaf, char text[static STAT_MOST])
{
	char path[32];

	snprintf(path, sizeof(path), "%d/%s", tid, leaf);
	vn_autoclose int fd = openat(folder, path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, STAT_MOST - 1);
	if (n <= 0)
		return false;
	text[n] = '\0';
	return true;
}

static int add_time(struct vn_thread_sample *thread, unsigned node, uint64_t ns)
{
	size_t i = 0;

	while (i < thread->n_times && thread->times[i].node < node)
		i++;
	if (i == thread->n_times || thread->times[i].node != node) {
		struct vn_node_time *grown = reallocarray(thread->times, thread->n_times + 1, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		memmove(grown + i + 1, grown + i, (thread->n_times - i) * sizeof(*grown));
		grown[i] = (struct vn_node_time){node, 0};
		thread->times = grown;
		thread->n_times++;
	}
	thread->times[i].ns += ns;
	return 0;
}

/* It ran for `ns` since the look before, and was last on `cpu`. */
static int count_run(const struct vn_looks *looks, struct vn_thread_sample *thread, struct before *before,
	uint64_t ns, int cpu)
{
	int node = node_of(looks, cpu);

	thread->cpu = cpu;
	if (cpu >= 0 && hwloc_bitmap_set(thread->ran_on, (unsigned)cpu) < 0)
		return -ENOMEM;
	if (node < 0)
		return 0;
	if (before->node >= 0 && before->node != node)
		thread->migrations++;
	before->node = node;
	return add_time(thread, (unsigned)node, ns);
}

static int look_at(
	const struct vn_looks *looks, int folder, struct vn_thread_sample *thread, struct before *before)
{
	char text[STAT_MOST];
	uint64_t run, wait, start_time;
	int cpu, r = 0;

	before->alive = read_file(folder, thread->tid, "schedstat", text) &&
			vn_schedstat_parse(text, &run, &wait) == 0 && run >= before->run_ns &&
			wait >= before->wait_ns;
	if (!before->alive)
		return 0;
	if (run > before->run_ns) {
		before->alive = read_file(folder, thread->tid, "stat", text) &&
				vn_thread_stat_parse(text, &start_time, &cpu) == 0 &&
				start_time == before->start_time;
		if (!before->alive)
			return 0;
		r = count_run(looks, thread, before, run - before->run_ns, cpu);
	}
	thread->has_times = true;
	thread->run_ns += run - before->run_ns;
	thread->wait_ns += wait - before->wait_ns;
	before->run_ns = run;
	before->wait_ns = wait;
	return r;
}

static int begin_with(
	const struct vn_looks *looks, int folder, struct vn_thread_sample *thread, struct before *before)
{
	char text[STAT_MOST];
	int cpu;

	*before = (struct before){.node = -1};
	before->alive = read_file(folder, thread->tid, "schedstat", text) &&
			vn_schedstat_parse(text, &before->run_ns, &before->wait_ns) == 0 &&
			read_file(folder, thread->tid, "stat", text) &&
			vn_thread_stat_parse(text, &before->start_time, &cpu) == 0;
	if (before->alive) {
		thread->cpu = cpu;
		before->node = node_of(looks, cpu);
	}
	return 0;
}

/* ---- a VM ---- */

typedef int visit(
	const struct vn_looks *looks, int folder, struct vn_thread_sample *thread, struct before *before);

/* Threads of the kernel's are not in QEMU's folder, but processes by themselves. */
static int visit_vm(const struct vn_looks *looks, struct vn_vm_sample *vm, struct before *before, visit *each)
{
	char path[64];
	int r = 0;

	snprintf(path, sizeof(path), "proc/%d/task", vm->process.pid);
	vn_autoclose int folder = vn_root_open_path(looks->survey->root, path, O_PATH | O_DIRECTORY);
	vn_autoclose int proc = -1;
	for (size_t i = 0; r == 0 && i < vm->n_threads; i++) {
		if (vm->threads[i].of_kernel && proc < 0)
			proc = vn_root_open_path(looks->survey->root, "proc", O_PATH | O_DIRECTORY);
		r = each(looks, vm->threads[i].of_kernel ? proc : folder, &vm->threads[i], &before[i]);
	}
	return r;
}

/* vCPUs that were running in the guest when they were looked for may wait now. */
static int find_late_vcpus(const struct vn_looks *looks, struct vn_vm_sample *vm)
{
	const struct vn_root *root = looks->survey->root;
	unsigned expected = vm->guest ? vm->guest->vcpus : 0, known = 0;
	const char *program = NULL;
	vn_autokvm vcpus = {.vm_fd = -1};

	for (size_t i = 0; i < vm->n_threads; i++) {
		known += vm->threads[i].kind == VN_THREAD_VCPU;
		if (vm->threads[i].tid == vm->process.pid)
			program = vm->threads[i].name;
	}
	if (known >= expected || !program || strcmp(vm->accel, "tcg") == 0)
		return 0;
	int r = vn_kvm_vcpus_read(root, vm->process.pid, expected, &vcpus);
	for (size_t i = 0; r == 0 && vcpus.n > 0 && i < vm->n_threads; i++) {
		struct vn_thread_sample *thread = &vm->threads[i];
		const struct vn_kvm_vcpu *vcpu =
			thread->kind == VN_THREAD_OTHER && strcmp(thread->name, program) == 0
				? vn_kvm_vcpu_of(root, vm->process.pid, thread->tid, &vcpus)
				: NULL;
		if (!vcpu)
			continue;
		thread->kind = VN_THREAD_VCPU;
		thread->index = vcpu->index;
		thread->by = VN_TOLD_BY_KERNEL;
		vn_notes_drop(&vm->gaps, VN_GAP_VCPUS); /* it was told when none was known */
	}
	return r == -ENOMEM ? r : 0;
}

static int visit_all(const struct vn_looks *looks, visit *each)
{
	struct before *before = looks->before;
	int r = 0;

	for (size_t i = 0; i < looks->n && r == 0; i++) {
		r = visit_vm(looks, &looks->vms[i], before, each);
		before += looks->vms[i].n_threads;
	}
	return r;
}

int vn_looks_take(struct vn_looks *looks)
{
	int r = visit_all(looks, look_at);

	for (size_t i = 0; i < looks->n && r == 0; i++)
		r = find_late_vcpus(looks, &looks->vms[i]);
	return r;
}

static int map_cpus(struct vn_looks *looks, const struct vn_host *host)
{
	for (size_t i = 0; i < host->n_cpus; i++) {
		if (host->cpus[i].id < CPUS_MOST && host->cpus[i].id >= looks->n_cpus)
			looks->n_cpus = host->cpus[i].id + 1;
	}
	looks->nodes = calloc(looks->n_cpus + 1, sizeof(*looks->nodes));
	if (!looks->nodes)
		return -ENOMEM;
	memset(looks->nodes, 0xff, looks->n_cpus * sizeof(*looks->nodes)); /* -1 */
	for (size_t i = 0; i < host->n_cpus; i++) {
		if (host->cpus[i].id < looks->n_cpus)
			looks->nodes[host->cpus[i].id] = host->cpus[i].node;
	}
	return 0;
}

int vn_looks_begin(const struct vn_survey *survey, const struct vn_host *host, struct vn_vm_sample *vms,
	size_t n, struct vn_looks **ret_looks)
{
	struct vn_looks *looks = calloc(1, sizeof(*looks));
	size_t threads = 0;
	int r = looks ? 0 : -ENOMEM;

	for (size_t i = 0; i < n; i++)
		threads += vms[i].n_threads;
	if (r == 0) {
		looks->survey = survey;
		looks->vms = vms;
		looks->n = n;
		looks->before = calloc(threads + 1, sizeof(*looks->before));
		r = looks->before ? map_cpus(looks, host) : -ENOMEM;
	}
	if (r == 0)
		r = visit_all(looks, begin_with);
	if (r < 0) {
		vn_looks_free(looks);
		return r;
	}
	*ret_looks = looks;
	return 0;
}
