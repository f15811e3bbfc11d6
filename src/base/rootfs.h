/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * File access below a root: the live system ("/"), somebody else's tree of /sys and /proc, or an archive of one.
 *
 * Theory of operation: every path is opened with openat2(RESOLVE_IN_ROOT), so that absolute symbolic links
 * and `..` in a foreign tree stay inside it; nothing outside can be read by a hostile tree. A kernel
 * before 5.6 has no openat2: there the live root is read with plain openat (which is the same thing for "/"),
 * and a foreign root is refused. What only a hostile tree could do is asked of foreign trees only: whether a
 * file is a device or a pipe, whether a link is reached through others that lead out. Sizes are bounded: no
 * file of sysfs or procfs that we read is larger than VN_FILE_MAX. An archive is read into memory (archive.h)
 * and answers just as a tree on disk does.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "tree.h"

#define VN_FILE_MAX (4u << 20) /* bytes */

struct vn_root {
	int fd; /* the directory; -1 for an archive */
	struct vn_tree *tree; /* of an archive; owned; NULL for a directory */
	bool live; /* this machine, now */
	char *path; /* as the user named it, for messages */
};

/* Opens `path` as a root. *ret_root is the caller's to close with vn_root_close. */
int vn_root_open(const char *path, struct vn_root *ret_root, struct vn_error *err);

/* The same for an archive (archive.h): a file the user named. */
int vn_root_open_archive(const char *file, struct vn_root *ret_root, struct vn_error *err);

void vn_root_close(struct vn_root *root);
#define vn_autoroot vn_cleanup(vn_root_close) struct vn_root

/*
 * Reads a whole file, relative to the root ("sys/devices/system/node/online"). NUL bytes at its end are
 * dropped (some gathered trees have them); a NUL within, or more than VN_FILE_MAX bytes, is -EINVAL or
 * -EFBIG; a device, pipe or socket in a foreign tree -ENXIO. *ret_text is a new string. No problem is added: the caller knows whether a missing file (-ENOENT)
 * matters.
 */
int vn_root_read(const struct vn_root *root, const char *path, char **ret_text);

/*
 * Reads a whole file as it is, NUL bytes and all (a table of the firmware). More than `max` bytes are -EFBIG; otherwise fails
 * as vn_root_read does. *ret_bytes is new, never NULL even for an empty file, and followed by one NUL that is not counted.
 */
int vn_root_read_bytes(const struct vn_root *root, const char *path, size_t max, unsigned char **ret_bytes,
	size_t *ret_length);

/*
 * Opens a file or folder with open(2)'s `flags`, for who reads many files of one folder or only a file's beginning. The descriptor, or a
 * negative errno; -ENOTSUP for an archive.
 */
int vn_root_open_path(const struct vn_root *root, const char *path, int flags);

/* Reads a file that holds one unsigned decimal number and a newline. */
int vn_root_read_u64(const struct vn_root *root, const char *path, uint64_t *ret);

/* Names in a directory without `.` and `..`, sorted by strverscmp. *ret_names: array ending in NULL; free
 * with vn_names_free. */
int vn_root_list(const struct vn_root *root, const char *path, char ***ret_names);
void vn_names_free(char ***names);

/* The target of a symbolic link as it is written there, as a new string. -EINVAL when it is no link. */
int vn_root_link(const struct vn_root *root, const char *path, char **ret_target);

/* The last component of the target of a symbolic link, as a new string ("driver" -> "vfio-pci"). */
int vn_root_link_name(const struct vn_root *root, const char *path, char **ret_name);

/* Opens a file the user named for reading: a clear problem for a directory, a device. The descriptor, or a negative errno. */
int vn_file_open(const char *path, struct vn_error *err);

/* The same reading for a file the user named: bounded, a clear problem for a directory, a device, too large; of text for a NUL byte,
 * too. A 0 stands behind the bytes. */
int vn_file_read_bytes(
	const char *path, size_t max, char **ret_bytes, size_t *ret_length, struct vn_error *err);
int vn_file_read(const char *path, size_t max, char **ret_text, struct vn_error *err);
