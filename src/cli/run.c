/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "../realize/launch.h"
#include "planning.h"
#include "vms.h"

#define LOCK_MS 60000

static int infeasible(const struct vn_args *args, const struct vn_guest *guest, const struct vn_plan *plan,
	struct vn_error *err)
{
	vn_notes_print(&plan->reasons, "not started, no plan");
	if (!args->json)
		return VN_EXIT_NO;
	int r = vn_print_json(json_pack("{s:s, s:o, s:o}", "schema", "vnuma.run/1", "vm", json_null(), "plan",
				      vn_plan_to_json(plan, guest)),
		err);
	return r < 0 ? r : VN_EXIT_NO;
}

static int print_started(const struct vn_args *args, const struct vn_vm *vm, struct vn_error *err)
{
	if (args->json)
		return vn_print_json(
			json_pack("{s:s, s:o}", "schema", "vnuma.run/1", "vm", vn_vm_to_json(vm)), err);
	vn_autofree char *homes = vn_vm_homes_text(vm);
	printf("%s: runs, process %d, %s, vnodes on nodes %s\n", vm->name, vm->process.pid, vm->accel,
		homes ? homes : "?");
	return VN_EXIT_DONE;
}

/* What others' forms say beside a plan (devices, firmware, who owns it) is not ours to leave out of a running guest. */
static int check_form(const struct vn_args *args, const struct vn_guest *guest, struct vn_error *err)
{
	struct vn_where where = {args->operands[0], 0, NULL};

	if (guest->form == VN_FORM_LIBVIRT)
		return vn_error_input(err, &where,
			"a libvirt domain; expected a config. Libvirt starts it on its plan: 'vnuma plan --to libvirt', then "
			"'virsh define' and 'virsh start'");
	if (guest->form == VN_FORM_QEMU)
		return vn_error_input(err, &where,
			"a command line of QEMU's; expected a config. 'vnuma plan --to qemu' gives it back with its plan, to be run "
			"by hand");
	return 0;
}

static int run(const struct vn_args *args, struct vn_error *err)
{
	vn_autoguest *guest = NULL;
	vn_autohost *host = NULL;
	vn_autoplan *plan = NULL;
	vn_autovm *vm = NULL;
	vn_autotaken taken = {0};
	vn_cleanup(vn_notes_clear) struct vn_notes notes = {0};
	vn_autostate state = {.fd = -1};
	struct vn_plan_options plan_options = {0};
	vn_autoclose int lock = -1, signals = -1;

	int r = vn_args_deadline(args, VN_PLAN_DEADLINE_MS, &plan_options.deadline_ms, err);
	if (r == 0)
		r = vn_args_guest(args, &guest, err);
	if (r == 0)
		r = check_form(args, guest, err);
	if (r == 0)
		r = vn_state_open(&state, err);
	if (r == 0)
		r = vn_state_lock(&state, LOCK_MS, &lock, err);
	if (r == 0)
		r = vn_launch_claim(&state, guest->name, err);
	if (r == 0)
		r = vn_args_host(args, &host, err);
	if (r == 0)
		r = vn_args_occupied(args, &state, host, (const struct vn_guest *[]){guest}, 1, &taken, err);
	plan_options.occupied = taken.occupied;
	if (r == 0)
		r = vn_make_plan(host, &plan_options, &taken.notes, guest, &plan, err);
	if (r != 0)
		return r;
	vn_notes_print(&guest->notes, "warning");
	vn_notes_print(&plan->warnings, "warning");
	if (!plan->feasible)
		return infeasible(args, guest, plan, err);
	signals = vn_signals_open();
	struct vn_launch_options options = {.accel = vn_arg(args, "accel"),
		.serial_path = vn_arg(args, "serial"),
		.abort_fd = signals < 0 ? -1 : signals,
		.lock = &lock,
		.notes = &notes};
	r = vn_launch(&state, host, guest, plan, &options, &vm, err);
	vn_notes_print(&notes, "warning");
	return r < 0 ? r : print_started(args, vm, err);
}

const struct vn_verb verb_run = {
	.name = "run",
	.operands = "GUEST",
	.min_operands = 1,
	.max_operands = 1,
	.summary = "start a guest on its plan",
	.details =
		"GUEST is a config in the syntax of xl.cfg. QEMU is asked for its version and gets the command line that 'plan --to\n"
		"qemu --target-version' has for it. Memory and threads are where the plan wants them before the "
		"guest\nruns its first instruction. What is known of it is kept in /run/vnuma (root) or $XDG_RUNTIME_DIR/vnuma;\n"
		"VNUMA_STATE_DIR names another directory, VNUMA_QEMU another QEMU. After a failure nothing is left behind.\n" VN_OCCUPIED_DETAILS,
	.options = {{"accel", "kvm|tcg", "default: kvm where /dev/kvm opens, else tcg", .values = "kvm tcg"},
		{"host", "SRC", "only 'live': other hosts can be planned on, not run on", .values = "live"},
		VN_OPTION_OCCUPIED, VN_OPTION_DEADLINE,
		{"rehome", NULL, "forget the homes that GUEST names, and choose anew"},
		{"defaults", NULL, "replace wrong NUMA options by their defaults, with a warning"},
		{"serial", "FILE", "append what the guest's first serial port says to FILE"}},
	.run = run,
};
