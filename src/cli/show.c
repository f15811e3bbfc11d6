/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include <inttypes.h>
#include <time.h>

#include "../base/text.h"
#include "../observe/verify.h"
#include "vms.h"

static const char *const binding_names[] = {[VN_BINDING_PREFERRED] = "preferred",
	[VN_BINDING_STRICT] = "strict",
	[VN_BINDING_INTERLEAVE] = "interleave"};

static int print_show_json(
	const struct vn_vm *vm, const char *state, const struct vn_moved *moved, struct vn_error *err)
{
	json_t *object = vn_vm_to_json(vm);

	if (object)
		json_object_set_new(object, "state", json_string(state));
	if (object)
		json_object_set_new(object, "moved", vn_moved_to_json(moved));
	return vn_print_json(object, err);
}

static void print_memory(const struct vn_vm *vm)
{
	for (size_t i = 0; i < vm->n_backends; i++) {
		const struct vn_vm_backend *backend = &vm->backends[i];
		vn_autofree char *nodes = vn_set_text(backend->nodes);
		char size[VN_SIZE_TEXT], most[VN_SIZE_TEXT];
		printf("  vnode %-3u %9s  %s on node%s %s, mapped at 0x%" PRIx64, backend->vnode,
			vn_size_text(backend->requested, size), binding_names[backend->binding],
			vn_set_weight(backend->nodes) == 1 ? "" : "s", nodes ? nodes : "?", backend->address);
		if (*backend->device)
			printf(", requested of the %s that %s can have", vn_size_text(backend->memory, most),
				backend->device);
		putchar('\n');
	}
}

static void print_threads(const struct vn_vm *vm)
{
	for (size_t i = 0; i < vm->n_threads; i++) {
		vn_autofree char *name = vn_vm_thread_name(&vm->threads[i]);
		vn_autofree char *cpus = vn_set_text(vm->threads[i].cpus);
		printf("  %-30s CPUs %s\n", name ? name : "?", cpus ? cpus : "?");
	}
}

static int run(const struct vn_args *args, struct vn_error *err)
{
	vn_autostate state = {.fd = -1};
	vn_autovm *vm = NULL;
	char when[32] = "?", size[VN_SIZE_TEXT];
	struct tm local;
	struct vn_moved moved = {0};

	int r = vn_args_vm(args, &state, &vm, err);
	if (r == 0)
		r = vn_vm_moved(&state, &vm->process, &moved, err);
	if (r < 0)
		return r;
	if (args->json)
		return print_show_json(vm, vn_vm_state(vm), &moved, err);
	vn_autofree char *homes = vn_vm_homes_text(vm);
	time_t started = (time_t)vm->started;
	if (localtime_r(&started, &local))
		strftime(when, sizeof(when), "%F %T", &local);
	printf("%s: %s\n", vm->name, vn_vm_state(vm));
	printf("  process %d (%s), %s, started %s\n", vm->process.pid,
		vm->process.exe ? vm->process.exe : "?", vm->accel, when);
	printf("  %s, %u vCPUs, vnodes on nodes %s\n", vn_size_text(vm->memory, size), vm->vcpus,
		homes ? homes : "?");
	vn_autofree char *text = vn_was_moved(&moved) ? vn_moved_text(&moved) : NULL;
	if (text)
		printf("  %s; 'vnuma undo %s' brings it back\n", text, vm->name);
	printf("  QMP %s, log %s\n", vm->qmp_path, vm->log_path);
	for (size_t i = 0; i < vm->n_channels; i++)
		printf("  channel %s at %s\n", vm->channels[i].name, vm->channels[i].path);
	printf("memory\n");
	print_memory(vm);
	printf("threads\n");
	print_threads(vm);
	return VN_EXIT_DONE;
}

const struct vn_verb verb_show = {
	.name = "show",
	.operands = "VM",
	.min_operands = 1,
	.max_operands = 1,
	.summary = "what a VM was promised: memory, threads, plan",
	.details = "This is the record, as written at its start; 'vnuma verify' compares it with the kernel.",
	.run = run,
};
