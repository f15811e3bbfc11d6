/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The planner against an oracle that tries all homes and knows nothing of the planner's code: DESIGN section
 * 4 written down once more, plainly. Then named cases, and plans bent in every way, which the check must
 * refuse.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "../src/plan/plan_make.h"
#include "host_maker.h"

#define MAX_NODES 4
#define MAX_VNODES 4

/* ---- The oracle ---- */

struct oracle {
	size_t n, m; /* nodes, vnodes */
	int64_t room[MAX_NODES], cores[MAX_NODES], load[MAX_NODES]; /* MiB, cores, vCPUs */
	int64_t distance[MAX_NODES][MAX_NODES];
	int64_t mib[MAX_VNODES], vcpus[MAX_VNODES], home[MAX_VNODES];
	bool exclusive, spread;
};

struct oracle_cost {
	int64_t spill, squeeze, distance, load_vcpus, load_cores, squares;
};

static struct oracle make_oracle(
	const struct vn_host *host, const struct vn_guest *guest, const struct vn_occupied *occupied)
{
	struct oracle o = {.n = host->n_nodes,
		.m = guest->n_vnodes,
		.exclusive = guest->exclusive_cores,
		.spread = guest->policy == VN_POLICY_SPREAD};

	for (size_t i = 0; i < o.n; i++) {
		const struct vn_host_node *node = &host->nodes[i];
		int64_t bytes = (int64_t)(node->memory_free + node->memory_reclaimable) -
				(int64_t)vn_occupied_promised(&occupied->nodes[i], 0);
		o.room[i] = bytes < 0 ? 0 : bytes >> 20;
		o.load[i] = (int64_t)occupied->nodes[i].load;
		for (size_t c = 0; c < host->n_cpus;
			c++) /* cores count by their first thread: the tests' hosts are regular */
			o.cores[i] += host->cpus[c].node == (int)i &&
				      hwloc_bitmap_first(host->cpus[c].siblings) == (int)host->cpus[c].id;
		for (size_t j = 0; j < o.n; j++)
			o.distance[i][j] = node->distances[j];
	}
	for (size_t v = 0; v < o.m; v++) {
		o.mib[v] = (int64_t)(guest->vnodes[v].memory >> 20);
		o.vcpus[v] = hwloc_bitmap_weight(guest->vnodes[v].vcpus);
		o.home[v] = guest->vnodes[v].home;
	}
	return o;
}

/* Two nodes that differ in name only. */
static bool oracle_twins(const struct oracle *o, size_t a, size_t b)
{
	bool same = o->room[a] == o->room[b] && o->cores[a] == o->cores[b] && o->load[a] == o->load[b] &&
		    o->distance[a][a] == o->distance[b][b] && o->distance[a][b] == o->distance[b][a];

	for (size_t k = 0; k < o->n; k++)
		same &= k == a || k == b ||
			(o->distance[a][k] == o->distance[b][k] && o->distance[k][a] == o->distance[k][b]);
	return same;
}

static size_t oracle_class(const struct oracle *o, size_t a)
{
	size_t b = 0;

	while (!oracle_twins(o, a, b) && a != b)
		b++;
	return b;
}

struct oracle_flow {
	const struct oracle *o;
	size_t n_sources, n_sinks, sources[MAX_NODES], sinks[MAX_NODES];
	int64_t excess[MAX_NODES], left[MAX_NODES], took[MAX_NODES];
	int64_t cost, best_cost, best_left[MAX_NODES]; /* by node */
};

/* All flows, the lexicographically largest first; the first of the cheapest stays. */
static void try_flows(struct oracle_flow *f, size_t i, size_t j)
{
	if (f->cost >= f->best_cost)
		return;
	if (i == f->n_sources) {
		f->best_cost = f->cost;
		memcpy(f->best_left, f->left, sizeof(f->left));
		return;
	}
	size_t s = f->sources[i];
	if (j == f->n_sinks) {
		if (f->excess[s] == 0)
			try_flows(f, i + 1, 0);
		return;
	}
	size_t t = f->sinks[j];
	int64_t most = f->excess[s] < f->left[t] ? f->excess[s] : f->left[t];
	for (int64_t x = most; x >= 0; x--) {
		f->excess[s] -= x;
		f->left[t] -= x;
		f->cost += x * f->o->distance[s][t];
		try_flows(f, i, j + 1);
		f->cost -= x * f->o->distance[s][t];
		f->excess[s] += x;
		f->left[t] += x;
	}
}

static bool sink_after(const struct oracle_flow *f, size_t a, size_t b)
{
	if (f->left[a] != f->left[b])
		return f->o->spread ? f->left[a] < f->left[b] : f->left[a] > f->left[b];
	if (oracle_class(f->o, a) != oracle_class(f->o, b))
		return oracle_class(f->o, a) > oracle_class(f->o, b);
	return a > b;
}

static bool source_after(const struct oracle_flow *f, size_t a, size_t b)
{
	if (oracle_class(f->o, a) != oracle_class(f->o, b))
		return oracle_class(f->o, a) > oracle_class(f->o, b);
	if (f->excess[a] != f->excess[b])
		return f->excess[a] < f->excess[b];
	return a > b;
}

static void bubble(
	struct oracle_flow *f, size_t *v, size_t n, bool (*after)(const struct oracle_flow *, size_t, size_t))
{
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j + 1 < n; j++) {
			if (after(f, v[j], v[j + 1])) {
				size_t t = v[j];
				v[j] = v[j + 1];
				v[j + 1] = t;
			}
		}
	}
}

static int64_t oracle_squares(const struct oracle *o, const int64_t *demand)
{
	struct oracle_flow f = {.o = o, .best_cost = INT64_MAX};
	int64_t sum = 0;

	for (size_t i = 0; i < o->n; i++) {
		if (demand[i] > o->room[i]) {
			f.excess[i] = demand[i] - o->room[i];
			f.sources[f.n_sources++] = i;
		} else {
			f.left[i] = o->room[i] - demand[i];
			f.sinks[f.n_sinks++] = i;
		}
	}
	bubble(&f, f.sources, f.n_sources, source_after);
	bubble(&f, f.sinks, f.n_sinks, sink_after);
	try_flows(&f, 0, 0);
	for (size_t i = 0; i < o->n; i++)
		sum += f.best_left[i] * f.best_left[i];
	return sum;
}

/* False when the homes are not allowed. */
static bool oracle_cost(const struct oracle *o, const size_t *homes, bool squares, struct oracle_cost *ret)
{
	int64_t demand[MAX_NODES] = {0}, vcpus[MAX_NODES] = {0};
	struct oracle_cost c = {.load_cores = 1};

	for (size_t v = 0; v < o->m; v++) {
		if ((o->home[v] >= 0 && o->home[v] != (int64_t)homes[v]) ||
			(o->vcpus[v] > 0 && o->cores[homes[v]] == 0))
			return false;
		demand[homes[v]] += o->mib[v];
		vcpus[homes[v]] += o->vcpus[v];
		for (size_t w = 0; w < o->m; w++)
			c.distance += o->vcpus[v] * o->mib[w] * o->distance[homes[v]][homes[w]];
	}
	for (size_t i = 0; i < o->n; i++) {
		int64_t busy = o->load[i] + vcpus[i];
		if (o->exclusive && vcpus[i] > 0 && busy > o->cores[i])
			return false;
		if (demand[i] > o->room[i])
			c.spill += (demand[i] - o->room[i]) << 20;
		if (o->cores[i] == 0)
			continue;
		if (busy > o->cores[i])
			c.squeeze += busy - o->cores[i];
		if (busy * c.load_cores > c.load_vcpus * o->cores[i]) {
			c.load_vcpus = busy;
			c.load_cores = o->cores[i];
		}
	}
	if (squares)
		c.squares = oracle_squares(o, demand);
	*ret = c;
	return true;
}

static int oracle_compare(
	const struct oracle *o, const struct oracle_cost *a, const struct oracle_cost *b, bool squares)
{
	const int64_t d[] = {a->spill - b->spill, a->squeeze - b->squeeze, a->distance - b->distance,
		a->load_vcpus * b->load_cores - b->load_vcpus * a->load_cores,
		squares ? (o->spread ? a->squares - b->squares : b->squares - a->squares) : 0};

	for (size_t i = 0; i < 5; i++) {
		if (d[i] != 0)
			return d[i] < 0 ? -1 : 1;
	}
	return 0;
}

static bool next_homes(const struct oracle *o, size_t *homes)
{
	for (size_t v = o->m; v-- > 0;) {
		if (++homes[v] < o->n)
			return true;
		homes[v] = 0;
	}
	return false;
}

/* The best homes, the first in lexicographic order; and the cheapest of those that cost more than `above`, if
 * given. */
static bool oracle_best(
	const struct oracle *o, const struct oracle_cost *above, size_t *ret_homes, struct oracle_cost *ret)
{
	size_t homes[MAX_VNODES] = {0};
	struct oracle_cost best, cost;
	bool any = false;

	do {
		if (!oracle_cost(o, homes, false, &cost) ||
			(any && oracle_compare(o, &cost, &best, false) > 0))
			continue;
		oracle_cost(o, homes, true, &cost);
		if ((any && oracle_compare(o, &cost, &best, true) >= 0) ||
			(above && oracle_compare(o, &cost, above, true) <= 0))
			continue;
		any = true;
		best = cost;
		memcpy(ret_homes, homes, sizeof(homes));
	} while (next_homes(o, homes));
	if (any)
		*ret = best;
	return any;
}

/* ---- Random cases ---- */

static struct vn_host *random_host(uint64_t *state, struct maker_taken *taken)
{
	struct maker_node nodes[MAX_NODES];
	size_t n = 2 + maker_pick(state, MAX_NODES - 1);
	bool even = maker_pick(state, 3) == 0;

	for (size_t i = 0; i < n; i++) {
		nodes[i].cores = maker_pick(state, 8) == 0 ? 0 : 1 + maker_pick(state, 6);
		nodes[i].free_mib = maker_pick(state, 8) == 0 ? 0 : 1 + maker_pick(state, 9);
		taken[i].load = maker_pick(state, 3) == 0 ? maker_pick(state, 4) : 0;
		taken[i].promised = maker_pick(state, 6) == 0 ? maker_pick(state, 3) * VN_MIB : 0;
		if (even) {
			nodes[i] = nodes[0];
			taken[i] = taken[0];
		}
	}
	nodes[maker_pick(state, (unsigned)n)].cores = 1 + maker_pick(state, 6);
	struct vn_host *host = make_host(n, nodes, 1 + maker_pick(state, 2), 20);
	unsigned shape = maker_pick(state, 3); /* all alike, symmetric, anything */
	for (size_t i = 0; i < n && shape > 0; i++) {
		for (size_t j = 0; j < n; j++) {
			uint32_t d = i == j ? 10 : 11 + 5 * maker_pick(state, 3);
			host->nodes[i].distances[j] = shape == 1 && j < i ? host->nodes[j].distances[i] : d;
		}
	}
	return host;
}

static struct vn_guest *random_guest(uint64_t *state, const struct vn_host *host)
{
	struct maker_vnode vnodes[MAX_VNODES];
	size_t m = 1 + maker_pick(state, MAX_VNODES);
	bool even = maker_pick(state, 3) == 0;

	for (size_t v = 0; v < m; v++) {
		vnodes[v] = (struct maker_vnode){1 + maker_pick(state, 6), maker_pick(state, 4), -1};
		if (maker_pick(state, 8) == 0)
			vnodes[v].home = (int)maker_pick(state, (unsigned)host->n_nodes);
		if (even)
			vnodes[v] = (struct maker_vnode){vnodes[0].mib, 1 + vnodes[0].vcpus, -1};
	}
	vnodes[0].vcpus += vnodes[0].vcpus == 0;
	struct vn_guest *guest = make_guest(m, vnodes);
	guest->policy = maker_pick(state, 2) ? VN_POLICY_SPREAD : VN_POLICY_PACK;
	guest->exclusive_cores = maker_pick(state, 4) == 0;
	guest->memory_policy = maker_pick(state, 2) ? VN_MEMORY_STRICT : VN_MEMORY_PREFERRED;
	return guest;
}

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
	int64_t room = 0, need = 0;

	for (size_t i = 0; i < o->n; i++)
		room += o->room[i];
	for (size_t v = 0; v < o->m; v++)
		need += o->mib[v];
	assert_false(plan->feasible);
	assert_true(plan->reasons.n > 0);
	assert_string_equal(plan->reasons.v[0].code, need > room ? "memory-short" : "cores-short");
}

/* 1: planned, 0: infeasible, -1: refused. */
static int compare_with_oracle(
	const struct vn_host *host, const struct vn_guest *guest, const struct vn_occupied *occupied)
{
	struct vn_plan_options options = {.occupied = occupied, .runner_up = true};
	struct oracle o = make_oracle(host, guest, occupied);
	struct oracle_cost best, next;
	size_t homes[MAX_VNODES], next_best[MAX_VNODES];
	vn_autoplan *plan = NULL;
	vn_autoerror err = {0};
	int64_t room = 0, need = 0;

	for (size_t v = 0; v < o.m; v++) {
		need += o.mib[v];
		if (o.home[v] < 0 || o.vcpus[v] == 0 || o.cores[o.home[v]] > 0)
			continue;
		assert_int_equal(vn_plan_make(host, guest, &options, &plan, &err), -EINVAL);
		return -1;
	}
	for (size_t i = 0; i < o.n; i++)
		room += o.room[i];
	assert_int_equal(vn_plan_make(host, guest, &options, &plan, &err), 0);
	assert_true(plan->optimal);
	if (need > room || !oracle_best(&o, NULL, homes, &best)) {
		assert_no_plan(&o, plan);
		assert_int_equal(vn_plan_check(host, guest, &options, plan, &err), 0);
		return 0;
	}
	assert_true(plan->feasible);
	assert_cost(&plan->cost, &best);
	for (size_t v = 0; v < o.m; v++)
		assert_int_equal(plan->homes[v], homes[v]);
	assert_int_equal(plan->has_runner_up, oracle_best(&o, &best, next_best, &next));
	for (size_t v = 0; v < o.m && plan->has_runner_up; v++)
		assert_int_equal(plan->runner_up_homes[v], next_best[v]);
	if (plan->has_runner_up)
		assert_cost(&plan->runner_up_cost, &next);
	int r = vn_plan_check(host, guest, &options, plan, &err);
	for (size_t i = 0; i < err.n; i++)
		print_error("check: %s\n", err.problems[i].text);
	assert_int_equal(r, 0);
	return 1;
}

static void test_oracle(void **unused)
{
	uint64_t state = 20131113;
	unsigned outcomes[3] = {0};

	(void)unused;
	for (unsigned i = 0; i < 20000; i++) {
		struct maker_taken taken[MAX_NODES] = {0};
		vn_autohost *host = random_host(&state, taken);
		vn_autooccupied *occupied = make_occupied(host, taken);
		vn_autoguest *guest = random_guest(&state, host);
		outcomes[1 + compare_with_oracle(host, guest, occupied)]++;
	}
	/* The cases are worth something only if each outcome is well represented. */
	assert_true(outcomes[0] > 50 && outcomes[1] > 300 && outcomes[2] > 3000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_oracle),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
