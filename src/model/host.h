/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* A host as discovered: its nodes, CPUs and devices. A plain struct; every source of discover/ fills it. */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "../base/set.h"

#define VN_MAX_NODES 1024 /* Linux: CONFIG_NODES_SHIFT is at most 10 */

#define VN_DISTANCE_UNKNOWN 0u
#define VN_DISTANCE_LOCAL 10u
#define VN_DISTANCE_UNREACHABLE 255u /* ACPI 6.5, section 5.2.17 (SLIT) */

/* A pool of huge pages of one size on one node. */
struct vn_hugepool {
	uint64_t size; /* bytes a page */
	uint64_t total, free, surplus; /* pages */
};

struct vn_host_node {
	unsigned id; /* the kernel's; ids may be sparse */
	hwloc_bitmap_t cpus; /* online CPUs of the node; owned */
	uint64_t memory_total; /* bytes; 0: a memory-less node */
	bool has_memory_free;
	uint64_t memory_free; /* bytes, the kernel's MemFree */
	bool has_memory_reclaimable;
	uint64_t memory_reclaimable; /* bytes of clean page cache and slab on top of that; 0 when not known */
	size_t n_hugepools;
	struct vn_hugepool *hugepools; /* by size, ascending */
	uint32_t *distances; /* to host->nodes[j], j in index order (not by id); VN_DISTANCE_UNKNOWN where not
				told */
};

struct vn_host_cpu {
	unsigned id;
	bool online;
	int node; /* id, or -1 */
	int package, die, core, l3; /* kernel ids (l3: lowest CPU that shares it), -1 when not known */
	hwloc_bitmap_t siblings; /* threads of the same core, itself among them; owned; NULL when not known */
};

/* A PCI function. */
struct vn_host_device {
	char address[16]; /* 0000:3b:00.0 */
	int node; /* id, or -1: the firmware did not say */
	uint32_t class_code; /* 24 bits: base class, subclass, interface */
	uint16_t vendor, device;
	char *driver; /* owned, or NULL */
	char *name; /* owned: network interface or block device, or NULL */
};

struct vn_host {
	char *source; /* as given to --host */
	bool live; /* this machine, now: the only kind that may be acted on */
	bool cores_known; /* siblings and cores were told; otherwise each CPU counts as a core */
	size_t n_nodes;
	struct vn_host_node *nodes; /* ascending by id */
	size_t n_cpus;
	struct vn_host_cpu *cpus; /* ascending by id, offline ones too */
	hwloc_bitmap_t allowed_cpus; /* this process's cpuset; owned; NULL: all */
	hwloc_bitmap_t allowed_nodes;
	size_t n_devices;
	struct vn_host_device *devices; /* by address */
	struct vn_notes
		notes; /* what cannot be trusted: 'distances-missing', 'distances-flat', 'cores-unknown' … */
};

struct vn_host *vn_host_new(void);
void vn_host_free(struct vn_host *host);
static inline void vn_host_freep(struct vn_host **host)
{
	vn_host_free(*host);
}
#define vn_autohost vn_cleanup(vn_host_freep) struct vn_host

/*
 * Sorts nodes (with their distance rows), CPUs and devices, and checks that a source told something that
 * hangs together: at least one node, no id twice, no CPU in two nodes. Adds notes for what is odd but real.
 * Sources call it last.
 */
int vn_host_finish(struct vn_host *host, struct vn_error *err);

/* Index of the node with this id, or -1. */
int vn_host_node_index(const struct vn_host *host, unsigned id);
const struct vn_host_cpu *vn_host_cpu(const struct vn_host *host, unsigned id);

/* Physical cores among `cpus`: CPUs that share siblings count once. With cores unknown, the number of CPUs.
 */
unsigned vn_host_cores(const struct vn_host *host, hwloc_const_bitmap_t cpus);

/* `"schema": "vnuma.topology/1"`; sizes in bytes, sets as lists of integers. NULL when memory is short. */
json_t *vn_host_to_json(const struct vn_host *host);

/* For people: one line a node, the distance matrix, devices. */
void vn_host_print(const struct vn_host *host, FILE *out);

/* Free memory and huge pages of the nodes in `cells` (NULL: all). */
json_t *vn_host_free_to_json(const struct vn_host *host, hwloc_const_bitmap_t cells);
void vn_host_free_print(const struct vn_host *host, hwloc_const_bitmap_t cells, FILE *out);

/* A set as a JSON list of integers. */
json_t *vn_json_set(hwloc_const_bitmap_t set);
