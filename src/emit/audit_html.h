/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* An audit as a page for a browser. */

#include "../model/audit.h"

/*
 * One page that needs nothing from elsewhere: HTML that is well-formed XML, too, with a policy that lets no other script run than the
 * one in it, which only sorts, filters and copies. 0, or -ENOMEM with an unfinished page written.
 */
int vn_audit_print_html(const struct vn_audit *audit, FILE *out);
