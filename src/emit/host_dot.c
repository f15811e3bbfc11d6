/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "host_dot.h"

#include <string.h>

#include "../base/text.h"
#include "../model/host_levels.h"
#include "../model/host_words.h"
#include "xml.h"

#define ALL_EDGES 12 /* nodes; of more, only edges to the nearest */
#define NEAREST 3 /* edges of a node then */
#define MAX_DEVICES 6 /* of a node */
#define LIST_WIDTH 36 /* characters of a line of CPU numbers */
#define LIST_LINES 4

/* Text in an HTML-like label, in lines that end behind a comma. */
static void print_list(const char *list, FILE *out)
{
	int lines = 1;

	for (size_t column = 0, piece; *list; list += piece, column += piece) {
		piece = strcspn(list, ",");
		piece += list[piece] == ',';
		if (column > 0 && column + piece > LIST_WIDTH) {
			if (lines++ == LIST_LINES) {
				fputs("&#8230;", out);
				return;
			}
			fputs("<BR/>", out);
			column = 0;
		}
		vn_xml_escape(list, piece, out);
	}
}

/* ---- nodes ---- */

static void print_memory(const struct vn_host_node *node, FILE *out)
{
	char size[VN_SIZE_TEXT];

	if (node->memory_total == 0) {
		fputs("no memory", out);
		return;
	}
	fprintf(out, "%s memory", vn_size_text(node->memory_total, size));
	if (node->has_memory_free)
		fprintf(out, ", %s free", vn_size_text(node->memory_free, size));
	for (size_t i = 0; i < node->n_hugepools; i++) {
		const struct vn_hugepool *pool = &node->hugepools[i];
		if (pool->total)
			fprintf(out, "<BR/>%llu of %llu huge pages of %s free",
				(unsigned long long)pool->free, (unsigned long long)pool->total,
				vn_size_text(pool->size, size));
	}
}

static void print_node(const struct vn_host *host, size_t index, FILE *out)
{
	const struct vn_host_node *node = &host->nodes[index];
	const char *kind = vn_kind_word(node->memory_kind, VN_WORD_BRIEF);
	unsigned cpus = vn_set_weight(node->cpus), cores = vn_host_cores(host, node->cpus);
	vn_autofree char *list = vn_set_text(node->cpus);

	fprintf(out,
		"n%u [shape=plain, label=<<TABLE BORDER=\"1\" CELLBORDER=\"0\" CELLSPACING=\"0\" CELLPADDING=\"4\" "
		"BGCOLOR=\"white\" COLOR=\"#57606a\"><TR><TD BGCOLOR=\"%s\"><B>node %u%s%s</B></TD></TR>",
		node->id, kind ? "#ffe0a3" : "#c9d6e6", node->id, kind ? ": " : "", kind ? kind : "");
	fputs("<TR><TD>", out);
	print_memory(node, out);
	fputs("</TD></TR><TR><TD>", out);
	if (cpus == 0)
		fputs("no CPUs", out);
	else if (host->cores_known)
		fprintf(out, "%u CPU%s in %u core%s<BR/>", cpus, cpus == 1 ? "" : "s", cores,
			cores == 1 ? "" : "s");
	else
		fprintf(out, "%u CPU%s<BR/>", cpus, cpus == 1 ? "" : "s");
	print_list(list ? list : "?", out);
	fputs("</TD></TR></TABLE>>];\n", out);
}

static size_t count_nodes(const struct vn_level *level)
{
	size_t n = level->n_nodes;

	for (size_t i = 0; i < level->n_children; i++)
		n += count_nodes(&level->children[i]);
	return n;
}

/* The package of a node that no cluster of a package holds. */
static int own_package(const struct vn_host *host, size_t node)
{
	vn_autoset packages = vn_cpus_packages(host, host->nodes[node].cpus);
	return vn_set_weight(packages) == 1 ? hwloc_bitmap_first(packages) : -1;
}

/* A distance group of one node tells nothing. */
static bool near_itself(const struct vn_level *level)
{
	return strcmp(level->name, "distance") == 0 && count_nodes(level) == 1;
}

static void print_level(const struct vn_host *host, const struct vn_level *level, bool in_package,
	unsigned *cluster, FILE *out)
{
	for (size_t i = 0; i < level->n_children; i++) {
		const struct vn_level *child = &level->children[i];
		bool package = strcmp(child->name, "package") == 0,
		     near = strcmp(child->name, "distance") == 0;
		if (near_itself(child)) {
			print_level(host, child, in_package, cluster, out);
			continue;
		}
		fprintf(out,
			"subgraph cluster_%u {\nstyle=filled; labeljust=l; color=\"#93a1b3\"; fillcolor=\"%s\"; ",
			*cluster, in_package ? "#dfe7f0" : "#eef2f7");
		++*cluster;
		if (near)
			fputs("label=\"near each other\";\n", out);
		else
			fprintf(out, "label=\"%s %d\";\n", child->name, child->id);
		print_level(host, child, in_package || package, cluster, out);
		fputs("}\n", out);
	}
	for (size_t i = 0; i < level->n_nodes; i++) {
		int package = in_package ? -1 : own_package(host, level->nodes[i]);
		if (package >= 0)
			fprintf(out,
				"subgraph cluster_%u {\nstyle=filled; labeljust=l; color=\"#93a1b3\"; fillcolor=\"#eef2f7\"; "
				"label=\"package %d\";\n",
				(*cluster)++, package);
		print_node(host, level->nodes[i], out);
		if (package >= 0)
			fputs("}\n", out);
	}
}

/* ---- rows ---- */

/* Nodes beside each other: graphviz would put each of a group below the one before. */
static size_t row_width(const struct vn_host *host)
{
	return host->n_nodes <= 2 ? 2 : host->n_nodes <= 4 ? 2 : host->n_nodes <= 16 ? 4 : 8;
}

struct rows {
	size_t n, width; /* nodes in the row begun, at most */
	size_t first, last_first; /* of this row and the one before: indices of nodes */
	bool any; /* a row came before */
};

static void end_row(const struct vn_host *host, struct rows *rows, FILE *out)
{
	if (rows->n == 0)
		return;
	fputs("}\n", out);
	if (rows->any)
		fprintf(out, "n%u -> n%u [style=invis];\n", host->nodes[rows->last_first].id,
			host->nodes[rows->first].id);
	rows->last_first = rows->first;
	rows->any = true;
	rows->n = 0;
}

/* Fills rows in the order of the tree; a group that fits in a row is not broken. */
static void print_rows(const struct vn_host *host, const struct vn_level *level, struct rows *rows, FILE *out)
{
	if (count_nodes(level) + rows->n > rows->width)
		end_row(host, rows, out);
	for (size_t i = 0; i < level->n_children; i++)
		print_rows(host, &level->children[i], rows, out);
	for (size_t i = 0; i < level->n_nodes; i++) {
		if (rows->n == rows->width)
			end_row(host, rows, out);
		if (rows->n++ == 0) {
			fputs("{rank=same;", out);
			rows->first = level->nodes[i];
		}
		fprintf(out, " n%u;", host->nodes[level->nodes[i]].id);
	}
}

static void mark(const struct vn_level *level, int cluster, int *clusters)
{
	for (size_t i = 0; i < level->n_nodes; i++)
		clusters[level->nodes[i]] = cluster;
	for (size_t i = 0; i < level->n_children; i++)
		mark(&level->children[i], cluster, clusters);
}

/* The number that print_level() gives next after this level. */
static unsigned count_clusters(const struct vn_host *host, const struct vn_level *level, bool in_package)
{
	unsigned n = 0;

	for (size_t i = 0; i < level->n_children; i++) {
		const struct vn_level *child = &level->children[i];
		n += count_clusters(host, child, in_package || strcmp(child->name, "package") == 0);
		n += !near_itself(child);
	}
	for (size_t i = 0; i < level->n_nodes; i++)
		n += !in_package && own_package(host, level->nodes[i]) >= 0;
	return n;
}

/* Fills the cluster of each node, of those that are in none, -1. */
static void print_nodes(const struct vn_host *host, int *clusters, FILE *out)
{
	vn_autolevel *top = vn_host_levels(host);
	struct rows rows = {.width = row_width(host)};
	unsigned cluster = 0;

	for (size_t i = 0; i < host->n_nodes; i++)
		clusters[i] = -1;
	if (!top) { /* memory is short */
		for (size_t i = 0; i < host->n_nodes; i++)
			print_node(host, i, out);
		return;
	}
	print_level(host, top, false, &cluster, out);
	print_rows(host, top, &rows, out);
	end_row(host, &rows, out);
	cluster = 0;
	for (size_t i = 0; i < top->n_children; i++) {
		const struct vn_level *child = &top->children[i];
		if (count_nodes(child) > 1)
			mark(child, (int)cluster, clusters);
		cluster += !near_itself(child);
		cluster += count_clusters(host, child, strcmp(child->name, "package") == 0);
	}
}

/* ---- edges ---- */

static uint32_t nearest_distance(const struct vn_host *host, size_t node)
{
	uint32_t nearest = UINT32_MAX;

	for (size_t j = 0; j < host->n_nodes; j++) {
		uint32_t d = host->nodes[node].distances[j];
		if (j != node && d != VN_DISTANCE_UNKNOWN && d < nearest)
			nearest = d;
	}
	return nearest;
}

/* Whether node i has an edge to j: to all, or to the nearest, of equally near ones those that follow it. */
static bool has_edge(const struct vn_host *host, size_t i, size_t j)
{
	const uint32_t *row = host->nodes[i].distances;
	unsigned before = 0;

	if (i == j || row[j] == VN_DISTANCE_UNKNOWN)
		return false;
	if (host->n_nodes <= ALL_EDGES)
		return true;
	uint32_t nearest = nearest_distance(host, i);
	if (row[j] != nearest)
		return false;
	for (size_t k = (i + 1) % host->n_nodes; k != j && before < NEAREST; k = (k + 1) % host->n_nodes)
		before += k != i && row[k] == nearest;
	return before < NEAREST;
}

/* Whether it is the same distance both ways from each node of i's cluster to each of j's, two clusters. */
static bool alike(const struct vn_host *host, const int *clusters, size_t i, size_t j)
{
	uint32_t d = host->nodes[i].distances[j];

	if (clusters[i] < 0 || clusters[j] < 0 || clusters[i] == clusters[j] || d == VN_DISTANCE_UNKNOWN)
		return false;
	for (size_t a = 0; a < host->n_nodes; a++) {
		for (size_t b = 0; b < host->n_nodes; b++) {
			if (clusters[a] == clusters[i] && clusters[b] == clusters[j] &&
				(host->nodes[a].distances[b] != d || host->nodes[b].distances[a] != d))
				return false;
		}
	}
	return true;
}

static bool is_first(const int *clusters, size_t node)
{
	for (size_t i = 0; i < node; i++) {
		if (clusters[i] == clusters[node])
			return false;
	}
	return true;
}

/* One edge from cluster to cluster for all of their nodes. */
static void print_bundle(const struct vn_host *host, const int *clusters, size_t i, size_t j, FILE *out)
{
	fprintf(out,
		"n%u -> n%u [label=\"%u\", dir=none, ltail=cluster_%d, lhead=cluster_%d, penwidth=3, "
		"color=\"#93a1b3\"];\n",
		host->nodes[i].id, host->nodes[j].id, host->nodes[i].distances[j], clusters[i], clusters[j]);
}

/* The nearer, the thicker; only edges to a node's nearest pull it there. */
static void print_edge(const struct vn_host *host, size_t i, size_t j, bool directed, FILE *out)
{
	uint32_t d = host->nodes[i].distances[j];
	bool near = d == nearest_distance(host, i) || d == nearest_distance(host, j);

	fprintf(out, "n%u -> n%u [label=\"%u\"%s, penwidth=%s, color=\"%s\"%s];\n", host->nodes[i].id,
		host->nodes[j].id, d, directed ? "" : ", dir=none", near ? "2" : "0.8",
		near ? "#1f5f99" : "#93a1b3", near ? ", weight=3" : "");
}

static void print_edges(const struct vn_host *host, const int *clusters, FILE *out)
{
	for (size_t i = 0; i < host->n_nodes; i++) {
		for (size_t j = i + 1; j < host->n_nodes; j++) {
			bool there = has_edge(host, i, j), back = has_edge(host, j, i);
			bool same = host->nodes[i].distances[j] == host->nodes[j].distances[i];
			if (host->n_nodes <= ALL_EDGES && alike(host, clusters, i, j)) {
				if (is_first(clusters, i) && is_first(clusters, j))
					print_bundle(host, clusters, i, j, out);
				continue;
			}
			if (same && (there || back)) {
				print_edge(host, i, j, false, out);
				continue;
			}
			if (there)
				print_edge(host, i, j, true, out);
			if (back)
				print_edge(host, j, i, true, out);
		}
	}
}

/* ---- devices ---- */

static void print_device(const struct vn_host *host, size_t index, FILE *out)
{
	const struct vn_host_device *device = &host->devices[index];
	const char *word = vn_device_word(device);
	vn_autofree char *names = vn_device_names(device);

	fprintf(out,
		"d%zu [shape=box, style=\"filled,rounded\", fillcolor=\"#f2f0fa\", fontsize=10, label=<<B>%s</B> ",
		index, word ? word : "other");
	vn_xml_escape(names ? names : "?", 60, out);
	fputs("<BR/>", out);
	vn_xml_escape(device->address, SIZE_MAX, out);
	fputs(">];\n", out);
}

/* The devices that matter to a VM's I/O, at most MAX_DEVICES; the others are counted. */
static void print_devices_of(const struct vn_host *host, int node, FILE *out)
{
	size_t shown = 0, others = 0;
	char name[16] = "none";

	if (node >= 0)
		snprintf(name, sizeof(name), "%d", node);
	for (size_t i = 0; i < host->n_devices; i++) {
		const struct vn_host_device *device = &host->devices[i];
		if (device->node != node)
			continue;
		if (!vn_device_word(device) || *device->physical_function || shown == MAX_DEVICES) {
			others++;
			continue;
		}
		shown++;
		print_device(host, i, out);
		if (node >= 0)
			fprintf(out, "n%d -> d%zu [dir=none, style=dashed, color=\"#a79fcb\"];\n", node, i);
	}
	if (others == 0)
		return;
	fprintf(out, "others_%s [shape=plaintext, fontsize=10, label=\"%s%zu %s\"];\n", name,
		shown ? "and " : "", others,
		shown ? (others == 1 ? "other" : "others") : (others == 1 ? "device" : "devices"));
	if (node >= 0)
		fprintf(out, "n%d -> others_%s [dir=none, style=dashed, color=\"#a79fcb\"];\n", node, name);
}

static void print_devices(const struct vn_host *host, FILE *out)
{
	bool any = false;

	for (size_t i = 0; i < host->n_nodes; i++)
		print_devices_of(host, (int)host->nodes[i].id, out);
	for (size_t i = 0; i < host->n_devices; i++)
		any |= host->devices[i].node < 0;
	if (!any)
		return;
	fputs("subgraph cluster_devices {\nstyle=dashed; color=\"#a79fcb\"; label=\"devices, node not told\";\n",
		out);
	print_devices_of(host, -1, out);
	fputs("}\n", out);
}

void vn_host_print_dot(const struct vn_host *host, FILE *out)
{
	vn_autofree char *totals = vn_host_totals(host);

	fputs("digraph host {\ngraph [fontname=\"sans-serif\", labelloc=t, newrank=true, compound=true, nodesep=0.4, ranksep=0.7, label=<<B>",
		out);
	vn_xml_escape(totals ? totals : "?", SIZE_MAX, out);
	fputs("</B>", out);
	if (!host->live) {
		fputs("<BR/>source: ", out);
		vn_xml_escape(host->source ? host->source : "?", 200, out);
	}
	if (host->n_nodes > ALL_EDGES)
		fprintf(out,
			"<BR/>edges: only to the nearest nodes of each, at most %d of those equally near",
			NEAREST);
	fputs(">];\nnode [fontname=\"sans-serif\", fontsize=11];\nedge [fontname=\"sans-serif\", fontsize=10];\n",
		out);
	int *clusters = calloc(host->n_nodes + 1, sizeof(*clusters));
	if (clusters) {
		print_nodes(host, clusters, out);
		print_edges(host, clusters, out);
	}
	free(clusters);
	print_devices(host, out);
	fputs("}\n", out);
}
