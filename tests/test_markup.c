/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* XML as elements with their places: what stands where, what is refused, and that a text cut at its places is the text again. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "../src/base/markup.h"
#include "../src/base/text.h"
#include "../src/emit/xml_edit.h"

static struct vn_markup *read_good(const char *text)
{
	struct vn_markup *doc = NULL;
	vn_autoerror err = {0};
	int r = vn_markup_read(text, "d.xml", &doc, &err);
	for (size_t i = 0; i < err.n; i++)
		print_error("%u: %s\n", err.problems[i].line, err.problems[i].text);
	assert_int_equal(r, 0);
	return doc;
}

/* Refused, with a message that has `part` at that line (0: any). */
static void assert_refused(const char *text, unsigned line, const char *part)
{
	struct vn_markup *doc = NULL;
	vn_autoerror err = {0};
	assert_int_equal(vn_markup_read(text, "d.xml", &doc, &err), -EINVAL);
	assert_null(doc);
	assert_true(err.n >= 1 && err.input);
	if (!strstr(err.problems[0].text, part))
		fail_msg("'%s' seen; expected '%s'", err.problems[0].text, part);
	if (line)
		assert_int_equal(err.problems[0].line, line);
}

static void assert_slice(const struct vn_markup *doc, size_t from, size_t to, const char *expected)
{
	vn_autofree char *slice = strndup(doc->text + from, to - from);
	assert_string_equal(slice, expected);
}

static void test_places(void **state)
{
	(void)state;
	vn_automarkup *doc =
		read_good("<?xml version='1.0' encoding='utf-8'?>\n<!-- <no> -->\n"
			  "<a  x='1'\n y = \"&lt;2&#x41;&#10;\"><b/>\n<c>t&amp;<!-- ' -->u<![CDATA[<&]]></c >"
			  "<b z=''/></a>\n<!-- end -->");
	assert_int_equal(doc->n, 4);
	const struct vn_markup_element *a = &doc->elements[0], *c = &doc->elements[2];
	assert_int_equal(a->line, 3);
	assert_int_equal(doc->elements[1].line, 4);
	assert_int_equal(c->line, 5);
	assert_string_equal(vn_markup_get(doc, 0, "y"), "<2A\n");
	assert_null(vn_markup_get(doc, 0, "z"));
	assert_null(vn_markup_get(doc, VN_MARKUP_NONE, "z"));
	assert_slice(doc, a->attributes[0].begin, a->attributes[0].end, "  x='1'");
	assert_slice(doc, a->attributes[1].value_begin, a->attributes[1].value_end, "&lt;2&#x41;&#10;");
	assert_slice(doc, c->begin, c->open_end, "<c>");
	assert_slice(doc, c->close_begin, c->end, "</c >");
	assert_string_equal(c->text, "t&u<&");
	assert_null(a->text);
	assert_true(doc->elements[1].empty);
	assert_int_equal(c->parent, 0);
	assert_int_equal(a->behind, 4);
	assert_int_equal(c->depth, 1);
}

static void test_ways(void **state)
{
	(void)state;
	vn_automarkup *doc = read_good("<d><cpu><numa><cell/><cell><s/></cell></numa></cpu><x/><cpu/></d>");
	size_t cell = vn_markup_find(doc, 0, "cpu/numa/cell");
	assert_int_equal(cell, 3);
	size_t second = vn_markup_next(doc, cell, "cell");
	assert_int_equal(second, 4);
	assert_int_equal(vn_markup_next(doc, second, "cell"), VN_MARKUP_NONE);
	assert_int_equal(vn_markup_find(doc, 0, "cpu/numa/cell/s"), VN_MARKUP_NONE);
	assert_int_equal(vn_markup_find(doc, 0, "cpu/nothing"), VN_MARKUP_NONE);
	assert_int_equal(vn_markup_child(doc, VN_MARKUP_NONE, NULL), VN_MARKUP_NONE);
	assert_int_equal(vn_markup_next(doc, 0, NULL), VN_MARKUP_NONE);
	vn_autofree char *path = vn_markup_path(doc, 5);
	assert_string_equal(path, "cpu[1]/numa/cell[2]/s");
	vn_autofree char *root = vn_markup_path(doc, 0);
	assert_string_equal(root, "");
}

static void test_refused(void **state)
{
	(void)state;
	assert_refused("", 0, "empty");
	assert_refused("<a>", 0, "well-formed");
	assert_refused("<a/>\n<b/>", 0, "well-formed");
	assert_refused("<a x='1' x='2'/>", 1, "well-formed");
	assert_refused("<a x=1/>", 1, "well-formed");
	assert_refused("\n<a></b>", 0, "well-formed");
	assert_refused("<!DOCTYPE a SYSTEM 'http://x/y.dtd'><a/>", 1, "document type");
	assert_refused("<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>", 1, "document type");
	assert_refused("<a>\n&lol;</a>", 2, "entity");
	assert_refused("<a x='&e;'/>", 1, "entity");
	assert_refused("<a><!ELEMENT a ANY></a>", 1, "declaration");
	assert_refused("<a xmlns:xi='http://www.w3.org/2001/XInclude'><xi:include href='/etc/passwd'/></a>",
		1, "XInclude");
	assert_refused("<?xml version='1.0' encoding='ISO-8859-1'?><a/>", 1, "UTF-8");
	assert_refused("<a>\xff</a>", 1, "UTF-8");
	assert_refused("<a>&#0;</a>", 0, "well-formed");
	assert_refused("<a><!-- </a>", 1, "does not end");
}

static void *repeated(const char *head, const char *part, size_t n, const char *tail)
{
	size_t length = strlen(part);
	char *text = malloc(strlen(head) + n * length + strlen(tail) + 1), *at = text;
	assert_non_null(text);
	at = stpcpy(at, head);
	for (size_t i = 0; i < n; i++)
		at = stpcpy(at, part);
	stpcpy(at, tail);
	return text;
}

static void test_bounds(void **state)
{
	(void)state;
	vn_autofree char *deep = repeated("", "<a>", 2000, "");
	assert_refused(deep, 0, "deeper than 128");
	vn_autofree char *value = repeated("<a x='", "0123456789", 110000, "'/>");
	assert_refused(value, 1, "too long");
	vn_autofree char *many = repeated("<a>", "<b/>", 210000, "</a>");
	assert_refused(many, 1, "more than 200000");
	vn_autofree char *pieces = repeated("<a>", "x<!---->", 100000, "</a>");
	vn_automarkup *doc = read_good(pieces);
	assert_int_equal(strlen(doc->elements[0].text), 100000);
}

/* ---- changing it ---- */

static char *edited(const char *text, void (*change)(struct vn_xml_edit *edit))
{
	vn_automarkup *doc = read_good(text);
	vn_autoxmledit edit = {0};
	vn_xml_edit_init(&edit, doc);
	if (change)
		change(&edit);
	char *result = vn_xml_edit_result(&edit);
	assert_non_null(result);
	return result;
}

#define ODD "<?xml version='1.0'?><!-- a --><d\n a='1' >\r\n <b   q=\"x\" />&#9;<!-- c --><c>\n</c></d>\n\n"

static void change_all(struct vn_xml_edit *edit)
{
	vn_xml_edit_set(edit, 0, "a", "2 < '3'");
	vn_xml_edit_set(edit, 1, "new", "n");
	vn_xml_edit_unset(edit, 1, "q");
	vn_xml_edit_unset(edit, 1, "nothing");
	vn_xml_edit_inside(edit, 1, "<x>\n\t<y/>\n</x>");
	vn_xml_edit_inside(edit, 2, "<z/>");
}

static void test_edits(void **state)
{
	(void)state;
	vn_autofree char *same = edited(ODD, NULL);
	assert_string_equal(same, ODD);
	vn_autofree char *all = edited(ODD, change_all);
	assert_string_equal(all,
		"<?xml version='1.0'?><!-- a --><d\n a='2 &lt; &apos;3&apos;' >\r\n <b new='n'>\n  <x>\n   <y/>\n  </x>\n </b>"
		"&#9;<!-- c --><c><z/>\n</c></d>\n\n");
}

static void change_beside(struct vn_xml_edit *edit)
{
	vn_xml_edit_after(edit, 1, "<n>\n\t<m/>\n</n>");
	vn_xml_edit_after(edit, 1, "<o/>");
	vn_xml_edit_remove(edit, 2);
	vn_xml_edit_after(edit, 3, "<p/>");
}

static void test_edits_beside(void **state)
{
	(void)state;
	vn_autofree char *spaces =
		edited("<d>\n\t<a/> <!-- of a -->\n\t<b>\n\t</b>\n\t<c/><e/></d>", change_beside);
	assert_string_equal(
		spaces, "<d>\n\t<a/> <!-- of a -->\n\t<n>\n\t\t<m/>\n\t</n>\n\t<o/>\n\t<c/>\n\t<p/><e/></d>");
	vn_autofree char *crlf = edited("<d>\r\n  <a/>\r\n  <b/>\r\n  <c/>\r\n</d>\r\n", change_beside);
	assert_string_equal(crlf,
		"<d>\r\n  <a/>\r\n  <n>\r\n    <m/>\r\n  </n>\r\n  <o/>\r\n  <c/>\r\n  <p/>\r\n</d>\r\n");
	vn_autofree char *flat = edited("<d><a/><b/><c/></d>", change_beside);
	assert_string_equal(flat, "<d><a/><n><m/></n><o/><c/><p/></d>");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_ways),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_edits),
		cmocka_unit_test(test_edits_beside),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
