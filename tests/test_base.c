/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Strict reading of numbers and sets, the error object, sizes for people. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../src/base/parse.h"
#include "../src/base/rootfs.h"
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
	/* All to the nearest, be they large or small. */
	static const struct {
		uint64_t bytes;
		const char *text;
	} rounded[] = {{(128ull << 30) - (10ull << 20), "128 GiB"}, {128ull << 30, "128 GiB"},
		{(370ull << 30) + (512ull << 20), "371 GiB"}, {(370ull << 30) + (511ull << 20), "370 GiB"},
		{(100ull << 20) - 1024, "100 MiB"}, {(99ull << 20) + (900ull << 10), "99.9 MiB"},
		{(1ull << 30) - 1, "1.0 GiB"}, {(1023ull << 20) + (511ull << 10), "1023 MiB"},
		{(1023ull << 20) + (512ull << 10), "1.0 GiB"}, {1023, "1023 B"}, {1024, "1 KiB"},
		{(1ull << 40) - 1, "1.0 TiB"}, {1ull << 60, "1 EiB"}, {UINT64_MAX, "16.0 EiB"}, {0, "0 B"}};
	for (size_t i = 0; i < sizeof(rounded) / sizeof(rounded[0]); i++)
		assert_string_equal(vn_size_text(rounded[i].bytes, buffer), rounded[i].text);
	assert_string_equal(vn_size_text(UINT64_MAX, buffer), "16.0 EiB");
}

static void test_sizes_that_must_not_be_rounded(void **state)
{
	(void)state;
	char a[VN_SIZE_TEXT], b[VN_SIZE_TEXT];
	static const struct {
		uint64_t bytes;
		const char *text;
	} exact[] = {{0, "0 B"}, {1023, "1023 B"}, {1025ull << 20, "1025 MiB"}, {2752ull << 20, "2752 MiB"},
		{3ull << 30, "3 GiB"}, {1ull << 63, "8 EiB"}, {UINT64_MAX, "18446744073709551615 B"}};
	for (size_t i = 0; i < sizeof(exact) / sizeof(exact[0]); i++)
		assert_string_equal(vn_size_text_exact(exact[i].bytes, a), exact[i].text);
	/* Two that differ are never told alike, be one of them a round figure or not; two that do not, as ever. */
	vn_size_texts_apart(36147ull << 20, 36146ull << 20, a, b);
	assert_string_equal(a, "36147 MiB");
	assert_string_equal(b, "36146 MiB");
	vn_size_texts_apart(1025ull << 20, 1ull << 30, a, b);
	assert_string_equal(a, "1025 MiB");
	assert_string_equal(b, "1 GiB");
	vn_size_texts_apart(200ull << 30, (200ull << 30) + 1024, a, b);
	assert_string_equal(a, "200 GiB");
	assert_string_equal(b, "209715201 KiB");
	vn_size_texts_apart(36147ull << 20, 36200ull << 20, a, b);
	assert_string_equal(a, "35.3 GiB");
	assert_string_equal(b, "35.4 GiB");
	vn_size_texts_apart(36147ull << 20, 36147ull << 20, a, b);
	assert_string_equal(a, b);
}

static void test_lines(void **state)
{
	(void)state;
	static const char text[] = "Uids 1\nUid:\t 0\t1\n\nUid:\t2\nlast:";
	assert_string_equal(vn_next_line(text), text + 7);
	assert_string_equal(vn_next_line("\na"), "a");
	assert_string_equal(vn_next_line("a"), "");
	assert_string_equal(vn_next_line(""), "");
	static const struct {
		const char *key;
		char mark;
		const char *value;
	} cases[] = {{"Uid", ':', "0\t1"}, {"Uids", ' ', "1"}, {"last", ':', ""}, {"Uids", ':', NULL},
		{"id", ':', NULL}, {"la", 's', "t:"}, {"lastly", ':', NULL}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		vn_autofree char *value = vn_line_value(text, cases[i].key, cases[i].mark);
		if (cases[i].value)
			assert_string_equal(value, cases[i].value);
		else
			assert_null(value);
	}
	vn_autofree char *none = vn_line_value("", "Uid", ':');
	assert_null(none);
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

/* A name in a folder of its own, gone at the end. */
struct place {
	char folder[64], file[96];
};

static struct place make_place(void)
{
	struct place place = {.folder = "/tmp/vnuma-test-XXXXXX"};
	assert_non_null(mkdtemp(place.folder));
	snprintf(place.file, sizeof(place.file), "%s/file", place.folder);
	return place;
}

static void test_root_reads_files_of_any_length(void **state)
{
	(void)state;
	static const size_t lengths[] = {0, 1, 2, 4093, 4094, 4095, 4096, 4097, 8190, 8192, 70000};
	struct place place = make_place();
	vn_autoroot root = {.fd = -1};
	vn_autoerror err = {0};

	assert_int_equal(vn_root_open(place.folder, &root, &err), 0);
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		vn_autofree char *text = malloc(lengths[i] + 1), *seen = NULL;
		for (size_t c = 0; c < lengths[i]; c++)
			text[c] = (char)('a' + c % 23);
		text[lengths[i]] = '\0';
		FILE *file = fopen(place.file, "w");
		assert_non_null(file);
		assert_int_equal(fwrite(text, 1, lengths[i], file), lengths[i]);
		assert_int_equal(fclose(file), 0);
		assert_int_equal(vn_root_read(&root, "file", &seen), 0);
		assert_string_equal(seen, text);
		unlink(place.file);
	}
	rmdir(place.folder);
}

/* Their sizes are told as 0 in procfs and as a page in sysfs. */
static void test_root_reads_what_the_kernel_shows(void **state)
{
	(void)state;
	static const char *const paths[] = {"proc/version", "sys/devices/system/cpu/possible"};
	vn_autoroot live = {.fd = -1}, foreign = {.fd = -1};
	vn_autoerror err = {0};

	assert_int_equal(vn_root_open("/", &live, &err), 0);
	assert_int_equal(vn_root_open("/.", &foreign, &err), 0);
	assert_true(live.live && !foreign.live);
	for (size_t i = 0; i < 2; i++) {
		vn_autofree char *ours = NULL, *theirs = NULL;
		assert_int_equal(vn_root_read(&live, paths[i], &ours), 0);
		assert_int_equal(vn_root_read(&foreign, paths[i], &theirs), 0);
		assert_true(strlen(ours) > 1);
		assert_string_equal(ours, theirs);
	}
}

static void test_root_tells_files_from_other_things(void **state)
{
	(void)state;
	struct place place = make_place();
	vn_autoroot live = {.fd = -1}, foreign = {.fd = -1};
	vn_autoerror err = {0};
	vn_autofree char *text = NULL;

	assert_int_equal(vn_root_open("/", &live, &err), 0);
	assert_int_equal(vn_root_open(place.folder, &foreign, &err), 0);
	assert_int_equal(vn_root_read(&live, "proc/self", &text), -EISDIR);
	assert_int_equal(vn_root_read(&live, "proc/no-such-file", &text), -ENOENT);
	assert_int_equal(vn_root_link(&live, "proc/version", &text), -EINVAL);
	assert_int_equal(vn_root_link(&live, "proc/no-such-file", &text), -ENOENT);
	assert_int_equal(vn_root_link(&live, "proc/self", &text), 0);
	assert_int_equal(strtol(text, NULL, 10), getpid());
	assert_int_equal(mkfifo(place.file, 0600), 0);
	assert_int_equal(vn_root_read(&foreign, "file", &text), -ENXIO);
	assert_int_equal(vn_root_link(&foreign, "file", &text), -EINVAL);
	unlink(place.file);
	rmdir(place.folder);
}

static void test_root_lists_all_names(void **state)
{
	(void)state;
	struct place place = make_place();
	vn_autoroot root = {.fd = -1};
	vn_autoerror err = {0};

	assert_int_equal(vn_root_open(place.folder, &root, &err), 0);
	for (int n = 0; n < 70; n++) {
		vn_cleanup(vn_names_free) char **names = NULL;
		assert_int_equal(vn_root_list(&root, ".", &names), 0);
		for (int i = 0; i < n; i++)
			assert_int_equal(strtol(names[i] + 4, NULL, 10), i);
		assert_null(names[n]);
		snprintf(place.file, sizeof(place.file), "%s/file%d", place.folder, n);
		assert_int_equal(mkdir(place.file, 0700), 0);
	}
	for (int n = 0; n < 70; n++) {
		snprintf(place.file, sizeof(place.file), "%s/file%d", place.folder, n);
		rmdir(place.file);
	}
	rmdir(place.folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set_reads_kernel_lists),
		cmocka_unit_test(test_set_refuses_what_is_not_a_list),
		cmocka_unit_test(test_u64_reads_the_whole_text_or_nothing),
		cmocka_unit_test(test_printable),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_sizes_that_must_not_be_rounded),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_error_keeps_every_problem),
		cmocka_unit_test(test_root_reads_files_of_any_length),
		cmocka_unit_test(test_root_reads_what_the_kernel_shows),
		cmocka_unit_test(test_root_tells_files_from_other_things),
		cmocka_unit_test(test_root_lists_all_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
