/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What a guest's config names of the host: homes and CPUs. All that is wrong is told, with where it is written. */

#include "instance.h"

/* Homes, lists of nodes and of CPUs that this host cannot have. 0 or -EINVAL. */
int vn_check_wishes(const struct vn_host *host, const struct vn_guest *guest, struct vn_error *err);

/* Whether memory of a plan lies where its user, who named other nodes, does not want it. */
bool vn_spills_astray(const struct vn_guest *guest, const struct vn_plan *plan);

/* Says so, as reasons why it is no plan: 'nodes-short' for each such vnode, by its guest's name if that is one of `several`. 0 or
 * -ENOMEM. */
int vn_reason_astray(
	const struct vn_guest *guest, const struct vn_plan *plan, bool several, struct vn_notes *reasons);

/* Homes, of group `g`, without a CPU that the guest may use. 0 when no node at all has one: the plan says so. */
int vn_check_home_cpus(
	const struct vn_instance *instance, const struct vn_guest *guest, size_t g, struct vn_error *err);
