/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Which nodes a guest that left its vnodes open is divided among: the fewest that hold it, near each other. */

#include "instance.h"

struct vn_choice_node {
	size_t place;
	bool cpus, memory; /* has any: a vnode with vCPUs, with memory, may live there */
	uint64_t units, cores; /* of memory, that it can hold; free */
};

struct vn_node_choice {
	const struct vn_instance *in; /* of the guest as one vnode; not owned */
	bool no_empty; /* each node is to have memory of it */
	uint64_t unit; /* bytes that memory is given out in */
	uint64_t units, cores; /* that the guest has */
	uint64_t want_units, want_cores; /* of these, that the nodes can hold at all */
	size_t n;
	struct vn_choice_node *nodes; /* n; owned */
	size_t k;
	size_t *chosen; /* k indices of nodes, those with CPUs first; owned */
};

/* `no_empty`: nodes without memory do not come in. 0 or -ENOMEM. k is 0 when no node can be a home of anything. */
int vn_node_choice_make(const struct vn_instance *in, uint64_t unit, uint64_t units, uint64_t cores,
	bool no_empty, struct vn_node_choice *ret_choice);
void vn_node_choice_clear(struct vn_node_choice *choice);

/* The sum of all distances among k places. */
uint64_t vn_places_width(const struct vn_instance *in, const size_t *places, size_t k);
