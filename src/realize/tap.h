/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The host's side of a guest's network interfaces: QEMU makes the taps, here they are put on their bridges.
 */

#include "../model/guest.h"
#include "../qmp/qmp.h"

/* Reads the text of `info network`: the interface of netdev `id`, a new string, or NULL. */
char *vn_tap_ifname(const char *text, const char *id);

/* Adds each tap whose vif names a bridge to it, and brings it up. */
int vn_taps_attach(struct vn_qmp *qmp, const struct vn_guest *guest, struct vn_error *err);
