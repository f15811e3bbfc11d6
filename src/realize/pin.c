/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "pin.h"

#include <limits.h>
#include <string.h>

#include "../base/directory.h"
#include "../base/parse.h"
#include "../base/process.h"
#include "../base/text.h"
#include "../emit/emit_qemu.h"
#include "../emit/iothreads.h"
#include "sys.h"

struct task {
	pid_t tid;
	uint64_t start_time;
	pid_t vhost_owner; /* a vhost worker, made by this thread; 0: none */
};

struct tasks {
	size_t n;
	struct task *v;
};

static inline void tasks_free(struct tasks *tasks)
{
	free(tasks->v);
}
#define autotasks vn_cleanup(tasks_free) struct tasks

struct pinning {
	const struct vn_guest *guest;
	const struct vn_plan *plan;
	const struct vn_host *host;
	struct vn_vm *vm;
	struct vn_error *err;
};

bool vn_is_vhost(const char *comm, pid_t *ret_owner)
{
	static const char prefix[] = "vhost-";
	uint64_t owner;

	if (strncmp(comm, prefix, sizeof(prefix) - 1) != 0 ||
		vn_parse_u64(comm + sizeof(prefix) - 1, INT_MAX, &owner) < 0)
		return false;
	*ret_owner = (pid_t)owner;
	return true;
}

static int add_task(struct tasks *tasks, pid_t tid, const char *comm)
{
	struct task *grown = reallocarray(tasks->v, tasks->n + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	tasks->v = grown;
	grown[tasks->n] = (struct task){.tid = tid};
	vn_is_vhost(comm, &grown[tasks->n].vhost_owner);
	tasks->n++;
	return 0;
}

/* All tasks of `directory` (/proc/PID/task, or /proc itself); one that ends meanwhile is left out. */
static int list_tasks(const char *directory, bool vhost_only, struct tasks *tasks)
{
	vn_autoclosedir DIR *d = opendir(directory);
	if (!d)
		return -errno;
	for (struct dirent *entry; (entry = readdir(d));) {
		uint64_t tid;
		pid_t owner;
		vn_autofree char *comm = NULL;
		vn_autofree char *path = vn_format("%s/%s/comm", directory, entry->d_name);
		if (!path)
			return -ENOMEM;
		if (vn_parse_u64(entry->d_name, INT_MAX, &tid) < 0 || vn_proc_read(path, &comm) < 0)
			continue;
		comm[strcspn(comm, "\n")] = '\0';
		if (vhost_only && !vn_is_vhost(comm, &owner))
			continue;
		if (add_task(tasks, (pid_t)tid, comm) < 0)
			return -ENOMEM;
	}
	return 0;
}

static bool is_placed(const struct vn_vm *vm, pid_t tid)
{
	for (size_t i = 0; i < vm->n_threads; i++) {
		if (vm->threads[i].tid == tid)
			return true;
	}
	return false;
}

static const char *const kind_names[] = {"vCPU", "iothread", "vhost worker", "emulator"};

static int refused(struct pinning *p, enum vn_thread_kind kind, unsigned index, pid_t tid,
	hwloc_const_bitmap_t cpus, int status)
{
	vn_autofree char *list = vn_set_text(cpus);
	return vn_error_environment(p->err, status, "%s %u (thread %d): cannot be put on CPUs %s: %s",
		kind_names[kind], index, tid, list ? list : "",
		status == -ENODEV ? "the kernel allows only some of them (cpuset)" : strerror(-status));
}

/* Sets the affinity and puts the thread on record. */
static int place(
	struct pinning *p, enum vn_thread_kind kind, unsigned index, pid_t tid, hwloc_const_bitmap_t cpus)
{
	struct vn_vm *vm = p->vm;
	int r = vn_sys_set_affinity(tid, cpus);
	if (r < 0)
		return refused(p, kind, index, tid, cpus, r);
	struct vn_vm_thread *grown = reallocarray(vm->threads, vm->n_threads + 1, sizeof(*grown));
	if (grown)
		vm->threads = grown;
	hwloc_bitmap_t copy = grown ? hwloc_bitmap_dup(cpus) : NULL;
	if (!copy)
		return vn_error_environment(p->err, -ENOMEM, "out of memory");
	vm->threads[vm->n_threads++] = (struct vn_vm_thread){kind, index, tid, copy};
	return 0;
}

/* The CPUs of a vnode's home that the emulator may use; all the emulator's when the home has none. */
static int place_near(struct pinning *p, enum vn_thread_kind kind, unsigned index, pid_t tid, unsigned vnode)
{
	int node = vnode < p->plan->n_vnodes ? vn_host_node_index(p->host, p->plan->homes[vnode]) : -1;
	vn_autoset cpus = hwloc_bitmap_dup(p->plan->emulator_cpus);

	if (!cpus)
		return vn_error_environment(p->err, -ENOMEM, "out of memory");
	if (node >= 0 && hwloc_bitmap_intersects(cpus, p->host->nodes[node].cpus))
		hwloc_bitmap_and(cpus, cpus, p->host->nodes[node].cpus);
	return place(p, kind, index, tid, cpus);
}

/* An integer member of a QMP answer in [0, max], or -1. */
static long member(json_t *object, const char *key, long max)
{
	json_t *value = json_object_get(object, key);
	json_int_t number = json_integer_value(value);
	return json_is_integer(value) && number >= 0 && number <= max ? (long)number : -1;
}

static int place_vcpus(struct pinning *p, struct vn_qmp *qmp)
{
	json_auto_t *cpus = NULL;
	json_t *cpu;
	size_t i;
	int r = vn_qmp_execute(qmp, "query-cpus-fast", NULL, &cpus, p->err);

	if (r == 0 && json_array_size(cpus) != p->guest->vcpus)
		r = vn_error_environment(p->err, -EPROTO, "QEMU has %zu vCPUs; planned: %u",
			json_array_size(cpus), p->guest->vcpus);
	json_array_foreach (cpus, i, cpu) {
		long index = member(cpu, "cpu-index", (long)p->plan->n_vcpus - 1);
		long tid = member(cpu, "thread-id", INT_MAX);
		if (r == 0 && (index < 0 || tid <= 0))
			r = vn_error_environment(
				p->err, -EPROTO, "QMP: query-cpus-fast: no thread told of vCPU %zu", i);
		if (r == 0)
			r = place(p, VN_THREAD_VCPU, (unsigned)index, (pid_t)tid, p->plan->vcpu_cpus[index]);
	}
	return r;
}

static int place_iothreads(struct pinning *p, struct vn_qmp *qmp)
{
	json_auto_t *iothreads = NULL;
	json_t *iothread;
	size_t i;
	int r = vn_qmp_execute(qmp, "query-iothreads", NULL, &iothreads, p->err);

	json_array_foreach (iothreads, i, iothread) {
		const char *id = json_string_value(json_object_get(iothread, "id"));
		long tid = member(iothread, "thread-id", INT_MAX);
		int vnode = id ? vn_iothread_vnode(id) : -1;
		if (r < 0)
			break;
		if (vnode < 0 || tid <= 0)
			r = vn_error_environment(
				p->err, -EPROTO, "QMP: query-iothreads: entry %zu is not one of ours", i);
		else
			r = place_near(p, VN_THREAD_IOTHREAD, (unsigned)vnode, (pid_t)tid, (unsigned)vnode);
	}
	return r;
}

static bool is_of(const struct tasks *own, pid_t tid)
{
	for (size_t i = 0; i < own->n; i++) {
		if (own->v[i].tid == tid)
			return true;
	}
	return false;
}

static int by_age(const void *a, const void *b)
{
	const struct task *x = a, *y = b;
	if (x->start_time != y->start_time)
		return x->start_time < y->start_time ? -1 : 1;
	return x->tid < y->tid ? -1 : x->tid > y->tid;
}

/* Workers that are threads of the kernel: /proc lists those by pid, and pids wrap around, so their age
 * decides. */
static int kernel_workers(const struct tasks *own, struct tasks *workers)
{
	autotasks all = {0};
	int r = list_tasks("/proc", true, &all);

	for (size_t i = 0; r == 0 && i < all.n; i++) {
		uint64_t start_time;
		if (!is_of(own, all.v[i].vhost_owner) || vn_process_start_time(all.v[i].tid, &start_time) < 0)
			continue;
		r = add_task(workers, all.v[i].tid, "vhost-1");
		if (r == 0)
			workers->v[workers->n - 1].start_time = start_time;
	}
	if (workers->n)
		qsort(workers->v, workers->n, sizeof(*workers->v), by_age);
	return r;
}

static int find_workers(const struct tasks *own, struct tasks *workers)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < own->n; i++) {
		if (own->v[i].vhost_owner)
			r = add_task(workers, own->v[i].tid, "vhost-1");
	}
	return r == 0 && workers->n == 0 ? kernel_workers(own, workers) : r;
}

static bool has_vhost(const struct vn_vif *vif)
{
	return vif->type == VN_VIF_TAP && vif->vhost;
}

static int place_vhost(struct pinning *p, const struct tasks *own)
{
	autotasks workers = {0};
	unsigned wanted = 0, index = 0;

	for (size_t i = 0; i < p->guest->n_vifs; i++)
		wanted += has_vhost(&p->guest->vifs[i]) ? p->guest->vifs[i].queues : 0;
	int r = wanted ? find_workers(own, &workers) : 0;
	if (r != 0)
		return vn_error_environment(p->err, r, "vhost workers: %s", strerror(-r));
	if (workers.n != wanted)
		return vn_error_environment(p->err, -ENXIO,
			"%zu vhost workers seen; expected one for each of %u queue pairs: is the module "
			"vhost_net loaded, and may "
			"QEMU open /dev/vhost-net? (vhost=off in `vif` does without)",
			workers.n, wanted);
	for (size_t i = 0; i < p->guest->n_vifs; i++) {
		const struct vn_vif *vif = &p->guest->vifs[i];
		for (unsigned q = 0; r == 0 && has_vhost(vif) && q < vif->queues; q++, index++)
			/* there are `wanted` of them. NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
			r = place_near(p, VN_THREAD_VHOST, index, workers.v[index].tid,
				vn_queue_vnode(p->guest, i, q));
	}
	return r;
}

/* The main thread, and all others that QEMU has made by now; one that has ended meanwhile needs no place. */
static int place_emulator(struct pinning *p, const struct tasks *own)
{
	hwloc_const_bitmap_t cpus = p->plan->emulator_cpus;
	int r = place(p, VN_THREAD_EMULATOR, 0, p->vm->process.pid, cpus);

	for (size_t i = 0; r == 0 && i < own->n; i++) {
		if (is_placed(p->vm, own->v[i].tid))
			continue;
		r = vn_sys_set_affinity(own->v[i].tid, cpus);
		if (r < 0 && r != -ESRCH)
			return refused(p, VN_THREAD_EMULATOR, 0, own->v[i].tid, cpus, r);
		r = 0;
	}
	return r;
}

int vn_pin(struct vn_qmp *qmp, const struct vn_guest *guest, const struct vn_plan *plan,
	const struct vn_host *host, struct vn_vm *vm, struct vn_error *err)
{
	struct pinning p = {guest, plan, host, vm, err};
	autotasks own = {0};
	char directory[64];

	int r = place_vcpus(&p, qmp);
	if (r == 0)
		r = place_iothreads(&p, qmp);
	if (r < 0)
		return r;
	snprintf(directory, sizeof(directory), "/proc/%d/task", vm->process.pid);
	r = list_tasks(directory, false, &own);
	if (r < 0)
		return vn_error_environment(err, r, "%s: %s", directory, strerror(-r));
	r = place_vhost(&p, &own);
	return r == 0 ? place_emulator(&p, &own) : r;
}
