/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The planner's worst cases, timed: `bench_plan [NODES VNODES [CASES]]`. Each family is random within its
 * shape; the figure that counts is the slowest.
 */
#include <stdio.h>
#include <time.h>

#include "../../src/plan/plan_make.h"
#include "../host_maker.h"

enum family {
	EQUAL,
	EQUAL_DISTINCT,
	GLUELESS,
	GLUELESS_DISTINCT,
	RANDOM,
	TIGHT,
	TIGHT_GLUELESS,
	CORE_TIGHT,
	OVERFULL,
	N_FAMILIES
};

static const char *const names[] = {"equal nodes, equal vnodes", "equal nodes, distinct vnodes",
	"12/17/19, equal vnodes", "12/17/19, distinct vnodes", "all random", "memory just fits, equal nodes",
	"memory just fits, 12/17/19", "cores just fit, 12/17/19", "memory must spill, 12/17/19"};

static void glueless(struct vn_host *host)
{
	for (size_t i = 0; i < host->n_nodes; i++) {
		for (size_t j = 0; j < host->n_nodes; j++) {
			uint32_t d = i / 2 == j / 2 ? 12 : i / 4 == j / 4 ? 17 : 19;
			host->nodes[i].distances[j] = i == j ? 10 : d;
		}
	}
}

static struct vn_host *random_host(size_t n, enum family family, uint64_t *state)
{
	struct maker_node nodes[64];

	for (size_t i = 0; i < n; i++) {
		bool even = family != RANDOM && family != TIGHT_GLUELESS && family != OVERFULL;
		nodes[i].cores = even ? 16 : 4 + maker_pick(state, 20);
		nodes[i].free_mib = even ? 16384 : 8192 + maker_pick(state, 16384);
	}
	struct vn_host *host = make_host(n, nodes, 2, 20);
	if (family == GLUELESS || family == GLUELESS_DISTINCT || family >= TIGHT_GLUELESS)
		glueless(host);
	for (size_t i = 0; i < n && family == RANDOM; i++) {
		for (size_t j = 0; j < n; j++)
			host->nodes[i].distances[j] = i == j ? 10 : 11 + maker_pick(state, 20);
	}
	return host;
}

static struct vn_guest *random_guest(
	size_t n, const struct vn_host *host, enum family family, uint64_t *state)
{
	struct maker_vnode vnodes[32];
	bool equal = family == EQUAL || family == GLUELESS;
	uint64_t sum = 0, room = 0;
	unsigned share = 1 + maker_pick(state, 16);
	static const unsigned percent[N_FAMILIES] = {0, 60, 0, 60, 70, 99, 98, 50, 110};

	for (size_t i = 0; i < host->n_nodes; i++)
		room += host->nodes[i].memory_free / VN_MIB;
	for (size_t v = 0; v < n; v++) {
		unsigned cores = family == CORE_TIGHT ? (unsigned)(16 * host->n_nodes / n) : 8;
		vnodes[v] = (struct maker_vnode){equal ? 1024 * share : 1024 + maker_pick(state, 15000),
			equal ? 4 : 1 + maker_pick(state, cores + 3), -1};
		sum += vnodes[v].mib;
	}
	for (size_t v = 0; v < n && percent[family]; v++) { /* scaled to fill the room as wished */
		vnodes[v].mib = vnodes[v].mib * room * percent[family] / 100 / sum;
		vnodes[v].mib += vnodes[v].mib == 0;
	}
	sum = 0;
	for (size_t v = 0; v < n; v++)
		sum += vnodes[v].mib;
	for (size_t v = 0; sum > room && v < n;
		v++) { /* never more than there is: the search is the point here */
		uint64_t cut = sum - room < vnodes[v].mib / 2 ? sum - room : vnodes[v].mib / 2;
		vnodes[v].mib -= cut;
		sum -= cut;
	}
	return make_guest(n, vnodes);
}

static double time_one(size_t n, size_t m, enum family family, uint64_t *state, unsigned *late)
{
	vn_autohost *host = random_host(n, family, state);
	vn_autoguest *guest = random_guest(m, host, family, state);
	struct vn_plan_options options = {.deadline_ms = 2000};
	struct timespec a, b;
	vn_autoplan *plan = NULL;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
	int r = vn_plan_make(host, guest, &options, &plan, NULL);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
	assert(r == 0);
	*late += !plan->optimal;
	return (double)(b.tv_sec - a.tv_sec) * 1e3 + (double)(b.tv_nsec - a.tv_nsec) / 1e6;
}

int main(int argc, char **argv)
{
	size_t n = argc > 2 ? strtoul(argv[1], NULL, 10) : 8, m = argc > 2 ? strtoul(argv[2], NULL, 10) : 8;
	unsigned cases = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 100;

	if (n < 1 || n > 64 || m < 1 || m > 32)
		return 2;
	printf("%zu nodes, %zu vnodes, %u cases each; ms of CPU time\n", n, m, cases);
	for (enum family family = 0; family < N_FAMILIES; family++) {
		uint64_t state = 42;
		double worst = 0, sum = 0;
		unsigned late = 0;
		for (unsigned i = 0; i < cases; i++) {
			double ms = time_one(n, m, family, &state, &late);
			worst = ms > worst ? ms : worst;
			sum += ms;
		}
		printf("%-30s mean %9.3f  worst %9.3f  not proven %u\n", names[family], sum / cases, worst,
			late);
		fflush(stdout);
	}
	return 0;
}
