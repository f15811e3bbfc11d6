/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What a guest says of itself against what was foretold. */

#include <jansson.h>

#include "../model/host.h"

/*
 * Compares the `guest_view` of a vnuma.plan/1 object with a host that was read from the guest's own `numactl
 * --hardware`: node ids, the CPUs of each, every distance, and memory. The guest's kernel keeps some memory
 * for itself before it counts, so a node may show less than it was given, down to 15/16 of it less 64 MiB
 * (page tables' metadata is 1/64, the kernel image, its reserved areas and an initramfs lie on one node), but
 * never more. One note for each thing that differs, code 'guest-view'. Returns 0, or -EINVAL when the plan
 * holds no view that can be read, or -ENOMEM.
 */
int vn_guest_view_compare(const json_t *plan, const struct vn_host *seen, struct vn_notes *mismatches);
