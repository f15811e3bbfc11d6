/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The planner against a mixed-integer program that glpsol solves: the first three levels of DESIGN section 4, one solve each,
 * where the later ones hold the earlier ones at what they came to.
 *
 * x(v,i) says that vnode v is at home on node i. s(i) and q(i) are the spill and the squeeze of a node. The distance has
 * products x(v,i) x(w,j); each becomes a variable y(v,i,w,j) that is never negative, and for every pair v < w
 *
 *     sum over j of y(v,i,w,j) = x(v,i)        sum over i of y(v,i,w,j) = x(w,j)
 *
 * Where x is 0 or 1 that leaves y no choice but the product. (So does y >= x + x - 1, of which there are fewer rows, but then
 * glpsol's relaxation is worth nothing and it takes minutes.)
 */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plan_oracle.h"
#include "plan_random.h"

#define CASES 500u
#define MAX_NODES 8
#define MAX_VNODES 6

struct milp {
	struct oracle o; /* for its figures alone: what each node has and each vnode wants */
	unsigned level; /* 1 to 3: what is minimised */
	int64_t spill, squeeze; /* known by then; units, vCPUs */
};

/* What x(v,i) x(w,j) costs, both ways. */
static int64_t pair_cost(const struct oracle *o, size_t v, size_t i, size_t w, size_t j)
{
	return o->vcpus[v] * o->mib[w] * o->distance[i][j] + o->vcpus[w] * o->mib[v] * o->distance[j][i];
}

static void write_distance(const struct oracle *o, FILE *out)
{
	for (size_t v = 0; v < o->m; v++) {
		for (size_t i = 0; i < o->n; i++) {
			int64_t alone = o->vcpus[v] * o->mib[v] * o->distance[i][i] + o->pull[v][i];
			fprintf(out, " + %lld x_%zu_%zu\n", (long long)alone, v, i);
			for (size_t w = v + 1; w < o->m; w++) {
				for (size_t j = 0; j < o->n; j++)
					fprintf(out, " + %lld y_%zu_%zu_%zu_%zu\n",
						(long long)pair_cost(o, v, i, w, j), v, i, w, j);
			}
		}
	}
}

static void write_sum(const struct oracle *o, char what, FILE *out)
{
	for (size_t i = 0; i < o->n; i++)
		fprintf(out, " + %c_%zu", what, i);
}

/* Each vnode has one home, and not where the user or the lack of cores forbids it. */
static void write_homes(const struct oracle *o, FILE *out)
{
	for (size_t v = 0; v < o->m; v++) {
		for (size_t i = 0; i < o->n; i++)
			fprintf(out, " + x_%zu_%zu", v, i);
		fprintf(out, " = 1\n");
		for (size_t i = 0; i < o->n; i++) {
			if ((o->vcpus[v] > 0 && o->cores[0][i] == 0) ||
				(o->home[v] >= 0 && o->home[v] != (int64_t)i))
				fprintf(out, " x_%zu_%zu = 0\n", v, i);
		}
	}
}

static void write_nodes(const struct oracle *o, FILE *out)
{
	for (size_t i = 0; i < o->n; i++) {
		int64_t left = o->cores[0][i] - o->load[i];
		for (size_t v = 0; v < o->m; v++)
			fprintf(out, " + %lld x_%zu_%zu", (long long)o->units[v], v, i);
		fprintf(out, " - s_%zu <= %lld\n", i, (long long)o->room[0][i]);
		if (o->cores[0][i] == 0)
			continue;
		for (size_t v = 0; v < o->m; v++)
			fprintf(out, " + %lld x_%zu_%zu", (long long)o->wants[v], v, i);
		fprintf(out, " - q_%zu <= %lld\n", i, (long long)left);
		for (size_t v = 0; v < o->m && o->exclusive[0]; v++)
			fprintf(out, " + %lld x_%zu_%zu", (long long)o->wants[v], v, i);
		if (o->exclusive[0])
			fprintf(out, " <= %lld\n", (long long)(left > 0 ? left : 0));
	}
}

static void write_products(const struct oracle *o, FILE *out)
{
	for (size_t v = 0; v < o->m; v++) {
		for (size_t w = v + 1; w < o->m; w++) {
			for (size_t i = 0; i < o->n; i++) {
				for (size_t j = 0; j < o->n; j++)
					fprintf(out, " + y_%zu_%zu_%zu_%zu", v, i, w, j);
				fprintf(out, " - x_%zu_%zu = 0\n", v, i);
				for (size_t j = 0; j < o->n; j++)
					fprintf(out, " + y_%zu_%zu_%zu_%zu", v, j, w, i);
				fprintf(out, " - x_%zu_%zu = 0\n", w, i);
			}
		}
	}
}

/* In the LP form of CPLEX, which glpsol reads. Variables are not negative unless said otherwise. */
static void write_milp(const struct milp *milp, FILE *out)
{
	const struct oracle *o = &milp->o;

	fprintf(out, "Minimize\n");
	if (milp->level < 3)
		write_sum(o, milp->level == 1 ? 's' : 'q', out);
	else
		write_distance(o, out);
	fprintf(out, "\nSubject To\n");
	write_homes(o, out);
	write_nodes(o, out);
	if (milp->level > 1) {
		write_sum(o, 's', out);
		fprintf(out, " <= %lld\n", (long long)milp->spill);
	}
	if (milp->level > 2) {
		write_sum(o, 'q', out);
		fprintf(out, " <= %lld\n", (long long)milp->squeeze);
		write_products(o, out);
	}
	fprintf(out, "Binary\n");
	for (size_t v = 0; v < o->m; v++) {
		for (size_t i = 0; i < o->n; i++)
			fprintf(out, " x_%zu_%zu\n", v, i);
	}
	fprintf(out, "End\n");
}

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
