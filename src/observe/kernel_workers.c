/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Before Linux 6.4 the workers of vhost are threads of the kernel's, vhost-PID after the thread that asked for them (kthread_create()
 * in drivers/vhost/vhost.c), then threads of QEMU (vhost_task_create()) with the same name; since 6.17 QEMU may choose
 * (VHOST_SET_FORK_FROM_OWNER). The kernel's are found among all processes.
 */
#define _GNU_SOURCE
#include "kernel_workers.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "../base/parse.h"
#include "thread_kind.h"

void vn_kernel_workers_clear(struct vn_kernel_workers *workers)
{
	free(workers->v);
	*workers = (struct vn_kernel_workers){0};
}

/* comm is one line; only of a thread of the kernel's, which has no program, is it taken: any process may give itself such a name. */
static int add_worker(const struct vn_root *root, pid_t tid, struct vn_kernel_workers *workers)
{
	vn_autofree char *comm = NULL;
	vn_autofree unsigned char *line = NULL;
	size_t length;
	char path[64];
	uint64_t owner;
	int index;

	snprintf(path, sizeof(path), "proc/%d/comm", tid);
	int r = vn_root_read(root, path, &comm);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	comm[strcspn(comm, "\n")] = '\0';
	if (vn_thread_kind_of(comm, &index) != VN_THREAD_VHOST || vn_parse_u64(comm + 6, INT_MAX, &owner) < 0)
		return 0;
	snprintf(path, sizeof(path), "proc/%d/cmdline", tid);
	r = vn_root_read_bytes(root, path, VN_FILE_MAX, &line, &length);
	if (r < 0 || length > 0)
		return r == -ENOMEM ? r : 0;
	struct vn_kernel_worker *grown = reallocarray(workers->v, workers->n + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	workers->v = grown;
	grown[workers->n++] = (struct vn_kernel_worker){tid, (pid_t)owner};
	return 0;
}

int vn_kernel_workers_read(const struct vn_root *root, struct vn_kernel_workers *ret_workers)
{
	vn_cleanup(vn_names_free) char **names = NULL;
	struct vn_kernel_workers workers = {0};
	uint64_t tid;
	int r = vn_root_list(root, "proc", &names);

	for (size_t i = 0; r == 0 && names[i]; i++) {
		if (vn_parse_u64(names[i], INT_MAX, &tid) == 0)
			r = add_worker(root, (pid_t)tid, &workers);
	}
	if (r == -ENOMEM) {
		vn_kernel_workers_clear(&workers);
		return r;
	}
	*ret_workers = workers;
	return 0;
}
