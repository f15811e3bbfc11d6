/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Strict number reading: the whole text or nothing. Never atoi, never a number by accident. */

#include <stdbool.h>
#include <stdint.h>

/*
 * Reads an unsigned decimal number that fills `text` wholly. No sign, no blank, no prefix, no suffix. -EINVAL
 * when it is not one, -ERANGE when it is above `max`. *ret untouched on failure.
 */
int vn_parse_u64(const char *text, uint64_t max, uint64_t *ret);

/* Whether `text` is well-formed UTF-8 without control characters (what may be printed on a terminal). */
bool vn_text_is_printable(const char *text);
