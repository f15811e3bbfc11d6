/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Strict number reading: the whole text or nothing. Never atoi, never a number by accident. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Reads an unsigned decimal number that fills `text` wholly. No sign, no blank, no prefix, no suffix. -EINVAL
 * when it is not one, -ERANGE when it is above `max`. *ret untouched on failure.
 */
int vn_parse_u64(const char *text, uint64_t max, uint64_t *ret);

/* Bytes of the UTF-8 character (RFC 3629) that `text` begins with; 0: none, or the end. */
size_t vn_utf8_length(const char *text);

/* Whether `text` is well-formed UTF-8 without control characters (what may be printed on a terminal). */
bool vn_text_is_printable(const char *text);

#define VN_INTERFACE_MAX                                                                                     \
	15u /* bytes of an interface's name: IFNAMSIZ less its end, include/uapi/linux/if.h */

/* Whether Linux takes it as the name of a network interface (net/core/dev.c, dev_valid_name()), and it is of [A-Za-z0-9._-] alone. */
bool vn_interface_valid(const char *name);
