/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Makes a manual page of a template; run by the build, not installed. What a verb takes comes from the same table as `vnuma help`, so
 * that the pages cannot drift from the program. A template is man(7) text in which
 *
 *     @VERSION@, @DATE@    anywhere, are those of this version of vnuma
 *     @VERB name@          as a line of its own, becomes the sections NAME, SYNOPSIS, DESCRIPTION and OPTIONS of that verb
 *     @VERBS@              as a line of its own, becomes a paragraph for each verb
 *
 * usage: manual TEMPLATE >PAGE
 */
#include <stdlib.h>
#include <string.h>

#include "../src/cli/cli.h"

/* How man(7) writes what it would take for its own. All hyphens become ASCII's: an option must be one that can be copied. */
static const char *const escapes[256] = {
	['\\'] = "\\e",
	['-'] = "\\-",
	['\''] = "\\(aq",
	['`'] = "\\(ga",
	['^'] = "\\(ha",
	['~'] = "\\(ti",
	['"'] = "\\(dq",
};

/* Within a line. */
static void put_words(const char *words)
{
	for (; *words; words++) {
		const char *escape = escapes[(unsigned char)*words];
		if (escape)
			fputs(escape, stdout);
		else
			putchar(*words);
	}
}

/* Paragraphs: an empty line is between two. Each line of the text is one of the page. */
static void put_paragraphs(const char *text)
{
	while (*text) {
		size_t n = strcspn(text, "\n");
		char line[512];

		snprintf(line, sizeof(line), "%.*s", (int)n, text);
		if (n == 0)
			printf(".PP");
		else if (*line == '.')
			printf("\\&");
		put_words(line);
		putchar('\n');
		text += n + (text[n] == '\n');
	}
}

/* GUEST... as a variable, -w as what is to be typed. */
static void put_operands(const char *operands)
{
	char copy[64], *rest = copy;

	snprintf(copy, sizeof(copy), "%s", operands);
	for (char *word = strtok_r(copy, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
		printf(" \\f%c", *word == '-' ? 'B' : 'I');
		put_words(word);
		printf("\\fR");
	}
}

static void put_option(const struct vn_option *option)
{
	printf(".TP\n");
	if (option->letter)
		printf("\\fB\\-%c\\fR, ", option->letter);
	printf("\\fB\\-\\-");
	put_words(option->name);
	printf("\\fR");
	if (option->argument) {
		printf(" \\fI");
		put_words(option->argument);
		printf("\\fR");
	}
	putchar('\n');
	put_paragraphs(option->help);
}

static void put_verb(const struct vn_verb *verb)
{
	printf(".SH NAME\nvnuma\\-%s \\- ", verb->name);
	put_words(verb->summary);
	printf("\n.SH SYNOPSIS\n\\fBvnuma %s\\fR", verb->name);
	put_operands(verb->operands);
	printf(" [\\fIoptions\\fR]\n");
	if (verb->details) {
		printf(".SH DESCRIPTION\n");
		put_paragraphs(verb->details);
	}
	printf(".SH OPTIONS\nAn option and its value are two words, or one: \\fB\\-\\-\\fIname\\fB=\\fIvalue\\fR.\n");
	for (size_t i = 0; i < VN_MAX_OPTIONS && verb->options[i].name; i++)
		put_option(&verb->options[i]);
	for (size_t i = 0; i < VN_N_COMMON_OPTIONS; i++)
		put_option(&vn_common_options[i]);
}

static void put_verbs(void)
{
	for (size_t i = 0; vn_verbs[i]; i++) {
		printf(".TP\n\\fBvnuma %s\\fR", vn_verbs[i]->name);
		put_operands(vn_verbs[i]->operands);
		putchar('\n');
		put_words(vn_verbs[i]->summary);
		printf("; see \\fBvnuma\\-%s\\fR(1)\n", vn_verbs[i]->name);
	}
}

static void put_line(const char *line)
{
	static const struct {
		const char *mark, *text;
	} marks[] = {{"@VERSION@", VN_VERSION}, {"@DATE@", VN_DATE}};

	while (*line) {
		size_t taken = 0;
		for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]) && !taken; i++) {
			if (strncmp(line, marks[i].mark, strlen(marks[i].mark)) == 0) {
				fputs(marks[i].text, stdout);
				taken = strlen(marks[i].mark);
			}
		}
		if (!taken)
			putchar(*line);
		line += taken ? taken : 1;
	}
}

/* Whether the line was one of ours. */
static bool replace(const char *line, const char *path)
{
	char name[32];

	if (strcmp(line, "@VERBS@\n") == 0) {
		put_verbs();
		return true;
	}
	if (sscanf(line, "@VERB %31[a-z]@", name) != 1)
		return false;
	for (size_t i = 0; vn_verbs[i]; i++) {
		if (strcmp(vn_verbs[i]->name, name) == 0) {
			put_verb(vn_verbs[i]);
			return true;
		}
	}
	fprintf(stderr, "%s: '%s' is no verb of vnuma\n", path, name);
	exit(EXIT_FAILURE);
}

int main(int argc, char **argv)
{
	char line[1024];
	FILE *in = argc == 2 ? fopen(argv[1], "r") : NULL;

	if (!in) {
		perror(argc == 2 ? argv[1] : "usage: manual TEMPLATE");
		return EXIT_FAILURE;
	}
	while (fgets(line, sizeof(line), in)) {
		if (!replace(line, argv[1]))
			put_line(line);
	}
	bool failed = ferror(in);
	fclose(in);
	return failed || fflush(stdout) != 0 || ferror(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
}
