/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: libvirt gives QEMU a memory backend for each cell and sets the threads' affinity itself, so its live XML is
 * the plan, and the kernel has the facts. libvirt keeps QEMU's monitor for itself; what the monitor would tell is found in /proc:
 *
 * - the process by its -uuid, which libvirt always gives;
 * - threads by name (libvirt starts QEMU with debug-threads=on): "CPU 2/KVM", "IO iothread1";
 * - a backend by its size: QEMU maps each for itself with a guard page behind it, so the kernel does not join it with others. Two of
 *   a size are told apart by their policies; where these are the same, too, it does not matter which is which.
 *
 * The modes of memory: https://libvirt.org/formatdomain.html#numa-node-tuning. With `restrictive` no policy is set, only the cgroup's
 * cpuset: nothing is promised of the pages then that the kernel would tell.
 */
#define _GNU_SOURCE
#include "domain.h"

#include <stdio.h>
#include <string.h>

#include "../base/markup.h"
#include "../base/parse.h"
#include "../base/text.h"
#include "find.h"
#include "memory_areas.h"
#include "thread_kind.h"
#include "threads.h"

struct reader {
	const struct vn_markup *xml;
	struct vn_vm *vm;
	struct vn_error *err;
	size_t room; /* of vm->threads */
};

/* ---- what was promised ---- */

static int wrong(const struct reader *r, size_t element, const char *expected)
{
	vn_autofree char *path = vn_markup_path(r->xml, element);
	struct vn_where where = {NULL, r->xml->elements[element].line, path};

	return vn_error_input(r->err, &where, "expected %s, as libvirt tells of a running domain", expected);
}

static int number_of(const struct reader *r, size_t element, const char *key, uint64_t most, uint64_t *ret)
{
	const char *text = vn_markup_get(r->xml, element, key);

	return text && vn_parse_u64(text, most, ret) == 0 ? 0 : wrong(r, element, "a number");
}

/* An amount in KiB, which is all that libvirt itself writes; QEMU gets whole MiB (qemuDomainDefPostParse). */
static int memory_of(const struct reader *r, size_t element, const char *text, uint64_t *ret)
{
	const char *unit = vn_markup_get(r->xml, element, "unit");
	uint64_t kib;

	if (!text || vn_parse_u64(text, VN_MAX_MEMORY >> 10, &kib) < 0 || (unit && strcmp(unit, "KiB") != 0))
		return wrong(r, element, "an amount in KiB");
	*ret = (kib + 1023) / 1024 * VN_MIB;
	return 0;
}

static int set_of(const struct reader *r, size_t element, const char *key, hwloc_bitmap_t *ret)
{
	const char *text = vn_markup_get(r->xml, element, key);

	return text && vn_set_parse(text, ret) == 0 ? 0 : wrong(r, element, "a list such as 0-3,8");
}

/* The element that says where a cell's memory goes; VN_MARKUP_NONE: none does. */
static size_t tuning_of(const struct reader *r, unsigned cell)
{
	size_t tune = vn_markup_find(r->xml, 0, "numatune");
	size_t node = vn_markup_child(r->xml, tune, "memnode");

	for (; node != VN_MARKUP_NONE; node = vn_markup_next(r->xml, node, "memnode")) {
		const char *id = vn_markup_get(r->xml, node, "cellid");
		uint64_t number;
		if (id && vn_parse_u64(id, VN_MAX_VNODES, &number) == 0 && number == cell)
			return node;
	}
	return vn_markup_child(r->xml, tune, "memory");
}

static int promise_memory(struct reader *r, unsigned cell, uint64_t bytes)
{
	static const char *const modes[] = {[VN_BINDING_PREFERRED] = "preferred",
		[VN_BINDING_STRICT] = "strict",
		[VN_BINDING_INTERLEAVE] = "interleave"};
	size_t tuning = tuning_of(r, cell), mode = 0;
	const char *told = tuning == VN_MARKUP_NONE ? NULL : vn_markup_get(r->xml, tuning, "mode");
	struct vn_vm_backend *backend = &r->vm->backends[r->vm->n_backends];

	if (tuning == VN_MARKUP_NONE || !vn_markup_get(r->xml, tuning, "nodeset") || bytes == 0)
		return 0;
	while (mode < 3 && strcmp(told ? told : "strict", modes[mode]) != 0)
		mode++;
	if (mode == 3)
		return 0; /* restrictive, or newer than we are */
	*backend = (struct vn_vm_backend){.vnode = cell, .memory = bytes, .binding = (enum vn_binding)mode};
	snprintf(backend->id, sizeof(backend->id), "ram-node%u", cell);
	int status = set_of(r, tuning, "nodeset", &backend->nodes);
	if (status < 0)
		return status;
	r->vm->n_backends++;
	backend->policy_nodes = hwloc_bitmap_dup(backend->nodes);
	return backend->policy_nodes ? 0 : -ENOMEM;
}

static int promise_cells(struct reader *r)
{
	size_t numa = vn_markup_find(r->xml, 0, "cpu/numa"), memory = vn_markup_child(r->xml, 0, "memory");
	size_t cell = vn_markup_child(r->xml, numa, "cell");
	uint64_t bytes = 0;
	int status = 0;

	if (cell == VN_MARKUP_NONE && memory == VN_MARKUP_NONE)
		return wrong(r, 0, "an element memory");
	if (cell == VN_MARKUP_NONE) {
		status = memory_of(r, memory, r->xml->elements[memory].text, &bytes);
		return status < 0 ? status : promise_memory(r, 0, bytes);
	}
	for (unsigned i = 0; cell != VN_MARKUP_NONE && status == 0 && i < VN_MAX_VNODES; i++) {
		uint64_t id = i;
		status = number_of(r, cell, "id", VN_MAX_VNODES - 1, &id);
		if (status == 0)
			status = memory_of(r, cell, vn_markup_get(r->xml, cell, "memory"), &bytes);
		if (status == 0)
			status = promise_memory(r, (unsigned)id, bytes);
		cell = vn_markup_next(r->xml, cell, "cell");
	}
	return status;
}

static int promise_thread(struct reader *r, enum vn_thread_kind kind, unsigned index, hwloc_bitmap_t cpus)
{
	struct vn_vm *vm = r->vm;

	if (vm->n_threads == r->room) {
		size_t more = r->room ? 2 * r->room : 16;
		struct vn_vm_thread *grown = reallocarray(vm->threads, more, sizeof(*grown));
		if (!grown) {
			hwloc_bitmap_free(cpus);
			return -ENOMEM;
		}
		vm->threads = grown;
		r->room = more;
	}
	vm->threads[vm->n_threads++] = (struct vn_vm_thread){.kind = kind, .index = index, .cpus = cpus};
	return 0;
}

/* All elements of that name in cputune. `index`: the attribute that numbers them, or NULL. */
static int promise_pins(struct reader *r, const char *name, const char *index, enum vn_thread_kind kind)
{
	size_t pin = vn_markup_child(r->xml, vn_markup_find(r->xml, 0, "cputune"), name);
	int status = 0;

	for (; pin != VN_MARKUP_NONE && status == 0; pin = vn_markup_next(r->xml, pin, name)) {
		hwloc_bitmap_t cpus = NULL;
		uint64_t number = 0;
		if (index)
			status = number_of(r, pin, index, VN_MAX_VCPUS, &number);
		if (status == 0)
			status = set_of(r, pin, "cpuset", &cpus);
		if (status == 0)
			status = promise_thread(r, kind, (unsigned)number, cpus);
	}
	return status;
}

static int read_promises(struct reader *r)
{
	r->vm->backends = calloc(VN_MAX_VNODES + 1, sizeof(*r->vm->backends));
	if (!r->vm->backends)
		return -ENOMEM;
	int status = promise_cells(r);
	if (status == 0)
		status = promise_pins(r, "vcpupin", "vcpu", VN_THREAD_VCPU);
	if (status == 0)
		status = promise_pins(r, "iothreadpin", "iothread", VN_THREAD_IOTHREAD);
	if (status == 0)
		status = promise_pins(r, "emulatorpin", NULL, VN_THREAD_EMULATOR);
	if (status == 0 && r->vm->n_backends + r->vm->n_threads == 0)
		status = vn_error_input(r->err, NULL,
			"domain '%s' says nothing of where its memory and threads belong; 'vnuma plan' with '--to libvirt' "
			"gives it a plan",
			r->vm->name);
	return status;
}

int vn_domain_promises(
	const char *xml, const char *name, struct vn_vm **ret_vm, char **ret_uuid, struct vn_error *err)
{
	vn_autoerror problems = {0};
	vn_automarkup *markup = NULL;
	vn_autovm *vm = vn_vm_new();
	struct reader r = {.vm = vm, .err = &problems};

	int status = vn_markup_read(xml, NULL, &markup, err);
	if (status < 0)
		return status;
	r.xml = markup;
	size_t uuid = vn_markup_child(markup, 0, "uuid");
	if (vm)
		vm->name = vn_copy(name);
	if (!vm || !vm->name)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	vm->phase = VN_VM_STARTED;
	if (strcmp(markup->elements[0].name, "domain") != 0 || uuid == VN_MARKUP_NONE)
		return vn_error_input(err, NULL, "what libvirt tells of '%s' is no domain with a uuid", name);
	status = read_promises(&r);
	vn_autofree char *id = vn_copy(markup->elements[uuid].text);
	if (status == -ENOMEM || !id)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	if (status < 0) {
		vn_error_move(err, &problems);
		return status;
	}
	*ret_uuid = vn_steal(id);
	*ret_vm = vn_steal(vm);
	return 0;
}

/* ---- what is there ---- */

static int find_process(const struct vn_root *root, const char *uuid, struct vn_process *ret_process)
{
	struct vn_survey survey = {.root = root, .names = &uuid, .n_names = 1};
	vn_cleanup(vn_notes_clear) struct vn_notes gaps = {0};
	struct vn_vm_sample *vms = NULL;
	size_t n = 0;
	int r = vn_vms_find(&survey, &vms, &n, &gaps, NULL);

	if (r < 0)
		return r == -ENOENT ? -ESRCH : r;
	size_t at = n; /* of several that say so, it is the one that libvirt knows */
	for (size_t i = 0; i < n; i++) {
		if (!vms[i].aside && (at == n || (vms[i].manager == VN_MANAGER_LIBVIRT &&
							 vms[at].manager != VN_MANAGER_LIBVIRT)))
			at = i;
	}
	r = at == n ? -ESRCH : vms[at].process.exe ? 0 : -EACCES;
	if (at < n) {
		*ret_process = vms[at].process;
		vms[at].process.exe = NULL;
	}
	for (size_t i = 0; i < n; i++)
		vn_vm_sample_clear(&vms[i]);
	free(vms);
	return r;
}

/* "CPU 2/KVM" as 2, "IO iothread1" as 1; -1: the name is not of that kind. */
static int number_in(const char *comm, enum vn_thread_kind kind)
{
	static const char lead[] = "IO iothread";
	uint64_t number;
	int index;

	if (kind == VN_THREAD_VCPU)
		return vn_thread_kind_of(comm, &index) == kind ? index : -1;
	if (strncmp(comm, lead, strlen(lead)) != 0 ||
		vn_parse_u64(comm + strlen(lead), VN_MAX_VCPUS, &number) < 0)
		return -1;
	return (int)number;
}

static void find_threads(struct vn_vm *vm, const struct vn_threads_seen *seen)
{
	for (size_t i = 0; i < vm->n_threads; i++) {
		struct vn_vm_thread *thread = &vm->threads[i];
		if (thread->kind == VN_THREAD_EMULATOR)
			thread->tid = vm->process.pid;
		for (size_t k = 0; k < seen->n && thread->kind != VN_THREAD_EMULATOR; k++) {
			if (number_in(seen->v[k].comm, thread->kind) == (int)thread->index)
				thread->tid = seen->v[k].tid;
		}
	}
}

/* A vCPU that may be plugged in later has a pin and no thread yet. */
static void drop_absent_vcpus(struct vn_vm *vm)
{
	size_t n = 0;

	for (size_t i = 0; i < vm->n_threads; i++) {
		if (vm->threads[i].kind == VN_THREAD_VCPU && vm->threads[i].tid == 0)
			hwloc_bitmap_free(vm->threads[i].cpus);
		else
			vm->threads[n++] = vm->threads[i];
	}
	vm->n_threads = n;
}

static bool is_taken(const struct vn_vm *vm, uint64_t address)
{
	for (size_t i = 0; i < vm->n_backends; i++) {
		if (vm->backends[i].address == address)
			return true;
	}
	return false;
}

/* Whether most of the memory there has the policy that was promised, by its nodes. */
static bool has_policy(const struct vn_areas *areas, const struct vn_numa_lines *lines,
	const struct vn_vm_backend *backend, uint64_t address)
{
	vn_autopolicy policy = {0};
	bool differ;

	return vn_numa_lines_policy(lines, areas, address, backend->memory, &policy, &differ) == 0 &&
	       hwloc_bitmap_isequal(policy.nodes, backend->policy_nodes);
}

/* The best place for each backend: those with the right policy first, then whatever is as large. */
static void find_mappings(
	struct vn_vm *vm, const struct vn_areas *areas, const struct vn_numa_lines *lines, bool by_policy)
{
	uint64_t places[VN_CANDIDATES_MAX];

	for (size_t i = 0; i < vm->n_backends; i++) {
		struct vn_vm_backend *backend = &vm->backends[i];
		size_t n = vn_areas_candidates(areas, backend->memory, places);
		for (size_t k = 0; k < n && backend->address == 0; k++) {
			if (!is_taken(vm, places[k]) &&
				(!by_policy || has_policy(areas, lines, backend, places[k])))
				backend->address = places[k];
		}
	}
}

static int find_memory(const struct vn_root *root, struct vn_vm *vm)
{
	vn_autoareas areas = {0};
	vn_autolines lines = {0};
	int r = vn_areas_read(root, vm->process.pid, &areas);

	if (r == 0 && vn_numa_lines_read(root, vm->process.pid, &lines) == -ENOMEM)
		r = -ENOMEM;
	if (r < 0)
		return r;
	find_mappings(vm, &areas, &lines, true);
	find_mappings(vm, &areas, &lines, false);
	return 0;
}

int vn_domain_find(struct vn_vm *vm, const char *uuid, struct vn_error *err)
{
	vn_autothreads seen = {0};
	vn_autoroot root = {.fd = -1};
	int r = vn_root_open("/", &root, err);

	if (r < 0)
		return r;
	r = find_process(&root, uuid, &vm->process);
	if (r == -ESRCH)
		return vn_error_environment(err, r,
			"'%s': no process here was started with -uuid %s, or it may not be looked at",
			vm->name, uuid);
	if (r < 0)
		return vn_error_environment(err, r, "process %d: %s", vm->process.pid, strerror(-r));
	r = vn_threads_read(vm->process.pid, &seen, err);
	if (r < 0)
		return r;
	find_threads(vm, &seen);
	drop_absent_vcpus(vm);
	r = find_memory(&root, vm);
	if (r < 0)
		vn_error_environment(err, r, "process %d: its mappings: %s", vm->process.pid, strerror(-r));
	return r;
}
