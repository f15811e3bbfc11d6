/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The text of `numactl --hardware`: what must be read, and the exact words for what must not. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "../src/base/rootfs.h"
#include "../src/base/text.h"
#include "../src/discover/discover.h"
#include "host_asserts.h"

static struct vn_host *read_fixture(const char *name)
{
	struct vn_host *host = NULL;
	vn_autoerror err = {0};
	vn_autofree char *source = vn_format("numactl:%s/tests/fixtures/numactl/%s", getenv("SRCDIR"), name);
	int r = vn_discover(source, &host, &err);
	if (r < 0)
		fail_msg("%s: %s", name, err.n ? err.problems[0].text : "no problem told");
	assert_string_equal(host->source, source);
	assert_false(host->live);
	assert_false(host->cores_known);
	return host;
}

static void test_old_columns(void **state)
{
	(void)state;
	vn_autohost *host = read_fixture("old-columns.txt");
	assert_int_equal(host->n_nodes, 2);
	assert_set(host->nodes[0].cpus, "1,3");
	assert_set(host->nodes[1].cpus, "0,2");
	assert_true(host->nodes[0].memory_total == UINT64_C(2011) << 20);
	assert_true(host->nodes[1].has_memory_free);
	assert_true(host->nodes[1].memory_free == UINT64_C(1983) << 20);
	assert_int_equal(host->nodes[0].distances[0], 10);
	assert_int_equal(host->nodes[0].distances[1], 40);
	assert_int_equal(vn_host_cpu(host, 2)->node, 1);
	assert_true(vn_host_cpu(host, 2)->online);
	assert_int_equal(host->notes.n, 1);
	assert_true(vn_notes_has(&host->notes, "cores-unknown"));
}

static void test_sparse_and_memory_only(void **state)
{
	(void)state;
	vn_autohost *host = read_fixture("sparse-memory-only.txt");
	assert_int_equal(host->n_nodes, 3);
	assert_int_equal(host->nodes[2].id, 250);
	assert_set(host->nodes[2].cpus, "");
	assert_set(host->nodes[1].cpus, "88-89");
	assert_true(host->nodes[1].memory_total == 0 && host->nodes[1].memory_free == 0);
	assert_int_equal(host->nodes[0].distances[2], 80);
	assert_int_equal(host->nodes[2].distances[0], 81);
	assert_true(vn_notes_has(&host->notes, "distances-asymmetric"));
	assert_true(vn_notes_has(&host->notes, "node-without-cpus"));
	assert_true(vn_notes_has(&host->notes, "node-without-memory"));
}

static void test_without_distances(void **state)
{
	(void)state;
	vn_autohost *host = read_fixture("no-distances.txt");
	assert_int_equal(host->n_nodes, 2);
	assert_false(host->nodes[0].has_memory_free); /* <not available> */
	assert_false(host->nodes[1].has_memory_free); /* no line */
	assert_int_equal(host->nodes[0].distances[1], VN_DISTANCE_UNKNOWN);
	assert_true(vn_notes_has(&host->notes, "distances-missing"));
}

static void test_columns_of_zeros_are_dropped(void **state)
{
	(void)state;
	vn_autohost *host = read_fixture("zero-columns.txt");
	assert_int_equal(host->n_nodes, 2);
	assert_int_equal(host->nodes[1].id, 2);
	assert_int_equal(host->nodes[0].distances[1], 16);
	assert_int_equal(host->nodes[1].distances[1], 10);
}

static void test_line_ends_of_other_systems(void **state)
{
	(void)state;
	vn_autohost *host = NULL;
	assert_int_equal(
		vn_discover_numactl("\r\n# a comment\r\navailable: 1 nodes (0)\r\nnode 0 cpus: 0 1\r\n"
				    "node 0 size: 4 MB\r\nnode distances:\r\nnode   0 \r\n  0:  10 ",
			"text", &host, NULL),
		0);
	assert_set(host->nodes[0].cpus, "0-1");
	assert_int_equal(host->nodes[0].distances[0], 10);
}

#define NODES                                                                                                \
	"available: 2 nodes (0-1)\nnode 0 cpus: 0 1\nnode 0 size: 64 MB\nnode 0 free: 32 MB\nnode 1 cpus: "  \
	"2\n"                                                                                                \
	"node 1 size: 64 MB\nnode 1 free: 0 MB\n"
#define TABLE "node distances:\nnode 0 1\n0: 10 20\n1: 20 10\n"

/* One text, one problem; `line` 0: the problem is of the whole file. */
static const struct {
	const char *text;
	unsigned line;
	const char *key, *problem;
} wrong[] = {
	{"", 0, "available", "no such line; expected 'available: N nodes (LIST)'"},
	{"root@host:~# numactl --ha\n" NODES TABLE, 1, NULL,
		"'root@host:~# numactl --ha'; expected a line of 'numactl --hardware'"},
	{NODES TABLE "In this case every config option is correct and we have exact vNUMA topology\n", 12,
		NULL,
		"'In this case every config option is correct ...'; expected a line of 'numactl --hardware'"},
	{NODES TABLE "\x1b[2J\n", 12, NULL, "'?[2J'; expected a line of 'numactl --hardware'"},
	{NODES TABLE "available: 2 nodes (0-1)\n", 12, "available",
		"told in line 1 already; expected the output of one run"},
	{"available: two nodes (0)\nnode 0 cpus:\nnode 0 size: 1 MB\n", 1, "available",
		"'two nodes (0)'; expected 'N nodes (LIST)', at most 1024 nodes"},
	{"available: 1025 nodes (0)\nnode 0 cpus:\nnode 0 size: 1 MB\n", 1, "available",
		"'1025 nodes (0)'; expected 'N nodes (LIST)', at most 1024 nodes"},
	{"available: 1 nodes 0\nnode 0 cpus:\nnode 0 size: 1 MB\n", 1, "available",
		"'1 nodes 0'; expected 'N nodes (LIST)'"},
	{"available: 1 nodes (0,)\nnode 0 cpus:\nnode 0 size: 1 MB\n", 1, "available",
		"'0,'; expected a list of node numbers like 0-3,8"},
	{"available: 3 nodes (0)\nnode 0 cpus:\nnode 0 size: 1 MB\n", 1, "available",
		"3 nodes but 1 in the list; expected the same number"},
	{"available: 2 nodes (0-1)\nnode 0 cpus: 0\nnode 0 size: 1 MB\n", 1, "available",
		"node 1 is in the list; expected lines 'node 1 ...'"},
	{"available: 1 nodes (0)\nnode 0 cpus:\nnode 0 size: 1 MB\nnode 3 cpus:\nnode 3 size: 1 MB\n", 4,
		"node", "node 3 is not in the list of line 1"},
	{"available: 0 nodes ()\n", 0, NULL, "no nodes; expected at least one"},
	{"available: 1 nodes (0)\nnode 0 size: 1 MB\n", 2, "cpus",
		"none told of node 0; expected a line 'node 0 cpus:'"},
	{"available: 1 nodes (0)\nnode 0 cpus:\n", 2, "size",
		"none told of node 0; expected a line 'node 0 size: N MB'"},
	{NODES "node 1 cpus: 3\n", 8, "node", "'cpus:' of node 1 told in line 5 already; expected once"},
	{NODES "node 1024 cpus: 3\n", 8, "node", "'1024 cpus: 3'; expected a node number up to 1023"},
	{NODES "node 1 hugepages: 3\n", 8, "node",
		"'hugepages:'; expected 'cpus:', 'size:' or 'free:' of node 1"},
	{"available: 1 nodes (0)\nnode 0 cpus: 0 1 0\nnode 0 size: 1 MB\n", 2, "cpus",
		"CPU 0 twice in node 0; expected once"},
	{"available: 1 nodes (0)\nnode 0 cpus: 0-3\nnode 0 size: 1 MB\n", 2, "cpus",
		"'0-3' in node 0; expected CPU numbers up to 65535"},
	{"available: 1 nodes (0)\nnode 0 cpus: 65536\nnode 0 size: 1 MB\n", 2, "cpus",
		"'65536' in node 0; expected CPU numbers up to 65535"},
	{"available: 2 nodes (0-1)\nnode 0 cpus: 0 1\nnode 0 size: 1 MB\nnode 1 cpus: 1\nnode 1 size: 1 MB\n",
		4, "cpus", "CPU 1 in node 1 is in another node too; expected one node"},
	{"available: 1 nodes (0)\nnode 0 cpus:\nnode 0 size: 1 GB\n", 3, "size",
		"'1 GB' of node 0; expected a number of MB up to 1073741824"},
	{"available: 1 nodes (0)\nnode 0 cpus:\nnode 0 size: 1073741825 MB\n", 3, "size",
		"'1073741825 MB' of node 0; expected a number of MB up to 1073741824"},
	/* of the free memory beside such a size nothing is told */
	{"available: 1 nodes (0)\nnode 0 cpus:\nnode 0 size: 1073741825 MB\nnode 0 free: 2 MB\n", 3, "size",
		"'1073741825 MB' of node 0; expected a number of MB up to 1073741824"},
	{"available: 1 nodes (0)\nnode 0 cpus:\nnode 0 size: <not available>\nnode 0 free: 2 MB\n", 3, "size",
		"not available for node 0; expected a number of MB"},
	{"available: 1 nodes (0)\nnode 0 cpus:\nnode 0 size: 99999999999999999999 MB\n", 3, "size",
		"'99999999999999999999 MB' of node 0; expected a number of MB up to 1073741824"},
	{"available: 1 nodes (0)\nnode 0 cpus:\nnode 0 size: -1 MB\n", 3, "size",
		"'-1 MB' of node 0; expected a number of MB up to 1073741824"},
	{"available: 1 nodes (0)\nnode 0 cpus:\nnode 0 size: <not available>\n", 3, "size",
		"not available for node 0; expected a number of MB"},
	{"available: 1 nodes (0)\nnode 0 cpus:\nnode 0 size: 1 MB\nnode 0 free: 2 MB\n", 4, "free",
		"2 MB of node 0; expected at most its size, 1 MB"},
	{NODES "node distances:\n", 8, "node distances", "no table follows; expected one"},
	{NODES "node distances:\n0: 10 20\n1: 20 10\n", 9, "node distances",
		"'0: 10 20'; expected 'node' and the node numbers"},
	{NODES "node distances:\nnode\n", 9, "node distances", "no columns; expected the node numbers"},
	{NODES "node distances:\nnode 0 0\n", 9, "node distances", "column of node 0 twice; expected once"},
	{NODES "node distances:\nnode 0 1\n0: 10 20\n", 8, "node distances",
		"no row of node 1; expected one"},
	{NODES "node distances:\nnode 0 1\n0: 10 20\n1: 20\n", 11, "node distances",
		"1 distances in the row of node 1; expected 2"},
	{NODES "node distances:\nnode 0 1\n0: 10 20\n1: 20 10 30\n", 11, "node distances",
		"3 distances in the row of node 1; expected 2"},
	{NODES "node distances:\nnode 0 1\n0: 10 0\n1: 20 10\n", 10, "node distances",
		"0 from node 0 to 1; expected a distance of 1 to 255"},
	{NODES "node distances:\nnode 0 1\n0: 10 256\n1: 20 10\n", 10, "node distances",
		"'256' from node 0 to 1; expected a distance of 1 to 255"},
	{NODES "node distances:\nnode 0 1\n0: 10 20\n0: 10 20\n1: 20 10\n", 11, "node distances",
		"row of node 0 told in line 10 already; expected once"},
	{NODES "node distances:\nnode 0 1 2\n0: 10 20 30\n1: 20 10 0\n", 10, "node distances",
		"30 from node 0 to 2; expected only nodes of the list"},
	{NODES TABLE "No distance information available.\n", 12, "node distances",
		"told in line 8 already; expected once"},
	{NODES TABLE "node 1 free: 1 MB\n", 12, "node",
		"a line of a node behind the distances; expected it ahead of them"},
};

static void test_what_is_wrong_is_told_exactly(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct vn_host *host = NULL;
		vn_autoerror err = {0};
		int r = vn_discover_numactl(wrong[i].text, "file", &host, &err);
		if (r != -EINVAL || err.n != 1 || strcmp(err.problems[0].text, wrong[i].problem) != 0)
			fail_msg("text %zu: status %d, %zu problems; seen \"%s\", expected \"%s\"", i, r,
				err.n, err.n ? err.problems[0].text : "", wrong[i].problem);
		assert_null(host);
		assert_true(err.input);
		assert_int_equal(err.problems[0].line, wrong[i].line);
		if (wrong[i].key)
			assert_string_equal(err.problems[0].key, wrong[i].key);
	}
}

static void test_all_problems_are_told_up_to_a_limit(void **state)
{
	(void)state;
	vn_autoerror three = {0}, many = {0};
	struct vn_host *host = NULL;
	assert_int_equal(
		vn_discover_numactl("$ numactl -H\navailable: 1 nodes (0)\nnode 0 cpus: x\nnode 0 size: 1\n",
			"file", &host, &three),
		-EINVAL);
	assert_int_equal(three.n, 3);
	assert_int_equal(three.problems[0].line, 1);
	assert_int_equal(three.problems[1].line, 3);
	assert_int_equal(three.problems[2].line, 4);

	char text[2 * 60 + 1];
	for (size_t i = 0; i < 60; i++)
		memcpy(text + 2 * i, "?\n", 3);
	assert_int_equal(vn_discover_numactl(text, "file", &host, &many), -EINVAL);
	assert_int_equal(many.n, 21);
	assert_string_equal(
		many.problems[20].text, "41 more problems"); /* 40 lines and the missing `available` */
	assert_null(host);
}

#define FORMS "live, sysfs:DIR, tar:FILE, numactl:FILE, hwloc:FILE, synthetic:STRING or json:FILE"

static void test_sources(void **state)
{
	(void)state;
	static const struct {
		const char *source, *problem;
	} cases[] = {
		{"", "'' is no source; expected " FORMS},
		{"lively", "'lively' is no source; expected " FORMS},
		{"numactl:", "'numactl:' names nothing; expected numactl:FILE"},
		{"tar:", "'tar:' names nothing; expected tar:FILE"},
		{"hwloc:", "'hwloc:' names nothing; expected hwloc:FILE"},
		{"synthetic:", "'synthetic:' names nothing; expected synthetic:STRING"},
		{"hwloc:/nowhere/at/all", "cannot be read: No such file or directory"},
		{"tar:/nowhere/at/all", "cannot be read: No such file or directory"},
		{"numactl:/nowhere/at/all", "cannot be read: No such file or directory"},
		{"numactl:/", "is a directory; expected a file"},
		{"numactl:/dev/null", "is a device; expected a file"},
		{"sysfs:/nowhere/at/all", "No such file or directory; expected a directory"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct vn_host *host = NULL;
		vn_autoerror err = {0};
		assert_true(vn_discover(cases[i].source, &host, &err) < 0);
		assert_null(host);
		assert_true(err.input);
		assert_int_equal(err.n, 1);
		assert_string_equal(err.problems[0].text, cases[i].problem);
	}
}

/* Published machines; the data is not ours to keep, so it is read where it lies. */
static const struct {
	const char *file;
	size_t nodes;
	unsigned cpus;
	uint64_t mb;
	uint32_t first_to_last;
} machines[] = {
	{"epyc7742-2p-nps4.txt", 8, 256, 515115, 32},
	{"haswell-ex-4s-memoryless.txt", 4, 120, 31587, 21},
	{"kunpeng920-4826-96c.txt", 4, 96, 773430, 22},
	{"opteron6272-2s-4node.txt", 4, 32, 131053, 16},
	{"spr-2s-cxl-2dev.txt", 4, 208, 325247, 24},
	{"xeon-2s-cod-haswell14.txt", 4, 56, 63704, 21},
	{"xeon-2s-optane-kmem.txt", 4, 96, 636506, 28},
	{"xeon-8s-glueless-12-17-19.txt", 8, 160, 1013905, 19},
	{"xeon8480-2p-snc4.txt", 8, 112, 515473, 21},
	{"xeonmax-aurora-2p-hbm-flat.txt", 4, 208, 1161590, 23},
};

static void test_published_machines(void **state)
{
	(void)state;
	char folder[4096]; /* not on the heap: skip() runs no clean-up */
	const char *shared = getenv("VNUMA_SHARED");
	snprintf(folder, sizeof(folder), "%s%s/data/numactl", shared ? shared : getenv("SRCDIR"),
		shared ? "" : "/../shared");
	if (access(folder, R_OK) < 0) {
		print_message("no published machines at %s: set VNUMA_SHARED to read them\n", folder);
		skip();
	}
	for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++) {
		vn_autohost *host = NULL;
		vn_autoerror err = {0};
		vn_autofree char *source = vn_format("numactl:%s/%s", folder, machines[i].file);
		uint64_t total = 0;
		if (vn_discover(source, &host, &err) < 0)
			fail_msg("%s: %s", source, err.problems[0].text);
		for (size_t n = 0; n < host->n_nodes; n++)
			total += host->nodes[n].memory_total;
		assert_int_equal(host->n_nodes, machines[i].nodes);
		assert_int_equal(host->n_cpus, machines[i].cpus);
		assert_int_equal(total >> 20, machines[i].mb);
		assert_int_equal(host->nodes[0].distances[host->n_nodes - 1], machines[i].first_to_last);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_old_columns),
		cmocka_unit_test(test_sparse_and_memory_only),
		cmocka_unit_test(test_without_distances),
		cmocka_unit_test(test_columns_of_zeros_are_dropped),
		cmocka_unit_test(test_line_ends_of_other_systems),
		cmocka_unit_test(test_what_is_wrong_is_told_exactly),
		cmocka_unit_test(test_all_problems_are_told_up_to_a_limit),
		cmocka_unit_test(test_sources),
		cmocka_unit_test(test_published_machines),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
