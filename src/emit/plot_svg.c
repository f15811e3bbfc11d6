/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: each panel has its own range of values, widened to round figures (1, 2 or 5 times a power of ten apart) so
 * that every mark of the axis is one; time has one range for all, in the largest unit that gives a few marks. Coordinates are
 * whole pixels; of values that fall on one column of pixels all are drawn, so that no peak is lost.
 */
#include "plot_svg.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "../base/cleanup.h"
#include "../base/text.h"
#include "svg.h"
#include "xml.h"

#define WIDTH 1100
#define MARGIN 28
#define LEFT 96 /* of the panels: room for figures */
#define PANEL 190 /* height */
#define BETWEEN 62
#define MARKS 5 /* of an axis, about */

static const char style[] =
	"<style type=\"text/css\">\n"
	"text{font-family:system-ui,'DejaVu Sans',sans-serif}\n"
	".page{fill:#ffffff}.ink{fill:#1b1f24}.dim{fill:#57606a}\n"
	".panel{fill:#fbfcfd;stroke:#93a1b3}.grid{stroke:#e1e6ec;stroke-width:1}\n"
	".line{fill:none;stroke-width:2;stroke-linejoin:round}\n"
	".l0{stroke:#0072b2;stroke-width:3}.l1{stroke:#d55e00;stroke-dasharray:9 3}\n"
	".l2{stroke:#009e73;stroke-dasharray:3 3}.l3{stroke:#a0569f;stroke-dasharray:11 3 3 3}\n"
	".l4{stroke:#8a6d00}.l5{stroke:#57606a}\n"
	"@media (prefers-color-scheme:dark){\n"
	".page{fill:#0d1117}.ink{fill:#e6edf3}.dim{fill:#9aa5b1}\n"
	".panel{fill:#11161e;stroke:#4c5868}.grid{stroke:#242c37}\n"
	".l0{stroke:#56b4e9}.l1{stroke:#f08a4b}.l2{stroke:#3fc79a}.l3{stroke:#d98cc8}\n"
	"}\n</style>\n";

/* A range of one axis. */
struct axis {
	uint64_t from, to, step;
};

static const struct vn_svg_font bold = {"ink", 15, true, VN_SVG_START},
				dim = {"dim", 13, false, VN_SVG_START}, mark = {"dim", 12, false, VN_SVG_END},
				mark_below = {"dim", 12, false, VN_SVG_MIDDLE};

/* The next of 1, 2, 5, 10, 20, … that makes at most MARKS steps of the range. */
static uint64_t round_step(uint64_t range)
{
	for (uint64_t power = 1; power <= UINT64_MAX / 100; power *= 10) {
		for (uint64_t k = 1; k <= 5; k += k == 1 ? 1 : 3) {
			if (range / (power * k) <= MARKS)
				return power * k;
		}
	}
	return UINT64_MAX / 10;
}

static struct axis axis_of(uint64_t from, uint64_t to)
{
	struct axis axis = {.step = round_step(to - from)};

	axis.from = from - from % axis.step;
	axis.to = to % axis.step ? to - to % axis.step + axis.step : to;
	if (axis.to == axis.from)
		axis.to += axis.step;
	return axis;
}

static struct axis value_axis(const struct vn_plot_panel *panel, size_t n_lines)
{
	uint64_t least = UINT64_MAX, most = 0;

	for (size_t k = 0; k < n_lines; k++) {
		const struct vn_plot_line *line = &panel->lines[k];
		for (size_t i = 0; i < line->n; i++) {
			least = line->values[i] < least ? line->values[i] : least;
			most = line->values[i] > most ? line->values[i] : most;
		}
	}
	return least > most ? axis_of(0, 1) : axis_of(least, most);
}

/* The span of all lines, and the unit that its marks are in. */
static struct axis time_axis(const struct vn_plot *plot, const char **ret_unit, uint64_t *ret_seconds)
{
	static const struct {
		const char *name;
		uint64_t seconds;
	} units[] = {{"days", 86400}, {"hours", 3600}, {"minutes", 60}, {"seconds", 1}};
	uint64_t first = UINT64_MAX, last = 0;
	size_t u = 0;

	for (size_t k = 0; plot->n_panels && k < plot->n_lines; k++) {
		const struct vn_plot_line *line = &plot->panels[0].lines[k];
		if (line->n == 0)
			continue;
		first = line->times[0] < first ? line->times[0] : first;
		last = line->times[line->n - 1] > last ? line->times[line->n - 1] : last;
	}
	if (first > last)
		first = last = 0;
	while (u < 3 && (last - first) / units[u].seconds < 3)
		u++;
	*ret_unit = units[u].name;
	*ret_seconds = units[u].seconds;
	/* time itself is not widened: a line reaches from edge to edge */
	return (struct axis){first, last > first ? last : first + 1,
		round_step((last - first) / units[u].seconds) * units[u].seconds};
}

static int scale(const struct axis *axis, uint64_t value, int pixels)
{
	return (int)((unsigned __int128)(value - axis->from) * (unsigned)pixels / (axis->to - axis->from));
}

/* Thousandths without more digits than the axis needs. */
static char *figure(uint64_t thousandths, uint64_t step)
{
	unsigned digits = step % 1000 == 0 ? 0 : step % 100 == 0 ? 1 : step % 10 == 0 ? 2 : 3;
	static const unsigned dropped[] = {1000, 100, 10, 1};

	if (digits == 0)
		return vn_format("%" PRIu64, thousandths / 1000);
	return vn_format("%" PRIu64 ".%0*u", thousandths / 1000, (int)digits,
		(unsigned)(thousandths % 1000) / dropped[digits]);
}

static void draw_grid(FILE *out, const struct axis *values, const struct axis *time, uint64_t second,
	struct vn_svg_area area)
{
	for (uint64_t v = values->from; v <= values->to; v += values->step) {
		int y = area.y + area.h - scale(values, v, area.h);
		vn_autofree char *text = figure(v, values->step);
		fprintf(out, "<line x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\" class=\"grid\"/>\n", area.x, y,
			area.x + area.w, y);
		vn_svg_text(out, area.x - 8, y + 4, LEFT - 12, mark, text ? text : "?");
	}
	uint64_t first = (time->from + time->step - 1) / time->step * time->step;
	for (uint64_t t = first; t <= time->to; t += time->step) {
		int x = area.x + scale(time, t, area.w);
		fprintf(out, "<line x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\" class=\"grid\"/>\n", x, area.y, x,
			area.y + area.h);
		vn_svg_textf(out, x, area.y + area.h + 16, 80, mark_below, "%" PRIu64, t / second);
	}
}

static void draw_line(FILE *out, const struct vn_plot_line *line, size_t k, const struct axis *values,
	const struct axis *time, struct vn_svg_area area)
{
	if (line->n == 0)
		return;
	fprintf(out, "<polyline class=\"line l%zu\" points=\"", k);
	for (size_t i = 0; i < line->n; i++)
		fprintf(out, "%s%d,%d", i ? " " : "", area.x + scale(time, line->times[i], area.w),
			area.y + area.h - scale(values, line->values[i], area.h));
	fputs("\"/>\n", out);
}

static void draw_panel(FILE *out, const struct vn_plot *plot, size_t p, int y)
{
	const struct vn_plot_panel *panel = &plot->panels[p];
	size_t n = plot->n_lines < VN_PLOT_LINES ? plot->n_lines : VN_PLOT_LINES;
	struct vn_svg_area area = {MARGIN + LEFT, y + 24, WIDTH - 2 * MARGIN - LEFT, PANEL};
	struct axis values = value_axis(panel, n);
	const char *unit = NULL;
	uint64_t second = 1;
	struct axis time = time_axis(plot, &unit, &second);

	int title = vn_svg_width(panel->title, bold);
	vn_svg_text(out, area.x, y + 12, area.w, bold, panel->title);
	vn_svg_text(out, area.x + title + 12, y + 12, area.w - title - 12, dim, panel->unit);
	fprintf(out, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" class=\"panel\"/>\n", area.x, area.y,
		area.w, area.h);
	draw_grid(out, &values, &time, second, area);
	/* the first line is the widest, and lies below: where another is the same, both are seen */
	for (size_t k = 0; k < n; k++)
		draw_line(out, &panel->lines[k], k, &values, &time, area);
	if (p + 1 == plot->n_panels)
		vn_svg_textf(out, area.x + area.w / 2, area.y + area.h + 36, area.w,
			(struct vn_svg_font){"dim", 13, false, VN_SVG_MIDDLE}, "time (%s)", unit);
}

static void draw_legend(FILE *out, const struct vn_plot *plot, int y)
{
	int x = MARGIN + LEFT;

	for (size_t k = 0; k < plot->n_lines && k < VN_PLOT_LINES; k++) {
		struct vn_svg_font font = {"ink", 14, false, VN_SVG_START};
		fprintf(out, "<line x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\" class=\"line l%zu\"/>\n", x,
			y - 5, x + 44, y - 5, k);
		vn_svg_text(out, x + 52, y, 200, font, plot->names[k]);
		x += 52 + vn_svg_width(plot->names[k], font) + 28;
	}
}

int vn_plot_print_svg(const struct vn_plot *plot, FILE *out)
{
	struct vn_svg_font title = {"ink", 20, true, VN_SVG_START};
	int top = MARGIN + 118, height = top + (int)plot->n_panels * (PANEL + BETWEEN) + MARGIN;
	vn_autofree char *body = NULL;
	size_t length = 0;
	FILE *page = open_memstream(&body, &length);

	if (!page)
		return -ENOMEM;
	vn_svg_text(page, MARGIN + LEFT, MARGIN + 20, WIDTH - 2 * MARGIN - LEFT, title, plot->title);
	vn_svg_wrapped(
		page, MARGIN + LEFT, MARGIN + 44, WIDTH - 2 * MARGIN - LEFT, dim, 18, 2, plot->subtitle);
	draw_legend(page, plot, MARGIN + 92);
	for (size_t p = 0; p < plot->n_panels; p++)
		draw_panel(page, plot, p, top + (int)p * (PANEL + BETWEEN));
	if (fclose(page) != 0)
		return -ENOMEM;
	fprintf(out,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" "
		"version=\"1.1\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\">\n<title>",
		WIDTH, height, WIDTH, height);
	vn_xml_escape(plot->title, SIZE_MAX, out);
	fprintf(out, "</title>\n%s<rect x=\"0\" y=\"0\" width=\"%d\" height=\"%d\" class=\"page\"/>\n", style,
		WIDTH, height);
	fwrite(body, 1, length, out);
	fputs("</svg>\n", out);
	return 0;
}
