/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A plain domain for a guest that was none: what it is, but nothing of where it lives. */
#include <string.h>

#include "emit_libvirt_part.h"
#include "xml.h"

#define DEFAULT_WEIGHT 256u /* xl.cfg(5), cpu_weight */
#define MEMORY_SLOTS 16u /* offered when maxmem is above memory, as for QEMU */

static void put_text(struct vn_xml *xml, const char *name, const char *text)
{
	if (!text)
		return;
	vn_xml_begin(xml, name);
	vn_xml_content(xml, name, text);
}

static void put_kib(struct vn_xml *xml, const char *name, uint64_t slots, uint64_t bytes)
{
	char text[32];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)(bytes >> 10));
	vn_xml_begin(xml, name);
	if (slots)
		vn_xml_number(xml, "slots", slots);
	vn_xml_text(xml, "unit", "KiB");
	vn_xml_content(xml, name, text);
}

static void put_page(struct vn_xml *xml, uint64_t size, int vnode)
{
	vn_xml_begin(xml, "page");
	vn_xml_number(xml, "size", size ? size >> 10 : 4);
	vn_xml_text(xml, "unit", "KiB");
	if (vnode >= 0)
		vn_xml_number(xml, "nodeset", (uint64_t)vnode);
	vn_xml_empty(xml);
}

static void put_backing(struct vn_xml *xml, const struct vn_guest *guest)
{
	bool own = false;

	for (size_t v = 0; v < guest->n_vnodes; v++)
		own |= guest->vnodes[v].has_page;
	if (!guest->hugepages && !own)
		return;
	vn_xml_begin(xml, "memoryBacking");
	vn_xml_open(xml);
	vn_xml_begin(xml, "hugepages");
	vn_xml_open(xml);
	if (!own)
		put_page(xml, guest->hugepages, -1);
	for (size_t v = 0; own && v < guest->n_vnodes; v++)
		put_page(xml, vn_vnode_page(guest, v), guest->n_vnodes > 1 ? (int)v : -1);
	vn_xml_close(xml, "hugepages");
	vn_xml_close(xml, "memoryBacking");
}

static void put_vcpus(struct vn_xml *xml, const struct vn_guest *guest)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", guest->maxvcpus);
	vn_xml_begin(xml, "vcpu");
	vn_xml_text(xml, "placement", "static");
	if (vn_guest_names_cpus(guest)) /* so that another plan of the domain stays within them */
		vn_xml_set(xml, "cpuset", guest->cpus);
	if (guest->vcpus != guest->maxvcpus)
		vn_xml_number(xml, "current", guest->vcpus);
	vn_xml_content(xml, "vcpu", text);
}

static void put_os(struct vn_xml *xml, const struct vn_guest *guest)
{
	vn_xml_begin(xml, "os");
	vn_xml_open(xml);
	vn_xml_begin(xml, "type");
	vn_xml_text(xml, "arch", "x86_64");
	vn_xml_text(xml, "machine", "q35");
	vn_xml_content(xml, "type", "hvm");
	put_text(xml, "kernel", guest->kernel);
	put_text(xml, "initrd", guest->ramdisk);
	put_text(xml, "cmdline", guest->extra);
	vn_xml_close(xml, "os");
	vn_xml_begin(xml, "features");
	vn_xml_open(xml);
	vn_xml_begin(xml, "acpi");
	vn_xml_empty(xml);
	vn_xml_begin(xml, "apic");
	vn_xml_empty(xml);
	vn_xml_close(xml, "features");
}

/* Whether vCPUs in runs of `n` are each on one vnode. */
static bool runs_are_whole(const struct vn_guest *guest, unsigned n)
{
	for (unsigned i = 0; i < guest->maxvcpus; i++) {
		if (vn_guest_vnode_of(guest, i) != vn_guest_vnode_of(guest, i - i % n))
			return false;
	}
	return true;
}

/* Threads have to be told. The largest equal sockets that span no two vnodes: Linux takes a socket to share a cache. */
static void put_cpu(struct vn_xml *xml, const struct vn_guest *guest)
{
	unsigned cores = guest->maxvcpus / guest->threads;

	vn_xml_begin(xml, "cpu");
	vn_xml_text(xml, "mode", "host-passthrough");
	if (guest->threads < 2) {
		vn_xml_empty(xml);
		return;
	}
	while (cores > 1 && (guest->maxvcpus % (cores * guest->threads) ||
				    !runs_are_whole(guest, cores * guest->threads)))
		cores--;
	vn_xml_open(xml);
	vn_xml_begin(xml, "topology");
	vn_xml_number(xml, "sockets", guest->maxvcpus / guest->threads / cores);
	vn_xml_number(xml, "cores", cores);
	vn_xml_number(xml, "threads", guest->threads);
	vn_xml_empty(xml);
	vn_xml_close(xml, "cpu");
}

static void put_disk(struct vn_xml *xml, const struct vn_disk *disk, size_t index)
{
	char dev[8];
	bool block = strncmp(disk->path, "/dev/", 5) == 0;

	if (index < 26)
		snprintf(dev, sizeof(dev), "vd%c", (char)('a' + index));
	else
		snprintf(dev, sizeof(dev), "vd%c%c", (char)('a' + (index / 26 - 1) % 26),
			(char)('a' + index % 26));
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
	vn_xml_text(xml, "bus", "virtio");
	vn_xml_empty(xml);
	if (disk->readonly) {
		vn_xml_begin(xml, "readonly");
		vn_xml_empty(xml);
	}
	vn_xml_close(xml, "disk");
}

static void put_one(struct vn_xml *xml, const char *name, const char *attribute, const char *value)
{
	vn_xml_begin(xml, name);
	vn_xml_text(xml, attribute, value);
	vn_xml_empty(xml);
}

/* A tap that somebody else makes is none of libvirt's to make: managed='no'. */
static void put_vif(struct vn_xml *xml, const struct vn_vif *vif, struct vn_notes *notes)
{
	bool bridge = vif->type == VN_VIF_TAP && vif->bridge;

	vn_xml_begin(xml, "interface");
	vn_xml_text(xml, "type", vif->type == VN_VIF_USER ? "user" : bridge ? "bridge" : "ethernet");
	vn_xml_open(xml);
	if (*vif->mac)
		put_one(xml, "mac", "address", vif->mac);
	if (bridge)
		put_one(xml, "source", "bridge", vif->bridge);
	if (vif->ifname) {
		vn_xml_begin(xml, "target");
		vn_xml_text(xml, "dev", vif->ifname);
		if (!bridge)
			vn_xml_text(xml, "managed", "no");
		vn_xml_empty(xml);
	}
	put_one(xml, "model", "type", "virtio");
	if (vif->type == VN_VIF_TAP) {
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

static void put_devices(struct vn_xml *xml, const struct vn_guest *guest, struct vn_notes *notes)
{
	vn_xml_begin(xml, "devices");
	vn_xml_open(xml);
	for (size_t i = 0; i < guest->n_disks; i++)
		put_disk(xml, &guest->disks[i], i);
	for (size_t i = 0; i < guest->n_vifs; i++)
		put_vif(xml, &guest->vifs[i], notes);
	for (size_t i = 0; i < guest->n_hostdevs; i++)
		put_hostdev(xml, &guest->hostdevs[i]);
	vn_xml_begin(xml, "console");
	vn_xml_text(xml, "type", "pty");
	vn_xml_empty(xml);
	vn_xml_close(xml, "devices");
}

static void note_what_is_lost(const struct vn_guest *guest, struct vn_notes *notes)
{
	bool plugged = false;

	for (size_t v = 0; v < guest->n_vnodes; v++)
		plugged |= guest->vnodes[v].plugged > 0;
	if (guest->weight != DEFAULT_WEIGHT || guest->cap)
		vn_notes_add(notes, "weight-not-applied", "weight and cap are not in the domain");
	if (guest->exclusive_cores)
		vn_notes_add(notes, "exclusive-not-carried",
			"a domain cannot say that its cores are its own: the pins are as planned, but another plan of the domain may share "
			"them");
	if (guest->hmat)
		vn_notes_add(notes, "hmat-not-carried",
			"latencies, bandwidths and memory-side caches are not in the domain");
	if (plugged)
		vn_notes_add(notes, "plugged-not-carried",
			"memory devices are not in the domain: plug them in when it runs");
	if (guest->form == VN_FORM_QEMU)
		vn_notes_add(notes, "options-not-carried",
			"of the command line the domain has vCPUs, memory, NUMA, boot, disks, network and host devices alone");
}

char *domain_skeleton(const struct vn_guest *guest, struct vn_notes *notes)
{
	char *text = NULL;
	size_t n = 0;
	struct vn_xml xml = {open_memstream(&text, &n), 0};
	uint64_t plugged = 0;

	if (!xml.out)
		return NULL;
	for (size_t v = 0; v < guest->n_vnodes; v++)
		plugged += guest->vnodes[v].plugged;
	vn_xml_begin(&xml, "domain");
	vn_xml_text(&xml, "type", "kvm");
	vn_xml_open(&xml);
	put_text(&xml, "name", guest->name);
	if (guest->maxmem > guest->memory - plugged)
		put_kib(&xml, "maxMemory", MEMORY_SLOTS, guest->maxmem);
	put_kib(&xml, "memory", 0, guest->memory - plugged);
	put_backing(&xml, guest);
	put_vcpus(&xml, guest);
	if (guest->iothreads) {
		char threads[16];
		snprintf(threads, sizeof(threads), "%u", guest->iothreads);
		put_text(&xml, "iothreads", threads);
	}
	put_os(&xml, guest);
	put_cpu(&xml, guest);
	put_devices(&xml, guest, notes);
	vn_xml_close(&xml, "domain");
	note_what_is_lost(guest, notes);
	if (fclose(xml.out) == 0)
		return text;
	free(text);
	return NULL;
}
