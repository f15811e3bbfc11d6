/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Devices of a QEMU command line: on which vnode each is, the host's devices, the network.
 *
 * A device is on the vnode of the expander bus (pxb-pcie, pxb) that it is behind, through whatever bridges: a bus is named after
 * the device that makes it, perhaps with ".0" behind (QEMU's hw/pci-bridge/pci_expander_bridge.c, docs/pci_expander_bridge.txt).
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>

#include "../base/parse.h"
#include "../base/text.h"
#include "guest_qemu_part.h"

#define MAX_WAY 16u /* bridges one behind the other; a way that is a circle ends, too */
#define MAX_QUEUES 256 /* queue pairs (Linux: MAX_TAP_QUEUES) */

/* ---- the way to the vnode ---- */

/* The device that makes a bus; NULL: none that is told, such as pcie.0. */
static const struct qemu_option *maker_of(const struct qemu_reader *r, const char *bus)
{
	size_t n = strlen(bus), digits = 0;

	while (digits < n && bus[n - digits - 1] >= '0' && bus[n - digits - 1] <= '9')
		digits++;
	size_t stem = digits && digits < n && bus[n - digits - 1] == '.' ? n - digits - 1 : n;
	for (const struct qemu_option *option = NULL; (option = qemu_next(r, "-device", option));) {
		const char *id = vn_keyval_get(&option->keys, "id");
		if (id && (strcmp(id, bus) == 0 || (strlen(id) == stem && strncmp(id, bus, stem) == 0)))
			return option;
	}
	return NULL;
}

static bool is_expander(const struct qemu_option *device)
{
	const char *driver = vn_keyval_get(&device->keys, "driver");
	return driver && (strcmp(driver, "pxb-pcie") == 0 || strcmp(driver, "pxb") == 0);
}

int qemu_device_vnode(struct qemu_reader *r, const struct qemu_option *device)
{
	for (unsigned steps = 0; device && steps < MAX_WAY; steps++) {
		uint64_t vnode;
		if (is_expander(device)) {
			const char *told = vn_keyval_get(&device->keys, "numa_node");
			/* a wrong one is told of the expander itself */
			return told && vn_qemu_number(told, QEMU_MAX_NODES, &vnode) == 0 &&
					       vnode < r->guest->n_vnodes
				       ? (int)vnode
				       : -1;
		}
		const char *bus = vn_keyval_get(&device->keys, "bus");
		device = bus ? maker_of(r, bus) : NULL;
	}
	return -1;
}

/* ---- the host's devices ---- */

/* The function in `host=0000:3b:00.0`, `host=3b:00.0` or `sysfsdev=/sys/bus/pci/devices/0000:3b:00.0`. */
static void read_hostdev(struct qemu_reader *r, const struct qemu_option *option)
{
	const char *host = vn_keyval_get(&option->keys, "host"),
		   *sysfs = vn_keyval_get(&option->keys, "sysfsdev");
	const char *slash = sysfs ? strrchr(sysfs, '/') : NULL, *text = host    ? host
									: slash ? slash + 1
										: sysfs;
	char seen[VN_QUOTE_MAX];

	if (!text) {
		qemu_problem(r, option, "no host; expected a PCI function such as 0000:3b:00.0");
		return;
	}
	vn_autofree char *address = vn_format("%s%s", strlen(text) == strlen("3b:00.0") ? "0000:" : "", text);
	for (char *p = address; p && *p; p++)
		*p = *p >= 'A' && *p <= 'F' ? (char)(*p | 0x20) : *p;
	if (!address) {
		r->short_of_memory = true;
		return;
	}
	if (!vn_pci_is_address(address, strlen(address))) {
		if (host)
			qemu_problem(r, option, "host=%s seen; expected a PCI function such as 0000:3b:00.0",
				vn_quote(host, seen));
		else
			qemu_note(r, option, "qemu-mediated-device",
				"%s is no PCI function; nothing is planned for it", vn_quote(sysfs, seen));
		return;
	}
	for (size_t i = 0; i < r->guest->n_hostdevs; i++) {
		if (strcmp(r->guest->hostdevs[i].address, address) == 0)
			qemu_problem(r, option, "host=%s seen twice; expected each function once", address);
	}
	struct vn_hostdev *hostdev =
		qemu_append(r, &r->guest->hostdevs, &r->guest->n_hostdevs, sizeof(*hostdev));
	if (!hostdev)
		return;
	int vnode = qemu_device_vnode(r, option);
	memcpy(hostdev->address, address, strlen(address) + 1);
	hostdev->vnode = vnode < 0 ? 0 : (unsigned)vnode;
	hostdev->has_vnode = vnode >= 0;
	hostdev->place = option->word;
	hostdev->where = (struct vn_where){r->guest->file, option->line, "-device"};
}

static void read_expander(struct qemu_reader *r, const struct qemu_option *option)
{
	if (vn_keyval_get(&option->keys, "numa_node"))
		qemu_vnode(r, option, "numa_node", false);
}

/* ---- the network ---- */

static bool mac_is_good(const char *mac)
{
	if (strlen(mac) != 17)
		return false;
	for (size_t i = 0; i < 17; i++) {
		if (i % 3 == 2 ? mac[i] != ':' : !strchr("0123456789abcdefABCDEF", mac[i]))
			return false;
	}
	return true;
}

/* As many as there are parts between colons, as in fds=3:4:5. */
static uint64_t count_parts(const char *text)
{
	uint64_t n = 1;

	for (; *text; text++)
		n += *text == ':';
	return n;
}

/* A name that may go to the kernel; what else QEMU takes is left to the command line. */
static char *copy_ifname(struct qemu_reader *r, const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	size_t n = name ? strlen(name) : 0;

	if (n < 1 || n > 15 || strspn(name, letters) != n || name[0] == '.' || name[0] == '-')
		return NULL;
	char *copy = vn_copy(name);
	r->short_of_memory |= !copy;
	return copy;
}

/* virtio-net-pci and its like go without saying. -nic without a model has the machine's own, which is not known here: virtio. */
static void copy_model(
	struct vn_vif *vif, const struct qemu_option *device, const struct qemu_option *backend)
{
	const char *model =
		device ? vn_keyval_get(&device->keys, "driver") : vn_keyval_get(&backend->keys, "model");

	if (model && strncmp(model, "virtio", 6) != 0 && strlen(model) < sizeof(vif->model))
		memcpy(vif->model, model, strlen(model) + 1);
}

/* `backend` is a -netdev, -nic or -net that moves the packets; `device`, or NULL, what the guest sees of it. */
static void add_vif(
	struct qemu_reader *r, const struct qemu_option *backend, const struct qemu_option *device)
{
	const char *type = vn_keyval_get(&backend->keys, "type"), *fds = vn_keyval_get(&backend->keys, "fds");
	const char *mac = vn_keyval_get(&(device ? device : backend)->keys, "mac");
	uint64_t queues = fds ? count_parts(fds) : 1;

	struct vn_vif *vif = qemu_append(r, &r->guest->vifs, &r->guest->n_vifs, sizeof(*vif));
	if (!vif)
		return;
	vif->type = type && strcmp(type, "user") == 0 ? VN_VIF_USER : VN_VIF_TAP;
	vif->queues = 1;
	vif->place = (device ? device : backend)->word;
	vif->foreign =
		type && vif->type != VN_VIF_USER && strcmp(type, "tap") != 0 && strcmp(type, "bridge") != 0;
	copy_model(vif, device, backend);
	vif->vnode = device ? qemu_device_vnode(r, device) : -1;
	if (mac && mac_is_good(mac))
		snprintf(vif->mac, sizeof(vif->mac), "%s", mac);
	if (vif->type == VN_VIF_USER)
		return;
	qemu_number(r, backend, "queues", 1, MAX_QUEUES, &queues);
	if (queues > MAX_QUEUES)
		qemu_problem(r, backend, "%llu queues seen; expected at most %d", (unsigned long long)queues,
			MAX_QUEUES);
	else
		vif->queues = (unsigned)queues;
	vif->vhost = qemu_switch(r, backend, "vhost",
		vn_keyval_get(&backend->keys, "vhostfd") || vn_keyval_get(&backend->keys, "vhostfds"));
	vif->bridge = copy_ifname(r, vn_keyval_get(&backend->keys, "br"));
	vif->ifname = copy_ifname(r, vn_keyval_get(&backend->keys, "ifname"));
}

/* -netdev with the device that uses it. */
static void read_netdev(struct qemu_reader *r, const struct qemu_option *option)
{
	const char *id = vn_keyval_get(&option->keys, "id");
	char seen[VN_QUOTE_MAX];

	for (const struct qemu_option *device = NULL; id && (device = qemu_next(r, "-device", device));) {
		const char *netdev = vn_keyval_get(&device->keys, "netdev");
		if (netdev && strcmp(netdev, id) == 0) {
			add_vif(r, option, device);
			return;
		}
	}
	if (!id)
		qemu_problem(r, option, "no id; expected one that a -device can name");
	else
		qemu_note(r, option, "qemu-netdev-unused",
			"no -device has netdev=%s; nothing is planned for it", vn_quote(id, seen));
}

static void read_network(struct qemu_reader *r)
{
	for (const struct qemu_option *option = NULL; (option = qemu_next(r, "-netdev", option));) {
		if (!option->unread)
			read_netdev(r, option);
	}
	for (const struct qemu_option *option = NULL; (option = qemu_next(r, "-nic", option));) {
		const char *type = vn_keyval_get(&option->keys, "type");
		if (type && strcmp(type, "none") != 0)
			add_vif(r, option, NULL);
	}
	for (const struct qemu_option *option = NULL; (option = qemu_next(r, "-net", option));) {
		const char *type = vn_keyval_get(&option->keys, "type");
		if (type && strcmp(type, "none") != 0 && strcmp(type, "nic") != 0)
			add_vif(r, option, NULL);
	}
}

void qemu_read_devices(struct qemu_reader *r)
{
	for (const struct qemu_option *option = NULL; (option = qemu_next(r, "-device", option));) {
		const char *driver = vn_keyval_get(&option->keys, "driver");
		if (driver && strcmp(driver, "vfio-pci") == 0)
			read_hostdev(r, option);
		if (is_expander(option))
			read_expander(r, option);
	}
	read_network(r);
	for (const struct qemu_option *option = NULL; (option = qemu_next(r, "-object", option));) {
		const char *type = vn_keyval_get(&option->keys, "qom-type");
		r->guest->iothreads += type && strcmp(type, "iothread") == 0;
	}
}
