/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The page: title, nodes, devices of no node, distances, legend, notes. It is drawn into memory first, since its height is known
 * last and belongs to the first line of the file.
 */
#define _GNU_SOURCE
#include "host_svg.h"

#include <string.h>

#include "host_svg_part.h"
#include "xml.h"

#define NARROWEST 1000 /* what is drawn: a title wants room */
#define COMPACT_NODES 16 /* more get small boxes */
#define NUMBERED_CPUS 256 /* of a node: more are drawn without numbers */
#define NUMBERED_HOST 1024
#define FREE_DEVICES 24
#define LEGEND 460 /* width */

/* Colours of the light page; those of the dark one are asked for by the reader's system. Used and huge are told apart by
 * lightness as well as by colour. */
static const char style[] = "<style type=\"text/css\">\n"
			    "text{font-family:system-ui,'DejaVu Sans',sans-serif}\n"
			    ".page{fill:#ffffff}.ink,.num{fill:#1b1f24}.dim{fill:#57606a}\n"
			    ".group{fill:#eef2f7;stroke:#93a1b3}.group2{fill:#dfe7f0;stroke:#7d8da1}\n"
			    ".node{fill:#ffffff;stroke:#57606a}\n"
			    ".badge{fill:#fff3d6;stroke:#9a6700}.badgetext{fill:#6b4700}\n"
			    ".l3{fill:#f6f8fa;stroke:#b4bfcc}.core,.legcore{fill:#c9d6e6;stroke:#7f93ab}\n"
			    ".cpu{fill:#f4f8fd}.iso{fill:#ffe0a3}.isobar{fill:#b35900}\n"
			    ".off{fill:#ffffff;stroke:#8a949e;stroke-dasharray:2 2}\n"
			    ".track{fill:none;stroke:#c3ccd6}.used,.all{fill:#1f5f99}.huge{fill:#d9822b}\n"
			    ".free{fill:#b3d4ee}.dev{fill:#f2f0fa;stroke:#a79fcb}\n"
			    ".cell{stroke:none}.black{fill:#000000}.white{fill:#ffffff}\n"
			    "@media (prefers-color-scheme:dark){\n"
			    ".page{fill:#0d1117}.ink,.num{fill:#e6edf3}.dim{fill:#9aa5b1}\n"
			    ".group{fill:#161c26;stroke:#4c5868}.group2{fill:#1d2633;stroke:#5b6a7d}\n"
			    ".node{fill:#0d1117;stroke:#8b97a5}\n"
			    ".badge{fill:#3a2a06;stroke:#d29922}.badgetext{fill:#f0c765}\n"
			    ".l3{fill:#151b23;stroke:#47525f}.core,.legcore{fill:#33475e;stroke:#6d84a0}\n"
			    ".cpu{fill:#141d29}.iso{fill:#5c3d00}.isobar{fill:#f0a640}\n"
			    ".off{fill:#0d1117;stroke:#6e7781}\n"
			    ".track{stroke:#3d4753}.used,.all{fill:#2f78bd}.huge{fill:#e0913f}\n"
			    ".free{fill:#9cc6e6}.dev{fill:#1c1930;stroke:#6f66a3}\n"
			    "}\n</style>\n";

struct vn_svg_font vn_pic_font(int size)
{
	return (struct vn_svg_font){"ink", size, false, VN_SVG_START};
}

struct vn_svg_font vn_pic_bold(int size)
{
	return (struct vn_svg_font){"ink", size, true, VN_SVG_START};
}

struct vn_svg_font vn_pic_dim(int size)
{
	return (struct vn_svg_font){"dim", size, false, VN_SVG_START};
}

static void pic_clear(struct vn_pic *pic)
{
	for (size_t i = 0; pic->nodes && i < pic->host->n_nodes; i++) {
		free(pic->nodes[i].cpus);
		free(pic->nodes[i].cores);
		free(pic->nodes[i].groups);
	}
	free(pic->nodes);
}

static int pic_fill(struct vn_pic *pic)
{
	const struct vn_host *host = pic->host;
	size_t widest = 0;

	pic->nodes = calloc(host->n_nodes + 1, sizeof(*pic->nodes));
	if (!pic->nodes)
		return -ENOMEM;
	for (size_t i = 0; i < host->n_nodes; i++) {
		const struct vn_host_node *node = &host->nodes[i];
		pic->nodes[i].node = node;
		int r = vn_pic_find_cores(pic, &pic->nodes[i]);
		if (r < 0)
			return r;
		widest = pic->nodes[i].n_cpus > widest ? pic->nodes[i].n_cpus : widest;
		pic->largest = node->memory_total > pic->largest ? node->memory_total : pic->largest;
		pic->any_used |= node->has_memory_free;
		for (size_t p = 0; p < node->n_hugepools; p++)
			pic->any_pools |= node->hugepools[p].total > 0;
	}
	pic->any_isolated = vn_set_weight(host->isolated_cpus) > 0;
	pic->compact = host->n_nodes > COMPACT_NODES;
	pic->numbers = !pic->compact && widest <= NUMBERED_CPUS && host->n_cpus <= NUMBERED_HOST;
	vn_pic_size_cores(pic);
	return 0;
}

static int draw_title(const struct vn_pic *pic, int x, int y, int width)
{
	const struct vn_host *host = pic->host;
	vn_autofree char *totals = vn_host_totals(host);
	vn_autofree char *source = host->live ? vn_copy("this machine, as it was when the picture was made")
					      : vn_format("source: %s%s", host->source ? host->source : "?",
							host->was_live ? ", as it was when printed" : "");
	int lines = vn_svg_wrapped(pic->out, x, y + 22, width, vn_pic_bold(21), 27, 3, totals ? totals : "?");

	vn_svg_text(pic->out, x, y + lines * 27 + 14, width, vn_pic_dim(13), source ? source : "?");
	return lines * 27 + 34;
}

static int draw_free_devices(const struct vn_pic *pic, int x, int y, int width)
{
	bool any = false;

	for (size_t i = 0; i < pic->host->n_devices; i++)
		any |= pic->host->devices[i].node < 0;
	if (!any)
		return 0;
	int columns = width / 400 < 1 ? 1 : width / 400;
	vn_svg_text(pic->out, x, y + 15, width, vn_pic_bold(15),
		"Devices of which the firmware does not say the node");
	return 24 + vn_pic_draw_devices(pic, -1, x, y + 24, width, columns, FREE_DEVICES) + 14;
}

/* CPUs that are in no node's box. */
static int draw_strays(const struct vn_pic *pic, int x, int y, int width)
{
	const struct vn_host *host = pic->host;
	vn_autoset strays = hwloc_bitmap_alloc();

	for (size_t i = 0; strays && i < host->n_cpus; i++) {
		const struct vn_host_cpu *cpu = &host->cpus[i];
		if (!cpu->online && (cpu->node < 0 || vn_host_node_index(host, (unsigned)cpu->node) < 0))
			hwloc_bitmap_set(strays, cpu->id);
	}
	vn_autofree char *list = strays && !hwloc_bitmap_iszero(strays) ? vn_set_text(strays) : NULL;
	vn_autofree char *text = list ? vn_format("offline CPUs, node not known: %s", list) : NULL;
	return text ? 18 * vn_svg_wrapped(pic->out, x, y + 13, width, vn_pic_font(13), 18, 4, text) : 0;
}

static int draw_set(
	const struct vn_pic *pic, const char *label, hwloc_const_bitmap_t set, int x, int y, int width)
{
	if (!set || hwloc_bitmap_iszero(set))
		return 0;
	vn_autofree char *list = vn_set_text(set);
	vn_autofree char *text = vn_format("%s: %s", label, list ? list : "?");
	return 18 * vn_svg_wrapped(pic->out, x, y + 13, width, vn_pic_font(13), 18, 4, text ? text : "?");
}

static int draw_notes(const struct vn_pic *pic, int x, int y, int width)
{
	const struct vn_host *host = pic->host;
	int start = y;

	y += draw_strays(pic, x, y, width);
	y += draw_set(pic, "offline nodes (possible, not online)", host->offline_nodes, x, y, width);
	y += draw_set(pic, "isolated CPUs (isolcpus)", host->isolated_cpus, x, y, width);
	y += draw_set(pic, "CPUs without a tick (nohz_full)", host->nohz_full_cpus, x, y, width);
	for (size_t i = 0; i < host->notes.n; i++) {
		vn_autofree char *text =
			vn_format("note: %s", host->notes.v[i].text ? host->notes.v[i].text : "?");
		y += 4 + 18 * vn_svg_wrapped(
				      pic->out, x, y + 13, width, vn_pic_font(13), 18, 6, text ? text : "?");
	}
	return y - start;
}

/* Everything below the title; returns the height, or a negative errno. */
static int draw_page(struct vn_pic *pic, int *ret_width)
{
	int x = VN_PIC_MARGIN, y = VN_PIC_MARGIN, boxes = 0, heat = 0, legend_x = x, legend_y;
	FILE *out = pic->out;

	pic->out = NULL; /* only to know how wide the title may be */
	int height = vn_pic_draw_boxes(pic, x, y, &boxes);
	pic->out = out;
	int width = boxes > NARROWEST ? boxes : NARROWEST;
	y += height < 0 ? 0 : draw_title(pic, x, y, width);
	height = height < 0 ? height : vn_pic_draw_boxes(pic, x, y, &boxes);
	if (height < 0)
		return height;
	y += height + 20;
	y += draw_free_devices(pic, x, y, width);
	int map = vn_pic_draw_heat(pic, x, y, VN_PIC_WIDTH, &heat);
	if (map < 0)
		return map;
	width = heat > width ? heat : width;
	bool beside = heat > 0 && heat + 60 + LEGEND <= width;
	if (beside)
		legend_x = x + (heat < 440 ? 440 : heat) + 60;
	legend_y = beside ? y : y + map + (map ? 24 : 0);
	int legend = vn_pic_draw_legend(pic, legend_x, legend_y, x + width - legend_x);
	int bottom = legend_y + legend;
	y = bottom > y + map ? bottom : y + map;
	y += 20;
	y += draw_notes(pic, x, y, width);
	*ret_width = width + 2 * VN_PIC_MARGIN;
	return y + VN_PIC_MARGIN;
}

int vn_host_print_svg(const struct vn_host *host, FILE *out)
{
	vn_cleanup(pic_clear) struct vn_pic pic = {.host = host};
	vn_autofree char *body = NULL;
	size_t length = 0;
	int width = 0, height = pic_fill(&pic);

	pic.out = height == 0 ? open_memstream(&body, &length) : NULL;
	if (!pic.out)
		return -ENOMEM;
	height = draw_page(&pic, &width);
	if (fclose(pic.out) != 0 || height < 0)
		return -ENOMEM;
	vn_autofree char *totals = vn_host_totals(host);
	fprintf(out,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<svg xmlns=\"http://www.w3.org/2000/svg\" version=\"1.1\" width=\"%d\" height=\"%d\" "
		"viewBox=\"0 0 %d %d\">\n<title>",
		width, height, width, height);
	vn_xml_escape(totals ? totals : "?", SIZE_MAX, out);
	fprintf(out, "</title>\n%s<rect x=\"0\" y=\"0\" width=\"%d\" height=\"%d\" class=\"page\"/>\n", style,
		width, height);
	fwrite(body, 1, length, out);
	fputs("</svg>\n", out);
	return 0;
}
