/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any bytes are a journal of a move, a map of pages, or problems: never neither, never both. What a journal prints reads back to what
 * prints the same; what a map leads back to lies in order, and none of it twice. A map's checksum and process are made right first.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../src/base/checksum.h"
#include "../src/model/move.h"
#include "../src/realize/page_map_part.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_problems(int r, const struct vn_error *err)
{
	if ((r == 0) != (err->n == 0))
		abort();
	for (size_t i = 0; i < err->n; i++) {
		for (const char *p = err->problems[i].text; *p; p++) {
			if (*p < 0x20 || *p >= 0x7f)
				abort(); /* a terminal could act on it */
		}
	}
}

/* ---- a journal ---- */

static struct vn_move *read_move(const json_t *json)
{
	vn_autoerror err = {0};
	struct vn_move *move = NULL;
	int r = vn_move_from_json(json, "fuzz", &move, &err);

	check_problems(r, &err);
	if ((r == 0) != (move != NULL))
		abort();
	return move;
}

static char *dump(const struct vn_move *move)
{
	json_auto_t *json = vn_move_to_json(move);
	char *text = json ? json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS) : NULL;

	if (!text)
		abort();
	return text;
}

static void try_journal(const uint8_t *data, size_t size)
{
	json_auto_t *json = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
	vn_automove *move = json ? read_move(json) : NULL;

	if (!move)
		return;
	vn_autofree char *once = dump(move);
	json_auto_t *again = json_loads(once, 0, NULL);
	vn_automove *back = read_move(again);
	if (!back)
		abort();
	vn_autofree char *twice = dump(back);
	if (strcmp(once, twice) != 0)
		abort();
}

/* ---- a map ---- */

static void check_ranges(const struct vn_move_range *ranges, size_t n)
{
	uint64_t end = 1;

	for (size_t i = 0; i < n; i++) {
		if (ranges[i].address < end || ranges[i].size == 0 || ranges[i].size > INT64_MAX ||
			ranges[i].node >= VN_MAX_NODES || ranges[i].vnode >= VN_MAX_VNODES ||
			ranges[i].address % VN_MIN_PAGE || ranges[i].size % VN_MIN_PAGE)
			abort();
		end = ranges[i].address + ranges[i].size;
	}
}

static void try_map(const uint8_t *data, size_t size)
{
	static const char boot[] = "01234567-89ab-cdef-0123-456789abcdef";
	const struct vn_process process = {.pid = 4711, .start_time = 123456};
	vn_autofree uint8_t *copy = malloc(size + 1);
	vn_autofree struct vn_page_section *sections = NULL;
	vn_autofree struct vn_move_range *ranges = NULL;
	vn_autoerror err = {0};
	size_t n = 0;

	if (!copy)
		return;
	memcpy(copy, data, size);
	if (size >= VN_PAGE_MAP_HEADER + VN_PAGE_MAP_CHECKSUM) {
		vn_page_put(copy + VN_PAGE_MAP_AT_PID, 8, (uint64_t)process.pid);
		vn_page_put(copy + VN_PAGE_MAP_AT_START, 8, process.start_time);
		memset(copy + VN_PAGE_MAP_AT_BOOT, 0, VN_PAGE_MAP_BOOT);
		memcpy(copy + VN_PAGE_MAP_AT_BOOT, boot, sizeof(boot) - 1);
		size_t body = size - VN_PAGE_MAP_CHECKSUM;
		vn_page_put(copy + body, VN_PAGE_MAP_CHECKSUM, vn_checksum(copy, body));
	}
	int r = vn_page_map_parse(copy, size, &process, boot, "fuzz", &sections, &n, &err);
	check_problems(r, &err);
	if (r < 0)
		return;
	if (vn_page_map_ranges(sections, n, &ranges, &n) == 0)
		check_ranges(ranges, n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size >= VN_PAGE_MAP_AT_VERSION && memcmp(data, VN_PAGE_MAP_MAGIC, VN_PAGE_MAP_AT_VERSION) == 0)
		try_map(data, size);
	else
		try_journal(data, size);
	return 0;
}
