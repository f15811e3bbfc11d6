/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Parts that a text has, or has not: include behind cmocka.h. */

#include <string.h>

static inline void assert_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("no '%s' in:\n%s", part, text);
}

static inline void assert_has_not(const char *text, const char *part)
{
	if (strstr(text, part))
		fail_msg("'%s' in:\n%s", part, text);
}
