/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* An argument vector that grows, and its form for a shell. */

#include <stdio.h>

#include "../base/error.h"

/* Ends in NULL once something was added. A zeroed one is empty. */
struct vn_argv {
	size_t n;
	char **v;
	size_t n_assignments; /* the first words are `NAME=value`, for the environment of the program behind them */
	bool short_of_memory; /* something could not be added: the vector must not be used */
};

/* Appends one word, printf-like. */
void vn_argv_add(struct vn_argv *argv, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Shell-quoted, an option and its value a line, ready to paste. */
void vn_argv_print(const struct vn_argv *argv, FILE *out);

/*
 * As a JSON array, a word a line, without assignments, which are no words of the program's. Each word that is no UTF-8, which JSON cannot hold, is a problem of the input, and nothing is
 * written then.
 */
int vn_argv_print_json(const struct vn_argv *argv, FILE *out, struct vn_error *err);
void vn_argv_clear(struct vn_argv *argv);
#define vn_autoargv vn_cleanup(vn_argv_clear) struct vn_argv
