/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The entry point: finds the verb in the table, reads its options, runs it, prints every problem, exits with
 * its status. */

#include <string.h>

#include "cli.h"
#include "usage.h"

extern const struct vn_verb verb_acpi, verb_free, verb_gather, verb_list, verb_numad, verb_plan, verb_run,
	verb_show, verb_simulate, verb_stop, verb_topology, verb_verify;

const struct vn_verb *const vn_verbs[] = {
	&verb_topology,
	&verb_free,
	&verb_gather,
	&verb_plan,
	&verb_acpi,
	&verb_run,
	&verb_list,
	&verb_show,
	&verb_stop,
	&verb_verify,
	&verb_numad,
	&verb_simulate,
	NULL,
};

static const struct vn_verb *find_verb(const char *name)
{
	for (size_t i = 0; vn_verbs[i]; i++) {
		if (strcmp(vn_verbs[i]->name, name) == 0)
			return vn_verbs[i];
	}
	return NULL;
}

static int unknown_verb(const char *name)
{
	fprintf(stderr, "vnuma: '%s' is no verb of vnuma; 'vnuma help' lists them\n", name);
	return VN_EXIT_INPUT;
}

static int help(int argc, char **argv)
{
	if (argc < 1) {
		vn_usage_all(stdout);
		return VN_EXIT_DONE;
	}
	const struct vn_verb *verb = find_verb(argv[0]);
	if (!verb)
		return unknown_verb(argv[0]);
	vn_usage_verb(verb, stdout);
	return VN_EXIT_DONE;
}

/* What has been printed must have arrived: a full disk or a closed pipe is a failure like any other. */
static int finish(int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	fprintf(stderr, "vnuma: standard output: not all could be written\n");
	return status == VN_EXIT_DONE ? VN_EXIT_ENVIRONMENT : status;
}

static int run_verb(const struct vn_verb *verb, int argc, char **argv)
{
	vn_autoerror err = {0};
	struct vn_args args;
	int r = vn_args_parse(verb, argc, argv, &args, &err);

	if (r == 0 && args.help) {
		vn_usage_verb(verb, stdout);
		return VN_EXIT_DONE;
	}
	if (r == 0)
		r = verb->run(&args, &err);
	if (r >= 0)
		return r;
	vn_error_print(&err, r, args.json);
	return err.input ? VN_EXIT_INPUT : VN_EXIT_ENVIRONMENT;
}

/* Whether the program was called through a link of that name. */
static bool called_as(const char *program, const char *name)
{
	const char *slash = strrchr(program, '/');
	return strcmp(slash ? slash + 1 : program, name) == 0;
}

int main(int argc, char **argv)
{
	if (argc > 0 && called_as(argv[0], verb_numad.name))
		return finish(run_verb(&verb_numad, argc - 1, argv + 1));
	if (argc < 2) {
		vn_usage_all(stderr);
		return VN_EXIT_INPUT;
	}
	const char *name = argv[1];
	if (strcmp(name, "help") == 0 || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
		return finish(help(argc - 2, argv + 2));
	if (strcmp(name, "version") == 0 || strcmp(name, "--version") == 0) {
		printf("vnuma %s\n", VN_VERSION);
		return finish(VN_EXIT_DONE);
	}
	const struct vn_verb *verb = find_verb(name);
	if (!verb)
		return unknown_verb(name);
	return finish(run_verb(verb, argc - 2, argv + 2));
}
