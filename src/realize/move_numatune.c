/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "move_numatune.h"

#include <string.h>

#include "../base/text.h"
#include "../virt/virt.h"

static struct vn_virt_domain domain_of(const struct vn_move *move)
{
	return (struct vn_virt_domain){VN_VIRT_SYSTEM, NULL, move->numatune.domain, VN_VIRT_ANSWER_MS};
}

static int note_failure(struct vn_move *move, const char *nodes, const char *why)
{
	return vn_notes_add(&move->notes, "libvirt-not-told",
		"libvirt was not told that the domain may use nodes %s, which its cgroups say nevertheless; virsh numatune does not: %s",
		nodes, why);
}

static const char *first_of(const struct vn_error *problem)
{
	return problem->n ? problem->problems[0].text : "out of memory";
}

/* What libvirt has; NULL, and a note: there is no way back to that, or it cannot be asked. */
static int ask(struct vn_move *move, hwloc_bitmap_t *ret_before)
{
	struct vn_virt_domain domain = domain_of(move);
	vn_autofree char *nodes = NULL, *wanted = vn_set_text(move->mems_after), *unclear = NULL;
	vn_autoset before = NULL;
	vn_autoerror problem = {0};
	char quoted[VN_QUOTE_MAX];

	if (!wanted)
		return -ENOMEM;
	vn_notes_drop(&move->notes, "libvirt-not-told");
	if (vn_virt_nodes(&domain, &nodes, &problem) < 0)
		return note_failure(move, wanted, first_of(&problem));
	int r = vn_set_parse(nodes, &before);
	if (r == -ENOMEM)
		return r;
	if (r < 0) {
		unclear = vn_format(
			"the nodes that it has now are no list of nodes: '%s'", vn_quote(nodes, quoted));
		return unclear ? note_failure(move, wanted, unclear) : -ENOMEM;
	}
	/* none is "Invalid nodeset of 'numatune'" (qemuDomainSetNumaParameters(), src/qemu/qemu_driver.c): no way back */
	if (hwloc_bitmap_iszero(before))
		return note_failure(move, wanted,
			"it has no nodes for the domain now, and could not be set back to none");
	*ret_before = vn_steal(before);
	return 0;
}

static const struct vn_move_numatune *earlier(const struct vn_move *first)
{
	return first && first->numatune.before ? &first->numatune : NULL;
}

static bool widens(const struct vn_move *move)
{
	return move->memory && move->mems_during && move->mems_after && move->n_cpusets > 0;
}

int vn_move_numatune_ask(struct vn_move *move, const struct vn_move *first)
{
	struct vn_move_numatune *own = &move->numatune;
	const struct vn_move_numatune *was = earlier(first);

	if (was) {
		memcpy(own->domain, was->domain, sizeof(own->domain));
		own->before = hwloc_bitmap_dup(was->before);
		return own->before ? 0 : -ENOMEM;
	}
	return widens(move) && *own->domain ? ask(move, &own->before) : 0;
}

/* libvirt has one set for all of its cgroups: what any of them is to have in step, and what any has to keep, it is not to take away. */
static int add_cpuset(struct vn_move *move, const struct vn_move_cpuset *cpuset)
{
	struct vn_move_numatune *own = &move->numatune;

	if (!vn_cgroup_is_domain_thread(cpuset->path))
		return 0;
	if (hwloc_bitmap_or(own->during, own->during, cpuset->before) < 0 ||
		hwloc_bitmap_or(own->during, own->during, cpuset->during) < 0)
		return -ENOMEM;
	return widens(move) ? hwloc_bitmap_or(own->after, own->after, cpuset->after) : 0;
}

int vn_move_numatune_reckon(struct vn_move *move, const struct vn_move *first)
{
	struct vn_move_numatune *own = &move->numatune;
	const struct vn_move_numatune *was = earlier(first);

	if (!own->before || (!was && !widens(move)))
		return 0;
	own->after = hwloc_bitmap_dup(widens(move) ? move->mems_after : was->after);
	own->during = hwloc_bitmap_dup(widens(move) ? move->mems_during : was->after);
	if (!own->after || !own->during || hwloc_bitmap_or(own->during, own->during, own->before) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < move->n_cpusets; i++) {
		if (add_cpuset(move, &move->cpusets[i]) < 0)
			return -ENOMEM;
	}
	return hwloc_bitmap_or(own->during, own->during, own->after) < 0 ? -ENOMEM : 0;
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
	return r < 0 ? note_failure(move, nodes, first_of(&problem)) : 0;
}
