/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The host for people: tables that fit a terminal of 80 columns. Columns that the source tells nothing of are left out. A host
 * of up to SCREEN_NODES nodes has a line for each; of more, nodes that are alike share one (host_fold.h).
 */
#define _GNU_SOURCE
#include "host_text.h"

#include <string.h>

#include "host_fold.h"
#include "host_words.h"

#define SCREEN_NODES 8 /* 8 lines of nodes and 8 of distances are what a screen of 24 lines holds */
#define MATRIX_NODES 19 /* 19 columns of 4 and the label are 80 */

/* Which columns the table of nodes has. */
struct columns {
	bool cores, free, cache, pools;
};

static struct columns find_columns(const struct vn_host *host)
{
	struct columns c = {.cores = host->cores_known};

	for (size_t i = 0; i < host->n_nodes; i++) {
		const struct vn_host_node *node = &host->nodes[i];
		c.free |= node->has_memory_free;
		c.cache |= node->has_memory_reclaimable;
		for (size_t p = 0; p < node->n_hugepools; p++)
			c.pools |= node->hugepools[p].total > 0;
	}
	return c;
}

/* "64.0 GiB", "none" for no memory, "-" for not known. */
static const char *memory_text(bool known, uint64_t bytes, char buffer[static VN_SIZE_TEXT])
{
	if (!known)
		return "-";
	return bytes == 0 ? "none" : vn_size_text(bytes, buffer);
}

static void print_title(const struct vn_host *host, FILE *out)
{
	vn_autofree char *totals = vn_host_totals(host);

	vn_print_wrapped(totals ? totals : "?", 0, out);
	if (!host->live)
		fprintf(out, "source: %s%s\n", host->source ? host->source : "?",
			host->was_live ? ", as it was when printed" : "");
}

/* A number of a column that a node without CPUs has nothing for. */
static int print_count(unsigned cpus, unsigned count, int width, FILE *out)
{
	return cpus ? fprintf(out, "%*u", width, count) : fprintf(out, "%*s", width, "-");
}

/* The last column: the CPUs' numbers, or why there are none. */
static void print_cpu_list(const struct vn_host *host, const struct vn_host_node *node,
	hwloc_const_bitmap_t cpus, int indent, struct vn_listing *listing, FILE *out)
{
	const char *word = vn_kind_word(node->memory_kind, VN_WORD_FULL);

	if (!hwloc_bitmap_iszero(cpus))
		vn_print_set(cpus, word, (unsigned)indent, listing, out);
	else if (vn_host_has_offline_cpus(host, node))
		fprintf(out, "CPUs offline%s%s\n", word ? ": " : "", word ? word : "");
	else
		fprintf(out, "no CPUs: %s\n", word ? word : node->memory_total ? "memory only" : "no memory");
}

static void print_node(const struct vn_host *host, const struct vn_host_node *node, struct columns c,
	struct vn_listing *listing, FILE *out)
{
	char size[VN_SIZE_TEXT];
	unsigned cpus = vn_set_weight(node->cpus);
	int width = fprintf(out, "%4u", node->id);

	if (c.cores)
		width += print_count(cpus, vn_host_cores(host, node->cpus), 7, out);
	width += print_count(cpus, cpus, 6, out);
	width += fprintf(out, "%11s", memory_text(true, node->memory_total, size));
	if (c.free)
		width += fprintf(out, "%11s", memory_text(node->has_memory_free, node->memory_free, size));
	if (c.cache)
		width += fprintf(out, "%11s",
			memory_text(node->has_memory_reclaimable, node->memory_reclaimable, size));
	width += fprintf(out, "  ");
	print_cpu_list(host, node, node->cpus, width, listing, out);
}

static void print_nodes(const struct vn_host *host, struct columns c, struct vn_listing *listing, FILE *out)
{
	fprintf(out, "\nnode%s  CPUs     memory%s%s  CPU numbers\n", c.cores ? "  cores" : "",
		c.free ? "       free" : "", c.cache ? "      cache" : "");
	for (size_t i = 0; i < host->n_nodes; i++)
		print_node(host, &host->nodes[i], c, listing, out);
}

/* "1.2 GiB to 60 GiB": the least and the most of a group's nodes; one figure when all print the same. */
static char *range_text(const struct vn_host *host, const struct vn_fold *fold, size_t group, bool of_free)
{
	uint64_t least = UINT64_MAX, most = 0;
	char a[VN_SIZE_TEXT], b[VN_SIZE_TEXT];

	for (size_t i = vn_fold_first(host, fold, group); i < host->n_nodes;
		i = vn_fold_next(host, fold, group, i)) {
		const struct vn_host_node *node = &host->nodes[i];
		uint64_t value = of_free ? node->memory_free : node->memory_total;
		if (of_free && !node->has_memory_free)
			return vn_copy("-");
		least = value < least ? value : least;
		most = value > most ? value : most;
	}
	const char *low = memory_text(true, least, a), *high = memory_text(true, most, b);
	return strcmp(low, high) == 0 ? vn_copy(low) : vn_format("%s to %s", low, high);
}

/* The nodes of a group, on a line of their own when the column does not hold them. Returns the width of the column. */
static int print_ids(hwloc_const_bitmap_t ids, int label, struct vn_listing *listing, FILE *out)
{
	vn_autofree char *text = vn_set_text(ids);

	if (text && strlen(text) <= (size_t)label)
		return fprintf(out, "%-*s", label, text);
	vn_print_set(ids, NULL, 0, listing, out);
	return fprintf(out, "%*s", label, "");
}

static int print_group(const struct vn_host *host, const struct vn_fold *fold, size_t group, struct columns c,
	int label, struct vn_listing *listing, FILE *out)
{
	const struct vn_host_node *node = &host->nodes[vn_fold_first(host, fold, group)];
	vn_autoset ids = vn_fold_ids(host, fold, group), cpus = hwloc_bitmap_alloc();
	vn_autofree char *memory = range_text(host, fold, group, false),
			 *unused = range_text(host, fold, group, true);
	unsigned each = vn_set_weight(node->cpus);

	if (!ids || !cpus || !memory || !unused)
		return -ENOMEM;
	for (size_t i = vn_fold_first(host, fold, group); i < host->n_nodes;
		i = vn_fold_next(host, fold, group, i))
		hwloc_bitmap_or(cpus, cpus, host->nodes[i].cpus);
	int width = print_ids(ids, label, listing, out);
	if (c.cores)
		width += print_count(each, vn_host_cores(host, node->cpus), 7, out);
	width += print_count(each, each, 6, out);
	width += fprintf(out, "  %-20s", memory);
	if (c.free)
		width += fprintf(out, "  %-20s", unused);
	width += fprintf(out, "  ");
	print_cpu_list(host, node, cpus, width, listing, out);
	return 0;
}

/* Width of the column of node numbers: that of the longest group's, as far as the others leave room on the screen. */
static int label_width(const struct vn_host *host, const struct vn_fold *fold, struct columns c)
{
	size_t longest = 5, most = VN_SCREEN - 6 - 22 - 13 - (c.cores ? 7 : 0) - (c.free ? 22 : 0);

	for (size_t group = 0; group < fold->n_groups; group++) {
		vn_autoset ids = vn_fold_ids(host, fold, group);
		vn_autofree char *text = ids ? vn_set_text(ids) : NULL;
		if (text && strlen(text) > longest)
			longest = strlen(text);
	}
	return (int)(longest > most ? most : longest);
}

static void print_groups(const struct vn_host *host, const struct vn_fold *fold, struct columns c,
	struct vn_listing *listing, FILE *out)
{
	int label = label_width(host, fold, c);

	fprintf(out, "\n%-*s%s  CPUs  memory of each%s  CPU numbers\n", label, "nodes",
		c.cores ? "  cores" : "", c.free ? "        free of each        " : "      ");
	for (size_t group = 0; group < fold->n_groups; group++)
		print_group(host, fold, group, c, label, listing, out);
	fprintf(out, "Nodes that are alike share a line; --all lists each.\n");
}

static void print_node_table(
	const struct vn_host *host, struct columns c, struct vn_listing *listing, FILE *out)
{
	vn_autofold fold = {0};

	if (!listing->all && host->n_nodes > SCREEN_NODES && vn_fold_nodes(host, &fold) == 0 &&
		fold.n_groups <= host->n_nodes / 2)
		print_groups(host, &fold, c, listing, out);
	else
		print_nodes(host, c, listing, out);
	vn_explain_stride(listing, out);
}

/* L3 caches among the CPUs of a node, 0 when they are not told. */
static unsigned count_l3(const struct vn_host *host, const struct vn_host_node *node)
{
	vn_autoset seen = hwloc_bitmap_alloc();

	for (size_t i = 0; seen && i < host->n_cpus; i++) {
		if (host->cpus[i].l3 >= 0 && hwloc_bitmap_isset(node->cpus, host->cpus[i].id))
			hwloc_bitmap_set(seen, (unsigned)host->cpus[i].l3);
	}
	return vn_set_weight(seen);
}

/* Only where a node has several: then which of its CPUs a VM gets matters. */
static void print_l3(const struct vn_host *host, FILE *out)
{
	unsigned least = UINT32_MAX, most = 0;

	for (size_t i = 0; i < host->n_nodes; i++) {
		unsigned n = count_l3(host, &host->nodes[i]);
		if (hwloc_bitmap_iszero(host->nodes[i].cpus))
			continue;
		least = n < least ? n : least;
		most = n > most ? n : most;
	}
	if (most > 1 && least == most)
		fprintf(out, "\nL3 caches: %u in each node\n", most);
	else if (most > 1)
		fprintf(out, "\nL3 caches: %u to %u in a node\n", least, most);
}

static void print_speed(const struct vn_host_node *node, FILE *out)
{
	const struct vn_memory_access *access = vn_told_access(node);
	char latency[24] = "-", bandwidth[VN_BANDWIDTH_TEXT] = "-", tier[16] = "-", weight[16] = "-";

	if (access && access->read_latency)
		snprintf(latency, sizeof(latency), "%llu ns", (unsigned long long)access->read_latency);
	if (access && access->read_bandwidth)
		vn_bandwidth_text(access->read_bandwidth, bandwidth);
	if (node->memory_tier >= 0)
		snprintf(tier, sizeof(tier), "%d", node->memory_tier);
	if (node->interleave_weight >= 0)
		snprintf(weight, sizeof(weight), "%d", node->interleave_weight);
	vn_autofree char *from = access ? vn_set_text(access->initiators) : vn_copy("-");
	fprintf(out, "%4u%10s%14s%6s%8s  ", node->id, latency, bandwidth, tier, weight);
	vn_print_wrapped(from && *from ? from : "-", 44, out);
}

/* Where the host has memory of different speed, or the firmware tells how fast it is, or pages are not interleaved one by
 * one, which is what a weight of 1 for all says. */
static void print_speeds(const struct vn_host *host, FILE *out)
{
	bool any = false;

	for (size_t i = 0; i < host->n_nodes; i++) {
		const struct vn_host_node *node = &host->nodes[i];
		any |= vn_told_access(node) || node->memory_tier != host->nodes[0].memory_tier;
		any |= node->interleave_weight >= 0 && node->interleave_weight != 1;
	}
	if (!any)
		return;
	fprintf(out, "\nmemory   latency     bandwidth  tier  weight  read from nodes\n");
	for (size_t i = 0; i < host->n_nodes; i++)
		print_speed(&host->nodes[i], out);
}

static bool same_caches(const struct vn_host_node *a, const struct vn_host_node *b)
{
	if (a->n_memory_caches != b->n_memory_caches)
		return false;
	for (size_t k = 0; k < a->n_memory_caches; k++) {
		if (a->memory_caches[k].size != b->memory_caches[k].size)
			return false;
	}
	return true;
}

/* Nodes with the same caches share a line. */
static void print_memory_caches(const struct vn_host *host, FILE *out)
{
	for (size_t i = 0; i < host->n_nodes; i++) {
		const struct vn_host_node *node = &host->nodes[i];
		vn_autoset ids = hwloc_bitmap_alloc();
		char size[VN_SIZE_TEXT];
		for (size_t j = 0; ids && j < host->n_nodes; j++) {
			if (same_caches(node, &host->nodes[j]))
				hwloc_bitmap_set(ids, host->nodes[j].id);
		}
		if (node->n_memory_caches == 0 || !ids || hwloc_bitmap_first(ids) != (int)node->id)
			continue;
		vn_autofree char *label = vn_set_text(ids);
		fprintf(out, "\nmemory-side cache of node%s %s:", hwloc_bitmap_weight(ids) == 1 ? "" : "s",
			label ? label : "?");
		for (size_t k = 0; k < node->n_memory_caches; k++)
			fprintf(out, "%s %s", k ? "," : "", vn_size_text(node->memory_caches[k].size, size));
		fputs(hwloc_bitmap_weight(ids) == 1 ? "\n" : " each\n", out);
	}
}

/* An empty line before it. */
static void print_set_line(const char *label, hwloc_const_bitmap_t set, struct vn_listing *listing, FILE *out)
{
	fprintf(out, "\n%s ", label);
	vn_print_set(set, NULL, (unsigned)strlen(label) + 1, listing, out);
}

/* Those of `usable` that this process may use, when it may not use all. What a cpuset does not list because nobody could use
 * it (a CPU that is offline, a node without memory) is no restriction. */
static void print_allowed(const char *label, hwloc_const_bitmap_t usable, hwloc_const_bitmap_t allowed,
	struct vn_listing *listing, FILE *out)
{
	vn_autoset both = hwloc_bitmap_alloc();

	if (!allowed || !both || hwloc_bitmap_and(both, usable, allowed) < 0 ||
		hwloc_bitmap_isequal(both, usable))
		return;
	if (hwloc_bitmap_iszero(both))
		fprintf(out, "\n%s none\n", label);
	else
		print_set_line(label, both, listing, out);
}

/* What a cgroup leaves this process, where it has a limit. */
static void print_cgroup(const struct vn_host *host, FILE *out)
{
	const char *who = host->live ? "this process" : "the process that read the host";
	char size[VN_SIZE_TEXT];

	if (host->has_cgroup_memory)
		fprintf(out, "\n%s may take, by the memory.max of its cgroups: %s more\n", who,
			vn_size_text(host->cgroup_memory, size));
	if (host->cgroup_millicpus)
		fprintf(out, "\n%s may use, by the cpu.max of its cgroups, the time of %.3g CPUs\n", who,
			(double)host->cgroup_millicpus / 1000);
}

/* CPUs that are there but cannot be used, or not by everybody; nodes that are not online. */
static void print_unusable(const struct vn_host *host, struct vn_listing *listing, FILE *out)
{
	vn_autoset offline = hwloc_bitmap_alloc(), online = hwloc_bitmap_alloc(),
		   memory = hwloc_bitmap_alloc();

	if (!offline || !online || !memory)
		return;
	for (size_t i = 0; i < host->n_cpus; i++)
		hwloc_bitmap_set(host->cpus[i].online ? online : offline, host->cpus[i].id);
	for (size_t i = 0; i < host->n_nodes; i++) {
		if (host->nodes[i].memory_total)
			hwloc_bitmap_set(memory, host->nodes[i].id);
	}
	if (!hwloc_bitmap_iszero(offline))
		print_set_line("offline CPUs:", offline, listing, out);
	if (host->offline_nodes)
		print_set_line("offline nodes (possible, not online):", host->offline_nodes, listing, out);
	if (host->isolated_cpus && !hwloc_bitmap_iszero(host->isolated_cpus))
		print_set_line("isolated CPUs (isolcpus):", host->isolated_cpus, listing, out);
	if (host->nohz_full_cpus && !hwloc_bitmap_iszero(host->nohz_full_cpus))
		print_set_line("CPUs without a tick (nohz_full):", host->nohz_full_cpus, listing, out);
	print_allowed(host->live ? "this process may use only CPUs:"
				 : "the process that read the host may use only CPUs:",
		online, host->allowed_cpus, listing, out);
	print_allowed(host->live ? "this process may use memory only of nodes:"
				 : "the process that read the host may use memory only of nodes:",
		memory, host->allowed_nodes, listing, out);
	print_cgroup(host, out);
	vn_explain_stride(listing, out);
}

/* "3 of 512 x 2 MiB, …", or "-". */
static void print_pools(const struct vn_host_node *node, FILE *out)
{
	char size[VN_SIZE_TEXT];
	const char *separator = "";

	for (size_t i = 0; i < node->n_hugepools; i++) {
		const struct vn_hugepool *pool = &node->hugepools[i];
		if (pool->total == 0)
			continue;
		fprintf(out, "%s%llu of %llu x %s", separator, (unsigned long long)pool->free,
			(unsigned long long)pool->total, vn_size_text(pool->size, size));
		separator = ", ";
	}
	fprintf(out, "%s\n", *separator ? "" : "-");
}

static char *pools_text(const struct vn_host_node *node)
{
	char *text = NULL;
	size_t length = 0;
	FILE *stream = open_memstream(&text, &length);

	if (!stream)
		return NULL;
	print_pools(node, stream);
	if (fclose(stream) == 0)
		return text;
	free(text);
	return NULL;
}

/* Nodes whose pools read the same share a line. */
static void print_hugepages(const struct vn_host *host, FILE *out)
{
	vn_autoset shown = hwloc_bitmap_alloc();

	fprintf(out, "\nfree huge pages\n");
	for (size_t i = 0; shown && i < host->n_nodes; i++) {
		vn_autofree char *text = pools_text(&host->nodes[i]);
		vn_autoset ids = hwloc_bitmap_alloc();
		if (!text || !ids)
			return;
		if (hwloc_bitmap_isset(shown, host->nodes[i].id))
			continue;
		for (size_t j = i; j < host->n_nodes; j++) {
			vn_autofree char *other = pools_text(&host->nodes[j]);
			if (other && strcmp(text, other) == 0)
				hwloc_bitmap_set(ids, host->nodes[j].id);
		}
		hwloc_bitmap_or(shown, shown, ids);
		vn_autofree char *label = vn_set_text(ids);
		fprintf(out, "node%s %s: %s", hwloc_bitmap_weight(ids) == 1 ? "" : "s", label ? label : "?",
			text);
	}
}

static bool tells_distances(const struct vn_host *host)
{
	for (size_t i = 0; i < host->n_nodes; i++) {
		for (size_t j = 0; j < host->n_nodes; j++) {
			if (host->nodes[i].distances[j] != VN_DISTANCE_UNKNOWN)
				return host->n_nodes > 1;
		}
	}
	return false;
}

#define DISTANCE_TEXT 12

/* The figure; `unknown` where there is none. */
static const char *distance_text(uint32_t distance, const char *unknown, char buffer[static DISTANCE_TEXT])
{
	if (distance == VN_DISTANCE_UNKNOWN)
		return unknown;
	snprintf(buffer, DISTANCE_TEXT, "%u", distance);
	return buffer;
}

static void print_distance(uint32_t distance, int width, FILE *out)
{
	char text[DISTANCE_TEXT];
	fprintf(out, "%*s", width, distance_text(distance, "-", text));
}

static void print_matrix(const struct vn_host *host, FILE *out)
{
	int width = host->n_nodes > 15 ? 4 : 5; /* 15 columns of 5 and the label are 79 */

	fprintf(out, "\ndistances: row is the CPU's node, column the memory's\nnode");
	for (size_t j = 0; j < host->n_nodes; j++)
		fprintf(out, "%*u", width, host->nodes[j].id);
	fprintf(out, "\n");
	for (size_t i = 0; i < host->n_nodes; i++) {
		fprintf(out, "%4u", host->nodes[i].id);
		for (size_t j = 0; j < host->n_nodes; j++)
			print_distance(host->nodes[i].distances[j], width, out);
		fprintf(out, "\n");
	}
}

/* "0-7"; of a group with a longer name its first node and a mark. */
static void print_group_label(const struct vn_host *host, const struct vn_fold *fold, size_t group, int width,
	bool right, FILE *out)
{
	vn_autoset ids = vn_fold_ids(host, fold, group);
	vn_autofree char *label = ids ? vn_set_text(ids) : NULL;

	if (!label || strlen(label) >= (size_t)width) {
		free(label);
		label = vn_format("%u..", host->nodes[vn_fold_first(host, fold, group)].id);
	}
	fprintf(out, "%*s", right ? width : -width, label ? label : "?");
}

/* "10/12": from node i to itself and to another of its group. */
static void print_both(const struct vn_host_node *node, size_t i, size_t other, int width, FILE *out)
{
	char self[DISTANCE_TEXT], within[DISTANCE_TEXT], cell[2 * DISTANCE_TEXT];

	snprintf(cell, sizeof(cell), "%s/%s", distance_text(node->distances[i], "-", self),
		distance_text(node->distances[other], "-", within));
	fprintf(out, "%*s", width, cell);
}

/* A row and a column for each group; on the diagonal a node to itself, and to another of its group. */
static void print_group_matrix(const struct vn_host *host, const struct vn_fold *fold, FILE *out)
{
	fprintf(out,
		"\ndistances between groups of nodes: row is the CPU's, column the memory's;\n"
		"'10/12': a node to itself / to another one of its group\n%-16s",
		"nodes");
	for (size_t b = 0; b < fold->n_groups; b++)
		print_group_label(host, fold, b, 7, true, out);
	fprintf(out, "\n");
	for (size_t a = 0; a < fold->n_groups; a++) {
		size_t i = vn_fold_first(host, fold, a), next = vn_fold_next(host, fold, a, i);
		print_group_label(host, fold, a, 16, false, out);
		for (size_t b = 0; b < fold->n_groups; b++) {
			size_t first = vn_fold_first(host, fold, b);
			if (a == b && next < host->n_nodes)
				print_both(&host->nodes[i], i, next, 7, out);
			else
				print_distance(host->nodes[i].distances[first], 7, out);
		}
		fprintf(out, "\n");
	}
}

/* The matrix; folded where it is too wide; where it cannot be, which distances there are and which nodes are near
 * each other. */
static void print_distances(const struct vn_host *host, bool all, FILE *out)
{
	vn_autofold fold = {0};
	vn_autoset values = hwloc_bitmap_alloc();

	if (all || host->n_nodes <= SCREEN_NODES || !values || vn_fold_distances(host, &fold) < 0 ||
		(fold.n_groups > host->n_nodes / 2 && host->n_nodes <= MATRIX_NODES)) {
		print_matrix(host, out);
		return;
	}
	if (fold.n_groups == 1) {
		char self[DISTANCE_TEXT], other[DISTANCE_TEXT];
		fprintf(out, "\ndistances: %s from a node to itself, %s to any other\n",
			distance_text(host->nodes[0].distances[0], "not told", self),
			distance_text(host->nodes[0].distances[1], "not told", other));
		return;
	}
	if (fold.n_groups <= 9) { /* 9 columns of 7 and the label are 79 */
		print_group_matrix(host, &fold, out);
		return;
	}
	for (size_t i = 0; i < host->n_nodes; i++) {
		for (size_t j = 0; j < host->n_nodes; j++)
			hwloc_bitmap_set(values, host->nodes[i].distances[j]);
	}
	hwloc_bitmap_clr(values, VN_DISTANCE_UNKNOWN);
	vn_autofree char *text = vn_set_text(values);
	fprintf(out, "\ndistances (--all prints the matrix): ");
	vn_print_wrapped(text ? text : "?", 37, out);
	vn_host_print_near(host, out);
}

static void print_notes(const struct vn_host *host, FILE *out)
{
	if (host->notes.n)
		fprintf(out, "\n");
	for (size_t i = 0; i < host->notes.n; i++) {
		fprintf(out, "note: ");
		vn_print_wrapped(host->notes.v[i].text, 6, out);
	}
}

void vn_host_print(const struct vn_host *host, bool all, FILE *out)
{
	struct columns c = find_columns(host);
	struct vn_listing listing = {.all = all};

	print_title(host, out);
	print_node_table(host, c, &listing, out);
	print_l3(host, out);
	print_unusable(host, &listing, out);
	if (c.pools)
		print_hugepages(host, out);
	print_speeds(host, out);
	print_memory_caches(host, out);
	if (tells_distances(host))
		print_distances(host, all, out);
	vn_host_print_devices(host, all, out);
	print_notes(host, out);
}

static void print_free_line(const char *label, const struct vn_host_node *node, struct columns c, FILE *out)
{
	char size[VN_SIZE_TEXT];

	fprintf(out, "%4s%11s", label, memory_text(true, node->memory_total, size));
	fprintf(out, "%11s", memory_text(node->has_memory_free, node->memory_free, size));
	if (c.cache)
		fprintf(out, "%11s",
			memory_text(node->has_memory_reclaimable, node->memory_reclaimable, size));
	if (!c.pools || !node->cpus) { /* the line of all nodes has no set */
		fprintf(out, "\n");
		return;
	}
	fprintf(out, "  ");
	print_pools(node, out);
}

void vn_host_free_print(const struct vn_host *host, hwloc_const_bitmap_t cells, FILE *out)
{
	struct columns c = find_columns(host);
	struct vn_host_node all = {.has_memory_free = true, .has_memory_reclaimable = true};
	unsigned shown = 0;

	fprintf(out, "node     memory       free%s%s\n", c.cache ? "      cache" : "",
		c.pools ? "  free huge pages" : "");
	for (size_t i = 0; i < host->n_nodes; i++) {
		const struct vn_host_node *node = &host->nodes[i];
		char label[12];
		if (cells && !hwloc_bitmap_isset(cells, node->id))
			continue;
		snprintf(label, sizeof(label), "%4u", node->id);
		print_free_line(label, node, c, out);
		all.memory_total += node->memory_total;
		all.memory_free += node->memory_free;
		all.memory_reclaimable += node->memory_reclaimable;
		all.has_memory_free &= node->has_memory_free;
		all.has_memory_reclaimable &= node->has_memory_reclaimable;
		shown++;
	}
	if (shown > 1)
		print_free_line(" all", &all, c, out);
}
