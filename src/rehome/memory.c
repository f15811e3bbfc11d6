/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: a vnode's blocks, by address, are taken for one row of bytes, and the plan's shares are laid along it, the home's
 * first; where one ends within a block the block is cut, at the next multiple below of 2 MiB, so that no transparent huge page has to be
 * split, or of the block's own page. The last share takes what is left: QEMU rounds sizes up, and a guest may have grown.
 *
 * What a virtio-mem device has and was not asked for counts for nothing in the row, and goes where the end of its block goes: Linux takes
 * such memory from the device's beginning.
 *
 * What is interleaved over several nodes is where it should be when it is spread, and no page of it can be said to be away: it is left.
 */
#define _GNU_SOURCE
#include <string.h>

#include "../base/text.h"
#include "part.h"

#define CUT (UINT64_C(2) << 20)
#define ROUNDED_UP 16 /* a difference below a sixteenth is nothing to tell */

/* How far a vnode's memory is laid out. */
struct row {
	size_t share;
	uint64_t done, end; /* bytes: of blocks before; where the share ends */
	bool dealt, lost;
};

/* ---- a block ---- */

static int add_block(struct vn_rehoming *the, const struct vn_block_sample *block, int vnode)
{
	struct vn_move *move = the->move;
	struct vn_move_block *to = &move->blocks[move->n_blocks++];
	bool policy = block->policy_by != VN_TOLD_BY_NOTHING;

	*to = (struct vn_move_block){.vnode = vnode,
		.address = block->address,
		.size = block->size,
		.page = block->page,
		.shared = block->shared,
		.policy = policy ? block->policy.mode : VN_MODE_UNKNOWN};
	memcpy(to->id, block->id, sizeof(to->id));
	if (policy && block->policy.nodes && !hwloc_bitmap_iszero(block->policy.nodes)) {
		to->policy_nodes = hwloc_bitmap_dup(block->policy.nodes);
		if (!to->policy_nodes)
			return -ENOMEM;
	}
	if (!block->has_residency || block->residency.asked == 0)
		return 0;
	return vn_block_bytes(block, &to->before, &to->n_before);
}

static int add_range(struct vn_move *move, const struct vn_move_range *range)
{
	struct vn_move_range *grown = reallocarray(move->ranges, move->n_ranges + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	move->ranges = grown;
	grown[move->n_ranges++] = *range;
	move->progress.total += range->size;
	return 0;
}

static const struct vn_share *share_of(const struct vn_plan_vnode *vnode, size_t k)
{
	return k < vnode->n_shares ? &vnode->shares[k] : NULL;
}

static bool is_last(const struct vn_plan_vnode *vnode, size_t k)
{
	return k + 1 >= vnode->n_shares;
}

/* Where, in a block that begins `done` bytes into its vnode, the share that ends at `end` does. */
static uint64_t cut_at(const struct vn_block_sample *block, const struct row *row, uint64_t from)
{
	uint64_t grain = block->page > 0 ? block->page : CUT, to = row->end - row->done;

	if (to >= block->size - block->unplugged)
		return block->size;
	to = (block->address + to) / grain * grain;
	to = to > block->address ? to - block->address : 0;
	return to > from ? to : from;
}

static int lay_block(struct vn_rehoming *the, const struct vn_block_sample *block, size_t v, struct row *row)
{
	const struct vn_plan_vnode *vnode = &the->plan->vnodes[v];

	for (uint64_t from = 0, to; from < block->size; from = to) {
		const struct vn_share *share = share_of(vnode, row->share);
		bool last = is_last(vnode, row->share);
		to = last ? block->size : cut_at(block, row, from);
		struct vn_move_range range = {.address = block->address + from,
			.size = to - from,
			.page = block->page,
			.node = share ? share->pnode : the->plan->homes[v],
			.vnode = (unsigned)v};
		if (range.size > 0 && add_range(the->move, &range) < 0)
			return -ENOMEM;
		if (!last && row->end <= row->done + block->size - block->unplugged)
			row->end += vnode->shares[++row->share].memory;
	}
	row->done += block->size - block->unplugged;
	return 0;
}

/* ---- all ---- */

/* Memory that is interleaved over several nodes by the plan. */
static bool is_dealt(const struct vn_rehoming *the, size_t v)
{
	const struct vn_guest *guest = the->vm->guest;
	enum vn_binding binding =
		guest && guest->n_vnodes > v ? vn_plan_binding(the->plan, guest, v) : the->plan->binding;

	return the->plan->vnodes[v].n_shares > 1 && binding == VN_BINDING_INTERLEAVE;
}

static int tell_rows(struct vn_rehoming *the, const struct row *rows)
{
	char told[VN_SIZE_TEXT], is[VN_SIZE_TEXT];

	for (size_t v = 0; v < the->n_vnodes; v++) {
		uint64_t planned = 0, there = rows[v].done;
		for (size_t k = 0; k < the->plan->vnodes[v].n_shares; k++)
			planned += the->plan->vnodes[v].shares[k].memory;
		uint64_t apart = planned > there ? planned - there : there - planned;
		if (rows[v].dealt &&
			vn_notes_add(&the->move->notes, "interleaved-left",
				"memory of vnode %zu is interleaved on purpose, and stays as it is", v) < 0)
			return -ENOMEM;
		if (rows[v].lost || there == 0 || apart <= there / ROUNDED_UP || apart < CUT)
			continue;
		vn_size_texts_apart(there, planned, is, told);
		if (vn_notes_add(&the->move->notes, "sizes-differ",
			    "vnode %zu has %s, and %s in the plan: its last node takes the difference", v, is,
			    told) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int lay_all(struct vn_rehoming *the, struct row *rows)
{
	char size[VN_SIZE_TEXT];
	int r = 0;

	for (size_t v = 0; v < the->n_vnodes; v++) {
		const struct vn_share *first = share_of(&the->plan->vnodes[v], 0);
		rows[v].end = first ? first->memory : 0;
	}
	for (size_t i = 0; i < the->vm->n_blocks && r == 0; i++) {
		const struct vn_block_sample *block = &the->vm->blocks[i];
		int v = vn_rehome_vnode_of(the, block);
		if (v < 0 || block->size == 0)
			continue;
		if (block->address == 0) {
			rows[v].lost = true;
			r = vn_notes_add(&the->move->notes, "block-not-found",
				"%s of vnode %d (%s) stay where they are: where QEMU has them is not known",
				vn_size_text(block->size, size), v, block->id);
		} else if (is_dealt(the, (size_t)v)) {
			rows[v].dealt = true;
			rows[v].done += block->size - block->unplugged;
		} else {
			r = add_block(the, block, v);
			if (r == 0)
				r = lay_block(the, block, (size_t)v, &rows[v]);
		}
	}
	return r;
}

/* Why nothing can be moved. */
static void check_any(struct vn_rehoming *the, const struct row *rows)
{
	const struct vn_notes *gaps = &the->vm->gaps;
	const char *why = NULL;
	bool dealt = false;

	for (size_t v = 0; v < the->n_vnodes; v++)
		dealt |= rows[v].dealt;
	for (size_t i = 0; i < gaps->n && !why; i++)
		why = strcmp(gaps->v[i].code, "maps-unreadable") == 0 ? gaps->v[i].text : NULL;
	if (the->move->n_ranges > 0 || !the->wish->memory || dealt)
		return;
	if (why)
		vn_error_environment(
			the->problems, -EACCES, "where QEMU has the guest's memory is not known: %s", why);
	else
		vn_error_input(the->problems, NULL, "where QEMU has the guest's memory is not known");
}

int vn_rehome_memory(struct vn_rehoming *the)
{
	vn_autofree struct row *rows = calloc(the->n_vnodes, sizeof(*rows));

	the->move->blocks = calloc(the->vm->n_blocks + 1, sizeof(*the->move->blocks));
	int r = rows && the->move->blocks ? lay_all(the, rows) : -ENOMEM;
	if (r == 0)
		r = tell_rows(the, rows);
	if (r == 0)
		check_any(the, rows);
	return r;
}
