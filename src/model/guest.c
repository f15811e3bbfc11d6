/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "guest.h"

struct vn_guest *vn_guest_new(void)
{
	struct vn_guest *guest = calloc(1, sizeof(*guest));

	if (guest)
		guest->threads = 1;
	return guest;
}

static void free_vnodes(struct vn_guest *guest)
{
	for (size_t i = 0; i < guest->n_vnodes; i++) {
		hwloc_bitmap_free(guest->vnodes[i].vcpus);
		free(guest->vnodes[i].distances);
	}
	free(guest->vnodes);
}

void vn_guest_free(struct vn_guest *guest)
{
	if (!guest)
		return;
	free_vnodes(guest);
	hwloc_bitmap_free(guest->cpus);
	for (size_t i = 0; i < guest->n_disks; i++)
		free(guest->disks[i].path);
	free(guest->disks);
	for (size_t i = 0; i < guest->n_vifs; i++) {
		free(guest->vifs[i].bridge);
		free(guest->vifs[i].ifname);
	}
	free(guest->vifs);
	free(guest->hostdevs);
	free(guest->kernel);
	free(guest->ramdisk);
	free(guest->extra);
	free(guest->name);
	free(guest->file);
	vn_notes_clear(&guest->notes);
	free(guest);
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
