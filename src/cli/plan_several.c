/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan_several.h"

#include <string.h>

#include "../base/text.h"
#include "../plan/instance.h"
#include "planning.h"

static int no_memory(struct vn_error *err)
{
	return vn_error_environment(err, -ENOMEM, "out of memory");
}

void vn_several_clear(struct vn_several *several)
{
	for (size_t i = 0; i < several->n; i++) {
		vn_plan_free(several->plans[i]);
		vn_guest_free(several->guests[i]);
	}
	several->n = 0;
}

/* ---- the guests ---- */

int vn_args_several(const struct vn_args *args, struct vn_several *several, struct vn_error *err)
{
	int bad = 0;

	for (int i = 0; i < args->n_operands && several->n < VN_MAX_JOINT; i++) {
		struct vn_guest *guest = NULL;
		int r = vn_args_guest_at(args, i, &guest, err);
		if (r == 0) {
			if (vn_arg_given(args, "rehome"))
				vn_guest_forget_homes(guest);
			r = vn_guest_check_beside(
				(const struct vn_guest *const *)several->guests, several->n, guest, err);
			several->guests[several->n++] = guest;
		}
		bad = r < 0 && bad == 0 ? r : bad;
	}
	return bad;
}

int vn_several_plan(const struct vn_host *host, const struct vn_plan_options *options,
	const struct vn_notes *notes, struct vn_several *several, struct vn_error *err)
{
	int r = vn_plan_auto_joint(
		host, several->guests, several->n, options, several->plans, &several->total, err);
	if (r < 0)
		return r;
	return vn_notes_copy(&several->plans[0]->warnings, notes) < 0 ? no_memory(err) : 0;
}

bool vn_several_feasible(const struct vn_several *several)
{
	for (size_t i = 0; i < several->n; i++) {
		if (!several->plans[i] || !several->plans[i]->feasible)
			return false;
	}
	return several->n > 0;
}

/* ---- text ---- */

/* What is taken once all but guest `but` have their plans (SIZE_MAX: all). */
static int count_plans(const struct vn_host *host, const struct vn_taken *taken,
	const struct vn_several *several, size_t but, struct vn_occupied **ret_occupied, struct vn_error *err)
{
	vn_autooccupied *occupied = vn_occupied_copy(taken->occupied, host);
	int r = occupied ? 0 : -ENOMEM;

	for (size_t i = 0; i < several->n && r == 0; i++) {
		if (i != but)
			r = vn_occupied_add(occupied, host, several->guests[i], several->plans[i]);
	}
	if (r < 0)
		return r == -ENOMEM ? no_memory(err)
				    : vn_error_environment(err, r,
					      "the guests use more page sizes than the %d that can be told "
					      "apart",
					      VN_MAX_PAGE_SIZES);
	*ret_occupied = vn_steal(occupied);
	return 0;
}

static void print_total(const struct vn_several *several, FILE *out)
{
	const struct vn_cost *total = &several->total.cost;
	char size[VN_SIZE_TEXT];

	bool made = false;
	for (size_t i = 0; i < several->n; i++)
		made |= several->guests[i]->vnodes_open && several->guests[i]->n_vnodes > 1;
	fprintf(out, "all %zu together: %s", several->n,
		!several->total.optimal ? "the best plans found in the time given; "
		: made                  ? "the best plans there are for these vnodes"
					: "the best plans there are");
	if (!several->total.optimal)
		vn_gap_print(total, several->total.open_level, &several->total.bound, out);
	fputs("\n\n", out);
	fprintf(out, "  %-14s %s\n", "spill",
		total->spill ? vn_size_text(total->spill, size) : "none: all memory is on its home node");
	if (total->squeeze)
		fprintf(out, "  %-14s %llu vCPU%s more than there are cores\n", "squeeze",
			(unsigned long long)total->squeeze, total->squeeze == 1 ? "" : "s");
	else
		fprintf(out, "  %-14s none: there is a core for every vCPU\n", "squeeze");
	fprintf(out, "  %-14s %.1f from a vCPU to its guest's memory on average (10 = all local)\n",
		"distance", several->total.mean_distance);
	fprintf(out, "  %-14s at most %llu vCPU%s on %llu core%s of a node\n", "load",
		(unsigned long long)total->load_vcpus, total->load_vcpus == 1 ? "" : "s",
		(unsigned long long)total->load_cores, total->load_cores == 1 ? "" : "s");
}

static void print_pool_title(uint64_t page, FILE *out)
{
	char size[VN_SIZE_TEXT], title[VN_SIZE_TEXT + 16] = "memory";

	if (page > 0)
		snprintf(title, sizeof(title), "%s pages", vn_size_text(page, size));
	fprintf(out, "  %14s", title);
}

/* Free of each page size that one of the guests uses, and cores that one of them may use. */
static int print_free(const struct vn_host *host, const struct vn_taken *taken,
	const struct vn_several *several, FILE *out, struct vn_error *err)
{
	vn_autooccupied *occupied = NULL;
	vn_autoinstance in = {0};
	char size[VN_SIZE_TEXT];

	int r = count_plans(host, taken, several, SIZE_MAX, &occupied, err);
	if (r < 0)
		return r;
	struct vn_plan_options options = {.occupied = occupied};
	r = vn_instance_make(
		host, (const struct vn_guest *const *)several->guests, several->n, &options, &in);
	if (r < 0)
		return no_memory(err);
	fprintf(out, "\nwhat stays free:\n%6s  %6s", "node", "cores");
	for (size_t k = 0; k < in.n_pools; k++)
		print_pool_title(in.pages[k], out);
	fputc('\n', out);
	for (size_t i = 0; i < in.n_places; i++) {
		fprintf(out, "%6u  %6llu", in.places[i].id,
			(unsigned long long)vn_excess(in.places[i].cores, in.places[i].load));
		for (size_t k = 0; k < in.n_pools; k++)
			fprintf(out, "  %14s", vn_size_text(vn_whole_room(&in, k, i), size));
		fputc('\n', out);
	}
	return 0;
}

static int explain_one(const struct vn_host *host, const struct vn_taken *taken,
	const struct vn_several *several, size_t i, FILE *out, struct vn_error *err)
{
	vn_autooccupied *others = NULL;
	int r = count_plans(host, taken, several, i, &others, err);

	if (r < 0)
		return r;
	struct vn_plan_options options = {.occupied = others};
	fputc('\n', out);
	vn_plan_explain(host, several->guests[i], &options, several->plans[i], out);
	return 0;
}

int vn_several_print(const struct vn_host *host, const struct vn_taken *taken,
	const struct vn_several *several, bool explain, struct vn_error *err)
{
	int r = 0;

	for (size_t i = 0; i < several->n && r == 0; i++) {
		vn_plan_print(several->plans[i], several->guests[i], stdout);
		if (explain)
			r = explain_one(host, taken, several, i, stdout, err);
		fputc('\n', stdout);
	}
	if (r < 0)
		return r;
	print_total(several, stdout);
	return print_free(host, taken, several, stdout, err);
}

/* ---- JSON ---- */

json_t *vn_several_to_json(const struct vn_several *several)
{
	json_t *plans = json_array();
	bool filled = plans != NULL, feasible = vn_several_feasible(several);

	for (size_t i = 0; i < several->n && filled; i++)
		filled = json_array_append_new(
				 plans, vn_plan_to_json(several->plans[i], several->guests[i])) == 0;
	if (!filled) {
		json_decref(plans);
		return NULL;
	}
	const struct vn_joint_total *total = &several->total;
	json_t *bound =
		feasible && !total->optimal ? vn_bound_to_json(total->open_level, &total->bound) : NULL;
	return json_pack("{s:s, s:b, s:b, s:o, s:o*, s:o}", "schema", "vnuma.plans/1", "feasible", feasible,
		"optimal", total->optimal, "cost", vn_cost_to_json(&total->cost), "bound", bound, "plans",
		plans);
}
