/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "iothreads.h"

#include <string.h>

#include "../base/parse.h"

/* The threads of the `at`th of `busy` vnodes, when `n` are dealt out: none is without. */
static void share_of(size_t at, size_t busy, size_t n, size_t *ret_first, size_t *ret_count)
{
	size_t more = n % busy;

	if (n < busy) {
		*ret_first = at * n / busy;
		*ret_count = 1;
		return;
	}
	*ret_first = at * (n / busy) + (at < more ? at : more);
	*ret_count = n / busy + (at < more);
}

int vn_iothreads_deal(
	unsigned wanted, const bool serves[static VN_MAX_VNODES], struct vn_iothreads *ret_threads)
{
	struct vn_iothreads threads = {0};
	size_t busy = 0, made = 0;

	for (unsigned v = 0; v < VN_MAX_VNODES; v++)
		busy += serves[v];
	threads.n = wanted && busy ? wanted : busy;
	threads.v = calloc(threads.n + 1, sizeof(*threads.v));
	if (!threads.v)
		return -ENOMEM;
	for (unsigned v = 0, at = 0; v < VN_MAX_VNODES; v++) {
		if (!serves[v])
			continue;
		share_of(at++, busy, threads.n, &threads.first[v], &threads.count[v]);
		/* one that is shared is of the first that has it */
		for (unsigned nth = 0; made < threads.first[v] + threads.count[v]; nth++)
			threads.v[made++] = (struct vn_iothread){v, nth};
	}
	*ret_threads = threads;
	return 0;
}

size_t vn_iothread_of(const struct vn_iothreads *threads, unsigned vnode, size_t turn)
{
	return threads->first[vnode] + turn % threads->count[vnode];
}

const char *vn_iothread_name(const struct vn_iothread *thread, char buffer[static VN_IOTHREAD_NAME])
{
	int n = snprintf(buffer, VN_IOTHREAD_NAME, "io%u", thread->vnode);

	if (thread->nth)
		snprintf(buffer + n, VN_IOTHREAD_NAME - (size_t)n, "-%u", thread->nth);
	return buffer;
}

int vn_iothread_vnode(const char *name)
{
	vn_autofree char *copy = strncmp(name, "io", 2) == 0 ? strdup(name + 2) : NULL;
	char *nth = copy;
	const char *vnode = copy ? strsep(&nth, "-") : NULL;
	uint64_t number, which;

	if (!vnode || vn_parse_u64(vnode, VN_MAX_VNODES - 1, &number) < 0 ||
		(nth && vn_parse_u64(nth, UINT32_MAX, &which) < 0))
		return -1;
	return (int)number;
}
