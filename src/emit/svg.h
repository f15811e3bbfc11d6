/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Marks of an SVG picture: rectangles and texts that stay in their boxes. Whole pixels only. Any text may be given: what XML
 * does not allow is replaced, the rest escaped. With `out` NULL nothing is drawn; what is returned is the same.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct vn_svg_area {
	int x, y, w, h;
};

enum vn_svg_anchor {
	VN_SVG_START,
	VN_SVG_MIDDLE,
	VN_SVG_END,
};

struct vn_svg_font {
	const char *class; /* of the style sheet: the colour */
	int size; /* pixels */
	bool bold;
	enum vn_svg_anchor anchor;
};

/* Pixels that no usual sans-serif font exceeds: the figures are those of DejaVu Sans, a wide one, rounded up. */
int vn_svg_width(const char *text, struct vn_svg_font font);

/* A text with its base line at y. Where it would be wider than `width` it ends in an ellipsis, and the whole is its tooltip. */
void vn_svg_text(FILE *out, int x, int y, int width, struct vn_svg_font font, const char *text);
void vn_svg_textf(FILE *out, int x, int y, int width, struct vn_svg_font font, const char *format, ...)
	__attribute__((format(printf, 6, 7)));

/* A text on several lines, `leading` apart, broken at blanks and behind commas; the last of `max_lines` gets an ellipsis.
 * Returns how many lines it takes. */
int vn_svg_wrapped(FILE *out, int x, int y, int width, struct vn_svg_font font, int leading, int max_lines,
	const char *text);

/* A rectangle; `title` (or NULL) is its tooltip. */
void vn_svg_rect(FILE *out, struct vn_svg_area area, const char *class, const char *title);
