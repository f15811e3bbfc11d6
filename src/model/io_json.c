/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whose a VM's queues, workers, iothreads and interrupts are, for programs; docs/io.md lists the keys. Sets are lists of integers; what is not known is null. */
#include "audit_json.h"
#include "io.h"
#include "move_json.h"
#include "plan.h"

static json_t *set_or_null(hwloc_const_bitmap_t set)
{
	return set ? vn_json_set(set) : json_null();
}

/* The one node; null: there are several, or none is known. */
static json_t *home_of(const struct vn_io_place *place)
{
	return vn_json_int(vn_set_weight(place->home) == 1 ? hwloc_bitmap_first(place->home) : -1);
}

static bool put_place(json_t *object, const struct vn_io_place *place)
{
	return vn_json_put(object, "vnode", vn_json_int(place->vnode)) &&
	       vn_json_put(object, "home", home_of(place)) &&
	       vn_json_put(object, "homes", set_or_null(place->home)) &&
	       vn_json_put(object, "verdict", json_string(vn_io_verdict_name(place->verdict))) &&
	       vn_json_put(object, "why", vn_json_text(place->why)) &&
	       vn_json_put(object, "belongs", set_or_null(place->belongs));
}

/* Where it is, and who it is. */
static bool put_thread(json_t *object, const struct vn_thread_sample *thread, const struct vn_io_place *place)
{
	return vn_json_put(object, "tid", json_integer(thread->tid)) &&
	       vn_json_put(object, "name", vn_json_text(thread->name)) &&
	       vn_json_put(object, "index", vn_json_int(thread->index)) &&
	       vn_json_put(object, "cpus", set_or_null(place->cpus)) &&
	       vn_json_put(object, "nodes", place->cpus ? set_or_null(place->nodes) : json_null()) &&
	       vn_json_put(object, "cpu", vn_json_int(thread->cpu)) &&
	       vn_json_put(object, "ran_on", set_or_null(thread->ran_on));
}

/* `object` if all was put into it, else NULL. */
static json_t *whole(json_t *object, bool ok)
{
	if (!ok) {
		json_decref(object);
		object = NULL;
	}
	return object;
}

static json_t *worker_to_json(const struct vn_io_queue *queue)
{
	json_t *object = queue->worker ? json_object() : json_null();

	return queue->worker ? whole(object, put_thread(object, queue->worker, &queue->place)) : object;
}

static json_t *queue_to_json(const struct vn_io_queue *queue)
{
	json_t *object = json_object();

	return whole(object, vn_json_put(object, "queue", json_integer(queue->queue->queue)) &&
				     vn_json_put(object, "vcpus", vn_json_set(queue->vcpus)) &&
				     put_place(object, &queue->place) &&
				     vn_json_put(object, "worker", worker_to_json(queue)));
}

static json_t *nic_to_json(const struct vn_io_nic *nic)
{
	json_t *object = json_object(), *queues = json_array();
	bool ok = queues;

	for (size_t q = 0; q < nic->n_queues && ok; q++)
		ok = json_array_append_new(queues, queue_to_json(&nic->queues[q])) == 0;
	ok = vn_json_put(object, "queues", queues) && ok;
	return whole(object, ok && vn_json_put(object, "name", vn_json_text(nic->nic->name)) &&
				     vn_json_put(object, "vhost", json_boolean(nic->nic->vhost)) &&
				     vn_json_put(object, "vnode", vn_json_int(nic->nic->vnode)) &&
				     vn_json_put(object, "bridge", vn_json_text(nic->nic->bridge)) &&
				     vn_json_put(object, "physical", vn_json_text(nic->nic->physical)) &&
				     vn_json_put(object, "node", vn_json_int(nic->nic->node)));
}

static json_t *thread_to_json(const struct vn_io_thread *thread)
{
	json_t *object = json_object();

	return whole(object, put_thread(object, thread->thread, &thread->place) &&
				     put_place(object, &thread->place) &&
				     vn_json_put(object, "disks", vn_json_text(thread->disks)));
}

static json_t *irq_to_json(const struct vn_io_irq *irq)
{
	json_t *object = json_object();

	return whole(object, vn_json_put(object, "number", json_integer(irq->irq->number)) &&
				     vn_json_put(object, "name", vn_json_text(irq->irq->name)) &&
				     vn_json_put(object, "cpus", set_or_null(irq->place.cpus)) &&
				     vn_json_put(object, "effective", set_or_null(irq->irq->effective)) &&
				     vn_json_put(object, "managed", json_boolean(irq->irq->managed)) &&
				     put_place(object, &irq->place));
}

static json_t *device_to_json(const struct vn_io_device *device)
{
	json_t *object = json_object(), *irqs = json_array();
	bool ok = irqs;

	for (size_t i = 0; i < device->n_irqs && ok; i++)
		ok = json_array_append_new(irqs, irq_to_json(&device->irqs[i])) == 0;
	ok = vn_json_put(object, "irqs", irqs) && ok;
	return whole(object, ok && vn_json_put(object, "address", vn_json_text(device->device->address)) &&
				     vn_json_put(object, "node", vn_json_int(device->device->node)) &&
				     vn_json_put(object, "vnode", vn_json_int(device->device->vnode)) &&
				     vn_json_put(object, "posted", json_boolean(device->device->posted)));
}

static bool put_threads(json_t *object, const struct vn_io *io, const char *key, enum vn_thread_kind kind)
{
	json_t *threads = json_array();
	bool ok = threads;

	for (size_t i = 0; i < io->n_threads && ok; i++) {
		if (io->threads[i].thread->kind == kind)
			ok = json_array_append_new(threads, thread_to_json(&io->threads[i])) == 0;
	}
	return vn_json_put(object, key, threads) && ok;
}

static bool put_lists(json_t *object, const struct vn_io *io)
{
	json_t *nics = json_array(), *devices = json_array();
	bool ok = nics && devices;

	for (size_t i = 0; i < io->n_nics && ok; i++)
		ok = json_array_append_new(nics, nic_to_json(&io->nics[i])) == 0;
	for (size_t i = 0; i < io->n_devices && ok; i++)
		ok = json_array_append_new(devices, device_to_json(&io->devices[i])) == 0;
	ok = vn_json_put(object, "nics", nics) && ok;
	return vn_json_put(object, "devices", devices) && ok;
}

json_t *vn_io_to_json(const struct vn_io *io)
{
	json_t *object = json_object();

	return whole(object, vn_json_put(object, "schema", json_string("vnuma.io/1")) &&
				     vn_json_put(object, "name", vn_json_text(io->vm->name)) &&
				     vn_json_put(object, "process", vn_process_to_json(&io->vm->process)) &&
				     put_lists(object, io) &&
				     put_threads(object, io, "iothreads", VN_THREAD_IOTHREAD) &&
				     put_threads(object, io, "workers", VN_THREAD_VHOST) &&
				     vn_json_put(object, "notes", vn_notes_to_json(&io->notes, NULL)));
}
