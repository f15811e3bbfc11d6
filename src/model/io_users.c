/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "io_users.h"

#include <stdio.h>
#include <string.h>

#include "near_nodes.h"

/* Bytes of an id behind "IO ", of the 15 that the kernel keeps: TASK_COMM_LEN, include/linux/sched.h. */
#define KEPT 12

void vn_io_users_clear(struct vn_io_users *users)
{
	hwloc_bitmap_free(users->vnodes);
	hwloc_bitmap_free(users->vcpus);
	*users = (struct vn_io_users){0};
}

/* ---- vnodes and their vCPUs ---- */

size_t vn_io_vnodes(const struct vn_vm_sample *vm)
{
	return vm->guest && vm->guest->n_vnodes > 1 ? vm->guest->n_vnodes : 1;
}

static unsigned count_vcpus(const struct vn_vm_sample *vm)
{
	unsigned n = 0;

	if (vm->guest)
		return vm->guest->maxvcpus;
	for (size_t i = 0; i < vm->n_threads; i++) {
		const struct vn_thread_sample *thread = &vm->threads[i];
		if (thread->kind == VN_THREAD_VCPU && thread->index >= 0 && (unsigned)thread->index >= n)
			n = (unsigned)thread->index + 1;
	}
	return n;
}

int vn_io_vcpus(const struct vn_vm_sample *vm, size_t vnode, hwloc_bitmap_t ret)
{
	const struct vn_guest *guest = vm->guest;
	unsigned n = count_vcpus(vm);

	if (guest && vnode < guest->n_vnodes)
		return hwloc_bitmap_or(ret, ret, guest->vnodes[vnode].vcpus) < 0 ? -ENOMEM : 0;
	return n > 0 && hwloc_bitmap_set_range(ret, 0, (int)n - 1) < 0 ? -ENOMEM : 0;
}

/* ---- whom it works for ---- */

static int open_users(struct vn_io_users *users)
{
	*users = (struct vn_io_users){hwloc_bitmap_alloc(), hwloc_bitmap_alloc(), -1};
	return users->vnodes && users->vcpus ? 0 : -ENOMEM;
}

/* Done with them: the caller has them, or nobody. */
static int hand_out(int r, struct vn_io_users *users, struct vn_io_users *ret_users)
{
	if (r == 0) {
		users->vnode =
			hwloc_bitmap_weight(users->vnodes) == 1 ? hwloc_bitmap_first(users->vnodes) : -1;
		*ret_users = *users;
		*users = (struct vn_io_users){0};
	}
	return r;
}

int vn_io_vnode_users(const struct vn_vm_sample *vm, int vnode, struct vn_io_users *ret_users)
{
	vn_autoiousers users = {0};
	size_t n = vn_io_vnodes(vm);
	bool known = vnode >= 0 && (size_t)vnode < n;
	int r = open_users(&users);

	for (size_t v = 0; v < n && r == 0; v++) {
		if (!known || v == (size_t)vnode)
			r = hwloc_bitmap_set(users.vnodes, (unsigned)v) < 0 ? -ENOMEM
									    : vn_io_vcpus(vm, v, users.vcpus);
	}
	return hand_out(r, &users, ret_users);
}

int vn_io_queue_users(
	const struct vn_vm_sample *vm, const struct vn_queue_sample *queue, struct vn_io_users *ret_users)
{
	vn_autoiousers users = {0};
	size_t n = vn_io_vnodes(vm);
	int vnode = queue && queue->vnode >= 0 && (size_t)queue->vnode < n ? queue->vnode : -1;

	if (!queue || (!queue->vcpus &&
			      (queue->n_vcpus == 0 || queue->first_vcpu + queue->n_vcpus > count_vcpus(vm))))
		return vn_io_vnode_users(vm, vnode, ret_users);
	int r = open_users(&users);
	if (r == 0 && (queue->vcpus ? hwloc_bitmap_copy(users.vcpus, queue->vcpus)
				    : hwloc_bitmap_set_range(users.vcpus, queue->first_vcpu,
					      (int)(queue->first_vcpu + queue->n_vcpus - 1))) < 0)
		r = -ENOMEM;
	for (size_t v = 0; v < n && r == 0; v++) {
		vn_autoset vcpus = hwloc_bitmap_alloc();
		r = vcpus ? vn_io_vcpus(vm, v, vcpus) : -ENOMEM;
		bool uses = vnode < 0 ? r == 0 && hwloc_bitmap_intersects(vcpus, users.vcpus)
				      : v == (size_t)vnode;
		if (r == 0 && (uses || n == 1) && hwloc_bitmap_set(users.vnodes, (unsigned)v) < 0)
			r = -ENOMEM;
	}
	return hand_out(r, &users, ret_users);
}

/* The name that the kernel cut is "IO " and QEMU's id (iothread.c, iothread_complete()); the monitor told the id itself. */
bool vn_io_serves(const struct vn_thread_sample *iothread, const struct vn_disk *disk)
{
	char comm[sizeof("IO ") + KEPT];

	if (!disk->iothread[0])
		return false;
	snprintf(comm, sizeof(comm), "IO %.*s", KEPT, disk->iothread);
	return strcmp(iothread->name, disk->iothread) == 0 || strcmp(iothread->name, comm) == 0;
}

/* The vnode that all disks which name it are behind; -1: there is no such, or no disk names it. */
static int vnode_by_disks(const struct vn_vm_sample *vm, const struct vn_thread_sample *iothread)
{
	int vnode = -1;

	for (size_t i = 0; vm->guest && i < vm->guest->n_disks; i++) {
		const struct vn_disk *disk = &vm->guest->disks[i];
		if (!vn_io_serves(iothread, disk))
			continue;
		if (disk->vnode < 0 || (vnode >= 0 && disk->vnode != vnode))
			return -1;
		vnode = disk->vnode;
	}
	return vnode;
}

static int vnode_of_iothread(const struct vn_vm_sample *vm, const struct vn_thread_sample *iothread)
{
	for (size_t i = 0; vm->record && i < vm->record->n_threads; i++) {
		const struct vn_vm_thread *own = &vm->record->threads[i];
		if (own->kind == VN_THREAD_IOTHREAD && own->tid == iothread->tid &&
			own->index < vn_io_vnodes(vm))
			return (int)own->index;
	}
	return vnode_by_disks(vm, iothread);
}

int vn_io_users_of(const struct vn_vm_sample *vm, size_t thread, struct vn_io_users *ret_users)
{
	if (vm->threads[thread].kind == VN_THREAD_VHOST)
		return vn_io_queue_users(vm, vn_sample_queue(vm, thread), ret_users);
	return vn_io_vnode_users(vm, vnode_of_iothread(vm, &vm->threads[thread]), ret_users);
}

/* ---- where it belongs ---- */

int vn_io_homes(const struct vn_host *host, const struct vn_vm_sample *vm, const int *homes,
	hwloc_const_bitmap_t vnodes, hwloc_bitmap_t ret)
{
	vn_autoset idle = hwloc_bitmap_alloc(), busy = hwloc_bitmap_alloc();
	bool known = true, idle_known = true;
	unsigned vnode;

	if (!idle || !busy)
		return -ENOMEM;
	hwloc_bitmap_foreach_begin (vnode, vnodes) {
		vn_autoset vcpus = hwloc_bitmap_alloc();
		if (!vcpus || vn_io_vcpus(vm, vnode, vcpus) < 0)
			return -ENOMEM;
		bool works = !hwloc_bitmap_iszero(vcpus);
		int home = homes[vnode] >= 0 ? vn_host_node_index(host, (unsigned)homes[vnode]) : -1;
		if (home < 0)
			*(works ? &known : &idle_known) = false;
		else if (vn_near_nodes(host, (size_t)home, works ? busy : idle) < 0)
			return -ENOMEM;
	}
	hwloc_bitmap_foreach_end();
	bool none = known && hwloc_bitmap_iszero(busy);
	if (hwloc_bitmap_or(ret, ret, none ? idle : busy) < 0)
		return -ENOMEM;
	return known && (!none || idle_known) && !hwloc_bitmap_iszero(ret);
}

int vn_io_stays(const struct vn_sample *sample, const struct vn_thread_sample *thread, bool *ret_kept)
{
	*ret_kept = thread->cpus && hwloc_bitmap_weight(thread->cpus) == 1;
	if (*ret_kept)
		return hwloc_bitmap_first(thread->cpus);
	/* at one look any thread is somewhere: only one that stayed tells something */
	if (sample->looks < 3 || !thread->ran_on || hwloc_bitmap_weight(thread->ran_on) != 1)
		return -1;
	return hwloc_bitmap_first(thread->ran_on) == thread->cpu ? thread->cpu : -1;
}

bool vn_io_meets(const struct vn_sample *sample, const struct vn_thread_sample *worker,
	const struct vn_thread_sample *vcpu, bool *ret_kept)
{
	bool kept, other_kept;
	int cpu = vn_io_stays(sample, worker, &kept);
	bool meets = cpu >= 0 && vn_io_stays(sample, vcpu, &other_kept) == cpu;

	*ret_kept = meets && kept && other_kept;
	return meets;
}
