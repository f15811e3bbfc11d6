/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The host from any source: `live`, `sysfs:DIR`, `tar:FILE`, `numactl:FILE`, `hwloc:FILE`, `synthetic:STRING`, `json:FILE`. */

#include "../model/host.h"

/*
 * Reads the host that `source` names. A source that is not understood, or whose content is wrong, is a
 * problem of the input; a /sys that cannot be read is the environment's. *ret_host is new; untouched on
 * failure.
 */
int vn_discover(const char *source, struct vn_host **ret_host, struct vn_error *err);

/* A tree that holds sys/devices/system/… (and proc/meminfo): "/" is the live host. */
int vn_discover_sysfs(const char *root, struct vn_host **ret_host, struct vn_error *err);

/* The same in an archive, as hwloc-gather-topology and `vnuma gather` write them (base/archive.h). */
int vn_discover_tar(const char *file, struct vn_host **ret_host, struct vn_error *err);

/*
 * The text that `numactl --hardware` prints; `file` is for messages. Lines that start with `#` are skipped.
 * Both column styles of the distance table are read; free lines may be missing; nodes without CPUs or without
 * memory are kept.
 */
int vn_discover_numactl(const char *text, const char *file, struct vn_host **ret_host, struct vn_error *err);

/*
 * XML of hwloc 2 or 3 (`lstopo FILE.xml`), of which all that is inconsistent is a problem with its line. It tells no free
 * memory, drivers or interrupts; the CPUs of nodes are told by nearness, see hwloc_topology.c.
 */
int vn_discover_hwloc(const char *file, struct vn_host **ret_host, struct vn_error *err);
int vn_discover_hwloc_text(
	const char *text, const char *file, struct vn_host **ret_host, struct vn_error *err);

/* A description in hwloc's own words, `node:2 core:4 pu:2`: at most 8192 CPUs, 1024 nodes, 2^60 bytes. */
int vn_discover_synthetic(const char *description, struct vn_host **ret_host, struct vn_error *err);

/*
 * What vn_host_to_json() prints ("schema": "vnuma.topology/1"), or the like written by hand: only nodes[] with id, cpus and
 * memory_total must be there, all else may be missing or null. A host of another machine stays one: `live` in the file sets
 * was_live, never live. Source and notes (`warnings`) are taken from the file; without `warnings` they are made as for any other source.
 * Keys that are not known are passed over, so that a file of a later version can be read; they are missing when the host
 * is printed again, while what the same version printed comes out byte for byte.
 */
int vn_discover_json(const char *file, struct vn_host **ret_host, struct vn_error *err);
int vn_discover_json_text(
	const char *text, const char *file, struct vn_host **ret_host, struct vn_error *err);

/*
 * Reads memory (total, free, reclaimable) and huge pages of each node again, from where vn_discover() read the host: live or
 * sysfs:DIR. Notes that speak of them (node-without-memory, memory-uncounted, hugepages-left-out) are made anew. Nothing else
 * is looked at: other notes, distances, kinds of memory, CPUs and devices stay what they were. All or nothing: on failure the
 * host is as it was. -ESTALE when nodes came or went (discover the host again); -EOPNOTSUPP, a problem of the input, for a
 * source that is a file, whose figures do not change.
 */
int vn_discover_refresh(struct vn_host *host, struct vn_error *err);
