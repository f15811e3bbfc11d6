/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VNUMA_H
#define VNUMA_H
/*
 * libvnuma: the NUMA topology of a host, as `vnuma topology` shows it, where guests live best on it, as `vnuma plan` says, the
 * tables that tell them of their nodes, as `vnuma acpi` writes them, and how local VMs that run are, as `vnuma audit` says.
 * The only public header.
 *
 *     struct vn_host *host;
 *     struct vn_error *err = vn_error_new();
 *     if (vn_host_open("live", &host, err) < 0)
 *             …vn_error_text(err, 0)…
 *     for (size_t i = 0; i < vn_host_node_count(host); i++)
 *             …vn_host_node_memory_free(host, i)…
 *     struct vn_guest *guest = vn_guest_new();
 *     struct vn_plan *plan;
 *     vn_guest_set_name(guest, "db1"); vn_guest_set_memory(guest, 8ull << 30); vn_guest_set_vcpus(guest, 4);
 *     if (vn_plan_guest(host, guest, NULL, &plan, err) == 0 && vn_plan_is_feasible(plan))
 *             …vn_plan_vnode_home(plan, 0)…
 *     vn_plan_free(plan);
 *     vn_guest_free(guest);
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
 * Strings belong to the host, guest, plan or error they came from and live until it is freed or cleared, except where it says "new".
 * NULL: not known, or no such index. What a function is given is not NULL, except where it says so.
 *
 * Errors. A function that takes a `struct vn_error *` adds one problem for each thing that is wrong, and returns a negative
 * errno; `err` may be NULL. On success it adds nothing. Outputs (`ret_…`) are untouched on failure. Nothing is printed, no
 * function ends the process, there is no global state. An object may be read by several threads at once, as long as none of
 * them changes, refreshes or frees it: a function that takes it as `const` only reads it, and so does planning.
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
struct vn_guest; /* a guest as wished for */
struct vn_occupied; /* what guests take of a host */
struct vn_plan; /* where a guest lives */
struct vn_plan_options; /* how to plan */
struct vn_written; /* a plan for the program that runs the guest */
struct vn_acpi; /* the tables that tell a guest of its nodes */
struct vn_acpi_options; /* for which machine */
struct vn_audit; /* how local the VMs of this machine are */
struct vn_audit_options; /* how to look at them */
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

/*
 * CPUs and nodes that this process may use (cgroup, affinity), when the host was opened; -ENODATA means all. Other limits of its
 * cgroups (memory.max, cpu.max) are heeded in planning, too, with the reason "cgroup-memory" and the warning "cgroup-cpu": a guest
 * is taken to be started by this process.
 */
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

/*
 * ---- a guest ----
 *
 * Either read from a text, or made by setters, and then planned as often as you like: planning does not change it. A vnode is
 * a NUMA node of the guest's. Where nothing is said of vnodes, the planner makes as many as the host calls for.
 */

/*
 * Reads a guest from a text: a config in the syntax of xl.cfg(5), see vnuma.cfg(5); a libvirt domain, which begins with '<'; or a QEMU
 * command line as for a shell, whose program is called qemu-… or kvm. No more than 8 MiB, of a config 1 MiB. `file` is what problems
 * call it, or NULL; no file is opened. The guest keeps the text, for vn_plan_write(). *ret_guest is new, for vn_guest_free(). 0;
 * -EINVAL with every problem that was found; -ENOENT (libxml2, which reads domains, is not there); -ENOMEM.
 */
int vn_guest_from_text(const char *text, const char *file, struct vn_guest **ret_guest, struct vn_error *err);

/* The same of `size` bytes, for what may hold a NUL: /proc/PID/cmdline, a command line with one behind each word. */
int vn_guest_from_bytes(
	const char *bytes, size_t size, const char *file, struct vn_guest **ret_guest, struct vn_error *err);

/* A guest of which nothing is said yet, for vn_guest_free() and the setters below. NULL when memory is short. */
struct vn_guest *vn_guest_new(void);
void vn_guest_free(struct vn_guest *guest); /* NULL is fine */

/*
 * Setters: 0 (add_vnode: an index), or a negative errno and the guest as it was: -EINVAL for a value that none can have, -EPERM
 * for a guest that was read from a text, which is complete, -ENOMEM. What does not fit together (vnodes with more memory than the
 * guest, a vCPU on none of them) is told when it is planned, by the keys of a config. Name and memory are required.
 */

/* 1 to 63 letters, digits, '.', '_', '+', '-', a letter or digit first. */
int vn_guest_set_name(struct vn_guest *guest, const char *name);

/* Bytes, a multiple of 1 MiB. Need not be set with vnodes: it is what they have together. */
int vn_guest_set_memory(struct vn_guest *guest, uint64_t bytes);

/* 1 to 1024. Not set: 1, or as many as the vnodes have. */
int vn_guest_set_vcpus(struct vn_guest *guest, unsigned vcpus);

/* vCPUs of a guest core (SMT), 1 to 8; vCPUs t*k to t*k + t-1 are one, on one vnode. Not set: 1. */
int vn_guest_set_threads(struct vn_guest *guest, unsigned threads);

/* Size of a huge page in bytes, a power of two from 64 KiB to 16 GiB: all of the guest's memory is to be such pages. 0, or not
 * set: ordinary pages. */
int vn_guest_set_hugepages(struct vn_guest *guest, uint64_t bytes);

/* 1: each guest core gets a physical core that nobody else has. 0, or not set: it does not. */
int vn_guest_set_exclusive_cores(struct vn_guest *guest, int exclusive);

/* "pack" (also when not set) keeps what stays free in large pieces, "spread" leaves something free everywhere. */
int vn_guest_set_policy(struct vn_guest *guest, const char *policy);

/* "auto" (also when not set); "on"; "off": an old guest, which is told of one node whatever its memory is on. */
int vn_guest_set_numa(struct vn_guest *guest, const char *mode);

/* CPUs of the host (ids) that it may use, each named once; none: all. */
int vn_guest_set_cpus(struct vn_guest *guest, const unsigned *ids, size_t n);

/*
 * A vnode: bytes, a multiple of 1 MiB; its vCPUs, counted from 0, none of which an earlier one has; `home_id` is the host's node
 * (id) where it must live, -1 leaves that to the planner. 0 vCPUs (`vcpus` may be NULL) make a vnode of memory only, 0 bytes one
 * without memory. Returns its index. -E2BIG: there are 32 already. Vnodes made so are 20 from each other; for other distances
 * read a config.
 */
int vn_guest_add_vnode(struct vn_guest *guest, uint64_t bytes, const unsigned *vcpus, size_t n, int home_id);

/* A PCI device of the host ("0000:3b:00.0") that is given to the guest, and the vnode that works with it most and is to be near
 * it. With vnodes left to the planner it is 0. -EEXIST: it has it already. */
int vn_guest_add_device(struct vn_guest *guest, const char *address, unsigned vnode);

/* NULL: no name yet. */
const char *vn_guest_name(const struct vn_guest *guest);

/* What the reader of the text wants known ("keys-unused"); it is among the warnings of each plan, too. NULL: no such note. */
size_t vn_guest_note_count(const struct vn_guest *guest);
const char *vn_guest_note_code(const struct vn_guest *guest, size_t note);
const char *vn_guest_note_text(const struct vn_guest *guest, size_t note);

/* ---- what is occupied: sums of what guests take of one host, for the next plan not to give it away again ---- */

/* Nothing is taken yet, for vn_occupied_free(). It is of this host, and good for it after vn_host_refresh(), too. NULL when
 * memory is short. */
struct vn_occupied *vn_occupied_new(const struct vn_host *host);
void vn_occupied_free(struct vn_occupied *occupied); /* NULL is fine */

/*
 * Adds what a feasible plan takes: memory, cores' worth of vCPUs, whole cores where it has them for itself. Memory that a guest
 * has touched is missing from what is free when the host is read or refreshed: it must not be counted here as well. 0; -EINVAL,
 * and nothing added, when the plan is not feasible, or the plan or `occupied` is not of this host; -ENOMEM.
 */
int vn_occupied_add_plan(
	struct vn_occupied *occupied, const struct vn_host *host, const struct vn_plan *plan);

/* Takes back what was added of the same plan (one that was not leaves wrong sums behind). The same errors. */
int vn_occupied_remove_plan(
	struct vn_occupied *occupied, const struct vn_host *host, const struct vn_plan *plan);

/* The sums, by index of the node: cores' worth of vCPUs beside those on cores of their own; bytes of a page size (0: ordinary
 * pages); -ERANGE. And the CPUs of cores that guests have for themselves. */
int64_t vn_occupied_node_load(const struct vn_occupied *occupied, size_t node);
int64_t vn_occupied_node_memory(const struct vn_occupied *occupied, size_t node, uint64_t page_size);
int vn_occupied_claimed_cpus(const struct vn_occupied *occupied, unsigned *ret_ids, size_t max);

/* ---- planning ---- */

/* The deadline when none is set, in milliseconds. */
#define VN_PLAN_DEADLINE_MS 100

/* Options for vn_plan_options_free(), all as when NULL is given for them. NULL when memory is short. */
struct vn_plan_options *vn_plan_options_new(void);
void vn_plan_options_free(struct vn_plan_options *options); /* NULL is fine */

/* What is taken already, of the host to plan on; NULL, or not set: nothing. It is not copied: keep it as long as the options. */
void vn_plan_options_set_occupied(struct vn_plan_options *options, const struct vn_occupied *occupied);

/*
 * Milliseconds after which a search ends with the best plan found by then, which is then not proven to be the best; 0: it goes on
 * until it is. Not set: VN_PLAN_DEADLINE_MS. Each search has as many: to make vnodes that were left open takes up to two more of
 * them; for guests that are planned together up to forty in all, most of them far shorter. Plans of searches that were not cut
 * short are always the same for the same input.
 */
void vn_plan_options_set_deadline(struct vn_plan_options *options, unsigned ms);

/* 1: look for the best plan that costs more, too, which takes longer; for vn_plan_guest() only. 0, or not set: do not. */
void vn_plan_options_set_runner_up(struct vn_plan_options *options, int wanted);

/*
 * Plans a guest: the homes that cost least, level by level (see vn_plan_figure), vnodes made first where they were left open.
 * `options` may be NULL. *ret_plan is new, for vn_plan_free(), and needs neither host nor guest any more. 0 with a plan that has
 * been checked, or one that is not feasible and says why; -EINVAL when the guest does not hang together or asks for what this
 * host cannot have whatever is free (a node that it does not have), or the options are of another host; -ENOMEM.
 */
int vn_plan_guest(const struct vn_host *host, const struct vn_guest *guest,
	const struct vn_plan_options *options, struct vn_plan **ret_plan, struct vn_error *err);

/*
 * Plans 1 to 64 guests jointly: what they cost together is the least. ret_plans has room for `n`; each plan stands by itself and
 * is made as if all others were there already. When there is no room for all, none is feasible and all have the same reasons.
 * Vnodes left open are made guest by guest, and again beside the plans of the others where that makes it better. Guests are taken
 * in the order of their names, so the answer does not depend on that of `guests`. Returns as vn_plan_guest() does, and -EINVAL
 * when two guests have one name or one device; on failure no plan is made.
 */
int vn_plan_guests(const struct vn_host *host, struct vn_guest *const *guests, size_t n,
	const struct vn_plan_options *options, struct vn_plan **ret_plans, struct vn_error *err);

/*
 * Reads a plan back from what vn_plan_json() or `vnuma plan --json` made, for the host that it is to be counted on. All of it is
 * checked: its parts agree with each other, name nothing that the host does not have, and are of this host where they tell the
 * host they were made for. `file` is what problems call it, or NULL; no file is opened. *ret_plan is new. 0; -EINVAL with all
 * problems; -ENOMEM.
 */
int vn_plan_from_text(const char *text, const char *file, const struct vn_host *host,
	struct vn_plan **ret_plan, struct vn_error *err);
void vn_plan_free(struct vn_plan *plan); /* NULL is fine */

/* ---- a plan ---- */

/* The plan as JSON, "schema": "vnuma.plan/1", with all that follows here. A new string, for free(3); NULL when memory is short. */
char *vn_plan_json(const struct vn_plan *plan);

/* The name of the guest. */
const char *vn_plan_guest_name(const struct vn_plan *plan);

/* 1 when there is room for the guest, else 0: then see the reasons; there are no vnodes, vCPUs and costs, but a guest's view. */
int vn_plan_is_feasible(const struct vn_plan *plan);

/* 1 when it was proven that no plan is better or, of one that is not feasible, that there is none; 0 when the deadline came first. */
int vn_plan_is_optimal(const struct vn_plan *plan);

/* What a plan costs, by the levels of the objective, the most important first: no gain at a later one makes up for a loss at an
 * earlier one. */
enum vn_plan_figure {
	VN_PLAN_SPILL, /* "spill": bytes of vnodes that are not on their home */
	VN_PLAN_SQUEEZE, /* "squeeze": vCPUs (with threads: guest cores) that must share a core */
	VN_PLAN_DISTANCE, /* "distance": sum over vnodes v, w of vCPUs(v) * MiB(w) * distance between the homes, and of devices */
	VN_PLAN_LOAD_VCPUS, /* "load": the highest ratio over the nodes of vCPUs that run there, … */
	VN_PLAN_LOAD_CORES, /* … to the cores of that node */
	VN_PLAN_FRAGMENTATION /* "fragmentation": sum over nodes of the square of MiB left free */
};

/* -ENODATA when it is not feasible; -EINVAL for a figure that is none. What is beyond 2^63 - 1 is told as that. */
int64_t vn_plan_cost(const struct vn_plan *plan, enum vn_plan_figure figure);

/* The mean distance of an access from a vCPU of the guest to its memory: 10.0 when all is local, where the plan has it: with what spills.
 * -ENODATA when it is not feasible, or there is no memory or vCPU. */
double vn_plan_mean_distance(const struct vn_plan *plan);

/*
 * Where it is feasible but not proven optimal: the name of the first level at which a better plan was not ruled out ("ties": only
 * one that costs the same), and the figures of that level than which no plan has better ones. NULL and -ENODATA otherwise, and
 * for figures of other levels.
 */
const char *vn_plan_open_level(const struct vn_plan *plan);
int64_t vn_plan_bound(const struct vn_plan *plan, enum vn_plan_figure figure);

/* The best plan found that costs more, if it was asked for and there is one: node (id) of each vnode, its cost, and the level by
 * which it loses. -ENODATA, NULL. */
int vn_plan_runner_up_home(const struct vn_plan *plan, size_t vnode);
int64_t vn_plan_runner_up_cost(const struct vn_plan *plan, enum vn_plan_figure figure);
const char *vn_plan_runner_up_level(const struct vn_plan *plan);

/* How memory is to be tied to the nodes of vn_plan_vnode_nodes(): "preferred" (home first, others under pressure), "strict" (only
 * these), "interleave" (page by page over these). NULL when it is not feasible. */
const char *vn_plan_memory_policy(const struct vn_plan *plan);

/* Vnodes, counted from 0; 0 when it is not feasible. The home is a node of the host (id), memory is in bytes. */
size_t vn_plan_vnode_count(const struct vn_plan *plan);
int vn_plan_vnode_home(const struct vn_plan *plan, size_t vnode);
int64_t vn_plan_vnode_memory(const struct vn_plan *plan, size_t vnode);

/* Nodes of the host (ids) that its memory is on, and how much is on one: 0 where there is none of it. */
int vn_plan_vnode_nodes(const struct vn_plan *plan, size_t vnode, unsigned *ret_ids, size_t max);
int64_t vn_plan_vnode_memory_on(const struct vn_plan *plan, size_t vnode, unsigned node_id);

/* Its vCPUs, and the CPUs of the host (ids) that these may use. */
int vn_plan_vnode_vcpus(const struct vn_plan *plan, size_t vnode, unsigned *ret_ids, size_t max);
int vn_plan_vnode_cpus(const struct vn_plan *plan, size_t vnode, unsigned *ret_ids, size_t max);

/* vCPUs that are possible, counted from 0; 0 when it is not feasible. The vnode that one is on, the CPUs of the host that it may
 * use. */
size_t vn_plan_vcpu_count(const struct vn_plan *plan);
int vn_plan_vcpu_vnode(const struct vn_plan *plan, size_t vcpu);
int vn_plan_vcpu_cpus(const struct vn_plan *plan, size_t vcpu, unsigned *ret_ids, size_t max);

/* CPUs of the host for the VMM's other threads. -ENODATA when it is not feasible. */
int vn_plan_emulator_cpus(const struct vn_plan *plan, unsigned *ret_ids, size_t max);

/*
 * What a Linux guest will see of itself: its nodes, by the numbers that its kernel gives them. The vnode that one is, its memory in
 * bytes as given (the kernel keeps some for itself), its vCPUs that are online at start, the distance between two.
 */
size_t vn_plan_view_node_count(const struct vn_plan *plan);
int vn_plan_view_node_vnode(const struct vn_plan *plan, size_t node);
int64_t vn_plan_view_node_memory(const struct vn_plan *plan, size_t node);
int vn_plan_view_node_cpus(const struct vn_plan *plan, size_t node, unsigned *ret_ids, size_t max);
int vn_plan_view_distance(const struct vn_plan *plan, size_t from, size_t to);

/* Warnings, and the reasons why a plan is not feasible: a stable code for programs ("smt-squeeze"), and a sentence for people.
 * NULL: there is no such. */
size_t vn_plan_warning_count(const struct vn_plan *plan);
const char *vn_plan_warning_code(const struct vn_plan *plan, size_t warning);
const char *vn_plan_warning_text(const struct vn_plan *plan, size_t warning);
size_t vn_plan_reason_count(const struct vn_plan *plan);
const char *vn_plan_reason_code(const struct vn_plan *plan, size_t reason);
const char *vn_plan_reason_text(const struct vn_plan *plan, size_t reason);

/*
 * ---- a plan, written for the program that runs the guest ----
 *
 * As `vnuma plan --to` does: "qemu" (a command line for a shell), "qemu-json" (its words, an array), "libvirt" (a domain for `virsh define`)
 * or "xl" (a config for `xl create`). A guest that was read from a text of that form is given back in that text, where only what is
 * about NUMA is filled in or corrected; any other becomes a text of its own.
 */

/*
 * `version` is that of the QEMU, libvirt or Xen it is for, "9.2" or "9.2.1"; NULL: those of Debian 12, and so for later ones, too.
 * *ret_written is new, for vn_written_free(), and needs nothing else any more. 0; -EINVAL with all that the target would refuse, for
 * a form or version that is none, a plan that is not feasible, a guest that the form has no words for; -ENOENT (no libxml2, which
 * "libvirt" needs); -ENOMEM.
 */
int vn_plan_write(const struct vn_plan *plan, const char *form, const char *version,
	struct vn_written **ret_written, struct vn_error *err);
void vn_written_free(struct vn_written *written); /* NULL is fine */

/* The text, to be written to a file as it is. */
const char *vn_written_text(const struct vn_written *written);

/* What the text does not carry: "pins-left-out" (a command line has none), "guest-bare" (the guest was made by setters, or came with
 * vn_plan_from_text(): its disks are not known), others by what the form lacks. NULL: no such note. */
size_t vn_written_note_count(const struct vn_written *written);
const char *vn_written_note_code(const struct vn_written *written, size_t note);
const char *vn_written_note_text(const struct vn_written *written, size_t note);

/*
 * ---- ACPI tables: what tells a guest of its nodes ----
 *
 * For VMMs that make none: the SRAT says which CPU (by APIC id) and which memory is in which node, the SLIT how far nodes are from
 * each other, the HMAT how fast memory is. They say what the guest sees, not where it lives. x86 only. docs/acpi.md has how a
 * guest gets them.
 */

/* Options for vn_acpi_options_free(), all as when NULL is given for them. NULL when memory is short. */
struct vn_acpi_options *vn_acpi_options_new(void);
void vn_acpi_options_free(struct vn_acpi_options *options); /* NULL is fine */

/* Memory is where QEMU's machine has it: "q35" or "pc". When not set it is the guest's own, or "q35" where it says none (a domain or a
 * command line: "pc", their default). Contradicting the guest's own is refused by vn_acpi_of_guest(). -EINVAL for another. */
int vn_acpi_options_set_machine(struct vn_acpi_options *options, const char *machine);

/* 1: the guest's CPU is one of AMD's. QEMU then puts what is above 4 GiB at 1 TiB when memory comes near that. 0, or not set: it is
 * not, or the guest is smaller. */
void vn_acpi_options_set_amd(struct vn_acpi_options *options, int amd);

/*
 * Memory is where a machine of your own has it: from 0 up to `low_end` at most, and what is left from `high_start` on; without the
 * 384 KiB below 1 MiB, which take up as much of it. Bytes, multiples of 1 MiB, low_end up to 4 GiB and not above high_start. What
 * may be plugged in (maxmem) begins at the next multiple of 1 GiB behind it. -EINVAL, and nothing is set.
 */
int vn_acpi_options_set_memory(struct vn_acpi_options *options, uint64_t low_end, uint64_t high_start);

/* 1: CPUs are told by vnode, so that Linux makes vnode i its node i, but that vnodes without vCPUs still come last. 0, or not
 * set: they are told by vCPU, as QEMU and Xen do, and as a plan's view has it: the vnode of vCPU 0 is node 0. */
void vn_acpi_options_set_vnode_order(struct vn_acpi_options *options, int wanted);

/* Who made the tables: up to 6 and up to 8 printable characters, and a revision. Not set: "VNUMA", "GUEST", 1. -EINVAL. */
int vn_acpi_options_set_oem(
	struct vn_acpi_options *options, const char *id, const char *table_id, uint32_t revision);

/* A PCI device of the guest ("0000:03:00.0", as the guest numbers it) that reads and writes memory by itself, and the vnode that
 * it is near: a generic initiator. -EINVAL; -E2BIG: there are 256 already. */
int vn_acpi_options_add_initiator(struct vn_acpi_options *options, const char *address, unsigned vnode);

/*
 * Makes the tables of a guest that has vnodes, or of the guest of a plan, with the vnodes that planning made. `options` may be NULL.
 * APIC ids are those of sockets, cores and threads as `vnuma plan --to qemu` has them: the VMM must give its vCPUs the same.
 * *ret_acpi is new, for vn_acpi_free(), and needs nothing else any more. 0; -EINVAL with all that is wrong (a guest that leaves
 * its vnodes open, or is to be told of none; a plan that is not feasible; an initiator's vnode that there is not); -ENOMEM.
 */
int vn_acpi_of_guest(const struct vn_guest *guest, const struct vn_acpi_options *options,
	struct vn_acpi **ret_acpi, struct vn_error *err);
int vn_acpi_of_plan(const struct vn_plan *plan, const struct vn_acpi_options *options,
	struct vn_acpi **ret_acpi, struct vn_error *err);
void vn_acpi_free(struct vn_acpi *acpi); /* NULL is fine */

/* The bytes of "SRAT", "SLIT" or "HMAT", header and checksum and all, ready to be put into the guest's memory. They belong to
 * `acpi`. NULL: there is no such table (an HMAT is made for a guest that is told of latencies). */
const unsigned char *vn_acpi_table(const struct vn_acpi *acpi, const char *signature, size_t *ret_size);

/* The number that a Linux guest gives a vnode; -ENODATA when it has neither vCPUs nor memory in the tables. */
int vn_acpi_vnode_node(const struct vn_acpi *acpi, size_t vnode);

/* The ranges of memory that the SRAT tells, counted from 0, ascending: address and size in bytes, vnode; 1 when it is one that
 * memory may be plugged into, else 0. */
size_t vn_acpi_range_count(const struct vn_acpi *acpi);
int64_t vn_acpi_range_base(const struct vn_acpi *acpi, size_t range);
int64_t vn_acpi_range_size(const struct vn_acpi *acpi, size_t range);
int vn_acpi_range_vnode(const struct vn_acpi *acpi, size_t range);
int vn_acpi_range_is_pluggable(const struct vn_acpi *acpi, size_t range);

/* What is to be known of them: "acpi-hmat-rounded" (figures that differ too much for the table), "acpi-node-order" (a vnode that
 * Linux gives another number), "acpi-amd" (QEMU would lay memory out otherwise for an AMD CPU), "acpi-machine" (a default was taken), "acpi-plugged". NULL: no such note. */
size_t vn_acpi_note_count(const struct vn_acpi *acpi);
const char *vn_acpi_note_code(const struct vn_acpi *acpi, size_t note);
const char *vn_acpi_note_text(const struct vn_acpi *acpi, size_t note);

/* ---- Audits: how local the VMs of this machine are, as `vnuma audit` says ---- */

/* Options for vn_audit_options_free(), all as when NULL is given for them. NULL when memory is short. */
struct vn_audit_options *vn_audit_options_new(void);
void vn_audit_options_free(struct vn_audit_options *options); /* NULL is fine */

/* How long threads are looked at, 0 to 60000 ms; 0: once, and no times are known. Without it: 1000. */
void vn_audit_options_set_interval(struct vn_audit_options *options, unsigned ms);

/* Pages that are drawn of each block of guest memory, 1 to 1048576, by a seed. Without it: 4096, by seed 1. */
void vn_audit_options_set_pages(struct vn_audit_options *options, unsigned pages, uint64_t seed);

/* Nonzero: every page is looked at, which is exact, and slow for large VMs. */
void vn_audit_options_set_exact(struct vn_audit_options *options, int wanted);

/* The locality from 0 to 1 below which a VM counts as remote. Without it: 0.9. */
void vn_audit_options_set_threshold(struct vn_audit_options *options, double threshold);

/* Nonzero: monitors (QMP) that nobody uses may be asked. Without it none is. */
void vn_audit_options_set_monitors(struct vn_audit_options *options, int wanted);

/* A descriptor: once it is readable, vn_audit_run() ends with -ECANCELED. It stays the caller's. Without it, or with -1: none. */
void vn_audit_options_set_stop(struct vn_audit_options *options, int fd);

/* Only VMs of this name, uuid, Proxmox id or pid; each call adds one. Without it: all. 0, -ENOMEM, -EINVAL: an empty name. */
int vn_audit_options_add_vm(struct vn_audit_options *options, const char *name);

/*
 * Looks at the QEMUs of this machine and judges what it saw. Nothing is changed; VMs that vnuma started are looked at as any others.
 * What could not be read is left unknown and said (vn_audit_json(), gaps). `options` may be NULL. *ret_audit is new, for
 * vn_audit_free(). 0; -EINVAL for an option out of range; -ENOENT: no VM has a name that was asked for; -ECANCELED; -ENOMEM; what
 * keeps /sys or /proc from being read at all.
 */
int vn_audit_run(const struct vn_audit_options *options, struct vn_audit **ret_audit, struct vn_error *err);
void vn_audit_free(struct vn_audit *audit); /* NULL is fine */

/* All of it: `"schema": "vnuma.audit/1"`, as `vnuma audit --json` prints it. New, for free(); NULL: out of memory. */
char *vn_audit_json(const struct vn_audit *audit);

/* VMs, counted from 0, worst first: what their findings cost, then locality. How many of them are below the threshold for sure. */
size_t vn_audit_vm_count(const struct vn_audit *audit);
size_t vn_audit_below_count(const struct vn_audit *audit);

/* As its manager calls it: printable UTF-8, at most 127 bytes, whatever the name was; not always unique. */
const char *vn_audit_vm_name(const struct vn_audit *audit, size_t vm);
int64_t vn_audit_vm_pid(const struct vn_audit *audit, size_t vm);

/* "none", "vnuma", "libvirt", "proxmox", "libvirt-session"; more may come. */
const char *vn_audit_vm_manager(const struct vn_audit *audit, size_t vm);

/*
 * Locality, 0 to 1: the sum over vCPUs of a vCPU's share of the VM's CPU time times the share of its vnode's pages on the node it ran
 * on; with the bounds of a 99% interval. Each of `ret_…` may be NULL. 0; -ENODATA: not known; -ERANGE.
 */
int vn_audit_vm_locality(
	const struct vn_audit *audit, size_t vm, double *ret_share, double *ret_low, double *ret_high);

/* The mean distance of an access by the same weights: 10 when all is local. 0; -ENODATA; -ERANGE. */
int vn_audit_vm_mean_distance(const struct vn_audit *audit, size_t vm, double *ret_distance);

/* Bytes of guest memory estimated on the node with this id; -ENODATA when none could be looked at. */
int64_t vn_audit_vm_memory(const struct vn_audit *audit, size_t vm, unsigned node_id);

/*
 * Findings of a VM, worst first; with VN_AUDIT_HOST for `vm` those of the host. Code ("memory-remote"; docs/findings.md has them
 * all), severity ("notice", "low", "medium", "high"), a sentence, and the shell command that mends it, NULL: there is none, or no
 * such finding.
 */
#define VN_AUDIT_HOST ((size_t)-1)
size_t vn_audit_finding_count(const struct vn_audit *audit, size_t vm);
const char *vn_audit_finding_code(const struct vn_audit *audit, size_t vm, size_t finding);
const char *vn_audit_finding_severity(const struct vn_audit *audit, size_t vm, size_t finding);
const char *vn_audit_finding_text(const struct vn_audit *audit, size_t vm, size_t finding);
const char *vn_audit_finding_fix(const struct vn_audit *audit, size_t vm, size_t finding);

/* What it costs, in CPUs' worth of time that is lost now; negative: no such finding. */
double vn_audit_finding_cost(const struct vn_audit *audit, size_t vm, size_t finding);

/* The vnode, the thread that it is about; -ENODATA: none alone; -ERANGE: no such finding. */
int64_t vn_audit_finding_vnode(const struct vn_audit *audit, size_t vm, size_t finding);
int64_t vn_audit_finding_thread(const struct vn_audit *audit, size_t vm, size_t finding);

#ifdef __cplusplus
}
#endif

#endif
