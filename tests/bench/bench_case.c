/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "bench_case.h"

#include <glob.h>
#include <stdio.h>

#include "../../src/discover/discover.h"

const char *const bench_state_names[] = {"empty", "half", "uneven"};
const char *const bench_family_names[] = {"equal", "two-sizes", "distinct", "tight"};

/* ---- Hosts ---- */

static void read_host(const char *kind, const char *path, struct bench_host *hosts, size_t *n)
{
	const char *base = strrchr(path, '/') + 1;
	vn_autofree char *source = NULL;
	vn_autoerror err = {0};
	struct vn_host *host = NULL;

	if (asprintf(&source, "%s:%s", kind, path) < 0 || *n == BENCH_HOSTS)
		return;
	if (vn_discover(source, &host, &err) < 0) {
		fprintf(stderr, "bench_plan: %s is left out: it cannot be read\n", base);
		return;
	}
	snprintf(hosts[*n].name, sizeof(hosts[*n].name), "%.*s", (int)strcspn(base, "."), base);
	hosts[(*n)++].host = host;
}

size_t bench_shared_hosts(const char *shared, struct bench_host hosts[static BENCH_HOSTS])
{
	static const char *const kinds[][2] = {
		{"tar", "hwloc/*.tar.bz2"}, {"hwloc", "hwloc/*.xml"}, {"numactl", "numactl/*.txt"}};
	size_t n = 0;

	for (size_t k = 0; k < 3; k++) {
		vn_autofree char *pattern = NULL;
		glob_t found = {0};
		if (asprintf(&pattern, "%s/data/%s", shared, kinds[k][1]) < 0)
			continue;
		if (glob(pattern, 0, NULL, &found) == 0) {
			for (size_t i = 0; i < found.gl_pathc; i++)
				read_host(kinds[k][0], found.gl_pathv[i], hosts, &n);
		}
		globfree(&found);
	}
	return n;
}

/* Four nodes to a package (sub-NUMA clusters), two packages to a board, four boards to a quad. */
static uint32_t clusters(size_t i, size_t j)
{
	return i / 4 == j / 4 ? 12 : i / 8 == j / 8 ? 21 : i / 32 == j / 32 ? 24 : 41;
}

/* As an eight-socket machine without a node controller tells them, and more of its kind. */
static uint32_t glueless(size_t i, size_t j)
{
	return i / 2 == j / 2 ? 12 : i / 4 == j / 4 ? 17 : i / 16 == j / 16 ? 19 : 29;
}

/* By hops, of which each bit that differs is one: no tree tells these. */
static uint32_t hypercube(size_t i, size_t j)
{
	return 10 + 6 * (uint32_t)__builtin_popcountll(i ^ j);
}

static uint32_t ring_of_16(size_t i, size_t j)
{
	size_t hops = i > j ? i - j : j - i;

	return 10 + 4 * (uint32_t)(hops < 8 ? hops : 16 - hops);
}

static struct vn_host *build_host(size_t n, uint32_t (*distance)(size_t, size_t))
{
	struct maker_node nodes[64];

	for (size_t i = 0; i < n; i++)
		nodes[i] = (struct maker_node){16, 64 * 1024};
	struct vn_host *host = make_host(n, nodes, 2, 20);
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < n; j++)
			host->nodes[i].distances[j] = i == j ? 10 : distance(i, j);
	}
	return host;
}

size_t bench_built_hosts(struct bench_host hosts[static BENCH_HOSTS])
{
	static const struct {
		const char *name;
		uint32_t (*distance)(size_t, size_t);
	} kinds[] = {{"clusters", clusters}, {"glueless", glueless}, {"hypercube", hypercube}};
	size_t n = 0;

	for (size_t nodes = 16; nodes <= 64; nodes *= 2) {
		for (size_t k = 0; k < 3; k++, n++) {
			snprintf(hosts[n].name, sizeof(hosts[n].name), "built-%s-%zu", kinds[k].name, nodes);
			hosts[n].host = build_host(nodes, kinds[k].distance);
		}
	}
	snprintf(hosts[n].name, sizeof(hosts[n].name), "built-ring-16");
	hosts[n++].host = build_host(16, ring_of_16);
	return n;
}

/* ---- What occupies them ---- */

static uint64_t pool(const struct vn_host_node *node)
{
	return node->has_memory_free ? node->memory_free + node->memory_reclaimable : node->memory_total;
}

uint64_t bench_room(const struct vn_host *host, const struct vn_occupied *occupied, size_t i)
{
	uint64_t have = pool(&host->nodes[i]), promised = vn_occupied_promised(&occupied->nodes[i], 0);

	return have > promised ? (have - promised) / VN_MIB : 0;
}

uint64_t bench_cores(const struct vn_host *host, const struct vn_occupied *occupied, size_t i)
{
	uint64_t have = vn_host_cores(host, host->nodes[i].cpus), load = occupied->nodes[i].load;

	return have > load ? have - load : 0;
}

struct vn_occupied *bench_occupy(const struct vn_host *host, enum bench_state state, uint64_t *random)
{
	struct vn_occupied *occupied = vn_occupied_new(host);

	assert(occupied);
	for (size_t i = 0; i < host->n_nodes && state != BENCH_EMPTY; i++) {
		unsigned cores = vn_host_cores(host, host->nodes[i].cpus);
		uint64_t mib = pool(&host->nodes[i]) / VN_MIB;
		unsigned percent = state == BENCH_HALF ? 50 : maker_pick(random, 101);
		occupied->nodes[i].load = state == BENCH_HALF ? cores / 2 : maker_pick(random, cores + 1);
		vn_occupied_promise(&occupied->nodes[i], 0, mib * percent / 100 * VN_MIB);
	}
	return occupied;
}

/* ---- Guests ---- */

/* Up to nine tenths of what a node has on average: several vnodes may or may not share one. */
static struct maker_vnode random_size(uint64_t mib, uint64_t cores, uint64_t *random)
{
	uint64_t size = mib * (5 + maker_pick(random, 86)) / 100;
	unsigned vcpus = 1 + maker_pick(random, (unsigned)(cores > 0 ? cores : 1));

	return (struct maker_vnode){size > 0 ? size : 1, vcpus, -1};
}

/* All that is left of some node with CPUs. */
static struct maker_vnode node_size(
	const struct vn_host *host, const struct vn_occupied *occupied, uint64_t *random)
{
	for (unsigned tries = 0; tries < 1000; tries++) {
		size_t i = maker_pick(random, (unsigned)host->n_nodes);
		uint64_t cores = bench_cores(host, occupied, i), mib = bench_room(host, occupied, i);
		if (cores > 0 && mib > 0)
			return (struct maker_vnode){mib, (unsigned)cores, -1};
	}
	return (struct maker_vnode){1, 1, -1};
}

static void fill_vnodes(const struct vn_host *host, const struct vn_occupied *occupied, size_t m,
	enum bench_family family, uint64_t *random, struct maker_vnode *vnodes)
{
	uint64_t mib = 0, cores = 0, n = 0;

	for (size_t i = 0; i < host->n_nodes; i++) {
		mib += bench_room(host, occupied, i);
		cores += bench_cores(host, occupied, i);
		n += vn_host_cores(host, host->nodes[i].cpus) > 0;
	}
	struct maker_vnode sizes[2] = {random_size(mib / (n + !n), cores / (n + !n), random),
		random_size(mib / (n + !n), cores / (n + !n), random)};
	for (size_t v = 0; v < m; v++) {
		if (family == BENCH_TIGHT)
			vnodes[v] = node_size(host, occupied, random);
		else if (family == BENCH_DISTINCT)
			vnodes[v] = random_size(mib / (n + !n), cores / (n + !n), random);
		else
			vnodes[v] = sizes[family == BENCH_TWO_SIZES && v % 2];
	}
}

struct vn_guest *bench_guest(const struct vn_host *host, const struct vn_occupied *occupied, size_t m,
	enum bench_family family, uint64_t *random)
{
	struct maker_vnode vnodes[VN_MAX_VNODES];
	uint64_t room = 0, sum = 0;
	unsigned vcpus = 0;

	for (size_t i = 0; i < host->n_nodes; i++)
		room += bench_room(host, occupied, i);
	if (room < m)
		return NULL;
	fill_vnodes(host, occupied, m, family, random, vnodes);
	for (size_t v = 0; v < m; v++)
		sum += vnodes[v].mib;
	for (size_t v = 0; sum > room;
		v = (v + 1) % m) { /* that there is no room at all takes no search to tell */
		sum -= vnodes[v].mib / 2;
		vnodes[v].mib -= vnodes[v].mib / 2;
	}
	for (size_t v = 0; v < m; v++) {
		if (vcpus + vnodes[v].vcpus > VN_MAX_VCPUS - m)
			vnodes[v].vcpus = 1;
		vcpus += vnodes[v].vcpus;
	}
	return make_guest(m, vnodes);
}
