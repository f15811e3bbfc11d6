/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Commands that mend, for a shell. Nothing of a VM's own text stands in one but what cannot be taken for anything else: a name of
 * letters, digits and ._+- that is no option and no number, a uuid, a pid.
 */

#include "case.h"

#define VN_FIX_NAME 160u

/* What `vnuma` knows the VM by: its name where it is plain and no other VM's, else its uuid, else its pid. Returns `buffer`. */
const char *vn_fix_name(const struct vn_case *the, char buffer[static VN_FIX_NAME]);

/* What virsh knows it by; NULL: it is not libvirt's, or has neither name nor uuid that is safe to give. */
const char *vn_fix_domain(const struct vn_case *the, char buffer[static VN_FIX_NAME]);

/*
 * Keeps threads of one kind on `cpus`. *ret_fix NULL: there is no safe way, or nothing to keep them on. 0 or -ENOMEM.
 */
int vn_fix_pin(const struct vn_case *the, const struct vn_thread_sample *const *threads, size_t n,
	hwloc_const_bitmap_t cpus, char **ret_fix);

/* CPUs of nodes (by index) that threads are to use: without isolated ones, where others are left. NULL when memory is short. */
hwloc_bitmap_t vn_fix_cpus(const struct vn_case *the, hwloc_const_bitmap_t nodes);

/* The same, and only those that the VM's cpuset allows: the kernel refuses to keep a thread on others alone. */
hwloc_bitmap_t vn_fix_own_cpus(const struct vn_case *the, hwloc_const_bitmap_t nodes);

/* Lets the VM's cpuset, which is known, have these CPUs, too. As vn_fix_pin(). */
int vn_fix_allow(const struct vn_case *the, hwloc_const_bitmap_t cpus, char **ret_fix);

/* Lets the VM's cpuset have a node more. As vn_fix_pin(). */
int vn_fix_cpuset(const struct vn_case *the, hwloc_const_bitmap_t nodes, char **ret_fix);

/* Keeps QEMU's main loop and what else is the emulator's to libvirt, vhost workers too, on `cpus`. NULL: it is not libvirt's. */
int vn_fix_emulator(const struct vn_case *the, hwloc_const_bitmap_t cpus, char **ret_fix);
