/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Channels: for each a socket at which QEMU listens without waiting for a client, and a port with the channel's name at one virtio-serial
 * device for all. That is on the root bus, behind all other devices, which so keep their addresses.
 */
#define _GNU_SOURCE
#include "emit_qemu_part.h"

static void add_channel(struct vn_qemu_line *line, size_t i)
{
	const struct vn_guest *guest = line->guest;
	const struct vn_channel *channel = &guest->channels[i];
	vn_autofree char *path = vn_channel_path(channel, i, guest->name, line->options->channel_folder);

	line->argv->short_of_memory |= !path;
	if (path && !channel->path && !line->options->channel_folder)
		VN_QEMU_NOTE(line, "channel-path-chosen",
			"channel %s: no path is told; chosen: %s. Its folder has to be there when QEMU starts",
			channel->name, path);
	vn_argv_add(line->argv, "-chardev");
	VN_QEMU_ADD_ESCAPED(
		line->argv, path ? path : "", "socket,id=channel%zu,server=on,wait=off,path=%s", i);
	vn_argv_add(line->argv, "-device");
	vn_argv_add(line->argv, "virtserialport,bus=vserial0.0,chardev=channel%zu,name=%s", i, channel->name);
}

void vn_qemu_add_channels(struct vn_qemu_line *line, const char *bus)
{
	if (line->guest->n_channels == 0)
		return;
	vn_argv_add(line->argv, "-device");
	vn_argv_add(line->argv, "virtio-serial-pci,id=vserial0%s", bus);
	for (size_t i = 0; i < line->guest->n_channels; i++)
		add_channel(line, i);
}
