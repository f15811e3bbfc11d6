/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A plain domain for a guest that was none: what it is, but nothing of where it lives. */
#include <string.h>

#include "../model/guest_sockets.h"
#include "emit_libvirt_part.h"

#define DEFAULT_WEIGHT 256u /* xl.cfg(5), cpu_weight */
#define MEMORY_SLOTS 16u /* offered when maxmem is above memory, as for QEMU */

static void put_text(struct vn_xml *xml, const char *name, const char *text)
{
	if (!text)
		return;
	vn_xml_begin(xml, name);
	vn_xml_content(xml, name, text);
}

void domain_put_one(struct vn_xml *xml, const char *name, const char *attribute, const char *value)
{
	vn_xml_begin(xml, name);
	vn_xml_text(xml, attribute, value);
	vn_xml_empty(xml);
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

static void put_pages(struct vn_xml *xml, const struct vn_guest *guest, bool own)
{
	vn_xml_begin(xml, "hugepages");
	vn_xml_open(xml);
	if (!own)
		put_page(xml, guest->hugepages, -1);
	for (size_t v = 0; own && v < guest->n_vnodes; v++)
		put_page(xml, vn_vnode_page(guest, v), guest->n_vnodes > 1 ? (int)v : -1);
	vn_xml_close(xml, "hugepages");
}

static void put_backing(struct vn_xml *xml, const struct vn_guest *guest)
{
	bool own = false, shared = guest->machine.shared;

	for (size_t v = 0; v < guest->n_vnodes; v++) {
		own |= guest->vnodes[v].has_page;
		shared |= guest->vnodes[v].shared; /* its cell says so */
	}
	if (!guest->hugepages && !own && !shared)
		return;
	vn_xml_begin(xml, "memoryBacking");
	vn_xml_open(xml);
	if (guest->hugepages || own)
		put_pages(xml, guest, own);
	else
		domain_put_one(xml, "source", "type", "memfd");
	if (guest->machine.shared)
		domain_put_one(xml, "access", "mode", "shared");
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

static void put_firmware(struct vn_xml *xml, const struct vn_guest_machine *machine)
{
	if (!machine->loader)
		return;
	vn_xml_begin(xml, "loader");
	if (!machine->rom)
		vn_xml_text(xml, "readonly", "yes");
	vn_xml_text(xml, "type", machine->rom ? "rom" : "pflash");
	vn_xml_content(xml, "loader", machine->loader);
	put_text(xml, "nvram", machine->nvram);
}

static void put_os(struct vn_xml *xml, const struct vn_guest *guest)
{
	vn_xml_begin(xml, "os");
	vn_xml_open(xml);
	vn_xml_begin(xml, "type");
	vn_xml_text(xml, "arch", "x86_64");
	vn_xml_text(xml, "machine", guest->machine.type ? guest->machine.type : "q35");
	vn_xml_content(xml, "type", "hvm");
	put_firmware(xml, &guest->machine);
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

/* The model as QEMU calls it. Without KVM there is no host's, and libvirt refuses its mode; QEMU itself has qemu64 where nothing is told
 * (target/i386/cpu.c, TARGET_DEFAULT_CPU_TYPE). */
static const char *model_of(const struct vn_guest *guest)
{
	const char *cpu = guest->machine.cpu;

	if (!guest->machine.tcg)
		return cpu;
	return !cpu ? "qemu64" : strcmp(cpu, "host") == 0 ? "max" : cpu;
}

/* The host's model is a mode of libvirt's, and so is all that QEMU has; any other is by name. */
static void put_model(struct vn_xml *xml, const char *cpu)
{
	bool host = !cpu || strcmp(cpu, "host") == 0, most = cpu && strcmp(cpu, "max") == 0;

	vn_xml_begin(xml, "cpu");
	vn_xml_text(xml, "mode", host ? "host-passthrough" : most ? "maximum" : "custom");
	if (!host && !most)
		vn_xml_text(xml, "match", "exact");
}

/*
 * Sockets as they were wished for, dies and threads among them: exactly what the guest's words make of its vCPUs. Where nothing was said
 * of sockets, threads have to be told all the same, in the largest equal sockets that span no two vnodes: Linux takes a socket to share a
 * cache.
 */
static void put_cpu(struct vn_xml *xml, const struct vn_guest *guest)
{
	const char *cpu = model_of(guest);
	bool named = cpu && strcmp(cpu, "host") != 0 && strcmp(cpu, "max") != 0;
	bool told = guest->threads > 1 || guest->topology.sockets || guest->topology.cores;
	struct vn_guest_topology of = vn_guest_sockets(guest);

	put_model(xml, cpu);
	if (!told && !named) {
		vn_xml_empty(xml);
		return;
	}
	vn_xml_open(xml);
	if (named)
		put_text(xml, "model", cpu);
	if (told) {
		vn_xml_begin(xml, "topology");
		vn_xml_number(xml, "sockets", of.sockets);
		if (of.dies > 1)
			vn_xml_number(xml, "dies", of.dies);
		vn_xml_number(xml, "cores", of.cores);
		vn_xml_number(xml, "threads", of.threads);
		vn_xml_empty(xml);
	}
	vn_xml_close(xml, "cpu");
}

static void note_what_is_lost(const struct vn_guest *guest, struct vn_notes *notes)
{
	if (guest->weight != DEFAULT_WEIGHT || guest->cap)
		vn_notes_add(notes, "weight-not-applied", "weight and cap are not in the domain");
	if (guest->exclusive_cores)
		vn_notes_add(notes, "exclusive-not-carried",
			"a domain cannot say that its cores are its own: the pins are as planned, but another plan of the domain may share "
			"them");
	if (guest->form == VN_FORM_QEMU && (!guest->machine.type || !guest->machine.cpu)) {
		const char *model = guest->machine.tcg ? " the CPU model qemu64" : " the host's CPU model";
		vn_notes_add(notes, "machine-chosen",
			"chosen, as the command line does not say it in words that libvirt has:%s%s%s",
			guest->machine.type ? "" : " the machine q35",
			!guest->machine.type && !guest->machine.cpu ? "," : "",
			guest->machine.cpu ? "" : model);
	}
}

char *domain_skeleton(const struct vn_guest *guest, struct vn_notes *notes)
{
	char *text = NULL;
	size_t n = 0;
	struct vn_xml xml = {open_memstream(&text, &n), 0};
	uint64_t memory =
		0; /* with all that devices can have: libvirt takes their sizes off to find what is there at start */
	bool devices = false;

	if (!xml.out)
		return NULL;
	for (size_t v = 0; v < guest->n_vnodes; v++) {
		memory += vn_vnode_at_start(&guest->vnodes[v]) + vn_vnode_device(&guest->vnodes[v]);
		devices |= vn_vnode_device(&guest->vnodes[v]) > 0;
	}
	vn_xml_begin(&xml, "domain");
	vn_xml_text(&xml, "type", guest->machine.tcg ? "qemu" : "kvm");
	vn_xml_open(&xml);
	put_text(&xml, "name", guest->name);
	put_text(&xml, "uuid", guest->machine.uuid);
	if (guest->maxmem > guest->memory || devices)
		put_kib(&xml, "maxMemory", MEMORY_SLOTS, guest->maxmem > memory ? guest->maxmem : memory);
	put_kib(&xml, "memory", 0, memory);
	put_backing(&xml, guest);
	put_vcpus(&xml, guest);
	put_os(&xml, guest);
	put_cpu(&xml, guest);
	domain_put_devices(&xml, guest, notes);
	vn_xml_close(&xml, "domain");
	note_what_is_lost(guest, notes);
	if (fclose(xml.out) == 0)
		return text;
	free(text);
	return NULL;
}
