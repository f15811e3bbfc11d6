/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "error.h"

#include <stdio.h>
#include <string.h>

#include "text.h"

#undef vn_error_input /* the analyzer's forms: here are the functions themselves */
#undef vn_error_input_list
#undef vn_error_environment

__attribute__((format(printf, 3, 0))) static void append_problem(
	struct vn_error *err, const struct vn_where *where, const char *format, va_list args)
{
	struct vn_problem *grown = reallocarray(err->problems, err->n + 1, sizeof(*grown));
	if (!grown)
		return; /* the status still tells the caller that it failed */
	err->problems = grown;

	struct vn_problem *problem = &grown[err->n];
	*problem = (struct vn_problem){0};
	if (vasprintf(&problem->text, format, args) < 0) {
		problem->text = NULL;
		return;
	}
	if (where) {
		problem->file = vn_copy(where->file);
		problem->line = where->line;
		problem->key = vn_copy(where->key);
	}
	err->n++;
}

int vn_error_input_list(struct vn_error *err, const struct vn_where *where, const char *format, va_list args)
{
	if (err) {
		append_problem(err, where, format, args);
		err->input = true;
	}
	return -EINVAL;
}

int vn_error_input(struct vn_error *err, const struct vn_where *where, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	int r = vn_error_input_list(err, where, format, args);
	va_end(args);
	return r;
}

int vn_error_environment(struct vn_error *err, int status, const char *format, ...)
{
	if (err) {
		va_list args;
		va_start(args, format);
		append_problem(err, NULL, format, args);
		va_end(args);
	}
	return status;
}

void vn_error_move(struct vn_error *to, struct vn_error *from)
{
	if (!to) { /* then only the status counts */
		vn_error_clear(from);
		return;
	}
	struct vn_problem *grown =
		from->n ? reallocarray(to->problems, to->n + from->n, sizeof(*grown)) : NULL;
	if (grown) {
		memcpy(grown + to->n, from->problems, from->n * sizeof(*grown));
		to->problems = grown;
		to->n += from->n;
		from->n = 0; /* the strings have a new owner */
	}
	to->input |= from->input;
	vn_error_clear(from);
}

void vn_error_clear(struct vn_error *err)
{
	for (size_t i = 0; i < err->n; i++) {
		free(err->problems[i].file);
		free(err->problems[i].key);
		free(err->problems[i].text);
	}
	free(err->problems);
	*err = (struct vn_error){0};
}

static int append_note(struct vn_notes *notes, const char *code, char *text)
{
	struct vn_note *grown = text ? reallocarray(notes->v, notes->n + 1, sizeof(*grown)) : NULL;
	if (!grown) {
		free(text);
		return -ENOMEM;
	}
	notes->v = grown;
	snprintf(grown[notes->n].code, sizeof(grown[notes->n].code), "%s", code);
	grown[notes->n++].text = text;
	return 0;
}

int vn_notes_add(struct vn_notes *notes, const char *code, const char *format, ...)
{
	char *text = NULL;
	va_list args;
	va_start(args, format);
	int n = vasprintf(&text, format, args);
	va_end(args);
	return append_note(notes, code, n < 0 ? NULL : text);
}

bool vn_notes_has(const struct vn_notes *notes, const char *code)
{
	for (size_t i = 0; i < notes->n; i++) {
		if (strcmp(notes->v[i].code, code) == 0)
			return true;
	}
	return false;
}

void vn_notes_drop(struct vn_notes *notes, const char *code)
{
	size_t kept = 0;

	for (size_t i = 0; i < notes->n; i++) {
		if (strcmp(notes->v[i].code, code) == 0)
			free(notes->v[i].text);
		else
			notes->v[kept++] = notes->v[i];
	}
	notes->n = kept;
}

int vn_notes_copy(struct vn_notes *to, const struct vn_notes *from)
{
	for (size_t i = 0; i < from->n; i++) {
		int r = append_note(to, from->v[i].code, vn_copy(from->v[i].text));
		if (r < 0)
			return r;
	}
	return 0;
}

void vn_notes_clear(struct vn_notes *notes)
{
	for (size_t i = 0; i < notes->n; i++)
		free(notes->v[i].text);
	free(notes->v);
	*notes = (struct vn_notes){0};
}
