/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The planner, timed; tools/bench_plan runs this beside other planners and makes tables of what it prints. Each line of output
 * is one case, its words separated by tabs; the last one is `peak KIB`, the most memory that was resident at once.
 *
 *     bench_plan hosts SHARED SEEDS DEADLINE-MS   1 to 8 vnodes on real and built hosts, beside the rule of libxl
 *     bench_plan large M SEEDS DEADLINE-MS        M vnodes on built hosts of 64 nodes
 *     bench_plan cells FILE DEADLINE-MS           cases of a JSON file, as nova_fit reads them
 *     bench_plan milp DIR CASES DEADLINE-MS       small cases, written into DIR for glpsol
 *
 * A time is that of the call alone, on the wall: of short ones the median of five.
 */
#define _GNU_SOURCE
#include <jansson.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>

#include "../plan_milp.h"
#include "bench_case.h"
#include "libxl_rule.h"

#define SHORT_NS 20000000

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int compare_times(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* The plan, and how long it took to make. NULL when the guest is refused. */
static struct vn_plan *time_plan(const struct vn_host *host, const struct vn_guest *guest,
	const struct vn_occupied *occupied, unsigned deadline_ms, int64_t *ret_ns)
{
	const struct vn_plan_options options = {.occupied = occupied, .deadline_ms = deadline_ms};
	struct vn_plan *plan = NULL;
	int64_t ns[5];
	size_t n = 0;

	do {
		vn_plan_free(plan);
		plan = NULL;
		int64_t start = now_ns();
		int r = vn_plan_make(host, guest, &options, &plan, NULL);
		ns[n++] = now_ns() - start;
		if (r < 0)
			return NULL;
	} while (n < 5 && ns[0] < SHORT_NS);
	qsort(ns, n, sizeof(*ns), compare_times);
	*ret_ns = ns[n / 2];
	return plan;
}

/* ---- hosts ---- */

static double plan_distance(const struct vn_plan *plan, const struct vn_guest *guest)
{
	double weight = (double)guest->maxvcpus * (double)(guest->memory / VN_MIB);

	return plan->feasible && plan->cost.spill == 0 && weight > 0 ? (double)plan->cost.distance / weight
								     : 0;
}

/* A domain placed by libxl has its memory and its vCPUs evenly on all nodes of the set. */
static double set_distance(const struct vn_host *host, uint32_t set)
{
	double sum = 0, n = 0;

	for (size_t i = 0; i < host->n_nodes && set; i++) {
		for (size_t j = 0; j < host->n_nodes; j++) {
			if (!(set >> i & 1) || !(set >> j & 1))
				continue;
			uint32_t told = host->nodes[i].distances[j];
			sum += told ? told : i == j ? 10 : 20;
			n++;
		}
	}
	return n > 0 ? sum / n : 0;
}

/* vCPUs that must share a core on a set of nodes, however well the scheduler deals them out. */
static uint64_t set_squeeze(const struct vn_host *host, const struct vn_occupied *occupied, uint32_t set,
	const struct vn_guest *guest)
{
	uint64_t cores = 0;

	for (size_t i = 0; i < host->n_nodes; i++)
		cores += set >> i & 1 ? bench_cores(host, occupied, i) : 0;
	return guest->maxvcpus > cores ? guest->maxvcpus - cores : 0;
}

/* libxl's choice, 0 where there is none; *ret_ns is -1 where it does not try. */
static uint32_t time_libxl(const struct vn_host *host, const struct vn_guest *guest,
	const struct vn_occupied *occupied, int64_t *ret_ns)
{
	struct libxl_node nodes[LIBXL_MAX_NODES];
	int64_t ns[5];
	uint32_t set = 0;

	*ret_ns = -1;
	if (host->n_nodes > LIBXL_MAX_NODES)
		return 0;
	for (size_t i = 0; i < host->n_nodes; i++)
		nodes[i] = (struct libxl_node){bench_room(host, occupied, i), occupied->nodes[i].load,
			(unsigned)hwloc_bitmap_weight(host->nodes[i].cpus)};
	for (size_t n = 0; n < 5; n++) {
		int64_t start = now_ns();
		set = libxl_place(nodes, (unsigned)host->n_nodes, guest->memory / VN_MIB, guest->maxvcpus);
		ns[n] = now_ns() - start;
	}
	qsort(ns, 5, sizeof(*ns), compare_times);
	*ret_ns = ns[2];
	return set;
}

/* How far the plan may be from the best at the level that is open, in percent; 0 when it is proven. */
static double gap_of(const struct vn_plan *plan)
{
	const struct vn_cost *cost = &plan->cost, *bound = &plan->bound;
	double a = 0, b = 0;

	if (plan->optimal)
		return 0;
	if (!plan->feasible)
		return 100;
	switch (plan->open_level) {
	case VN_LEVEL_SPILL:
		a = (double)cost->spill, b = (double)bound->spill;
		break;
	case VN_LEVEL_SQUEEZE:
		a = (double)cost->squeeze, b = (double)bound->squeeze;
		break;
	case VN_LEVEL_DISTANCE:
		a = (double)cost->distance, b = (double)bound->distance;
		break;
	case VN_LEVEL_LOAD:
		a = (double)cost->load_vcpus / (double)cost->load_cores;
		b = bound->load_cores ? (double)bound->load_vcpus / (double)bound->load_cores : 0;
		break;
	case VN_LEVEL_FRAGMENTATION:
		a = (double)cost->fragmentation, b = (double)bound->fragmentation;
		break;
	case VN_LEVEL_TIES:
		break;
	}
	double larger = a > b ? a : b;
	return larger > 0 ? 100 * (a > b ? a - b : b - a) / larger : 0;
}

struct setting {
	const char *host_name;
	const struct vn_host *host;
	enum bench_state state;
	enum bench_family family;
	size_t m;
	unsigned deadline_ms;
};

static void run_case(const struct setting *s, uint64_t *random)
{
	static const char levels[][16] = {"spill", "squeeze", "distance", "load", "fragmentation", "ties"};
	vn_autooccupied *occupied = bench_occupy(s->host, s->state, random);
	vn_autoguest *guest = bench_guest(s->host, occupied, s->m, s->family, random);
	int64_t ns, libxl_ns;

	if (!guest)
		return;
	vn_autoplan *plan = time_plan(s->host, guest, occupied, s->deadline_ms, &ns);
	if (!plan)
		return;
	uint32_t set = time_libxl(s->host, guest, occupied, &libxl_ns);
	printf("case\t%s\t%zu\t%zu\t%s\t%s\t%lld\t%s\t%s\t%.4f\t%s\t", s->host_name, s->host->n_nodes, s->m,
		bench_state_names[s->state], bench_family_names[s->family], (long long)ns,
		plan->optimal ? "proven" : "open", plan->feasible ? "feasible" : "infeasible", gap_of(plan),
		plan->optimal ? "-" : levels[plan->open_level]);
	printf("%.4f\t%llu\t%lld\t%.4f\t%llu\n", plan_distance(plan, guest),
		(unsigned long long)plan->cost.squeeze, (long long)libxl_ns, set_distance(s->host, set),
		(unsigned long long)set_squeeze(s->host, occupied, set, guest));
}

static bool has_cpus(const struct vn_host *host)
{
	for (size_t i = 0; i < host->n_nodes; i++) {
		if (!hwloc_bitmap_iszero(host->nodes[i].cpus))
			return true;
	}
	return false;
}

/* Random numbers of a host's cases depend on its name alone: another host more changes no case. */
static uint64_t seed_of(const char *name)
{
	uint64_t seed = 1469598103934665603u;

	for (; *name; name++)
		seed = (seed ^ (unsigned char)*name) * 1099511628211u;
	return seed | 1;
}

static void run_host(
	const struct bench_host *host, size_t least, size_t most, unsigned seeds, unsigned deadline_ms)
{
	uint64_t random = seed_of(host->name);

	for (unsigned seed = 0; seed < seeds && has_cpus(host->host); seed++) {
		for (enum bench_family family = 0; family < BENCH_FAMILIES; family++) {
			for (enum bench_state state = 0; state < BENCH_STATES; state++) {
				for (size_t m = least; m <= most; m++) {
					struct setting s = {
						host->name, host->host, state, family, m, deadline_ms};
					run_case(&s, &random);
				}
			}
		}
	}
	fflush(stdout);
}

static int run_hosts(const char *shared, unsigned seeds, unsigned deadline_ms)
{
	struct bench_host hosts[BENCH_HOSTS];
	size_t n = bench_shared_hosts(shared, hosts);

	for (size_t i = 0; i < n; i++) {
		run_host(&hosts[i], 1, 8, seeds, deadline_ms);
		vn_host_free(hosts[i].host);
	}
	n = bench_built_hosts(hosts);
	for (size_t i = 0; i < n; i++) {
		run_host(&hosts[i], 1, 8, seeds, deadline_ms);
		vn_host_free(hosts[i].host);
	}
	return 0;
}

static int run_large(size_t m, unsigned seeds, unsigned deadline_ms)
{
	struct bench_host hosts[BENCH_HOSTS];
	size_t n = bench_built_hosts(hosts);

	for (size_t i = 0; i < n; i++) {
		if (hosts[i].host->n_nodes == 64)
			run_host(&hosts[i], m, m, seeds, deadline_ms);
		vn_host_free(hosts[i].host);
	}
	return 0;
}

/* ---- cells ---- */

static uint64_t number(const json_t *object, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(object, key));
}

/* Distances as of two cells to a package: Nova looks at none. */
static struct vn_host *cells_host(const json_t *cells)
{
	struct maker_node nodes[64];
	size_t n = json_array_size(cells);

	assert(n <= 64);
	for (size_t i = 0; i < n; i++) {
		const json_t *cell = json_array_get(cells, i);
		nodes[i] = (struct maker_node){(unsigned)number(cell, "cpus"), number(cell, "memory")};
	}
	struct vn_host *host = make_host(n, nodes, 1, 21);
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < n; j++)
			host->nodes[i].distances[j] = i == j ? 10 : i / 2 == j / 2 ? 12 : 21;
	}
	return host;
}

static struct vn_occupied *cells_occupied(const struct vn_host *host, const json_t *cells)
{
	struct maker_taken taken[64];

	for (size_t i = 0; i < host->n_nodes; i++) {
		const json_t *cell = json_array_get(cells, i);
		taken[i] = (struct maker_taken){
			(unsigned)number(cell, "cpu_usage"), number(cell, "memory_usage") * VN_MIB};
	}
	return make_occupied(host, taken);
}

static void run_cells_case(const json_t *one, unsigned deadline_ms)
{
	const json_t *cells = json_object_get(one, "guest");
	struct maker_vnode vnodes[VN_MAX_VNODES];
	size_t m = json_array_size(cells);
	int64_t ns = 0;

	assert(m <= VN_MAX_VNODES);
	for (size_t v = 0; v < m; v++) {
		const json_t *cell = json_array_get(cells, v);
		vnodes[v] = (struct maker_vnode){number(cell, "memory"), (unsigned)number(cell, "cpus"), -1};
	}
	vn_autohost *host = cells_host(json_object_get(one, "host"));
	vn_autooccupied *occupied = cells_occupied(host, json_object_get(one, "host"));
	vn_autoguest *guest = make_guest(m, vnodes);
	vn_autoplan *plan = time_plan(host, guest, occupied, deadline_ms, &ns);
	assert(plan);
	bool fits = plan->feasible && plan->cost.spill == 0 && plan->cost.squeeze == 0;
	printf("cells\t%lld\t%s\t%s\t", (long long)ns, plan->optimal ? "proven" : "open",
		fits ? "fit" : "none");
	for (size_t v = 0; v < m && plan->feasible; v++)
		printf("%s%u", v ? "," : "", plan->homes[v]);
	printf("\n");
}

static int run_cells(const char *file, unsigned deadline_ms)
{
	json_error_t error;
	json_t *cases = json_load_file(file, 0, &error), *one;
	size_t i;

	if (!cases) {
		fprintf(stderr, "bench_plan: %s:%d: %s\n", file, error.line, error.text);
		return 2;
	}
	json_array_foreach (cases, i, one)
		run_cells_case(one, deadline_ms);
	json_decref(cases);
	return 0;
}

/* ---- milp ---- */

/* What glpsol is told of the earlier levels is what our plan came to: it saves it nothing to look for. */
static bool write_case(const struct setting *s, const char *dir, unsigned number, uint64_t *random)
{
	vn_autooccupied *occupied = bench_occupy(s->host, s->state, random);
	vn_autoguest *guest = bench_guest(s->host, occupied, s->m, s->family, random);
	struct milp milp = {0};
	int64_t ns;

	if (!guest)
		return false;
	vn_autoplan *plan = time_plan(s->host, guest, occupied, s->deadline_ms, &ns);
	if (!plan || !plan->feasible)
		return false;
	oracle_make(&milp.o, s->host, (const struct vn_guest *const *)&guest, 1, occupied);
	milp.spill = (int64_t)(plan->cost.spill / VN_MIB);
	milp.squeeze = (int64_t)plan->cost.squeeze;
	for (milp.level = 1; milp.level <= 3; milp.level++) {
		vn_autofree char *file = NULL;
		assert(asprintf(&file, "%s/%u-%u.lp", dir, number, milp.level) > 0);
		FILE *out = fopen(file, "w");
		assert(out);
		write_milp(&milp, out);
		fclose(out);
	}
	printf("milp\t%u\t%s\t%zu\t%zu\t%lld\t%s\t%lld\t%lld\t%.0f\n", number, s->host_name, s->host->n_nodes,
		s->m, (long long)ns, plan->optimal ? "proven" : "open", (long long)milp.spill,
		(long long)milp.squeeze, (double)plan->cost.distance);
	return true;
}

static int run_milp(const char *dir, unsigned cases, unsigned deadline_ms)
{
	static const size_t sizes[][2] = {{4, 4}, {6, 5}, {8, 6}};
	struct bench_host hosts[BENCH_HOSTS];
	uint64_t random = 4;
	size_t n = bench_built_hosts(hosts);

	for (unsigned i = 0, tries = 0; i < cases && tries < 100 * cases; tries++) {
		const size_t *size = sizes[i % 3];
		struct vn_host *host = hosts[tries % n].host;
		size_t nodes = host->n_nodes;
		host->n_nodes = size[0]; /* the first ones: the rest is left alone */
		struct setting s = {hosts[tries % n].name, host, maker_pick(&random, BENCH_STATES),
			maker_pick(&random, BENCH_FAMILIES), size[1], deadline_ms};
		i += write_case(&s, dir, i, &random);
		host->n_nodes = nodes;
	}
	for (size_t i = 0; i < n; i++)
		vn_host_free(hosts[i].host);
	return 0;
}

static unsigned count_of(const char *word)
{
	return (unsigned)strtoul(word, NULL, 10);
}

static int run(int argc, char **argv)
{
	if (argc == 5 && strcmp(argv[1], "hosts") == 0)
		return run_hosts(argv[2], count_of(argv[3]), count_of(argv[4]));
	if (argc == 5 && strcmp(argv[1], "large") == 0 && count_of(argv[2]) <= VN_MAX_VNODES)
		return run_large(count_of(argv[2]), count_of(argv[3]), count_of(argv[4]));
	if (argc == 4 && strcmp(argv[1], "cells") == 0)
		return run_cells(argv[2], count_of(argv[3]));
	if (argc == 5 && strcmp(argv[1], "milp") == 0)
		return run_milp(argv[2], count_of(argv[3]), count_of(argv[4]));
	fprintf(stderr,
		"usage: bench_plan hosts SHARED SEEDS MS | large M SEEDS MS | cells FILE MS | milp DIR CASES MS\n");
	return 2;
}

int main(int argc, char **argv)
{
	struct rusage usage;
	int r = run(argc, argv);

	getrusage(RUSAGE_SELF, &usage);
	if (r == 0)
		printf("peak\t%ld\n", usage.ru_maxrss);
	return r;
}
