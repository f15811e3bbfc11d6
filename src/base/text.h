/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Small text helpers shared by all who print for people. */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#define VN_SIZE_TEXT 32

/* "4.0 GiB", "512 MiB", "0 B": bytes for people, binary units. Returns `buffer`. */
const char *vn_size_text(uint64_t bytes, char buffer[static VN_SIZE_TEXT]);

/* The same without rounding, in the largest unit that makes it a whole number: "2752 MiB". For what is advised: rounded down it would
 * not be enough. */
const char *vn_size_text_exact(uint64_t bytes, char buffer[static VN_SIZE_TEXT]);

/* Two amounts that are compared: as vn_size_text(), or exact where they differ and that would not show. */
void vn_size_texts_apart(
	uint64_t a, uint64_t b, char text_a[static VN_SIZE_TEXT], char text_b[static VN_SIZE_TEXT]);

/* asprintf that returns the new string, or NULL. */
char *vn_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same for a function that takes a format itself. */
char *vn_format_list(const char *format, va_list args) __attribute__((format(printf, 1, 0)));

/* strdup that passes NULL through. */
char *vn_copy(const char *text);

/* The line behind the one that `text` begins with; behind the last there is the text's end. */
const char *vn_next_line(const char *text);

/*
 * What the first line of "KEY:\tvalue", with `mark` for the colon, has behind the mark and blanks, up to its end: a new string.
 * NULL: there is no such line, or no memory.
 */
char *vn_line_value(const char *text, const char *key, char mark);

#define VN_QUOTE_MAX 48

/* Text of an input for a message: cut short, and nothing in it that a terminal would act on. Returns `buffer`. */
const char *vn_quote(const char *text, char buffer[static VN_QUOTE_MAX]);
