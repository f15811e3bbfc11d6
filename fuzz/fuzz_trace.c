/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any text is either a trace or problems: never neither, never both. A trace's events are in the order of time, every guest
 * arrives before it departs and departs once, and a little one can be replayed through every rule.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../src/discover/discover.h"
#include "../src/simulate/replay.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must_hang_together(const struct vn_trace *trace)
{
	vn_autofree uint8_t *seen = calloc(trace->n_guests + 1, 1);
	uint64_t time = 0;

	for (size_t i = 0; seen && i < trace->n_events; i++) {
		const struct vn_trace_event *event = &trace->events[i];
		if (event->time < time || event->guest >= trace->n_guests)
			abort();
		time = event->time;
		if (seen[event->guest]++ != !event->arrives)
			abort();
	}
	for (size_t i = 0; i < trace->n_guests; i++) {
		if (trace->guests[i].vcpus == 0 || trace->guests[i].mib == 0)
			abort();
	}
}

static void must_replay(struct vn_trace *trace)
{
	vn_autoerror err = {0};
	vn_autohost *host = NULL;

	if (trace->n_events > 6 || vn_discover("synthetic:node:2(memory=8GB) core:4 pu:1", &host, &err) < 0)
		return;
	vn_stock_empty_host(host);
	vn_autostock *stock = vn_stock_new(host);
	if (!stock || vn_trace_settle(trace, stock->most_mib, stock->most_cores) < 0)
		return;
	for (size_t i = 0; vn_rules[i]; i++) {
		struct vn_replay replay = {0};
		struct vn_replay_options options = {10000, 1};
		if (vn_replay(host, trace, vn_rules[i], &options, &replay, &err) < 0)
			abort();
		if (replay.accepted + replay.rejected != trace->n_guests)
			abort();
		vn_replay_clear(&replay);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	vn_autoerror err = {0};
	vn_autotrace *trace = NULL;
	vn_autofree char *text = strndup((const char *)data, size);

	if (!text)
		return 0;
	int r = vn_trace_parse(text, "fuzz", &trace, &err);
	if ((r == 0) != (trace != NULL) || (r == 0) != (err.n == 0))
		abort();
	if (trace) {
		must_hang_together(trace);
		must_replay(trace);
	}
	return 0;
}
