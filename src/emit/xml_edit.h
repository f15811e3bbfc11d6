/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Changes of an XML text that leave every other byte as it is. */

#include "../base/markup.h"

/* `remove` bytes at `at` give way to a text. */
struct vn_splice {
	size_t at, remove, order;
	char *text; /* owned */
	char *block; /* of what fills an element that has none: what it is made of; owned, or NULL */
};

struct vn_xml_edit {
	const struct vn_markup *doc;
	size_t n, capacity;
	struct vn_splice *splices;
	const char *eol; /* how the text ends its lines */
	char *step; /* by which it indents; owned */
	bool short_of_memory;
};

void vn_xml_edit_init(struct vn_xml_edit *edit, const struct vn_markup *doc);
void vn_xml_edit_clear(struct vn_xml_edit *edit);
#define vn_autoxmledit vn_cleanup(vn_xml_edit_clear) struct vn_xml_edit

/* An attribute's new value, escaped; the attribute is added when it is not there. Unchanged when it has that value. */
void vn_xml_edit_set(struct vn_xml_edit *edit, size_t element, const char *name, const char *value);

/* What stands in an element that has a text, escaped. */
void vn_xml_edit_text(struct vn_xml_edit *edit, size_t element, const char *text);

/* Takes an attribute away, if it is there. */
void vn_xml_edit_unset(struct vn_xml_edit *edit, size_t element, const char *name);

/*
 * Puts elements behind another, or last into one. Lines of `block` are separated by '\n', the last one has none; each '\t' at a line's
 * beginning is a step more than the place is indented.
 */
void vn_xml_edit_after(struct vn_xml_edit *edit, size_t element, const char *block);
void vn_xml_edit_inside(struct vn_xml_edit *edit, size_t element, const char *block);

/* Takes an element away, and its line if nothing else is on it. */
void vn_xml_edit_remove(struct vn_xml_edit *edit, size_t element);

/* The text with all changes made. NULL when memory is, or was, short. */
char *vn_xml_edit_result(struct vn_xml_edit *edit);
