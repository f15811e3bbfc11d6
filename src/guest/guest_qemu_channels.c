/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Channels of a QEMU command line: a virtserialport with a name, and the character device that it is joined to, where that is a socket at
 * which QEMU listens. Any other stays in the command line alone, and so does one whose socket was opened by somebody else (fd=).
 */
#define _GNU_SOURCE
#include <string.h>

#include "../base/text.h"
#include "guest_qemu_part.h"

static bool says(const struct vn_keyval *keys, const char *key, const char *const *values)
{
	const char *value = vn_keyval_get(keys, key);

	while (value && *values && strcmp(*values, value) != 0)
		values++;
	return value && *values;
}

/* Whether keys of a -chardev are those of a socket at a path that QEMU makes. */
static bool is_socket(const struct vn_keyval *keys)
{
	static const char *const on[] = {"on", "yes", "true", "y", NULL};
	static const char *const sockets[] = {"socket", NULL};
	const char *path = vn_keyval_get(keys, "path");

	return says(keys, "backend", sockets) && says(keys, "server", on) && !says(keys, "abstract", on) &&
	       !vn_keyval_get(keys, "fd") && path && vn_channel_path_is_good(path);
}

/* The path of the socket of that character device, new; NULL: there is none, or it is something else. */
static char *path_of(struct qemu_reader *r, const char *chardev)
{
	for (const struct qemu_option *option = NULL; (option = qemu_next(r, "-chardev", option));) {
		vn_autokeyval keys = {0};
		int status = option->value ? vn_keyval_parse(option->value, "backend", NULL, &keys, NULL)
					   : -EINVAL;
		const char *id = vn_keyval_get(&keys, "id");
		r->short_of_memory |= status == -ENOMEM;
		if (status < 0 || !id || strcmp(id, chardev) != 0)
			continue;
		char *path = is_socket(&keys) ? vn_copy(vn_keyval_get(&keys, "path")) : NULL;
		r->short_of_memory |= is_socket(&keys) && !path;
		return path;
	}
	return NULL;
}

/* A second one of a name, or at a path, is left to QEMU, which says what it thinks of it. */
static void read_port(struct qemu_reader *r, const struct qemu_option *option)
{
	const char *name = vn_keyval_get(&option->keys, "name"),
		   *chardev = vn_keyval_get(&option->keys, "chardev");
	struct vn_guest *guest = r->guest;

	if (!name || !chardev || !vn_channel_name_is_good(name) || guest->n_channels == VN_MAX_CHANNELS)
		return;
	vn_autofree char *path = path_of(r, chardev);
	if (!path || vn_channel_find(guest->channels, guest->n_channels, name, path))
		return;
	vn_autofree char *copy = vn_copy(name);
	struct vn_channel *channel =
		copy ? qemu_append(r, &guest->channels, &guest->n_channels, sizeof(*channel)) : NULL;
	r->short_of_memory |= !copy;
	if (channel)
		*channel = (struct vn_channel){.place = option->word,
			.name = vn_steal(copy),
			.path = vn_steal(path),
			.where = {guest->file, option->line, "-device"}};
}

void qemu_read_channels(struct qemu_reader *r)
{
	for (const struct qemu_option *option = NULL; (option = qemu_next(r, "-device", option));) {
		const char *driver = vn_keyval_get(&option->keys, "driver");
		if (driver && strcmp(driver, "virtserialport") == 0)
			read_port(r, option);
	}
}
