/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Ranges are those of Unicode's EastAsianWidth.txt (W and F) and of the general categories Mn, Me and Cf, rounded to blocks: a sign too
 * rare for its block's rule moves a column by a cell, no more. wcwidth(3) would depend on the locale, which a library leaves alone.
 */
#define _GNU_SOURCE
#include "columns.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "cleanup.h"
#include "parse.h"

struct range {
	uint32_t first, last;
};

static const struct range wide[] = {{0x1100, 0x115f}, {0x231a, 0x231b}, {0x23e9, 0x23ec}, {0x2614, 0x2615},
	{0x2648, 0x2653}, {0x26a1, 0x26a1}, {0x2705, 0x2705}, {0x274c, 0x274c}, {0x2753, 0x2755},
	{0x2795, 0x2797}, {0x2b50, 0x2b50}, {0x2e80, 0x303e}, {0x3041, 0xa4cf}, {0xa960, 0xa97c},
	{0xac00, 0xd7a3}, {0xf900, 0xfaff}, {0xfe30, 0xfe6f}, {0xff01, 0xff60}, {0xffe0, 0xffe6},
	{0x16fe0, 0x18cff}, {0x1aff0, 0x1b2ff}, {0x1f18e, 0x1f19a}, {0x1f200, 0x1f320}, {0x1f32d, 0x1f37c},
	{0x1f37e, 0x1f64f}, {0x1f680, 0x1f6ff}, {0x1f7e0, 0x1f7eb}, {0x1f90c, 0x1f9ff}, {0x1fa70, 0x1faff},
	{0x20000, 0x3fffd}};

static const struct range zero[] = {{0x300, 0x36f}, {0x483, 0x489}, {0x591, 0x5bd}, {0x5bf, 0x5bf},
	{0x5c1, 0x5c7}, {0x610, 0x61a}, {0x64b, 0x65f}, {0x670, 0x670}, {0x6d6, 0x6dc}, {0x6df, 0x6e4},
	{0x6e7, 0x6e8}, {0x6ea, 0x6ed}, {0x730, 0x74a}, {0x7a6, 0x7b0}, {0x900, 0x902}, {0x93c, 0x93c},
	{0x941, 0x948}, {0x94d, 0x94d}, {0xe31, 0xe31}, {0xe34, 0xe3a}, {0xe47, 0xe4e}, {0x1160, 0x11ff},
	{0x1ab0, 0x1aff}, {0x1dc0, 0x1dff}, {0x200b, 0x200f}, {0x202a, 0x202e}, {0x2060, 0x206f},
	{0x20d0, 0x20f0}, {0x302a, 0x302d}, {0x3099, 0x309a}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f},
	{0xfeff, 0xfeff}, {0x1f3fb, 0x1f3ff}, {0xe0100, 0xe01ef}};

static bool is_among(const struct range *ranges, size_t n, uint32_t c)
{
	size_t low = 0;

	while (low < n) {
		size_t middle = low + (n - low) / 2;
		if (c < ranges[middle].first)
			n = middle;
		else if (c > ranges[middle].last)
			low = middle + 1;
		else
			return true;
	}
	return false;
}

/* A character's cells; its bytes into *ret_length. A byte that is no part of one counts as a character. */
static size_t cells(const char *text, size_t *ret_length)
{
	const unsigned char *u = (const unsigned char *)text;
	size_t n = vn_utf8_length(text);
	uint32_t c = u[0];

	*ret_length = n ? n : 1;
	if (n >= 2)
		c &= 0xffu >> (n + 1);
	for (size_t i = 1; i < n; i++)
		c = c << 6 | (u[i] & 0x3fu);
	if (n < 2)
		return 1;
	if (is_among(zero, sizeof(zero) / sizeof(zero[0]), c))
		return 0;
	return is_among(wide, sizeof(wide) / sizeof(wide[0]), c) ? 2 : 1;
}

size_t vn_columns_fit(const char *text, size_t columns, size_t *ret_columns)
{
	size_t at = 0, sum = 0, length;

	while (text[at]) {
		size_t more = cells(text + at, &length);
		if (sum + more > columns)
			break;
		sum += more;
		at += length;
	}
	*ret_columns = sum;
	return at;
}

size_t vn_columns(const char *text)
{
	size_t sum;

	vn_columns_fit(text, SIZE_MAX, &sum);
	return sum;
}

void vn_put_columns(const char *text, size_t columns, FILE *out)
{
	size_t taken, length = vn_columns_fit(text, columns, &taken);
	bool cut = text[length] != 0 && columns > 0;

	if (cut)
		length = vn_columns_fit(text, columns - 1, &taken);
	fprintf(out, "%.*s%s%*s", (int)length, text, cut ? "\xe2\x80\xa6" : "",
		(int)(columns - taken - (cut ? 1 : 0)), "");
}

char *vn_in_columns(const char *text, size_t columns)
{
	vn_autofree char *filled = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&filled, &length);

	if (!out)
		return NULL;
	vn_put_columns(text, columns, out);
	return fclose(out) == 0 ? vn_steal(filled) : NULL;
}

/* Bytes of `text`, which begins with no blank, that a line of `room` cells takes; `hard`: it may be broken within a word. */
static size_t line_length(const char *text, size_t room, bool hard)
{
	size_t taken, fit = vn_columns_fit(text, room, &taken), end = fit;

	while (text[fit] && end > 0 && text[end] != ' ')
		end--;
	if (end == 0 && hard)
		end = fit;
	if (end == 0 && hard)
		cells(text, &end); /* not one character fits: go on all the same */
	while (end > 0 && text[end - 1] == ' ')
		end--;
	return end;
}

void vn_put_wrapped(const char *text, size_t at, size_t indent, size_t width, FILE *out)
{
	bool first = true;

	for (text += strspn(text, " "); *text; text += strspn(text, " ")) {
		size_t column = first ? at : indent;
		size_t length =
			line_length(text, width > column ? width - column : 0, !first || at <= indent);
		if (!first)
			fprintf(out, "\n%*s", (int)indent, "");
		fprintf(out, "%.*s", (int)length, text);
		text += length;
		first = false;
	}
	fputc('\n', out);
}
