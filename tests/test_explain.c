/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What --explain says on hosts one can hold in mind, and the warnings before launch. Each figure was reckoned by hand. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "../src/plan/plan_make.h"
#include "host_maker.h"

#define GIB 1024u /* MiB */
#define MAKE_HOST(threads, remote, ...)                                                                      \
	make_host(sizeof((struct maker_node[]){__VA_ARGS__}) / sizeof(struct maker_node),                    \
		(struct maker_node[]){__VA_ARGS__}, threads, remote)
#define MAKE_GUEST(...)                                                                                      \
	make_guest(sizeof((struct maker_vnode[]){__VA_ARGS__}) / sizeof(struct maker_vnode),                 \
		(struct maker_vnode[]){__VA_ARGS__})

struct told {
	struct vn_plan *plan;
	char *text; /* of one blank between words: where lines break is another matter */
	char *raw;
};

static void told_clear(struct told *told)
{
	vn_plan_free(told->plan);
	free(told->text);
	free(told->raw);
}
#define autotold vn_cleanup(told_clear) struct told

static void squash(char *text)
{
	char *to = text;

	for (const char *from = text; *from; from++) {
		char c = *from == '\n' ? ' ' : *from;
		if (c != ' ' || to == text || to[-1] != ' ')
			*to++ = c;
	}
	*to = '\0';
}

static struct told tell(
	const struct vn_host *host, const struct vn_guest *guest, const struct vn_plan_options *options)
{
	struct told told = {0};
	struct vn_plan_options all = options ? *options : (struct vn_plan_options){0};
	size_t size;

	all.runner_up = true;
	assert_int_equal(vn_plan_make(host, guest, &all, &told.plan, NULL), 0);
	FILE *out = open_memstream(&told.raw, &size);
	assert_non_null(out);
	vn_plan_explain(host, guest, &all, told.plan, out);
	fclose(out);
	told.text = strdup(told.raw);
	squash(told.text);
	return told;
}

static void assert_says(const struct told *told, const char *part)
{
	if (!strstr(told->text, part))
		fail_msg("'%s' is not in:\n%s", part, told->raw);
}

static void assert_silent(const struct told *told, const char *part)
{
	if (strstr(told->text, part))
		fail_msg("'%s' is in:\n%s", part, told->raw);
}

static const char *warned(const struct told *told, const char *code)
{
	for (size_t i = 0; i < told->plan->warnings.n; i++) {
		if (strcmp(told->plan->warnings.v[i].code, code) == 0)
			return told->plan->warnings.v[i].text;
	}
	return NULL;
}

static void assert_warns(const struct told *told, const char *code, const char *part)
{
	const char *text = warned(told, code);

	assert_non_null(text);
	if (!strstr(text, part))
		fail_msg("'%s' is not in: %s", part, text);
}

/* Pages of one size on a node, all of them free. */
static void give_pages(struct vn_host *host, size_t node, uint64_t size, uint64_t pages)
{
	struct vn_hugepool *pool = maker_alloc(1, sizeof(*pool));

	*pool = (struct vn_hugepool){.size = size, .total = pages, .free = pages};
	host->nodes[node].hugepools = pool;
	host->nodes[node].n_hugepools = 1;
}

static void give_device(struct vn_host *host, struct vn_guest *guest, int node)
{
	host->devices = maker_alloc(1, sizeof(*host->devices));
	host->n_devices = 1;
	host->devices[0] = vn_host_device_init();
	strcpy(host->devices[0].address, "0000:3b:00.0");
	host->devices[0].node = node;
	guest->hostdevs = maker_alloc(1, sizeof(*guest->hostdevs));
	guest->n_hostdevs = 1;
	strcpy(guest->hostdevs[0].address, "0000:3b:00.0");
}

static void test_all_is_well(void **state)
{
	vn_autohost *host = MAKE_HOST(1, 20, {4, 8 * GIB}, {4, 8 * GIB});
	vn_autoguest *guest = MAKE_GUEST({2 * GIB, 2, -1});
	autotold told = tell(host, guest, NULL);

	(void)state;
	assert_says(&told, "vnode 0, 2 GiB, lives on node 0");
	assert_says(&told, "ordinary memory: 2 GiB on node 0");
	assert_says(&told, "0-1, worth 2 cores; node 0 has 4, 4 of them free");
	assert_says(&told,
		"vnode 0: node 1 (distance 20): the same in all that counts: the lower number was taken");
	assert_says(&told, "0 6 GiB 2 of 4 1 8 GiB 4 of 4");
	assert_silent(&told, "What would");
	assert_says(&told, "It is proven");
}

static void test_why_not_next_door(void **state)
{
	vn_autohost *host = MAKE_HOST(1, 20, {4, 8 * GIB}, {4, GIB}, {4, 8 * GIB});
	vn_autoguest *guest = MAKE_GUEST({4 * GIB, 3, -1}, {4 * GIB, 3, -1});

	(void)state;
	host->nodes[0].distances[1] = host->nodes[1].distances[0] = 12;
	host->nodes[1].memory_total = 8ull << 30; /* what is not free could be */
	autotold told = tell(host, guest, NULL);
	assert_says(&told, "vnode 0: node 1 (distance 12): 3 GiB would not fit at home, instead of 0 B");
	assert_says(&told, "vnode 1: node 0 (distance 20): 2 vCPUs more than cores, instead of 0");
	/* 3 vCPUs of each, half of the memory at 10, half at 20 */
	assert_says(&told, "on average 15.0");
	assert_says(&told, "free 3 GiB on node 1: then mean distance 11.0 instead of 15.0");
	assert_says(&told, "one node cannot hold it all: it wants 6 cores, and the largest node has 4");
}

static void test_spill(void **state)
{
	static const struct maker_taken taken[] = {{0, 5ull << 30}, {0, 6ull << 30}};
	vn_autohost *host = MAKE_HOST(1, 20, {4, 8 * GIB}, {4, 8 * GIB});
	vn_autooccupied *occupied = make_occupied(host, taken);
	const struct vn_plan_options options = {.occupied = occupied};
	vn_autoguest *guest = MAKE_GUEST({4 * GIB, 2, -1});
	autotold told = tell(host, guest, &options);

	(void)state;
	assert_says(&told, "3 GiB on node 0, 1 GiB on node 1 (not its home)");
	assert_says(&told, "free 1 GiB on node 0: then each vnode's memory is at home");
	assert_says(&told, "on average 10.0 if all were at home, 12.5 with what is not");
	assert_says(&told, "ask for 1 GiB less memory in vnode 0: then");
	/* what is said is so */
	occupied->nodes[0].promised[0].memory -= 1ull << 30;
	vn_autoplan *plan = NULL;
	assert_int_equal(vn_plan_make(host, guest, &options, &plan, NULL), 0);
	assert_int_equal(plan->cost.spill, 0);
}

static void test_huge_pages(void **state)
{
	vn_autohost *host = MAKE_HOST(1, 20, {4, 8 * GIB}, {4, 8 * GIB});
	vn_autoguest *guest = MAKE_GUEST({2 * GIB, 2, 0}, {2 * GIB, 2, 1});

	(void)state;
	guest->hugepages = 2u << 20;
	guest->memory_policy = VN_MEMORY_STRICT;
	give_pages(host, 0, 2u << 20, 512);
	give_pages(host, 1, 2u << 20, 2048);
	autotold told = tell(host, guest, NULL);
	assert_says(&told, "huge pages of 2 MiB: 1 GiB on node 0, 1 GiB on node 1 (not its home)");
	assert_says(&told,
		"reserve 512 more pages of 2 MiB on node 0 (echo 1024 > "
		"/sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages): then each "
		"vnode's memory is at home");
	assert_says(&told, "use ordinary memory (no `hugepages`): then");
	assert_says(&told, "home given in the config");
	assert_warns(&told, "hugepages-short",
		"node 0: the guest wants 1024 huge pages of 2 MiB there and 512 are free");
	assert_warns(&told, "hugepages-short", "echo 1024 > /sys/devices/system/node/node0/");
	assert_warns(&told, "hugepages-short", "memory_policy strict");
}

static void test_no_room(void **state)
{
	vn_autohost *host = MAKE_HOST(1, 20, {4, 8 * GIB}, {4, 8 * GIB});
	vn_autoguest *guest = MAKE_GUEST({2 * GIB, 2, -1});

	(void)state;
	guest->hugepages = 2u << 20;
	give_pages(host, 0, 2u << 20, 512);
	autotold told = tell(host, guest, NULL);
	assert_false(told.plan->feasible);
	assert_says(&told, "There is no plan:");
	assert_says(&told, "ordinary memory 16 GiB - - huge pages of 2 MiB 1 GiB 2 GiB 1 GiB");
	assert_says(&told, "What would make room for it");
	assert_says(&told, "reserve 512 more pages of 2 MiB on node 0 (echo 1024 >");
	assert_says(&told, "use ordinary memory (no `hugepages`): then it fits");
}

static void test_squeeze(void **state)
{
	static const struct maker_taken taken[] = {{3, 0}, {2, 0}};
	vn_autohost *host = MAKE_HOST(2, 20, {4, 8 * GIB}, {4, 8 * GIB});
	vn_autooccupied *occupied = make_occupied(host, taken);
	const struct vn_plan_options options = {.occupied = occupied};
	vn_autoguest *guest = MAKE_GUEST({GIB, 4, -1});
	autotold told = tell(host, guest, &options);

	(void)state;
	assert_says(&told, "0-3, worth 4 cores; node 1 has 4, 2 of them free: some share a core");
	assert_says(&told, "2 cores' worth less load on node 1: then no vCPU shares a core");
	assert_says(&told, "ask for 2 vCPUs less in vnode 0: then no vCPU shares a core");
	assert_silent(&told, "leave the vnodes to vnuma"); /* 3 cores are free in all */
	assert_warns(&told, "smt-squeeze",
		"node 1: 4 vCPUs of this guest and 2 that run there already on 4 cores of 8 CPUs");
	assert_warns(&told, "smt-squeeze", "threads = 2 with exclusive_cores = 1");
	assert_null(warned(&told, "squeeze"));
	occupied->nodes[0].load = occupied->nodes[1].load = 5;
	autotold more = tell(host, guest, &options);
	assert_null(warned(&more, "smt-squeeze"));
	assert_warns(&more, "squeeze", "more than it has CPUs (8)");
}

static void test_devices(void **state)
{
	vn_autohost *host = MAKE_HOST(1, 20, {4, 8 * GIB}, {4, GIB});
	vn_autoguest *guest = MAKE_GUEST({4 * GIB, 2, -1});

	(void)state;
	give_device(host, guest, 1);
	host->nodes[1].memory_total = 8ull << 30;
	autotold told = tell(host, guest, NULL);
	assert_says(&told, "0000:3b:00.0, behind node 1: distance 20");
	assert_warns(&told, "device-far", "the nearest is vnode 0 on node 0, at distance 20");
	assert_says(&told, "on average 10.0"); /* of memory; the device is not in it */
	assert_says(&told, "free 3 GiB on node 1: then it is nearer to its devices");
	host->devices[0].node = -1;
	autotold unknown = tell(host, guest, NULL);
	assert_null(warned(&unknown, "device-far"));
	assert_warns(&unknown, "device-node-unknown", "the firmware does not say");
	strcpy(guest->hostdevs[0].address, "0000:3b:00.1");
	autotold missing = tell(host, guest, NULL);
	assert_warns(&missing, "device-node-unknown", "does not name it");
	host->devices[0].node = 0;
	strcpy(guest->hostdevs[0].address, "0000:3b:00.0");
	autotold near = tell(host, guest, NULL);
	assert_null(warned(&near, "device-far"));
	assert_says(&near, "behind node 0: distance 10 (local)");
}

static void test_balancing(void **state)
{
	static const int modes[] = {-1, 0, 1, 2, 3};
	vn_autohost *host = MAKE_HOST(1, 20, {4, 8 * GIB}, {4, 8 * GIB});
	vn_autoguest *guest = MAKE_GUEST({2 * GIB, 2, -1});

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		host->numa_balancing = modes[i];
		autotold told = tell(host, guest, NULL);
		assert_int_equal(warned(&told, "numa-balancing") != NULL, modes[i] == 1 || modes[i] == 3);
	}
	guest->memory_policy = VN_MEMORY_STRICT;
	autotold bound = tell(host, guest, NULL);
	assert_null(warned(&bound, "numa-balancing"));
}

static void test_isolated(void **state)
{
	vn_autohost *host = MAKE_HOST(1, 20, {4, 8 * GIB}, {4, 8 * GIB});
	vn_autoguest *guest = MAKE_GUEST({2 * GIB, 2, -1});

	(void)state;
	host->isolated_cpus = hwloc_bitmap_alloc();
	hwloc_bitmap_set_range(host->isolated_cpus, 2, 3);
	autotold without = tell(host, guest, NULL);
	assert_null(warned(&without, "isolated-shared"));
	guest->cpus = hwloc_bitmap_alloc_full(); /* "all" names none of them */
	autotold all = tell(host, guest, NULL);
	assert_null(warned(&all, "isolated-shared"));
	hwloc_bitmap_zero(guest->cpus);
	hwloc_bitmap_set_range(guest->cpus, 1, 3);
	autotold told = tell(host, guest, NULL);
	assert_warns(&told, "isolated-shared", "CPUs 2-3 are isolated");
	guest->exclusive_cores = true;
	autotold alone = tell(host, guest, NULL);
	assert_null(warned(&alone, "isolated-shared"));
}

/* Two nodes, each a little too full: nothing done on one of them is enough. */
static void test_two_changes(void **state)
{
	static const struct maker_taken taken[] = {{0, 5ull << 30}, {0, 5ull << 30}};
	vn_autohost *host = MAKE_HOST(1, 20, {2, 8 * GIB}, {2, 8 * GIB}, {0, 8 * GIB});
	const struct maker_taken all[] = {taken[0], taken[1], {0, 0}};
	vn_autooccupied *occupied = make_occupied(host, all);
	const struct vn_plan_options options = {.occupied = occupied};
	vn_autoguest *guest = MAKE_GUEST({4 * GIB, 2, 0}, {5 * GIB, 2, 1});
	autotold told = tell(host, guest, &options);

	(void)state;
	assert_says(&told,
		"together: free 1 GiB on node 0, and free 2 GiB on node 1: then each vnode's memory is at home");
}

/* Guests planned together have no runner-up: that is not said to be because all are alike. */
static void test_no_runner_up(void **state)
{
	vn_autohost *host = MAKE_HOST(1, 20, {4, 8 * GIB}, {4, 8 * GIB});
	vn_autoguest *guest = MAKE_GUEST({2 * GIB, 2, -1});
	const struct vn_plan_options options = {0};
	autotold told = {0};
	size_t size;

	(void)state;
	assert_int_equal(vn_plan_make(host, guest, &options, &told.plan, NULL), 0);
	FILE *out = open_memstream(&told.raw, &size);
	assert_non_null(out);
	vn_plan_explain(host, guest, &options, told.plan, out);
	fclose(out);
	told.text = strdup(told.raw);
	squash(told.text);
	assert_says(&told, "The next best was not looked for");
	assert_silent(&told, "costs more");
	autotold asked = tell(host, guest, NULL);
	assert_says(
		&asked, "No choice of homes was found that costs more: those that were tried cost the same");
}

/* What is advised is enough, and what differs reads so. */
static void test_figures(void **state)
{
	vn_autohost *host = MAKE_HOST(1, 20, {4, 15053}, {4, 15052}, {0, 64 * GIB});
	vn_autoguest *guest = MAKE_GUEST({50 * GIB, 2, -1});

	(void)state;
	host->nodes[0].memory_total = 64ull << 30;
	autotold told = tell(host, guest, NULL);
	assert_says(&told, "node 1 (distance 20): 36148 MiB would not fit at home, instead of 36147 MiB");
	assert_says(&told, "It loses by spill: 36148 MiB would not fit at home, instead of 36147 MiB");
	assert_says(&told, "free 36147 MiB on node 0: then each vnode's memory is at home");
	vn_autohost *small = MAKE_HOST(1, 20, {4, 4000}, {4, 5523});
	vn_autoguest *large = MAKE_GUEST({12 * GIB, 2, -1});
	autotold none = tell(small, large, NULL);
	assert_says(&none, "ask for 2765 MiB less memory in vnode 0");
	vn_autohost *near = MAKE_HOST(1, 20, {4, 6 * GIB}, {4, 6 * GIB - 1});
	autotold barely = tell(near, large, NULL);
	assert_says(&barely, "ordinary memory 12287 MiB 12 GiB 1 MiB");
	assert_says(&barely, "the host has 12287 MiB of it free");
}

/* The only reason there is. */
static void assert_reason(const struct told *told, const char *part, const char *not_this)
{
	assert_int_equal(told->plan->reasons.n, 1);
	const char *text = told->plan->reasons.v[0].text;
	if (!strstr(text, part))
		fail_msg("'%s' is not in: %s", part, text);
	if (not_this && strstr(text, not_this))
		fail_msg("'%s' is in: %s", not_this, text);
}

/* Advice on ordinary memory that the host has not. */
static void test_too_small(void **state)
{
	static const struct maker_taken taken[] = {{0, 1ull << 30}, {0, 512ull << 20}};
	vn_autohost *host = MAKE_HOST(1, 20, {4, GIB}, {4, 2 * GIB});
	vn_autoguest *guest = MAKE_GUEST({4 * GIB, 2, -1});
	autotold small = tell(host, guest, NULL);

	(void)state;
	assert_reason(&small,
		"The host is too small: with nothing else on it, it has 3 GiB, 1 GiB too little. What would help: "
		"ask for 1 GiB less",
		"free 1 GiB");
	host->nodes[0].memory_total = 3ull << 30;
	autotold busy = tell(host, guest, NULL);
	assert_reason(&busy,
		"What would help: free 1 GiB on the host (stop or move other guests), or ask for 1 GiB less",
		"too small");
	give_pages(host, 0, 2u << 20, 1024);
	autotold pages = tell(host, guest, NULL);
	assert_reason(
		&pages, "free 1 GiB on the host (its huge pages hold memory that is missing)", "stop or");
	host->nodes[0].memory_total = 1ull << 30;
	vn_autooccupied *occupied = make_occupied(host, taken);
	const struct vn_plan_options options = {.occupied = occupied};
	guest->vnodes[0].memory = guest->memory = 3ull << 30;
	host->nodes[0].n_hugepools = 0;
	autotold promised = tell(host, guest, &options);
	assert_reason(&promised, "free 1536 MiB on the host (stop or move other guests)", "too small");
}

/* Advice on huge pages for which there is no memory, or that the host does not know. */
static void test_pages_that_cannot_be(void **state)
{
	vn_autohost *host = MAKE_HOST(1, 20, {4, 8 * GIB}, {4, 8 * GIB});
	vn_autoguest *guest = MAKE_GUEST({2 * GIB, 2, -1});

	(void)state;
	guest->hugepages = 4u << 20;
	give_pages(host, 0, 2u << 20, 1024);
	give_pages(host, 1, 1u << 30, 1);
	autotold unknown = tell(host, guest, NULL);
	assert_reason(&unknown,
		"The host knows no pages of that size, only of 2 MiB and 1 GiB. What would help: use ordinary memory "
		"(no `hugepages`), or use huge pages of 2 MiB",
		"reserve");
	assert_silent(&unknown, "reserve");
	guest->hugepages = 1u << 30;
	autotold one = tell(host, guest, NULL);
	assert_reason(&one, "What would help: reserve 1 more page (", NULL);
	assert_says(&one, "reserve 1 more page of 1 GiB on node 0 (echo 1 >");
	host->nodes[0].memory_free = host->nodes[1].memory_free = 1023ull << 20;
	host->nodes[0].hugepools[0].free = 0;
	autotold full = tell(host, guest, NULL);
	assert_reason(&full, "and the host has 1 GiB of them free", "reserve");
	assert_reason(&full, "What would help: ask for 1 GiB less", "ordinary");
	vn_autoguest *two = MAKE_GUEST({GIB, 1, -1}, {GIB, 1, -1}); /* a page each */
	two->hugepages = 1u << 30;
	autotold none = tell(host, two, NULL);
	assert_reason(&none, "No one thing would help: the nodes have memory free for 0 more", "ask for");
	host->nodes[1].hugepools[0].total = 2;
	autotold used = tell(host, two, NULL);
	assert_reason(&used, "What would help: free 1 of these pages (in use or promised: 1)", "reserve");
}

/* The same of the warning: a node without memory, one with some, one outside the cpuset. */
static void test_pages_short_on_a_node(void **state)
{
	vn_autohost *host = MAKE_HOST(1, 20, {4, 8 * GIB}, {4, 8 * GIB});
	vn_autoguest *guest = MAKE_GUEST({2 * GIB, 2, 0});

	(void)state;
	guest->hugepages = 2u << 20;
	give_pages(host, 0, 2u << 20, 1023);
	give_pages(host, 1, 2u << 20, 2048);
	autotold one = tell(host, guest, NULL);
	assert_warns(&one, "hugepages-short", "To reserve the 1 missing: echo 1024 >");
	host->nodes[0].memory_free = 1u << 20;
	autotold none = tell(host, guest, NULL);
	assert_warns(&none, "hugepages-short",
		"More cannot be reserved there: the node has no memory free to make a page of");
	host->nodes[0].memory_free = 201u << 20;
	host->nodes[0].hugepools[0].total = host->nodes[0].hugepools[0].free = 512;
	autotold some = tell(host, guest, NULL);
	assert_warns(&some, "hugepages-short",
		"The node has memory free for 100 more of the 512 missing: echo 612 >");
	host->allowed_nodes = hwloc_bitmap_alloc();
	hwloc_bitmap_set(host->allowed_nodes, 1);
	autotold forbidden = tell(host, guest, NULL);
	assert_warns(&forbidden, "hugepages-short", "The cpuset allows no memory of this node");
	host->nodes[1].hugepools[0].size = 1u << 30;
	host->nodes[1].hugepools[0].total = host->nodes[1].hugepools[0].free = 1;
	guest->hugepages = 1u << 30;
	guest->vnodes[0].memory = guest->memory = 1u << 30;
	autotold single = tell(host, guest, NULL);
	assert_warns(&single, "hugepages-short", "the guest wants 1 huge page of 1 GiB there and 0 are free");
}

/* Advice says what it costs. */
static void test_what_is_lost(void **state)
{
	static const struct maker_taken taken[] = {{2, 5ull << 30}, {2, 5ull << 30}};
	static const struct maker_taken one[] = {{1, 0}, {1, 0}};
	vn_autohost *host = MAKE_HOST(1, 20, {4, 8 * GIB}, {4, 8 * GIB});
	vn_autooccupied *occupied = make_occupied(host, taken);
	const struct vn_plan_options options = {.occupied = occupied};
	vn_autoguest *guest = MAKE_GUEST({4 * GIB, 2, -1});

	(void)state;
	autotold home = tell(host, guest, &options);
	assert_says(&home,
		"2 vnodes: then each vnode's memory is at home, but mean distance to memory 15.0 instead of 12.5");
	vn_autoguest *wide = MAKE_GUEST({2 * GIB, 4, -1});
	autotold cores = tell(host, wide, &options);
	assert_says(&cores,
		"2 vnodes: then no vCPU shares a core, but mean distance to memory 15.0 instead of 10.0");
	vn_autooccupied *less = make_occupied(host, one);
	const struct vn_plan_options lighter = {.occupied = less};
	autotold single = tell(host, wide, &lighter);
	assert_says(&single, "1 core's worth less load on node 0: then no vCPU shares a core ");
}

/* Why there is no CPU: the host has none, or others have them. */
static void test_no_cpu(void **state)
{
	vn_autohost *bare = MAKE_HOST(1, 20, {0, 8 * GIB});
	vn_autoguest *guest = MAKE_GUEST({2 * GIB, 2, -1});
	autotold none = tell(bare, guest, NULL);

	(void)state;
	assert_int_equal(none.plan->reasons.n, 1);
	assert_string_equal(none.plan->reasons.v[0].text, "no node of the host has an online CPU");
	vn_autohost *host = MAKE_HOST(1, 20, {4, 8 * GIB});
	host->isolated_cpus = hwloc_bitmap_alloc();
	hwloc_bitmap_set_range(host->isolated_cpus, 0, 3);
	autotold isolated = tell(host, guest, NULL);
	assert_reason(&isolated, "an online CPU for it: they are isolated", "allowed to use");
	host->allowed_cpus = hwloc_bitmap_alloc();
	autotold forbidden = tell(host, guest, NULL);
	assert_reason(&forbidden, "that the process that read the host was allowed to use", "isolated");
	hwloc_bitmap_set_range(host->allowed_cpus, 0, 7);
	hwloc_bitmap_zero(host->isolated_cpus);
	vn_autooccupied *occupied = vn_occupied_new(host);
	assert_non_null(occupied);
	hwloc_bitmap_set_range(occupied->claimed, 0, 3);
	const struct vn_plan_options options = {.occupied = occupied};
	autotold claimed = tell(host, guest, &options);
	assert_reason(&claimed, "an online CPU left: guests with exclusive_cores", "allowed to use");
}

/* Eight vnodes on 64 nodes: no line is too long, equal answers are one, and it all fits a few screens. */
static void test_a_large_one(void **state)
{
	struct maker_node nodes[64];
	struct maker_vnode vnodes[8];
	size_t lines = 0, column = 0;

	(void)state;
	for (size_t i = 0; i < 64; i++)
		nodes[i] = (struct maker_node){8, 32 * GIB};
	for (size_t v = 0; v < 8; v++)
		vnodes[v] = (struct maker_vnode){30 * GIB, 8, -1};
	vn_autohost *host = make_host(64, nodes, 2, 20);
	vn_autoguest *guest = make_guest(8, vnodes);
	const struct vn_plan_options options = {.deadline_ms = 2000};
	autotold told = tell(host, guest, &options);
	for (const char *c = told.raw; *c; c++) {
		column = *c == '\n' ? 0 : column + 1;
		lines += *c == '\n';
		if (column > 100)
			fail_msg("a line of over 100 columns in:\n%s", told.raw);
	}
	assert_true(lines < 75);
	assert_says(&told, "8 to 63 32 GiB 8 of 8 each");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_is_well),
		cmocka_unit_test(test_why_not_next_door),
		cmocka_unit_test(test_spill),
		cmocka_unit_test(test_huge_pages),
		cmocka_unit_test(test_no_room),
		cmocka_unit_test(test_squeeze),
		cmocka_unit_test(test_devices),
		cmocka_unit_test(test_balancing),
		cmocka_unit_test(test_isolated),
		cmocka_unit_test(test_two_changes),
		cmocka_unit_test(test_no_runner_up),
		cmocka_unit_test(test_figures),
		cmocka_unit_test(test_too_small),
		cmocka_unit_test(test_pages_that_cannot_be),
		cmocka_unit_test(test_pages_short_on_a_node),
		cmocka_unit_test(test_what_is_lost),
		cmocka_unit_test(test_no_cpu),
		cmocka_unit_test(test_a_large_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
