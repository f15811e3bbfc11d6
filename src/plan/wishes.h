/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What a guest's config names of the host: homes and CPUs. All that is wrong is told, with where it is written. */

#include "instance.h"

/* Homes and CPU lists that this host cannot have. 0 or -EINVAL. */
int vn_check_wishes(const struct vn_host *host, const struct vn_guest *guest, struct vn_error *err);

/* Homes, of group `g`, without a CPU that the guest may use. 0 when no node at all has one: the plan says so. */
int vn_check_home_cpus(
	const struct vn_instance *instance, const struct vn_guest *guest, size_t g, struct vn_error *err);
