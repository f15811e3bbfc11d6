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
 *
 * Which of these it is, and who else has a page mapped, is in /proc/PID/pagemap only. Read at random places
 * that costs 1 to 6 us a page, up to twenty times what move_pages does, so of a sample only the first
 * VN_DETAILS_MAX pages are looked up, and the counts scaled; of a range of which every page is asked for, all are, as a
 * whole, 0.02 to 0.06 us a page. The bits: Documentation/admin-guide/mm/pagemap.rst in Linux.
 */

#include <sys/types.h>

#include "../base/error.h"
#include "../model/residency.h"

#define VN_SAMPLES_DEFAULT 4096u
#define VN_SAMPLES_MAX 1048576u
#define VN_DETAILS_MAX 256u

/* Tells of `n` pages, by their index in the range: the node, or a negative errno. Fails with a negative errno itself. */
typedef int vn_page_reader(void *context, const uint64_t *pages, size_t n, int *ret_status);

/*
 * Asks `read` for `samples` of `all` pages, or for each of them when they are no more or `samples` is 0. The draw depends on `seed`
 * alone.
 */
int vn_residency_draw(uint64_t all, unsigned samples, uint64_t seed, vn_page_reader *read, void *context,
	struct vn_residency *ret_residency);

/*
 * Asks for `samples` pages of [address, address + size) of process `pid`; 0: for all of them. -ESRCH when the process
 * is gone, -EPERM when we may not look.
 */
int vn_residency_sample(pid_t pid, uint64_t address, uint64_t size, unsigned samples, uint64_t seed,
	struct vn_residency *ret_residency, struct vn_error *err);

/*
 * Fills in swapped and shared of what vn_residency_sample() told of the same range with the same seed. Where pagemap cannot be read,
 * has_details stays false.
 */
void vn_residency_details(pid_t pid, uint64_t address, uint64_t size, unsigned samples, uint64_t seed,
	struct vn_residency *residency);
