/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Whether the manager that a VM's command line speaks of knows of it. */

#include "../base/rootfs.h"
#include "../model/sample.h"

/*
 * Keeps vm->manager, of which the command line speaks, only if that manager's own pid file names this process: libvirt's of the system
 * or, told as such, of the process's user; Proxmox's. Otherwise nobody looks after it, `claims_manager` is set, and a gap tells. Needs
 * name, id, uid, process. 0 or -ENOMEM.
 */
int vn_manager_confirm(const struct vn_root *root, struct vn_vm_sample *vm);
