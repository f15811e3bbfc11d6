/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The host for people: tables that fit a terminal of 80 columns. Columns that the source tells nothing of are
 * left out. */
#define _GNU_SOURCE
#include "host.h"

#include <string.h>

#include "../base/text.h"

#define SCREEN 80
#define DEVICE_LINES 8 /* per node: a card with 128 virtual functions must not scroll the rest away */

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

/* Prints `text` from column `indent` on, broken behind commas and at blanks so that it stays within the
 * screen. */
static void print_wrapped(const char *text, unsigned indent, FILE *out)
{
	unsigned column = indent, blanks = 0; /* blanks are held back: none may end a line */

	while (*text) {
		size_t piece = strcspn(text, ", ");
		if (text[piece] == ',')
			piece++;
		if (column > indent && column + blanks + piece > SCREEN) {
			fprintf(out, "\n%*s", (int)indent, "");
			column = indent;
			blanks = 0;
		}
		fprintf(out, "%*s%.*s", (int)blanks, "", (int)piece, text);
		column += blanks + (unsigned)piece;
		text += piece;
		blanks = (unsigned)strspn(text, " ");
		text += blanks;
	}
	fputc('\n', out);
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
	uint64_t total = 0, unused = 0;
	unsigned online = 0, cores = 0;
	bool free_known = true;
	char size[VN_SIZE_TEXT];

	for (size_t i = 0; i < host->n_cpus; i++)
		online += host->cpus[i].online;
	for (size_t i = 0; i < host->n_nodes; i++) {
		total += host->nodes[i].memory_total;
		unused += host->nodes[i].memory_free;
		free_known &= host->nodes[i].has_memory_free;
		cores += vn_host_cores(host, host->nodes[i].cpus);
	}
	fprintf(out, "%zu node%s, %u CPU%s", host->n_nodes, host->n_nodes == 1 ? "" : "s", online,
		online == 1 ? "" : "s");
	if (host->cores_known)
		fprintf(out, " in %u core%s", cores, cores == 1 ? "" : "s");
	fprintf(out, ", %s memory", vn_size_text(total, size));
	if (free_known)
		fprintf(out, ", %s free", vn_size_text(unused, size));
	fprintf(out, "\n");
	if (!host->live)
		fprintf(out, "source: %s%s\n", host->source ? host->source : "?",
			host->was_live ? ", as it was when printed" : "");
}

static void print_node(
	const struct vn_host *host, const struct vn_host_node *node, struct columns c, FILE *out)
{
	char size[VN_SIZE_TEXT];
	unsigned cpus = vn_set_weight(node->cpus);
	int width = fprintf(out, "%4u", node->id);

	if (c.cores && cpus)
		width += fprintf(out, "%7u", vn_host_cores(host, node->cpus));
	else if (c.cores)
		width += fprintf(out, "%7s", "-");
	if (cpus)
		width += fprintf(out, "%6u", cpus);
	else
		width += fprintf(out, "%6s", "-");
	width += fprintf(out, "%11s", memory_text(true, node->memory_total, size));
	if (c.free)
		width += fprintf(out, "%11s", memory_text(node->has_memory_free, node->memory_free, size));
	if (c.cache)
		width += fprintf(out, "%11s",
			memory_text(node->has_memory_reclaimable, node->memory_reclaimable, size));
	width += fprintf(out, "  ");
	vn_autofree char *list = vn_set_text(node->cpus);
	print_wrapped(cpus && list ? list : "no CPUs: memory only", (unsigned)width, out);
}

static void print_nodes(const struct vn_host *host, struct columns c, FILE *out)
{
	fprintf(out, "\nnode%s  CPUs     memory%s%s  CPU numbers\n", c.cores ? "  cores" : "",
		c.free ? "       free" : "", c.cache ? "      cache" : "");
	for (size_t i = 0; i < host->n_nodes; i++)
		print_node(host, &host->nodes[i], c, out);
}

static void print_set_line(const char *label, hwloc_const_bitmap_t set, FILE *out)
{
	vn_autofree char *text = vn_set_text(set);
	fprintf(out, "%s ", label);
	print_wrapped(text ? text : "?", (unsigned)strlen(label) + 1, out);
}

/* CPUs that are there but cannot be used: offline, or outside this process's cpuset. */
static void print_unusable(const struct vn_host *host, FILE *out)
{
	vn_autoset offline = hwloc_bitmap_alloc(), online = hwloc_bitmap_alloc();

	if (!offline || !online)
		return;
	for (size_t i = 0; i < host->n_cpus; i++)
		hwloc_bitmap_set(host->cpus[i].online ? online : offline, host->cpus[i].id);
	if (!hwloc_bitmap_iszero(offline))
		print_set_line("\noffline CPUs:", offline, out);
	if (host->allowed_cpus && !hwloc_bitmap_isincluded(online, host->allowed_cpus))
		print_set_line("\nthis process may use only CPUs:", host->allowed_cpus, out);
}

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

static void print_hugepages(const struct vn_host *host, FILE *out)
{
	fprintf(out, "\nnode  free huge pages\n");
	for (size_t i = 0; i < host->n_nodes; i++) {
		fprintf(out, "%4u  ", host->nodes[i].id);
		print_pools(&host->nodes[i], out);
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

static void print_distances(const struct vn_host *host, FILE *out)
{
	int width = host->n_nodes > 15 ? 4 : 5; /* 15 columns of 5 and the label are 79 */

	fprintf(out, "\ndistances: row is the CPU's node, column the memory's\nnode");
	for (size_t j = 0; j < host->n_nodes; j++)
		fprintf(out, "%*u", width, host->nodes[j].id);
	fprintf(out, "\n");
	for (size_t i = 0; i < host->n_nodes; i++) {
		fprintf(out, "%4u", host->nodes[i].id);
		for (size_t j = 0; j < host->n_nodes; j++) {
			if (host->nodes[i].distances[j] == VN_DISTANCE_UNKNOWN)
				fprintf(out, "%*s", width, "-");
			else
				fprintf(out, "%*u", width, host->nodes[i].distances[j]);
		}
		fprintf(out, "\n");
	}
}

/* A word for what matters to a VM's I/O; NULL for bridges, USB and the like. Codes: PCI Code and ID
 * Assignment. */
static const char *class_word(uint32_t code)
{
	switch (code >> 16) {
	case 0x01:
		return "storage";
	case 0x02:
		return "network";
	case 0x03:
		return "display";
	case 0x12:
		return "accelerator";
	default:
		break;
	}
	if (code >> 8 == 0x0502)
		return "CXL memory";
	return code >> 8 == 0x0b40 ? "coprocessor" : NULL;
}

/* The devices of one node (-1: of none); `label` opens the first line. */
static void print_node_devices(const struct vn_host *host, int node, const char *label, FILE *out)
{
	unsigned shown = 0, others = 0;

	for (size_t i = 0; i < host->n_devices; i++) {
		const struct vn_host_device *device = &host->devices[i];
		const char *word = class_word(device->class_code);
		if (device->node != node)
			continue;
		if ((!word && !device->n_names) || shown == DEVICE_LINES) {
			others++;
			continue;
		}
		fprintf(out, "%4s  %-12s  %-11s", shown++ ? "" : label, device->address,
			word ? word : "other");
		fprintf(out, device->driver ? "  %-15s  %s\n" : "  %s%s\n",
			device->n_names ? device->names[0] : "-", device->driver ? device->driver : "");
	}
	if (others)
		fprintf(out, "%4s  %s%u other%s\n", shown ? "" : label, shown ? "and " : "", others,
			others == 1 ? "" : "s");
}

static void print_devices(const struct vn_host *host, FILE *out)
{
	fprintf(out, "\nnode  PCI device    kind         name             driver\n");
	for (size_t i = 0; i < host->n_nodes; i++) {
		char label[12];
		snprintf(label, sizeof(label), "%4u", host->nodes[i].id);
		print_node_devices(host, (int)host->nodes[i].id, label, out);
	}
	print_node_devices(host, -1, "   ?", out);
}

static void print_notes(const struct vn_host *host, FILE *out)
{
	if (host->notes.n)
		fprintf(out, "\n");
	for (size_t i = 0; i < host->notes.n; i++) {
		fprintf(out, "note: ");
		print_wrapped(host->notes.v[i].text, 6, out);
	}
}

void vn_host_print(const struct vn_host *host, FILE *out)
{
	struct columns c = find_columns(host);

	print_title(host, out);
	print_nodes(host, c, out);
	print_unusable(host, out);
	if (c.pools)
		print_hugepages(host, out);
	if (tells_distances(host))
		print_distances(host, out);
	if (host->n_devices)
		print_devices(host, out);
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
