/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "migrate_kernel.h"

#include <linux/mempolicy.h>
#include <poll.h>
#include <time.h>

#include "node_memory.h"
#include "sys.h"

static int move_pages(void *context, pid_t pid, size_t n, void **pages, const int *nodes, int *status)
{
	struct vn_migrate_kernel *kernel = context;
	int r = vn_sys_move_pages(pid, n, pages, nodes, status, nodes ? kernel->flags : 0);

	/* Before it looks at the process the kernel looks at this flag: EPERM is about the process only without it. */
	if (r == -EPERM && nodes && kernel->flags == MPOL_MF_MOVE_ALL) {
		kernel->flags = MPOL_MF_MOVE;
		r = vn_sys_move_pages(pid, n, pages, nodes, status, kernel->flags);
	}
	return r;
}

static int node_memory(void *context, unsigned node, uint64_t page, uint64_t *ret_free, uint64_t *ret_total)
{
	(void)context;
	return page ? vn_node_pool(node, page, ret_free, ret_total)
		    : vn_node_memory(node, ret_free, ret_total);
}

static int pressure(void *context, double *ret_percent)
{
	(void)context;
	return vn_memory_pressure(ret_percent);
}

static uint64_t now_ns(void *context)
{
	struct timespec now;

	(void)context;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static int sleep_ns(void *context, uint64_t ns)
{
	const struct vn_migrate_kernel *kernel = context;
	struct pollfd fd = {.fd = kernel->stop_fd, .events = POLLIN};
	struct timespec wait = {.tv_sec = (time_t)(ns / 1000000000), .tv_nsec = (long)(ns % 1000000000)};

	return ppoll(&fd, kernel->stop_fd >= 0, &wait, NULL) > 0 ? -ECANCELED : 0;
}

struct vn_migrate_calls vn_migrate_kernel_calls(struct vn_migrate_kernel *kernel, int stop_fd)
{
	*kernel = (struct vn_migrate_kernel){.stop_fd = stop_fd, .flags = MPOL_MF_MOVE_ALL};
	return (struct vn_migrate_calls){move_pages, node_memory, pressure, now_ns, sleep_ns, kernel};
}
