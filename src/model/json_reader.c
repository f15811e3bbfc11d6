/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "json_reader.h"

#include <string.h>

#include "../base/parse.h"
#include "../base/text.h"

#define MAX_SEEN 60 /* characters of a value in a message */

/* What a file holds must not act on a terminal, whichever way it was spelt. */
static void make_printable(char *text)
{
	for (char *p = text; p && *p; p++) {
		if (*p < 0x20 || *p >= 0x7f)
			*p = '?';
	}
}

/* The path to `key` of this object. NULL when memory is short, or for the document itself. */
static char *path_to(const struct vn_json_reader *in, const char *key)
{
	vn_autofree char *parent = in->parent ? path_to(in->parent, in->key) : NULL;
	vn_autofree char *own =
		parent && in->index >= 0 ? vn_format("%s[%ld]", parent, in->index) : vn_steal(parent);
	if (!key)
		return vn_steal(own);
	char *path = own ? vn_format("%s.%.60s", own, key) : vn_format("%.60s", key);
	make_printable(path);
	return path;
}

void vn_json_problem(const struct vn_json_reader *in, const char *key, const char *format, ...)
{
	struct vn_json_document *document = in->document;
	va_list args;

	if (document->status != -ENOMEM)
		document->status = -EINVAL;
	if (document->problems++ >= VN_JSON_MAX_PROBLEMS)
		return;
	vn_autofree char *path = path_to(in, key);
	struct vn_where where = {document->file, 0, path};
	va_start(args, format);
	vn_error_input_list(document->err, &where, format, args);
	va_end(args);
}

/* The beginning of a string as JSON. */
static char *seen_string(const json_t *value)
{
	size_t length = json_string_length(value);
	const char *text = json_string_value(value);

	if (length > MAX_SEEN) {
		length = MAX_SEEN;
		while (length > 0 && (text[length] & 0xc0) == 0x80)
			length--; /* within a character */
	}
	json_auto_t *start = json_stringn(text, length);
	return start ? json_dumps(start, JSON_ENCODE_ANY | JSON_ENSURE_ASCII) : NULL;
}

static char *seen(const json_t *value)
{
	if (!value)
		return vn_copy("missing");
	if (json_is_object(value))
		return vn_copy("an object");
	if (json_is_array(value))
		return vn_format("a list of %zu", json_array_size(value));
	return json_is_string(value) ? seen_string(value) : json_dumps(value, JSON_ENCODE_ANY);
}

static void wrong_value(
	const struct vn_json_reader *in, const char *key, const json_t *value, const char *expected)
{
	vn_autofree char *text = seen(value);
	make_printable(text);
	vn_json_problem(in, key, "%.60s; expected %s", text ? text : "?", expected);
}

void vn_json_wrong(const struct vn_json_reader *in, const char *key, const char *expected)
{
	wrong_value(in, key, key ? json_object_get(in->object, key) : in->object, expected);
}

void vn_json_no_memory(const struct vn_json_reader *in)
{
	if (in->document->status != -ENOMEM)
		in->document->status = vn_error_environment(in->document->err, -ENOMEM, "out of memory");
}

int vn_json_finish(struct vn_json_document *document)
{
	struct vn_where where = {document->file, 0, NULL};

	if (document->problems > VN_JSON_MAX_PROBLEMS)
		vn_error_input(document->err, &where, "%zu more problems",
			document->problems - VN_JSON_MAX_PROBLEMS);
	return document->status;
}

bool vn_json_told(const struct vn_json_reader *in, const char *key)
{
	const json_t *value = json_object_get(in->object, key);
	return value && !json_is_null(value);
}

bool vn_json_number(const struct vn_json_reader *in, const char *key, uint64_t min, uint64_t max,
	const char *expected, uint64_t *ret)
{
	const json_t *value = json_object_get(in->object, key);
	json_int_t number = json_integer_value(value);

	if (!json_is_integer(value) || number < 0 || (uint64_t)number < min || (uint64_t)number > max) {
		vn_json_wrong(in, key, expected);
		return false;
	}
	*ret = (uint64_t)number;
	return true;
}

bool vn_json_maybe_number(const struct vn_json_reader *in, const char *key, uint64_t min, uint64_t max,
	const char *expected, uint64_t *ret)
{
	return vn_json_told(in, key) && vn_json_number(in, key, min, max, expected, ret);
}

bool vn_json_maybe_bool(const struct vn_json_reader *in, const char *key, bool *ret)
{
	const json_t *value = json_object_get(in->object, key);

	if (!vn_json_told(in, key))
		return false;
	if (!json_is_boolean(value)) {
		vn_json_wrong(in, key, "true or false");
		return false;
	}
	*ret = json_is_true(value);
	return true;
}

static char *copy_text(const struct vn_json_reader *in, const char *text)
{
	char *copy = strdup(text);
	if (!copy)
		vn_json_no_memory(in);
	return copy;
}

char *vn_json_text(const struct vn_json_reader *in, const char *key, const char *start, const char *expected)
{
	const char *text = json_string_value(json_object_get(in->object, key));

	if (text && strncmp(text, start, strlen(start)) == 0)
		return copy_text(in, text);
	vn_json_wrong(in, key, expected);
	return NULL;
}

char *vn_json_maybe_text(const struct vn_json_reader *in, const char *key, size_t max, const char *expected)
{
	const json_t *value = json_object_get(in->object, key);

	if (!vn_json_told(in, key))
		return NULL;
	if (json_is_string(value) && json_string_length(value) <= max &&
		vn_text_is_printable(json_string_value(value)))
		return copy_text(in, json_string_value(value));
	vn_json_wrong(in, key, expected);
	return NULL;
}

unsigned vn_json_choice(const struct vn_json_reader *in, const char *key, const char *const *names,
	unsigned n, const char *expected)
{
	const char *text = json_string_value(json_object_get(in->object, key));

	for (unsigned i = 0; text && i < n; i++) {
		if (strcmp(text, names[i]) == 0)
			return i;
	}
	vn_json_wrong(in, key, expected);
	return 0;
}

/* Adds the members to the set until one is wrong; that one, or NULL. */
static const json_t *fill_set(
	const struct vn_json_reader *in, const json_t *list, unsigned max, hwloc_bitmap_t set)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *member = json_array_get(list, i);
		json_int_t number = json_integer_value(member);
		if (!json_is_integer(member) || number < 0 || number > max ||
			hwloc_bitmap_isset(set, (unsigned)number))
			return member;
		if (hwloc_bitmap_set(set, (unsigned)number) < 0)
			vn_json_no_memory(in);
	}
	return NULL;
}

hwloc_bitmap_t vn_json_maybe_set(const struct vn_json_reader *in, const char *key, unsigned max)
{
	const json_t *list = json_object_get(in->object, key);
	char expected[64];

	if (!vn_json_told(in, key))
		return NULL;
	snprintf(expected, sizeof(expected), "a list of numbers from 0 to %u, each once", max);
	if (!json_is_array(list)) {
		vn_json_wrong(in, key, expected);
		return NULL;
	}
	vn_autoset set = hwloc_bitmap_alloc();
	if (!set) {
		vn_json_no_memory(in);
		return NULL;
	}
	const json_t *bad = fill_set(in, list, max, set);
	if (!bad)
		return vn_steal(set);
	wrong_value(in, key, bad, expected);
	return NULL;
}

const json_t *vn_json_list(const struct vn_json_reader *in, const char *key, size_t max)
{
	const json_t *list = json_object_get(in->object, key);
	char expected[64];

	if (json_is_array(list) && json_array_size(list) <= max)
		return list;
	snprintf(expected, sizeof(expected), "a list of at most %zu", max);
	vn_json_wrong(in, key, json_is_array(list) ? expected : "a list");
	return NULL;
}

const json_t *vn_json_maybe_list(const struct vn_json_reader *in, const char *key, size_t max)
{
	return vn_json_told(in, key) ? vn_json_list(in, key, max) : NULL;
}

bool vn_json_member(const struct vn_json_reader *in, const char *key, const json_t *list, size_t i,
	struct vn_json_reader *ret)
{
	struct vn_json_reader member = {in->document, in, key, (long)i, json_array_get(list, i)};

	if (!json_is_object(member.object)) {
		vn_json_wrong(&member, NULL, "an object");
		return false;
	}
	*ret = member;
	return true;
}

bool vn_json_object(const struct vn_json_reader *in, const char *key, struct vn_json_reader *ret)
{
	struct vn_json_reader inner = {in->document, in, key, -1, json_object_get(in->object, key)};

	if (!json_is_object(inner.object)) {
		vn_json_wrong(in, key, "an object");
		return false;
	}
	*ret = inner;
	return true;
}
