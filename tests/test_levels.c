/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Nodes in groups: the tree as text, "package 0: (0 1) package 1: (2 3)" written `p0(0 1) p1(2 3)`. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../src/model/host_levels.h"

/* Nodes of one CPU each in package packages[i] (-1: not known; -2: no CPU), distances given row by row. */
static struct vn_host *make_host(size_t n, const int *packages, const int *dies, const uint32_t *distances)
{
	struct vn_host *host = vn_host_new();

	host->source = strdup("test");
	host->nodes = calloc(n, sizeof(*host->nodes));
	host->cpus = calloc(n, sizeof(*host->cpus));
	for (size_t i = 0; i < n; i++) {
		struct vn_host_node *node = &host->nodes[host->n_nodes++];
		*node = vn_host_node_init((unsigned)i);
		node->cpus = hwloc_bitmap_alloc();
		node->distances = calloc(n, sizeof(uint32_t));
		memcpy(node->distances, distances + i * n, n * sizeof(uint32_t));
		if (packages[i] == -2)
			continue;
		hwloc_bitmap_set(node->cpus, (unsigned)i);
		struct vn_host_cpu *cpu = &host->cpus[host->n_cpus++];
		*cpu = vn_host_cpu_init((unsigned)i);
		cpu->online = true;
		cpu->package = packages[i];
		cpu->die = dies ? dies[i] : -1;
	}
	assert_int_equal(vn_host_finish(host, NULL), 0);
	return host;
}

static void write_level(const struct vn_level *level, FILE *out)
{
	const char *separator = "";

	for (size_t i = 0; i < level->n_children; i++) {
		fprintf(out, "%s%c%d(", separator, level->children[i].name[0], level->children[i].id);
		write_level(&level->children[i], out);
		fputc(')', out);
		separator = " ";
	}
	for (size_t i = 0; i < level->n_nodes; i++) {
		fprintf(out, "%s%zu", separator, level->nodes[i]);
		separator = " ";
	}
}

static void assert_levels(
	size_t n, const int *packages, const int *dies, const uint32_t *distances, const char *expected)
{
	vn_autohost *host = make_host(n, packages, dies, distances);
	vn_autolevel top = {0};
	vn_autofree char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_int_equal(vn_levels_make(host, &top), 0);
	write_level(&top, out);
	fclose(out);
	assert_string_equal(text, expected);
}

static const uint32_t flat[16] = {10, 21, 21, 21, 21, 10, 21, 21, 21, 21, 10, 21, 21, 21, 21, 10};
static const uint32_t pairs[16] = {10, 12, 21, 21, 12, 10, 21, 21, 21, 21, 10, 12, 21, 21, 12, 10};

static void test_packages(void **state)
{
	(void)state;
	assert_levels(4, (const int[]){0, 0, 1, 1}, NULL, flat, "p0(0 1) p1(2 3)");
	assert_levels(4, (const int[]){7, 3, 7, 3}, NULL, flat, "p7(0 2) p3(1 3)");
	assert_levels(4, (const int[]){0, 1, 2, 3}, NULL, flat, "0 1 2 3"); /* a node each: no level */
	assert_levels(4, (const int[]){0, 0, 0, 0}, NULL, flat, "0 1 2 3"); /* one of all: none either */
	assert_levels(4, (const int[]){0, 0, 1, 2}, NULL, flat, "p0(0 1) p1(2) p2(3)");
	assert_levels(4, (const int[]){-1, -1, -1, -1}, NULL, flat, "0 1 2 3");
}

static void test_dies_within_packages(void **state)
{
	(void)state;
	uint32_t distances[64];
	for (size_t i = 0; i < 64; i++)
		distances[i] = i / 8 == i % 8 ? 10 : 21;
	assert_levels(8, (const int[]){0, 0, 0, 0, 1, 1, 1, 1}, (const int[]){0, 0, 1, 1, 0, 0, 1, 1},
		distances, "p0(d0(0 1) d1(2 3)) p1(d0(4 5) d1(6 7))");
}

static void test_distances_where_packages_tell_nothing(void **state)
{
	(void)state;
	assert_levels(4, (const int[]){-1, -1, -1, -1}, NULL, pairs, "d0(0 1) d1(2 3)");
	assert_levels(4, (const int[]){0, 1, 2, 3}, NULL, pairs, "d0(0 1) d1(2 3)");
	/* a ring: each is near to two, who are far from each other */
	assert_levels(4, (const int[]){0, 1, 2, 3}, NULL,
		(const uint32_t[]){10, 12, 20, 12, 12, 10, 12, 20, 20, 12, 10, 12, 12, 20, 12, 10},
		"0 1 2 3");
	/* near in one direction only */
	assert_levels(4, (const int[]){0, 1, 2, 3}, NULL,
		(const uint32_t[]){10, 12, 21, 21, 21, 10, 21, 21, 21, 21, 10, 12, 21, 21, 12, 10},
		"d0(0) d1(1) d2(2 3)");
	uint32_t two[64];
	for (size_t i = 0; i < 8; i++) {
		for (size_t j = 0; j < 8; j++)
			two[i * 8 + j] = i == j ? 10 : i / 2 == j / 2 ? 12 : i / 4 == j / 4 ? 16 : 32;
	}
	assert_levels(8, (const int[]){0, 1, 2, 3, 4, 5, 6, 7}, NULL, two,
		"d0(d0(0 1) d1(2 3)) d1(d2(4 5) d3(6 7))");
}

static void test_nodes_without_cpus(void **state)
{
	(void)state;
	/* HBM beside its package's DRAM; packages are told */
	assert_levels(4, (const int[]){0, 1, -2, -2}, NULL,
		(const uint32_t[]){10, 21, 13, 23, 21, 10, 23, 13, 13, 23, 10, 23, 23, 13, 23, 10},
		"p0(0 2) p1(1 3)");
	/* as near to both packages: in none */
	assert_levels(3, (const int[]){0, 1, -2}, NULL,
		(const uint32_t[]){10, 21, 30, 21, 10, 30, 30, 30, 10}, "d0(0 1) d1(2)");
	assert_levels(5, (const int[]){0, 0, 1, 1, -2}, NULL,
		(const uint32_t[]){10, 12, 21, 21, 30, 12, 10, 21, 21, 30, 21, 21, 10, 12, 30, 21, 21, 12, 10,
			30, 30, 30, 30, 30, 10},
		"p0(0 1) p1(2 3) 4");
}

static void test_unknown_distances(void **state)
{
	(void)state;
	assert_levels(
		3, (const int[]){0, 1, 2}, NULL, (const uint32_t[]){0, 0, 0, 0, 0, 0, 0, 0, 0}, "0 1 2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_packages),
		cmocka_unit_test(test_dies_within_packages),
		cmocka_unit_test(test_distances_where_packages_tell_nothing),
		cmocka_unit_test(test_nodes_without_cpus),
		cmocka_unit_test(test_unknown_distances),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
