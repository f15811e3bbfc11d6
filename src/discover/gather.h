/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* A host as an archive that `tar:` reads back: for a bug report, or for planning elsewhere. */

#include "../base/error.h"

#include <stdint.h>

struct vn_gathered {
	size_t files, links, folders;
	uint64_t size; /* bytes of the archive */
	struct vn_notes notes; /* what is missing in it: 'no-permission', 'not-readable', 'unprintable-names',
		       * 'names-left-out' */
};

/*
 * Writes `file` (see vn_archive_write for its name) with what the readers of discover/ open, and nothing else: no serial
 * numbers, MAC addresses, host names, command line. `source` is `live`, `sysfs:DIR` or `tar:FILE`. *ret is the caller's to
 * clear.
 */
int vn_gather(const char *source, const char *file, struct vn_gathered *ret, struct vn_error *err);
void vn_gathered_clear(struct vn_gathered *gathered);
