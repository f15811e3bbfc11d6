/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Devices of a host read from JSON: listed below the node that they are on. */
#include "host_from_json.h"

#include <limits.h>
#include <string.h>

#include "../base/parse.h"

#define MAX_NAME 255u /* NAME_MAX of Linux: all of these are names of files */

struct devices {
	struct vn_host *host;
	json_t *addresses; /* seen so far, as keys */
};

/* `0x8086`, of exactly this many digits; -1 when it is not told. */
static int32_t read_code(const struct vn_json_reader *in, const char *key, size_t digits)
{
	vn_autofree char *text = vn_json_maybe_text(in, key, 16, "a code like 0x8086");
	char expected[48];

	if (!text)
		return -1;
	if (strncmp(text, "0x", 2) == 0 && strlen(text) == digits + 2 &&
		strspn(text + 2, "0123456789abcdef") == digits)
		return (int32_t)strtoul(text + 2, NULL, 16);
	snprintf(expected, sizeof(expected), "0x and %zu digits 0 to f", digits);
	vn_json_wrong(in, key, expected);
	return -1;
}

static void read_address(const struct vn_json_reader *in, const char *key, char ret[static VN_PCI_ADDRESS])
{
	static const char expected[] = "a PCI address like 0000:3b:00.0";
	vn_autofree char *text = vn_json_maybe_text(in, key, VN_PCI_ADDRESS - 1, expected);

	if (text && !vn_pci_is_address(text, strlen(text)))
		vn_json_wrong(in, key, expected);
	else if (text)
		memcpy(ret, text, strlen(text) + 1);
}

static void read_root(const struct vn_json_reader *in, struct vn_host_device *device)
{
	static const char expected[] = "a root complex like pci0000:3a, or null";
	vn_autofree char *text = vn_json_maybe_text(in, "root", VN_PCI_ADDRESS - 1, expected);

	if (text && *text)
		memcpy(device->root, text, strlen(text) + 1);
	else if (text)
		vn_json_wrong(in, "root", expected);
}

static void add_name(const struct vn_json_reader *in, struct vn_host_device *device, const char *name)
{
	device->names[device->n_names] = strdup(name);
	if (device->names[device->n_names])
		device->n_names++;
	else
		vn_json_no_memory(in);
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* `names`, and `name` for the first of them. */
static void read_names(const struct vn_json_reader *in, struct vn_host_device *device)
{
	const json_t *list = vn_json_maybe_list(in, "names", VN_JSON_MAX_ITEMS);
	vn_autofree char *first = vn_json_maybe_text(in, "name", MAX_NAME, "a name, or null");
	size_t n = json_array_size(list);

	device->names = calloc(n + 1, sizeof(*device->names));
	if (!device->names) {
		vn_json_no_memory(in);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		char key[32];
		snprintf(key, sizeof(key), "names[%zu]", i);
		const json_t *value = json_array_get(list, i);
		if (json_is_string(value) && json_string_length(value) <= MAX_NAME &&
			vn_text_is_printable(json_string_value(value)))
			add_name(in, device, json_string_value(value));
		else
			vn_json_problem(
				in, key, "expected a name of at most %u printable characters", MAX_NAME);
	}
	if (!list && first)
		add_name(in, device, first);
	else if (list && json_object_get(in->object, "name") &&
		 !same_text(first, device->n_names ? device->names[0] : NULL))
		vn_json_wrong(in, "name", "the first of 'names', or null when there is none");
}

static void read_irqs(const struct vn_json_reader *in, struct vn_host_device *device)
{
	const json_t *list = vn_json_maybe_list(in, "irqs", VN_JSON_MAX_ITEMS);
	size_t n = json_array_size(list);

	device->irqs = calloc(n + 1, sizeof(*device->irqs));
	for (size_t i = 0; device->irqs && i < n; i++) {
		struct vn_json_reader irq;
		uint64_t number;
		if (!vn_json_member(in, "irqs", list, i, &irq) ||
			!vn_json_number(&irq, "irq", 0, INT_MAX, "an interrupt's number", &number))
			continue;
		device->irqs[device->n_irqs++] = (struct vn_host_irq){.number = (unsigned)number,
			.cpus = vn_json_maybe_set(&irq, "cpus", VN_SET_MAX),
			.effective = vn_json_maybe_set(&irq, "effective_cpus", VN_SET_MAX)};
	}
	if (!device->irqs)
		vn_json_no_memory(in);
}

static void check_irqs(const struct vn_json_reader *in, struct vn_host_device *device)
{
	if (device->n_irqs > 1)
		qsort(device->irqs, device->n_irqs, sizeof(*device->irqs), vn_compare_irqs);
	for (size_t i = 1; i < device->n_irqs; i++) {
		if (device->irqs[i].number == device->irqs[i - 1].number)
			vn_json_problem(
				in, "irqs", "irq %u is there twice; expected once", device->irqs[i].number);
	}
}

static void read_device(struct devices *d, const struct vn_json_reader *in, int node)
{
	struct vn_host_device *device = &d->host->devices[d->host->n_devices++];

	*device = vn_host_device_init();
	device->node = node;
	read_address(in, "address", device->address);
	if (!vn_json_told(in, "address"))
		vn_json_wrong(in, "address", "a PCI address like 0000:3b:00.0");
	if (*device->address && json_object_get(d->addresses, device->address))
		vn_json_problem(in, "address", "%s is there twice; expected once", device->address);
	if (*device->address && json_object_set_new(d->addresses, device->address, json_null()) < 0)
		vn_json_no_memory(in);
	device->class_code = read_code(in, "class", 6);
	device->vendor = read_code(in, "vendor", 4);
	device->device = read_code(in, "device", 4);
	device->driver = vn_json_maybe_text(in, "driver", MAX_NAME, "a driver's name, or null");
	read_names(in, device);
	read_address(in, "physical_function", device->physical_function);
	read_root(in, device);
	device->local_cpus = vn_json_maybe_set(in, "local_cpus", VN_SET_MAX);
	read_irqs(in, device);
	check_irqs(in, device);
}

static void read_list(
	struct devices *d, const struct vn_json_reader *in, const char *key, const json_t *list, int node)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		struct vn_json_reader device;
		if (vn_json_member(in, key, list, i, &device))
			read_device(d, &device, node);
	}
}

void vn_json_devices(const struct vn_json_reader *top, const json_t *nodes, struct vn_host *host)
{
	const json_t *stray = vn_json_maybe_list(top, "devices_without_node", VN_JSON_MAX_ITEMS);
	json_auto_t *addresses = json_object();
	struct devices d = {host, addresses};
	size_t n = json_array_size(stray);

	for (size_t i = 0; i < host->n_nodes; i++)
		n += json_array_size(json_object_get(json_array_get(nodes, i), "devices"));
	host->devices = calloc(n + 1, sizeof(*host->devices));
	if (!host->devices || !addresses) {
		vn_json_no_memory(top);
		return;
	}
	for (size_t i = 0; i < host->n_nodes; i++) {
		struct vn_json_reader in = {top->document, top, "nodes", (long)i, json_array_get(nodes, i)};
		const json_t *list = vn_json_maybe_list(&in, "devices", VN_JSON_MAX_ITEMS);
		read_list(&d, &in, "devices", list, (int)host->nodes[i].id);
	}
	read_list(&d, top, "devices_without_node", stray, -1);
}
