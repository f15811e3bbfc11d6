/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Nodes that are alike, so that a host of 64 nodes can be told in a few lines. */

#include "host.h"

/* For each node the index of its group, groups numbered by their first node. */
struct vn_fold {
	size_t n_groups;
	size_t *groups; /* [node index]; owned */
};

/*
 * Alike in the table of nodes: the same kind of memory, numbers of cores and CPUs, and huge page pools' totals; memory
 * that differs by less than a sixteenth (firmware keeps some of the first node's).
 */
int vn_fold_nodes(const struct vn_host *host, struct vn_fold *ret_fold);

/*
 * Alike in the table of distances: to any third node it is the same distance from both, in both directions, and from one
 * to the other the same in both, and so the same to itself. So a group has one distance within and one to each other group.
 */
int vn_fold_distances(const struct vn_host *host, struct vn_fold *ret_fold);

void vn_fold_clear(struct vn_fold *fold);
#define vn_autofold vn_cleanup(vn_fold_clear) struct vn_fold

/* Ids of a group's nodes; NULL when memory is short. */
hwloc_bitmap_t vn_fold_ids(const struct vn_host *host, const struct vn_fold *fold, size_t group);

/* Index of a group's first node, or of its next one after `node`; host->n_nodes when there is none. */
size_t vn_fold_first(const struct vn_host *host, const struct vn_fold *fold, size_t group);
size_t vn_fold_next(const struct vn_host *host, const struct vn_fold *fold, size_t group, size_t node);
