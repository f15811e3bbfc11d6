/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* A host as discovered: its nodes, CPUs and devices. A plain struct; every source of discover/ fills it. */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "../base/set.h"
#include "hmat.h"
#include "pci.h"

#define VN_MAX_NODES 1024 /* Linux: CONFIG_NODES_SHIFT is at most 10 */

/* No amount of a host (bytes, pages, ns, MB/s) is larger: sums of a few do not overflow, and no machine comes near (a million
 * TiB). What a source tells beyond it cannot be true. */
#define VN_MAX_AMOUNT (UINT64_C(1) << 60)

#define VN_DISTANCE_UNKNOWN 0u
#define VN_DISTANCE_LOCAL 10u
#define VN_DISTANCE_UNREACHABLE 255u /* ACPI 6.5, section 5.2.17 (SLIT) */

#define VN_MAX_POOLS 64u /* of a node; Linux has 2 to 4 sizes */

#define VN_MIN_PAGE 4096u
#define VN_MAX_WEIGHT 255u /* of weighted interleave: the kernel keeps it in a byte */

/* A pool of huge pages of one size on one node; see vn_hugepool_is_sound(). */
struct vn_hugepool {
	uint64_t size; /* bytes a page, a power of two */
	uint64_t total, free, surplus; /* pages; surplus ones are among all of them */
};

/* Whether the page size is a power of two of at least 4096, the pages fit into VN_MAX_AMOUNT bytes, and free and surplus are no
 * more than all. (They may be more than the node's memory: Linux does not count all hotplugged memory for its node.) */
bool vn_hugepool_is_sound(const struct vn_hugepool *pool);

/*
 * What a node's memory is made of. Told apart in discover/sysfs_memory.c, which names its sources; unknown where
 * nothing tells (a text of numactl), never guessed from size.
 */
enum vn_memory_kind {
	VN_MEMORY_UNKNOWN,
	VN_MEMORY_DRAM, /* what a node with CPUs is taken for, unless something says otherwise: a machine that has HBM and
			   nothing beside it looks just the same */
	VN_MEMORY_HBM, /* high bandwidth memory beside DRAM, as nodes of its own (flat mode) */
	VN_MEMORY_CXL, /* CXL expander, made a node of through dax */
	VN_MEMORY_PERSISTENT, /* NVDIMM, made a node of through dax */
	VN_MEMORY_GPU,
	VN_MEMORY_SLOW, /* slower than the DRAM near it; what it is, the firmware does not say */
};

/* How fast a node's memory is from the nodes named: an access class of sysfs (0: best initiators of any kind,
 * 1: best among CPUs). Source: Linux, Documentation/admin-guide/mm/numaperf.rst. */
struct vn_memory_access {
	hwloc_bitmap_t initiators; /* node ids; owned; NULL: the class is not told */
	uint64_t read_latency, write_latency; /* ns; 0: not told */
	uint64_t read_bandwidth, write_bandwidth; /* MB/s; 0: not told */
};

#define VN_ACCESS_CLASSES 2

/* A cache in front of a node's memory (sysfs: memory_side_cache/indexN). */
struct vn_memory_cache {
	unsigned level; /* N of indexN, 1 nearest to the memory */
	uint64_t size, line_size; /* bytes; 0: not told */
	int indexing; /* 0 direct-mapped, 1 complex, 2 other (linux/node.h); -1: not told */
	int write_policy; /* 0 write-back, 1 write-through, 2 other; -1: not told */
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
	enum vn_memory_kind memory_kind;
	int memory_tier; /* N of memory_tierN, lower is faster; -1: not told. Set by vn_host_node_init */
	int interleave_weight; /* of weighted interleave (Linux 6.9), 1 to 255; -1: not told */
	struct vn_memory_access access[VN_ACCESS_CLASSES];
	size_t n_memory_caches;
	struct vn_memory_cache *memory_caches; /* by level */
	uint32_t *distances; /* to host->nodes[j], j in index order (not by id); VN_DISTANCE_UNKNOWN where not
				told */
};

struct vn_host_cpu {
	unsigned id;
	bool online;
	int node; /* id, or -1; of an offline CPU where the source told it, it is in no node's `cpus` */
	/* the kernel's ids; cluster and l3 are the lowest CPU of those that share it, as the kernel's own ids of them are
	 * unique only in a package, or missing; -1 when not known */
	int package, die, cluster, core, l3;
	hwloc_bitmap_t siblings; /* threads of the same core, itself among them; owned; NULL when not known */
};

/* An interrupt of a device. */
struct vn_host_irq {
	unsigned number; /* as in /proc/irq */
	hwloc_bitmap_t cpus; /* where it may go (smp_affinity_list); owned; NULL: not told */
	hwloc_bitmap_t effective; /* where it does go; owned; NULL: not told */
};

/* By number, for qsort. */
int vn_compare_irqs(const void *a, const void *b);

/* A PCI function. */
struct vn_host_device {
	char address[VN_PCI_ADDRESS]; /* 0000:3b:00.0 */
	char physical_function[VN_PCI_ADDRESS]; /* of a virtual function: its PF's address; else "" */
	char root[VN_PCI_ADDRESS]; /* root complex, as sysfs names it: pci0000:3a; "" when not known */
	int node; /* id, or -1: the firmware did not say */
	hwloc_bitmap_t local_cpus; /* owned; NULL: not told */
	int32_t class_code; /* 24 bits: base class, subclass, interface; -1: not told, set by vn_host_device_init */
	int32_t vendor, device; /* 16 bits; -1: not told */
	char *driver; /* owned, or NULL */
	size_t n_names;
	char **names; /* network interfaces, then block devices, each in the kernel's order; owned */
	size_t n_irqs;
	struct vn_host_irq *irqs; /* by number */
};

struct vn_host {
	char *source; /* as given to --host */
	char *root; /* the directory whose tree vn_discover_refresh() reads again; owned; NULL: read only once */
	bool live; /* this machine, now: the only kind that may be acted on */
	bool was_live; /* printed by a vnuma that read its own machine, read back from JSON */
	bool cores_known; /* siblings and cores were told; otherwise each CPU counts as a core */
	size_t n_nodes;
	struct vn_host_node *nodes; /* ascending by id */
	size_t n_cpus;
	struct vn_host_cpu *cpus; /* ascending by id, offline ones too */
	bool ordered; /* all that is said to be ascending is: vn_host_check() has been here */
	/*
	 * Tells this host from others: a sum (64-bit FNV-1a) over what stays while it runs, node ids, distances, and the ids of all
	 * CPUs, offline ones too; nothing of memory. Two machines of a kind have the same. 0: vn_host_check() has not been here.
	 */
	uint64_t identity;
	hwloc_bitmap_t allowed_cpus; /* this process's cpuset; owned; NULL: all */
	hwloc_bitmap_t allowed_nodes;
	/* What the limits of this process's cgroups (memory.max, cpu.max) leave, and so leave guests that it starts */
	bool has_cgroup_memory; /* false: no limit, or not told */
	uint64_t cgroup_memory; /* bytes */
	uint64_t cgroup_millicpus; /* thousandths of a CPU's time; 0: no limit, or not told */
	/*
	 * Nodes that could come online but are not: node/possible without node/online, and those that have a directory all
	 * the same. Where the kernel reads an SRAT (x86, Arm) or the hardware's own device tree, `possible` is what the
	 * firmware names: an empty socket, memory or CXL to be plugged in. In a partition of POWER it is as many as the
	 * hypervisor could ever give. A range that says "up to", not "there is": nothing is planned with these nodes.
	 * Owned; NULL: none, or not told.
	 */
	hwloc_bitmap_t offline_nodes;
	hwloc_bitmap_t isolated_cpus, nohz_full_cpus; /* owned; NULL: not told */
	int numa_balancing; /* kernel.numa_balancing: 0 off, 1 on, 2 memory tiering, 3 both; -1: not told, set by vn_host_new() */
	struct vn_hmat *hmat; /* owned, or NULL: none, or not readable */
	size_t n_devices;
	struct vn_host_device *devices; /* by address */
	struct vn_notes
		notes; /* what cannot be trusted: 'distances-missing', 'distances-flat', 'cores-unknown' … */
};

struct vn_host *vn_host_new(void);

/* What nothing is known of yet: every source makes its nodes and CPUs with these (no zero that means "0"). */
struct vn_host_node vn_host_node_init(unsigned id);
struct vn_host_cpu vn_host_cpu_init(unsigned id);
struct vn_host_device vn_host_device_init(void);

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

/* The same without notes: for a source that brings them. */
int vn_host_check(struct vn_host *host, struct vn_error *err);

/*
 * Makes the notes that speak of memory and huge pages anew, after those figures changed: 'node-without-memory' by the nodes,
 * the rest is `of_source`, copied. They come behind all others. 0, or -ENOMEM with the host as it was.
 */
int vn_host_renew_notes(struct vn_host *host, const struct vn_notes *of_source);

/* "dram", "hbm", "cxl", "persistent", "gpu", "slow", or NULL for unknown. */
const char *vn_memory_kind_text(enum vn_memory_kind kind);

/* Index of the node with this id, or -ENOENT. */
int vn_host_node_index(const struct vn_host *host, unsigned id);
const struct vn_host_cpu *vn_host_cpu(const struct vn_host *host, unsigned id);

/* The PCI function at this address, or NULL. */
const struct vn_host_device *vn_host_device(const struct vn_host *host, const char *address);

/* Whether CPUs of the node are known to be offline. */
bool vn_host_has_offline_cpus(const struct vn_host *host, const struct vn_host_node *node);

/*
 * Adds to `ret` the CPUs that are online and tell their siblings, where those do not fit with what others tell: itself is not
 * among them, or some CPU among them, online and telling, tells others. Works before the host is sorted. 0 or -ENOMEM.
 */
int vn_host_wrong_siblings(const struct vn_host *host, hwloc_bitmap_t ret);

/* Threads of the core that has the most; 0: cores are not known. */
unsigned vn_host_threads(const struct vn_host *host);

/* Physical cores among `cpus`: CPUs that share siblings count once. With cores unknown, the number of CPUs.
 */
unsigned vn_host_cores(const struct vn_host *host, hwloc_const_bitmap_t cpus);

/* `"schema": "vnuma.topology/1"`; sizes in bytes, sets as lists of integers. NULL when memory is short. */
json_t *vn_host_to_json(const struct vn_host *host);

/*
 * For people: the nodes, what stands out of them, the distance matrix, devices. `all`: every node and every device in a
 * line of its own; otherwise nodes that are alike are folded where there are more than a screen's worth, and devices
 * are told by the names that matter.
 */
void vn_host_print(const struct vn_host *host, bool all, FILE *out);

/* Free memory and huge pages of the nodes in `cells` (NULL: all). */
json_t *vn_host_free_to_json(const struct vn_host *host, hwloc_const_bitmap_t cells);
void vn_host_free_print(const struct vn_host *host, hwloc_const_bitmap_t cells, FILE *out);

/* A set as a JSON list of integers. */
json_t *vn_json_set(hwloc_const_bitmap_t set);
