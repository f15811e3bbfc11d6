/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What tests of configs share: a config that must be read, and one of which all problems are known. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../src/base/text.h"
#include "../src/guest/guest_cfg.h"

static inline struct vn_guest *read_good(const char *text, bool defaults)
{
	struct vn_guest *guest = NULL;
	vn_autoerror err = {0};
	int r = vn_guest_from_cfg(text, "g.cfg", defaults, &guest, &err);
	for (size_t i = 0; i < err.n; i++)
		print_error("%s:%u: %s: %s\n", err.problems[i].file, err.problems[i].line,
			err.problems[i].key, err.problems[i].text);
	assert_int_equal(r, 0);
	return guest;
}

/* All problems as "LINE KEY: TEXT" lines. */
static inline void assert_problems(const char *text, const char *expected)
{
	struct vn_guest *guest = NULL;
	vn_autoerror err = {0};
	vn_autofree char *all = vn_copy("");
	assert_int_equal(vn_guest_from_cfg(text, "g.cfg", false, &guest, &err), -EINVAL);
	assert_null(guest);
	assert_true(err.input);
	for (size_t i = 0; i < err.n; i++) {
		assert_string_equal(err.problems[i].file, "g.cfg");
		char *more = vn_format("%s%u %s: %s\n", all, err.problems[i].line,
			err.problems[i].key ? err.problems[i].key : "-", err.problems[i].text);
		free(all);
		all = more;
	}
	assert_string_equal(all, expected);
}
