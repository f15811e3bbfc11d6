/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "io.h"

const char *vn_io_verdict_name(enum vn_io_verdict verdict)
{
	static const char *const names[] = {[VN_IO_UNKNOWN] = "unknown",
		[VN_IO_HOME] = "home",
		[VN_IO_ELSEWHERE] = "elsewhere",
		[VN_IO_FLOATS] = "floats",
		[VN_IO_ON_VCPU] = "on-vcpu"};
	return names[verdict];
}

struct vn_io *vn_io_new(void)
{
	return calloc(1, sizeof(struct vn_io));
}

static void clear_place(struct vn_io_place *place)
{
	hwloc_bitmap_free(place->home);
	hwloc_bitmap_free(place->cpus);
	hwloc_bitmap_free(place->nodes);
	hwloc_bitmap_free(place->belongs);
	free(place->why);
}

void vn_io_free(struct vn_io *io)
{
	if (!io)
		return;
	for (size_t i = 0; i < io->n_nics; i++) {
		for (size_t q = 0; q < io->nics[i].n_queues; q++) {
			hwloc_bitmap_free(io->nics[i].queues[q].vcpus);
			clear_place(&io->nics[i].queues[q].place);
		}
		free(io->nics[i].queues);
	}
	for (size_t i = 0; i < io->n_threads; i++) {
		free(io->threads[i].disks);
		clear_place(&io->threads[i].place);
	}
	for (size_t i = 0; i < io->n_devices; i++) {
		for (size_t k = 0; k < io->devices[i].n_irqs; k++)
			clear_place(&io->devices[i].irqs[k].place);
		free(io->devices[i].irqs);
	}
	free(io->nics);
	free(io->threads);
	free(io->devices);
	vn_notes_clear(&io->notes);
	free(io);
}

bool vn_io_is_to_go(const struct vn_io_place *place)
{
	return place->cpus && place->belongs && !hwloc_bitmap_isequal(place->cpus, place->belongs);
}

static void count(const struct vn_io_place *place, struct vn_io_count *counts)
{
	counts->home += place->verdict == VN_IO_HOME;
	counts->unknown += place->verdict == VN_IO_UNKNOWN;
	counts->away += place->verdict != VN_IO_HOME && place->verdict != VN_IO_UNKNOWN;
}

struct vn_io_count vn_io_counts(const struct vn_io *io)
{
	struct vn_io_count counts = {0};

	for (size_t i = 0; i < io->n_nics; i++) {
		for (size_t q = 0; q < io->nics[i].n_queues; q++) {
			const struct vn_io_queue *queue = &io->nics[i].queues[q];
			if (!io->nics[i].nic->vhost)
				continue; /* QEMU's main thread does their work */
			count(&queue->place, &counts);
			counts.mended += vn_io_is_to_go(&queue->place);
		}
	}
	for (size_t i = 0; i < io->n_threads; i++) {
		count(&io->threads[i].place, &counts);
		counts.mended += vn_io_is_to_go(&io->threads[i].place);
	}
	for (size_t i = 0; i < io->n_devices; i++) {
		for (size_t k = 0; k < io->devices[i].n_irqs; k++) {
			count(&io->devices[i].irqs[k].place, &counts);
			counts.irqs += vn_io_is_to_go(&io->devices[i].irqs[k].place);
		}
	}
	return counts;
}
