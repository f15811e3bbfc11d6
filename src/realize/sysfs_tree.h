/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Files of sysfs that are written, below one folder.
 *
 * A write may be taken without effect, or with another one than was asked for: what it did is read back. Files that one lock of the
 * kernel's guards answer EBUSY while another uses them for a moment (DAMON's, mm/damon/sysfs.c of Linux): that is tried again for half
 * a second before it counts.
 */

#include <stddef.h>

struct vn_sysfs_tree {
	int fd; /* of the folder */
	char at[160]; /* the file of the call that failed last, below it */
};

#define VN_SYSFS_VALUE 256u /* bytes of what one file holds, as far as we read */

/* Opens it. -ENOENT, -EACCES and the like. */
int vn_sysfs_open(const char *folder, struct vn_sysfs_tree *ret_tree);

void vn_sysfs_close(struct vn_sysfs_tree *tree);
#define vn_autosysfs vn_cleanup(vn_sysfs_close) struct vn_sysfs_tree

/* One write(2) of the whole value. */
int vn_sysfs_put(struct vn_sysfs_tree *tree, const char *path, const char *value);

/* The first line, without its end. */
int vn_sysfs_get(struct vn_sysfs_tree *tree, const char *path, char value[static VN_SYSFS_VALUE]);

/* Writes it, and reads it back: -EIO when the file then tells something else. */
int vn_sysfs_set(struct vn_sysfs_tree *tree, const char *path, const char *value);

/* -ENOENT when none of the words in a file, parted by blanks and lines, is this one. */
int vn_sysfs_offers(struct vn_sysfs_tree *tree, const char *path, const char *word);
