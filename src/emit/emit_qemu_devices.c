/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Devices on the command line. Theory of operation: a guest learns a device's node from the bridge it is behind. So each vnode that
 * has devices gets a host bridge of its own (pxb-pcie, whose numa_node QEMU writes into the bridge's _PXM) on pcie.0,
 * and each device a root port on it, because pxb-pcie takes nothing but bridges (hw/pci/pci.c). Root ports can be
 * hot-plugged and unplugged, integrated endpoints cannot. A guest of one vnode, or one that is told of none, has its devices on pcie.0.
 *
 * Bus numbers: a bridge and its ports take one each, counted up from the bridge's bus_nr by the firmware, and must end below the next
 * bridge's. What is left of the 256 is shared out evenly, so that bridges within a hot-plugged device find numbers too.
 *
 * Once there is a pxb-pcie, a device without bus= would be put there and refused: all that is made here has one.
 *
 * A guest that says what its disks are attached to has that: AHCI's ports of q35, IDE of pc, one virtio-scsi controller. These, and cards
 * that are no PCI Express devices, are on the root bus, which is at no vnode.
 *
 * I/O threads: one a vnode, or as many as the guest asks for (iothreads.h). With QEMU 9.0 a disk's queues are dealt out
 * to the threads of the vnodes whose vCPUs use them (disk_queues.h); a disk that the user wants at one vnode, or an older
 * QEMU, has one of its vnode. Disks take turns where a vnode has several.
 */
#define _GNU_SOURCE
#include "emit_qemu_part.h"

#include <jansson.h>
#include <string.h>

#include "disk_queues.h"
#include "iothreads.h"

#define BUSES 256u /* of a PCI segment */
#define ROOT_BUSES 8u /* kept for pcie.0 at least */
#define PCI_SLOTS 32u /* of a bus */
#define ROOT_SLOTS 30u /* of pcie.0: 0 is the memory controller, 31 the south bridge */
#define AHCI_PORTS 6u /* of q35's own controller (ich9-ahci) */
#define IDE_UNITS 4u /* of pc's: two buses of two */
#define HAS_VQ_MAPPING VN_TARGET_VERSION(9, 0, 0)

/* How the devices are spread: ports of each vnode's bridge. */
struct spread {
	bool on;
	unsigned ports[VN_MAX_VNODES], bridges, all;
	unsigned root; /* virtio-mem devices and that of channels, which are on the root bus */
};

/* What a disk is attached to here, and its number among those; virtio where there is no room for more. */
static enum vn_disk_bus disk_bus(const struct vn_guest *guest, size_t index, unsigned *ret_nth)
{
	bool q35 = vn_machine_is_q35(&guest->machine), scsi = guest->disks[index].bus == VN_DISK_SCSI;
	unsigned nth = 0;

	if (guest->disks[index].bus == VN_DISK_VIRTIO)
		return VN_DISK_VIRTIO;
	for (size_t i = 0; i < index; i++)
		nth += guest->disks[i].bus != VN_DISK_VIRTIO && (guest->disks[i].bus == VN_DISK_SCSI) == scsi;
	*ret_nth = nth;
	if (scsi)
		return VN_DISK_SCSI;
	return nth >= (q35 ? AHCI_PORTS : IDE_UNITS) ? VN_DISK_VIRTIO : q35 ? VN_DISK_SATA : VN_DISK_IDE;
}

static bool disk_is_virtio(const struct vn_guest *guest, size_t index)
{
	unsigned nth;

	return disk_bus(guest, index, &nth) == VN_DISK_VIRTIO;
}

/* The first SCSI disk's vnode serves them all; -1: there is none. */
static int scsi_vnode(const struct vn_guest *guest)
{
	for (size_t i = 0; i < guest->n_disks; i++) {
		if (guest->disks[i].bus == VN_DISK_SCSI)
			return (int)vn_disk_vnode(guest, i);
	}
	return -1;
}

/* Cards of QEMU's that are not virtio's; the first are PCI Express devices. */
static const char *const cards[] = {
	"e1000e", "igb", "vmxnet3", "e1000", "rtl8139", "pcnet", "ne2k_pci", NULL};
#define EXPRESS_CARDS 3

/* The place of an interface's model in `cards`; -1: virtio, as all that is not there. */
static int card_of(const struct vn_vif *vif)
{
	for (int i = 0; cards[i]; i++) {
		if (strcmp(vif->model, cards[i]) == 0)
			return i;
	}
	return -1;
}

static bool count_ports(const struct vn_qemu_line *line, struct spread *spread)
{
	const struct vn_guest *guest = line->guest;

	*spread = (struct spread){
		.on = vn_qemu_tells_numa(guest) && guest->n_vnodes > 1 && vn_machine_is_q35(&guest->machine)};
	for (size_t i = 0; i < guest->n_disks; i++)
		spread->ports[vn_disk_vnode(guest, i)] += disk_is_virtio(guest, i);
	for (size_t i = 0; i < guest->n_vifs; i++)
		spread->ports[vn_vif_vnode(guest, i)] += card_of(&guest->vifs[i]) < EXPRESS_CARDS;
	for (size_t i = 0; i < guest->n_hostdevs; i++)
		spread->ports[vn_hostdev_vnode(guest, i)]++;
	for (size_t i = 0; i < VN_MAX_VNODES; i++) {
		spread->bridges += spread->ports[i] > 0;
		spread->all += spread->ports[i];
	}
	for (size_t i = 0; i < guest->n_vnodes; i++)
		spread->root += guest->vnodes[i].virtio_mem > 0;
	spread->root += guest->n_channels > 0;
	return !spread->on || (spread->bridges + spread->root <= ROOT_SLOTS &&
				      spread->all + spread->bridges + ROOT_BUSES <= BUSES - 1);
}

/* A root port for a device, at the next place of its bridge. Slots first; their other functions only when all have one. */
static void add_port(struct vn_qemu_line *line, unsigned vnode, const char *kind, size_t index, unsigned nth,
	unsigned of, unsigned *chassis)
{
	unsigned slot = nth % PCI_SLOTS, function = nth / PCI_SLOTS;
	bool shared = function == 0 && slot + PCI_SLOTS < of;

	++*chassis;
	vn_argv_add(line->argv, "-device");
	vn_argv_add(line->argv, "pcie-root-port,id=port-%s%zu,bus=pxb%u,chassis=%u,slot=%u,addr=%02x.%x%s",
		kind, index, vnode, *chassis, *chassis, slot, function, shared ? ",multifunction=on" : "");
}

static void add_ports(struct vn_qemu_line *line, unsigned vnode, unsigned of, unsigned *chassis)
{
	const struct vn_guest *guest = line->guest;
	unsigned nth = 0;

	for (size_t i = 0; i < guest->n_disks; i++) {
		if (vn_disk_vnode(guest, i) == vnode && disk_is_virtio(guest, i))
			add_port(line, vnode, "disk", i, nth++, of, chassis);
	}
	for (size_t i = 0; i < guest->n_vifs; i++) {
		if (vn_vif_vnode(guest, i) == vnode && card_of(&guest->vifs[i]) < EXPRESS_CARDS)
			add_port(line, vnode, "net", i, nth++, of, chassis);
	}
	for (size_t i = 0; i < guest->n_hostdevs; i++) {
		if (vn_hostdev_vnode(guest, i) == vnode)
			add_port(line, vnode, "hostdev", i, nth++, of, chassis);
	}
}

static void add_bridges(struct vn_qemu_line *line, const struct spread *spread)
{
	unsigned spare = BUSES - ROOT_BUSES - spread->bridges - spread->all, chassis = 0;
	unsigned each = spare / (spread->bridges + 1), bus = ROOT_BUSES + each;

	for (unsigned v = 0; v < VN_MAX_VNODES; v++) {
		if (spread->ports[v] == 0)
			continue;
		vn_argv_add(line->argv, "-device");
		vn_argv_add(line->argv, "pxb-pcie,id=pxb%u,bus=pcie.0,bus_nr=%u,numa_node=%u", v, bus, v);
		add_ports(line, v, spread->ports[v], &chassis);
		bus += 1 + spread->ports[v] + each;
	}
}

/* `,bus=port-disk0`, or nothing. */
static char *bus_of(const struct spread *spread, const char *kind, size_t index)
{
	return spread->on ? vn_format(",bus=port-%s%zu", kind, index) : vn_copy("");
}

/* ---- disks ---- */

/* How disks are served. */
struct service {
	unsigned *
		queue_vnodes; /* the vnode of each queue; owned; NULL where the queues of a disk are not dealt out */
	struct vn_iothreads threads;
};

static void service_clear(struct service *service)
{
	free(service->queue_vnodes);
	vn_iothreads_clear(&service->threads);
}

/* The queues that a disk has at each of its I/O threads. NULL when memory is short. */
static json_t **deal_to_threads(const struct vn_guest *guest, const struct service *service, size_t disk)
{
	const struct vn_iothreads *threads = &service->threads;
	json_t **lists = calloc(threads->n + 1, sizeof(*lists)); /* ends in NULL */
	size_t turns[VN_MAX_VNODES] = {0};

	for (size_t t = 0; lists && t < threads->n; t++)
		lists[t] = json_array();
	for (unsigned q = 0; lists && q < vn_disk_queues(guest); q++) {
		unsigned vnode = service->queue_vnodes[q];
		json_array_append_new(
			lists[vn_iothread_of(threads, vnode, disk + turns[vnode]++)], json_integer(q));
	}
	return lists;
}

/* The queues of a disk, by the I/O thread that serves them. NULL when memory is short. */
static json_t *mapping(const struct vn_guest *guest, const struct service *service, size_t disk)
{
	json_t *list = json_array();
	json_t **numbers = list ? deal_to_threads(guest, service, disk) : NULL;

	for (size_t t = 0; numbers && t < service->threads.n; t++) {
		char name[VN_IOTHREAD_NAME];
		if (json_array_size(numbers[t]) == 0)
			json_decref(numbers[t]);
		else
			json_array_append_new(list,
				json_pack("{s:s, s:o}", "iothread",
					vn_iothread_name(&service->threads.v[t], name), "vqs", numbers[t]));
	}
	free(numbers);
	return list;
}

static void add_mapped_disk(
	struct vn_qemu_line *line, const struct spread *spread, size_t index, const struct service *service)
{
	vn_autofree char *drive = vn_format("disk%zu", index), *bus = vn_format("port-disk%zu", index);
	json_auto_t *device = json_pack("{s:s, s:s?, s:i, s:o?}", "driver", "virtio-blk-pci", "drive", drive,
		"num-queues", (int)vn_disk_queues(line->guest), "iothread-vq-mapping",
		mapping(line->guest, service, index));

	if (device && spread->on)
		json_object_set_new(device, "bus", json_string(bus ? bus : ""));
	vn_autofree char *text = device ? json_dumps(device, JSON_COMPACT) : NULL;
	line->argv->short_of_memory |= !drive || !bus || !text;
	vn_argv_add(line->argv, "-device");
	vn_argv_add(line->argv, "%s", text ? text : "");
}

static void add_drive(struct vn_qemu_line *line, size_t index)
{
	const struct vn_disk *disk = &line->guest->disks[index];

	vn_argv_add(line->argv, "-drive");
	VN_QEMU_ADD_ESCAPED(line->argv, disk->path, "if=none,id=disk%zu,format=%s,readonly=%s,file=%s", index,
		disk->format, disk->readonly ? "on" : "off");
}

/* A disk that is not virtio's: its controller's. */
static void add_other_disk(struct vn_qemu_line *line, const struct spread *spread, size_t index,
	enum vn_disk_bus bus, unsigned nth, const struct vn_iothread *of_scsi)
{
	char name[VN_IOTHREAD_NAME];

	vn_argv_add(line->argv, "-device");
	if (bus == VN_DISK_SATA)
		vn_argv_add(line->argv, "ide-hd,drive=disk%zu,bus=ide.%u", index, nth);
	else if (bus == VN_DISK_IDE)
		vn_argv_add(line->argv, "ide-hd,drive=disk%zu,bus=ide.%u,unit=%u", index, nth / 2, nth % 2);
	else if (nth == 0) {
		vn_argv_add(line->argv, "virtio-scsi-pci,id=scsi0,iothread=%s%s",
			vn_iothread_name(of_scsi, name), spread->on ? ",bus=pcie.0" : "");
		vn_argv_add(line->argv, "-device");
	}
	if (bus == VN_DISK_SCSI)
		vn_argv_add(line->argv, "scsi-hd,drive=disk%zu,bus=scsi0.0", index);
}

static void add_disks(struct vn_qemu_line *line, const struct spread *spread, const struct service *service)
{
	const struct vn_guest *guest = line->guest;
	size_t turns[VN_MAX_VNODES] = {0};
	int scsi = scsi_vnode(guest);
	const struct vn_iothread *of_scsi =
		scsi < 0 ? NULL
			 : &service->threads
				    .v[vn_iothread_of(&service->threads, (unsigned)scsi, turns[scsi]++)];

	for (size_t i = 0; i < guest->n_disks; i++) {
		unsigned nth = 0;
		enum vn_disk_bus attached = disk_bus(guest, i, &nth);
		add_drive(line, i);
		if (attached != VN_DISK_VIRTIO) {
			add_other_disk(line, spread, i, attached, nth, of_scsi);
			continue;
		}
		if (service->queue_vnodes && guest->disks[i].vnode < 0) {
			add_mapped_disk(line, spread, i, service);
			continue;
		}
		char name[VN_IOTHREAD_NAME];
		unsigned vnode = vn_disk_vnode(guest, i);
		size_t thread = vn_iothread_of(&service->threads, vnode, turns[vnode]++);
		vn_autofree char *bus = bus_of(spread, "disk", i);
		line->argv->short_of_memory |= !bus;
		vn_argv_add(line->argv, "-device");
		vn_argv_add(line->argv, "virtio-blk-pci,drive=disk%zu,iothread=%s%s", i,
			vn_iothread_name(&service->threads.v[thread], name), bus ? bus : "");
	}
}

/* The vnode of each queue that disks are to have; NULL: they are not dealt out. */
static unsigned *deal_queues(struct vn_qemu_line *line)
{
	const struct vn_guest *guest = line->guest;
	bool same = true;

	if (line->version < HAS_VQ_MAPPING || guest->n_disks == 0 || guest->n_vnodes < 2)
		return NULL;
	unsigned *vnodes = calloc(vn_disk_queues(guest), sizeof(*vnodes));
	if (!vnodes || vn_disk_queue_vnodes(guest, &line->plan->view, vnodes, &same) < 0)
		line->argv->short_of_memory = true;
	if (!same)
		VN_QEMU_NOTE(line, "disk-queues",
			"the queues of disks are dealt out to I/O threads as Linux 6.12 shares them among vCPUs; kernels up to 6.8 "
			"take vnodes with equally many vCPUs in another order, and then a vCPU's requests are served at another vnode");
	return vnodes;
}

/* Which vnodes serve disks. */
static unsigned find_serving(
	const struct vn_guest *guest, const unsigned *queue_vnodes, bool serves[static VN_MAX_VNODES])
{
	unsigned n = 0;

	for (size_t i = 0; i < guest->n_disks; i++) {
		if (!disk_is_virtio(guest, i))
			continue;
		bool dealt = queue_vnodes && guest->disks[i].vnode < 0;
		serves[vn_disk_vnode(guest, i)] |= !dealt;
		for (unsigned q = 0; dealt && q < vn_disk_queues(guest); q++)
			serves[queue_vnodes[q]] = true;
	}
	if (scsi_vnode(guest) >= 0)
		serves[scsi_vnode(guest)] = true;
	for (unsigned v = 0; v < VN_MAX_VNODES; v++)
		n += serves[v];
	return n;
}

static void add_iothreads(struct vn_qemu_line *line, struct service *service)
{
	const struct vn_guest *guest = line->guest;
	bool serves[VN_MAX_VNODES] = {false};
	char name[VN_IOTHREAD_NAME];
	unsigned busy = find_serving(guest, service->queue_vnodes, serves);

	if (vn_iothreads_deal(guest->iothreads, serves, &service->threads) < 0) {
		line->argv->short_of_memory = true;
		return;
	}
	for (size_t t = 0; t < service->threads.n; t++) {
		vn_argv_add(line->argv, "-object");
		vn_argv_add(line->argv, "iothread,id=%s", vn_iothread_name(&service->threads.v[t], name));
	}
	if (guest->iothreads && busy == 0)
		VN_QEMU_NOTE(line, "iothreads",
			"%u I/O threads are asked for; there are none, as there are no disks to serve",
			guest->iothreads);
	else if (guest->iothreads && guest->iothreads < busy)
		VN_QEMU_NOTE(line, "iothreads",
			"%u I/O threads are asked for, and %u vnodes serve disks: some threads serve several vnodes, away from the home of "
			"all but one",
			guest->iothreads, busy);
}

/* ---- interfaces and functions of the host ---- */

/* A stable address from the guest's name: FNV-1a below QEMU's 52:54:00, so that two guests do not share one.
 */
static void make_mac(const struct vn_guest *guest, size_t index, char mac[static 18])
{
	uint32_t hash = 2166136261u;

	for (const char *p = guest->name; *p; p++)
		hash = (hash ^ (unsigned char)*p) * 16777619u;
	hash = (hash ^ (unsigned)index) * 16777619u;
	snprintf(mac, 18, "52:54:00:%02x:%02x:%02x", hash >> 16 & 0xff, hash >> 8 & 0xff, hash & 0xff);
}

static void add_netdev(struct vn_qemu_line *line, size_t i)
{
	const struct vn_vif *vif = &line->guest->vifs[i];

	vn_argv_add(line->argv, "-netdev");
	if (vif->type == VN_VIF_USER) {
		vn_argv_add(line->argv, "user,id=net%zu", i);
		return;
	}
	vn_autofree char *ifname = vif->ifname ? vn_format(",ifname=%s", vif->ifname) : vn_copy("");
	line->argv->short_of_memory |= !ifname;
	vn_argv_add(line->argv, "tap,id=net%zu%s,script=no,downscript=no,vhost=%s,queues=%u", i,
		ifname ? ifname : "", vif->vhost ? "on" : "off", vif->queues);
}

static void add_vif(struct vn_qemu_line *line, const struct spread *spread, size_t i)
{
	const struct vn_vif *vif = &line->guest->vifs[i];
	int card = card_of(vif);
	vn_autofree char *bus =
		card < EXPRESS_CARDS ? bus_of(spread, "net", i) : vn_copy(spread->on ? ",bus=pcie.0" : "");
	char mac[18];

	add_netdev(line, i);
	line->argv->short_of_memory |= !bus;
	if (*vif->mac)
		snprintf(mac, sizeof(mac), "%s", vif->mac);
	else
		make_mac(line->guest, i, mac);
	vn_argv_add(line->argv, "-device");
	if (card >= 0)
		vn_argv_add(line->argv, "%s,netdev=net%zu,mac=%s%s", cards[card], i, mac, bus ? bus : "");
	else if (vif->queues >
		 1) /* a vector for each direction of a queue pair, one for config, one for control */
		vn_argv_add(line->argv, "virtio-net-pci,netdev=net%zu,mac=%s,mq=on,vectors=%u%s", i, mac,
			2 * vif->queues + 2, bus ? bus : "");
	else
		vn_argv_add(line->argv, "virtio-net-pci,netdev=net%zu,mac=%s%s", i, mac, bus ? bus : "");
}

/* Bound to vfio-pci by who owns the host: QEMU refuses one that is not. */
static void add_hostdev(struct vn_qemu_line *line, const struct spread *spread, size_t i)
{
	vn_autofree char *bus = bus_of(spread, "hostdev", i);

	line->argv->short_of_memory |= !bus;
	vn_argv_add(line->argv, "-device");
	vn_argv_add(line->argv, "vfio-pci,host=%s,id=hostdev%zu%s", line->guest->hostdevs[i].address, i,
		bus ? bus : "");
}

int vn_qemu_add_devices(struct vn_qemu_line *line)
{
	const struct vn_guest *guest = line->guest;
	struct vn_where where = {guest->file, 0, NULL};
	struct spread spread;

	if (!count_ports(line, &spread))
		return vn_error_input(line->err, &where,
			"%u devices at %u vnodes, and %u on the root bus (virtio-mem, channels); expected at most %u vnodes with devices and "
			"devices on the root bus, and %u bridges and devices together, which have PCI buses",
			spread.all, spread.bridges, spread.root, ROOT_SLOTS, BUSES - 1 - ROOT_BUSES);
	vn_cleanup(service_clear) struct service service = {.queue_vnodes = deal_queues(line)};
	if (!line->argv->short_of_memory)
		add_iothreads(line, &service);
	if (line->argv->short_of_memory)
		return vn_error_environment(line->err, -ENOMEM, "out of memory");
	if (spread.on)
		add_bridges(line, &spread);
	add_disks(line, &spread, &service);
	if (guest->n_vnodes > 1 && !spread.on && vn_qemu_tells_numa(guest) &&
		guest->n_disks + guest->n_vifs + guest->n_hostdevs > 0)
		VN_QEMU_NOTE(line, "devices-not-spread",
			"a pc has no PCI Express, and so no bridges with a node: the guest is not told which vnode its devices are "
			"with. A q35 would tell");
	for (size_t i = 0; i < guest->n_vifs; i++)
		add_vif(line, &spread, i);
	for (size_t i = 0; i < guest->n_hostdevs; i++)
		add_hostdev(line, &spread, i);
	vn_qemu_add_virtio_mems(line, spread.on ? ",bus=pcie.0" : "");
	vn_qemu_add_channels(line, spread.on ? ",bus=pcie.0" : "");
	return 0;
}
