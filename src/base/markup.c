/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 *
 * The text comes from anybody, and must come back unchanged but for a few places. So three look at it, one after the other:
 *
 * The first look is at the bytes: UTF-8, and no `<!` but of a comment or CDATA, no `&` but of the five names of XML or of a
 * character. So there is no declaration to believe and no entity to expand, whatever libxml2's version and settings. XInclude
 * is never followed; it is refused all the same, for what it says would be missing.
 *
 * Then libxml2 decides whether it is well-formed XML. Not one of its structs is looked into but xmlError: it is loaded at run time, and
 * they differ between libxml2.so.2 and libxml2.so.16.
 *
 * Only then markup_scan.c notes where things stand. It needs few rules, as the text is known to be well-formed. Where it cannot follow,
 * the text is refused, too.
 */
#include "markup_scan.h"

#include <libxml/xmlreader.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "library.h"
#include "parse.h"
#include "text.h"

struct xml_calls {
	__typeof__(xmlReaderForMemory) *xmlReaderForMemory;
	__typeof__(xmlFreeTextReader) *xmlFreeTextReader;
	__typeof__(xmlTextReaderRead) *xmlTextReaderRead;
	__typeof__(xmlTextReaderDepth) *xmlTextReaderDepth;
	__typeof__(xmlTextReaderSetStructuredErrorHandler) *xmlTextReaderSetStructuredErrorHandler;
};

#define SYMBOL(function) VN_SYMBOL(struct xml_calls, function)
static const struct vn_symbol symbols[] = {SYMBOL(xmlReaderForMemory), SYMBOL(xmlFreeTextReader),
	SYMBOL(xmlTextReaderRead), SYMBOL(xmlTextReaderDepth), SYMBOL(xmlTextReaderSetStructuredErrorHandler),
	{0}};

static const char *const libraries[] = {"libxml2.so.2", "libxml2.so.16", "libxml2.so", NULL};

void vn_markup_free(struct vn_markup *markup)
{
	if (!markup)
		return;
	for (size_t i = 0; i < markup->n; i++) {
		struct vn_markup_element *element = &markup->elements[i];
		for (size_t k = 0; k < element->n_attributes; k++) {
			free(element->attributes[k].name);
			free(element->attributes[k].value);
		}
		free(element->attributes);
		free(element->name);
		free(element->text);
	}
	free(markup->elements);
	free(markup->text);
	free(markup);
}

/* ---- the look at the bytes ---- */

static unsigned line_of(const char *text, const char *at)
{
	unsigned line = 1;

	for (const char *p = text; p < at; p++)
		line += *p == '\n';
	return line;
}

static int refuse(
	const char *text, const char *at, const char *file, const char *problem, struct vn_error *err)
{
	struct vn_where where = {file, line_of(text, at), NULL};

	return vn_error_input(err, &where, "%s", problem);
}

/* libxml2 tells of bad characters on stderr, whatever handler it has: it gets none. */
static int look_at_characters(const char *text, const char *file, struct vn_error *err)
{
	for (const char *at = text; *at;) {
		size_t length = vn_utf8_length(at);
		if (length == 0)
			return refuse(text, at, file, "a byte that is no UTF-8; expected XML in UTF-8", err);
		at += length;
	}
	return 0;
}

static bool is_plain_reference(const char *at)
{
	static const char *const names[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&apos;", "&#"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strncmp(at, names[i], strlen(names[i])) == 0)
			return true;
	}
	return false;
}

/* What the declaration at the top says of the encoding must be true: we read UTF-8, whatever it says. */
static bool encoding_is_good(const char *declaration, const char *end)
{
	const char *at = strstr(declaration, "encoding");

	if (!at || at >= end)
		return true;
	at += strlen("encoding");
	at += strspn(at, " \t\r\n=");
	if (*at != '"' && *at != '\'')
		return true; /* libxml2 will tell */
	size_t n = strcspn(at + 1, "\"'");
	return (n == 5 && strncasecmp(at + 1, "UTF-8", n) == 0) ||
	       (n == 8 && strncasecmp(at + 1, "US-ASCII", n) == 0) ||
	       (n == 5 && strncasecmp(at + 1, "ASCII", n) == 0);
}

/* Behind what starts with `<!` or `<?` at `at`; NULL after a problem. */
static const char *skip_declaration(const char *text, const char *at, const char *file, struct vn_error *err)
{
	const char *end;

	if (strncmp(at, "<!--", 4) == 0)
		end = strstr(at + 4, "-->");
	else if (strncmp(at, "<![CDATA[", 9) == 0)
		end = strstr(at + 9, "]]>");
	else if (at[1] == '?')
		end = strstr(at + 2, "?>");
	else {
		refuse(text, at, file,
			strncmp(at, "<!DOCTYPE", 9) == 0
				? "a document type declaration; expected none, as no libvirt domain has one"
				: "a declaration; expected none but comments and CDATA",
			err);
		return NULL;
	}
	if (!end)
		refuse(text, at, file, "a comment, CDATA or instruction that does not end", err);
	else if (strncmp(at, "<?xml", 5) == 0 && !encoding_is_good(at, end)) {
		refuse(text, at, file, "an encoding other than UTF-8 is declared; expected UTF-8", err);
		return NULL;
	}
	return end ? end + (at[1] == '?' ? 2 : 3) : NULL;
}

static int look_at_bytes(const char *text, const char *file, struct vn_error *err)
{
	int r = 0;

	for (const char *at = text + strcspn(text, "<&"); *at; at += strcspn(at, "<&")) {
		if (*at == '<' && (at[1] == '!' || at[1] == '?')) {
			at = skip_declaration(text, at, file, err);
			if (!at)
				return -EINVAL;
			continue;
		}
		if (*at == '&' && !is_plain_reference(at))
			r = refuse(text, at, file,
				"an entity is used; expected none but those of XML itself (&amp; &lt; &gt; &quot; &apos;)",
				err);
		if (r < 0)
			return r; /* a bomb has thousands of them */
		at++;
	}
	return r;
}

/* ---- libxml2 ---- */

struct hearing {
	const char *file;
	struct vn_error *err;
	bool told;
};

/* libxml2 2.14 made the second argument const; both forms are called alike. */
static void hear_error(void *data, xmlErrorPtr error)
{
	struct hearing *hearing = data;
	char message[160] = "";

	if (!error || error->level < XML_ERR_ERROR || hearing->told)
		return; /* the first one counts: the others follow from it */
	if (error->domain == XML_FROM_NAMESPACE)
		return; /* libvirt takes an undeclared prefix, too */
	hearing->told = true;
	struct vn_where where = {hearing->file, error->line > 0 ? (unsigned)error->line : 0, NULL};
	snprintf(message, sizeof(message), "%s", error->message ? error->message : "");
	message[strcspn(message, "\n")] = '\0';
	for (char *c = message; *c; c++)
		*c = *c >= ' ' && *c <= '~' ? *c : '?'; /* it may quote the text */
	vn_error_input(hearing->err, &where, "is no well-formed XML: %s", message);
}

static int check_well_formed(const char *text, const char *file, struct vn_error *err)
{
	struct hearing hearing = {file, err, false};
	struct xml_calls xml;
	int more, depth = 0;

	int r = vn_library_load(libraries, "reading XML", symbols, &xml, err);
	if (r < 0)
		return r;
	xmlTextReaderPtr reader = xml.xmlReaderForMemory(text, (int)strlen(text), NULL, "UTF-8",
		XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_COMPACT |
			XML_PARSE_BIG_LINES);
	if (!reader)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	xml.xmlTextReaderSetStructuredErrorHandler(reader, (xmlStructuredErrorFunc)hear_error, &hearing);
	while ((more = xml.xmlTextReaderRead(reader)) == 1 && depth <= VN_MARKUP_DEPTH)
		depth = xml.xmlTextReaderDepth(reader);
	xml.xmlFreeTextReader(reader);
	struct vn_where where = {file, 0, NULL};
	if (depth > VN_MARKUP_DEPTH)
		return vn_error_input(
			err, &where, "elements are nested deeper than %d; expected less", VN_MARKUP_DEPTH);
	if (hearing.told)
		return -EINVAL;
	return more < 0 ? vn_error_input(err, &where, "is no well-formed XML") : 0;
}

int vn_markup_read(const char *text, const char *file, struct vn_markup **ret, struct vn_error *err)
{
	struct vn_where where = {file, 0, NULL};

	if (!*text || strlen(text) > INT32_MAX)
		return vn_error_input(err, &where, "is empty or too long; expected XML");
	int r = look_at_characters(text, file, err);
	if (r == 0)
		r = look_at_bytes(text, file, err);
	if (r == 0)
		r = check_well_formed(text, file, err);
	return r < 0 ? r : vn_markup_scan(text, file, ret, err);
}

/* ---- asking ---- */

const struct vn_markup_attribute *vn_markup_attribute(
	const struct vn_markup *markup, size_t element, const char *name)
{
	if (element == VN_MARKUP_NONE)
		return NULL;
	for (size_t i = 0; i < markup->elements[element].n_attributes; i++) {
		if (strcmp(markup->elements[element].attributes[i].name, name) == 0)
			return &markup->elements[element].attributes[i];
	}
	return NULL;
}

const char *vn_markup_get(const struct vn_markup *markup, size_t element, const char *name)
{
	const struct vn_markup_attribute *attribute = vn_markup_attribute(markup, element, name);

	return attribute ? attribute->value : NULL;
}

/* The first element of that name from `i` on, up to `end`, going from one to the next beside it. */
static size_t find_beside(const struct vn_markup *markup, size_t i, size_t end, const char *name)
{
	for (; i < end; i = markup->elements[i].behind) {
		if (!name || strcmp(markup->elements[i].name, name) == 0)
			return i;
	}
	return VN_MARKUP_NONE;
}

size_t vn_markup_child(const struct vn_markup *markup, size_t element, const char *name)
{
	if (element == VN_MARKUP_NONE)
		return VN_MARKUP_NONE;
	return find_beside(markup, element + 1, markup->elements[element].behind, name);
}

size_t vn_markup_next(const struct vn_markup *markup, size_t element, const char *name)
{
	if (element == VN_MARKUP_NONE)
		return VN_MARKUP_NONE;
	const struct vn_markup_element *e = &markup->elements[element];
	size_t end = e->parent == VN_MARKUP_NONE ? markup->n : markup->elements[e->parent].behind;
	return find_beside(markup, e->behind, end, name);
}

size_t vn_markup_find(const struct vn_markup *markup, size_t element, const char *path)
{
	char name[64];

	while (element != VN_MARKUP_NONE && *path) {
		size_t n = strcspn(path, "/");
		if (n >= sizeof(name))
			return VN_MARKUP_NONE;
		memcpy(name, path, n);
		name[n] = 0;
		element = vn_markup_child(markup, element, name);
		path += n + (path[n] == '/');
	}
	return element;
}

/* Its place among those of its name in the same parent, from 1; 0 when it is alone. */
static size_t place_among(const struct vn_markup *markup, size_t element)
{
	const struct vn_markup_element *e = &markup->elements[element];
	size_t n = 0, place = 0;

	for (size_t i = vn_markup_child(markup, e->parent, e->name); i != VN_MARKUP_NONE;
		i = vn_markup_next(markup, i, e->name)) {
		n++;
		if (i == element)
			place = n;
	}
	return n > 1 ? place : 0;
}

char *vn_markup_path(const struct vn_markup *markup, size_t element)
{
	char *path = vn_copy("");

	for (; path && element != VN_MARKUP_NONE && markup->elements[element].parent != VN_MARKUP_NONE;
		element = markup->elements[element].parent) {
		size_t place = place_among(markup, element);
		const char *slash = *path ? "/" : "";
		char *longer = place ? vn_format("%.64s[%zu]%s%s", markup->elements[element].name, place,
					       slash, path)
				     : vn_format("%.64s%s%s", markup->elements[element].name, slash, path);
		free(path);
		path = longer;
	}
	return path;
}
