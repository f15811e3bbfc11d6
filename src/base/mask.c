/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "mask.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define WORD_BITS 32u
#define WORD_TEXT 10u /* bytes: eight digits, a comma, and an end */

static unsigned hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned)(c - 'a') + 10;
	return c >= 'A' && c <= 'F' ? (unsigned)(c - 'A') + 10 : 16;
}

/* The bits of one word of a mask, the word's lowest being `bit`. */
static int set_word(hwloc_bitmap_t set, const char *word, size_t length, size_t bit)
{
	uint32_t value = 0;

	if (length < 1 || length > WORD_BITS / 4)
		return -EINVAL;
	for (size_t i = 0; i < length; i++) {
		if (hex_digit(word[i]) > 15)
			return -EINVAL;
		value = value << 4 | hex_digit(word[i]);
	}
	for (unsigned i = 0; i < WORD_BITS; i++) {
		if (!(value >> i & 1))
			continue;
		if (bit + i > VN_SET_MAX)
			return -EINVAL;
		if (hwloc_bitmap_set(set, (unsigned)bit + i) < 0)
			return -ENOMEM;
	}
	return 0;
}

int vn_mask_parse(const char *text, hwloc_bitmap_t *ret_set)
{
	vn_autoset set = hwloc_bitmap_alloc();
	const char *end = text + strcspn(text, "\n");
	size_t bit = 0;

	if (!set)
		return -ENOMEM;
	if (end[strspn(end, "\n")])
		return -EINVAL;
	for (const char *word = end;; bit += WORD_BITS) {
		const char *comma = memrchr(text, ',', (size_t)(word - text));
		const char *begin = comma ? comma + 1 : text;
		int r = set_word(set, begin, (size_t)(word - begin), bit);
		if (r < 0)
			return r;
		if (!comma)
			break;
		word = comma;
	}
	*ret_set = vn_steal(set);
	return 0;
}

static uint32_t word_of(hwloc_const_bitmap_t set, unsigned word)
{
	uint32_t value = 0;

	for (unsigned i = 0; i < WORD_BITS; i++)
		value |= (uint32_t)(hwloc_bitmap_isset(set, word * WORD_BITS + i) != 0) << i;
	return value;
}

char *vn_mask_text(hwloc_const_bitmap_t set)
{
	int last = hwloc_bitmap_last(set);
	unsigned words = last < 0 ? 1 : (unsigned)last / WORD_BITS + 1;
	char *text = malloc((size_t)words * WORD_TEXT), *at = text;

	for (unsigned word = words; text && word-- > 0;)
		at += snprintf(at, WORD_TEXT, word + 1 == words ? "%x%s" : "%08x%s", word_of(set, word),
			word > 0 ? "," : "");
	return text;
}
