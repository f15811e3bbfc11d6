/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Traces, the account of a host, the rules by which guests are placed, and the replay of one through the other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* before cmocka */
#include <cmocka.h>

#include "../src/simulate/replay.h"
#include "../src/simulate/synthetic.h"
#include "host_maker.h"

static struct vn_host *plain_host(size_t n, unsigned cores, uint64_t mib)
{
	struct maker_node nodes[32];

	for (size_t i = 0; i < n; i++)
		nodes[i] = (struct maker_node){cores, mib};
	return make_host(n, nodes, 1, 20);
}

static struct vn_trace_guest guest_of(unsigned vcpus, uint64_t mib, unsigned vnodes)
{
	return (struct vn_trace_guest){.vcpus = vcpus, .mib = mib, .vnodes = vnodes};
}

/* ---- the account ---- */

static void test_stock(void **state)
{
	vn_autohost *host = plain_host(2, 4, 1000);
	vn_autostock *stock = vn_stock_new(host);
	struct vn_placement placement = {0};

	(void)state;
	assert_int_equal(stock->cores, 8);
	assert_int_equal(stock->mib, 2000);
	assert_int_equal(stock->most_cores, 4);
	assert_int_equal(stock->most_mib, 1000);
	assert_int_equal(vn_placement_add(&placement, 1, 1, 512), 0);
	assert_int_equal(vn_placement_add(&placement, 0, 1, 256), 0);
	assert_int_equal(vn_placement_add(&placement, 0, 5, 256), 0);
	assert_int_equal(placement.n, 2);
	assert_int_equal(placement.portions[0].node, 0);
	assert_int_equal(placement.portions[0].vcpus, 6);
	assert_int_equal(placement.portions[0].mib, 512);
	/* half of the memory is near whoever looks */
	assert_int_equal(vn_stock_mean_distance(stock, &placement), 15000);
	assert_true(vn_stock_fits(stock, &placement));
	vn_stock_take(stock, &placement);
	assert_int_equal(vn_stock_squeeze(stock), 2);
	assert_int_equal(stock->free, 976);
	assert_int_equal(vn_stock_stranded(stock, 1, 488), 488); /* node 0 has no core left */
	assert_int_equal(vn_stock_stranded(stock, 1, 489), 976); /* and node 1 not the memory */
	assert_int_equal(vn_stock_stranded(stock, 4, 1), 976); /* nor four cores */
	assert_false(vn_stock_fits(stock, &placement));
	vn_stock_give_back(stock, &placement);
	assert_int_equal(stock->free, 2000);
	assert_int_equal(stock->load, 0);
	assert_int_equal(vn_stock_squeeze(stock), 0);
	vn_placement_clear(&placement);
}

static void test_empty_host(void **state)
{
	vn_autohost *host = plain_host(2, 4, 1000);

	(void)state;
	host->nodes[0].memory_free = 3 * VN_MIB; /* something ran there */
	host->nodes[1].hugepools = maker_alloc(1, sizeof(struct vn_hugepool));
	host->nodes[1].n_hugepools = 1;
	host->nodes[1].hugepools[0] = (struct vn_hugepool){.size = 2 * VN_MIB, .total = 100, .free = 100};
	host->nodes[1].memory_reclaimable = 5 * VN_MIB;
	vn_stock_empty_host(host);
	vn_autostock *stock = vn_stock_new(host);
	assert_int_equal(stock->nodes[0].free, 1000);
	assert_int_equal(stock->nodes[1].free, 800);
	assert_int_equal(host->nodes[1].memory_reclaimable, 0);
}

/* ---- the rules ---- */

/* A rule with a host of its own. */
struct bench {
	struct vn_host *host;
	struct vn_stock *stock;
	const struct vn_rule *rule;
	void *self;
};

static struct bench set_up(struct vn_host *host, const struct vn_rule *rule)
{
	struct bench bench = {host, vn_stock_new(host), rule, NULL};

	assert_non_null(bench.stock);
	if (rule->open)
		assert_int_equal(rule->open(bench.stock, 7, &bench.self), 0);
	return bench;
}

static void tear_down(struct bench *bench)
{
	if (bench->rule->close)
		bench->rule->close(bench->self);
	vn_stock_free(bench->stock);
	vn_host_free(bench->host);
}

/* Places and takes; the caller clears. */
static int put(struct bench *bench, struct vn_trace_guest guest, struct vn_placement *ret)
{
	*ret = (struct vn_placement){0};
	int r = bench->rule->place(bench->self, bench->stock, &guest, ret);
	if (r == 0) {
		assert_true(vn_stock_fits(bench->stock, ret));
		vn_stock_take(bench->stock, ret);
	}
	return r;
}

static void take_away(struct bench *bench, struct vn_placement *placement)
{
	if (bench->rule->depart)
		bench->rule->depart(bench->self, placement);
	vn_stock_give_back(bench->stock, placement);
	vn_placement_clear(placement);
}

static void test_first_fit_permutes(void **state)
{
	struct maker_node nodes[] = {{4, 500}, {4, 501}};
	struct bench bench = set_up(make_host(2, nodes, 1, 20), &vn_rule_first_fit);
	struct vn_placement placement;

	(void)state;
	/* vnode 0 has the odd MiB, which only node 1 has: nodes 1 0 */
	assert_int_equal(put(&bench, guest_of(3, 1001, 2), &placement), 0);
	assert_int_equal(placement.portions[0].mib, 500);
	assert_int_equal(placement.portions[0].vcpus, 1);
	assert_int_equal(placement.portions[1].mib, 501);
	assert_int_equal(placement.portions[1].vcpus, 2);
	take_away(&bench, &placement);
	/* one guest cell a host cell */
	assert_int_equal(put(&bench, guest_of(3, 900, 3), &placement), -ENOSPC);
	assert_int_equal(put(&bench, guest_of(2, 1002, 2), &placement), -ENOSPC);
	/* a cell of more vCPUs than the host's has CPUs */
	assert_int_equal(put(&bench, guest_of(5, 10, 1), &placement), -ENOSPC);
	tear_down(&bench);
}

static void test_first_fit_sorts(void **state)
{
	struct maker_node nodes[] = {{4, 500}, {4, 600}, {4, 700}};
	struct bench bench = set_up(make_host(3, nodes, 1, 20), &vn_rule_first_fit);
	struct vn_placement first, second, third;

	(void)state;
	assert_int_equal(put(&bench, guest_of(2, 100, 1), &first), 0);
	assert_int_equal(first.portions[0].node, 2); /* none is used: most memory */
	assert_int_equal(put(&bench, guest_of(1, 100, 1), &second), 0);
	assert_int_equal(second.portions[0].node, 1); /* fewest vCPUs, though both have 600 */
	assert_int_equal(put(&bench, guest_of(1, 550, 1), &third), 0);
	assert_int_equal(third.portions[0].node, 2); /* the next one that fits */
	take_away(&bench, &first);
	take_away(&bench, &second);
	take_away(&bench, &third);
	tear_down(&bench);
}

/* Every permutation in the order of itertools, without going back early. */
static bool all_permutations(
	const struct vn_stock *stock, const struct vn_trace_guest *guest, uint32_t *nodes, uint32_t *chosen)
{
	size_t n = stock->n, total = 1;

	for (size_t i = 0; i < guest->vnodes; i++)
		total *= n;
	for (size_t code = 0; code < total; code++) {
		size_t rest = code, divisor = total;
		bool ok = true;
		for (unsigned v = 0; v < guest->vnodes; v++) {
			divisor /= n;
			uint32_t node = nodes[rest / divisor];
			rest %= divisor;
			for (unsigned w = 0; w < v; w++)
				ok = ok && chosen[w] != node;
			chosen[v] = node;
			ok = ok && stock->nodes[node].free >= vn_trace_vnode_mib(guest, v) &&
			     stock->nodes[node].cores >= vn_trace_vnode_vcpus(guest, v);
		}
		if (ok)
			return true;
	}
	return false;
}

static void test_first_fit_oracle(void **state)
{
	uint64_t random = 11;
	size_t fits = 0;

	(void)state;
	for (int round = 0; round < 3000; round++) {
		size_t n = 1 + maker_pick(&random, 5);
		struct maker_node nodes[5];
		uint32_t sorted[5], chosen[5];
		for (size_t i = 0; i < n; i++)
			nodes[i] =
				(struct maker_node){1 + maker_pick(&random, 4), 1 + maker_pick(&random, 6)};
		struct bench bench = set_up(make_host(n, nodes, 1, 20), &vn_rule_first_fit);
		for (size_t i = 0; i < n; i++)
			bench.stock->nodes[i].load = maker_pick(&random, 3);
		unsigned vnodes = 1 + maker_pick(&random, (unsigned)n);
		struct vn_trace_guest guest =
			guest_of(vnodes + maker_pick(&random, 6), vnodes + maker_pick(&random, 10), vnodes);
		for (size_t i = 0; i < n; i++) /* by selection, as another way to sort */
			sorted[i] = (uint32_t)i;
		for (size_t i = 0; vnodes < n && i < n; i++) {
			for (size_t k = n - 1; k > i; k--) {
				const struct vn_stock_node *a = &bench.stock->nodes[sorted[k]];
				const struct vn_stock_node *b = &bench.stock->nodes[sorted[k - 1]];
				if (a->load < b->load || (a->load == b->load && a->free > b->free)) {
					uint32_t swap = sorted[k];
					sorted[k] = sorted[k - 1];
					sorted[k - 1] = swap;
				}
			}
		}
		struct vn_placement placement;
		bool expected = all_permutations(bench.stock, &guest, sorted, chosen);
		assert_int_equal(put(&bench, guest, &placement), expected ? 0 : -ENOSPC);
		for (unsigned v = 0; expected && v < vnodes; v++) {
			bool found = false;
			for (size_t i = 0; i < placement.n; i++)
				found |= placement.portions[i].node == chosen[v] &&
					 placement.portions[i].mib == vn_trace_vnode_mib(&guest, v);
			assert_true(found);
		}
		fits += expected;
		vn_placement_clear(&placement);
		tear_down(&bench);
	}
	assert_in_range(fits, 500, 2500);
}

static void test_fewest_nodes(void **state)
{
	struct maker_node nodes[] = {{4, 500}, {4, 600}, {4, 600}, {4, 550}};
	struct bench bench = set_up(make_host(4, nodes, 1, 20), &vn_rule_fewest_nodes);
	struct vn_placement first, second, third, fourth;

	(void)state;
	/* of single nodes, all without vCPUs, the one with most memory, and of equals the first */
	assert_int_equal(put(&bench, guest_of(2, 100, 1), &first), 0);
	assert_int_equal(first.n, 1);
	assert_int_equal(first.portions[0].node, 1);
	/* fewer vCPUs come before more memory */
	assert_int_equal(put(&bench, guest_of(1, 10, 1), &second), 0);
	assert_int_equal(second.portions[0].node, 2);
	/* 1000 MiB: no single node. Pairs: 0+3 has no vCPU, and 1050 MiB */
	assert_int_equal(put(&bench, guest_of(6, 1001, 4), &third), 0);
	assert_int_equal(third.n, 2);
	assert_int_equal(third.portions[0].node, 0);
	assert_int_equal(third.portions[1].node, 3);
	/* evenly, but node 0 has no more than 500 */
	assert_int_equal(third.portions[0].mib, 500);
	assert_int_equal(third.portions[1].mib, 501);
	assert_int_equal(third.portions[0].vcpus, 3);
	assert_int_equal(third.portions[1].vcpus, 3);
	/* its six vCPUs may run on both: nodes 0 and 3 count six each, 1 counts two, 2 counts one */
	assert_int_equal(put(&bench, guest_of(1, 10, 1), &fourth), 0);
	assert_int_equal(fourth.portions[0].node, 2);
	take_away(&bench, &third);
	take_away(&bench, &fourth);
	/* gone again: 0 is free, and 3 has more memory */
	assert_int_equal(put(&bench, guest_of(1, 10, 1), &fourth), 0);
	assert_int_equal(fourth.portions[0].node, 3);
	/* more vCPUs than a node has CPUs: two nodes */
	assert_int_equal(put(&bench, guest_of(5, 10, 1), &third), 0);
	assert_int_equal(third.n, 2);
	take_away(&bench, &third);
	assert_int_equal(put(&bench, guest_of(1, 5000, 1), &third), -ENOSPC);
	take_away(&bench, &first);
	take_away(&bench, &second);
	take_away(&bench, &fourth);
	tear_down(&bench);
}

static void test_fewest_nodes_on_many(void **state)
{
	struct bench bench = set_up(plain_host(17, 2, 100), &vn_rule_fewest_nodes);
	struct vn_placement placement;

	(void)state;
	assert_int_equal(put(&bench, guest_of(1, 34, 1), &placement), 0);
	assert_int_equal(placement.n, 17); /* libxl gives up: all nodes */
	assert_int_equal(placement.portions[16].mib, 2);
	take_away(&bench, &placement);
	tear_down(&bench);
}

static void test_random_fits(void **state)
{
	struct maker_node nodes[] = {{4, 500}, {4, 90}, {4, 500}, {0, 500}};
	struct bench bench = set_up(make_host(4, nodes, 1, 20), &vn_rule_random);
	unsigned seen[4] = {0};

	(void)state;
	for (int i = 0; i < 300; i++) {
		struct vn_placement placement;
		assert_int_equal(put(&bench, guest_of(1, 100, 1), &placement), 0);
		seen[placement.portions[0].node]++;
		take_away(&bench, &placement);
	}
	assert_in_range(seen[0], 100, 200);
	assert_int_equal(seen[1], 0);
	assert_in_range(seen[2], 100, 200);
	assert_int_equal(seen[3], 0); /* no core */
	tear_down(&bench);
}

static void test_ours(void **state)
{
	struct maker_node nodes[] = {{4, 500}, {4, 600}, {4, 2000}, {4, 700}};
	struct bench bench = set_up(make_host(4, nodes, 1, 20), &vn_rule_ours);
	struct vn_placement placement, other;

	(void)state;
	assert_int_equal(put(&bench, guest_of(4, 1500, 1), &placement), 0);
	assert_int_equal(placement.n, 1);
	assert_int_equal(placement.portions[0].node, 2);
	/* what is placed is counted: another of that size has to be split, and no core is shared */
	assert_int_equal(put(&bench, guest_of(4, 1100, 1), &other), 0);
	assert_int_equal(vn_stock_squeeze(bench.stock), 0);
	assert_true(other.n > 1);
	take_away(&bench, &other);
	take_away(&bench, &placement);
	assert_int_equal(put(&bench, guest_of(4, 1500, 1), &placement), 0);
	assert_int_equal(placement.n, 1);
	take_away(&bench, &placement);
	assert_int_equal(put(&bench, guest_of(1, 3801, 1), &placement), -ENOSPC);
	tear_down(&bench);
}

/* ---- traces ---- */

#define HEADER "time,event,name,vcpus,memory_mib\n"
#define HEADER_VNODES "time,event,name,vcpus,memory_mib,vnodes\n"

static void test_trace_reads(void **state)
{
	vn_autotrace *trace = NULL;
	vn_autoerror err = {0};

	(void)state;
	assert_int_equal(
		vn_trace_parse("# made by hand\n" HEADER_VNODES "0,arrive,a,4,8192,2\r\n\n5,arrive,b,8,100,\n"
			       "5,depart,a\n5,arrive,a,1,1\n9,depart,b,,,\n",
			"t.csv", &trace, &err),
		0);
	assert_int_equal(trace->n_events, 5);
	assert_int_equal(trace->n_guests, 3); /* the second `a` is another guest */
	assert_int_equal(trace->guests[0].vnodes, 2);
	assert_int_equal(trace->guests[0].departure, 5);
	assert_int_equal(trace->guests[1].vnodes, 0);
	assert_int_equal(vn_trace_settle(trace, 50, 4), 0);
	assert_int_equal(trace->guests[0].vnodes, 2); /* as told */
	assert_int_equal(trace->guests[1].vnodes, 2); /* 100 MiB of 50, 8 vCPUs of 4 */
	assert_int_equal(trace->guests[2].departure, 9); /* never departs */
	assert_int_equal(trace->median_vcpus, 4);
	assert_int_equal(trace->median_mib, 100);
	assert_int_equal(vn_trace_vnode_mib(&trace->guests[0], 0), 4096);
	assert_int_equal(err.n, 0);
}

static void test_trace_refuses(void **state)
{
	static const struct {
		const char *text, *key, *has;
		unsigned line;
	} cases[] = {
		{"", NULL, "no guest arrives", 0},
		{HEADER, NULL, "no guest arrives", 0},
		{"0,arrive,a,1,1\n", NULL, "expected the header", 1},
		{"time,event,name\n", NULL, "expected the header", 1},
		{HEADER "0,arrive\n", NULL, "2 fields", 2},
		{HEADER "0,arrive,a,1,1,1\n", NULL, "6 fields", 2},
		{HEADER_VNODES "0,arrive,a,1,1,1,1,1\n", NULL, "more than 6 fields", 2},
		{HEADER "-1,arrive,a,1,1\n", "time", "'-1' seen", 2},
		{HEADER "1.5,arrive,a,1,1\n", "time", "'1.5' seen", 2},
		{HEADER "99999999999999999999,arrive,a,1,1\n", "time", "whole number from 0 to", 2},
		{HEADER "5,arrive,a,1,1\n4,depart,a\n", "time", "4 seen; expected at least 5", 3},
		{HEADER "0,come,a,1,1\n", "event", "'come' seen", 2},
		{HEADER "0,arrive,,1,1\n", "name", "'' seen", 2},
		{HEADER "0,arrive,a b,1,1\n", "name", "'a b' seen", 2},
		{HEADER "0,arrive,\xc3\xa4,1,1\n", "name", "'?\?' seen", 2},
		{HEADER "0,arrive,\x1b[31m,1,1\n", "name", "'?[31m' seen", 2},
		{HEADER "0,arrive,a,0,1\n", "vcpus", "'0' seen; expected a whole number from 1 to 1024", 2},
		{HEADER "0,arrive,a,1025,1\n", "vcpus", "'1025' seen", 2},
		{HEADER "0,arrive,a,,1\n", "vcpus", "'' seen", 2},
		{HEADER "0,arrive,a,1\n", "memory_mib", "'' seen", 2},
		{HEADER "0,arrive,a,1,0\n", "memory_mib", "'0' seen", 2},
		{HEADER "0,arrive,a,1,9223372036854775808\n", "memory_mib", "'9223372036854775808' seen", 2},
		{HEADER_VNODES "0,arrive,a,2,9,3\n", "vnodes",
			"'3' seen; expected a whole number from 1 to 2", 2},
		{HEADER_VNODES "0,arrive,a,2,1,2\n", "vnodes", "from 1 to 1", 2},
		{HEADER "0,arrive,a,1,1\n0,arrive,a,1,1\n", "name", "'a' arrives, and is here already", 3},
		{HEADER "0,arrive,a,1,1\n0,depart,b\n", "name", "'b' departs, and is not here", 3},
		{HEADER "0,arrive,a,1,1\n0,depart,a\n1,depart,a\n", "name", "not here", 4},
		{HEADER "0,arrive,a,1,1\n0,depart,a,1,\n", "vcpus", "'1' seen; expected nothing", 3},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		vn_autotrace *trace = NULL;
		vn_autoerror err = {0};
		assert_int_equal(vn_trace_parse(cases[i].text, "t.csv", &trace, &err), -EINVAL);
		assert_null(trace);
		assert_int_equal(err.n, 1);
		assert_string_equal(err.problems[0].file, "t.csv");
		assert_int_equal(err.problems[0].line, cases[i].line);
		if (cases[i].key)
			assert_string_equal(err.problems[0].key, cases[i].key);
		if (!strstr(err.problems[0].text, cases[i].has))
			fail_msg("case %zu: '%s' lacks '%s'", i, err.problems[0].text, cases[i].has);
	}
}

static void test_trace_tells_all(void **state)
{
	vn_autotrace *trace = NULL;
	vn_autoerror err = {0};
	char text[4096] = HEADER "x,come,,0,0\n";

	(void)state;
	assert_int_equal(vn_trace_parse(text, "t.csv", &trace, &err), -EINVAL);
	assert_int_equal(err.n, 3); /* time, event, name: what it wants is not known */
	vn_error_clear(&err);
	for (int i = 0; i < 30; i++)
		strcat(text, "0,depart,nobody\n");
	assert_int_equal(vn_trace_parse(text, "t.csv", &trace, &err), -EINVAL);
	assert_int_equal(err.n, 21);
	assert_non_null(strstr(err.problems[20].text, "13 more problems"));
}

static void test_synthetic(void **state)
{
	struct vn_host *host = plain_host(8, 32, 131072);
	vn_autostock *stock = vn_stock_new(host);
	vn_autotrace *a = NULL, *b = NULL, *c = NULL;
	vn_autoerror err = {0};

	(void)state;
	assert_int_equal(vn_trace_synthesize(stock, 1, 20000, 80, &a, &err), 0);
	assert_int_equal(vn_trace_synthesize(stock, 1, 20000, 80, &b, &err), 0);
	assert_int_equal(vn_trace_synthesize(stock, 2, 20000, 80, &c, &err), 0);
	assert_int_equal(a->n_events, 20000);
	assert_int_equal(a->n_guests, b->n_guests);
	assert_memory_equal(a->guests, b->guests, a->n_guests * sizeof(*a->guests));
	assert_memory_not_equal(a->guests, c->guests, 100 * sizeof(*a->guests));
	/* what every machine must come to */
	uint64_t sum = 0;
	for (size_t i = 0; i < a->n_guests; i++)
		sum = sum * 31 + a->guests[i].vcpus + a->guests[i].mib + a->guests[i].arrival * 7 +
		      (a->guests[i].departure == UINT64_MAX ? 0 : a->guests[i].departure);
	assert_int_equal(sum, UINT64_C(0x89e20e6036b2fce2));
	uint64_t time = 0;
	unsigned __int128 asked = 0, memory = 0;
	for (size_t i = 0; i < a->n_events; i++) {
		assert_true(a->events[i].time >= time);
		time = a->events[i].time;
		if (!a->events[i].arrives)
			assert_true(a->guests[a->events[i].guest].arrival < time);
	}
	assert_int_equal(vn_trace_settle(a, stock->most_mib, stock->most_cores), 0);
	for (size_t i = 0; i < a->n_guests; i++) {
		const struct vn_trace_guest *guest = &a->guests[i];
		assert_in_range(guest->vcpus, 2, 128);
		asked += (unsigned __int128)guest->vcpus * (guest->departure - guest->arrival);
		memory += (unsigned __int128)guest->mib * (guest->departure - guest->arrival);
	}
	/* the scarcer is asked for as much as was wanted, within what chance does */
	uint64_t cores = (uint64_t)(asked * 100 / time / stock->cores);
	uint64_t mib = (uint64_t)(memory * 100 / time / stock->mib);
	assert_in_range(cores > mib ? cores : mib, 68, 92);
	vn_host_free(host);
}

static void test_synthetic_small_host(void **state)
{
	struct vn_host *host = plain_host(1, 2, 1000);
	vn_autostock *stock = vn_stock_new(host);
	vn_autotrace *trace = NULL;
	vn_autoerror err = {0};

	(void)state;
	assert_int_equal(vn_trace_synthesize(stock, 1, 10, 100, &trace, &err), -EINVAL);
	assert_int_equal(err.n, 1);
	vn_host_free(host);
}

/* ---- replay ---- */

static void replay_text(struct vn_host *host, const char *text, const struct vn_rule *rule,
	unsigned overcommit, struct vn_replay *ret)
{
	vn_autotrace *trace = NULL;
	vn_autoerror err = {0};
	struct vn_replay_options options = {overcommit, 1};

	assert_int_equal(vn_trace_parse(text, "t.csv", &trace, &err), 0);
	vn_autostock *stock = vn_stock_new(host);
	assert_int_equal(vn_trace_settle(trace, stock->most_mib, stock->most_cores), 0);
	assert_int_equal(vn_replay(host, trace, rule, &options, ret, &err), 0);
}

static void test_replay(void **state)
{
	vn_autohost *host = plain_host(2, 4, 1000);
	static const char text[] = HEADER "0,arrive,a,4,900\n0,arrive,b,4,900\n10,arrive,c,1,10\n"
					  "10,depart,a\n20,arrive,d,5,500\n30,arrive,e,2,1200\n40,depart,d\n";

	(void)state;
	for (size_t i = 0; vn_rules[i]; i++) {
		struct vn_replay replay = {0};
		replay_text(host, text, vn_rules[i], 100, &replay);
		assert_int_equal(replay.arrivals, 5);
		/* c finds 8 vCPUs of 8; d would make 9; e needs more memory than is left */
		assert_int_equal(replay.accepted + replay.rejected, 5);
		assert_int_equal(replay.rejected_by_limit, 2);
		assert_int_equal(replay.distances[2], 0);
		assert_int_equal(replay.distances[3], 0);
		assert_int_equal(replay.n_samples, 7);
		assert_int_equal(replay.samples[6].event, 7);
		vn_replay_clear(&replay);
	}
	struct vn_replay twice = {0};
	replay_text(host, text, &vn_rule_ours, 200, &twice);
	assert_int_equal(twice.rejected_by_limit, 0);
	vn_replay_clear(&twice);
}

static void test_replay_figures(void **state)
{
	vn_autohost *host = plain_host(2, 4, 1000);
	/* one guest of two vnodes on both nodes for 10 s, then nobody for 30 s, then one for 10 s */
	static const char text[] =
		HEADER_VNODES "0,arrive,a,8,1600,2\n10,depart,a\n40,arrive,b,2,100,1\n50,depart,b\n";
	struct vn_replay replay = {0};

	(void)state;
	replay_text(host, text, &vn_rule_first_fit, 100, &replay);
	assert_int_equal(replay.accepted, 2);
	assert_int_equal(replay.distances[0], 15000);
	assert_int_equal(replay.distances[1], 10000);
	/* (8 x 11 x 15 + 2 x 11 x 10) / (10 x 11) */
	assert_int_equal(replay.distance, 14000);
	assert_int_equal(replay.accepted_time, 1000000);
	assert_int_equal(replay.squeeze_max, 0);
	/* the median guest has 8 vCPUs, more than a node: all is stranded, 10 x 400 + 30 x 2000 + 10 x 1900 over 50 s */
	assert_int_equal(replay.free_mean, 1660);
	assert_int_equal(replay.stranded_mean, 1660);
	vn_replay_clear(&replay);
}

static void test_replay_common(void **state)
{
	struct vn_trace_guest guests[] = {{.vcpus = 1, .departure = 9}, {.vcpus = 3, .departure = 9}};
	struct vn_trace trace = {.n_guests = 2, .guests = guests};
	uint32_t first[] = {12000, 10000}, second[] = {11000, 0};
	struct vn_replay replays[] = {{.distances = first}, {.distances = second}};
	uint64_t distances[2];

	(void)state;
	assert_int_equal(vn_replay_common(&trace, replays, 2, distances), 1);
	assert_int_equal(distances[0], 12000);
	assert_int_equal(distances[1], 11000);
	assert_int_equal(vn_replay_common(&trace, replays, 1, distances), 2);
	assert_int_equal(distances[0], 10500);
}

/* The same trace and seed come to the same figures, and never to more samples than promised. */
static void test_replay_again(void **state)
{
	vn_autohost *host = plain_host(4, 16, 65536);
	vn_autostock *stock = vn_stock_new(host);
	vn_autotrace *trace = NULL;
	vn_autoerror err = {0};
	struct vn_replay_options options = {100, 3};

	(void)state;
	assert_int_equal(vn_trace_synthesize(stock, 3, 2500, 110, &trace, &err), 0);
	assert_int_equal(vn_trace_settle(trace, stock->most_mib, stock->most_cores), 0);
	for (size_t i = 0; vn_rules[i]; i++) {
		struct vn_replay a = {0}, b = {0};
		assert_int_equal(vn_replay(host, trace, vn_rules[i], &options, &a, &err), 0);
		assert_int_equal(vn_replay(host, trace, vn_rules[i], &options, &b, &err), 0);
		assert_int_equal(a.n_samples, b.n_samples);
		assert_in_range(a.n_samples, 500, VN_REPLAY_SAMPLES);
		assert_memory_equal(a.samples, b.samples, a.n_samples * sizeof(*a.samples));
		assert_memory_equal(a.distances, b.distances, trace->n_guests * sizeof(*a.distances));
		vn_replay_clear(&a);
		vn_replay_clear(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stock),
		cmocka_unit_test(test_empty_host),
		cmocka_unit_test(test_first_fit_permutes),
		cmocka_unit_test(test_first_fit_sorts),
		cmocka_unit_test(test_first_fit_oracle),
		cmocka_unit_test(test_fewest_nodes),
		cmocka_unit_test(test_fewest_nodes_on_many),
		cmocka_unit_test(test_random_fits),
		cmocka_unit_test(test_ours),
		cmocka_unit_test(test_trace_reads),
		cmocka_unit_test(test_trace_refuses),
		cmocka_unit_test(test_trace_tells_all),
		cmocka_unit_test(test_synthetic),
		cmocka_unit_test(test_synthetic_small_host),
		cmocka_unit_test(test_replay),
		cmocka_unit_test(test_replay_figures),
		cmocka_unit_test(test_replay_common),
		cmocka_unit_test(test_replay_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
