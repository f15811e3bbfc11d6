/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "page_sample.h"

#include <string.h>
#include <sys/syscall.h>

#define BATCH                                                                                                \
	4096u /* pages a call: the kernel holds no lock across them, and one call must not take long   \
		     */

/* splitmix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", OOPSLA 2014). */
static uint64_t next_random(uint64_t *seed)
{
	uint64_t z = (*seed += UINT64_C(0x9e3779b97f4a7c15));
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* Uniform below `n`: the high half of a 128 bit product; the bias, n / 2^64, is below any that could be seen.
 */
static uint64_t random_below(uint64_t *seed, uint64_t n)
{
	return (uint64_t)(((unsigned __int128)next_random(seed) * n) >> 64);
}

/* ENOENT: not there. EFAULT: the zero page, or no mapping (mm/migrate.c, do_pages_stat_array()). */
static int count_status(struct vn_residency *residency, int status)
{
	residency->asked++;
	if (status >= 0)
		return vn_residency_count(residency, (unsigned)status);
	residency->zero += status == -EFAULT;
	if (status == -ENOENT || status == -EFAULT)
		residency->absent++;
	else
		residency->unknown++;
	return 0;
}

static int ask(pid_t pid, void *const *pages, size_t n, struct vn_residency *residency, struct vn_error *err)
{
	int status[BATCH];

	for (size_t i = 0; i < n; i++)
		status[i] = -EIO; /* what the kernel leaves untouched is not known */
	if (syscall(SYS_move_pages, pid, n, pages, NULL, status, 0) < 0) {
		int r = -errno;
		return vn_error_environment(err, r, "process %d: its pages cannot be looked at: %s", pid,
			r == -EPERM   ? "not permitted (same user, or CAP_SYS_PTRACE, is needed)"
			: r == -ESRCH ? "it is gone"
				      : strerror(-r));
	}
	for (size_t i = 0; i < n; i++) {
		if (count_status(residency, status[i]) < 0)
			return vn_error_environment(err, -ENOMEM, "out of memory");
	}
	return 0;
}

int vn_residency_sample(pid_t pid, uint64_t address, uint64_t size, unsigned samples, uint64_t seed,
	struct vn_residency *ret_residency, struct vn_error *err)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), all = size / page;
	bool exact = samples == 0 || samples >= all;
	uint64_t wanted = exact ? all : samples;
	struct vn_residency residency = {.exact = exact};
	vn_autofree void **pages = calloc(BATCH, sizeof(*pages));
	int r = pages ? 0 : vn_error_environment(err, -ENOMEM, "out of memory");

	for (uint64_t done = 0; r == 0 && done < wanted;) {
		size_t n = wanted - done < BATCH ? (size_t)(wanted - done) : BATCH;
		for (size_t i = 0; i < n; i++) {
			uint64_t index = exact ? done + i : random_below(&seed, all);
			pages[i] = (void *)(uintptr_t)(address + index * page);
		}
		r = ask(pid, pages, n, &residency, err);
		done += n;
	}
	if (r < 0) {
		vn_residency_clear(&residency);
		return r;
	}
	*ret_residency = residency;
	return 0;
}
