/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Automatic vNUMA: how many vnodes, how large, and what the guest is told of their distances. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "../src/plan/plan_make.h"
#include "host_maker.h"

#define MAX_NODES 6

/* A guest that left its vnodes open. */
static struct vn_guest *open_guest(uint64_t mib, unsigned vcpus)
{
	const struct maker_vnode all = {mib, vcpus, -1};
	struct vn_guest *guest = make_guest(1, &all);

	guest->vnodes_open = true;
	return guest;
}

static struct vn_plan *shaped(const struct vn_host *host, struct vn_guest *guest)
{
	struct vn_plan *plan = NULL;

	assert_int_equal(vn_plan_auto(host, guest, NULL, &plan, NULL), 0); /* which checks it */
	return plan;
}

static void assert_vnodes(const struct vn_guest *guest, size_t n, const struct maker_vnode *expected)
{
	unsigned next = 0;

	assert_int_equal(guest->n_vnodes, n);
	for (size_t v = 0; v < n; v++) {
		assert_int_equal(guest->vnodes[v].memory / VN_MIB, expected[v].mib);
		assert_int_equal(vn_set_weight(guest->vnodes[v].vcpus), expected[v].vcpus);
		if (expected[v].vcpus > 0) /* in runs, vCPU 0 in vnode 0 */
			assert_int_equal(hwloc_bitmap_first(guest->vnodes[v].vcpus), next);
		next += expected[v].vcpus;
	}
}

static void test_one_where_one_node_holds_all(void **state)
{
	(void)state;
	vn_autohost *host = make_host(3, (struct maker_node[]){{4, 4096}, {8, 16384}, {4, 4096}}, 2, 20);
	vn_autoguest *guest = open_guest(12000, 8);
	vn_autoplan *plan = shaped(host, guest);
	assert_vnodes(guest, 1, (struct maker_vnode[]){{12000, 8, 0}});
	assert_int_equal(plan->homes[0], 1);
}

static void test_even_where_the_nodes_are(void **state)
{
	(void)state;
	vn_autohost *host =
		make_host(4, (struct maker_node[]){{8, 8192}, {8, 8192}, {8, 8192}, {8, 8192}}, 1, 21);
	vn_autoguest *guest = open_guest(16001, 16);
	vn_autoplan *plan = shaped(host, guest);
	assert_vnodes(guest, 2, (struct maker_vnode[]){{8001, 8, 0}, {8000, 8, 0}});
	assert_int_equal(plan->cost.spill, 0);
	assert_int_equal(guest->vnodes[0].distances[0], 10);
	assert_int_equal(guest->vnodes[0].distances[1], 21); /* what lies between their homes */
}

static void test_cores_decide_too(void **state)
{
	(void)state;
	vn_autohost *host = make_host(3, (struct maker_node[]){{4, 8192}, {4, 8192}, {4, 8192}}, 2, 20);
	vn_autoguest *guest = open_guest(300, 10);
	vn_autoplan *plan = shaped(host, guest);
	assert_vnodes(guest, 3, (struct maker_vnode[]){{100, 4, 0}, {100, 3, 0}, {100, 3, 0}});
	assert_int_equal(plan->cost.squeeze, 0);
}

static void test_uneven_where_the_nodes_are(void **state)
{
	(void)state;
	vn_autohost *host = make_host(3, (struct maker_node[]){{6, 8192}, {2, 1024}, {2, 2048}}, 1, 20);
	vn_autoguest *guest = open_guest(10240, 8);
	vn_autoplan *plan = shaped(host, guest);
	assert_int_equal(guest->n_vnodes, 2); /* 8192 + 2048, 6 + 2 */
	assert_int_equal(plan->cost.spill, 0);
	assert_int_equal(plan->cost.squeeze, 0);
	assert_int_equal(guest->vnodes[0].memory + guest->vnodes[1].memory, 10240 * VN_MIB);
}

/* Nodes 0 and 2 are near each other, 0 and 1 are not: both pairs would do. */
static void test_uneven_vnodes_live_near_each_other(void **state)
{
	(void)state;
	vn_autohost *host = make_host(3, (struct maker_node[]){{8, 8192}, {8, 3000}, {8, 3000}}, 1, 30);
	host->nodes[0].distances[2] = host->nodes[2].distances[0] = 12;
	vn_autoguest *guest = open_guest(11000, 8);
	vn_autoplan *plan = shaped(host, guest);
	assert_int_equal(guest->n_vnodes, 2);
	assert_int_equal(plan->cost.spill, 0);
	assert_true(plan->homes[0] + plan->homes[1] == 2 && plan->homes[0] != 1);
	assert_int_equal(guest->vnodes[1].distances[0], 12);
}

static void test_whole_pages_and_whole_cores(void **state)
{
	(void)state;
	vn_autohost *host = make_host(2, (struct maker_node[]){{4, 8192}, {4, 8192}}, 2, 20);
	for (size_t i = 0; i < 2; i++) {
		host->nodes[i].n_hugepools = 1;
		host->nodes[i].hugepools = maker_alloc(1, sizeof(*host->nodes[i].hugepools));
		*host->nodes[i].hugepools =
			(struct vn_hugepool){.size = 1024 * VN_MIB, .total = 4, .free = 3};
	}
	vn_autoguest *guest = open_guest(5 * 1024, 10);
	guest->hugepages = 1024 * VN_MIB;
	guest->threads = 2;
	vn_autoplan *plan = shaped(host, guest);
	assert_vnodes(guest, 2, (struct maker_vnode[]){{3072, 6, 0}, {2048, 4, 0}});
	assert_int_equal(plan->cost.spill, 0);
	assert_int_equal(plan->cost.squeeze, 0); /* five cores' worth of vCPUs on eight cores */
}

/* A table with a diagonal other than 10, or 10 and less beside it, Linux drops whole. */
static void test_distances_are_such_as_linux_accepts(void **state)
{
	(void)state;
	vn_autohost *host = make_host(2, (struct maker_node[]){{4, 1024}, {4, 1024}}, 1, 20);
	host->nodes[0].distances[0] = host->nodes[1].distances[1] = 20;
	host->nodes[0].distances[1] = 255;
	host->nodes[1].distances[0] = 21;
	vn_autoguest *guest = open_guest(2048, 8);
	vn_autoplan *plan = shaped(host, guest);
	assert_int_equal(guest->n_vnodes, 2);
	unsigned first = plan->homes[0];
	assert_int_equal(guest->vnodes[0].distances[0], 10);
	assert_int_equal(
		guest->vnodes[first == 0 ? 0 : 1].distances[first == 0 ? 1 : 0], 128); /* 255 of 20 */
	assert_int_equal(
		guest->vnodes[first == 0 ? 1 : 0].distances[first == 0 ? 0 : 1], 11); /* 10.5 rounded */
}

/* Nodes without CPUs, or without memory, come in where the others together cannot hold the guest, and not before. */
static void test_nodes_without_cpus_or_memory(void **state)
{
	(void)state;
	vn_autohost *host = make_host(3, (struct maker_node[]){{4, 2048}, {0, 65536}, {4, 2048}}, 1, 20);
	vn_autoguest *guest = open_guest(4096, 4);
	vn_autoplan *plan = shaped(host, guest);
	assert_int_equal(guest->n_vnodes, 2);
	assert_int_equal(plan->homes[0] + plan->homes[1], 2);
	vn_autoguest *large = open_guest(8192, 4);
	vn_autoplan *remote = shaped(host, large);
	assert_vnodes(large, 2, (struct maker_vnode[]){{2048, 4, 0}, {6144, 0, 0}});
	assert_int_equal(remote->homes[0], 0);
	assert_int_equal(remote->homes[1], 1);
	assert_int_equal(remote->cost.spill, 0);
	vn_autohost *bare = make_host(3, (struct maker_node[]){{4, 0}, {4, 2048}, {4, 0}}, 1, 20);
	vn_autoguest *wide = open_guest(2048, 10);
	vn_autoplan *apart = shaped(bare, wide);
	assert_int_equal(wide->n_vnodes, 3); /* the one with memory may be any of them */
	assert_int_equal(apart->cost.spill, 0);
	assert_int_equal(apart->cost.squeeze, 0);
}

/* Distances 0-1 12, 1-2 16, 0-2 32, node 1 small: even halves fit 0 and 2 only, but 6000 and 2000 MiB live nearer on 0 and 1. */
/* libvirt has no cells without memory: rather are vCPUs squeezed. */
static void test_no_empty_vnodes_where_they_are_no_use(void **state)
{
	static const struct maker_node nodes[] = {{2, 3000}, {2, 3000}, {2, 0}, {0, 2048}};
	const struct vn_plan_options options = {.no_empty_vnodes = true};

	(void)state;
	vn_autohost *host = make_host(4, nodes, 1, 21);
	for (int i = 0; i < 3; i++) {
		vn_autoguest *guest = open_guest(4096, 6);
		vn_autoplan *plan = NULL;
		size_t empty = 0;
		guest->form = i == 1 ? VN_FORM_LIBVIRT : VN_FORM_NONE;
		assert_int_equal(vn_plan_auto(host, guest, i == 2 ? &options : NULL, &plan, NULL), 0);
		assert_true(plan->feasible);
		for (size_t v = 0; v < guest->n_vnodes; v++)
			empty += guest->vnodes[v].memory == 0;
		assert_int_equal(empty, i == 0);
		assert_int_equal(plan->cost.spill, 0);
	}
}

static void test_uneven_where_that_is_nearer(void **state)
{
	(void)state;
	vn_autohost *host = make_host(3, (struct maker_node[]){{4, 6000}, {2, 2000}, {8, 6000}}, 1, 32);
	host->nodes[0].distances[1] = host->nodes[1].distances[0] = 12;
	host->nodes[1].distances[2] = host->nodes[2].distances[1] = 16;
	vn_autoguest *guest = open_guest(8000, 4);
	vn_autoplan *plan = shaped(host, guest);
	assert_vnodes(guest, 2, (struct maker_vnode[]){{6000, 2, 0}, {2000, 2, 0}});
	assert_int_equal(plan->homes[0], 0);
	assert_int_equal(plan->homes[1], 1);
	assert_int_equal(guest->vnodes[0].distances[1], 12);
	/* no nearer, so even ones, although uneven ones would make the sum of distances less */
	vn_autohost *flat = make_host(3, (struct maker_node[]){{8, 4000}, {8, 2000}, {8, 4000}}, 1, 20);
	vn_autoguest *even = open_guest(6000, 8);
	vn_autoplan *halves = shaped(flat, even);
	assert_vnodes(even, 2, (struct maker_vnode[]){{3000, 4, 0}, {3000, 4, 0}});
	assert_int_equal(halves->cost.spill, 0);
}

static void test_what_cannot_be_is_left_to_the_plan(void **state)
{
	(void)state;
	vn_autohost *host = make_host(2, (struct maker_node[]){{4, 1024}, {4, 1024}}, 1, 20);
	vn_autoguest *guest = open_guest(65536, 4);
	vn_autoplan *plan = shaped(host, guest);
	assert_false(plan->feasible);
	vn_autoguest *wide = open_guest(64, 100); /* more vCPUs than cores: both nodes, evenly */
	vn_autoplan *squeezed = shaped(host, wide);
	assert_vnodes(wide, 2, (struct maker_vnode[]){{32, 50, 0}, {32, 50, 0}});
	assert_int_equal(squeezed->cost.squeeze, 92);
}

static void test_a_guest_that_said_how_is_left_alone(void **state)
{
	(void)state;
	vn_autohost *host = make_host(2, (struct maker_node[]){{4, 1024}, {4, 1024}}, 1, 20);
	const struct maker_vnode all = {2048, 8, -1};
	vn_autoguest *guest = make_guest(1, &all);
	vn_autoplan *plan = shaped(host, guest);
	assert_int_equal(guest->n_vnodes, 1);
	assert_int_equal(plan->cost.spill, 1024 * VN_MIB);
}

/* The fewest nodes (with CPUs and memory, or any) that hold so much together, by trying all sets. */
static size_t fewest(size_t n, const struct maker_node *nodes, bool any, uint64_t mib, uint64_t cores)
{
	size_t best = SIZE_MAX;

	for (unsigned set = 1; set < 1u << n; set++) {
		uint64_t room = 0, free = 0;
		bool homes = true;
		for (size_t i = 0; i < n; i++) {
			room += set >> i & 1 ? nodes[i].free_mib : 0;
			free += set >> i & 1 ? nodes[i].cores : 0;
			homes &= !(set >> i & 1) || any || (nodes[i].cores > 0 && nodes[i].free_mib > 0);
		}
		size_t k = (size_t)__builtin_popcount(set);
		if (homes && room >= mib && free >= cores && k < best)
			best = k;
	}
	return best;
}

/* Never more vnodes than the fewest that can hold it, and then nothing spills or squeezes, if each wants something. */
static void test_the_fewest(void **state)
{
	uint64_t random = 7;
	unsigned several = 0, bare = 0;

	(void)state;
	for (unsigned round = 0; round < 3000; round++) {
		struct maker_node nodes[MAX_NODES];
		size_t n = 1 + maker_pick(&random, MAX_NODES);
		for (size_t i = 0; i < n; i++)
			nodes[i] =
				(struct maker_node){maker_pick(&random, 6) ? 1 + maker_pick(&random, 8) : 0,
					maker_pick(&random, 40)};
		nodes[0].cores = 4;
		vn_autohost *host = make_host(n, nodes, 1, 20);
		uint64_t mib = 8 + maker_pick(&random, 60);
		unsigned vcpus = 8 + maker_pick(&random, 12);
		size_t expected = fewest(n, nodes, false, mib, vcpus);
		bool any = expected == SIZE_MAX;
		if (any)
			expected = fewest(n, nodes, true, mib, vcpus);
		vn_autoguest *guest = open_guest(mib, vcpus);
		assert_int_equal(vn_guest_shape(host, NULL, guest, NULL), 0);
		if (expected == SIZE_MAX)
			continue;
		assert_int_equal(guest->n_vnodes, expected);
		several += expected > 1;
		bare += any;
		vn_autoplan *plan = shaped(host, guest);
		assert_int_equal(plan->cost.spill, 0);
		assert_int_equal(plan->cost.squeeze, 0);
	}
	assert_true(several > 300 && bare > 30);
}

/* ---- several guests ---- */

#define PARTY 3

static struct vn_host *random_host(uint64_t *random)
{
	struct maker_node nodes[MAX_NODES];
	size_t n = 2 + maker_pick(random, MAX_NODES - 2);
	for (size_t i = 0; i < n; i++)
		nodes[i] =
			(struct maker_node){2 + maker_pick(random, 3), 2000 + 1000 * maker_pick(random, 4)};
	struct vn_host *host = make_host(n, nodes, 1, 20);
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < i; j++)
			host->nodes[i].distances[j] = host->nodes[j].distances[i] =
				(uint32_t)(11 + maker_pick(random, 30));
	}
	return host;
}

static void plan_party(const struct vn_host *host, const struct maker_vnode *sizes, const size_t *order,
	struct vn_guest **guests, struct vn_plan **plans, struct vn_joint_total *total)
{
	for (size_t i = 0; i < PARTY; i++) {
		guests[i] = open_guest(sizes[order[i]].mib, sizes[order[i]].vcpus);
		free(guests[i]->name);
		assert_true(asprintf(&guests[i]->name, "g%zu", order[i]) > 0);
	}
	assert_int_equal(vn_plan_auto_joint(host, guests, PARTY, NULL, plans, total, NULL), 0);
}

static void free_party(struct vn_guest **guests, struct vn_plan **plans)
{
	for (size_t i = 0; i < PARTY; i++) {
		vn_guest_free(guests[i]);
		vn_plan_free(plans[i]);
	}
}

/* What a guest is told is what lies between its homes, wherever the joint search put them. */
static void assert_told_the_truth(
	const struct vn_host *host, const struct vn_guest *guest, const struct vn_plan *plan)
{
	for (size_t v = 0; v < guest->n_vnodes; v++) {
		for (size_t w = 0; w < guest->n_vnodes; w++) {
			uint32_t real = host->nodes[plan->homes[v]].distances[plan->homes[w]];
			assert_int_equal(
				guest->vnodes[v].distances[w], v == w      ? 10
							       : real > 10 ? real
									   : 11); /* ids are indices here */
		}
	}
	for (size_t a = 0; a < plan->view.n_nodes; a++) {
		for (size_t b = 0; b < plan->view.n_nodes; b++)
			assert_int_equal(plan->view.nodes[a].distances[b],
				guest->vnodes[plan->view.nodes[a].vnode]
					.distances[plan->view.nodes[b].vnode]);
	}
}

static void test_several_in_any_order(void **state)
{
	static const size_t orders[][PARTY] = {{0, 1, 2}, {2, 1, 0}, {1, 2, 0}};
	uint64_t random = 11;
	unsigned split = 0;

	(void)state;
	for (unsigned round = 0; round < 300; round++) {
		vn_autohost *host = random_host(&random);
		struct maker_vnode sizes[PARTY];
		struct vn_joint_total totals[3];
		for (size_t i = 0; i < PARTY; i++)
			sizes[i] = (struct maker_vnode){1000 * (1 + maker_pick(&random, 5)),
				1 + (unsigned)maker_pick(&random, 6), -1};
		for (size_t k = 0; k < 3; k++) {
			struct vn_guest *guests[PARTY];
			struct vn_plan *plans[PARTY];
			plan_party(host, sizes, orders[k], guests, plans, &totals[k]);
			for (size_t i = 0; i < PARTY && totals[k].feasible; i++) {
				assert_told_the_truth(host, guests[i], plans[i]);
				split += guests[i]->n_vnodes > 1;
			}
			free_party(guests, plans);
		}
		for (size_t k = 1; k < 3; k++) {
			assert_int_equal(totals[k].feasible, totals[0].feasible);
			assert_true(!totals[0].feasible || vn_cost_compare(&totals[k].cost, &totals[0].cost,
								   VN_POLICY_PACK, NULL) == 0);
		}
	}
	assert_true(split > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_where_one_node_holds_all),
		cmocka_unit_test(test_even_where_the_nodes_are),
		cmocka_unit_test(test_cores_decide_too),
		cmocka_unit_test(test_uneven_where_the_nodes_are),
		cmocka_unit_test(test_uneven_vnodes_live_near_each_other),
		cmocka_unit_test(test_whole_pages_and_whole_cores),
		cmocka_unit_test(test_distances_are_such_as_linux_accepts),
		cmocka_unit_test(test_nodes_without_cpus_or_memory),
		cmocka_unit_test(test_no_empty_vnodes_where_they_are_no_use),
		cmocka_unit_test(test_uneven_where_that_is_nearer),
		cmocka_unit_test(test_what_cannot_be_is_left_to_the_plan),
		cmocka_unit_test(test_a_guest_that_said_how_is_left_alone),
		cmocka_unit_test(test_the_fewest),
		cmocka_unit_test(test_several_in_any_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
