/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a domain says that no other form is told. An element is looked at when a rule names it or something within it; whatever else there
 * is is left out, and told by the topmost element that is. A rule that ends in a slash is for all that is within.
 *
 * What says nothing of the guest is carried by nobody and missed by nobody: what libvirt keeps for itself of a domain that runs, and what
 * QEMU's machines have in any case.
 */
#include <string.h>

#include "../base/markup.h"
#include "../base/parse.h"
#include "../base/text.h"
#include "left_out_part.h"

#define TO_ANY (TO_QEMU | TO_XEN)
#define PATH_MAX_LENGTH 400 /* bytes of a path; elements are not that deep */

static const struct vn_left_rule rules[] = {
	{"@type", TO_QEMU, "|qemu|"},
	{"@type", TO_ANY, "|kvm|"}, /* no acceleration, or another hypervisor's domain */
	{"@id", TO_ANY, NULL}, /* of a domain that runs */
	{"name", TO_ANY, NULL},
	{"uuid", TO_ANY, NULL},
	{"memory", TO_ANY, NULL},
	{"memory/@unit", TO_ANY, NULL},
	{"currentMemory/", TO_ANY, NULL}, /* the reader has told of a balloon */
	{"maxMemory/", TO_ANY, NULL},
	{"vcpu/", TO_ANY, NULL},
	{"vcpus/", TO_ANY, NULL},
	{"iothreads", TO_ANY, NULL}, /* there are as many as the plan has work for */
	{"iothreadids/iothread/@id", TO_ANY, NULL},
	{"cputune/vcpupin/", TO_ANY, NULL}, /* the plan's take their place */
	{"cputune/emulatorpin/", TO_ANY, NULL},
	{"cputune/iothreadpin/", TO_ANY, NULL},
	{"numatune/", TO_ANY, NULL},
	{"memoryBacking/hugepages/", TO_ANY, NULL}, /* Xen: a note of its own */
	{"memoryBacking/access/@mode", TO_ANY, "|private|"},
	{"memoryBacking/access/@mode", TO_QEMU, "|shared|"},
	{"memoryBacking/source/@type", TO_QEMU, "|anonymous|memfd|"},
	{"os/type", TO_ANY, "|hvm|"},
	{"os/type", TO_XEN, "|linux|xen|xenpvh|"}, /* a guest of Xen's own kind */
	{"os/type/@arch", TO_ANY, "|x86_64|"},
	{"os/kernel", TO_ANY, NULL},
	{"os/initrd", TO_ANY, NULL},
	{"os/cmdline", TO_ANY, NULL},
	{"features/acpi", TO_ANY, NULL},
	{"features/apic", TO_ANY, NULL},
	{"features/pae", TO_ANY, NULL}, /* x86_64 has it */
	{"cpu/@mode", TO_QEMU, "|host-passthrough|maximum|custom|"},
	{"cpu/@match", TO_QEMU, NULL}, /* how libvirt holds the model against the host */
	{"cpu/@check", TO_QEMU, NULL},
	{"cpu/@migratable", TO_QEMU, "|on|"},
	{"cpu/model", TO_QEMU, NULL},
	{"cpu/model/@fallback", TO_QEMU, NULL},
	{"cpu/topology/", TO_ANY, NULL}, /* Xen: a note of its own */
	{"cpu/numa/cell/@id", TO_ANY, NULL},
	{"cpu/numa/cell/@cpus", TO_ANY, NULL},
	{"cpu/numa/cell/@memory", TO_ANY, NULL},
	{"cpu/numa/cell/@unit", TO_ANY, NULL},
	{"cpu/numa/cell/@memAccess", TO_ANY, "|private|"},
	{"cpu/numa/cell/distances/", TO_ANY, NULL},
	{"cpu/numa/cell/cache/", TO_ANY, NULL}, /* Xen: a note of its own */
	{"cpu/numa/interconnects/", TO_ANY, NULL},
	{"devices/emulator", TO_QEMU, NULL},
	{"devices/disk/@type", TO_ANY, NULL},
	{"devices/disk/@device", TO_ANY, "|disk|"},
	{"devices/disk/driver/@name", TO_ANY, "|qemu|"},
	{"devices/disk/driver/@type", TO_ANY, NULL},
	{"devices/disk/driver/@iothread", TO_QEMU, NULL},
	{"devices/disk/driver/iothreads/", TO_QEMU, NULL},
	{"devices/disk/source/@file", TO_ANY, NULL},
	{"devices/disk/source/@dev", TO_ANY, NULL},
	{"devices/disk/source/@index", TO_ANY, NULL}, /* of a domain that runs */
	{"devices/disk/backingStore/", TO_ANY, NULL},
	{"devices/disk/target/@dev", TO_ANY, NULL}, /* an order, and no name that the guest sees */
	{"devices/disk/target/@bus", TO_QEMU, "|virtio|scsi|sata|ide|"},
	{"devices/disk/target/@bus", TO_XEN, "|xen|"},
	{"devices/disk/readonly", TO_ANY, NULL},
	{"devices/disk/alias/", TO_ANY, NULL},
	{"devices/interface/@type", TO_ANY, NULL},
	{"devices/interface/mac/@address", TO_ANY, NULL},
	{"devices/interface/source/@bridge", TO_XEN, NULL},
	{"devices/interface/driver/@name", TO_QEMU, NULL},
	{"devices/interface/driver/@queues", TO_QEMU, NULL},
	{"devices/interface/model/@type", TO_QEMU,
		"|virtio|e1000e|igb|vmxnet3|e1000|rtl8139|pcnet|ne2k_pci|"},
	{"devices/interface/model/@type", TO_XEN, "|netfront|"},
	{"devices/interface/alias/", TO_ANY, NULL},
	{"devices/hostdev/@mode", TO_ANY, NULL},
	{"devices/hostdev/@type", TO_ANY, NULL},
	{"devices/hostdev/@managed", TO_ANY, "|no|"},
	{"devices/hostdev/source/", TO_ANY, NULL},
	{"devices/hostdev/driver/@name", TO_QEMU, "|vfio|"},
	{"devices/hostdev/alias/", TO_ANY, NULL},
	{"devices/channel/@type", TO_ANY, NULL}, /* see device_is_carried() */
	{"devices/channel/source/@mode", TO_ANY, NULL},
	{"devices/channel/source/@path", TO_ANY, NULL},
	{"devices/channel/target/@type", TO_ANY, NULL},
	{"devices/channel/target/@name", TO_ANY, NULL},
	{"devices/channel/target/@state", TO_ANY, NULL}, /* of a domain that runs */
	{"devices/channel/alias/", TO_ANY, NULL},
	{"devices/memory/", TO_ANY, NULL}, /* see device_is_carried() */
	{"devices/controller/", TO_ANY, NULL},
};

/* How a rule fits a path. */
enum fit { FITS_NOT, FITS_WITHIN, FITS }; /* FITS_WITHIN: it is for something within */

static enum fit rule_fits(const struct vn_left_rule *rule, const char *path)
{
	size_t n = strlen(rule->name), length = strlen(path);
	bool all = rule->name[n - 1] == '/';

	if (all && (strncmp(path, rule->name, n) == 0 ||
			   (length == n - 1 && strncmp(path, rule->name, length) == 0)))
		return FITS;
	if (strcmp(rule->name, path) == 0)
		return FITS;
	return strncmp(rule->name, path, length) == 0 && rule->name[length] == '/' ? FITS_WITHIN : FITS_NOT;
}

static enum fit fit_of(const struct vn_left_out *left, const char *path, const char *value)
{
	enum fit best = FITS_NOT;

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		enum fit fit = rules[i].to & left->to ? rule_fits(&rules[i], path) : FITS_NOT;
		if (fit > best && (fit == FITS_WITHIN || vn_left_has_value(&rules[i], value)))
			best = fit;
	}
	return best;
}

/* ---- devices ---- */

static bool says(const struct vn_markup *doc, size_t element, const char *attribute, const char *value)
{
	const char *seen = vn_markup_get(doc, element, attribute);

	return seen && strcmp(seen, value) == 0;
}

/* Disks and the like that are in the guest; DIMMs, and virtio-mem where there is such; bridges, which are made anew, and controllers that come with the machine or a disk. */
static bool device_is_carried(const struct vn_left_out *left, const struct vn_markup *doc, size_t element)
{
	const struct vn_markup_element *e = &doc->elements[element];

	if (strcmp(e->name, "disk") == 0 || strcmp(e->name, "interface") == 0 ||
		strcmp(e->name, "hostdev") == 0 || strcmp(e->name, "channel") == 0)
		return vn_left_is_carried_device(left, e->begin);
	if (strcmp(e->name, "memory") == 0)
		return says(doc, element, "model", "dimm") ||
		       (left->to != TO_XEN && says(doc, element, "model", "virtio-mem"));
	if (strcmp(e->name, "controller") == 0)
		return says(doc, element, "type", "pci") || says(doc, element, "type", "sata") ||
		       says(doc, element, "type", "ide") || says(doc, element, "type", "scsi") ||
		       (says(doc, element, "type", "virtio-serial") && left->guest->n_channels > 0);
	return strcmp(e->name, "emulator") == 0;
}

/* What tells devices of a name from each other. */
static void add_device(struct vn_left_out *left, const struct vn_markup *doc, size_t element)
{
	static const char *const names[] = {"type", "device", "model"};
	const struct vn_markup_element *e = &doc->elements[element];
	vn_autofree char *text = vn_copy("");

	for (size_t i = 0; i < 3 && text; i++) {
		const char *value = vn_markup_get(doc, element, names[i]);
		bool plain = !value || (strcmp(e->name, "disk") == 0 && strcmp(value, "file") == 0);
		char seen[VN_QUOTE_MAX];
		char *more = plain ? NULL : vn_format("%s %s='%s'", text, names[i], vn_quote(value, seen));
		left->short_of_memory |= !plain && !more;
		if (!more)
			continue;
		free(text);
		text = more;
	}
	left->short_of_memory |= !text;
	vn_left_add(left, e->line, "devices/%.60s%s", e->name, text ? text : "");
}

/* ---- all ---- */

/* An attribute whose value the guest has, in words of its own. */
static bool attribute_is_in_guest(const struct vn_left_out *left, const char *path, const char *value)
{
	const struct vn_guest_machine *machine = &left->guest->machine;

	if (left->to != TO_QEMU)
		return false;
	if (strcmp(path, "os/type/@machine") == 0)
		return machine->type && strcmp(machine->type, value) == 0;
	return strcmp(path, "cpu/numa/cell/@memAccess") == 0 && machine->shared;
}

static void look_at_attributes(
	struct vn_left_out *left, const struct vn_markup *doc, size_t element, const char *path)
{
	const struct vn_markup_element *e = &doc->elements[element];

	for (size_t i = 0; i < e->n_attributes; i++) {
		const struct vn_markup_attribute *attribute = &e->attributes[i];
		char name[PATH_MAX_LENGTH], seen[VN_QUOTE_MAX];
		snprintf(name, sizeof(name), "%s%s@%.60s", path, *path ? "/" : "", attribute->name);
		if (strncmp(attribute->name, "xmlns", 5) != 0 &&
			!attribute_is_in_guest(left, name, attribute->value) &&
			fit_of(left, name, attribute->value) != FITS)
			vn_left_add(left, e->line, "%s='%s'", name, vn_quote(attribute->value, seen));
	}
}

/* Firmware, machine and memory that is shared are carried when the guest has them: not all that a domain can say of them is understood. */
static bool is_in_guest(const struct vn_left_out *left, const char *path, const char *text)
{
	const struct vn_guest_machine *machine = &left->guest->machine;

	if (left->to != TO_QEMU)
		return false;
	if (strcmp(path, "os/loader") == 0)
		return machine->loader && text && strcmp(machine->loader, text) == 0;
	return strcmp(path, "os/nvram") == 0 && machine->nvram && text && strcmp(machine->nvram, text) == 0;
}

/* The attributes of what is in the guest that are carried along. */
static void look_at_firmware(
	struct vn_left_out *left, const struct vn_markup *doc, size_t element, const char *path)
{
	const struct vn_markup_element *e = &doc->elements[element];

	for (size_t i = 0; i < e->n_attributes; i++) {
		const struct vn_markup_attribute *a = &e->attributes[i];
		bool carried = strcmp(a->name, "type") == 0 || strcmp(a->name, "format") == 0 ||
			       (strcmp(a->name, "readonly") == 0 && strcmp(a->value, "yes") == 0) ||
			       (strcmp(a->name, "secure") == 0 && strcmp(a->value, "no") == 0);
		if (!carried)
			vn_left_add(left, e->line, "%s/@%.60s", path, a->name);
	}
}

/* What a DIMM has of its own, as one is written for each vnode, and like it. */
static void look_at_memory(struct vn_left_out *left, const struct vn_markup *doc, size_t element)
{
	size_t mask = vn_markup_find(doc, element, "source/nodemask"),
	       node = vn_markup_find(doc, element, "target/node");
	const char *access = vn_markup_get(doc, element, "access");
	const char *cell = node == VN_MARKUP_NONE ? NULL : doc->elements[node].text;
	bool shared = left->to == TO_QEMU && left->guest->machine.shared;
	uint64_t vnode = 0;

	if (access && (strcmp(access, "shared") == 0) != shared)
		vn_left_add(left, doc->elements[element].line, "devices/memory/@access='%s'",
			shared ? "private" : "shared");
	if (says(doc, element, "discard", "yes"))
		vn_left_add(left, doc->elements[element].line, "devices/memory/@discard='yes'");
	vn_autoset nodes = NULL;
	if (mask == VN_MARKUP_NONE || left->guest->rehomed || !doc->elements[mask].text ||
		vn_set_parse_libvirt(doc->elements[mask].text, &nodes) < 0)
		return;
	if ((cell && vn_parse_u64(cell, UINT32_MAX, &vnode) < 0) || !vn_left_is_tied_to(left, vnode, nodes))
		vn_left_add(left, doc->elements[mask].line, "devices/memory/source/nodemask");
}

/* True when it was settled by itself: it is told, or all of it is carried. */
static bool look_at_special(
	struct vn_left_out *left, const struct vn_markup *doc, size_t element, const char *path)
{
	const struct vn_markup_element *e = &doc->elements[element];

	if (is_in_guest(left, path, e->text)) {
		look_at_firmware(left, doc, element, path);
		return true;
	}
	if (strncmp(path, "devices/", 8) == 0 && !strchr(path + 8, '/') &&
		!device_is_carried(left, doc, element)) {
		add_device(left, doc, element);
		return true;
	}
	if (strcmp(path, "devices/memory") == 0)
		look_at_memory(left, doc, element);
	/* a guest may know a device by its place on a bus, which is a new one */
	if (e->depth == 3 && strncmp(path, "devices/", 8) == 0 && strcmp(e->name, "address") == 0 &&
		fit_of(left, path, NULL) != FITS) {
		vn_left_add(left, e->line, "addresses of devices");
		return true;
	}
	return false;
}

static void look_at(struct vn_left_out *left, const struct vn_markup *doc, size_t element, const char *path)
{
	const struct vn_markup_element *e = &doc->elements[element];

	if (look_at_special(left, doc, element, path))
		return;
	enum fit fit = *path ? fit_of(left, path, e->text) : FITS_WITHIN;
	if (fit == FITS_NOT) {
		vn_left_add(left, e->line, "%s", path);
		return;
	}
	look_at_attributes(left, doc, element, path);
	for (size_t i = vn_markup_child(doc, element, NULL); i != VN_MARKUP_NONE;
		i = vn_markup_next(doc, i, NULL)) {
		char child[PATH_MAX_LENGTH];
		snprintf(
			child, sizeof(child), "%.280s%s%.60s", path, *path ? "/" : "", doc->elements[i].name);
		look_at(left, doc, i, child);
	}
}

int vn_left_domain(struct vn_left_out *left, struct vn_error *err)
{
	vn_automarkup *doc = NULL;

	int r = vn_markup_read(left->guest->text, left->guest->file, &doc, err);
	if (r == 0)
		look_at(left, doc, 0, "");
	return r;
}
