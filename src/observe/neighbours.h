/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Guests that others started: what /proc shows of them, and what they will yet take of the host.
 *
 * Theory of operation: what such a guest has touched is missing from the host's free memory already. What it has not touched yet
 * will be missing later, and a plan that gives it away again ends in two guests that squeeze each other out. A process is looked
 * at when its name is QEMU's. Each large area of it that can be guest memory is as large as /proc/PID/maps says, and what of it is
 * there already is in /proc/PID/numa_maps; the difference is still to come, and goes where the area's policy says: bound,
 * preferred and interleaved memory counts as promised on these nodes, in equal parts where they are several (which of them the
 * kernel will take is not known). Memory without a policy goes to whatever node touches it first: nobody can tell, so it is
 * named in a note and not counted, except on a host of one node.
 *
 * vCPUs are threads that QEMU named so (`debug-threads=on`, as libvirt, Proxmox and we ask for). Each counts as one core's worth of
 * load; those that may run on several nodes are dealt out over them in turn.
 *
 * The rest of what can be known is in QEMU's arguments, which are for another reader.
 */

#include <sys/types.h>

#include "../base/rootfs.h"
#include "../model/occupied.h"

/* An area smaller than this is not looked at: QEMU has many that are no guest's memory. */
#define VN_AREA_LEAST (64 * VN_MIB)

/* A line of /proc/PID/maps. */
struct vn_area {
	uint64_t start, size;
	bool writable; /* and readable */
	bool executable;
	bool shared; /* MAP_SHARED */
	bool nameless; /* not of a file of the disk, nor of a device: memory */
	bool device; /* of a device: the registers of a VFIO device, say */
	uint64_t offset; /* in the file that it is of */
	uint64_t file_system, inode; /* major << 32 | minor; 0, 0: of no file */
};

/* -EINVAL when it is no such line. */
int vn_maps_line(const char *line, struct vn_area *ret_area);

/* What a line of numa_maps tells of pages that are there. */
struct vn_present {
	bool huge; /* hugetlbfs */
	uint64_t page; /* bytes; 0: not told, as of an area without a page */
	uint64_t pages;
};

void vn_numa_maps_present(const char *line, struct vn_present *ret_present);

/* Whether the kernel's name of a thread is that of a vCPU ("CPU 3/KVM"). */
bool vn_is_vcpu(const char *comm);

/*
 * Adds what QEMU processes below `root` (proc/…) take, but for the `n_ours` that are counted otherwise, to `occupied`, and what could
 * not be told to `notes`. Processes that end meanwhile do not count. 0 or -ENOMEM.
 */
int vn_neighbours_add(const struct vn_root *root, const struct vn_host *host, const pid_t *ours,
	size_t n_ours, struct vn_occupied *occupied, struct vn_notes *notes);
