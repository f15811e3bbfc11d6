/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The Heterogeneous Memory Attribute Table of the firmware: how fast each memory is from each initiator. sysfs shows
 * only the best initiators of a node (vn_memory_access); the table has them all. Source: ACPI 6.5, section 5.2.28.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/error.h"

/* Field 'Data Type' of a System Locality Latency and Bandwidth Information Structure. */
enum vn_hmat_type {
	VN_HMAT_ACCESS_LATENCY,
	VN_HMAT_READ_LATENCY,
	VN_HMAT_WRITE_LATENCY,
	VN_HMAT_ACCESS_BANDWIDTH,
	VN_HMAT_READ_BANDWIDTH,
	VN_HMAT_WRITE_BANDWIDTH,
	VN_HMAT_TYPES,
};

#define VN_HMAT_UNKNOWN 0u /* no figure in the table */
#define VN_HMAT_MAX ((uint64_t)INT64_MAX) /* of a value or a size: what JSON can tell */
#define VN_HMAT_UNREACHABLE UINT64_MAX /* the initiator cannot reach the target */

struct vn_hmat_matrix {
	enum vn_hmat_type type;
	unsigned hierarchy; /* 0: the memory itself; 1 to 3: first to third level memory-side cache */
	size_t n_initiators, n_targets;
	uint32_t *initiators, *targets; /* proximity domains, see vn_hmat.domains; owned */
	uint64_t *values; /* [initiator * n_targets + target]; picoseconds, or MB/s; owned */
};

struct vn_hmat_cache {
	uint32_t domain; /* of the memory behind it */
	uint64_t size; /* bytes */
	unsigned levels, level; /* how many there are, which this one is (1: nearest to the memory) */
	unsigned associativity; /* 0 none, 1 direct-mapped, 2 complex */
	unsigned write_policy; /* 0 none, 1 write-back, 2 write-through */
	unsigned line_size; /* bytes */
};

/* A proximity domain and the node that Linux made of it. */
struct vn_hmat_domain {
	uint32_t domain;
	int node; /* -1: not known (no SRAT to read), or no node */
};

struct vn_hmat {
	unsigned revision;
	size_t n_matrices;
	struct vn_hmat_matrix *matrices; /* in the table's order */
	size_t n_caches;
	struct vn_hmat_cache *caches;
	size_t n_domains;
	struct vn_hmat_domain *domains; /* ascending by domain: all that matrices and caches name */
	size_t n_left_out; /* values above VN_HMAT_MAX, which are unknown, and caches of such a size, which are not
			      here; told by a note of the host, and not again in JSON */
};

void vn_hmat_free(struct vn_hmat *hmat);
static inline void vn_hmat_freep(struct vn_hmat **hmat)
{
	vn_hmat_free(*hmat);
}
#define vn_autohmat vn_cleanup(vn_hmat_freep) struct vn_hmat

/* All of it anew; NULL when memory is short. */
struct vn_hmat *vn_hmat_copy(const struct vn_hmat *from);

/* "read-latency" and so on; NULL above VN_HMAT_WRITE_BANDWIDTH. */
const char *vn_hmat_type_text(enum vn_hmat_type type);

/* Node of a domain that the table names, or -1. */
int vn_hmat_node(const struct vn_hmat *hmat, uint32_t domain);

/* `{"revision", "domains": [{"domain", "node"}], "matrices": [{"type", "hierarchy", "initiators", "targets", "values"}],
 * "caches": [...]}`; a value is a number, null for unknown, or "unreachable". NULL when memory is short. */
json_t *vn_hmat_to_json(const struct vn_hmat *hmat);
