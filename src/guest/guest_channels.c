/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `channel`: a list of strings, in the form of CHANNEL SPEC of xl.cfg(5). Only a socket is something that QEMU can be told of alike; of a pty
 * Xen itself says which one it is. What xl refuses is refused (tools/xl/xl_parse.c, parse_config_data(); without a name
 * libxl__init_console_from_channel() of tools/libs/light), and names of settings that it does not know, which it passes over.
 */
#define _GNU_SOURCE
#include <string.h>

#include "../base/text.h"
#include "guest_spec.h"

/* The settings of one string; parts of it. NULL: not told. */
struct settings {
	const char *connection, *name, *path;
};

static void read_part(struct guest_spec *spec, struct settings *settings, char *part)
{
	const struct {
		const char *name;
		const char **to;
	} known[] = {
		{"connection", &settings->connection}, {"name", &settings->name}, {"path", &settings->path}};
	char *value = guest_spec_split(part), *key = guest_spec_trim(part), seen[VN_QUOTE_MAX];

	if (value && strcmp(key, "backend") == 0) {
		guest_spec_ignore(spec, "backend");
		return;
	}
	for (size_t i = 0; value && i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(key, known[i].name) != 0)
			continue;
		if (*known[i].to)
			guest_spec_problem(spec, vn_quote(key, seen), "each setting once");
		*known[i].to = guest_spec_trim(value);
		return;
	}
	guest_spec_problem(spec, vn_quote(key, seen), "connection=, name=, path= or backend=");
}

static void missing(struct guest_spec *spec, const char *key, const char *expected)
{
	guest_problem(
		spec->r, spec->line, spec->key, "entry %zu: no %s=; expected %s", spec->index, key, expected);
	spec->failed = true;
}

static void check_connection(struct guest_spec *spec, const char *connection)
{
	char seen[VN_QUOTE_MAX];

	if (!connection)
		missing(spec, "connection", "connection=socket");
	else if (strcmp(connection, "socket") != 0 && strcmp(connection, "pty") != 0)
		guest_spec_problem(spec, vn_quote(connection, seen), "connection=socket or connection=pty");
}

static void check_name(struct guest_spec *spec, const char *name)
{
	char seen[VN_QUOTE_MAX];

	if (!name)
		missing(spec, "name",
			"the name by which a program in the guest knows it, such as " VN_AGENT_CHANNEL);
	else if (!vn_channel_name_is_good(name))
		guest_spec_problem(spec, vn_quote(name, seen), "a name of " VN_CHANNEL_NAME_EXPECTED);
}

static void check_path(struct guest_spec *spec, const char *path)
{
	char seen[VN_QUOTE_MAX];

	if (!path)
		missing(spec, "path", "the absolute path of the socket, at which QEMU will listen");
	else if (strlen(path) > VN_CHANNEL_PATH_MAX)
		guest_problem(spec->r, spec->line, spec->key,
			"entry %zu: \"%s\", a path of %zu bytes, seen; expected at most %u, which is what a socket's can have",
			spec->index, vn_quote(path, seen), strlen(path), VN_CHANNEL_PATH_MAX);
	else if (!vn_channel_path_is_good(path))
		guest_spec_problem(spec, vn_quote(path, seen), VN_CHANNEL_PATH_EXPECTED);
	else
		return;
	spec->failed = true;
}

/* QEMU refuses a second port of a name (hw/char/virtio-serial-bus.c), and takes a path away from who is there first. */
static void check_others(struct guest_spec *spec, const struct settings *settings)
{
	const struct vn_guest *guest = spec->r->guest;
	const struct vn_channel *other =
		vn_channel_find(guest->channels, guest->n_channels, settings->name, settings->path);
	char seen[VN_QUOTE_MAX];

	if (!other)
		return;
	bool named = strcmp(other->name, settings->name) == 0;
	vn_autofree char *expected = vn_format(
		"%s, and line %u has it", named ? "each name once" : "each path once", other->where.line);
	spec->r->short_of_memory |= !expected;
	guest_spec_problem(
		spec, vn_quote(named ? settings->name : settings->path, seen), expected ? expected : "");
}

static void read_channel(struct guest_spec *spec, char *text, size_t place)
{
	struct vn_guest *guest = spec->r->guest;
	struct settings settings = {0};
	char *rest = text, *part;

	while ((part = strsep(&rest, ","))) {
		part = guest_spec_trim(part);
		if (*part)
			read_part(spec, &settings, part);
	}
	bool pty = settings.connection && strcmp(settings.connection, "pty") == 0;
	check_connection(spec, settings.connection);
	check_name(spec, settings.name);
	if (!pty)
		check_path(spec, settings.path);
	if (pty && !spec->failed)
		guest_spec_ignore(spec,
			"connection=pty: only Xen makes such a channel; with connection=socket QEMU has it, too");
	if (!pty && !spec->failed)
		check_others(spec, &settings);
	if (pty || spec->failed)
		return;
	struct vn_channel channel = {.place = place,
		.name = vn_copy(settings.name),
		.path = vn_copy(settings.path),
		.where = {guest->file, spec->line, "channel"}};
	if (channel.name && channel.path) {
		guest->channels[guest->n_channels++] = channel;
		return;
	}
	spec->r->short_of_memory = true;
	free(channel.name);
	free(channel.path);
}

void guest_read_channels(struct guest_reader *r)
{
	const struct vn_cfg_entry *entry;
	size_t n = guest_spec_count(r, "channel", VN_MAX_CHANNELS, &entry);

	if (n && !(r->guest->channels = calloc(n, sizeof(*r->guest->channels)))) {
		r->short_of_memory = true;
		return;
	}
	for (size_t i = 0; i < n; i++) {
		const struct vn_cfg_value *item = &entry->value.items[i];
		struct guest_spec spec = {r, item->line, "channel", i, false};
		vn_autofree char *copy = vn_copy(item->text);
		if (copy)
			read_channel(&spec, copy, item->begin);
		else
			r->short_of_memory = true;
	}
}
