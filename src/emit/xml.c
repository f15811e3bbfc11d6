/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "xml.h"

#include <string.h>

#include "../base/parse.h"

/* U+FFFE and U+FFFF are UTF-8, but no characters of XML (XML 1.0, production 2). */
static bool is_text(const char *text)
{
	return vn_text_is_printable(text) && !strstr(text, "\xef\xbf\xbe") && !strstr(text, "\xef\xbf\xbf");
}

void vn_xml_escape(const char *text, FILE *out)
{
	bool whole = is_text(text);

	for (const char *p = text; *p; p++) {
		bool ascii = *p >= 0x20 && *p < 0x7f;
		if (*p == '&')
			fputs("&amp;", out);
		else if (*p == '<')
			fputs("&lt;", out);
		else if (*p == '>')
			fputs("&gt;", out);
		else if (*p == '\'')
			fputs("&apos;", out);
		else if (*p == '"')
			fputs("&quot;", out);
		else
			fputc(whole || ascii ? *p : '?', out);
	}
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
	vn_xml_escape(text, xml->out);
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
	vn_xml_escape(text, xml->out);
	fprintf(xml->out, "</%s>\n", name);
}
