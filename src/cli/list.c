/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "../base/text.h"
#include "usage.h"
#include "vms.h"

static json_t *vm_to_json(const struct vn_vm *vm, const char *state)
{
	return json_pack("{s:s, s:s, s:i, s:I, s:i, s:O?}", "name", vm->name, "state", state, "pid",
		(int)vm->process.pid, "memory", (json_int_t)vm->memory, "vcpus", (int)vm->vcpus, "homes",
		json_object_get(vm->plan, "homes"));
}

static int print_list_json(const struct vn_vm_list *list, const struct vn_error *broken, struct vn_error *err)
{
	json_t *vms = json_array(), *files = json_array();

	for (size_t i = 0; i < list->n; i++)
		json_array_append_new(vms, vm_to_json(list->v[i], vn_vm_state(list->v[i])));
	for (size_t i = 0; i < broken->n; i++)
		json_array_append_new(files, json_pack("{s:s?, s:s}", "file", broken->problems[i].file,
						     "text", broken->problems[i].text));
	return vn_print_json(
		json_pack("{s:s, s:o, s:o}", "schema", "vnuma.list/1", "vms", vms, "broken", files), err);
}

static void print_list(const struct vn_vm_list *list)
{
	if (list->n == 0)
		return;
	printf("%-24s %-9s %8s %9s %5s  %s\n", "name", "state", "pid", "memory", "vCPUs", "homes");
	for (size_t i = 0; i < list->n; i++) {
		const struct vn_vm *vm = list->v[i];
		vn_autofree char *homes = vn_vm_homes_text(vm);
		char size[VN_SIZE_TEXT];
		printf("%-24s %-9s %8d %9s %5u  %s\n", vm->name, vn_vm_state(vm), vm->process.pid,
			vn_size_text(vm->memory, size), vm->vcpus, homes ? homes : "?");
	}
}

static int run(const struct vn_args *args, struct vn_error *err)
{
	vn_autostate state = {.fd = -1};
	vn_autovmlist list = {0};
	vn_autoerror broken = {0};

	int r = vn_state_open(&state, err);
	if (r == 0)
		r = vn_state_list(&state, &list, &broken, err);
	if (r < 0)
		return r;
	if (broken.n)
		vn_error_print(&broken, -EINVAL, false);
	if (args->json)
		r = print_list_json(&list, &broken, err);
	else
		print_list(&list);
	return r < 0 ? r : broken.n ? VN_EXIT_ENVIRONMENT : VN_EXIT_DONE;
}

const struct vn_verb verb_list = {
	.name = "list",
	.operands = "",
	.summary = "the VMs that vnuma started",
	.details =
		"States: running; paused; starting (or its start was killed: 'vnuma stop' removes it); dead (its process is\n"
		"gone); failed (its accelerator gave up); silent (QEMU does not answer). A record that cannot be read is\n"
		"told on standard error, and the exit status is 3.",
	.run = run,
};
