/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "text.h"

#include <stdio.h>
#include <string.h>

/* `rest` of `scale` in `parts`, to the nearest. scale is at most 2^60, parts 10: nothing overflows. */
static uint64_t rounded(uint64_t rest, uint64_t scale, uint64_t parts)
{
	return (rest * parts + scale / 2) / scale;
}

/*
 * To the nearest tenth below 100 of a unit, to the nearest whole from there on. What would round up to 1024 of a unit
 * is 1.0 of the next one. A figure without a tenth is exact, or 100 or more.
 */
const char *vn_size_text(uint64_t bytes, char buffer[static VN_SIZE_TEXT])
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	unsigned unit = 0;
	uint64_t scale = 1;

	while (unit + 1 < sizeof(units) / sizeof(units[0]) &&
		bytes / scale + rounded(bytes % scale, scale, 1) >= 1024) {
		scale *= 1024;
		unit++;
	}
	uint64_t whole = bytes / scale, rest = bytes % scale, tenths = whole * 10 + rounded(rest, scale, 10);
	if (rest == 0)
		snprintf(buffer, VN_SIZE_TEXT, "%llu %s", (unsigned long long)whole, units[unit]);
	else if (tenths >= 1000)
		snprintf(buffer, VN_SIZE_TEXT, "%llu %s", (unsigned long long)whole + rounded(rest, scale, 1),
			units[unit]);
	else
		snprintf(buffer, VN_SIZE_TEXT, "%llu.%llu %s", (unsigned long long)tenths / 10,
			(unsigned long long)tenths % 10, units[unit]);
	return buffer;
}

char *vn_format_list(const char *format, va_list args)
{
	char *text = NULL;
	return vasprintf(&text, format, args) < 0 ? NULL : text;
}

char *vn_format(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	char *text = vn_format_list(format, args);
	va_end(args);
	return text;
}

char *vn_copy(const char *text)
{
	return text ? strdup(text) : NULL;
}
