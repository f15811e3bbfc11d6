/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* On which nodes the pages of a range lie, as a sample of them or all of them tell. */

#include <stdbool.h>
#include <stdint.h>

#include "../base/cleanup.h"

struct vn_node_count {
	unsigned node;
	uint64_t pages;
};

struct vn_residency {
	bool exact; /* every page was asked for */
	uint64_t asked, absent; /* absent: never touched, or one of the two below */
	uint64_t zero; /* of absent: the zero page of the system, which stands for what was only read */
	bool has_details; /* the two below were asked for, and /proc/PID/pagemap could be read */
	uint64_t swapped; /* of absent: written out */
	uint64_t
		shared; /* of those on nodes: mapped by others, too, or of a file (PM_MMAP_EXCLUSIVE not set) */
	uint64_t unknown; /* pages the kernel would not tell of: mapped by a device, or an error */
	size_t n_nodes;
	struct vn_node_count *nodes; /* by node; only those with pages */
};

void vn_residency_clear(struct vn_residency *residency);

/* Counts pages on a node. 0 or -ENOMEM. */
int vn_residency_add(struct vn_residency *residency, unsigned node, uint64_t pages);

/* Counts one. */
static inline int vn_residency_count(struct vn_residency *residency, unsigned node)
{
	return vn_residency_add(residency, node, 1);
}

/* Pages that are on a node, whichever. */
uint64_t vn_residency_present(const struct vn_residency *residency);

/* A share with the interval that holds the true one with 99% confidence; all between 0 and 1. */
struct vn_share_interval {
	double share, low, high;
};

/* `hits` of `asked`. With `exact` the interval is the share itself. */
struct vn_share_interval vn_share_interval(uint64_t hits, uint64_t asked, bool exact);

/*
 * The mean of a score between 0 and 1 that was taken of `asked` pages: no such score varies more than one that is 0 or 1 with the
 * same mean (R. Bhatia, C. Davis, "A better bound on the variance", Am. Math. Monthly 107, 2000), so the interval is wide enough.
 */
struct vn_share_interval vn_mean_interval(double mean, uint64_t asked, bool exact);
