/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "guest.h"

#include <string.h>

#include "../base/text.h"
#include "host.h"

struct vn_guest *vn_guest_new(void)
{
	struct vn_guest *guest = calloc(1, sizeof(*guest));

	if (guest)
		guest->threads = 1;
	return guest;
}

int vn_guest_make_vnodes(struct vn_guest *guest, size_t n, uint32_t remote)
{
	guest->vnodes = calloc(n, sizeof(*guest->vnodes));
	if (!guest->vnodes)
		return -ENOMEM;
	guest->n_vnodes = n;
	for (size_t i = 0; i < n; i++) {
		struct vn_vnode *vnode = &guest->vnodes[i];
		vnode->home = -1;
		vnode->vcpus = hwloc_bitmap_alloc();
		vnode->distances = calloc(n, sizeof(*vnode->distances));
		if (!vnode->vcpus || !vnode->distances)
			return -ENOMEM;
		for (size_t j = 0; j < n; j++)
			vnode->distances[j] = i == j ? VN_DISTANCE_LOCAL : remote;
	}
	return 0;
}

uint64_t vn_guest_growth(const struct vn_guest *guest)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < guest->n_vnodes; i++)
		bytes += vn_vnode_device(&guest->vnodes[i]) - guest->vnodes[i].plugged;
	return bytes;
}

void vn_guest_drop_vnodes(struct vn_guest *guest)
{
	for (size_t i = 0; i < guest->n_vnodes; i++) {
		hwloc_bitmap_free(guest->vnodes[i].vcpus);
		hwloc_bitmap_free(guest->vnodes[i].nodes);
		free(guest->vnodes[i].distances);
	}
	free(guest->vnodes);
	guest->vnodes = NULL;
	guest->n_vnodes = 0;
}

void vn_guest_forget_homes(struct vn_guest *guest)
{
	/* what was said of memory devices whose nodes are not their vnode's: they go where it goes now */
	static const char *const outdated[] = {"memory-device-apart", "qemu-dimm-apart"};

	guest->rehomed = true;
	for (size_t i = 0; i < sizeof(outdated) / sizeof(outdated[0]); i++)
		vn_notes_drop(&guest->notes, outdated[i]);
	hwloc_bitmap_free(guest->nodes);
	guest->nodes = NULL;
	for (size_t i = 0; i < guest->n_vnodes; i++) {
		struct vn_vnode *vnode = &guest->vnodes[i];
		vnode->home = -1;
		vnode->has_binding = false;
		hwloc_bitmap_free(vnode->nodes);
		vnode->nodes = NULL;
	}
}

void vn_guest_free(struct vn_guest *guest)
{
	if (!guest)
		return;
	vn_guest_drop_vnodes(guest);
	hwloc_bitmap_free(guest->cpus);
	hwloc_bitmap_free(guest->nodes);
	vn_hmat_free(guest->hmat);
	free(guest->text);
	for (size_t i = 0; i < guest->n_disks; i++)
		free(guest->disks[i].path);
	free(guest->disks);
	for (size_t i = 0; i < guest->n_vifs; i++) {
		free(guest->vifs[i].bridge);
		free(guest->vifs[i].ifname);
	}
	free(guest->vifs);
	free(guest->hostdevs);
	for (size_t i = 0; i < guest->n_channels; i++) {
		free(guest->channels[i].name);
		free(guest->channels[i].path);
	}
	free(guest->channels);
	vn_machine_clear(&guest->machine);
	free(guest->kernel);
	free(guest->ramdisk);
	free(guest->extra);
	free(guest->name);
	free(guest->file);
	vn_notes_clear(&guest->notes);
	free(guest);
}

/* ---- copying ---- */

/* A text that may be NULL; false when memory is short. */
static bool copy_text(char **ret, const char *from)
{
	*ret = vn_copy(from);
	return *ret || !from;
}

/* A set that may be NULL; false when memory is short. */
static bool copy_set(hwloc_bitmap_t *ret, hwloc_const_bitmap_t from)
{
	*ret = hwloc_bitmap_dup(from); /* NULL stays NULL */
	return *ret || !from;
}

/* A place in an input: its file's name is the guest's own, its key is nobody's to free. */
static struct vn_where place_in(
	const struct vn_guest *to, const struct vn_guest *from, const struct vn_where *where)
{
	return (struct vn_where){where->file == from->file ? to->file : where->file, where->line, where->key};
}

static bool copy_vnodes(struct vn_guest *to, const struct vn_guest *from)
{
	to->vnodes = calloc(from->n_vnodes + 1, sizeof(*to->vnodes));
	if (!to->vnodes)
		return false;
	for (size_t i = 0; i < from->n_vnodes; i++) {
		const struct vn_vnode *vnode = &from->vnodes[i];
		struct vn_vnode *copy = &to->vnodes[to->n_vnodes++];
		*copy = *vnode;
		copy->home_where = place_in(to, from, &vnode->home_where);
		bool sets = copy_set(&copy->vcpus, vnode->vcpus);
		sets &= copy_set(&copy->nodes, vnode->nodes);
		copy->distances = calloc(from->n_vnodes, sizeof(*copy->distances));
		if (!sets || !copy->distances)
			return false;
		memcpy(copy->distances, vnode->distances, from->n_vnodes * sizeof(*copy->distances));
	}
	return true;
}

static bool copy_devices(struct vn_guest *to, const struct vn_guest *from)
{
	to->disks = calloc(from->n_disks + 1, sizeof(*to->disks));
	to->vifs = calloc(from->n_vifs + 1, sizeof(*to->vifs));
	to->hostdevs = calloc(from->n_hostdevs + 1, sizeof(*to->hostdevs));
	if (!to->disks || !to->vifs || !to->hostdevs)
		return false;
	for (size_t i = 0; i < from->n_disks; i++) {
		struct vn_disk *disk = &to->disks[to->n_disks++];
		*disk = from->disks[i];
		if (!copy_text(&disk->path, from->disks[i].path))
			return false;
	}
	for (size_t i = 0; i < from->n_vifs; i++) {
		struct vn_vif *vif = &to->vifs[to->n_vifs++];
		*vif = from->vifs[i];
		bool bridge = copy_text(&vif->bridge, from->vifs[i].bridge);
		if (!copy_text(&vif->ifname, from->vifs[i].ifname) || !bridge)
			return false;
	}
	for (size_t i = 0; i < from->n_hostdevs; i++) {
		struct vn_hostdev *hostdev = &to->hostdevs[to->n_hostdevs++];
		*hostdev = from->hostdevs[i];
		hostdev->where = place_in(to, from, &from->hostdevs[i].where);
	}
	return true;
}

static bool copy_channels(struct vn_guest *to, const struct vn_guest *from)
{
	to->channels = calloc(from->n_channels + 1, sizeof(*to->channels));
	if (!to->channels)
		return false;
	for (size_t i = 0; i < from->n_channels; i++) {
		struct vn_channel *channel = &to->channels[to->n_channels++];
		*channel = from->channels[i];
		channel->where = place_in(to, from, &from->channels[i].where);
		bool name = copy_text(&channel->name, from->channels[i].name);
		if (!copy_text(&channel->path, from->channels[i].path) || !name)
			return false;
	}
	return true;
}

static bool copy_input(struct vn_guest *to, const struct vn_guest *from)
{
	to->text = NULL;
	return !from->text || vn_guest_set_text(to, from->form, from->text, from->text_size) == 0;
}

static bool copy_all(struct vn_guest *to, const struct vn_guest *from)
{
	*to = *from; /* the figures; what the pointers hold is made anew below */
	to->n_vnodes = to->n_disks = to->n_vifs = to->n_hostdevs = to->n_channels = 0;
	to->vnodes = NULL;
	to->disks = NULL;
	to->vifs = NULL;
	to->hostdevs = NULL;
	to->channels = NULL;
	to->notes = (struct vn_notes){0};
	bool texts = copy_text(&to->file, from->file);
	texts &= copy_text(&to->name, from->name);
	texts &= copy_text(&to->kernel, from->kernel);
	texts &= copy_text(&to->ramdisk, from->ramdisk);
	texts &= copy_text(&to->extra, from->extra);
	texts &= vn_machine_copy(&to->machine, &from->machine);
	texts &= copy_input(to, from);
	bool sets = copy_set(&to->cpus, from->cpus);
	sets &= copy_set(&to->nodes, from->nodes);
	to->cpus_where = place_in(to, from, &from->cpus_where);
	to->nodes_where = place_in(to, from, &from->nodes_where);
	to->hmat = from->hmat ? vn_hmat_copy(from->hmat) : NULL;
	return texts && sets && (to->hmat || !from->hmat) && copy_vnodes(to, from) &&
	       copy_devices(to, from) && copy_channels(to, from) &&
	       vn_notes_copy(&to->notes, &from->notes) == 0;
}

struct vn_guest *vn_guest_copy(const struct vn_guest *from)
{
	struct vn_guest *copy = vn_guest_new();

	if (copy && !copy_all(copy, from)) {
		vn_guest_free(copy);
		return NULL;
	}
	return copy;
}

int vn_guest_set_text(struct vn_guest *guest, enum vn_guest_form form, const char *text, size_t size)
{
	char *copy = malloc(size + 1);

	if (!copy)
		return -ENOMEM;
	memcpy(copy, text, size);
	copy[size] = 0;
	free(guest->text);
	guest->text = copy;
	guest->text_size = size;
	guest->form = form;
	return 0;
}

/* ---- asking ---- */

bool vn_guest_name_is_good(const char *name)
{
	static const char letters[] = "._+-abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	size_t n = strlen(name);

	return n >= 1 && n <= VN_NAME_MAX && strspn(name, letters) == n && !strchr("._+-", name[0]);
}

/* "another guest", or "'a' in a.cfg", for a problem of the guest beside it. */
static char *name_other(const struct vn_guest *other)
{
	return other->file ? vn_format("the guest '%s' in %s", other->name ? other->name : "?", other->file)
			   : vn_format("another guest, '%s'", other->name ? other->name : "?");
}

static int check_device_beside(
	const struct vn_guest *other, const struct vn_hostdev *device, struct vn_error *err)
{
	for (size_t k = 0; k < other->n_hostdevs; k++) {
		if (strcmp(other->hostdevs[k].address, device->address) != 0)
			continue;
		vn_autofree char *name = name_other(other);
		return vn_error_input(err, &device->where,
			"device %s is that of %s, too; expected each device at one guest", device->address,
			name ? name : "another guest");
	}
	return 0;
}

static int check_channel_beside(
	const struct vn_guest *other, const struct vn_channel *channel, struct vn_error *err)
{
	for (size_t k = 0; k < other->n_channels; k++) {
		const char *path = other->channels[k].path;
		if (!path || !channel->path || strcmp(path, channel->path) != 0)
			continue;
		vn_autofree char *name = name_other(other);
		return vn_error_input(err, &channel->where,
			"path=%s is that of a channel of %s, too; expected each path at one guest", path,
			name ? name : "another guest");
	}
	return 0;
}

int vn_guest_check_beside(
	const struct vn_guest *const *others, size_t n, const struct vn_guest *guest, struct vn_error *err)
{
	int r = 0;

	for (size_t i = 0; i < n; i++) {
		const struct vn_guest *other = others[i];
		if (guest->name && other->name && strcmp(guest->name, other->name) == 0)
			r = vn_error_input(err, &(struct vn_where){guest->file, 0, "name"},
				"'%s' is the name of %s%s, too; expected another", guest->name,
				other->file ? "the guest in " : "another guest",
				other->file ? other->file : "");
		for (size_t k = 0; k < guest->n_hostdevs; k++)
			r |= check_device_beside(other, &guest->hostdevs[k], err);
		for (size_t k = 0; k < guest->n_channels; k++)
			r |= check_channel_beside(other, &guest->channels[k], err);
	}
	return r < 0 ? -EINVAL : 0;
}

int vn_guest_vnode_of(const struct vn_guest *guest, unsigned vcpu)
{
	for (size_t i = 0; i < guest->n_vnodes; i++) {
		if (hwloc_bitmap_isset(guest->vnodes[i].vcpus, vcpu))
			return (int)i;
	}
	return -1;
}

bool vn_guest_distances_asymmetric(const struct vn_guest *guest)
{
	for (size_t i = 0; i < guest->n_vnodes; i++) {
		for (size_t j = 0; j < i; j++) {
			if (guest->vnodes[i].distances[j] != guest->vnodes[j].distances[i])
				return true;
		}
	}
	return false;
}
