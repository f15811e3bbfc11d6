/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* A guest as wished for, complete: what the user left open has been filled in (except homes, which the
 * planner chooses). */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "../base/set.h"
#include "guest_channel.h"
#include "guest_machine.h"
#include "hmat.h"
#include "pci.h"

#define VN_NAME_MAX 63 /* bytes of a guest's name */
#define VN_MAX_VNODES                                                                                        \
	32 /* Xen's limit, the lowest of the hypervisors we speak to (xen/include/public/vnuma.h and libxl's \
	      checks) */
#define VN_MAX_VCPUS                                                                                         \
	1024 /* QEMU's q35 takes at most 1024 since 8.x, 288 before; QEMU itself refuses more than it can */
#define VN_MAX_MEMORY                                                                                        \
	(UINT64_C(1)                                                                                         \
		<< 46) /* bytes, 64 TiB: the x86 limit of a 4-level kernel's direct map                 \
			     */
#define VN_MAX_THREADS 8u /* of a guest core: POWER has 8, all else fewer */
#define VN_MIB (UINT64_C(1) << 20)

enum vn_guest_numa { VN_GUEST_NUMA_AUTO, VN_GUEST_NUMA_ON, VN_GUEST_NUMA_OFF };
enum vn_policy { VN_POLICY_PACK, VN_POLICY_SPREAD };
enum vn_memory_policy { VN_MEMORY_PREFERRED, VN_MEMORY_STRICT };

/* How memory is tied to pnodes (set_mempolicy(2)). */
enum vn_binding {
	VN_BINDING_PREFERRED, /* home first, the kernel may go elsewhere under pressure */
	VN_BINDING_STRICT, /* only the pnodes that are named */
	VN_BINDING_INTERLEAVE, /* page by page over the pnodes that are named: a guest that is told of one node but needs
				  several, or whose user says so */
};

/* What a guest was read from, and is given back as. */
enum vn_guest_form {
	VN_FORM_NONE, /* made by setters, or from a plan's JSON */
	VN_FORM_CFG, /* xl.cfg syntax */
	VN_FORM_LIBVIRT, /* domain XML */
	VN_FORM_QEMU, /* a command line of QEMU's */
};

struct vn_vnode {
	uint64_t
		memory; /* bytes, a multiple of 1 MiB and of the huge page size; 0 only of a vnode with vCPUs, one of them online at start */
	hwloc_bitmap_t vcpus; /* owned; empty: a memory-only vnode */
	uint32_t *distances; /* n_vnodes of them: 10 to itself, 11..255 to others */
	int home; /* the pnode id the user wants, or -1: the planner chooses */
	struct vn_where home_where; /* strings belong to the guest */
	hwloc_bitmap_t
		nodes; /* pnodes where alone it may live and have memory; owned; NULL: any. `home` is among them */
	bool has_binding; /* the user fixed how its memory is tied: by `binding` to all of `nodes`, to the letter; preferred with `nodes` NULL:
			     to `home`, and to any under pressure */
	enum vn_binding binding;
	bool has_page; /* pages of a size of its own, `page` bytes, 0 for ordinary ones; see vn_vnode_page() */
	uint64_t page;
	bool shared; /* its memory at start is for other processes to map, as a command line says of it alone; of all: see `machine` */
	uint64_t
		plugged; /* bytes of `memory` that memory devices hold, which are no part of the memory at start */
	uint64_t
		virtio_mem; /* bytes that a virtio-mem device of it can have, `plugged` of them at start: it can grow and shrink while it runs;
			       0: it has none, and what is plugged is a DIMM's */
};

#define VN_MAX_IOTHREAD_ID 32u /* bytes, with its end */

#define VN_VIRTIO_MEM_BLOCK                                                                                  \
	(UINT64_C(2)                                                                                         \
		<< 20) /* bytes of a virtio-mem device's block, where pages are smaller: a huge page of x86 */
#define VN_LINUX_MEMORY_BLOCK                                                                                \
	(UINT64_C(128)                                                                                       \
		<< 20) /* what Linux adds memory in on x86, at least (arch/x86/mm/init_64.c, memory_block_size_bytes()) */

/* Bytes of the vnode's memory that are there from its first moment: all but what memory devices hold. */
static inline uint64_t vn_vnode_at_start(const struct vn_vnode *vnode)
{
	return vnode->memory - vnode->plugged;
}

/* Bytes that its memory device can have: a virtio-mem's at most, a DIMM's always; 0: it has none. */
static inline uint64_t vn_vnode_device(const struct vn_vnode *vnode)
{
	return vnode->virtio_mem ? vnode->virtio_mem : vnode->plugged;
}

/* What a guest's disk is attached to. */
enum vn_disk_bus { VN_DISK_VIRTIO, VN_DISK_SCSI, VN_DISK_SATA, VN_DISK_IDE };

struct vn_disk {
	size_t place; /* in the guest's text: the byte of its element, the number of its word; to know it by */
	char *path;
	enum vn_disk_bus bus;
	bool foreign; /* neither a raw or qcow2 file nor a block device: only the text that it was read from says what it is */
	char format[8]; /* raw, qcow2; empty: nothing was said, QEMU looks into the image */
	unsigned line; /* of a command line: where it is told */
	bool readonly;
	bool dealt; /* its queues are dealt out to I/O threads, as a command line says of it: `vnode` is only where it is */
	int vnode; /* that it is served from, by wish; -1: any */
	char iothread
		[VN_MAX_IOTHREAD_ID]; /* QEMU's id of the thread that serves it, as a command line says; empty: none, or a longer one */
};

enum vn_vif_type { VN_VIF_USER, VN_VIF_TAP };

struct vn_vif {
	size_t place; /* as of a disk */
	enum vn_vif_type type;
	char model[16]; /* as libvirt calls it: e1000e; empty: virtio */
	bool foreign; /* neither tap nor user: as of a disk */
	char *bridge; /* owned, or NULL: tap left alone */
	char *ifname; /* owned, or NULL: named after the guest */
	char mac[18]; /* or empty: made from the guest's name */
	unsigned queues; /* queue pairs, at least 1 */
	bool vhost;
	int vnode; /* that it is behind, by wish; -1: any */
};

/* A PCI function of the host given to the guest. */
struct vn_hostdev {
	size_t place; /* as of a disk */
	char address[VN_PCI_ADDRESS]; /* 0000:3b:00.0 */
	unsigned vnode; /* that works with it most, and is pulled to it */
	bool has_vnode; /* the guest is told that it is there */
	struct vn_where where; /* strings belong to the guest */
};

/* How vCPUs make sockets, as the guest is told; 0 where nothing was said. */
struct vn_guest_topology {
	unsigned sockets, dies, clusters, cores; /* dies of a socket, clusters of a die, cores of a cluster */
	unsigned threads; /* of a core; 0: those that are planned, the guest's own `threads` */
};

struct vn_guest {
	char *file; /* the input, for messages; or NULL */
	char *text; /* the input as it was read, to be given back changed; owned; NULL for VN_FORM_NONE */
	size_t text_size; /* bytes of it without the 0 behind it; a command line from /proc has zeros within */
	char *name; /* [A-Za-z0-9][A-Za-z0-9._+-]{0,62} */
	uint64_t memory, maxmem; /* bytes; maxmem >= memory */
	unsigned vcpus, maxvcpus; /* online at start; possible */
	unsigned
		threads; /* vCPUs of a guest core (SMT) as it is planned, at least 1: vCPUs t*k to t*k + t-1 are one, on one vnode; 1
			    also where the guest is told of cores that are not so, see `topology` */
	struct vn_guest_topology topology;
	unsigned iothreads; /* asked for; 0: as many as its disks call for */
	bool exclusive_cores;
	bool hmat_of_host; /* it is to be told the latencies and bandwidths of its homes: `hmat` is filled in once it is planned */
	bool rehomed; /* what its text says of nodes is no wish any more: vn_guest_forget_homes() */
	bool vnodes_open; /* nothing was said of vnodes: vn_guest_shape() (plan/shape.h) makes as many as the host calls for */
	size_t n_vnodes;
	struct vn_vnode *vnodes; /* their vcpus partition 0..maxvcpus-1, their memory sums to `memory` */
	hwloc_bitmap_t
		cpus; /* pCPUs the guest may use; owned; NULL: all; without end: "all", or all but some */
	struct vn_where cpus_where;
	hwloc_bitmap_t nodes; /* pnodes where alone its vnodes may live and have memory; owned; NULL: any */
	struct vn_where nodes_where;
	struct vn_hmat *
		hmat; /* what it is told of latencies, bandwidths and caches; domains are vnodes; owned, or NULL */
	uint64_t hugepages; /* bytes a page; 0: the system's ordinary pages */
	enum vn_guest_form form;
	enum vn_guest_numa guest_numa;
	unsigned weight, cap; /* as in Xen: default 256; percent of a CPU, 0: no cap */
	enum vn_policy policy;
	enum vn_memory_policy memory_policy;
	char *kernel, *ramdisk, *extra; /* owned, or NULL */
	struct vn_guest_machine machine;
	size_t n_disks;
	struct vn_disk *disks;
	size_t n_vifs;
	struct vn_vif *vifs;
	size_t n_hostdevs;
	struct vn_hostdev *hostdevs;
	size_t n_channels; /* at most VN_MAX_CHANNELS, no two of a name or at a path */
	struct vn_channel *channels;
	struct vn_notes notes; /* what the reader replaced, ignored or wants known */
};

struct vn_guest *vn_guest_new(void);

/* All of it anew, so that one can be shaped while others read the first. NULL when memory is short. */
struct vn_guest *vn_guest_copy(const struct vn_guest *from);
void vn_guest_free(struct vn_guest *guest);
static inline void vn_guest_freep(struct vn_guest **guest)
{
	vn_guest_free(*guest);
}
#define vn_autoguest vn_cleanup(vn_guest_freep) struct vn_guest

/* Keeps a copy of `size` bytes of what it was read from, with a 0 behind it. 0 or -ENOMEM. */
int vn_guest_set_text(struct vn_guest *guest, enum vn_guest_form form, const char *text, size_t size);

/* Bytes a page of the vnode's memory, 0 for the system's ordinary ones: its own size, or else the guest's. */
static inline uint64_t vn_vnode_page(const struct vn_guest *guest, size_t vnode)
{
	return guest->vnodes[vnode].has_page ? guest->vnodes[vnode].page : guest->hugepages;
}

/* Bytes that its virtio-mem devices could give it beside what is planned. */
uint64_t vn_guest_growth(const struct vn_guest *guest);

/* Forgets where the user wants it: homes, nodes, and policies that name them. The planner chooses then. */
void vn_guest_forget_homes(struct vn_guest *guest);

/* Whether a policy was fixed without any node to go with it. A home that is preferred is one. */
static inline bool vn_binding_lacks_nodes(const struct vn_vnode *vnode)
{
	if (!vnode->has_binding || (vnode->binding == VN_BINDING_PREFERRED && vnode->home >= 0))
		return false;
	return !vnode->nodes || hwloc_bitmap_iszero(vnode->nodes);
}

/*
 * Makes `n` vnodes in a guest that has none: no memory, no vCPUs, no home, `remote` from each other. 0 or -ENOMEM, and then the guest
 * is only good to be freed.
 */
int vn_guest_make_vnodes(struct vn_guest *guest, size_t n, uint32_t remote);

/* Frees the vnodes; the guest has none then. */
void vn_guest_drop_vnodes(struct vn_guest *guest);

/* Whether it may become a file name and part of QEMU's command line: letters, digits and a few harmless marks. */
bool vn_guest_name_is_good(const char *name);

/* Whether `cpus` names CPUs by number, and so may mean isolated ones: not "all", nor all but some, which have no end. */
static inline bool vn_guest_names_cpus(const struct vn_guest *guest)
{
	return guest->cpus && hwloc_bitmap_weight(guest->cpus) >= 0;
}

/*
 * Whether a guest can be beside `n` others at all: its name is no other's, whose plan would be taken for its own, nor is a device or
 * a channel's socket of its. All that is wrong is told, with both files. 0 or -EINVAL.
 */
int vn_guest_check_beside(
	const struct vn_guest *const *others, size_t n, const struct vn_guest *guest, struct vn_error *err);

/* The vnode of a vCPU, or -1. */
int vn_guest_vnode_of(const struct vn_guest *guest, unsigned vcpu);

/* Whether some d(i,j) != d(j,i). */
bool vn_guest_distances_asymmetric(const struct vn_guest *guest);
