/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * An archive of a host's /sys and /proc, read into memory (tree.h): tar, plain or compressed with bzip2, gzip, xz or zstd,
 * as hwloc-gather-topology and `vnuma gather` write them. Nothing is unpacked. The reading is libarchive's, loaded when
 * first used; only its tar format and these filters are enabled, and none that starts a program.
 *
 * Kept is what lies below sys/ and proc/, after the one leading folder that such archives have (or at the top). A file
 * above VN_FILE_MAX is listed but not kept: reading it is -EFBIG, as on a disk. Refused, with one problem that names the
 * member: names with `..`, absolute ones or ones with control characters; devices, pipes and sockets; hard links to what
 * is not in the archive before them; a member twice, or below one that is no folder; more than VN_ARCHIVE_MEMBERS members,
 * or VN_ARCHIVE_CONTENT bytes in all (counted as it is read: a decompression bomb); a second compression within the first;
 * and what is damaged, cut off, empty, or no archive.
 */

#include "error.h"
#include "tree.h"

#define VN_ARCHIVE_MEMBERS 200000u
#define VN_ARCHIVE_CONTENT (512u << 20) /* bytes of all members */

/* Reads the archive from `fd`, which the caller closes; `file` is for messages. *ret_tree is new. */
int vn_archive_read(int fd, const char *file, struct vn_tree **ret_tree, struct vn_error *err);

/* The same from memory. */
int vn_archive_read_bytes(
	const void *bytes, size_t length, const char *file, struct vn_tree **ret_tree, struct vn_error *err);
