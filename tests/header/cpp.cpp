// SPDX-License-Identifier: LGPL-2.1-or-later
// The public header as C++ sees it: that it compiles, and that the names are C's is for the linker to find out.
#include <vnuma.h>

int main()
{
	vn_host *host = nullptr;
	vn_error *err = vn_error_new();
	int r = vn_host_open("live", &host, err);
	if (r == 0 && vn_host_node_access(host, 0, VN_ACCESS_CPU, VN_ACCESS_READ_LATENCY) == 0)
		r = -1;
	vn_guest *guests[1] = {vn_guest_new()};
	vn_plan *plans[1] = {nullptr};
	vn_plan_options *options = vn_plan_options_new();
	vn_plan_options_set_deadline(options, 2 * VN_PLAN_DEADLINE_MS);
	if (r == 0)
		r = vn_plan_guests(host, guests, 1, options, plans, err);
	if (r == 0 && vn_plan_cost(plans[0], VN_PLAN_SPILL) != 0)
		r = -1;
	vn_plan_options_free(options);
	vn_plan_free(plans[0]);
	vn_guest_free(guests[0]);
	vn_host_free(host);
	vn_error_free(err);
	return r < 0;
}
