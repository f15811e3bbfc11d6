/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: the levels of host_levels.h become a tree of boxes whose leaves are the nodes; a node that is alone in
 * its package gets that package as a box of its own. All nodes are equally wide. Boxes flow like words in lines, and a line's
 * boxes are stretched to the highest. Which width of a node is best is tried out: the one with the least height of the whole,
 * and of those the widest.
 */
#define _GNU_SOURCE
#include "host_svg_part.h"

#include <string.h>

#define HEADER 20 /* of a group's box */
#define WIDEST_TILE 760
#define STEP 8
#define MAX_ACROSS 6 /* groups beside each other that are tried */

struct box {
	char *label; /* owned; NULL: nothing is drawn around the children */
	size_t node; /* of a leaf */
	size_t first_node; /* the lowest in it */
	size_t n_children;
	struct box *children; /* owned; NULL: a leaf */
	unsigned depth;
	size_t last_line; /* the first child of the last line */
	struct vn_svg_area area; /* relative to the parent's */
};

static void box_clear(struct box *box)
{
	for (size_t i = 0; i < box->n_children; i++)
		box_clear(&box->children[i]);
	free(box->children);
	free(box->label);
}

/* ---- the tree ---- */

static int compare_boxes(const void *left, const void *right)
{
	const struct box *a = left, *b = right;
	return a->first_node < b->first_node ? -1 : a->first_node > b->first_node;
}

/* The package of a node alone in it, or -1. */
static int own_package(const struct vn_pic *pic, size_t node)
{
	vn_autoset packages = vn_cpus_packages(pic->host, pic->host->nodes[node].cpus);
	return vn_set_weight(packages) == 1 ? hwloc_bitmap_first(packages) : -1;
}

static int add_leaf(struct vn_pic *pic, size_t node, bool in_package, unsigned depth, struct box *ret_box)
{
	int package = in_package || pic->compact ? -1 : own_package(pic, node);

	*ret_box = (struct box){.node = node, .first_node = node, .depth = depth};
	pic->nodes[node].boxed = in_package || package >= 0;
	if (package < 0)
		return 0;
	ret_box->label = vn_format("package %d", package);
	ret_box->children = calloc(1, sizeof(*ret_box->children));
	if (!ret_box->children)
		return -ENOMEM;
	ret_box->n_children = 1;
	ret_box->children[0] = (struct box){.node = node, .first_node = node, .depth = depth + 1};
	return 0;
}

static void collect_nodes(const struct vn_host *host, const struct vn_level *level, hwloc_bitmap_t ids)
{
	for (size_t i = 0; i < level->n_nodes; i++)
		hwloc_bitmap_set(ids, host->nodes[level->nodes[i]].id);
	for (size_t i = 0; i < level->n_children; i++)
		collect_nodes(host, &level->children[i], ids);
}

static bool is_distance(const struct vn_level *level)
{
	return strcmp(level->name, "distance") == 0;
}

static char *level_label(const struct vn_pic *pic, const struct vn_level *level)
{
	vn_autoset ids = hwloc_bitmap_alloc();

	if (!is_distance(level))
		return vn_format("%s %d", level->name, level->id);
	if (ids)
		collect_nodes(pic->host, level, ids);
	vn_autofree char *list = ids ? vn_set_text(ids) : NULL;
	return vn_format("nodes %s%s", list ? list : "?", pic->compact ? "" : ", near each other");
}

/* Children of a level: levels and nodes, by their lowest node. */
static int fill(struct vn_pic *pic, const struct vn_level *level, bool in_package, struct box *box)
{
	box->children = calloc(level->n_children + level->n_nodes + 1, sizeof(*box->children));
	if (!box->children)
		return -ENOMEM;
	for (size_t i = 0; i < level->n_children; i++) {
		const struct vn_level *child = &level->children[i];
		struct box *to = &box->children[box->n_children++];
		if (is_distance(child) && child->n_children == 0 && child->n_nodes == 1) {
			/* near itself: no news */
			if (add_leaf(pic, child->nodes[0], in_package, box->depth + 1, to) < 0)
				return -ENOMEM;
			continue;
		}
		to->depth = box->depth + 1;
		to->label = level_label(pic, child);
		int r = fill(pic, child, in_package || strcmp(child->name, "package") == 0, to);
		if (r < 0 || !to->label)
			return -ENOMEM;
	}
	for (size_t i = 0; i < level->n_nodes; i++) {
		struct box *to = &box->children[box->n_children++];
		int r = add_leaf(pic, level->nodes[i], in_package, box->depth + 1, to);
		if (r < 0)
			return r;
	}
	if (box->n_children)
		qsort(box->children, box->n_children, sizeof(struct box), compare_boxes);
	box->first_node = box->n_children ? box->children[0].first_node : 0;
	return 0;
}

/* ---- the layout ---- */

static unsigned depth_of(const struct box *box)
{
	unsigned deepest = 0;

	for (size_t i = 0; i < box->n_children; i++) {
		unsigned depth = depth_of(&box->children[i]) + 1;
		deepest = depth > deepest ? depth : deepest;
	}
	return deepest;
}

/* Gives boxes of a line the line's height, and what is in them its share. */
static void stretch(struct box *box, size_t from, size_t to, int height)
{
	for (size_t i = from; i < to; i++) {
		struct box *child = &box->children[i];
		int more = height - child->area.h;
		child->area.h = height;
		if (child->children && more > 0)
			stretch(child, child->last_line, child->n_children,
				child->children[child->last_line].area.h + more);
	}
}

/* Places the children within `width`, each at most `child_width` wide, and sets the box's own size. */
static void measure(const struct vn_pic *pic, struct box *box, int width, int child_width)
{
	int pad = box->label ? VN_PIC_PAD : 0, top = box->label ? HEADER + 4 : 0;
	int x = pad, y = top, line = 0, right = 0;
	size_t line_start = 0;

	if (!box->children) {
		const struct vn_pic_node *node = &pic->nodes[box->node];
		box->area.w = pic->tile_w;
		box->area.h = node->fixed + vn_pic_draw_cores(pic, node, 0, 0,
						    pic->tile_w - 2 * (pic->compact ? 7 : VN_PIC_PAD));
		return;
	}
	for (size_t i = 0; i < box->n_children; i++) {
		struct vn_svg_area *child = &box->children[i].area;
		int room = child_width - 2 * pad;
		measure(pic, &box->children[i], room, room);
		if (x > pad && x + child->w > width - pad) {
			stretch(box, line_start, i, line);
			line_start = i;
			y += line + VN_PIC_GAP;
			x = pad;
			line = 0;
		}
		child->x = x;
		child->y = y;
		x += child->w + VN_PIC_GAP;
		right = x - VN_PIC_GAP > right ? x - VN_PIC_GAP : right;
		line = child->h > line ? child->h : line;
	}
	stretch(box, line_start, box->n_children, line);
	box->last_line = line_start;
	box->area.w = right + pad;
	box->area.h = y + line + pad;
}

/* Tries widths of a node with at least `across` groups beside each other; keeps the best of all tries. */
struct choice {
	int tile_w, child_width, height;
};

static void try_widths(struct vn_pic *pic, struct box *top, int across, struct choice *best)
{
	int child_width = (VN_PIC_WIDTH - (across - 1) * VN_PIC_GAP) / across;
	int room = child_width - (int)(depth_of(top) - 1) * 2 * VN_PIC_PAD;
	int least = pic->compact ? 150 : 300;

	for (int w = room < WIDEST_TILE ? room : WIDEST_TILE; w >= least; w -= STEP) {
		pic->tile_w = w;
		measure(pic, top, VN_PIC_WIDTH, child_width);
		if (top->area.w <= VN_PIC_WIDTH && top->area.h < best->height)
			*best = (struct choice){w, child_width, top->area.h};
	}
}

static void choose_tile(struct vn_pic *pic, struct box *top)
{
	struct choice best = {300, VN_PIC_WIDTH, INT32_MAX};

	for (int across = 1; across <= MAX_ACROSS && (across == 1 || (size_t)across <= top->n_children);
		across++)
		try_widths(pic, top, across, &best);
	pic->tile_w = best.tile_w;
	measure(pic, top, VN_PIC_WIDTH, best.child_width);
}

static void draw_box(const struct vn_pic *pic, const struct box *box, int x, int y)
{
	struct vn_svg_area area = {x + box->area.x, y + box->area.y, box->area.w, box->area.h};

	if (!box->children) {
		vn_pic_draw_node(pic, &pic->nodes[box->node], area);
		return;
	}
	if (box->label) {
		vn_svg_rect(pic->out, area, box->depth % 2 ? "group" : "group2", NULL);
		vn_svg_text(pic->out, area.x + VN_PIC_PAD, area.y + 16, area.w - 2 * VN_PIC_PAD,
			vn_pic_bold(pic->compact ? 12 : 13), box->label);
	}
	for (size_t i = 0; i < box->n_children; i++)
		draw_box(pic, &box->children[i], area.x, area.y);
}

/* Heights that do not depend on the width: the node's box less its cores. */
static void measure_fixed(struct vn_pic *pic)
{
	for (size_t i = 0; i < pic->host->n_nodes; i++) {
		struct vn_pic_node *node = &pic->nodes[i];
		struct vn_svg_area area = {0, 0, WIDEST_TILE, 0};
		int inner = WIDEST_TILE - 2 * (pic->compact ? 7 : VN_PIC_PAD);
		node->fixed = vn_pic_draw_node(pic, node, area) - vn_pic_draw_cores(pic, node, 0, 0, inner);
	}
}

int vn_pic_draw_boxes(struct vn_pic *pic, int x, int y, int *ret_width)
{
	vn_autolevel *levels = vn_host_levels(pic->host);
	struct box top = {0};
	int r = levels ? fill(pic, levels, false, &top) : -ENOMEM;

	if (r < 0) {
		box_clear(&top);
		return r;
	}
	FILE *out = pic->out;
	pic->out = NULL;
	measure_fixed(pic);
	choose_tile(pic, &top);
	pic->out = out;
	if (out)
		draw_box(pic, &top, x, y);
	*ret_width = top.area.w;
	int height = top.area.h;
	box_clear(&top);
	return height;
}
