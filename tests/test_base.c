/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Strict reading of numbers and sets, the error object, sizes for people. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "../src/base/parse.h"
#include "../src/base/set.h"
#include "../src/base/text.h"

static void assert_set(const char *text, const char *expected)
{
	vn_autoset set = NULL;
	assert_int_equal(vn_set_parse(text, &set), 0);
	vn_autofree char *printed = vn_set_text(set);
	assert_string_equal(printed, expected);
}

static void test_set_reads_kernel_lists(void **state)
{
	(void)state;
	assert_set("", "");
	assert_set("\n", "");
	assert_set("0\n", "0");
	assert_set("0-3,8,10-11\n", "0-3,8,10-11");
	assert_set("3,1,2,2", "1-3");
	assert_set("65535", "65535");
}

static void test_set_refuses_what_is_not_a_list(void **state)
{
	(void)state;
	static const char *const wrong[] = {",", "1,", ",1", "1,,2", "-1", "+1", "3-1", "1-", "a", "1 2",
		"0x1", "65536", "99999999999999999999", "1-2-3", "0-3;"};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		hwloc_bitmap_t set = NULL;
		assert_int_equal(vn_set_parse(wrong[i], &set), -EINVAL);
		assert_null(set);
	}
}

static void test_u64_reads_the_whole_text_or_nothing(void **state)
{
	(void)state;
	uint64_t value = 7;
	assert_int_equal(vn_parse_u64("0", UINT64_MAX, &value), 0);
	assert_int_equal(value, 0);
	assert_int_equal(vn_parse_u64("18446744073709551615", UINT64_MAX, &value), 0);
	assert_true(value == UINT64_MAX);
	assert_int_equal(vn_parse_u64("18446744073709551616", UINT64_MAX, &value), -ERANGE);
	assert_int_equal(vn_parse_u64("10", 9, &value), -ERANGE);
	assert_int_equal(vn_parse_u64("9", 9, &value), 0);
	assert_int_equal(vn_parse_u64("3", 2, &value), -ERANGE);
	static const char *const wrong[] = {"", " 1", "1 ", "-1", "+1", "0x10", "1e3", "1.0"};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(vn_parse_u64(wrong[i], UINT64_MAX, &value), -EINVAL);
	assert_int_equal(value, 9);
}

static void test_printable(void **state)
{
	(void)state;
	assert_true(vn_text_is_printable("Grüße"));
	assert_false(vn_text_is_printable("a\nb"));
	assert_false(vn_text_is_printable("\x1b[31m"));
	assert_false(vn_text_is_printable("\xff"));
	assert_false(vn_text_is_printable("\xc3"));
	assert_false(vn_text_is_printable("\xc2\x9b"));
	assert_true(vn_text_is_printable("\xe0\xa4\x85\xed\x9f\xbf\xf0\x9f\x98\x80\xf4\x8f\xbf\xbd"));
	assert_false(vn_text_is_printable("\xe0\x80\xaf")); /* '/' in three bytes */
	assert_false(vn_text_is_printable("\xf0\x80\x80\xaf"));
	assert_false(vn_text_is_printable("\xed\xa0\x80"));
	assert_false(vn_text_is_printable("\xf4\x90\x80\x80"));
}

static void test_sizes(void **state)
{
	(void)state;
	char buffer[VN_SIZE_TEXT];
	assert_string_equal(vn_size_text(0, buffer), "0 B");
	assert_string_equal(vn_size_text(512ull << 20, buffer), "512 MiB");
	assert_string_equal(vn_size_text(4ull << 30, buffer), "4 GiB");
	assert_string_equal(vn_size_text((4ull << 30) + (512ull << 20), buffer), "4.5 GiB");
	assert_string_equal(vn_size_text(UINT64_MAX, buffer), "16.0 EiB");
}

static void test_error_keeps_every_problem(void **state)
{
	(void)state;
	vn_autoerror err = {0};
	vn_autoerror more = {0};
	struct vn_where where = {"a.cfg", 3, "vcpus"};
	assert_int_equal(vn_error_environment(&err, -EPERM, "no %s", "permission"), -EPERM);
	assert_false(err.input);
	assert_int_equal(vn_error_input(&more, &where, "%d seen; expected 1 or more", 0), -EINVAL);
	vn_error_move(&err, &more);
	assert_int_equal(err.n, 2);
	assert_int_equal(more.n, 0);
	assert_true(err.input);
	assert_string_equal(err.problems[1].file, "a.cfg");
	assert_int_equal(err.problems[1].line, 3);
	assert_string_equal(err.problems[1].text, "0 seen; expected 1 or more");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set_reads_kernel_lists),
		cmocka_unit_test(test_set_refuses_what_is_not_a_list),
		cmocka_unit_test(test_u64_reads_the_whole_text_or_nothing),
		cmocka_unit_test(test_printable),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_error_keeps_every_problem),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
