/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Writes an archive that tells nothing of who made it when: owner 0, time 0, no names of users. */

#include <stdint.h>

#include "error.h"

enum vn_member_kind { VN_MEMBER_FOLDER, VN_MEMBER_FILE, VN_MEMBER_LINK };

struct vn_member {
	enum vn_member_kind kind;
	char *path; /* in the archive; owned */
	char *bytes; /* content, or the link's target with its NUL; owned; NULL for a folder */
	size_t length;
};

/*
 * Writes the members in their order. How `file` ends says how it is compressed: .tar.bz2, .tar.gz, .tar.xz, .tar; another
 * ending is a problem of the input, and so is a file that exists. It is written under another name beside it, synced, then
 * given its name: what is there under `file` is whole. *ret_size: its bytes.
 */
int vn_archive_write(const char *file, const struct vn_member *members, size_t n, uint64_t *ret_size,
	struct vn_error *err);

/* What vn_archive_write would refuse before it writes; 0 when nothing. */
int vn_archive_write_check(const char *file, struct vn_error *err);
