/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What the parts of the host's text share. Internal to model/. */

#include "../base/text.h"
#include "host.h"

#define VN_SCREEN 80 /* columns */

/* Prints `text` from column `indent` on, broken behind commas and at blanks so that it stays within the screen. */
void vn_print_wrapped(const char *text, unsigned indent, FILE *out);

/* The table of devices (`all`), or a line for each node. */
void vn_host_print_devices(const struct vn_host *host, bool all, FILE *out);
