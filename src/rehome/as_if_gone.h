/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What a host would have free were a VM not there. */

#include "../model/sample.h"

/*
 * A copy of the sample's host in which the pages of sample->vms[vm] count as free: so the planner can be asked where the VM would live
 * best if it could be put anywhere. Estimates, from the pages that were sampled; no node, and no pool, has more free than it could have.
 * What is not known of the VM counts as nothing. Its vCPUs are none of the host's: whoever counts what runs there leaves them out.
 */
int vn_rehome_host(
	const struct vn_sample *sample, size_t vm, struct vn_host **ret_host, struct vn_error *err);
