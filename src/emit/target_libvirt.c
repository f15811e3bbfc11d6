/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What libvirt's QEMU driver refuses, or does not know yet (its docs/formatdomain.rst says since when; NEWS.rst). */
#include <inttypes.h>
#include <string.h>

#include "../base/parse.h"
#include "../base/text.h"
#include "target_part.h"

static bool distances_are_default(const struct vn_guest *guest)
{
	for (size_t i = 0; i < guest->n_vnodes; i++) {
		for (size_t j = 0; j < guest->n_vnodes; j++) {
			if (guest->vnodes[i].distances[j] != (i == j ? 10 : 20))
				return false;
		}
	}
	return true;
}

static void check_cell(struct vn_target_checking *check, size_t i)
{
	const struct vn_vnode *vnode = &check->guest->vnodes[i];
	uint64_t page = vn_vnode_page(check->guest, i);

	if (hwloc_bitmap_iszero(vnode->vcpus))
		vn_target_since(check, VN_TARGET_VERSION(6, 6, 0), "a cell without vCPUs");
	if (vnode->memory % 1024 != 0 || (page > 0 && vnode->memory % page != 0))
		vn_target_refuse(check,
			"vnode %zu: %" PRIu64 " bytes of memory; expected whole KiB and whole pages", i,
			vnode->memory);
	if (vn_binding_lacks_nodes(vnode))
		vn_target_refuse(check,
			"vnode %zu: a policy without nodes; expected some, as memnode's nodeset cannot be empty",
			i);
	if (vnode->virtio_mem && check->guest->form != VN_FORM_LIBVIRT)
		vn_target_since(check, VN_TARGET_VERSION(7, 9, 0),
			"memory that grows and shrinks (<memory model='virtio-mem'>)");
	if (vnode->plugged > vnode->memory)
		vn_target_refuse(check,
			"vnode %zu: memory devices hold %" PRIu64 " bytes; expected at most its %" PRIu64, i,
			vnode->plugged, vnode->memory);
}

/* Whether XML can carry it: UTF-8 without control characters, but for the blanks among them (XML 1.0, section 2.2). */
static bool is_xml_text(const char *text)
{
	while (*text) {
		size_t n = vn_utf8_length(text);
		bool control = (unsigned char)*text < 0x20 && !strchr("\t\n\r", *text);
		if (n == 0 || control)
			return false;
		text += n;
	}
	return true;
}

static void check_text(struct vn_target_checking *check, const char *what, const char *text)
{
	char seen[VN_QUOTE_MAX];

	if (text && !is_xml_text(text))
		vn_target_refuse(check,
			"%s '%s'; expected UTF-8 without control characters, as XML has no other text", what,
			vn_quote(text, seen));
}

/* Of a domain they come from its XML, and stay there. */
static void check_texts(struct vn_target_checking *check)
{
	const struct vn_guest *guest = check->guest;

	check_text(check, "kernel", guest->kernel);
	check_text(check, "initial ramdisk", guest->ramdisk);
	check_text(check, "kernel command line", guest->extra);
	for (size_t i = 0; i < guest->n_disks; i++)
		check_text(check, "disk", guest->disks[i].path);
	for (size_t i = 0; i < guest->n_vifs; i++) {
		check_text(check, "bridge", guest->vifs[i].bridge);
		check_text(check, "interface", guest->vifs[i].ifname);
	}
}

void vn_target_check_libvirt(struct vn_target_checking *check)
{
	const struct vn_guest *guest = check->guest;

	if (guest->n_vnodes > 1)
		vn_target_since(check, VN_TARGET_VERSION(1, 2, 7),
			"memory of a cell on nodes of its own (<memnode>)");
	if (!distances_are_default(guest))
		vn_target_since(
			check, VN_TARGET_VERSION(3, 10, 0), "distances other than 10 and 20 (<distances>)");
	if (guest->hmat)
		vn_target_since(check, VN_TARGET_VERSION(6, 6, 0), "HMAT (<interconnects>, <cache>)");
	if (guest->topology.dies > 1)
		vn_target_since(check, VN_TARGET_VERSION(6, 1, 0), "dies (<topology dies=>)");
	if (guest->topology.clusters > 1)
		vn_target_since(check, VN_TARGET_VERSION(10, 1, 0), "clusters (<topology clusters=>)");
	if (guest->maxmem > guest->memory)
		vn_target_since(check, VN_TARGET_VERSION(1, 2, 14), "memory to be added (<maxMemory>)");
	for (size_t i = 0; i < guest->n_vnodes; i++)
		check_cell(check, i);
	if (guest->form != VN_FORM_LIBVIRT)
		check_texts(check);
}
