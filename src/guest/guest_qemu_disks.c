/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Disks of a QEMU command line. A disk is a device that names its -drive or -blockdev, or one of the short forms; CDs and floppies
 * are none, since nobody waits for them. The file is found through the chain of block nodes, the format is that of its first.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>

#include "../base/text.h"
#include "guest_qemu_part.h"

#define MAX_CHAIN 16 /* block nodes, one over the other */

/* What a chain of block nodes comes to. Strings belong to the options. */
struct image {
	const char *path, *format;
	unsigned line; /* where it is told */
	bool readonly;
};

static const struct qemu_option *find_by(
	const struct qemu_reader *r, const char *name, const char *key, const char *id)
{
	for (const struct qemu_option *option = NULL; (option = qemu_next(r, name, option));) {
		const char *value = vn_keyval_get(&option->keys, key);
		if (value && strcmp(value, id) == 0)
			return option;
	}
	return NULL;
}

/* What a disk is attached to, by the name of its device or the `if` of its drive (NULL: ide, as on a PC); virtio for what is none of
 * these, which is told when it matters. */
static enum vn_disk_bus bus_of(const struct qemu_reader *r, const char *name)
{
	if (!name || strncmp(name, "ide", 3) == 0)
		return r->guest->machine.type && vn_machine_is_q35(&r->guest->machine) ? VN_DISK_SATA
										       : VN_DISK_IDE;
	return strncmp(name, "scsi", 4) == 0 ? VN_DISK_SCSI : VN_DISK_VIRTIO;
}

/* What only QEMU's own words can say: another format (which is "raw" to nobody, as such a disk is left out), no file, a path that is relative to where QEMU was started. */
static bool is_foreign(const struct image *image)
{
	static const char *const formats[] = {"raw", "qcow2", "file", "host_device", NULL};
	bool known = !image->format;

	for (size_t i = 0; formats[i] && !known; i++)
		known = strcmp(image->format, formats[i]) == 0;
	return !known || image->path[0] != '/';
}

/* The id of the iothread of a disk's device; one of SCSI has that of its controller, whose bus is the controller's id and ".0". */
static void read_iothread(struct qemu_reader *r, const struct qemu_option *device, struct vn_disk *disk)
{
	const char *bus = vn_keyval_get(&device->keys, "bus"), *id = vn_keyval_get(&device->keys, "iothread");
	vn_autofree char *controller = bus ? strndup(bus, strcspn(bus, ".")) : NULL;
	const struct qemu_option *option = controller ? find_by(r, "-device", "id", controller) : NULL;

	r->short_of_memory |= bus && !controller;
	if (!id && option)
		id = vn_keyval_get(&option->keys, "iothread");
	if (id && strlen(id) < sizeof(disk->iothread))
		snprintf(disk->iothread, sizeof(disk->iothread), "%s", id);
}

static void add_disk(struct qemu_reader *r, const struct image *image, int vnode,
	const struct qemu_option *option, const char *bus)
{
	struct vn_disk *disk = qemu_append(r, &r->guest->disks, &r->guest->n_disks, sizeof(*disk));

	if (!disk)
		return;
	disk->path = vn_copy(image->path);
	r->short_of_memory |= !disk->path;
	bool qcow2 = image->format && strcmp(image->format, "qcow2") == 0;
	snprintf(disk->format, sizeof(disk->format), "%s", qcow2 ? "qcow2" : image->format ? "raw" : "");
	disk->line = image->line;
	disk->readonly = image->readonly;
	disk->vnode = vnode;
	disk->place = option->word;
	for (size_t i = 0; i < option->keys.n; i++)
		disk->dealt |= strncmp(option->keys.v[i].key, "iothread-vq-mapping", 19) == 0;
	disk->bus = bus_of(r, bus);
	read_iothread(r, option, disk);
	disk->foreign = is_foreign(image);
}

/* The file within one option, however deep: file.file.filename and so on; NULL: it is in another, or none. */
static const char *filename_in(const struct qemu_option *option)
{
	for (size_t i = 0; i < option->keys.n; i++) {
		const char *key = option->keys.v[i].key, *last = strrchr(key, '.');
		if (strcmp(last ? last + 1 : key, "filename") == 0 && strncmp(key, "backing", 7) != 0)
			return option->keys.v[i].value;
	}
	return NULL;
}

/* What a format over another comes to: "raw" passes on what is below it; other pairs are for QEMU alone. */
static const char *format_over(const char *format, const char *below)
{
	static const char *const plain[] = {"raw", "file", "host_device", NULL};

	for (size_t i = 0; plain[i]; i++) {
		if (!format || !below || strcmp(below, plain[i]) == 0)
			return format;
	}
	return strcmp(format, "raw") == 0 ? below : "nested";
}

/* The format with those of the nodes that are within the same option: file.driver and so on. */
static const char *format_within(const struct qemu_option *option, const char *format)
{
	for (size_t i = 0; i < option->keys.n; i++) {
		const char *key = option->keys.v[i].key, *last = strrchr(key, '.');
		if (last && strcmp(last, ".driver") == 0 && strncmp(key, "backing", 7) != 0)
			format = format_over(format, option->keys.v[i].value);
	}
	return format;
}

/* Follows -blockdev from a node to the one below, up to the file. What is no file has its node's name for a path. */
static struct image follow_nodes(struct qemu_reader *r, const struct qemu_option *option)
{
	struct image image = {.format = vn_keyval_get(&option->keys, "driver"), .line = option->line};

	image.readonly = qemu_switch(r, option, "read-only", false);
	for (unsigned depth = 0; option && depth < MAX_CHAIN && !image.path; depth++) {
		const char *below = vn_keyval_get(&option->keys, "file"),
			   *name = vn_keyval_get(&option->keys, "node-name");
		if (depth > 0)
			image.format = format_over(image.format, vn_keyval_get(&option->keys, "driver"));
		image.format = format_within(option, image.format);
		image.path = filename_in(option);
		if (!image.path && !below)
			image.path = name;
		option = below ? find_by(r, "-blockdev", "node-name", below) : NULL;
		if (!option && !image.path)
			image.path = below;
	}
	return image;
}

static struct image image_of_drive(struct qemu_reader *r, const struct qemu_option *option)
{
	struct image image = {.path = vn_keyval_get(&option->keys, "file"),
		.format = vn_keyval_get(&option->keys, "format"),
		.line = option->line};

	if (!image.format) /* another word for it: blockdev_init() in blockdev.c */
		image.format = vn_keyval_get(&option->keys, "driver");
	image.format = format_within(option, image.format);
	image.readonly =
		qemu_switch(r, option, "readonly", false) || qemu_switch(r, option, "read-only", false);
	if (!image.path)
		image.path = filename_in(option);
	if (!image.path)
		image.path = vn_keyval_get(&option->keys, "id");
	return image;
}

static bool is_slow(const char *driver)
{
	return strstr(driver, "-cd") || strcmp(driver, "floppy") == 0;
}

/* A device with drive=. */
static void read_device(struct qemu_reader *r, const struct qemu_option *device)
{
	const char *driver = vn_keyval_get(&device->keys, "driver"),
		   *drive = vn_keyval_get(&device->keys, "drive");
	char seen[VN_QUOTE_MAX];

	if (!driver || !drive || is_slow(driver))
		return;
	const struct qemu_option *option = find_by(r, "-drive", "id", drive);
	struct image image = {0};
	if (option)
		image = image_of_drive(r, option);
	else if ((option = find_by(r, "-blockdev", "node-name", drive)))
		image = follow_nodes(r, option);
	if (!option) {
		qemu_problem(r, device, "drive=%s seen; no -drive or -blockdev has that name",
			vn_quote(drive, seen));
		return;
	}
	if (!image.path)
		image.path = drive;
	add_disk(r, &image, qemu_device_vnode(r, device), device, driver);
}

/* A -drive that makes its own device. */
static void read_drive(struct qemu_reader *r, const struct qemu_option *option)
{
	const char *interface = vn_keyval_get(&option->keys, "if"),
		   *media = vn_keyval_get(&option->keys, "media");

	if (!option->keys.n || (media && strcmp(media, "cdrom") == 0) ||
		(interface && (strcmp(interface, "none") == 0 || strcmp(interface, "pflash") == 0 ||
				      strcmp(interface, "floppy") == 0)))
		return;
	struct image image = image_of_drive(r, option);
	if (image.path)
		add_disk(r, &image, -1, option, interface);
}

void qemu_read_disks(struct qemu_reader *r)
{
	static const char *const shorts[] = {"", "-hda", "-hdb", "-hdc", "-hdd", NULL};

	for (size_t i = 0; i < r->n_options; i++) {
		const struct qemu_option *option = &r->options[i];
		if (strcmp(option->name, "-device") == 0)
			read_device(r, option);
		else if (strcmp(option->name, "-drive") == 0)
			read_drive(r, option);
		for (size_t k = 0; shorts[k] && option->value; k++) {
			struct image image = {.path = option->value, .line = option->line};
			if (strcmp(option->name, shorts[k]) == 0)
				add_disk(r, &image, -1, option, NULL);
		}
	}
}
