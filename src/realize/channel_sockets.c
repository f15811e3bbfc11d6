/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "channel_sockets.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "../base/text.h"

/* Of the folder that a path is in. */
static int stat_folder(const char *path, struct stat *ret)
{
	vn_autofree char *folder = vn_copy(path);

	if (!folder)
		return -ENOMEM;
	char *slash = strrchr(folder, '/');
	slash[slash == folder] = '\0'; /* "/" of a path right below it */
	if (stat(folder, ret) < 0)
		return vn_errno();
	return S_ISDIR(ret->st_mode) ? 0 : -ENOTDIR;
}

/* Whether a path's folder is the state's own; or the errno of looking at it. */
static int is_in_state(const struct vn_state *state, const char *path)
{
	struct stat own, its;
	int r = stat_folder(path, &its);

	if (r == 0 && fstat(state->fd, &own) < 0)
		r = vn_errno();
	return r < 0 ? r : its.st_dev == own.st_dev && its.st_ino == own.st_ino;
}

bool vn_channel_sockets_are_one(const char *a, const char *b)
{
	struct stat of_a, of_b;

	if (strcmp(a, b) == 0)
		return true;
	return strcmp(strrchr(a, '/'), strrchr(b, '/')) == 0 && stat_folder(a, &of_a) == 0 &&
	       stat_folder(b, &of_b) == 0 && of_a.st_dev == of_b.st_dev && of_a.st_ino == of_b.st_ino;
}

/* What is at the path: 0 nothing, or a socket that nobody listens at; -EADDRINUSE one that somebody does; -EEXIST no socket. */
static int look(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : vn_errno();
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path) + 1);
	vn_autoclose int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return vn_errno();
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return -EADDRINUSE;
	if (errno == ECONNREFUSED || errno == ENOENT)
		return 0;
	/* a full queue of connections; a socket of another type, which somebody has open, too */
	return errno == EAGAIN || errno == EPROTOTYPE ? -EADDRINUSE : vn_errno();
}

/* In the state's folder records, logs and journals have names, which end otherwise. */
static bool is_name_of_socket(const char *path)
{
	const char *dot = strrchr(path, '.');

	return dot && (strcmp(dot, ".qga") == 0 || strcmp(dot, ".sock") == 0);
}

static int check_one(const struct vn_state *state, const struct vn_vm_channel *channel, struct vn_error *err)
{
	int r = is_in_state(state, channel->path);

	if (r < 0)
		return vn_error_environment(
			err, r, "channel %s: %s: its folder: %s", channel->name, channel->path, strerror(-r));
	if (r > 0 && !is_name_of_socket(channel->path))
		return vn_error_input(err, NULL,
			"channel %s: %s seen; expected a name that ends in .qga or .sock, in vnuma's own folder",
			channel->name, channel->path);
	r = look(channel->path);
	if (r == -EADDRINUSE)
		return vn_error_environment(err, r,
			"channel %s: %s: somebody listens there; expected a path that is free", channel->name,
			channel->path);
	if (r == -EEXIST)
		return vn_error_environment(err, r,
			"channel %s: %s is there and no socket, and QEMU would delete it; expected a path that is free",
			channel->name, channel->path);
	if (r < 0)
		return vn_error_environment(
			err, r, "channel %s: %s: %s", channel->name, channel->path, strerror(-r));
	return 0;
}

int vn_channel_sockets_check(const struct vn_state *state, const struct vn_vm *vm, struct vn_error *err)
{
	int result = 0;

	for (size_t i = 0; i < vm->n_channels; i++) {
		int r = check_one(state, &vm->channels[i], err);
		for (size_t k = 0; k < i && r == 0; k++) {
			if (vn_channel_sockets_are_one(vm->channels[k].path, vm->channels[i].path))
				r = vn_error_input(err, NULL,
					"channel %s: %s seen, where channel %s is, too; expected each path once",
					vm->channels[i].name, vm->channels[i].path, vm->channels[k].name);
		}
		result = r < 0 ? r : result;
	}
	return result;
}

void vn_channel_sockets_remove(const struct vn_state *state, const struct vn_vm *vm, bool anywhere)
{
	struct stat st;

	for (size_t i = 0; i < vm->n_channels; i++) {
		const char *path = vm->channels[i].path;
		if ((anywhere || is_in_state(state, path) > 0) && lstat(path, &st) == 0 &&
			S_ISSOCK(st.st_mode) && look(path) == 0)
			unlink(path);
	}
}
