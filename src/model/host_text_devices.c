/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The host's devices for people: a line a node, or all of them in a table. */
#define _GNU_SOURCE
#include <string.h>

#include "host_text.h"
#include "host_words.h"

#define MAX_LISTED 12 /* of one kind and node in the short form */

/* The names of a device, blank between; its address when it has none. */
static void print_names(const struct vn_host_device *device, FILE *text)
{
	if (!device->n_names)
		fputs(device->address, text);
	for (size_t i = 0; i < device->n_names; i++)
		fprintf(text, "%s%s", i ? " " : "", device->names[i]);
}

/* "network eth0, eth1, 0000:3b:00.0 (vfio-pci)": what of one kind a node has; nothing when it has none. */
static bool print_kind(const struct vn_host *host, int node, const char *word, bool first, FILE *text)
{
	size_t shown = 0, more = 0;

	for (size_t i = 0; i < host->n_devices; i++) {
		const struct vn_host_device *device = &host->devices[i];
		const char *own = vn_device_word(device);
		if (device->node != node || !own || strcmp(own, word) != 0 || *device->physical_function)
			continue;
		if (shown == MAX_LISTED) {
			more++;
			continue;
		}
		if (shown == 0)
			fprintf(text, "%s%s ", first ? "" : "; ", word);
		else
			fputs(", ", text);
		print_names(device, text);
		if (device->driver && strcmp(device->driver, "vfio-pci") == 0)
			fputs(" (vfio-pci)", text);
		shown++;
	}
	if (more)
		fprintf(text, " and %zu more", more);
	return shown > 0;
}

/* What vn_device_word() has no word for. Codes: PCI Code and ID Assignment Specification, section 1. */
enum rest { REST_BRIDGE, REST_CHIPSET, REST_USB, REST_OTHER, N_REST };

static enum rest rest_of(const struct vn_host_device *device)
{
	static const struct {
		uint32_t code, mask;
		enum rest rest;
	} classes[] = {
		{0x060000, 0xff0000, REST_BRIDGE},
		{0x050000, 0xff0000, REST_CHIPSET}, /* memory controllers */
		{0x080000, 0xff0000, REST_CHIPSET}, /* system peripherals: interrupts, DMA, timers, IOMMU */
		{0x0c0500, 0xffff00, REST_CHIPSET}, /* SMBus */
		{0x110100, 0xffff00, REST_CHIPSET}, /* performance counters */
		{0x0c0300, 0xffff00, REST_USB},
	};

	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		if ((device->class_code & classes[i].mask) == classes[i].code)
			return classes[i].rest;
	}
	return REST_OTHER;
}

static const char *table_word(const struct vn_host_device *device)
{
	static const char *const words[N_REST] = {"bridge", "chipset", "USB", "other"};
	const char *word = vn_device_word(device);
	return word ? word : words[rest_of(device)];
}

/* "; 3 others": nothing for none. */
static void print_number(size_t n, const char *one, const char *several, const char **separator, FILE *text)
{
	if (n == 0)
		return;
	fprintf(text, "%s%zu %s", *separator, n, n == 1 ? one : several);
	*separator = "; ";
}

static void print_rest(const struct vn_host *host, int node, bool first, FILE *text)
{
	size_t functions = 0, rest[N_REST] = {0};
	const char *separator = first ? "" : "; ";

	for (size_t i = 0; i < host->n_devices; i++) {
		const struct vn_host_device *device = &host->devices[i];
		if (device->node != node)
			continue;
		if (*device->physical_function)
			functions++;
		else if (!vn_device_word(device))
			rest[rest_of(device)]++;
	}
	print_number(functions, "virtual function", "virtual functions", &separator, text);
	print_number(rest[REST_USB], "USB controller", "USB controllers", &separator, text);
	if (rest[REST_BRIDGE] && rest[REST_CHIPSET]) {
		print_number(rest[REST_BRIDGE] + rest[REST_CHIPSET], "", "bridges and chipset devices",
			&separator, text);
	} else {
		print_number(rest[REST_BRIDGE], "bridge", "bridges", &separator, text);
		print_number(rest[REST_CHIPSET], "chipset device", "chipset devices", &separator, text);
	}
	print_number(rest[REST_OTHER], "other", "others", &separator, text);
}

static void print_line(const struct vn_host *host, int node, FILE *out)
{
	static const char *const words[] = {
		"network", "storage", "display", "accelerator", "coprocessor", "CXL memory"};
	vn_autofree char *line = NULL;
	size_t length = 0;
	bool first = true;
	FILE *text = open_memstream(&line, &length);

	if (!text)
		return;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (print_kind(host, node, words[i], first, text))
			first = false;
	}
	print_rest(host, node, first, text);
	if (fclose(text) != 0 || length == 0)
		return;
	if (node < 0)
		fprintf(out, "   ?  ");
	else
		fprintf(out, "%4d  ", node);
	vn_print_wrapped(line, 6, out);
}

static void print_row(const struct vn_host_device *device, FILE *out)
{
	vn_autofree char *names = NULL;
	size_t length = 0;
	char node[12] = "?";
	FILE *text = open_memstream(&names, &length);

	if (!text)
		return;
	if (device->n_names)
		print_names(device, text);
	if (*device->physical_function)
		fprintf(text, "%sof %s", length || device->n_names ? " " : "", device->physical_function);
	if (fclose(text) != 0)
		return;
	if (device->node >= 0)
		snprintf(node, sizeof(node), "%d", device->node);
	fprintf(out, "%4s  %-12s  %-11s", node, device->address, table_word(device));
	fprintf(out, device->driver ? "  %-22s  %s\n" : "  %s%s\n", names && *names ? names : "-",
		device->driver ? device->driver : "");
}

static void print_table(const struct vn_host *host, int node, FILE *out)
{
	for (size_t i = 0; i < host->n_devices; i++) {
		if (host->devices[i].node == node)
			print_row(&host->devices[i], out);
	}
}

void vn_host_print_devices(const struct vn_host *host, bool all, FILE *out)
{
	void (*print)(const struct vn_host *, int, FILE *) = all ? print_table : print_line;

	if (host->n_devices == 0)
		return;
	fprintf(out, all ? "\nnode  PCI device    kind         name                    driver\n"
			 : "\nnode  devices\n");
	for (size_t i = 0; i < host->n_nodes; i++)
		print(host, (int)host->nodes[i].id, out);
	print(host, -1, out);
}
