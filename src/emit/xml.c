/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "xml.h"

#include "../base/parse.h"

#define REPLACEMENT 0xfffdu

/* XML 1.0, production Char; and no C1 controls, nor marks that reverse the direction of the text after them. */
static bool allowed(uint32_t c)
{
	bool control = c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029;
	bool none = (c & 0xfffe) == 0xfffe;
	bool turns =
		(c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0x200e || c == 0x200f;
	return !control && !none && !turns;
}

uint32_t vn_xml_next(const char **text)
{
	static const unsigned char bits[] = {0, 0x7f, 0x1f, 0x0f, 0x07}; /* of the first byte, by length */
	const char *p = *text;
	size_t length = vn_utf8_length(p);
	uint32_t c = length ? (unsigned char)*p & bits[length] : REPLACEMENT;

	if (!*p)
		return 0;
	for (size_t i = 1; i < length; i++)
		c = c << 6 | ((unsigned char)p[i] & 0x3f);
	*text += length ? length : 1;
	if (c == '\t' || c == '\n')
		return ' ';
	return allowed(c) ? c : REPLACEMENT;
}

static void put_character(uint32_t c, FILE *out)
{
	static const char *const entities[128] = {
		['&'] = "&amp;", ['<'] = "&lt;", ['>'] = "&gt;", ['"'] = "&quot;", ['\''] = "&apos;"};
	static const unsigned char leads[] = {0, 0xc0, 0xe0, 0xf0};
	int more = c < 0x80 ? 0 : c < 0x800 ? 1 : c < 0x10000 ? 2 : 3; /* bytes after the first */

	if (c < 128 && entities[c]) {
		fputs(entities[c], out);
		return;
	}
	fputc((int)(leads[more] | c >> 6 * more), out);
	while (more-- > 0)
		fputc((int)(0x80 | (c >> 6 * more & 0x3f)), out);
}

void vn_xml_escape(const char *text, size_t max, FILE *out)
{
	for (uint32_t c = 1; max > 0 && (c = vn_xml_next(&text)) != 0; max--)
		put_character(c, out);
}

static void indent(const struct vn_xml *xml)
{
	fprintf(xml->out, "%*s", (int)(2 * xml->depth), "");
}

void vn_xml_begin(struct vn_xml *xml, const char *name)
{
	indent(xml);
	fprintf(xml->out, "<%s", name);
}

void vn_xml_empty(struct vn_xml *xml)
{
	fputs("/>\n", xml->out);
}

void vn_xml_open(struct vn_xml *xml)
{
	fputs(">\n", xml->out);
	xml->depth++;
}

void vn_xml_close(struct vn_xml *xml, const char *name)
{
	xml->depth--;
	indent(xml);
	fprintf(xml->out, "</%s>\n", name);
}

void vn_xml_number(struct vn_xml *xml, const char *name, uint64_t number)
{
	fprintf(xml->out, " %s='%llu'", name, (unsigned long long)number);
}

void vn_xml_hex(struct vn_xml *xml, const char *name, unsigned number, int digits)
{
	fprintf(xml->out, " %s='0x%0*x'", name, digits, number);
}

void vn_xml_text(struct vn_xml *xml, const char *name, const char *text)
{
	fprintf(xml->out, " %s='", name);
	vn_xml_escape(text, SIZE_MAX, xml->out);
	fputc('\'', xml->out);
}

void vn_xml_set(struct vn_xml *xml, const char *name, hwloc_const_bitmap_t set)
{
	vn_autofree char *text = vn_set_text(set);
	if (text) /* memory is short: rather no list than a wrong one */
		vn_xml_text(xml, name, text);
}

void vn_xml_content(struct vn_xml *xml, const char *name, const char *text)
{
	fputc('>', xml->out);
	vn_xml_escape(text, SIZE_MAX, xml->out);
	fprintf(xml->out, "</%s>\n", name);
}
