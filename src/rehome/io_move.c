/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a look at a VM's I/O (io.c) comes to: the threads and interrupts that go, and those that somebody puts elsewhere by hand. */
#define _GNU_SOURCE
#include <string.h>

#include "../base/text.h"
#include "io_part.h"
#include "part.h"

#define STALL_US 5000u /* no memory moves, but a journal has a limit */

struct mover {
	const struct vn_io *io;
	const struct vn_io_wish *wish;
	struct vn_move *move;
	struct vn_error *problems;
	struct vn_io_looker the; /* usable and taken CPUs alone, for hands */
};

static int add_thread(struct mover *mover, const struct vn_thread_sample *thread, int vnode, size_t way,
	hwloc_const_bitmap_t cpus)
{
	struct vn_move *move = mover->move;
	vn_autoset before = hwloc_bitmap_dup(thread->cpus), after = hwloc_bitmap_dup(cpus);

	if (!before || !after || vn_rehome_tell_io(&move->notes, thread, way, cpus) < 0)
		return -ENOMEM;
	vn_rehome_put_thread(move, thread, vnode, vn_steal(before), vn_steal(after));
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
	int r = vn_io_looker_cpus(&mover->the, queue->vcpus, near, true, cpus, &way);
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
		char seen[VN_QUOTE_MAX];
		vn_error_input(problems, &where, "interface '%s' seen; expected one of the VM's: %s",
			vn_quote(hand->nic, seen), names && *names ? names : "(none is known)");
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
	struct vn_io_looker *the = &mover->the;
	struct vn_move *move = mover->move;

	move->thread_list = calloc(the->vm->n_threads + 1, sizeof(*move->thread_list));
	if (!move->thread_list)
		return -ENOMEM;
	move->threads = true;
	move->limits.stall_us = STALL_US;
	int r = vn_rehome_identity(the->vm, move);
	return r < 0 ? r : vn_io_looker_open(the);
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

	vn_io_looker_clear(&mover.the);
	if (r < 0)
		return vn_error_environment(err, r, "out of memory");
	if (problems.n) {
		vn_error_move(err, &problems);
		return -EINVAL;
	}
	*ret_move = vn_steal(move);
	return 0;
}
