/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The words of a command line: as /proc/PID/cmdline has them, a 0 behind each, or as text for a shell. Only text that says the
 * same to every shell is read: quotes, backslashes, blanks, and one command. What a shell would work on first (variables,
 * patterns, pipes, comments) is refused, since nobody knows here what would come of it.
 */

#include <stdbool.h>
#include <stddef.h>

#include "error.h"

#define VN_WORDS_MAX 16384u /* of a command line; a guest of 1024 vCPUs and 32 vnodes has about 3000 */
#define VN_WORDS_SIZE_MAX (8u << 20) /* bytes of a command line; Linux takes at most 6 MiB (fs/exec.c) */
#define VN_CMDLINE_CUT 4096u /* bytes: kernels before 4.2 told no more of a process (fs/proc/base.c) */

struct vn_word {
	char *text; /* without quotes and backslashes; owned */
	unsigned line; /* that it begins on, from 1; in a command line with zeros the word's number, from 1 */
};

struct vn_words {
	bool zeros; /* words ended with a 0 each */
	bool cut; /* the last one did not: there was more once */
	size_t n_assignments; /* `NAME=value` words at the beginning, for the program's environment */
	size_t n; /* all words; v[n_assignments] is the program, if n > n_assignments */
	struct vn_word *v;
};

/*
 * Takes `size` bytes apart; a 0 among them says that they are from /proc. `text` has a 0 behind them. All problems are told (the
 * first 20), each with its line. -EINVAL, -ENOMEM; `ret_words` is then untouched.
 */
int vn_words_parse(
	const char *text, size_t size, const char *file, struct vn_words *ret_words, struct vn_error *err);
void vn_words_clear(struct vn_words *words);
#define vn_autowords vn_cleanup(vn_words_clear) struct vn_words
