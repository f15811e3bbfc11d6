/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "make_room.h"
#include "plan_form.h"
#include "plan_several.h"
#include "planning.h"
#include "cli.h"

static int print_plan(const struct vn_host *host, const struct vn_guest *guest, const struct vn_plan *plan,
	const struct vn_plan_options *options, const struct vn_plan_shape *shape, bool explain,
	struct vn_error *err)
{
	if (shape->form == VN_PLAN_JSON) {
		int r = vn_print_json(vn_plan_to_json(plan, guest), err);
		return r < 0 || plan->feasible ? r : VN_EXIT_NO;
	}
	if (shape->form != VN_PLAN_TEXT || !plan->feasible) {
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
	if (vn_plan_form_is_picked(shape->form))
		return vn_plan_form_print(plan, guest, shape, err);
	vn_plan_print(plan, guest, stdout);
	if (explain) {
		fputc('\n', stdout);
		vn_plan_explain(host, guest, options, plan, stdout);
	}
	return VN_EXIT_DONE;
}

/* What goes only with text, or with one guest. */
static int check_options(const struct vn_args *args, enum vn_plan_form form, struct vn_error *err)
{
	bool picked = vn_plan_form_is_picked(form);
	int r = 0;

	if (vn_arg_given(args, "explain") && form != VN_PLAN_TEXT)
		r = vn_error_input(err, &(struct vn_where){NULL, 0, "--explain"},
			"only goes with text; the figures are in the JSON form too");
	if (picked && args->n_operands > 1)
		r = vn_error_input(err, &(struct vn_where){NULL, 0, "--to"},
			"'%s' and %d guests; expected one guest, as it is of one", vn_arg(args, "to"),
			args->n_operands);
	if (!vn_arg_given(args, "make-room"))
		return r;
	if (picked)
		r = vn_error_input(err, &(struct vn_where){NULL, 0, "--make-room"},
			"does not go with --to %s, as others have to move first; expected text or json",
			vn_arg(args, "to"));
	return vn_room_check_args(args, err) < 0 ? -EINVAL : r;
}

static int run_one(const struct vn_args *args, const struct vn_host *host, const struct vn_taken *taken,
	unsigned deadline_ms, struct vn_guest *guest, const struct vn_plan_shape *shape, struct vn_error *err)
{
	bool explain = vn_arg_given(args, "explain");
	struct vn_plan_options options = {.occupied = taken->occupied,
		.deadline_ms = deadline_ms,
		.no_empty_vnodes = shape->form == VN_PLAN_EMITTED &&
				   vn_emit_form_target(shape->emitted) == VN_TARGET_LIBVIRT,
		.runner_up = shape->form == VN_PLAN_JSON || explain};
	vn_autoplan *plan = NULL;

	int r = vn_make_plan(host, &options, &taken->notes, guest, &plan, err);
	return r < 0 ? r : print_plan(host, guest, plan, &options, shape, explain, err);
}

/* Whether a warning of an earlier guest says the same: what is odd about the host is told once. */
static bool was_told(const struct vn_several *several, size_t before, const char *text)
{
	for (size_t i = 0; i < before; i++) {
		for (size_t k = 0; k < several->plans[i]->warnings.n; k++) {
			if (strcmp(several->plans[i]->warnings.v[k].text, text) == 0)
				return true;
		}
	}
	return false;
}

static void print_warnings(const struct vn_several *several)
{
	for (size_t i = 0; i < several->n; i++) {
		const struct vn_notes *warnings = &several->plans[i]->warnings;
		vn_notes_print(&several->guests[i]->notes, "warning");
		for (size_t k = 0; k < warnings->n; k++) {
			struct vn_notes one = {1, &warnings->v[k]};
			if (!was_told(several, i, warnings->v[k].text))
				vn_notes_print(&one, "warning");
		}
	}
}

static int run_several(const struct vn_args *args, const struct vn_host *host, const struct vn_taken *taken,
	unsigned deadline_ms, struct vn_several *several, const struct vn_plan_shape *shape,
	struct vn_error *err)
{
	struct vn_plan_options options = {.occupied = taken->occupied, .deadline_ms = deadline_ms};

	int r = vn_several_plan(host, &options, &taken->notes, several, err);
	if (r < 0)
		return r;
	bool feasible = vn_several_feasible(several);
	if (shape->form == VN_PLAN_JSON) {
		r = vn_print_json(vn_several_to_json(several), err);
		return r < 0 || feasible ? r : VN_EXIT_NO;
	}
	if (!feasible) {
		print_warnings(several);
		/* The same for all: it is together that they do not fit. */
		vn_notes_print(&several->plans[0]->reasons, "no plans");
		return VN_EXIT_NO;
	}
	return vn_several_print(host, taken, several, vn_arg_given(args, "explain"), err);
}

static int run(const struct vn_args *args, struct vn_error *err)
{
	bool make_room = vn_arg_given(args, "make-room");
	unsigned deadline_ms = 0;
	vn_autoseveral several = {0};
	vn_autohost *host = NULL;
	vn_autotaken taken = {0};
	struct vn_plan_shape shape = {.form = VN_PLAN_TEXT};

	int bad_form = vn_args_plan_shape(args, &shape, err);
	if (bad_form == 0)
		bad_form = check_options(args, shape.form, err);
	int bad_deadline = vn_args_deadline(
		args, make_room ? VN_ROOM_DEADLINE_MS : VN_PLAN_DEADLINE_MS, &deadline_ms, err);
	int bad_guest = vn_args_several(args, &several, err); /* all that is wrong, not the first */
	int r = vn_args_host(args, &host, err);
	if (bad_form < 0 || bad_deadline < 0 || bad_guest < 0 || r < 0)
		return bad_form < 0       ? bad_form
		       : bad_deadline < 0 ? bad_deadline
		       : bad_guest < 0    ? bad_guest
					  : r;
	r = vn_args_occupied(
		args, NULL, host, (const struct vn_guest *const *)several.guests, several.n, &taken, err);
	if (r < 0)
		return r;
	if (make_room)
		return vn_make_room(host, &taken, deadline_ms, &several, shape.form == VN_PLAN_JSON,
			vn_arg_given(args, "explain"), err);
	if (several.n > 1)
		return run_several(args, host, &taken, deadline_ms, &several, &shape, err);
	return run_one(args, host, &taken, deadline_ms, several.guests[0], &shape, err);
}

const struct vn_verb verb_plan = {
	.name = "plan",
	.operands = "GUEST...",
	.min_operands = 1,
	.max_operands = VN_MAX_JOINT,
	.summary = "where a guest's virtual nodes live best, and what the guest will see",
	.details = /* clang-format off */
		"GUEST is a config in the syntax of xl.cfg, a libvirt domain, or a command line of QEMU's (also /proc/PID/cmdline).\n"
		"Nothing is started or changed. Exit status 1: there is no room,\n"
		"and the reasons are printed on standard error. Several guests (up to 64) are planned jointly: each level of the\n"
		"objective is as small as can be summed over all of them.\n"
		VN_ROOM_DETAILS VN_OCCUPIED_DETAILS, /* clang-format on */
	.options = {{"host", "SRC",
			    "the host to plan for ('vnuma help topology' lists sources); live is the default"},
		VN_OPTION_OCCUPIED, VN_OPTION_DEADLINE,
		{"make-room", NULL,
			"where it does not fit: the fewest bytes of the guests of --occupied FILE that have to move"},
		{"defaults", NULL, "replace wrong NUMA options by their defaults, with a warning"},
		{"rehome", NULL,
			"forget the homes, nodes and memory policies that GUEST names, and choose anew"},
		{"explain", NULL,
			"what each vnode got, why not the next node, and what would make it better"},
		VN_OPTION_TO},
	.run = run,
};
