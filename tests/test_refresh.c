/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Volatile figures read again: what changes, what does not, and that a failure changes nothing. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <ftw.h>
#include <string.h>
#include <sys/stat.h>

#include "../src/base/text.h"
#include "../src/discover/discover.h"
#include "host_asserts.h"

#define NODE "sys/devices/system/node"

struct tree {
	char root[32];
};

static void put(const struct tree *tree, const char *path, const char *text)
{
	vn_autofree char *full = vn_format("%s/%s", tree->root, path);
	for (char *p = strchr(full + 1, '/'); p; p = strchr(p + 1, '/')) {
		*p = '\0';
		mkdir(full, 0700);
		*p = '/';
	}
	vn_autofclose FILE *file = fopen(full, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static void drop(const struct tree *tree, const char *path)
{
	vn_autofree char *full = vn_format("%s/%s", tree->root, path);
	assert_int_equal(nftw(full, remove_entry, 16, FTW_DEPTH | FTW_PHYS), 0);
}

/* `total` in units of 10000 kB, so that the huge pages fit. */
static void put_node(const struct tree *tree, unsigned id, const char *cpus, unsigned total, unsigned unused)
{
	vn_autofree char *directory = vn_format(NODE "/node%u", id);
	vn_autofree char *cpulist = vn_format("%s/cpulist", directory);
	vn_autofree char *meminfo = vn_format("%s/meminfo", directory);
	vn_autofree char *text =
		vn_format("Node %u MemTotal:  %u kB\nNode %u MemFree:  %u kB\n"
			  "Node %u Active(file): 40 kB\nNode %u Inactive(file): 2 kB\n"
			  "Node %u SReclaimable: 1 kB\nNode %u Dirty: 3 kB\nNode %u Writeback: 0 kB\n",
			id, total * 10000, id, unused, id, id, id, id, id);
	put(tree, cpulist, cpus);
	put(tree, meminfo, text);
}

static void put_pool(const struct tree *tree, unsigned id, unsigned kb, const char *total, const char *unused)
{
	const char *const names[] = {"nr_hugepages", "free_hugepages", "surplus_hugepages"};
	const char *const texts[] = {total, unused, "0\n"};
	for (int i = 0; i < 3; i++) {
		vn_autofree char *path =
			vn_format(NODE "/node%u/hugepages/hugepages-%ukB/%s", id, kb, names[i]);
		put(tree, path, texts[i]);
	}
}

static int make_tree(void **state)
{
	struct tree *tree = calloc(1, sizeof(*tree));
	snprintf(tree->root, sizeof(tree->root), "/tmp/vnuma-fresh-XXXXXX");
	assert_non_null(mkdtemp(tree->root));
	put(tree, "sys/devices/system/cpu/cpu0/topology/core_id", "0\n");
	put(tree, "sys/devices/system/cpu/cpu1/topology/core_id", "1\n");
	put(tree, NODE "/online", "0,2\n");
	put_node(tree, 0, "0\n", 1000, 500);
	put_node(tree, 2, "1\n", 2000, 700);
	put_pool(tree, 2, 2048, "10\n", "4\n");
	*state = tree;
	return 0;
}

static int remove_tree(void **state)
{
	struct tree *tree = *state;
	nftw(tree->root, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	free(tree);
	return 0;
}

static struct vn_host *discover(const char *source)
{
	struct vn_host *host = NULL;
	vn_autoerror err = {0};
	if (vn_discover(source, &host, &err) < 0)
		fail_msg("%s: %s", source, err.problems[0].text);
	return host;
}

static struct vn_host *discover_tree(const struct tree *tree)
{
	vn_autofree char *source = vn_format("sysfs:%s", tree->root);
	return discover(source);
}

static char *dump(const struct vn_host *host)
{
	json_auto_t *json = vn_host_to_json(host);
	char *text = json ? json_dumps(json, JSON_INDENT(1)) : NULL;
	assert_non_null(text);
	return text;
}

static void assert_refreshes(struct vn_host *host)
{
	vn_autoerror err = {0};
	if (vn_discover_refresh(host, &err) < 0)
		fail_msg("%s", err.problems[0].text);
	assert_int_equal(err.n, 0);
}

/* Fails with `status` and one problem that holds `told`, and the host is what it was. */
static void assert_refused(struct vn_host *host, int status, const char *told)
{
	vn_autofree char *before = dump(host);
	vn_autoerror err = {0};
	assert_int_equal(vn_discover_refresh(host, &err), status);
	assert_int_equal(err.n, 1);
	if (!strstr(err.problems[0].text, told))
		fail_msg("%s", err.problems[0].text);
	vn_autofree char *after = dump(host);
	assert_string_equal(before, after);
	assert_int_equal(vn_discover_refresh(host, NULL), status);
}

static void test_figures_change(void **state)
{
	const struct tree *tree = *state;
	vn_autohost *host = discover_tree(tree);
	vn_autofree char *before = dump(host);
	assert_refreshes(host);
	vn_autofree char *same = dump(host);
	assert_string_equal(before, same);
	put_node(tree, 0, "1\n", 1000, 499); /* its CPUs are not looked at */
	put_node(tree, 2, "1\n", 3000, 0);
	put_pool(tree, 2, 2048, "12\n", "12\n");
	put_pool(tree, 0, 1048576, "1\n", "0\n");
	put_pool(tree, 0, 64, "8\n", "8\n");
	assert_refreshes(host);
	assert_true(host->nodes[0].memory_free == 499 * 1024);
	assert_set(host->nodes[0].cpus, "0");
	assert_int_equal(host->nodes[0].n_hugepools, 2);
	assert_true(host->nodes[0].hugepools[0].size == 64 << 10);
	assert_true(host->nodes[0].hugepools[1].size == 1 << 30);
	assert_true(host->nodes[1].memory_total == UINT64_C(30000000) * 1024);
	assert_true(host->nodes[1].has_memory_free && host->nodes[1].memory_free == 0);
	assert_true(host->nodes[1].has_memory_reclaimable);
	assert_int_equal(host->nodes[1].memory_reclaimable, 40 * 1024);
	assert_int_equal(host->nodes[1].hugepools[0].total, 12);
	put(tree, NODE "/node0/cpulist", "0\n");
	vn_autohost *anew = discover_tree(tree);
	vn_autofree char *refreshed = dump(host), *discovered = dump(anew);
	assert_string_equal(refreshed, discovered);
}

static void test_figures_go_away(void **state)
{
	const struct tree *tree = *state;
	vn_autohost *host = discover_tree(tree);
	put(tree, NODE "/node2/meminfo", "Node 2 MemTotal: 2000 kB\n");
	drop(tree, NODE "/node2/hugepages");
	assert_refreshes(host);
	assert_false(host->nodes[1].has_memory_free);
	assert_false(host->nodes[1].has_memory_reclaimable);
	assert_int_equal(host->nodes[1].n_hugepools, 0);
}

/* What fails last, when all figures are in place, leaves the host as it was, too. */
static void assert_refused_with_notes(const struct tree *tree, struct vn_host *host)
{
	put_node(tree, 0, "0\n", 7000, 0);
	drop(tree, "proc/meminfo");
	put(tree, "proc/meminfo/folder", "");
	assert_refused(host, -EINVAL, "is a directory; expected a file");
	drop(tree, "proc/meminfo");
}

/* Those that speak of memory follow it; the others stay, and stay where they are. */
static void test_notes_follow_the_figures(void **state)
{
	const struct tree *tree = *state;
	vn_autohost *host = discover_tree(tree);
	const char *cores = NULL;
	for (size_t i = 0; i < host->notes.n; i++) {
		if (strcmp(host->notes.v[i].code, "cores-unknown") == 0)
			cores = host->notes.v[i].text;
	}
	assert_non_null(cores);
	size_t others = host->notes.n;
	put_node(tree, 0, "0\n", 0, 0);
	put_pool(tree, 2, 2048, "18446744073709551615\n", "4\n");
	put(tree, "proc/meminfo", "MemTotal: 90000000 kB\n");
	assert_refreshes(host);
	assert_int_equal(host->notes.n, others + 3);
	vn_autohost *anew = discover_tree(tree);
	vn_autofree char *refreshed = dump(host), *discovered = dump(anew);
	assert_string_equal(strstr(refreshed, "\"warnings\""), strstr(discovered, "\"warnings\""));
	assert_non_null(strstr(refreshed, "node-without-memory"));
	assert_non_null(strstr(refreshed, "memory-uncounted"));
	assert_non_null(strstr(refreshed, "hugepages-left-out"));
	assert_refreshes(host); /* none twice */
	assert_int_equal(host->notes.n, others + 3);
	assert_refused_with_notes(tree, host);
	put_node(tree, 0, "0\n", 7000, 0);
	put_pool(tree, 2, 2048, "10\n", "4\n");
	put(tree, "proc/meminfo", "MemTotal: 90000000 kB\n");
	assert_refreshes(host);
	assert_int_equal(host->notes.n, others);
	bool same = false;
	for (size_t i = 0; i < host->notes.n; i++)
		same |= host->notes.v[i].text == cores;
	assert_true(same);
}

static void test_all_or_nothing(void **state)
{
	const struct tree *tree = *state;
	vn_autohost *host = discover_tree(tree);
	put_node(tree, 0, "0\n", 900, 1); /* fine, and must not be taken over */
	put(tree, NODE "/node2/meminfo", "Node 2 MemTotal: many kB\n");
	assert_refused(host, -EINVAL, "MemTotal does not hold a number");
	drop(tree, NODE "/node2/meminfo");
	assert_refused(host, -EINVAL, "is not there");
	put_node(tree, 2, "1\n", 2000, 700);
	put_pool(tree, 2, 2048, "x\n", "2\n");
	assert_refused(host, -EINVAL, "expected a number of pages");
	assert_true(host->nodes[0].memory_free == 500 * 1024);
}

static void test_nodes_come_and_go(void **state)
{
	const struct tree *tree = *state;
	vn_autohost *host = discover_tree(tree);
	put_node(tree, 3, "\n", 10, 10);
	assert_refreshes(host); /* it is not online */
	put(tree, NODE "/online", "0,2-3\n");
	assert_refused(host, -ESTALE, "now 0,2-3, and were 0,2 ");
	put(tree, NODE "/online", "0\n");
	assert_refused(host, -ESTALE, "now 0, and were 0,2 ");
	drop(tree, NODE);
	assert_refused(host, -ESTALE, "now none, and were 0,2 ");
	drop(tree, "sys");
	vn_autofree char *gone = vn_format("%s/nowhere", tree->root);
	free(host->root);
	host->root = vn_copy(gone);
	assert_refused(host, -EINVAL, "expected a directory");
}

static void test_kernel_without_numa(void **state)
{
	const struct tree *tree = *state;
	drop(tree, NODE);
	put(tree, "proc/meminfo", "MemTotal: 5000 kB\nMemFree: 100 kB\n");
	vn_autohost *host = discover_tree(tree);
	put(tree, "proc/meminfo", "MemTotal: 5000 kB\nMemFree: 90 kB\n");
	assert_refreshes(host);
	assert_true(host->nodes[0].memory_free == 90 * 1024);
	put(tree, NODE "/online", "1\n");
	put_node(tree, 1, "0-1\n", 10, 10);
	assert_refused(host, -ESTALE, "now 1, and were 0 ");
}

static void test_files_do_not_change(void **state)
{
	const struct tree *tree = *state;
	vn_autohost *host = discover_tree(tree);
	vn_autofree char *json = dump(host);
	put(tree, "host.json", json);
	put(tree, "host.txt", "available: 1 nodes (0)\nnode 0 cpus: 0\nnode 0 size: 10 MB\n");
	vn_autofree char *first = vn_format("json:%s/host.json", tree->root);
	vn_autofree char *second = vn_format("numactl:%s/host.txt", tree->root);
	/* its source names a tree that is there, but it may be that of another machine */
	vn_autohost *from_json = discover(first);
	assert_string_equal(from_json->source, host->source);
	assert_refused(from_json, -EOPNOTSUPP, "do not change");
	vn_autohost *from_text = discover(second);
	assert_refused(from_text, -EOPNOTSUPP, "do not change");
	vn_autoerror err = {0};
	assert_int_equal(vn_discover_refresh(from_text, &err), -EOPNOTSUPP);
	assert_true(err.input);
	assert_string_equal(err.problems[0].file, from_text->source);
}

static void test_relative_path(void **state)
{
	const struct tree *tree = *state;
	vn_autofree char *here = realpath(".", NULL);
	assert_int_equal(chdir(tree->root), 0);
	vn_autohost *host = discover("sysfs:.");
	assert_int_equal(chdir(here), 0);
	put_node(tree, 0, "0\n", 1000, 7);
	assert_refreshes(host);
	assert_true(host->nodes[0].memory_free == 7 * 1024);
}

static void test_live(void **state)
{
	(void)state;
	vn_autohost *host = discover("live");
	for (size_t i = 0; i < host->n_nodes; i++)
		host->nodes[i].memory_free = 12345; /* no whole page */
	assert_refreshes(host);
	for (size_t i = 0; i < host->n_nodes; i++) {
		assert_true(host->nodes[i].memory_free != 12345);
		assert_true(host->nodes[i].memory_free <= host->nodes[i].memory_total);
	}
}

#define TREE_TEST(f) cmocka_unit_test_setup_teardown(f, make_tree, remove_tree)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TREE_TEST(test_figures_change),
		TREE_TEST(test_figures_go_away),
		TREE_TEST(test_notes_follow_the_figures),
		TREE_TEST(test_all_or_nothing),
		TREE_TEST(test_nodes_come_and_go),
		TREE_TEST(test_kernel_without_numa),
		TREE_TEST(test_files_do_not_change),
		TREE_TEST(test_relative_path),
		cmocka_unit_test(test_live),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
