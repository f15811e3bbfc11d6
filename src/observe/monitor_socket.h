/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* A QMP socket of a VM: whether nobody uses it, and a connection to it. */

#include "survey.h"

/*
 * Whether /proc/net/unix (its text) shows a connection to `path`, or one that waits to be taken up. *ret_listener: the inode of the socket
 * that listens there; 0: none.
 */
bool vn_monitor_is_used(const char *net_unix, const char *path, uint64_t *ret_listener);

/*
 * Connects to it, if it is this very process that listens there and nobody else is connected. The descriptor; or -EBUSY, -ENOENT
 * (nobody listens), -EADDRINUSE (another process does), or what connect(2) says. Waits for nothing.
 */
int vn_monitor_connect(const struct vn_survey *survey, const struct vn_vm_sample *vm, const char *path);
