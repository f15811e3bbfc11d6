/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "markup_scan.h"

#include <stdint.h>
#include <string.h>

#include "text.h"

#define MAX_ELEMENTS 200000u /* 1024 vCPUs with a pin and a scheduler each are 2000 */
#define MAX_ATTRIBUTES 64u
#define MAX_VALUE 65536u /* the set of 65536 CPUs, written with commas, has 22530 characters */

static const char blanks[] = " \t\r\n";
static const char xinclude[] = "http://www.w3.org/2001/XInclude";

struct scan {
	const char *text, *at;
	const char *file;
	unsigned line; /* of `counted` */
	const char *counted;
	size_t open; /* the element whose content comes next */
	size_t depth;
	size_t capacity; /* of the elements */
	size_t text_size, text_capacity; /* of the open element's text */
	struct vn_markup *markup;
	struct vn_error *err;
	int status;
};

static unsigned line_at(struct scan *s, const char *at)
{
	for (; s->counted < at; s->counted++)
		s->line += *s->counted == '\n';
	return s->line;
}

static void fail(struct scan *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void fail(struct scan *s, const char *format, ...)
{
	struct vn_where where = {s->file, line_at(s, s->at), NULL};
	va_list args;

	va_start(args, format);
	s->status = vn_error_input_list(s->err, &where, format, args);
	va_end(args);
}

static void fail_memory(struct scan *s)
{
	s->status = vn_error_environment(s->err, -ENOMEM, "out of memory");
}

static size_t offset(const struct scan *s, const char *at)
{
	return (size_t)(at - s->text);
}

/* ---- references ---- */

/* Writes a character as UTF-8; the number of bytes. */
static size_t put_utf8(uint32_t c, char *out)
{
	static const unsigned char leads[] = {0, 0xc0, 0xe0, 0xf0};
	int more = c < 0x80 ? 0 : c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
	size_t n = 0;

	out[n++] = (char)(leads[more] | c >> 6 * more);
	while (more-- > 0)
		out[n++] = (char)(0x80 | (c >> 6 * more & 0x3f));
	return n;
}

/* The character of `&#10;` or `&#xa;`; libxml2 has seen to it that it is one. */
static uint32_t number_of(const char *digits)
{
	return (uint32_t)strtoul(digits + (*digits == 'x'), NULL, *digits == 'x' ? 16 : 10);
}

/* `n` bytes with their references resolved, and a 0: never more than n + 1, as no reference is shorter than what it stands for. In
 * attributes every blank is a space (XML 1.0, 3.3.3). The number of bytes before the 0. */
static size_t resolve(const char *from, size_t n, bool attribute, char *to)
{
	static const struct {
		const char *name;
		char c;
	} names[] = {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}};
	const char *end = from + n;
	char *out = to;

	while (from < end) {
		if (*from != '&') {
			bool crlf = *from == '\r' && from + 1 < end && from[1] == '\n';
			char c = *from == '\r' ? '\n' : *from; /* XML 1.0, 2.11 */
			*out++ = (char)(attribute && strchr("\t\n", c) ? ' ' : c);
			from += crlf ? 2 : 1;
			continue;
		}
		const char *stop = memchr(from, ';', (size_t)(end - from));
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
			if (strncmp(from, names[i].name, strlen(names[i].name)) == 0)
				*out++ = names[i].c;
		}
		if (from[1] == '#')
			out += put_utf8(number_of(from + 2), out);
		from = stop ? stop + 1 : end;
	}
	*out = 0;
	return (size_t)(out - to);
}

/* ---- tags ---- */

static struct vn_markup_element *add_element(struct scan *s)
{
	struct vn_markup *markup = s->markup;

	if (markup->n >= MAX_ELEMENTS) {
		fail(s, "more than %u elements; expected fewer", MAX_ELEMENTS);
		return NULL;
	}
	if (markup->n == s->capacity) {
		size_t capacity = s->capacity ? 2 * s->capacity : 64;
		void *grown = reallocarray(markup->elements, capacity, sizeof(*markup->elements));
		if (!grown) {
			fail_memory(s);
			return NULL;
		}
		markup->elements = grown;
		s->capacity = capacity;
	}
	struct vn_markup_element *element = &markup->elements[markup->n++];
	*element = (struct vn_markup_element){
		.parent = s->open, .depth = s->depth, .line = line_at(s, s->at), .begin = offset(s, s->at)};
	return element;
}

/* One `name="value"` at s->at, which is behind the white space that starts at `begin`. */
static void read_attribute(struct scan *s, struct vn_markup_element *element, const char *begin)
{
	size_t n = strcspn(s->at, " \t\r\n=/>");
	const char *name = s->at, *value = name + n;

	value += strspn(value, blanks);
	if (n == 0 || *value != '=') {
		fail(s, "cannot be followed as XML in <%.64s>", element->name);
		return;
	}
	value++;
	value += strspn(value, blanks);
	const char *end = *value == '"' || *value == '\'' ? strchr(value + 1, *value) : NULL;
	if (!end) {
		fail(s, "cannot be followed as XML in <%.64s>", element->name);
		return;
	}
	value++;
	if (end - value >= (ptrdiff_t)MAX_VALUE || element->n_attributes == MAX_ATTRIBUTES) {
		fail(s, "<%.64s> has %s; expected less than %u", element->name,
			element->n_attributes == MAX_ATTRIBUTES ? "too many attributes" : "a value too long",
			element->n_attributes == MAX_ATTRIBUTES ? MAX_ATTRIBUTES : MAX_VALUE);
		return;
	}
	void *grown =
		reallocarray(element->attributes, element->n_attributes + 1, sizeof(*element->attributes));
	if (!grown) {
		fail_memory(s);
		return;
	}
	element->attributes = grown;
	struct vn_markup_attribute *attribute = &element->attributes[element->n_attributes++];
	*attribute = (struct vn_markup_attribute){.name = strndup(name, n),
		.value = malloc((size_t)(end - value) + 1),
		.begin = offset(s, begin),
		.value_begin = offset(s, value),
		.value_end = offset(s, end),
		.end = offset(s, end + 1)};
	if (!attribute->name || !attribute->value) {
		fail_memory(s);
		return;
	}
	resolve(value, (size_t)(end - value), true, attribute->value);
	if (strncmp(attribute->name, "xmlns", 5) == 0 && strcmp(attribute->value, xinclude) == 0)
		fail(s, "XInclude in <%.64s>; expected a text that includes no other", element->name);
	s->at = end + 1;
}

/* Text of an element with others within it is white space, and nobody's to read. */
static void drop_text(struct scan *s)
{
	if (s->open != VN_MARKUP_NONE) {
		free(s->markup->elements[s->open].text);
		s->markup->elements[s->open].text = NULL;
	}
	s->text_size = s->text_capacity = 0;
}

static void read_open_tag(struct scan *s)
{
	drop_text(s);
	struct vn_markup_element *element = add_element(s);
	if (!element)
		return;
	size_t index = s->markup->n - 1, n = strcspn(s->at + 1, " \t\r\n/>");
	element->name = strndup(s->at + 1, n);
	if (!element->name) {
		fail_memory(s);
		return;
	}
	s->at += 1 + n;
	while (s->status == 0) {
		const char *begin = s->at;
		s->at += strspn(s->at, blanks);
		if (*s->at == '>' || *s->at == '/' || !*s->at)
			break;
		read_attribute(s, element, begin);
	}
	if (s->status < 0)
		return;
	element->empty = *s->at == '/';
	s->at += element->empty;
	if (*s->at != '>') {
		fail(s, "cannot be followed as XML in <%.64s>", element->name);
		return;
	}
	s->at++;
	element->open_end = element->close_begin = element->end = offset(s, s->at);
	element->behind = s->markup->n;
	if (!element->empty) {
		s->open = index;
		s->depth++;
	}
}

static void read_close_tag(struct scan *s)
{
	const char *end = strchr(s->at, '>');

	if (!end || s->open == VN_MARKUP_NONE) {
		fail(s, "cannot be followed as XML");
		return;
	}
	struct vn_markup_element *element = &s->markup->elements[s->open];
	element->close_begin = offset(s, s->at);
	s->at = end + 1;
	element->end = offset(s, s->at);
	element->behind = s->markup->n;
	s->open = element->parent;
	s->depth--;
	s->text_size = s->text_capacity = 0; /* the parent's is dropped */
}

/* ---- text ---- */

static void add_text(struct scan *s, const char *from, size_t n, bool literal)
{
	if (s->open == VN_MARKUP_NONE || n == 0)
		return;
	struct vn_markup_element *element = &s->markup->elements[s->open];
	if (element->behind < s->markup->n)
		return; /* it has elements */
	if (s->text_size + n + 1 > s->text_capacity) {
		size_t capacity = 2 * s->text_capacity + n + 1;
		char *longer = realloc(element->text, capacity);
		if (!longer) {
			fail_memory(s);
			return;
		}
		element->text = longer;
		s->text_capacity = capacity;
	}
	if (literal) {
		memcpy(element->text + s->text_size, from, n);
		s->text_size += n;
		element->text[s->text_size] = 0;
	} else {
		s->text_size += resolve(from, n, false, element->text + s->text_size);
	}
}

static void skip_to(struct scan *s, const char *mark)
{
	const char *end = strstr(s->at, mark);

	s->at = end ? end + strlen(mark) : s->at + strlen(s->at);
}

static void read_one(struct scan *s)
{
	if (*s->at != '<') {
		size_t n = strcspn(s->at, "<");
		add_text(s, s->at, n, false);
		s->at += n;
	} else if (strncmp(s->at, "<!--", 4) == 0) {
		s->at += 4;
		skip_to(s, "-->");
	} else if (strncmp(s->at, "<![CDATA[", 9) == 0) {
		const char *from = s->at + 9, *end = strstr(from, "]]>");
		add_text(s, from, end ? (size_t)(end - from) : 0, true);
		skip_to(s, "]]>");
	} else if (s->at[1] == '?') {
		skip_to(s, "?>");
	} else if (s->at[1] == '/') {
		read_close_tag(s);
	} else {
		read_open_tag(s);
	}
}

int vn_markup_scan(const char *text, const char *file, struct vn_markup **ret, struct vn_error *err)
{
	vn_automarkup *markup = calloc(1, sizeof(*markup));

	if (!markup || !(markup->text = vn_copy(text)))
		return vn_error_environment(err, -ENOMEM, "out of memory");
	struct scan s = {.text = markup->text,
		.at = markup->text,
		.counted = markup->text,
		.line = 1,
		.file = file,
		.open = VN_MARKUP_NONE,
		.markup = markup,
		.err = err};
	while (*s.at && s.status == 0)
		read_one(&s);
	if (s.status == 0 && (s.open != VN_MARKUP_NONE || markup->n == 0))
		fail(&s, "cannot be followed as XML: an element does not end");
	if (s.status < 0)
		return s.status;
	*ret = vn_steal(markup);
	return 0;
}
