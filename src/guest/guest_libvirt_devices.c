/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * <devices>: disks, interfaces, PCI devices of the host. A device that is behind a PCI expander with a <node> belongs to that
 * vnode. What has no place in a vn_guest stays in the domain's text; that it takes no part in a plan is noted where it matters.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>

#include "../base/parse.h"
#include "../base/text.h"
#include "guest_libvirt_reader.h"

#define MAX_DEVICES 64
#define MAX_BUSES 8 /* from a device up to the root: port, switch (two), port and expander are five */
#define MAX_QUEUES 256u /* Linux: MAX_TAP_QUEUES */

static size_t count(struct domain_reader *r, const char *name)
{
	size_t n = 0;

	for_each_domain(r, i, "devices", name) n++;
	return n;
}

/* Numbers of PCI addresses are decimal, or hexadecimal with 0x; -1: not there, or none. */
static long pci_number(const char *text, long max)
{
	uint64_t number = 0;

	if (!text)
		return -1;
	if (strncasecmp(text, "0x", 2) != 0)
		return vn_parse_u64(text, (uint64_t)max, &number) == 0 ? (long)number : -1;
	size_t n = strspn(text + 2, "0123456789abcdefABCDEF");
	if (n == 0 || n > 7 || text[2 + n])
		return -1;
	long value = strtol(text + 2, NULL, 16);
	return value <= max ? value : -1;
}

static size_t pci_controller(struct domain_reader *r, long index)
{
	for_each_domain(r, i, "devices", "controller")
	{
		if (domain_says(r, i, "type", "pci") &&
			pci_number(vn_markup_get(r->doc, i, "index"), 65535) == index)
			return i;
	}
	return VN_MARKUP_NONE;
}

/* The vnode whose expander a device is behind, or -1. */
static int pci_vnode(struct domain_reader *r, size_t device)
{
	for (int hop = 0; hop < MAX_BUSES && device != VN_MARKUP_NONE; hop++) {
		size_t address = vn_markup_child(r->doc, device, "address");
		if (!domain_says(r, address, "type", "pci"))
			return -1;
		long bus = pci_number(vn_markup_get(r->doc, address, "bus"), 65535);
		device = bus > 0 ? pci_controller(r, bus) : VN_MARKUP_NONE;
		size_t node = vn_markup_find(r->doc, device, "target/node");
		const char *text = node == VN_MARKUP_NONE ? NULL : r->doc->elements[node].text;
		long vnode = pci_number(text, VN_MAX_VNODES - 1);
		if (text)
			return vnode >= 0 && (size_t)vnode < r->guest->n_vnodes ? (int)vnode : -1;
	}
	return -1;
}

/* <node> of expanders: libvirt refuses one that is no cell. */
static void check_expanders(struct domain_reader *r)
{
	for_each_domain(r, i, "devices", "controller")
	{
		size_t node = vn_markup_find(r->doc, i, "target/node");
		uint64_t cell;
		if (node == VN_MARKUP_NONE || !r->vnodes_known)
			continue;
		if (!r->has_cells)
			domain_problem(r, node, NULL,
				"seen without any cell of the guest's; expected <cpu><numa> with it");
		else
			domain_number(r, node, NULL, 0, r->guest->n_vnodes - 1, &cell);
	}
}

void domain_note_left_out(struct domain_reader *r, size_t element, const char *what)
{
	vn_notes_add(&r->guest->notes, "device-left-out", "line %u: %s: %s is no part of the plan",
		r->doc->elements[element].line, r->doc->elements[element].name, what);
}

/* ---- disks ---- */

/* Queues that are dealt out to iothreads (libvirt 10.0): these must be there, and no other beside them. */
static void check_mapping(struct domain_reader *r, size_t driver)
{
	size_t list = vn_markup_child(r->doc, driver, "iothreads");

	if (list != VN_MARKUP_NONE && vn_markup_get(r->doc, driver, "iothread"))
		domain_problem(r, driver, "iothread", "seen beside <iothreads>; expected one of them");
	for (size_t i = vn_markup_child(r->doc, list, "iothread"); i != VN_MARKUP_NONE;
		i = vn_markup_next(r->doc, i, "iothread")) {
		if (domain_need(r, i, "id", "the number of an iothread"))
			domain_check_iothread(r, i, "id");
	}
}

/* What other buses hold is written as virtio by who has no such bus, and told to be. */
static enum vn_disk_bus disk_bus(struct domain_reader *r, size_t element)
{
	size_t target = vn_markup_child(r->doc, element, "target");

	return domain_says(r, target, "bus", "scsi")   ? VN_DISK_SCSI
	       : domain_says(r, target, "bus", "sata") ? VN_DISK_SATA
	       : domain_says(r, target, "bus", "ide")  ? VN_DISK_IDE
						       : VN_DISK_VIRTIO;
}

static void read_disk(struct domain_reader *r, size_t element)
{
	const char *device = vn_markup_get(r->doc, element, "device");
	size_t source = vn_markup_child(r->doc, element, "source"),
	       driver = vn_markup_child(r->doc, element, "driver");
	const char *path = vn_markup_get(r->doc, source, "file"),
		   *format = vn_markup_get(r->doc, driver, "type");
	uint64_t queues;

	domain_number(r, driver, "queues", 1, 65535, &queues);
	domain_check_iothread(r, driver, "iothread");
	check_mapping(r, driver);
	if (device && strcmp(device, "disk") != 0 && strcmp(device, "lun") != 0)
		return; /* a CD or floppy drive does nothing that is worth a place */
	if (!path)
		path = vn_markup_get(r->doc, source, "dev");
	if (!path || path[0] != '/' || r->guest->n_disks == MAX_DEVICES ||
		(format && strcmp(format, "raw") != 0 && strcmp(format, "qcow2") != 0)) {
		domain_note_left_out(r, element, "a disk that is no raw or qcow2 file or block device");
		return;
	}
	struct vn_disk *disk = &r->guest->disks[r->guest->n_disks++];
	*disk = (struct vn_disk){.place = r->doc->elements[element].begin,
		.path = vn_copy(path),
		.bus = disk_bus(r, element),
		.readonly = vn_markup_child(r->doc, element, "readonly") != VN_MARKUP_NONE,
		.vnode = pci_vnode(r, element)};
	snprintf(disk->format, sizeof(disk->format), "%s", format ? format : "raw");
	r->short_of_memory |= !disk->path;
}

/* ---- interfaces ---- */

static void read_interface(struct domain_reader *r, size_t element)
{
	size_t source = vn_markup_child(r->doc, element, "source"),
	       driver = vn_markup_child(r->doc, element, "driver");
	const char *type = vn_markup_get(r->doc, element, "type"),
		   *mac = vn_markup_get(r->doc, vn_markup_child(r->doc, element, "mac"), "address"),
		   *model = vn_markup_get(r->doc, vn_markup_child(r->doc, element, "model"), "type"),
		   *bridge = vn_markup_get(r->doc, source, "bridge");
	uint64_t queues = 1;

	domain_number(r, driver, "queues", 1, MAX_QUEUES, &queues);
	if (r->guest->n_vifs == MAX_DEVICES ||
		!domain_need(r, element, "type", "bridge, network, user, direct, …"))
		return;
	bool user = strcmp(type, "user") == 0, is_bridge = strcmp(type, "bridge") == 0 && bridge;
	if (!user && !is_bridge && strcmp(type, "ethernet") != 0 && strcmp(type, "network") != 0 &&
		strcmp(type, "direct") != 0) {
		domain_note_left_out(r, element, "an interface of this type");
		return;
	}
	struct vn_vif *vif = &r->guest->vifs[r->guest->n_vifs++];
	*vif = (struct vn_vif){.place = r->doc->elements[element].begin,
		.type = user ? VN_VIF_USER : VN_VIF_TAP,
		.bridge = is_bridge ? vn_copy(bridge) : NULL,
		.queues = user ? 1 : (unsigned)queues,
		.vhost = !user && !domain_says(r, driver, "name", "qemu"),
		.vnode = pci_vnode(r, element)};
	if (model && strcmp(model, "virtio") != 0)
		snprintf(vif->model, sizeof(vif->model), "%s", model);
	if (mac && strlen(mac) == sizeof(vif->mac) - 1)
		memcpy(vif->mac, mac, sizeof(vif->mac));
	r->short_of_memory |= is_bridge && !vif->bridge;
}

/* ---- PCI devices of the host ---- */

static void read_hostdev(struct domain_reader *r, size_t element)
{
	static const char *const parts[] = {"domain", "bus", "slot", "function"};
	static const long most[] = {0xffff, 0xff, 0x1f, 7};
	size_t address = vn_markup_find(r->doc, element, "source/address");
	struct vn_guest *guest = r->guest;
	long values[4];

	if (!domain_says(r, element, "type", "pci") || guest->n_hostdevs == MAX_DEVICES)
		return;
	for (size_t i = 0; i < 4; i++) {
		const char *text = vn_markup_get(r->doc, address, parts[i]);
		values[i] = text ? pci_number(text, most[i]) : i == 0 ? 0 : -1;
		if (values[i] < 0) {
			char seen[VN_QUOTE_MAX];
			domain_problem(r, address == VN_MARKUP_NONE ? element : address, parts[i],
				"'%s' seen; expected 0 to 0x%lx", vn_quote(text ? text : "", seen), most[i]);
			return;
		}
	}
	struct vn_hostdev *hostdev = &guest->hostdevs[guest->n_hostdevs];
	snprintf(hostdev->address, sizeof(hostdev->address), "%04lx:%02lx:%02lx.%lx", values[0] & 0xffff,
		values[1] & 0xff, values[2] & 0x1f, values[3] & 7);
	for (size_t i = 0; i < guest->n_hostdevs; i++) {
		if (strcmp(guest->hostdevs[i].address, hostdev->address) == 0) {
			domain_problem(r, element, NULL, "%s is there twice; expected each function once",
				hostdev->address);
			return;
		}
	}
	int vnode = pci_vnode(r, element);
	hostdev->vnode = vnode < 0 ? 0 : (unsigned)vnode;
	hostdev->has_vnode = vnode >= 0;
	hostdev->place = r->doc->elements[element].begin;
	hostdev->where = (struct vn_where){guest->file, r->doc->elements[element].line, "devices/hostdev"};
	guest->n_hostdevs++;
}

/* ---- all ---- */

static size_t limited(size_t n)
{
	return n < MAX_DEVICES ? n : MAX_DEVICES;
}

void domain_read_devices(struct domain_reader *r)
{
	struct vn_guest *guest = r->guest;

	guest->disks = calloc(limited(count(r, "disk")) + 1, sizeof(*guest->disks));
	guest->vifs = calloc(limited(count(r, "interface")) + 1, sizeof(*guest->vifs));
	guest->hostdevs = calloc(limited(count(r, "hostdev")) + 1, sizeof(*guest->hostdevs));
	if (!guest->disks || !guest->vifs || !guest->hostdevs) {
		r->short_of_memory = true;
		return;
	}
	check_expanders(r);
	for_each_domain(r, i, "devices", "disk") read_disk(r, i);
	for_each_domain(r, i, "devices", "interface") read_interface(r, i);
	for_each_domain(r, i, "devices", "hostdev") read_hostdev(r, i);
	domain_read_channels(r);
	domain_read_memory_devices(r);
}
