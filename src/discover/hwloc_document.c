/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 *
 * The text comes from anybody. libxml2 reads it, but what makes XML dangerous is refused before libxml2 sees it, by looking
 * at the bytes: every `<!` must begin a comment or a plain DOCTYPE without internal subset, and every `&` one of the five
 * names of XML or a character. So there is no entity to expand and no declaration to believe, whatever libxml2's version and
 * settings. That holds only if libxml2 sees the same characters: it is told UTF-8, which outweighs what the text declares
 * (and the text has no NUL byte, which rules out UTF-16 and -32).
 *
 * Only functions of libxml2 are called, none of its structs is looked into but xmlError: the library is loaded at run time,
 * and its structs differ between libxml2.so.2 and libxml2.so.16.
 */
#include "hwloc_document.h"

#include <libxml/xmlreader.h>
#include <stdint.h>
#include <string.h>

#include "../base/library.h"
#include "../base/parse.h"
#include "../base/text.h"

#define MAX_DEPTH                                                                                            \
	128 /* a real one: package, die, group, four caches, core, PU, or bridges behind bridges: about 20 */
#define MAX_ELEMENTS 1000000u
#define MAX_ATTRIBUTES 32
#define MAX_VALUE 65536u /* the set of 65536 CPUs, written with commas, has 22530 characters */

struct xml_calls {
	__typeof__(xmlReaderForMemory) *xmlReaderForMemory;
	__typeof__(xmlFreeTextReader) *xmlFreeTextReader;
	__typeof__(xmlTextReaderRead) *xmlTextReaderRead;
	__typeof__(xmlTextReaderNodeType) *xmlTextReaderNodeType;
	__typeof__(xmlTextReaderDepth) *xmlTextReaderDepth;
	__typeof__(xmlTextReaderConstName) *xmlTextReaderConstName;
	__typeof__(xmlTextReaderConstValue) *xmlTextReaderConstValue;
	__typeof__(xmlTextReaderIsEmptyElement) *xmlTextReaderIsEmptyElement;
	__typeof__(xmlTextReaderMoveToNextAttribute) *xmlTextReaderMoveToNextAttribute;
	__typeof__(xmlTextReaderMoveToElement) *xmlTextReaderMoveToElement;
	__typeof__(xmlTextReaderCurrentNode) *xmlTextReaderCurrentNode;
	__typeof__(xmlGetLineNo) *xmlGetLineNo;
	__typeof__(xmlTextReaderSetStructuredErrorHandler) *xmlTextReaderSetStructuredErrorHandler;
};

#define SYMBOL(function) VN_SYMBOL(struct xml_calls, function)
static const struct vn_symbol symbols[] = {SYMBOL(xmlReaderForMemory), SYMBOL(xmlFreeTextReader),
	SYMBOL(xmlTextReaderRead), SYMBOL(xmlTextReaderNodeType), SYMBOL(xmlTextReaderDepth),
	SYMBOL(xmlTextReaderConstName), SYMBOL(xmlTextReaderConstValue), SYMBOL(xmlTextReaderIsEmptyElement),
	SYMBOL(xmlTextReaderMoveToNextAttribute), SYMBOL(xmlTextReaderMoveToElement),
	SYMBOL(xmlTextReaderCurrentNode), SYMBOL(xmlGetLineNo),
	SYMBOL(xmlTextReaderSetStructuredErrorHandler), {0}};

static const char *const libraries[] = {"libxml2.so.2", "libxml2.so.16", "libxml2.so", NULL};

struct reading {
	struct xml_calls xml;
	xmlTextReaderPtr reader;
	const char *file;
	struct vn_element *root, *open; /* `open`: the element whose children come next */
	size_t n_elements;
	struct vn_error *err;
	bool told; /* libxml2's own complaint */
};

void vn_element_free(struct vn_element *element)
{
	/* without recursion: leaves first, back to the parent when there is no child left */
	struct vn_element *at = element;

	while (at) {
		if (at->first_child) {
			struct vn_element *child = at->first_child;
			at->first_child = child->next;
			at = child;
			continue;
		}
		struct vn_element *parent = at == element ? NULL : at->parent;
		for (size_t i = 0; i < at->n_attributes; i++) {
			free(at->attributes[i].name);
			free(at->attributes[i].value);
		}
		free(at->attributes);
		free(at->name);
		free(at->text);
		free(at);
		at = parent;
	}
}

const char *vn_element_get(const struct vn_element *element, const char *name)
{
	for (size_t i = 0; i < element->n_attributes; i++) {
		if (strcmp(element->attributes[i].name, name) == 0)
			return element->attributes[i].value;
	}
	return NULL;
}

/* ---- the look at the bytes ---- */

static unsigned line_of(const char *text, const char *at)
{
	unsigned line = 1;
	for (const char *p = text; p < at; p++)
		line += *p == '\n';
	return line;
}

/* Nothing that a terminal acts on, nor half a character when cut. All of hwloc's own names and values are such. */
static bool is_plain(char c)
{
	return c >= ' ' && c <= '~';
}

static bool is_plain_text(const char *text, bool with_lines)
{
	for (; *text; text++) {
		if (!is_plain(*text) && !(with_lines && strchr("\n\r\t", *text)))
			return false;
	}
	return true;
}

/* What firmware and programs said of themselves: may hold anything, and is not looked at. */
static bool is_ignored(const char *element)
{
	return strcmp(element, "info") == 0 || strcmp(element, "userdata") == 0;
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

/* Behind a comment or a DOCTYPE that starts at `at`; NULL when it is neither or does not end. */
static const char *skip_declaration(const char *at, bool *seen_doctype)
{
	if (strncmp(at, "<!--", 4) == 0) {
		const char *end = strstr(at + 4, "-->");
		return end ? end + 3 : NULL;
	}
	if (strncmp(at, "<!DOCTYPE", 9) != 0 || *seen_doctype)
		return NULL;
	*seen_doctype = true;
	const char *end = at + strcspn(at, ">[");
	return *end == '>' ? end + 1 : NULL;
}

/* libxml2 tells of bad characters on stderr, whatever handler it has: it gets none. */
static int look_at_characters(const char *text, const char *file, struct vn_error *err)
{
	for (const char *at = text; *at;) {
		size_t length = vn_utf8_length(at);
		if (length == 0) {
			struct vn_where where = {file, line_of(text, at), NULL};
			return vn_error_input(
				err, &where, "a byte that is no UTF-8; expected what lstopo writes");
		}
		at += length;
	}
	return 0;
}

static int look_at_bytes(const char *text, const char *file, struct vn_error *err)
{
	bool seen_doctype = false;

	for (const char *at = text + strcspn(text, "<&"); *at; at += strcspn(at, "<&")) {
		struct vn_where where = {file, 0, NULL};
		if (*at == '&' && !is_plain_reference(at)) {
			where.line = line_of(text, at);
			return vn_error_input(err, &where,
				"an entity is used; expected none but those of XML itself (&amp; &lt; &gt; &quot; &apos;)");
		}
		if (*at == '<' && at[1] == '!') {
			const char *end = skip_declaration(at, &seen_doctype);
			if (!end) {
				where.line = line_of(text, at);
				return vn_error_input(err, &where,
					"a declaration that hwloc does not write; expected at most <!DOCTYPE topology SYSTEM "
					"\"hwloc2.dtd\">");
			}
			at = end;
			continue;
		}
		at++;
	}
	return 0;
}

/* ---- libxml2 ---- */

/* Of the node that is being read; the parser's own position is some hundred bytes ahead. 0: not known. */
static unsigned line_now(struct reading *r)
{
	xmlNodePtr node = r->xml.xmlTextReaderCurrentNode(r->reader);
	long line = node ? r->xml.xmlGetLineNo(node) : 0;
	return line > 0 && line <= INT32_MAX ? (unsigned)line : 0;
}

static int complain(struct reading *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int complain(struct reading *r, const char *format, ...)
{
	struct vn_where where = {r->file, line_now(r), NULL};
	va_list args;

	va_start(args, format);
	int status = vn_error_input_list(r->err, &where, format, args);
	va_end(args);
	return status;
}

static int no_memory(struct reading *r)
{
	return vn_error_environment(r->err, -ENOMEM, "out of memory");
}

/* libxml2 14 made the second argument const; both forms are called alike. */
static void hear_error(void *data, xmlErrorPtr error)
{
	struct reading *r = data;

	if (!error || error->level < XML_ERR_ERROR || r->told)
		return; /* the first error is the one that counts: the others follow from it */
	r->told = true;
	struct vn_where where = {r->file, error->line > 0 ? (unsigned)error->line : 0, NULL};
	char message[160] = "";
	snprintf(message, sizeof(message), "%s", error->message ? error->message : "");
	message[strcspn(message, "\n")] = '\0';
	for (char *c = message; *c; c++)
		*c = is_plain(*c) ? *c : '?'; /* it may quote the text */
	vn_error_input(r->err, &where, "is no well-formed XML: %s; expected what lstopo writes", message);
}

static struct vn_element *new_element(struct reading *r)
{
	const char *name = (const char *)r->xml.xmlTextReaderConstName(r->reader);
	struct vn_element *element = calloc(1, sizeof(*element));

	if (!element)
		return NULL;
	element->name = strdup(name && is_plain_text(name, false) ? name : "?");
	element->line = line_now(r);
	element->parent = r->open;
	if (!r->open)
		r->root = element;
	else if (r->open->last_child)
		r->open->last_child->next = element;
	else
		r->open->first_child = element;
	if (r->open)
		r->open->last_child = element;
	return element->name ? element : NULL;
}

static int add_attributes(struct reading *r, struct vn_element *element)
{
	struct vn_attribute list[MAX_ATTRIBUTES];
	size_t n = 0;
	int status = 0;

	while (status == 0 && r->xml.xmlTextReaderMoveToNextAttribute(r->reader) == 1) {
		const char *name = (const char *)r->xml.xmlTextReaderConstName(r->reader);
		const char *value = (const char *)r->xml.xmlTextReaderConstValue(r->reader);
		if (n == MAX_ATTRIBUTES)
			status = complain(
				r, "<%.64s> has more than %u attributes", element->name, MAX_ATTRIBUTES);
		else if (value && strlen(value) >= MAX_VALUE)
			status = complain(r, "<%.64s> has a value of %zu characters; expected less than %u",
				element->name, strlen(value), MAX_VALUE);
		else if (!is_plain_text(name ? name : "", false) || !is_plain_text(value ? value : "", false))
			status = complain(r,
				"<%.64s> has an attribute with characters beyond ASCII; expected none",
				element->name);
		else {
			list[n] = (struct vn_attribute){strdup(name ? name : ""), strdup(value ? value : "")};
			if (!list[n].name || !list[n].value)
				status = no_memory(r);
			n++;
		}
	}
	r->xml.xmlTextReaderMoveToElement(r->reader);
	element->attributes = calloc(n + 1, sizeof(*list));
	if (!element->attributes) {
		for (size_t i = 0; i < n; i++) {
			free(list[i].name);
			free(list[i].value);
		}
		return no_memory(r);
	}
	memcpy(element->attributes, list, n * sizeof(*list));
	element->n_attributes = n;
	return status;
}

static int take_element(struct reading *r)
{
	if (++r->n_elements > MAX_ELEMENTS)
		return complain(r, "more than %u elements; expected fewer", MAX_ELEMENTS);
	if (r->xml.xmlTextReaderDepth(r->reader) >= MAX_DEPTH)
		return complain(r, "elements are nested deeper than %d; expected less", MAX_DEPTH);
	struct vn_element *element = new_element(r);
	if (!element)
		return no_memory(r);
	int status = is_ignored(element->name) ? 0 : add_attributes(r, element);
	if (!r->xml.xmlTextReaderIsEmptyElement(r->reader))
		r->open = element;
	return status;
}

static int take_text(struct reading *r)
{
	const char *value = (const char *)r->xml.xmlTextReaderConstValue(r->reader);

	if (!r->open || !value || is_ignored(r->open->name))
		return 0;
	if (!is_plain_text(value, true))
		return complain(
			r, "<%.64s> has a text with characters beyond ASCII; expected none", r->open->name);
	/* an element with text in several pieces keeps the first: no element of hwloc's has children beside text */
	if (r->open->text)
		return 0;
	r->open->text = strdup(value);
	return r->open->text ? 0 : no_memory(r);
}

static int take_node(struct reading *r)
{
	switch (r->xml.xmlTextReaderNodeType(r->reader)) {
	case XML_READER_TYPE_ELEMENT:
		return take_element(r);
	case XML_READER_TYPE_END_ELEMENT:
		r->open = r->open ? r->open->parent : NULL;
		return 0;
	case XML_READER_TYPE_TEXT:
		return take_text(r);
	case XML_READER_TYPE_ENTITY_REFERENCE:
	case XML_READER_TYPE_ENTITY:
		return complain(r,
			"an entity is used; expected none"); /* the look at the bytes has refused it already */
	default:
		return 0;
	}
}

static int read_nodes(struct reading *r)
{
	int more, status = 0;

	while ((more = r->xml.xmlTextReaderRead(r->reader)) == 1) {
		status = take_node(r);
		if (status < 0)
			return status;
	}
	if (r->told)
		return -EINVAL;
	if (more < 0 || !r->root)
		return complain(r, "is no well-formed XML; expected what lstopo writes");
	return 0;
}

int vn_document_read(const char *text, const char *file, struct vn_element **ret_root, struct vn_error *err)
{
	struct reading r = {.file = file, .err = err};
	size_t length = strlen(text);
	int status = look_at_characters(text, file, err);

	if (status == 0)
		status = look_at_bytes(text, file, err);
	if (status < 0)
		return status;
	if (length == 0 || length > INT32_MAX) {
		struct vn_where where = {file, 0, NULL};
		return vn_error_input(err, &where, "is empty; expected the XML of hwloc (lstopo FILE.xml)");
	}
	status = vn_library_load(libraries, "reading hwloc XML", symbols, &r.xml, err);
	if (status < 0)
		return status;
	r.reader = r.xml.xmlReaderForMemory(text, (int)length, NULL, "UTF-8",
		XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_NOBLANKS |
			XML_PARSE_COMPACT | XML_PARSE_BIG_LINES);
	if (!r.reader)
		return no_memory(&r);
	r.xml.xmlTextReaderSetStructuredErrorHandler(r.reader, (xmlStructuredErrorFunc)hear_error, &r);
	status = read_nodes(&r);
	r.xml.xmlFreeTextReader(r.reader);
	if (status == 0)
		*ret_root = r.root;
	else
		vn_element_free(r.root);
	return status;
}
