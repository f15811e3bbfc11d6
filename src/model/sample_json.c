/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <stdio.h>

#include "audit_json.h"
#include "plan.h"

static json_t *set_to_json(hwloc_const_bitmap_t set)
{
	/* a set without end means all */
	return set && hwloc_bitmap_weight(set) >= 0 ? vn_json_set(set) : json_null();
}

json_t *vn_node_bytes_to_json(const struct vn_node_bytes *memory, size_t n)
{
	json_t *object = json_object();
	char node[16];

	for (size_t i = 0; i < n; i++) {
		snprintf(node, sizeof(node), "%u", memory[i].node);
		json_object_set_new(object, node, json_integer((json_int_t)memory[i].bytes));
	}
	return object;
}

/* An array of what `make` makes of each; NULL when memory is short. */
static json_t *array_of(size_t n, json_t *(*make)(const void *what, size_t i), const void *what)
{
	json_t *array = json_array();

	for (size_t i = 0; array && i < n; i++) {
		if (json_array_append_new(array, make(what, i)) < 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

static json_t *policy_to_json(bool known, const struct vn_mem_policy *policy)
{
	return known ? json_pack("{s:s, s:o}", "text", policy->text, "nodes", set_to_json(policy->nodes))
		     : json_null();
}

/* ---- memory ---- */

static json_t *residency_to_json(const struct vn_residency *residency)
{
	json_t *pages = json_object();
	char node[16];

	for (size_t i = 0; i < residency->n_nodes; i++) {
		struct vn_share_interval share =
			vn_share_interval(residency->nodes[i].pages, residency->asked, residency->exact);
		snprintf(node, sizeof(node), "%u", residency->nodes[i].node);
		json_object_set_new(pages, node,
			json_pack("{s:I, s:f, s:f, s:f}", "pages", (json_int_t)residency->nodes[i].pages,
				"share", share.share, "low", share.low, "high", share.high));
	}
	return json_pack("{s:b, s:I, s:I, s:I, s:I, s:o, s:o, s:o}", "exact", residency->exact, "asked",
		(json_int_t)residency->asked, "absent", (json_int_t)residency->absent, "zero",
		(json_int_t)residency->zero, "unknown", (json_int_t)residency->unknown, "swapped",
		vn_json_u64(residency->has_details, residency->swapped), "shared",
		vn_json_u64(residency->has_details, residency->shared), "nodes", pages);
}

static json_t *block_to_json(const void *blocks, size_t i)
{
	const struct vn_block_sample *block = (const struct vn_block_sample *)blocks + i;
	bool policy = block->policy_by != VN_TOLD_BY_NOTHING;

	return json_pack("{s:o, s:o, s:o, s:o, s:I, s:I, s:o, s:b, s:o, s:o, s:o, s:o}", "id",
		vn_json_text(block->id), "vnode", vn_json_int(block->vnode), "tied_by",
		vn_json_text(vn_told_by_name(block->tied_by)), "address",
		vn_json_u64(block->address > 0, block->address), "size", (json_int_t)block->size, "unplugged",
		(json_int_t)block->unplugged, "page", vn_json_u64(block->page > 0, block->page), "shared",
		block->shared, "policy", policy_to_json(policy, &block->policy), "policy_by",
		vn_json_text(vn_told_by_name(block->policy_by)), "policies_differ",
		policy ? json_boolean(block->policies_differ) : json_null(), "residency",
		block->has_residency ? residency_to_json(&block->residency) : json_null());
}

/* ---- threads ---- */

static json_t *times_to_json(const struct vn_thread_sample *thread)
{
	json_t *object = json_object();
	char node[16];

	for (size_t i = 0; i < thread->n_times; i++) {
		snprintf(node, sizeof(node), "%u", thread->times[i].node);
		json_object_set_new(object, node, json_real((double)thread->times[i].ns / 1e9));
	}
	return object;
}

static json_t *thread_to_json(const void *threads, size_t i)
{
	const struct vn_thread_sample *thread = (const struct vn_thread_sample *)threads + i;
	bool times = thread->has_times;

	return json_pack("{s:s, s:o, s:o, s:i, s:b, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "kind",
		vn_thread_kind_name(thread->kind), "index", vn_json_int(thread->index), "known_by",
		vn_json_text(vn_told_by_name(thread->by)), "tid", (int)thread->tid, "of_kernel",
		thread->of_kernel, "name", thread->name, "cpus", set_to_json(thread->cpus), "cpu",
		vn_json_int(thread->cpu), "ran_on", times ? set_to_json(thread->ran_on) : json_null(), "run",
		vn_json_real(times, (double)thread->run_ns / 1e9), "wait",
		vn_json_real(times, (double)thread->wait_ns / 1e9), "run_by_node",
		times ? times_to_json(thread) : json_null(), "migrations",
		vn_json_u64(times, thread->migrations));
}

/* ---- I/O ---- */

static json_t *queue_to_json(const void *of, size_t i)
{
	const struct vn_queue_sample *queue = (const struct vn_queue_sample *)of + i;

	return json_pack("{s:i, s:o, s:o, s:o, s:o, s:o}", "queue", (int)queue->queue, "vnode",
		vn_json_int(queue->vnode), "first_vcpu", vn_json_u64(queue->n_vcpus > 0, queue->first_vcpu),
		"vcpus", vn_json_u64(queue->n_vcpus > 0, queue->n_vcpus), "set_vcpus",
		queue->vcpus ? set_to_json(queue->vcpus) : json_null(), "worker",
		queue->worker >= 0 ? json_integer((json_int_t)queue->worker) : json_null());
}

static json_t *nic_to_json(const void *of, size_t i)
{
	const struct vn_nic_sample *nic = (const struct vn_nic_sample *)of + i;

	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:b, s:o, s:o}", "name", vn_json_text(nic->name),
		"bridge", vn_json_text(nic->bridge), "physical", vn_json_text(nic->physical), "address",
		vn_json_text(nic->address), "node", vn_json_int(nic->node), "vhost", nic->vhost, "vnode",
		vn_json_int(nic->vnode), "queues", array_of(nic->n_queues, queue_to_json, nic->queues));
}

static json_t *irq_to_json(const void *of, size_t i)
{
	const struct vn_irq_sample *irq = (const struct vn_irq_sample *)of + i;

	return json_pack("{s:i, s:o, s:o, s:o, s:b, s:I, s:o}", "number", (int)irq->number, "name",
		vn_json_text(irq->name), "cpus", set_to_json(irq->cpus), "effective",
		set_to_json(irq->effective), "managed", irq->managed, "count", (json_int_t)irq->count, "chip",
		vn_json_text(irq->chip));
}

static json_t *device_to_json(const void *of, size_t i)
{
	const struct vn_device_sample *device = (const struct vn_device_sample *)of + i;

	return json_pack("{s:s, s:o, s:o, s:b, s:o}", "address", device->address, "node",
		vn_json_int(device->node), "vnode", vn_json_int(device->vnode), "posted", device->posted,
		"irqs", array_of(device->n_irqs, irq_to_json, device->irqs));
}

/* ---- all of a VM, the host ---- */

bool vn_vm_sample_into_json(const struct vn_vm_sample *vm, json_t *object)
{
	return vn_json_put(object, "uuid", vn_json_text(vm->uuid)) &&
	       vn_json_put(object, "id", vn_json_text(vm->id)) &&
	       vn_json_put(object, "manager", json_string(vn_manager_name(vm->manager))) &&
	       vn_json_put(object, "accel", vn_json_text(vm->accel)) &&
	       vn_json_put(object, "uid", json_integer(vm->uid)) &&
	       vn_json_put(object, "moved", vn_moved_to_json(&vm->moved)) &&
	       vn_json_put(object, "cgroup", vn_json_text(vm->cgroup)) &&
	       vn_json_put(object, "unit", vn_json_text(vm->unit)) &&
	       vn_json_put(object, "other_mounts", json_boolean(vm->other_mounts)) &&
	       vn_json_put(object, "other_pids", json_boolean(vm->other_pids)) &&
	       vn_json_put(
		       object, "vcpus", vn_json_u64(vm->guest != NULL, vm->guest ? vm->guest->vcpus : 0)) &&
	       vn_json_put(
		       object, "size", vn_json_u64(vm->guest != NULL, vm->guest ? vm->guest->memory : 0)) &&
	       vn_json_put(object, "allowed_cpus", set_to_json(vm->cpus)) &&
	       vn_json_put(object, "mems", set_to_json(vm->mems)) &&
	       vn_json_put(object, "policy", policy_to_json(vm->has_policy, &vm->policy)) &&
	       vn_json_put(object, "blocks", array_of(vm->n_blocks, block_to_json, vm->blocks)) &&
	       vn_json_put(object, "threads", array_of(vm->n_threads, thread_to_json, vm->threads)) &&
	       vn_json_put(object, "nics", array_of(vm->n_nics, nic_to_json, vm->nics)) &&
	       vn_json_put(object, "devices", array_of(vm->n_devices, device_to_json, vm->devices)) &&
	       vn_json_put(object, "gaps", vn_notes_to_json(&vm->gaps, NULL));
}

json_t *vn_settings_to_json(const struct vn_sample *sample)
{
	const struct vn_host_settings *settings = &sample->settings;

	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "numa_balancing",
		vn_json_int(sample->host->numa_balancing), "zone_reclaim",
		vn_json_int(settings->zone_reclaim), "thp", vn_json_text(settings->thp), "thp_defrag",
		vn_json_text(settings->thp_defrag), "thp_shmem", vn_json_text(settings->thp_shmem), "ksm",
		vn_json_int(settings->ksm), "ksm_sharing",
		vn_json_u64(settings->has_ksm_sharing, settings->ksm_sharing), "ksm_merges_nodes",
		vn_json_int(settings->ksm_merges_nodes), "irqbalance",
		settings->irqbalance >= 0 ? json_boolean(settings->irqbalance) : json_null(), "numad",
		settings->numad >= 0 ? json_boolean(settings->numad) : json_null(), "hint_faults",
		vn_json_u64(settings->has_faults, settings->hint_faults), "migrated_pages",
		vn_json_u64(settings->has_faults, settings->migrated_pages));
}
