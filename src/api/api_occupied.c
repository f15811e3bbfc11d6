/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The public side of what others take of a host. vn_occupied_new() and vn_occupied_free() are the model's own. */
#include "api.h"

#include "../model/occupied.h"
#include "api_plan.h"

bool vn_api_is_of_host(const struct vn_occupied *occupied, const struct vn_host *host)
{
	return occupied->host == host->identity && occupied->n_nodes == host->n_nodes &&
	       occupied->n_cpus == host->n_cpus;
}

static bool is_countable(
	const struct vn_occupied *occupied, const struct vn_host *host, const struct vn_plan *plan)
{
	return plan->planned && vn_api_is_of_host(occupied, host) &&
	       (plan->host == 0 || plan->host == host->identity); /* 0: read from a text that does not tell */
}

int vn_occupied_add_plan(struct vn_occupied *occupied, const struct vn_host *host, const struct vn_plan *plan)
{
	return is_countable(occupied, host, plan) ? vn_occupied_add(occupied, host, plan->planned, plan)
						  : -EINVAL;
}

int vn_occupied_remove_plan(
	struct vn_occupied *occupied, const struct vn_host *host, const struct vn_plan *plan)
{
	return is_countable(occupied, host, plan) ? vn_occupied_remove(occupied, host, plan->planned, plan)
						  : -EINVAL;
}

int64_t vn_occupied_node_load(const struct vn_occupied *occupied, size_t node)
{
	return node < occupied->n_nodes ? vn_api_amount(occupied->nodes[node].load) : -ERANGE;
}

int64_t vn_occupied_node_memory(const struct vn_occupied *occupied, size_t node, uint64_t page_size)
{
	return node < occupied->n_nodes
		       ? vn_api_amount(vn_occupied_promised(&occupied->nodes[node], page_size))
		       : -ERANGE;
}

int vn_occupied_claimed_cpus(const struct vn_occupied *occupied, unsigned *ret_ids, size_t max)
{
	return vn_api_set(occupied->claimed, ret_ids, max);
}
