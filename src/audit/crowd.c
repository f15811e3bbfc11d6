/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "crowd.h"

#include "../model/io_users.h"

/* The lowest CPU of a CPU's core. */
static unsigned core_of(const struct vn_host *host, unsigned cpu)
{
	const struct vn_host_cpu *c = vn_host_cpu(host, cpu);
	int first = c && host->cores_known && c->siblings ? hwloc_bitmap_first(c->siblings) : -1;

	return first >= 0 ? (unsigned)first : cpu;
}

static int by_core(const void *a, const void *b)
{
	const struct vn_seat *x = a, *y = b;

	if (x->core != y->core)
		return x->core < y->core ? -1 : 1;
	return x->thread->tid < y->thread->tid ? -1 : x->thread->tid > y->thread->tid;
}

static int add_busy(const struct vn_host *host, int cpu, struct vn_crowd *crowd)
{
	const struct vn_host_cpu *c = cpu >= 0 ? vn_host_cpu(host, (unsigned)cpu) : NULL;

	if (!c)
		return 0;
	if (host->cores_known && c->siblings)
		return hwloc_bitmap_or(crowd->busy, crowd->busy, c->siblings) < 0 ? -ENOMEM : 0;
	return hwloc_bitmap_set(crowd->busy, c->id) < 0 ? -ENOMEM : 0;
}

/* Whoever may use one CPU only has no other to go to once it wakes: a VM that is paused, say. */
static int add_taken(const struct vn_thread_sample *thread, struct vn_crowd *crowd)
{
	bool works = thread->kind == VN_THREAD_VCPU || thread->kind == VN_THREAD_VHOST ||
		     thread->kind == VN_THREAD_IOTHREAD;

	return works && thread->cpus && hwloc_bitmap_weight(thread->cpus) == 1 &&
			       hwloc_bitmap_or(crowd->taken, crowd->taken, thread->cpus) < 0
		       ? -ENOMEM
		       : 0;
}

static int seat_thread(const struct vn_sample *sample, const struct vn_vm_sample *vm,
	const struct vn_thread_sample *thread, struct vn_crowd *crowd)
{
	double demand = (double)(thread->run_ns + thread->wait_ns) / (double)sample->interval_ns;
	bool pinned;

	if (thread->kind != VN_THREAD_VCPU || !thread->has_times || demand < VN_BUSY)
		return 0;
	int cpu = vn_io_stays(sample, thread, &pinned);
	if (cpu >= 0)
		crowd->seats[crowd->n++] = (struct vn_seat){
			core_of(sample->host, (unsigned)cpu), (unsigned)cpu, pinned, demand, vm, thread};
	return add_busy(sample->host, cpu >= 0 ? cpu : thread->cpu, crowd);
}

int vn_crowd_make(const struct vn_sample *sample, struct vn_crowd *ret_crowd)
{
	vn_autocrowd crowd = {
		.busy = hwloc_bitmap_alloc(), .taken = hwloc_bitmap_alloc(), .given = hwloc_bitmap_alloc()};
	size_t n = 0;

	for (size_t i = 0; i < sample->n_vms; i++)
		n += sample->vms[i].n_threads;
	crowd.seats = calloc(n + 1, sizeof(*crowd.seats));
	if (!crowd.busy || !crowd.taken || !crowd.given || !crowd.seats)
		/* cppcheck-suppress memleak; it does not know the cleanup attribute */
		return -ENOMEM;
	for (size_t i = 0; i < sample->n_vms; i++) {
		const struct vn_vm_sample *vm = &sample->vms[i];
		for (size_t k = 0; k < vm->n_threads; k++) {
			if (add_taken(&vm->threads[k], &crowd) < 0 ||
				(sample->interval_ns > 0 &&
					seat_thread(sample, vm, &vm->threads[k], &crowd) < 0))
				return -ENOMEM;
		}
	}
	qsort(crowd.seats, crowd.n, sizeof(*crowd.seats), by_core);
	*ret_crowd = crowd;
	crowd = (struct vn_crowd){0};
	return 0;
}

void vn_crowd_clear(struct vn_crowd *crowd)
{
	free(crowd->seats);
	hwloc_bitmap_free(crowd->busy);
	hwloc_bitmap_free(crowd->taken);
	hwloc_bitmap_free(crowd->given);
	*crowd = (struct vn_crowd){0};
}

const struct vn_seat *vn_crowd_seat(const struct vn_crowd *crowd, const struct vn_thread_sample *thread)
{
	for (size_t i = 0; i < crowd->n; i++) {
		if (crowd->seats[i].thread == thread)
			return &crowd->seats[i];
	}
	return NULL;
}
