/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The elements of an XML text that hwloc wrote: a tree of names, attributes and lines. Internal to discover/. */

#include <stddef.h>

#include "../base/error.h"

struct vn_attribute {
	char *name, *value; /* owned */
};

struct vn_element {
	char *name; /* owned */
	unsigned line;
	size_t n_attributes;
	struct vn_attribute *attributes;
	char *text; /* what stands between its tags; owned, or NULL */
	struct vn_element *parent, *first_child, *last_child, *next; /* children owned */
};

/*
 * Reads `text`; `file` is for messages. Refuses what no hwloc writes: entities, an internal subset, CDATA, deep nesting,
 * very long values. Nothing is fetched. *ret_root is the caller's to free.
 */
int vn_document_read(const char *text, const char *file, struct vn_element **ret_root, struct vn_error *err);

void vn_element_free(struct vn_element *element);
static inline void vn_element_freep(struct vn_element **element)
{
	vn_element_free(*element);
}
#define vn_autoelement vn_cleanup(vn_element_freep) struct vn_element

/* The value of an attribute, or NULL. */
const char *vn_element_get(const struct vn_element *element, const char *name);
