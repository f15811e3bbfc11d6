/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* A trace replayed through a policy, and what came of it. */

#include "rule.h"

#define VN_REPLAY_SAMPLES 1000u /* of a replay, at most */

struct vn_replay_options {
	unsigned overcommit; /* hundredths: vCPUs that the host may have for each of its cores */
	uint64_t seed; /* for the policy */
};

/* How things stood after an event. */
struct vn_replay_sample {
	size_t event; /* from 1 */
	uint64_t time; /* seconds */
	size_t guests; /* that are there */
	size_t accepted, rejected; /* so far */
	uint64_t distance; /* thousandths: mean access distance of those that are there, weighted by vCPUs */
	uint64_t squeeze; /* vCPUs */
	uint64_t free, stranded; /* MiB */
	/* means over the time so far: what stands still enough to be looked at */
	uint64_t distance_mean, squeeze_mean; /* thousandths */
	uint64_t stranded_mean; /* MiB */
};

struct vn_replay {
	const struct vn_rule *rule;
	size_t arrivals, accepted, rejected;
	size_t rejected_by_limit; /* of those rejected: by the overcommit limit, before the policy was asked */
	uint64_t accepted_time; /* millionths of all vCPUs times the seconds they wanted to stay */
	/* means in thousandths */
	uint64_t distance; /* of all that were accepted, weighted by vCPUs and the time they stayed */
	uint64_t squeeze_mean, squeeze_max; /* over time, thousandths of a vCPU; vCPUs */
	uint64_t stranded_mean; /* over time; MiB */
	uint64_t free_mean; /* over time; MiB */
	size_t n_samples;
	struct vn_replay_sample *samples; /* owned; the last is the end */
	uint32_t *distances; /* thousandths, of each guest of the trace; 0: rejected; owned */
	/* Not the same on each run: */
	uint64_t p50_ns, p99_ns, total_ns; /* of placing; a guest over the limit is not counted */
	size_t unproven;
};

/* What of the vCPUs a host may have in all. */
uint64_t vn_replay_limit(const struct vn_stock *stock, unsigned overcommit);

/* The trace must be settled, the host emptied. 0 or a negative errno. */
int vn_replay(const struct vn_host *host, const struct vn_trace *trace, const struct vn_rule *rule,
	const struct vn_replay_options *options, struct vn_replay *ret_replay, struct vn_error *err);
void vn_replay_clear(struct vn_replay *replay);

/*
 * Mean distance over the guests that all of the replays accepted, so that none looks good for turning away what is hard to
 * place: ret_distances[k], thousandths, of replays[k]; 0 when there is no such guest. Returns how many there are.
 */
size_t vn_replay_common(
	const struct vn_trace *trace, const struct vn_replay *replays, size_t n, uint64_t *ret_distances);
