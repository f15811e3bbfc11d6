/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Nodes in groups, as people draw them: the nodes of a package, of a die, or near each other. */

#include "host.h"

/* A group of nodes; the whole host is the one at the top. */
struct vn_level {
	const char *name; /* "host", "package", "die", "distance" */
	int id; /* the kernel's number of the package or die; of a distance group its place, from 0 */
	size_t n_children;
	struct vn_level *children; /* in the order of their lowest node; owned */
	size_t n_nodes;
	size_t *nodes; /* indices into host->nodes of those in no child, ascending; owned */
};

/*
 * Groups by package where a package holds several nodes, in it by die where a die does. Where packages tell nothing (each is
 * one node, or they are not known), by distance: nodes that are all as near to each other as the nearest there are make a
 * group, groups that are all near to each other make one of the next level, as long as it comes out even. A node without
 * CPUs is in no package: it belongs to that of the node with CPUs it is nearest to, if that is one.
 *
 * *ret_top is filled; clear it with vn_level_clear. -ENOMEM.
 */
int vn_levels_make(const struct vn_host *host, struct vn_level *ret_top);
void vn_level_clear(struct vn_level *level);
#define vn_autolevel vn_cleanup(vn_level_clear) struct vn_level
