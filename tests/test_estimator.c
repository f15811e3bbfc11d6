/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How sure a sample is: drawn of layouts that are known, and of pages of this very process. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "../src/base/rootfs.h"
#include "../src/observe/page_sample.h"

#define TRIALS 1000
#define OUTSIDE_MOST 20
#define PAGES (UINT64_C(1) << 20)
#define HUGE_PAGE (UINT64_C(2) << 20)

/* Node 1 has the pages below `bound`, node 0 the rest; asking more than `most` is a fault of the test. */
struct layout {
	uint64_t all, bound, asked;
};

/* Pages of either node lie scattered: a multiplication by an odd number permutes the numbers below a power of two. */
static int tell(void *context, const uint64_t *pages, size_t n, int *ret_status)
{
	struct layout *layout = context;

	for (size_t i = 0; i < n; i++) {
		assert_true(pages[i] < layout->all);
		ret_status[i] = (pages[i] * UINT64_C(2654435761)) % layout->all < layout->bound;
	}
	layout->asked += n;
	return 0;
}

static uint64_t hits_of(const struct vn_residency *residency, unsigned node)
{
	for (size_t i = 0; i < residency->n_nodes; i++) {
		if (residency->nodes[i].node == node)
			return residency->nodes[i].pages;
	}
	return 0;
}

/* Trials in which the interval does not hold the truth. */
static unsigned count_outside(double share, unsigned samples)
{
	struct layout layout = {.all = PAGES, .bound = (uint64_t)(share * PAGES)};
	double truth = (double)layout.bound / PAGES;
	unsigned outside = 0;

	for (uint64_t seed = 1; seed <= TRIALS; seed++) {
		struct vn_residency residency = {0};
		assert_int_equal(vn_residency_draw(PAGES, samples, seed, tell, &layout, &residency), 0);
		assert_int_equal(residency.asked, samples);
		assert_false(residency.exact);
		struct vn_share_interval of = vn_share_interval(hits_of(&residency, 1), samples, false);
		outside += truth < of.low || truth > of.high;
		vn_residency_clear(&residency);
	}
	assert_int_equal(layout.asked, (uint64_t)TRIALS * samples);
	return outside;
}

static void test_interval_holds(void **state)
{
	static const double shares[] = {0.5, 0.9, 0.99, 0.001};

	(void)state;
	for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
		unsigned outside = count_outside(shares[i], VN_SAMPLES_DEFAULT),
			 of_few = count_outside(shares[i], 512);
		print_message("share %g: outside in %u of %d trials, with 512 pages in %u\n", shares[i],
			outside, TRIALS, of_few);
		assert_in_range(outside, 0, OUTSIDE_MOST);
		assert_in_range(of_few, 0, OUTSIDE_MOST);
	}
}

/* An interval that were always wide would pass the test above. */
static void test_interval_is_narrow(void **state)
{
	(void)state;
	struct vn_share_interval half = vn_share_interval(2048, 4096, false);
	assert_true(half.high - half.low < 0.041 && half.high - half.low > 0.039);
	struct vn_share_interval none = vn_share_interval(0, 4096, false);
	assert_true(none.low == 0 && none.high < 0.0017);
	struct vn_share_interval all = vn_share_interval(4096, 4096, false);
	assert_true(all.high == 1 && all.low > 0.9983);
}

static void test_seed_decides(void **state)
{
	struct layout layout = {.all = PAGES, .bound = PAGES / 2};
	struct vn_residency a = {0}, b = {0}, c = {0};

	(void)state;
	assert_int_equal(vn_residency_draw(PAGES, 4096, 7, tell, &layout, &a), 0);
	assert_int_equal(vn_residency_draw(PAGES, 4096, 7, tell, &layout, &b), 0);
	assert_int_equal(vn_residency_draw(PAGES, 4096, 8, tell, &layout, &c), 0);
	assert_int_equal(hits_of(&a, 1), hits_of(&b, 1));
	assert_int_not_equal(hits_of(&a, 1), hits_of(&c, 1));
	vn_residency_clear(&a);
	vn_residency_clear(&b);
	vn_residency_clear(&c);
}

static void test_few_pages_are_counted(void **state)
{
	struct layout layout = {.all = 4096, .bound = 1000};
	struct vn_residency residency = {0};

	(void)state;
	assert_int_equal(vn_residency_draw(4096, 4096, 7, tell, &layout, &residency), 0);
	assert_true(residency.exact);
	assert_int_equal(hits_of(&residency, 1), 1000);
	assert_int_equal(hits_of(&residency, 0), 3096);
	vn_residency_clear(&residency);
}

static int tell_errors(void *context, const uint64_t *pages, size_t n, int *ret_status)
{
	static const int statuses[] = {0, -ENOENT, -EFAULT, -EACCES};

	(void)context;
	for (size_t i = 0; i < n; i++)
		ret_status[i] = statuses[pages[i] % 4];
	return 0;
}

static int cannot_tell(void *context, const uint64_t *pages, size_t n, int *ret_status)
{
	(void)context, (void)pages, (void)n, (void)ret_status;
	return -ESRCH;
}

static void test_what_is_on_no_node(void **state)
{
	struct vn_residency residency = {0};

	(void)state;
	assert_int_equal(vn_residency_draw(400, 0, 7, tell_errors, NULL, &residency), 0);
	assert_int_equal(residency.asked, 400);
	assert_int_equal(hits_of(&residency, 0), 100);
	assert_int_equal(residency.absent, 200);
	assert_int_equal(residency.zero, 100);
	assert_int_equal(residency.unknown, 100);
	vn_residency_clear(&residency);
	assert_int_equal(vn_residency_draw(400, 0, 7, cannot_tell, NULL, &residency), -ESRCH);
	assert_int_equal(residency.asked, 0);
}

static void *map(size_t size, int flags)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

/* A quarter is there, some is only read (the zero page), the rest was never touched; then the same shared with a child. */
static void test_own_pages(void **state)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), size = 1024 * page;
	volatile char *p = map(size, MAP_PRIVATE);
	struct vn_residency residency = {0};
	vn_autoerror err = {0};

	(void)state;
	assert_non_null(p);
	madvise((void *)(uintptr_t)p, size, MADV_NOHUGEPAGE);
	for (size_t i = 0; i < 256; i++)
		p[i * page] = 1;
	for (size_t i = 256; i < 300; i++)
		(void)p[i * page];
	int r = vn_residency_sample(getpid(), (uintptr_t)p, size, 0, 1, &residency, &err);
	if (r == -EPERM || r == -ENOSYS)
		skip(); /* a sandbox that forbids to ask */
	assert_int_equal(r, 0);
	assert_int_equal(vn_residency_present(&residency), 256);
	assert_int_equal(residency.zero, 44);
	assert_int_equal(residency.absent, 1024 - 256);
	assert_false(residency.has_details);
	vn_residency_details(getpid(), (uintptr_t)p, size, 0, 1, &residency);
	assert_true(residency.has_details);
	assert_int_equal(residency.swapped, 0);
	assert_int_equal(residency.shared, 0);

	int ready[2], done[2];
	char byte = 0;
	assert_int_equal(pipe(ready) | pipe(done), 0);
	pid_t child = fork();
	if (child == 0) {
		close(done[1]);
		_exit(write(ready[1], &byte, 1) != 1 || read(done[0], &byte, 1) != 0);
	}
	close(done[0]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	vn_residency_details(getpid(), (uintptr_t)p, size, 0, 1, &residency);
	assert_int_equal(residency.shared, 256);
	close(done[1]);
	assert_int_equal(waitpid(child, NULL, 0), child);
	close(ready[0]);
	close(ready[1]);
	vn_residency_clear(&residency);
	munmap((void *)(uintptr_t)p, size);
}

/* Half of 64 MiB is there, in pages of 2 MiB if the system gives them and in ordinary ones: either way it is about half. */
static void weigh(void *p, size_t size, size_t touched)
{
	struct vn_residency residency = {0};

	assert_int_equal(vn_residency_sample(getpid(), (uintptr_t)p, size, 2048, 3, &residency, NULL), 0);
	assert_int_equal(residency.asked, 2048);
	struct vn_share_interval of = vn_share_interval(vn_residency_present(&residency), 2048, false);
	double truth = (double)touched / (double)size;
	assert_true(of.low <= truth && truth <= of.high);
	vn_residency_details(getpid(), (uintptr_t)p, size, 2048, 3, &residency);
	assert_true(residency.has_details);
	assert_int_equal(residency.shared, 0);
	vn_residency_clear(&residency);
}

static void test_transparent_huge_pages(void **state)
{
	size_t size = 64 << 20;
	char *p = map(size + HUGE_PAGE, MAP_PRIVATE);

	(void)state;
	assert_non_null(p);
	char *aligned = (char *)(((uintptr_t)p + HUGE_PAGE - 1) & ~(uintptr_t)(HUGE_PAGE - 1));
	madvise(aligned, size / 2, MADV_HUGEPAGE);
	madvise(aligned + size / 2, size / 2, MADV_NOHUGEPAGE);
	for (size_t at = 0; at < size / 2; at += HUGE_PAGE)
		aligned[at] = 1; /* all of each, where the page is huge */
	for (size_t at = size / 2; at < size / 4 * 3; at += 4096)
		aligned[at] = 1;
	struct vn_residency all = {0};
	int r = vn_residency_sample(getpid(), (uintptr_t)aligned, size, 0, 1, &all, NULL);
	size_t touched = vn_residency_present(&all) * (size_t)sysconf(_SC_PAGESIZE);
	vn_residency_clear(&all);
	if (r == 0)
		weigh(aligned, size, touched);
	munmap(p, size + HUGE_PAGE);
	if (r < 0 || touched < size / 2) {
		print_message("no transparent huge pages here\n");
		skip();
	}
	assert_in_range(touched, size / 4 * 3, size / 4 * 3);
}

static void test_hugetlb(void **state)
{
	size_t size = 4 * HUGE_PAGE;
	char *p = map(size, MAP_PRIVATE | MAP_HUGETLB);

	(void)state;
	if (!p) {
		print_message("no free huge pages here\n");
		skip();
	}
	p[0] = p[HUGE_PAGE] = 1;
	weigh(p, size, size / 2);
	munmap(p, size);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_interval_holds),
		cmocka_unit_test(test_interval_is_narrow),
		cmocka_unit_test(test_seed_decides),
		cmocka_unit_test(test_few_pages_are_counted),
		cmocka_unit_test(test_what_is_on_no_node),
		cmocka_unit_test(test_own_pages),
		cmocka_unit_test(test_transparent_huge_pages),
		cmocka_unit_test(test_hugetlb),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
