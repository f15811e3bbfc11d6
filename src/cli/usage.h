/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Help and option reading, both from the verb's own table entry. */

#include "cli.h"

void vn_usage_all(FILE *out);
void vn_usage_verb(const struct vn_verb *verb, FILE *out);

/*
 * Reads `--name VALUE`, `--name=VALUE`, `-o`-less switches and operands; `--` ends the options. All that is
 * wrong is added to `err`. `args` is set up (verb, json) even on failure, so that errors can be printed in
 * the form asked for.
 */
int vn_args_parse(
	const struct vn_verb *verb, int argc, char **argv, struct vn_args *args, struct vn_error *err);

/* Prints all problems on stderr, `vnuma: FILE:LINE: KEY: TEXT` each; with `json` also as one object on
 * stdout. */
void vn_error_print(const struct vn_error *err, int status, bool json);
