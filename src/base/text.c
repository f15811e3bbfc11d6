/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "text.h"

#include <stdio.h>
#include <string.h>

const char *vn_size_text(uint64_t bytes, char buffer[static VN_SIZE_TEXT])
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	unsigned unit = 0;
	uint64_t scale = 1;

	while (unit + 1 < sizeof(units) / sizeof(units[0]) && bytes / scale >= 1024) {
		scale *= 1024;
		unit++;
	}
	if (bytes % scale == 0 || bytes / scale >= 100)
		snprintf(buffer, VN_SIZE_TEXT, "%llu %s", (unsigned long long)(bytes / scale), units[unit]);
	else
		snprintf(buffer, VN_SIZE_TEXT, "%.1f %s", (double)bytes / (double)scale, units[unit]);
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
