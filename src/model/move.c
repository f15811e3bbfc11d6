/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "move.h"

struct vn_move *vn_move_new(void)
{
	return calloc(1, sizeof(struct vn_move));
}

void vn_move_thread_clear(struct vn_move_thread *thread)
{
	hwloc_bitmap_free(thread->before);
	hwloc_bitmap_free(thread->after);
}

void vn_move_block_clear(struct vn_move_block *block)
{
	hwloc_bitmap_free(block->policy_nodes);
	free(block->before);
}

void vn_move_irq_clear(struct vn_move_irq *irq)
{
	hwloc_bitmap_free(irq->before);
	hwloc_bitmap_free(irq->after);
}

void vn_move_cpuset_clear(struct vn_move_cpuset *cpuset)
{
	free(cpuset->path);
	hwloc_bitmap_free(cpuset->before);
	hwloc_bitmap_free(cpuset->during);
	hwloc_bitmap_free(cpuset->after);
}

void vn_move_numatune_clear(struct vn_move_numatune *numatune)
{
	hwloc_bitmap_free(numatune->before);
	hwloc_bitmap_free(numatune->during);
	hwloc_bitmap_free(numatune->after);
}

void vn_move_free(struct vn_move *move)
{
	if (!move)
		return;
	for (size_t i = 0; i < move->n_threads; i++)
		vn_move_thread_clear(&move->thread_list[i]);
	for (size_t i = 0; i < move->n_blocks; i++)
		vn_move_block_clear(&move->blocks[i]);
	for (size_t i = 0; i < move->n_irqs; i++)
		vn_move_irq_clear(&move->irqs[i]);
	for (size_t i = 0; i < move->n_cpusets; i++)
		vn_move_cpuset_clear(&move->cpusets[i]);
	for (size_t i = 0; i < move->n_guest_settings; i++)
		vn_guest_setting_clear(&move->guest_settings[i]);
	free(move->guest_settings);
	free(move->cpusets);
	vn_move_numatune_clear(&move->numatune);
	hwloc_bitmap_free(move->mems_during);
	hwloc_bitmap_free(move->mems_after);
	free(move->thread_list);
	free(move->blocks);
	free(move->irqs);
	free(move->ranges);
	free(move->homes);
	free(move->process.exe);
	vn_notes_clear(&move->notes);
	free(move);
}

const char *vn_move_phase_name(enum vn_move_phase phase)
{
	static const char *const names[] = {
		[VN_MOVE_PLANNED] = "planned",
		[VN_MOVE_THREADS_MOVED] = "threads-moved",
		[VN_MOVE_DONE] = "done",
		[VN_MOVE_STOPPED] = "stopped",
		[VN_MOVE_UNDOING] = "undoing",
	};
	return names[phase];
}

const char *vn_move_order_name(enum vn_move_order order)
{
	static const char *const names[] = {
		[VN_ORDER_ADDRESS] = "address",
		[VN_ORDER_IDLENESS] = "idleness",
		[VN_ORDER_DAMON] = "damon",
	};
	return names[order];
}

static const struct {
	const char *name, *advice;
} reasons[VN_STAYED_N] = {
	[VN_STAYED_PINNED] = {"pinned",
		"pages that a device or io_uring works on cannot move while the VM runs: start it on the right node; undo takes its threads back to them"},
	[VN_STAYED_SHARED] = {"shared", "another process has these pages, too: run vnuma with CAP_SYS_NICE"},
	[VN_STAYED_NO_HUGE_PAGE] = {"no-huge-page",
		"the target's pool of huge pages has too few: raise nr_hugepages of that node, then move --resume"},
	[VN_STAYED_TARGET_FULL] = {"target-full",
		"the target has no room for them: make some, or move to another node"},
	[VN_STAYED_FORBIDDEN] = {"forbidden",
		"the VM's cpuset does not allow the target: widen its cpuset.mems"},
	[VN_STAYED_BUSY] = {"busy", "the kernel was at work on these pages: move --resume tries them again"},
	[VN_STAYED_UNKNOWN] = {"unknown", "the kernel gave no reason: move --resume tries them again"},
};

const char *vn_stayed_name(enum vn_stayed reason)
{
	return reasons[reason].name;
}

const char *vn_stayed_advice(enum vn_stayed reason)
{
	return reasons[reason].advice;
}
