/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The matrix of distances as a heat map. The ramp goes from pale sand to dark blue and loses lightness all the way, so that it
 * reads the same with any colour vision and in grey; numbers are black or white, whichever stands out more. Colours lie as much
 * by rank as by size: a host with distances 10, 11 and 80 must not show 10 and 11 alike.
 */
#define _GNU_SOURCE
#include "host_svg_part.h"

#include <math.h>
#include <string.h>

#define LABEL 44 /* column of node numbers */
#define BIGGEST_CELL 38
#define NUMBER_CELL 17 /* smaller ones hold no number */
#define MAX_SWATCHES 12

struct colour {
	int r, g, b;
};

struct scale {
	hwloc_bitmap_t values; /* distances that occur, but for those that are no distance; owned */
	int n, least, most;
	bool unknown, unreachable;
};

static int scale_make(const struct vn_host *host, struct scale *ret_scale)
{
	struct scale scale = {.values = hwloc_bitmap_alloc()};

	if (!scale.values)
		return -ENOMEM;
	for (size_t i = 0; i < host->n_nodes; i++) {
		for (size_t j = 0; j < host->n_nodes; j++) {
			uint32_t d = host->nodes[i].distances[j];
			scale.unknown |= d == VN_DISTANCE_UNKNOWN;
			scale.unreachable |= d == VN_DISTANCE_UNREACHABLE;
			if (d != VN_DISTANCE_UNKNOWN && d != VN_DISTANCE_UNREACHABLE && d <= VN_SET_MAX)
				hwloc_bitmap_set(scale.values, d);
		}
	}
	scale.n = (int)vn_set_weight(scale.values);
	scale.least = hwloc_bitmap_first(scale.values);
	scale.most = hwloc_bitmap_last(scale.values);
	*ret_scale = scale;
	return 0;
}

/* 0 (nearest) to 1000. */
static int position(const struct scale *scale, uint32_t d)
{
	int rank = 0;

	if (scale->n < 2)
		return 0;
	for (int v = scale->least; v >= 0 && v < (int)d; v = hwloc_bitmap_next(scale->values, v))
		rank++;
	int by_rank = rank * 1000 / (scale->n - 1);
	int by_size = (int)(((int64_t)d - scale->least) * 1000 / (scale->most - scale->least));
	return (by_rank + by_size) / 2;
}

static struct colour ramp(int position)
{
	static const struct colour stops[] = {
		{253, 245, 214}, {172, 213, 190}, {72, 155, 176}, {36, 92, 145}, {22, 32, 88}};
	int segment = position >= 1000 ? 3 : position / 250, within = position - segment * 250;
	const struct colour *a = &stops[segment], *b = &stops[segment + 1];

	return (struct colour){a->r + (b->r - a->r) * within / 250, a->g + (b->g - a->g) * within / 250,
		a->b + (b->b - a->b) * within / 250};
}

static struct colour colour_of(const struct scale *scale, uint32_t d)
{
	if (d == VN_DISTANCE_UNKNOWN || d > VN_SET_MAX)
		return (struct colour){228, 228, 228};
	if (d == VN_DISTANCE_UNREACHABLE)
		return (struct colour){60, 60, 60};
	return ramp(position(scale, d));
}

/* Light of a part of a colour: the transfer function of sRGB (WCAG 2.1, relative luminance). */
static double light(int part)
{
	double c = part / 255.0;
	return c <= 0.04045 ? c / 12.92 : pow((c + 0.055) / 1.055, 2.4);
}

/* Whether white stands out more than black: both have a contrast of 4.58 at a luminance of 0.179, so the better one never has
 * less (WCAG 2.1 asks small text for 4.5). */
static bool is_dark(struct colour c)
{
	return 0.2126 * light(c.r) + 0.7152 * light(c.g) + 0.0722 * light(c.b) < 0.179;
}

static void draw_cell(FILE *out, struct vn_svg_area area, struct colour c, const char *title)
{
	fprintf(out,
		"<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" class=\"cell\" fill=\"#%02x%02x%02x\"",
		area.x, area.y, area.w, area.h, (unsigned)c.r, (unsigned)c.g, (unsigned)c.b);
	fprintf(out, title ? "><title>%s</title></rect>\n" : "/>\n", title);
}

static void draw_number(FILE *out, struct vn_svg_area area, struct colour c, const char *text)
{
	int size = area.h * 2 / 5 < 8 ? 8 : area.h * 2 / 5 > 13 ? 13 : area.h * 2 / 5;
	struct vn_svg_font font = {is_dark(c) ? "white" : "black", size, false, VN_SVG_MIDDLE};

	vn_svg_text(out, area.x + area.w / 2, area.y + area.h / 2 + size * 2 / 5, area.w + 2, font, text);
}

/* A row; small cells of one colour beside each other are one rectangle (1024 nodes have a million cells). */
static void draw_row(const struct vn_pic *pic, const struct scale *scale, size_t i, int x, int y, int cell)
{
	const struct vn_host *host = pic->host;
	const uint32_t *row = host->nodes[i].distances;

	for (size_t j = 0, next; j < host->n_nodes; j = next) {
		struct colour c = colour_of(scale, row[j]);
		char title[64], text[16] = "-";
		next = j + 1;
		while (cell < NUMBER_CELL && next < host->n_nodes && row[next] == row[j])
			next++;
		struct vn_svg_area area = {x + (int)j * cell, y, (int)(next - j) * cell, cell};
		if (row[j] != VN_DISTANCE_UNKNOWN)
			snprintf(text, sizeof(text), "%u", row[j]);
		snprintf(title, sizeof(title), "node %u to node %u: %s", host->nodes[i].id, host->nodes[j].id,
			text);
		if (cell >= NUMBER_CELL) {
			area.w -= 1;
			area.h -= 1;
		}
		draw_cell(pic->out, area, c, cell < NUMBER_CELL ? NULL : title);
		if (cell >= NUMBER_CELL)
			draw_number(pic->out, area, c, text);
	}
}

/* Node numbers above and beside; of small cells only so many as have room. */
static void draw_axes(const struct vn_pic *pic, int x, int y, int cell)
{
	const struct vn_host *host = pic->host;
	int size = cell >= 24 ? 12 : 10, column = 0, row = 0;
	struct vn_svg_font above = {"dim", size, false, VN_SVG_MIDDLE}, beside = above;

	beside.anchor = VN_SVG_END;
	for (size_t i = 0; i < host->n_nodes; i++) {
		char id[16];
		snprintf(id, sizeof(id), "%u", host->nodes[i].id);
		int at = (int)i * cell, width = vn_svg_width(id, above), middle = at + cell / 2;
		if (middle - width / 2 >= column || i == 0) {
			vn_svg_text(pic->out, x + middle, y - 6, width, above, id);
			column = middle + width / 2 + 3;
		}
		if (at >= row) {
			vn_svg_text(pic->out, x - 6, y + at + cell / 2 + size * 2 / 5, LABEL, beside, id);
			row = at + size;
		}
	}
}

static int draw_swatch(
	const struct vn_pic *pic, const struct scale *scale, uint32_t d, const char *text, int x, int y)
{
	struct vn_svg_area area = {x, y, 22, 16};
	int width = vn_svg_width(text, vn_pic_font(12));

	draw_cell(pic->out, area, colour_of(scale, d), NULL);
	vn_svg_text(pic->out, x + 27, y + 13, width, vn_pic_font(12), text);
	return 27 + width + 12;
}

/* Each distance with its colour; of many, a choice from least to most. */
static void draw_scale(const struct vn_pic *pic, const struct scale *scale, int x, int y)
{
	int every = (scale->n + MAX_SWATCHES - 1) / MAX_SWATCHES, rank = 0;

	for (int v = scale->least; v >= 0; v = hwloc_bitmap_next(scale->values, v), rank++) {
		char text[16];
		if (rank % every != 0 && v != scale->most)
			continue;
		snprintf(text, sizeof(text), "%d", v);
		x += draw_swatch(pic, scale, (uint32_t)v, text, x, y);
	}
	if (scale->unreachable)
		x += draw_swatch(pic, scale, VN_DISTANCE_UNREACHABLE, "255: out of reach", x, y);
	if (scale->unknown)
		draw_swatch(pic, scale, VN_DISTANCE_UNKNOWN, "-: not told", x, y);
}

int vn_pic_draw_heat(const struct vn_pic *pic, int x, int y, int width, int *ret_width)
{
	struct scale scale;
	int n = (int)pic->host->n_nodes, cell = (width - LABEL) / n, top = 62;

	*ret_width = 0;
	if (n < 2)
		return 0;
	if (scale_make(pic->host, &scale) < 0)
		return -ENOMEM;
	if (scale.n > 0) {
		cell = cell > BIGGEST_CELL ? BIGGEST_CELL : cell < 1 ? 1 : cell;
		vn_svg_text(pic->out, x, y + 15, width, vn_pic_bold(15), "Distances");
		vn_svg_text(pic->out, x, y + 33, width, vn_pic_dim(12),
			"row: node of the CPU; column: node of the memory; 10 is local");
		draw_axes(pic, x + LABEL, y + top, cell);
		for (size_t i = 0; i < pic->host->n_nodes; i++)
			draw_row(pic, &scale, i, x + LABEL, y + top + (int)i * cell, cell);
		draw_scale(pic, &scale, x + LABEL, y + top + n * cell + 10);
		*ret_width = LABEL + n * cell;
	}
	hwloc_bitmap_free(scale.values);
	return *ret_width ? top + n * cell + 30 : 0;
}
