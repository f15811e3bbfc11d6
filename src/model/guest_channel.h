/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A channel: a stream of bytes between a program in the guest, which finds it by its name, and a socket of the host at which QEMU listens
 * for one client at a time. The guest agent's has a name that everybody knows.
 */

#include <stdbool.h>
#include <stddef.h>

#include "../base/error.h"

#define VN_AGENT_CHANNEL "org.qemu.guest_agent.0" /* qga/main.c of QEMU, QGA_VIRTIO_PATH_DEFAULT */

#define VN_CHANNEL_NAME_MAX 127u /* bytes; it is a file's name in the guest (/dev/virtio-ports) */
#define VN_CHANNEL_PATH_MAX 107u /* bytes: what sun_path of Linux has beside its 0 (uapi/linux/un.h) */
#define VN_MAX_CHANNELS                                                                                      \
	30u /* of a guest: a virtio-serial device has 31 ports, and the first is a console's (hw/char/virtio-serial-bus.c) */

/* What each is made of, for messages. */
#define VN_CHANNEL_NAME_EXPECTED "1 to 127 ASCII letters, digits, '.', '_', '+', ':', '@' or '-'"
#define VN_CHANNEL_PATH_EXPECTED "an absolute path of at most 107 bytes of printable ASCII"

/* The folder of root's VMs. */
#define VN_CHANNEL_FOLDER "/run/vnuma"

struct vn_channel {
	size_t place; /* as of a disk */
	char *name; /* owned */
	char *path; /* of the socket; owned; NULL: see vn_channel_path() */
	struct vn_where where; /* strings belong to the guest */
};

/* Letters, digits and a few marks: no form of a guest has to quote it. */
bool vn_channel_name_is_good(const char *name);

/* Absolute, no folder, and short enough for a socket; printable ASCII. */
bool vn_channel_path_is_good(const char *path);

/* Whether it is the guest agent's. */
bool vn_channel_is_agent(const struct vn_channel *channel);

/*
 * Where its socket is: its own path, or else in `folder` (NULL: VN_CHANNEL_FOLDER) GUEST.qga for the agent's and GUEST.INDEX.sock for any
 * other. New string; NULL when memory is short.
 */
char *vn_channel_path(const struct vn_channel *channel, size_t index, const char *guest, const char *folder);

/* The first of `n` channels that has the name, or the path unless that is NULL; NULL: none. */
const struct vn_channel *vn_channel_find(
	const struct vn_channel *channels, size_t n, const char *name, const char *path);
