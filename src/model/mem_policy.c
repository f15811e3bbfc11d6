/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mem_policy.h"

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
