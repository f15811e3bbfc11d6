/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Reading a tree of /sys: what its parts (nodes, CPUs, PCI) share. Internal to discover/.
 *
 * A file that is not there is -ENOENT without a word: whether it matters differs. A file that is there and
 * does not hold what the kernel writes is a problem, of the input in a foreign tree, of the environment on
 * the live host.
 */

#include "../base/rootfs.h"
#include "../model/host.h"

#define VN_SYSFS_MAX_PROBLEMS 20
#define VN_PATH_TEXT 256 /* room for any path of sysfs that we build */
#define VN_NODE_DIRECTORY "sys/devices/system/node"

/* What was left out because it cannot be true: how many, and the first one's path. One note tells it. */
struct vn_left_out {
	size_t n;
	char first[VN_PATH_TEXT];
};

struct vn_sysfs {
	struct vn_root root;
	struct vn_host *host; /* being filled */
	struct vn_error *err;
	size_t problems;
	struct vn_left_out figures; /* latency, bandwidth, cache sizes above VN_MAX_AMOUNT */
	struct vn_left_out pools; /* of huge pages, see struct vn_hugepool */
	struct vn_left_out free_memory; /* of nodes: more than there is */
	struct vn_left_out numbers; /* folders numbered above any that Linux has */
	struct vn_left_out affinities; /* of interrupts: files that cannot be read */
	struct vn_left_out irqs; /* PCI functions that have too many */
	size_t n_irqs; /* of all functions so far */
};

/*
 * Reads a host from a root, which is the callee's from then on, and closed. `source` is how the user named it; copied.
 */
int vn_sysfs_host(struct vn_root *root, const char *source, struct vn_host **ret_host, struct vn_error *err);

/* Adds a problem of this file (the first VN_SYSFS_MAX_PROBLEMS, the rest is counted); returns a negative
 * errno. */
int vn_sysfs_problem(struct vn_sysfs *sysfs, const char *path, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Tells why this file or folder could not be read, by the negative errno of rootfs.h: lack of permission or memory is the
 * environment's. Returns a negative errno. */
int vn_sysfs_unreadable(struct vn_sysfs *sysfs, const char *path, int status);

/* Adds how many problems there were beyond the first ones. */
void vn_sysfs_tell_rest(struct vn_sysfs *sysfs);

/* Counts this path among what was left out. */
void vn_sysfs_leave_out(struct vn_left_out *left_out, const char *path);

/* Adds a note `code`: "3 WHATs left out, as such numbers cannot be true: PATH and others"; nothing when nothing was left out. 0 or -ENOMEM. */
int vn_left_out_note(
	const struct vn_left_out *left_out, const char *code, const char *what, struct vn_notes *notes);

/* The text of a file. -ENOENT when it is missing; unreadable is a problem. */
int vn_sysfs_read(struct vn_sysfs *sysfs, const char *path, char **ret_text);

/*
 * Reads a row of distances, one for each of `n` nodes. -EINVAL for a word that is no distance of 1 to 255 (then
 * *ret_wrong is that word, within `text`, which is cut up), else the number of words there are, which may differ from n.
 */
int vn_distances_parse(char *text, size_t n, uint32_t *distances, const char **ret_wrong);

/* A set, from DIR/LIST (`0-3,8`) or else from DIR/MASK (`00000000,0000010f`; NULL: there is none). */
int vn_sysfs_read_set(struct vn_sysfs *sysfs, const char *directory, const char *list, const char *mask,
	hwloc_bitmap_t *ret_set);

/* A number with an optional sign; *ret stays as it is when the file is missing. Above INT_MAX counts as -1,
 * unknown. */
int vn_sysfs_read_id(struct vn_sysfs *sysfs, const char *path, int *ret);

/* Numbers N, up to `max`, of the entries PREFIX<N> of a directory; larger ones count as left out. -ENOENT when there is no such directory. */
int vn_sysfs_list_ids(struct vn_sysfs *sysfs, const char *directory, const char *prefix, uint64_t max,
	hwloc_bitmap_t *ret_ids);

/* Memory and huge pages of a node from these paths: what vn_discover_refresh() reads again. `node` has no pools yet. */
int vn_sysfs_node_memory(
	struct vn_sysfs *sysfs, const char *meminfo, const char *pools, struct vn_host_node *node);

/* Adds the parts to sysfs->host. CPUs come before nodes, nodes before memory. */
int vn_sysfs_cpus(struct vn_sysfs *sysfs);
int vn_sysfs_nodes(struct vn_sysfs *sysfs);
int vn_sysfs_memory(struct vn_sysfs *sysfs);
int vn_sysfs_devices(struct vn_sysfs *sysfs);

/* What there is to say of those figures: takes the place of such notes in sysfs->host, which is finished. */
int vn_sysfs_memory_notes(struct vn_sysfs *sysfs);

/* Bytes of `KEY: 1234 kB` in the text of a meminfo, whose lines may begin with `Node 0 `. -ENOENT, -EINVAL.
 */
int vn_meminfo_bytes(const char *text, const char *key, uint64_t *ret_bytes);
