/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* A host as a picture that people read. Pure. */

#include "../model/host.h"

/*
 * SVG 1.1 in one piece, no scripts, no fonts of its own: packages around nodes around cores, memory to scale, devices,
 * distances as a heat map. 0, or -ENOMEM with nothing written.
 */
int vn_host_print_svg(const struct vn_host *host, FILE *out);
