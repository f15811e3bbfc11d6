/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The places as a tree: each inner node joins two subtrees, whose places are all equally far from each other. */

#include "instance.h"

#define VN_NO_NODE SIZE_MAX

struct vn_branch {
	size_t left, right; /* branches; VN_NO_NODE in a leaf */
	size_t place; /* of a leaf */
	uint32_t distance; /* between the two subtrees; of a leaf: to itself */
	uint32_t above; /* the distance of the branch that this one is a part of; the root's: 0 */
	uint32_t
		beyond; /* the least distance from here, or from a twin to this one, to a place outside; the root's: 0 */
	size_t twin; /* the lowest branch that is built alike, of leaves that are alike */
	size_t n_leaves;
};

struct vn_hierarchy {
	size_t n; /* branches; children come before their parent, the root is the last */
	struct vn_branch *branches;
	bool exact; /* the tree's distances are the host's; if not, they are nowhere larger */
};

/*
 * Of the places that `alike` does not call VN_NO_NODE: alike[i] is the lowest place that is like place i in all but its
 * distances. At least one place. Without `exact` the tree has the largest ultrametric below the distances, which is that of
 * their minimum spanning tree (single linkage; Gower and Ross 1969). 0 or -ENOMEM.
 */
int vn_hierarchy_make(
	const struct vn_instance *instance, const size_t *alike, struct vn_hierarchy *ret_hierarchy);
void vn_hierarchy_clear(struct vn_hierarchy *hierarchy);
