/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * <channel>: those of type unix at which libvirt listens, on a virtio-serial port with a name. Others (spicevmc, a pty, a socket of somebody
 * else's that is connected to) stay in the domain's text. Without a path libvirt makes one up when the domain starts.
 */
#define _GNU_SOURCE
#include <string.h>

#include "../base/text.h"
#include "guest_libvirt_reader.h"

/* A socket, at a port that other forms can name. `*ret_path` may be NULL. */
static bool is_ours(struct domain_reader *r, size_t element, const char **ret_name, const char **ret_path)
{
	size_t source = vn_markup_child(r->doc, element, "source"),
	       target = vn_markup_child(r->doc, element, "target");
	const char *mode = vn_markup_get(r->doc, source, "mode");

	*ret_name = vn_markup_get(r->doc, target, "name");
	*ret_path = vn_markup_get(r->doc, source, "path");
	return domain_says(r, element, "type", "unix") && domain_says(r, target, "type", "virtio") &&
	       (!mode || strcmp(mode, "bind") == 0) && *ret_name && vn_channel_name_is_good(*ret_name);
}

/* libvirt's schema has absolute paths (domaincommon.rng, qemucdevSrcDef), its start those that a socket can have
 * (qemuOpenChrChardevUNIXSocket() in src/qemu/qemu_process.c). */
static bool check_path(struct domain_reader *r, size_t element, const char *path)
{
	size_t source = vn_markup_child(r->doc, element, "source");
	char seen[VN_QUOTE_MAX];

	if (path[0] != '/')
		domain_problem(
			r, source, "path", "'%s' seen; expected an absolute path", vn_quote(path, seen));
	else if (strlen(path) > VN_CHANNEL_PATH_MAX)
		domain_problem(r, source, "path",
			"'%s', a path of %zu bytes, seen; expected at most %u, which is what a socket's can have",
			vn_quote(path, seen), strlen(path), VN_CHANNEL_PATH_MAX);
	else
		return true;
	return false;
}

/* QEMU refuses a second port of a name (hw/char/virtio-serial-bus.c); who listens at a path second takes it away. */
static bool check_others(struct domain_reader *r, size_t element, const char *name, const char *path)
{
	const struct vn_channel *other =
		vn_channel_find(r->guest->channels, r->guest->n_channels, name, path);
	char seen[VN_QUOTE_MAX];

	if (!other)
		return true;
	bool named = strcmp(other->name, name) == 0;
	domain_problem(r, vn_markup_child(r->doc, element, named ? "target" : "source"),
		named ? "name" : "path", "'%s' seen again; expected each %s once, and line %u has it",
		vn_quote(named ? name : path, seen), named ? "name" : "path", other->where.line);
	return false;
}

static void read_channel(struct domain_reader *r, size_t element)
{
	struct vn_guest *guest = r->guest;
	const char *name, *path;

	if (!is_ours(r, element, &name, &path) || (path && !check_path(r, element, path)) ||
		!check_others(r, element, name, path) || (path && !vn_channel_path_is_good(path)) ||
		guest->n_channels == VN_MAX_CHANNELS)
		return;
	struct vn_channel channel = {.place = r->doc->elements[element].begin,
		.name = vn_copy(name),
		.path = vn_copy(path),
		.where = {guest->file, r->doc->elements[element].line, "devices/channel"}};
	if (channel.name && (channel.path || !path)) {
		guest->channels[guest->n_channels++] = channel;
		return;
	}
	r->short_of_memory = true;
	free(channel.name);
	free(channel.path);
}

void domain_read_channels(struct domain_reader *r)
{
	r->guest->channels = calloc(VN_MAX_CHANNELS, sizeof(*r->guest->channels));
	if (!r->guest->channels) {
		r->short_of_memory = true;
		return;
	}
	for_each_domain(r, i, "devices", "channel") read_channel(r, i);
}
