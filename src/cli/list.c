/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "../base/text.h"
#include "usage.h"
#include "vms.h"

static json_t *vm_to_json(const struct vn_vm *vm, const char *state, const struct vn_moved *moved)
{
	return json_pack("{s:s, s:s, s:i, s:I, s:i, s:O?, s:o}", "name", vm->name, "state", state, "pid",
		(int)vm->process.pid, "memory", (json_int_t)vm->memory, "vcpus", (int)vm->vcpus, "homes",
		json_object_get(vm->plan, "homes"), "moved", vn_moved_to_json(moved));
}

static int print_list_json(const struct vn_vm_list *list, const struct vn_moved *moved,
	const struct vn_error *broken, struct vn_error *err)
{
	json_t *vms = json_array(), *files = json_array();

	for (size_t i = 0; i < list->n; i++)
		json_array_append_new(vms, vm_to_json(list->v[i], vn_vm_state(list->v[i]), &moved[i]));
	for (size_t i = 0; i < broken->n; i++)
		json_array_append_new(files, json_pack("{s:s?, s:s}", "file", broken->problems[i].file,
						     "text", broken->problems[i].text));
	return vn_print_json(
		json_pack("{s:s, s:o, s:o}", "schema", "vnuma.list/1", "vms", vms, "broken", files), err);
}

static void print_list(const struct vn_vm_list *list, const struct vn_moved *moved)
{
	if (list->n == 0)
		return;
	printf("%-24s %-9s %8s %9s %5s  %s\n", "name", "state", "pid", "memory", "vCPUs", "homes");
	for (size_t i = 0; i < list->n; i++) {
		const struct vn_vm *vm = list->v[i];
		vn_autofree char *homes = vn_vm_homes_text(vm);
		char size[VN_SIZE_TEXT];
		printf("%-24s %-9s %8d %9s %5u  %s%s\n", vm->name, vn_vm_state(vm), vm->process.pid,
			vn_size_text(vm->memory, size), vm->vcpus, homes ? homes : "?",
			vn_was_moved(&moved[i]) ? ", moved since" : "");
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
	vn_autofree struct vn_moved *moved = calloc(list.n + 1, sizeof(*moved));
	if (!moved)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < list.n; i++)
		vn_vm_moved(&state, &list.v[i]->process, &moved[i], &broken);
	if (broken.n)
		vn_error_print(&broken, -EINVAL, false);
	if (args->json)
		r = print_list_json(&list, moved, &broken, err);
	else
		print_list(&list, moved);
	return r < 0 ? r : broken.n ? VN_EXIT_ENVIRONMENT : VN_EXIT_DONE;
}

const struct vn_verb verb_list = {
	.name = "list",
	.operands = "",
	.summary = "the VMs that vnuma started",
	.details =
		"States: running; paused; starting (or its start was killed: 'vnuma stop' removes it); dead (its process is\n"
		"gone); failed (its accelerator gave up); silent (QEMU does not answer). Homes are those of the plan it was started with;\n"
		"'moved since' says that 'vnuma move' took it elsewhere. A record that cannot be read is told on standard error, and the\n"
		"exit status is 3.",
	.run = run,
};
