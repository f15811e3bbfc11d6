/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A config for a guest that was none: a QEMU command line or a libvirt domain. Only what xl has a word for. */
#define _GNU_SOURCE
#include <string.h>

#include "../base/parse.h"
#include "../base/text.h"
#include "emit_xl.h"
#include "emit_xl_part.h"

/* Inside double quotes. A backslash escapes in both kinds of quotes: tools/libs/util/libxlu_cfg.c (xlu__cfgl_dequote). */
static void print_escaped(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			putc('\\', out);
		putc(*text, out);
	}
}

static void print_string(FILE *out, const char *key, const char *text)
{
	if (!text)
		return;
	fprintf(out, "%s = \"", key);
	print_escaped(out, text);
	fputs("\"\n", out);
}

/* a to z, then aa, ab, as Linux names disks (drivers/block/xen-blkfront.c, encode_disk_name()). */
static const char *disk_letters(size_t index, char letters[static 8])
{
	size_t at = 7;

	letters[at] = 0;
	for (size_t n = index + 1; n > 0 && at > 0; n = (n - 1) / 26)
		letters[--at] = (char)('a' + (n - 1) % 26);
	return letters + at;
}

static void print_disks(const struct vn_guest *guest, FILE *out)
{
	size_t n = 0;

	for (size_t i = 0; i < guest->n_disks; i++) {
		if (guest->disks[i].foreign)
			continue;
		fprintf(out, "%s\"format=%s,vdev=xvd%s,access=%s,target=", n++ ? ",\n         " : "disk = [ ",
			guest->disks[i].format, disk_letters(i, (char[8]){0}),
			guest->disks[i].readonly ? "ro" : "rw");
		print_escaped(out, guest->disks[i].path);
		putc('"', out);
	}
	fputs(n ? " ]\n" : "", out);
}

static void print_vifs(const struct vn_guest *guest, FILE *out)
{
	size_t n = 0;

	for (size_t i = 0; i < guest->n_vifs; i++) {
		const struct vn_vif *vif = &guest->vifs[i];
		if (vif->foreign)
			continue;
		fprintf(out, "%s\"", n++ ? ", " : "vif = [ ");
		if (*vif->mac)
			fprintf(out, "mac=%s%s", vif->mac, vif->bridge ? "," : "");
		if (vif->bridge)
			fprintf(out, "bridge=%s", vif->bridge);
		putc('"', out);
	}
	fputs(n ? " ]\n" : "", out);
}

static void print_pci(const struct vn_guest *guest, FILE *out)
{
	for (size_t i = 0; i < guest->n_hostdevs; i++)
		fprintf(out, "%s\"%s\"%s", i ? ", " : "pci = [ ", guest->hostdevs[i].address,
			i + 1 == guest->n_hostdevs ? " ]\n" : "");
}

bool vn_channel_fits_xl(const struct vn_channel *channel)
{
	size_t n = channel->path ? strlen(channel->path) : 0;

	return n == 0 || (!strpbrk(channel->path, ",=\"") && channel->path[n - 1] != ' ');
}

/* False when memory is short. */
static bool print_channels(const struct vn_guest *guest, FILE *out)
{
	size_t n = 0;

	for (size_t i = 0; i < guest->n_channels; i++) {
		const struct vn_channel *channel = &guest->channels[i];
		vn_autofree char *path = vn_channel_path(channel, i, guest->name, NULL);
		if (!path)
			return false;
		if (!vn_channel_fits_xl(channel))
			continue;
		fprintf(out, "%s\"connection=socket,name=%s,path=", n++ ? ",\n            " : "channel = [ ",
			channel->name);
		print_escaped(out, path);
		putc('"', out);
	}
	fputs(n ? " ]\n" : "", out);
	return true;
}

static int check_text(const struct vn_guest *guest, const char *what, const char *text, struct vn_error *err)
{
	if (!text || vn_text_is_printable(text))
		return 0;
	return vn_error_input(err, &(struct vn_where){guest->file, 0, NULL},
		"the guest's %s holds control characters or is not UTF-8; expected neither, as no config takes them",
		what);
}

static int check_texts(const struct vn_guest *guest, struct vn_error *err)
{
	int checked[] = {check_text(guest, "kernel", guest->kernel, err),
		check_text(guest, "initrd", guest->ramdisk, err),
		check_text(guest, "kernel command line", guest->extra, err)};
	int r = 0;

	for (size_t i = 0; i < sizeof(checked) / sizeof(checked[0]); i++)
		r = checked[i] < 0 ? checked[i] : r;
	for (size_t i = 0; i < guest->n_disks; i++) {
		if (check_text(guest, "disk", guest->disks[i].path, err) < 0)
			r = -EINVAL;
	}
	return r;
}

int vn_xl_make_config(const struct vn_guest *guest, char **ret_text, struct vn_error *err)
{
	char *text = NULL;
	size_t size = 0;

	int r = check_texts(guest, err);
	if (r < 0)
		return r;
	FILE *out = open_memstream(&text, &size);
	if (!out)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	print_string(out, "name", guest->name);
	print_string(out, "uuid", guest->machine.uuid);
	print_string(out, "kernel", guest->kernel);
	print_string(out, "ramdisk", guest->ramdisk);
	print_string(out, "extra", guest->extra);
	print_disks(guest, out);
	print_vifs(guest, out);
	print_pci(guest, out);
	bool whole = print_channels(guest, out);
	if (fclose(out) != 0 || !whole) {
		free(text);
		return vn_error_environment(err, -ENOMEM, "out of memory");
	}
	*ret_text = text;
	return 0;
}
