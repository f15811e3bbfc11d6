/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vm.h"

#include <errno.h>

#include "../base/text.h"

struct vn_vm *vn_vm_new(void)
{
	return calloc(1, sizeof(struct vn_vm));
}

void vn_vm_free(struct vn_vm *vm)
{
	if (!vm)
		return;
	for (size_t i = 0; i < vm->n_backends; i++) {
		hwloc_bitmap_free(vm->backends[i].policy_nodes);
		hwloc_bitmap_free(vm->backends[i].nodes);
	}
	free(vm->backends);
	for (size_t i = 0; i < vm->n_threads; i++)
		hwloc_bitmap_free(vm->threads[i].cpus);
	free(vm->threads);
	for (size_t i = 0; i < vm->n_channels; i++) {
		free(vm->channels[i].name);
		free(vm->channels[i].path);
	}
	free(vm->channels);
	json_decref(vm->plan);
	free(vm->process.exe);
	free(vm->qmp_path);
	free(vm->log_path);
	free(vm->name);
	free(vm);
}

static int copy_lists(const struct vn_vm *from, struct vn_vm *to)
{
	bool whole = true;

	to->backends = calloc(from->n_backends + 1, sizeof(*to->backends));
	to->threads = calloc(from->n_threads + 1, sizeof(*to->threads));
	for (size_t i = 0; to->backends && i < from->n_backends; i++) {
		struct vn_vm_backend *backend = &to->backends[to->n_backends++];
		*backend = from->backends[i];
		backend->policy_nodes = hwloc_bitmap_dup(backend->policy_nodes);
		backend->nodes = hwloc_bitmap_dup(backend->nodes);
		whole &= backend->policy_nodes && backend->nodes;
	}
	for (size_t i = 0; to->threads && i < from->n_threads; i++) {
		struct vn_vm_thread *thread = &to->threads[to->n_threads++];
		*thread = from->threads[i];
		thread->cpus = hwloc_bitmap_dup(thread->cpus);
		whole &= thread->cpus != NULL;
	}
	to->channels = calloc(from->n_channels + 1, sizeof(*to->channels));
	for (size_t i = 0; to->channels && i < from->n_channels; i++) {
		struct vn_vm_channel *channel = &to->channels[to->n_channels++];
		channel->name = vn_copy(from->channels[i].name);
		channel->path = vn_copy(from->channels[i].path);
		whole &= channel->name && channel->path;
	}
	return to->backends && to->threads && to->channels && whole ? 0 : -ENOMEM;
}

int vn_vm_copy(const struct vn_vm *from, struct vn_vm **ret_copy)
{
	vn_autovm *copy = vn_vm_new();

	if (!copy)
		return -ENOMEM;
	*copy = *from;
	copy->n_backends = copy->n_threads = copy->n_channels = 0;
	copy->backends = NULL;
	copy->threads = NULL;
	copy->channels = NULL;
	copy->plan = json_incref(from->plan);
	copy->name = vn_copy(from->name);
	copy->qmp_path = vn_copy(from->qmp_path);
	copy->log_path = vn_copy(from->log_path);
	copy->process.exe = vn_copy(from->process.exe);
	bool whole = (copy->name || !from->name) && (copy->qmp_path || !from->qmp_path) &&
		     (copy->log_path || !from->log_path) && (copy->process.exe || !from->process.exe);
	if (copy_lists(from, copy) < 0 || !whole)
		return -ENOMEM;
	*ret_copy = vn_steal(copy);
	return 0;
}

struct vn_vm_backend *vn_vm_device_of(const struct vn_vm *vm, unsigned vnode)
{
	for (size_t i = 0; i < vm->n_backends; i++) {
		if (vm->backends[i].vnode == vnode && *vm->backends[i].device)
			return &vm->backends[i];
	}
	return NULL;
}

uint64_t vn_vm_fixed_memory(const struct vn_vm *vm, unsigned vnode)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < vm->n_backends; i++)
		bytes += vm->backends[i].vnode == vnode && !*vm->backends[i].device ? vm->backends[i].memory
										    : 0;
	return bytes;
}

/* Adds to a number of JSON's, which does not become negative. */
static int add_to(json_t *number, int64_t change)
{
	int64_t sum = json_is_integer(number) ? json_integer_value(number) + change : 0;

	return json_is_integer(number) && json_integer_set(number, sum > 0 ? sum : 0) < 0 ? -ENOMEM : 0;
}

/* The member of `list` whose `key` is that number, or NULL. */
static json_t *numbered(const json_t *list, const char *key, json_int_t number)
{
	size_t i;
	json_t *member;

	json_array_foreach (list, i, member) {
		const json_t *told = json_object_get(member, key);
		if (json_is_integer(told) && json_integer_value(told) == number)
			return member;
	}
	return NULL;
}

/*
 * The first of a vnode's shares grows. It is the first that shrinks, too, and what it lacks is taken from the next: a share of a plan is above
 * 0 bytes, so one that would be empty goes, and its node from the list of them, unless it is the last.
 */
static int change_shares(json_t *vnode, int64_t change)
{
	json_t *shares = json_object_get(vnode, "shares"), *pnodes = json_object_get(vnode, "pnodes");

	while (change != 0 && json_array_size(shares) > 0) {
		json_t *memory = json_object_get(json_array_get(shares, 0), "memory");
		int64_t left = json_integer_value(memory) + change;
		if (left > 0 || json_array_size(shares) == 1)
			return add_to(memory, change);
		json_array_remove(shares, 0);
		json_array_remove(pnodes, 0);
		change = left;
	}
	return 0;
}

int vn_vm_resized(struct vn_vm *vm, struct vn_vm_backend *backend, uint64_t requested)
{
	int64_t change = (int64_t)requested - (int64_t)backend->requested;
	json_t *plan = json_deep_copy(vm->plan); /* others may have the one there is */

	if (!plan)
		return -ENOMEM;
	json_t *vnode = numbered(json_object_get(plan, "vnodes"), "id", backend->vnode);
	json_t *seen = numbered(
		json_object_get(json_object_get(plan, "guest_view"), "nodes"), "vnode", backend->vnode);
	int r = add_to(json_object_get(vnode, "memory"), change);
	if (r == 0)
		r = change_shares(vnode, change);
	if (r == 0)
		r = add_to(json_object_get(seen, "memory"), change);
	json_decref(vm->plan);
	vm->plan = plan;
	backend->requested = requested;
	vm->memory += (uint64_t)change;
	return r;
}

static bool is_word(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

bool vn_vm_name_valid(const char *name)
{
	size_t n = 0;

	for (; name[n]; n++) {
		if (n >= VN_VM_NAME_MAX)
			return false;
		if (!is_word(name[n]) && (n == 0 || (name[n] != '.' && name[n] != '+' && name[n] != '-')))
			return false;
	}
	return n > 0;
}

const char *vn_thread_kind_name(enum vn_thread_kind kind)
{
	static const char *const names[] = {"vcpu", "iothread", "vhost", "emulator", "migration", "other"};
	return names[kind];
}
