/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* A guest from whatever its user has: a config, a libvirt domain, a command line of QEMU's. */

#include <stddef.h>

#include "../model/guest.h"

#define VN_GUEST_TEXT_MAX (8u << 20) /* bytes; a domain of 1024 vCPUs with a pin each is 100 KiB */

/*
 * What a text is, by its beginning (a shell script that runs QEMU is refused as such later): '<' is XML; a program named qemu-…, kvm or qemu-kvm (behind `NAME=value` words, if any) is a
 * command line, as /proc/PID/cmdline has it (a 0 behind each word) or as for a shell; all else is a config in xl.cfg syntax.
 */
enum vn_guest_form vn_guest_form_of(const char *text, size_t size);

/*
 * Reads a guest of any form. `text` has `size` bytes and a 0 behind them; `file` is for messages. `defaults` is for configs, see
 * guest_cfg.h. The guest keeps the text. *ret_guest is new; untouched on failure: -EINVAL with all problems, -ENOMEM.
 */
int vn_guest_read(const char *text, size_t size, const char *file, bool defaults, struct vn_guest **ret_guest,
	struct vn_error *err);
