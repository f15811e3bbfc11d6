/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The error object: what was wrong, all of it, in words a user can act on.
 *
 * Every function that can fail takes a `struct vn_error *` last, returns a negative errno, and adds one
 * problem per thing that is wrong. Success leaves the object untouched. A problem is either the user's
 * (`vn_error_input`: exit status 2) or the environment's (`vn_error_environment`: exit status 3); an object
 * holding both counts as input. Warnings of a stage that went on in spite of something are kept in the same
 * form (`struct vn_notes`).
 */

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "cleanup.h"

/* Where in an input a problem lies. `file` may be NULL, `line` 0 and `key` NULL when they are not known. */
struct vn_where {
	const char *file;
	unsigned line; /* counted from 1 */
	const char *key;
};

struct vn_problem {
	char *file; /* owned, or NULL */
	unsigned line;
	char *key; /* owned, or NULL */
	char *text; /* owned: value seen and what was expected */
};

struct vn_error {
	bool input; /* at least one problem is the input's */
	size_t n;
	struct vn_problem *problems; /* n of them, in the order found */
};

/* Adds a problem of the input; returns -EINVAL. `where` may be NULL. `err` may be NULL: then only the status
 * counts. */
int vn_error_input(struct vn_error *err, const struct vn_where *where, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The same for a function that takes a format itself. */
int vn_error_input_list(struct vn_error *err, const struct vn_where *where, const char *format, va_list args)
	__attribute__((format(printf, 3, 0)));

/* Adds a problem of the environment; returns `status`, a negative errno. The errno's own text is not
 * appended. */
int vn_error_environment(struct vn_error *err, int status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * What a system call that failed left behind, as a status. Negative even if it left nothing: nobody may take it for success.
 *
 * clang's analyzer looks at one file at a time and cannot negate: without the forms for it alone it would follow ways on which a
 * failure came back as success.
 */
#ifdef __clang_analyzer__
#define vn_error_input(...) ((void)(vn_error_input)(__VA_ARGS__), -EINVAL)
#define vn_error_input_list(...) ((void)(vn_error_input_list)(__VA_ARGS__), -EINVAL)
#define vn_error_environment(...) ((void)(vn_error_environment)(__VA_ARGS__), -EIO)
#define vn_errno() (-EIO)
#else
static inline int vn_errno(void)
{
	int status = errno;

	return status > 0 ? -status : -EIO;
}
#endif

/* Moves all problems of `from` behind those of `to`, which may be NULL. `from` is empty afterwards. */
void vn_error_move(struct vn_error *to, struct vn_error *from);

/* Frees the problems and zeroes the object. Safe on a zeroed one. */
void vn_error_clear(struct vn_error *err);

#define vn_autoerror vn_cleanup(vn_error_clear) struct vn_error

/* A remark that does not stop the work: a stable code and a sentence. */
struct vn_note {
	char code[32]; /* lower case, hyphens: 'smt-squeeze' */
	char *text; /* owned */
};

struct vn_notes {
	size_t n;
	struct vn_note *v;
};

/* Appends a note; returns 0 or -ENOMEM. */
int vn_notes_add(struct vn_notes *notes, const char *code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Whether a note of that code is among them. */
bool vn_notes_has(const struct vn_notes *notes, const char *code);
void vn_notes_drop(struct vn_notes *notes, const char *code); /* all with that code */
int vn_notes_copy(struct vn_notes *to, const struct vn_notes *from);
void vn_notes_clear(struct vn_notes *notes);
