/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Where the pages of a range of another process lie.
 *
 * Theory of operation: move_pages(2) with no target nodes only asks. Asking for every page of a large VM
 * costs minutes of CPU time, asking for a random sample of n pages costs the same whatever the VM's size, and
 * the share of the sample on a node estimates the share of the memory there, with a known interval. Addresses
 * are drawn with replacement, uniformly over the range in units of the smallest page, so that the draws are
 * independent and huge pages weigh what they are large. A range with no more pages than the sample is not
 * sampled: each of its pages is asked for once.
 *
 * The kernel's view is that of the page tables: a page that was never touched, that is swapped out, or that
 * is still the shared zero page, is nowhere ("absent").
 */

#include <sys/types.h>

#include "../base/error.h"
#include "../model/residency.h"

#define VN_SAMPLES_DEFAULT 4096u
#define VN_SAMPLES_MAX 1048576u

/*
 * Asks for `samples` pages of [address, address + size) of process `pid`; 0: for all of them. The draw
 * depends on `seed` alone. -ESRCH when the process is gone, -EPERM when we may not look.
 */
int vn_residency_sample(pid_t pid, uint64_t address, uint64_t size, unsigned samples, uint64_t seed,
	struct vn_residency *ret_residency, struct vn_error *err);
