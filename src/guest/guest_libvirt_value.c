/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Values in libvirt's forms. */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>

#include "../base/parse.h"
#include "../base/text.h"
#include "guest_libvirt_reader.h"

#define MOST_PROBLEMS 200u /* a text of a million wrong elements is not worth more */

void domain_problem(struct domain_reader *r, size_t element, const char *attribute, const char *format, ...)
{
	va_list args;

	if (r->told++ >= MOST_PROBLEMS)
		return;
	vn_autofree char *path = vn_markup_path(r->doc, element);
	const char *name = path && *path ? path : r->doc->elements[0].name;
	vn_autofree char *key =
		attribute ? vn_format("%.256s/@%.64s", name, attribute) : vn_format("%.256s", name);
	struct vn_where where = {
		r->guest->file, element == VN_MARKUP_NONE ? 0 : r->doc->elements[element].line, key};
	va_start(args, format);
	vn_error_input_list(r->err, &where, format, args);
	va_end(args);
}

const char *domain_need(struct domain_reader *r, size_t element, const char *attribute, const char *expected)
{
	const char *value = vn_markup_get(r->doc, element, attribute);

	if (!value)
		domain_problem(r, element, attribute, "missing; expected %s", expected);
	return value;
}

/* A copy of an attribute's value, or of what stands in the element, without blanks before it; NULL when there is none. Blanks behind a
 * number are none of it for libvirt (virStrToLong_ull() and its like, src/util/virstring.c, as strtoull(3) has them). */
static char *value_of(struct domain_reader *r, size_t element, const char *attribute)
{
	const char *value = attribute                   ? vn_markup_get(r->doc, element, attribute)
			    : element == VN_MARKUP_NONE ? NULL
							: r->doc->elements[element].text;

	if (!value && (attribute || element == VN_MARKUP_NONE))
		return NULL;
	value = value ? value : "";
	value += strspn(value, " \t\r\n");
	char *copy = vn_copy(value);
	r->short_of_memory |= !copy;
	return copy;
}

bool domain_number(struct domain_reader *r, size_t element, const char *attribute, uint64_t min, uint64_t max,
	uint64_t *ret)
{
	vn_autofree char *value = value_of(r, element, attribute);
	char seen[VN_QUOTE_MAX];
	uint64_t number;

	if (!value)
		return false;
	if (vn_parse_u64(value, max, &number) == 0 && number >= min) {
		*ret = number;
		return true;
	}
	domain_problem(r, element, attribute, "'%s' seen; expected a number from %llu to %llu",
		vn_quote(value, seen), (unsigned long long)min, (unsigned long long)max);
	return false;
}

bool domain_need_number(struct domain_reader *r, size_t element, const char *attribute, uint64_t min,
	uint64_t max, uint64_t *ret)
{
	char expected[64];

	snprintf(expected, sizeof(expected), "a number from %llu to %llu", (unsigned long long)min,
		(unsigned long long)max);
	return domain_need(r, element, attribute, expected) &&
	       domain_number(r, element, attribute, min, max, ret);
}

/* Bytes of a unit: b, byte, bytes; k, KiB and KB up to E, EiB, EB, in any case (libvirt, virScaleInteger()). 0: no unit. */
static uint64_t unit_of(const char *unit)
{
	static const char letters[] = "kmgtpe";

	if (strcasecmp(unit, "b") == 0 || strcasecmp(unit, "byte") == 0 || strcasecmp(unit, "bytes") == 0)
		return 1;
	const char *letter = *unit ? strchr(letters, *unit | 0x20) : NULL;
	bool binary = letter && (!unit[1] || strcasecmp(unit + 1, "ib") == 0);
	if (!letter || (!binary && strcasecmp(unit + 1, "b") != 0))
		return 0;
	uint64_t bytes = 1;
	for (const char *p = letters; p <= letter; p++)
		bytes *= binary ? 1024 : 1000;
	return bytes;
}

bool domain_size(struct domain_reader *r, size_t element, const char *attribute, uint64_t *ret_bytes)
{
	const char *unit_text = vn_markup_get(r->doc, element, "unit");
	uint64_t unit = unit_text && *unit_text ? unit_of(unit_text) : 1024, number;
	vn_autofree char *value = value_of(r, element, attribute);
	char seen[VN_QUOTE_MAX];

	if (!value)
		return false;
	if (unit == 0) {
		domain_problem(r, element, "unit", "'%s' seen; expected b, KiB, MiB, GiB, TiB, KB, MB, …",
			vn_quote(unit_text, seen));
		return false;
	}
	if (vn_parse_u64(value, VN_MAX_MEMORY / unit, &number) < 0) {
		domain_problem(r, element, attribute, "'%s' seen; expected a number of %s, at most 64 TiB",
			vn_quote(value, seen), unit_text && *unit_text ? unit_text : "KiB");
		return false;
	}
	*ret_bytes = number * unit;
	return true;
}

hwloc_bitmap_t domain_set(struct domain_reader *r, size_t element, const char *attribute)
{
	vn_autofree char *value = value_of(r, element, attribute);
	vn_autoset set = NULL;
	char seen[VN_QUOTE_MAX];

	if (!value)
		return NULL;
	for (size_t n = strlen(value); n && strchr(" \t\r\n", value[n - 1]); n--)
		value[n - 1] = 0;
	int status = vn_set_parse_libvirt(value, &set);
	if (status == 0 && !hwloc_bitmap_iszero(set))
		return vn_steal(set);
	r->short_of_memory |= status == -ENOMEM;
	domain_problem(r, element, attribute,
		"'%s' seen, which %s; expected numbers such as '0-3,8' or '0-3,^1'", vn_quote(value, seen),
		status == 0 ? "is empty" : "is no set");
	return NULL;
}

int domain_choice(struct domain_reader *r, size_t element, const char *attribute, const char *const *choices,
	int fallback)
{
	const char *value = vn_markup_get(r->doc, element, attribute);
	char expected[128] = "", seen[VN_QUOTE_MAX];
	size_t n = 0;

	if (!value)
		return fallback;
	for (int i = 0; choices[i]; i++) {
		if (strcmp(value, choices[i]) == 0)
			return i;
		n += (size_t)snprintf(expected + n, sizeof(expected) - n, "%s%s",
			!i               ? ""
			: choices[i + 1] ? ", "
					 : " or ",
			choices[i]);
	}
	domain_problem(r, element, attribute, "'%s' seen; expected %s", vn_quote(value, seen), expected);
	return fallback;
}

bool domain_says(const struct domain_reader *r, size_t element, const char *attribute, const char *value)
{
	const char *seen = vn_markup_get(r->doc, element, attribute);

	return seen && strcmp(seen, value) == 0;
}
