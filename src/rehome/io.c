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
#include "io.h"

#include <string.h>

#include "../base/text.h"
#include "../model/near_nodes.h"
#include "part.h"

#define STALL_US 5000u /* no memory moves, but a journal has a limit */

struct looker {
	const struct vn_sample *sample;
	const struct vn_host *host;
	const struct vn_vm_sample *vm;
	struct vn_io *io;
	int *homes; /* ids by vnode; -1: not known, or none; owned */
	bool *spread; /* by vnode; owned */
	hwloc_bitmap_t usable; /* CPUs that are online, and that the VM's cpuset allows; owned */
	hwloc_bitmap_t at_home; /* of these those of any home of the VM; owned */
	hwloc_bitmap_t taken; /* CPUs that are the only ones of somebody; owned */
};

static void looker_clear(struct looker *the)
{
	free(the->homes);
	free(the->spread);
	hwloc_bitmap_free(the->usable);
	hwloc_bitmap_free(the->at_home);
	hwloc_bitmap_free(the->taken);
}
#define autolooker vn_cleanup(looker_clear) struct looker

/* ---- what there is ---- */

static int find_taken(struct looker *the)
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

static int find_homes(struct looker *the, const struct vn_vm_audit *audit)
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

static int open_looker(struct looker *the, const struct vn_vm_audit *audit)
{
	the->usable = hwloc_bitmap_alloc();
	the->at_home = hwloc_bitmap_alloc();
	the->taken = hwloc_bitmap_alloc();
	if (!the->usable || !the->at_home || !the->taken)
		return -ENOMEM;
	int r = vn_rehome_usable(the->host, the->vm, the->usable);
	if (r == 0)
		r = find_taken(the);
	if (r == 0)
		r = find_homes(the, audit);
	return r;
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
static char *why_homeless(const struct looker *the, const struct vn_io_users *users)
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
static int open_place(const struct looker *the, const struct vn_io_users *users, hwloc_const_bitmap_t cpus,
	hwloc_bitmap_t near, struct vn_io_place *place)
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
	const struct looker *the, const struct vn_thread_sample *thread, hwloc_const_bitmap_t vcpus)
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

static int tied_cpus(const struct looker *the, hwloc_const_bitmap_t vcpus, hwloc_bitmap_t ret)
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
static int find_left(const struct looker *the, hwloc_const_bitmap_t near, hwloc_bitmap_t ret)
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

/* CPUs that a thread is to have; `within`: no others but those near. 1; 0: none. */
static int find_cpus(const struct looker *the, hwloc_const_bitmap_t vcpus, hwloc_const_bitmap_t near,
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
static int find_way(const struct looker *the, const struct vn_thread_sample *thread,
	hwloc_const_bitmap_t vcpus, hwloc_const_bitmap_t nodes, struct vn_io_place *place)
{
	vn_autoset near = hwloc_bitmap_alloc(), cpus = hwloc_bitmap_alloc();

	if (!near || !cpus || vn_near_cpus(the->host, nodes, near) < 0)
		return -ENOMEM;
	int r = find_cpus(the, vcpus, near, place->verdict != VN_IO_ON_VCPU, cpus, &place->way);
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

static int place_thread(const struct looker *the, const struct vn_thread_sample *thread,
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

static int find_queue(const struct looker *the, const struct vn_nic_sample *nic,
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

static int find_nics(const struct looker *the)
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
static int find_disks(const struct looker *the, struct vn_io_thread *to)
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

static int find_threads(const struct looker *the)
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

static int find_irq(const struct looker *the, const struct vn_device_sample *device,
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

static int find_devices(const struct looker *the)
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

/* What `io` refers to is all of the looker that is needed later. */
int vn_io_find(const struct vn_sample *sample, const struct vn_vm_audit *vm, struct vn_io **ret_io)
{
	vn_autoio *io = vn_io_new();
	autolooker the = {.sample = sample, .host = sample->host, .vm = vm->vm, .io = io};

	if (!io)
		return -ENOMEM;
	io->sample = sample;
	io->vm = vm->vm;
	int r = vn_notes_copy(&io->notes, &vm->vm->gaps);
	if (r == 0)
		r = open_looker(&the, vm);
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

/* ---- the move ---- */

struct mover {
	const struct vn_io *io;
	const struct vn_io_wish *wish;
	struct vn_move *move;
	struct vn_error *problems;
	struct looker the; /* usable and taken CPUs alone, for hands */
};

static int add_thread(struct mover *mover, const struct vn_thread_sample *thread, int vnode, size_t way,
	hwloc_const_bitmap_t cpus)
{
	struct vn_move *move = mover->move;
	vn_autoset before = hwloc_bitmap_dup(thread->cpus), after = hwloc_bitmap_dup(cpus);

	if (!before || !after || vn_rehome_tell_io(&move->notes, thread, way, cpus) < 0)
		return -ENOMEM;
	struct vn_move_thread *to = &move->thread_list[move->n_threads++];
	*to = (struct vn_move_thread){.kind = thread->kind,
		.index = thread->index,
		.tid = thread->tid,
		.of_kernel = thread->of_kernel,
		.vnode = vnode,
		.before = vn_steal(before),
		.after = vn_steal(after)};
	memcpy(to->name, thread->name, sizeof(to->name));
	return 0;
}

static const struct vn_io_hand *hand_of(
	const struct mover *mover, const struct vn_io_nic *nic, unsigned queue)
{
	for (size_t i = 0; i < mover->wish->n_hands; i++) {
		const struct vn_io_hand *hand = &mover->wish->hands[i];
		if (strcmp(hand->nic, nic->nic->name) == 0 && hand->queue == queue)
			return hand;
	}
	return NULL;
}

static int add_by_hand(struct mover *mover, const struct vn_io_hand *hand, const struct vn_io_queue *queue)
{
	const struct vn_host *host = mover->the.host;
	vn_autoset near = hwloc_bitmap_alloc(), cpus = hwloc_bitmap_alloc();
	size_t way = 0;
	unsigned id;

	if (!near || !cpus)
		return -ENOMEM;
	hwloc_bitmap_foreach_begin (id, hand->nodes) {
		int node = vn_host_node_index(host, id);
		if (node >= 0 && hwloc_bitmap_or(near, near, host->nodes[node].cpus) < 0)
			return -ENOMEM;
	}
	hwloc_bitmap_foreach_end();
	int r = find_cpus(&mover->the, queue->vcpus, near, true, cpus, &way);
	if (r > 0)
		return add_thread(mover, queue->worker, queue->place.vnode, way, cpus);
	vn_autofree char *usable = vn_set_text(mover->the.usable), *nodes = vn_set_text(hand->nodes);
	if (r < 0 || !usable || !nodes)
		return -ENOMEM;
	vn_error_input(mover->problems, NULL,
		"%s:%u is to be on node %s, of which the VM may use no CPU; those that are online, and that its cpuset allows: %s",
		hand->nic, hand->queue, nodes, *usable ? usable : "(none)");
	return 0;
}

static int add_threads(struct mover *mover)
{
	const struct vn_io *io = mover->io;
	int r = 0;

	for (size_t i = 0; i < io->n_nics; i++) {
		for (size_t q = 0; q < io->nics[i].n_queues && r == 0; q++) {
			const struct vn_io_queue *queue = &io->nics[i].queues[q];
			const struct vn_io_hand *hand = hand_of(mover, &io->nics[i], queue->queue->queue);
			if (!queue->worker || !queue->worker->cpus)
				continue;
			if (hand)
				r = add_by_hand(mover, hand, queue);
			else if (mover->wish->threads && vn_io_is_to_go(&queue->place))
				r = add_thread(mover, queue->worker, queue->place.vnode, queue->place.way,
					queue->place.belongs);
		}
	}
	for (size_t i = 0; i < io->n_threads && mover->wish->threads && r == 0; i++) {
		const struct vn_io_thread *thread = &io->threads[i];
		if (vn_io_is_to_go(&thread->place))
			r = add_thread(mover, thread->thread, thread->place.vnode, thread->place.way,
				thread->place.belongs);
	}
	return r;
}

static int add_irqs(struct mover *mover)
{
	const struct vn_io *io = mover->io;
	struct vn_move *move = mover->move;
	size_t n = 0;

	for (size_t i = 0; i < io->n_devices; i++)
		n += io->devices[i].n_irqs;
	move->irqs = calloc(n + 1, sizeof(*move->irqs));
	if (!move->irqs)
		return -ENOMEM;
	for (size_t i = 0; i < io->n_devices && mover->wish->irqs; i++) {
		for (size_t k = 0; k < io->devices[i].n_irqs; k++) {
			const struct vn_io_irq *irq = &io->devices[i].irqs[k];
			if (!vn_io_is_to_go(&irq->place))
				continue;
			struct vn_move_irq *to = &move->irqs[move->n_irqs++];
			to->number = irq->irq->number;
			memcpy(to->name, irq->irq->name, sizeof(to->name));
			to->before = hwloc_bitmap_dup(irq->place.cpus);
			to->after = hwloc_bitmap_dup(irq->place.belongs);
			if (!to->before || !to->after)
				return -ENOMEM;
		}
	}
	return 0;
}

/* ---- what is asked for by hand ---- */

static const struct vn_io_queue *find_named(
	const struct vn_io *io, const struct vn_io_hand *hand, const struct vn_io_nic **ret_nic)
{
	*ret_nic = NULL;
	for (size_t i = 0; i < io->n_nics; i++) {
		const struct vn_io_nic *nic = &io->nics[i];
		if (strcmp(nic->nic->name, hand->nic) != 0)
			continue;
		*ret_nic = nic;
		for (size_t q = 0; q < nic->n_queues; q++) {
			if (nic->queues[q].queue->queue == hand->queue)
				return &nic->queues[q];
		}
	}
	return NULL;
}

/* The interfaces that there are, for who named another. */
static char *nics_of(const struct vn_io *io)
{
	char *list = vn_copy("");

	for (size_t i = 0; i < io->n_nics && list; i++) {
		const char *name = io->nics[i].nic->name;
		char *longer = *name ? vn_format("%s%s%s", list, *list ? ", " : "", name) : vn_copy(list);
		free(list);
		list = longer;
	}
	return list;
}

static int check_hand(struct mover *mover, const struct vn_io_hand *hand)
{
	static const struct vn_where where = {NULL, 0, "--queue"};
	const struct vn_io_nic *nic;
	const struct vn_io_queue *queue = find_named(mover->io, hand, &nic);
	struct vn_error *problems = mover->problems;
	unsigned id;

	if (!nic) {
		vn_autofree char *names = nics_of(mover->io);
		vn_error_input(problems, &where, "interface '%s' seen; expected one of the VM's: %s",
			hand->nic, names && *names ? names : "(none is known)");
	} else if (!queue)
		vn_error_input(problems, &where, "queue %u of %s seen; expected one of its %zu, from 0",
			hand->queue, hand->nic, nic->n_queues);
	else if (!nic->nic->vhost)
		vn_error_input(problems, &where,
			"%s:%u has no worker: QEMU's main thread serves it (vhost=off)", hand->nic,
			hand->queue);
	else if (!queue->worker)
		vn_error_input(problems, &where, "%s:%u: which thread is its worker is not known", hand->nic,
			hand->queue);
	else if (!queue->worker->cpus)
		vn_error_input(problems, &where,
			"%s:%u: which CPUs its worker may use could not be read, so there would be no way back",
			hand->nic, hand->queue);
	hwloc_bitmap_foreach_begin (id, hand->nodes) {
		int node = vn_host_node_index(mover->the.host, id);
		if (node < 0)
			vn_error_input(problems, &where, "node %u seen, which this host has not", id);
		else if (hwloc_bitmap_iszero(mover->the.host->nodes[node].cpus))
			vn_error_input(problems, &where, "node %u seen, which has no CPU", id);
	}
	hwloc_bitmap_foreach_end();
	return 0;
}

static int open_mover(struct mover *mover)
{
	struct looker *the = &mover->the;
	struct vn_move *move = mover->move;

	the->usable = hwloc_bitmap_alloc();
	the->at_home = hwloc_bitmap_alloc();
	the->taken = hwloc_bitmap_alloc();
	move->thread_list = calloc(the->vm->n_threads + 1, sizeof(*move->thread_list));
	if (!the->usable || !the->at_home || !the->taken || !move->thread_list)
		return -ENOMEM;
	move->threads = true;
	move->limits.stall_us = STALL_US;
	int r = vn_rehome_identity(the->vm, move);
	if (r == 0)
		r = vn_rehome_usable(the->host, the->vm, the->usable);
	return r < 0 ? r : find_taken(the);
}

static int fill_move(struct mover *mover)
{
	int r = open_mover(mover);

	for (size_t i = 0; i < mover->wish->n_hands && r == 0; i++)
		r = check_hand(mover, &mover->wish->hands[i]);
	if (r < 0 || mover->problems->n)
		return r;
	r = add_threads(mover);
	if (r == 0)
		r = add_irqs(mover);
	bool managed = mover->the.vm->manager == VN_MANAGER_LIBVIRT ||
		       mover->the.vm->manager == VN_MANAGER_LIBVIRT_SESSION;
	if (r == 0 && managed && mover->move->n_threads)
		r = vn_notes_add(&mover->move->notes, "managers-not-told",
			"libvirt is not told, and may set its own CPUs when it next sets any (virsh emulatorpin, iothreadpin)");
	return r;
}

int vn_io_move(const struct vn_io *io, const struct vn_io_wish *wish, struct vn_move **ret_move,
	struct vn_error *err)
{
	vn_automove *move = vn_move_new();
	vn_autoerror problems = {0};
	struct mover mover = {
		io, wish, move, &problems, {.sample = io->sample, .host = io->sample->host, .vm = io->vm}};
	int r = move ? fill_move(&mover) : -ENOMEM;

	looker_clear(&mover.the);
	if (r < 0)
		return vn_error_environment(err, r, "out of memory");
	if (problems.n) {
		vn_error_move(err, &problems);
		return -EINVAL;
	}
	*ret_move = vn_steal(move);
	return 0;
}
