/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: a guest is admitted by a rule that is the same for all policies, then placed by one of them.
 *
 * The rule: the vCPUs of all guests that are there stay within the host's cores times the overcommit, and a guest's memory must be
 * free on the nodes it goes to. What is above the limit is rejected before the policy is asked. How vCPUs are spread over nodes
 * is the policy's affair, and shows as squeeze.
 *
 * An event costs the same however many guests there are: sums are kept, not made anew. Only what a node has is looked at again.
 */
#include "replay.h"

#include <time.h>

struct player {
	struct vn_stock *stock;
	const struct vn_trace *trace;
	const struct vn_rule *rule;
	void *self;
	struct vn_placement *placements; /* by guest; without portions: not there */
	uint64_t limit; /* vCPUs */
	struct vn_replay *replay;
	size_t guests;
	uint64_t distance_sum; /* of those that are there: vCPUs times thousandths */
	vn_u128 squeeze_sum, stranded_sum, free_sum, distances_sum, load_sum; /* over time */
	uint64_t time; /* up to which they are summed up */
	uint64_t *ns;
	size_t n_ns, samples_every;
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

uint64_t vn_replay_limit(const struct vn_stock *stock, unsigned overcommit)
{
	return (uint64_t)((vn_u128)stock->cores * overcommit / 100);
}

static int arrive(struct player *player, uint32_t index)
{
	const struct vn_trace_guest *guest = &player->trace->guests[index];
	struct vn_placement *placement = &player->placements[index];
	struct vn_replay *replay = player->replay;

	replay->arrivals++;
	if (player->stock->load + guest->vcpus > player->limit) {
		replay->rejected_by_limit++;
		replay->rejected++;
		return 0;
	}
	uint64_t start = now_ns();
	int r = player->rule->place(player->self, player->stock, guest, placement);
	player->ns[player->n_ns++] = now_ns() - start;
	if (r == -ENOSPC) {
		replay->rejected++;
		return 0;
	}
	if (r < 0)
		return r;
	if (!vn_stock_fits(player->stock, placement))
		return -EPROTO; /* the policy is wrong: its answer would be worth nothing */
	vn_stock_take(player->stock, placement);
	uint64_t distance = vn_stock_mean_distance(player->stock, placement);
	replay->distances[index] = (uint32_t)distance;
	replay->accepted++;
	player->guests++;
	player->distance_sum += distance * guest->vcpus;
	return 0;
}

static void depart(struct player *player, uint32_t index)
{
	struct vn_placement *placement = &player->placements[index];

	if (placement->n == 0)
		return; /* was rejected */
	if (player->rule->depart)
		player->rule->depart(player->self, placement);
	vn_stock_give_back(player->stock, placement);
	vn_placement_clear(placement);
	player->guests--;
	player->distance_sum -=
		(uint64_t)player->replay->distances[index] * player->trace->guests[index].vcpus;
}

static uint64_t rounded(vn_u128 sum, vn_u128 by)
{
	/* the analyzer knows no 128 bits. NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult) */
	return by ? (uint64_t)((sum + by / 2) / by) : 0;
}

/* How things stand goes into the sums for as long as they have stood so. */
static void pass_time(struct player *player, uint64_t until)
{
	const struct vn_trace *trace = player->trace;
	uint64_t length = until - player->time;

	if (length == 0)
		return;
	player->squeeze_sum += (vn_u128)vn_stock_squeeze(player->stock) * length;
	player->stranded_sum +=
		(vn_u128)vn_stock_stranded(player->stock, trace->median_vcpus, trace->median_mib) * length;
	player->free_sum += (vn_u128)player->stock->free * length;
	player->distances_sum += (vn_u128)player->distance_sum * length;
	player->load_sum += (vn_u128)player->stock->load * length;
	player->time = until;
}

static void sample(struct player *player, size_t event)
{
	struct vn_replay *replay = player->replay;
	const struct vn_trace *trace = player->trace;
	uint64_t length = player->time - trace->events[0].time;

	replay->samples[replay->n_samples++] = (struct vn_replay_sample){
		.event = event + 1,
		.time = trace->events[event].time,
		.guests = player->guests,
		.accepted = replay->accepted,
		.rejected = replay->rejected,
		.distance = rounded(player->distance_sum, player->stock->load),
		.squeeze = vn_stock_squeeze(player->stock),
		.free = player->stock->free,
		.stranded = vn_stock_stranded(player->stock, trace->median_vcpus, trace->median_mib),
		.distance_mean = rounded(player->distances_sum, player->load_sum),
		.squeeze_mean = rounded(player->squeeze_sum * 1000, length),
		.stranded_mean = rounded(player->stranded_sum, length),
	};
}

static int compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

/* The seconds a guest was there, and the one it came in: a weight is never 0. */
static vn_u128 weight_of(const struct vn_trace_guest *guest)
{
	return (vn_u128)guest->vcpus * (guest->departure - guest->arrival + 1);
}

static void sum_up(struct player *player)
{
	struct vn_replay *replay = player->replay;
	const struct vn_trace *trace = player->trace;
	vn_u128 sum = 0, weights = 0, asked = 0, length = player->time - trace->events[0].time;

	for (size_t i = 0; i < trace->n_guests; i++) {
		asked += weight_of(&trace->guests[i]);
		if (replay->distances[i] == 0)
			continue;
		sum += weight_of(&trace->guests[i]) * replay->distances[i];
		weights += weight_of(&trace->guests[i]);
	}
	replay->distance = rounded(sum, weights);
	replay->accepted_time = rounded(weights * 1000000, asked);
	replay->squeeze_mean = rounded(player->squeeze_sum * 1000, length);
	replay->stranded_mean = rounded(player->stranded_sum, length);
	replay->free_mean = rounded(player->free_sum, length);
	qsort(player->ns, player->n_ns, sizeof(*player->ns), compare_u64);
	if (player->n_ns) {
		replay->p50_ns = player->ns[player->n_ns / 2];
		replay->p99_ns = player->ns[player->n_ns - 1 - player->n_ns / 100];
	}
	for (size_t i = 0; i < player->n_ns; i++)
		replay->total_ns += player->ns[i];
	if (player->rule->unproven)
		replay->unproven = player->rule->unproven(player->self);
}

static int play(struct player *player)
{
	const struct vn_trace *trace = player->trace;
	struct vn_replay *replay = player->replay;

	player->time = trace->events[0].time;
	for (size_t i = 0; i < trace->n_events; i++) {
		const struct vn_trace_event *event = &trace->events[i];
		pass_time(player, event->time);
		int r = 0;
		if (event->arrives)
			r = arrive(player, event->guest);
		else
			depart(player, event->guest);
		if (r < 0)
			return r;
		uint64_t squeeze = vn_stock_squeeze(player->stock);
		if (squeeze > replay->squeeze_max)
			replay->squeeze_max = squeeze;
		if ((i + 1) % player->samples_every == 0 || i + 1 == trace->n_events)
			sample(player, i);
	}
	sum_up(player);
	return 0;
}

static void player_clear(struct player *player)
{
	for (size_t i = 0; player->placements && i < player->trace->n_guests; i++) {
		if (player->placements[i].n && player->rule->depart)
			player->rule->depart(player->self, &player->placements[i]);
		vn_placement_clear(&player->placements[i]);
	}
	if (player->rule->close)
		player->rule->close(player->self);
	free(player->placements);
	free(player->ns);
	vn_stock_free(player->stock);
}

static int prepare(struct player *player, const struct vn_host *host, const struct vn_replay_options *options)
{
	const struct vn_trace *trace = player->trace;

	player->stock = vn_stock_new(host);
	player->placements = calloc(trace->n_guests + 1, sizeof(*player->placements));
	player->ns = calloc(trace->n_guests + 1, sizeof(*player->ns));
	/* one place is for the end, which need not be a round number */
	player->samples_every = trace->n_events / VN_REPLAY_SAMPLES + 1;
	player->replay->samples = calloc(VN_REPLAY_SAMPLES + 1, sizeof(*player->replay->samples));
	player->replay->distances = calloc(trace->n_guests + 1, sizeof(*player->replay->distances));
	if (!player->stock || !player->placements || !player->ns || !player->replay->samples ||
		!player->replay->distances)
		return -ENOMEM;
	player->limit = vn_replay_limit(player->stock, options->overcommit);
	return player->rule->open ? player->rule->open(player->stock, options->seed, &player->self) : 0;
}

int vn_replay(const struct vn_host *host, const struct vn_trace *trace, const struct vn_rule *rule,
	const struct vn_replay_options *options, struct vn_replay *ret_replay, struct vn_error *err)
{
	struct vn_replay replay = {.rule = rule};
	vn_cleanup(player_clear) struct player player = {.trace = trace, .rule = rule, .replay = &replay};

	int r = trace->n_events ? prepare(&player, host, options) : -EINVAL;
	if (r == 0)
		r = play(&player);
	if (r < 0) {
		vn_replay_clear(&replay);
		if (r == -ENOMEM)
			return vn_error_environment(err, r, "out of memory");
		return vn_error_environment(
			err, r, "policy %s failed, which is a bug of vnuma: please report it", rule->name);
	}
	*ret_replay = replay;
	return 0;
}

void vn_replay_clear(struct vn_replay *replay)
{
	free(replay->samples);
	free(replay->distances);
	*replay = (struct vn_replay){0};
}

size_t vn_replay_common(
	const struct vn_trace *trace, const struct vn_replay *replays, size_t n, uint64_t *ret_distances)
{
	size_t guests = 0;

	for (size_t k = 0; k < n; k++) {
		vn_u128 sum = 0, weights = 0;
		guests = 0;
		for (size_t i = 0; i < trace->n_guests; i++) {
			bool common = true;
			for (size_t other = 0; other < n && common; other++)
				common = replays[other].distances[i] != 0;
			if (!common)
				continue;
			guests++;
			sum += weight_of(&trace->guests[i]) * replays[k].distances[i];
			weights += weight_of(&trace->guests[i]);
		}
		ret_distances[k] = rounded(sum, weights);
	}
	return guests;
}
