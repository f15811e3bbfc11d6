/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* A guest from a command line of QEMU's: as text for a shell, or as /proc/PID/cmdline has it. docs/qemu.md says what is read. */

#include <stddef.h>

#include "../model/guest.h"

/*
 * `text` has `size` bytes and a 0 behind them; `file` is for messages, and names a guest without a name. What QEMU would refuse of
 * CPUs, memory and NUMA nodes is refused, all of it at once; options without a meaning here are left to who writes the command
 * line anew. *ret_guest is new, its text not yet set; untouched on failure: -EINVAL, -ENOMEM.
 */
int vn_guest_from_qemu(
	const char *text, size_t size, const char *file, struct vn_guest **ret_guest, struct vn_error *err);
