/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "usage.h"

#include <string.h>

#include "../model/sample.h"

const struct vn_option vn_common_options[VN_N_COMMON_OPTIONS] = {
	{"json", NULL, "one JSON object instead of text"},
	{"help", NULL, "this text"},
};

void vn_usage_all(FILE *out)
{
	fprintf(out, "vnuma: puts virtual machines where their memory is, and tells the guest the truth "
		     "about it\n\n"
		     "usage: vnuma VERB [options]\n\n");
	for (size_t i = 0; vn_verbs[i]; i++) {
		char call[64];
		snprintf(call, sizeof(call), "%s %s", vn_verbs[i]->name, vn_verbs[i]->operands);
		fprintf(out, "  %-18s %s\n", call, vn_verbs[i]->summary);
	}
	fprintf(out, "  %-18s %s\n  %-18s %s\n", "help [VERB]", "this list, or a verb's options", "version",
		"the version of this program");
	fprintf(out, "\nexit status: 0 done; 1 the answer is no; 2 bad input or usage; 3 the environment "
		     "refuses\n");
}

static void print_option(const struct vn_option *option, FILE *out)
{
	char form[48], letter[] = {'-', option->letter, ',', ' ', 0};
	snprintf(form, sizeof(form), "%s--%s%s%s", option->letter ? letter : "", option->name,
		option->argument ? " " : "", option->argument ? option->argument : "");
	fprintf(out, "  %-22s %s\n", form, option->help);
}

void vn_usage_verb(const struct vn_verb *verb, FILE *out)
{
	fprintf(out, "usage: vnuma %s%s%s [options]\n\n%s\n", verb->name, *verb->operands ? " " : "",
		verb->operands, verb->summary);
	if (verb->details)
		fprintf(out, "\n%s\n", verb->details);
	fprintf(out, "\n");
	for (size_t i = 0; i < VN_MAX_OPTIONS && verb->options[i].name; i++)
		print_option(&verb->options[i], out);
	for (size_t i = 0; i < VN_N_COMMON_OPTIONS; i++)
		print_option(&vn_common_options[i], out);
}

/* The option that a word is the short form of, or -1. */
static int short_index(const struct vn_verb *verb, const char *word)
{
	for (int i = 0; i < VN_MAX_OPTIONS && verb->options[i].name; i++) {
		if (verb->options[i].letter && word[0] == '-' && word[1] == verb->options[i].letter &&
			!word[2])
			return i;
	}
	return -1;
}

static int option_index(const struct vn_verb *verb, const char *name, size_t length)
{
	for (int i = 0; i < VN_MAX_OPTIONS && verb->options[i].name; i++) {
		if (strlen(verb->options[i].name) == length &&
			strncmp(verb->options[i].name, name, length) == 0)
			return i;
	}
	return -1;
}

const char *vn_arg(const struct vn_args *args, const char *name)
{
	int i = option_index(args->verb, name, strlen(name));
	if (i < 0)
		abort();
	return args->values[i];
}

bool vn_arg_given(const struct vn_args *args, const char *name)
{
	return vn_arg(args, name) != NULL;
}

/* The value of option `i`, behind `equals` or else the next word; returns how many words it took. */
static int take_value(
	struct vn_args *args, int i, const char *equals, int argc, char **argv, struct vn_error *err)
{
	const struct vn_option *option = &args->verb->options[i];
	struct vn_where where = {NULL, 0, argv[0]};

	if (args->values[i])
		vn_error_input(err, &where, "given twice; expected once");
	if (!option->argument) {
		if (equals)
			vn_error_input(err, &where, "has a value; expected none");
		args->values[i] = "";
		return 1;
	}
	if (!equals && argc < 2) {
		vn_error_input(err, &where, "no value; expected %s", option->argument);
		return 1;
	}
	args->values[i] = equals ? equals + 1 : argv[1];
	return equals ? 1 : 2;
}

/* Reads the option at argv[0]; returns how many words it took. */
static int parse_option(struct vn_args *args, int argc, char **argv, struct vn_error *err)
{
	const char *name = argv[0] + 2;
	const char *equals = strchr(name, '=');
	size_t length = equals ? (size_t)(equals - name) : strlen(name);
	struct vn_where where = {NULL, 0, argv[0]};

	if (strcmp(name, "json") == 0 || strcmp(name, "help") == 0) {
		*(name[0] == 'j' ? &args->json : &args->help) = true;
		return 1;
	}
	int i = option_index(args->verb, name, length);
	if (i < 0) {
		vn_error_input(err, &where, "no option of 'vnuma %s'; 'vnuma help %s' lists them",
			args->verb->name, args->verb->name);
		return 1;
	}
	return take_value(args, i, equals, argc, argv, err);
}

int vn_args_parse(
	const struct vn_verb *verb, int argc, char **argv, struct vn_args *args, struct vn_error *err)
{
	int kept = 0;
	bool options = true;

	*args = (struct vn_args){.verb = verb, .operands = argv};
	for (int i = 0; i < argc;) {
		if (options && strcmp(argv[i], "--") == 0) {
			options = false;
			i++;
		} else if (options && strncmp(argv[i], "--", 2) == 0) {
			i += parse_option(args, argc - i, argv + i, err);
		} else if (options && short_index(verb, argv[i]) >= 0) {
			i += take_value(args, short_index(verb, argv[i]), NULL, argc - i, argv + i, err);
		} else {
			argv[kept++] = argv[i++]; /* never ahead of i: operands move to the front in place */
		}
	}
	args->n_operands = kept;
	if (args->help)
		return 0;
	if (kept < verb->min_operands || kept > verb->max_operands)
		vn_error_input(err, NULL, "%d operand%s; usage: vnuma %s%s%s", kept, kept == 1 ? "" : "s",
			verb->name, *verb->operands ? " " : "", verb->operands);
	return err->n ? -EINVAL : 0;
}

/* What a problem quotes, or a file's name, may be no UTF-8. NULL for NULL. */
static json_t *any_text_to_json(const char *text)
{
	size_t room = text ? 4 * strlen(text) + 1 : 0;
	json_t *string = text ? json_string(text) : NULL;
	vn_autofree char *plain = text && !string ? malloc(room) : NULL;

	if (!plain)
		return string;
	vn_sample_text(text, strlen(text), plain, room);
	return json_string(plain);
}

static json_t *problem_to_json(const struct vn_problem *problem)
{
	return json_pack("{s:o*, s:o*, s:o*, s:o}", "file", any_text_to_json(problem->file), "line",
		problem->line ? json_integer(problem->line) : NULL, "key", any_text_to_json(problem->key),
		"text", any_text_to_json(problem->text));
}

void vn_error_print(const struct vn_error *err, int status, bool json)
{
	json_t *list = json ? json_array() : NULL;

	for (size_t i = 0; i < err->n; i++) {
		const struct vn_problem *problem = &err->problems[i];
		fputs("vnuma: ", stderr);
		if (problem->file && problem->line)
			fprintf(stderr, "%s:%u: ", problem->file, problem->line);
		else if (problem->file)
			fprintf(stderr, "%s: ", problem->file);
		if (problem->key)
			fprintf(stderr, "%s: ", problem->key);
		fprintf(stderr, "%s\n", problem->text);
		if (list)
			json_array_append_new(list, problem_to_json(problem));
	}
	if (err->n == 0)
		fprintf(stderr, "vnuma: %s\n", strerror(-status));
	if (list) {
		json_t *object = json_pack("{s:s, s:o}", "schema", "vnuma.error/1", "errors", list);
		json_dumpf(object, stdout, JSON_INDENT(2));
		putchar('\n');
		json_decref(object);
	}
}

int vn_print_json(json_t *object, struct vn_error *err)
{
	if (!object)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	/* as a whole: json_dumpf writes piece by piece, which takes twice as long */
	vn_autofree char *text = json_dumps(object, JSON_INDENT(2));
	json_decref(object);
	if (!text)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	return puts(text) < 0 ? vn_error_environment(err, -EIO, "standard output: cannot be written") : 0;
}
