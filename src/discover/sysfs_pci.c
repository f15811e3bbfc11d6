/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sys/bus/pci/devices: where each function is, what it is, who drives it, and the name an administrator knows
 * it by. */
#define _GNU_SOURCE
#include "sysfs.h"

#include <limits.h>
#include <string.h>

#include "../base/parse.h"
#include "../base/text.h"

#define PCI_DIRECTORY "sys/bus/pci/devices"
#define IRQ_DIRECTORY "proc/irq"
#define MAX_NAMES 64 /* of one function: a disk controller with a shelf of them */

/* `0x8086`; a gathered tree may lack it, and a code of 0 is PCI's own word for "not told". */
static uint32_t read_code(const struct vn_root *root, const char *directory, const char *name, uint32_t max)
{
	char path[VN_PATH_TEXT];
	vn_autofree char *text = NULL;
	char *end;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	if (vn_root_read(root, path, &text) < 0 || strncmp(text, "0x", 2) != 0)
		return 0;
	if (strspn(text + 2, "0123456789abcdefABCDEF") > 8)
		return 0;
	unsigned long code = strtoul(text + 2, &end, 16);
	return (*end && *end != '\n') || code > max ? 0 : (uint32_t)code;
}

/* 0000:3b:00.0, or 10000:01:00.0 behind a volume management device; `length` characters of text. */
static bool is_address(const char *text, size_t length)
{
	return length >= 12 && length < VN_PCI_ADDRESS && strspn(text, "0123456789abcdef:.") >= length &&
	       text[length - 2] == '.';
}

/* The driver's name; NULL when none is bound. A name nobody could print is as good as none. */
static char *read_driver(const struct vn_root *root, const char *directory)
{
	char path[VN_PATH_TEXT];
	vn_autofree char *driver = NULL;

	snprintf(path, sizeof(path), "%s/driver", directory);
	if (vn_root_link_name(root, path, &driver) < 0 || !vn_text_is_printable(driver))
		return NULL;
	return vn_steal(driver);
}

/* The root complex: the first directory below devices/ of the link's target, pci0000:3a. */
static void read_root(const struct vn_root *root, const char *directory, struct vn_host_device *device)
{
	vn_autofree char *target = NULL;

	if (vn_root_link(root, directory, &target) < 0)
		return; /* gathered as a directory */
	const char *at = strstr(target, "/pci");
	size_t length = at ? strcspn(at + 1, "/") : 0;
	if (length > 3 && length < sizeof(device->root) && strspn(at + 4, "0123456789abcdef:") == length - 3)
		snprintf(device->root, sizeof(device->root), "%.*s", (int)length, at + 1);
}

static void read_physical_function(
	const struct vn_root *root, const char *directory, struct vn_host_device *device)
{
	char path[VN_PATH_TEXT];
	vn_autofree char *name = NULL;

	snprintf(path, sizeof(path), "%s/physfn", directory);
	if (vn_root_link_name(root, path, &name) == 0 && is_address(name, strlen(name)))
		snprintf(device->physical_function, sizeof(device->physical_function), "%s", name);
}

static int read_irq(struct vn_sysfs *sysfs, unsigned number, struct vn_host_device *device)
{
	struct vn_host_irq *irq = &device->irqs[device->n_irqs++];
	char directory[VN_PATH_TEXT / 2];

	*irq = (struct vn_host_irq){.number = number};
	snprintf(directory, sizeof(directory), IRQ_DIRECTORY "/%u", number);
	int r = vn_sysfs_read_set(sysfs, directory, "smp_affinity_list", "smp_affinity", &irq->cpus);
	int s = vn_sysfs_read_set(
		sysfs, directory, "effective_affinity_list", "effective_affinity", &irq->effective);
	return r < 0 && r != -ENOENT ? r : s < 0 && s != -ENOENT ? s : 0;
}

/* Message signalled interrupts have a file each; a device without them has its line's number, 0 for none. */
static int read_irqs(struct vn_sysfs *sysfs, const char *directory, struct vn_host_device *device)
{
	char path[VN_PATH_TEXT];
	vn_autoset numbers = NULL;
	int status = 0, line = -1;

	snprintf(path, sizeof(path), "%s/msi_irqs", directory);
	int r = vn_sysfs_list_ids(sysfs, path, "", VN_SET_MAX, &numbers);
	if (r < 0 && r != -ENOENT)
		return r;
	if (r == -ENOENT && device->driver) {
		snprintf(path, sizeof(path), "%s/irq", directory);
		r = vn_sysfs_read_id(sysfs, path, &line);
		if (r < 0)
			return r;
	}
	device->irqs = calloc(vn_set_weight(numbers) + 1, sizeof(*device->irqs));
	if (!device->irqs)
		return vn_error_environment(sysfs->err, -ENOMEM, "out of memory");
	if (line > 0)
		return read_irq(sysfs, (unsigned)line, device);
	for (int n = numbers ? hwloc_bitmap_first(numbers) : -1; n >= 0; n = hwloc_bitmap_next(numbers, n)) {
		r = read_irq(sysfs, (unsigned)n, device);
		status = r < 0 ? r : status;
	}
	return status;
}

#define NO_FILE INT_MIN

/*
 * A tree gathered by an old hwloc has a device's CPUs, but not its node: it is the one that has them all, or -1. (Where the
 * kernel says -1 itself, its CPUs are only those of the bus, and are not believed.)
 */
static int node_of(const struct vn_host *host, hwloc_const_bitmap_t cpus)
{
	for (size_t i = 0; cpus && !hwloc_bitmap_iszero(cpus) && i < host->n_nodes; i++) {
		if (hwloc_bitmap_isincluded(cpus, host->nodes[i].cpus))
			return (int)host->nodes[i].id;
	}
	return -1;
}

static int read_device(struct vn_sysfs *sysfs, const char *address, struct vn_host_device *device)
{
	char directory[VN_PATH_TEXT / 2], path[VN_PATH_TEXT];

	*device = vn_host_device_init();
	snprintf(device->address, sizeof(device->address), "%s", address);
	snprintf(directory, sizeof(directory), PCI_DIRECTORY "/%s", address);
	device->class_code = read_code(&sysfs->root, directory, "class", 0xffffff);
	device->vendor = (uint16_t)read_code(&sysfs->root, directory, "vendor", UINT16_MAX);
	device->device = (uint16_t)read_code(&sysfs->root, directory, "device", UINT16_MAX);
	device->driver = read_driver(&sysfs->root, directory);
	read_root(&sysfs->root, directory, device);
	read_physical_function(&sysfs->root, directory, device);
	snprintf(path, sizeof(path), "%s/numa_node", directory);
	int node = NO_FILE;
	int r = vn_sysfs_read_id(sysfs, path, &node);
	int s = vn_sysfs_read_set(sysfs, directory, "local_cpulist", "local_cpus", &device->local_cpus);
	device->node = node == NO_FILE ? node_of(sysfs->host, device->local_cpus) : node;
	int t = read_irqs(sysfs, directory, device);
	return r < 0 ? r : s < 0 && s != -ENOENT ? s : t;
}

/* The function that the target of a link of sys/class lies below: the last address in the path. */
static struct vn_host_device *find_owner(const struct vn_host *host, const char *target)
{
	struct vn_host_device *owner = NULL;

	for (const char *at = target; at; at = strchr(at, '/')) {
		at += *at == '/';
		size_t length = strcspn(at, "/");
		if (!is_address(at, length))
			continue;
		for (size_t i = 0; i < host->n_devices; i++) {
			struct vn_host_device *device = &host->devices[i];
			if (strncmp(device->address, at, length) == 0 && !device->address[length])
				owner = device;
		}
	}
	return owner;
}

static int add_name(struct vn_host_device *device, const char *name)
{
	char **grown = reallocarray(device->names, device->n_names + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	device->names = grown;
	grown[device->n_names] = strdup(name);
	return grown[device->n_names] ? (int)(device->n_names++, 0) : -ENOMEM;
}

/* One entry of sys/class/net or sys/class/block. A partition's link ends in DISK/PARTITION. */
static int read_name(struct vn_sysfs *sysfs, const char *class, const char *name)
{
	vn_autofree char *path = vn_format("sys/class/%s/%s", class, name);
	vn_autofree char *end = vn_format("/%s/%s", class, name);
	vn_autofree char *target = NULL;

	if (!path || !end)
		return -ENOMEM;
	if (!vn_text_is_printable(name) || vn_root_link(&sysfs->root, path, &target) < 0)
		return 0;
	size_t length = strlen(target), end_length = strlen(end);
	if (length < end_length || strcmp(target + length - end_length, end) != 0)
		return 0;
	struct vn_host_device *device = find_owner(sysfs->host, target);
	if (!device || device->n_names == MAX_NAMES)
		return 0;
	if (strcmp(class, "nvme") == 0 && device->n_names)
		return 0; /* a controller is known by its disks */
	return add_name(device, name);
}

/*
 * Interfaces and disks by the links of sys/class, which name the function they hang on however deep they are below it
 * (a disk: ataN/hostN/targetN:N:N/N:N:N:N/block). The controllers of NVMe multipath have no disk of their own: theirs
 * are virtual.
 */
static int read_names(struct vn_sysfs *sysfs)
{
	static const char *const classes[] = {"net", "block", "nvme"};

	for (size_t c = 0; c < sizeof(classes) / sizeof(classes[0]); c++) {
		vn_cleanup(vn_names_free) char **names = NULL;
		vn_autofree char *directory = vn_format("sys/class/%s", classes[c]);
		int r = directory ? vn_root_list(&sysfs->root, directory, &names) : -ENOMEM;
		for (char **name = names; r == 0 && *name; name++)
			r = read_name(sysfs, classes[c], *name);
		if (r == -ENOMEM)
			return vn_error_environment(sysfs->err, r, "out of memory");
	}
	return 0;
}

int vn_sysfs_devices(struct vn_sysfs *sysfs)
{
	struct vn_host *host = sysfs->host;
	vn_cleanup(vn_names_free) char **names = NULL;
	size_t n = 0;
	int r = vn_root_list(&sysfs->root, PCI_DIRECTORY, &names), status = 0;

	if (r == -ENOENT || r == -ENOTDIR)
		return 0; /* no PCI, or not gathered */
	if (r < 0)
		return vn_sysfs_problem(sysfs, PCI_DIRECTORY, "cannot be listed: %s", strerror(-r));
	while (names[n])
		n++;
	host->devices = calloc(n + 1, sizeof(*host->devices));
	if (!host->devices)
		return vn_error_environment(sysfs->err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < n; i++) {
		if (!is_address(names[i], strlen(names[i])))
			continue;
		r = read_device(sysfs, names[i], &host->devices[host->n_devices++]);
		if (r < 0)
			status = r;
	}
	r = read_names(sysfs);
	return status < 0 ? status : r;
}
