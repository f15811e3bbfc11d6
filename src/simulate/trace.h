/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What comes and goes: guests with their sizes, and the moments at which they arrive and depart. */

#include "../model/guest.h"

#define VN_TRACE_FILE_MAX ((size_t)256 << 20) /* bytes */
#define VN_TRACE_EVENTS_MAX 10000000u
#define VN_TRACE_TIME_MAX (UINT64_C(1) << 40) /* seconds: 34,000 years */

struct vn_trace_guest {
	unsigned vcpus;
	uint64_t mib;
	unsigned vnodes; /* 0: not told, see vn_trace_settle() */
	bool vnodes_told; /* by the trace */
	uint64_t arrival, departure; /* seconds; a guest that never departs stays until the last event */
};

struct vn_trace_event {
	uint64_t time; /* seconds */
	uint32_t guest; /* index */
	bool arrives;
};

struct vn_trace {
	size_t n_guests;
	struct vn_trace_guest *guests; /* in the order of their arrival */
	size_t n_events;
	struct vn_trace_event *events; /* in the order of time */
	unsigned median_vcpus; /* of all that arrive; set by vn_trace_settle() */
	uint64_t median_mib;
};

struct vn_trace *vn_trace_new(void);
void vn_trace_free(struct vn_trace *trace);
static inline void vn_trace_freep(struct vn_trace **trace)
{
	vn_trace_free(*trace);
}
#define vn_autotrace vn_cleanup(vn_trace_freep) struct vn_trace

/* Appends an event; -ENOMEM, -E2BIG. The first adds the guest too and returns its index in *ret_guest. */
int vn_trace_arrive(
	struct vn_trace *trace, uint64_t time, const struct vn_trace_guest *guest, uint32_t *ret_guest);
int vn_trace_depart(struct vn_trace *trace, uint64_t time, uint32_t guest);

/*
 * Reads a trace: CSV with the header `time,event,name,vcpus,memory_mib` or, besides, `,vnodes`; `file` is for messages. `event`
 * is arrive or depart; a line that departs ends behind the name, or has the other fields empty. A name may come back after it
 * departed. Lines beginning with # and empty ones are skipped. Every line that is wrong is a problem, up to a limit.
 */
int vn_trace_parse(const char *text, const char *file, struct vn_trace **ret_trace, struct vn_error *err);

/*
 * Gives each guest of which nothing was told as many vnodes as it takes for one to fit the largest node of the host (`mib`,
 * `cores`), and finds the medians. Called once, before a replay.
 */
int vn_trace_settle(struct vn_trace *trace, uint64_t mib, uint64_t cores);

/* What vnode `v` of the guest has: even parts, the rest of memory and vCPUs on the first ones. */
uint64_t vn_trace_vnode_mib(const struct vn_trace_guest *guest, unsigned v);
unsigned vn_trace_vnode_vcpus(const struct vn_trace_guest *guest, unsigned v);
