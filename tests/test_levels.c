/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which nodes make a group: by package, die, distance; and what stays outside. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "../src/model/host_levels.h"

#define NONE -1

#define CPU_LESS -2

/* A host of `n` nodes with these distances, row by row; node i has CPU i, of the package and die given, or no CPU. */

static struct vn_host *make_host(size_t n, const int *package, const int *die, const uint32_t *distances)
{
	struct vn_host *host = vn_host_new();

	host->source = strdup("test");
	host->nodes = calloc(n, sizeof(*host->nodes));
	host->cpus = calloc(n, sizeof(*host->cpus));
	host->n_nodes = n;
	for (size_t i = 0; i < n; i++) {
		struct vn_host_node *node = &host->nodes[i];
		*node = vn_host_node_init((unsigned)i);
		node->memory_total = 1 << 30;
		node->cpus = hwloc_bitmap_alloc();
		node->distances = calloc(n, sizeof(uint32_t));
		memcpy(node->distances, distances + i * n, n * sizeof(uint32_t));
		if (package && package[i] == CPU_LESS)
			continue;
		struct vn_host_cpu *cpu = &host->cpus[host->n_cpus++];
		*cpu = vn_host_cpu_init((unsigned)i);
		cpu->online = true;
		cpu->package = package ? package[i] : NONE;
		cpu->die = die ? die[i] : NONE;
		hwloc_bitmap_set(node->cpus, (unsigned)i);
	}
	assert_int_equal(vn_host_finish(host, NULL), 0);
	return host;
}

static void write_level(const struct vn_level *level, FILE *out)
{
	const char *separator = "";

	if (level->name)
		fprintf(out, "%s%d", level->name, level->id);
	if (level->distance)
		fprintf(out, "@%u", level->distance);
	fputc('[', out);
	for (size_t i = 0; i < level->n_children; i++, separator = " ") {
		fputs(separator, out);
		write_level(&level->children[i], out);
	}
	for (size_t i = 0; i < level->n_nodes; i++, separator = " ")
		fprintf(out, "%s%zu", separator, level->nodes[i]);
	fputc(']', out);
}

static void assert_levels(const struct vn_host *host, const char *expected)
{
	vn_autolevel *root = vn_host_levels(host);
	vn_autofree char *text = NULL;
	size_t size;

	assert_non_null(root);
	assert_null(root->name);
	assert_int_equal(root->id, -1);
	FILE *out = open_memstream(&text, &size);
	write_level(root, out);
	fclose(out);
	assert_string_equal(text, expected);
}

static void test_flat_hosts_have_no_groups(void **state)
{
	(void)state;
	vn_autohost *one = make_host(1, (int[]){0}, NULL, (uint32_t[]){10});
	assert_levels(one, "[0]");
	vn_autohost *two = make_host(2, (int[]){0, 1}, (int[]){0, 0}, (uint32_t[]){10, 21, 21, 10});
	assert_levels(two, "[0 1]");
	const uint32_t equal[] = {10, 20, 20, 20, 10, 20, 20, 20, 10};
	vn_autohost *untold = make_host(3, NULL, NULL, equal);
	assert_levels(untold, "[0 1 2]");
	/* one package of all nodes groups nothing */
	vn_autohost *single = make_host(3, (int[]){0, 0, 0}, (int[]){0, 0, 0}, equal);
	assert_levels(single, "[0 1 2]");
	vn_autohost *unknown = make_host(3, NULL, NULL, (uint32_t[9]){0});
	assert_levels(unknown, "[0 1 2]");
	/* numa=fake: all at 10 */
	vn_autohost *fake = make_host(2, NULL, NULL, (uint32_t[]){10, 10, 10, 10});
	assert_levels(fake, "[0 1]");
}

static void test_packages_and_dies_group(void **state)
{
	(void)state;
	uint32_t far[64];
	for (size_t i = 0; i < 64; i++)
		far[i] = i / 8 == i % 8 ? 10 : 20;
	vn_autohost *packages = make_host(4, (int[]){3, 1, 3, 1}, NULL,
		(uint32_t[]){10, 20, 20, 20, 20, 10, 20, 20, 20, 20, 10, 20, 20, 20, 20, 10});
	assert_levels(packages, "[package3[0 2] package1[1 3]]");
	/* a package of one node stands beside those of several */
	vn_autohost *uneven =
		make_host(3, (int[]){0, 0, 1}, NULL, (uint32_t[]){10, 20, 20, 20, 10, 20, 20, 20, 10});
	assert_levels(uneven, "[package0[0 1] package1[2]]");
	/* dies are numbered anew in each package */
	vn_autohost *dies =
		make_host(8, (int[]){0, 0, 0, 0, 1, 1, 1, 1}, (int[]){0, 0, 1, 1, 0, 0, 1, 1}, far);
	assert_levels(dies, "[package0[die0[0 1] die1[2 3]] package1[die0[4 5] die1[6 7]]]");
	/* a node a die: the dies say no more than the nodes */
	vn_autohost *die_nodes =
		make_host(8, (int[]){0, 0, 0, 0, 1, 1, 1, 1}, (int[]){0, 1, 2, 3, 0, 1, 2, 3}, far);
	assert_levels(die_nodes, "[package0[0 1 2 3] package1[4 5 6 7]]");
	/* one package, but its dies group */
	vn_autohost *one =
		make_host(8, (int[]){0, 0, 0, 0, 0, 0, 0, 0}, (int[]){0, 0, 0, 0, 1, 1, 1, 1}, far);
	assert_levels(one, "[die0[0 1 2 3] die1[4 5 6 7]]");
}

static void test_memory_goes_to_its_nearest_cpus(void **state)
{
	(void)state;
	/* two packages, an expander at each; as on a machine with Optane */
	const uint32_t optane[] = {10, 21, 17, 28, 21, 10, 28, 17, 17, 28, 10, 28, 28, 17, 28, 10};
	vn_autohost *told = make_host(4, (int[]){0, 1, CPU_LESS, CPU_LESS}, NULL, optane);
	assert_levels(told, "[package0[0 2] package1[1 3]]");
	vn_autohost *untold = make_host(4, (int[]){NONE, NONE, CPU_LESS, CPU_LESS}, NULL, optane);
	assert_levels(untold, "[distance0@17[0 2] distance1@17[1 3]]");
	/* as near to both packages: belongs to none */
	vn_autohost *between = make_host(4, (int[]){0, 0, 1, CPU_LESS}, NULL,
		(uint32_t[]){10, 12, 20, 30, 12, 10, 20, 30, 20, 20, 10, 30, 30, 30, 30, 10});
	assert_levels(between, "[package0[0 1] package1[2] 3]");
	/* as near to all nodes of one package: its package, none of its dies */
	vn_autohost *shared = make_host(6, (int[]){0, 0, 0, 0, 1, CPU_LESS}, (int[]){0, 0, 1, 1, 0, NONE},
		(uint32_t[]){10, 11, 12, 12, 20, 15, 11, 10, 12, 12, 20, 15, 12, 12, 10, 11, 20, 15, 12, 12,
			11, 10, 20, 15, 20, 20, 20, 20, 10, 25, 15, 15, 15, 15, 25, 10});
	assert_levels(shared, "[package0[die0[0 1] die1[2 3] 5] package1[4]]");
	/* nothing known of where it is */
	vn_autohost *lost = make_host(4, (int[]){0, 0, 1, CPU_LESS}, NULL,
		(uint32_t[]){10, 12, 20, 0, 12, 10, 20, 0, 20, 20, 10, 0, 0, 0, 0, 10});
	assert_levels(lost, "[package0[0 1] package1[2] 3]");
	/* told in one direction only */
	vn_autohost *half =
		make_host(3, (int[]){0, 1, CPU_LESS}, NULL, (uint32_t[]){10, 20, 30, 20, 10, 14, 0, 0, 10});
	assert_levels(half, "[package0[0] package1[1 2]]");
}

static void test_a_node_over_packages_is_attached_too(void **state)
{
	(void)state;
	vn_autohost *host =
		make_host(3, (int[]){0, 1, 0}, NULL, (uint32_t[]){10, 20, 20, 20, 10, 15, 20, 15, 10});
	/* node 2 has CPUs of packages 0 and 1; node 1 is nearest */
	host->cpus = reallocarray(host->cpus, 4, sizeof(*host->cpus));
	host->cpus[3] = vn_host_cpu_init(3);
	host->cpus[3].online = true;
	host->cpus[3].package = 1;
	host->n_cpus = 4;
	hwloc_bitmap_set(host->nodes[2].cpus, 3);
	assert_int_equal(vn_host_check(host, NULL), 0);
	assert_levels(host, "[package0[0] package1[1 2]]");
}

static void test_distances_group_recursively(void **state)
{
	(void)state;
	const uint32_t glueless[] = {10, 12, 17, 17, 19, 19, 19, 19, /**/ 12, 10, 17, 17, 19, 19, 19, 19,
		/**/ 17, 17, 10, 12, 19, 19, 19, 19, /**/ 17, 17, 12, 10, 19, 19, 19, 19, /**/ 19, 19, 19, 19,
		10, 12, 17, 17,
		/**/ 19, 19, 19, 19, 12, 10, 17, 17, /**/ 19, 19, 19, 19, 17, 17, 10, 12, /**/ 19, 19, 19, 19,
		17, 17, 12, 10};
	vn_autohost *tree = make_host(8, NULL, NULL, glueless);
	assert_levels(tree, "[distance0@17[distance1@12[0 1] distance2@12[2 3]] "
			    "distance3@17[distance4@12[4 5] distance5@12[6 7]]]");
	/* packages of a node each tell nothing: the distances do */
	vn_autohost *sockets = make_host(8, (int[]){0, 1, 2, 3, 4, 5, 6, 7}, NULL, glueless);
	assert_levels(sockets, "[distance0@17[distance1@12[0 1] distance2@12[2 3]] "
			       "distance3@17[distance4@12[4 5] distance5@12[6 7]]]");
	/* a pair and one that stands alone */
	vn_autohost *pair = make_host(3, NULL, NULL, (uint32_t[]){10, 20, 12, 20, 10, 20, 12, 20, 10});
	assert_levels(pair, "[distance0@12[0 2] 1]");
	/* a ring: each neighbour has another neighbour as near, so no pair stands out */
	vn_autohost *ring = make_host(
		4, NULL, NULL, (uint32_t[]){10, 16, 22, 16, 16, 10, 16, 22, 22, 16, 10, 16, 16, 22, 16, 10});
	assert_levels(ring, "[0 1 2 3]");
	/* a chain of three becomes whole only at its largest distance, still less than to the fourth */
	vn_autohost *chain = make_host(
		4, NULL, NULL, (uint32_t[]){10, 11, 13, 30, 11, 10, 11, 30, 13, 11, 10, 30, 30, 30, 30, 10});
	assert_levels(chain, "[distance0@13[0 1 2] 3]");
	/* asymmetric: the farther direction counts, so 0 and 1 are no pair */
	vn_autohost *asymmetric = make_host(3, NULL, NULL, (uint32_t[]){10, 12, 20, 20, 10, 20, 20, 20, 10});
	assert_levels(asymmetric, "[0 1 2]");
}

/* Adds all nodes of a level, each of which must be there once. */
static void take_members(const struct vn_level *level, hwloc_bitmap_t members)
{
	for (size_t i = 0; i < level->n_children; i++)
		take_members(&level->children[i], members);
	for (size_t i = 0; i < level->n_nodes; i++) {
		assert_false(hwloc_bitmap_isset(members, (unsigned)level->nodes[i]));
		hwloc_bitmap_set(members, (unsigned)level->nodes[i]);
	}
}

static uint32_t farther(const struct vn_host *host, unsigned i, unsigned j)
{
	uint32_t a = host->nodes[i].distances[j], b = host->nodes[j].distances[i];
	return a > b ? a : b;
}

/* Whether the nodes of this mask are nearer to each other than any is to another node. */
static bool is_group(const struct vn_host *host, unsigned mask)
{
	uint32_t within = 0, outside = UINT32_MAX;

	for (unsigned i = 0; i < host->n_nodes; i++) {
		for (unsigned j = 0; j < host->n_nodes; j++) {
			uint32_t d = farther(host, i, j);
			if (i == j || !(mask & 1u << i))
				continue;
			if (mask & 1u << j)
				within = d > within ? d : within;
			else
				outside = d < outside ? d : outside;
		}
	}
	return within < outside;
}

static unsigned count_groups(const struct vn_host *host, const struct vn_level *level)
{
	unsigned n = 0;

	for (size_t i = 0; i < level->n_children; i++) {
		const struct vn_level *child = &level->children[i];
		vn_autoset members = hwloc_bitmap_alloc();
		take_members(child, members);
		assert_true(is_group(host, (unsigned)hwloc_bitmap_to_ulong(members)));
		n += 1 + count_groups(host, child);
	}
	return n;
}

/* Against brute force, all subsets of six nodes, at random distances: no group is missed, none made up. */
static void test_distance_groups_are_all_there_are(void **state)
{
	(void)state;
	uint64_t seed = 88172645463325252u;
	unsigned found = 0;

	for (unsigned round = 0; round < 300; round++) {
		uint32_t table[36];
		for (size_t i = 0; i < 36; i++) {
			seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
			table[i] = i / 6 == i % 6 ? 10 : 11 + (uint32_t)(seed % 8);
		}
		for (size_t i = 0; round % 2 && i < 36; i++)
			table[i] = table[i % 6 * 6 + i / 6]; /* every other one is symmetric */
		vn_autohost *host = make_host(6, NULL, NULL, table);
		vn_autolevel *root = vn_host_levels(host);
		vn_autoset all = hwloc_bitmap_alloc();
		unsigned expected = 0;
		for (unsigned mask = 1; mask < 63; mask++)
			expected += __builtin_popcount(mask) > 1 && is_group(host, mask);
		assert_int_equal(count_groups(host, root), expected);
		take_members(root, all);
		assert_int_equal(hwloc_bitmap_to_ulong(all), 63);
		found += expected;
	}
	assert_true(found > 100); /* the tables were not such that nothing was tested */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flat_hosts_have_no_groups),
		cmocka_unit_test(test_packages_and_dies_group),
		cmocka_unit_test(test_memory_goes_to_its_nearest_cpus),
		cmocka_unit_test(test_a_node_over_packages_is_attached_too),
		cmocka_unit_test(test_distances_group_recursively),
		cmocka_unit_test(test_distance_groups_are_all_there_are),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
