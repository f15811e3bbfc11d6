/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What other guests take of a host already: the sum of their plans, or what was seen of them. */

#include "plan.h"

/* Page sizes that one guest or another may use; more than any kernel has. */
#define VN_MAX_PAGE_SIZES 8

struct vn_promised {
	uint64_t page; /* bytes a page; 0: the system's ordinary pages */
	uint64_t memory; /* bytes promised that the host still counts as free */
};

struct vn_occupied_node {
	uint64_t load; /* cores' worth of vCPUs that run there, beside those with claimed cores */
	size_t n_promised;
	struct vn_promised promised[VN_MAX_PAGE_SIZES];
};

/* A device that a guest has. */
struct vn_given {
	char address[VN_PCI_ADDRESS];
	char guest[VN_NAME_MAX + 1];
};

struct vn_occupied {
	uint64_t host; /* identity of the host it is of; 0: not told */
	size_t n_nodes;
	struct vn_occupied_node *nodes; /* indexed like host->nodes */
	hwloc_bitmap_t claimed; /* CPUs of cores that guests with exclusive_cores have for themselves */
	hwloc_bitmap_t
		wanted; /* CPUs that others need some of: who wants cores for himself takes these last */
	size_t n_given;
	struct vn_given *given; /* devices that guests have; owned */
	size_t n_cpus;
	uint64_t *
		l3_load; /* indexed like host->cpus: cores' worth confined to the L3 group whose lowest CPU this is */
	uint64_t *
		sharing; /* indexed like host->cpus: vnodes of guests without cores of their own whose vCPUs may run there */
};

/* Nothing is taken yet. NULL when memory is short. */
struct vn_occupied *vn_occupied_new(const struct vn_host *host);

/* A copy of `from`, which is of that host; NULL: nothing is taken. NULL when memory is short. */
struct vn_occupied *vn_occupied_copy(const struct vn_occupied *from, const struct vn_host *host);
void vn_occupied_free(struct vn_occupied *occupied);
static inline void vn_occupied_freep(struct vn_occupied **occupied)
{
	vn_occupied_free(*occupied);
}
#define vn_autooccupied vn_cleanup(vn_occupied_freep) struct vn_occupied

/*
 * Adds what a feasible plan takes: its shares of memory in the guest's page size, the cores' worth of its vCPUs on their homes,
 * or its cores for good with exclusive_cores; its devices. -EINVAL, and nothing added, when the plan names a node that the host does not have
 * or a ninth page size; -ENOMEM.
 */
int vn_occupied_add(struct vn_occupied *occupied, const struct vn_host *host, const struct vn_guest *guest,
	const struct vn_plan *plan);

/* Takes back what vn_occupied_add() added of the same plan. */
int vn_occupied_remove(struct vn_occupied *occupied, const struct vn_host *host, const struct vn_guest *guest,
	const struct vn_plan *plan);

/* The name of the guest that has the device; NULL: nobody. A device that `but` (NULL: none) has itself is nobody's. */
const char *vn_occupied_device(const struct vn_occupied *occupied, const char *address, const char *but);

/* Bytes promised of that page size on a node; 0 for one that nobody uses. */
uint64_t vn_occupied_promised(const struct vn_occupied_node *node, uint64_t page);

/* Bytes of that page size that a node has free, less what is promised of them; clean page cache counts as free. */
uint64_t vn_occupied_left(
	const struct vn_host_node *node, const struct vn_occupied_node *occupied, uint64_t page);

/* Adds to what is promised of a page size on a node, and never beyond 2^63. -EINVAL: a ninth page size. */
int vn_occupied_promise(struct vn_occupied_node *node, uint64_t page, uint64_t memory);
