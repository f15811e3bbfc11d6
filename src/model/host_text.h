/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What the parts of the host's text share. Internal to model/. */

#include "../base/text.h"
#include "host.h"

#define VN_SCREEN 80 /* columns */

/* Prints `text` from column `indent` on, broken behind commas and at blanks so that it stays within the screen. */
void vn_print_wrapped(const char *text, unsigned indent, FILE *out);

/* The same in at most `max` lines: `mark` stands for what does not fit. */
void vn_print_cut(const char *text, unsigned indent, unsigned max, const char *mark, FILE *out);

/* "0-254:1/2": of each `group` numbers the first `used`, the kernel's form. group 0: none. */
struct vn_stride {
	unsigned first, last, used, group;
};

/* What the lists of a text share. */
struct vn_listing {
	bool all; /* nothing is cut */
	struct vn_stride stride; /* the first that was printed, to be explained once */
	bool explained;
};

/* Prints the set from column `indent` on, and `word` (NULL: none) behind it, in two lines unless all is asked for. */
void vn_print_set(
	hwloc_const_bitmap_t set, const char *word, unsigned indent, struct vn_listing *listing, FILE *out);

/* A line that says what a stride means, when one was printed and none was explained yet. */
void vn_explain_stride(struct vn_listing *listing, FILE *out);

/* The host's groups of nodes, with the distances in them and beyond; nothing where it has none. At most four lines. */
void vn_host_print_near(const struct vn_host *host, FILE *out);

/* The table of devices (`all`), or a line for each node. */
void vn_host_print_devices(const struct vn_host *host, bool all, FILE *out);
