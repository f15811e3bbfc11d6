/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Sources: Linux, Documentation/admin-guide/sysctl/{vm,kernel}.rst, Documentation/admin-guide/mm/{transhuge,ksm}.rst; the counters of
 * /proc/vmstat are mm/vmstat.c's, there when the kernel has CONFIG_NUMA_BALANCING.
 */
#define _GNU_SOURCE
#include "host_settings.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../base/parse.h"
#include "../base/text.h"

#define THP "sys/kernel/mm/transparent_hugepage/"
#define KSM "sys/kernel/mm/ksm/"

static int read_number(const struct vn_root *root, const char *path)
{
	uint64_t number;

	return vn_root_read_u64(root, path, &number) == 0 && number <= INT_MAX ? (int)number : -1;
}

/* The word in brackets of "always [madvise] never"; empty when there is none. */
static void read_choice(const struct vn_root *root, const char *path, char ret[static 16])
{
	vn_autofree char *text = NULL;

	if (vn_root_read(root, path, &text) < 0)
		return;
	const char *open = strchr(text, '['), *close = open ? strchr(open, ']') : NULL;
	if (close && close - open - 1 < 16)
		snprintf(ret, 16, "%.*s", (int)(close - open - 1), open + 1);
}

/* Daemons that place threads, memory or interrupts by themselves, by the kernel's name of their processes. */
static int find_daemons(const struct vn_root *root, struct vn_host_settings *settings)
{
	vn_cleanup(vn_names_free) char **names = NULL;
	int r = vn_root_list(root, "proc", &names);

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	settings->irqbalance = settings->numad = 0;
	for (size_t i = 0; names[i]; i++) {
		vn_autofree char *comm = NULL;
		char path[64];
		uint64_t pid;
		if (vn_parse_u64(names[i], INT_MAX, &pid) < 0)
			continue;
		snprintf(path, sizeof(path), "proc/%d/comm", (int)pid);
		if (vn_root_read(root, path, &comm) < 0)
			continue;
		settings->irqbalance |= strcmp(comm, "irqbalance\n") == 0;
		settings->numad |= strcmp(comm, "numad\n") == 0;
	}
	return 0;
}

int vn_settings_read(const struct vn_root *root, struct vn_host_settings *ret_settings)
{
	struct vn_host_settings settings = {
		.zone_reclaim = read_number(root, "proc/sys/vm/zone_reclaim_mode"),
		.ksm = read_number(root, KSM "run"),
		.ksm_merges_nodes = read_number(root, KSM "merge_across_nodes"),
		.irqbalance = -1,
		.numad = -1};

	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), pages;

	if (vn_root_read_u64(root, KSM "pages_sharing", &pages) == 0 && pages <= UINT64_MAX / page) {
		settings.has_ksm_sharing = true;
		settings.ksm_sharing = pages * page;
	}
	read_choice(root, THP "enabled", settings.thp);
	read_choice(root, THP "defrag", settings.thp_defrag);
	read_choice(root, THP "shmem_enabled", settings.thp_shmem);
	if (find_daemons(root, &settings) < 0)
		return -ENOMEM;
	*ret_settings = settings;
	return 0;
}

static int find_counter(const char *text, const char *name, uint64_t *ret)
{
	vn_autofree char *number = vn_line_value(text, name, ' ');

	return number ? vn_parse_u64(number, UINT64_MAX, ret) : -ENODATA;
}

int vn_settings_faults(const struct vn_root *root, uint64_t *ret_faults, uint64_t *ret_migrated)
{
	vn_autofree char *text = NULL;
	uint64_t faults = 0, migrated = 0;
	int r = vn_root_read(root, "proc/vmstat", &text);

	if (r == 0)
		r = find_counter(text, "numa_hint_faults", &faults);
	if (r == 0)
		r = find_counter(text, "numa_pages_migrated", &migrated);
	if (r < 0)
		return r;
	*ret_faults = faults;
	*ret_migrated = migrated;
	return 0;
}
