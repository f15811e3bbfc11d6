/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What xl, libxl and Xen refuse of an HVM guest with vNUMA: libxl's libxl_vnuma.c, libxl__vnuma_config_check(); Xen's
 * common/domctl.c, vnuma_init(). xl hands `vdistances` over unchecked, but there are exactly as many here as there are vnodes.
 */
#include <inttypes.h>

#include "target_part.h"

#define MAX_VNODES 32u /* their distances fit one page: vnuma_alloc() in xen/common/domctl.c */
#define HOST_NODES 64u /* MAX_NUMNODES: NODES_SHIFT is 6 on x86 */
#define HVM_VCPUS 128u /* HVM_MAX_VCPUS, xen/include/public/hvm/hvm_info_table.h */

static void check_node(struct vn_target_checking *check, size_t i)
{
	const struct vn_guest *guest = check->guest;
	const struct vn_plan_vnode *planned = i < check->plan->n_vnodes ? &check->plan->vnodes[i] : NULL;

	if (planned && planned->home >= HOST_NODES)
		vn_target_refuse(check,
			"vnode %zu lives on node %u; expected one below %u, as Xen knows no others", i,
			planned->home, HOST_NODES);
	if (guest->vnodes[i].memory % VN_MIB != 0)
		vn_target_refuse(check,
			"vnode %zu: %" PRIu64 " bytes of memory; expected whole MiB, in which xl counts", i,
			guest->vnodes[i].memory);
	for (size_t j = 0; j < guest->n_vnodes; j++) {
		if (guest->vnodes[i].distances[j] < guest->vnodes[i].distances[i])
			vn_target_refuse(check,
				"vnode %zu is nearer to vnode %zu (%u) than to itself (%u); expected none nearer",
				i, j, guest->vnodes[i].distances[j], guest->vnodes[i].distances[i]);
	}
}

void vn_target_check_xen(struct vn_target_checking *check)
{
	const struct vn_guest *guest = check->guest;

	vn_target_since(check, VN_TARGET_VERSION(4, 6, 0), "vNUMA (`vnuma` in xl.cfg)");
	if (guest->n_vnodes > MAX_VNODES)
		vn_target_refuse(check, "%zu vnodes; expected at most %u", guest->n_vnodes, MAX_VNODES);
	if (guest->maxvcpus > HVM_VCPUS)
		vn_target_refuse(check, "%u vCPUs; expected at most %u, as an HVM guest has no more",
			guest->maxvcpus, HVM_VCPUS);
	if (guest->n_vnodes > 1 && guest->maxmem - vn_guest_growth(guest) != guest->memory)
		vn_target_refuse(check,
			"maxmem is %" PRIu64 " MiB and memory %" PRIu64
			"; expected the same, as the sizes of vnodes make up maxmem: a guest with vNUMA cannot be ballooned up",
			(guest->maxmem - vn_guest_growth(guest)) / VN_MIB, guest->memory / VN_MIB);
	for (size_t i = 0; i < guest->n_vnodes; i++)
		check_node(check, i);
}
