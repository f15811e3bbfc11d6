/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "parse.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

int vn_parse_u64(const char *text, uint64_t max, uint64_t *ret)
{
	uint64_t value = 0;

	if (!*text)
		return -EINVAL;
	for (const char *p = text; *p; p++) {
		if (*p < '0' || *p > '9')
			return -EINVAL;
	}
	for (const char *p = text; *p; p++) {
		unsigned digit = (unsigned)(*p - '0');
		if (value > (max - digit) / 10 || digit > max)
			return -ERANGE;
		value = value * 10 + digit;
	}
	*ret = value;
	return 0;
}

/* Length of the UTF-8 sequence that this lead byte opens, 0 for one that opens none (RFC 3629, section 4). */
static size_t sequence_length(unsigned char lead)
{
	if (lead < 0x80)
		return 1;
	if (lead >= 0xc2 && lead <= 0xdf)
		return 2;
	if (lead >= 0xe0 && lead <= 0xef)
		return 3;
	if (lead >= 0xf0 && lead <= 0xf4)
		return 4;
	return 0;
}

size_t vn_utf8_length(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t length = *p ? sequence_length(*p) : 0;

	for (size_t i = 1; i < length; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	}
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xf0 && p[1] < 0x90))
		return 0; /* longer than need be */
	if ((p[0] == 0xed && p[1] >= 0xa0) || (p[0] == 0xf4 && p[1] >= 0x90))
		return 0; /* a surrogate; above U+10FFFF */
	return length;
}

bool vn_text_is_printable(const char *text)
{
	for (const unsigned char *p = (const unsigned char *)text; *p;) {
		size_t length = vn_utf8_length((const char *)p);
		if (length == 0 || *p < 0x20 || *p == 0x7f)
			return false;
		if (length == 2 && p[0] == 0xc2 && p[1] < 0xa0)
			return false; /* C1 control characters */
		p += length;
	}
	return true;
}

bool vn_interface_valid(const char *name)
{
	size_t length = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");

	return length > 0 && !name[length] && length <= VN_INTERFACE_MAX && strcmp(name, ".") != 0 &&
	       strcmp(name, "..") != 0;
}
