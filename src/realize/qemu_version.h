/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Asks a QEMU which version it is: what is written for it depends on that. */

#include "../base/error.h"

#define VN_QEMU_ANSWER_MAX 4096u /* bytes that it may take for the answer */
#define VN_QEMU_ANSWER_MS 5000

/*
 * Reads what `QEMU -version` prints: VN_TARGET_VERSION() of the line "QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7)". What a
 * distribution puts behind the number is skipped. -EINVAL: no such line, or another kind of number. *ret_version is untouched then.
 */
int vn_qemu_version_parse(const char *text, unsigned *ret_version);

/*
 * Runs `path -version` and reads the answer. At most VN_QEMU_ANSWER_MS and VN_QEMU_ANSWER_MAX; nothing of it is left running. -ECANCELED
 * when `abort_fd` (or -1) became readable; otherwise the problem says what it answered.
 */
int vn_qemu_version(const char *path, int abort_fd, unsigned *ret_version, struct vn_error *err);
