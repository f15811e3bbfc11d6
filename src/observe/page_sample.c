/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "page_sample.h"

#include <fcntl.h>
#include <stdio.h>
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

/* ---- drawing ---- */

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

static int read_batch(
	vn_page_reader *read, void *context, const uint64_t *pages, size_t n, struct vn_residency *residency)
{
	int status[BATCH];
	int r = read(context, pages, n, status);

	for (size_t i = 0; i < n && r == 0; i++)
		r = count_status(residency, status[i]);
	return r;
}

int vn_residency_draw(uint64_t all, unsigned samples, uint64_t seed, vn_page_reader *read, void *context,
	struct vn_residency *ret_residency)
{
	bool exact = samples == 0 || samples >= all;
	uint64_t wanted = exact ? all : samples;
	struct vn_residency residency = {.exact = exact};
	vn_autofree uint64_t *pages = calloc(BATCH, sizeof(*pages));
	int r = pages ? 0 : -ENOMEM;

	for (uint64_t done = 0; r == 0 && done < wanted;) {
		size_t n = wanted - done < BATCH ? (size_t)(wanted - done) : BATCH;
		for (size_t i = 0; i < n; i++)
			pages[i] = exact ? done + i : random_below(&seed, all);
		r = read_batch(read, context, pages, n, &residency);
		done += n;
	}
	if (r < 0) {
		vn_residency_clear(&residency);
		return r;
	}
	*ret_residency = residency;
	return 0;
}

/* ---- nodes ---- */

struct range {
	pid_t pid;
	uint64_t address, page; /* bytes a page */
	void *pages[BATCH]; /* room */
};

static int ask_kernel(void *context, const uint64_t *pages, size_t n, int *ret_status)
{
	struct range *range = context;

	for (size_t i = 0; i < n; i++) {
		range->pages[i] = (void *)(uintptr_t)(range->address + pages[i] * range->page);
		ret_status[i] = -EIO; /* what the kernel leaves untouched is not known */
	}
	return syscall(SYS_move_pages, range->pid, n, range->pages, NULL, ret_status, 0) < 0 ? vn_errno() : 0;
}

int vn_residency_sample(pid_t pid, uint64_t address, uint64_t size, unsigned samples, uint64_t seed,
	struct vn_residency *ret_residency, struct vn_error *err)
{
	struct range range = {pid, address, (uint64_t)sysconf(_SC_PAGESIZE), {NULL}};
	int r = vn_residency_draw(size / range.page, samples, seed, ask_kernel, &range, ret_residency);

	if (r == 0)
		return 0;
	if (r == -ENOMEM)
		return vn_error_environment(err, r, "out of memory");
	return vn_error_environment(err, r, "process %d: its pages cannot be looked at: %s", pid,
		r == -EPERM   ? "not permitted (same user, or CAP_SYS_PTRACE, is needed)"
		: r == -ESRCH ? "it is gone"
			      : strerror(-r));
}

/* ---- pagemap ---- */

#define BIT_PRESENT (UINT64_C(1) << 63)
#define BIT_SWAPPED (UINT64_C(1) << 62)
#define BIT_EXCLUSIVE (UINT64_C(1) << 56) /* nobody else has it mapped */

struct details {
	uint64_t here, shared; /* pages that are there; of these, mapped by others, too */
	uint64_t gone, swapped; /* that are not; of these, swapped out */
};

static void count_entry(struct details *details, uint64_t entry)
{
	if (entry & BIT_PRESENT) {
		details->here++;
		details->shared += (entry & BIT_EXCLUSIVE) == 0;
	} else {
		details->gone++;
		details->swapped += (entry & BIT_SWAPPED) != 0;
	}
}

/*
 * Every page. The zero page counts as present here, and never as somebody's own: there are as many of them as are more than
 * `here`. Whether all could be read.
 */
static bool read_all_entries(
	int fd, struct range *range, uint64_t all, uint64_t here, struct details *details)
{
	uint64_t *entries = (uint64_t *)(void *)range->pages; /* the same room */

	for (uint64_t done = 0; done < all;) {
		uint64_t n = all - done < BATCH ? all - done : BATCH;
		uint64_t at = (range->address / range->page + done) * sizeof(*entries);
		ssize_t got = pread(fd, entries, n * sizeof(*entries), (off_t)at);
		if (got < (ssize_t)sizeof(*entries))
			return false;
		n = (uint64_t)got / sizeof(*entries);
		for (uint64_t i = 0; i < n; i++)
			count_entry(details, entries[i]);
		done += n;
	}
	uint64_t zero = details->here > here ? details->here - here : 0;
	details->shared -= zero < details->shared ? zero : details->shared;
	details->here -= zero;
	return true;
}

/* The first pages that vn_residency_draw() draws, asked for again, since pagemap does not tell the zero page from others. */
static bool read_some_entries(
	int fd, struct range *range, uint64_t all, unsigned samples, uint64_t seed, struct details *details)
{
	uint64_t pages[VN_DETAILS_MAX] = {0}, entry;
	int status[VN_DETAILS_MAX];
	size_t n = samples < VN_DETAILS_MAX ? samples : VN_DETAILS_MAX;

	for (size_t i = 0; i < n; i++)
		pages[i] = random_below(&seed, all);
	if (ask_kernel(range, pages, n, status) < 0)
		return false;
	for (size_t i = 0; i < n; i++) {
		uint64_t at = (range->address / range->page + pages[i]) * sizeof(entry);
		if (status[i] < 0 && status[i] != -ENOENT)
			continue;
		if (pread(fd, &entry, sizeof(entry), (off_t)at) != sizeof(entry))
			return false;
		count_entry(details, entry);
	}
	return true;
}

static uint64_t scale(uint64_t pages, uint64_t part, uint64_t of)
{
	return of ? (uint64_t)((unsigned __int128)pages * part / of) : 0;
}

void vn_residency_details(pid_t pid, uint64_t address, uint64_t size, unsigned samples, uint64_t seed,
	struct vn_residency *residency)
{
	struct range range = {pid, address, (uint64_t)sysconf(_SC_PAGESIZE), {NULL}};
	uint64_t all = size / range.page, here = vn_residency_present(residency);
	struct details details = {0};
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/pagemap", pid);
	vn_autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (!(residency->exact ? read_all_entries(fd, &range, all, here, &details)
			       : read_some_entries(fd, &range, all, samples, seed, &details)))
		return;
	residency->has_details = true;
	residency->shared = scale(here, details.shared, details.here);
	residency->swapped = scale(residency->absent - residency->zero, details.swapped, details.gone);
}
