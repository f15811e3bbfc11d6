/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What is at the paths of a VM's channels, before QEMU listens there and after it has ended.
 *
 * Theory of operation. QEMU deletes what it finds at the path of a socket that it is to listen at, be it a file or the socket of another
 * program that lives, and its own when it ends by itself, but not when it is killed (unix_listen_saddr(), socket_listen_cleanup() in
 * util/qemu-sockets.c). So vnuma looks first: nothing may be there, or a socket that nobody listens at any more, which the kernel tells who
 * connects. That nobody comes in between is only sure of vnuma's own VMs, whose records are compared under the state's lock.
 *
 * Who may connect to an agent's channel may do in the guest what its root may. Connecting takes permission to write to the socket's file
 * (unix(7)); spawn.c sees to it that nobody has that but QEMU's user.
 */

#include "state.h"

/* Whether two absolute paths are one place, however they are written: /var/run is /run as a rule. */
bool vn_channel_sockets_are_one(const char *a, const char *b);

/*
 * Refuses paths that are one place, or where something is that QEMU would take away, whose folder is not there, or that are for files of ours in the state's
 * folder. All of them. -EINVAL, -EEXIST, -EADDRINUSE, or another errno of looking at the path.
 */
int vn_channel_sockets_check(const struct vn_state *state, const struct vn_vm *vm, struct vn_error *err);

/* Removes sockets at its channels' paths that nobody listens at; in the state's folder only, unless `anywhere`. */
void vn_channel_sockets_remove(const struct vn_state *state, const struct vn_vm *vm, bool anywhere);
