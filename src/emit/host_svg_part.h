/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What the parts of the picture share. Internal to emit/.
 *
 * The picture is made from top to bottom: each part is given where it may begin, draws itself, and returns how high it was. A
 * part drawn with `out` NULL is only measured, by the same code, so what is measured is what is drawn.
 */

#include "../base/text.h"
#include "../model/host.h"
#include "../model/host_levels.h"
#include "../model/host_words.h"
#include "svg.h"

#define VN_PIC_MARGIN 24
#define VN_PIC_WIDTH 1552 /* of what is drawn, at most */
#define VN_PIC_GAP 10 /* between boxes */
#define VN_PIC_PAD 10 /* inside a box */

/* Cores that share an L3 cache (where it is known), one after the other among the node's CPUs. */
struct vn_pic_group {
	size_t first, n; /* cores */
};

struct vn_pic_core {
	size_t first, n; /* CPUs */
};

struct vn_pic_node {
	const struct vn_host_node *node;
	size_t n_cpus, n_cores, n_groups;
	const struct vn_host_cpu *
		*cpus; /* online ones by package, die, L3, core; then offline ones; array owned */
	struct vn_pic_core *cores; /* owned */
	struct vn_pic_group *groups; /* owned */
	bool boxed; /* its package is a box around it */
	int fixed; /* height without cores */
};

struct vn_pic {
	const struct vn_host *host;
	FILE *out; /* NULL: measure */
	struct vn_pic_node *nodes; /* as host->nodes */
	bool compact; /* many nodes: small tiles, cores without numbers */
	bool numbers; /* of CPUs, in their boxes */
	bool any_groups, any_offline, any_isolated, any_pools, any_used; /* what the legend has to tell */
	int cpu_w, cpu_h, core_w, core_h; /* of boxes */
	int core_pad; /* between a core's outline and its CPUs */
	int cpus_across; /* in a core's box */
	uint64_t largest; /* memory of a node, bytes */
	int tile_w; /* of every node */
};

/* Texts of the picture, by size. */
struct vn_svg_font vn_pic_font(int size);
struct vn_svg_font vn_pic_bold(int size);
struct vn_svg_font vn_pic_dim(int size);

/* Sorts a node's CPUs into cores and groups; -ENOMEM. */
int vn_pic_find_cores(struct vn_pic *pic, struct vn_pic_node *node);
/* Sizes of the boxes of CPUs and cores. */
void vn_pic_size_cores(struct vn_pic *pic);
int vn_pic_draw_cores(const struct vn_pic *pic, const struct vn_pic_node *node, int x, int y, int width);

/* The box of a node, `height` high; returns the height it needs. */
int vn_pic_draw_node(const struct vn_pic *pic, const struct vn_pic_node *node, struct vn_svg_area area);

/* All nodes in boxes of their packages. Returns the height and sets *ret_width; -ENOMEM. */
int vn_pic_draw_boxes(struct vn_pic *pic, int x, int y, int *ret_width);

/* Devices of a node (-1: of none that is known), `columns` beside each other. */
int vn_pic_draw_devices(const struct vn_pic *pic, int node, int x, int y, int width, int columns, size_t max);
/* The same in one line. */
int vn_pic_draw_devices_line(const struct vn_pic *pic, int node, int x, int y, int width);

/* The matrix of distances, with its own legend below. */
int vn_pic_draw_heat(const struct vn_pic *pic, int x, int y, int width, int *ret_width);

/* What colours and outlines mean. */
int vn_pic_draw_legend(const struct vn_pic *pic, int x, int y, int width);
