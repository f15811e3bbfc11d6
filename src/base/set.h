/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Sets of CPU and node numbers: hwloc bitmaps, with the strict reading that hwloc leaves to its caller. */

#include <hwloc/bitmap.h>

#include "error.h"

/* The largest number any set of ours holds. Linux knows at most 8192 CPUs (CONFIG_NR_CPUS) and 1024 nodes. */
#define VN_SET_MAX 65535u

static inline void vn_set_freep(hwloc_bitmap_t *set)
{
	hwloc_bitmap_free(*set); /* accepts NULL */
}

#define vn_autoset vn_cleanup(vn_set_freep) hwloc_bitmap_t

/*
 * Reads a list in the kernel's form, `0-3,8,10-11`. The empty text is the empty set; blanks around it (the
 * kernel's newline) are skipped. Refuses (-EINVAL) signs, letters, descending ranges, doubled or trailing
 * commas, numbers above VN_SET_MAX. A number named twice is no error. *ret_set is a new bitmap; untouched on
 * failure.
 */
int vn_set_parse(const char *text, hwloc_bitmap_t *ret_set);

/*
 * The same in libvirt's form, whose parts from left to right add numbers or, behind a '^', take them away: `0-3,^1`. Blanks may be
 * around each part; the text may not be empty, what comes out may.
 */
int vn_set_parse_libvirt(const char *text, hwloc_bitmap_t *ret_set);

/* The set as `0-3,8`; the empty set as an empty string. New string, or NULL when memory is short. */
char *vn_set_text(hwloc_const_bitmap_t set);

/* Number of members; 0 for NULL. */
unsigned vn_set_weight(hwloc_const_bitmap_t set);
