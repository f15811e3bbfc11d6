/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: move_pages(2) takes no target that the cpuset of the process forbids, so the cpuset has to have the targets before
 * anything moves. A write to cpuset.mems makes the kernel itself move all that is on nodes which are no longer named, at once and
 * unthrottled (cpuset_migrate_mm), and it turns policies round by the position of nodes in the set (mpol_rebind_mm). So nothing that has
 * pages may be taken away while they are there: in step the set grows, to all that was and all that is to be; and it shrinks when
 * all is done, to the targets and whatever nodes the memory that stays is on. Who carries it out adds to `after` what pages did not move
 * after all.
 *
 * What the sample has is what holds in effect, be it set for this cgroup or for one above it; only who reads cpuset.mems can tell.
 */
#include <string.h>

#include "../base/text.h"
#include "part.h"

static int add_targets(const struct vn_rehoming *the, hwloc_bitmap_t ret)
{
	for (size_t i = 0; i < the->move->n_ranges; i++) {
		if (hwloc_bitmap_set(ret, the->move->ranges[i].node) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* What spills comes home once there is room; the kernel needs to be allowed that, too. */
static int add_homes(const struct vn_rehoming *the, hwloc_bitmap_t ret)
{
	for (size_t v = 0; v < the->plan->n_vnodes; v++) {
		int node = vn_host_node_index(the->host, the->plan->homes[v]);
		if (node >= 0 && the->host->nodes[node].memory_total > 0 &&
			hwloc_bitmap_set(ret, the->plan->homes[v]) < 0)
			return -ENOMEM;
	}
	return add_targets(the, ret);
}

static bool moves(const struct vn_rehoming *the, const struct vn_block_sample *block)
{
	for (size_t i = 0; i < the->move->n_blocks; i++) {
		if (block->address > 0 && the->move->blocks[i].address == block->address)
			return true;
	}
	return false;
}

/* Nodes with pages: of all blocks, or of those alone that stay. Of a block of which that is not known, all that it may be on. */
static int add_places(const struct vn_rehoming *the, bool only_staying, hwloc_bitmap_t ret)
{
	for (size_t i = 0; i < the->vm->n_blocks; i++) {
		const struct vn_block_sample *block = &the->vm->blocks[i];
		if (only_staying && moves(the, block))
			continue;
		if (!block->has_residency && hwloc_bitmap_or(ret, ret, the->vm->mems) < 0)
			return -ENOMEM;
		for (size_t k = 0; block->has_residency && k < block->residency.n_nodes; k++) {
			if (hwloc_bitmap_set(ret, block->residency.nodes[k].node) < 0)
				return -ENOMEM;
		}
	}
	return 0;
}

/* A path that vn_sample_text() had to cut is none. */
static bool is_path(const char *cgroup)
{
	return cgroup[0] == '/' && cgroup[1] && !strstr(cgroup, "\xe2\x80\xa6");
}

/* A user's own libvirt has no cgroups with a cpuset. Whether libvirt takes the nodes it tells when it is asked (realize/move_numatune.h). */
static int tell_libvirt(struct vn_rehoming *the)
{
	struct vn_move_numatune *numatune = &the->move->numatune;

	if (the->vm->manager != VN_MANAGER_LIBVIRT)
		return 0;
	memcpy(numatune->domain, the->vm->uuid, sizeof(numatune->domain));
	return vn_notes_add(&the->move->notes, "libvirt-owns-cpuset",
		"its cgroup is libvirt's, which is told of these nodes (virsh numatune); what it does not take is written into its "
		"cgroups all the same");
}

static int widen(struct vn_rehoming *the)
{
	struct vn_move *move = the->move;

	move->mems_during = hwloc_bitmap_dup(the->vm->mems);
	move->mems_after = hwloc_bitmap_alloc();
	if (!move->mems_during || !move->mems_after || add_homes(the, move->mems_during) < 0 ||
		add_places(the, false, move->mems_during) < 0 || add_homes(the, move->mems_after) < 0 ||
		add_places(the, true, move->mems_after) < 0)
		return -ENOMEM;
	vn_autofree char *before = vn_set_text(the->vm->mems), *during = vn_set_text(move->mems_during),
			 *after = vn_set_text(move->mems_after);
	if (!before || !during || !after ||
		vn_notes_add(&the->move->notes, "cpuset-widened",
			"its cpuset (%s) allows memory of nodes %s only: it is to allow %s in step, and %s in the end; the kernel turns "
			"the nodes of its policies round with it",
			the->vm->cgroup, before, during, after) < 0)
		return -ENOMEM;
	return tell_libvirt(the);
}

int vn_rehome_cpuset(struct vn_rehoming *the)
{
	vn_autoset targets = hwloc_bitmap_alloc(), homes = hwloc_bitmap_alloc();
	hwloc_const_bitmap_t mems = the->vm->mems;

	if (!targets || !homes || add_targets(the, targets) < 0 || add_homes(the, homes) < 0)
		return -ENOMEM;
	if (!mems || hwloc_bitmap_iszero(mems) || hwloc_bitmap_isincluded(homes, mems))
		return 0;
	if (is_path(the->vm->cgroup))
		return widen(the);
	if (hwloc_bitmap_isincluded(targets, mems))
		return 0;
	vn_autofree char *has = vn_set_text(mems), *wanted = vn_set_text(targets);
	if (!has || !wanted)
		return -ENOMEM;
	if (!the->wish->memory)
		return vn_notes_add(&the->move->notes, "cpuset-unknown",
			"it may use memory of nodes %s only, and its memory cannot go to %s: the cgroup that says so is not known",
			has, wanted);
	vn_error_input(the->problems, NULL,
		"its cpuset allows memory of nodes %s only; it is to have nodes %s, and which cgroup that is to be changed in is not known",
		has, wanted);
	return 0;
}
