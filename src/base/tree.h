/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A tree of files held in memory: folders, files, symbolic links. What an archive is read into, so that nothing of it ever
 * lies on a disk. The second backend of rootfs.h, with the same answers: links are followed inside the tree as openat2 does
 * with RESOLVE_IN_ROOT, more than 40 of them are -ELOOP (path_resolution(7)).
 */

#include <stddef.h>

#include "cleanup.h"

#define VN_TREE_MAX 400000u /* folders, files and links; above it -ENOSPC */
#define VN_TREE_LINKS 40u /* followed in one path */

struct vn_tree;

/* NULL when memory is short. */
struct vn_tree *vn_tree_new(void);
void vn_tree_free(struct vn_tree *tree);
static inline void vn_tree_freep(struct vn_tree **tree)
{
	vn_tree_free(*tree);
}
#define vn_autotree vn_cleanup(vn_tree_freep) struct vn_tree

/*
 * Add an entry; folders on the way are made. Bytes and texts are copied. `bytes` NULL with a length is a file too large to
 * keep: it is listed, and reading it is -EFBIG. -EEXIST when the entry was added before, -ENOTDIR when something on the way
 * is no folder, -EINVAL for `..` or an empty path, -ENAMETOOLONG, -ENOSPC, -ENOMEM.
 */
int vn_tree_add_folder(struct vn_tree *tree, const char *path);
int vn_tree_add_file(struct vn_tree *tree, const char *path, const void *bytes, size_t length);
int vn_tree_add_link(struct vn_tree *tree, const char *path, const char *target);

/* A file's bytes, followed by a NUL that is not counted; they are the tree's. -ENOENT, -ENOTDIR, -EISDIR, -ELOOP, -EFBIG. */
int vn_tree_file(
	const struct vn_tree *tree, const char *path, const unsigned char **ret_bytes, size_t *ret_length);

/* Names in a folder, sorted by strverscmp; free with vn_names_free (rootfs.h). */
int vn_tree_list(const struct vn_tree *tree, const char *path, char ***ret_names);

/* The target of a symbolic link, the tree's; -EINVAL for what is none. */
int vn_tree_link(const struct vn_tree *tree, const char *path, const char **ret_target);
