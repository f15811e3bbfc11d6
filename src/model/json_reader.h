/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Reading JSON that somebody else may have written: getters that check type and range and collect every problem with its
 * path, `nodes[3].distances.7`. Shared by all readers of our own formats.
 *
 * Getters come in pairs: plain ones must find their key, `maybe` ones take a missing key or null for "not told". One that
 * finds something wrong adds a problem and returns what it returns for nothing; the caller goes on, so that all problems
 * are told, and looks at document.status at the end.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "../base/set.h"

#define VN_JSON_MAX_PROBLEMS 20 /* told of one document; the rest is counted */

struct vn_json_document {
	const char *file; /* for messages */
	struct vn_error *err;
	size_t problems; /* found so far */
	int status; /* 0, or a negative errno once something was wrong */
};

/* An object of the document, and the way to it. */
struct vn_json_reader {
	struct vn_json_document *document;
	const struct vn_json_reader *parent; /* NULL: the whole document */
	const char *key; /* in the parent */
	long index; /* which member of the list `key`; -1: `key` is the object itself */
	const json_t *object;
};

/* Adds a problem of `key` (of the object itself when it is NULL): the value seen and what was expected. */
void vn_json_problem(const struct vn_json_reader *in, const char *key, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The same, where the value seen is the key's as it stands, cut when it is long. */
void vn_json_wrong(const struct vn_json_reader *in, const char *key, const char *expected);

void vn_json_no_memory(const struct vn_json_reader *in);

/* Adds how many problems there were beyond the first ones; returns the document's status. */
int vn_json_finish(struct vn_json_document *document);

/* Whether the key is there and not null. */
bool vn_json_told(const struct vn_json_reader *in, const char *key);

/* An integer from min to max. False, and *ret as it was, when there is none. */
bool vn_json_number(const struct vn_json_reader *in, const char *key, uint64_t min, uint64_t max,
	const char *expected, uint64_t *ret);
bool vn_json_maybe_number(const struct vn_json_reader *in, const char *key, uint64_t min, uint64_t max,
	const char *expected, uint64_t *ret);

/* true or false; *ret as it was when there is none. */
bool vn_json_maybe_bool(const struct vn_json_reader *in, const char *key, bool *ret);

/* A new string that begins with `start`, or NULL. */
char *vn_json_text(const struct vn_json_reader *in, const char *key, const char *start, const char *expected);

/* A new string of at most `max` bytes that may be printed on a terminal, or NULL. */
char *vn_json_maybe_text(const struct vn_json_reader *in, const char *key, size_t max, const char *expected);

/* Index of the key's string among `names`; 0 when it is none of them. */
unsigned vn_json_choice(const struct vn_json_reader *in, const char *key, const char *const *names,
	unsigned n, const char *expected);

/* A new set from a list of numbers from 0 to `max`, each once; or NULL. */
hwloc_bitmap_t vn_json_maybe_set(const struct vn_json_reader *in, const char *key, unsigned max);

/* A list of at most `max` members; NULL, which json_array_size() takes for empty, when there is none. */
const json_t *vn_json_list(const struct vn_json_reader *in, const char *key, size_t max);
const json_t *vn_json_maybe_list(const struct vn_json_reader *in, const char *key, size_t max);

/* Reader of the object that is member i of the list `key`, or the key's own value. False when it is no object. */
bool vn_json_member(const struct vn_json_reader *in, const char *key, const json_t *list, size_t i,
	struct vn_json_reader *ret);
bool vn_json_object(const struct vn_json_reader *in, const char *key, struct vn_json_reader *ret);
