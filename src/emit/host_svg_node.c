/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The box of a node: what it is, its memory to scale, its cores, its devices. */
#define _GNU_SOURCE
#include "host_svg_part.h"

#include <string.h>

#define LINE 16 /* of text */
#define MAX_DEVICES 8

/* A word in an outline, its right end at x; returns its left end. */
static int draw_badge(const struct vn_pic *pic, const char *word, int x, int y)
{
	struct vn_svg_font font = {"badgetext", pic->compact ? 10 : 11, true, VN_SVG_START};
	struct vn_svg_area box = {0, y, vn_svg_width(word, font) + 10, pic->compact ? 15 : 17};

	box.x = x - box.w;
	vn_svg_rect(pic->out, box, "badge", NULL);
	vn_svg_text(pic->out, box.x + 5, box.y + box.h - 4, box.w - 6, font, word);
	return box.x - 4;
}

static int draw_header(const struct vn_pic *pic, const struct vn_pic_node *node, struct vn_svg_area area)
{
	const char *kind = vn_kind_word(node->node->memory_kind, VN_WORD_BRIEF);
	int right = area.x + area.w, size = pic->compact ? 12 : 15, height = pic->compact ? 17 : 22;
	vn_autoset packages = vn_cpus_packages(pic->host, node->node->cpus);
	vn_autofree char *ids = packages ? vn_set_text(packages) : NULL;
	vn_autofree char *name = vn_format("node %u", node->node->id);
	bool tell = !node->boxed && ids && *ids && !pic->compact;

	if (node->node->memory_total == 0)
		right = draw_badge(pic, "no memory", right, area.y);
	if (hwloc_bitmap_iszero(node->node->cpus))
		right = draw_badge(pic, "no CPUs", right, area.y);
	if (kind)
		right = draw_badge(pic, kind, right, area.y);
	int width = vn_svg_width(name ? name : "?", vn_pic_bold(size));
	vn_svg_text(
		pic->out, area.x, area.y + size - 1, right - area.x, vn_pic_bold(size), name ? name : "?");
	if (tell)
		vn_svg_textf(pic->out, area.x + width + 8, area.y + size - 1, right - area.x - width - 8,
			vn_pic_dim(12), "package%s %s", vn_set_weight(packages) == 1 ? "" : "s", ids);
	return height;
}

static uint64_t pooled(const struct vn_host_node *node)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < node->n_hugepools; i++)
		sum += node->hugepools[i].total * node->hugepools[i].size;
	return sum < node->memory_total ? sum : node->memory_total;
}

/* `part` of `whole` of `width` pixels; what there is at all has at least one. */
static int scaled(uint64_t part, uint64_t whole, int width)
{
	int pixels = whole ? (int)((long double)part / (long double)whole * width + 0.5L) : 0;
	if (part > 0 && pixels < 1)
		pixels = 1;
	return pixels > width ? width : pixels;
}

/* In use, in huge pages, free: from the left. Where free is not told, all in one tone. */
static int draw_bar(const struct vn_pic *pic, const struct vn_host_node *node, struct vn_svg_area area)
{
	int height = pic->compact ? 8 : 14, whole = scaled(node->memory_total, pic->largest, area.w);
	int unused = node->has_memory_free ? scaled(node->memory_free, node->memory_total, whole) : 0;
	int pools = scaled(pooled(node), node->memory_total, whole);
	struct vn_svg_area bar = {area.x, area.y, area.w, height};

	pools = pools > whole - unused ? whole - unused : pools; /* rounding */
	vn_svg_rect(pic->out, bar, "track", NULL);
	bar.w = whole - unused - pools;
	if (bar.w > 0)
		vn_svg_rect(pic->out, bar, node->has_memory_free ? "used" : "all", NULL);
	bar.x += bar.w;
	bar.w = pools;
	if (bar.w > 0)
		vn_svg_rect(pic->out, bar, "huge", NULL);
	bar.x += bar.w;
	bar.w = unused;
	if (bar.w > 0)
		vn_svg_rect(pic->out, bar, "free", NULL);
	return height + 4;
}

/* A line for each size of huge pages that there are. */
static int draw_pools(const struct vn_pic *pic, const struct vn_host_node *node, int x, int y, int width)
{
	int size = pic->compact ? 10 : 12, line = pic->compact ? 13 : LINE, start = y;
	char text[VN_SIZE_TEXT];

	for (size_t i = 0; i < node->n_hugepools; i++) {
		const struct vn_hugepool *pool = &node->hugepools[i];
		if (pool->total == 0)
			continue;
		vn_svg_textf(pic->out, x, y + size - 1, width, vn_pic_font(size), "%s%llu of %llu x %s free",
			pic->compact ? "" : "huge pages: ", (unsigned long long)pool->free,
			(unsigned long long)pool->total, vn_size_text(pool->size, text));
		y += line;
	}
	return y - start;
}

/* How fast the memory is, and what is in front of it, where that is told. */
static char *speed_text(const struct vn_host_node *node)
{
	const struct vn_memory_access *access = vn_told_access(node);
	vn_autofree char *latency = NULL, *bandwidth = NULL, *cache = NULL;
	char size[VN_SIZE_TEXT], figure[VN_BANDWIDTH_TEXT];

	if (access && access->read_latency)
		latency = vn_format("reads take %llu ns", (unsigned long long)access->read_latency);
	if (access && access->read_bandwidth)
		bandwidth = vn_format("%s%s", latency ? "" : "reads at ",
			vn_bandwidth_text(access->read_bandwidth, figure));
	if (node->n_memory_caches)
		cache = vn_format("cache before it: %s", vn_size_text(node->memory_caches[0].size, size));
	if (!latency && !bandwidth && !cache)
		return NULL;
	return vn_format("%s%s%s%s%s", latency ? latency : "", latency && bandwidth ? ", " : "",
		bandwidth ? bandwidth : "", (latency || bandwidth) && cache ? "; " : "", cache ? cache : "");
}

static int draw_memory(const struct vn_pic *pic, const struct vn_host_node *node, struct vn_svg_area area)
{
	char total[VN_SIZE_TEXT], unused[VN_SIZE_TEXT];
	int y = area.y, size = pic->compact ? 10 : 12, line = pic->compact ? 13 : LINE;
	vn_autofree char *speed = speed_text(node);

	if (node->memory_total == 0)
		return 0;
	y += draw_bar(pic, node, (struct vn_svg_area){area.x, y, area.w, 0});
	vn_size_text(node->memory_total, total);
	vn_size_text(node->memory_free, unused);
	vn_svg_textf(pic->out, area.x, y + size - 1, area.w, vn_pic_font(size), "%s%s%s%s%s", total,
		pic->compact ? "" : " memory", node->has_memory_free ? ", " : "",
		node->has_memory_free ? unused : "", node->has_memory_free ? " free" : "");
	y += line;
	y += draw_pools(pic, node, area.x, y, area.w);
	if (speed && !pic->compact) {
		vn_svg_text(pic->out, area.x, y + size - 1, area.w, vn_pic_dim(size), speed);
		y += line;
	}
	return y - area.y;
}

/* "16 cores, 32 CPUs: 0-15,128-143" */
static int draw_cpu_list(const struct vn_pic *pic, const struct vn_host_node *node, int x, int y, int width)
{
	unsigned cpus = vn_set_weight(node->cpus), cores = vn_host_cores(pic->host, node->cpus);
	vn_autofree char *list = vn_set_text(node->cpus);
	int size = pic->compact ? 10 : 12;

	if (cpus == 0)
		return 0;
	if (pic->compact)
		vn_svg_textf(pic->out, x, y + size - 1, width, vn_pic_font(size), "CPU%s %s",
			cpus == 1 ? "" : "s", list ? list : "?");
	else if (pic->host->cores_known)
		vn_svg_textf(pic->out, x, y + size - 1, width, vn_pic_font(size), "%u CPU%s in %u core%s: %s",
			cpus, cpus == 1 ? "" : "s", cores, cores == 1 ? "" : "s", list ? list : "?");
	else
		vn_svg_textf(pic->out, x, y + size - 1, width, vn_pic_font(size), "%u CPU%s: %s", cpus,
			cpus == 1 ? "" : "s", list ? list : "?");
	return pic->compact ? 14 : LINE + 2;
}

int vn_pic_draw_node(const struct vn_pic *pic, const struct vn_pic_node *node, struct vn_svg_area area)
{
	int pad = pic->compact ? 7 : VN_PIC_PAD;
	struct vn_svg_area inner = {area.x + pad, area.y + pad, area.w - 2 * pad, 0};

	vn_svg_rect(pic->out, area, "node", NULL);
	inner.y += draw_header(pic, node, inner);
	inner.y += draw_memory(pic, node->node, inner);
	inner.y += pic->compact ? 2 : 5;
	inner.y += draw_cpu_list(pic, node->node, inner.x, inner.y, inner.w);
	int cores = vn_pic_draw_cores(pic, node, inner.x, inner.y, inner.w);
	inner.y += cores ? cores + 8 : 4;
	if (pic->compact)
		inner.y += vn_pic_draw_devices_line(pic, (int)node->node->id, inner.x, inner.y, inner.w);
	else
		inner.y += vn_pic_draw_devices(
			pic, (int)node->node->id, inner.x, inner.y, inner.w, 1, MAX_DEVICES);
	return inner.y - area.y + (pic->compact ? 0 : 2);
}
