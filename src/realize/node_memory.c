/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "node_memory.h"

#include <inttypes.h>
#include <string.h>

#include "../base/parse.h"
#include "../base/process.h"

/* The kernel's "Node 0 MemFree:        123 kB" of that key, in bytes. */
static int find_value(const char *text, const char *key, uint64_t *ret)
{
	char number[24];
	const char *at = text;
	size_t length = strlen(key);

	while ((at = strstr(at, key)) && (at == text || at[-1] != ' ' || at[length] != ':'))
		at += length;
	if (!at)
		return -EINVAL;
	at += length + 1;
	at += strspn(at, " ");
	size_t digits = strspn(at, "0123456789");
	if (digits >= sizeof(number) || strncmp(at + digits, " kB\n", 4) != 0)
		return -EINVAL;
	memcpy(number, at, digits);
	number[digits] = '\0';
	uint64_t kib;
	if (vn_parse_u64(number, UINT64_MAX / 1024, &kib) < 0)
		return -EINVAL;
	*ret = kib * 1024;
	return 0;
}

int vn_node_memory_parse(const char *text, uint64_t *ret_free, uint64_t *ret_total)
{
	uint64_t total, free_bytes, inactive, dirty, writeback;

	if (find_value(text, "MemTotal", &total) < 0 || find_value(text, "MemFree", &free_bytes) < 0 ||
		find_value(text, "Inactive(file)", &inactive) < 0 || find_value(text, "Dirty", &dirty) < 0 ||
		find_value(text, "Writeback", &writeback) < 0 || free_bytes > total || inactive > total ||
		dirty > total || writeback > total)
		return -EINVAL;
	/* Which of the dirty pages are inactive nobody tells: all of them, for safety's sake. */
	*ret_free = free_bytes + (inactive > dirty + writeback ? inactive - dirty - writeback : 0);
	*ret_total = total;
	return 0;
}

static int read_proc(const char *path, char **ret_text)
{
	int r = vn_proc_read(path, ret_text);

	return r == -ESRCH ? -ENOENT : r;
}

int vn_node_memory(unsigned node, uint64_t *ret_free, uint64_t *ret_total)
{
	vn_autofree char *text = NULL;
	char path[80];

	snprintf(path, sizeof(path), "/sys/devices/system/node/node%u/meminfo", node);
	int r = read_proc(path, &text);
	return r < 0 ? r : vn_node_memory_parse(text, ret_free, ret_total);
}

static int read_count(unsigned node, uint64_t page, const char *name, uint64_t *ret)
{
	vn_autofree char *text = NULL;
	char path[128];

	snprintf(path, sizeof(path), "/sys/devices/system/node/node%u/hugepages/hugepages-%" PRIu64 "kB/%s",
		node, page / 1024, name);
	int r = read_proc(path, &text);
	if (r == -ENOENT) {
		*ret = 0;
		return 0;
	}
	if (r < 0)
		return r;
	text[strcspn(text, "\n")] = '\0';
	return vn_parse_u64(text, UINT64_MAX / page, ret) < 0 ? -EINVAL : 0;
}

int vn_node_pool(unsigned node, uint64_t page, uint64_t *ret_free, uint64_t *ret_total)
{
	uint64_t pages_free, pages;
	int r = read_count(node, page, "free_hugepages", &pages_free);

	if (r == 0)
		r = read_count(node, page, "nr_hugepages", &pages);
	if (r < 0)
		return r;
	*ret_free = pages_free * page;
	*ret_total = pages * page;
	return 0;
}

/* "some avg10=0.12 avg60=…": two digits before the dot or three, two behind it. */
int vn_memory_pressure_parse(const char *text, double *ret_percent)
{
	static const char head[] = "some avg10=";
	char number[8];

	if (strncmp(text, head, sizeof(head) - 1) != 0)
		return -EINVAL;
	text += sizeof(head) - 1;
	size_t whole = strspn(text, "0123456789");
	if (whole == 0 || whole > 3 || text[whole] != '.' || strspn(text + whole + 1, "0123456789") != 2 ||
		text[whole + 3] != ' ')
		return -EINVAL;
	snprintf(number, sizeof(number), "%.*s%.2s", (int)whole, text, text + whole + 1);
	uint64_t hundredths;
	if (vn_parse_u64(number, 10000, &hundredths) < 0)
		return -EINVAL;
	*ret_percent = (double)hundredths / 100;
	return 0;
}

int vn_memory_pressure(double *ret_percent)
{
	vn_autofree char *text = NULL;
	int r = read_proc("/proc/pressure/memory", &text);

	return r < 0 ? r : vn_memory_pressure_parse(text, ret_percent);
}
