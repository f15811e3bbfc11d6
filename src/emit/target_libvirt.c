/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What libvirt's QEMU driver refuses, or does not know yet (its docs/formatdomain.rst says since when; NEWS.rst). */
#include <inttypes.h>

#include "target_part.h"

static bool distances_are_default(const struct vn_guest *guest)
{
	for (size_t i = 0; i < guest->n_vnodes; i++) {
		for (size_t j = 0; j < guest->n_vnodes; j++) {
			if (guest->vnodes[i].distances[j] != (i == j ? 10 : 20))
				return false;
		}
	}
	return true;
}

static void check_cell(struct vn_target_checking *check, size_t i)
{
	const struct vn_vnode *vnode = &check->guest->vnodes[i];
	uint64_t page = vn_vnode_page(check->guest, i);

	if (hwloc_bitmap_iszero(vnode->vcpus))
		vn_target_since(check, VN_TARGET_VERSION(6, 6, 0), "a cell without vCPUs");
	if (vnode->memory % 1024 != 0 || (page > 0 && vnode->memory % page != 0))
		vn_target_refuse(check,
			"vnode %zu: %" PRIu64 " bytes of memory; expected whole KiB and whole pages", i,
			vnode->memory);
	if (vnode->has_binding && (!vnode->nodes || hwloc_bitmap_iszero(vnode->nodes)))
		vn_target_refuse(check,
			"vnode %zu: a policy without nodes; expected some, as memnode's nodeset cannot be empty",
			i);
	if (vnode->plugged > vnode->memory)
		vn_target_refuse(check,
			"vnode %zu: memory devices hold %" PRIu64 " bytes; expected at most its %" PRIu64, i,
			vnode->plugged, vnode->memory);
}

void vn_target_check_libvirt(struct vn_target_checking *check)
{
	const struct vn_guest *guest = check->guest;

	if (guest->n_vnodes > 1)
		vn_target_since(check, VN_TARGET_VERSION(1, 2, 7),
			"memory of a cell on nodes of its own (<memnode>)");
	if (!distances_are_default(guest))
		vn_target_since(
			check, VN_TARGET_VERSION(3, 10, 0), "distances other than 10 and 20 (<distances>)");
	if (guest->hmat)
		vn_target_since(check, VN_TARGET_VERSION(6, 6, 0), "HMAT (<interconnects>, <cache>)");
	if (guest->topology.dies > 1)
		vn_target_since(check, VN_TARGET_VERSION(6, 1, 0), "dies (<topology dies=>)");
	if (guest->topology.clusters > 1)
		vn_target_since(check, VN_TARGET_VERSION(10, 1, 0), "clusters (<topology clusters=>)");
	if (guest->maxmem > guest->memory)
		vn_target_since(check, VN_TARGET_VERSION(1, 2, 14), "memory to be added (<maxMemory>)");
	for (size_t i = 0; i < guest->n_vnodes; i++)
		check_cell(check, i);
}
