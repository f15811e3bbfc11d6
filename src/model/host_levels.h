/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* How a host's nodes group: packages that hold several, dies that do, or, where neither tells, distance. */

#include "host.h"

/*
 * A group of nodes, or the whole host (the root). Each node of the host is in exactly one level's `nodes`: that of
 * the smallest group it is in. A host without groups is a root without children.
 */
struct vn_level {
	const char *name; /* static: "package", "die" or "distance"; NULL: the root */
	int id; /* the kernel's of a package or die (a die's within its package); distance groups are counted from
		   0 in the order of their lowest nodes, an outer one first; -1: the root */
	uint32_t distance; /* of a distance group: the largest between two of its nodes; else 0 */
	size_t n_children;
	struct vn_level *children; /* groups within, by their lowest node */
	size_t n_nodes;
	size_t *nodes; /* indices into host->nodes of those in no child, ascending */
};

/* The host's groups; a host whose nodes or CPUs changed needs new ones. NULL when memory is short. */
struct vn_level *vn_host_levels(const struct vn_host *host);

void vn_level_free(struct vn_level *root);
static inline void vn_level_freep(struct vn_level **root)
{
	vn_level_free(*root);
}
#define vn_autolevel vn_cleanup(vn_level_freep) struct vn_level
