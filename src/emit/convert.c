/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A disk whose format is not told: QEMU looks into the image (block.c, find_image_format()), while libvirt and xl take it for raw
 * unless they are told: the guest would see a qcow2 image's own tables as its disk, and write over them. A machine of another
 * architecture: domains and configs are made for x86 alone.
 */
#include "convert.h"

#include "../base/text.h"

bool vn_form_is_own(enum vn_guest_form form, enum vn_target_kind target)
{
	static const enum vn_guest_form own[] = {[VN_TARGET_QEMU] = VN_FORM_QEMU,
		[VN_TARGET_LIBVIRT] = VN_FORM_LIBVIRT,
		[VN_TARGET_XEN] = VN_FORM_CFG};

	return form == own[target];
}

static int check_disks(const struct vn_guest *guest, const struct vn_target *target, struct vn_error *err)
{
	int r = 0;

	for (size_t i = 0; i < guest->n_disks; i++) {
		const struct vn_disk *disk = &guest->disks[i];
		char seen[VN_QUOTE_MAX];
		if (disk->foreign || *disk->format)
			continue;
		r = vn_error_input(err, &(struct vn_where){guest->file, disk->line, "disk"},
			"'%s' without a format; expected format=raw or format=qcow2 with its -drive, as 'qemu-img info' tells it: QEMU looks "
			"into the image, %s does not, and a wrong format destroys what is in it",
			vn_quote(disk->path, seen), vn_target_name(target->kind));
	}
	return r;
}

int vn_check_conversion(const struct vn_guest *guest, const struct vn_target *target, struct vn_error *err)
{
	if (vn_form_is_own(guest->form, target->kind))
		return 0;
	int r = check_disks(guest, target, err);
	if (guest->machine.other)
		r = vn_error_input(err, &(struct vn_where){guest->file, 0, "--to"},
			"a machine of another architecture than x86; expected %s, as other forms are made for x86 alone",
			guest->form == VN_FORM_QEMU
				? "--to qemu, which gives the command line back with its plan"
				: "--to libvirt, which gives the domain back with its plan");
	return r;
}
