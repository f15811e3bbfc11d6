/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "argv.h"

#include <jansson.h>
#include <string.h>

#include "../base/text.h"

static void append(struct vn_argv *argv, char *word)
{
	char **grown = word ? reallocarray(argv->v, argv->n + 2, sizeof(*grown)) : NULL;

	if (!grown) {
		free(word);
		argv->short_of_memory = true;
		return;
	}
	argv->v = grown;
	grown[argv->n++] = word;
	grown[argv->n] = NULL;
}

void vn_argv_add(struct vn_argv *argv, const char *format, ...)
{
	char *word = NULL;
	va_list args;

	va_start(args, format);
	int n = vasprintf(&word, format, args);
	va_end(args);
	append(argv, n < 0 ? NULL : word);
}

/* POSIX shell: single quotes keep everything but themselves. */
static void print_quoted(const char *word, FILE *out)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-";

	if (*word && word[strspn(word, plain)] == 0) {
		fputs(word, out);
		return;
	}
	putc('\'', out);
	for (; *word; word++) {
		if (*word == '\'')
			fputs("'\\''", out);
		else
			putc(*word, out);
	}
	putc('\'', out);
}

/* A quoted name would be no assignment to a shell. */
static void print_assignment(const char *word, FILE *out)
{
	size_t name = strcspn(word, "=");

	fprintf(out, "%.*s=", (int)name, word);
	print_quoted(word + name + (word[name] == '='), out);
}

void vn_argv_print(const struct vn_argv *argv, FILE *out)
{
	for (size_t i = 0; i < argv->n; i++) {
		bool option = argv->v[i][0] == '-';
		if (i)
			fputs(option ? " \\\n\t" : " ", out);
		if (i < argv->n_assignments)
			print_assignment(argv->v[i], out);
		else
			print_quoted(argv->v[i], out);
	}
	putc('\n', out);
}

int vn_argv_print_json(const struct vn_argv *argv, FILE *out, struct vn_error *err)
{
	json_auto_t *list = json_array();
	char seen[VN_QUOTE_MAX];
	int r = 0;

	for (size_t i = argv->n_assignments; list && i < argv->n; i++) {
		json_t *word = json_string(argv->v[i]); /* NULL for what is no UTF-8 */
		if (!word)
			r = vn_error_input(err, NULL,
				"word %zu of the command line, '%s', is not UTF-8; expected UTF-8, as JSON holds nothing else. "
				"'--to qemu' writes any bytes",
				i, vn_quote(argv->v[i], seen));
		else if (json_array_append_new(list, word) < 0)
			return vn_error_environment(err, -ENOMEM, "out of memory");
	}
	vn_autofree char *text = list ? json_dumps(list, JSON_INDENT(2)) : NULL;
	if (r == 0 && !text)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	if (r == 0)
		fprintf(out, "%s\n", text);
	return r;
}

void vn_argv_clear(struct vn_argv *argv)
{
	for (size_t i = 0; i < argv->n; i++)
		free(argv->v[i]);
	free(argv->v);
	*argv = (struct vn_argv){0};
}
