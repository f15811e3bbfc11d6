/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: one pass over the text. A word's bytes are gathered without their quotes in a buffer as large as the whole
 * text, which no word can overflow. Something that a shell would work on is told and then taken as it stands, so that one run
 * finds every problem; only a quote without an end, and a second command, end the reading.
 *
 * What a shell does: POSIX.1-2017, Shell Command Language, 2.2 (quoting), 2.3 (tokens), 2.6 (expansions).
 */
#define _GNU_SOURCE
#include "words.h"

#include <string.h>

#include "text.h"

#define MAX_PROBLEMS 20

struct reader {
	const char *p, *end;
	const char *file;
	unsigned line;
	struct vn_words words;
	char *buffer; /* of the word being read */
	size_t length;
	struct vn_error *err;
	unsigned problems;
};

static void problem(struct reader *r, unsigned line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void problem(struct reader *r, unsigned line, const char *format, ...)
{
	struct vn_where where = {r->file, line, NULL};
	va_list args;

	if (r->problems++ >= MAX_PROBLEMS)
		return;
	va_start(args, format);
	vn_error_input_list(r->err, &where, format, args);
	va_end(args);
}

static int add_word(struct reader *r, const char *text, size_t n, unsigned line)
{
	struct vn_words *words = &r->words;

	if (words->n == VN_WORDS_MAX) {
		problem(r, line, "more than %u words; expected the command line of one program",
			VN_WORDS_MAX);
		return -EINVAL;
	}
	if ((words->n & (words->n + 1)) == 0) { /* full at 0, 1, 3, 7, ... */
		struct vn_word *grown = reallocarray(words->v, words->n * 2 + 1, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		words->v = grown;
	}
	char *copy = strndup(text, n);
	if (!copy)
		return -ENOMEM;
	words->v[words->n++] = (struct vn_word){copy, line};
	return 0;
}

/* ---- from /proc ---- */

static int read_zeros(struct reader *r)
{
	r->words.zeros = true;
	for (unsigned number = 1; r->p < r->end; number++) {
		size_t n = strnlen(r->p, (size_t)(r->end - r->p));
		int status = add_word(r, r->p, n, number);
		if (status < 0)
			return status;
		r->words.cut = r->p + n == r->end;
		r->p += n + !r->words.cut;
	}
	return 0;
}

/* ---- from text for a shell ---- */

/* What a shell would do at this character, as the rest of "the shell would ..."; NULL: nothing. */
static const char *shell_would(char c, bool first, bool quoted)
{
	if (c == '$')
		return "put something else in the place of '$'";
	if (c == '`')
		return "run a command at '`'";
	if (quoted)
		return NULL;
	if (strchr(";|&()", c))
		return c == '(' || c == ')' ? "take '(' and ')' for a group of commands"
					    : "end the command there";
	if (c == '<' || c == '>')
		return "redirect a file at '<' or '>'";
	if (strchr("*?[", c))
		return "look for files that match '*', '?' or '['";
	if (c == '{' || c == '}')
		return "put something else in the place of '{' and '}'";
	if (first && c == '#')
		return "take the rest of the line for a comment";
	return first && c == '~' ? "put a home directory in the place of '~'" : NULL;
}

static void take(struct reader *r, char c, bool quoted)
{
	const char *does = c ? shell_would(c, r->length == 0, quoted) : NULL;

	if (does)
		problem(r, r->line, "'%c' %s: the shell would %s; expected plain words, quoted where need be",
			c, quoted ? "within double quotes" : "without quotes", does);
	if (c == '\r')
		problem(r, r->line, "a carriage return; expected lines that end with a line feed alone");
	r->line += c == '\n';
	r->buffer[r->length++] = c;
	r->p++;
}

/* A backslash and what is behind it: nothing is left of it and the end of a line. */
static int read_backslash(struct reader *r, bool quoted)
{
	if (r->p + 1 == r->end) {
		problem(r, r->line, "'\\' at the very end; expected a character or another line behind it");
		return -EINVAL;
	}
	char c = r->p[1];
	if (c == '\n') {
		r->line++;
	} else {
		if (c == '\r')
			problem(r, r->line,
				"a carriage return; expected lines that end with a line feed alone");
		if (quoted && !strchr("$`\"\\", c))
			r->buffer[r->length++] = '\\'; /* stays within double quotes */
		r->buffer[r->length++] = c;
	}
	r->p += 2;
	return 0;
}

static int read_quotes(struct reader *r, char quote)
{
	unsigned line = r->line;

	for (r->p++; r->p < r->end && *r->p != quote;) {
		if (quote == '\'') {
			r->line += *r->p == '\n';
			r->buffer[r->length++] = *r->p++;
		} else if (*r->p == '\\') {
			int status = read_backslash(r, true);
			if (status < 0)
				return status;
		} else {
			take(r, *r->p, true);
		}
	}
	if (r->p == r->end) {
		problem(r, line, "the %s quote here has no end; is the command line cut?",
			quote == '\'' ? "single" : "double");
		return -EINVAL;
	}
	r->p++;
	return 0;
}

/* Blanks, and ends of lines behind a backslash. */
static void skip_blanks(struct reader *r)
{
	for (; r->p < r->end; r->p++) {
		if (*r->p == '\\' && r->p + 1 < r->end && r->p[1] == '\n') {
			r->line++;
			r->p++;
		} else if (*r->p != ' ' && *r->p != '\t') {
			return;
		}
	}
}

static int read_word(struct reader *r)
{
	unsigned line = r->line;
	int status = 0;

	r->length = 0;
	while (status == 0 && r->p < r->end && !strchr(" \t\n", *r->p)) {
		if (*r->p == '\\')
			status = read_backslash(r, false);
		else if (*r->p == '\'' || *r->p == '"')
			status = read_quotes(r, *r->p);
		else
			take(r, *r->p, false);
	}
	return status < 0 ? status : add_word(r, r->buffer, r->length, line);
}

static int read_shell(struct reader *r)
{
	int status = 0;
	bool ended = false; /* by the end of a line */

	for (skip_blanks(r); status == 0 && r->p < r->end; skip_blanks(r)) {
		if (*r->p == '\n') {
			ended = r->words.n > 0;
			r->line++;
			r->p++;
		} else if (ended) {
			problem(r, r->line,
				"a second command begins here; expected one, with '\\' at the end of each line but the "
				"last");
			return -EINVAL;
		} else {
			status = read_word(r);
		}
	}
	return status;
}

/* ---- both ---- */

/* POSIX.1-2017, 3.235: a name is letters, digits and underscores, no digit first. */
static bool is_assignment(const char *word)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
	size_t n = strspn(word, letters);

	return n > 0 && word[n] == '=' && !(*word >= '0' && *word <= '9');
}

static int read_words(struct reader *r)
{
	if (memchr(r->p, 0, (size_t)(r->end - r->p)))
		return read_zeros(r);
	if (r->end - r->p >= 3 && memcmp(r->p, "\xef\xbb\xbf", 3) == 0)
		r->p += 3; /* the mark of UTF-8 */
	return read_shell(r);
}

int vn_words_parse(
	const char *text, size_t size, const char *file, struct vn_words *ret_words, struct vn_error *err)
{
	struct reader r = {.p = text, .end = text + size, .file = file, .line = 1, .err = err};

	if (size > VN_WORDS_SIZE_MAX)
		return vn_error_input(err, &(struct vn_where){file, 0, NULL},
			"%zu bytes; expected at most %u of a command line", size, VN_WORDS_SIZE_MAX);
	vn_autofree char *buffer = malloc(size + 1);
	r.buffer = buffer;
	int status = buffer ? read_words(&r) : -ENOMEM;
	if (status == -ENOMEM)
		vn_error_environment(err, -ENOMEM, "out of memory");
	if (r.problems > MAX_PROBLEMS)
		vn_error_input(err, &(struct vn_where){file, 0, NULL}, "%u more problems",
			r.problems - MAX_PROBLEMS);
	if (status == 0 && r.problems > 0)
		status = -EINVAL;
	if (status < 0) {
		vn_words_clear(&r.words);
		return status;
	}
	while (r.words.n_assignments < r.words.n && is_assignment(r.words.v[r.words.n_assignments].text))
		r.words.n_assignments++;
	*ret_words = r.words;
	return 0;
}

void vn_words_clear(struct vn_words *words)
{
	for (size_t i = 0; i < words->n; i++)
		free(words->v[i].text);
	free(words->v);
	*words = (struct vn_words){0};
}
