/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The scanner behind markup.c (not for others): of a text that is known to be well-formed and harmless. */

#include "markup.h"

#define VN_MARKUP_DEPTH 128 /* libvirt's own are below 10; <metadata> may hold anything */

/* As vn_markup_read(), which has looked at `text` already. */
int vn_markup_scan(const char *text, const char *file, struct vn_markup **ret, struct vn_error *err);
