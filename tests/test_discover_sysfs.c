/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Trees of /sys: small ones built here, hostile ones, an old kernel without openat2, and gathered real ones.
 */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <ftw.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "../src/base/rootfs.h"
#include "../src/base/text.h"
#include "../src/discover/discover.h"
#include "../src/discover/sysfs.h"
#include "host_asserts.h"

#define NODE "sys/devices/system/node"
#define CPU "sys/devices/system/cpu"
#define PCI "sys/bus/pci/devices"

struct tree {
	char base[32]; /* of its own, and `secret` lies in it beside the root */
	char root[40];
};

static void make_parents(char *path)
{
	for (char *p = strchr(path + 1, '/'); p; p = strchr(p + 1, '/')) {
		*p = '\0';
		mkdir(path, 0700);
		*p = '/';
	}
}

static void put_bytes(const struct tree *tree, const char *path, const char *text, size_t length)
{
	vn_autofree char *full = vn_format("%s/%s", tree->root, path);
	make_parents(full);
	vn_autofclose FILE *file = fopen(full, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, length, file), length);
}

static void put(const struct tree *tree, const char *path, const char *text)
{
	put_bytes(tree, path, text, strlen(text));
}

static void put_link(const struct tree *tree, const char *path, const char *target)
{
	vn_autofree char *full = vn_format("%s/%s", tree->root, path);
	make_parents(full);
	unlink(full);
	assert_int_equal(symlink(target, full), 0);
}

static void drop(const struct tree *tree, const char *path)
{
	vn_autofree char *full = vn_format("%s/%s", tree->root, path);
	assert_int_equal(unlink(full), 0);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static void remove_tree_below(const struct tree *tree, const char *path)
{
	vn_autofree char *full = vn_format("%s/%s", tree->root, path);
	nftw(full, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static int make_tree(void **state)
{
	struct tree *tree = calloc(1, sizeof(*tree));
	snprintf(tree->base, sizeof(tree->base), "/tmp/vnuma-test-XXXXXX");
	assert_non_null(mkdtemp(tree->base));
	snprintf(tree->root, sizeof(tree->root), "%s/r", tree->base);
	assert_int_equal(mkdir(tree->root, 0700), 0);
	*state = tree;
	return 0;
}

static int remove_tree(void **state)
{
	struct tree *tree = *state;
	nftw(tree->base, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	free(tree);
	return 0;
}

static void put_cpu(
	const struct tree *tree, unsigned id, int package, int core, const char *siblings, const char *l3)
{
	const char *const names[] = {"topology/physical_package_id", "topology/die_id", "topology/core_id",
		"topology/thread_siblings_list", "cache/index0/level", "cache/index0/shared_cpu_list",
		"cache/index1/level", "cache/index1/shared_cpu_list"};
	vn_autofree char *package_text = vn_format("%d\n", package), *core_text = vn_format("%d\n", core);
	const char *const texts[] = {package_text, "0\n", core_text, siblings, "1\n", siblings, "3\n", l3};
	for (size_t i = 0; i < 8; i++) {
		vn_autofree char *path = vn_format(CPU "/cpu%u/%s", id, names[i]);
		put(tree, path, texts[i]);
	}
}

static void put_node(
	const struct tree *tree, unsigned id, const char *cpulist, unsigned total_kb, const char *distance)
{
	vn_autofree char *cpus = vn_format(NODE "/node%u/cpulist", id);
	vn_autofree char *meminfo = vn_format(NODE "/node%u/meminfo", id);
	vn_autofree char *distances = vn_format(NODE "/node%u/distance", id);
	vn_autofree char *text = vn_format(
		"\nNode %u MemTotal:  %u kB\nNode %u MemFree:   %u kB\n", id, total_kb, id, total_kb / 2);
	put(tree, cpus, cpulist);
	put(tree, meminfo, text);
	put(tree, distances, distance);
}

/* Nodes 0 and 3 with two threads of one core each (core id 0 in both packages), node 12 of memory only; CPU 4
 * offline. */
static void put_machine(const struct tree *tree)
{
	put(tree, CPU "/online", "0-3\n");
	put_cpu(tree, 0, 0, 0, "0,2\n", "0,2\n");
	put_cpu(tree, 1, 1, 0, "1,3\n", "1,3\n");
	put_cpu(tree, 2, 0, 0, "0,2\n", "0,2\n");
	put_cpu(tree, 3, 1, 0, "1,3\n", "1,3\n");
	put(tree, CPU "/cpu4/online", "0\n");
	put(tree, CPU "/cpufreq/boost", "1\n");
	put(tree, NODE "/online", "0,3,12\n");
	put_node(tree, 0, "0,2,4\n", 1048576, "10 21 17\n");
	put_node(tree, 3, "1,3\n", 2097152, "21 10 28\n");
	put_node(tree, 12, "\n", 4194304, "17 28 10\n");
}

static int read_tree(const struct tree *tree, struct vn_host **ret_host, struct vn_error *err)
{
	vn_autofree char *source = vn_format("sysfs:%s", tree->root);
	return vn_discover(source, ret_host, err);
}

static char *dump(const struct vn_host *host)
{
	json_auto_t *json = vn_host_to_json(host);
	char *text = json ? json_dumps(json, JSON_INDENT(2)) : NULL;
	assert_non_null(text);
	return text;
}

/* What is printed of any host is read back to the same bytes. */
static void assert_reads_back(const struct vn_host *host)
{
	vn_autofree char *once = dump(host);
	vn_autohost *back = NULL;
	vn_autoerror err = {0};
	if (vn_discover_json_text(once, "dump", &back, &err) < 0)
		fail_msg("%s: %s", err.problems[0].key ? err.problems[0].key : "", err.problems[0].text);
	vn_autofree char *twice = dump(back);
	assert_string_equal(once, twice);
}

static struct vn_host *must_read(const struct tree *tree)
{
	struct vn_host *host = NULL;
	vn_autoerror err = {0};
	if (read_tree(tree, &host, &err) < 0)
		fail_msg("%s: %s", err.problems[0].file ? err.problems[0].file : "", err.problems[0].text);
	assert_int_equal(err.n, 0);
	assert_reads_back(host);
	return host;
}

/* One problem, of this file below the root, in these words. */
static void must_refuse(const struct tree *tree, const char *path, const char *text)
{
	struct vn_host *host = NULL;
	vn_autoerror err = {0};
	vn_autofree char *file = vn_format("%s/%s", tree->root, path);
	assert_true(read_tree(tree, &host, &err) < 0);
	assert_null(host);
	assert_int_equal(err.n, 1);
	assert_string_equal(err.problems[0].text, text);
	assert_string_equal(err.problems[0].file, file);
	assert_true(err.input);
}

static void test_machine(void **state)
{
	const struct tree *tree = *state;
	put_machine(tree);
	vn_autohost *host = must_read(tree);
	assert_false(host->live);
	assert_true(host->cores_known);
	assert_int_equal(host->n_nodes, 3);
	assert_int_equal(host->nodes[1].id, 3);
	assert_set(host->nodes[0].cpus, "0,2"); /* CPU 4 is offline */
	assert_set(host->nodes[1].cpus, "1,3");
	assert_set(host->nodes[2].cpus, "");
	assert_true(host->nodes[2].memory_total == UINT64_C(4) << 30);
	assert_true(host->nodes[2].has_memory_free && host->nodes[2].memory_free == UINT64_C(2) << 30);
	assert_false(host->nodes[2].has_memory_reclaimable);
	assert_int_equal(host->nodes[1].distances[2], 28);
	assert_int_equal(host->n_cpus, 5);
	assert_false(host->cpus[4].online);
	assert_int_equal(host->cpus[4].node, 0); /* its mask says so, though the CPU is offline */
	assert_int_equal(host->cpus[3].package, 1);
	assert_int_equal(host->cpus[3].core, 0);
	assert_int_equal(host->cpus[3].l3, 1);
	assert_int_equal(host->cpus[3].node, 3);
	assert_set(host->cpus[3].siblings, "1,3");
	vn_autoset all = hwloc_bitmap_alloc_full();
	assert_int_equal(vn_host_cores(host, all), 3); /* two cores online, and the offline CPU */
	assert_null(host->allowed_cpus);
	assert_int_equal(host->notes.n, 1);
	assert_true(vn_notes_has(&host->notes, "node-without-cpus"));
}

/* CPU 4 of node 0 is offline, and node 12's only CPU; of CPU 6 nothing is told, CPU 7's node is offline itself. */
static void test_node_of_offline_cpus(void **state)
{
	const struct tree *tree = *state;
	put_machine(tree);
	put(tree, NODE "/online", "0,3,12\n");
	put(tree, CPU "/cpu5/online", "0\n");
	put(tree, CPU "/cpu6/online", "0\n");
	put(tree, CPU "/cpu7/online", "0\n");
	put_link(tree, CPU "/cpu4/node0", "../../node/node0");
	put_link(tree, CPU "/cpu5/node12", "../../node/node12");
	put_link(tree, CPU "/cpu7/node5", "../../node/node5");
	put_link(tree, CPU "/cpu1/node12", "../../node/node12"); /* online: its node's cpulist counts */
	vn_autohost *host = must_read(tree);
	const int nodes[] = {0, 3, 0, 3, 0, 12, -1, -1};
	assert_int_equal(host->n_cpus, 8);
	for (size_t i = 0; i < 8; i++)
		assert_int_equal(host->cpus[i].node, nodes[i]);
	assert_set(host->nodes[2].cpus, "");
	assert_false(vn_notes_has(&host->notes, "node-without-cpus"));
	assert_true(vn_notes_has(&host->notes, "node-cpus-offline"));
	char text[8192] = "";
	vn_autofclose FILE *out = fmemopen(text, sizeof(text), "w");
	vn_host_print(host, true, out);
	fflush(out);
	assert_non_null(strstr(text, "CPUs offline\n"));
	assert_null(strstr(text, "memory only"));
}

static void test_memory_and_huge_pages(void **state)
{
	const struct tree *tree = *state;
	put_machine(tree);
	put(tree, NODE "/node0/meminfo",
		"Node 0 MemTotal: 8388608 kB\nNode 0 MemFree: 10 kB\nNode 0 Active(file): 100 kB\n"
		"Node 0 Inactive(file): 50 kB\nNode 0 Dirty: 30 kB\nNode 0 Writeback: 5 kB\nNode 0 "
		"SReclaimable: 7 kB\n");
	put(tree, NODE "/node3/meminfo",
		"Node 3 MemTotal: 1000 kB\nNode 3 MemFree: 10 kB\nNode 3 Active(file): 1 kB\n"
		"Node 3 Inactive(file): 1 kB\nNode 3 Dirty: 30 kB\nNode 3 Writeback: 5 kB\nNode 3 "
		"SReclaimable: 7 kB\n");
	put(tree, NODE "/node0/hugepages/hugepages-1048576kB/nr_hugepages", "4\n");
	put(tree, NODE "/node0/hugepages/hugepages-1048576kB/free_hugepages", "1\n");
	put(tree, NODE "/node0/hugepages/hugepages-1048576kB/surplus_hugepages", "2\n");
	put(tree, NODE "/node0/hugepages/hugepages-2048kB/nr_hugepages", "512\n");
	put(tree, NODE "/node0/hugepages/hugepages-2048kB/free_hugepages", "500\n");
	put(tree, NODE "/node0/hugepages/hugepages-64kB/nr_hugepages",
		"9\n"); /* free is not told: left out */
	vn_autohost *host = must_read(tree);
	assert_true(host->nodes[0].has_memory_reclaimable);
	assert_int_equal(host->nodes[0].memory_reclaimable, 122 * 1024);
	assert_true(host->nodes[1].has_memory_reclaimable);
	assert_int_equal(host->nodes[1].memory_reclaimable, 0); /* not below 0 */
	assert_int_equal(host->nodes[0].n_hugepools, 2);
	assert_int_equal(host->nodes[0].hugepools[0].size, 2 << 20);
	assert_int_equal(host->nodes[0].hugepools[0].total, 512);
	assert_int_equal(host->nodes[0].hugepools[0].free, 500);
	assert_int_equal(host->nodes[0].hugepools[1].size, 1 << 30);
	assert_int_equal(host->nodes[0].hugepools[1].surplus, 2);
}

/* Text of the note with this code; fails when there is not exactly one. */
static const char *note_text(const struct vn_host *host, const char *code)
{
	const char *text = NULL;
	for (size_t i = 0; i < host->notes.n; i++) {
		if (strcmp(host->notes.v[i].code, code) != 0)
			continue;
		assert_null(text);
		text = host->notes.v[i].text;
	}
	if (!text)
		fail_msg("no note %s", code);
	return text;
}

#define POOLS NODE "/node0/hugepages/hugepages-"

/* Node 0 has 1 GiB. */
static void test_huge_pages_that_cannot_be(void **state)
{
	const struct tree *tree = *state;
	static const struct {
		const char *total, *unused, *surplus;
		bool kept;
	} cases[] = {
		{"512\n", "1\n", "512\n", true},
		{"513\n", "1\n", "0\n", true}, /* more than the node: hotplugged memory may not be counted */
		{"549755813889\n", "1\n", "0\n", false}, /* above 2^60 bytes */
		{"512\n", "1\n", "513\n", false}, /* surplus pages are among all of them */
		{"4398046511104\n", "1\n", "0\n", false}, /* 2^63 bytes */
		{"18446744073709551615\n", "1\n", "0\n", false},
		{"18446744073709551616\n", "1\n", "0\n", false}, /* no number of C at all */
		{"5\n", "18446744073709551615\n", "0\n", false},
		{"5\n", "1\n", "9223372036854775808\n", false},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		put_machine(tree);
		put(tree, POOLS "2048kB/nr_hugepages", cases[i].total);
		put(tree, POOLS "2048kB/free_hugepages", cases[i].unused);
		put(tree, POOLS "2048kB/surplus_hugepages", cases[i].surplus);
		put(tree, POOLS "64kB/nr_hugepages", "9\n");
		put(tree, POOLS "64kB/free_hugepages", "9\n");
		put(tree, POOLS "064kB/nr_hugepages", "9\n"); /* no name the kernel writes */
		put(tree, POOLS "064kB/free_hugepages", "9\n");
		vn_autohost *host = must_read(tree);
		assert_int_equal(host->nodes[0].n_hugepools, 1 + cases[i].kept);
		assert_int_equal(host->nodes[0].hugepools[0].size, 64 << 10);
		assert_int_equal(vn_notes_has(&host->notes, "hugepages-left-out"), !cases[i].kept);
		assert_int_equal(vn_notes_has(&host->notes, "hugepages-above-memory"),
			strcmp(cases[i].total, "513\n") == 0);
		if (!cases[i].kept)
			assert_string_equal(note_text(host, "hugepages-left-out"),
				"1 huge page pool left out, as such numbers cannot be true: " POOLS "2048kB");
	}
}

static void test_huge_pages_of_no_size_of_linux(void **state)
{
	const struct tree *tree = *state;
	put_machine(tree);
	for (unsigned i = 1; i <= 66; i++) {
		vn_autofree char *total = vn_format(POOLS "%ukB/nr_hugepages", i);
		vn_autofree char *unused = vn_format(POOLS "%ukB/free_hugepages", i);
		put(tree, total, "1\n");
		put(tree, unused, "0\n");
	}
	vn_autohost *host = must_read(tree);
	assert_int_equal(host->nodes[0].n_hugepools, 5); /* 4, 8, 16, 32 and 64 KiB */
	assert_int_equal(host->nodes[0].hugepools[0].size, 4096);
	assert_string_equal(note_text(host, "hugepages-left-out"),
		"61 huge page pools left out, as such numbers cannot be true: " POOLS "1kB and others");
}

static void test_more_free_memory_than_there_is(void **state)
{
	const struct tree *tree = *state;
	put_machine(tree);
	put(tree, NODE "/node0/meminfo", "Node 0 MemTotal: 1000 kB\nNode 0 MemFree: 1001 kB\n");
	put(tree, NODE "/node3/meminfo", "Node 3 MemTotal: 1000 kB\nNode 3 MemFree: 1000 kB\n");
	vn_autohost *host = must_read(tree);
	assert_false(host->nodes[0].has_memory_free);
	assert_int_equal(host->nodes[0].memory_free, 0);
	assert_true(host->nodes[1].has_memory_free);
	assert_string_equal(note_text(host, "free-memory-left-out"),
		"1 free memory figure left out, as such numbers cannot be true: " NODE "/node0/meminfo");
	put(tree, NODE "/node0/meminfo", "Node 0 MemTotal: 1000 kB\nNode 0 MemFree: 999 kB\n");
	assert_int_equal(vn_discover_refresh(host, NULL), 0);
	assert_true(host->nodes[0].has_memory_free);
	assert_false(vn_notes_has(&host->notes, "free-memory-left-out"));
}

static void test_memory_that_no_node_counts(void **state)
{
	const struct tree *tree = *state;
	put_machine(tree);
	put(tree, "proc/meminfo", "MemTotal: 99999999999 kB\n");
	vn_autohost *host = must_read(tree);
	assert_true(vn_notes_has(&host->notes, "memory-uncounted"));
	static const char text[] = "MemTotal: 1 kB\n\0\n"; /* a problem must not come with a host */
	put_bytes(tree, "proc/meminfo", text, sizeof(text) - 1);
	must_refuse(tree, "proc/meminfo", "holds a NUL byte; expected text");
	put(tree, "proc/meminfo", "MemTotal: 1000 kB\n");
	vn_autohost *counted = must_read(tree);
	assert_false(vn_notes_has(&counted->notes, "memory-uncounted"));
}

static void test_old_kernel_has_masks_and_zero_bytes(void **state)
{
	const struct tree *tree = *state;
	put_machine(tree);
	drop(tree, CPU "/online");
	drop(tree, NODE "/online");
	drop(tree, NODE "/node0/cpulist");
	put_bytes(tree, NODE "/node0/cpumap", "00000000,00000005\n\0\0", 20);
	for (unsigned id = 0; id < 4; id++) {
		vn_autofree char *list = vn_format(CPU "/cpu%u/topology/thread_siblings_list", id);
		vn_autofree char *mask = vn_format(CPU "/cpu%u/topology/thread_siblings", id);
		drop(tree, list);
		put(tree, mask, id % 2 ? "0000000a\n" : "5\n");
	}
	drop(tree, NODE "/node0/distance");
	vn_autohost *host = must_read(tree);
	assert_set(host->nodes[0].cpus, "0,2");
	assert_set(host->cpus[1].siblings, "1,3");
	assert_set(host->cpus[2].siblings, "0,2");
	assert_false(host->cpus[4].online); /* cpu4/online is 0 */
	assert_true(host->cpus[0].online); /* has no such file */
	assert_true(vn_notes_has(&host->notes, "distances-missing"));
}

/* A function as sysfs has it: a link of the bus to its directory below the root complex. */
static void put_function(const struct tree *tree, const char *address, const char *root, const char *node)
{
	vn_autofree char *link = vn_format(PCI "/%s", address);
	vn_autofree char *target = vn_format("../../../devices/%s/%s", root, address);
	vn_autofree char *file = vn_format("sys/devices/%s/%s/numa_node", root, address);
	put_link(tree, link, target);
	put(tree, file, node);
}

static void test_kernel_without_numa(void **state)
{
	const struct tree *tree = *state;
	put(tree, CPU "/online", "0-1\n");
	put_cpu(tree, 0, 0, 0, "0\n", "0-1\n");
	put_cpu(tree, 1, 0, 1, "1\n", "0-1\n");
	put(tree, "proc/meminfo", "MemTotal:       20480 kB\nMemFree:          100 kB\n");
	put_function(tree, "0000:06:00.0", "pci0000:00", "1\n");
	put(tree, "sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "8\n");
	put(tree, "sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "8\n");
	vn_autohost *host = must_read(tree);
	assert_int_equal(host->n_nodes, 1);
	assert_int_equal(host->nodes[0].id, 0);
	assert_set(host->nodes[0].cpus, "0-1");
	assert_int_equal(host->nodes[0].memory_total, 20480 * 1024);
	assert_int_equal(host->nodes[0].hugepools[0].total, 8);
	assert_int_equal(host->nodes[0].distances[0], 10);
	assert_int_equal(host->n_devices, 1);
	assert_int_equal(host->devices[0].node, 0); /* all counts as node 0 */
	assert_true(vn_notes_has(&host->notes, "kernel-without-numa"));
	assert_false(vn_notes_has(&host->notes, "device-without-node"));
	assert_null(host->offline_nodes);
	put(tree, NODE "/online", "\n"); /* the folder is there, and hides the nodes */
	put(tree, NODE "/possible", "0-3\n");
	vn_autohost *hidden = must_read(tree);
	assert_int_equal(hidden->n_nodes, 1);
	assert_true(vn_notes_has(&hidden->notes, "kernel-without-numa"));
	assert_null(hidden->offline_nodes);
	put(tree, NODE "/online", "0-1\n"); /* copied in part: no kernel without NUMA */
	must_refuse(tree, NODE "/online", "names node 0-1, which has no directory");
	drop(tree, NODE "/online");
	drop(tree, "proc/meminfo");
	must_refuse(tree, "proc/meminfo", "is not there; expected the node's memory");
}

static void put_siblings(const struct tree *tree, const char *const *lists)
{
	for (unsigned id = 0; id < 4; id++) {
		vn_autofree char *path = vn_format(CPU "/cpu%u/topology/core_cpus_list", id);
		put(tree, path, lists[id]);
	}
}

/* CPUs 0 and 2 are threads of package 0, 1 and 3 of package 1, all of them of a core 0. */
static void test_siblings_that_contradict(void **state)
{
	const struct tree *tree = *state;
	static const struct {
		const char *lists[4], *wrong; /* NULL: none */
		unsigned cores;
	} cases[] = {
		{{"0,2\n", "1,3\n", "0,2\n", "1,3\n"}, NULL, 2},
		{{"0\n", "0-3\n", "2\n", "3\n"}, "what CPU 1 tells of", 4},
		{{"0-3\n", "1,3\n", "0,2\n", "1,3\n"}, "what CPUs 0,2 tell of", 3},
		{{"0-1\n", "1,3\n", "2\n", "1,3\n"}, "what CPU 0 tells of", 3},
		{{"0-2\n", "0-2\n", "2\n", "3\n"}, "what CPUs 0-1 tell of", 4},
		{{"0,4\n", "1,3\n", "2,9\n", "1,3\n"}, NULL, 3}, /* offline, and not there at all */
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		put_machine(tree);
		put_siblings(tree, cases[i].lists);
		vn_autohost *host = must_read(tree);
		vn_autoset online = hwloc_bitmap_alloc();
		hwloc_bitmap_set_range(online, 0, 3);
		assert_true(host->cores_known);
		assert_int_equal(vn_host_cores(host, online), cases[i].cores);
		for (int id = 0; id < 4; id++)
			assert_int_equal(host->cpus[id].package, id % 2);
		assert_int_equal(vn_notes_has(&host->notes, "siblings-contradict"), cases[i].wrong != NULL);
		if (cases[i].wrong)
			assert_non_null(strstr(note_text(host, "siblings-contradict"), cases[i].wrong));
	}
}

static void put_class(const struct tree *tree, const char *class, const char *name, const char *below)
{
	vn_autofree char *link = vn_format("sys/class/%s/%s", class, name);
	vn_autofree char *target = vn_format("../../devices/%s", below);
	put_link(tree, link, target);
}

static void test_devices(void **state)
{
	const struct tree *tree = *state;
	put_machine(tree);
	put_function(tree, "0000:3b:00.0", "pci0000:3a", "3\n");
	put(tree, PCI "/0000:3b:00.0/class", "0x020000\n");
	put(tree, PCI "/0000:3b:00.0/vendor", "0x15b3\n");
	put(tree, PCI "/0000:3b:00.0/device", "0x101d\n");
	put(tree, PCI "/0000:3b:00.0/local_cpulist", "1,3\n");
	put_class(tree, "net", "eth7", "pci0000:3a/0000:3b:00.0/net/eth7");
	put_class(tree, "net", "eth8", "pci0000:3a/0000:3b:00.0/net/eth8");
	put_class(tree, "net", "br0", "virtual/net/br0");
	put_link(tree, PCI "/0000:3b:00.0/driver",
		"../../../bus/pci/drivers/mlx5_core"); /* dangling, as gathered */
	put_function(tree, "0000:04:00.0", "pci0000:00", "-1\n");
	put_class(tree, "block", "nvme0n1", "pci0000:00/0000:04:00.0/nvme/nvme0/block/nvme0n1");
	put_class(tree, "block", "nvme0n1p1", "pci0000:00/0000:04:00.0/nvme/nvme0/block/nvme0n1/nvme0n1p1");
	put_class(tree, "nvme", "nvme0", "pci0000:00/0000:04:00.0/nvme/nvme0");
	put_function(tree, "0000:05:00.0", "pci0000:00", "9\n"); /* no such node */
	put_class(tree, "block", "sda", "pci0000:00/0000:05:00.0/ata1/host0/target0:0:0/0:0:0:0/block/sda");
	put_function(tree, "0000:06:00.0", "pci0000:00", "0\n");
	put_class(
		tree, "net", "\x1b[2J", "pci0000:00/0000:06:00.0/net/\x1b[2J"); /* would act on a terminal */
	vn_autohost *host = must_read(tree);
	assert_int_equal(host->n_devices, 4);
	const struct vn_host_device *nvme = &host->devices[0], *disk = &host->devices[1],
				    *net = &host->devices[3];
	assert_string_equal(nvme->address, "0000:04:00.0");
	assert_int_equal(nvme->n_names, 1);
	assert_string_equal(nvme->names[0], "nvme0n1");
	assert_int_equal(nvme->node, -1);
	assert_null(nvme->driver);
	assert_string_equal(disk->names[0], "sda");
	assert_int_equal(disk->node, -1);
	assert_true(vn_notes_has(&host->notes, "device-without-node"));
	assert_int_equal(host->devices[2].n_names, 0);
	assert_int_equal(net->node, 3);
	assert_int_equal(net->class_code, 0x020000);
	assert_int_equal(net->vendor, 0x15b3);
	assert_int_equal(net->device, 0x101d);
	assert_string_equal(net->driver, "mlx5_core");
	assert_string_equal(net->root, "pci0000:3a");
	assert_set(net->local_cpus, "1,3");
	assert_int_equal(net->n_names, 2);
	assert_string_equal(net->names[0], "eth7");
	assert_string_equal(net->names[1], "eth8");
}

/* By the numbers of the address, which are hexadecimal. Of the second nothing is told. */
static void test_order_and_codes_of_devices(void **state)
{
	const struct tree *tree = *state;
	static const char *const addresses[] = {"0000:00:02.0", "0000:00:11.0", "0000:00:1f.3",
		"0000:0a:00.0", "0000:10:00.0", "0000:10:00.1", "0000:a0:00.0", "000a:00:00.0",
		"0010:00:00.0", "10000:00:00.0"};
	put_machine(tree);
	for (size_t i = 0; i < 10; i++) {
		vn_autofree char *vendor = vn_format(PCI "/%s/vendor", addresses[i]);
		vn_autofree char *below = vn_format("pci0000:00/%s/net/eth%zu", addresses[i], i);
		vn_autofree char *name = vn_format("eth%zu", i);
		put_function(tree, addresses[i], "pci0000:00", "0\n");
		put_class(tree, "net", name, below);
		if (i != 1)
			put(tree, vendor, "0x8086\n");
	}
	put(tree, PCI "/0000:00:02.0/class", "0x\n");
	put(tree, PCI "/0000:00:02.0/device", "0x0000\n");
	vn_autohost *host = must_read(tree);
	assert_int_equal(host->n_devices, 10);
	for (size_t i = 0; i < 10; i++) {
		const struct vn_host_device *device = &host->devices[i];
		vn_autofree char *name = vn_format("eth%zu", i);
		assert_string_equal(device->address, addresses[i]);
		assert_int_equal(device->n_names, 1);
		assert_string_equal(device->names[0], name);
		assert_int_equal(device->vendor, i == 1 ? -1 : 0x8086);
		assert_int_equal(device->class_code, -1);
		assert_int_equal(device->device, i == 0 ? 0 : -1);
	}
	vn_autofree char *text = dump(host);
	assert_null(strstr(text, "\"class\": \"0x"));
	assert_non_null(strstr(text, "\"vendor\": null"));
}

static void put_folder(const struct tree *tree, const char *path)
{
	vn_autofree char *inside = vn_format("%s/uevent", path);
	put(tree, inside, "");
}

#define NVME "sys/devices/pci0000:00/0000:0"

/* Disks below the directory of a controller that has a class of its own, and of multipath, which are virtual. */
static void test_disks_of_nvme(void **state)
{
	const struct tree *tree = *state;
	put_machine(tree);
	for (unsigned i = 0; i < 5; i++) {
		vn_autofree char *address = vn_format("0000:0%u:00.0", i);
		vn_autofree char *name = vn_format("nvme%u", i);
		vn_autofree char *below = vn_format("pci0000:00/%s/nvme/nvme%u", address, i);
		vn_autofree char *folder = vn_format("sys/devices/%s", below);
		put_function(tree, address, "pci0000:00", "0\n");
		put_class(tree, "nvme", name, below);
		put_folder(tree, folder);
	}
	put_class(tree, "block", "nvme0n1", "pci0000:00/0000:00:00.0/nvme/nvme0/nvme0n1");
	put_class(tree, "block", "nvme0n1p1", "pci0000:00/0000:00:00.0/nvme/nvme0/nvme0n1/nvme0n1p1");
	put_folder(tree, NVME "0:00.0/nvme/nvme0/nvme0n1/nvme0n1p1");
	put_folder(tree, NVME "0:00.0/nvme/nvme0/nvme0n2");
	put_folder(tree, NVME "0:00.0/nvme/nvme0/ng0n1");
	put_folder(tree, NVME "0:00.0/nvme/nvme0/hwmon0");
	put_folder(tree, NVME "0:00.0/nvme/nvme0/nvme0n1x");
	/* 1 and 2 are two ways to the subsystem 1, whose namespaces are 1 and 12 */
	put_class(tree, "block", "nvme1n1", "virtual/nvme-subsystem/nvme-subsys1/nvme1n1");
	put_class(tree, "block", "nvme1n12", "virtual/nvme-subsystem/nvme-subsys1/nvme1n12");
	put_class(tree, "block", "nvme1c1n1", "pci0000:00/0000:01:00.0/nvme/nvme1/nvme1c1n1");
	put_folder(tree, NVME "1:00.0/nvme/nvme1/nvme1c1n1");
	put_folder(tree, NVME "1:00.0/nvme/nvme1/nvme1c1n12");
	put_folder(tree, NVME "2:00.0/nvme/nvme2/nvme1c2n1");
	put_folder(tree, NVME "3:00.0/nvme/nvme3/nvme3c3n1"); /* to a disk that is not there */
	vn_autohost *host = must_read(tree);
	static const char *const expected[] = {
		"nvme0n1 nvme0n2", "nvme1n1 nvme1n12", "nvme1n1", "nvme3", "nvme4"};
	for (size_t i = 0; i < 5; i++) {
		const struct vn_host_device *device = &host->devices[i];
		assert_true(device->n_names > 0);
		vn_autofree char *names = vn_format("%s%s%s", device->names[0],
			device->n_names > 1 ? " " : "", device->n_names > 1 ? device->names[1] : "");
		assert_string_equal(names, expected[i]);
		assert_true(device->n_names <= 2);
	}
}

static void test_interrupts_and_virtual_functions(void **state)
{
	const struct tree *tree = *state;
	put_machine(tree);
	put_function(tree, "0000:3b:00.0", "pci0000:3a", "3\n");
	put(tree, PCI "/0000:3b:00.0/msi_irqs/101", "msix\n");
	put(tree, PCI "/0000:3b:00.0/msi_irqs/99", "msix\n");
	put(tree, "proc/irq/99/smp_affinity_list", "0-3\n");
	put(tree, "proc/irq/99/effective_affinity_list", "2\n");
	put(tree, "proc/irq/101/smp_affinity", "0000000a\n"); /* an old kernel's mask */
	put_function(tree, "0000:3b:02.0", "pci0000:3a", "3\n");
	put_link(tree, PCI "/0000:3b:02.0/physfn", "../0000:3b:00.0");
	put(tree, PCI "/0000:3b:02.0/irq", "0\n");
	put_link(tree, PCI "/0000:3b:02.0/driver", "../../../bus/pci/drivers/vfio-pci");
	put_function(tree, "0000:3c:00.0", "pci0000:3a", "3\n");
	put(tree, PCI "/0000:3c:00.0/irq", "16\n");
	put_link(tree, PCI "/0000:3c:00.0/driver", "../../../bus/pci/drivers/ahci");
	put_function(tree, "0000:3d:00.0", "pci0000:3a", "3\n");
	put(tree, PCI "/0000:3d:00.0/irq", "17\n"); /* no driver: a line nobody listens to */
	vn_autohost *host = must_read(tree);
	const struct vn_host_device *card = &host->devices[0], *vf = &host->devices[1];
	assert_int_equal(host->n_devices, 4);
	assert_int_equal(card->n_irqs, 2);
	assert_int_equal(card->irqs[0].number, 99);
	assert_set(card->irqs[0].cpus, "0-3");
	assert_set(card->irqs[0].effective, "2");
	assert_int_equal(card->irqs[1].number, 101);
	assert_set(card->irqs[1].cpus, "1,3");
	assert_null(card->irqs[1].effective);
	assert_string_equal(card->physical_function, "");
	assert_string_equal(vf->physical_function, "0000:3b:00.0");
	assert_int_equal(vf->n_irqs, 0);
	assert_int_equal(host->devices[2].n_irqs, 1);
	assert_int_equal(host->devices[2].irqs[0].number, 16);
	assert_int_equal(host->devices[3].n_irqs, 0);
}

/* A host of nothing but what is put below PCI, in memory. */
static struct vn_tree *memory_tree(void)
{
	struct vn_tree *tree = vn_tree_new();
	assert_non_null(tree);
	assert_int_equal(vn_tree_add_file(tree, CPU "/online", "0\n", 2), 0);
	assert_int_equal(vn_tree_add_folder(tree, CPU "/cpu0"), 0);
	assert_int_equal(vn_tree_add_file(tree, NODE "/node0/cpulist", "0\n", 2), 0);
	assert_int_equal(vn_tree_add_file(tree, NODE "/node0/meminfo", "Node 0 MemTotal: 1 kB\n", 22), 0);
	return tree;
}

static struct vn_host *read_memory(struct vn_tree *tree)
{
	struct vn_root root = {.fd = -1, .tree = tree, .path = strdup("memory")};
	struct vn_host *host = NULL;
	vn_autoerror err = {0};
	if (vn_sysfs_host(&root, "memory", &host, &err) < 0)
		fail_msg("%s", err.problems[0].text);
	assert_reads_back(host);
	return host;
}

static void test_devices_are_bounded(void **state)
{
	(void)state;
	struct vn_tree *tree = memory_tree();
	for (unsigned i = 0; i < 65540; i++) {
		vn_autofree char *path = vn_format(PCI "/%04x:%02x:00.0", i >> 8, i & 255);
		vn_autofree char *node = vn_format("%s/numa_node", path);
		assert_int_equal(vn_tree_add_file(tree, node, i < 20 ? "9\n" : "0\n", 2), 0);
	}
	vn_autohost *host = read_memory(tree);
	assert_int_equal(host->n_devices, 65536);
	assert_string_equal(
		note_text(host, "devices-left-out"), "65540 PCI functions, of which 65536 are read");
	size_t notes = 0;
	for (size_t i = 0; i < host->notes.n; i++)
		notes += strcmp(host->notes.v[i].code, "device-without-node") == 0;
	assert_int_equal(notes, 17); /* 16 of the 20, and one of the rest */
}

/* A link in each function to the one folder that has interrupts: few members, many interrupts. */
static void test_interrupts_are_bounded(void **state)
{
	(void)state;
	struct vn_tree *tree = memory_tree();
	for (unsigned i = 0; i < 65538; i++) {
		vn_autofree char *path = vn_format("irqs/%u", i + 65536);
		assert_int_equal(vn_tree_add_file(tree, path, "msix\n", 5), 0);
	}
	assert_int_equal(vn_tree_add_file(tree, "irqs/007", "msix\n", 5), 0);
	for (unsigned i = 0; i < 6; i++) {
		vn_autofree char *path = vn_format(PCI "/0000:0%u:00.0/msi_irqs", i);
		assert_int_equal(vn_tree_add_link(tree, path, "/irqs"), 0);
	}
	vn_autohost *host = read_memory(tree);
	assert_int_equal(host->n_devices, 6);
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(host->devices[i].n_irqs, i < 4 ? 65536 : 0);
	assert_int_equal(host->devices[0].irqs[0].number, 65536);
	assert_string_equal(note_text(host, "interrupts-left-out"),
		"interrupts of 6 PCI functions left out, above 65536 of one or 262144 of all: " PCI
		"/0000:00:00.0/msi_irqs and others");
}

/* Latency in ns, bandwidth in MB/s, from node 0; 0: no such file. */
static void put_access(
	const struct tree *tree, unsigned node, unsigned class, unsigned latency, unsigned bandwidth)
{
	vn_autofree char *link = vn_format(NODE "/node%u/access%u/initiators/node0", node, class);
	vn_autofree char *slow = vn_format(NODE "/node%u/access%u/initiators/read_latency", node, class);
	vn_autofree char *wide = vn_format(NODE "/node%u/access%u/initiators/read_bandwidth", node, class);
	vn_autofree char *a = vn_format("%u\n", latency), *b = vn_format("%u\n", bandwidth);
	put_link(tree, link, "../../../node0");
	if (latency)
		put(tree, slow, a);
	if (bandwidth)
		put(tree, wide, b);
}

static void test_kinds_of_memory(void **state)
{
	const struct tree *tree = *state;
	/* of node 12, which has no CPUs, beside node 0 with 80 ns and 200000 MB/s */
	static const struct {
		unsigned latency, bandwidth;
		enum vn_memory_kind kind;
	} cases[] = {
		{80, 300000, VN_MEMORY_HBM},
		{80, 299999, VN_MEMORY_UNKNOWN},
		{80, 160000, VN_MEMORY_SLOW},
		{80, 160001, VN_MEMORY_UNKNOWN},
		{96, 200000, VN_MEMORY_SLOW},
		{95, 200000, VN_MEMORY_UNKNOWN},
		{0, 0, VN_MEMORY_UNKNOWN},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		put_machine(tree);
		put_access(tree, 0, 1, 80, 200000);
		put_access(tree, 12, 0, 10, 900000); /* a GPU's view must not count */
		put_access(tree, 12, 1, cases[i].latency, cases[i].bandwidth);
		if (!cases[i].latency)
			put(tree, NODE "/node12/access0/initiators/read_latency", "0\n"),
				put(tree, NODE "/node12/access0/initiators/read_bandwidth", "0\n");
		if (!cases[i].latency)
			put(tree, NODE "/node12/access1/initiators/read_latency", "0\n"),
				put(tree, NODE "/node12/access1/initiators/read_bandwidth", "0\n");
		vn_autohost *host = must_read(tree);
		assert_int_equal(host->nodes[0].memory_kind, VN_MEMORY_DRAM);
		if (host->nodes[2].memory_kind != cases[i].kind)
			fail_msg("case %zu: kind %d", i, host->nodes[2].memory_kind);
	}
}

static void test_memory_tiers_weights_and_caches(void **state)
{
	const struct tree *tree = *state;
	put_machine(tree);
	put(tree, "sys/devices/virtual/memory_tiering/memory_tier4/nodelist", "0,3\n");
	put(tree, "sys/devices/virtual/memory_tiering/memory_tier22/nodelist", "12\n");
	put(tree, "sys/kernel/mm/mempolicy/weighted_interleave/node0", "5\n");
	put(tree, "sys/kernel/mm/mempolicy/weighted_interleave/node12", "1\n");
	put(tree, "sys/kernel/mm/mempolicy/weighted_interleave/node3", "0\n");
	put(tree, NODE "/node0/memory_side_cache/index1/size", "17179869184\n");
	put(tree, NODE "/node0/memory_side_cache/index1/line_size", "64\n");
	put(tree, NODE "/node0/memory_side_cache/index1/indexing", "0\n");
	put(tree, NODE "/node0/memory_side_cache/index1/write_policy", "1\n");
	vn_autohost *host = must_read(tree);
	assert_int_equal(host->nodes[0].memory_tier, 4);
	assert_int_equal(host->nodes[2].memory_tier, 22);
	assert_int_equal(host->nodes[2].memory_kind, VN_MEMORY_SLOW);
	assert_int_equal(host->nodes[0].interleave_weight, 5);
	assert_int_equal(host->nodes[1].interleave_weight, -1);
	assert_int_equal(host->nodes[2].interleave_weight, 1);
	assert_int_equal(host->nodes[0].n_memory_caches, 1);
	const struct vn_memory_cache *cache = &host->nodes[0].memory_caches[0];
	assert_int_equal(cache->level, 1);
	assert_true(cache->size == UINT64_C(17179869184));
	assert_int_equal(cache->line_size, 64);
	assert_int_equal(cache->indexing, 0);
	assert_int_equal(cache->write_policy, 1);
	assert_string_equal(note_text(host, "figures-left-out"),
		"1 figure left out, as such numbers cannot be true: "
		"sys/kernel/mm/mempolicy/weighted_interleave/node3");
	put(tree, "sys/kernel/mm/mempolicy/weighted_interleave/node3", "255\n");
	put(tree, "sys/kernel/mm/mempolicy/weighted_interleave/node0", "256\n");
	vn_autohost *most = must_read(tree);
	assert_int_equal(most->nodes[0].interleave_weight, -1);
	assert_int_equal(most->nodes[1].interleave_weight, 255);
}

static void test_figures_that_cannot_be_true(void **state)
{
	const struct tree *tree = *state;
	put_machine(tree);
	put_access(tree, 0, 1, 80, 200000);
	put(tree, NODE "/node0/access1/initiators/write_latency", "1152921504606846976\n"); /* 2^60 */
	put(tree, NODE "/node0/access1/initiators/write_bandwidth", "1152921504606846977\n");
	put(tree, NODE "/node0/memory_side_cache/index1/size", "18446744073709551615\n");
	put(tree, NODE "/node0/memory_side_cache/index1/line_size", "99999999999999999999\n");
	vn_autohost *host = must_read(tree);
	assert_int_equal(host->nodes[0].access[1].read_latency, 80);
	assert_true(host->nodes[0].access[1].write_latency == UINT64_C(1) << 60);
	assert_int_equal(host->nodes[0].access[1].write_bandwidth, 0);
	assert_int_equal(host->nodes[0].memory_caches[0].size, 0);
	assert_int_equal(host->nodes[0].memory_caches[0].line_size, 0);
	assert_string_equal(note_text(host, "figures-left-out"),
		"3 figures left out, as such numbers cannot be true: " NODE
		"/node0/access1/initiators/write_bandwidth and others");
}

static void test_memory_of_dax_devices(void **state)
{
	const struct tree *tree = *state;
	static const struct {
		const char *path, *driver;
		enum vn_memory_kind kind;
	} cases[] = {
		{"LNXSYSTM:00/LNXSYBUS:00/ACPI0012:00/ndbus0/region0/dax0.0/dax0.0", "kmem",
			VN_MEMORY_PERSISTENT},
		{"LNXSYSTM:00/LNXSYBUS:00/ACPI0012:00/ndbus0/region0/dax0.0/dax0.0", "device_dax",
			VN_MEMORY_UNKNOWN},
		{"platform/ACPI0017:00/root0/decoder0.0/region0/dax_region0/dax0.0", "kmem", VN_MEMORY_CXL},
		{"platform/hmem.0/dax0.0", "kmem", VN_MEMORY_UNKNOWN},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		vn_autofree char *device = vn_format("../../../devices/%s", cases[i].path);
		vn_autofree char *node = vn_format("sys/devices/%s/target_node", cases[i].path);
		vn_autofree char *driver = vn_format("sys/devices/%s/driver", cases[i].path);
		vn_autofree char *target = vn_format("../../../bus/dax/drivers/%s", cases[i].driver);
		put_machine(tree);
		put_link(tree, "sys/bus/dax/devices/dax0.0", device);
		put(tree, node, "12\n");
		put_link(tree, driver, target);
		vn_autohost *host = must_read(tree);
		if (host->nodes[2].memory_kind != cases[i].kind)
			fail_msg("case %zu: kind %d", i, host->nodes[2].memory_kind);
	}
}

static void test_memory_of_gpus(void **state)
{
	const struct tree *tree = *state;
	put_machine(tree);
	put(tree, "proc/driver/nvidia/gpus/0004:04:00.0/numa_status", "Node:      12\nStatus:    online\n");
	put(tree, "proc/driver/nvidia/gpus/0004:05:00.0/numa_status", "Node:      99\n");
	put(tree, "proc/driver/nvidia/gpus/0004:06:00.0/numa_status", "Status: none\n");
	vn_autohost *host = must_read(tree);
	assert_int_equal(host->nodes[2].memory_kind, VN_MEMORY_GPU);
}

static void test_cpus_kept_free_and_clusters(void **state)
{
	const struct tree *tree = *state;
	put_machine(tree);
	put(tree, CPU "/isolated", "2-3,99\n"); /* 99 is no CPU of this host */
	put(tree, CPU "/nohz_full", "      (null)\n");
	put(tree, CPU "/cpu0/topology/cluster_id", "0\n");
	put(tree, CPU "/cpu0/topology/cluster_cpus_list", "0,2\n");
	put(tree, CPU "/cpu2/topology/cluster_id", "0\n");
	put(tree, CPU "/cpu2/topology/cluster_cpus_list", "0,2\n");
	put(tree, CPU "/cpu1/topology/cluster_id", "65535\n");
	put(tree, CPU "/cpu1/topology/cluster_cpus_list", "1\n");
	vn_autohost *host = must_read(tree);
	assert_set(host->isolated_cpus, "2-3");
	assert_null(host->nohz_full_cpus);
	assert_int_equal(host->cpus[2].cluster, 0);
	assert_int_equal(host->cpus[1].cluster, -1);
	assert_int_equal(host->cpus[3].cluster, -1);
}

static void test_hmat_that_makes_no_sense(void **state)
{
	const struct tree *tree = *state;
	put_machine(tree);
	put(tree, "sys/firmware/acpi/tables/HMAT", "HMAT");
	vn_autohost *host = must_read(tree);
	assert_null(host->hmat);
	assert_true(vn_notes_has(&host->notes, "hmat-unreadable"));
}

/* Domain 7 with a memory-side cache of 2^64 - 1 bytes; the checksum makes the sum of all bytes 0. */
static void test_hmat_with_a_figure_too_large(void **state)
{
	const struct tree *tree = *state;
	char table[72] = "HMAT";
	unsigned char sum = 0;
	table[4] = sizeof(table);
	table[8] = 2;
	table[40] = 2;
	table[44] = 32;
	table[48] = 7;
	memset(table + 56, 0xff, 8);
	for (size_t i = 0; i < sizeof(table); i++)
		sum = (unsigned char)(sum + (unsigned char)table[i]);
	table[9] = (char)-sum;
	put_machine(tree);
	put_bytes(tree, "sys/firmware/acpi/tables/HMAT", table, sizeof(table));
	vn_autohost *host = must_read(tree);
	assert_null(host->hmat);
	assert_string_equal(note_text(host, "hmat-left-out"),
		"1 figure of the firmware's HMAT left out, as such numbers cannot be true");
}

static void test_offline_node(void **state)
{
	const struct tree *tree = *state;
	put_machine(tree);
	put(tree, NODE "/online", "0,3\n"); /* node 12 has its directory still */
	put(tree, NODE "/node0/distance", "10 21\n");
	put(tree, NODE "/node3/distance", "21 10\n");
	vn_autohost *host = must_read(tree);
	assert_int_equal(host->n_nodes, 2);
	assert_set(host->offline_nodes, "12");
	assert_int_equal(host->nodes[1].distances[0], 21);
	put(tree, NODE "/possible", "0-4\n"); /* and 12 by its directory */
	vn_autohost *wide = must_read(tree);
	assert_set(wide->offline_nodes, "1-2,4,12");
	assert_int_equal(wide->n_nodes, 2);
	put(tree, NODE "/possible", "0-1024\n");
	must_refuse(tree, NODE "/possible", "names node 1024; expected node numbers below 1024");
}

static void test_all_nodes_that_are_possible_are_online(void **state)
{
	const struct tree *tree = *state;
	put_machine(tree);
	put(tree, NODE "/possible", "0,3,12\n");
	vn_autohost *host = must_read(tree);
	assert_null(host->offline_nodes);
}

static void test_distances_that_are_not_square(void **state)
{
	const struct tree *tree = *state;
	put_machine(tree);
	put(tree, NODE "/node0/distance", "10 21\n");
	vn_autohost *host = must_read(tree);
	assert_int_equal(host->nodes[0].distances[0], VN_DISTANCE_UNKNOWN);
	assert_int_equal(host->nodes[0].distances[1], VN_DISTANCE_UNKNOWN);
	assert_int_equal(host->nodes[1].distances[1], 10);
	assert_true(vn_notes_has(&host->notes, "distances-not-square"));
	assert_true(vn_notes_has(&host->notes, "distances-missing"));
}

static void test_what_is_wrong_is_told_exactly(void **state)
{
	const struct tree *tree = *state;
	static const struct {
		const char *path, *text, *problem;
	} wrong[] = {
		{NODE "/node0/cpulist", "0-\n", "'0-'; expected a list of numbers like 0-3,8"},
		{NODE "/node0/cpulist", "\x1b[2J\n", "'?[2J'; expected a list of numbers like 0-3,8"},
		{NODE "/node0/distance", "10 0 17\n", "'0'; expected a distance of 1 to 255"},
		{NODE "/node0/distance", "10 256 17\n", "'256'; expected a distance of 1 to 255"},
		{NODE "/node0/meminfo", "Node 0 MemFree: 1 kB\n",
			"has no MemTotal; expected the node's memory"},
		{NODE "/node0/meminfo", "Node 0 MemTotal: 1 MB\n", "MemTotal does not hold a number of kB"},
		{NODE "/node0/meminfo", "Node 0 MemTotal: 1099511627777 kB\n",
			"MemTotal does not hold a number of kB"},
		{NODE "/online", "0,3,5,12\n", "names node 5, which has no directory"},
		{CPU "/cpu0/topology/core_id", "x\n", "'x'; expected a number"},
		{CPU "/cpu0/topology/thread_siblings_list", "0,,2\n",
			"'0,,2'; expected a list of numbers like 0-3,8"},
		{NODE "/node0/access0/initiators/read_latency", "-1\n",
			"does not hold a number; expected one"},
	};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		put_machine(tree);
		put(tree, wrong[i].path, wrong[i].text);
		must_refuse(tree, wrong[i].path, wrong[i].problem);
	}
	put_machine(tree);
	put_bytes(tree, NODE "/node0/cpulist", "0\0,2\n", 5);
	must_refuse(tree, NODE "/node0/cpulist", "holds a NUL byte; expected text");
	put_machine(tree);
	drop(tree, NODE "/node0/cpulist");
	must_refuse(tree, NODE "/node0", "has no cpulist and no cpumap; expected one");
	put(tree, NODE "/node0/cpumap", "g\n");
	must_refuse(tree, NODE "/node0/cpumap", "'g'; expected a mask like 00000000,0000010f");
	put(tree, NODE "/node0/cpumap", "000000001\n");
	must_refuse(tree, NODE "/node0/cpumap", "'000000001'; expected a mask like 00000000,0000010f");
	put(tree, NODE "/node0/cpumap", "1,\n");
	must_refuse(tree, NODE "/node0/cpumap", "'1,'; expected a mask like 00000000,0000010f");
}

/* What a tree may hold in the place of a file. */
static void test_what_is_no_file(void **state)
{
	const struct tree *tree = *state;
	static const char latency[] = NODE "/node0/access0/initiators/read_latency";
	static const char pages[] = POOLS "2048kB/nr_hugepages";
	vn_autofree char *pipe_path = vn_format("%s/" NODE "/node0/distance", tree->root);
	put_machine(tree);
	put_folder(tree, latency);
	must_refuse(tree, latency, "is a directory; expected a file");
	remove_tree_below(tree, latency);
	put_folder(tree, pages);
	must_refuse(tree, pages, "is a directory; expected a file");
	remove_tree_below(tree, pages);
	put_folder(tree, NODE "/node1024");
	put_folder(tree, NODE "/node99999999999999999999");
	put_folder(tree, CPU "/cpu65536");
	vn_autohost *host = must_read(tree);
	assert_string_equal(note_text(host, "folders-left-out"),
		"3 folders left out, as such numbers cannot be true: " CPU "/cpu65536 and others");
	drop(tree, NODE "/node0/distance");
	assert_int_equal(mkfifo(pipe_path, 0600), 0);
	must_refuse(tree, NODE "/node0/distance", "is a device, a pipe or a socket; expected a file");
}

static void test_no_tree_at_all(void **state)
{
	must_refuse(*state, CPU, "is not there; expected a tree that holds sys/devices/system");
}

static int chown_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return lchown(path, 65534, 65534);
}

/* Whether reading fails by the environment alone, for one who is not root. */
static int fails_for_others(const struct tree *tree)
{
	struct vn_host *host = NULL;
	vn_autoerror err = {0};

	if (geteuid() == 0 && setresuid(65534, 65534, 65534) < 0)
		return 1;
	int r = read_tree(tree, &host, &err);
	vn_host_free(host);
	return r < 0 && err.n > 0 && !err.input ? 0 : 2;
}

static void test_no_permission(void **state)
{
	const struct tree *tree = *state;
	static const char *const paths[] = {NODE, CPU, PCI, NODE "/node0/hugepages",
		CPU "/cpu0/topology/core_id", NODE "/node0/hugepages/hugepages-2048kB/nr_hugepages",
		NODE "/node0/access0/initiators", PCI "/0000:00:02.0/msi_irqs",
		NODE "/node0/access0/initiators/read_latency"};
	put_machine(tree);
	put(tree, PCI "/0000:00:02.0/msi_irqs/9", "msi\n");
	put(tree, NODE "/node0/hugepages/hugepages-2048kB/nr_hugepages", "1\n");
	put_access(tree, 0, 0, 80, 200000);
	if (geteuid() == 0)
		assert_int_equal(nftw(tree->base, chown_entry, 16, FTW_PHYS), 0);
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		vn_autofree char *path = vn_format("%s/%s", tree->root, paths[i]);
		struct stat st;
		int status;
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(chmod(path, 0), 0);
		pid_t child = fork();
		assert_true(child >= 0);
		if (child == 0)
			_exit(fails_for_others(tree));
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_int_equal(chmod(path, st.st_mode & 07777), 0);
		if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
			fail_msg("%s: %x", paths[i], status);
	}
}

static void test_cpu_in_two_nodes(void **state)
{
	const struct tree *tree = *state;
	struct vn_host *host = NULL;
	vn_autoerror err = {0};
	put_machine(tree);
	put(tree, NODE "/node3/cpulist", "0-3\n");
	assert_int_equal(read_tree(tree, &host, &err), -EINVAL);
	assert_int_equal(err.n, 1);
	assert_string_equal(
		err.problems[0].text, "node 3: CPU 0,2 is in another node too; expected one node");
}

/* Somebody's tree must not make us read what lies outside it. */
static void test_links_stay_in_the_tree(void **state)
{
	const struct tree *tree = *state;
	vn_autofree char *secret = vn_format("%s/secret", tree->base);
	vn_autoroot root = {.fd = -1};
	vn_autofree char *text = NULL;
	char **names = NULL;
	put_machine(tree);
	put(tree, "../secret", "0-3\n");
	assert_int_equal(access(secret, R_OK), 0);
	assert_int_equal(vn_root_open(tree->root, &root, NULL), 0);
	assert_false(root.live);

	put_link(tree, "absolute", secret);
	assert_int_equal(vn_root_read(&root, "absolute", &text), -ENOENT);
	put_link(tree, "sys/up", "../../../secret");
	assert_int_equal(vn_root_read(&root, "sys/up", &text), -ENOENT);
	assert_int_equal(vn_root_read(&root, "../secret", &text), -ENOENT);
	put_link(tree, "folder", tree->base);
	assert_int_equal(vn_root_list(&root, "folder", &names), -ENOENT);
	put_link(tree, "loop", "loop");
	assert_int_equal(vn_root_read(&root, "loop", &text), -ELOOP);
	assert_null(text);

	/* the same links are followed when they mean something inside: "/" is the tree's own root */
	put(tree, "secret", "inside\n");
	assert_int_equal(vn_root_read(&root, "sys/up", &text), 0);
	assert_string_equal(text, "inside\n");
	vn_autofree char *name = NULL;
	assert_int_equal(vn_root_link_name(&root, "sys/up", &name), 0);
	assert_string_equal(name, "secret");
	vn_autofree char *none = NULL;
	assert_int_equal(vn_root_link_name(&root, "secret", &none), -EINVAL);
}

static void test_reading_is_bounded(void **state)
{
	const struct tree *tree = *state;
	vn_autoroot root = {.fd = -1};
	vn_autofree char *text = NULL;
	uint64_t number = 7;
	vn_autofree char *large = malloc(VN_FILE_MAX + 1);
	memset(large, 'x', VN_FILE_MAX + 1);
	put_bytes(tree, "fits", large, VN_FILE_MAX);
	put_bytes(tree, "large", large, VN_FILE_MAX + 1);
	put(tree, "number", "42\n");
	put(tree, "numbers", "42\n43\n");
	put(tree, "word", "42 kB\n");
	vn_autofree char *pipe_path = vn_format("%s/pipe", tree->root);
	assert_int_equal(mkfifo(pipe_path, 0600), 0);
	assert_int_equal(vn_root_open(tree->root, &root, NULL), 0);
	assert_int_equal(vn_root_read(&root, "large", &text), -EFBIG);
	assert_int_equal(vn_root_read(&root, "pipe", &text), -ENXIO); /* and at once */
	assert_int_equal(vn_root_read(&root, "", &text), -ENOENT);
	assert_int_equal(vn_root_read(&root, ".", &text), -EISDIR);
	assert_null(text);
	assert_int_equal(vn_root_read(&root, "fits", &text), 0);
	assert_int_equal(strlen(text), VN_FILE_MAX);
	assert_int_equal(vn_root_read_u64(&root, "word", &number), -EINVAL);
	assert_int_equal(number, 7);
	assert_int_equal(vn_root_read_u64(&root, "number", &number), 0);
	assert_int_equal(number, 42);
	assert_int_equal(vn_root_read_u64(&root, "numbers", &number), -EINVAL);
}

/* Makes this process's openat2 answer as an old kernel's (ENOSYS) or an old container's (EPERM). */
static void forbid_openat2(int answer)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)answer),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {.len = 4, .filter = code};
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		_exit(77);
}

/* What the child found: 0, or the number of the step that was not as expected. */
static int old_kernel_steps(const char *foreign)
{
	vn_autoerror err = {0};
	vn_autoroot live = {.fd = -1}, other = {.fd = -1};
	vn_autofree char *text = NULL;
	vn_autohost *host = NULL;

	if (vn_root_open("/", &live, &err) < 0 || !live.live)
		return 1;
	if (vn_root_read(&live, "proc/self/status", &text) < 0 || !strstr(text, "Cpus_allowed_list:"))
		return 2;
	if (vn_root_open(foreign, &other, &err) != -ENOSYS || other.fd >= 0)
		return 3;
	if (err.n != 1 || err.input ||
		!strstr(err.problems[0].text, "this kernel has no openat2 (Linux 5.6)"))
		return 4;
	if (vn_discover("live", &host, NULL) < 0 || !host->live || !host->allowed_cpus)
		return 5;
	return 0;
}

static void test_kernel_without_openat2(void **state)
{
	const struct tree *tree = *state;
	const int answers[] = {ENOSYS, EPERM};
	put_machine(tree);
	for (size_t i = 0; i < 2; i++) {
		int status;
		pid_t child = fork();
		assert_true(child >= 0);
		if (child == 0) {
			forbid_openat2(answers[i]);
			_exit(old_kernel_steps(tree->root));
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFEXITED(status));
		if (WEXITSTATUS(status) == 77) {
			print_message("no seccomp filters here: the way of old kernels was not tried\n");
			skip();
		}
		assert_int_equal(WEXITSTATUS(status), 0);
	}
}

#define CGROUP "sys/fs/cgroup"

/* The least of all limits on the way up, less what is used there and is no page cache. */
static void test_cgroup_second_version(void **state)
{
	const struct tree *tree = *state;
	put_machine(tree);
	put(tree, "proc/self/cgroup", "0::/user.slice/a/b\n");
	vn_autohost *none = must_read(tree);
	assert_false(none->has_cgroup_memory);
	assert_int_equal(none->cgroup_millicpus, 0);
	put(tree, CGROUP "/user.slice/a/b/memory.max", "max\n");
	put(tree, CGROUP "/user.slice/a/b/memory.current", "1000\n");
	put(tree, CGROUP "/user.slice/a/b/cpu.max", "max 100000\n");
	vn_autohost *without = must_read(tree);
	assert_false(without->has_cgroup_memory);
	assert_int_equal(without->cgroup_millicpus, 0);
	put(tree, CGROUP "/user.slice/a/memory.max", "9000\n");
	put(tree, CGROUP "/user.slice/a/memory.current", "5000\n");
	put(tree, CGROUP "/user.slice/a/memory.stat",
		"anon 2000\nactive_file 300\ninactive_file 40\nslab_reclaimable 5\nworkingset_active_file 7\n");
	put(tree, CGROUP "/user.slice/a/cpu.max", "150001 100000\n");
	put(tree, CGROUP "/user.slice/memory.max", "20000\n");
	put(tree, CGROUP "/user.slice/memory.current", "15655\n");
	put(tree, CGROUP "/user.slice/cpu.max", "400000 100000\n");
	put(tree, CGROUP "/other/memory.max", "1\n");
	vn_autohost *host = must_read(tree);
	assert_true(host->has_cgroup_memory);
	assert_int_equal(host->cgroup_memory, 9000 - (5000 - 345));
	assert_int_equal(host->cgroup_millicpus, 1501);
	vn_autofree char *source = vn_format("sysfs:%s", tree->root);
	vn_autohost *refreshed = NULL;
	assert_int_equal(vn_discover(source, &refreshed, NULL), 0);
	put(tree, CGROUP "/user.slice/memory.current", "15656\n");
	assert_int_equal(refreshed->cgroup_memory, 4345);
	assert_int_equal(vn_discover_refresh(refreshed, NULL), 0);
	assert_int_equal(refreshed->cgroup_memory, 4344);
	vn_autohost *parent = must_read(tree);
	assert_int_equal(parent->cgroup_memory, 4344);
	put(tree, CGROUP "/user.slice/memory.current",
		"20001\n"); /* over it: nothing is left, not 2^64 - 1 */
	put(tree, CGROUP "/user.slice/cpu.max", "1 1000000\n");
	vn_autohost *full = must_read(tree);
	assert_true(full->has_cgroup_memory);
	assert_int_equal(full->cgroup_memory, 0);
	assert_int_equal(full->cgroup_millicpus, 1);
	char text[8192] = "";
	vn_autofclose FILE *out = fmemopen(text, sizeof(text), "w");
	vn_host_print(parent, true, out);
	fflush(out);
	assert_non_null(strstr(text, "by the memory.max of its cgroups: "));
	assert_non_null(strstr(text, "the time of 1.5 CPUs\n"));
}

/* Each controller by itself; the path is the host's, and what is mounted the container's own cgroup. */
static void test_cgroup_first_version(void **state)
{
	const struct tree *tree = *state;
	put_machine(tree);
	put(tree, "proc/self/cgroup",
		"5:memory:/docker/0123\n4:cpuset:/\n3:cpu,cpuacct:/x\n2:cpuacct_other:/y\nwrong\n0::/\n");
	put(tree, CGROUP "/memory/memory.limit_in_bytes", "9223372036854771712\n"); /* what means none */
	put(tree, CGROUP "/cpu,cpuacct/x/cpu.cfs_quota_us", "-1\n");
	put(tree, CGROUP "/cpu,cpuacct/x/cpu.cfs_period_us", "100000\n");
	vn_autohost *without = must_read(tree);
	assert_false(without->has_cgroup_memory);
	assert_int_equal(without->cgroup_millicpus, 0);
	put(tree, CGROUP "/memory/memory.limit_in_bytes", "9000\n");
	put(tree, CGROUP "/memory/memory.usage_in_bytes", "5000\n");
	put(tree, CGROUP "/memory/memory.stat",
		"active_file 1\ntotal_active_file 300\ntotal_inactive_file 40\n");
	put(tree, CGROUP "/cpu,cpuacct/x/cpu.cfs_quota_us", "250000\n");
	vn_autohost *host = must_read(tree);
	assert_int_equal(host->cgroup_memory, 9000 - (5000 - 340));
	assert_int_equal(host->cgroup_millicpus, 2500);
	put(tree, "proc/self/cgroup", "0::/../../../elsewhere\n"); /* out of the namespace: its top counts */
	put(tree, CGROUP "/memory.max", "77\n");
	put(tree, "elsewhere/memory.max", "7\n");
	vn_autohost *outside = must_read(tree);
	assert_int_equal(outside->cgroup_memory, 77);
}

static void test_live(void **state)
{
	(void)state;
	vn_autohost *host = NULL;
	vn_autoerror err = {0};
	if (vn_discover("live", &host, &err) < 0)
		fail_msg("%s", err.problems[0].text);
	assert_true(host->live);
	assert_string_equal(host->source, "live");
	assert_true(host->n_nodes >= 1);
	assert_true(host->nodes[0].has_memory_free);
	vn_autoset online = hwloc_bitmap_alloc();
	for (size_t i = 0; i < host->n_cpus; i++) {
		if (host->cpus[i].online)
			hwloc_bitmap_set(online, host->cpus[i].id);
	}
	assert_int_equal(vn_set_weight(online), sysconf(_SC_NPROCESSORS_ONLN));
	assert_non_null(host->allowed_cpus);
	assert_non_null(host->allowed_nodes);
}

/* Gathered machines, unpacked where they lie: the data is not ours to keep. */
static const struct {
	const char *archive, *folder;
	size_t nodes, cpus;
	unsigned cores, last_node;
	const char *first_cpus;
	uint64_t total_kb; /* of all nodes, as their meminfo says */
	uint32_t first_to_last;
} machines[] = {
	{"16amd64-8n2c", "16amd64-8n2c", 8, 16, 16, 7, "0-1", 67106960, 20},
	{"16ia64-8n2s", "16ia64-8n2s", 8, 16, 16, 7, "0-1", 48346688, 29},
	{"256ppc-8n8s4t", "256ppc-8n8s4t", 8, 256, 64, 13, "0-31", 516423680, 40},
	{"32em64t-2n8c+dax+nvme+mic+dimms", "32em64t-2n8c+1mic", 2, 16, 16, 1, "0-7", 33524340, 21},
	{"40intel64-4n10c+pci-conflicts", "40intel64-4n10c+pci-conflicts", 4, 40, 40, 3,
		"0,4,8,12,16,20,24,28,32,36", 536857436, 20},
	{"48amd64-4pa2n6c-sparse", "48amd64-4d2n6c-sparse", 8, 48, 48, 73, "0-5", 100661148, 22},
	{"4fake-4gr1nu1pu", "4fake-4gr1nu1pu", 4, 4, 4, 3, "0", 4194304, 0},
	{"64amd64-4s2n4ca2co", "64amd64-4s2n4ca2co", 8, 64, 32, 7, "0-7", 125805356, 22},
	{"memorysidecaches", "memorysidecaches", 4, 80, 40, 3,
		"0,4,8,12,16,20,24,28,32,36,40,44,48,52,56,60,64,68,72,76", 1558982816, 21},
	{"nvidiagpunumanodes", "nvidiagpunumanodes", 8, 32, 8, 255, "0-15", 358162944, 80},
};

static void test_gathered_machines(void **state)
{
	const struct tree *tree = *state;
	char data[4096]; /* not on the heap: skip() runs no clean-up */
	const char *shared = getenv("VNUMA_SHARED");
	snprintf(data, sizeof(data), "%s%s/data/hwloc", shared ? shared : getenv("SRCDIR"),
		shared ? "" : "/../shared");
	if (access(data, R_OK) < 0) {
		print_message("no gathered machines at %s: set VNUMA_SHARED to read them\n", data);
		skip();
	}
	for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++) {
		vn_autofree char *unpack = vn_format(
			"tar -C %s -xjf '%s/%s.tar.bz2' 2>&1", tree->root, data, machines[i].archive);
		assert_int_equal(system(unpack), 0);
		vn_autofree char *source = vn_format("sysfs:%s/%s", tree->root, machines[i].folder);
		vn_autohost *host = NULL;
		vn_autoerror err = {0};
		vn_autoset all = hwloc_bitmap_alloc_full();
		uint64_t total = 0;
		if (vn_discover(source, &host, &err) < 0)
			fail_msg("%s: %s", machines[i].folder, err.problems[0].text);
		for (size_t n = 0; n < host->n_nodes; n++)
			total += host->nodes[n].memory_total;
		if (host->n_nodes != machines[i].nodes || host->n_cpus != machines[i].cpus ||
			vn_host_cores(host, all) != machines[i].cores || total != machines[i].total_kb * 1024)
			fail_msg("%s: %zu nodes, %zu CPUs, %u cores, %llu kB", machines[i].folder,
				host->n_nodes, host->n_cpus, vn_host_cores(host, all),
				(unsigned long long)total / 1024);
		assert_int_equal(host->nodes[host->n_nodes - 1].id, machines[i].last_node);
		assert_set(host->nodes[0].cpus, machines[i].first_cpus);
		assert_int_equal(host->nodes[0].distances[host->n_nodes - 1], machines[i].first_to_last);
	}
}

#define TREE_TEST(f) cmocka_unit_test_setup_teardown(f, make_tree, remove_tree)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TREE_TEST(test_machine),
		TREE_TEST(test_node_of_offline_cpus),
		TREE_TEST(test_memory_and_huge_pages),
		TREE_TEST(test_huge_pages_that_cannot_be),
		TREE_TEST(test_huge_pages_of_no_size_of_linux),
		TREE_TEST(test_more_free_memory_than_there_is),
		TREE_TEST(test_memory_that_no_node_counts),
		TREE_TEST(test_old_kernel_has_masks_and_zero_bytes),
		TREE_TEST(test_kernel_without_numa),
		TREE_TEST(test_devices),
		TREE_TEST(test_disks_of_nvme),
		TREE_TEST(test_interrupts_and_virtual_functions),
		cmocka_unit_test(test_devices_are_bounded),
		cmocka_unit_test(test_interrupts_are_bounded),
		TREE_TEST(test_kinds_of_memory),
		TREE_TEST(test_memory_tiers_weights_and_caches),
		TREE_TEST(test_figures_that_cannot_be_true),
		TREE_TEST(test_memory_of_dax_devices),
		TREE_TEST(test_memory_of_gpus),
		TREE_TEST(test_cpus_kept_free_and_clusters),
		TREE_TEST(test_hmat_that_makes_no_sense),
		TREE_TEST(test_hmat_with_a_figure_too_large),
		TREE_TEST(test_offline_node),
		TREE_TEST(test_all_nodes_that_are_possible_are_online),
		TREE_TEST(test_distances_that_are_not_square),
		TREE_TEST(test_what_is_wrong_is_told_exactly),
		TREE_TEST(test_what_is_no_file),
		TREE_TEST(test_no_tree_at_all),
		TREE_TEST(test_no_permission),
		TREE_TEST(test_siblings_that_contradict),
		TREE_TEST(test_order_and_codes_of_devices),
		TREE_TEST(test_cpu_in_two_nodes),
		TREE_TEST(test_links_stay_in_the_tree),
		TREE_TEST(test_reading_is_bounded),
		TREE_TEST(test_kernel_without_openat2),
		TREE_TEST(test_cgroup_second_version),
		TREE_TEST(test_cgroup_first_version),
		TREE_TEST(test_live),
		TREE_TEST(test_gathered_machines),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
