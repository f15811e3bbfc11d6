/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Text in columns of a terminal: what counts is cells, not bytes. The locale is not asked; text is UTF-8. */

#include <stddef.h>
#include <stdio.h>

/* Cells that `text` takes: 2 for East Asian wide characters and pictures, 0 for marks that go on top of others. */
size_t vn_columns(const char *text);

/* Bytes of the beginning of `text` that take at most `columns` cells, *ret_columns of them. */
size_t vn_columns_fit(const char *text, size_t columns, size_t *ret_columns);

/* Writes `text` in exactly `columns` cells: filled up with blanks behind it, or cut with "…" at its end. */
void vn_put_columns(const char *text, size_t columns, FILE *out);

/* The same into a string; NULL when memory is short. */
char *vn_in_columns(const char *text, size_t columns);

/*
 * Writes `text` and a newline: the first line goes on at column `at`, further ones begin at column `indent`, none goes beyond column
 * `width`. Broken at blanks, and within a word that fits no line.
 */
void vn_put_wrapped(const char *text, size_t at, size_t indent, size_t width, FILE *out);
