/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* A plan as a libvirt domain. Pure. */

#include "../model/plan.h"
#include "target.h"

/*
 * The domain that a feasible plan is for, ready for `virsh define`. A guest that was read from a domain is given back in its own text,
 * where only what is about NUMA is filled in or corrected; any other becomes a new domain. *ret_text is new. What could not be carried
 * is added to `notes`. -EINVAL when libvirt has no words for the guest; -ENOENT (no libxml2), -ENOMEM.
 */
int vn_emit_libvirt(const struct vn_plan *plan, const struct vn_guest *guest, const struct vn_target *target,
	struct vn_notes *notes, char **ret_text, struct vn_error *err);
