/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: one function per group of options, each appending words; memory, NUMA, HMAT and devices have a
 * file each. Nothing is read from the system: the same plan gives the same command line everywhere. Paths go in
 * with their commas doubled, as QEMU's option parser wants them. What names something comes after it: thread
 * contexts before the backends that use them, these before the nodes, nodes before CPUs, distances, latencies and
 * bridges.
 *
 * -smp tells the truth about what matters for NUMA, unless the guest says how it wants to be: no socket spans two
 * vnodes, because Linux takes CPUs of a socket to share a last-level cache and complains when they are on
 * different nodes (arch/x86/kernel/smpboot.c, topology_sane()); and which vCPUs are threads of one core, as the planner
 * gives them one.
 */
#define _GNU_SOURCE
#include "emit_qemu_part.h"

#include <string.h>

char *vn_qemu_escape(const char *value)
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

static void add_machine(struct vn_qemu_line *line)
{
	const struct vn_guest *guest = line->guest;
	bool kvm = strcmp(line->options->accel, "kvm") == 0, numa = vn_qemu_tells_numa(guest);
	struct vn_argv *argv = line->argv;

	vn_argv_add(argv, "-name");
	vn_argv_add(argv, "guest=%s,debug-threads=on", guest->name);
	vn_argv_add(argv, "-machine");
	vn_argv_add(
		argv, "q35%s%s", numa ? "" : ",memory-backend=ram0", numa && guest->hmat ? ",hmat=on" : "");
	vn_argv_add(argv, "-accel");
	vn_argv_add(argv, "%s", kvm ? "kvm" : "tcg,thread=multi");
	vn_argv_add(argv, "-cpu");
	/* Without TOPOEXT an AMD guest cannot tell threads from cores; `host` leaves it out (QEMU, target/i386/cpu.c:
	 * no_autoenable_flags), KVM always has it, and an Intel guest does not look. */
	vn_argv_add(argv, "%s%s", kvm ? "host" : "max", kvm && guest->threads > 1 ? ",topoext=on" : "");
	vn_qemu_add_size(line);
}

/* ---- -smp ---- */

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

/* Whether no group of `vcpus` in a row spans two vnodes. */
static bool groups_in_one_vnode(const struct vn_guest *guest, unsigned vcpus)
{
	for (unsigned first = 0; first < guest->maxvcpus; first += vcpus) {
		if (!in_one_vnode(guest, first, vcpus))
			return false;
	}
	return true;
}

/* The largest socket that divides the guest's cores into equal sockets, none of which spans two vnodes. */
static unsigned cores_per_socket(const struct vn_guest *guest)
{
	for (unsigned cores = guest->maxvcpus / guest->threads; cores > 1; cores--) {
		unsigned vcpus = cores * guest->threads;
		if (guest->maxvcpus % vcpus == 0 && groups_in_one_vnode(guest, vcpus))
			return cores;
	}
	return 1;
}

/*
 * The guest's own words, where they make exactly its vCPUs; what is left open follows from the rest. Clusters count as cores of their die:
 * no PC has them (QEMU's hw/core/machine-smp.c).
 */
static bool read_topology(const struct vn_guest *guest, struct vn_guest_topology *ret)
{
	struct vn_guest_topology t = guest->topology;
	uint64_t dies = t.dies ? t.dies : 1, clusters = t.clusters ? t.clusters : 1, all = guest->maxvcpus;
	uint64_t known =
		dies * clusters * guest->threads * (t.sockets ? t.sockets : 1) * (t.cores ? t.cores : 1);

	if ((!t.sockets && !t.cores) || known == 0 || known > all || all % known != 0)
		return false;
	if (t.sockets && t.cores && known != all)
		return false;
	t.sockets = t.sockets ? t.sockets : (unsigned)(all / known);
	t.cores = t.cores ? t.cores : (unsigned)(all / known);
	*ret = (struct vn_guest_topology){t.sockets, (unsigned)dies, 1, t.cores * (unsigned)clusters};
	return true;
}

struct vn_guest_topology vn_qemu_topology(const struct vn_guest *guest)
{
	unsigned cores = cores_per_socket(guest);
	struct vn_guest_topology topology = {guest->maxvcpus / guest->threads / cores, 1, 1, cores};

	read_topology(guest, &topology); /* or it stays as it is */
	return topology;
}

void vn_qemu_note_sockets(struct vn_qemu_line *line)
{
	struct vn_guest_topology of = vn_qemu_topology(line->guest);

	if (!groups_in_one_vnode(line->guest, of.dies * of.cores * line->guest->threads))
		VN_QEMU_NOTE(line, "socket-spans-vnodes",
			"the guest's topology has sockets that span vnodes: Linux complains of CPUs that share a cache and are on "
			"different nodes. As many sockets as vnodes would please it");
}

static void add_smp(struct vn_qemu_line *line)
{
	const struct vn_guest *guest = line->guest;
	struct vn_guest_topology of = vn_qemu_topology(guest);

	vn_argv_add(line->argv, "-smp");
	if (of.dies > 1)
		vn_argv_add(line->argv, "cpus=%u,maxcpus=%u,sockets=%u,dies=%u,cores=%u,threads=%u",
			guest->vcpus, guest->maxvcpus, of.sockets, of.dies, of.cores, guest->threads);
	else
		vn_argv_add(line->argv, "cpus=%u,maxcpus=%u,sockets=%u,cores=%u,threads=%u", guest->vcpus,
			guest->maxvcpus, of.sockets, of.cores, guest->threads);
	if (guest->topology.clusters > 1)
		VN_QEMU_NOTE(line, "clusters-left-out",
			"a PC has no clusters: the cores of %u clusters a die are cores of the die",
			guest->topology.clusters);
	if (vn_qemu_tells_numa(guest))
		vn_qemu_note_sockets(line);
}

/* ---- the rest ---- */

static void add_boot(struct vn_qemu_line *line)
{
	const struct vn_guest *guest = line->guest;
	const char *const pairs[][2] = {
		{"-kernel", guest->kernel}, {"-initrd", guest->ramdisk}, {"-append", guest->extra}};

	for (size_t i = 0; i < 3; i++) {
		if (!pairs[i][1])
			continue;
		vn_argv_add(line->argv, "%s", pairs[i][0]);
		vn_argv_add(line->argv, "%s", pairs[i][1]);
	}
}

static void add_consoles(struct vn_qemu_line *line)
{
	const struct vn_qemu_options *options = line->options;
	struct vn_argv *argv = line->argv;

	vn_argv_add(argv, "-nodefaults");
	vn_argv_add(argv, "-no-user-config");
	vn_argv_add(argv, "-display");
	vn_argv_add(argv, "none");
	if (options->serial_path) {
		vn_argv_add(argv, "-chardev");
		VN_QEMU_ADD_ESCAPED(argv, options->serial_path, "file,id=serial0,append=on,path=%s");
		vn_argv_add(argv, "-serial");
		vn_argv_add(argv, "chardev:serial0");
	}
	if (options->qmp_path) {
		vn_argv_add(argv, "-chardev");
		VN_QEMU_ADD_ESCAPED(argv, options->qmp_path, "socket,id=qmp0,server=on,wait=off,path=%s");
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
	struct vn_qemu_line line = {plan, guest, options,
		options->version ? options->version : VN_TARGET_QEMU_VERSION, &argv, err};

	vn_argv_add(&argv, "%s", options->binary ? options->binary : "qemu-system-x86_64");
	add_machine(&line);
	add_smp(&line);
	vn_qemu_add_backends(&line);
	if (vn_qemu_tells_numa(guest)) {
		vn_qemu_add_numa(&line);
		vn_qemu_add_hmat(&line);
	}
	vn_qemu_add_dimms(&line);
	int r = vn_qemu_add_devices(&line);
	add_boot(&line);
	add_consoles(&line);
	if (r < 0)
		return r;
	if (argv.short_of_memory)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	*ret_argv = argv;
	argv = (struct vn_argv){0};
	return 0;
}
