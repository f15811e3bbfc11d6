/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "text.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* `rest` of `scale` in `parts`, to the nearest. scale is at most 2^60, parts 10: nothing overflows. */
static uint64_t rounded(uint64_t rest, uint64_t scale, uint64_t parts)
{
	return (rest * parts + scale / 2) / scale;
}

static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};

/*
 * To the nearest tenth below 100 of a unit, to the nearest whole from there on. What would round up to 1024 of a unit
 * is 1.0 of the next one. Returns the tenths, *ret_rest is what is left of the last whole one.
 */
static uint64_t tenths_of(uint64_t bytes, unsigned *ret_unit, uint64_t *ret_rest)
{
	unsigned unit = 0;
	uint64_t scale = 1;

	while (unit + 1 < sizeof(units) / sizeof(units[0]) &&
		bytes / scale + rounded(bytes % scale, scale, 1) >= 1024) {
		scale *= 1024;
		unit++;
	}
	uint64_t whole = bytes / scale, rest = bytes % scale, tenths = whole * 10 + rounded(rest, scale, 10);
	*ret_unit = unit;
	*ret_rest = rest;
	return tenths < 1000 ? tenths : (whole + rounded(rest, scale, 1)) * 10;
}

/* A figure without a tenth is exact, or 100 or more. */
const char *vn_size_text(uint64_t bytes, char buffer[static VN_SIZE_TEXT])
{
	unsigned unit;
	uint64_t rest, tenths = tenths_of(bytes, &unit, &rest);

	if (rest == 0 || tenths >= 1000)
		snprintf(buffer, VN_SIZE_TEXT, "%llu %s", (unsigned long long)tenths / 10, units[unit]);
	else
		snprintf(buffer, VN_SIZE_TEXT, "%llu.%llu %s", (unsigned long long)tenths / 10,
			(unsigned long long)tenths % 10, units[unit]);
	return buffer;
}

const char *vn_size_text_exact(uint64_t bytes, char buffer[static VN_SIZE_TEXT])
{
	unsigned unit = 0;

	for (; bytes > 0 && bytes % 1024 == 0; bytes /= 1024)
		unit++;
	snprintf(buffer, VN_SIZE_TEXT, "%llu %s", (unsigned long long)bytes, units[unit]);
	return buffer;
}

void vn_size_texts_apart(
	uint64_t a, uint64_t b, char text_a[static VN_SIZE_TEXT], char text_b[static VN_SIZE_TEXT])
{
	unsigned unit_a, unit_b;
	uint64_t rest;
	bool same = tenths_of(a, &unit_a, &rest) == tenths_of(b, &unit_b, &rest) && unit_a == unit_b;

	if (a != b && same) {
		vn_size_text_exact(a, text_a);
		vn_size_text_exact(b, text_b);
	} else {
		vn_size_text(a, text_a);
		vn_size_text(b, text_b);
	}
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

const char *vn_next_line(const char *text)
{
	text += strcspn(text, "\n");
	return text + (*text == '\n');
}

char *vn_line_value(const char *text, const char *key, char mark)
{
	size_t n = strlen(key);

	for (const char *line = text; *line; line = vn_next_line(line)) {
		if (strncmp(line, key, n) != 0 || line[n] != mark)
			continue;
		const char *value = line + n + 1 + strspn(line + n + 1, " \t");
		return strndup(value, strcspn(value, "\n"));
	}
	return NULL;
}

const char *vn_quote(const char *text, char buffer[static VN_QUOTE_MAX])
{
	size_t n = 0;

	for (; text[n] && n + 4 < VN_QUOTE_MAX; n++)
		buffer[n] = text[n] >= 0x20 && text[n] < 0x7f ? text[n] : '?';
	snprintf(buffer + n, VN_QUOTE_MAX - n, "%s", text[n] ? "..." : "");
	return buffer;
}
