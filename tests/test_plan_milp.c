/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The planner against mixed-integer programs that glpsol solves (plan_milp.h): the first three levels of DESIGN section 4. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "plan_milp.h"
#include "plan_random.h"

#define CASES 500u
#define MAX_NODES 8
#define MAX_VNODES 6

/*
 * The value of the line `s mip ROWS COLUMNS STATUS OBJECTIVE` of what glpsol wrote, where STATUS is o for optimal. Where there is
 * no solution it may write u for unknown, and says in its log that it does know.
 */
static bool read_solution(const char *solution, const char *log, int64_t *ret_value)
{
	FILE *in = fopen(solution, "r"), *said = fopen(log, "r");
	char line[256], status = 0;
	double value = 0;
	bool none = false;

	assert_non_null(in);
	assert_non_null(said);
	while (status == 0 && fgets(line, sizeof(line), in)) {
		if (sscanf(line, "s mip %*s %*s %c %lf", &status, &value) < 1)
			status = 0;
	}
	while (fgets(line, sizeof(line), said))
		none |= strstr(line, "NO PRIMAL FEASIBLE SOLUTION") ||
			strstr(line, "NO INTEGER FEASIBLE SOLUTION");
	fclose(in);
	fclose(said);
	assert_true(none || status == 'o');
	*ret_value = llround(value);
	assert_true(fabs(value - (double)*ret_value) < 1e-3);
	return !none;
}

/* False when glpsol proves that there is no solution. */
static bool solve(const struct milp *milp, const char *dir, int64_t *ret_value)
{
	vn_autofree char *model = NULL, *solution = NULL, *log = NULL, *command = NULL;

	assert_true(asprintf(&model, "%s/model", dir) > 0);
	assert_true(asprintf(&solution, "%s/solution", dir) > 0);
	assert_true(asprintf(&log, "%s/log", dir) > 0);
	assert_true(asprintf(&command, "exec glpsol --lp %s -w %s >%s 2>&1", model, solution, log) > 0);
	FILE *out = fopen(model, "w");
	assert_non_null(out);
	write_milp(milp, out);
	assert_int_equal(fclose(out), 0);
	assert_int_equal(system(command), 0); /* paths of our own, from mkdtemp */
	bool any = read_solution(solution, log, ret_value);
	unlink(model);
	unlink(solution);
	unlink(log);
	return any;
}

static bool compare_with_milp(struct milp *milp, const char *dir, const struct vn_plan *plan)
{
	int64_t distance = 0;

	milp->level = 1;
	if (!oracle_has_room(&milp->o) || !solve(milp, dir, &milp->spill)) {
		assert_false(plan->feasible);
		return false;
	}
	assert_true(plan->feasible && plan->optimal);
	assert_int_equal(plan->cost.spill, milp->spill * milp->o.unit[0] * (int64_t)VN_MIB);
	milp->level = 2;
	assert_true(solve(milp, dir, &milp->squeeze));
	assert_int_equal(plan->cost.squeeze, milp->squeeze);
	milp->level = 3;
	assert_true(solve(milp, dir, &distance));
	assert_true(plan->cost.distance == distance);
	return true;
}

/* Of those that can be had at all, which the oracle for the small ones looks after. */
static bool make_case(uint64_t *state, const char *dir, bool largest)
{
	vn_autohost *host = random_host(state, largest ? MAX_NODES : 2, MAX_NODES);
	vn_autooccupied *occupied = random_occupied(state, host);
	vn_autoguest *guest = random_guest(state, host, largest ? MAX_VNODES : 1, MAX_VNODES);
	struct vn_plan_options options = {.occupied = occupied};
	struct milp milp = {0};
	vn_autoplan *plan = NULL;

	oracle_make(&milp.o, host, (const struct vn_guest *const *)&guest, 1, occupied);
	if (oracle_refuses(&milp.o))
		return false;
	assert_int_equal(vn_plan_make(host, guest, &options, &plan, NULL), 0);
	return compare_with_milp(&milp, dir, plan);
}

static void test_milp(void **unused)
{
	char dir[] = "/tmp/vnuma-milp-XXXXXX";
	uint64_t state = 20250721;
	unsigned n = 0;

	(void)unused;
	if (system("command -v glpsol >/dev/null") != 0) {
		print_message("no glpsol here (Debian's glpk-utils)\n");
		skip();
	}
	assert_non_null(mkdtemp(dir));
	while (n < CASES)
		n += make_case(&state, dir, n % 5 == 0);
	assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_milp),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
