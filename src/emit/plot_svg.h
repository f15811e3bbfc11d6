/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* A plot as an SVG picture: panels above each other with one axis of time, and the same lines in each. */

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define VN_PLOT_LINES 6u /* told apart by colour and dashes; more are left out */

/* One line of one panel: n values, in thousandths of the panel's unit. */
struct vn_plot_line {
	size_t n;
	const uint64_t *times; /* seconds, ascending */
	const uint64_t *values; /* at most 2^53 */
};

struct vn_plot_panel {
	const char *title; /* "Mean access distance" */
	const char *unit; /* of the axis: "10 is local" */
	const struct vn_plot_line *lines; /* as many as the plot has */
};

struct vn_plot {
	const char *title, *subtitle;
	size_t n_lines;
	const char *const *names; /* of the lines, for the legend */
	size_t n_panels;
	const struct vn_plot_panel *panels;
};

/* 0, or -ENOMEM. */
int vn_plot_print_svg(const struct vn_plot *plot, FILE *out);
