/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A look at all VMs of the host, or some.
 *
 * Theory of operation: first every VM is found and what does not change is read (find.h, vm_name.h, blocks.h, nics.h). Then the
 * interval begins: threads' times are read at each of `looks` looks, and between them pages are sampled, so that the interval
 * costs no time of its own. A VM, or a thread, that ends meanwhile is left out: that is no error. Nothing is changed, and nothing is
 * asked of a VM that another program may be waiting for.
 */

#include "../base/rootfs.h"
#include "../model/sample.h"

/* Reads a command line as a guest: guest/'s vn_guest_from_qemu(); stages do not include each other. */
typedef int vn_guest_reader(
	const char *text, size_t size, const char *file, struct vn_guest **ret_guest, struct vn_error *err);

struct vn_kernel_workers; /* kernel_workers.h */

struct vn_survey {
	const struct vn_root *root; /* where proc/ and sys/ are; only a live one has pages and QMP */
	vn_guest_reader *read_guest; /* NULL: no guest is read */
	unsigned interval_ms; /* 0: threads are looked at once, and no times are known */
	unsigned looks; /* at least 1 */
	unsigned pages; /* to draw of each block; 0: none is looked at */
	bool exact; /* every page, through numa_maps */
	bool qmp; /* may a socket that nobody uses be asked? */
	uint64_t seed;
	size_t n_names;
	const char *const
		*names; /* names, uuids, ids or pids, of those that are asked for; n_names 0: all VMs */
	bool names_known; /* they were found in a round before: who is not there now has ended */
	const struct vn_vm *const *records; /* vnuma's own VMs */
	size_t n_records;
	const struct vn_kernel_workers *workers; /* NULL: looked for anew for each VM */
	int stop_fd; /* readable: end at once with -ECANCELED; -1 */
};

/*
 * Looks at the host's VMs. `host` is taken over, on success only. A name that no VM has is a problem of the input (-ENOENT), one for
 * each. All VMs are in the sample, those that have no such name as `aside`: what a VM gets depends on the others. -EACCES and the like are gaps of the sample, not failures; -ECANCELED adds no problem.
 */
int vn_survey_take(const struct vn_survey *survey, struct vn_host *host, struct vn_sample **ret_sample,
	struct vn_error *err);
