/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: one function per group of options, each appending words. Nothing is read from the
 * system: the same plan gives the same command line everywhere. Paths go in with their commas doubled, as
 * QEMU's option parser wants them.
 *
 * -smp tells the truth about what matters for NUMA: no socket spans two vnodes, because Linux takes CPUs of a
 * socket to share a last-level cache and complains when they are on different nodes
 * (arch/x86/kernel/smpboot.c, topology_sane()); and which vCPUs are threads of one core, as the planner gives
 * them one.
 */
#define _GNU_SOURCE
#include "emit_qemu.h"

#include <string.h>

#include "../base/text.h"

#define MEMORY_SLOTS 16 /* DIMM slots offered when maxmem is above memory */

/* A value inside a QEMU option: commas doubled (QEMU's util/qemu-option.c). New string, or NULL. */
static char *escape_commas(const char *value)
{
	char *escaped = malloc(2 * strlen(value) + 1), *out = escaped;

	if (!escaped)
		return NULL;
	for (; *value; value++) {
		if (*value == ',')
			*out++ = ',';
		*out++ = *value;
	}
	*out = 0;
	return escaped;
}

/* Adds an option and its value, with `value` escaped in the place of the format's one %s. */
#define ADD_ESCAPED(argv, value, ...)                                                                        \
	do {                                                                                                 \
		vn_autofree char *escaped_ = escape_commas(value);                                           \
		(argv)->short_of_memory |= !escaped_;                                                        \
		vn_argv_add(argv, __VA_ARGS__, escaped_ ? escaped_ : "");                                    \
	} while (0)

static bool tells_numa(const struct vn_guest *guest)
{
	return guest->guest_numa != VN_GUEST_NUMA_OFF;
}

static void add_machine(
	const struct vn_guest *guest, const struct vn_qemu_options *options, struct vn_argv *argv)
{
	bool kvm = strcmp(options->accel, "kvm") == 0;

	vn_argv_add(argv, "-name");
	vn_argv_add(argv, "guest=%s,debug-threads=on", guest->name);
	vn_argv_add(argv, "-machine");
	vn_argv_add(argv, "q35%s", tells_numa(guest) ? "" : ",memory-backend=ram0");
	vn_argv_add(argv, "-accel");
	vn_argv_add(argv, "%s", kvm ? "kvm" : "tcg,thread=multi");
	vn_argv_add(argv, "-cpu");
	/* Without TOPOEXT an AMD guest cannot tell threads from cores; `host` leaves it out (QEMU, target/i386/cpu.c:
	 * no_autoenable_flags), KVM always has it, and an Intel guest does not look. */
	vn_argv_add(argv, "%s%s", kvm ? "host" : "max", kvm && guest->threads > 1 ? ",topoext=on" : "");
	vn_argv_add(argv, "-m");
	if (guest->maxmem > guest->memory)
		vn_argv_add(argv, "size=%lluM,slots=%d,maxmem=%lluM",
			(unsigned long long)(guest->memory / VN_MIB), MEMORY_SLOTS,
			(unsigned long long)(guest->maxmem / VN_MIB));
	else
		vn_argv_add(argv, "size=%lluM", (unsigned long long)(guest->memory / VN_MIB));
}

/* Whether vCPUs first … first + n - 1 are all in one vnode. */
static bool in_one_vnode(const struct vn_guest *guest, unsigned first, unsigned n)
{
	int vnode = vn_guest_vnode_of(guest, first);

	for (unsigned i = first + 1; i < first + n; i++) {
		if (vn_guest_vnode_of(guest, i) != vnode)
			return false;
	}
	return true;
}

/* The largest socket that divides the guest's cores into equal sockets, none of which spans two vnodes. */
static unsigned cores_per_socket(const struct vn_guest *guest)
{
	for (unsigned cores = guest->maxvcpus / guest->threads; cores > 1; cores--) {
		unsigned vcpus = cores * guest->threads;
		bool good = guest->maxvcpus % vcpus == 0;
		for (unsigned first = 0; good && first < guest->maxvcpus; first += vcpus)
			good = in_one_vnode(guest, first, vcpus);
		if (good)
			return cores;
	}
	return 1;
}

static void add_smp(const struct vn_guest *guest, struct vn_argv *argv)
{
	unsigned cores = cores_per_socket(guest);

	vn_argv_add(argv, "-smp");
	vn_argv_add(argv, "cpus=%u,maxcpus=%u,sockets=%u,cores=%u,threads=%u", guest->vcpus, guest->maxvcpus,
		guest->maxvcpus / guest->threads / cores, cores, guest->threads);
}

int vn_policy_nodes(const struct vn_plan *plan, size_t vnode, hwloc_bitmap_t nodes)
{
	const struct vn_plan_vnode *v = &plan->vnodes[vnode];
	size_t n = plan->binding == VN_BINDING_PREFERRED && v->n_shares ? 1 : v->n_shares;

	for (size_t i = 0; i < n; i++) {
		if (hwloc_bitmap_set(nodes, v->shares[i].pnode) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* QEMU takes several ranges as a repeated key (its visitor for lists of integers). */
static char *host_nodes(const struct vn_plan *plan, size_t vnode)
{
	vn_autoset nodes = hwloc_bitmap_alloc();
	vn_autofree char *list =
		nodes && vn_policy_nodes(plan, vnode, nodes) == 0 ? vn_set_text(nodes) : NULL;
	char *text = vn_format("%s", ""), *rest = list, *range;

	if (!list || !text) {
		free(text);
		return NULL;
	}
	while ((range = strsep(&rest, ","))) {
		char *longer = vn_format("%s,host-nodes=%s", text, range);
		free(text);
		if (!(text = longer))
			return NULL;
	}
	return text;
}

static void add_backend(
	const struct vn_plan *plan, const struct vn_guest *guest, size_t vnode, struct vn_argv *argv)
{
	static const char *const policies[] = {
		[VN_BINDING_PREFERRED] = "preferred",
		[VN_BINDING_STRICT] = "bind",
		[VN_BINDING_INTERLEAVE] = "interleave",
	};
	unsigned long long mib = guest->vnodes[vnode].memory / VN_MIB;
	vn_autofree char *nodes = host_nodes(plan, vnode);

	argv->short_of_memory |= !nodes;
	vn_argv_add(argv, "-object");
	if (guest->hugepages)
		/* Reserved for all nodes together, a huge page may be missing on the one that is bound to:
		 * take them now. */
		vn_argv_add(argv,
			"memory-backend-memfd,id=ram%zu,size=%lluM,hugetlb=on,hugetlbsize=%lluK,prealloc=on%"
			"s,policy=%s",
			vnode, mib, (unsigned long long)(guest->hugepages >> 10), nodes,
			policies[plan->binding]);
	else
		vn_argv_add(argv, "memory-backend-ram,id=ram%zu,size=%lluM%s,policy=%s", vnode, mib, nodes,
			policies[plan->binding]);
}

static void add_numa(const struct vn_guest *guest, struct vn_argv *argv)
{
	unsigned threads = guest->threads, cores = cores_per_socket(guest);

	for (size_t i = 0; i < guest->n_vnodes; i++) {
		vn_argv_add(argv, "-numa");
		if (guest->vnodes[i].memory)
			vn_argv_add(argv, "node,nodeid=%zu,memdev=ram%zu", i, i);
		else
			vn_argv_add(argv, "node,nodeid=%zu", i);
	}
	for (unsigned i = 0; i < guest->maxvcpus; i++) {
		vn_argv_add(argv, "-numa");
		vn_argv_add(argv, "cpu,node-id=%d,socket-id=%u,core-id=%u,thread-id=%u",
			vn_guest_vnode_of(guest, i), i / threads / cores, i / threads % cores, i % threads);
	}
	for (size_t i = 0; i < guest->n_vnodes; i++) {
		for (size_t j = 0; j < guest->n_vnodes; j++) {
			if (i == j)
				continue;
			vn_argv_add(argv, "-numa");
			vn_argv_add(argv, "dist,src=%zu,dst=%zu,val=%u", i, j, guest->vnodes[i].distances[j]);
		}
	}
}

/* The vnodes that have vCPUs, in turn: a memory-only vnode has nothing to serve. */
unsigned vn_disk_vnode(const struct vn_guest *guest, size_t index)
{
	size_t busy = 0;

	for (size_t i = 0; i < guest->n_vnodes; i++)
		busy += !hwloc_bitmap_iszero(guest->vnodes[i].vcpus);
	for (size_t i = 0, nth = 0; i < guest->n_vnodes && busy > 0; i++) {
		if (!hwloc_bitmap_iszero(guest->vnodes[i].vcpus) && nth++ == index % busy)
			return (unsigned)i;
	}
	return 0;
}

static void add_disks(const struct vn_guest *guest, struct vn_argv *argv)
{
	vn_autoset used = hwloc_bitmap_alloc();

	argv->short_of_memory |= !used;
	for (size_t i = 0; used && i < guest->n_disks; i++) {
		const struct vn_disk *disk = &guest->disks[i];
		unsigned vnode = vn_disk_vnode(guest, i);
		if (!hwloc_bitmap_isset(used, vnode)) {
			hwloc_bitmap_set(used, vnode);
			vn_argv_add(argv, "-object");
			vn_argv_add(argv, "iothread,id=io%u", vnode);
		}
		vn_argv_add(argv, "-drive");
		ADD_ESCAPED(argv, disk->path, "if=none,id=disk%zu,format=%s,readonly=%s,file=%s", i,
			disk->format, disk->readonly ? "on" : "off");
		vn_argv_add(argv, "-device");
		vn_argv_add(argv, "virtio-blk-pci,drive=disk%zu,iothread=io%u", i, vnode);
	}
}

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

static void add_vif(const struct vn_guest *guest, size_t i, struct vn_argv *argv)
{
	const struct vn_vif *vif = &guest->vifs[i];
	char mac[18];

	vn_argv_add(argv, "-netdev");
	if (vif->type == VN_VIF_USER) {
		vn_argv_add(argv, "user,id=net%zu", i);
	} else {
		vn_autofree char *ifname = vif->ifname ? vn_format(",ifname=%s", vif->ifname) : vn_copy("");
		argv->short_of_memory |= !ifname;
		vn_argv_add(argv, "tap,id=net%zu%s,script=no,downscript=no,vhost=%s,queues=%u", i, ifname,
			vif->vhost ? "on" : "off", vif->queues);
	}
	if (*vif->mac)
		snprintf(mac, sizeof(mac), "%s", vif->mac);
	else
		make_mac(guest, i, mac);
	vn_argv_add(argv, "-device");
	if (vif->queues >
		1) /* a vector for each direction of a queue pair, one for config, one for control */
		vn_argv_add(argv, "virtio-net-pci,netdev=net%zu,mac=%s,mq=on,vectors=%u", i, mac,
			2 * vif->queues + 2);
	else
		vn_argv_add(argv, "virtio-net-pci,netdev=net%zu,mac=%s", i, mac);
}

/* Bound to vfio-pci by who owns the host: QEMU refuses one that is not. */
static void add_hostdevs(const struct vn_guest *guest, struct vn_argv *argv)
{
	for (size_t i = 0; i < guest->n_hostdevs; i++) {
		vn_argv_add(argv, "-device");
		vn_argv_add(argv, "vfio-pci,host=%s,id=hostdev%zu", guest->hostdevs[i].address, i);
	}
}

static void add_boot(const struct vn_guest *guest, struct vn_argv *argv)
{
	const char *const pairs[][2] = {
		{"-kernel", guest->kernel}, {"-initrd", guest->ramdisk}, {"-append", guest->extra}};

	for (size_t i = 0; i < 3; i++) {
		if (!pairs[i][1])
			continue;
		vn_argv_add(argv, "%s", pairs[i][0]);
		vn_argv_add(argv, "%s", pairs[i][1]);
	}
}

static void add_consoles(const struct vn_qemu_options *options, struct vn_argv *argv)
{
	vn_argv_add(argv, "-nodefaults");
	vn_argv_add(argv, "-no-user-config");
	vn_argv_add(argv, "-display");
	vn_argv_add(argv, "none");
	if (options->serial_path) {
		vn_argv_add(argv, "-chardev");
		ADD_ESCAPED(argv, options->serial_path, "file,id=serial0,append=on,path=%s");
		vn_argv_add(argv, "-serial");
		vn_argv_add(argv, "chardev:serial0");
	}
	if (options->qmp_path) {
		vn_argv_add(argv, "-chardev");
		ADD_ESCAPED(argv, options->qmp_path, "socket,id=qmp0,server=on,wait=off,path=%s");
		vn_argv_add(argv, "-mon");
		vn_argv_add(argv, "chardev=qmp0,mode=control");
	}
	if (options->paused)
		vn_argv_add(argv, "-S");
}

int vn_emit_qemu(const struct vn_plan *plan, const struct vn_guest *guest,
	const struct vn_qemu_options *options, struct vn_argv *ret_argv, struct vn_error *err)
{
	vn_autoargv argv = {0};

	vn_argv_add(&argv, "%s", options->binary ? options->binary : "qemu-system-x86_64");
	add_machine(guest, options, &argv);
	add_smp(guest, &argv);
	for (size_t i = 0; i < guest->n_vnodes; i++) {
		if (guest->vnodes[i].memory)
			add_backend(plan, guest, i, &argv);
	}
	if (tells_numa(guest))
		add_numa(guest, &argv);
	add_disks(guest, &argv);
	for (size_t i = 0; i < guest->n_vifs; i++)
		add_vif(guest, i, &argv);
	add_hostdevs(guest, &argv);
	add_boot(guest, &argv);
	add_consoles(options, &argv);
	if (argv.short_of_memory)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	*ret_argv = argv;
	argv = (struct vn_argv){0};
	return 0;
}

void vn_queue_vcpus(unsigned vcpus, unsigned queues, unsigned queue, unsigned *ret_first, unsigned *ret_count)
{
	unsigned stride = vcpus / queues ? vcpus / queues : 1;
	unsigned stragglers = vcpus >= queues ? vcpus % queues : 0;

	*ret_first = (queue * stride + (queue < stragglers ? queue : stragglers)) % vcpus;
	*ret_count = stride + (queue < stragglers);
}

unsigned vn_queue_vnode(const struct vn_guest *guest, unsigned queues, unsigned queue)
{
	unsigned first, count, best = 0, most = 0;

	vn_queue_vcpus(guest->vcpus, queues, queue, &first, &count);
	for (unsigned v = 0; v < guest->n_vnodes; v++) {
		unsigned users = 0;
		for (unsigned i = first; i < first + count; i++)
			users += hwloc_bitmap_isset(guest->vnodes[v].vcpus, i) != 0;
		if (users > most) {
			most = users;
			best = v;
		}
	}
	return best;
}
