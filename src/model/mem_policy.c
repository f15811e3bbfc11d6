/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mem_policy.h"

const char *vn_policy_mode_name(enum vn_policy_mode mode)
{
	/* mm/mempolicy.c, policy_modes[]. */
	static const char *const names[] = {
		[VN_MODE_DEFAULT] = "default",
		[VN_MODE_PREFER] = "prefer",
		[VN_MODE_BIND] = "bind",
		[VN_MODE_INTERLEAVE] = "interleave",
		[VN_MODE_LOCAL] = "local",
		[VN_MODE_PREFER_MANY] = "prefer (many)",
		[VN_MODE_WEIGHTED_INTERLEAVE] = "weighted interleave",
		[VN_MODE_UNKNOWN] = "unknown",
	};
	return names[mode];
}

void vn_mem_policy_clear(struct vn_mem_policy *policy)
{
	hwloc_bitmap_free(policy->nodes);
	*policy = (struct vn_mem_policy){0};
}

void vn_mem_policy_list_clear(struct vn_mem_policy_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		vn_mem_policy_clear(&list->v[i]);
	free(list->v);
	*list = (struct vn_mem_policy_list){0};
}
