/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "guest_channel.h"

#include <string.h>

#include "../base/text.h"

bool vn_channel_name_is_good(const char *name)
{
	static const char letters[] = "._+:@-abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	size_t n = strlen(name);

	return n >= 1 && n <= VN_CHANNEL_NAME_MAX && strspn(name, letters) == n;
}

bool vn_channel_path_is_good(const char *path)
{
	size_t n = strlen(path);

	for (size_t i = 0; i < n; i++) {
		if (path[i] < ' ' || path[i] > '~')
			return false;
	}
	return n <= VN_CHANNEL_PATH_MAX && path[0] == '/' && path[n - 1] != '/';
}

bool vn_channel_is_agent(const struct vn_channel *channel)
{
	return strcmp(channel->name, VN_AGENT_CHANNEL) == 0;
}

char *vn_channel_path(const struct vn_channel *channel, size_t index, const char *guest, const char *folder)
{
	if (channel->path)
		return vn_copy(channel->path);
	if (!folder)
		folder = VN_CHANNEL_FOLDER;
	return vn_channel_is_agent(channel) ? vn_format("%s/%s.qga", folder, guest)
					    : vn_format("%s/%s.%zu.sock", folder, guest, index);
}

const struct vn_channel *vn_channel_find(
	const struct vn_channel *channels, size_t n, const char *name, const char *path)
{
	for (size_t i = 0; i < n; i++) {
		bool same_path = path && channels[i].path && strcmp(channels[i].path, path) == 0;
		if (same_path || strcmp(channels[i].name, name) == 0)
			return &channels[i];
	}
	return NULL;
}
