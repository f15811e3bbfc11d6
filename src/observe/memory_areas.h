/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The mappings of a process (/proc/PID/maps), joined to the pieces in which they were made, and their policies. */

#include "../base/rootfs.h"
#include "../model/mem_policy.h"
#include "../model/residency.h"
#include "neighbours.h"

struct vn_areas {
	size_t n;
	struct vn_area *v; /* by address */
};

/* Reads the text of maps; lines that are none, or not in order, are passed over. 0 or -ENOMEM. */
int vn_areas_parse(const char *text, struct vn_areas *ret_areas);

/* -ESRCH when the process is gone; -EACCES; -ENOMEM. */
int vn_areas_read(const struct vn_root *root, pid_t pid, struct vn_areas *ret_areas);
void vn_areas_clear(struct vn_areas *areas);
#define vn_autoareas vn_cleanup(vn_areas_clear) struct vn_areas

/* The area that holds an address, or NULL. */
const struct vn_area *vn_area_at(const struct vn_areas *areas, uint64_t address);

#define VN_CANDIDATES_MAX 256u

/*
 * Addresses at which a block of `size` bytes may begin, highest first; returns how many. A piece that is as large, whole or cut into
 * areas with settings of their own; where there is none, the end of a piece that the kernel joined with what was mapped below it.
 */
size_t vn_areas_candidates(
	const struct vn_areas *areas, uint64_t size, uint64_t ret[static VN_CANDIDATES_MAX]);

/* Lines of /proc/PID/numa_maps. */
struct vn_numa_line {
	uint64_t start;
	const char *text; /* to the line's end, and on */
};

struct vn_numa_lines {
	char *text; /* owned */
	size_t n;
	struct vn_numa_line *v; /* by address */
};

/* Takes `text` over, in any case. 0 or -ENOMEM. */
int vn_numa_lines_parse(char *text, struct vn_numa_lines *ret_lines);

/* All of them: the kernel walks every page of the process. */
int vn_numa_lines_read(const struct vn_root *root, pid_t pid, struct vn_numa_lines *ret_lines);
void vn_numa_lines_clear(struct vn_numa_lines *lines);
#define vn_autolines vn_cleanup(vn_numa_lines_clear) struct vn_numa_lines

/* The line of the mapping that begins at `start`, or NULL. */
const char *vn_numa_line_of(const struct vn_numa_lines *lines, uint64_t start);

/* The policy of most of [address, address + size), and whether parts have others. 0, -ENOENT (no line is of it), -ENOMEM. */
int vn_numa_lines_policy(const struct vn_numa_lines *lines, const struct vn_areas *areas, uint64_t address,
	uint64_t size, struct vn_mem_policy *ret_policy, bool *ret_differ);

/* Bytes a page of hugetlbfs that is there; 0: ordinary pages, or none there yet. */
uint64_t vn_numa_lines_huge(const struct vn_numa_lines *lines, uint64_t address, uint64_t size);

/* All pages of the range, counted. 0, -ENOENT (areas reach beyond the range: their pages cannot be divided), -ENOMEM. */
int vn_numa_lines_count(const struct vn_numa_lines *lines, const struct vn_areas *areas, uint64_t address,
	uint64_t size, struct vn_residency *ret_residency);

/*
 * The policy of the process itself, which memory without one follows. Reads a line or two of numa_maps only: see memory_areas.c.
 * 0, -ESRCH, -EACCES, -ENOMEM.
 */
int vn_process_policy(const struct vn_root *root, pid_t pid, struct vn_mem_policy *ret_policy);
