/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "trace.h"

struct vn_trace *vn_trace_new(void)
{
	return calloc(1, sizeof(struct vn_trace));
}

void vn_trace_free(struct vn_trace *trace)
{
	if (!trace)
		return;
	free(trace->guests);
	free(trace->events);
	free(trace);
}

/* Room for one more of `n`: arrays double, so that their capacity is the next power of two. */
static int grow(void *array, size_t n, size_t size)
{
	void **at = array;

	if (n && (n & (n - 1)) != 0)
		return 0;
	void *grown = reallocarray(*at, n ? 2 * n : 1, size);
	if (!grown)
		return -ENOMEM;
	*at = grown;
	return 0;
}

static int add_event(struct vn_trace *trace, struct vn_trace_event event)
{
	if (trace->n_events >= VN_TRACE_EVENTS_MAX)
		return -E2BIG;
	if (grow(&trace->events, trace->n_events, sizeof(*trace->events)) < 0)
		return -ENOMEM;
	trace->events[trace->n_events++] = event;
	return 0;
}

int vn_trace_arrive(
	struct vn_trace *trace, uint64_t time, const struct vn_trace_guest *guest, uint32_t *ret_guest)
{
	uint32_t index = (uint32_t)trace->n_guests;

	int r = grow(&trace->guests, trace->n_guests, sizeof(*trace->guests));
	if (r == 0)
		r = add_event(trace, (struct vn_trace_event){time, index, true});
	if (r < 0)
		return r;
	struct vn_trace_guest *added = &trace->guests[trace->n_guests++];
	*added = *guest;
	added->arrival = time;
	added->departure = UINT64_MAX;
	*ret_guest = index;
	return 0;
}

int vn_trace_depart(struct vn_trace *trace, uint64_t time, uint32_t guest)
{
	int r = add_event(trace, (struct vn_trace_event){time, guest, false});

	if (r == 0)
		trace->guests[guest].departure = time;
	return r;
}

static int compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

static int find_medians(struct vn_trace *trace)
{
	size_t n = trace->n_guests;
	vn_autofree uint64_t *sizes = calloc(n ? n : 1, sizeof(*sizes));

	if (!sizes)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		sizes[i] = trace->guests[i].vcpus;
	qsort(sizes, n, sizeof(*sizes), compare_u64);
	trace->median_vcpus = (unsigned)sizes[n / 2];
	for (size_t i = 0; i < n; i++)
		sizes[i] = trace->guests[i].mib;
	qsort(sizes, n, sizeof(*sizes), compare_u64);
	trace->median_mib = sizes[n / 2];
	return 0;
}

static uint64_t divide_up(uint64_t a, uint64_t b)
{
	return b ? (a + b - 1) / b : 1;
}

int vn_trace_settle(struct vn_trace *trace, uint64_t mib, uint64_t cores)
{
	uint64_t last = trace->n_events ? trace->events[trace->n_events - 1].time : 0;

	for (size_t i = 0; i < trace->n_guests; i++) {
		struct vn_trace_guest *guest = &trace->guests[i];
		if (guest->departure == UINT64_MAX)
			guest->departure = last;
		if (guest->vnodes)
			continue;
		uint64_t n = divide_up(guest->mib, mib), by_cores = divide_up(guest->vcpus, cores);
		n = by_cores > n ? by_cores : n;
		n = n > VN_MAX_VNODES ? VN_MAX_VNODES : n;
		guest->vnodes = (unsigned)(n > guest->vcpus ? guest->vcpus : n);
	}
	return trace->n_guests ? find_medians(trace) : 0;
}

uint64_t vn_trace_vnode_mib(const struct vn_trace_guest *guest, unsigned v)
{
	return guest->mib / guest->vnodes + (v < guest->mib % guest->vnodes);
}

unsigned vn_trace_vnode_vcpus(const struct vn_trace_guest *guest, unsigned v)
{
	return guest->vcpus / guest->vnodes + (v < guest->vcpus % guest->vnodes);
}
