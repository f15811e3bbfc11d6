/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Options of a QEMU command line, and access to the keys within.
 *
 * Source of what a number may look like: QEMU's util/cutils.c, qemu_strtosz().
 */
#define _GNU_SOURCE
#include <string.h>

#include "../base/parse.h"
#include "../base/qemu_options.h"
#include "../base/text.h"
#include "guest_qemu_part.h"

/* ---- messages ---- */

void qemu_problem(struct qemu_reader *r, const struct qemu_option *option, const char *format, ...)
{
	char key[VN_QUOTE_MAX];
	struct vn_where where = {r->guest->file, option ? option->line : 0,
		option && *option->name ? vn_quote(option->name, key) : NULL};
	va_list args;

	if (r->problems++ >= QEMU_MAX_PROBLEMS)
		return;
	va_start(args, format);
	vn_error_input_list(r->err, &where, format, args);
	va_end(args);
}

void qemu_note(
	struct qemu_reader *r, const struct qemu_option *option, const char *code, const char *format, ...)
{
	char name[VN_QUOTE_MAX];
	va_list args;

	va_start(args, format);
	vn_autofree char *text = vn_format_list(format, args);
	va_end(args);
	if (!text || vn_notes_add(&r->guest->notes, code, "%s %u: %s: %s", r->words.zeros ? "word" : "line",
			     option->line, vn_quote(option->name, name), text) < 0)
		r->short_of_memory = true;
}

void *qemu_append(struct qemu_reader *r, void *list, size_t *n, size_t size)
{
	char **v = list, *grown = reallocarray(*v, *n + 1, size);

	if (!grown) {
		r->short_of_memory = true;
		return NULL;
	}
	*v = grown;
	return memset(grown + (*n)++ * size, 0, size);
}

/* ---- words ---- */

static void read_keys(struct qemu_reader *r, struct qemu_option *option, const char *implied)
{
	struct vn_where where = {r->guest->file, option->line, option->name};
	struct vn_error *err = r->problems < QEMU_MAX_PROBLEMS ? r->err : NULL;

	if (!option->value)
		return;
	int status = vn_keyval_parse(option->value, implied, &where, &option->keys, err);
	r->problems += status == -EINVAL;
	option->unread = status < 0;
	r->short_of_memory |= status == -ENOMEM;
}

/* The option at a word; the next word to be read. */
static size_t read_option(struct qemu_reader *r, size_t at)
{
	struct vn_qemu_option found;
	char seen[VN_QUOTE_MAX];
	size_t next = vn_qemu_option_at(&r->words, at, &found);

	struct qemu_option *option = qemu_append(r, &r->options, &r->n_options, sizeof(*option));
	if (!option)
		return r->words.n;
	option->line = r->words.v[at].line;
	option->word = at;
	option->name = found.name;
	option->known = found.known;
	option->value = found.value;
	option->unread = found.value_missing;
	if (found.value_missing)
		qemu_problem(r, option, "no value behind it; %s",
			r->words.zeros ? "is the command line cut?" : "expected one");
	if (found.keyed)
		read_keys(r, option, found.implied);
	if (!found.known)
		qemu_note(r, option, "qemu-option-unknown",
			"no option of QEMU's that is known here; it is kept%s%s%s",
			option->value ? " with its value, '" : "",
			option->value ? vn_quote(option->value, seen) : "", option->value ? "'" : "");
	return next;
}

void qemu_split_options(struct qemu_reader *r)
{
	size_t at = r->words.n_assignments + 1;

	while (at < r->words.n && r->n_options < QEMU_MAX_OPTIONS)
		at = read_option(r, at);
	if (at < r->words.n)
		qemu_problem(r, NULL, "more than %u options", QEMU_MAX_OPTIONS);
}

const struct qemu_option *qemu_next(
	const struct qemu_reader *r, const char *name, const struct qemu_option *previous)
{
	for (size_t i = previous ? (size_t)(previous - r->options) + 1 : 0; i < r->n_options; i++) {
		if (strcmp(r->options[i].name, name) == 0)
			return &r->options[i];
	}
	return NULL;
}

const struct qemu_option *qemu_last(const struct qemu_reader *r, const char *name, const char *key)
{
	const struct qemu_option *last = NULL;

	for (const struct qemu_option *option = NULL; (option = qemu_next(r, name, option));) {
		if (vn_keyval_get(&option->keys, key))
			last = option;
	}
	return last;
}

/* ---- keys ---- */

bool qemu_number(struct qemu_reader *r, const struct qemu_option *option, const char *key, uint64_t min,
	uint64_t max, uint64_t *ret)
{
	const char *text = option ? vn_keyval_get(&option->keys, key) : NULL;
	char seen[VN_QUOTE_MAX];
	uint64_t number;

	if (!text)
		return false;
	if (vn_qemu_number(text, max, &number) == 0 && number >= min) {
		*ret = number;
		return true;
	}
	qemu_problem(r, option, "%s=%s seen; expected a number from %llu to %llu", key, vn_quote(text, seen),
		(unsigned long long)min, (unsigned long long)max);
	return false;
}

/* What a suffix counts; `unit` where there is none; 0: it is no suffix, or one beyond all that a guest can have. */
static uint64_t suffix_unit(const char *suffix, uint64_t unit)
{
	static const char letters[] = "bkmgt";

	if (!*suffix)
		return unit;
	char c = *suffix >= 'A' && *suffix <= 'Z' ? (char)(*suffix | 0x20) : *suffix;
	const char *at = strchr(letters, c);
	return at && !suffix[1] ? UINT64_C(1) << (10 * (at - letters)) : 0;
}

/*
 * 0x and digits, perhaps with a suffix that is no digit itself. In MiB where there is none, as everywhere, unless the last digit is a letter:
 * QEMU looks only whether the text ends in 0 to 9 (softmmu/vl.c, numa.c).
 */
static bool parse_hex_bytes(const char *text, uint64_t unit, uint64_t *ret)
{
	static const char hex[] = "0123456789abcdefABCDEF";
	size_t n = 2 + strspn(text + 2, hex);
	vn_autofree char *digits = strndup(text, n);
	uint64_t number;

	if (!text[n])
		unit = text[n - 1] >= '0' && text[n - 1] <= '9' ? unit : 1;
	else
		unit = suffix_unit(text + n, unit);
	if (!digits || unit == 0 || vn_qemu_number(digits, VN_MAX_MEMORY / unit, &number) < 0)
		return false;
	*ret = number * unit;
	return true;
}

/* Digits, perhaps with a point and at most 6 digits behind it, and a suffix. As QEMU, a part of a byte is dropped, unless it is one of bytes. */
static bool parse_bytes(const char *text, uint64_t unit, uint64_t *ret)
{
	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
		return parse_hex_bytes(text, unit, ret);
	static const char digits[] = "0123456789";
	size_t whole = strspn(text, digits), part = text[whole] == '.' ? strspn(text + whole + 1, digits) : 0;
	const char *suffix = text + whole + (part ? part + 1 : 0);
	uint64_t number = 0, fraction = 0, scale = 1;

	unit = suffix_unit(suffix, unit);
	if (whole == 0 || whole > 15 || part > 6 || unit == 0)
		return false;
	for (size_t i = 0; i < whole; i++)
		number = number * 10 + (unsigned)(text[i] - '0');
	for (size_t i = 0; i < part; i++, scale *= 10)
		fraction = fraction * 10 + (unsigned)(text[whole + 1 + i] - '0');
	if (fraction && (!*suffix || unit == 1))
		return false;
	if (number > VN_MAX_MEMORY / unit)
		return false;
	number = number * unit + fraction * unit / scale; /* 2^20 * 2^40 at most */
	if (number > VN_MAX_MEMORY)
		return false;
	*ret = number;
	return true;
}

bool qemu_bytes(struct qemu_reader *r, const struct qemu_option *option, const char *key, uint64_t unit,
	uint64_t *ret)
{
	const char *text = option ? vn_keyval_get(&option->keys, key) : NULL;
	char seen[VN_QUOTE_MAX], most[VN_SIZE_TEXT];

	if (!text)
		return false;
	if (parse_bytes(text, unit, ret))
		return true;
	qemu_problem(r, option, "%s=%s seen; expected a size such as 512M or 4G, at most %s", key,
		vn_quote(text, seen), vn_size_text(VN_MAX_MEMORY, most));
	return false;
}

/* `5` or `0-3`: QEMU has no other form of it (qapi/opts-visitor.c). Adds to `set`; -EINVAL, -ENOMEM. */
static int add_range(const char *text, unsigned max, hwloc_bitmap_t set)
{
	vn_autofree char *copy = vn_copy(text);
	char *rest = copy;
	const char *low = copy ? strsep(&rest, "-") : NULL;
	uint64_t first, last;

	if (!low)
		return -ENOMEM;
	if (vn_qemu_number(low, max, &first) < 0)
		return -EINVAL;
	last = first;
	if (rest && (vn_qemu_number(rest, max, &last) < 0 || last < first))
		return -EINVAL;
	return hwloc_bitmap_set_range(set, (unsigned)first, (int)last) < 0 ? -ENOMEM : 0;
}

hwloc_bitmap_t qemu_set(
	struct qemu_reader *r, const struct qemu_option *option, const char *key, unsigned max)
{
	vn_autoset all = NULL;
	char seen[VN_QUOTE_MAX];

	for (const struct vn_keyval_pair *pair = NULL; (pair = vn_keyval_next(&option->keys, key, pair));) {
		if (!all)
			all = hwloc_bitmap_alloc();
		int status = all ? add_range(pair->value, max, all) : -ENOMEM;
		if (status == -ENOMEM || !all) {
			r->short_of_memory = true;
			return NULL;
		}
		if (status < 0) {
			qemu_problem(r, option, "%s=%s seen; expected numbers from 0 to %u, such as 0-3", key,
				vn_quote(pair->value, seen), max);
			return NULL;
		}
	}
	return vn_steal(all);
}

bool qemu_switch(struct qemu_reader *r, const struct qemu_option *option, const char *key, bool fallback)
{
	static const char *const words[] = {"on", "yes", "true", "y", "off", "no", "false", "n", NULL};
	const char *text = option ? vn_keyval_get(&option->keys, key) : NULL;
	char seen[VN_QUOTE_MAX];

	for (size_t i = 0; text && words[i]; i++) {
		if (strcmp(text, words[i]) == 0)
			return i < 4;
	}
	if (text)
		qemu_problem(r, option, "%s=%s seen; expected on or off", key, vn_quote(text, seen));
	return fallback;
}

int qemu_choice(struct qemu_reader *r, const struct qemu_option *option, const char *key,
	const char *const *choices, int fallback)
{
	const char *text = vn_keyval_get(&option->keys, key);
	char seen[VN_QUOTE_MAX];
	vn_autofree char *expected = NULL;

	if (!text)
		return fallback;
	for (int i = 0; choices[i]; i++) {
		if (strcmp(text, choices[i]) == 0)
			return i;
		char *more = vn_format("%s%s%s", expected ? expected : "", i ? ", " : "", choices[i]);
		free(expected);
		expected = more;
	}
	qemu_problem(r, option, "%s=%s seen; expected one of %s", key, vn_quote(text, seen),
		expected ? expected : "?");
	return -1;
}
