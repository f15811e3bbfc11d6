/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What /proc shows of a VM's memory, threads and socket: the text up to a line of "--" is maps, the rest all others. */
#include <stdlib.h>
#include <string.h>

#include "../src/observe/memory_areas.h"
#include "../src/observe/monitor_socket.h"
#include "../src/observe/thread_kind.h"
#include "../src/observe/thread_times.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Each candidate is in an area, and all of it in the areas behind that. */
static void check_candidates(const struct vn_areas *areas, const struct vn_numa_lines *lines, uint64_t size)
{
	uint64_t found[VN_CANDIDATES_MAX];
	size_t n = vn_areas_candidates(areas, size, found);

	for (size_t i = 0; i < n; i++) {
		vn_autopolicy policy = {0};
		struct vn_residency residency = {0};
		bool differ;
		if (!vn_area_at(areas, found[i]) || !vn_area_at(areas, found[i] + size - 1) ||
			(i > 0 && found[i] > found[i - 1]))
			abort();
		vn_numa_lines_policy(lines, areas, found[i], size, &policy, &differ);
		vn_numa_lines_huge(lines, found[i], size);
		if (vn_numa_lines_count(lines, areas, found[i], size, &residency) == 0 &&
			vn_residency_present(&residency) + residency.absent != residency.asked)
			abort();
		vn_residency_clear(&residency);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	vn_autoareas areas = {0};
	vn_autolines lines = {0};
	uint64_t a, b;
	uint64_t listener;
	int n;

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	char *rest = strstr(text, "\n--\n");
	if (rest) {
		*rest = '\0';
		rest += 4;
	}
	char *other = strdup(rest ? rest : "");
	if (!other || vn_areas_parse(text, &areas) < 0) {
		free(other);
		free(text);
		return 0;
	}
	vn_monitor_is_used(other, "/run/vm/qmp", &listener);
	vn_thread_kind_of(other, &n);
	vn_thread_stat_parse(other, &a, &n);
	vn_schedstat_parse(other, &a, &b);
	if (vn_numa_lines_parse(other, &lines) == 0) {
		for (size_t i = 0; i < areas.n && i < 64; i++)
			check_candidates(&areas, &lines, areas.v[i].size);
		check_candidates(&areas, &lines, UINT64_C(64) << 20);
	}
	free(text);
	return 0;
}
