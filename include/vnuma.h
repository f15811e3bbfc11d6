/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VNUMA_H
#define VNUMA_H
/*
 * libvnuma: the NUMA topology of a host, as `vnuma topology` shows it. The only public header.
 *
 *     struct vn_host *host;
 *     struct vn_error *err = vn_error_new();
 *     if (vn_host_open("live", &host, err) < 0)
 *             …vn_error_text(err, 0)…
 *     for (size_t i = 0; i < vn_host_node_count(host); i++)
 *             …vn_host_node_memory_free(host, i)…
 *     vn_host_free(host);
 *     vn_error_free(err);
 *
 * Numbers. Every figure is returned as it is, or else as a negative errno:
 *     -ENODATA   the source does not tell it: not known, which is never the same as 0
 *     -ERANGE    there is no such index
 * Memory is in bytes, latency in nanoseconds, bandwidth in MB/s (10^6 bytes a second).
 *
 * Indices and ids. Nodes, CPUs and devices are counted from 0 in ascending order of id (devices: of address). Ids are the
 * kernel's and may have gaps: an index is no id. Functions take an index unless a parameter is called `id`.
 *
 * Sets of CPUs or nodes are told in the way of snprintf: up to `max` ids are written to `ret_ids` in ascending order, and the
 * number of all there are is returned, which may be more. With `max` 0 `ret_ids` may be NULL. -ENODATA: not known.
 *
 * Strings belong to the host or the error they came from and live until it is freed or cleared, except where it says "new".
 * NULL: not known, or no such index. What a function is given is not NULL, except where it says so.
 *
 * Errors. A function that takes a `struct vn_error *` adds one problem for each thing that is wrong, and returns a negative
 * errno; `err` may be NULL. On success it adds nothing. Outputs (`ret_…`) are untouched on failure. Nothing is printed, no
 * function ends the process, there is no global state. A host may be read by several threads at once, as long as none of
 * them refreshes or frees it.
 */

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Of this header; vn_version() is that of the library. */
#define VNUMA_VERSION "0.1.0"
#define VNUMA_VERSION_MAJOR 0
#define VNUMA_VERSION_MINOR 1
#define VNUMA_VERSION_MICRO 0

/* "0.1.0". Never NULL; lives for ever. */
const char *vn_version(void);

struct vn_host; /* a host: nodes, CPUs, devices */
struct vn_error; /* what was wrong, all of it */

/* ---- errors ---- */

/* An object without problems, for vn_error_free(). NULL when memory is short, which every function takes. */
struct vn_error *vn_error_new(void);
void vn_error_free(struct vn_error *err); /* NULL is fine */

/* Forgets the problems, so that the object can be used again. `err` is not NULL. */
void vn_error_clear(struct vn_error *err);

/* Number of problems; 0 for NULL. */
size_t vn_error_count(const struct vn_error *err);

/* What problem `index` is: the value seen and what was expected, in a sentence for people. */
const char *vn_error_text(const struct vn_error *err, size_t index);

/* Where it is: the file, the key in it ("nodes[3].distances.7"), and the line, counted from 1; NULL or 0 where that is not
 * known or makes no sense. */
const char *vn_error_file(const struct vn_error *err, size_t index);
const char *vn_error_key(const struct vn_error *err, size_t index);
unsigned vn_error_line(const struct vn_error *err, size_t index);

/* 1 when at least one problem is the input's (a wrong source or file), 0 when all are the environment's (permission, memory). */
int vn_error_is_input(const struct vn_error *err);

/* ---- a host ---- */

/*
 * Reads a host: "live" is this machine; "sysfs:DIR" a copied tree with sys/ and proc/; "numactl:FILE" the text of
 * `numactl --hardware`; "json:FILE" what `vnuma topology --json` printed; and whatever else `vnuma help topology` lists.
 * *ret_host is new, for vn_host_free(). 0, or a negative errno: -EINVAL for a source that is none or whose content is
 * wrong, others for what could not be read.
 */
int vn_host_open(const char *source, struct vn_host **ret_host, struct vn_error *err);
void vn_host_free(struct vn_host *host); /* NULL is fine */

/*
 * Reads memory and huge pages of each node again, and nothing else: a fraction of the time of vn_host_open(). 0, or a negative
 * errno, and then the host is as it was: -EOPNOTSUPP for a source that is a file (its figures do not change), -ESTALE when
 * nodes came or went: open the host anew. Strings and indices from before stay good, except that pools of huge pages may
 * have come or gone, and so may notes that speak of memory or huge pages ("node-without-memory"): ask for notes anew.
 */
int vn_host_refresh(struct vn_host *host, struct vn_error *err);

/* Where it was read, in the form that vn_host_open() takes; for "json:FILE" where the file says it was read. NULL: not told. */
const char *vn_host_source(const struct vn_host *host);

/* 1 when it is this machine as it was when opened, else 0. */
int vn_host_is_live(const struct vn_host *host);

/* The whole host as JSON, "schema": "vnuma.topology/1"; what "json:FILE" reads. A new string, for free(3); NULL when memory is
 * short. */
char *vn_host_json(const struct vn_host *host);

/* CPUs and nodes that this process may use (cgroup, affinity), when the host was opened; -ENODATA means all. */
int vn_host_allowed_cpus(const struct vn_host *host, unsigned *ret_ids, size_t max);
int vn_host_allowed_nodes(const struct vn_host *host, unsigned *ret_ids, size_t max);

/* Nodes that the kernel holds possible but that are not online; -ENODATA when there are none. Where firmware names them, that is
 * an empty socket or memory to be plugged in; a POWER hypervisor may name as many as it could ever give. */
int vn_host_offline_nodes(const struct vn_host *host, unsigned *ret_ids, size_t max);

/* ---- nodes ---- */

size_t vn_host_node_count(const struct vn_host *host);

/* The kernel's number of the node, or -ERANGE. */
int vn_host_node_id(const struct vn_host *host, size_t node);

/* Index of the node with this id; -ENOENT when there is none. */
int vn_host_node_index(const struct vn_host *host, unsigned id);

/* Bytes. Total: 0 for a node without memory. Reclaimable: page cache and slab that the kernel would give up for the asking, on
 * top of what is free. */
int64_t vn_host_node_memory_total(const struct vn_host *host, size_t node);
int64_t vn_host_node_memory_free(const struct vn_host *host, size_t node);
int64_t vn_host_node_memory_reclaimable(const struct vn_host *host, size_t node);

/* What the memory is made of: "dram" (where sysfs was read, what a node with CPUs is taken for, unless something says otherwise), "hbm", "cxl",
 * "persistent", "gpu", "slow" (slower than the DRAM near it, and nothing says what it is); more may come. NULL: not known. */
const char *vn_host_node_kind(const struct vn_host *host, size_t node);

/* The kernel's memory tier, lower is faster; -ENODATA. */
int vn_host_node_tier(const struct vn_host *host, size_t node);

/* The weight in weighted interleave, 1 to 255; -ENODATA on kernels before 6.9. */
int vn_host_node_interleave_weight(const struct vn_host *host, size_t node);

/* CPUs of the node that are online; 0 for a node of memory only. */
int vn_host_node_cpus(const struct vn_host *host, size_t node, unsigned *ret_ids, size_t max);

/* Physical cores among them: CPUs that are siblings count once. -ENODATA when siblings are not known. */
int vn_host_node_cores(const struct vn_host *host, size_t node);

/* Pools of huge pages, counted from 0, ascending by size: bytes of a page, and pages in all, free, and surplus (given beyond
 * the pool's set size; they are part of the total). The count is -ERANGE for a node that is none. */
int vn_host_node_pool_count(const struct vn_host *host, size_t node);
int64_t vn_host_node_pool_page_size(const struct vn_host *host, size_t node, size_t pool);
int64_t vn_host_node_pool_total(const struct vn_host *host, size_t node, size_t pool);
int64_t vn_host_node_pool_free(const struct vn_host *host, size_t node, size_t pool);
int64_t vn_host_node_pool_surplus(const struct vn_host *host, size_t node, size_t pool);

/*
 * Distance from the CPUs of node `from_id` to the memory of node `to_id`, as the firmware tells it: 10 is local, 20 twice as
 * far, 255 unreachable. Both are ids. It may differ by direction; see the notes for when it cannot be trusted. -ENODATA when
 * not told, -ENOENT when there is no such node.
 */
int vn_host_distance(const struct vn_host *host, unsigned from_id, unsigned to_id);

/* Whose view of a node's memory: the initiators that are best of any kind (GPUs, too), or best among CPUs. */
enum vn_access_class { VN_ACCESS_ANY = 0, VN_ACCESS_CPU = 1 };

enum vn_access_figure {
	VN_ACCESS_READ_LATENCY, /* ns */
	VN_ACCESS_WRITE_LATENCY, /* ns */
	VN_ACCESS_READ_BANDWIDTH, /* MB/s */
	VN_ACCESS_WRITE_BANDWIDTH /* MB/s */
};

/* How fast a node's memory is from its best initiators, and which nodes these are (ids). -ENODATA when not told; -EINVAL for
 * a class or figure that is none. */
int64_t vn_host_node_access(
	const struct vn_host *host, size_t node, enum vn_access_class access, enum vn_access_figure figure);
int vn_host_node_initiators(
	const struct vn_host *host, size_t node, enum vn_access_class access, unsigned *ret_ids, size_t max);

/* Caches in front of a node's memory, in order of level; 1 is nearest to the memory. Sizes in bytes. */
int vn_host_node_cache_count(const struct vn_host *host, size_t node);
int vn_host_node_cache_level(const struct vn_host *host, size_t node, size_t cache);
int64_t vn_host_node_cache_size(const struct vn_host *host, size_t node, size_t cache);
int64_t vn_host_node_cache_line_size(const struct vn_host *host, size_t node, size_t cache);
/* 0 direct-mapped, 1 complex, 2 other. */
int vn_host_node_cache_indexing(const struct vn_host *host, size_t node, size_t cache);
/* 0 write-back, 1 write-through, 2 other. */
int vn_host_node_cache_write_policy(const struct vn_host *host, size_t node, size_t cache);

enum vn_host_hmat_figure {
	VN_HOST_HMAT_ACCESS_LATENCY, /* ps */
	VN_HOST_HMAT_READ_LATENCY, /* ps */
	VN_HOST_HMAT_WRITE_LATENCY, /* ps */
	VN_HOST_HMAT_ACCESS_BANDWIDTH, /* MB/s */
	VN_HOST_HMAT_READ_BANDWIDTH, /* MB/s */
	VN_HOST_HMAT_WRITE_BANDWIDTH /* MB/s */
};

/*
 * What the firmware's HMAT says of the memory (not of a cache) of node `to_id` from node `from_id`, both ids; a node without
 * CPUs may be an initiator, too. -ENODATA: no table, no leave to read it (root has it), or not told; -ENXIO: the initiator
 * cannot reach the memory; -ENOENT: no node `to_id`; -EINVAL: a figure that is none. The whole table is in vn_host_json().
 */
int64_t vn_host_hmat(
	const struct vn_host *host, enum vn_host_hmat_figure figure, unsigned from_id, unsigned to_id);

/* ---- CPUs: logical ones, offline ones among them ---- */

size_t vn_host_cpu_count(const struct vn_host *host);

/* The kernel's number of the CPU, or -ERANGE. */
int vn_host_cpu_id(const struct vn_host *host, size_t cpu);

/* Index of the CPU with this id; -ENOENT when there is none. */
int vn_host_cpu_index(const struct vn_host *host, unsigned id);

/* Id of its node; -ENODATA when it is in none, or offline where the kernel does not tell the node of such a CPU. */
int vn_host_cpu_node(const struct vn_host *host, size_t cpu);

/* The kernel's ids. A core's id says something only together with package and die. Cluster and L3: the lowest CPU of those that
 * share it. */
int vn_host_cpu_package(const struct vn_host *host, size_t cpu);
int vn_host_cpu_die(const struct vn_host *host, size_t cpu);
int vn_host_cpu_cluster(const struct vn_host *host, size_t cpu);
int vn_host_cpu_core(const struct vn_host *host, size_t cpu);
int vn_host_cpu_l3(const struct vn_host *host, size_t cpu);

/* 1 or 0. Isolated: taken from the scheduler (isolcpus); nohz_full: without the tick. -ENODATA where the kernel does not say. */
int vn_host_cpu_online(const struct vn_host *host, size_t cpu);
int vn_host_cpu_isolated(const struct vn_host *host, size_t cpu);
int vn_host_cpu_nohz_full(const struct vn_host *host, size_t cpu);

/* Threads of the same core, itself among them (ids). */
int vn_host_cpu_siblings(const struct vn_host *host, size_t cpu, unsigned *ret_ids, size_t max);

/* ---- PCI devices ---- */

size_t vn_host_device_count(const struct vn_host *host);

/* "0000:3b:00.0". */
const char *vn_host_device_address(const struct vn_host *host, size_t device);

/* Id of the node that it is on; -ENODATA when the firmware does not say. */
int vn_host_device_node(const struct vn_host *host, size_t device);

/* 24 bits: base class, subclass, interface (0x020000: Ethernet). -ENODATA, -ERANGE. */
int vn_host_device_class_code(const struct vn_host *host, size_t device);

/* PCI ids of vendor and device. -ENODATA, -ERANGE. */
int vn_host_device_vendor(const struct vn_host *host, size_t device);
int vn_host_device_product(const struct vn_host *host, size_t device);

/* NULL: no driver is bound, or (hwloc) the source does not tell drivers. */
const char *vn_host_device_driver(const struct vn_host *host, size_t device);

/* Names of its network interfaces, block devices and the like. The count is -ERANGE for a device that is none. */
int vn_host_device_name_count(const struct vn_host *host, size_t device);
const char *vn_host_device_name(const struct vn_host *host, size_t device, size_t name);

/* Address of the physical function, for a virtual one; else NULL. */
const char *vn_host_device_physical_function(const struct vn_host *host, size_t device);

/* The root complex, as the kernel names it: "pci0000:3a". NULL: not known. */
const char *vn_host_device_root(const struct vn_host *host, size_t device);

/* CPUs near it. */
int vn_host_device_cpus(const struct vn_host *host, size_t device, unsigned *ret_ids, size_t max);

/* Its interrupts, counted from 0, ascending by number: the number in /proc/irq, the CPUs where it may go, and where it does. */
int vn_host_device_irq_count(const struct vn_host *host, size_t device);
int vn_host_device_irq_number(const struct vn_host *host, size_t device, size_t irq);
int vn_host_device_irq_cpus(
	const struct vn_host *host, size_t device, size_t irq, unsigned *ret_ids, size_t max);
int vn_host_device_irq_effective_cpus(
	const struct vn_host *host, size_t device, size_t irq, unsigned *ret_ids, size_t max);

/* ---- notes (in JSON: "warnings"): what cannot be trusted, or is odd ---- */

size_t vn_host_note_count(const struct vn_host *host);

/* A stable code for programs ("distances-flat"), and a sentence for people. NULL: no such note. */
const char *vn_host_note_code(const struct vn_host *host, size_t note);
const char *vn_host_note_text(const struct vn_host *host, size_t note);

#ifdef __cplusplus
}
#endif

#endif
