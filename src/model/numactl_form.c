/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "numactl_form.h"

void vn_numactl_print_available(const unsigned *ids, size_t n, FILE *out)
{
	fprintf(out, "available: %zu nodes (", n); /* "1 nodes": numactl's own grammar */
	for (size_t i = 0, last; i < n; i = last + 1) {
		for (last = i; last + 1 < n && ids[last + 1] == ids[last] + 1;)
			last++;
		fprintf(out, "%s%u", i ? "," : "", ids[i]);
		if (last > i)
			fprintf(out, "-%u", ids[last]);
	}
	fputs(")\n", out);
}

void vn_numactl_print_cpus(unsigned id, hwloc_const_bitmap_t cpus, FILE *out)
{
	fprintf(out, "node %u cpus:", id);
	for (int cpu = hwloc_bitmap_first(cpus); cpu >= 0; cpu = hwloc_bitmap_next(cpus, cpu))
		fprintf(out, " %d", cpu);
	fputc('\n', out);
}

void vn_numactl_print_size(unsigned id, const char *key, bool known, uint64_t bytes, FILE *out)
{
	if (known)
		fprintf(out, "node %u %s: %llu MB\n", id, key, (unsigned long long)(bytes >> 20));
	else
		fprintf(out, "node %u %s: <not available>\n", id, key);
}

/* The flag ' ' of its "% 3d" keeps a blank ahead of a number of three digits too: columns widen then. */
static void print_number(uint32_t number, FILE *out)
{
	fprintf(out, number > 99 ? " %u" : "%3u", number);
}

void vn_numactl_print_distances(const unsigned *ids, size_t n,
	uint32_t (*distance)(const void *of, size_t i, size_t j), const void *of, FILE *out)
{
	if (n == 0 || distance(of, n - 1, 0) == 0) {
		fputs("No distance information available.\n", out);
		return;
	}
	fputs("node distances:\nnode ", out);
	for (size_t i = 0; i < n; i++) {
		print_number(ids[i], out);
		fputc(' ', out);
	}
	fputc('\n', out);
	for (size_t i = 0; i < n; i++) {
		print_number(ids[i], out);
		fputs(": ", out);
		for (size_t j = 0; j < n; j++) {
			print_number(distance(of, i, j), out);
			fputc(' ', out);
		}
		fputc('\n', out);
	}
}
