/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* A plan as the xl.cfg(5) that Xen's `xl create` takes. Pure. */

#include "../model/plan.h"
#include "target.h"

/* Whether xl can be told of a channel: no setting of its may hold ',', '=' or '"' (xl.cfg(5), CHANNEL SPEC), and blanks at its end go. */
bool vn_channel_fits_xl(const struct vn_channel *channel);

/*
 * The config that the guest was read from with `vnuma`, `cpus`, `type`, `memory`, `maxmem`, `vcpus` and `maxvcpus` as the plan has
 * them, in place of what stood there of them and of the other dialects, and without what xl would not take: settings of ours for
 * devices, carriage returns. Every other byte as it was. A guest of another form becomes a config of its own. What cannot be told to
 * Xen, or is left out, is a note. *ret_text is new. 0, -EINVAL for a plan that is not feasible or that Xen would refuse beyond what
 * vn_target_check() knows, -ENOMEM.
 */
int vn_emit_xl(const struct vn_plan *plan, const struct vn_guest *guest, const struct vn_target *target,
	struct vn_notes *notes, char **ret_text, struct vn_error *err);
