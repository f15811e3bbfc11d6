/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Files of a root picked by patterns, for an archive. Internal to discover/. */

#include "../base/archive_write.h"
#include "../base/rootfs.h"

enum vn_collect_how {
	VN_COLLECT_COPY, /* a file with its content, a symbolic link as one */
	VN_COLLECT_NAME, /* a folder, empty: only its name is wanted */
};

struct vn_collection {
	const struct vn_root *root;
	size_t n, room;
	struct vn_member *members; /* paths relative to the root; owned */
	size_t denied, unreadable, unprintable; /* files left out, and the first of each kind */
	size_t after_mac; /* interfaces left out that are named after their MAC address */
	char *first_denied, *first_unreadable; /* owned */
};

void vn_collection_clear(struct vn_collection *collection);
#define vn_autocollection vn_cleanup(vn_collection_clear) struct vn_collection

/*
 * Collects what `leaves`, names or fnmatch(3) patterns with a blank between them, match in each folder that `folder` matches.
 * A component of `folder` is a name, a pattern, or `**`: any number of folders, none of them a link. Symbolic links on the
 * way are collected too, and what lies behind them under its real path. What is not there is passed over. Only memory can
 * run out: -ENOMEM.
 */
int vn_collect(
	struct vn_collection *collection, const char *folder, const char *leaves, enum vn_collect_how how);

/* Adds a file with a content of the caller's. */
int vn_collect_text(struct vn_collection *collection, const char *path, const char *text);

/* Sorts by path and drops what was collected twice. */
void vn_collection_sort(struct vn_collection *collection);
