/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `disk`, `vif` and `pci`: lists of strings, in the forms of xl-disk-configuration(5), xl-network-configuration(5) and
 * xl-pci-configuration(5). */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>

#include "../base/parse.h"
#include "../base/text.h"
#include "guest_spec.h"

#define MAX_DEVICES 64

static void set_format(struct guest_spec *spec, struct vn_disk *disk, const char *value)
{
	if (strcmp(value, "raw") == 0 || strcmp(value, "qcow2") == 0)
		snprintf(disk->format, sizeof(disk->format), "%s", value);
	else
		guest_spec_problem(spec, value, "the format raw or qcow2");
}

static void set_access(struct guest_spec *spec, struct vn_disk *disk, const char *value)
{
	if (strcmp(value, "r") == 0 || strcmp(value, "ro") == 0)
		disk->readonly = true;
	else if (strcmp(value, "w") != 0 && strcmp(value, "rw") != 0)
		guest_spec_problem(spec, value, "the access r, ro, w or rw");
}

static void set_path(struct guest_spec *spec, struct vn_disk *disk, const char *value)
{
	if (disk->path)
		guest_spec_problem(spec, value, "one target");
	else if (value[0] != '/')
		guest_spec_problem(spec, value, "the target as an absolute path");
	else
		disk->path = vn_copy(value);
}

/* What is neither where the image is nor how it is accessed: xl's tools/libs/util/libxlu_disk_l.l. False: it is none of that. */
static bool read_disk_option(
	struct guest_spec *spec, struct vn_disk *disk, bool *cdrom, char *part, const char *value)
{
	static const char *const flags[] = {
		"direct-io-safe", "discard", "no-discard", "trusted", "untrusted", NULL};
	static const char *const settings[] = {"backend", "script", "specification", "grant_usage", NULL};

	if (value ? strcmp(part, "devtype") == 0 && strcmp(value, "cdrom") == 0 : strcmp(part, "cdrom") == 0)
		disk->readonly = *cdrom = true;
	else if (guest_spec_is_one_of(part, value ? settings : flags))
		guest_spec_ignore(spec, part);
	else
		return value && (strcmp(part, "vdev") == 0 || strcmp(part, "backendtype") == 0 ||
					(strcmp(part, "devtype") == 0 && strcmp(value, "disk") == 0));
	return true;
}

/* "hdc:cdrom", as xl had it before devtype=. */
static bool ends_in_cdrom(const char *part)
{
	const char *colon = strrchr(part, ':');

	return colon && strcmp(colon, ":cdrom") == 0;
}

/* By its position: target, format, vdev, access. Without a target the format may be left out. */
static void read_disk_position(
	struct guest_spec *spec, struct vn_disk *disk, bool *cdrom, char *part, unsigned *position)
{
	unsigned at = (*position)++;

	if (at == 1 && !disk->path && ends_in_cdrom(part))
		at = (*position)++;
	if (at == 0 && *part)
		set_path(spec, disk, part);
	else if (at == 1 && *part)
		set_format(spec, disk, part);
	else if (at == 2 && ends_in_cdrom(part))
		disk->readonly = *cdrom = true;
	else if (at == 3 && *part)
		set_access(spec, disk, part);
	else if (at > 3)
		guest_spec_problem(spec, part, "target, format, vdev, access");
}

static void read_disk_part(
	struct guest_spec *spec, struct vn_disk *disk, bool *cdrom, char *part, unsigned *position)
{
	char *value = guest_spec_split(part);

	if (read_disk_option(spec, disk, cdrom, part, value))
		return;
	if (!value)
		read_disk_position(spec, disk, cdrom, part, position);
	else if (strcmp(part, "format") == 0)
		set_format(spec, disk, value);
	else if (strcmp(part, "access") == 0)
		set_access(spec, disk, value);
	else
		guest_spec_problem(spec, part, "target=, format=, access=, vdev=, backendtype= or devtype=");
}

/* `target=` takes the rest of the string, commas too (xl-disk-configuration(5)). */
static void read_disk(struct guest_spec *spec, char *text, struct vn_disk *disk)
{
	unsigned position = 0;
	char *rest = text, *part;
	bool cdrom = false;

	disk->vnode = -1;
	snprintf(disk->format, sizeof(disk->format), "raw");
	if (strncmp(text, "phy:", 4) == 0 || strncmp(text, "file:", 5) == 0) {
		/* the old form, without a format: target, vdev, access */
		rest = strchr(text, ':') + 1;
		set_path(spec, disk, guest_spec_trim(strsep(&rest, ",")));
		position = 2;
	}
	while (rest) {
		char *trimmed = rest + strspn(rest, " \t");
		if (strncmp(trimmed, "target=", 7) == 0) {
			set_path(spec, disk, guest_spec_trim(trimmed + 7));
			break;
		}
		part = guest_spec_trim(strsep(&rest, ","));
		read_disk_part(spec, disk, &cdrom, part, &position);
	}
	if (!disk->path && cdrom)
		guest_spec_ignore(spec, "a drive with no disc in it");
	else if (!disk->path && !spec->failed)
		guest_spec_problem(spec, text, "a target, the absolute path of an image or block device");
}

static bool mac_is_good(const char *mac)
{
	if (strlen(mac) != 17)
		return false;
	for (size_t i = 0; i < 17; i++) {
		if (i % 3 == 2 ? mac[i] != ':' : !strchr("0123456789abcdefABCDEF", mac[i]))
			return false;
	}
	return !strchr("13579bBdDfF", mac[1]); /* the group bit: a multicast address is no interface's own */
}

/* Linux: 1 to 15 bytes, no '/', no blanks (net/core/dev.c, dev_valid_name); commas would end QEMU's option.
 */
static bool ifname_is_good(const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	size_t n = strlen(name);

	return n >= 1 && n <= 15 && strspn(name, letters) == n && name[0] != '.' && name[0] != '-';
}

static void set_ifname(struct guest_spec *spec, char **field, const char *value)
{
	if (*field || !ifname_is_good(value))
		guest_spec_problem(
			spec, value, "one interface name of 1 to 15 letters, digits, '.', '_' or '-'");
	else
		*field = vn_copy(value);
}

static void read_vif_part(struct guest_spec *spec, struct vn_vif *vif, const char **type, char *part)
{
	static const char *const of_xl[] = {"model", "script", "ip", "rate", "backend", "gatewaydev",
		"netdev", "devid", "mtu", "vlan", "accel", NULL};
	uint64_t number;
	const char *value = guest_spec_split(part);

	if (!value && (strcmp(part, "trusted") == 0 || strcmp(part, "untrusted") == 0)) {
		guest_spec_ignore(spec, part);
	} else if (!value) {
		guest_spec_problem(spec, part, "name=value");
	} else if (strcmp(part, "mac") == 0) {
		if (mac_is_good(value))
			snprintf(vif->mac, sizeof(vif->mac), "%s", value);
		else
			guest_spec_problem(spec, value, "a unicast MAC address such as 52:54:00:12:34:56");
	} else if (strcmp(part, "bridge") == 0) {
		set_ifname(spec, &vif->bridge, value);
	} else if (strcmp(part, "vifname") == 0) {
		set_ifname(spec, &vif->ifname, value);
	} else if (strcmp(part, "type") == 0) {
		*type = value;
	} else if (strcmp(part, "queues") == 0) {
		if (vn_parse_u64(value, 256, &number) == 0 && number >= 1)
			vif->queues = (unsigned)number;
		else
			guest_spec_problem(spec, value, "1 to 256 queue pairs (Linux: MAX_TAP_QUEUES)");
	} else if (strcmp(part, "vhost") == 0) {
		if (vn_parse_u64(value, 1, &number) == 0)
			vif->vhost = number == 1;
		else
			guest_spec_problem(spec, value, "vhost=0 or vhost=1");
	} else if (guest_spec_is_one_of(part, of_xl)) {
		guest_spec_ignore(spec, part);
	} else {
		guest_spec_problem(spec, part, "mac=, bridge=, vifname=, type=, queues= or vhost=");
	}
}

static void read_vif(struct guest_spec *spec, char *text, struct vn_vif *vif)
{
	const char *type = NULL;
	char *rest = text, *part;

	vif->queues = 1;
	vif->vhost = true;
	vif->vnode = -1;
	while ((part = strsep(&rest, ","))) {
		part = guest_spec_trim(part);
		if (*part)
			read_vif_part(spec, vif, &type, part);
	}
	vif->type = vif->bridge || vif->ifname ? VN_VIF_TAP : VN_VIF_USER;
	if (type && strcmp(type, "tap") == 0)
		vif->type = VN_VIF_TAP;
	else if (type && strcmp(type, "user") == 0)
		vif->type = VN_VIF_USER;
	else if (type && strcmp(type, "vif") != 0 && strcmp(type, "ioemu") != 0)
		guest_spec_problem(spec, type, "the type tap or user");
	if (vif->type == VN_VIF_USER && (vif->bridge || vif->ifname || vif->queues > 1))
		guest_spec_problem(spec, "type=user",
			"no bridge, vifname or queues with it: user networking has one queue and no "
			"interface");
	if (vif->type == VN_VIF_USER)
		vif->vhost = false;
	if (vif->queues > spec->r->guest->maxvcpus && spec->r->vcpus_known)
		guest_spec_problem(spec, "queues", "at most one queue pair per vCPU");
}

void guest_read_disks(struct guest_reader *r)
{
	const struct vn_cfg_entry *entry;
	size_t n = guest_spec_count(r, "disk", MAX_DEVICES, &entry);

	if (n && !(r->guest->disks = calloc(n, sizeof(*r->guest->disks)))) {
		r->short_of_memory = true;
		return;
	}
	for (size_t i = 0; i < n; i++) {
		struct guest_spec spec = {r, entry->value.items[i].line, "disk", i, false};
		vn_autofree char *copy = vn_copy(entry->value.items[i].text);
		struct vn_disk *disk = &r->guest->disks[r->guest->n_disks];
		if (copy)
			read_disk(&spec, copy, disk);
		else
			r->short_of_memory = true;
		r->guest->n_disks += disk->path != NULL;
	}
}

void guest_read_vifs(struct guest_reader *r)
{
	const struct vn_cfg_entry *entry;
	size_t n = guest_spec_count(r, "vif", MAX_DEVICES, &entry);

	if (n && !(r->guest->vifs = calloc(n, sizeof(*r->guest->vifs)))) {
		r->short_of_memory = true;
		return;
	}
	for (size_t i = 0; i < n; i++) {
		struct guest_spec spec = {r, entry->value.items[i].line, "vif", i, false};
		vn_autofree char *copy = vn_copy(entry->value.items[i].text);
		r->guest->n_vifs = i + 1;
		if (copy)
			read_vif(&spec, copy, &r->guest->vifs[i]);
		else
			r->short_of_memory = true;
	}
}

/* `0000:3b:00.0`, or `3b:00.0` in domain 0; capital letters as in xl. */
static void set_address(struct guest_spec *spec, struct vn_hostdev *hostdev, const char *text)
{
	bool short_form = strlen(text) == strlen("3b:00.0");
	vn_autofree char *address = vn_format("%s%s", short_form ? "0000:" : "", text);

	if (!address) {
		spec->r->short_of_memory = true;
		return;
	}
	for (char *p = address; *p; p++)
		*p = *p >= 'A' && *p <= 'F' ? (char)(*p | 0x20) : *p;
	if (vn_pci_is_address(address, strlen(address)))
		memcpy(hostdev->address, address, strlen(address) + 1);
	else
		guest_spec_problem(spec, text, "a PCI function such as 0000:3b:00.0 or 3b:00.0");
}

/* A vnode that is not there: refused, or with --defaults the default. */
static void set_vnode(struct guest_spec *spec, struct vn_hostdev *hostdev, const char *value)
{
	struct guest_reader *r = spec->r;
	uint64_t number = 0;
	bool is_number = vn_parse_u64(value, VN_MAX_VNODES - 1, &number) == 0;
	char expected[64];

	if (is_number && (!r->vnodes_known || number < r->guest->n_vnodes)) {
		hostdev->vnode = (unsigned)number;
		return;
	}
	if (r->vnodes_known)
		snprintf(expected, sizeof(expected), "a vnode, 0 to %zu", r->guest->n_vnodes - 1);
	else
		snprintf(expected, sizeof(expected), "a vnode's number");
	if (r->defaults)
		vn_notes_add(&r->guest->notes, "option-replaced",
			"line %u: pci: entry %zu: vnode=%.60s seen; expected %s; vnode 0 is used", spec->line,
			spec->index, value, expected);
	else
		guest_spec_problem(spec, value, expected);
}

static void read_pci_part(struct guest_spec *spec, struct vn_hostdev *hostdev, char *part)
{
	static const char *const of_xl[] = {
		"permissive", "msitranslate", "seize", "power_mgmt", "rdm_policy", NULL};
	const char *value = guest_spec_split(part);

	if (strcmp(part, "vnode") == 0) {
		set_vnode(spec, hostdev, value ? value : "");
		return;
	}
	if (guest_spec_is_one_of(part, of_xl)) {
		guest_spec_ignore(spec, part);
		return;
	}
	guest_spec_problem(spec, part,
		"vnode=, or what xl knows: permissive, msitranslate, seize, power_mgmt, rdm_policy=");
}

static void read_pci(struct guest_spec *spec, char *text, struct vn_hostdev *hostdev)
{
	char *rest = text, *part = guest_spec_trim(strsep(&rest, ",")), *slot = strchr(part, '@');

	hostdev->where = (struct vn_where){spec->r->guest->file, spec->line, "pci"};
	if (slot && slot[1] && strlen(slot) <= 3 &&
		strspn(slot + 1, "0123456789abcdefABCDEF") + 1 == strlen(slot)) {
		*slot = 0;
		guest_spec_ignore(spec, "@, the guest's slot");
	}
	set_address(spec, hostdev, part);
	while ((part = strsep(&rest, ",")))
		read_pci_part(spec, hostdev, guest_spec_trim(part));
	for (size_t i = 0; i < spec->index && *hostdev->address; i++) {
		if (strcmp(spec->r->guest->hostdevs[i].address, hostdev->address) == 0)
			guest_spec_problem(spec, hostdev->address, "each function once");
	}
}

void guest_read_pci(struct guest_reader *r)
{
	const struct vn_cfg_entry *entry;
	size_t n = guest_spec_count(r, "pci", MAX_DEVICES, &entry);

	if (n && !(r->guest->hostdevs = calloc(n, sizeof(*r->guest->hostdevs)))) {
		r->short_of_memory = true;
		return;
	}
	for (size_t i = 0; i < n; i++) {
		struct guest_spec spec = {r, entry->value.items[i].line, "pci", i, false};
		vn_autofree char *copy = vn_copy(entry->value.items[i].text);
		r->guest->n_hostdevs = i + 1;
		if (copy)
			read_pci(&spec, copy, &r->guest->hostdevs[i]);
		else
			r->short_of_memory = true;
	}
}
