/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * PCI expanders: what is behind one with a <node> has that vnode as its NUMA node in the guest. Only q35 has room for them (pcie-root),
 * and only devices that have no <address> yet are put behind them: the address of a device is the guest's, who may know it by that.
 *
 * Each device gets a root port, and that a bus of its own. An expander's buses are numbered from its busNr up to the next expander's or
 * to 255; libvirt by itself leaves room for one. So the numbers are given: as many as there are ports, counted down from the top.
 */
#include <stdio.h>
#include <string.h>

#include "../base/parse.h"
#include "../base/text.h"
#include "emit_libvirt_part.h"

#define MOST_PORTS 32 /* slots of an expander */
#define BUSES 256u

struct expanders {
	size_t n[VN_MAX_VNODES]; /* devices behind each, by vnode */
	size_t device[VN_MAX_VNODES][MOST_PORTS];
	unsigned next_index; /* of a controller */
	unsigned next_bus; /* one above the highest that is free */
};

/* Decimal, or hexadecimal with 0x, as libvirt has both. */
static unsigned number_of(const char *text, unsigned fallback)
{
	uint64_t decimal;

	if (!text)
		return fallback;
	if (vn_parse_u64(text, 65535, &decimal) == 0)
		return (unsigned)decimal;
	size_t n = strncasecmp(text, "0x", 2) == 0 ? strspn(text + 2, "0123456789abcdefABCDEF") : 0;
	return n > 0 && n <= 4 && !text[2 + n] ? (unsigned)strtoul(text + 2, NULL, 16) : fallback;
}

/* A network card that is a PCI Express device. */
static bool is_express_card(const struct domain_writer *w, size_t element)
{
	const char *model = vn_markup_get(w->doc, vn_markup_child(w->doc, element, "model"), "type");

	return strcmp(w->doc->elements[element].name, "interface") == 0 && model &&
	       (strncmp(model, "virtio", 6) == 0 || strcmp(model, "e1000e") == 0 ||
		       strcmp(model, "igb") == 0);
}

static bool is_host_device(const struct domain_writer *w, size_t element)
{
	return strcmp(w->doc->elements[element].name, "hostdev") == 0 &&
	       domain_has(w, element, "type", "pci");
}

/* A device that may be put behind an expander. */
static bool is_free(const struct domain_writer *w, size_t element)
{
	return vn_markup_child(w->doc, element, "address") == VN_MARKUP_NONE &&
	       (is_express_card(w, element) || is_host_device(w, element) ||
		       domain_is_virtio_disk(w, element) || domain_is_virtio_scsi(w, element));
}

/* The vnode that the nth interface of a guest that was no domain is to be behind; -1: any. Of a domain it is behind that by its address. */
static int card_wish(const struct domain_writer *w, size_t nth)
{
	for (size_t i = 0; w->guest->form != VN_FORM_LIBVIRT && i < w->guest->n_vifs; i++) {
		if (!w->guest->vifs[i].foreign && nth-- == 0)
			return w->guest->vifs[i].vnode;
	}
	return -1;
}

/* The vnode of a disk: by wish, or else that of its iothread. -1: none in particular. */
static int disk_vnode(const struct domain_writer *w, size_t element, size_t *disks)
{
	size_t driver = vn_markup_child(w->doc, element, "driver");
	unsigned thread = number_of(vn_markup_get(w->doc, driver, "iothread"), 0);
	int wish = domain_disk_wish(w, element);
	size_t nth = thread ? 0 : (*disks)++;

	if (wish >= 0 || w->n_busy < 2)
		return wish;
	return (int)w->busy[thread ? (thread - 1) % w->n_busy : domain_disk_place(w, element, nth)];
}

/* A device of the host: nobody says so when it is vnode 0. */
static int hostdev_vnode(const struct domain_writer *w, size_t nth)
{
	unsigned vnode = nth < w->guest->n_hostdevs ? w->guest->hostdevs[nth].vnode : 0;

	return vnode < w->guest->n_vnodes && (vnode > 0 || w->n_busy > 1) ? (int)vnode : -1;
}

/* Disks go where their iothread is, cards in turn, devices of the host to the vnode that works with them; each where it is wished to be
 * first of all, be it a vnode without vCPUs. */
static void collect(struct domain_writer *w, size_t devices, struct expanders *e)
{
	size_t disks = 0, cards = 0, interfaces = 0, hostdevs = 0;

	for (size_t i = vn_markup_child(w->doc, devices, NULL); i != VN_MARKUP_NONE;
		i = vn_markup_next(w->doc, i, NULL)) {
		int vnode = -1;
		if (domain_is_virtio_disk(w, i) || domain_is_virtio_scsi(w, i)) {
			vnode = disk_vnode(w, i, &disks);
		} else if (strcmp(w->doc->elements[i].name, "interface") == 0) {
			vnode = card_wish(w, interfaces++);
			bool card = is_express_card(w, i);
			if (card && vnode < 0 && w->n_busy > 1)
				vnode = (int)w->busy[cards % w->n_busy];
			cards += card;
		} else if (is_host_device(w, i)) {
			vnode = hostdev_vnode(w, hostdevs++);
		}
		if (vnode >= 0 && (size_t)vnode < w->guest->n_vnodes && is_free(w, i) &&
			e->n[vnode] < MOST_PORTS)
			e->device[vnode][e->n[vnode]++] = i;
	}
}

/* Numbers of controllers and buses that are taken already. */
static void count_taken(struct domain_writer *w, size_t devices, struct expanders *e)
{
	e->next_index = 1;
	e->next_bus = BUSES;
	for (size_t i = vn_markup_child(w->doc, devices, "controller"); i != VN_MARKUP_NONE;
		i = vn_markup_next(w->doc, i, "controller")) {
		if (!domain_has(w, i, "type", "pci"))
			continue;
		unsigned index = number_of(vn_markup_get(w->doc, i, "index"), 0);
		unsigned bus = number_of(
			vn_markup_get(w->doc, vn_markup_child(w->doc, i, "target"), "busNr"), BUSES);
		e->next_index = index >= e->next_index ? index + 1 : e->next_index;
		e->next_bus = bus < e->next_bus ? bus : e->next_bus;
	}
}

static void put_address(FILE *out, unsigned bus, size_t slot)
{
	fprintf(out, "<address type='pci' domain='0x0000' bus='0x%02x' slot='0x%02zx' function='0x0'/>", bus,
		slot);
}

static void write_expander(struct domain_writer *w, struct expanders *e, size_t vnode, FILE *out)
{
	unsigned index = e->next_index++;

	e->next_bus -= (unsigned)e->n[vnode] + 1;
	fprintf(out,
		"<controller type='pci' index='%u' model='pcie-expander-bus'>\n\t<model name='pxb-pcie'/>\n"
		"\t<target busNr='%u'>\n\t\t<node>%zu</node>\n\t</target>\n</controller>\n",
		index, e->next_bus, vnode);
	for (size_t i = 0; i < e->n[vnode]; i++) {
		unsigned port = e->next_index++;
		fprintf(out, "<controller type='pci' index='%u' model='pcie-root-port'>\n\t", port);
		put_address(out, index, i);
		fputs("\n</controller>\n", out);
		struct domain_block address;
		if (!domain_block_open(w, &address))
			return;
		put_address(address.out, port, 0);
		domain_block_put(w, &address, e->device[vnode][i], NULL, NULL);
	}
}

static bool is_q35(const struct domain_writer *w)
{
	const char *machine = vn_markup_get(w->doc, vn_markup_find(w->doc, 0, "os/type"), "machine");

	return machine && strstr(machine, "q35");
}

/* Whether a vnode is wished for by a device of a guest that was no domain: a domain's keep their addresses. */
static bool are_wished(const struct vn_guest *guest)
{
	bool any = false;

	for (size_t i = 0; i < guest->n_disks; i++)
		any |= guest->disks[i].vnode >= 0 && !guest->disks[i].foreign;
	for (size_t i = 0; i < guest->n_vifs; i++)
		any |= guest->vifs[i].vnode >= 0 && !guest->vifs[i].foreign;
	for (size_t i = 0; i < guest->n_hostdevs; i++)
		any |= guest->hostdevs[i].vnode > 0;
	return any && guest->form != VN_FORM_LIBVIRT;
}

void domain_write_expanders(struct domain_writer *w)
{
	size_t devices = vn_markup_child(w->doc, 0, "devices"), ports = 0;
	struct expanders all = {0}, *e = &all;
	struct domain_block block;

	if (!is_q35(w) && w->guest->n_vnodes > 1 && are_wished(w->guest))
		vn_notes_add(w->notes, "devices-not-spread",
			"devices are not put behind the PCI expanders of the vnodes that they are to be with: only a q35 has them here");
	if (!is_q35(w) || w->n_busy == 0 || w->guest->n_vnodes < 2)
		return;
	collect(w, devices, e);
	count_taken(w, devices, e);
	for (size_t i = 0; i < w->guest->n_vnodes; i++)
		ports += e->n[i] + (e->n[i] > 0);
	if (ports == 0)
		return;
	/* the root's own buses are below: as many as there are other controllers, and some that libvirt adds */
	if (ports + e->next_index + ports + 32 > e->next_bus || e->next_index + ports >= BUSES) {
		vn_notes_add(w->notes, "devices-not-spread",
			"devices are not put behind PCI expanders: too many PCI buses are in use");
		return;
	}
	if (!domain_block_open(w, &block))
		return;
	for (size_t i = 0; i < w->guest->n_vnodes; i++) {
		if (e->n[i] > 0)
			write_expander(w, e, i, block.out);
	}
	domain_block_put(w, &block, devices, NULL, NULL);
}
