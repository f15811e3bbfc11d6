/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Where the QMP monitors of a VM listen. */

#include "../model/sample.h"

#define VN_MONITORS_MOST 16u /* of a VM; more are left out */

struct vn_monitor_place {
	char *path; /* as QEMU was told; owned */
	bool may_wait; /* QEMU makes no machine until the first client has come */
};

struct vn_monitor_places {
	size_t n;
	struct vn_monitor_place v[VN_MONITORS_MOST];
};

/* Of the record, else all of the command line (-qmp, or -chardev with -mon); none is no failure. 0 or -ENOMEM. */
int vn_monitor_places_read(const struct vn_vm_sample *vm, struct vn_monitor_places *ret_places);
void vn_monitor_places_clear(struct vn_monitor_places *places);
#define vn_autoplaces vn_cleanup(vn_monitor_places_clear) struct vn_monitor_places
