/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "../emit/emit_qemu.h"
#include "planning.h"
#include "cli.h"

enum form { FORM_TEXT, FORM_JSON, FORM_QEMU, FORM_NUMACTL };

static int read_form(const struct vn_args *args, enum form *ret_form, struct vn_error *err)
{
	static const char *const names[] = {"text", "json", "qemu", "numactl"};
	struct vn_where where = {NULL, 0, "--to"};
	const char *to = vn_arg(args, "to");

	if (!to) {
		*ret_form = args->json ? FORM_JSON : FORM_TEXT;
		return 0;
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(to, names[i]) != 0)
			continue;
		if (args->json && i != FORM_JSON)
			return vn_error_input(
				err, &where, "'%s' contradicts --json; expected one of them", to);
		*ret_form = (enum form)i;
		return 0;
	}
	return vn_error_input(err, &where, "'%s'; expected text, json, qemu or numactl", to);
}

static int print_qemu(const struct vn_plan *plan, const struct vn_guest *guest, struct vn_error *err)
{
	struct vn_qemu_options options = {.accel = "kvm"};
	vn_autoargv argv = {0};

	int r = vn_emit_qemu(plan, guest, &options, &argv, err);
	if (r < 0)
		return r;
	vn_argv_print(&argv, stdout);
	return 0;
}

static int print_plan(const struct vn_host *host, const struct vn_guest *guest, const struct vn_plan *plan,
	const struct vn_plan_options *options, enum form form, bool explain, struct vn_error *err)
{
	if (form == FORM_JSON) {
		int r = vn_print_json(vn_plan_to_json(plan, guest), err);
		return r < 0 || plan->feasible ? r : VN_EXIT_NO;
	}
	if (form != FORM_TEXT || !plan->feasible) {
		vn_notes_print(&guest->notes, "warning");
		vn_notes_print(&plan->warnings, "warning");
	}
	if (!plan->feasible) {
		/* What goes to standard output is the plan; why there is none is for people. */
		vn_notes_print(&plan->reasons, "no plan");
		if (explain)
			vn_plan_explain(host, guest, options, plan, stdout);
		return VN_EXIT_NO;
	}
	if (form == FORM_QEMU)
		return print_qemu(plan, guest, err);
	if (form == FORM_NUMACTL) {
		vn_view_print_numactl(&plan->view, stdout);
		return VN_EXIT_DONE;
	}
	vn_plan_print(plan, guest, stdout);
	if (explain) {
		fputc('\n', stdout);
		vn_plan_explain(host, guest, options, plan, stdout);
	}
	return VN_EXIT_DONE;
}

static int run(const struct vn_args *args, struct vn_error *err)
{
	vn_autoguest *guest = NULL;
	vn_autohost *host = NULL;
	vn_autoplan *plan = NULL;
	vn_autotaken taken = {0};
	enum form form = FORM_TEXT;

	int bad_form = read_form(args, &form, err);
	int bad_guest = vn_args_guest(args, &guest, err); /* all that is wrong, not the first */
	int r = vn_args_host(args, &host, err);
	if (bad_form < 0 || bad_guest < 0 || r < 0)
		return bad_form < 0 ? bad_form : bad_guest < 0 ? bad_guest : r;
	if (vn_arg_given(args, "explain") && form != FORM_TEXT)
		return vn_error_input(err, &(struct vn_where){NULL, 0, "--explain"},
			"only goes with text; the figures are in the JSON form too");
	r = vn_args_occupied(args, NULL, host, (const struct vn_guest *[]){guest}, 1, &taken, err);
	if (r == 0)
		r = vn_make_plan(
			&taken, host, guest, form == FORM_JSON || vn_arg_given(args, "explain"), &plan, err);
	if (r < 0)
		return r;
	struct vn_plan_options options = {.occupied = taken.occupied};
	return print_plan(host, guest, plan, &options, form, vn_arg_given(args, "explain"), err);
}

const struct vn_verb verb_plan = {
	.name = "plan",
	.operands = "GUEST",
	.min_operands = 1,
	.max_operands = 1,
	.summary = "where a guest's virtual nodes live best, and what the guest will see",
	.details = "GUEST is a config in the syntax of xl.cfg. Nothing is started or changed. Exit status 1: "
		   "there "
		   "is no room,\n"
		   "and the reasons are printed on standard error.\n" VN_OCCUPIED_DETAILS,
	.options = {{"host", "SRC",
			    "the host to plan for ('vnuma help topology' lists sources); live is the default"},
		VN_OPTION_OCCUPIED,
		{"defaults", NULL, "replace wrong NUMA options by their defaults, with a warning"},
		{"explain", NULL,
			"what each vnode got, why not the next node, and what would make it better"},
		{"to", "FORM",
			"text (the default), json, qemu (a command line), numactl (the guest's view)"}},
	.run = run,
};
