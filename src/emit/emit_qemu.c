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

#include "../model/guest_sockets.h"

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
	vn_argv_add(argv, "%s%s%s", guest->machine.type ? guest->machine.type : "q35",
		numa ? "" : ",memory-backend=ram0", numa && guest->hmat ? ",hmat=on" : "");
	vn_argv_add(argv, "-accel");
	vn_argv_add(argv, "%s", kvm ? "kvm" : "tcg,thread=multi");
	vn_argv_add(argv, "-cpu");
	/* Without TOPOEXT an AMD guest cannot tell threads from cores; `host` leaves it out (QEMU, target/i386/cpu.c:
	 * no_autoenable_flags), KVM always has it, and an Intel guest does not look. */
	const char *cpu = guest->machine.cpu ? guest->machine.cpu : "host";
	bool host = strcmp(cpu, "host") == 0;
	vn_argv_add(argv, "%s%s", host && !kvm ? "max" : cpu,
		host && kvm && guest->threads > 1 ? ",topoext=on" : "");
	if (guest->machine.uuid) {
		vn_argv_add(argv, "-uuid");
		vn_argv_add(argv, "%s", guest->machine.uuid);
	}
	vn_qemu_add_size(line);
}

/* What of these a domain or a command line left to its program, which has it otherwise. */
static void note_chosen(struct vn_qemu_line *line)
{
	const struct vn_guest *guest = line->guest;
	const struct vn_guest_machine *machine = &guest->machine;

	if (guest->form != VN_FORM_LIBVIRT || (machine->type && machine->cpu))
		return;
	VN_QEMU_NOTE(line, "machine-chosen",
		"chosen, as the domain does not say it in words that QEMU has:%s%s%s",
		machine->type ? "" : " the machine q35", !machine->type && !machine->cpu ? "," : "",
		machine->cpu ? "" : " the host's CPU model");
}

/* Firmware: in flash, the code before its variables, or as a BIOS. */
static void add_firmware(struct vn_qemu_line *line)
{
	const struct vn_guest_machine *machine = &line->guest->machine;

	if (machine->loader && machine->rom) {
		vn_argv_add(line->argv, "-bios");
		vn_argv_add(line->argv, "%s", machine->loader);
	} else if (machine->loader) {
		vn_argv_add(line->argv, "-drive");
		VN_QEMU_ADD_ESCAPED(
			line->argv, machine->loader, "if=pflash,unit=0,format=raw,readonly=on,file=%s");
	}
	if (machine->loader && machine->nvram) {
		vn_argv_add(line->argv, "-drive");
		VN_QEMU_ADD_ESCAPED(line->argv, machine->nvram, "if=pflash,unit=1,format=raw,file=%s");
	}
}

/* ---- -smp ---- */

/* Whether vCPUs of one socket, `vcpus` of them, are in several vnodes. */
static bool sockets_span_vnodes(const struct vn_guest *guest, unsigned vcpus)
{
	for (unsigned i = 0; i < guest->maxvcpus; i++) {
		if (vn_guest_vnode_of(guest, i) != vn_guest_vnode_of(guest, i - i % vcpus))
			return true;
	}
	return false;
}

void vn_qemu_note_sockets(struct vn_qemu_line *line)
{
	struct vn_guest_topology of = vn_guest_sockets(line->guest);

	if (sockets_span_vnodes(line->guest, of.dies * of.cores * of.threads))
		VN_QEMU_NOTE(line, "socket-spans-vnodes",
			"the guest's topology has sockets that span vnodes: Linux complains of CPUs that share a cache and are on "
			"different nodes. As many sockets as vnodes would please it");
}

static void add_smp(struct vn_qemu_line *line)
{
	const struct vn_guest *guest = line->guest;
	struct vn_guest_topology of = vn_guest_sockets(guest);

	vn_argv_add(line->argv, "-smp");
	if (of.dies > 1)
		vn_argv_add(line->argv, "cpus=%u,maxcpus=%u,sockets=%u,dies=%u,cores=%u,threads=%u",
			guest->vcpus, guest->maxvcpus, of.sockets, of.dies, of.cores, of.threads);
	else
		vn_argv_add(line->argv, "cpus=%u,maxcpus=%u,sockets=%u,cores=%u,threads=%u", guest->vcpus,
			guest->maxvcpus, of.sockets, of.cores, of.threads);
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

	vn_argv_add(&argv, "%s",
		options->binary           ? options->binary
		: guest->machine.emulator ? guest->machine.emulator
					  : "qemu-system-x86_64");
	add_machine(&line);
	add_smp(&line);
	vn_qemu_add_backends(&line);
	if (vn_qemu_tells_numa(guest)) {
		vn_qemu_add_numa(&line);
		vn_qemu_add_hmat(&line);
	}
	vn_qemu_add_dimms(&line);
	int r = vn_qemu_add_devices(&line);
	add_firmware(&line);
	add_boot(&line);
	add_consoles(&line);
	note_chosen(&line);
	if (r < 0)
		return r;
	if (argv.short_of_memory)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	*ret_argv = argv;
	argv = (struct vn_argv){0};
	return 0;
}
