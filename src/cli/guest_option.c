/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The guest that an operand of a verb names. */

#include "../base/rootfs.h"
#include "../guest/guest_read.h"
#include "cli.h"

int vn_args_guest_at(
	const struct vn_args *args, int operand, struct vn_guest **ret_guest, struct vn_error *err)
{
	const char *file = args->operands[operand];
	vn_autofree char *text = NULL;
	size_t size = 0;

	int r = vn_file_read_bytes(file, VN_GUEST_TEXT_MAX, &text, &size, err);
	if (r < 0)
		return r;
	return vn_guest_read(text, size, file, vn_arg_given(args, "defaults"), ret_guest, err);
}

int vn_args_guest(const struct vn_args *args, struct vn_guest **ret_guest, struct vn_error *err)
{
	return vn_args_guest_at(args, 0, ret_guest, err);
}
