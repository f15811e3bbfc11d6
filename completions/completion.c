/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Makes a shell's completion of a template; run by the build, not installed. Verbs, options and their values come from the same table as
 * `vnuma help`. The template's line `@TABLE@` becomes that table in the shell's words.
 *
 * usage: completion bash|zsh TEMPLATE >FILE
 */
#include <stdlib.h>
#include <string.h>

#include "../src/cli/cli.h"

/* What stands where a value is asked for: words, and files or folders. */
static const char *values_of(const struct vn_option *option)
{
	if (option->values)
		return option->values;
	return option->argument && strcmp(option->argument, "SRC") == 0 ? VN_HOST_SOURCES : "";
}

/* "file", "folder", "vm" or "none": by what the help calls a value or an operand. */
static const char *kind_of(const char *name)
{
	if (!name)
		return "none";
	if (strncmp(name, "DIR", 3) == 0)
		return "folder";
	if (strncmp(name, "VM", 2) == 0)
		return "vm";
	return strncmp(name, "FILE", 4) == 0 || strncmp(name, "GUEST", 5) == 0 ? "file" : "none";
}

/* ---- bash: a line for each option, VERB OPTION KIND WORDS... ---- */

static void bash_option(const char *verb, const struct vn_option *option)
{
	if (option->letter)
		printf("%s -%c %s %s\n", verb, option->letter, kind_of(option->argument), values_of(option));
	printf("%s --%s %s %s\n", verb, option->name, option->argument ? kind_of(option->argument) : "switch",
		values_of(option));
}

static void bash_table(void)
{
	for (size_t i = 0; vn_verbs[i]; i++) {
		const struct vn_verb *verb = vn_verbs[i];

		printf("%s operand %s\n", verb->name, kind_of(verb->operands));
		for (size_t k = 0; k < VN_MAX_OPTIONS && verb->options[k].name; k++)
			bash_option(verb->name, &verb->options[k]);
		for (size_t k = 0; k < VN_N_COMMON_OPTIONS; k++)
			bash_option(verb->name, &vn_common_options[k]);
	}
}

/* ---- zsh: a list of verbs, and what _arguments takes for each ---- */

/* A description within '…': brackets and colons would end it. Only its first line. */
static void zsh_text(const char *text)
{
	for (; *text && *text != '\n'; text++) {
		if (*text == '\'')
			fputs("'\\''", stdout);
		else if (strchr("[]:\\", *text))
			printf("\\%c", *text);
		else
			putchar(*text);
	}
}

/* :MESSAGE:ACTION of a value. */
static void zsh_action(const char *name, const char *values)
{
	const char *kind = kind_of(name);

	putchar(':');
	zsh_text(name);
	if (strcmp(kind, "vm") == 0)
		printf(":_vnuma_vms");
	else if (strchr(values, ':'))
		printf(":_vnuma_sources %s", values);
	else if (*values && strcmp(kind, "none") == 0)
		printf(":(%s)", values);
	else if (*values)
		printf(":_alternative \"words\\:word\\:(%s)\" \"files\\:file\\:_files\"", values);
	else
		printf(":%s", strcmp(kind, "file") == 0     ? "_files"
			      : strcmp(kind, "folder") == 0 ? "_files -/"
							    : "");
}

static void zsh_option(const struct vn_option *option, bool short_form)
{
	printf("\t\t'");
	if (short_form)
		printf("-%c", option->letter);
	else
		printf("--%s%s", option->name, option->argument ? "=" : "");
	putchar('[');
	zsh_text(option->help);
	putchar(']');
	if (option->argument)
		zsh_action(option->argument, values_of(option));
	printf("'\n");
}

static void zsh_verb(const struct vn_verb *verb)
{
	printf("\t%s) specs=(\n", verb->name);
	for (size_t i = 0; i < VN_MAX_OPTIONS && verb->options[i].name; i++) {
		if (verb->options[i].letter)
			zsh_option(&verb->options[i], true);
		zsh_option(&verb->options[i], false);
	}
	for (size_t i = 0; i < VN_N_COMMON_OPTIONS; i++)
		zsh_option(&vn_common_options[i], false);
	if (verb->max_operands > 0) {
		printf("\t\t'%s", verb->max_operands > 1 ? "*" : "1:");
		zsh_action(verb->operands, "");
		printf("'\n");
	}
	printf("\t) ;;\n");
}

static void zsh_table(void)
{
	printf("local -a verbs=(\n");
	for (size_t i = 0; vn_verbs[i]; i++) {
		printf("\t'%s:", vn_verbs[i]->name);
		zsh_text(vn_verbs[i]->summary);
		printf("'\n");
	}
	printf("\t'help:this list, or the options of a verb'\n\t'version:the version of this program'\n)\n\n"
	       "case $verb in\n");
	for (size_t i = 0; vn_verbs[i]; i++)
		zsh_verb(vn_verbs[i]);
	printf("\thelp) specs=('1:verb:('${(j. .)verbs%%%%:*}')') ;;\nesac\n");
}

int main(int argc, char **argv)
{
	char line[1024];
	FILE *in = argc == 3 ? fopen(argv[2], "r") : NULL;

	if (!in) {
		perror(argc == 3 ? argv[2] : "usage: completion bash|zsh TEMPLATE");
		return EXIT_FAILURE;
	}
	while (fgets(line, sizeof(line), in)) {
		if (strcmp(line, "@TABLE@\n") != 0)
			fputs(line, stdout);
		else if (strcmp(argv[1], "zsh") == 0)
			zsh_table();
		else
			bash_table();
	}
	bool failed = ferror(in);
	fclose(in);
	return failed || fflush(stdout) != 0 || ferror(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
}
