/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "svg.h"

#include <stdarg.h>
#include <string.h>

#include "../base/cleanup.h"
#include "../base/text.h"
#include "xml.h"

#define ELLIPSIS 0x2026u

/*
 * Hundredths of the font's size, a class of characters each: at least what DejaVu Sans takes, and with the twelve percent
 * of pixels() what its bold face does.
 */
static int advance(uint32_t c)
{
	static const struct {
		const char *characters;
		int width;
	} classes[] = {{"iljfrtI.,:;|!()[]'/\\ -", 45}, {"#+<=>^~w", 84}, {"mMW@%&", 100}};

	if (c >= 128)
		return c < 0x180 || c == ELLIPSIS
			       ? 110
			       : 145; /* Latin; other scripts, of which a rare sign is wider */
	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		if (strchr(classes[i].characters, (int)c))
			return classes[i].width;
	}
	return c >= 'A' && c <= 'Z' ? 79 : 64;
}

static int pixels(int hundredths, struct vn_svg_font font)
{
	return (hundredths * font.size * (font.bold ? 112 : 100) + 9999) / 10000;
}

int vn_svg_width(const char *text, struct vn_svg_font font)
{
	int sum = 0;

	for (uint32_t c = 1; (c = vn_xml_next(&text)) != 0 && sum < 1000000;)
		sum += advance(c);
	return pixels(sum, font);
}

/* How many characters fit with an ellipsis behind them. */
static size_t fitting(const char *text, int width, struct vn_svg_font font)
{
	size_t n = 0;
	int sum = advance(ELLIPSIS);

	for (uint32_t c = 1; (c = vn_xml_next(&text)) != 0; n++) {
		sum += advance(c);
		if (pixels(sum, font) > width)
			break;
	}
	return n;
}

static void open_text(FILE *out, int x, int y, struct vn_svg_font font)
{
	static const char *const anchors[] = {[VN_SVG_START] = "",
		[VN_SVG_MIDDLE] = " text-anchor=\"middle\"",
		[VN_SVG_END] = " text-anchor=\"end\""};

	fprintf(out, "<text x=\"%d\" y=\"%d\" class=\"%s\" font-size=\"%d\"%s%s>", x, y, font.class,
		font.size, font.bold ? " font-weight=\"bold\"" : "", anchors[font.anchor]);
}

void vn_svg_text(FILE *out, int x, int y, int width, struct vn_svg_font font, const char *text)
{
	if (!out || !*text)
		return;
	bool whole = vn_svg_width(text, font) <= width;
	size_t n = whole ? SIZE_MAX : fitting(text, width, font);

	open_text(out, x, y, font);
	if (!whole) {
		fputs("<title>", out);
		vn_xml_escape(text, SIZE_MAX, out);
		fputs("</title>", out);
	}
	vn_xml_escape(text, n, out);
	fputs(whole ? "</text>\n" : "&#8230;</text>\n", out);
}

void vn_svg_textf(FILE *out, int x, int y, int width, struct vn_svg_font font, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vn_autofree char *text = vn_format_list(format, args);
	va_end(args);
	vn_svg_text(out, x, y, width, font, text ? text : "?");
}

/* Bytes of the text's beginning that fit a line: up to a blank or a comma where there is one, else what fits. */
static size_t line_length(const char *text, int width, struct vn_svg_font font)
{
	const char *p = text, *before = text;
	size_t at_break = 0;
	int sum = 0;

	for (uint32_t c = 1; (c = vn_xml_next(&p)) != 0; before = p) {
		sum += advance(c);
		if (c == ' ')
			at_break = (size_t)(before - text);
		if (pixels(sum, font) > width) {
			size_t hard = before == text ? (size_t)(p - text) : (size_t)(before - text);
			return at_break ? at_break : hard;
		}
		if (c == ',')
			at_break = (size_t)(p - text);
	}
	return (size_t)(p - text);
}

int vn_svg_wrapped(FILE *out, int x, int y, int width, struct vn_svg_font font, int leading, int max_lines,
	const char *text)
{
	int lines = 0;

	while (*text && lines < max_lines) {
		size_t length = line_length(text, width, font);
		bool last = lines + 1 == max_lines;
		char *line = strndup(text, last ? strlen(text) : length);
		vn_svg_text(out, x, y + lines * leading, width, font, line ? line : "?");
		free(line);
		lines++;
		text += length;
		text += strspn(text, " ");
	}
	return lines;
}

void vn_svg_rect(FILE *out, struct vn_svg_area area, const char *class, const char *title)
{
	if (!out)
		return;
	int round = area.h / 5 > 4 ? 4 : area.h / 5;
	fprintf(out, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"", area.x, area.y, area.w, area.h);
	if (round > 0)
		fprintf(out, " rx=\"%d\"", round);
	fprintf(out, " class=\"%s\"", class);
	if (!title) {
		fputs("/>\n", out);
		return;
	}
	fputs("><title>", out);
	vn_xml_escape(title, SIZE_MAX, out);
	fputs("</title></rect>\n", out);
}
