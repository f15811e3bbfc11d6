/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What colours and outlines of the picture mean: only those that occur in it. */
#include "host_svg_part.h"

#define ROW 24

static int draw_entry(const struct vn_pic *pic, const char *outer, const char *class, const char *text, int x,
	int y, int width)
{
	struct vn_svg_area area = {x, y, 30, 16};

	if (outer)
		vn_svg_rect(pic->out, area, outer, NULL);
	if (outer && class)
		area = (struct vn_svg_area){x + 3, y + 3, 24, 10};
	if (class)
		vn_svg_rect(pic->out, area, class, NULL);
	vn_svg_text(pic->out, x + 40, y + 13, width - 40, vn_pic_font(13), text);
	return ROW;
}

static int draw_cpu_entries(const struct vn_pic *pic, int x, int y, int width)
{
	int start = y;

	if (pic->host->cores_known) {
		struct vn_svg_area first = {x + 3, y + 3, 11, 10}, second = {x + 16, y + 3, 11, 10};
		y += draw_entry(pic, "legcore", NULL, "a core and its CPUs (hardware threads)", x, y, width);
		vn_svg_rect(pic->out, first, "cpu", NULL);
		vn_svg_rect(pic->out, second, "cpu", NULL);
	} else {
		y += draw_entry(
			pic, "legcore", "cpu", "a CPU (which share a core is not known)", x, y, width);
	}
	if (pic->any_groups)
		y += draw_entry(pic, "l3", NULL, "cores that share an L3 cache", x, y, width);
	if (pic->any_isolated) {
		struct vn_svg_area bar = {x + 3, y + 11, 24, 2};
		y += draw_entry(pic, "legcore", "iso", "isolated from the scheduler (isolcpus)", x, y, width);
		vn_svg_rect(pic->out, bar, "isobar", NULL);
	}
	if (pic->any_offline)
		y += draw_entry(pic, "legcore", "off", "offline CPU", x, y, width);
	return y - start;
}

int vn_pic_draw_legend(const struct vn_pic *pic, int x, int y, int width)
{
	char size[VN_SIZE_TEXT];
	int start = y;

	vn_svg_text(pic->out, x, y + 15, width, vn_pic_bold(15), "Legend");
	y += 26;
	y += draw_cpu_entries(pic, x, y, width);
	if (pic->any_used)
		y += draw_entry(pic, NULL, "used", "memory in use", x, y, width);
	else
		y += draw_entry(pic, NULL, "all", "memory (how much is free is not known)", x, y, width);
	if (pic->any_pools)
		y += draw_entry(pic, NULL, "huge", "memory set aside as huge pages", x, y, width);
	if (pic->any_used)
		y += draw_entry(pic, NULL, "free", "free memory", x, y, width);
	vn_svg_textf(pic->out, x, y + 13, width, vn_pic_dim(12),
		"Memory is drawn to scale: a full bar is %s, the most that a node has.",
		vn_size_text(pic->largest, size));
	return y + ROW - start;
}
