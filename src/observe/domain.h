/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A running domain of libvirt's as a VM that can be compared with what the kernel says: what its live XML promises of memory and
 * threads, and which process, mappings and threads these are.
 */

#include "../model/vm.h"

/*
 * What the XML promises: for each cell (or all memory of a guest without cells) the mode and nodes of its memnode, or else of
 * numatune's memory; for each vCPU, iothread and the emulator its pin. What has neither is left out: nothing was promised of it.
 * *ret_uuid and *ret_vm are new. -EINVAL: this is no domain, or none that promises anything.
 */
int vn_domain_promises(
	const char *xml, const char *name, struct vn_vm **ret_vm, char **ret_uuid, struct vn_error *err);

/*
 * Finds the process that was started with `-uuid UUID`, its threads by the names that QEMU gives them, and each backend's mapping: an
 * area exactly as large, and of those one whose policy is as promised if there is one. What is not found stays unknown (address 0,
 * tid 0), which the comparison tells. -ESRCH: no such process; -EACCES: none of ours to look at.
 */
int vn_domain_find(struct vn_vm *vm, const char *uuid, struct vn_error *err);
