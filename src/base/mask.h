/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The kernel's masks of CPUs, `00000000,0000010f`: words of 32 bits in hexadecimal digits, the highest first (lib/bitmap.c). */

#include "set.h"

/* Reads one, with or without the kernel's newline. -EINVAL (also for numbers above VN_SET_MAX), -ENOMEM; *ret_set is untouched then. */
int vn_mask_parse(const char *text, hwloc_bitmap_t *ret_set);

/* The set as such a mask, with as many words as it takes, so `0` of the empty set. New string, or NULL when memory is short. */
char *vn_mask_text(hwloc_const_bitmap_t set);
