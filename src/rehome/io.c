/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: whom a thread works for is model/io_users.h's to say, which CPUs it gets io_cpus.h's. What a plan tells when a VM
 * moves is taken from the VM as it is:
 *
 *  - homes are those of the audit; a vnode that spans nodes on purpose has none, and what works for it is nowhere wrong;
 *  - CPUs left to the emulator are those that its main thread may use at the VM's homes, without those that any vCPU is tied to, or that
 *    are the only ones of a vCPU, a worker or an iothread of another VM; where that leaves none of the thread's home, all others of the
 *    homes that are nobody's; isolated ones only where there are no others.
 *
 * What is well where it is stays as it is: whoever pinned a worker to one CPU of its home had a reason.
 */
#define _GNU_SOURCE
#include <string.h>

#include "../base/text.h"
#include "../model/near_nodes.h"
#include "io_part.h"
#include "part.h"

void vn_io_looker_clear(struct vn_io_looker *the)
{
	free(the->homes);
	free(the->spread);
	hwloc_bitmap_free(the->usable);
	hwloc_bitmap_free(the->at_home);
	hwloc_bitmap_free(the->taken);
}

/* ---- what there is ---- */

static int find_taken(struct vn_io_looker *the)
{
	for (size_t i = 0; i < the->sample->n_vms; i++) {
		const struct vn_vm_sample *vm = &the->sample->vms[i];
		for (size_t k = 0; k < vm->n_threads; k++) {
			const struct vn_thread_sample *thread = &vm->threads[k];
			bool io = thread->kind == VN_THREAD_VHOST || thread->kind == VN_THREAD_IOTHREAD;
			bool counts = thread->kind == VN_THREAD_VCPU || (io && vm != the->vm);
			if (counts && thread->cpus && hwloc_bitmap_weight(thread->cpus) == 1 &&
				hwloc_bitmap_or(the->taken, the->taken, thread->cpus) < 0)
				return -ENOMEM;
		}
	}
	return 0;
}

static int find_homes(struct vn_io_looker *the, const struct vn_vm_audit *audit)
{
	size_t n = vn_io_vnodes(the->vm);
	vn_autoset nodes = hwloc_bitmap_alloc();

	the->homes = calloc(n, sizeof(*the->homes));
	the->spread = calloc(n, sizeof(*the->spread));
	if (!nodes || !the->homes || !the->spread)
		return -ENOMEM;
	for (size_t v = 0; v < n; v++) {
		vn_autoset one = hwloc_bitmap_alloc();
		the->spread[v] = v < audit->n_vnodes && audit->vnodes[v].spread;
		the->homes[v] = v < audit->n_vnodes && !the->spread[v] ? audit->vnodes[v].home : -1;
		if (!one || hwloc_bitmap_only(one, (unsigned)v) < 0 ||
			vn_io_homes(the->host, the->vm, the->homes, one, nodes) < 0)
			return -ENOMEM;
	}
	return vn_near_cpus(the->host, nodes, the->at_home);
}

int vn_io_looker_open(struct vn_io_looker *the)
{
	the->usable = hwloc_bitmap_alloc();
	the->at_home = hwloc_bitmap_alloc();
	the->taken = hwloc_bitmap_alloc();
	if (!the->usable || !the->at_home || !the->taken)
		return -ENOMEM;
	int r = vn_rehome_usable(the->host, the->vm, the->usable);
	return r < 0 ? r : find_taken(the);
}

/* ---- where it is ---- */

/* Ids of nodes by their indices. */
static int add_ids(const struct vn_host *host, hwloc_const_bitmap_t indices, hwloc_bitmap_t ids)
{
	unsigned index;

	hwloc_bitmap_foreach_begin (index, indices) {
		if (hwloc_bitmap_set(ids, host->nodes[index].id) < 0)
			return -ENOMEM;
	}
	hwloc_bitmap_foreach_end();
	return 0;
}

static int find_nodes(const struct vn_host *host, hwloc_const_bitmap_t cpus, hwloc_bitmap_t ids)
{
	for (size_t i = 0; i < host->n_nodes; i++) {
		if (hwloc_bitmap_intersects(host->nodes[i].cpus, cpus) &&
			hwloc_bitmap_set(ids, host->nodes[i].id) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* The vnode that leaves something without a home, by what. */
static char *why_homeless(const struct vn_io_looker *the, const struct vn_io_users *users)
{
	unsigned vnode;

	hwloc_bitmap_foreach_begin (vnode, users->vnodes) {
		if (the->spread[vnode])
			return vn_format("vnode %u spans nodes", vnode);
		if (the->homes[vnode] < 0)
			return vn_format("home of vnode %u", vnode);
	}
	hwloc_bitmap_foreach_end();
	return vn_copy("no CPUs near its home");
}

static int unknown(struct vn_io_place *place, char *why)
{
	place->why = why;
	return why ? 0 : -ENOMEM;
}

/* 1: home and CPUs are known; 0: the verdict is that they are not. */
static int open_place(const struct vn_io_looker *the, const struct vn_io_users *users,
	hwloc_const_bitmap_t cpus, hwloc_bitmap_t near, struct vn_io_place *place)
{
	place->vnode = users->vnode;
	place->home = hwloc_bitmap_alloc();
	place->nodes = hwloc_bitmap_alloc();
	place->cpus = cpus ? hwloc_bitmap_dup(cpus) : NULL;
	if (!place->home || !place->nodes || (cpus && !place->cpus))
		return -ENOMEM;
	int known = vn_io_homes(the->host, the->vm, the->homes, users->vnodes, near);
	if (known < 0 || (known > 0 && add_ids(the->host, near, place->home) < 0) ||
		(cpus && find_nodes(the->host, cpus, place->nodes) < 0))
		return -ENOMEM;
	if (known == 0)
		return unknown(place, why_homeless(the, users));
	if (!cpus || hwloc_bitmap_iszero(place->nodes))
		return unknown(place, vn_copy("its CPUs"));
	return 1;
}

static enum vn_io_verdict judge(const struct vn_io_place *place)
{
	if (hwloc_bitmap_isincluded(place->nodes, place->home))
		return VN_IO_HOME;
	return hwloc_bitmap_intersects(place->nodes, place->home) ? VN_IO_FLOATS : VN_IO_ELSEWHERE;
}

static bool is_on_its_vcpu(
	const struct vn_io_looker *the, const struct vn_thread_sample *thread, hwloc_const_bitmap_t vcpus)
{
	for (size_t i = 0; i < the->vm->n_threads; i++) {
		const struct vn_thread_sample *vcpu = &the->vm->threads[i];
		bool kept;
		if (vcpu->kind == VN_THREAD_VCPU && vcpu->index >= 0 &&
			hwloc_bitmap_isset(vcpus, (unsigned)vcpu->index) &&
			vn_io_meets(the->sample, thread, vcpu, &kept) && kept)
			return true;
	}
	return false;
}

/* ---- where it belongs ---- */

static int tied_cpus(const struct vn_io_looker *the, hwloc_const_bitmap_t vcpus, hwloc_bitmap_t ret)
{
	for (size_t i = 0; i < the->vm->n_threads; i++) {
		const struct vn_thread_sample *vcpu = &the->vm->threads[i];
		if (vcpu->kind == VN_THREAD_VCPU && vcpu->index >= 0 && vcpu->cpus &&
			hwloc_bitmap_isset(vcpus, (unsigned)vcpu->index) &&
			hwloc_bitmap_weight(vcpu->cpus) == 1 && hwloc_bitmap_or(ret, ret, vcpu->cpus) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* What is left to the emulator, see above. */
static int find_left(const struct vn_io_looker *the, hwloc_const_bitmap_t near, hwloc_bitmap_t ret)
{
	const struct vn_thread_sample *emulator = NULL;

	for (size_t i = 0; i < the->vm->n_threads && !emulator; i++)
		emulator = the->vm->threads[i].tid == the->vm->process.pid ? &the->vm->threads[i] : NULL;
	if (hwloc_bitmap_and(ret, the->usable, the->at_home) < 0 || hwloc_bitmap_or(ret, ret, near) < 0 ||
		hwloc_bitmap_and(ret, ret, the->usable) < 0 || hwloc_bitmap_andnot(ret, ret, the->taken) < 0)
		return -ENOMEM;
	vn_autoset its = hwloc_bitmap_dup(ret);
	if (!its || (emulator && emulator->cpus && hwloc_bitmap_and(its, its, emulator->cpus) < 0) ||
		(hwloc_bitmap_intersects(its, near) && hwloc_bitmap_copy(ret, its) < 0))
		return -ENOMEM;
	return vn_rehome_not_isolated(the->host, ret);
}

int vn_io_looker_cpus(const struct vn_io_looker *the, hwloc_const_bitmap_t vcpus, hwloc_const_bitmap_t near,
	bool within, hwloc_bitmap_t ret, size_t *ret_way)
{
	vn_autoset left = hwloc_bitmap_alloc(), tied = hwloc_bitmap_alloc(),
		   all = hwloc_bitmap_dup(the->usable);

	if (!left || !tied || !all || find_left(the, near, left) < 0 || tied_cpus(the, vcpus, tied) < 0 ||
		(within && hwloc_bitmap_and(left, left, near) < 0))
		return -ENOMEM;
	const struct vn_io_room room = {left, all, near, tied};
	return vn_rehome_io_cpus(&room, ret, ret_way);
}

/* A thread that is wrong goes home, or is left where it is: another place that is not its home is no better, but for its vCPU. */
static int find_way(const struct vn_io_looker *the, const struct vn_thread_sample *thread,
	hwloc_const_bitmap_t vcpus, hwloc_const_bitmap_t nodes, struct vn_io_place *place)
{
	vn_autoset near = hwloc_bitmap_alloc(), cpus = hwloc_bitmap_alloc();

	if (!near || !cpus || vn_near_cpus(the->host, nodes, near) < 0)
		return -ENOMEM;
	int r = vn_io_looker_cpus(the, vcpus, near, place->verdict != VN_IO_ON_VCPU, cpus, &place->way);
	if (r > 0)
		place->belongs = vn_steal(cpus);
	if (r != 0)
		return r < 0 ? r : 0;
	vn_autofree char *home = vn_set_text(place->home), *usable = vn_set_text(the->usable);
	return home && usable ? vn_notes_add(&the->io->notes, "no-cpu-at-home",
					"thread %d (%s) stays where it is: of node %s no CPU is online and "
					"allowed by the VM's cpuset, which has CPUs %s",
					thread->tid, thread->name, home, *usable ? usable : "(none)")
			      : -ENOMEM;
}

static int place_thread(const struct vn_io_looker *the, const struct vn_thread_sample *thread,
	const struct vn_io_users *users, struct vn_io_place *place)
{
	vn_autoset nodes = hwloc_bitmap_alloc();
	int r = nodes ? open_place(the, users, thread->cpus, nodes, place) : -ENOMEM;

	if (r <= 0)
		return r;
	place->verdict = is_on_its_vcpu(the, thread, users->vcpus) ? VN_IO_ON_VCPU : judge(place);
	if (place->verdict != VN_IO_HOME)
		return find_way(the, thread, users->vcpus, nodes, place);
	place->belongs = hwloc_bitmap_dup(place->cpus);
	return place->belongs ? 0 : -ENOMEM;
}

/* ---- queues ---- */

static int find_queue(const struct vn_io_looker *the, const struct vn_nic_sample *nic,
	const struct vn_queue_sample *queue, struct vn_io_queue *to)
{
	const struct vn_vm_sample *vm = the->vm;
	vn_autoiousers users = {0};
	vn_autoset nodes = hwloc_bitmap_alloc();
	int r = nodes ? vn_io_queue_users(vm, queue, &users) : -ENOMEM;

	to->queue = queue;
	if (r == 0 && queue->worker >= 0 && (size_t)queue->worker < vm->n_threads)
		to->worker = &vm->threads[queue->worker];
	if (r == 0 && to->worker)
		r = place_thread(the, to->worker, &users, &to->place);
	else if (r == 0) {
		r = open_place(the, &users, NULL, nodes, &to->place);
		free(to->place.why);
		r = r < 0 ? r
			  : unknown(&to->place,
				    vn_copy(nic->vhost ? "its worker" : "QEMU's main thread serves it"));
	}
	/* of one that no vCPU uses the vnode's are those who could wake it; it has none to show */
	if (r == 0 && queue->n_vcpus == 0)
		hwloc_bitmap_zero(users.vcpus);
	to->vcpus = vn_steal(users.vcpus);
	return r;
}

static int find_nics(const struct vn_io_looker *the)
{
	struct vn_io *io = the->io;

	io->nics = calloc(the->vm->n_nics + 1, sizeof(*io->nics));
	if (!io->nics)
		return -ENOMEM;
	for (size_t i = 0; i < the->vm->n_nics; i++) {
		const struct vn_nic_sample *nic = &the->vm->nics[i];
		struct vn_io_nic *to = &io->nics[io->n_nics++];
		to->nic = nic;
		to->queues = calloc(nic->n_queues + 1, sizeof(*to->queues));
		if (!to->queues)
			return -ENOMEM;
		while (to->n_queues < nic->n_queues) {
			size_t q = to->n_queues++;
			int r = find_queue(the, nic, &nic->queues[q], &to->queues[q]);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

/* ---- threads ---- */

/* Paths of the disks that an iothread serves. */
static int find_disks(const struct vn_io_looker *the, struct vn_io_thread *to)
{
	const struct vn_guest *guest = the->vm->guest;

	for (size_t i = 0; guest && i < guest->n_disks; i++) {
		char path[VN_SAMPLE_TEXT];
		if (!vn_io_serves(to->thread, &guest->disks[i]))
			continue;
		vn_sample_text(guest->disks[i].path, strlen(guest->disks[i].path), path, sizeof(path));
		char *longer = vn_format("%s%s%s", to->disks ? to->disks : "", to->disks ? " " : "", path);
		if (!longer)
			return -ENOMEM;
		free(to->disks);
		to->disks = longer;
	}
	return 0;
}

static int find_threads(const struct vn_io_looker *the)
{
	const struct vn_vm_sample *vm = the->vm;
	struct vn_io *io = the->io;
	int r = 0;

	io->threads = calloc(vm->n_threads + 1, sizeof(*io->threads));
	if (!io->threads)
		return -ENOMEM;
	for (size_t i = 0; i < vm->n_threads && r == 0; i++) {
		vn_autoiousers users = {0};
		bool iothread = vm->threads[i].kind == VN_THREAD_IOTHREAD;
		bool stray = vm->threads[i].kind == VN_THREAD_VHOST && !vn_sample_queue(vm, i);
		if (!iothread && !stray)
			continue;
		struct vn_io_thread *to = &io->threads[io->n_threads++];
		to->thread = &vm->threads[i];
		r = vn_io_users_of(vm, i, &users);
		if (r == 0)
			r = place_thread(the, to->thread, &users, &to->place);
		if (r == 0 && iothread)
			r = find_disks(the, to);
	}
	return r;
}

/* ---- interrupts ---- */

static int find_irq(const struct vn_io_looker *the, const struct vn_device_sample *device,
	const struct vn_io_users *users, struct vn_io_irq *to)
{
	const struct vn_irq_sample *irq = to->irq;
	bool effective = irq->effective && !hwloc_bitmap_iszero(irq->effective);
	struct vn_io_place *place = &to->place;
	vn_autoset nodes = hwloc_bitmap_alloc(), near = hwloc_bitmap_alloc();
	int r = nodes && near ? open_place(the, users, irq->cpus, nodes, place) : -ENOMEM;

	if (r <= 0)
		return r;
	if (device->posted)
		return unknown(place, vn_copy("it reaches vCPUs without the host"));
	if (effective) {
		hwloc_bitmap_zero(place->nodes);
		r = find_nodes(the->host, irq->effective, place->nodes);
	}
	if (r < 0 || vn_near_cpus(the->host, nodes, near) < 0 || vn_rehome_not_isolated(the->host, near) < 0)
		return -ENOMEM;
	place->verdict = judge(place);
	bool stays = place->verdict == VN_IO_HOME || irq->managed;
	place->belongs = hwloc_bitmap_dup(stays ? place->cpus : near);
	return place->belongs ? 0 : -ENOMEM;
}

static int find_devices(const struct vn_io_looker *the)
{
	const struct vn_vm_sample *vm = the->vm;
	struct vn_io *io = the->io;
	int r = 0;

	io->devices = calloc(vm->n_devices + 1, sizeof(*io->devices));
	for (size_t i = 0; i < vm->n_devices && io->devices && r == 0; i++) {
		const struct vn_device_sample *device = &vm->devices[i];
		struct vn_io_device *to = &io->devices[io->n_devices++];
		vn_autoiousers users = {0};
		to->device = device;
		to->irqs = calloc(device->n_irqs + 1, sizeof(*to->irqs));
		r = to->irqs ? vn_io_vnode_users(vm, device->vnode, &users) : -ENOMEM;
		for (size_t k = 0; k < device->n_irqs && r == 0; k++) {
			struct vn_io_irq *irq = &to->irqs[to->n_irqs++];
			irq->irq = &device->irqs[k];
			r = find_irq(the, device, &users, irq);
		}
	}
	return io->devices ? r : -ENOMEM;
}

int vn_io_find(const struct vn_sample *sample, const struct vn_vm_audit *vm, struct vn_io **ret_io)
{
	vn_autoio *io = vn_io_new();
	vn_autoiolooker the = {.sample = sample, .host = sample->host, .vm = vm->vm, .io = io};

	if (!io)
		return -ENOMEM;
	io->sample = sample;
	io->vm = vm->vm;
	int r = vn_notes_copy(&io->notes, &vm->vm->gaps);
	if (r == 0)
		r = vn_io_looker_open(&the);
	if (r == 0)
		r = find_homes(&the, vm);
	if (r == 0)
		r = find_nics(&the);
	if (r == 0)
		r = find_threads(&the);
	if (r == 0)
		r = find_devices(&the);
	if (r == 0)
		*ret_io = vn_steal(io);
	return r;
}
