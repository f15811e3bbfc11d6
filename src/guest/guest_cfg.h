/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* A guest from a config in xl.cfg syntax (DESIGN section 3, dialect 1). */

#include "../model/guest.h"

/*
 * Reads `text`, checks it, completes it. With `defaults`, a wrong NUMA option is replaced by its default with
 * a note
 * ('option-replaced') that names it; otherwise it is a problem like any other. All problems are found, not
 * the first. `file` is for messages. *ret_guest is new; untouched on failure (-EINVAL, -ENOMEM).
 */
int vn_guest_from_cfg(
	const char *text, const char *file, bool defaults, struct vn_guest **ret_guest, struct vn_error *err);
