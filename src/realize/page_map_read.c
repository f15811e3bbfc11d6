/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A page map read back. No length in it is believed: sections and runs must fill the file to the byte, and a section's runs the section
 * to the page.
 */
#define _GNU_SOURCE
#include <string.h>

#include "../base/checksum.h"
#include "../base/process.h"
#include "../base/text.h"
#include "journal_part.h"
#include "page_map_part.h"

#define MAX_PAGE (UINT64_C(16) << 30)

/* What is wrong with the file as a whole, or NULL. */
static const char *check_header(
	const unsigned char *data, size_t size, const struct vn_process *process, const char *boot)
{
	size_t fixed = VN_PAGE_MAP_HEADER + VN_PAGE_MAP_CHECKSUM;
	char told[VN_PAGE_MAP_BOOT] = {0};

	if (size < fixed || memcmp(data, VN_PAGE_MAP_MAGIC, VN_PAGE_MAP_AT_VERSION) != 0)
		return "no page map";
	if (vn_page_get(data + VN_PAGE_MAP_AT_VERSION, 4) != VN_PAGE_MAP_VERSION)
		return "a page map of another version of vnuma";
	size -= VN_PAGE_MAP_CHECKSUM;
	if (vn_page_get(data + size, VN_PAGE_MAP_CHECKSUM) != vn_checksum(data, size))
		return "the checksum is not that of the file: it was damaged or changed";
	strncpy(told, boot, sizeof(told) - 1);
	if (memcmp(data + VN_PAGE_MAP_AT_BOOT, told, sizeof(told)) != 0)
		return "of another boot";
	if (vn_page_get(data + VN_PAGE_MAP_AT_PID, 8) != (uint64_t)process->pid ||
		vn_page_get(data + VN_PAGE_MAP_AT_START, 8) != process->start_time)
		return "of another process than the file's name says";
	size -= VN_PAGE_MAP_HEADER;
	uint64_t n = vn_page_get(data + VN_PAGE_MAP_AT_SECTIONS, 4);
	if (n > size / VN_PAGE_MAP_SECTION ||
		vn_page_get(data + VN_PAGE_MAP_AT_RUNS, 8) != size - n * VN_PAGE_MAP_SECTION)
		return "its parts do not add up to the file";
	return NULL;
}

static bool is_page(uint64_t page, uint64_t max)
{
	return page >= VN_MIN_PAGE && page <= max && (page & (page - 1)) == 0;
}

static bool is_section(const struct vn_page_section *section, uint64_t vnode, uint64_t end_before)
{
	uint64_t page = section->page ? section->page : VN_MIN_PAGE;

	return is_page(page, MAX_PAGE) && is_page(section->unit, MAX_PAGE) && section->unit >= page &&
	       section->address >= end_before && section->address > 0 && section->address % page == 0 &&
	       section->size > 0 && section->size % page == 0 && section->address <= INT64_MAX &&
	       section->size <= (uint64_t)INT64_MAX - section->address && vnode < VN_MAX_VNODES;
}

/* Whether its runs are well formed and have as many pages as the section. */
static bool runs_fill(const struct vn_page_section *section)
{
	const unsigned char *at = section->runs, *end = at + section->n_bytes;
	uint64_t left = vn_page_section_units(section);
	struct vn_page_run run;

	while (at < end) {
		if (vn_page_run_next(&at, end, &run) < 0 || run.n > left)
			return false;
		left -= run.n;
	}
	return left == 0;
}

/* Whether all sections are sound; they are filled in. */
static bool take_sections(const unsigned char *data, struct vn_page_section *sections, size_t n)
{
	const unsigned char *from = data + VN_PAGE_MAP_HEADER, *runs = from + n * VN_PAGE_MAP_SECTION;
	uint64_t left = vn_page_get(data + VN_PAGE_MAP_AT_RUNS, 8), end = 0;

	for (size_t i = 0; i < n; i++, from += VN_PAGE_MAP_SECTION) {
		uint64_t vnode = vn_page_get(from + 32, 8), bytes = vn_page_get(from + 40, 8);
		sections[i] = (struct vn_page_section){.address = vn_page_get(from, 8),
			.size = vn_page_get(from + 8, 8),
			.page = vn_page_get(from + 16, 8),
			.unit = vn_page_get(from + 24, 8),
			.vnode = (unsigned)vnode,
			.runs = runs,
			.n_bytes = bytes};
		if (bytes > left || !is_section(&sections[i], vnode, end) || !runs_fill(&sections[i]))
			return false;
		end = vn_page_section_end(&sections[i]);
		runs += bytes;
		left -= bytes;
	}
	return left == 0;
}

int vn_page_map_parse(const void *data, size_t size, const struct vn_process *process, const char *boot,
	const char *file, struct vn_page_section **ret_sections, size_t *ret_n, struct vn_error *err)
{
	struct vn_where where = {file, 0, NULL};
	const char *wrong = check_header(data, size, process, boot);

	if (wrong)
		return vn_error_input(err, &where,
			"%s; expected the pages of process %d: nothing of it is used", wrong, process->pid);
	size_t n = (size_t)vn_page_get((const unsigned char *)data + VN_PAGE_MAP_AT_SECTIONS, 4);
	vn_autofree struct vn_page_section *sections = calloc(n + 1, sizeof(*sections));
	if (!sections)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	if (!take_sections(data, sections, n))
		return vn_error_input(
			err, &where, "its sections and runs do not hang together: nothing of it is used");
	*ret_sections = vn_steal(sections);
	*ret_n = n;
	return 0;
}

int vn_page_map_load(const struct vn_state *state, const struct vn_process *process, char **ret_data,
	struct vn_page_section **ret_sections, size_t *ret_n, struct vn_error *err)
{
	char file[VN_JOURNAL_NAME], boot[VN_BOOT_ID];
	vn_autofree char *data = NULL;
	size_t size;
	vn_autofree char *path =
		vn_format("%s/%s", state->path, vn_journal_name(process, VN_JOURNAL_PAGES, file));
	int r = path ? vn_state_get(state, file, VN_PAGE_MAP_MAX, &data, &size) : -ENOMEM;

	if (r == -ENOENT)
		return r;
	if (r == 0)
		r = vn_boot_id(boot);
	if (r < 0)
		return vn_error_environment(err, r, "%s/%s: %s", state->path, file,
			r == -EFBIG ? "no file, or too large" : strerror(-r));
	r = vn_page_map_parse(data, size, process, boot, path, ret_sections, ret_n, err);
	if (r == 0)
		*ret_data = vn_steal(data);
	return r;
}

/* ---- ranges ---- */

/* Counted first, then filled in: there may be millions. */
struct ranges {
	size_t n;
	struct vn_move_range last; /* of those so far */
	struct vn_move_range *v; /* NULL: only counted */
};

static void add_range(struct ranges *ranges, const struct vn_move_range *range)
{
	struct vn_move_range *last = &ranges->last;

	if (ranges->n && last->address + last->size == range->address && last->node == range->node &&
		last->page == range->page && last->vnode == range->vnode) {
		last->size += range->size;
	} else {
		*last = *range;
		ranges->n++;
	}
	if (ranges->v)
		ranges->v[ranges->n - 1] = *last;
}

/* The runs of a section that are on a node. They are sound. */
static void add_section(struct ranges *ranges, const struct vn_page_section *section)
{
	const unsigned char *at = section->runs, *bytes_end = at + section->n_bytes;
	uint64_t address = section->address, end = vn_page_section_end(section);
	struct vn_page_run run;

	while (vn_page_run_next(&at, bytes_end, &run) == 0) {
		uint64_t next = (address / section->unit + run.n) * section->unit;
		next = next < end ? next : end;
		struct vn_move_range range = {
			address, next - address, section->page, (unsigned)run.node, section->vnode};
		if (run.node >= 0)
			add_range(ranges, &range);
		address = next;
	}
}

int vn_page_map_ranges(
	const struct vn_page_section *sections, size_t n, struct vn_move_range **ret_ranges, size_t *ret_n)
{
	struct ranges ranges = {0};

	for (size_t i = 0; i < n; i++)
		add_section(&ranges, &sections[i]);
	ranges = (struct ranges){.v = calloc(ranges.n + 1, sizeof(*ranges.v))};
	if (!ranges.v)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		add_section(&ranges, &sections[i]);
	*ret_ranges = ranges.v;
	*ret_n = ranges.n;
	return 0;
}

int vn_page_map_read(const struct vn_state *state, const struct vn_move *move,
	struct vn_move_range **ret_ranges, size_t *ret_n, struct vn_error *err)
{
	vn_autofree char *data = NULL;
	vn_autofree struct vn_page_section *sections = NULL;
	size_t n;
	int r = vn_page_map_load(state, &move->process, &data, &sections, &n, err);

	if (r < 0)
		return r;
	r = vn_page_map_ranges(sections, n, ret_ranges, ret_n);
	return r < 0 ? vn_error_environment(err, r, "out of memory") : 0;
}
