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

/* Bounds of a hostile tree, whose links may show one folder as many. As many as our JSON takes back. */
#define MAX_DEVICES 65536u
#define MAX_IRQS 65536u /* of one function; MSI-X has 2048 */
#define MAX_HOST_IRQS (4 * MAX_IRQS) /* of all */

/* `0x8086`; -1 when it is not told: a gathered tree may lack it. */
static int32_t read_code(const struct vn_root *root, const char *directory, const char *name, uint32_t max)
{
	char path[VN_PATH_TEXT];
	vn_autofree char *text = NULL;
	char *end;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	if (vn_root_read(root, path, &text) < 0 || strncmp(text, "0x", 2) != 0)
		return -1;
	size_t digits = strspn(text + 2, "0123456789abcdefABCDEF");
	if (digits < 1 || digits > 8)
		return -1;
	unsigned long code = strtoul(text + 2, &end, 16);
	return (*end && *end != '\n') || code > max ? -1 : (int32_t)code;
}

/* The driver's name; NULL when none is bound. A name nobody could print, or no file could have, is as good as none. */
static char *read_driver(const struct vn_root *root, const char *directory)
{
	char path[VN_PATH_TEXT];
	vn_autofree char *driver = NULL;

	snprintf(path, sizeof(path), "%s/driver", directory);
	if (vn_root_link_name(root, path, &driver) < 0 || strlen(driver) > NAME_MAX ||
		!vn_text_is_printable(driver))
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
	if (vn_root_link_name(root, path, &name) == 0 && vn_pci_is_address(name, strlen(name)))
		snprintf(device->physical_function, sizeof(device->physical_function), "%s", name);
}

/*
 * Where an interrupt may go. What cannot be read is not told, and no reason to refuse a host: Linux 3.10 shows these files to
 * root alone, containers mask them.
 */
static int read_affinity(struct vn_sysfs *sysfs, const char *directory, const char *list, const char *mask,
	hwloc_bitmap_t *ret_cpus)
{
	vn_autoerror unheard = {0};
	struct vn_sysfs quiet = {.root = sysfs->root, .host = sysfs->host, .err = &unheard};
	int r = vn_sysfs_read_set(&quiet, directory, list, mask, ret_cpus);

	if (r == -ENOMEM)
		return vn_error_environment(sysfs->err, r, "out of memory");
	if (r < 0 && r != -ENOENT)
		vn_sysfs_leave_out(&sysfs->affinities, directory);
	return 0;
}

static int read_irq(struct vn_sysfs *sysfs, unsigned number, struct vn_host_device *device)
{
	struct vn_host_irq *irq = &device->irqs[device->n_irqs++];
	char directory[VN_PATH_TEXT / 2];

	*irq = (struct vn_host_irq){.number = number};
	snprintf(directory, sizeof(directory), IRQ_DIRECTORY "/%u", number);
	int r = read_affinity(sysfs, directory, "smp_affinity_list", "smp_affinity", &irq->cpus);
	int s = read_affinity(
		sysfs, directory, "effective_affinity_list", "effective_affinity", &irq->effective);
	return r < 0 && r != -ENOENT ? r : s < 0 && s != -ENOENT ? s : 0;
}

/* Number of an entry of msi_irqs/, which may be larger than any set of ours holds. */
static bool irq_number(const char *name, unsigned *ret)
{
	uint64_t number;

	if (vn_parse_u64(name, INT_MAX, &number) < 0 || (name[0] == '0' && name[1]))
		return false; /* the kernel writes no leading zeros */
	*ret = (unsigned)number;
	return true;
}

static size_t count_names(char **names)
{
	size_t n = 0;

	while (names[n])
		n++;
	return n;
}

/* -ENOENT: the function has no message signalled interrupts. */
static int read_messages(struct vn_sysfs *sysfs, const char *path, struct vn_host_device *device)
{
	vn_cleanup(vn_names_free) char **names = NULL;
	size_t room = MAX_HOST_IRQS - sysfs->n_irqs;
	int r = vn_root_list(&sysfs->root, path, &names), status = 0;

	if (r == -ENOENT || r == -ENOTDIR)
		return -ENOENT;
	if (r < 0)
		return vn_sysfs_unreadable(sysfs, path, r);
	size_t n = count_names(names);
	room = room > MAX_IRQS ? MAX_IRQS : room;
	room = room > n ? n : room;
	device->irqs = calloc(room + 1, sizeof(*device->irqs));
	if (!device->irqs)
		return vn_error_environment(sysfs->err, -ENOMEM, "out of memory");
	n = 0;
	for (char **name = names; *name; name++) {
		unsigned number;
		if (!irq_number(*name, &number) || n++ >= room)
			continue;
		r = read_irq(sysfs, number, device);
		status = r < 0 ? r : status;
	}
	if (n > room)
		vn_sysfs_leave_out(&sysfs->irqs, path);
	sysfs->n_irqs += device->n_irqs;
	return status;
}

/* Message signalled interrupts have a file each; a device without them has its line's number, 0 for none. */
static int read_irqs(struct vn_sysfs *sysfs, const char *directory, struct vn_host_device *device)
{
	char path[VN_PATH_TEXT];
	int line = -1;

	snprintf(path, sizeof(path), "%s/msi_irqs", directory);
	int r = read_messages(sysfs, path, device);
	if (r != -ENOENT)
		return r;
	if (!device->driver)
		return 0;
	snprintf(path, sizeof(path), "%s/irq", directory);
	r = vn_sysfs_read_id(sysfs, path, &line);
	if (r < 0 || line <= 0)
		return r;
	device->irqs = calloc(1, sizeof(*device->irqs));
	if (!device->irqs)
		return vn_error_environment(sysfs->err, -ENOMEM, "out of memory");
	return read_irq(sysfs, (unsigned)line, device);
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
	device->vendor = read_code(&sysfs->root, directory, "vendor", UINT16_MAX);
	device->device = read_code(&sysfs->root, directory, "device", UINT16_MAX);
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

static int compare_devices(const void *a, const void *b)
{
	return vn_pci_compare(
		((const struct vn_host_device *)a)->address, ((const struct vn_host_device *)b)->address);
}

static int compare_address(const void *key, const void *device)
{
	return vn_pci_compare(key, ((const struct vn_host_device *)device)->address);
}

/* The function that the target of a link of sys/class lies below: the last address in the path. The devices are
 * sorted once they are read, so they can be searched before the host is finished. */
static struct vn_host_device *find_owner(const struct vn_host *host, const char *target)
{
	struct vn_host_device *owner = NULL;

	for (const char *at = target; at && host->n_devices; at = strchr(at, '/')) {
		char address[VN_PCI_ADDRESS];
		at += *at == '/';
		size_t length = strcspn(at, "/");
		if (!vn_pci_is_address(at, length))
			continue;
		snprintf(address, sizeof(address), "%.*s", (int)length, at);
		struct vn_host_device *found = bsearch(
			address, host->devices, host->n_devices, sizeof(*host->devices), compare_address);
		owner = found ? found : owner;
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

/* Whether the target of CLASS/NAME ends in BELOW/NAME: a partition's ends in DISK/PARTITION. */
static bool ends_in(const char *target, const char *below, const char *name)
{
	size_t length = strlen(target), n = strlen(name), b = strlen(below);

	return length > n + b + 2 && strcmp(target + length - n, name) == 0 &&
	       target[length - n - 1] == '/' && memcmp(target + length - n - 1 - b, below, b) == 0 &&
	       target[length - n - b - 2] == '/';
}

/* The digits behind `letter` at *at, which goes behind them; false when there are none. */
static bool skip_number(const char **at, char letter)
{
	size_t digits = **at == letter ? strspn(*at + 1, "0123456789") : 0;

	if (digits == 0)
		return false;
	*at += 1 + digits;
	return true;
}

/*
 * The block device of an entry of an NVMe controller's directory, as a new string; NULL when the entry is none. A namespace
 * nvme0n1 lies there itself, or with multipath only the hidden path to it, nvme0c1n1 (subsystem, controller, namespace), while
 * the disk is virtual: nvme0n1, of all the controllers of the subsystem (Linux, drivers/nvme/host/multipath.c,
 * nvme_mpath_set_disk_name()).
 */
static char *nvme_disk(const struct vn_root *root, const char *entry)
{
	const char *at = entry + 3, *subsystem; /* at the 'e' of nvme */
	vn_autofree char *target = NULL;

	if (strncmp(entry, "nvme", 4) != 0 || !skip_number(&at, 'e'))
		return NULL;
	subsystem = at;
	bool is_path = skip_number(&at, 'c');
	const char *namespace = at;
	if (!skip_number(&at, 'n') || *at)
		return NULL;
	if (!is_path)
		return strdup(entry);
	vn_autofree char *disk = vn_format("%.*s%s", (int)(subsystem - entry), entry, namespace);
	vn_autofree char *path = disk ? vn_format("sys/class/block/%s", disk) : NULL;
	return path && vn_root_link(root, path, &target) == 0 ? vn_steal(disk) : NULL;
}

/* A controller is known by its disks, or by its own name when it has none. */
static int add_nvme(struct vn_sysfs *sysfs, const char *path, const char *name, struct vn_host_device *device)
{
	vn_cleanup(vn_names_free) char **entries = NULL;
	int r = vn_root_list(&sysfs->root, path, &entries);

	for (char **entry = entries; r == 0 && *entry && device->n_names < MAX_NAMES; entry++) {
		vn_autofree char *disk = nvme_disk(&sysfs->root, *entry);
		r = disk ? add_name(device, disk) : 0;
	}
	if (r == -ENOMEM || device->n_names)
		return r == -ENOMEM ? r : 0;
	return add_name(device, name);
}

/* One entry of sys/class/net, sys/class/block or sys/class/nvme. */
static int read_name(struct vn_sysfs *sysfs, const char *class, const char *name)
{
	vn_autofree char *path = vn_format("sys/class/%s/%s", class, name);
	vn_autofree char *target = NULL;

	if (!path)
		return -ENOMEM;
	if (strlen(name) > NAME_MAX || !vn_text_is_printable(name) ||
		vn_root_link(&sysfs->root, path, &target) < 0 || !ends_in(target, class, name))
		return 0;
	struct vn_host_device *device = find_owner(sysfs->host, target);
	if (!device || device->n_names == MAX_NAMES)
		return 0;
	if (strcmp(class, "nvme") != 0)
		return add_name(device, name);
	return device->n_names ? 0 : add_nvme(sysfs, path, name, device);
}

/*
 * Interfaces and disks by the links of sys/class, which name the function they hang on however deep they are below it
 * (a disk: ataN/hostN/targetN:N:N/N:N:N:N/block). Disks of NVMe lie right below their controller since it has a class of its
 * own, or are virtual: they are asked of the controller.
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

static int note_losses(struct vn_sysfs *sysfs, size_t n_devices)
{
	struct vn_notes *notes = &sysfs->host->notes;
	int r = 0;

	if (n_devices > MAX_DEVICES)
		r = vn_notes_add(notes, "devices-left-out", "%zu PCI functions, of which %u are read",
			n_devices, MAX_DEVICES);
	if (r == 0 && sysfs->irqs.n)
		r = vn_notes_add(notes, "interrupts-left-out",
			"interrupts of %zu PCI function%s left out, above %u of one or %u of all: %s%s",
			sysfs->irqs.n, sysfs->irqs.n == 1 ? "" : "s", MAX_IRQS, MAX_HOST_IRQS,
			sysfs->irqs.first, sysfs->irqs.n == 1 ? "" : " and others");
	if (r == 0 && sysfs->affinities.n)
		r = vn_notes_add(notes, "affinity-unreadable",
			"%zu file%s on where interrupts go cannot be read (%s%s): root may be needed",
			sysfs->affinities.n, sysfs->affinities.n == 1 ? "" : "s", sysfs->affinities.first,
			sysfs->affinities.n == 1 ? "" : " and others");
	return r < 0 ? vn_error_environment(sysfs->err, r, "out of memory") : 0;
}

/* Reads those of the names that are addresses; *ret_n is how many are. */
static int read_devices(struct vn_sysfs *sysfs, char **names, size_t *ret_n)
{
	struct vn_host *host = sysfs->host;
	size_t n = 0;
	int status = 0;

	for (char **name = names; *name; name++) {
		if (!vn_pci_is_address(*name, strlen(*name)) || n++ >= MAX_DEVICES)
			continue;
		int r = read_device(sysfs, *name, &host->devices[host->n_devices++]);
		status = r < 0 ? r : status;
	}
	*ret_n = n;
	if (host->n_devices)
		qsort(host->devices, host->n_devices, sizeof(*host->devices), compare_devices);
	return status;
}

int vn_sysfs_devices(struct vn_sysfs *sysfs)
{
	struct vn_host *host = sysfs->host;
	vn_cleanup(vn_names_free) char **names = NULL;
	int r = vn_root_list(&sysfs->root, PCI_DIRECTORY, &names);

	if (r == -ENOENT || r == -ENOTDIR)
		return 0; /* no PCI, or not gathered */
	if (r < 0)
		return vn_sysfs_unreadable(sysfs, PCI_DIRECTORY, r);
	size_t n = count_names(names);
	host->devices = calloc((n > MAX_DEVICES ? MAX_DEVICES : n) + 1, sizeof(*host->devices));
	if (!host->devices)
		return vn_error_environment(sysfs->err, -ENOMEM, "out of memory");
	r = read_devices(sysfs, names, &n);
	int s = read_names(sysfs);
	int t = note_losses(sysfs, n);
	return r < 0 ? r : s < 0 ? s : t;
}
