/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hwloc: and synthetic:, what is read of them and what is refused. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "../src/base/text.h"
#include "../src/discover/discover.h"

/* Two nodes of two CPUs with a device, and a node of HBM behind a cache, near the first one's CPUs. */
#define SETS(cpus, nodes)                                                                                    \
	"cpuset=\"" cpus "\" complete_cpuset=\"" cpus "\" nodeset=\"" nodes "\" complete_nodeset=\"" nodes   \
	"\" "
#define PU(id, set, node)                                                                                    \
	"<object type=\"PU\" os_index=\"" id "\" " SETS(set, node) "gp_index=\"1" id "\"/>\n"
#define HEAD "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE topology SYSTEM \"hwloc2.dtd\">\n"
#define BODY                                                                                                                                                                                                                  \
	"<object type=\"Machine\" os_index=\"0\" " SETS("0xf",                                                                                                                                                                \
		"0x13") "gp_index=\"1\">\n"                                                                                                                                                                                   \
			"<info name=\"DMIProductName\" value=\"M\xc3\xbc\"/>\n"                                                                                                                                               \
			"<object type=\"Package\" os_index=\"0\" " SETS("0x3",                                                                                                                                                \
				"0x11") "gp_index=\"2\">\n"                                                                                                                                                                   \
					"<object type=\"NUMANode\" os_index=\"0\" " SETS("0x3",                                                                                                                               \
						"0x1") "gp_index=\"4\" local_memory=\"4096\">\n"                                                                                                                              \
						       "<page_type size=\"4096\" count=\"1\"/><page_type size=\"2097152\" count=\"3\"/></object>\n"                                                                           \
						       "<object type=\"MemCache\" " SETS("0x3",                                                                                                                               \
							       "0x10") "gp_index=\"6\" cache_size=\"64\" depth=\"1\" cache_linesize=\"64\" cache_associativity=\"1\" "                                                        \
								       "cache_type=\"0\">\n"                                                                                                                                  \
								       "<object type=\"NUMANode\" os_index=\"4\" subtype=\"HBM\" " SETS(                                                                                      \
									       "0x3",                                                                                                                                         \
									       "0x10") "gp_index=\"5\" local_memory=\"8192\"/>\n</object>\n" PU("0",                                                                          \
									       "0x1", "0x11") PU("1", "0x2",                                                                                                                  \
									       "0x11") "</object>\n"                                                                                                                          \
										       "<object type=\"Package\" os_index=\"1\" " SETS(                                                                                       \
											       "0xc",                                                                                                                         \
											       "0x2") "gp_index=\"3\">\n"                                                                                                     \
												      "<object type=\"NUMANode\" os_index=\"1\" " SETS(                                                                       \
													      "0xc",                                                                                                          \
													      "0x2") "gp_index=\"7\" local_memory=\"4096\"/>\n" PU("2",                                                       \
													      "0x4",                                                                                                          \
													      "0x2") PU("3",                                                                                                  \
													      "0x8",                                                                                                          \
													      "0x2") "<object type=\"Bridge\" gp_index=\"20\" bridge_type=\"0-1\" depth=\"0\" bridge_pci=\"0000:[3a-3c]\">\n" \
														     "<object type=\"PCIDev\" gp_index=\"21\" pci_busid=\"0000:3b:00.0\" "                                    \
														     "pci_type=\"0200 [8086:1572] [8086:0000] 01\" pci_link_speed=\"7.8\">\n"                                 \
														     "<object type=\"OSDev\" gp_index=\"22\" name=\"eth0\" osdev_type=\"2\"/></object>\n"                     \
														     "</object></object></object>\n"
#define DISTANCES                                                                                              \
	"<distances2 type=\"NUMANode\" nbobjs=\"2\" kind=\"5\" name=\"NUMALatency\" indexing=\"os\">\n"        \
	"<indexes length=\"4\">0 1 </indexes><u64values length=\"12\">10 21 22 10 </u64values></distances2>\n" \
	"<memattr name=\"Bandwidth\" flags=\"5\"><memattr_value target_obj_type=\"NUMANode\" "                 \
	"target_obj_gp_index=\"5\" value=\"90000\" initiator_cpuset=\"0x3\"/></memattr>\n"
#define OF(version, body) HEAD "<topology version=\"" version "\">\n" body "</topology>\n"

static struct vn_host *read_text(const char *text)
{
	struct vn_host *host = NULL;
	vn_autoerror err = {0};
	int r = vn_discover_hwloc_text(text, "h.xml", &host, &err);

	for (size_t i = 0; i < err.n; i++)
		print_error("%s:%u: %s: %s\n", "h.xml", err.problems[i].line, err.problems[i].key,
			err.problems[i].text);
	assert_int_equal(r, 0);
	return host;
}

static void assert_set(hwloc_const_bitmap_t set, const char *expected)
{
	vn_autofree char *text = vn_set_text(set);
	assert_string_equal(text, expected);
}

static void check_whole(const struct vn_host *host)
{
	assert_int_equal(host->n_nodes, 3);
	assert_int_equal(host->nodes[2].id, 4);
	assert_set(host->nodes[0].cpus, "0-1");
	assert_set(host->nodes[1].cpus, "2-3");
	assert_true(hwloc_bitmap_iszero(host->nodes[2].cpus)); /* near CPUs of node 0, which are node 0's */
	assert_int_equal(host->nodes[2].memory_kind, VN_MEMORY_HBM);
	assert_int_equal(host->nodes[2].memory_total, 8192);
	assert_false(host->nodes[0].has_memory_free);
	assert_int_equal(host->nodes[0].distances[1], 21);
	assert_int_equal(host->nodes[1].distances[0], 22);
	assert_int_equal(host->nodes[0].distances[2], VN_DISTANCE_UNKNOWN);
	assert_int_equal(host->nodes[2].n_memory_caches, 1);
	assert_int_equal(host->nodes[2].memory_caches[0].size, 64);
	assert_int_equal(host->nodes[2].access[1].read_bandwidth, 90000);
	assert_set(host->nodes[2].access[1].initiators, "0");
	assert_int_equal(host->nodes[0].n_hugepools, 0); /* how many are free is not told */
	assert_int_equal(host->n_cpus, 4);
	assert_int_equal(host->cpus[2].package, 1);
	assert_int_equal(host->n_devices, 1);
	assert_string_equal(host->devices[0].address, "0000:3b:00.0");
	assert_string_equal(host->devices[0].root, "pci0000:3a");
	assert_string_equal(host->devices[0].names[0], "eth0");
	assert_int_equal(host->devices[0].node, 1);
	assert_int_equal(host->devices[0].class_code, 0x020000);
	assert_set(host->devices[0].local_cpus, "2-3");
	assert_true(vn_notes_has(&host->notes, "cpus-chosen"));
	assert_true(vn_notes_has(&host->notes, "hugepages-free-unknown"));
	assert_false(host->live);
}

static void test_all_that_is_told(void **state)
{
	(void)state;
	vn_autohost *host = read_text(OF("2.0", BODY DISTANCES));
	check_whole(host);
}

/* Replaces the first `from` by `to`. */
static char *replaced(const char *text, const char *from, const char *to)
{
	const char *at = strstr(text, from);

	assert_non_null(at);
	return vn_format("%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
}

/* In the whole document. */
static char *changed(const char *from, const char *to)
{
	return replaced(OF("2.0", BODY DISTANCES), from, to);
}

/* The same host as hwloc 3 writes it: infos beside the root, device types as bits. */
static void test_version_3(void **state)
{
	(void)state;
	vn_autofree char *text = changed("<object type=\"Machine\"",
		"<info name=\"Backend\" value=\"Linux\"/>\n<object type=\"Machine\"");
	vn_autofree char *third = replaced(text, "version=\"2.0\"", "version=\"3.0\"");
	vn_autofree char *whole = replaced(third, "osdev_type=\"2\"", "osdev_type=\"16\"");
	vn_autohost *host = read_text(whole);
	check_whole(host);
}

static void assert_refused(const char *text, unsigned line, const char *key, const char *words)
{
	struct vn_host *host = NULL;
	vn_autoerror err = {0};

	assert_int_equal(vn_discover_hwloc_text(text, "h.xml", &host, &err), -EINVAL);
	assert_null(host);
	assert_true(err.input);
	assert_true(err.n > 0);
	if (!strstr(err.problems[0].text, words))
		fail_msg("'%s' does not say '%s'", err.problems[0].text, words);
	assert_string_equal(err.problems[0].key ? err.problems[0].key : "", key);
	if (line)
		assert_int_equal(err.problems[0].line, line);
}

static void test_what_is_wrong_is_told(void **state)
{
	(void)state;
	static const struct {
		const char *from, *to;
		unsigned line;
		const char *key, *words;
	} cases[] = {
		{"version=\"2.0\"", "version=\"1.11\"", 3, "version", "hwloc 1"},
		{"version=\"2.0\"", "version=\"4.0\"", 3, "version", "'4.0'; expected 2.x or 3.x"},
		{"<topology", "<!ENTITY a \"b\"><topology", 3, "", "declaration"},
		{"\"hwloc2.dtd\"", "\"hwloc2.dtd\" [<!ENTITY a \"b\">]", 2, "", "declaration"},
		{"local_memory=\"4096\"", "local_memory=\"&a;\"", 7, "", "entity"},
		{"local_memory=\"4096\"", "local_memory=\"-4096\"", 7, "local_memory",
			"'-4096'; expected a number"},
		{"local_memory=\"4096\"", "local_memory=\"18446744073709551615\"", 7, "local_memory",
			"expected a number"},
		{"type=\"Package\"", "type=\"Socket\"", 6, "type", "'Socket'"},
		{"type=\"Package\"", "type=\"PU\"", 6, "cpuset", "expected CPU 0 alone"},
		{"os_index=\"1\" cpuset=\"0x2\"", "os_index=\"0\" cpuset=\"0x2\"", 13, "cpuset",
			"expected CPU 0 alone"},
		{"cpuset=\"0x3\"", "cpuset=\"0x7\"", 6, "cpuset", "complete_cpuset has not"},
		{"cpuset=\"0x3\"", "cpuset=\"0xf...f\"", 6, "cpuset", "expected a set"},
		{"cpuset=\"0x3\" ", "", 6, "cpuset", "missing"},
		{"gp_index=\"4\"", "gp_index=\"2\"", 4, "gp_index", "2 is there twice"},
		{"gp_index=\"4\"", "", 7, "gp_index", "missing"},
		{"os_index=\"4\"", "os_index=\"1024\"", 10, "os_index", "expected a number up to 1023"},
		{"10 21 22 10 ", "10 21 22 ", 0, "u64values", "3 numbers; expected 4"},
		{"10 21 22 10 ", "10 21 22 x ", 0, "u64values", "'x'"},
		{">0 1 <", ">0 2 <", 0, "indexes", "2; expected a NUMA node"},
		{">0 1 <", ">0 0 <", 0, "indexes", "twice"},
		{"target_obj_gp_index=\"5\"", "target_obj_gp_index=\"21\"", 0, "target_obj_gp_index",
			"NUMANode"},
		{"bridge_type=\"0-1\"", "bridge_type=\"0-0\"", 19, "bridge_type", "expected 0-1 or 1-1"},
		{"0000:3b:00.0", "3b:00.0", 20, "pci_busid", "expected a PCI address"},
		{"depth=\"1\"", "depth=\"9\"", 9, "depth", "expected a number up to 8"},
		{"</topology>", "", 0, "", "no well-formed XML"},
		{"name=\"eth0\"", "name=\"\x1b[31m\"", 0, "", "no well-formed XML"},
		{"name=\"eth0\"", "name=\"\xc3\xbc\"", 0, "", "beyond ASCII"},
		{"M\xc3\xbc", "M\xc3", 5, "", "no UTF-8"},
		{"gp_index=\"22\" name=\"eth0\" osdev_type=\"2\"/></object>",
			"gp_index=\"22\" name=\"eth0\" osdev_type=\"2\"/></object>"
			"<object type=\"PCIDev\" gp_index=\"23\" pci_busid=\"0000:3b:00.0\" "
			"pci_type=\"0200 [8086:1572] [8086:0000] 01\" pci_link_speed=\"7.8\"/>",
			0, "", "device 0000:3b:00.0 is there twice"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		vn_autofree char *text = changed(cases[i].from, cases[i].to);
		print_message("%s -> %s\n", cases[i].from, cases[i].to);
		assert_refused(text, cases[i].line, cases[i].key, cases[i].words);
	}
	assert_refused("", 0, "", "is empty");
	assert_refused("<a/>", 1, "", "<a> is the root element");
	assert_refused("<topology version=\"2.0\"/>", 1, "", "holds no object");
	assert_refused(OF("2.0", DISTANCES), 0, "", "holds no object");
	assert_refused(OF("2.0", BODY BODY), 0, "type", "expected one Machine");
}

static void test_nothing_is_too_deep_or_wide(void **state)
{
	(void)state;
	size_t n = 100000;
	vn_autofree char *deep = malloc(n * 3 + 1), *wide = malloc(n * 30 + 1), *at = NULL;

	for (size_t i = 0; i < n; i++)
		memcpy(deep + 3 * i, "<a>", 4);
	assert_refused(deep, 0, "", "nested deeper");
	at = wide + sprintf(wide, "<a ");
	for (size_t i = 0; i < 1000; i++)
		at += sprintf(at, "a%zu=\"\" ", i);
	memcpy(at, "/>", 3);
	at = NULL;
	assert_refused(wide, 0, "", "attributes");
}

static void test_synthetic(void **state)
{
	(void)state;
	vn_autoerror err = {0};
	vn_autohost *host = NULL;

	assert_int_equal(
		vn_discover("synthetic:node:2(memory=4GiB indexes=3,1) core:4 pu:2", &host, &err), 0);
	assert_int_equal(host->n_nodes, 2);
	assert_int_equal(host->nodes[0].id, 1);
	assert_set(host->nodes[0].cpus, "8-15");
	assert_set(host->nodes[1].cpus, "0-7");
	assert_int_equal(host->n_cpus, 16);
	assert_int_equal(vn_host_cores(host, host->nodes[0].cpus), 4);
	assert_set(host->cpus[3].siblings, "2-3");
	assert_string_equal(host->source, "synthetic:node:2(memory=4GiB indexes=3,1) core:4 pu:2");
}

static void test_synthetic_is_bounded(void **state)
{
	(void)state;
	static const struct {
		const char *description, *words;
	} cases[] = {
		{" ", "no description that hwloc understands"},
		{"node:0 pu:1", "no description that hwloc understands"},
		{"node:2 pu:", "no description that hwloc understands"},
		{"node:1000000 core:1000000", "more than 8192 CPUs"},
		{"99999999999999999999", "more than 8192 CPUs"},
		{"4 4 4 4 4 4 4 4 4 4 4 4 4 4 4 4 4 4 4 4 4 4 4 4 4 4 4 4 4 4 4 4", "more than 8192 CPUs"},
		{"node:2 pu:2(indexes=0,1,2,4000000000)", "'4000000000' among the indexes"},
		{"node:2 pu:2(indexes=0,1,1,3)", "'1' among the indexes"},
		{"node:2(memory=9EB) pu:1", "no description"},
		{"node:2(memory=9999999999999999999) pu:1", "2^60"},
		{"node:1025 pu:1", "1025 nodes; expected at most 1024"},
		{"node:2 \x1b[31m", "cannot be printed"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct vn_host *host = NULL;
		vn_autoerror err = {0};
		print_message("%s\n", cases[i].words);
		assert_true(vn_discover_synthetic(cases[i].description, &host, &err) < 0);
		assert_null(host);
		assert_int_equal(err.n, 1);
		assert_non_null(strstr(err.problems[0].text, cases[i].words));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_that_is_told),
		cmocka_unit_test(test_version_3),
		cmocka_unit_test(test_what_is_wrong_is_told),
		cmocka_unit_test(test_nothing_is_too_deep_or_wide),
		cmocka_unit_test(test_synthetic),
		cmocka_unit_test(test_synthetic_is_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
