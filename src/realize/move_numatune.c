/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "move_numatune.h"

#include <string.h>

#include "../base/text.h"
#include "../virt/virt.h"

static struct vn_virt_domain domain_of(const struct vn_move *move)
{
	return (struct vn_virt_domain){VN_VIRT_SYSTEM, NULL, move->numatune.domain, VN_VIRT_ANSWER_MS};
}

static int note_failure(struct vn_move *move, const char *nodes, const struct vn_error *problem)
{
	return vn_notes_add(&move->notes, "libvirt-not-told",
		"libvirt was not told that the domain may use nodes %s, which its cgroups say nevertheless; virsh numatune does not: %s",
		nodes, problem->n ? problem->problems[0].text : "out of memory");
}

/* What libvirt has; NULL: no nodes, or it cannot be asked, which is a note. */
static int ask(struct vn_move *move, hwloc_bitmap_t *ret_before)
{
	struct vn_virt_domain domain = domain_of(move);
	vn_autofree char *nodes = NULL, *wanted = vn_set_text(move->mems_after);
	vn_autoerror problem = {0};

	if (!wanted)
		return -ENOMEM;
	int r = vn_virt_nodes(&domain, &nodes, &problem);
	vn_notes_drop(&move->notes, "libvirt-not-told");
	if (r < 0)
		return note_failure(move, wanted, &problem);
	r = *nodes ? vn_set_parse(nodes, ret_before) : 0;
	return r == -ENOMEM ? r : 0;
}

/* Sets `during` and `after` from `before`. */
static int reckon(struct vn_move *move, const struct vn_move_numatune *was, bool widens)
{
	struct vn_move_numatune *own = &move->numatune;

	own->after = hwloc_bitmap_dup(widens ? move->mems_after : was->after);
	/* what stays wide in one cgroup is never to be narrowed by libvirt, which has one set for all */
	for (size_t i = 0; i < move->n_cpusets && own->after && widens; i++) {
		if (vn_cgroup_is_domain_thread(move->cpusets[i].path) &&
			hwloc_bitmap_or(own->after, own->after, move->cpusets[i].after) < 0)
			return -ENOMEM;
	}
	own->during = hwloc_bitmap_dup(widens ? move->mems_during : own->after);
	if (!own->after || !own->during || hwloc_bitmap_or(own->during, own->during, own->before) < 0 ||
		hwloc_bitmap_or(own->during, own->during, own->after) < 0)
		return -ENOMEM;
	return 0;
}

int vn_move_numatune_find(struct vn_move *move, const struct vn_move *first)
{
	struct vn_move_numatune *own = &move->numatune;
	const struct vn_move_numatune *was = first && first->numatune.before ? &first->numatune : NULL;
	bool widens = move->memory && move->mems_during && move->mems_after && move->n_cpusets > 0;
	int r = 0;

	if (was) {
		memcpy(own->domain, was->domain, sizeof(own->domain));
		own->before = hwloc_bitmap_dup(was->before);
		r = own->before ? 0 : -ENOMEM;
	} else if (widens && *own->domain)
		r = ask(move, &own->before);
	return r == 0 && own->before && (was || widens) ? reckon(move, was, widens) : r;
}

int vn_move_numatune_set(struct vn_move *move, enum vn_cpuset_step step, bool *ret_changed)
{
	const struct vn_move_numatune *own = &move->numatune;
	struct vn_virt_domain domain = domain_of(move);
	vn_autoerror problem = {0};

	*ret_changed = false;
	if (!own->before)
		return 0;
	vn_autofree char *nodes = vn_set_text(step == VN_CPUSET_WIDEN  ? own->during
					      : step == VN_CPUSET_BACK ? own->before
								       : own->after);
	if (!nodes)
		return -ENOMEM;
	vn_notes_drop(&move->notes, "libvirt-not-told");
	int r = vn_virt_set_nodes(&domain, nodes, ret_changed, &problem);
	return r < 0 ? note_failure(move, nodes, &problem) : 0;
}
