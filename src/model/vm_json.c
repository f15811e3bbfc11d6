/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A VM's record as JSON and back. The reader trusts nothing: the record decides which process is signalled
 * and which threads are compared, and a truncated or hand-edited one must be refused with all that is wrong.
 */
#include "vm.h"

#include <limits.h>
#include <string.h>

#include "host.h"
#include "json_reader.h"

#define SCHEMA "vnuma.vm/1"
#define MAX_ITEMS 65536u /* backends or threads of one VM */

static const char *const phase_names[] = {[VN_VM_STARTING] = "starting", [VN_VM_STARTED] = "started"};
static const char *const binding_names[] = {[VN_BINDING_PREFERRED] = "preferred",
	[VN_BINDING_STRICT] = "strict",
	[VN_BINDING_INTERLEAVE] = "interleave"};

/* Of memory that no device has nothing more is said. */
static int add_device(json_t *item, const struct vn_vm_backend *backend)
{
	if (!*backend->device)
		return 0;
	return json_object_set_new(item, "device", json_string(backend->device)) < 0 ||
			       json_object_set_new(
				       item, "requested", json_integer((json_int_t)backend->requested)) < 0
		       ? -1
		       : 0;
}

static json_t *backends_to_json(const struct vn_vm *vm)
{
	json_t *list = json_array();

	for (size_t i = 0; i < vm->n_backends; i++) {
		const struct vn_vm_backend *b = &vm->backends[i];
		json_t *item = json_pack("{s:i, s:s, s:I, s:s, s:o, s:o, s:I}", "vnode", (int)b->vnode, "id",
			b->id, "memory", (json_int_t)b->memory, "binding", binding_names[b->binding],
			"policy_nodes", vn_json_set(b->policy_nodes), "nodes", vn_json_set(b->nodes),
			"address", (json_int_t)b->address);
		if (json_array_append(list, item) < 0 || add_device(item, b) < 0) {
			json_decref(item);
			json_decref(list);
			return NULL;
		}
		json_decref(item);
	}
	return list;
}

static json_t *threads_to_json(const struct vn_vm *vm)
{
	json_t *list = json_array();

	for (size_t i = 0; i < vm->n_threads; i++) {
		const struct vn_vm_thread *t = &vm->threads[i];
		json_t *item = json_pack("{s:s, s:i, s:i, s:o}", "kind", vn_thread_kind_name(t->kind),
			"index", (int)t->index, "tid", (int)t->tid, "cpus", vn_json_set(t->cpus));
		if (json_array_append_new(list, item) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *channels_to_json(const struct vn_vm *vm)
{
	json_t *list = json_array();

	for (size_t i = 0; i < vm->n_channels; i++) {
		json_t *item =
			json_pack("{s:s, s:s}", "name", vm->channels[i].name, "path", vm->channels[i].path);
		if (json_array_append_new(list, item) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

json_t *vn_vm_to_json(const struct vn_vm *vm)
{
	return json_pack(
		"{s:s, s:s, s:s, s:{s:i, s:I, s:s?}, s:s, s:s, s:s, s:I, s:I, s:i, s:o, s:o, s:o, s:O}",
		"schema", SCHEMA, "name", vm->name, "phase", phase_names[vm->phase], "process", "pid",
		(int)vm->process.pid, "start_time", (json_int_t)vm->process.start_time, "exe",
		vm->process.exe, "accel", vm->accel, "qmp_path", vm->qmp_path, "log_path", vm->log_path,
		"started", (json_int_t)vm->started, "memory", (json_int_t)vm->memory, "vcpus", (int)vm->vcpus,
		"backends", backends_to_json(vm), "threads", threads_to_json(vm), "channels",
		channels_to_json(vm), "plan", vm->plan);
}

static uint64_t read_number(
	const struct vn_json_reader *in, const char *key, uint64_t min, uint64_t max, const char *expected)
{
	uint64_t number = 0;
	vn_json_number(in, key, min, max, expected, &number);
	return number;
}

static hwloc_bitmap_t read_set(const struct vn_json_reader *in, const char *key)
{
	if (json_array_size(json_object_get(in->object, key)) > 0)
		return vn_json_maybe_set(in, key, VN_SET_MAX);
	vn_json_wrong(in, key, "a list of one or more numbers");
	return NULL;
}

static void read_process(const struct vn_json_reader *in, struct vn_process *process)
{
	struct vn_json_reader inner;

	if (!vn_json_object(in, "process", &inner))
		return;
	process->pid = (pid_t)read_number(&inner, "pid", 1, INT_MAX, "a process id");
	process->start_time = read_number(&inner, "start_time", 0, INT64_MAX, "clock ticks since boot");
	if (!json_is_null(json_object_get(inner.object, "exe")))
		process->exe = vn_json_text(&inner, "exe", "/", "an absolute path or null");
}

/* One of QEMU's ids, which are short here. */
static void read_id(const struct vn_json_reader *in, const char *key, const char *expected, char ret_id[16])
{
	vn_autofree char *id = vn_json_text(in, key, "", expected);

	if (id && strlen(id) >= 16)
		vn_json_wrong(in, key, "at most 15 characters");
	else if (id)
		memcpy(ret_id, id, strlen(id) + 1);
}

static void read_device(const struct vn_json_reader *in, struct vn_vm_backend *backend)
{
	backend->requested = backend->memory;
	if (!vn_json_told(in, "device"))
		return;
	read_id(in, "device", "QEMU's device id", backend->device);
	backend->requested = read_number(in, "requested", 0, backend->memory, "bytes, at most 'memory'");
}

static void read_backend(const struct vn_json_reader *in, struct vn_vm_backend *backend)
{
	backend->vnode = (unsigned)read_number(in, "vnode", 0, VN_MAX_VNODES - 1, "a vnode");
	backend->memory = read_number(in, "memory", 1, VN_MAX_MEMORY, "bytes");
	backend->binding = (enum vn_binding)vn_json_choice(
		in, "binding", binding_names, 3, "preferred, strict or interleave");
	backend->policy_nodes = read_set(in, "policy_nodes");
	backend->nodes = read_set(in, "nodes");
	backend->address = read_number(in, "address", 0, INT64_MAX, "an address, or 0");
	read_id(in, "id", "QEMU's object id", backend->id);
	read_device(in, backend);
}

static void read_thread(const struct vn_json_reader *in, struct vn_vm_thread *thread)
{
	static const char *const kinds[] = {"vcpu", "iothread", "vhost", "emulator"};
	thread->kind = (enum vn_thread_kind)vn_json_choice(
		in, "kind", kinds, 4, "vcpu, iothread, vhost or emulator");
	thread->index = (unsigned)read_number(in, "index", 0, MAX_ITEMS, "a number");
	thread->tid = (pid_t)read_number(in, "tid", 1, INT_MAX, "a thread id");
	thread->cpus = read_set(in, "cpus");
}

static void read_backends(const struct vn_json_reader *in, struct vn_vm *vm)
{
	const json_t *list = vn_json_list(in, "backends", MAX_ITEMS);
	size_t n = json_array_size(list);

	vm->backends = calloc(n ? n : 1, sizeof(*vm->backends));
	for (; vm->backends && vm->n_backends < n; vm->n_backends++) {
		struct vn_json_reader member;
		if (vn_json_member(in, "backends", list, vm->n_backends, &member))
			read_backend(&member, &vm->backends[vm->n_backends]);
	}
}

static void read_threads(const struct vn_json_reader *in, struct vn_vm *vm)
{
	const json_t *list = vn_json_list(in, "threads", MAX_ITEMS);
	size_t n = json_array_size(list);

	vm->threads = calloc(n ? n : 1, sizeof(*vm->threads));
	for (; vm->threads && vm->n_threads < n; vm->n_threads++) {
		struct vn_json_reader member;
		if (vn_json_member(in, "threads", list, vm->n_threads, &member))
			read_thread(&member, &vm->threads[vm->n_threads]);
	}
}

/* Records of before there were channels have none. */
static void read_channels(const struct vn_json_reader *in, struct vn_vm *vm)
{
	const json_t *list =
		vn_json_told(in, "channels") ? vn_json_list(in, "channels", VN_MAX_CHANNELS) : NULL;
	size_t n = json_array_size(list);

	vm->channels = calloc(n ? n : 1, sizeof(*vm->channels));
	for (; vm->channels && vm->n_channels < n; vm->n_channels++) {
		struct vn_vm_channel *channel = &vm->channels[vm->n_channels];
		struct vn_json_reader member;
		if (!vn_json_member(in, "channels", list, vm->n_channels, &member))
			continue;
		channel->name = vn_json_text(&member, "name", "", "a channel's name");
		channel->path = vn_json_text(&member, "path", "/", "an absolute path");
		if (channel->path && !vn_channel_path_is_good(channel->path))
			vn_json_wrong(&member, "path", VN_CHANNEL_PATH_EXPECTED);
	}
}

static void read_identity(const struct vn_json_reader *in, struct vn_vm *vm)
{
	static const char *const accels[] = {"kvm", "tcg"};

	vm->name = vn_json_text(in, "name", "", "a VM's name");
	if (vm->name && !vn_vm_name_valid(vm->name))
		vn_json_wrong(in, "name", "letters, digits and ._+-, at most 63");
	vm->phase = (enum vn_vm_phase)vn_json_choice(in, "phase", phase_names, 2, "starting or started");
	snprintf(vm->accel, sizeof(vm->accel), "%s",
		accels[vn_json_choice(in, "accel", accels, 2, "kvm or tcg")]);
	vm->qmp_path = vn_json_text(in, "qmp_path", "/", "an absolute path");
	vm->log_path = vn_json_text(in, "log_path", "/", "an absolute path");
	vm->started = (int64_t)read_number(in, "started", 0, INT64_MAX, "seconds since 1970");
	vm->memory = read_number(in, "memory", 1, VN_MAX_MEMORY, "bytes");
	vm->vcpus = (unsigned)read_number(in, "vcpus", 1, VN_MAX_VCPUS, "a number of vCPUs");
}

int vn_vm_from_json(const json_t *json, const char *file, struct vn_vm **ret_vm, struct vn_error *err)
{
	vn_autovm *vm = vn_vm_new();
	struct vn_json_document document = {.file = file, .err = err};
	struct vn_json_reader in = {&document, NULL, NULL, -1, json};
	const char *schema = json_string_value(json_object_get(json, "schema"));

	if (!vm)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	if (!schema || strcmp(schema, SCHEMA) != 0)
		vn_json_wrong(&in, "schema", SCHEMA);
	read_identity(&in, vm);
	read_process(&in, &vm->process);
	read_backends(&in, vm);
	read_threads(&in, vm);
	read_channels(&in, vm);
	json_t *plan = json_object_get(json, "plan");
	if (json_is_object(plan))
		vm->plan = json_incref(plan);
	else
		vn_json_wrong(&in, "plan", "an object");
	if (!vm->backends || !vm->threads || !vm->channels)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	int r = vn_json_finish(&document);
	if (r < 0)
		return r;
	*ret_vm = vn_steal(vm);
	return 0;
}
