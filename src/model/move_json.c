/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A move as JSON: sizes in bytes, sets as lists of integers; what is not known is null. move_from_json.c reads it back. */
#include <stdio.h>

#include "audit_json.h"
#include "move_json.h"
#include "plan.h"

/* A set without end means all: no set that a thread could be given back. */
static json_t *set_to_json(hwloc_const_bitmap_t set)
{
	return set && hwloc_bitmap_weight(set) >= 0 ? vn_json_set(set) : json_null();
}

/* An array of what `make` makes of each; NULL when memory is short. */
static json_t *array_of(
	size_t n, json_t *(*make)(const struct vn_move *move, size_t i), const struct vn_move *move)
{
	json_t *array = json_array();

	for (size_t i = 0; array && i < n; i++) {
		if (json_array_append_new(array, make(move, i)) < 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

static json_t *home_to_json(const struct vn_move *move, size_t i)
{
	return json_integer(move->homes[i]);
}

static json_t *thread_to_json(const struct vn_move *move, size_t i)
{
	const struct vn_move_thread *thread = &move->thread_list[i];

	return json_pack("{s:s, s:o, s:i, s:I, s:b, s:o, s:o, s:o, s:o}", "kind",
		vn_thread_kind_name(thread->kind), "index", vn_json_int(thread->index), "tid",
		(int)thread->tid, "start_time", (json_int_t)thread->start_time, "of_kernel",
		thread->of_kernel, "vnode", vn_json_int(thread->vnode), "name", vn_json_text(thread->name),
		"before", set_to_json(thread->before), "after", set_to_json(thread->after));
}

static json_t *block_to_json(const struct vn_move *move, size_t i)
{
	const struct vn_move_block *block = &move->blocks[i];

	return json_pack("{s:o, s:o, s:o, s:I, s:o, s:b, s:s, s:o, s:o}", "id", vn_json_text(block->id),
		"vnode", vn_json_int(block->vnode), "address",
		vn_json_u64(block->address > 0, block->address), "size", (json_int_t)block->size, "page",
		vn_json_u64(block->page > 0, block->page), "shared", block->shared, "policy",
		vn_policy_mode_name(block->policy), "policy_nodes", set_to_json(block->policy_nodes),
		"before", vn_node_bytes_to_json(block->before, block->n_before));
}

static json_t *range_to_json(const struct vn_move *move, size_t i)
{
	const struct vn_move_range *range = &move->ranges[i];

	return json_pack("{s:I, s:I, s:o, s:i, s:i}", "address", (json_int_t)range->address, "size",
		(json_int_t)range->size, "page", vn_json_u64(range->page > 0, range->page), "node",
		(int)range->node, "vnode", (int)range->vnode);
}

static json_t *irq_to_json(const struct vn_move *move, size_t i)
{
	const struct vn_move_irq *irq = &move->irqs[i];

	return json_pack("{s:I, s:o, s:o, s:o}", "number", (json_int_t)irq->number, "name",
		vn_json_text(irq->name), "before", set_to_json(irq->before), "after",
		set_to_json(irq->after));
}

static json_t *guest_setting_to_json(const struct vn_move *move, size_t i)
{
	const struct vn_guest_setting *setting = &move->guest_settings[i];

	return json_pack("{s:s, s:i, s:i, s:o, s:o, s:o}", "path", setting->path, "nic", (int)setting->nic,
		"queue", (int)setting->queue, "before", set_to_json(setting->before), "after",
		set_to_json(setting->after), "earlier",
		setting->earlier ? set_to_json(setting->earlier) : json_null());
}

static json_t *cpuset_to_json(const struct vn_move *move, size_t i)
{
	const struct vn_move_cpuset *cpuset = &move->cpusets[i];

	return json_pack("{s:s, s:o, s:o, s:o}", "path", cpuset->path, "before", set_to_json(cpuset->before),
		"during", set_to_json(cpuset->during), "after", set_to_json(cpuset->after));
}

static json_t *numatune_to_json(const struct vn_move_numatune *numatune)
{
	if (!*numatune->domain)
		return json_null();
	return json_pack("{s:s, s:o, s:o, s:o}", "domain", numatune->domain, "before",
		set_to_json(numatune->before), "during", set_to_json(numatune->during), "after",
		set_to_json(numatune->after));
}

static json_t *limits_to_json(const struct vn_move_limits *limits)
{
	return json_pack("{s:I, s:i, s:o, s:f}", "rate", (json_int_t)limits->rate, "stall_us",
		(int)limits->stall_us, "reserve", vn_json_u64(limits->has_reserve, limits->reserve),
		"pressure", limits->pressure);
}

static json_t *stayed_to_json(const struct vn_move_progress *progress)
{
	json_t *object = json_object();

	for (unsigned reason = 0; reason < VN_STAYED_N; reason++) {
		if (!vn_json_put(object, vn_stayed_name((enum vn_stayed)reason),
			    json_integer((json_int_t)progress->stayed[reason]))) {
			json_decref(object);
			return NULL;
		}
	}
	return object;
}

json_t *vn_move_progress_to_json(const struct vn_move_progress *progress)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:o, s:I, s:I, s:I, s:I, s:i}", "total",
		(json_int_t)progress->total, "there", (json_int_t)progress->there, "moved",
		(json_int_t)progress->moved, "absent", (json_int_t)progress->absent, "left",
		(json_int_t)progress->left, "stayed", stayed_to_json(progress), "calls",
		(json_int_t)progress->calls, "longest_ns", (json_int_t)progress->longest_ns, "elapsed_ns",
		(json_int_t)progress->elapsed_ns, "paused_ns", (json_int_t)progress->paused_ns, "passes",
		(int)progress->passes);
}

json_t *vn_process_to_json(const struct vn_process *process)
{
	return json_pack("{s:i, s:I, s:s?}", "pid", (int)process->pid, "start_time",
		(json_int_t)process->start_time, "exe", process->exe);
}

json_t *vn_move_order_to_json(const struct vn_move *move)
{
	return move->order_known ? json_string(vn_move_order_name(move->order)) : json_null();
}

/* What is done with the VM, and with which of it. */
static bool put_parts(json_t *object, const struct vn_move *move)
{
	return vn_json_put(object, "homes", array_of(move->n_homes, home_to_json, move)) &&
	       vn_json_put(object, "threads", array_of(move->n_threads, thread_to_json, move)) &&
	       vn_json_put(object, "blocks", array_of(move->n_blocks, block_to_json, move)) &&
	       vn_json_put(object, "ranges", array_of(move->n_ranges, range_to_json, move)) &&
	       vn_json_put(object, "irqs", array_of(move->n_irqs, irq_to_json, move)) &&
	       vn_json_put(object, "guest_settings",
		       array_of(move->n_guest_settings, guest_setting_to_json, move)) &&
	       vn_json_put(object, "mems_during", set_to_json(move->mems_during)) &&
	       vn_json_put(object, "mems_after", set_to_json(move->mems_after)) &&
	       vn_json_put(object, "cpusets", array_of(move->n_cpusets, cpuset_to_json, move)) &&
	       vn_json_put(object, "numatune", numatune_to_json(&move->numatune));
}

json_t *vn_move_to_json(const struct vn_move *move)
{
	json_t *object = json_object();

	bool ok = vn_json_put(object, "schema", json_string(VN_MOVE_SCHEMA)) &&
		  vn_json_put(object, "name", json_string(move->name)) &&
		  vn_json_put(object, "process", vn_process_to_json(&move->process)) &&
		  vn_json_put(object, "manager", json_string(vn_manager_name(move->manager))) &&
		  vn_json_put(object, "boot", vn_json_text(move->boot)) &&
		  vn_json_put(object, "begun", json_integer((json_int_t)move->begun)) &&
		  vn_json_put(object, "phase", json_string(vn_move_phase_name(move->phase))) &&
		  vn_json_put(object, "moves_threads", json_boolean(move->threads)) &&
		  vn_json_put(object, "moves_memory", json_boolean(move->memory)) &&
		  put_parts(object, move) && vn_json_put(object, "limits", limits_to_json(&move->limits)) &&
		  vn_json_put(object, "order", vn_move_order_to_json(move)) &&
		  vn_json_put(object, "progress", vn_move_progress_to_json(&move->progress)) &&
		  vn_json_put(object, "notes", vn_notes_to_json(&move->notes, NULL));
	if (!ok)
		json_decref(object);
	return ok ? object : NULL;
}
