/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * An XML text as a flat list of its elements, each with the places where it stands: so that it can be given back changed in a few
 * places and the same, byte by byte, in all others.
 */

#include <stdbool.h>
#include <stddef.h>

#include "error.h"

struct vn_markup_attribute {
	char *name, *value; /* owned; the value as it is meant, references resolved */
	size_t begin; /* of the white space before the name */
	size_t value_begin, value_end; /* between the quotes */
	size_t end; /* behind the closing quote */
};

struct vn_markup_element {
	char *name; /* owned; with its prefix, if any */
	char *text; /* owned; what stands between its tags, without comments, references resolved; NULL: nothing, or elements */
	size_t parent; /* index; of the root: VN_MARKUP_NONE */
	size_t depth; /* 0: the root */
	size_t behind; /* index of the first element behind it that is not within it */
	unsigned line; /* of its '<' */
	size_t begin; /* of '<' */
	size_t open_end; /* behind the opening tag's '>' */
	size_t close_begin; /* of "</"; of an empty tag: open_end */
	size_t end; /* behind it all */
	bool empty; /* <name/> */
	size_t n_attributes;
	struct vn_markup_attribute *attributes; /* owned */
};

#define VN_MARKUP_NONE ((size_t)-1)

struct vn_markup {
	char *text; /* owned: a copy, which the places refer to */
	size_t n;
	struct vn_markup_element *elements; /* in document order; the first one is the root */
};

/*
 * Reads `text`; `file` is for messages. Refuses with all problems at their lines: what is no well-formed XML in UTF-8, a DOCTYPE or any
 * other declaration, entities but the five of XML and characters by number, XInclude, what is too deep, too long or too much.
 * Nothing is fetched. *ret is new; untouched on failure: -EINVAL, -ENOENT (no libxml2), -ENOMEM.
 */
int vn_markup_read(const char *text, const char *file, struct vn_markup **ret, struct vn_error *err);

void vn_markup_free(struct vn_markup *markup);
static inline void vn_markup_freep(struct vn_markup **markup)
{
	vn_markup_free(*markup);
}
#define vn_automarkup vn_cleanup(vn_markup_freep) struct vn_markup

/* The attribute, or its value; NULL when there is none. */
const struct vn_markup_attribute *vn_markup_attribute(
	const struct vn_markup *markup, size_t element, const char *name);
const char *vn_markup_get(const struct vn_markup *markup, size_t element, const char *name);

/* The first child of that name (NULL: of any), or the next one behind `element` in the same parent; VN_MARKUP_NONE when there is none,
 * or `element` is none. */
size_t vn_markup_child(const struct vn_markup *markup, size_t element, const char *name);
size_t vn_markup_next(const struct vn_markup *markup, size_t element, const char *name);

/* The element that a path leads to from `element`, "cpu/numa": the first of each name. VN_MARKUP_NONE when there is none. */
size_t vn_markup_find(const struct vn_markup *markup, size_t element, const char *path);

/* How an element is called in messages: "cpu/numa/cell[2]" (counted from 1, as in XPath), without the root, which goes unsaid. New
 * string, or NULL when memory is short. */
char *vn_markup_path(const struct vn_markup *markup, size_t element);
