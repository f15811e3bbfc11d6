/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "sample.h"

#include <stdio.h>
#include <string.h>

#include "../base/parse.h"

struct vn_sample *vn_sample_new(void)
{
	struct vn_sample *sample = calloc(1, sizeof(*sample));

	if (sample)
		sample->settings = (struct vn_host_settings){
			.zone_reclaim = -1, .ksm = -1, .ksm_merges_nodes = -1, .irqbalance = -1, .numad = -1};
	return sample;
}

void vn_block_sample_clear(struct vn_block_sample *block)
{
	vn_mem_policy_clear(&block->policy);
	vn_residency_clear(&block->residency);
}

void vn_thread_sample_clear(struct vn_thread_sample *thread)
{
	hwloc_bitmap_free(thread->cpus);
	hwloc_bitmap_free(thread->ran_on);
	free(thread->times);
}

void vn_nic_sample_clear(struct vn_nic_sample *nic)
{
	for (size_t i = 0; i < nic->n_queues; i++)
		hwloc_bitmap_free(nic->queues[i].vcpus);
	free(nic->queues);
}

void vn_device_sample_clear(struct vn_device_sample *device)
{
	for (size_t i = 0; i < device->n_irqs; i++) {
		hwloc_bitmap_free(device->irqs[i].cpus);
		hwloc_bitmap_free(device->irqs[i].effective);
	}
	free(device->irqs);
}

void vn_vm_sample_clear(struct vn_vm_sample *vm)
{
	for (size_t i = 0; i < vm->n_blocks; i++)
		vn_block_sample_clear(&vm->blocks[i]);
	for (size_t i = 0; i < vm->n_threads; i++)
		vn_thread_sample_clear(&vm->threads[i]);
	for (size_t i = 0; i < vm->n_nics; i++)
		vn_nic_sample_clear(&vm->nics[i]);
	for (size_t i = 0; i < vm->n_devices; i++)
		vn_device_sample_clear(&vm->devices[i]);
	free(vm->blocks);
	free(vm->threads);
	free(vm->nics);
	free(vm->devices);
	vn_guest_free(vm->guest);
	vn_vm_free(vm->record);
	hwloc_bitmap_free(vm->mems);
	hwloc_bitmap_free(vm->cpus);
	vn_mem_policy_clear(&vm->policy);
	free(vm->process.exe);
	vn_notes_clear(&vm->gaps);
	*vm = (struct vn_vm_sample){0};
}

void vn_sample_free(struct vn_sample *sample)
{
	if (!sample)
		return;
	for (size_t i = 0; i < sample->n_vms; i++)
		vn_vm_sample_clear(&sample->vms[i]);
	free(sample->vms);
	vn_host_free(sample->host);
	vn_notes_clear(&sample->gaps);
	free(sample);
}

const char *vn_manager_name(enum vn_manager manager)
{
	static const char *const names[] = {"none", "vnuma", "libvirt", "proxmox", "libvirt-session"};

	return names[manager];
}

const char *vn_told_by_name(enum vn_told_by by)
{
	static const char *const names[] = {
		NULL, "kernel", "qmp", "record", "command-line", "name", "behaviour"};

	return names[by];
}

/* U+0080 to U+009F are control characters, too, and U+2028 and the like break lines or turn them round. */
static bool is_harmless(const char *text, size_t length)
{
	const unsigned char *u = (const unsigned char *)text;

	if (length == 1)
		return u[0] >= 0x20 && u[0] != 0x7f;
	if (length == 2 && u[0] == 0xc2)
		return u[1] >= 0xa0;
	if (length == 3 && u[0] == 0xe2)
		return !((u[1] == 0x80 && (u[2] >= 0x8b)) || (u[1] == 0x81 && u[2] >= 0xa0 && u[2] <= 0xaf));
	return length > 0;
}

bool vn_sample_text(const char *text, size_t length, char *ret, size_t room)
{
	static const char cut[] = "\xe2\x80\xa6"; /* … */
	size_t at = 0, fit = 0;
	bool same = true;

	for (size_t i = 0; i < length;) {
		char piece[8];
		size_t n = text[i] ? vn_utf8_length(text + i) : 0, taken = n && n <= length - i ? n : 1;
		if (taken == n && is_harmless(text + i, n))
			snprintf(piece, sizeof(piece), "%.*s", (int)n, text + i);
		else
			snprintf(piece, sizeof(piece), "\\x%02x", (unsigned char)text[i]), taken = 1,
											   same = false;
		if (at + strlen(piece) >= room) {
			memcpy(ret + fit, cut, sizeof(cut));
			return false;
		}
		memcpy(ret + at, piece, strlen(piece));
		at += strlen(piece);
		fit = at + sizeof(cut) <= room ? at : fit;
		i += taken;
	}
	ret[at] = 0;
	return same;
}

const struct vn_thread_sample *vn_sample_thread(
	const struct vn_vm_sample *vm, enum vn_thread_kind kind, int index)
{
	for (size_t i = 0; i < vm->n_threads; i++) {
		if (vm->threads[i].kind == kind && vm->threads[i].index == index)
			return &vm->threads[i];
	}
	return NULL;
}

const struct vn_queue_sample *vn_sample_queue(const struct vn_vm_sample *vm, size_t thread)
{
	for (size_t i = 0; i < vm->n_nics; i++) {
		for (size_t q = 0; q < vm->nics[i].n_queues; q++) {
			if (vm->nics[i].queues[q].worker == (ptrdiff_t)thread)
				return &vm->nics[i].queues[q];
		}
	}
	return NULL;
}

bool vn_queue_uses(const struct vn_queue_sample *queue, unsigned vcpu)
{
	if (queue->vcpus)
		return hwloc_bitmap_isset(queue->vcpus, vcpu);
	return vcpu >= queue->first_vcpu && vcpu - queue->first_vcpu < queue->n_vcpus;
}

const struct vn_mem_policy *vn_sample_policy(
	const struct vn_vm_sample *vm, const struct vn_block_sample *block)
{
	if (block->policy_by == VN_TOLD_BY_NOTHING || block->policy.mode == VN_MODE_UNKNOWN)
		return NULL;
	if (block->policy.mode != VN_MODE_DEFAULT)
		return &block->policy;
	return vm->has_policy && vm->policy.mode != VN_MODE_UNKNOWN ? &vm->policy : &block->policy;
}

int vn_block_bytes(const struct vn_block_sample *block, struct vn_node_bytes **ret_bytes, size_t *ret_n)
{
	const struct vn_residency *residency = &block->residency;
	struct vn_node_bytes *bytes = calloc(residency->n_nodes + 1, sizeof(*bytes));

	if (!bytes)
		return -ENOMEM;
	for (size_t i = 0; i < residency->n_nodes; i++) {
		bytes[i].node = residency->nodes[i].node;
		bytes[i].bytes = (uint64_t)((unsigned __int128)block->size * residency->nodes[i].pages /
					    residency->asked);
	}
	*ret_bytes = bytes;
	*ret_n = residency->n_nodes;
	return 0;
}
