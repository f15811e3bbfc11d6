/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: QEMU's descriptors say which taps it has: fdinfo of one of /dev/net/tun has a line "iff:" with the tap's name
 * (drivers/net/tun.c, tun_chr_show_fdinfo()); one of /dev/tapN is the macvtap whose interface has index N. A tap has one descriptor for
 * each queue. Devices of the command line that name no interface (whoever started QEMU gave it descriptors) take the taps that are left, in
 * the order of their lowest descriptors, as long as the numbers of queues fit.
 *
 * vhost workers are made one for each queue pair, in the order in which QEMU makes its network backends: -netdev, then -nic, then -net,
 * each in the order of the command line (net/net.c, net_init_clients(); drivers/vhost/vhost.c, vhost_dev_set_owner()). Behind them come
 * those of devices, vhost-vsock and vhost-scsi, one each (system/vl.c, qmp_x_exit_preconfig(), makes devices after backends). That
 * order holds as long as there are as many workers as all these want, and nothing was plugged in later; otherwise they stay unknown.
 */
#define _GNU_SOURCE
#include "nics.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "../base/parse.h"
#include "../base/text.h"
#include "../base/words.h"
#include "../model/io_spread.h"

#define MAX_DEPTH 4u /* of interfaces on interfaces: a VLAN of a bond of NICs is 3 */

/* A tap or macvtap among QEMU's descriptors. */
struct tap {
	char name[VN_SAMPLE_TEXT];
	unsigned queues;
	bool taken;
};

struct taps {
	size_t n;
	struct tap *v; /* by lowest descriptor */
};

struct reader {
	const struct vn_survey *survey;
	const struct vn_host *host;
	struct vn_vm_sample *vm;
	bool other_net; /* QEMU is in another network namespace: interfaces of ours that are called alike are others */
};

/* ---- QEMU's taps ---- */

static int add_tap(struct taps *taps, const char *name, size_t length)
{
	char text[VN_SAMPLE_TEXT];

	vn_sample_text(name, length, text, sizeof(text));
	for (size_t i = 0; i < taps->n; i++) {
		if (strcmp(taps->v[i].name, text) == 0) {
			taps->v[i].queues++;
			return 0;
		}
	}
	struct tap *grown = reallocarray(taps->v, taps->n + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	taps->v = grown;
	grown[taps->n] = (struct tap){.queues = 1};
	memcpy(grown[taps->n++].name, text, sizeof(text));
	return 0;
}

static int add_tun(const struct reader *r, const char *fd, struct taps *taps)
{
	vn_autofree char *path = vn_format("proc/%d/fdinfo/%s", r->vm->process.pid, fd), *text = NULL;

	if (!path)
		return -ENOMEM;
	if (vn_root_read(r->survey->root, path, &text) < 0)
		return 0;
	const char *line = strstr(text, "iff:");
	if (!line)
		return 0;
	line += 4 + strspn(line + 4, " \t");
	return add_tap(taps, line, strcspn(line, "\n"));
}

/* The interface with an index, which is what the number of /dev/tapN is (drivers/net/tap.c). */
static int add_macvtap(const struct reader *r, const char *number, struct taps *taps)
{
	vn_cleanup(vn_names_free) char **names = NULL;
	uint64_t wanted, index;

	if (r->other_net)
		return 0; /* nor are its numbers ours */
	if (vn_parse_u64(number, INT_MAX, &wanted) < 0)
		return 0;
	int status = vn_root_list(r->survey->root, "sys/class/net", &names);
	for (size_t i = 0; status == 0 && names[i]; i++) {
		vn_autofree char *path = vn_format("sys/class/net/%s/ifindex", names[i]);
		if (!path)
			return -ENOMEM;
		if (vn_root_read_u64(r->survey->root, path, &index) == 0 && index == wanted)
			return add_tap(taps, names[i], strlen(names[i]));
	}
	return status == -ENOMEM ? status : 0;
}

static int find_taps(const struct reader *r, struct taps *taps)
{
	vn_cleanup(vn_names_free) char **fds = NULL;
	char folder[64];

	snprintf(folder, sizeof(folder), "proc/%d/fd", r->vm->process.pid);
	int status = vn_root_list(r->survey->root, folder, &fds);
	if (status == -ENOMEM)
		return status;
	if (status < 0)
		return vn_notes_add(&r->vm->gaps, "descriptors-unreadable",
			"its descriptors cannot be read (%s), so its taps are not known; run as root",
			strerror(-status));
	for (size_t i = 0; status == 0 && fds[i]; i++) {
		vn_autofree char *path = vn_format("%s/%s", folder, fds[i]), *target = NULL;
		if (!path)
			return -ENOMEM;
		if (vn_root_link(r->survey->root, path, &target) < 0)
			continue;
		if (strcmp(target, "/dev/net/tun") == 0)
			status = add_tun(r, fds[i], taps);
		else if (strncmp(target, "/dev/tap", 8) == 0)
			status = add_macvtap(r, target + 8, taps);
	}
	return status;
}

/* ---- what is under a tap ---- */

static int link_of(const struct reader *r, const char *interface, const char *leaf, char **ret)
{
	vn_autofree char *path = vn_format("sys/class/net/%s/%s", interface, leaf);

	return path ? vn_root_link_name(r->survey->root, path, ret) : -ENOMEM;
}

/* Takes an interface that is a PCI function's. */
static bool take_physical(const struct reader *r, const char *interface, struct vn_nic_sample *nic)
{
	vn_autofree char *address = NULL;

	if (link_of(r, interface, "device", &address) < 0 || !vn_pci_is_address(address, strlen(address)))
		return false;
	vn_sample_text(interface, strlen(interface), nic->physical, sizeof(nic->physical));
	snprintf(nic->address, sizeof(nic->address), "%s", address);
	const struct vn_host_device *device = vn_host_device(r->host, address);
	if (device)
		nic->node = device->node;
	return true;
}

static int find_physical(
	const struct reader *r, const char *interface, unsigned depth, struct vn_nic_sample *nic);

/* The interfaces below: links lower_NAME; of a bridge what is in brif/, but for taps, which have a tun_flags. */
static int find_below(const struct reader *r, const char *interface, const char *folder, const char *prefix,
	unsigned depth, struct vn_nic_sample *nic)
{
	vn_autofree char *path = vn_format("sys/class/net/%s/%s", interface, folder);
	vn_cleanup(vn_names_free) char **names = NULL;
	size_t n = strlen(prefix);
	int status = path ? vn_root_list(r->survey->root, path, &names) : -ENOMEM;

	for (size_t i = 0; status == 0 && names[i] && !nic->physical[0]; i++) {
		if (strncmp(names[i], prefix, n) == 0)
			status = find_physical(r, names[i] + n, depth, nic);
	}
	return status == -ENOMEM ? status : 0;
}

/* The first that is found: of a bond of several NICs, or a bridge with several, it stands for all. */
static int find_physical(
	const struct reader *r, const char *interface, unsigned depth, struct vn_nic_sample *nic)
{
	if (depth == 0 || take_physical(r, interface, nic))
		return 0;
	int status = find_below(r, interface, "brif", "", depth - 1, nic);
	if (status == 0 && !nic->physical[0])
		status = find_below(r, interface, ".", "lower_", depth - 1, nic);
	return status;
}

static bool is_elsewhere(const struct vn_root *root, pid_t pid)
{
	vn_autofree char *its = NULL, *own = NULL;
	char path[64];

	snprintf(path, sizeof(path), "proc/%d/ns/net", pid);
	return vn_root_link(root, path, &its) == 0 && vn_root_link(root, "proc/self/ns/net", &own) == 0 &&
	       strcmp(its, own) != 0;
}

/* /sys/class/net shows the interfaces of the namespace that it was mounted from: ours (net/core/net-sysfs.c). */
static int follow_tap(const struct reader *r, struct vn_nic_sample *nic)
{
	vn_autofree char *bridge = NULL;
	int status = link_of(r, nic->name, "master", &bridge);

	if (status == -ENOMEM)
		return status;
	if (status < 0)
		return find_physical(r, nic->name, MAX_DEPTH, nic);
	vn_sample_text(bridge, strlen(bridge), nic->bridge, sizeof(nic->bridge));
	return find_physical(r, bridge, MAX_DEPTH, nic);
}

/* ---- a network device ---- */

/* By name where the command line has one, else the next that is left and has as many queues. */
static struct tap *find_tap(struct taps *taps, const struct vn_vif *vif)
{
	for (size_t i = 0; i < taps->n; i++) {
		struct tap *tap = &taps->v[i];
		if (!tap->taken &&
			(vif->ifname ? strcmp(tap->name, vif->ifname) == 0 : tap->queues == vif->queues))
			return tap;
	}
	return NULL;
}

static unsigned count_users(const struct vn_guest *guest, const struct vn_queue_sample *queue, unsigned vnode)
{
	unsigned users = 0;

	for (unsigned i = 0; i < queue->n_vcpus; i++)
		users += hwloc_bitmap_isset(guest->vnodes[vnode].vcpus, queue->first_vcpu + i) != 0;
	return users;
}

/* The vnode that has most of the vCPUs that use a queue: the device's own if it is one of several, else none. */
static int find_user(const struct vn_guest *guest, const struct vn_queue_sample *queue, int own)
{
	unsigned most = 0, with_most = 0;
	int user = -1;

	for (unsigned v = 0; v < guest->n_vnodes; v++) {
		unsigned users = count_users(guest, queue, v);
		with_most = users > most ? 1 : with_most + (users == most);
		if (users > most || (users == most && users > 0 && (int)v == own))
			user = (int)v;
		most = users > most ? users : most;
	}
	return with_most == 1 || user == own ? user : -1;
}

/* Several queues: the vCPUs that the guest's Linux gives each, no more queues than it has CPUs (virtio_net). One queue: all vCPUs. */
static void set_user(const struct vn_guest *guest, const struct vn_nic_sample *nic,
	struct vn_queue_sample *queue, unsigned n_queues)
{
	unsigned used = n_queues < guest->vcpus ? n_queues : guest->vcpus;

	queue->vnode = guest->n_vnodes == 1 ? 0 : nic->vnode;
	if (queue->queue < used)
		vn_queue_vcpus(guest->vcpus, used, queue->queue, &queue->first_vcpu, &queue->n_vcpus);
	if (n_queues > 1 && guest->n_vnodes > 1)
		queue->vnode = find_user(guest, queue, nic->vnode);
}

static int read_nic(
	const struct reader *r, const struct vn_vif *vif, struct taps *taps, struct vn_nic_sample *nic)
{
	struct tap *tap = vif->type == VN_VIF_TAP ? find_tap(taps, vif) : NULL;

	nic->node = -1;
	nic->vhost = vif->type == VN_VIF_TAP && vif->vhost;
	nic->vnode = r->vm->guest->n_vnodes == 1 ? 0 : vif->vnode;
	nic->queues = calloc(vif->queues, sizeof(*nic->queues));
	if (!nic->queues)
		return -ENOMEM;
	nic->n_queues = vif->queues;
	for (unsigned q = 0; q < vif->queues; q++) {
		nic->queues[q] = (struct vn_queue_sample){.queue = q, .worker = -1};
		set_user(r->vm->guest, nic, &nic->queues[q], vif->queues);
	}
	if (!tap)
		return 0;
	tap->taken = true;
	memcpy(nic->name, tap->name, sizeof(nic->name));
	if (!r->other_net)
		return follow_tap(r, nic);
	return vn_notes_has(&r->vm->gaps, "nics-elsewhere")
		       ? 0
		       : vn_notes_add(&r->vm->gaps, "nics-elsewhere",
				 "it is in another network namespace, so what is behind its taps is not known");
}

static size_t count_workers(const struct vn_vm_sample *vm)
{
	size_t n = 0;

	for (size_t i = 0; i < vm->n_threads; i++)
		n += vm->threads[i].kind == VN_THREAD_VHOST;
	return n;
}

/* Devices of the command line with a worker of the kernel's that is no queue's. 0 or -ENOMEM. */
static int count_others(const struct vn_guest *guest, size_t *ret)
{
	struct vn_words words = {0};
	int r = guest->text ? vn_words_parse(guest->text, guest->text_size, NULL, &words, NULL) : -EINVAL;

	*ret = 0;
	for (size_t i = words.n_assignments + 1; r == 0 && i + 1 < words.n; i++) {
		const char *option = words.v[i].text, *value = words.v[i + 1].text;
		bool device = strcmp(option, "-device") == 0 || strcmp(option, "--device") == 0;
		*ret += device && (strstr(value, "vhost-vsock-") || strstr(value, "vhost-scsi-"));
	}
	vn_words_clear(&words);
	return r == -ENOMEM ? r : 0;
}

static int give_workers(struct vn_vm_sample *vm)
{
	size_t wanted = 0, there = count_workers(vm), others;
	int index = 0;

	if (count_others(vm->guest, &others) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < vm->n_nics; i++)
		wanted += vm->nics[i].vhost ? vm->nics[i].n_queues : 0;
	if (wanted == 0 || wanted + others != there)
		return wanted == 0 || there == 0
			       ? 0
			       : vn_notes_add(&vm->gaps, "workers-unknown",
					 "%zu vhost workers for %zu queue pairs: which is whose is not known",
					 there, wanted);
	for (size_t i = 0; i < vm->n_nics; i++) {
		for (size_t q = 0; vm->nics[i].vhost && q < vm->nics[i].n_queues; q++) {
			const struct vn_thread_sample *worker =
				vn_sample_thread(vm, VN_THREAD_VHOST, index++);
			vm->nics[i].queues[q].worker = worker ? worker - vm->threads : -1;
		}
	}
	return 0;
}

int vn_nics_find(const struct vn_survey *survey, const struct vn_host *host, struct vn_vm_sample *vm)
{
	struct reader r = {survey, host, vm, is_elsewhere(survey->root, vm->process.pid)};
	struct taps taps = {0};
	int status = 0;

	if (!vm->guest || vm->guest->n_vifs == 0)
		return 0;
	vm->nics = calloc(vm->guest->n_vifs, sizeof(*vm->nics));
	status = vm->nics ? find_taps(&r, &taps) : -ENOMEM;
	for (size_t i = 0; status == 0 && i < vm->guest->n_vifs; i++)
		status = read_nic(&r, &vm->guest->vifs[i], &taps, &vm->nics[vm->n_nics++]);
	if (status == 0)
		status = give_workers(vm);
	free(taps.v);
	return status;
}
