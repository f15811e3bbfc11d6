/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sys/bus/pci/devices: where each function is, what it is, who drives it, and the name an administrator knows
 * it by. */
#define _GNU_SOURCE
#include "sysfs.h"

#include <string.h>

#include "../base/parse.h"
#include "../base/text.h"

#define PCI_DIRECTORY "sys/bus/pci/devices"

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

/* The first entry of DIRECTORY/NAME that begins with `prefix`; NULL when there is none. */
static char *first_entry(
	const struct vn_root *root, const char *directory, const char *name, const char *prefix)
{
	vn_cleanup(vn_names_free) char **names = NULL;
	char path[VN_PATH_TEXT * 2];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	if (vn_root_list(root, path, &names) < 0)
		return NULL;
	for (char **entry = names; *entry; entry++) {
		if (strncmp(*entry, prefix, strlen(prefix)) == 0 && vn_text_is_printable(*entry) &&
			strlen(*entry) < VN_PATH_TEXT / 4)
			return strdup(*entry);
	}
	return NULL;
}

/* nvme/nvme0 has an entry per namespace, nvme0n1; the controller's own name when there is none. */
static char *nvme_name(const struct vn_root *root, const char *directory)
{
	vn_autofree char *controller = first_entry(root, directory, "nvme", "nvme");
	if (!controller)
		return NULL;
	vn_autofree char *below = vn_format("nvme/%s", controller);
	vn_autofree char *prefix = vn_format("%sn", controller);
	char *name = below && prefix ? first_entry(root, directory, below, prefix) : NULL;
	return name ? name : vn_steal(controller);
}

/* Below virtioN a virtio device has what others have at once. */
static char *virtio_name(const struct vn_root *root, const char *directory)
{
	vn_autofree char *virtio = first_entry(root, directory, ".", "virtio");
	if (!virtio)
		return NULL;
	vn_autofree char *net = vn_format("%s/net", virtio);
	vn_autofree char *block = vn_format("%s/block", virtio);
	if (!net || !block)
		return NULL;
	char *name = first_entry(root, directory, net, "");
	return name ? name : first_entry(root, directory, block, "");
}

static char *find_name(const struct vn_root *root, const char *directory)
{
	char *name = first_entry(root, directory, "net", "");
	if (!name)
		name = nvme_name(root, directory);
	return name ? name : virtio_name(root, directory);
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
	snprintf(path, sizeof(path), "%s/driver", directory);
	if (vn_root_link_name(&sysfs->root, path, &device->driver) == 0 &&
		!vn_text_is_printable(device->driver)) {
		free(device->driver);
		device->driver = NULL;
	}
	char *name = find_name(&sysfs->root, directory);
	if (name) {
		device->names = calloc(1, sizeof(*device->names));
		if (device->names)
			device->names[device->n_names++] = name;
	}
	snprintf(path, sizeof(path), "%s/numa_node", directory);
	return vn_sysfs_read_id(sysfs, path, &device->node);
}

/* 0000:3b:00.0, or 10000:01:00.0 behind a volume management device. */
static bool is_address(const char *name)
{
	size_t length = strlen(name);
	return length >= 12 && length < sizeof(((struct vn_host_device *)NULL)->address) &&
	       strspn(name, "0123456789abcdef:.") == length;
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
		if (!is_address(names[i]))
			continue;
		r = read_device(sysfs, names[i], &host->devices[host->n_devices++]);
		if (r < 0)
			status = r;
	}
	return status;
}
