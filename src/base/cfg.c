/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: one hand-written pass over the text. `struct reader` holds the place; parse_value()
 * descends into lists. On an error the reader skips to the next line that looks like `key =`, also out of an
 * unterminated list, so that one missing bracket costs one message and not the rest of the file.
 *
 * Syntax as in xl.cfg(5) and what Xen's own lexer takes, except where that guesses: a number with a leading
 * zero is octal there and is refused here; a key given twice is refused.
 */
#define _GNU_SOURCE
#include "cfg.h"

#include <stdio.h>
#include <string.h>

#include "parse.h"
#include "text.h"

#define MAX_PROBLEMS 50 /* of syntax: more of them means that the file is no config at all */

struct reader {
	const char *text, *p;
	unsigned line;
	const char *file;
	const char *key; /* being read, for messages */
	struct vn_error *err;
	unsigned problems;
};

static void problem(struct reader *r, unsigned line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void problem(struct reader *r, unsigned line, const char *format, ...)
{
	struct vn_where where = {r->file, line, r->key};
	va_list args;

	va_start(args, format);
	vn_error_input_list(r->err, &where, format, args);
	va_end(args);
	r->problems++;
}

static bool is_key_start(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_key_char(char c)
{
	return is_key_start(c) || (c >= '0' && c <= '9') || c == '-' || c == '.';
}

static bool is_word_char(char c)
{
	return is_key_char(c) || c == ':' || c == '+' || c == '/' || c == '^';
}

/* Skips blanks and comments; line ends too where `lines` allows it. */
static void skip_blanks(struct reader *r, bool lines)
{
	for (;;) {
		if (*r->p == '#') {
			r->p += strcspn(r->p, "\n");
		} else if (*r->p == ' ' || *r->p == '\t' || *r->p == '\r') {
			r->p++;
		} else if (lines && *r->p == '\n') {
			r->line++;
			r->p++;
		} else {
			return;
		}
	}
}

/* Whether `key =` begins at p. */
static bool at_assignment(const char *p)
{
	p += strspn(p, " \t");
	if (!is_key_start(*p))
		return false;
	while (is_key_char(*p))
		p++;
	p += strspn(p, " \t");
	return *p == '=';
}

/* To the end of this line, and on to the next one that starts an assignment. */
static void skip_to_assignment(struct reader *r)
{
	do {
		r->p += strcspn(r->p, "\n");
		if (!*r->p)
			return;
		r->p++;
		r->line++;
	} while (!at_assignment(r->p));
}

/* What stands at p, for messages: one character or a name for it. */
static const char *seen(const char *p, char buffer[static 8])
{
	if (!*p)
		return "end of file";
	if (*p == '\n')
		return "end of line";
	if ((unsigned char)*p < 0x20 || *p == 0x7f)
		return "a control character";
	if ((unsigned char)*p >= 0x80)
		return "a non-ASCII character";
	snprintf(buffer, 8, "'%c'", *p);
	return buffer;
}

/* Reads the escape behind a backslash; 0 when it is none. */
static char unescape(char c)
{
	switch (c) {
	case 'n':
		return '\n';
	case 't':
		return '\t';
	case '\\':
	case '\'':
	case '"':
		return c;
	default:
		return 0;
	}
}

static int parse_string(struct reader *r, struct vn_cfg_value *value)
{
	char quote = *r->p++;
	size_t n = 0;

	value->type = VN_CFG_STRING;
	value->text = malloc(strcspn(r->p, "\n") + 1);
	if (!value->text)
		return -ENOMEM;
	for (; *r->p != quote; r->p++) {
		char c = *r->p;
		if (!c || c == '\n') {
			problem(r, r->line, "the string that starts with %c does not end on its line", quote);
			return -EINVAL;
		}
		if (c == '\\') {
			c = unescape(*++r->p);
			if (!c) {
				problem(r, r->line, "'\\' before %s; expected \\\\, \\', \\\", \\n or \\t",
					seen(r->p, (char[8]){0}));
				return -EINVAL;
			}
		}
		value->text[n++] = c;
	}
	value->text[n] = 0;
	r->p++;
	if (!vn_text_is_printable(value->text)) {
		problem(r, r->line, "the string holds control characters or is not UTF-8");
		return -EINVAL;
	}
	return 0;
}

static int parse_hex(const char *digits, uint64_t *ret)
{
	uint64_t number = 0;
	size_t n = strlen(digits);

	if (n == 0 || strspn(digits, "0123456789abcdefABCDEF") != n)
		return -EINVAL;
	if (n > 16)
		return -ERANGE;
	for (size_t i = 0; i < n; i++) {
		char c = digits[i];
		number = number * 16 + (unsigned)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
	}
	*ret = number;
	return 0;
}

/* A number, or (letters, colons in it) a bare word. */
static int parse_word(struct reader *r, struct vn_cfg_value *value)
{
	size_t n = 0;

	while (is_word_char(r->p[n]))
		n++;
	value->text = strndup(r->p, n);
	if (!value->text)
		return -ENOMEM;
	r->p += n;

	bool hex = strncmp(value->text, "0x", 2) == 0 || strncmp(value->text, "0X", 2) == 0;
	int status = hex ? parse_hex(value->text + 2, &value->number)
			 : vn_parse_u64(value->text, UINT64_MAX, &value->number);
	if (status == -EINVAL) {
		value->type = VN_CFG_WORD;
		return 0;
	}
	value->type = VN_CFG_NUMBER;
	if (status < 0) {
		problem(r, r->line, "%.40s… is above 18446744073709551615", value->text);
		return status;
	}
	if (!hex && n > 1 && value->text[0] == '0') {
		problem(r, r->line, "%.40s starts with 0, which xl reads as octal; write it without",
			value->text);
		return -EINVAL;
	}
	return 0;
}

static int parse_value(struct reader *r, unsigned depth, struct vn_cfg_value *value);

static int append_item(struct reader *r, unsigned depth, struct vn_cfg_value *list, size_t *capacity)
{
	if (list->n == *capacity) {
		size_t more = *capacity ? *capacity * 2 : 8;
		struct vn_cfg_value *grown = reallocarray(list->items, more, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		list->items = grown;
		*capacity = more;
	}
	list->items[list->n] = (struct vn_cfg_value){0};
	return parse_value(r, depth, &list->items[list->n++]);
}

static int parse_list(struct reader *r, unsigned depth, struct vn_cfg_value *list)
{
	unsigned opened = r->line;
	size_t capacity = 0;

	list->type = VN_CFG_LIST;
	if (depth > VN_CFG_MAX_DEPTH) {
		problem(r, r->line, "lists nested more than %d deep", VN_CFG_MAX_DEPTH);
		return -EINVAL;
	}
	for (r->p++;;) {
		skip_blanks(r, true);
		if (*r->p == ']') {
			r->p++;
			return 0;
		}
		if (!*r->p || at_assignment(r->p)) {
			problem(r, opened, "the list that starts here has no end; expected ']'");
			return -EINVAL;
		}
		int status = append_item(r, depth, list, &capacity);
		if (status < 0)
			return status;
		skip_blanks(r, true);
		if (*r->p == ',') {
			r->p++;
		} else if (*r->p && *r->p != ']' && !at_assignment(r->p)) {
			problem(r, r->line, "%s in a list; expected ',' or ']'", seen(r->p, (char[8]){0}));
			return -EINVAL;
		}
	}
}

static int parse_any(struct reader *r, unsigned depth, struct vn_cfg_value *value)
{
	if (*r->p == '[')
		return parse_list(r, depth + 1, value);
	if (*r->p == '"' || *r->p == '\'')
		return parse_string(r, value);
	if (is_word_char(*r->p))
		return parse_word(r, value);
	problem(r, r->line, "%s; expected a number, a quoted string or a list", seen(r->p, (char[8]){0}));
	return -EINVAL;
}

static int parse_value(struct reader *r, unsigned depth, struct vn_cfg_value *value)
{
	value->line = r->line;
	value->begin = (size_t)(r->p - r->text);
	int status = parse_any(r, depth, value);
	value->end = (size_t)(r->p - r->text);
	return status;
}

static void clear_value(struct vn_cfg_value *value)
{
	free(value->text);
	for (size_t i = 0; i < value->n; i++)
		clear_value(&value->items[i]);
	free(value->items);
}

void vn_cfg_clear(struct vn_cfg *cfg)
{
	for (size_t i = 0; i < cfg->n; i++) {
		free(cfg->entries[i].key);
		clear_value(&cfg->entries[i].value);
	}
	free(cfg->entries);
	*cfg = (struct vn_cfg){0};
}

/* Reads what stands behind `key =` into `entry`, to the end of the line. */
static int parse_entry_value(struct reader *r, struct vn_cfg_entry *entry)
{
	unsigned line = r->line;

	skip_blanks(r, false);
	int status = parse_value(r, 0, &entry->value);
	entry->end = entry->value.end;
	if (status < 0) {
		/* The reader may already stand at the next assignment: an unterminated list found it. */
		bool next = r->line != line && at_assignment(r->p) && (r->p[-1] == '\n' || r->p[-1] == ' ');
		if (!next)
			skip_to_assignment(r);
		return status;
	}
	skip_blanks(r, false);
	if (*r->p == ';') {
		r->p++;
		entry->end = (size_t)(r->p - r->text);
	} else if (*r->p && *r->p != '\n') {
		problem(r, r->line, "%s behind the value; expected the end of the line",
			seen(r->p, (char[8]){0}));
		skip_to_assignment(r);
		return -EINVAL;
	}
	return 0;
}

static int parse_key(struct reader *r, char **ret_key)
{
	size_t n = 0;
	const char *start = r->p;

	while (is_key_char(r->p[n]))
		n++;
	if (!is_key_start(*r->p)) {
		problem(r, r->line, "%s; expected 'key = value'", seen(r->p, (char[8]){0}));
		return -EINVAL;
	}
	r->p += n;
	skip_blanks(r, false);
	if (*r->p != '=') {
		problem(r, r->line, "%s behind '%.*s'; expected '='", seen(r->p, (char[8]){0}),
			(int)(n > 40 ? 40 : n), start);
		return -EINVAL;
	}
	r->p++;
	*ret_key = strndup(start, n);
	return *ret_key ? 0 : -ENOMEM;
}

static int parse_entry(struct reader *r, struct vn_cfg *cfg)
{
	struct vn_cfg_entry entry = {.line = r->line, .begin = (size_t)(r->p - r->text)};

	r->key = NULL;
	int status = parse_key(r, &entry.key);
	if (status < 0) {
		r->p += strcspn(r->p, "\n");
		return status;
	}
	r->key = entry.key;
	const struct vn_cfg_entry *earlier = vn_cfg_find(cfg, entry.key);
	if (earlier)
		problem(r, entry.line, "given twice; the first is in line %u", earlier->line);
	status = parse_entry_value(r, &entry);
	r->key = NULL;
	if (status < 0) {
		clear_value(&entry.value);
		entry.value = (struct vn_cfg_value){.type = VN_CFG_BROKEN};
	}

	struct vn_cfg_entry *grown = earlier ? NULL : reallocarray(cfg->entries, cfg->n + 1, sizeof(*grown));
	if (!grown) {
		clear_value(&entry.value);
		free(entry.key);
		return earlier ? -EINVAL : -ENOMEM;
	}
	cfg->entries = grown;
	grown[cfg->n++] = entry;
	return status;
}

int vn_cfg_parse(const char *text, const char *file, struct vn_cfg *ret_cfg, struct vn_error *err)
{
	struct reader r = {.text = text, .p = text, .line = 1, .file = file, .err = err};

	*ret_cfg = (struct vn_cfg){0};
	for (;;) {
		skip_blanks(&r, true);
		if (*r.p == ';') {
			r.p++;
			continue;
		}
		if (!*r.p)
			return r.problems ? -EINVAL : 0;
		if (r.problems > MAX_PROBLEMS || ret_cfg->n >= VN_CFG_MAX_KEYS) {
			r.key = NULL;
			problem(&r, r.line, "%s; the rest is not read",
				r.problems > MAX_PROBLEMS ? "too many problems" : "too many keys");
			return -EINVAL;
		}
		if (parse_entry(&r, ret_cfg) == -ENOMEM)
			return vn_error_environment(err, -ENOMEM, "out of memory");
	}
}

const struct vn_cfg_entry *vn_cfg_find(const struct vn_cfg *cfg, const char *key)
{
	for (size_t i = 0; i < cfg->n; i++) {
		if (strcmp(cfg->entries[i].key, key) == 0)
			return &cfg->entries[i];
	}
	return NULL;
}

static void print_value(const struct vn_cfg_value *value, FILE *out)
{
	switch (value->type) {
	case VN_CFG_LIST:
		putc('[', out);
		for (size_t i = 0; i < value->n; i++) {
			fputs(i ? ", " : "", out);
			print_value(&value->items[i], out);
		}
		putc(']', out);
		break;
	case VN_CFG_STRING:
		fprintf(out, "\"%s\"", value->text);
		break;
	case VN_CFG_NUMBER:
	case VN_CFG_WORD:
		fputs(value->text, out);
		break;
	case VN_CFG_BROKEN:
		break;
	}
}

char *vn_cfg_value_text(const struct vn_cfg_value *value)
{
	const size_t most = 60;
	char *text = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);

	if (!out)
		return NULL;
	print_value(value, out);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	if (n >= most + sizeof("…")) {
		size_t cut = most;
		while (cut > 0 && ((unsigned char)text[cut] & 0xc0) == 0x80)
			cut--; /* not inside a UTF-8 sequence */
		memcpy(text + cut, "…", sizeof("…"));
	}
	return text;
}
