/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Guests planned jointly, against the oracle that tries all homes of all of them (plan_oracle.h).
 *
 * The plan of each is made as if the others were there already, so its own cost tells nothing of the sum: the homes of all are
 * weighed together, by the oracle. Where memory spills the last level is left out, as which of two guests' vnodes spill where is
 * nowhere promised.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "plan_oracle.h"
#include "plan_random.h"

#define CASES 10000u
#define MAX_NODES 4
#define MAX_VNODES 3 /* of each guest */
#define GUESTS 2

struct joint {
	struct vn_host *host;
	struct vn_occupied *occupied;
	struct vn_guest *guests[GUESTS];
};

static void joint_make(struct joint *j, uint64_t *state)
{
	j->host = random_host(state, 2, MAX_NODES);
	j->occupied = random_occupied(state, j->host);
	for (size_t g = 0; g < GUESTS; g++) {
		j->guests[g] = random_guest(state, j->host, 1, MAX_VNODES);
		j->guests[g]->policy = j->guests[0]->policy;
		j->guests[g]->name[0] = (char)('a' + g);
	}
}

static void joint_clear(struct joint *j)
{
	vn_host_free(j->host);
	vn_occupied_free(j->occupied);
	for (size_t g = 0; g < GUESTS; g++)
		vn_guest_free(j->guests[g]);
}

static void free_plans(struct vn_plan **plans)
{
	for (size_t g = 0; g < GUESTS; g++)
		vn_plan_free(plans[g]);
}

/* Each plan as if the others were there already. */
static void assert_checked(const struct joint *j, struct vn_plan *const *plans)
{
	for (size_t g = 0; g < GUESTS; g++) {
		struct vn_plan_options options = {.occupied = j->occupied};
		vn_autoerror err = {0};
		for (size_t k = 0; k < GUESTS; k++)
			assert_true(
				k == g || vn_occupied_add(j->occupied, j->host, j->guests[k], plans[k]) == 0);
		int r = vn_plan_check(j->host, j->guests[g], &options, plans[g], &err);
		for (size_t i = 0; i < err.n; i++)
			print_error("check of guest %zu: %s\n", g, err.problems[i].text);
		assert_int_equal(r, 0);
		for (size_t k = 0; k < GUESTS; k++)
			assert_true(k == g ||
				    vn_occupied_remove(j->occupied, j->host, j->guests[k], plans[k]) == 0);
	}
}

static void assert_best(const struct oracle *o, struct vn_plan *const *plans, const size_t *expected,
	const struct oracle_cost *best)
{
	size_t homes[ORACLE_VNODES], n = 0;
	struct oracle_cost cost;

	for (size_t g = 0; g < GUESTS; g++) {
		for (size_t v = 0; v < plans[g]->n_vnodes; v++) /* the makers' ids are indices */
			homes[n++] = plans[g]->homes[v];
	}
	assert_int_equal(n, o->m);
	assert_true(oracle_cost(o, homes, best->spill == 0, &cost));
	assert_int_equal(cost.spill, best->spill);
	assert_int_equal(cost.squeeze, best->squeeze);
	assert_int_equal(cost.distance, best->distance);
	assert_int_equal(cost.load_vcpus * best->load_cores, best->load_vcpus * cost.load_cores);
	if (best->spill > 0)
		return;
	assert_int_equal(cost.squares, best->squares);
	for (size_t v = 0; v < n; v++)
		assert_int_equal(homes[v], expected[v]);
}

enum outcome { ASTRAY, REFUSED, INFEASIBLE, PLANNED, SPILLED, SQUEEZED, N_OUTCOMES };

static enum outcome compare_with_oracle(const struct joint *j)
{
	const struct vn_guest *const *guests = (const struct vn_guest *const *)j->guests;
	struct vn_plan_options options = {.occupied = j->occupied};
	struct vn_plan *plans[GUESTS] = {NULL};
	struct oracle o;
	struct oracle_cost best;
	size_t homes[ORACLE_VNODES];
	vn_autoerror err = {0};

	oracle_make(&o, j->host, guests, GUESTS, j->occupied);
	int r = vn_plan_make_joint(j->host, guests, GUESTS, &options, plans, NULL, &err);
	if (oracle_refuses(&o)) {
		assert_int_equal(r, -EINVAL);
		assert_null(plans[0]);
		return REFUSED;
	}
	for (size_t i = 0; i < err.n; i++)
		print_error("%s\n", err.problems[i].text);
	assert_int_equal(r, 0);
	if (!oracle_has_room(&o) || !oracle_deals(&o) || !oracle_best(&o, NULL, homes, &best)) {
		for (size_t g = 0; g < GUESTS; g++)
			assert_false(plans[g]->feasible);
		free_plans(plans);
		return INFEASIBLE;
	}
	if (vn_notes_has(&plans[0]->reasons, "nodes-short")) {
		for (size_t g = 0; g < GUESTS; g++)
			assert_true(!plans[g]->feasible && vn_notes_has(&plans[g]->reasons, "nodes-short"));
		free_plans(plans);
		assert_true(best.spill > 0);
		return ASTRAY;
	}
	for (size_t g = 0; g < GUESTS; g++)
		assert_true(plans[g]->feasible && plans[g]->optimal);
	assert_best(&o, plans, homes, &best);
	if (best.spill == 0)
		assert_checked(j, plans);
	free_plans(plans);
	return best.spill > 0 ? SPILLED : best.squeeze > 0 ? SQUEEZED : PLANNED;
}

static void test_oracle(void **unused)
{
	uint64_t state = 20240229;
	unsigned outcomes[N_OUTCOMES] = {0};

	(void)unused;
	for (unsigned i = 0; i < CASES; i++) {
		struct joint j;
		joint_make(&j, &state);
		outcomes[compare_with_oracle(&j)]++;
		joint_clear(&j);
	}
	print_message("%u refused, %u infeasible, %u spilled, %u squeezed, %u neither\n", outcomes[REFUSED],
		outcomes[INFEASIBLE], outcomes[SPILLED], outcomes[SQUEEZED], outcomes[PLANNED]);
	for (enum outcome outcome = REFUSED; outcome < N_OUTCOMES; outcome++)
		assert_true(outcomes[outcome] > CASES / 100);
}

/* Some of their memory is dealt out as its user wants it: nobody else's home has that room. */
static void test_dealt(void **unused)
{
	uint64_t state = 1789;
	unsigned outcomes[N_OUTCOMES] = {0};

	(void)unused;
	for (unsigned i = 0; i < CASES / 2; i++) {
		struct joint j;
		joint_make(&j, &state);
		for (size_t g = 0; g < GUESTS; g++)
			random_dealt(&state, j.host, j.guests[g]);
		outcomes[compare_with_oracle(&j)]++;
		joint_clear(&j);
	}
	print_message("%u astray, %u refused, %u infeasible, %u spilled, %u squeezed, %u neither\n",
		outcomes[ASTRAY], outcomes[REFUSED], outcomes[INFEASIBLE], outcomes[SPILLED],
		outcomes[SQUEEZED], outcomes[PLANNED]);
	for (enum outcome outcome = 0; outcome < N_OUTCOMES; outcome++)
		assert_true(outcomes[outcome] > CASES / 200);
}

/* One guest alone is planned as ever. */
static void test_alone(void **unused)
{
	uint64_t state = 3;

	(void)unused;
	for (unsigned i = 0; i < 200; i++) {
		struct joint j;
		struct vn_plan *one = NULL, *joint = NULL;
		joint_make(&j, &state);
		const struct vn_guest *guest = j.guests[0];
		struct vn_plan_options options = {.occupied = j.occupied};
		int r = vn_plan_make(j.host, guest, &options, &one, NULL);
		assert_int_equal(vn_plan_make_joint(j.host, &guest, 1, &options, &joint, NULL, NULL), r);
		if (r == 0) {
			assert_int_equal(joint->feasible, one->feasible);
			for (size_t v = 0; v < guest->n_vnodes && one->feasible; v++)
				assert_int_equal(joint->homes[v], one->homes[v]);
		}
		vn_plan_free(one);
		vn_plan_free(joint);
		joint_clear(&j);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_oracle),
		cmocka_unit_test(test_dealt),
		cmocka_unit_test(test_alone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
