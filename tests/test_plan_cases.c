/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Named cases of the planner: what each rule of the contract looks like on a host one can hold in mind. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "../src/plan/plan_make.h"
#include "host_maker.h"

#define GIB 1024u /* MiB */

static struct vn_plan *planned(
	const struct vn_host *host, const struct vn_guest *guest, const struct vn_plan_options *options)
{
	vn_autoerror err = {0};
	struct vn_plan *plan = NULL;

	struct vn_plan_options all = options ? *options : (struct vn_plan_options){0};
	all.runner_up = true;
	int r = vn_plan_make(host, guest, &all, &plan, &err);
	for (size_t i = 0; i < err.n; i++)
		print_error("%s\n", err.problems[i].text);
	assert_int_equal(r, 0);
	assert_int_equal(vn_plan_check(host, guest, options, plan, NULL), 0);
	return plan;
}

static void assert_homes(const struct vn_plan *plan, size_t n, const unsigned *homes)
{
	assert_true(plan->feasible);
	assert_int_equal(plan->n_vnodes, n);
	for (size_t v = 0; v < n; v++)
		assert_int_equal(plan->homes[v], homes[v]);
}

static const struct vn_note *find_note(const struct vn_notes *notes, const char *code)
{
	for (size_t i = 0; i < notes->n; i++) {
		if (strcmp(notes->v[i].code, code) == 0)
			return &notes->v[i];
	}
	return NULL;
}

static void assert_set(hwloc_const_bitmap_t set, const char *expected)
{
	vn_autofree char *text = vn_set_text(set);

	assert_string_equal(text, expected);
}

#define MAKE_HOST(threads, remote, ...)                                                                      \
	make_host(sizeof((struct maker_node[]){__VA_ARGS__}) / sizeof(struct maker_node),                    \
		(struct maker_node[]){__VA_ARGS__}, threads, remote)
#define MAKE_GUEST(...)                                                                                      \
	make_guest(sizeof((struct maker_vnode[]){__VA_ARGS__}) / sizeof(struct maker_vnode),                 \
		(struct maker_vnode[]){__VA_ARGS__})
#define ASSERT_HOMES(plan, ...)                                                                              \
	assert_homes(plan, sizeof((unsigned[]){__VA_ARGS__}) / sizeof(unsigned), (unsigned[]){__VA_ARGS__})

static void test_rc9(void **state)
{
	static const unsigned map[] = {1, 0, 1, 0};
	vn_autohost *host = MAKE_HOST(1, 20, {4, 4 * GIB}, {4, 4 * GIB});
	vn_autoguest *guest = MAKE_GUEST({2 * GIB, 0, 1}, {2 * GIB, 0, 0});

	(void)state;
	deal_vcpus(guest, 4, map);
	guest->vnodes[0].distances[1] = guest->vnodes[1].distances[0] = 40;
	vn_autoplan *plan = planned(host, guest, NULL);
	ASSERT_HOMES(plan, 1, 0);
	assert_false(plan->has_runner_up);
	assert_set(plan->vcpu_cpus[0], "0-3");
	assert_set(plan->vcpu_cpus[1], "4-7");
	assert_set(plan->emulator_cpus, "0-7");
	assert_set(plan->view.nodes[0].cpus, "0,2");
	assert_int_equal(plan->view.nodes[0].vnode, 1);
	assert_int_equal(plan->view.nodes[0].distances[1], 40);
	assert_int_equal(plan->warnings.n, 0);
}

static void test_four_vnodes_two_by_two(void **state)
{
	vn_autohost *host = MAKE_HOST(1, 20, {4, 9 * GIB}, {4, 9 * GIB});
	vn_autoguest *guest =
		MAKE_GUEST({4 * GIB, 1, -1}, {4 * GIB, 1, -1}, {4 * GIB, 1, -1}, {4 * GIB, 1, -1});
	vn_autoplan *plan = planned(host, guest, NULL);

	(void)state;
	ASSERT_HOMES(plan, 0, 0, 1, 1);
	assert_int_equal(plan->cost.spill, 0);
	assert_true(plan->optimal);
	assert_true(plan->has_runner_up);
	assert_int_equal(
		plan->decided_by, VN_LEVEL_SPILL); /* three on a node, or crosswise: never the mirror image */
}

static void test_mirror_images_are_no_runner_up(void **state)
{
	vn_autohost *host = MAKE_HOST(1, 20, {4, 8 * GIB}, {4, 8 * GIB});
	vn_autoguest *guest = MAKE_GUEST({2 * GIB, 2, -1});
	vn_autoplan *plan = planned(host, guest, NULL);

	(void)state;
	ASSERT_HOMES(plan, 0);
	assert_false(plan->has_runner_up);
}

static void test_cores_come_before_distance(void **state)
{
	vn_autohost *host = MAKE_HOST(2, 20, {4, 16 * GIB}, {4, 16 * GIB});
	vn_autoguest *guest = MAKE_GUEST({GIB, 3, -1}, {GIB, 3, -1});
	vn_autoplan *plan = planned(host, guest, NULL);

	(void)state;
	ASSERT_HOMES(plan, 0, 1); /* one node has 8 CPUs and would do, but only 4 cores */
	assert_int_equal(plan->cost.squeeze, 0);
	assert_int_equal(plan->decided_by, VN_LEVEL_SQUEEZE);
}

static void test_load_counts(void **state)
{
	static const struct maker_taken occupied_taken[] = {{3, 0}, {0, 0}};
	vn_autohost *host = MAKE_HOST(1, 20, {4, 8 * GIB}, {4, 8 * GIB});
	vn_autooccupied *occupied = make_occupied(host, occupied_taken);
	const struct vn_plan_options options = {.occupied = occupied};
	vn_autoguest *guest = MAKE_GUEST({GIB, 2, -1});
	vn_autoplan *plan = planned(host, guest, &options);

	(void)state;
	ASSERT_HOMES(plan, 1);
	assert_int_equal(plan->cost.load_vcpus, 3); /* what runs on node 0 counts, though nobody goes there */
	assert_int_equal(plan->cost.load_cores, 4);
}

static void test_promises_count(void **state)
{
	static const struct maker_taken occupied_taken[] = {{0, 7ull << 30}, {0, 0}};
	vn_autohost *host = MAKE_HOST(1, 20, {4, 8 * GIB}, {4, 8 * GIB});
	vn_autooccupied *occupied = make_occupied(host, occupied_taken);
	const struct vn_plan_options options = {.occupied = occupied};
	vn_autoguest *guest = MAKE_GUEST({2 * GIB, 2, -1});
	vn_autoplan *plan = planned(host, guest, &options);

	(void)state;
	ASSERT_HOMES(plan, 1);
}

static void test_pack_and_spread(void **state)
{
	vn_autohost *host = MAKE_HOST(1, 20, {4, 8 * GIB}, {4, 6 * GIB});
	vn_autoguest *guest = MAKE_GUEST({2 * GIB, 2, -1});

	(void)state;
	vn_autoplan *pack = planned(host, guest, NULL);
	ASSERT_HOMES(pack, 1);
	assert_int_equal(pack->decided_by, VN_LEVEL_FRAGMENTATION);
	guest->policy = VN_POLICY_SPREAD;
	vn_autoplan *spread = planned(host, guest, NULL);
	ASSERT_HOMES(spread, 0);
}

static void test_spill_goes_to_the_nearest(void **state)
{
	vn_autohost *host = MAKE_HOST(1, 30, {4, 4 * GIB}, {4, 3 * GIB}, {0, GIB}, {0, GIB});
	vn_autoguest *guest = MAKE_GUEST({6 * GIB, 4, 0});

	(void)state;
	host->nodes[0].distances[2] = host->nodes[2].distances[0] = 20;
	guest->memory_policy = VN_MEMORY_STRICT;
	vn_autoplan *plan = planned(host, guest, NULL);
	const struct vn_plan_vnode *vnode = &plan->vnodes[0];
	assert_int_equal(plan->cost.spill, 2ull << 30);
	assert_int_equal(vnode->n_shares, 3);
	assert_int_equal(vnode->shares[0].pnode, 0);
	assert_int_equal(vnode->shares[0].memory, 4ull << 30);
	assert_int_equal(vnode->shares[1].pnode, 2);
	assert_int_equal(vnode->shares[1].memory, 1ull << 30);
	assert_int_equal(vnode->shares[2].pnode, 3); /* as far as node 1, and fuller: packing uses it up */
	assert_int_equal(plan->binding, VN_BINDING_STRICT);
	assert_non_null(find_note(&plan->warnings, "spill"));
}

static void test_the_highest_vnode_spills(void **state)
{
	vn_autohost *host = MAKE_HOST(1, 20, {4, 5 * GIB}, {4, 5 * GIB});
	vn_autoguest *guest = MAKE_GUEST({2 * GIB, 1, 0}, {2 * GIB, 1, 0}, {2 * GIB, 1, 0});
	vn_autoplan *plan = planned(host, guest, NULL);

	(void)state;
	assert_int_equal(plan->vnodes[0].n_shares, 1);
	assert_int_equal(plan->vnodes[1].n_shares, 1);
	assert_int_equal(plan->vnodes[2].n_shares, 2);
	assert_int_equal(plan->vnodes[2].shares[1].memory, 1ull << 30);
}

/* The first source alone would take the near sink; the sum is least when it leaves it to the second. */
static void test_spill_ways_are_the_cheapest_together(void **state)
{
	vn_autohost *host = MAKE_HOST(1, 20, {1, 1}, {1, 1}, {0, 1}, {0, 1});
	vn_autoguest *guest = MAKE_GUEST({2, 1, 0}, {2, 1, 1});

	(void)state;
	host->nodes[0].distances[2] = 20;
	host->nodes[0].distances[3] = 21;
	host->nodes[1].distances[2] = 20;
	host->nodes[1].distances[3] = 40;
	vn_autoplan *plan = planned(host, guest, NULL);
	assert_int_equal(plan->vnodes[0].shares[1].pnode, 3);
	assert_int_equal(plan->vnodes[1].shares[1].pnode, 2);
}

static void test_odd_nodes(void **state)
{
	vn_autohost *host = MAKE_HOST(1, 20, {0, 64 * GIB}, {4, 2 * GIB}, {4, 0});
	vn_autoguest *guest = MAKE_GUEST({2 * GIB, 2, -1}, {8 * GIB, 0, -1});
	vn_autoplan *plan = planned(host, guest, NULL);

	(void)state;
	ASSERT_HOMES(plan, 1, 0); /* CPUs where CPUs are, memory alone may live without */
	assert_int_equal(plan->cost.spill, 0);
	assert_true(hwloc_bitmap_iszero(plan->vnodes[1].cpus));
}

static void test_memoryless_home_spills_wholly(void **state)
{
	vn_autohost *host = MAKE_HOST(1, 20, {4, 8 * GIB}, {4, 0});
	vn_autoguest *guest = MAKE_GUEST({2 * GIB, 2, 1});
	vn_autoplan *plan = planned(host, guest, NULL);

	(void)state;
	assert_int_equal(plan->vnodes[0].n_shares, 1);
	assert_int_equal(plan->vnodes[0].shares[0].pnode, 0);
	assert_int_equal(plan->cost.spill, 2ull << 30);
}

static void test_exclusive_cores(void **state)
{
	static const struct maker_taken occupied_taken[] = {{1, 0}, {0, 0}};
	vn_autohost *host = MAKE_HOST(2, 20, {4, 8 * GIB}, {2, 8 * GIB});
	vn_autooccupied *occupied = make_occupied(host, occupied_taken);
	const struct vn_plan_options options = {.occupied = occupied};
	vn_autoguest *guest = MAKE_GUEST({GIB, 3, -1});

	(void)state;
	guest->exclusive_cores = true;
	vn_autoplan *plan = planned(host, guest, &options);
	ASSERT_HOMES(plan, 0);
	assert_set(plan->vcpu_cpus[0], "1,7"); /* the first core is left to whoever runs there */
	assert_set(plan->vcpu_cpus[1], "2,8");
	assert_set(plan->vcpu_cpus[2], "3,9");
	assert_set(plan->vnodes[0].cpus, "1-3,7-9");
	static const struct maker_taken fuller_taken[] = {{2, 0}, {0, 0}};
	vn_autooccupied *fuller = make_occupied(host, fuller_taken);
	const struct vn_plan_options fuller_options = {.occupied = fuller};
	vn_autoplan *none = planned(host, guest, &fuller_options);
	assert_false(none->feasible);
	assert_non_null(find_note(&none->reasons, "cores-short"));
}

/* Which CPUs share a core is not known: threads of a guest core cannot be given those of one. */
static void test_exclusive_cores_that_are_unknown(void **state)
{
	vn_autohost *host = MAKE_HOST(1, 20, {4, 8 * GIB}, {4, 8 * GIB});
	vn_autoguest *guest = MAKE_GUEST({GIB, 4, -1});
	vn_autoplan *plan = NULL;
	vn_autoerror err = {0};

	(void)state;
	host->cores_known = false;
	guest->exclusive_cores = true;
	vn_autoplan *single = planned(host, guest, NULL);
	assert_true(single->feasible);
	guest->threads = 2;
	assert_int_equal(vn_plan_make(host, guest, NULL, &plan, &err), -EINVAL);
	assert_int_equal(err.n, 1);
	assert_non_null(
		strstr(err.problems[0].text, "2 seen, with exclusive_cores; expected 1, as it is not known"));
}

static void test_huge_pages(void **state)
{
	vn_autohost *host = MAKE_HOST(1, 20, {4, 64 * GIB}, {4, 64 * GIB});
	vn_autoguest *guest = MAKE_GUEST({2 * GIB, 2, -1});
	struct vn_hugepool *pool = calloc(1, sizeof(*pool));

	(void)state;
	guest->hugepages = 2u << 20;
	vn_autoplan *none = planned(host, guest, NULL);
	assert_false(none->feasible);
	const struct vn_note *reason = find_note(&none->reasons, "memory-short");
	assert_non_null(reason);
	assert_non_null(strstr(reason->text, "2147483648 bytes"));
	assert_non_null(strstr(reason->text, "1024 more pages"));
	assert_non_null(strstr(reason->text, "hugepages-2048kB"));
	*pool = (struct vn_hugepool){.size = 2u << 20, .total = 2048, .free = 1024};
	host->nodes[1].hugepools = pool;
	host->nodes[1].n_hugepools = 1;
	vn_autoplan *plan = planned(host, guest, NULL);
	ASSERT_HOMES(plan, 1);
	assert_int_equal(plan->cost.spill, 0);
}

static void test_reasons(void **state)
{
	vn_autohost *host = MAKE_HOST(1, 20, {4, GIB}, {4, 2 * GIB});
	vn_autoguest *guest = MAKE_GUEST({4 * GIB, 2, -1});

	(void)state;
	vn_autoplan *plan = planned(host, guest, NULL);
	assert_false(plan->feasible);
	assert_int_equal(plan->reasons.n, 1);
	assert_string_equal(plan->reasons.v[0].code, "memory-short");
	assert_non_null(strstr(plan->reasons.v[0].text, "1073741824 bytes) short"));
	assert_non_null(strstr(plan->reasons.v[0].text, "node 0: 1 GiB, node 1: 2 GiB"));
	json_t *json = vn_plan_to_json(plan, guest);
	assert_non_null(json);
	assert_int_equal(json_array_size(json_object_get(json, "reasons")), 1);
	assert_true(json_is_false(json_object_get(json, "feasible")));
	assert_int_equal(json_array_size(json_object_get(json, "homes")), 0);
	json_decref(json);
	host->allowed_cpus = hwloc_bitmap_alloc();
	vn_autoplan *frozen = planned(host, guest, NULL);
	assert_int_equal(frozen->reasons.n, 2);
	assert_non_null(find_note(&frozen->reasons, "no-cpu"));
}

static void assert_refused(
	const struct vn_host *host, const struct vn_guest *guest, const char *key, const char *part)
{
	vn_autoerror err = {0};
	struct vn_plan *plan = NULL;

	assert_int_equal(vn_plan_make(host, guest, NULL, &plan, &err), -EINVAL);
	assert_null(plan);
	assert_true(err.input);
	assert_int_equal(err.n, 1);
	assert_string_equal(err.problems[0].key, key);
	assert_int_equal(err.problems[0].line, 7);
	assert_non_null(strstr(err.problems[0].text, part));
}

static void test_wishes_the_host_cannot_meet(void **state)
{
	vn_autohost *host = MAKE_HOST(1, 20, {4, 8 * GIB}, {0, 8 * GIB});
	vn_autoguest *guest = MAKE_GUEST({GIB, 1, 5});

	(void)state;
	assert_refused(host, guest, "vnuma_vnodemap", "node 5");
	guest->vnodes[0].home = 1;
	assert_refused(host, guest, "vnuma_vnodemap", "no CPU");
	guest->vnodes[0].home = -1;
	guest->cpus = hwloc_bitmap_alloc();
	guest->cpus_where = (struct vn_where){"test.cfg", 7, "cpus"};
	hwloc_bitmap_set(guest->cpus, 99);
	assert_refused(host, guest, "cpus", "99");
}

static void test_cpus_of_the_guest(void **state)
{
	vn_autohost *host = MAKE_HOST(1, 20, {4, 8 * GIB}, {4, 8 * GIB});
	vn_autoguest *guest = MAKE_GUEST({GIB, 2, -1});

	(void)state;
	guest->cpus = hwloc_bitmap_alloc();
	hwloc_bitmap_set_range(guest->cpus, 5, 6);
	vn_autoplan *plan = planned(host, guest, NULL);
	ASSERT_HOMES(plan, 1);
	assert_set(plan->vcpu_cpus[0], "5-6");
}

static void test_allowed_nodes(void **state)
{
	vn_autohost *host = MAKE_HOST(1, 20, {4, 8 * GIB}, {4, 8 * GIB});
	vn_autoguest *guest = MAKE_GUEST({GIB, 2, -1});

	(void)state;
	host->allowed_nodes = hwloc_bitmap_alloc();
	hwloc_bitmap_set(host->allowed_nodes, 1);
	vn_autoplan *plan = planned(host, guest, NULL);
	ASSERT_HOMES(plan, 1);
}

static void test_guest_without_numa(void **state)
{
	vn_autohost *host = MAKE_HOST(1, 30, {8, 4 * GIB}, {8, GIB}, {8, 3 * GIB}, {8, 3 * GIB});
	vn_autoguest *guest = MAKE_GUEST({6 * GIB, 2, -1});

	(void)state;
	host->nodes[0].distances[1] = host->nodes[1].distances[0] = 20;
	guest->guest_numa = VN_GUEST_NUMA_OFF;
	vn_autoplan *plan = planned(host, guest, NULL);
	ASSERT_HOMES(plan, 0);
	assert_int_equal(plan->binding, VN_BINDING_INTERLEAVE);
	assert_int_equal(
		plan->vnodes[0].n_shares, 2); /* node 1 is nearer, but two nodes are fewer than three */
	assert_int_equal(plan->vnodes[0].shares[1].pnode, 2);
	for (size_t i = 0; i < 2; i++) /* and evenly, as the kernel deals */
		assert_int_equal(plan->vnodes[0].shares[i].memory, 3ull << 30);
	assert_int_equal(plan->cost.spill, 2ull << 30);
	assert_true(vn_notes_has(&plan->warnings, "spill"));
	assert_false(vn_notes_has(&plan->warnings, "interleave-uneven"));
	guest->vnodes[0].memory = guest->memory = 3ull << 30;
	vn_autoplan *small = planned(host, guest, NULL);
	assert_int_equal(small->binding, VN_BINDING_PREFERRED);
	assert_int_equal(small->cost.spill, 0);
}

/* `shares`: pairs of node and MiB. */
static void assert_dealt(const struct vn_plan *plan, size_t n, const unsigned (*shares)[2])
{
	assert_int_equal(plan->binding, VN_BINDING_INTERLEAVE);
	assert_int_equal(plan->vnodes[0].n_shares, n);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(plan->vnodes[0].shares[i].pnode, shares[i][0]);
		assert_int_equal(plan->vnodes[0].shares[i].memory / VN_MIB, shares[i][1]);
	}
}

static void test_interleaved_parts(void **state)
{
	static const struct {
		uint64_t free[4], memory;
		int home;
		size_t n;
		unsigned shares[4][2];
		bool uneven;
	} cases[] = {
		{{100, 60, 60, 60}, 140, -1, 3, {{0, 47}, {1, 47}, {2, 46}},
			false}, /* two would not: 70 each */
		{{100, 50, 60, 70}, 140, -1, 2, {{0, 70}, {3, 70}}, false},
		{{100, 45, 45, 80}, 140, -1, 2, {{0, 70}, {3, 70}}, false},
		{{100, 49, 60, 60}, 101, -1, 2, {{0, 51}, {2, 50}},
			false}, /* the near node would do but for its room */
		{{100, 60, 60, 60}, 101, -1, 2, {{0, 51}, {1, 50}},
			false}, /* the near one, not the roomy one */
		{{51, 0, 50, 0}, 101, -1, 2, {{0, 51}, {2, 50}}, false}, /* exactly full */
		{{100, 20, 20, 20}, 160, -1, 4, {{0, 100}, {1, 20}, {2, 20}, {3, 20}}, true},
		{{100, 20, 20, 30}, 125, -1, 2, {{0, 95}, {3, 30}}, true},
		{{10, 90, 90, 90}, 40, 0, 4, {{0, 10}, {1, 10}, {2, 10}, {3, 10}},
			false}, /* the home has little */
		{{10, 90, 90, 90}, 80, 0, 2, {{0, 10}, {1, 70}}, true},
		{{0, 30, 90, 90}, 80, 0, 1, {{2, 80}}, false}, /* and nothing */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct maker_node nodes[4];
		for (size_t k = 0; k < 4; k++)
			nodes[k] = (struct maker_node){8, cases[i].free[k]};
		vn_autohost *host = make_host(4, nodes, 1, 30);
		vn_autoguest *guest = MAKE_GUEST({cases[i].memory, 2, cases[i].home});
		host->nodes[0].distances[1] = host->nodes[1].distances[0] = 20;
		guest->guest_numa = VN_GUEST_NUMA_OFF;
		vn_autoplan *plan = planned(host, guest, NULL);
		ASSERT_HOMES(plan, 0);
		assert_dealt(plan, cases[i].n, cases[i].shares);
		assert_int_equal(vn_notes_has(&plan->warnings, "interleave-uneven"), cases[i].uneven);
	}
}

/* Huge pages cannot be broken up: three of 1 GiB go as two and one. */
static void test_interleaved_huge_pages(void **state)
{
	vn_autohost *host = MAKE_HOST(1, 20, {8, 4 * GIB}, {8, 4 * GIB});
	vn_autoguest *guest = MAKE_GUEST({3 * GIB, 2, -1});

	(void)state;
	guest->guest_numa = VN_GUEST_NUMA_OFF;
	guest->hugepages = 1ull << 30;
	for (size_t i = 0; i < 2; i++) {
		host->nodes[i].hugepools = maker_alloc(1, sizeof(*host->nodes[i].hugepools));
		host->nodes[i].n_hugepools = 1;
		host->nodes[i].hugepools[0] =
			(struct vn_hugepool){.size = 1ull << 30, .total = 4, .free = 2 - i};
	}
	vn_autoplan *plan = planned(host, guest, NULL);
	assert_dealt(plan, 2, (const unsigned[][2]){{0, 2048}, {1, 1024}});
	host->nodes[1].hugepools[0].free = 2;
	vn_autoplan *roomy = planned(host, guest, NULL);
	assert_dealt(roomy, 2, (const unsigned[][2]){{0, 2048}, {1, 1024}});
}

/* Memory that the guest itself has dealt out: `shares` are pairs of node and MiB, the home's first. */
static void test_dealt_by_wish(void **state)
{
	static const struct {
		uint64_t free[4], memory;
		unsigned nodes, home; /* bits; where the vCPUs live */
		size_t n;
		unsigned shares[4][2];
		bool uneven;
	} cases[] = {
		{{100, 100, 100, 100}, 90, 7, 0, 3, {{0, 30}, {1, 30}, {2, 30}},
			false}, /* though one would do */
		{{100, 100, 100, 100}, 92, 7, 0, 3, {{0, 31}, {1, 31}, {2, 30}},
			false}, /* rests on the lowest */
		{{100, 100, 100, 100}, 91, 0xa, 1, 2, {{1, 46}, {3, 45}}, false},
		{{100, 20, 100, 100}, 92, 7, 0, 3, {{0, 36}, {1, 20}, {2, 36}}, true},
		{{100, 20, 100, 100}, 93, 7, 0, 3, {{0, 37}, {1, 20}, {2, 36}}, true},
		{{100, 0, 100, 100}, 80, 7, 0, 2, {{0, 40}, {2, 40}},
			false}, /* a node without memory is none */
		{{30, 31, 100, 100}, 61, 3, 1, 2, {{1, 31}, {0, 30}},
			false}, /* exactly full, the most where it lives */
		{{30, 31, 100, 100}, 62, 3, 0, 0, {{0}}, false}, /* the other nodes are not the user's */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct maker_node nodes[4];
		for (size_t k = 0; k < 4; k++)
			nodes[k] = (struct maker_node){8, cases[i].free[k]};
		vn_autohost *host = make_host(4, nodes, 1, 30);
		vn_autoguest *guest = MAKE_GUEST({cases[i].memory, 2, -1});
		struct vn_vnode *vnode = &guest->vnodes[0];
		vnode->nodes = hwloc_bitmap_alloc();
		hwloc_bitmap_from_ulong(vnode->nodes, cases[i].nodes);
		vnode->has_binding = true;
		vnode->binding = VN_BINDING_INTERLEAVE;
		guest->guest_numa = i % 2 ? VN_GUEST_NUMA_OFF : VN_GUEST_NUMA_ON; /* all the same */
		vn_autoplan *plan = planned(host, guest, NULL);
		assert_int_equal(plan->feasible, cases[i].n > 0);
		assert_int_equal(vn_notes_has(&plan->reasons, "nodes-short"), cases[i].n == 0);
		if (!plan->feasible)
			continue;
		ASSERT_HOMES(plan, cases[i].home);
		assert_int_equal(plan->vnodes[0].n_shares, cases[i].n);
		for (size_t k = 0; k < cases[i].n; k++) {
			assert_int_equal(plan->vnodes[0].shares[k].pnode, cases[i].shares[k][0]);
			assert_int_equal(plan->vnodes[0].shares[k].memory / VN_MIB, cases[i].shares[k][1]);
		}
		assert_int_equal(plan->cost.spill, 0);
		assert_int_equal(plan->warnings.n, cases[i].uneven);
		assert_int_equal(vn_notes_has(&plan->warnings, "interleave-uneven"), cases[i].uneven);
	}
}

/* Memory tied to nodes 2 and 3, which have no CPUs: 2 is nearer to node 1, 3 is as far from both. */
static void test_memory_without_cpus(void **state)
{
	static const struct {
		uint64_t memory;
		unsigned nodes, vcpus; /* bits */
		enum vn_binding binding;
		unsigned home;
		size_t n;
		unsigned shares[2][2];
	} cases[] = {
		{60, 4, 2, VN_BINDING_STRICT, 1, 1, {{2, 60}}},
		{60, 4, 2, VN_BINDING_PREFERRED, 1, 1, {{2, 60}}},
		{60, 4, 5, VN_BINDING_STRICT, 0, 1, {{2, 60}}}, /* node 1 has no room for the vCPUs */
		{60, 8, 2, VN_BINDING_STRICT, 0, 1, {{3, 60}}},
		{110, 12, 2, VN_BINDING_STRICT, 1, 2, {{2, 100}, {3, 10}}},
		{110, 12, 2, VN_BINDING_INTERLEAVE, 1, 2, {{2, 55}, {3, 55}}},
		{110, 4, 2, VN_BINDING_STRICT, 0, 0, {{0}}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		vn_autohost *host = MAKE_HOST(1, 20, {8, 100}, {4, 100}, {0, 100}, {0, 100});
		vn_autoguest *guest = MAKE_GUEST({cases[i].memory, cases[i].vcpus, -1});
		struct vn_vnode *vnode = &guest->vnodes[0];
		host->nodes[1].distances[2] = host->nodes[2].distances[1] = 15;
		vnode->nodes = hwloc_bitmap_alloc();
		hwloc_bitmap_from_ulong(vnode->nodes, cases[i].nodes);
		if (hwloc_bitmap_weight(vnode->nodes) == 1) /* as the readers have it */
			vnode->home = hwloc_bitmap_first(vnode->nodes);
		vnode->has_binding = true;
		vnode->binding = cases[i].binding;
		vn_autoplan *plan = planned(host, guest, NULL);
		assert_int_equal(plan->feasible, cases[i].n > 0);
		assert_int_equal(vn_notes_has(&plan->reasons, "nodes-short"), cases[i].n == 0);
		if (!plan->feasible)
			continue;
		ASSERT_HOMES(plan, cases[i].home);
		assert_true(vn_notes_has(&plan->warnings, "vcpus-apart"));
		assert_int_equal(plan->warnings.n, 1);
		assert_int_equal(plan->vnodes[0].n_shares, cases[i].n);
		for (size_t k = 0; k < cases[i].n; k++) {
			assert_int_equal(plan->vnodes[0].shares[k].pnode, cases[i].shares[k][0]);
			assert_int_equal(plan->vnodes[0].shares[k].memory / VN_MIB, cases[i].shares[k][1]);
		}
		json_t *json = vn_plan_to_json(plan, guest); /* the wish was one for its memory */
		const json_t *told = json_array_get(json_object_get(json, "vnodes"), 0);
		assert_true(json_is_null(json_object_get(told, "home_wanted")));
		json_decref(json);
		plan->vnodes[0].home = plan->homes[0] = cases[i].shares[0][0]; /* no CPUs there */
		assert_int_equal(vn_plan_check(host, guest, NULL, plan, NULL), -EINVAL);
	}
}

/* A <numatune> of all memory is of memory alone; in a config the vCPUs are meant, too. */
static void test_kept_to_nodes_without_cpus(void **state)
{
	(void)state;
	for (int open = 0; open < 2; open++) {
		vn_autohost *host = MAKE_HOST(1, 20, {8, 100}, {4, 100}, {0, 100}, {0, 100});
		vn_autoguest *guest = MAKE_GUEST({60, 4, -1});
		vn_autoplan *plan = NULL;
		host->nodes[1].distances[3] = host->nodes[3].distances[1] = 15;
		guest->nodes = hwloc_bitmap_alloc();
		hwloc_bitmap_set(guest->nodes, 3);
		assert_int_equal(vn_plan_make(host, guest, NULL, &plan, NULL), -EINVAL);
		guest->form = VN_FORM_LIBVIRT;
		guest->memory_policy = VN_MEMORY_STRICT;
		guest->vnodes_open = open > 0;
		assert_int_equal(vn_plan_auto(host, guest, NULL, &plan, NULL), 0);
		assert_true(plan->feasible);
		assert_int_equal(plan->n_vnodes, 1);
		ASSERT_HOMES(plan, 1);
		assert_true(vn_notes_has(&plan->warnings, "vcpus-apart"));
		assert_int_equal(plan->vnodes[0].n_shares, 1);
		assert_int_equal(plan->vnodes[0].shares[0].pnode, 3);
		guest->vnodes_open = false;
		guest->vnodes[0].memory = guest->memory = guest->maxmem = 101 * VN_MIB;
		vn_autoplan *large = planned(host, guest, NULL);
		assert_false(large->feasible);
		assert_true(vn_notes_has(&large->reasons, "memory-short"));
	}
}

/* What does not fit goes to the others, nearest first; only where none has room for it there is no plan. */
static void test_preferred_nodes_without_cpus(void **state)
{
	vn_autohost *host = MAKE_HOST(1, 20, {8, 100}, {4, 100}, {0, 100}, {0, 100});
	vn_autoguest *guest = MAKE_GUEST({130, 4, 3});

	(void)state;
	host->nodes[1].distances[3] = host->nodes[3].distances[1] = 15;
	guest->vnodes[0].has_binding = true;
	guest->vnodes[0].binding = VN_BINDING_PREFERRED;
	vn_autoplan *plan = planned(host, guest, NULL);
	assert_true(plan->feasible);
	assert_true(vn_notes_has(&plan->warnings, "vcpus-apart"));
	const struct vn_note *spill = find_note(&plan->warnings, "spill");
	assert_non_null(spill);
	assert_non_null(strstr(spill->text,
		"30 MiB of its memory does not fit the node that it prefers, node 3, and goes to node 1"));
	assert_non_null(strstr(find_note(&plan->warnings, "vcpus-apart")->text, "on node 1, at distance 15"));
	assert_int_equal(plan->vnodes[0].n_shares, 2);
	assert_int_equal(
		plan->vnodes[0].shares[0].pnode, 3); /* the first is what a form with one node for it names */
	assert_int_equal(plan->vnodes[0].shares[0].memory, 100 * VN_MIB);
	assert_int_equal(plan->vnodes[0].shares[1].pnode, 1);
	assert_int_equal(plan->vnodes[0].shares[1].memory, 30 * VN_MIB);
	guest->nodes = hwloc_bitmap_alloc(); /* not even others will do */
	hwloc_bitmap_set(guest->nodes, 3);
	vn_autoplan *none = planned(host, guest, NULL);
	assert_false(none->feasible);
	assert_true(vn_notes_has(&none->reasons, "memory-short"));
}

static void test_warnings(void **state)
{
	static const struct maker_taken occupied_taken[] = {{0, 1ull << 30}, {0, 1ull << 30}};
	vn_autohost *host = MAKE_HOST(1, 20, {2, GIB}, {2, GIB});
	vn_autooccupied *occupied = make_occupied(host, occupied_taken);
	const struct vn_plan_options options = {.occupied = occupied};
	vn_autoguest *guest = MAKE_GUEST({2 * GIB, 3, 0}, {GIB, 2, 1});

	(void)state;
	host->nodes[0].memory_reclaimable = 4ull << 30;
	host->nodes[1].has_memory_free = false;
	host->nodes[1].memory_total = 8ull << 30;
	host->nodes[1].distances[0] = VN_DISTANCE_UNKNOWN;
	host->cores_known = false;
	guest->vnodes[0].distances[1] = 30;
	vn_autoplan *plan = planned(host, guest, &options);
	assert_true(plan->feasible);
	assert_non_null(strstr(find_note(&plan->warnings, "memory-cached")->text, "node 0: 2 GiB"));
	assert_non_null(strstr(find_note(&plan->warnings, "free-unknown")->text, "node 1"));
	assert_non_null(find_note(&plan->warnings, "distances-unknown"));
	assert_non_null(find_note(&plan->warnings, "cores-unknown"));
	assert_non_null(strstr(find_note(&plan->warnings, "squeeze")->text, "node 0: 3 vCPUs"));
	assert_null(find_note(&plan->warnings, "spill"));
	assert_int_equal(plan->warnings.n, 5);
}

static void test_contradicting_distances(void **state)
{
	vn_autohost *host = MAKE_HOST(1, 20, {4, 2 * GIB}, {4, 2 * GIB}, {4, 2 * GIB});
	vn_autoguest *guest = MAKE_GUEST({GIB, 1, 0}, {GIB, 1, 1}, {GIB, 1, 0});

	(void)state;
	vn_autoplan *plain = planned(host, guest, NULL);
	assert_null(find_note(&plain->warnings, "vdistance-contradicts")); /* 10/20 says nothing of order */
	for (size_t v = 0; v < 3; v++) {
		for (size_t w = 0; w < 3; w++)
			guest->vnodes[v].distances[w] = v == w ? 10 : v + w == 1 ? 15 : 30;
	}
	vn_autoplan *plan = planned(host, guest, NULL);
	assert_non_null(find_note(
		&plan->warnings, "vdistance-contradicts")); /* 0 and 1 "near", 0 and 2 share a node */
}

static void test_huge_figures(void **state)
{
	vn_autohost *host = MAKE_HOST(1, 255, {64, UINT64_C(1) << 26}, {64, UINT64_C(1) << 26});
	vn_autoguest *guest = MAKE_GUEST({UINT64_C(1) << 25, 512, 0}, {UINT64_C(1) << 25, 512, 1});

	(void)state;
	host->nodes[0].memory_reclaimable = UINT64_MAX;
	vn_autoplan *plan = planned(host, guest, NULL);
	assert_true(plan->cost.distance == (vn_i128)512 * (1 << 25) * (10 + 10 + 255 + 255));
	json_t *json = vn_plan_to_json(plan, guest);
	const json_t *cost = json_object_get(json, "cost");
	assert_true(json_integer_value(json_object_get(cost, "distance")) == (json_int_t)plan->cost.distance);
	assert_true(json_integer_value(json_object_get(cost, "fragmentation")) == INT64_MAX);
	assert_true(json_is_true(json_object_get(cost, "fragmentation_saturated")));
	json_decref(json);
}

static void test_same_plan_every_time(void **state)
{
	vn_autohost *host = MAKE_HOST(1, 20, {4, 5 * GIB}, {4, 6 * GIB}, {4, 7 * GIB});
	vn_autoguest *guest = MAKE_GUEST({3 * GIB, 2, -1}, {2 * GIB, 3, -1}, {4 * GIB, 1, -1});

	(void)state;
	vn_autofree char *first = NULL;
	for (unsigned i = 0; i < 3; i++) {
		vn_autoplan *plan = planned(host, guest, NULL);
		json_t *json = vn_plan_to_json(plan, guest);
		vn_autofree char *text = json_dumps(json, JSON_SORT_KEYS);
		json_decref(json);
		if (first)
			assert_string_equal(first, text);
		else
			first = vn_steal(text);
	}
}

/* 32 vnodes that share no divisor on nodes of every size: more than a millisecond's work. */
static void test_deadline(void **state)
{
	uint64_t seed = 99;
	struct maker_node nodes[24];
	struct maker_vnode vnodes[28];
	struct vn_plan_options options = {.deadline_ms = 1};

	(void)state;
	for (size_t i = 0; i < 24; i++)
		nodes[i] = (struct maker_node){8 + maker_pick(&seed, 8), 9000 + maker_pick(&seed, 4000)};
	for (size_t v = 0; v < 28; v++)
		vnodes[v] =
			(struct maker_vnode){3000 + maker_pick(&seed, 4000), 1 + maker_pick(&seed, 7), -1};
	vn_autohost *host = make_host(24, nodes, 1, 20);
	for (size_t i = 0; i < 24; i++) {
		for (size_t j = 0; j < 24; j++)
			host->nodes[i].distances[j] = i == j ? 10 : 11 + maker_pick(&seed, 30);
	}
	vn_autoguest *guest = make_guest(28, vnodes);
	vn_autoplan *plan = planned(host, guest, &options);
	assert_true(plan->feasible);
	assert_false(plan->optimal);
	assert_true(vn_cost_compare(&plan->bound, &plan->cost, guest->policy, NULL) <= 0);
	json_t *json = vn_plan_to_json(plan, guest);
	assert_non_null(json_object_get(json_object_get(json, "bound"), "level"));
	json_decref(json);
}

static void test_explanation(void **state)
{
	vn_autohost *host = MAKE_HOST(2, 20, {4, 16 * GIB}, {4, 16 * GIB});
	vn_autoguest *guest = MAKE_GUEST({GIB, 3, -1}, {GIB, 3, -1});
	vn_autoplan *plan = planned(host, guest, NULL);
	vn_autofree char *text = NULL;
	size_t size;

	(void)state;
	FILE *out = open_memstream(&text, &size);
	assert_non_null(out);
	vn_plan_explain(host, guest, NULL, plan, out);
	fclose(out);
	assert_non_null(strstr(text, "on average 15.0 (10 = all local)"));
	assert_non_null(strstr(text, "highest on node 0: 3 vCPUs on 4 cores"));
	assert_non_null(strstr(text, "next best: 0, 0"));
	assert_non_null(strstr(text, "loses by squeeze: 2 vCPUs more than cores, instead of 0"));
	assert_non_null(strstr(text, "It is proven"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rc9),
		cmocka_unit_test(test_four_vnodes_two_by_two),
		cmocka_unit_test(test_mirror_images_are_no_runner_up),
		cmocka_unit_test(test_cores_come_before_distance),
		cmocka_unit_test(test_load_counts),
		cmocka_unit_test(test_promises_count),
		cmocka_unit_test(test_pack_and_spread),
		cmocka_unit_test(test_spill_goes_to_the_nearest),
		cmocka_unit_test(test_the_highest_vnode_spills),
		cmocka_unit_test(test_spill_ways_are_the_cheapest_together),
		cmocka_unit_test(test_odd_nodes),
		cmocka_unit_test(test_memoryless_home_spills_wholly),
		cmocka_unit_test(test_exclusive_cores),
		cmocka_unit_test(test_exclusive_cores_that_are_unknown),
		cmocka_unit_test(test_kept_to_nodes_without_cpus),
		cmocka_unit_test(test_preferred_nodes_without_cpus),
		cmocka_unit_test(test_huge_pages),
		cmocka_unit_test(test_reasons),
		cmocka_unit_test(test_wishes_the_host_cannot_meet),
		cmocka_unit_test(test_cpus_of_the_guest),
		cmocka_unit_test(test_allowed_nodes),
		cmocka_unit_test(test_guest_without_numa),
		cmocka_unit_test(test_interleaved_parts),
		cmocka_unit_test(test_interleaved_huge_pages),
		cmocka_unit_test(test_dealt_by_wish),
		cmocka_unit_test(test_memory_without_cpus),
		cmocka_unit_test(test_warnings),
		cmocka_unit_test(test_contradicting_distances),
		cmocka_unit_test(test_huge_figures),
		cmocka_unit_test(test_same_plan_every_time),
		cmocka_unit_test(test_deadline),
		cmocka_unit_test(test_explanation),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
