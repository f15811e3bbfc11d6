/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What the parts of the page map share: its file, its runs. Internal to realize/. */

#include "page_map.h"

#define VN_PAGE_MAP_MAGIC "VNPAGES\n"
#define VN_PAGE_MAP_VERSION 1u
#define VN_PAGE_MAP_BOOT 40u /* bytes of the boot id, filled up with 0 */
/* Where in the header each is, and how long it is. */
#define VN_PAGE_MAP_AT_VERSION 8u /* 4 bytes */
#define VN_PAGE_MAP_AT_SECTIONS 12u /* 4 bytes */
#define VN_PAGE_MAP_AT_PID 16u
#define VN_PAGE_MAP_AT_START 24u
#define VN_PAGE_MAP_AT_BOOT 32u
#define VN_PAGE_MAP_AT_RUNS 72u
#define VN_PAGE_MAP_HEADER 80u
#define VN_PAGE_MAP_SECTION 48u /* six numbers of 8 bytes */
#define VN_PAGE_MAP_CHECKSUM 8u
#define VN_PAGE_MAP_COARSE (UINT64_C(2) << 20)

struct vn_page_section {
	uint64_t address, size, page; /* as in vn_move_range */
	uint64_t unit; /* bytes that a page of its runs stands for; a power of two */
	unsigned vnode;
	const unsigned char *runs; /* in the bytes of the file */
	size_t n_bytes; /* of the runs */
};

static inline uint64_t vn_page_section_end(const struct vn_page_section *section)
{
	return section->address + section->size;
}

/* How many pages its runs have together. */
static inline uint64_t vn_page_section_units(const struct vn_page_section *section)
{
	return (vn_page_section_end(section) - 1) / section->unit - section->address / section->unit + 1;
}

/* ---- page_map_runs.c: runs, written and read ---- */

struct vn_page_run {
	uint64_t n; /* pages */
	int node; /* -1: none */
};

struct vn_page_bytes {
	unsigned char *v; /* owned */
	size_t n, room;
};

/* Runs in the making; a run goes to `bytes` when it is closed. */
struct vn_page_runs {
	struct vn_page_bytes *bytes;
	struct vn_page_run open; /* n 0: none */
};

/* Adds `n` pages on a node. 0 or -ENOMEM; -EFBIG when the bytes would be above VN_PAGE_MAP_MAX. */
int vn_page_runs_add(struct vn_page_runs *runs, int node, uint64_t n);
int vn_page_runs_close(struct vn_page_runs *runs);

/* The next run before `end`; *at moves behind it. -EINVAL when there is none that is well formed. */
int vn_page_run_next(const unsigned char **at, const unsigned char *end, struct vn_page_run *ret_run);

static inline void vn_page_put(unsigned char *to, unsigned n_bytes, uint64_t number)
{
	for (unsigned i = 0; i < n_bytes; i++)
		to[i] = (unsigned char)(number >> 8 * i);
}

static inline uint64_t vn_page_get(const unsigned char *from, unsigned n_bytes)
{
	uint64_t number = 0;

	for (unsigned i = 0; i < n_bytes; i++)
		number |= (uint64_t)from[i] << 8 * i;
	return number;
}

/* ---- page_map_read.c: the file ---- */

/* The sections of a whole file, by address, which point into it; everything of it is checked. `file` is named in the problem. */
int vn_page_map_parse(const void *data, size_t size, const struct vn_process *process, const char *boot,
	const char *file, struct vn_page_section **ret_sections, size_t *ret_n, struct vn_error *err);

/* The file of a process, whole, and its sections. -ENOENT without a problem: there is none. */
int vn_page_map_load(const struct vn_state *state, const struct vn_process *process, char **ret_data,
	struct vn_page_section **ret_sections, size_t *ret_n, struct vn_error *err);

/* The ranges that the sections lead back to. 0 or -ENOMEM. */
int vn_page_map_ranges(
	const struct vn_page_section *sections, size_t n, struct vn_move_range **ret_ranges, size_t *ret_n);
