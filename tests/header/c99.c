/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The public header as strict C99 sees it; compiled with -pedantic, never run. */
#include <vnuma.h>

int main(void)
{
	struct vn_host *host = 0;
	struct vn_error *err = vn_error_new();
	int r = vn_host_open("live", &host, err);
	struct vn_guest *guests[1] = {vn_guest_new()};
	struct vn_plan *plans[1] = {0};
	if (r == 0)
		r = vn_plan_guests(host, guests, 1, 0, plans, err);
	if (r == 0 && vn_plan_cost(plans[0], VN_PLAN_SPILL) != 0)
		r = -1;
	vn_plan_free(plans[0]);
	vn_guest_free(guests[0]);
	vn_host_free(host);
	vn_error_free(err);
	return r < 0;
}
