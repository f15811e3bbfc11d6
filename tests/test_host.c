/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
/* The host's own rules: order, agreement of its parts, cores, notes, JSON. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "../src/base/text.h"
#include "../src/model/host_fold.h"
#include "../src/model/host_words.h"

/* `n` nodes with the given ids, 1 GiB each; node i has CPUs 2i and 2i+1. Distances are 10, 21. */
static struct vn_host *make_host(size_t n, const unsigned *ids)
{
	struct vn_host *host = vn_host_new();

	host->source = strdup("test");
	host->nodes = calloc(n, sizeof(*host->nodes));
	host->cpus = calloc(2 * n, sizeof(*host->cpus));
	for (size_t i = 0; i < n; i++) {
		struct vn_host_node *node = &host->nodes[host->n_nodes++];
		*node = vn_host_node_init(ids[i]);
		node->memory_total = 1 << 30;
		node->cpus = hwloc_bitmap_alloc();
		hwloc_bitmap_set_range(node->cpus, (unsigned)(2 * i), (int)(2 * i + 1));
		node->distances = calloc(n, sizeof(uint32_t));
		for (size_t j = 0; j < n; j++)
			node->distances[j] = i == j ? 10 : 21;
		for (unsigned k = 0; k < 2; k++) {
			struct vn_host_cpu *cpu = &host->cpus[host->n_cpus++];
			*cpu = vn_host_cpu_init((unsigned)(2 * i) + k);
			cpu->online = true;
		}
	}
	return host;
}

static void assert_problem(struct vn_host *host, const char *text)
{
	vn_autoerror err = {0};
	assert_int_equal(vn_host_finish(host, &err), -EINVAL);
	assert_true(err.input);
	assert_int_equal(err.n, 1);
	assert_string_equal(err.problems[0].text, text);
	assert_string_equal(err.problems[0].file, "test");
}

static void test_finish_sorts_nodes_with_their_distances(void **state)
{
	(void)state;
	vn_autohost *host = make_host(3, (unsigned[]){8, 0, 4});
	vn_autoerror err = {0};
	host->nodes[0].distances[1] = 40; /* 8 to 0 */
	host->nodes[0].distances[2] = 20; /* 8 to 4 */
	host->nodes[1].distances[0] = 41; /* 0 to 8 */
	assert_int_equal(vn_host_finish(host, &err), 0);
	assert_int_equal(host->nodes[0].id, 0);
	assert_int_equal(host->nodes[1].id, 4);
	assert_int_equal(host->nodes[2].id, 8);
	assert_int_equal(host->nodes[2].distances[0], 40);
	assert_int_equal(host->nodes[2].distances[1], 20);
	assert_int_equal(host->nodes[2].distances[2], 10);
	assert_int_equal(host->nodes[0].distances[2], 41);
	assert_int_equal(vn_host_node_index(host, 8), 2);
	assert_int_equal(vn_host_node_index(host, 5), -ENOENT);
	assert_int_equal(vn_host_cpu(host, 0)->node, 8); /* the first node given had CPUs 0 and 1 */
	assert_int_equal(vn_host_cpu(host, 5)->node, 4);
	assert_null(vn_host_cpu(host, 6));
	assert_true(vn_notes_has(&host->notes, "distances-asymmetric"));
	assert_false(vn_notes_has(&host->notes, "distances-missing"));
	assert_true(vn_notes_has(&host->notes, "cores-unknown"));
}

static void test_finish_refuses_parts_that_disagree(void **state)
{
	(void)state;
	vn_autohost *empty = make_host(0, NULL);
	assert_problem(empty, "no nodes; expected at least one");
	vn_autohost *twice = make_host(2, (unsigned[]){3, 3});
	assert_problem(twice, "node 3 is there twice; expected once");
	vn_autohost *large = make_host(1, (unsigned[]){1024});
	assert_problem(large, "node 1024; expected a node number below 1024");
	vn_autohost *shared = make_host(2, (unsigned[]){0, 1});
	hwloc_bitmap_set(shared->nodes[1].cpus, 0);
	assert_problem(shared, "node 1: CPU 0 is in another node too; expected one node");
	vn_autohost *stranger = make_host(1, (unsigned[]){0});
	hwloc_bitmap_set_range(stranger->nodes[0].cpus, 7, 9);
	assert_problem(stranger, "node 0: CPU 7-9 is not a CPU of the host");
	vn_autohost *cpu_twice = make_host(1, (unsigned[]){0});
	cpu_twice->cpus[0].id = 1;
	hwloc_bitmap_clr(cpu_twice->nodes[0].cpus, 0);
	assert_problem(cpu_twice, "CPU 1 is there twice; expected once");
}

static void test_finish_notes_what_is_odd(void **state)
{
	(void)state;
	vn_autohost *flat = make_host(2, (unsigned[]){0, 1});
	flat->nodes[0].distances[1] = flat->nodes[1].distances[0] = 10;
	assert_int_equal(vn_host_finish(flat, NULL), 0);
	assert_true(vn_notes_has(&flat->notes, "distances-flat"));
	assert_false(vn_notes_has(&flat->notes, "distances-remote-local"));

	vn_autohost *low = make_host(2, (unsigned[]){0, 1});
	low->nodes[0].distances[0] = 1;
	hwloc_bitmap_zero(low->nodes[0].cpus);
	low->nodes[1].memory_total = 0;
	assert_int_equal(vn_host_finish(low, NULL), 0);
	assert_true(vn_notes_has(&low->notes, "distances-below-local"));
	assert_true(vn_notes_has(&low->notes, "distances-self"));
	assert_true(vn_notes_has(&low->notes, "node-without-cpus"));
	assert_true(vn_notes_has(&low->notes, "node-without-memory"));
	assert_true(vn_notes_has(&low->notes, "cpu-without-node"));
	assert_int_equal(low->cpus[0].node, -1);

	vn_autohost *untold = make_host(2, (unsigned[]){0, 1});
	free(untold->nodes[1].distances);
	untold->nodes[1].distances = NULL;
	assert_int_equal(vn_host_finish(untold, NULL), 0);
	assert_true(vn_notes_has(&untold->notes, "distances-missing"));
	assert_int_equal(untold->nodes[1].distances[0], VN_DISTANCE_UNKNOWN);
	assert_false(vn_notes_has(&untold->notes, "distances-asymmetric")); /* 21 there, untold back */

	vn_autohost *sound = make_host(2, (unsigned[]){0, 1});
	sound->cores_known = true;
	assert_int_equal(vn_host_finish(sound, NULL), 0);
	assert_int_equal(sound->notes.n, 0);
}

/* Two packages of two cores of two threads; both packages number their cores 0 and 1. */
static void test_cores_are_counted_by_siblings(void **state)
{
	(void)state;
	vn_autohost *host = make_host(4, (unsigned[]){0, 1, 2, 3});
	vn_autoset all = hwloc_bitmap_alloc(), some = hwloc_bitmap_alloc();
	host->cores_known = true;
	for (unsigned i = 0; i < 8; i++) {
		host->cpus[i].core = (int)(i % 4 / 2);
		host->cpus[i].siblings = hwloc_bitmap_alloc();
		hwloc_bitmap_set(host->cpus[i].siblings, i % 4);
		hwloc_bitmap_set(host->cpus[i].siblings, i % 4 + 4);
	}
	assert_int_equal(vn_host_finish(host, NULL), 0);
	hwloc_bitmap_fill(all); /* without end */
	assert_int_equal(vn_host_cores(host, all), 4);
	hwloc_bitmap_set(some, 5);
	assert_int_equal(vn_host_cores(host, some), 1); /* the lower sibling is not among them */
	hwloc_bitmap_set(some, 1);
	assert_int_equal(vn_host_cores(host, some), 1);
	hwloc_bitmap_set(some, 2);
	assert_int_equal(vn_host_cores(host, some), 2);
	assert_int_equal(vn_host_cores(host, NULL), 0);
	host->cores_known = false;
	assert_int_equal(vn_host_cores(host, some), 3);
}

/* The text, each line of which fits the screen. The caller frees it. */
static char *print(const struct vn_host *host, bool all)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	vn_host_print(host, all, out);
	fclose(out);
	for (const char *line = text; *line; line += strcspn(line, "\n") + 1) {
		if (strcspn(line, "\n") > 80)
			fail_msg("too wide: %.*s", (int)strcspn(line, "\n"), line);
	}
	return text;
}

static void assert_text(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("not there: %s\nin: %s", part, text);
}

/* Text and pictures say the same of all: a CPU in no node is one, a core with CPUs in two nodes is one. */
static void test_totals_count_what_is_online(void **state)
{
	(void)state;
	vn_autohost *host = make_host(2, (unsigned[]){0, 1});
	host->cores_known = true;
	for (unsigned i = 0; i < 4; i++) { /* cores of CPUs 0, 3 and of 1, 2, which are in two nodes */
		host->cpus[i].siblings = hwloc_bitmap_alloc();
		hwloc_bitmap_set(host->cpus[i].siblings, i);
		hwloc_bitmap_set(host->cpus[i].siblings, 3 - i);
	}
	assert_int_equal(vn_host_finish(host, NULL), 0);
	vn_autofree char *totals = vn_host_totals(host), *text = print(host, false);
	assert_string_equal(totals, "2 nodes, 4 CPUs in 2 cores, 2 GiB memory");
	assert_memory_equal(text, totals, strlen(totals));

	vn_autohost *stray = make_host(1, (unsigned[]){0});
	stray->cores_known = true;
	hwloc_bitmap_clr(stray->nodes[0].cpus, 1);
	assert_int_equal(vn_host_finish(stray, NULL), 0);
	vn_autofree char *all = vn_host_totals(stray), *shown = print(stray, false);
	assert_string_equal(all, "1 node, 2 CPUs in 2 cores, 1 GiB memory");
	assert_memory_equal(shown, all, strlen(all));
}

static void test_json_tells_unknown_as_null(void **state)
{
	(void)state;
	vn_autohost *host = make_host(2, (unsigned[]){0, 8});
	host->nodes[1].has_memory_free = true;
	host->nodes[1].memory_free = 4096;
	host->nodes[0].distances[1] = 0;
	host->nodes[1].hugepools = calloc(1, sizeof(struct vn_hugepool));
	host->nodes[1].hugepools[0] = (struct vn_hugepool){.size = 2 << 20, .total = 5, .free = 3};
	host->nodes[1].n_hugepools = 1;
	host->devices = calloc(1, sizeof(struct vn_host_device));
	host->devices[0] =
		(struct vn_host_device){.address = "0000:3b:00.0", .node = 7, .class_code = 0x020000};
	host->n_devices = 1;
	assert_int_equal(vn_host_finish(host, NULL), 0);
	assert_true(vn_notes_has(&host->notes, "device-without-node"));

	json_t *json = vn_host_to_json(host), *node0, *node1;
	const char *schema;
	assert_int_equal(json_unpack(json, "{s:s, s:[o, o]}", "schema", &schema, "nodes", &node0, &node1), 0);
	assert_string_equal(schema, "vnuma.topology/1");
	assert_true(json_is_null(json_object_get(node0, "memory_free")));
	assert_true(json_is_null(json_object_get(node0, "cores")));
	assert_true(json_is_null(json_object_get(json_object_get(node0, "distances"), "8")));
	assert_int_equal(json_integer_value(json_object_get(json_object_get(node1, "distances"), "0")), 21);
	assert_int_equal(json_integer_value(json_object_get(node1, "memory_free")), 4096);
	json_t *pool = json_array_get(json_object_get(node1, "hugepages"), 0);
	assert_int_equal(json_integer_value(json_object_get(pool, "size")), 2 << 20);
	assert_int_equal(json_integer_value(json_object_get(pool, "free")), 3);
	assert_int_equal(json_array_size(json_object_get(json, "devices_without_node")), 1);
	assert_int_equal(json_array_size(json_object_get(json, "cpus")), 4);
	json_decref(json);

	vn_autoset cells = hwloc_bitmap_alloc();
	hwloc_bitmap_set(cells, 8);
	json = vn_host_free_to_json(host, cells);
	assert_int_equal(json_array_size(json_object_get(json, "nodes")), 1);
	assert_int_equal(json_integer_value(json_object_get(json, "memory_free")), 4096);
	json_decref(json);
	json = vn_host_free_to_json(host, NULL);
	assert_true(json_is_null(json_object_get(json, "memory_free"))); /* node 0 does not tell */
	assert_int_equal(json_integer_value(json_object_get(json, "memory_total")), INT64_C(2) << 30);
	json_decref(json);
}

static void test_print_fits_the_screen(void **state)
{
	(void)state;
	vn_autohost *host = make_host(15, (unsigned[]){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14});
	hwloc_bitmap_zero(host->nodes[14].cpus);
	host->nodes[3].memory_total = 0;
	host->nodes[14].memory_kind = VN_MEMORY_HBM;
	assert_int_equal(vn_host_finish(host, NULL), 0);
	vn_autofree char *text = print(host, true);
	assert_text(text, "15 nodes, 30 CPUs, 14 GiB memory\nsource: test\n");
	assert_text(text, "\n   0     2      1 GiB  0-1\n");
	assert_text(text, "\n   3     2       none  6-7\n");
	assert_text(text, "\n  14     -      1 GiB  no CPUs: HBM\n");
	assert_text(text, "note: node 3 without memory: all memory is remote to its CPUs\n");
	vn_autofree char *folded = print(host, false);
	assert_text(folded, "\n0-2,4-13     2  1 GiB                 0-5,8-27\n");
	assert_text(folded, "\n3            2  none                  6-7\n");
	assert_text(folded, "\n14           -  1 GiB                 no CPUs: HBM\n");
	assert_text(folded, "\ndistances: 10 from a node to itself, 21 to any other\n");
}

static void test_nodes_that_are_alike_are_folded(void **state)
{
	(void)state;
	unsigned ids[64];
	for (unsigned i = 0; i < 64; i++)
		ids[i] = i;
	vn_autohost *host = make_host(64, ids);
	for (size_t i = 0; i < 64; i++) {
		for (size_t j = 0; j < 64; j++)
			host->nodes[i].distances[j] = i == j ? 10 : i / 8 == j / 8 ? 12 : i < j ? 31 : 32;
	}
	host->nodes[9].distances[3] = 33; /* so it is like no other */
	assert_int_equal(vn_host_finish(host, NULL), 0);
	vn_autofree char *text = print(host, false);
	assert_text(text, "\n0-63      2  1 GiB                 0-127\n");
	assert_text(text, "\ndistances (--all prints the matrix): 10,12,31-33\n");
	host->nodes[9].distances[3] = 32;
	free(text);
	text = print(host, false);
	assert_text(text, "nodes               0-7   8-15  16-23  24-31  32-39  40-47  48-55  56-63\n"
			  "0-7               10/12     31     31     31     31     31     31     31\n"
			  "8-15                 32  10/12     31     31     31     31     31     31\n");
	vn_autofold fold = {0};
	assert_int_equal(vn_fold_distances(host, &fold), 0);
	assert_int_equal(fold.n_groups, 8);
	vn_autoset second = vn_fold_ids(host, &fold, 1);
	vn_autofree char *members = vn_set_text(second);
	assert_string_equal(members, "8-15");
}

/* A host of `n` nodes: 10 to itself, 12 to others of the same `inner`, 16 of the same `outer`, 50 beyond. */
static char *print_nested(unsigned n, unsigned inner, unsigned outer)
{
	vn_autofree unsigned *ids = calloc(n, sizeof(*ids));

	for (unsigned i = 0; i < n; i++)
		ids[i] = i;
	vn_autohost *host = make_host(n, ids);
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < n; j++)
			host->nodes[i].distances[j] = i == j                   ? 10
						      : i / inner == j / inner ? 12
						      : i / outer == j / outer ? 16
									       : 50;
	}
	assert_int_equal(vn_host_finish(host, NULL), 0);
	return print(host, false);
}

/* Where the matrix is too wide, and folded too, the groups that the pictures draw are told. */
static void test_print_tells_which_nodes_are_near(void **state)
{
	(void)state;
	vn_autofree char *flat = print_nested(64, 1, 4);
	assert_text(flat, "\ndistances (--all prints the matrix): 10,16,50\n"
			  "nodes near each other (16): 0-3, 4-7, 8-11, 12-15, 16-19, 20-23, 24-27, 28-31,\n"
			  "32-35, 36-39, 40-43, 44-47, 48-51, 52-55, 56-59, 60-63; others 50\n");
	vn_autofree char *nested = print_nested(64, 4, 16);
	assert_text(nested, "\nnodes near each other (12,16): 0-15, 16-31, 32-47, 48-63; others 50\n"
			    "nodes nearest to each other (12): 0-3, 4-7, ");
	assert_text(nested, ", 60-63; others 16,50\n");
	vn_autofree char *many = print_nested(1024, 1, 4);
	const char *from = strstr(many, "nodes near each other"), *end = strstr(many, "…; others 50\n");
	assert_non_null(from);
	assert_non_null(end);
	size_t lines = 1;
	for (const char *p = from; p < end; p++)
		lines += *p == '\n';
	assert_int_equal(lines, 4);
	unsigned ids[48];
	for (unsigned i = 0; i < 48; i++)
		ids[i] = i;
	vn_autohost *dealt = make_host(48, ids);
	for (size_t i = 0; i < 48; i++) {
		for (size_t j = 0; j < 48; j++)
			dealt->nodes[i].distances[j] = i == j ? 10 : i % 12 == j % 12 ? 16 : 50;
	}
	assert_int_equal(vn_host_finish(dealt, NULL), 0);
	vn_autofree char *commas = print(dealt, false);
	assert_text(commas, "\nnodes near each other (16): 0,12,24,36; 1,13,25,37; ");
	/* Beyond the groups of two each distance is another one: the least and the most are told. */
	for (size_t i = 0; i < 48; i++) {
		for (size_t j = 0; j < 48; j++)
			dealt->nodes[i].distances[j] = i == j           ? 10
						       : i / 2 == j / 2 ? 12
									: (uint32_t)(20 + (i + j) / 3 * 4);
	}
	vn_autofree char *uneven = print(dealt, false);
	assert_text(uneven, "\nnodes near each other (12): 0-1, 2-3, ");
	assert_text(uneven, "; others 20 to 140\n");
	vn_autofree char *alone = print_nested(64, 1, 1);
	assert_null(strstr(alone, "near each other"));
}

/* What nobody told is not a distance of 0, however the nodes are folded. */
static void test_unknown_distances_are_no_zeros(void **state)
{
	(void)state;
	unsigned ids[16];
	for (unsigned i = 0; i < 16; i++)
		ids[i] = i;
	vn_autohost *self = make_host(16, ids), *groups = make_host(16, ids);
	for (size_t i = 0; i < 16; i++) {
		for (size_t j = 0; j < 16; j++) {
			self->nodes[i].distances[j] = i == j ? 10 : VN_DISTANCE_UNKNOWN;
			groups->nodes[i].distances[j] = i == j           ? 10
							: i / 4 == j / 4 ? VN_DISTANCE_UNKNOWN
									 : 50;
		}
	}
	assert_int_equal(vn_host_finish(self, NULL), 0);
	vn_autofree char *text = print(self, false);
	assert_text(text, "\ndistances: 10 from a node to itself, not told to any other\n");
	assert_int_equal(vn_host_finish(groups, NULL), 0);
	vn_autofree char *folded = print(groups, false);
	assert_text(folded, "\n0-3                10/-     50     50     50\n");
}

static void test_print_tells_what_stands_out(void **state)
{
	(void)state;
	vn_autohost *host = make_host(2, (unsigned[]){0, 1});
	struct vn_host_node *near = &host->nodes[0], *far = &host->nodes[1];
	near->access[1] = (struct vn_memory_access){hwloc_bitmap_alloc(), 80, 90, 120500, 0};
	hwloc_bitmap_set(near->access[1].initiators, 0);
	near->memory_tier = 4;
	near->n_memory_caches = 1;
	near->memory_caches = calloc(1, sizeof(*near->memory_caches));
	near->memory_caches[0] = (struct vn_memory_cache){1, UINT64_C(2) << 30, 64, 0, 0};
	far->memory_kind = VN_MEMORY_CXL;
	host->isolated_cpus = hwloc_bitmap_alloc();
	hwloc_bitmap_set(host->isolated_cpus, 3);
	host->offline_nodes = hwloc_bitmap_alloc();
	hwloc_bitmap_set(host->offline_nodes, 7);
	host->cpus[1].online = false;
	hwloc_bitmap_clr(near->cpus, 1);
	assert_int_equal(vn_host_finish(host, NULL), 0);
	vn_autofree char *text = print(host, false);
	assert_text(text, "\n   1     2      1 GiB  2-3 (CXL memory)\n");
	assert_text(text, "\n   0     80 ns    120.5 GB/s     4       -  0\n");
	assert_text(text, "\nmemory-side cache of node 0: 2 GiB\n");
	assert_text(text, "\nisolated CPUs (isolcpus): 3\n");
	assert_text(text, "\noffline nodes (possible, not online): 7\n");
	assert_text(text, "\noffline CPUs: 1\n");
}

/* Where tiers are equal and nothing tells speed, weights alone are worth the table; weights of 1 are not. */
static void test_print_tells_weights(void **state)
{
	(void)state;
	vn_autohost *host = make_host(2, (unsigned[]){0, 1});
	host->nodes[0].memory_tier = host->nodes[1].memory_tier = 4;
	host->nodes[0].interleave_weight = host->nodes[1].interleave_weight = 1;
	assert_int_equal(vn_host_finish(host, NULL), 0);
	vn_autofree char *plain = print(host, false);
	assert_null(strstr(plain, "weight"));
	host->nodes[1].interleave_weight = 5;
	vn_autofree char *text = print(host, false);
	assert_text(text, "\n   1         -             -     4       5  -\n");
}

static hwloc_bitmap_t set_of(const char *list)
{
	hwloc_bitmap_t set = NULL;
	assert_int_equal(vn_set_parse(list, &set), 0);
	return set;
}

/* What a cpuset leaves out is told only where somebody could use it. */
static void test_print_what_a_process_may_use(void **state)
{
	(void)state;
	static const struct {
		const char *cpus, *nodes, *line, *other;
	} cases[] = {
		{"0-3,5", "0-1,3", NULL,
			NULL}, /* without CPU 4, which is offline, and node 2, without memory */
		{"0-63", "0-1023", NULL, NULL},
		{"0-3,5", "0,2", "\nthe process that read the host may use memory only of nodes: 0\n", NULL},
		{"0-3,5", "2", "\nthe process that read the host may use memory only of nodes: none\n", NULL},
		{"1,4-9", "0-3", "\nthe process that read the host may use only CPUs: 1,5\n", NULL},
		{"", "1,3", "\nthe process that read the host may use only CPUs: none\n",
			"\nthe process that read the host may use memory only of nodes: 1,3\n"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		vn_autohost *host = make_host(4, (unsigned[]){0, 1, 2, 3});
		host->nodes[2].memory_total = 0;
		host->cpus[4].online = false;
		hwloc_bitmap_clr(host->nodes[2].cpus, 4);
		for (size_t c = 6; c < host->n_cpus; c++) {
			host->cpus[c].online = false;
			hwloc_bitmap_clr(host->nodes[3].cpus, (unsigned)c);
		}
		host->allowed_cpus = set_of(cases[i].cpus);
		host->allowed_nodes = set_of(cases[i].nodes);
		assert_int_equal(vn_host_finish(host, NULL), 0);
		vn_autofree char *text = print(host, false);
		if (cases[i].line)
			assert_text(text, cases[i].line);
		if (cases[i].other)
			assert_text(text, cases[i].other);
		if (!cases[i].line && strstr(text, "may use"))
			fail_msg("%s", text);
	}
}

static void add_device(struct vn_host *host, const char *address, uint32_t class, int node, const char *name)
{
	host->devices = realloc(host->devices, (host->n_devices + 1) * sizeof(*host->devices));
	struct vn_host_device *device = &host->devices[host->n_devices++];
	*device = vn_host_device_init();
	snprintf(device->address, sizeof(device->address), "%s", address);
	device->class_code = class;
	device->node = node;
	if (name) {
		device->names = calloc(1, sizeof(char *));
		device->names[device->n_names++] = strdup(name);
	}
}

/* Two nodes with 128 CPUs each: those for which `on_first` is not 0, and the others. */
static struct vn_host *dealt_host(unsigned (*on_first)(unsigned cpu))
{
	struct vn_host *host = make_host(2, (unsigned[]){0, 1});

	free(host->cpus);
	host->cpus = calloc(256, sizeof(*host->cpus));
	host->n_cpus = 256;
	hwloc_bitmap_zero(host->nodes[0].cpus);
	hwloc_bitmap_zero(host->nodes[1].cpus);
	for (unsigned i = 0; i < 256; i++) {
		host->cpus[i] = vn_host_cpu_init(i);
		host->cpus[i].online = true;
		hwloc_bitmap_set(host->nodes[on_first(i) ? 0 : 1].cpus, i);
	}
	assert_int_equal(vn_host_finish(host, NULL), 0);
	return host;
}

static unsigned is_even(unsigned cpu)
{
	return cpu % 2 == 0;
}

static unsigned is_low_of_sixteen(unsigned cpu)
{
	return cpu % 16 < 8;
}

static unsigned is_scattered(unsigned cpu)
{
	return (cpu * cpu / 3 + cpu / 5) % 2;
}

/* CPUs dealt to the nodes in turn: the kernel's strides, told once what they mean. */
static void test_print_strides(void **state)
{
	(void)state;
	vn_autohost *even = dealt_host(is_even), *eights = dealt_host(is_low_of_sixteen);
	even->nodes[1].memory_kind = VN_MEMORY_HBM;
	even->isolated_cpus = hwloc_bitmap_dup(even->nodes[1].cpus);
	vn_autofree char *text = print(even, false), *all = print(even, true);
	assert_text(text, "\n   0   128      1 GiB  0-254:1/2\n   1   128      1 GiB  1-255:1/2 (HBM)\n"
			  "0-254:1/2 is every second one from 0 to 254.\n");
	assert_text(text, "\nisolated CPUs (isolcpus): 1-255:1/2\n");
	assert_null(strstr(strstr(text, " is every") + 1, " is every"));
	assert_text(all, "\n   0   128      1 GiB  0-254:1/2\n");
	vn_autofree char *blocks = print(eights, false);
	assert_text(blocks, "\n   1   128      1 GiB  8-255:8/16\n"
			    "0-247:8/16 is the first 8 of every 16 from 0 to 247.\n");
	/* The other forms are for programs: plain lists. */
	json_t *json = vn_host_to_json(even);
	json_t *node = json_array_get(json_object_get(json, "nodes"), 0);
	assert_int_equal(json_array_size(json_object_get(node, "cpus")), 128);
	json_decref(json);
	/* What fits its line stays the list that every program reads. */
	vn_autohost *small = make_host(2, (unsigned[]){0, 1});
	small->isolated_cpus = set_of("0,2,4,6,8,10,12,14");
	assert_int_equal(vn_host_finish(small, NULL), 0);
	vn_autofree char *plain = print(small, false);
	assert_text(plain, "\nisolated CPUs (isolcpus): 0,2,4,6,8,10,12,14\n");
}

static size_t count_lines(const char *text)
{
	size_t n = 0;
	for (; *text; text++)
		n += *text == '\n';
	return n;
}

/* Without any rule in them they are cut behind two lines; --all has each. */
static void test_print_cuts_long_lists(void **state)
{
	(void)state;
	vn_autohost *host = dealt_host(is_scattered);
	host->nodes[1].memory_kind = VN_MEMORY_HBM;
	vn_autofree char *text = print(host, false), *all = print(host, true);
	assert_text(text, "… (--all lists them)\n");
	assert_text(text, "… (HBM; --all lists them)\n");
	if (count_lines(text) > 24)
		fail_msg("more than a screen: %s", text);
	assert_null(strstr(all, "…"));
	size_t numbers = 0;
	for (const char *p = strstr(all, "CPU numbers"); p < strstr(all, "distances"); p++)
		numbers += *p == ',';
	vn_autofree char *a = vn_set_text(host->nodes[0].cpus), *b = vn_set_text(host->nodes[1].cpus);
	size_t expected = 0;
	for (const char *p = a; *p; p++)
		expected += *p == ',';
	for (const char *p = b; *p; p++)
		expected += *p == ',';
	assert_int_equal(numbers, expected);
}

/* Where the columns before leave no room, a list begins on the next line. */
static void test_print_lists_behind_wide_columns(void **state)
{
	(void)state;
	unsigned ids[24];
	for (unsigned i = 0; i < 24; i++)
		ids[i] = i;
	vn_autohost *host = make_host(24, ids);
	host->cores_known = true;
	for (size_t i = 0; i < 24; i++) {
		host->nodes[i].has_memory_free = true;
		host->nodes[i].memory_free = 1 << 20;
		if (i % 3 == 0)
			host->nodes[i].memory_total = UINT64_C(1) << 40;
	}
	assert_int_equal(vn_host_finish(host, NULL), 0);
	vn_autofree char *text = print(host, false);
	assert_text(text,
		"\n0,3,6,9,12,15,18,21\n                2     2  1 TiB                 1 MiB                 \n"
		"        0-1,6-7,12-13,18-19,24-25,30-31,36-37,42-43\n");
}

static void test_print_devices(void **state)
{
	(void)state;
	vn_autohost *host = make_host(2, (unsigned[]){0, 1});
	add_device(host, "0000:3b:00.0", 0x020000, 1, "eth0");
	add_device(host, "0000:3b:00.1", 0x020000, 1, NULL);
	host->devices[1].driver = strdup("vfio-pci");
	add_device(host, "0000:3b:02.0", 0x020000, 1, NULL);
	strcpy(host->devices[2].physical_function, "0000:3b:00.0");
	add_device(host, "0000:00:1f.0", 0x060100, -1, NULL);
	static const struct {
		const char *address;
		uint32_t class;
	} rest[] = {{"0000:00:00.0", 0x060000}, {"0000:00:05.0", 0x088000}, {"0000:00:06.0", 0x110100},
		{"0000:00:14.0", 0x0c0330}, {"0000:00:16.0", 0x078000}, {"0000:00:1f.4", 0x0c0500},
		{"0000:00:07.0", 0x050000}};
	for (size_t i = 0; i < sizeof(rest) / sizeof(rest[0]); i++)
		add_device(host, rest[i].address, rest[i].class, 0, NULL);
	assert_int_equal(vn_host_finish(host, NULL), 0);
	assert_int_equal(vn_host_device(host, "0000:3b:02.0")->node, 1);
	assert_int_equal(vn_host_device(host, "0000:00:1f.0")->node, -1);
	assert_null(vn_host_device(host, "0000:3b:02.1"));
	vn_autofree char *text = print(host, false);
	assert_text(
		text, "\n   1  network eth0, 0000:3b:00.1 (vfio-pci); 1 virtual function\n   ?  1 bridge\n");
	assert_text(text, "\n   0  1 USB controller; 5 bridges and chipset devices; 1 other\n");
	vn_autofree char *table = print(host, true);
	assert_text(table, "\n   1  0000:3b:00.0  network      eth0\n");
	assert_text(table, "\n   1  0000:3b:02.0  network      of 0000:3b:00.0\n");
	assert_text(table, "\n   ?  0000:00:1f.0  bridge       -\n");
	assert_text(table, "\n   0  0000:00:05.0  chipset      -\n");
	assert_text(table, "\n   0  0000:00:14.0  USB          -\n");
	assert_text(table, "\n   0  0000:00:16.0  other        -\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_finish_sorts_nodes_with_their_distances),
		cmocka_unit_test(test_finish_refuses_parts_that_disagree),
		cmocka_unit_test(test_finish_notes_what_is_odd),
		cmocka_unit_test(test_cores_are_counted_by_siblings),
		cmocka_unit_test(test_totals_count_what_is_online),
		cmocka_unit_test(test_json_tells_unknown_as_null),
		cmocka_unit_test(test_print_fits_the_screen),
		cmocka_unit_test(test_nodes_that_are_alike_are_folded),
		cmocka_unit_test(test_print_tells_which_nodes_are_near),
		cmocka_unit_test(test_unknown_distances_are_no_zeros),
		cmocka_unit_test(test_print_tells_what_stands_out),
		cmocka_unit_test(test_print_tells_weights),
		cmocka_unit_test(test_print_what_a_process_may_use),
		cmocka_unit_test(test_print_strides),
		cmocka_unit_test(test_print_cuts_long_lists),
		cmocka_unit_test(test_print_lists_behind_wide_columns),
		cmocka_unit_test(test_print_devices),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
