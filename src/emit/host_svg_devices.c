/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Devices of a node: those that matter to a VM's I/O in a box each, the others counted. */
#define _GNU_SOURCE
#include "host_svg_part.h"
#include "xml.h"

#include <string.h>

#define ROW 21
#define BOX 18
#define TEXT 11

/* Bridges and the like, and virtual functions, are only counted. */
static bool matters(const struct vn_host_device *device)
{
	return vn_device_word(device) && !*device->physical_function;
}

static void draw_device(
	const struct vn_pic *pic, const struct vn_host_device *device, int x, int y, int width)
{
	struct vn_svg_area box = {x, y, width, BOX};
	const char *word = vn_device_word(device);
	int kind = vn_svg_width("accelerator", vn_pic_bold(TEXT)) + 6;
	vn_autofree char *names = vn_device_names(device);

	if (!pic->out)
		return;
	vn_svg_rect(pic->out, box, "dev", NULL);
	vn_svg_text(pic->out, x + 6, y + BOX - 5, kind, vn_pic_bold(TEXT), word ? word : "other");
	vn_svg_textf(pic->out, x + 6 + kind, y + BOX - 5, width - kind - 12, vn_pic_font(TEXT), "%s  %s",
		device->address, names ? names : "?");
}

struct others {
	size_t n, functions;
	char *list; /* owned: addresses and names, for the tooltip */
};

/* Those not drawn: all that do not matter, and of those that do, what is behind the first `max`. */
static struct others find_others(const struct vn_host *host, int node, size_t max)
{
	struct others others = {0};
	size_t length = 0, seen = 0;
	FILE *text = open_memstream(&others.list, &length);

	for (size_t i = 0; text && i < host->n_devices; i++) {
		const struct vn_host_device *device = &host->devices[i];
		if (device->node != node || (matters(device) && seen++ < max))
			continue;
		vn_autofree char *names = vn_device_names(device);
		const char *word = vn_device_word(device);
		fprintf(text, "%s%s%s%s%s%s", others.n ? ", " : "", device->address, word ? " " : "",
			word ? word : "", names && *names ? " " : "", names ? names : "");
		others.n++;
		others.functions += *device->physical_function != '\0';
	}
	if (text && fclose(text) != 0)
		others.n = 0;
	return others;
}

static void draw_others(
	const struct vn_pic *pic, const struct others *others, bool alone, int x, int y, int width)
{
	if (!pic->out)
		return;
	vn_autofree char *functions = others->functions == 0
					      ? vn_copy("")
					      : vn_format(", %zu of them virtual function%s",
							others->functions, others->functions == 1 ? "" : "s");
	fputs("<g><title>", pic->out);
	vn_xml_escape(others->list ? others->list : "", SIZE_MAX, pic->out);
	fputs("</title>\n", pic->out);
	vn_svg_textf(pic->out, x, y + BOX - 5, width, vn_pic_dim(TEXT), "%s%zu other%s%s",
		alone ? "devices: " : "and ", others->n, others->n == 1 ? "" : "s",
		functions ? functions : "");
	fputs("</g>\n", pic->out);
}

int vn_pic_draw_devices(const struct vn_pic *pic, int node, int x, int y, int width, int columns, size_t max)
{
	const struct vn_host *host = pic->host;
	int each = (width - (columns - 1) * VN_PIC_GAP) / columns, shown = 0;

	for (size_t i = 0; i < host->n_devices && (size_t)shown < max; i++) {
		const struct vn_host_device *device = &host->devices[i];
		if (device->node != node || !matters(device))
			continue;
		draw_device(pic, device, x + shown % columns * (each + VN_PIC_GAP), y + shown / columns * ROW,
			each);
		shown++;
	}
	int rows = (shown + columns - 1) / columns;
	struct others others = find_others(host, node, max);
	if (others.n)
		draw_others(pic, &others, shown == 0, x, y + rows * ROW, width);
	free(others.list);
	return (rows + (others.n > 0)) * ROW;
}

int vn_pic_draw_devices_line(const struct vn_pic *pic, int node, int x, int y, int width)
{
	const struct vn_host *host = pic->host;
	vn_autofree char *text = NULL;
	size_t length = 0, n = 0;
	FILE *stream = open_memstream(&text, &length);

	for (size_t i = 0; stream && i < host->n_devices; i++) {
		const struct vn_host_device *device = &host->devices[i];
		if (device->node != node)
			continue;
		vn_autofree char *names = vn_device_names(device);
		fprintf(stream, "%s%s", n++ ? ", " : "", names && *names ? names : device->address);
	}
	if (!stream || fclose(stream) != 0 || n == 0)
		return 0;
	vn_svg_textf(
		pic->out, x, y + 12, width, vn_pic_dim(10), "%zu device%s: %s", n, n == 1 ? "" : "s", text);
	return 16;
}
