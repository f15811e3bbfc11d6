/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* An audit for people. */

#include "audit.h"

struct vn_audit_style {
	bool colour; /* `out` is a terminal that wants it */
	bool all; /* findings of all VMs, not of the worst alone */
};

/*
 * A table with the worst VM first, then what is wrong with each and what mends it, then what could not be read. Within 80 columns,
 * but for a command, which stays in one piece unless it is several joined by &&.
 */
void vn_audit_print(const struct vn_audit *audit, const struct vn_audit_style *style, FILE *out);
