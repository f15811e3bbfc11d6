/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: QEMU reserves address space for each block, maps it with a guard page behind it, and puts it on a boundary of a
 * huge page (QEMU, util/mmap-alloc.c, qemu_ram_mmap(); include/qemu/osdep.h, QEMU_VMALLOC_ALIGN). What the kernel shows as one
 * mapping is another matter:
 *
 * - a block is cut where madvise(2), mprotect(2) or mbind(2) made parts of it differ; its areas still touch, and those of a file
 *   go on where the one before ended. They are joined here;
 * - anonymous memory just below a block (a thread's stack) is joined with it when both have the same settings. Above it is the
 *   guard page, so the block is the end of such an area.
 *
 * numa_maps walks the page tables of each mapping as it prints it (fs/proc/task_mmu.c, show_numa_map()): 14 ns a page. But it prints
 * no more than it is asked for: seq_read_iter() (fs/seq_file.c) stops at the first record that fills the reader's buffer. A
 * read of less than a line walks the first mapping alone, which is of the program's own file: small. That one has no policy of its
 * own, and show_numa_map() prints the task's in its place.
 */
#define _GNU_SOURCE
#include "memory_areas.h"

#include <fcntl.h>
#include <string.h>

#include "../base/text.h"
#include "policy.h"

#define MAX_TEXT                                                                                             \
	(64u << 20) /* bytes of maps: the most mappings Linux lets a process have by default take 6 MiB */
#define ALIGNMENT (UINT64_C(2) << 20) /* of a block that is large enough */
#define HEAD 96u /* bytes of numa_maps: address and policy are at most 16 + 1 + 63 */

void vn_areas_clear(struct vn_areas *areas)
{
	free(areas->v);
	*areas = (struct vn_areas){0};
}

static size_t count_lines(const char *text)
{
	size_t n = 1;

	for (; *text; text = vn_next_line(text))
		n++;
	return n;
}

/* A file of a process; a missing one means that it is gone. */
static int read_of(const struct vn_root *root, pid_t pid, const char *leaf, char **ret_text)
{
	vn_autofree unsigned char *bytes = NULL;
	size_t length;
	char path[64];

	snprintf(path, sizeof(path), "proc/%d/%s", pid, leaf);
	int r = vn_root_read_bytes(root, path, MAX_TEXT, &bytes, &length);
	if (r < 0)
		return r == -ENOENT ? -ESRCH : r;
	*ret_text = (char *)vn_steal(bytes);
	return 0;
}

int vn_areas_parse(const char *text, struct vn_areas *ret_areas)
{
	vn_autoareas areas = {0};

	areas.v = calloc(count_lines(text), sizeof(*areas.v));
	if (!areas.v)
		return -ENOMEM;
	for (const char *line = text; *line; line = vn_next_line(line)) {
		struct vn_area *before = areas.n ? &areas.v[areas.n - 1] : NULL;
		if (vn_maps_line(line, &areas.v[areas.n]) == 0 &&
			(!before || before->start + before->size <= areas.v[areas.n].start))
			areas.n++;
	}
	*ret_areas = areas;
	areas = (struct vn_areas){0};
	return 0;
}

int vn_areas_read(const struct vn_root *root, pid_t pid, struct vn_areas *ret_areas)
{
	vn_autofree char *text = NULL;
	int r = read_of(root, pid, "maps", &text);

	return r < 0 ? r : vn_areas_parse(text, ret_areas);
}

/* How many of `n` areas or lines, which are `size` bytes each and go by the address that each begins with, are at or below one. */
static size_t count_below(const void *v, size_t n, size_t size, uint64_t address)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (*(const uint64_t *)((const char *)v + middle * size) <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct vn_area *vn_area_at(const struct vn_areas *areas, uint64_t address)
{
	size_t n = count_below(areas->v, areas->n, sizeof(*areas->v), address);

	return n && address - areas->v[n - 1].start < areas->v[n - 1].size ? &areas->v[n - 1] : NULL;
}

/* ---- candidates ---- */

static bool may_be_memory(const struct vn_area *area)
{
	return !area->executable && !area->device && (area->writable || area->inode);
}

/* Whether `b` goes on where `a` ends. */
static bool goes_on(const struct vn_area *a, const struct vn_area *b)
{
	if (!may_be_memory(b) || a->start + a->size != b->start || a->shared != b->shared ||
		a->inode != b->inode || a->file_system != b->file_system)
		return false;
	return a->inode == 0 || a->offset + a->size == b->offset;
}

struct candidates {
	size_t n;
	uint64_t *v;
};

/* Highest first; the lowest are forgotten when there are too many. */
static void add_candidate(struct candidates *candidates, uint64_t address)
{
	if (candidates->n == VN_CANDIDATES_MAX)
		candidates->n--;
	memmove(candidates->v + 1, candidates->v, candidates->n * sizeof(*candidates->v));
	candidates->v[0] = address;
	candidates->n++;
}

/* Candidates of the piece that is made of the areas from `first` up to `end`: all of it, or areas of it. */
static void search_piece(
	const struct vn_areas *areas, size_t first, size_t end, uint64_t size, struct candidates *candidates)
{
	uint64_t sum = 0;
	bool writable = false;

	for (size_t i = first; i < end; i++) {
		sum += areas->v[i].size;
		writable |= areas->v[i].writable;
	}
	if (sum == size && writable) {
		add_candidate(candidates, areas->v[first].start);
		return;
	}
	for (size_t i = first; i < end; i++) {
		if (areas->v[i].writable && areas->v[i].size == size)
			add_candidate(candidates, areas->v[i].start);
	}
}

/* The same of anonymous memory that is larger: its end, where a block would be aligned. */
static void search_end(
	const struct vn_areas *areas, size_t first, size_t end, uint64_t size, struct candidates *candidates)
{
	const struct vn_area *last = &areas->v[end - 1];
	uint64_t above = last->start + last->size;

	if (last->inode == 0 && last->writable && above - areas->v[first].start > size && size >= ALIGNMENT &&
		(above - size) % ALIGNMENT == 0)
		add_candidate(candidates, above - size);
}

size_t vn_areas_candidates(
	const struct vn_areas *areas, uint64_t size, uint64_t ret[static VN_CANDIDATES_MAX])
{
	struct candidates candidates = {.v = ret};

	for (unsigned pass = 0; pass < 2 && candidates.n == 0; pass++) {
		for (size_t i = 0, end; i < areas->n; i = end) {
			end = i + 1;
			if (!may_be_memory(&areas->v[i]))
				continue;
			while (end < areas->n && goes_on(&areas->v[end - 1], &areas->v[end]))
				end++;
			(pass == 0 ? search_piece : search_end)(areas, i, end, size, &candidates);
		}
	}
	return candidates.n;
}

/* ---- numa_maps ---- */

void vn_numa_lines_clear(struct vn_numa_lines *lines)
{
	free(lines->text);
	free(lines->v);
	*lines = (struct vn_numa_lines){0};
}

int vn_numa_lines_parse(char *text, struct vn_numa_lines *ret_lines)
{
	vn_autolines lines = {.text = text};

	lines.v = calloc(count_lines(lines.text), sizeof(*lines.v));
	if (!lines.v)
		return -ENOMEM;
	for (const char *line = lines.text; *line; line = vn_next_line(line)) {
		char *end;
		errno = 0;
		uint64_t start = strtoull(line, &end, 16);
		if (errno == 0 && end != line && *end == ' ' &&
			(lines.n == 0 || lines.v[lines.n - 1].start < start))
			lines.v[lines.n++] = (struct vn_numa_line){start, line};
	}
	*ret_lines = lines;
	lines = (struct vn_numa_lines){0};
	return 0;
}

int vn_numa_lines_read(const struct vn_root *root, pid_t pid, struct vn_numa_lines *ret_lines)
{
	char *text;
	int r = read_of(root, pid, "numa_maps", &text);

	return r < 0 ? r : vn_numa_lines_parse(text, ret_lines);
}

/* The first line of a mapping that reaches into the range; n: none. */
static size_t first_line(const struct vn_numa_lines *lines, uint64_t address)
{
	size_t n = count_below(lines->v, lines->n, sizeof(*lines->v), address);

	return n ? n - 1 : 0;
}

const char *vn_numa_line_of(const struct vn_numa_lines *lines, uint64_t start)
{
	size_t i = first_line(lines, start);

	return i < lines->n && lines->v[i].start == start ? lines->v[i].text : NULL;
}

/* Bytes of the range that the line's mapping has; 0: none. */
static uint64_t overlap(const struct vn_areas *areas, uint64_t start, uint64_t address, uint64_t size)
{
	const struct vn_area *area = vn_area_at(areas, start);

	if (!area || area->start != start || area->start >= address + size ||
		area->start + area->size <= address)
		return 0;
	uint64_t from = area->start > address ? area->start : address;
	uint64_t to = area->start + area->size < address + size ? area->start + area->size : address + size;
	return to - from;
}

/* One policy of a range, and how much of it has it. */
struct weighed {
	struct vn_mem_policy policy;
	uint64_t bytes;
};

#define POLICIES_MOST 16u /* that are told apart: more in one block are as good as "several" */

static void weighed_clear(struct weighed (*weighed)[POLICIES_MOST])
{
	for (size_t i = 0; i < POLICIES_MOST; i++)
		vn_mem_policy_clear(&(*weighed)[i].policy);
}

/* -ENOMEM, or 0 also when the line is not understood. */
static int weigh(struct weighed *weighed, size_t *n, const char *line, uint64_t bytes)
{
	vn_autopolicy policy = {0};
	uint64_t start;
	size_t i = 0;
	int r = vn_numa_maps_line(line, &start, &policy);

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	while (i < *n && strcmp(weighed[i].policy.text, policy.text) != 0)
		i++;
	if (i == POLICIES_MOST)
		return 0;
	weighed[i].bytes += bytes;
	if (i == *n) {
		weighed[i].policy = policy;
		policy = (struct vn_mem_policy){0};
		++*n;
	}
	return 0;
}

int vn_numa_lines_policy(const struct vn_numa_lines *lines, const struct vn_areas *areas, uint64_t address,
	uint64_t size, struct vn_mem_policy *ret_policy, bool *ret_differ)
{
	vn_cleanup(weighed_clear) struct weighed weighed[POLICIES_MOST] = {0};
	size_t n = 0, most = 0;
	int r = 0;

	for (size_t i = first_line(lines, address);
		r == 0 && i < lines->n && lines->v[i].start < address + size; i++) {
		uint64_t bytes = overlap(areas, lines->v[i].start, address, size);
		if (bytes)
			r = weigh(weighed, &n, lines->v[i].text, bytes);
	}
	if (r < 0 || n == 0)
		return r < 0 ? r : -ENOENT;
	for (size_t i = 1; i < n; i++)
		most = weighed[i].bytes > weighed[most].bytes ? i : most;
	*ret_policy = weighed[most].policy;
	weighed[most].policy = (struct vn_mem_policy){0};
	*ret_differ = n > 1;
	return 0;
}

uint64_t vn_numa_lines_huge(const struct vn_numa_lines *lines, uint64_t address, uint64_t size)
{
	for (size_t i = first_line(lines, address); i < lines->n && lines->v[i].start < address + size; i++) {
		struct vn_present present;
		vn_numa_maps_present(lines->v[i].text, &present);
		if (lines->v[i].start >= address && present.huge && present.page)
			return present.page;
	}
	return 0;
}

int vn_numa_lines_count(const struct vn_numa_lines *lines, const struct vn_areas *areas, uint64_t address,
	uint64_t size, struct vn_residency *ret_residency)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), covered = 0;
	struct vn_residency residency = {.exact = true, .asked = size / page};
	int r = 0;

	for (size_t i = first_line(lines, address);
		r == 0 && i < lines->n && lines->v[i].start < address + size; i++) {
		const struct vn_area *area = vn_area_at(areas, lines->v[i].start);
		uint64_t bytes = overlap(areas, lines->v[i].start, address, size);
		if (bytes == 0)
			continue;
		covered += bytes;
		r = bytes == area->size ? vn_numa_maps_count(lines->v[i].text, page, &residency) : -ENOENT;
	}
	uint64_t present = vn_residency_present(&residency);
	if (r == 0 && (covered != size || present > residency.asked))
		r = -ENOENT; /* it changed between two readings */
	if (r < 0) {
		vn_residency_clear(&residency);
		return r;
	}
	residency.absent = residency.asked - present;
	*ret_residency = residency;
	return 0;
}

int vn_process_policy(const struct vn_root *root, pid_t pid, struct vn_mem_policy *ret_policy)
{
	char path[64], text[HEAD];
	uint64_t start;

	snprintf(path, sizeof(path), "proc/%d/numa_maps", pid);
	vn_autoclose int fd = vn_root_open_path(root, path, O_RDONLY | O_NONBLOCK);
	if (fd < 0)
		return fd == -ENOENT ? -ESRCH : fd;
	ssize_t n = read(fd, text, sizeof(text) - 1);
	if (n < 0)
		return vn_errno();
	text[n] = '\0';
	int r = n == 0 ? -ESRCH : vn_numa_maps_line(text, &start, ret_policy);
	return r == -EINVAL ? -ENODATA : r;
}
