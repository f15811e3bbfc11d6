/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What text takes on a terminal, and how it is cut and broken there. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../src/base/cleanup.h"
#include "../src/base/columns.h"

static void test_width(void **state)
{
	(void)state;
	assert_int_equal(vn_columns(""), 0);
	assert_int_equal(vn_columns("db1"), 3);
	assert_int_equal(vn_columns("±1.9"), 4);
	assert_int_equal(vn_columns("日本語"), 6);
	assert_int_equal(vn_columns("e\xcc\x81"), 1); /* with an accent of its own */
	assert_int_equal(vn_columns("👍"), 2);
	assert_int_equal(vn_columns("\xff\xfe"), 2); /* no character: a cell a byte */
	assert_int_equal(vn_columns("한국어"), 6);
}

static void cut_is(const char *text, size_t columns, const char *expected)
{
	vn_autofree char *cut = vn_in_columns(text, columns);

	assert_non_null(cut);
	assert_string_equal(cut, expected);
	assert_int_equal(vn_columns(cut), columns);
}

static void test_cut(void **state)
{
	(void)state;
	cut_is("db1", 5, "db1  ");
	cut_is("db1", 3, "db1");
	cut_is("database", 5, "data…");
	cut_is("日本語", 6, "日本語");
	cut_is("日本語", 5, "日本…");
	cut_is("日本語", 4, "日… "); /* half of a wide one does not fit */
	cut_is("abc", 1, "…");
	cut_is("abc", 0, "");
	cut_is("", 2, "  ");
}

static void wrapped_is(const char *text, size_t at, size_t indent, size_t width, const char *expected)
{
	vn_autofree char *wrapped = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&wrapped, &length);

	assert_non_null(out);
	vn_put_wrapped(text, at, indent, width, out);
	assert_int_equal(fclose(out), 0);
	assert_string_equal(wrapped, expected);
}

static void test_wrapped(void **state)
{
	(void)state;
	wrapped_is("", 0, 0, 10, "\n");
	wrapped_is("one two", 0, 0, 10, "one two\n");
	wrapped_is("one two three", 0, 2, 9, "one two\n  three\n");
	wrapped_is("one two", 0, 0, 7, "one two\n");
	wrapped_is("one  two ", 0, 0, 5, "one\ntwo\n");
	wrapped_is("abcdefghij", 0, 0, 4, "abcd\nefgh\nij\n");
	wrapped_is("日本語", 0, 0, 4, "日本\n語\n");
	wrapped_is("日本", 0, 0, 1, "日\n本\n");
	wrapped_is(
		"abcdef", 4, 2, 7, "\n  abcde\n  f\n"); /* not broken where a line of its own may hold it */
}

/* A width in which nothing fits comes to an end all the same, and loses nothing. */
static void test_no_room(void **state)
{
	vn_autofree char *wrapped = NULL;
	size_t length = 0, kept = 0;
	FILE *out = open_memstream(&wrapped, &length);

	(void)state;
	assert_non_null(out);
	vn_put_wrapped("ab cd", 12, 12, 10, out);
	assert_int_equal(fclose(out), 0);
	for (size_t i = 0; i < length; i++)
		kept += wrapped[i] >= 'a' && wrapped[i] <= 'd';
	assert_int_equal(kept, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_width), cmocka_unit_test(test_cut),
		cmocka_unit_test(test_wrapped), cmocka_unit_test(test_no_room)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
