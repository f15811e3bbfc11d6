/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* A guest from a libvirt domain: https://libvirt.org/formatdomain.html */

#include "../model/guest.h"

/*
 * Reads `text`, checks it by libvirt's own rules, completes it. `file` is for messages. All problems are found, not the first; their
 * key is the element's path. What the domain says that a plan replaces (pins) or does not use is told by notes. *ret_guest is new;
 * untouched on failure: -EINVAL, -ENOENT (no libxml2), -ENOMEM.
 */
int vn_guest_from_libvirt(
	const char *text, const char *file, struct vn_guest **ret_guest, struct vn_error *err);
