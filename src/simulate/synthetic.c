/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation.
 *
 * Sizes: the shapes are those that public clouds sell (2 to 128 vCPUs with 2, 4 or 8 GiB for each: AWS c, m, r; Azure F, D, E;
 * Google c2-highcpu, n2-standard, n2-highmem). Their weights are chosen, not measured. What is published only bounds them: most
 * VMs are small (Cortez et al., "Resource Central", SOSP 2017, figures 2 and 3), and a VM of Azure's public traces has 2.3 vCPUs
 * on average over time in 2017 (237,815,104 core hours in 104,371,713 VM hours) and over 3.6 in 2019 (AzurePublicDataset, V1 and
 * V2). A host full of such small VMs places well whatever the policy. Those that need thought are the larger ones, so they
 * are more frequent here than there: 11 vCPUs on average, and still over half of the guests have 4 or fewer.
 *
 * What is larger than half of the host, in cores or memory, is left out: hosts are not sold so.
 *
 * Times: arrivals at random (exponential gaps), lifetimes of two kinds, as the same paper finds that most VMs live for hours and
 * that the few that live for days hold most of the core hours. Chosen: three in four live for two hours on average, one for two
 * days.
 * The mean gap follows from the load: guests ask for `load` percent of that of cores and memory which is scarcer.
 *
 * Integers only, so that every machine makes the same trace: logarithms bit by bit.
 */
#include "synthetic.h"

#define SHORT_LIFE 7200u /* seconds, a mean */
#define LONG_LIFE 172800u
#define LONG_ONE_IN 4u
#define GIB_PER_VCPU 3 /* 2, 4, 8 */
#define LN2 UINT64_C(2977044472) /* of 2^32 */

static const struct {
	unsigned vcpus, weight;
} sizes[] = {{2, 300}, {4, 250}, {8, 200}, {16, 130}, {32, 70}, {48, 20}, {64, 18}, {96, 7}, {128, 5}};

#define SIZES (sizeof(sizes) / sizeof(sizes[0]))

static const unsigned memory_weight[GIB_PER_VCPU] = {25, 50, 25};

struct maker {
	const struct vn_stock *stock;
	uint64_t random, load;
	uint64_t weight; /* of all shapes that the host takes */
	uint64_t gap; /* mean, in 2^-20 seconds */
	struct vn_trace *trace;
	size_t n_leaving; /* a heap, earliest first */
	struct leaving {
		uint64_t time;
		uint32_t guest;
	} * leaving;
};

uint64_t vn_random_next(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

uint64_t vn_random_below(uint64_t *state, uint64_t below)
{
	return (vn_random_next(state) >> 32) * below >> 32; /* uneven by less than below / 2^32 */
}

/* -log2 of (x + 1) / 2^63 for a 63-bit x, of 2^24: the place of the highest bit, then the fraction by squaring. */
static uint64_t minus_log2(uint64_t x)
{
	uint64_t zeros = (uint64_t)__builtin_clzll(x + 1), mantissa = (x + 1) << zeros >> 32, fraction = 0;

	/* mantissa in [1, 2) of 2^31 */
	for (int bit = 0; bit < 24; bit++) {
		mantissa = mantissa * mantissa >> 31;
		fraction <<= 1;
		if (mantissa >> 32) {
			fraction |= 1;
			mantissa >>= 1;
		}
	}
	/* x + 1 = 2^(63 - zeros) * (1 + …), so that its logarithm below 2^63 is zeros - log2(mantissa) */
	return (zeros << 24) - fraction;
}

/* An exponential of that mean, in the mean's units. */
static uint64_t exponential(struct maker *maker, uint64_t mean)
{
	uint64_t nats = minus_log2(vn_random_next(&maker->random) >> 1) * LN2 >> 32; /* of 2^24 */
	return (uint64_t)((vn_u128)mean * nats >> 24);
}

/* Whether a host of that size is offered the shape: memory is 2^(m + 1) GiB for each vCPU. */
static bool is_offered(const struct vn_stock *stock, size_t s, size_t m)
{
	uint64_t mib = (uint64_t)sizes[s].vcpus << (m + 11);
	return sizes[s].vcpus <= stock->cores / 2 && mib <= stock->mib / 2;
}

/* The mean gap between arrivals with which the guests that are there ask for so much of the host. */
static void find_gap(struct maker *maker)
{
	const struct vn_stock *stock = maker->stock;
	uint64_t vcpus = 0, mib = 0, life = (LONG_LIFE + (LONG_ONE_IN - 1) * SHORT_LIFE) / LONG_ONE_IN;

	for (size_t s = 0; s < SIZES; s++) {
		for (size_t m = 0; m < GIB_PER_VCPU; m++) {
			uint64_t weight = (uint64_t)sizes[s].weight * memory_weight[m];
			if (!is_offered(stock, s, m))
				continue;
			maker->weight += weight;
			vcpus += weight * sizes[s].vcpus;
			mib += weight * ((uint64_t)sizes[s].vcpus << (m + 11));
		}
	}
	if (maker->weight == 0)
		return;
	/* guests that are there = life / gap; each asks for vcpus / weight on average, and for mib / weight */
	vn_u128 scale = (vn_u128)life * 100 << 20, by = (vn_u128)maker->weight * maker->load;
	uint64_t for_cores = (uint64_t)(scale * vcpus / (by * stock->cores));
	uint64_t for_memory = (uint64_t)(scale * mib / (by * stock->mib));
	maker->gap = for_cores > for_memory ? for_cores : for_memory;
}

static struct vn_trace_guest draw_guest(struct maker *maker)
{
	uint64_t left = vn_random_below(&maker->random, maker->weight);

	for (size_t s = 0; s < SIZES; s++) {
		for (size_t m = 0; m < GIB_PER_VCPU; m++) {
			uint64_t weight = (uint64_t)sizes[s].weight * memory_weight[m];
			if (!is_offered(maker->stock, s, m))
				continue;
			if (left < weight)
				return (struct vn_trace_guest){
					.vcpus = sizes[s].vcpus, .mib = (uint64_t)sizes[s].vcpus << (m + 11)};
			left -= weight;
		}
	}
	return (struct vn_trace_guest){.vcpus = 1, .mib = 1}; /* not reached */
}

static uint64_t draw_life(struct maker *maker)
{
	bool is_long = vn_random_below(&maker->random, LONG_ONE_IN) == 0;
	return exponential(maker, is_long ? LONG_LIFE : SHORT_LIFE) + 1;
}

static bool earlier(const struct leaving *a, const struct leaving *b)
{
	return a->time < b->time || (a->time == b->time && a->guest < b->guest);
}

static void push(struct maker *maker, struct leaving leaving)
{
	size_t i = maker->n_leaving++;

	for (; i > 0 && earlier(&leaving, &maker->leaving[(i - 1) / 2]); i = (i - 1) / 2)
		maker->leaving[i] = maker->leaving[(i - 1) / 2];
	maker->leaving[i] = leaving;
}

static struct leaving pop(struct maker *maker)
{
	struct leaving first = maker->leaving[0], last = maker->leaving[--maker->n_leaving];
	size_t i = 0;

	for (size_t child; (child = 2 * i + 1) < maker->n_leaving; i = child) {
		if (child + 1 < maker->n_leaving &&
			earlier(&maker->leaving[child + 1], &maker->leaving[child]))
			child++;
		if (!earlier(&maker->leaving[child], &last))
			break;
		maker->leaving[i] = maker->leaving[child];
	}
	maker->leaving[i] = last;
	return first;
}

/* The next arrival, in 2^-20 seconds, and all departures up to it; n events in all. */
static int make_events(struct maker *maker, size_t n)
{
	uint64_t next = exponential(maker, maker->gap);

	while (maker->trace->n_events < n) {
		if (maker->n_leaving && maker->leaving[0].time <= next >> 20) {
			struct leaving leaving = pop(maker);
			int r = vn_trace_depart(maker->trace, leaving.time, leaving.guest);
			if (r < 0)
				return r;
			continue;
		}
		struct vn_trace_guest guest = draw_guest(maker);
		struct leaving leaving = {.time = (next >> 20) + draw_life(maker)};
		int r = vn_trace_arrive(maker->trace, next >> 20, &guest, &leaving.guest);
		if (r < 0)
			return r;
		push(maker, leaving);
		next += exponential(maker, maker->gap);
	}
	return 0;
}

int vn_trace_synthesize(const struct vn_stock *stock, uint64_t seed, size_t n, uint64_t load,
	struct vn_trace **ret_trace, struct vn_error *err)
{
	vn_autotrace *trace = vn_trace_new();
	vn_autofree struct leaving *leaving = calloc(n + 1, sizeof(*leaving));
	struct maker maker = {
		.stock = stock, .random = seed, .load = load, .trace = trace, .leaving = leaving};

	if (!trace || !leaving)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	find_gap(&maker);
	if (maker.weight == 0)
		return vn_error_input(err, NULL,
			"this host has %llu cores and %llu MiB; expected at least 4 and 8192: made-up guests have 2 vCPUs "
			"and 4 GiB or more, and none takes over half of the host",
			(unsigned long long)stock->cores, (unsigned long long)stock->mib);
	int r = make_events(&maker, n);
	if (r < 0)
		return vn_error_environment(err, r, "out of memory");
	*ret_trace = vn_steal(trace);
	return 0;
}
