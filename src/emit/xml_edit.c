/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: each change is a splice at a place of the text as it was read. They are sorted when all are known, and what is
 * between them is copied. What is put in is indented as its neighbour is; beside one that shares its line with others it gets no lines
 * of its own either.
 */
#define _GNU_SOURCE
#include "xml_edit.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "../base/text.h"
#include "xml.h"

/* ---- where things stand ---- */

/* Of the white space before an element, back to its line's beginning; false when something else is there. */
static bool own_line(const struct vn_markup *doc, size_t element, size_t *ret_start)
{
	size_t at = doc->elements[element].begin;

	while (at > 0 && strchr(" \t", doc->text[at - 1]))
		at--;
	*ret_start = at;
	return at == 0 || doc->text[at - 1] == '\n';
}

/* What stands before an element on its line, if that is white space; NULL when it is not, or memory is short. */
static char *indent_of(struct vn_xml_edit *edit, size_t element)
{
	size_t start;

	if (!own_line(edit->doc, element, &start))
		return NULL;
	char *indent = strndup(edit->doc->text + start, edit->doc->elements[element].begin - start);
	edit->short_of_memory |= !indent;
	return indent;
}

/* Two spaces, unless the root's first child shows something else. */
static char *find_step(struct vn_xml_edit *edit)
{
	size_t child = vn_markup_child(edit->doc, 0, NULL);
	vn_autofree char *outer = indent_of(edit, 0);
	vn_autofree char *inner = child == VN_MARKUP_NONE ? NULL : indent_of(edit, child);
	size_t n = outer ? strlen(outer) : 0;

	if (inner && strlen(inner) > n && strncmp(inner, outer ? outer : "", n) == 0)
		return vn_copy(inner + n);
	return vn_copy("  ");
}

void vn_xml_edit_init(struct vn_xml_edit *edit, const struct vn_markup *doc)
{
	const char *line = strchr(doc->text, '\n');

	*edit = (struct vn_xml_edit){.doc = doc};
	edit->eol = line && line > doc->text && line[-1] == '\r' ? "\r\n" : "\n";
	edit->step = find_step(edit);
	edit->short_of_memory |= !edit->step;
}

void vn_xml_edit_clear(struct vn_xml_edit *edit)
{
	for (size_t i = 0; i < edit->n; i++) {
		free(edit->splices[i].text);
		free(edit->splices[i].block);
	}
	free(edit->splices);
	free(edit->step);
	*edit = (struct vn_xml_edit){0};
}

/* ---- changes ---- */

/* Takes `text` over. */
static void add(struct vn_xml_edit *edit, size_t at, size_t remove, char *text)
{
	if (text && edit->n == edit->capacity) {
		size_t capacity = edit->capacity ? 2 * edit->capacity : 32;
		void *grown = reallocarray(edit->splices, capacity, sizeof(*edit->splices));
		if (grown) {
			edit->splices = grown;
			edit->capacity = capacity;
		}
	}
	if (!text || edit->n == edit->capacity) {
		edit->short_of_memory = true;
		free(text);
		return;
	}
	edit->splices[edit->n] = (struct vn_splice){at, remove, edit->n, text, NULL};
	edit->n++;
}

static char *escaped(const char *value)
{
	char *text = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);

	if (!out)
		return NULL;
	vn_xml_escape(value, SIZE_MAX, out);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

void vn_xml_edit_set(struct vn_xml_edit *edit, size_t element, const char *name, const char *value)
{
	const struct vn_markup_attribute *attribute = vn_markup_attribute(edit->doc, element, name);
	const struct vn_markup_element *e = &edit->doc->elements[element];

	if (!value) { /* memory was short where it was made */
		edit->short_of_memory = true;
		return;
	}
	if (attribute && strcmp(attribute->value, value) == 0)
		return;
	vn_autofree char *text = escaped(value);
	if (attribute) {
		add(edit, attribute->value_begin, attribute->value_end - attribute->value_begin,
			vn_steal(text));
		return;
	}
	size_t at = e->n_attributes ? e->attributes[e->n_attributes - 1].end : e->begin + 1 + strlen(e->name);
	add(edit, at, 0, text ? vn_format(" %s='%s'", name, text) : NULL);
}

void vn_xml_edit_text(struct vn_xml_edit *edit, size_t element, const char *text)
{
	const struct vn_markup_element *e = &edit->doc->elements[element];

	if (!text) { /* memory was short where it was made */
		edit->short_of_memory = true;
		return;
	}
	if (e->text && strcmp(e->text, text) != 0)
		add(edit, e->open_end, e->close_begin - e->open_end, escaped(text));
}

void vn_xml_edit_unset(struct vn_xml_edit *edit, size_t element, const char *name)
{
	const struct vn_markup_attribute *attribute = vn_markup_attribute(edit->doc, element, name);

	if (attribute)
		add(edit, attribute->begin, attribute->end - attribute->begin, vn_copy(""));
}

/* A block's lines, each behind a line's end and indented; without `indent` all on one line. */
static void put_block(struct vn_xml_edit *edit, const char *block, const char *indent, bool inner, FILE *out)
{
	while (*block) {
		size_t tabs = strspn(block, "\t"), n = strcspn(block += tabs, "\n");
		if (indent) {
			fprintf(out, "%s%s", edit->eol, indent);
			for (size_t i = 0; i < tabs + inner; i++)
				fputs(edit->step, out);
		}
		fwrite(block, 1, n, out);
		block += n + (block[n] == '\n');
	}
}

/* Behind what follows on the same line, if that is white space and comments. */
static size_t behind_comments(const char *text, size_t end)
{
	const char *at = text + end;

	for (;;) {
		at += strspn(at, " \t");
		const char *stop = strncmp(at, "<!--", 4) == 0 ? strstr(at, "-->") : NULL;
		if (!stop || memchr(at, '\n', (size_t)(stop - at)))
			break;
		at = stop + 3;
	}
	bool line_ends = *at == '\n' || (*at == '\r' && at[1] == '\n');
	while (line_ends && strchr(" \t", at[-1]))
		at--;
	return line_ends ? (size_t)(at - text) : end;
}

void vn_xml_edit_after(struct vn_xml_edit *edit, size_t element, const char *block)
{
	vn_autofree char *indent = indent_of(edit, element);
	size_t end = edit->doc->elements[element].end, n = 0;
	char *text = NULL;
	FILE *out = open_memstream(&text, &n);

	if (!out) {
		edit->short_of_memory = true;
		return;
	}
	put_block(edit, block, indent, false, out);
	fclose(out);
	add(edit, indent ? behind_comments(edit->doc->text, end) : end, 0, text);
}

/* What fills an element already, by the end of its opening tag; NULL: nothing does. */
static struct vn_splice *find_fill(struct vn_xml_edit *edit, size_t open_end)
{
	for (size_t i = 0; i < edit->n; i++) {
		struct vn_splice *splice = &edit->splices[i];
		if (splice->block && splice->at + splice->remove == open_end)
			return splice;
	}
	return NULL;
}

/* Into an element that has none yet, or but what was put there before: that and this become one. */
static void fill(struct vn_xml_edit *edit, size_t element, const char *block)
{
	const struct vn_markup_element *e = &edit->doc->elements[element];
	const char *content = edit->doc->text + e->open_end;
	struct vn_splice *before = find_fill(edit, e->open_end);
	vn_autofree char *both = before ? vn_format("%s\n%s", before->block, block) : vn_copy(block);
	vn_autofree char *indent = indent_of(edit, element);
	bool closes_below = memchr(content, '\n', e->close_begin - e->open_end);
	char *text = NULL;
	size_t n = 0, at = e->open_end;
	FILE *out = open_memstream(&text, &n);

	if (!out || !both) {
		if (out)
			fclose(out);
		free(text);
		edit->short_of_memory = true;
		return;
	}
	if (e->empty)
		fputc('>', out);
	put_block(edit, both, indent, true, out);
	if (indent && !closes_below)
		fprintf(out, "%s%s", edit->eol, indent);
	if (e->empty)
		fprintf(out, "</%s>", e->name);
	fclose(out);
	if (before) {
		free(before->text);
		free(before->block);
		before->text = text;
		before->block = vn_steal(both);
		return;
	}
	while (e->empty && strchr(" \t\r\n/>", edit->doc->text[at - 1]))
		at--;
	size_t last = edit->n;
	add(edit, at, e->open_end - at, text);
	if (edit->n > last)
		edit->splices[last].block = vn_steal(both);
}

void vn_xml_edit_inside(struct vn_xml_edit *edit, size_t element, const char *block)
{
	size_t last = VN_MARKUP_NONE;

	for (size_t i = vn_markup_child(edit->doc, element, NULL); i != VN_MARKUP_NONE;
		i = vn_markup_next(edit->doc, i, NULL))
		last = i;
	if (last != VN_MARKUP_NONE)
		vn_xml_edit_after(edit, last, block);
	else
		fill(edit, element, block);
}

void vn_xml_edit_remove(struct vn_xml_edit *edit, size_t element)
{
	const struct vn_markup *doc = edit->doc;
	size_t start, end = doc->elements[element].end;
	bool own = own_line(doc, element, &start);

	if (!own || start == 0) {
		start = doc->elements[element].begin;
	} else {
		start--; /* the line's end before it */
		start -= start > 0 && doc->text[start - 1] == '\r';
	}
	add(edit, start, end - start, vn_copy(""));
}

/* ---- the result ---- */

static int by_place(const void *a, const void *b)
{
	const struct vn_splice *x = a, *y = b;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	return x->order < y->order ? -1 : 1;
}

char *vn_xml_edit_result(struct vn_xml_edit *edit)
{
	const char *from = edit->doc->text;
	char *text = NULL;
	size_t n = 0, at = 0;
	FILE *out = edit->short_of_memory ? NULL : open_memstream(&text, &n);

	if (!out)
		return NULL;
	if (edit->n)
		qsort(edit->splices, edit->n, sizeof(*edit->splices), by_place);
	for (size_t i = 0; i < edit->n; i++) {
		const struct vn_splice *splice = &edit->splices[i];
		if (splice->at > at)
			fwrite(from + at, 1, splice->at - at, out);
		fputs(splice->text, out);
		if (splice->at + splice->remove > at)
			at = splice->at + splice->remove;
	}
	fputs(from + at, out);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}
