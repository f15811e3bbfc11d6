/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A VM's record as JSON and back. The reader trusts nothing: the record decides which process is signalled
 * and which threads are compared, and a truncated or hand-edited one must be refused with all that is wrong.
 */
#include "vm.h"

#include <limits.h>
#include <string.h>

#include "../base/text.h"
#include "host.h"

#define SCHEMA "vnuma.vm/1"
#define MAX_ITEMS 65536u /* backends or threads of one VM */

static const char *const phase_names[] = {[VN_VM_STARTING] = "starting", [VN_VM_STARTED] = "started"};
static const char *const binding_names[] = {[VN_BINDING_PREFERRED] = "preferred",
	[VN_BINDING_STRICT] = "strict",
	[VN_BINDING_INTERLEAVE] = "interleave"};

static json_t *backends_to_json(const struct vn_vm *vm)
{
	json_t *list = json_array();

	for (size_t i = 0; i < vm->n_backends; i++) {
		const struct vn_vm_backend *b = &vm->backends[i];
		json_t *item = json_pack("{s:i, s:s, s:I, s:s, s:o, s:o, s:I}", "vnode", (int)b->vnode, "id",
			b->id, "memory", (json_int_t)b->memory, "binding", binding_names[b->binding],
			"policy_nodes", vn_json_set(b->policy_nodes), "nodes", vn_json_set(b->nodes),
			"address", (json_int_t)b->address);
		if (json_array_append_new(list, item) < 0) {
			json_decref(list);
			return NULL;
		}
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

json_t *vn_vm_to_json(const struct vn_vm *vm)
{
	return json_pack("{s:s, s:s, s:s, s:{s:i, s:I, s:s?}, s:s, s:s, s:s, s:I, s:I, s:i, s:o, s:o, s:O}",
		"schema", SCHEMA, "name", vm->name, "phase", phase_names[vm->phase], "process", "pid",
		(int)vm->process.pid, "start_time", (json_int_t)vm->process.start_time, "exe",
		vm->process.exe, "accel", vm->accel, "qmp_path", vm->qmp_path, "log_path", vm->log_path,
		"started", (json_int_t)vm->started, "memory", (json_int_t)vm->memory, "vcpus", (int)vm->vcpus,
		"backends", backends_to_json(vm), "threads", threads_to_json(vm), "plan", vm->plan);
}

/* An object being read, and what its fields are called in messages: "backends[0]." */
struct reader {
	const json_t *object;
	const char *file;
	char prefix[32];
	struct vn_error *err;
	int status;
};

static void wrong(struct reader *in, const char *key, const char *expected)
{
	vn_autofree char *name = vn_format("%s%s", in->prefix, key);
	struct vn_where where = {in->file, 0, name};
	const json_t *value = json_object_get(in->object, key);
	vn_autofree char *seen = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;

	in->status = vn_error_input(in->err, &where, "%.60s; expected %s",
		!value ? "missing"
		: seen ? seen
		       : "unprintable",
		expected);
}

static uint64_t read_number(
	struct reader *in, const char *key, uint64_t min, uint64_t max, const char *expected)
{
	const json_t *value = json_object_get(in->object, key);
	json_int_t number = json_integer_value(value);

	if (json_is_integer(value) && number >= 0 && (uint64_t)number >= min && (uint64_t)number <= max)
		return (uint64_t)number;
	wrong(in, key, expected);
	return 0;
}

/* A new string, or NULL with a problem added. `start` is what it must begin with. */
static char *read_string(struct reader *in, const char *key, const char *start, const char *expected)
{
	const char *text = json_string_value(json_object_get(in->object, key));

	if (!text || strncmp(text, start, strlen(start)) != 0) {
		wrong(in, key, expected);
		return NULL;
	}
	char *copy = strdup(text);
	if (!copy)
		in->status = vn_error_environment(in->err, -ENOMEM, "out of memory");
	return copy;
}

static unsigned read_choice(
	struct reader *in, const char *key, const char *const *names, unsigned n, const char *expected)
{
	const char *text = json_string_value(json_object_get(in->object, key));

	for (unsigned i = 0; text && i < n; i++) {
		if (strcmp(text, names[i]) == 0)
			return i;
	}
	wrong(in, key, expected);
	return 0;
}

static hwloc_bitmap_t read_set(struct reader *in, const char *key)
{
	const json_t *list = json_object_get(in->object, key);
	vn_autoset set = hwloc_bitmap_alloc();
	size_t i;
	json_t *member;

	if (!set)
		in->status = vn_error_environment(in->err, -ENOMEM, "out of memory");
	bool ok = json_array_size(list) > 0;
	json_array_foreach (list, i, member) {
		json_int_t number = json_integer_value(member);
		ok = ok && json_is_integer(member) && number >= 0 && number <= VN_SET_MAX;
		if (set && ok)
			hwloc_bitmap_set(set, (unsigned)number);
	}
	if (ok)
		return vn_steal(set);
	wrong(in, key, "a list of one or more numbers");
	return NULL;
}

static void read_process(struct reader *in, struct vn_process *process)
{
	struct reader inner = {json_object_get(in->object, "process"), in->file, "process.", in->err, 0};

	if (!json_is_object(inner.object)) {
		wrong(in, "process", "an object");
		return;
	}
	process->pid = (pid_t)read_number(&inner, "pid", 1, INT_MAX, "a process id");
	process->start_time = read_number(&inner, "start_time", 0, INT64_MAX, "clock ticks since boot");
	if (!json_is_null(json_object_get(inner.object, "exe")))
		process->exe = read_string(&inner, "exe", "/", "an absolute path or null");
	if (inner.status < 0)
		in->status = inner.status;
}

static void read_backend(struct reader *in, struct vn_vm_backend *backend)
{
	backend->vnode = (unsigned)read_number(in, "vnode", 0, VN_MAX_VNODES - 1, "a vnode");
	backend->memory = read_number(in, "memory", 1, VN_MAX_MEMORY, "bytes");
	backend->binding = (enum vn_binding)read_choice(
		in, "binding", binding_names, 3, "preferred, strict or interleave");
	backend->policy_nodes = read_set(in, "policy_nodes");
	backend->nodes = read_set(in, "nodes");
	backend->address = read_number(in, "address", 0, INT64_MAX, "an address, or 0");
	vn_autofree char *id = read_string(in, "id", "", "QEMU's object id");
	if (id && strlen(id) >= sizeof(backend->id))
		wrong(in, "id", "at most 15 characters");
	else if (id)
		memcpy(backend->id, id, strlen(id) + 1);
}

static void read_thread(struct reader *in, struct vn_vm_thread *thread)
{
	static const char *const kinds[] = {"vcpu", "iothread", "vhost", "emulator"};
	thread->kind =
		(enum vn_thread_kind)read_choice(in, "kind", kinds, 4, "vcpu, iothread, vhost or emulator");
	thread->index = (unsigned)read_number(in, "index", 0, MAX_ITEMS, "a number");
	thread->tid = (pid_t)read_number(in, "tid", 1, INT_MAX, "a thread id");
	thread->cpus = read_set(in, "cpus");
}

/* The list `key` when it is one, or NULL with a problem added. */
static const json_t *read_list(struct reader *in, const char *key)
{
	const json_t *list = json_object_get(in->object, key);
	if (json_is_array(list) && json_array_size(list) <= MAX_ITEMS)
		return list;
	wrong(in, key, "a list");
	return NULL;
}

/* The reader of member i of list `key`; adds a problem when that is no object. */
static struct reader member_reader(struct reader *in, const char *key, const json_t *list, size_t i)
{
	struct reader member = {json_array_get(list, i), in->file, "", in->err, 0};

	snprintf(member.prefix, sizeof(member.prefix), "%s[%zu].", key, i);
	return member;
}

static void read_backends(struct reader *in, struct vn_vm *vm)
{
	const json_t *list = read_list(in, "backends");
	size_t n = json_array_size(list);

	vm->backends = calloc(n ? n : 1, sizeof(*vm->backends));
	for (; vm->backends && vm->n_backends < n; vm->n_backends++) {
		struct reader member = member_reader(in, "backends", list, vm->n_backends);
		read_backend(&member, &vm->backends[vm->n_backends]);
		if (member.status < 0)
			in->status = member.status;
	}
}

static void read_threads(struct reader *in, struct vn_vm *vm)
{
	const json_t *list = read_list(in, "threads");
	size_t n = json_array_size(list);

	vm->threads = calloc(n ? n : 1, sizeof(*vm->threads));
	for (; vm->threads && vm->n_threads < n; vm->n_threads++) {
		struct reader member = member_reader(in, "threads", list, vm->n_threads);
		read_thread(&member, &vm->threads[vm->n_threads]);
		if (member.status < 0)
			in->status = member.status;
	}
}

static void read_identity(struct reader *in, struct vn_vm *vm)
{
	static const char *const accels[] = {"kvm", "tcg"};

	vm->name = read_string(in, "name", "", "a VM's name");
	if (vm->name && !vn_vm_name_valid(vm->name))
		wrong(in, "name", "letters, digits and ._+-, at most 63");
	vm->phase = (enum vn_vm_phase)read_choice(in, "phase", phase_names, 2, "starting or started");
	snprintf(vm->accel, sizeof(vm->accel), "%s",
		accels[read_choice(in, "accel", accels, 2, "kvm or tcg")]);
	vm->qmp_path = read_string(in, "qmp_path", "/", "an absolute path");
	vm->log_path = read_string(in, "log_path", "/", "an absolute path");
	vm->started = (int64_t)read_number(in, "started", 0, INT64_MAX, "seconds since 1970");
	vm->memory = read_number(in, "memory", 1, VN_MAX_MEMORY, "bytes");
	vm->vcpus = (unsigned)read_number(in, "vcpus", 1, VN_MAX_VCPUS, "a number of vCPUs");
}

int vn_vm_from_json(const json_t *json, const char *file, struct vn_vm **ret_vm, struct vn_error *err)
{
	vn_autovm *vm = vn_vm_new();
	struct reader in = {json, file, "", err, 0};
	const char *schema = json_string_value(json_object_get(json, "schema"));

	if (!vm)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	if (!schema || strcmp(schema, SCHEMA) != 0)
		wrong(&in, "schema", SCHEMA);
	read_identity(&in, vm);
	read_process(&in, &vm->process);
	read_backends(&in, vm);
	read_threads(&in, vm);
	json_t *plan = json_object_get(json, "plan");
	if (json_is_object(plan))
		vm->plan = json_incref(plan);
	else
		wrong(&in, "plan", "an object");
	if (!vm->backends || !vm->threads)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	if (in.status < 0)
		return in.status;
	*ret_vm = vn_steal(vm);
	return 0;
}
