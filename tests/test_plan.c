/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The planner against an oracle that tries all homes and knows nothing of the planner's code (plan_oracle.h): all levels, the
 * homes, and the runner-up. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "plan_oracle.h"
#include "plan_random.h"

#define CASES 20000u
#define SYMMETRIC_CASES 1000u
#define TIED_CASES 4000
#define DEALT_CASES 2000
#define MAX_NODES 6
#define MAX_VNODES 5

static void assert_cost(const struct vn_cost *cost, const struct oracle_cost *expected)
{
	assert_int_equal(cost->spill, expected->spill);
	assert_int_equal(cost->squeeze, expected->squeeze);
	assert_true(cost->distance == expected->distance);
	assert_int_equal(cost->load_vcpus * expected->load_cores, expected->load_vcpus * cost->load_cores);
	assert_true(cost->fragmentation == expected->squares);
}

static void assert_no_plan(const struct oracle *o, const struct vn_plan *plan)
{
	int64_t cores = 0;

	for (size_t i = 0; i < o->n; i++)
		cores += o->any_cores[i];
	assert_false(plan->feasible);
	assert_int_equal(vn_notes_has(&plan->reasons, "memory-short"), !oracle_has_room(o));
	assert_int_equal(vn_notes_has(&plan->reasons, "no-cpu"), cores == 0);
	assert_int_equal(vn_notes_has(&plan->reasons, "cores-short"), cores > 0 && oracle_has_room(o));
}

static void assert_runner_up(
	const struct oracle *o, const struct oracle_cost *best, const struct vn_plan *plan)
{
	size_t homes[ORACLE_VNODES];
	struct oracle_cost next;

	assert_int_equal(plan->has_runner_up, oracle_best(o, best, homes, &next));
	if (!plan->has_runner_up)
		return;
	assert_cost(&plan->runner_up_cost, &next);
	for (size_t v = 0; v < o->m; v++)
		assert_int_equal(plan->runner_up_homes[v], homes[v]);
}

static void assert_checked(const struct vn_host *host, const struct vn_guest *guest,
	const struct vn_plan_options *options, const struct vn_plan *plan)
{
	vn_autoerror err = {0};

	int r = vn_plan_check(host, guest, options, plan, &err);
	for (size_t i = 0; i < err.n; i++)
		print_error("check: %s\n", err.problems[i].text);
	assert_int_equal(r, 0);
}

enum outcome { ASTRAY, REFUSED, INFEASIBLE, PLANNED, SPILLED, SQUEEZED, N_OUTCOMES };

static enum outcome compare_with_oracle(
	const struct vn_host *host, const struct vn_guest *guest, const struct vn_occupied *occupied)
{
	struct vn_plan_options options = {.occupied = occupied, .runner_up = true};
	struct oracle o;
	struct oracle_cost best;
	size_t homes[ORACLE_VNODES];
	vn_autoplan *plan = NULL;
	vn_autoerror err = {0};

	oracle_make(&o, host, &guest, 1, occupied);
	int r = vn_plan_make(host, guest, &options, &plan, &err);
	if (oracle_refuses(&o)) {
		assert_int_equal(r, -EINVAL);
		return REFUSED;
	}
	assert_int_equal(r, 0);
	assert_true(
		plan->optimal || vn_notes_has(&plan->reasons, "nodes-short")); /* others may hold it all */
	assert_checked(host, guest, &options, plan);
	if (oracle_has_room(&o) && !oracle_deals(&o)) {
		assert_true(vn_notes_has(&plan->reasons, "nodes-short") && !plan->feasible && plan->optimal);
		return ASTRAY;
	}
	if (!oracle_has_room(&o) || !oracle_best(&o, NULL, homes, &best)) {
		assert_no_plan(&o, plan);
		return INFEASIBLE;
	}
	if (vn_notes_has(&plan->reasons,
		    "nodes-short")) { /* tests/test_plan_cases.c looks at which memory that is */
		assert_true(best.spill > 0 && !plan->feasible);
		return ASTRAY;
	}
	assert_true(plan->feasible);
	assert_cost(&plan->cost, &best);
	for (size_t v = 0; v < o.m; v++)
		assert_int_equal(plan->homes[v], homes[v]);
	assert_runner_up(&o, &best, plan);
	return best.spill > 0 ? SPILLED : best.squeeze > 0 ? SQUEEZED : PLANNED;
}

static void test_oracle(void **unused)
{
	uint64_t state = 20131113;
	unsigned outcomes[N_OUTCOMES] = {0}, largest = 0;

	(void)unused;
	for (unsigned i = 0; i < CASES; i++) {
		uint64_t seed = state;
		vn_autohost *host = random_host(&state, 2, MAX_NODES);
		vn_autooccupied *occupied = random_occupied(&state, host);
		vn_autoguest *guest = random_guest(&state, host, 1, MAX_VNODES);
		if (getenv("VNUMA_TEST_VERBOSE"))
			print_message("case %u, state %llu\n", i, (unsigned long long)seed);
		outcomes[compare_with_oracle(host, guest, occupied)]++;
		largest += host->n_nodes == MAX_NODES && guest->n_vnodes == MAX_VNODES;
	}
	print_message(
		"%u refused, %u infeasible, %u spilled, %u squeezed, %u neither; %u of the largest size\n",
		outcomes[REFUSED], outcomes[INFEASIBLE], outcomes[SPILLED], outcomes[SQUEEZED],
		outcomes[PLANNED], largest);
	/* The cases are worth something only if each outcome is well represented. */
	assert_true(outcomes[REFUSED] > 300 && outcomes[INFEASIBLE] > 2000 && outcomes[PLANNED] > 2000);
	assert_true(outcomes[SPILLED] > 2000 && outcomes[SQUEEZED] > 2000 && largest > 500);
}

/* Some vnodes are tied to some nodes, some have pages of another size than the others. */
static void tie(uint64_t *state, const struct vn_host *host, struct vn_guest *guest)
{
	static const uint64_t pages[] = {0, 2 * VN_MIB, 1024 * VN_MIB};

	for (size_t v = 0; v < guest->n_vnodes; v++) {
		struct vn_vnode *vnode = &guest->vnodes[v];
		uint64_t page = pages[maker_pick(state, 3)];
		vnode->has_page = maker_once_in(state, 3) && (page == 0 || vnode->memory % page == 0);
		vnode->page = page;
		if (!maker_once_in(state, 2))
			continue;
		vnode->nodes = hwloc_bitmap_alloc();
		hwloc_bitmap_set(vnode->nodes, host->nodes[maker_pick(state, (unsigned)host->n_nodes)].id);
		for (size_t i = 0; i < host->n_nodes; i++) {
			if (maker_once_in(state, 3) || (int)host->nodes[i].id == vnode->home)
				hwloc_bitmap_set(vnode->nodes, host->nodes[i].id);
		}
	}
}

static void test_tied(void **unused)
{
	uint64_t state = 2007;
	unsigned outcomes[N_OUTCOMES] = {0};

	(void)unused;
	for (unsigned i = 0; i < TIED_CASES; i++) {
		vn_autohost *host = random_host(&state, 2, MAX_NODES);
		vn_autooccupied *occupied = random_occupied(&state, host);
		vn_autoguest *guest = random_guest(&state, host, 1, MAX_VNODES);
		tie(&state, host, guest);
		outcomes[compare_with_oracle(host, guest, occupied)]++;
	}
	print_message("%u astray, %u refused, %u infeasible, %u spilled, %u squeezed, %u neither\n",
		outcomes[ASTRAY], outcomes[REFUSED], outcomes[INFEASIBLE], outcomes[SPILLED],
		outcomes[SQUEEZED], outcomes[PLANNED]);
	for (unsigned i = 0; i < N_OUTCOMES; i++)
		assert_true(outcomes[i] > TIED_CASES / 40);
}

static void test_dealt(void **unused)
{
	uint64_t state = 1969;
	unsigned outcomes[N_OUTCOMES] = {0};

	(void)unused;
	for (unsigned i = 0; i < DEALT_CASES; i++) {
		vn_autohost *host = random_host(&state, 2, MAX_NODES);
		vn_autooccupied *occupied = random_occupied(&state, host);
		vn_autoguest *guest = random_guest(&state, host, 1, MAX_VNODES);
		tie(&state, host, guest);
		random_dealt(&state, host, guest);
		outcomes[compare_with_oracle(host, guest, occupied)]++;
	}
	print_message("%u astray, %u refused, %u infeasible, %u spilled, %u squeezed, %u neither\n",
		outcomes[ASTRAY], outcomes[REFUSED], outcomes[INFEASIBLE], outcomes[SPILLED],
		outcomes[SQUEEZED], outcomes[PLANNED]);
	for (unsigned i = 0; i < N_OUTCOMES; i++)
		assert_true(outcomes[i] > DEALT_CASES / 40);
}

static unsigned ring_hops(size_t n, size_t i, size_t j)
{
	size_t hops = i > j ? i - j : j - i;

	return (unsigned)(2 * hops < n ? hops : n - hops);
}

/* Turned, mirrored or both, nothing changes on these hosts: what the search leaves out for that must not be missed. */
static void test_symmetric(void **unused)
{
	uint64_t state = 64;
	unsigned outcomes[N_OUTCOMES] = {0};

	(void)unused;
	for (unsigned i = 0; i < SYMMETRIC_CASES; i++) {
		size_t n = 4 + maker_pick(&state, 5);
		bool cube = (n == 4 || n == 8) && maker_once_in(&state, 2),
		     odd_one = maker_once_in(&state, 4);
		struct maker_node nodes[8], one = {1 + maker_pick(&state, 4), 2 + maker_pick(&state, 8)};
		for (size_t k = 0; k < n; k++)
			nodes[k] = one;
		nodes[maker_pick(&state, (unsigned)n)].cores += odd_one;
		vn_autohost *host = make_host(n, nodes, 1, 20);
		for (size_t k = 0; k < n; k++) {
			for (size_t l = 0; l < n; l++)
				host->nodes[k].distances[l] =
					10 + 5 * (cube ? (unsigned)__builtin_popcountll(k ^ l)
						       : ring_hops(n, k, l));
		}
		vn_autooccupied *occupied = make_occupied(host, (struct maker_taken[8]){{0}});
		vn_autoguest *guest = random_guest(&state, host, 2, n > 6 ? 4 : 5);
		guest->hugepages = 0;
		outcomes[compare_with_oracle(host, guest, occupied)]++;
	}
	assert_true(outcomes[PLANNED] > SYMMETRIC_CASES / 4 && outcomes[SPILLED] > 20 &&
		    outcomes[SQUEEZED] > SYMMETRIC_CASES / 10);
}

/* The oracle itself, by figures worked out by hand: guest cores of two threads, and a device. */
static void test_by_hand(void **unused)
{
	vn_autohost *host = make_host(2, (struct maker_node[]){{2, 100}, {4, 100}}, 2, 21);
	vn_autooccupied *occupied = make_occupied(host, (struct maker_taken[]){{1, 0}, {0, 0}});
	vn_autoguest *guest = make_guest(2, (struct maker_vnode[]){{10, 4, -1}, {20, 3, -1}});
	struct vn_host_device *device = maker_alloc(1, sizeof(*device));
	struct vn_hostdev *wish = maker_alloc(1, sizeof(*wish));
	const struct vn_guest *guests[] = {guest};
	struct oracle o;
	struct oracle_cost cost;

	(void)unused;
	*device = vn_host_device_init();
	device->node = 1;
	memcpy(device->address, "0000:01:00.0", 13);
	memcpy(wish->address, "0000:01:00.0", 13);
	host->devices = device, host->n_devices = 1;
	guest->hostdevs = wish, guest->n_hostdevs = 1; /* of vnode 0 */
	guest->threads = 2;
	oracle_make(&o, host, guests, 1, occupied);
	assert_true(oracle_cost(&o, (size_t[]){0, 1}, true, &cost));
	assert_int_equal(cost.squeeze, 1); /* load 1 and 2 cores' worth on 2 cores; 2 on 4 */
	assert_int_equal(
		cost.distance, 4 * 1024 * 21 + 4 * 10 * 10 + 4 * 20 * 21 + 3 * 10 * 21 + 3 * 20 * 10);
	assert_int_equal(cost.load_vcpus * 2, cost.load_cores * 3);
	assert_int_equal(cost.squares, 90 * 90 + 80 * 80);
	device->node = -1;
	oracle_make(&o, host, guests, 1, occupied);
	assert_true(oracle_cost(&o, (size_t[]){1, 1}, true, &cost));
	assert_int_equal(cost.squeeze, 0);
	assert_int_equal(cost.distance, 7 * 30 * 10);
	assert_int_equal(cost.squares, 100 * 100 + 70 * 70);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_by_hand),
		cmocka_unit_test(test_oracle),
		cmocka_unit_test(test_tied),
		cmocka_unit_test(test_dealt),
		cmocka_unit_test(test_symmetric),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
