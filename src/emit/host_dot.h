/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* A host as a graph in the language of graphviz. Pure. */

#include "../model/host.h"

/*
 * Nodes in clusters of their packages, edges with distances: one without a direction where both ways are equal, otherwise
 * one each way; one between two clusters where it is as far from any node of one to any of the other. Of more than 12 nodes
 * only the edges to each one's nearest, which a label says. When memory is short, something is left out.
 */
void vn_host_print_dot(const struct vn_host *host, FILE *out);
