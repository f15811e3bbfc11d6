/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Writing XML: indented, attributes in single quotes as libvirt has them, all text escaped. */

#include <stdint.h>
#include <stdio.h>

#include "../base/set.h"

struct vn_xml {
	FILE *out;
	unsigned depth;
};

/*
 * An element: begin, its attributes, then either `empty` (it holds nothing) or `open`, what it holds, and `close`.
 */
void vn_xml_begin(struct vn_xml *xml, const char *name);
void vn_xml_empty(struct vn_xml *xml);
void vn_xml_open(struct vn_xml *xml);
void vn_xml_close(struct vn_xml *xml, const char *name);

void vn_xml_number(struct vn_xml *xml, const char *name, uint64_t number);
void vn_xml_hex(struct vn_xml *xml, const char *name, unsigned number, int digits);
void vn_xml_text(struct vn_xml *xml, const char *name, const char *text);
/* A set as `0-3,8`. */
void vn_xml_set(struct vn_xml *xml, const char *name, hwloc_const_bitmap_t set);

/* A begun element's text, and its end: `>text</name>`. */
void vn_xml_content(struct vn_xml *xml, const char *name, const char *text);

/* The next character of UTF-8 text, which is moved on; U+FFFD for what is none or what may not stand in XML. 0 at the end. */
uint32_t vn_xml_next(const char **text);

/* Writes at most `max` characters, escaped for XML. */
void vn_xml_escape(const char *text, size_t max, FILE *out);
