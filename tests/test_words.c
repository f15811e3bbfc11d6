/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Command lines taken apart: words as a shell or /proc has them, and the keys and values of QEMU's options. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "../src/base/keyval.h"
#include "../src/base/qemu_options.h"
#include "../src/base/text.h"
#include "../src/base/words.h"

/* Problems as "LINE: TEXT" lines. */
static char *problems_text(const struct vn_error *err)
{
	char *all = vn_copy("");
	for (size_t i = 0; i < err->n; i++) {
		char *more = vn_format("%s%u: %s\n", all, err->problems[i].line, err->problems[i].text);
		free(all);
		all = more;
	}
	return all;
}

/* "LINE:WORD|LINE:WORD|". */
static void assert_words(const char *text, size_t size, size_t n_assignments, const char *expected)
{
	vn_autowords words = {0};
	vn_autoerror err = {0};
	vn_autofree char *all = vn_copy("");
	assert_int_equal(vn_words_parse(text, size, "f", &words, &err), 0);
	assert_int_equal(err.n, 0);
	for (size_t i = 0; i < words.n; i++) {
		char *more = vn_format("%s%u:%s|", all, words.v[i].line, words.v[i].text);
		free(all);
		all = more;
	}
	assert_string_equal(all, expected);
	assert_int_equal(words.n_assignments, n_assignments);
}

static void assert_no_words(const char *text, const char *expected)
{
	vn_autowords words = {0};
	vn_autoerror err = {0};
	assert_int_equal(vn_words_parse(text, strlen(text), "f", &words, &err), -EINVAL);
	assert_null(words.v);
	vn_autofree char *all = problems_text(&err);
	assert_string_equal(all, expected);
}

static void test_words_of_a_shell(void **state)
{
	(void)state;
#define SHELL(text, n, expected) assert_words(text, strlen(text), n, expected)
	SHELL("", 0, "");
	SHELL(" \n\t\n", 0, "");
	SHELL("a b\n", 0, "1:a|1:b|");
	SHELL("\n\na \\\n -b \\\n\t-c d", 0, "3:a|4:-b|5:-c|5:d|");
	SHELL("A=1 _b2='x y' 3=c D=e", 2, "1:A=1|1:_b2=x y|1:3=c|1:D=e|");
	SHELL("'a b'\"c d\"e\\ f '' \"\"", 0, "1:a bc de f|1:|1:|");
	SHELL("'a\\b$`;' \"a\\\\b\\$\\`\\\"\\c\"", 0, "1:a\\b$`;|1:a\\b$`\"\\c|");
	SHELL("a\\\nb 'c\nd' e", 0, "1:ab|2:c\nd|3:e|");
	SHELL("\"a\\\nb\" c", 0, "1:ab|2:c|");
	SHELL("a#b c=~ a~", 0, "1:a#b|1:c=~|1:a~|");
	SHELL("\xef\xbb\xbf"
	      "a",
		0, "1:a|");
#undef SHELL
}

static void test_words_of_proc(void **state)
{
	(void)state;
	static const char text[] = "A=b\0qemu\0\0-x\0'$\n";
	vn_autowords words = {0};
	assert_words(text, sizeof(text), 1, "1:A=b|2:qemu|3:|4:-x|5:'$\n|");
	assert_int_equal(vn_words_parse(text, sizeof(text), "f", &words, NULL), 0);
	assert_true(words.zeros && !words.cut);
	vn_words_clear(&words);
	assert_int_equal(vn_words_parse(text, sizeof(text) - 1, "f", &words, NULL), 0);
	assert_true(words.zeros && words.cut);
}

static void test_words_that_a_shell_would_work_on(void **state)
{
	(void)state;
	assert_no_words("a 'b\nc", "1: the single quote here has no end; is the command line cut?\n");
	assert_no_words(
		"a\\\n \"b\\\"\nc", "2: the double quote here has no end; is the command line cut?\n");
	assert_no_words("a\\", "1: '\\' at the very end; expected a character or another line behind it\n");
	assert_no_words("a\n\nb",
		"3: a second command begins here; expected one, with '\\' at the end of each line but "
		"the last\n");
	assert_no_words("a \\\r\n b\r",
		"1: a carriage return; expected lines that end with a line feed alone\n"
		"2: a second command begins here; expected one, with '\\' at the end of each line but "
		"the last\n");
	assert_no_words("a $B \"`c`\" 'd';e",
		"1: '$' without quotes: the shell would put something else in the place of "
		"'$'; expected plain words, quoted where need be\n"
		"1: '`' within double quotes: the shell would run a command at '`'; expected "
		"plain words, quoted where need be\n"
		"1: '`' within double quotes: the shell would run a command at '`'; expected "
		"plain words, quoted where need be\n"
		"1: ';' without quotes: the shell would end the command there; expected plain "
		"words, quoted where need be\n");
	static const char *const each[] = {
		"a|b", "a&", "a >b", "a <b", "(a)", "a*", "a?", "[a", "a {b", "#a", "~/a"};
	for (size_t i = 0; i < sizeof(each) / sizeof(each[0]); i++) {
		vn_autowords words = {0};
		vn_autoerror err = {0};
		assert_int_equal(vn_words_parse(each[i], strlen(each[i]), "f", &words, &err), -EINVAL);
		assert_non_null(strstr(err.problems[0].text, "the shell would"));
	}
}

static void test_words_are_bounded(void **state)
{
	(void)state;
	vn_autofree char *many = calloc(VN_WORDS_MAX + 2, 2);
	vn_autowords words = {0};
	vn_autoerror err = {0};
	assert_int_equal(vn_words_parse(many, VN_WORDS_MAX + 1, "f", &words, &err), -EINVAL);
	assert_int_equal(err.n, 1);
	assert_int_equal(vn_words_parse(many, VN_WORDS_MAX, "f", &words, &err), 0);
	assert_int_equal(words.n, VN_WORDS_MAX);
	vn_words_clear(&words);
	memset(many, ';', 2 * VN_WORDS_MAX);
	assert_int_equal(vn_words_parse(many, 2 * VN_WORDS_MAX, "f", &words, &err), -EINVAL);
	assert_int_equal(err.n, 1 + 20 + 1);
}

/* ---- keys and values ---- */

static const struct vn_where where = {"f", 3, "-x"};

/* "(key)=value" of the implied key, "key!" of a flag. */
static char *pairs_text(const struct vn_keyval *keyval)
{
	char *all = vn_copy("");
	for (size_t i = 0; i < keyval->n; i++) {
		const struct vn_keyval_pair *pair = &keyval->v[i];
		char *more = pair->flag      ? vn_format("%s%s! ", all, pair->key)
			     : pair->implied ? vn_format("%s(%s)=%s ", all, pair->key, pair->value)
					     : vn_format("%s%s=%s ", all, pair->key, pair->value);
		free(all);
		all = more;
	}
	return all;
}

/* Also that what is written again reads back equal. */
static void assert_pairs(const char *text, const char *expected)
{
	vn_autokeyval keyval = {0}, back = {0};
	vn_autoerror err = {0};
	assert_int_equal(vn_keyval_parse(text, "first", &where, &keyval, &err), 0);
	vn_autofree char *pairs = pairs_text(&keyval), *again = vn_keyval_text(&keyval);
	assert_string_equal(pairs, expected);
	assert_int_equal(vn_keyval_parse(again, "first", &where, &back, &err), 0);
	vn_autofree char *back_pairs = pairs_text(&back);
	assert_string_equal(back_pairs, expected);
	assert_int_equal(err.n, 0);
}

static void assert_no_pairs(const char *text, const char *expected)
{
	vn_autokeyval keyval = {0};
	vn_autoerror err = {0};
	assert_int_equal(vn_keyval_parse(text, "first", &where, &keyval, &err), -EINVAL);
	assert_null(keyval.v);
	vn_autofree char *all = problems_text(&err);
	assert_string_equal(all, expected);
}

static void test_keyval_of_text(void **state)
{
	(void)state;
	assert_pairs("", "");
	assert_pairs("node", "(first)=node ");
	assert_pairs("node,cpus=0-3,cpus=8,memdev=m", "(first)=node cpus=0-3 cpus=8 memdev=m ");
	assert_pairs("a=b,c", "a=b c! ");
	assert_pairs("x,path=a,,b,,,,c,server,nowait", "(first)=x path=a,b,,c server! nowait! ");
	assert_pairs("a,,b=c,d=", "(first)=a,b=c d= ");
	assert_pairs("a=b=c,d={},", "a=b=c d={} ");
	assert_pairs("a=x,,", "a=x, ");
	assert_no_pairs("a,,,b,,c", "3: no key before \",c\"; expected key=value\n");
	assert_no_pairs(",a=b", "3: no key before \",a=b\"; expected key=value\n");
	assert_no_pairs("a,=b", "3: no key before \"=b\"; expected key=value\n");
}

static void test_keyval_of_json(void **state)
{
	(void)state;
	assert_pairs("{}", "");
	assert_pairs("{\"id\":\"m,n\",\"share\":true,\"x\":false,\"size\":4096,\"n\":null}",
		"id=m,n share=on x=off size=4096 n= ");
	assert_pairs("{\"host-nodes\":[0,3],\"e\":[]}", "host-nodes=0 host-nodes=3 ");
	assert_pairs("{\"file\":{\"name\":\"a\"},\"map\":[{\"t\":\"i\",\"vqs\":[0,1]},{\"t\":\"k\"}]}",
		"file.name=a map.0.t=i map.0.vqs=0 map.0.vqs=1 map.1.t=k ");
	assert_no_pairs("{\"id\":\"m\",\"id\":\"n\"}",
		"3: no good JSON at byte 14: duplicate object key near '\"id\"'\n");
	assert_no_pairs(
		"{\"id\":\"m\",\"si", "3: the JSON ends after 13 bytes within an object; is it cut?\n");
	assert_no_pairs("{\"id\":\"m\"", "3: the JSON ends after 9 bytes within an object; is it cut?\n");
	assert_no_pairs("{\"a\":[[[[[[[[[1]]]]]]]]]}", "3: JSON nested more than 8 deep\n");
	assert_no_pairs("{\"\":1}", "3: an empty key in JSON\n");
	assert_no_pairs("{\"a\":1} x", "3: no good JSON at byte 9: end of file expected near 'x'\n");
}

static void test_keyval_is_bounded(void **state)
{
	(void)state;
	vn_autofree char *text = malloc(VN_KEYVAL_SIZE_MAX + 2);
	vn_autokeyval keyval = {0};
	for (size_t i = 0; i <= VN_KEYVAL_SIZE_MAX; i++)
		text[i] = i % 2 ? ',' : 'a';
	text[VN_KEYVAL_SIZE_MAX + 1] = 0;
	assert_no_pairs(text, "3: 131073 bytes; expected at most 131072\n");
	text[VN_KEYVAL_SIZE_MAX] = 0;
	assert_no_pairs(text, "3: more than 4096 keys\n");
	text[2 * VN_KEYVAL_PAIRS_MAX] = 0;
	assert_int_equal(vn_keyval_parse(text, NULL, &where, &keyval, NULL), 0);
	assert_int_equal(keyval.n, VN_KEYVAL_PAIRS_MAX);
	memset(text, 'a', 300);
	memcpy(text + 256, "=b", 3);
	assert_no_pairs(text, "3: a key of 256 bytes; expected at most 255\n");
}

static void test_keyval_answers(void **state)
{
	(void)state;
	vn_autokeyval keyval = {0};
	assert_int_equal(vn_keyval_parse("a=1,nowait,a=2,b,nob", NULL, &where, &keyval, NULL), 0);
	assert_string_equal(vn_keyval_get(&keyval, "a"), "2");
	assert_string_equal(vn_keyval_get(&keyval, "wait"), "off");
	assert_string_equal(vn_keyval_get(&keyval, "nowait"), "on");
	assert_string_equal(vn_keyval_get(&keyval, "b"), "off");
	assert_null(vn_keyval_get(&keyval, "c"));
	const struct vn_keyval_pair *pair = vn_keyval_next(&keyval, "a", NULL);
	assert_string_equal(pair->value, "1");
	pair = vn_keyval_next(&keyval, "a", pair);
	assert_string_equal(pair->value, "2");
	assert_null(vn_keyval_next(&keyval, "a", pair));
}

static void assert_set(const char *text, const char *key, json_t *value, const char *expected)
{
	vn_autokeyval keyval = {0};
	assert_int_equal(vn_keyval_parse(text, "first", &where, &keyval, NULL), 0);
	assert_int_equal(vn_keyval_set(&keyval, key, value), 0);
	vn_autofree char *again = vn_keyval_text(&keyval);
	assert_string_equal(again, expected);
}

static void test_keyval_is_changed(void **state)
{
	(void)state;
	assert_set("pc,a=1,b,a=2", "a", json_string("x,y"), "pc,a=x,,y,b");
	assert_set("pc,a=1,b,a=2", "a", NULL, "pc,b");
	assert_set("pc,nob,a=1", "b", json_true(), "pc,a=1,b=on");
	assert_set("pc", "b", json_integer(3), "pc,b=3");
	assert_set("pc,a", "first", json_string("q=3"), "first=q=3,a");
	assert_set("{\"a\":[1,2],\"b\":\"c\"}", "a", json_integer(3), "{\"a\":3,\"b\":\"c\"}");
	assert_set("{\"a\":[1,2],\"b\":\"c\"}", "a", NULL, "{\"b\":\"c\"}");
	assert_set("{\"b\":\"c\"}", "a", json_false(), "{\"b\":\"c\",\"a\":false}");
	vn_autokeyval keyval = {0};
	assert_int_equal(vn_keyval_set(&keyval, "a=b", json_integer(1)), -EINVAL);
	assert_int_equal(vn_keyval_set(&keyval, "a", json_array()), -EINVAL);
}

static void test_programs(void **state)
{
	(void)state;
	static const struct {
		const char *path;
		enum vn_qemu_program program;
	} cases[] = {{"qemu-system-x86", VN_QEMU_VM}, {"/usr/bin/qemu-system-aarch64", VN_QEMU_VM},
		{"/x/.qemu-system-x86_64-wrapped", VN_QEMU_VM}, {"/usr/libexec/qemu-kvm", VN_QEMU_VM},
		{"qemu-kvm-spice", VN_QEMU_VM}, {"/bin/kvm", VN_QEMU_VM}, {"qemu-img", VN_QEMU_TOOL},
		{"/bin/qemu-x86_64", VN_QEMU_TOOL}, {"qemu-", VN_QEMU_NONE}, {"qemu", VN_QEMU_NONE},
		{"kvm2", VN_QEMU_NONE}, {"kv", VN_QEMU_NONE}, {"/usr/bin/kvm/", VN_QEMU_NONE},
		{"qemu-system-x86_64/a", VN_QEMU_NONE}, {"", VN_QEMU_NONE}, {".", VN_QEMU_NONE}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(vn_qemu_program_of(cases[i].path, strlen(cases[i].path)), cases[i].program);
	assert_int_equal(vn_qemu_program_of("kvm (deleted)", 3), VN_QEMU_VM);
	assert_int_equal(vn_qemu_program_of("qemu-kvm", 7), VN_QEMU_TOOL);
}

static void test_accelerators(void **state)
{
	(void)state;
	static const struct {
		const char *line, *accel;
	} cases[] = {{"qemu-system-x86_64 -m 64", "tcg"}, {"/opt/kvm/bin/qemu-system-x86_64", "tcg"},
		{"A=b /usr/libexec/qemu-kvm", "kvm"}, {"kvm -accel tcg,thread=multi", "tcg"},
		{"q -accel accel=kvm --accel tcg -enable-kvm", "kvm:tcg"},
		{"q -enable-kvm -M pc,accel=tcg", "tcg"},
		{"q -machine accel=tcg -enable-kvm -machine q35", "kvm"},
		{"q -machine '{\"accel\":\"hvf:tcg\"}'", "hvf:tcg"}, {"kvm -machine =,", "kvm"},
		{"kvm -name -enable-kvm -accel", "kvm"}, {"", "tcg"}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		vn_autowords words = {0};
		vn_autofree char *accel = NULL;
		vn_words_parse(cases[i].line, strlen(cases[i].line), NULL, &words, NULL);
		assert_int_equal(vn_qemu_accel(&words, &accel), 0);
		assert_string_equal(accel, cases[i].accel);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_programs),
		cmocka_unit_test(test_accelerators),
		cmocka_unit_test(test_words_of_a_shell),
		cmocka_unit_test(test_words_of_proc),
		cmocka_unit_test(test_words_that_a_shell_would_work_on),
		cmocka_unit_test(test_words_are_bounded),
		cmocka_unit_test(test_keyval_of_text),
		cmocka_unit_test(test_keyval_of_json),
		cmocka_unit_test(test_keyval_is_bounded),
		cmocka_unit_test(test_keyval_answers),
		cmocka_unit_test(test_keyval_is_changed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
