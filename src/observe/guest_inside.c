/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: a device of the command line is found in the guest by its MAC address. Which virtio device an interface belongs
 * to, and so which interrupts are its own, is a link of sysfs, and the agent reads files only: so each device that /proc/interrupts names
 * is tried for a folder net/NAME. A queue that the guest does not use (ethtool -L, or fewer CPUs than queues) has no folder tx-N.
 *
 * "No such file" is an answer of the agent's, other failures end the talk: the first makes notes here, the others go up.
 */
#define _GNU_SOURCE
#include "guest_inside.h"

#include <string.h>

#include "../base/mask.h"
#include "../base/text.h"
#include "../qga/interrupts.h"

#define PATH_MAX_HERE 160

struct reader {
	struct vn_qga *agent;
	const struct vn_vm_sample *vm;
	struct vn_guest_inside *inside;
	struct vn_qga_interfaces interfaces;
	struct vn_qga_irqs irqs; /* owned */
	struct vn_error *err;
};

static void reader_clear(struct reader *reader)
{
	vn_qga_irqs_clear(&reader->irqs);
}

/* 1; 0: the guest has no such file, or does not let it be read; else a negative errno. */
static int read_text(struct reader *reader, const char *path, char **ret_text)
{
	vn_autoerror problem = {0};
	int r = vn_qga_read_file(reader->agent, path, ret_text, &problem);

	if (r == -EREMOTEIO)
		return 0;
	if (r < 0)
		vn_error_move(reader->err, &problem);
	return r < 0 ? r : 1;
}

/* The same of a set, in the form that `parse` reads; 0 also of one that is none, or that names CPUs that no guest has. */
static int read_set(struct reader *reader, const char *path, int (*parse)(const char *, hwloc_bitmap_t *),
	hwloc_bitmap_t *ret_set)
{
	vn_autofree char *text = NULL;
	vn_autoset set = NULL;
	int r = read_text(reader, path, &text);

	if (r <= 0)
		return r;
	r = parse(text, &set);
	if (r == -ENOMEM)
		return vn_error_environment(reader->err, r, "out of memory");
	/* masks of all CPUs that there ever may be name some that are not there */
	if (r < 0 || hwloc_bitmap_last(set) >= VN_MAX_VCPUS)
		return 0;
	*ret_set = vn_steal(set);
	return 1;
}

static int note(struct reader *reader, int r)
{
	return r < 0 ? vn_error_environment(reader->err, r, "out of memory") : 0;
}

static int read_nodes(struct reader *reader)
{
	struct vn_guest_inside *inside = reader->inside;
	size_t n = reader->vm->guest->n_vnodes;
	int r = 0;

	inside->nodes = calloc(n + 1, sizeof(*inside->nodes));
	if (!inside->nodes)
		return note(reader, -ENOMEM);
	for (inside->n_nodes = 0; inside->n_nodes < n && r >= 0; inside->n_nodes++) {
		char path[PATH_MAX_HERE];
		snprintf(path, sizeof(path), "/sys/devices/system/node/node%zu/cpulist", inside->n_nodes);
		r = read_set(reader, path, vn_set_parse, &inside->nodes[inside->n_nodes]);
	}
	return r < 0 ? r : 0;
}

/* ---- a network device ---- */

/* 1 and the number of the virtio device that an interface is of; 0: none of those with interrupts. */
static int find_device(struct reader *reader, const char *interface, unsigned *ret_device)
{
	for (size_t i = 0; i < reader->irqs.n; i++) {
		unsigned device = reader->irqs.v[i].device;
		vn_autofree char *text = NULL;
		char path[PATH_MAX_HERE];
		if (i > 0 && reader->irqs.v[i - 1].device == device)
			continue;
		snprintf(path, sizeof(path), "/sys/bus/virtio/devices/virtio%u/net/%s/address", device,
			interface);
		int r = read_text(reader, path, &text);
		if (r < 0)
			return r;
		if (r > 0) {
			*ret_device = device;
			return 1;
		}
	}
	return 0;
}

static const struct vn_qga_interface *next_interface(
	const struct reader *reader, const char *mac, const struct vn_qga_interface *after)
{
	size_t i = after ? (size_t)(after - reader->interfaces.v) + 1 : 0;

	while (i < reader->interfaces.n && strcasecmp(reader->interfaces.v[i].mac, mac) != 0)
		i++;
	return i < reader->interfaces.n ? &reader->interfaces.v[i] : NULL;
}

/*
 * The guest's interface with this address. Where several have it (a bridge, a VLAN or a bond takes that of a device below), the one that
 * a virtio device has. NULL: none, or not just one.
 */
static int find_interface(
	struct reader *reader, const char *mac, const struct vn_qga_interface **ret_interface)
{
	const struct vn_qga_interface *one = next_interface(reader, mac, NULL), *found = NULL;
	unsigned device;
	int r = 0;

	*ret_interface = NULL;
	if (!one || !next_interface(reader, mac, one)) {
		*ret_interface = one;
		return 0;
	}
	for (; one && r >= 0; one = next_interface(reader, mac, one)) {
		r = find_device(reader, one->name, &device);
		if (r > 0 && found)
			return 0;
		found = r > 0 ? one : found;
	}
	if (r < 0)
		return r;
	*ret_interface = found;
	return 0;
}

static bool is_taken(const struct reader *reader, const char *path)
{
	for (size_t i = 0; i < reader->inside->n_settings; i++) {
		if (strcmp(reader->inside->settings[i].path, path) == 0)
			return true;
	}
	return false;
}

/* Adds what the guest has set in a file, if that can be read, and no other queue has it: 1. */
static int add_setting(struct reader *reader, const char *path, unsigned nic, unsigned queue)
{
	hwloc_bitmap_t before = NULL;
	int r = is_taken(reader, path) ? 0 : read_set(reader, path, vn_mask_parse, &before);

	if (r <= 0)
		return r;
	return note(reader, vn_guest_inside_add(reader->inside, path, nic, queue, before)) < 0 ? -ENOMEM : 1;
}

static int read_irqs(struct reader *reader, const char *interface, unsigned nic, unsigned n_queues)
{
	unsigned device = 0, n = 0;
	int r = find_device(reader, interface, &device);

	for (size_t i = 0; i < reader->irqs.n && r > 0; i++) {
		const struct vn_qga_irq *irq = &reader->irqs.v[i];
		char path[VN_GUEST_PATH];
		if (irq->device != device || irq->queue >= n_queues)
			continue;
		vn_guest_irq_path(irq->number, path);
		r = add_setting(reader, path, nic, irq->queue);
		n += r > 0;
		r = r == 0 ? 1 : r;
	}
	if (r < 0)
		return r;
	if (n < 2 * n_queues)
		return note(
			reader, vn_notes_add(&reader->inside->notes, "guest-irqs-left",
					"%u of %u interrupts of the guest's %s are left as they are: it has "
					"none for each queue, or they cannot be read",
					2 * n_queues - n, 2 * n_queues, interface));
	return 0;
}

static int nic_unknown(struct reader *reader, unsigned nic, const char *why)
{
	return note(reader, vn_notes_add(&reader->inside->notes, "guest-nic-unknown",
				    "network device %u of the guest is left as it is: %s", nic, why));
}

static int read_nic(struct reader *reader, unsigned nic)
{
	const char *mac = reader->vm->guest->vifs[nic].mac;
	const struct vn_qga_interface *interface;
	struct vn_guest_inside *inside = reader->inside;
	unsigned most = (unsigned)reader->vm->nics[nic].n_queues, n = 0;
	char first[VN_GUEST_PATH];

	if (!*mac)
		return nic_unknown(reader, nic, "its MAC address is not on the command line");
	int r = find_interface(reader, mac, &interface);
	if (r < 0)
		return r;
	if (!interface)
		return nic_unknown(reader, nic, "the guest has not just one interface with its MAC address");
	vn_guest_xps_path(interface->name, 0, first);
	if (is_taken(reader, first))
		return nic_unknown(reader, nic, "its interface has the name of another device's");
	r = 1;
	while (n < most && r > 0) {
		char path[VN_GUEST_PATH];
		vn_guest_xps_path(interface->name, n, path);
		r = add_setting(reader, path, nic, n);
		n += r > 0;
	}
	if (r < 0)
		return r;
	if (n == 0)
		return note(
			reader, vn_notes_add(&inside->notes, "guest-queues-unknown",
					"network device %u of the guest is left as it is: which of its CPUs "
					"send through which queue of %s cannot be read there",
					nic, interface->name));
	inside->nics[inside->n_nics++] = (struct vn_guest_nic){nic, n};
	return read_irqs(reader, interface->name, nic, n);
}

/* ---- all of it ---- */

static int read_list_of_irqs(struct reader *reader)
{
	vn_autofree char *text = NULL;
	int r = read_text(reader, "/proc/interrupts", &text);

	if (r <= 0)
		return r;
	r = vn_qga_irqs_parse(text, &reader->irqs);
	return r == -EPROTO ? 0 : note(reader, r); /* each device then tells that its interrupts are left */
}

static bool has_several_queues(const struct vn_vm_sample *vm, size_t nic)
{
	return nic < vm->guest->n_vifs && vm->nics[nic].n_queues > 1;
}

int vn_guest_inside_read(struct vn_qga *agent, const struct vn_vm_sample *vm,
	struct vn_guest_inside *ret_inside, struct vn_error *err)
{
	static const char *const commands[] = {"guest-network-get-interfaces", "guest-file-open",
		"guest-file-read", "guest-file-write", "guest-file-close", NULL};
	vn_autoinside inside = {0};
	vn_cleanup(reader_clear) struct reader reader = {
		.agent = agent, .vm = vm, .inside = &inside, .err = err};
	int r = vn_qga_allows(agent, commands, err);

	inside.nics = calloc(vm->n_nics + 1, sizeof(*inside.nics));
	if (!inside.nics)
		return note(&reader, -ENOMEM);
	if (r == 0)
		r = vn_qga_read_interfaces(agent, &reader.interfaces, err);
	if (r == 0 && vm->guest)
		r = read_nodes(&reader);
	if (r == 0)
		r = read_list_of_irqs(&reader);
	for (size_t i = 0; i < vm->n_nics && r == 0 && vm->guest; i++) {
		if (has_several_queues(vm, i))
			r = read_nic(&reader, (unsigned)i);
	}
	if (r < 0)
		/* cppcheck-suppress memleak; it does not know the cleanup attribute */
		return r;
	*ret_inside = inside;
	inside = (struct vn_guest_inside){0};
	return 0;
}
