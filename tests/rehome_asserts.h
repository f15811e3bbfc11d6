/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What the tests of rehome/ have in common: include behind cmocka.h. */

#include "../src/model/io_spread.h"
#include "../src/plan/plan_make.h"
#include "../src/rehome/rehome.h"
#include "judge_asserts.h"

static const struct vn_rehome_wish whole_wish = {.threads = true, .memory = true, .irqs = true};

static inline struct vn_thread_sample *thread_of(struct vn_vm_sample *vm, pid_t tid)
{
	for (size_t i = 0; i < vm->n_threads; i++) {
		if (vm->threads[i].tid == tid)
			return &vm->threads[i];
	}
	fail_msg("no thread %d", tid);
	return NULL;
}

/* It may use `cpus`, ran on the first of them, and where it has a choice was seen on all. */
static inline void put_thread(
	const struct vn_host *host, struct vn_thread_sample *thread, hwloc_const_bitmap_t cpus)
{
	unsigned cpu = (unsigned)hwloc_bitmap_first(cpus);

	hwloc_bitmap_copy(thread->cpus, cpus);
	hwloc_bitmap_copy(thread->ran_on, cpus);
	thread->cpu = (int)cpu;
	if (thread->n_times == 0)
		return;
	thread->n_times = 1;
	thread->times[0] = (struct vn_node_time){(unsigned)vn_host_cpu(host, cpu)->node, thread->run_ns};
}

/* All pages that are there are where the ranges say, or (undo) where they were. */
static inline void put_block(struct vn_block_sample *block, const struct vn_move *move, bool undo)
{
	struct vn_residency *residency = &block->residency;
	struct vn_residency after = {.asked = residency->asked,
		.exact = residency->exact,
		.has_details = residency->has_details,
		.absent = residency->absent};
	uint64_t present = vn_residency_present(residency), size = 0, given = 0;
	uint64_t page = block->size / residency->asked;
	bool moves = false;

	for (size_t i = 0; i < move->n_ranges && !undo; i++) {
		const struct vn_move_range *range = &move->ranges[i];
		if (range->address < block->address || range->address >= block->address + block->size)
			continue;
		moves = true;
		size += range->size; /* what is there, there evenly */
		uint64_t upto = (uint64_t)((unsigned __int128)present * size / block->size);
		if (upto > given)
			assert_int_equal(vn_residency_add(&after, range->node, upto - given), 0);
		given = upto;
	}
	for (size_t i = 0; i < move->n_blocks && undo; i++) {
		const struct vn_move_block *was = &move->blocks[i];
		moves |= was->address == block->address;
		for (size_t k = 0; was->address == block->address && k < was->n_before; k++)
			assert_int_equal(
				vn_residency_add(&after, was->before[k].node, was->before[k].bytes / page),
				0);
	}
	if (!moves)
		return;
	vn_residency_clear(residency);
	*residency = after;
}

/* The sample as it is when the move has done what it says, or was undone. */
static inline void carry_out(struct vn_sample *sample, size_t at, const struct vn_move *move, bool undo)
{
	struct vn_vm_sample *vm = &sample->vms[at];

	for (size_t i = 0; i < move->n_threads; i++) {
		const struct vn_move_thread *thread = &move->thread_list[i];
		put_thread(sample->host, thread_of(vm, thread->tid), undo ? thread->before : thread->after);
	}
	for (size_t i = 0; i < vm->n_blocks; i++)
		put_block(&vm->blocks[i], move, undo);
	for (size_t d = 0; d < vm->n_devices; d++) {
		for (size_t i = 0; i < vm->devices[d].n_irqs; i++) {
			struct vn_irq_sample *irq = &vm->devices[d].irqs[i];
			for (size_t k = 0; k < move->n_irqs; k++) {
				if (move->irqs[k].number != irq->number)
					continue;
				hwloc_bitmap_copy(
					irq->cpus, undo ? move->irqs[k].before : move->irqs[k].after);
				hwloc_bitmap_only(irq->effective, (unsigned)hwloc_bitmap_first(irq->cpus));
			}
		}
	}
	if (move->mems_after)
		hwloc_bitmap_copy(vm->mems, undo ? move->mems_during : move->mems_after);
}

static inline struct vn_plan *plan_of(const struct vn_host *host, const struct vn_guest *guest)
{
	struct vn_plan_options options = {0};
	struct vn_plan *plan = NULL;

	return vn_plan_make(host, guest, &options, &plan, NULL) == 0 ? plan : NULL;
}
