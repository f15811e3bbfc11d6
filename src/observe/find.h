/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Which processes are VMs, and who each of them is. */

#include "survey.h"

/*
 * All QEMU processes by pid; those that survey->names do not name (by name, uuid, Proxmox id or pid) as `aside`. Of each: name, uuid, id, manager, process,
 * uid, cgroup, unit, namespaces, accel, guest, cpus, mems and, of ours, the record (a copy). What could not be read is in each one's
 * gaps; what concerns all of them (a /proc with hidepid) in `gaps`. -ENOENT: a problem of the input for each name that no VM has, unless
 * survey->names_known: then such a VM has ended, which is a gap.
 */
int vn_vms_find(const struct vn_survey *survey, struct vn_vm_sample **ret_vms, size_t *ret_n,
	struct vn_notes *gaps, struct vn_error *err);
