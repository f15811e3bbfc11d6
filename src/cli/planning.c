/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "planning.h"

#include "vms.h"

/* Far beyond what hosts of 8 nodes need (tests/bench); a larger one gets the best plan found by then, and is told so. */
#define PLAN_MS 5000

int vn_make_plan(const struct vn_state *state, const struct vn_host *host, struct vn_guest *guest,
	bool runner_up, struct vn_occupied **ret_occupied, struct vn_plan **ret_plan, struct vn_error *err)
{
	vn_autooccupied *occupied = NULL;
	vn_autoplan *plan = NULL;

	int r = state ? vn_occupied_read(state, host, &occupied, err) : 0;
	struct vn_plan_options options = {
		.occupied = occupied, .deadline_ms = PLAN_MS, .runner_up = runner_up};
	if (r == 0)
		r = vn_guest_shape(host, &options, guest, err);
	if (r == 0)
		r = vn_plan_make(host, guest, &options, &plan, err);
	if (r < 0)
		return r;
	r = vn_plan_check(host, guest, &options, plan, NULL);
	if (r < 0)
		/* Our mistake, not the user's: such a plan is neither printed nor run. */
		return vn_error_environment(err, r,
			"this plan failed its own check, which is a bug of vnuma: please report it with the guest's "
			"config and the output of 'vnuma topology --json'");
	*ret_occupied = vn_steal(occupied);
	*ret_plan = vn_steal(plan);
	return 0;
}

void vn_notes_print(const struct vn_notes *notes, const char *what)
{
	for (size_t i = 0; i < notes->n; i++)
		fprintf(stderr, "vnuma: %s: %s [%s]\n", what, notes->v[i].text, notes->v[i].code);
}
