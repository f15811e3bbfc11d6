/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a domain is beside what is planned: machine, CPU model, firmware, UUID, emulator. Its own text has it all; this is for another
 * form, and so only what can be said there truthfully is taken. Which modes libvirt hands to QEMU as which -cpu:
 * qemuBuildCpuModelArgStr() in src/qemu/qemu_command.c.
 */
#include <string.h>

#include "../base/text.h"
#include "guest_libvirt_reader.h"

/* The figures of memory and the numbering of nodes are those of QEMU's x86 machines. */
static void check_machine(struct domain_reader *r)
{
	size_t type = vn_markup_find(r->doc, 0, "os/type");
	const char *arch = vn_markup_get(r->doc, type, "arch"),
		   *machine = vn_markup_get(r->doc, type, "machine"),
		   *domain = vn_markup_get(r->doc, 0, "type");
	char seen[VN_QUOTE_MAX], also[VN_QUOTE_MAX];

	r->guest->machine.tcg = domain && strcmp(domain, "qemu") == 0;
	if (domain && strcmp(domain, "kvm") != 0 && strcmp(domain, "qemu") != 0)
		vn_notes_add(&r->guest->notes, "hypervisor-other",
			"line %u: domain: type='%s': the rules checked are those of QEMU",
			r->doc->elements[0].line, vn_quote(domain, seen));
	r->guest->machine.other = arch && strcmp(arch, "x86_64") != 0 && strcmp(arch, "i686") != 0;
	if (r->guest->machine.other || (machine && strncmp(machine, "pc", 2) != 0 && !strstr(machine, "q35")))
		vn_notes_add(&r->guest->notes, "machine-other",
			"line %u: os/type: machine '%s' of %s: the rules checked are those of x86's pc and q35",
			r->doc->elements[type].line, vn_quote(machine ? machine : "", seen),
			vn_quote(arch ? arch : "no architecture", also));
}

static void take(struct domain_reader *r, char **to, const char *text)
{
	*to = vn_copy(text);
	r->short_of_memory |= text && !*to;
}

/* What stands in an element if it is an absolute path. */
static const char *path_in(struct domain_reader *r, size_t element)
{
	const char *text = element == VN_MARKUP_NONE ? NULL : r->doc->elements[element].text;

	return text && *text == '/' ? text : NULL;
}

/* A distribution's machine is of a family, and nothing more can be said of it to another QEMU. */
static void read_type(struct domain_reader *r)
{
	const char *type = vn_markup_get(r->doc, vn_markup_find(r->doc, 0, "os/type"), "machine");

	if (!type)
		return;
	r->guest->machine.foreign = strncmp(type, "pc", 2) != 0 && !strstr(type, "q35");
	if (!vn_machine_is_known(type))
		type = strncmp(type, "pc-q35-", 7) == 0                                       ? "q35"
		       : strncmp(type, "pc-i440fx-", 10) == 0 || strncmp(type, "pc-", 3) == 0 ? "pc"
											      : NULL;
	take(r, &r->guest->machine.type, type);
}

/* What it boots: hvm, or a guest of Xen's own kind. */
static void read_os(struct domain_reader *r)
{
	size_t type = vn_markup_find(r->doc, 0, "os/type");
	const char *text = type == VN_MARKUP_NONE ? NULL : r->doc->elements[type].text;
	vn_autofree char *word = vn_copy(text ? text : "hvm");

	if (!word) {
		r->short_of_memory = true;
		return;
	}
	const char *begin = word + strspn(word, " \t\r\n");
	word[(size_t)(begin - word) + strcspn(begin, " \t\r\n")] = 0;
	if (*begin && strcmp(begin, "hvm") != 0)
		take(r, &r->guest->machine.os, begin);
}

static void read_cpu(struct domain_reader *r)
{
	size_t cpu = vn_markup_child(r->doc, 0, "cpu"), model = vn_markup_child(r->doc, cpu, "model");
	const char *mode = vn_markup_get(r->doc, cpu, "mode"), *name = NULL;

	if (mode && strcmp(mode, "host-passthrough") == 0)
		name = "host";
	else if (mode && strcmp(mode, "maximum") == 0)
		name = "max";
	else if (model != VN_MARKUP_NONE && (!mode || strcmp(mode, "custom") == 0))
		name = r->doc->elements[model].text;
	if (name && strspn(name, VN_MACHINE_CPU_LETTERS) == strlen(name))
		take(r, &r->guest->machine.cpu, name);
}

static void read_firmware(struct domain_reader *r)
{
	size_t os = vn_markup_child(r->doc, 0, "os"), loader = vn_markup_child(r->doc, os, "loader"),
	       nvram = vn_markup_child(r->doc, os, "nvram");
	struct vn_guest_machine *machine = &r->guest->machine;
	const char *format = vn_markup_get(r->doc, loader, "format");

	if (!path_in(r, loader) || (format && strcmp(format, "raw") != 0))
		return;
	machine->rom = !domain_says(r, loader, "type", "pflash");
	take(r, &machine->loader, path_in(r, loader));
	format = vn_markup_get(r->doc, nvram, "format");
	if (!machine->rom && (!format || strcmp(format, "raw") == 0))
		take(r, &machine->nvram, path_in(r, nvram));
}

/* Whether all of its memory is shared: by <access>, which a cell's own word outweighs. */
static bool is_shared(struct domain_reader *r)
{
	bool all = domain_says(r, vn_markup_find(r->doc, 0, "memoryBacking/access"), "mode", "shared"),
	     cells = true;

	for_each_domain(r, i, "cpu/numa", "cell")
	{
		bool own = vn_markup_get(r->doc, i, "memAccess");
		cells &= own ? domain_says(r, i, "memAccess", "shared") : all;
	}
	return r->has_cells ? cells : all;
}

void domain_read_machine(struct domain_reader *r)
{
	size_t uuid = vn_markup_child(r->doc, 0, "uuid");
	const char *text = uuid == VN_MARKUP_NONE ? NULL : r->doc->elements[uuid].text;

	check_machine(r);
	read_type(r);
	read_os(r);
	read_cpu(r);
	read_firmware(r);
	if (text && vn_machine_is_uuid(text))
		take(r, &r->guest->machine.uuid, text);
	take(r, &r->guest->machine.emulator, path_in(r, vn_markup_find(r->doc, 0, "devices/emulator")));
	r->guest->machine.shared = is_shared(r);
}
