/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The devices of a plain domain. */
#include <string.h>

#include "emit_libvirt_part.h"

/* libvirt refuses IDE on a q35, where such disks are at AHCI's ports. */
static enum vn_disk_bus bus_of(const struct vn_guest *guest, const struct vn_disk *disk)
{
	return disk->bus == VN_DISK_IDE && vn_machine_is_q35(&guest->machine) ? VN_DISK_SATA : disk->bus;
}

/* sd is SCSI's and SATA's. */
static const char *prefix_of(enum vn_disk_bus bus)
{
	return bus == VN_DISK_VIRTIO ? "vd" : bus == VN_DISK_IDE ? "hd" : "sd";
}

/* How many disks before this one are named with its prefix: libvirt makes a disk's address from its name, so that the first of IDE's must be
 * hda whatever disks others have (virDomainDiskDefAssignAddress() in src/conf/domain_conf.c). */
static size_t place_of(const struct vn_guest *guest, size_t index)
{
	const char *prefix = prefix_of(bus_of(guest, &guest->disks[index]));
	size_t n = 0;

	for (size_t i = 0; i < index; i++)
		n += !guest->disks[i].foreign &&
		     strcmp(prefix_of(bus_of(guest, &guest->disks[i])), prefix) == 0;
	return n;
}

static void put_disk(struct vn_xml *xml, const struct vn_guest *guest, size_t index)
{
	static const char *const buses[] = {[VN_DISK_VIRTIO] = "virtio",
		[VN_DISK_SCSI] = "scsi",
		[VN_DISK_SATA] = "sata",
		[VN_DISK_IDE] = "ide"};
	const struct vn_disk *disk = &guest->disks[index];
	enum vn_disk_bus bus = bus_of(guest, disk);
	const char *prefix = prefix_of(bus);
	size_t place = place_of(guest, index);
	char dev[8];
	bool block = strncmp(disk->path, "/dev/", 5) == 0;

	if (place < 26)
		snprintf(dev, sizeof(dev), "%s%c", prefix, (char)('a' + place));
	else
		snprintf(dev, sizeof(dev), "%s%c%c", prefix, (char)('a' + (place / 26 - 1) % 26),
			(char)('a' + place % 26));
	vn_xml_begin(xml, "disk");
	vn_xml_text(xml, "type", block ? "block" : "file");
	vn_xml_text(xml, "device", "disk");
	vn_xml_open(xml);
	vn_xml_begin(xml, "driver");
	vn_xml_text(xml, "name", "qemu");
	vn_xml_text(xml, "type", disk->format);
	vn_xml_empty(xml);
	vn_xml_begin(xml, "source");
	vn_xml_text(xml, block ? "dev" : "file", disk->path);
	vn_xml_empty(xml);
	vn_xml_begin(xml, "target");
	vn_xml_text(xml, "dev", dev);
	vn_xml_text(xml, "bus", buses[bus]);
	vn_xml_empty(xml);
	if (disk->readonly) {
		vn_xml_begin(xml, "readonly");
		vn_xml_empty(xml);
	}
	vn_xml_close(xml, "disk");
}

/* A tap that somebody else makes is none of libvirt's to make: managed='no'. */
static void put_vif(struct vn_xml *xml, const struct vn_vif *vif, struct vn_notes *notes)
{
	bool bridge = vif->type == VN_VIF_TAP && vif->bridge;

	vn_xml_begin(xml, "interface");
	vn_xml_text(xml, "type", vif->type == VN_VIF_USER ? "user" : bridge ? "bridge" : "ethernet");
	vn_xml_open(xml);
	if (*vif->mac)
		domain_put_one(xml, "mac", "address", vif->mac);
	if (bridge)
		domain_put_one(xml, "source", "bridge", vif->bridge);
	if (vif->ifname) {
		vn_xml_begin(xml, "target");
		vn_xml_text(xml, "dev", vif->ifname);
		if (!bridge)
			vn_xml_text(xml, "managed", "no");
		vn_xml_empty(xml);
	}
	domain_put_one(xml, "model", "type", *vif->model ? vif->model : "virtio");
	if (vif->type == VN_VIF_TAP && !*vif->model) {
		vn_xml_begin(xml, "driver");
		vn_xml_text(xml, "name", vif->vhost ? "vhost" : "qemu");
		if (vif->queues > 1)
			vn_xml_number(xml, "queues", vif->queues);
		vn_xml_empty(xml);
	}
	vn_xml_close(xml, "interface");
	if (!*vif->mac && !vn_notes_has(notes, "mac-by-libvirt"))
		vn_notes_add(notes, "mac-by-libvirt",
			"no MAC address was given for an interface; libvirt makes one up when it is defined");
}

static void put_hostdev(struct vn_xml *xml, const struct vn_hostdev *hostdev)
{
	const char *address = hostdev->address; /* 0000:3b:00.0, as it was checked to be */

	vn_xml_begin(xml, "hostdev");
	vn_xml_text(xml, "mode", "subsystem");
	vn_xml_text(xml, "type", "pci");
	vn_xml_text(xml, "managed", "yes");
	vn_xml_open(xml);
	vn_xml_begin(xml, "source");
	vn_xml_open(xml);
	vn_xml_begin(xml, "address");
	vn_xml_hex(xml, "domain", (unsigned)strtoul(address + 0, NULL, 16), 4);
	vn_xml_hex(xml, "bus", (unsigned)strtoul(address + 5, NULL, 16), 2);
	vn_xml_hex(xml, "slot", (unsigned)strtoul(address + 8, NULL, 16), 2);
	vn_xml_hex(xml, "function", (unsigned)strtoul(address + 11, NULL, 16), 1);
	vn_xml_empty(xml);
	vn_xml_close(xml, "source");
	vn_xml_close(xml, "hostdev");
}

/* libvirt makes the virtio-serial controller itself; its own path for one that has none. */
static void put_channel(struct vn_xml *xml, const struct vn_channel *channel)
{
	vn_xml_begin(xml, "channel");
	vn_xml_text(xml, "type", "unix");
	vn_xml_open(xml);
	vn_xml_begin(xml, "source");
	vn_xml_text(xml, "mode", "bind");
	if (channel->path)
		vn_xml_text(xml, "path", channel->path);
	vn_xml_empty(xml);
	vn_xml_begin(xml, "target");
	vn_xml_text(xml, "type", "virtio");
	vn_xml_text(xml, "name", channel->name);
	vn_xml_empty(xml);
	vn_xml_close(xml, "channel");
}

static void put_kib(struct vn_xml *xml, const char *name, uint64_t bytes)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)(bytes >> 10));
	vn_xml_begin(xml, name);
	vn_xml_text(xml, "unit", "KiB");
	vn_xml_content(xml, name, text);
}

/* What memory devices hold of each vnode, as one DIMM or virtio-mem device. Its nodes, pages and policy are its cell's. */
static void put_memory(struct vn_xml *xml, const struct vn_guest *guest, size_t v)
{
	uint64_t page = vn_vnode_page(guest, v);
	char node[24];

	snprintf(node, sizeof(node), "%zu", v);
	vn_xml_begin(xml, "memory");
	vn_xml_text(xml, "model", guest->vnodes[v].virtio_mem ? "virtio-mem" : "dimm");
	if (guest->vnodes[v].shared && !guest->machine.shared)
		vn_xml_text(xml, "access", "private"); /* else it has its cell's */
	vn_xml_open(xml);
	vn_xml_begin(xml, "target");
	vn_xml_open(xml);
	put_kib(xml, "size", vn_vnode_device(&guest->vnodes[v]));
	vn_xml_begin(xml, "node");
	vn_xml_content(xml, "node", node);
	if (guest->vnodes[v].virtio_mem) {
		put_kib(xml, "block", page > VN_VIRTIO_MEM_BLOCK ? page : VN_VIRTIO_MEM_BLOCK);
		put_kib(xml, "requested", guest->vnodes[v].plugged);
	}
	vn_xml_close(xml, "target");
	vn_xml_close(xml, "memory");
}

/* libvirt's own SCSI controller is another one, which I/O threads do not serve. */
static void put_scsi(struct vn_xml *xml, const struct vn_guest *guest)
{
	bool any = false;

	for (size_t i = 0; i < guest->n_disks; i++)
		any |= guest->disks[i].bus == VN_DISK_SCSI && !guest->disks[i].foreign;
	if (!any)
		return;
	vn_xml_begin(xml, "controller");
	vn_xml_text(xml, "type", "scsi");
	vn_xml_text(xml, "index", "0");
	vn_xml_text(xml, "model", "virtio-scsi");
	vn_xml_empty(xml);
}

void domain_put_devices(struct vn_xml *xml, const struct vn_guest *guest, struct vn_notes *notes)
{
	vn_xml_begin(xml, "devices");
	vn_xml_open(xml);
	if (guest->machine.emulator) {
		vn_xml_begin(xml, "emulator");
		vn_xml_content(xml, "emulator", guest->machine.emulator);
	}
	for (size_t i = 0; i < guest->n_disks; i++) {
		if (!guest->disks[i].foreign)
			put_disk(xml, guest, i);
	}
	put_scsi(xml, guest);
	for (size_t i = 0; i < guest->n_vifs; i++) {
		if (!guest->vifs[i].foreign)
			put_vif(xml, &guest->vifs[i], notes);
	}
	for (size_t i = 0; i < guest->n_hostdevs; i++)
		put_hostdev(xml, &guest->hostdevs[i]);
	for (size_t i = 0; i < guest->n_channels; i++)
		put_channel(xml, &guest->channels[i]);
	vn_xml_begin(xml, "console");
	vn_xml_text(xml, "type", "pty");
	vn_xml_empty(xml);
	for (size_t v = 0; v < guest->n_vnodes; v++) {
		if (vn_vnode_device(&guest->vnodes[v]))
			put_memory(xml, guest, v);
	}
	vn_xml_close(xml, "devices");
}
