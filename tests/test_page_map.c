/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where pages were: written and read back, coarse where it would be too much, kept by a second move, damaged in every way. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "../src/base/checksum.h"
#include "../src/base/process.h"
#include "../src/base/text.h"
#include "../src/realize/journal_part.h"
#include "../src/realize/page_map_part.h"
#include "move_maker.h"

#define PAGE UINT64_C(4096)
#define HUGE (UINT64_C(2) << 20)
#define BASE (UINT64_C(1) << 40)

static char directory[64];
static struct vn_state dir = {.fd = -1};

static int make_directory(void **state)
{
	(void)state;
	strcpy(directory, "/tmp/vnuma-pages.XXXXXX");
	return mkdtemp(directory) && vn_state_open_at(directory, &dir, NULL) == 0 ? 0 : -1;
}

static int remove_directory(void **state)
{
	(void)state;
	vn_state_close(&dir);
	vn_autofree char *command = vn_format("rm -rf '%s'", directory);
	return system(command);
}

/* Of this process, with these ranges. */
static struct vn_move *new_move(size_t n, const struct vn_move_range *ranges)
{
	struct vn_move *move = vn_move_new();
	move->process.pid = getpid();
	assert_int_equal(vn_process_start_time(getpid(), &move->process.start_time), 0);
	move->ranges = calloc(n, sizeof(*ranges));
	if (n)
		memcpy(move->ranges, ranges, n * sizeof(*ranges));
	move->n_ranges = n;
	return move;
}

/* That there is one is all that matters here. */
static void put_journal(const struct vn_move *move)
{
	char name[VN_JOURNAL_NAME];
	assert_int_equal(vn_state_put(&dir, vn_journal_name(&move->process, ".move", name), "", 0, false), 0);
}

/* ---- the kernel, played ---- */

struct kernel {
	int (*node)(uint64_t page, uint64_t step); /* of the n-th page from BASE; a negative errno: nowhere */
	uint64_t page; /* bytes */
	uint64_t asked;
	int fails;
	uint64_t told, of; /* in the last call */
	uint64_t stops_at; /* pages; 0: never */
};

static int answer(void *context, pid_t pid, size_t n, void **pages, int *status)
{
	struct kernel *kernel = context;
	assert_int_equal(pid, getpid());
	assert_in_range(n, 1, 4096);
	for (size_t i = 0; i < n; i++) {
		uint64_t offset = (uint64_t)(uintptr_t)pages[i] - BASE;
		assert_int_equal(offset % kernel->page, 0);
		status[i] = kernel->node(offset / kernel->page, kernel->page);
	}
	kernel->asked += n;
	return kernel->fails;
}

static int told(void *context, uint64_t asked, uint64_t pages)
{
	struct kernel *kernel = context;
	assert_in_range(asked, kernel->told + 1, pages);
	kernel->told = asked;
	kernel->of = pages;
	return kernel->stops_at && asked >= kernel->stops_at ? -ECANCELED : 0;
}

static int write_map(const struct vn_move *move, struct kernel *kernel)
{
	vn_autoerror err = {0};
	kernel->page = kernel->page ? kernel->page : PAGE;
	kernel->told = 0;
	int r = vn_page_map_write(&dir, move, &(struct vn_page_map_calls){answer, told, kernel}, &err);
	assert_int_equal(r == 0, err.n == 0);
	return r;
}

static void assert_ranges(const struct vn_move *move, size_t n, const struct vn_move_range *expected)
{
	vn_autofree struct vn_move_range *ranges = NULL;
	vn_autoerror err = {0};
	size_t got = 0;
	int r = vn_page_map_read(&dir, move, &ranges, &got, &err);
	if (r < 0)
		print_message("%s\n", err.n ? err.problems[0].text : "?");
	assert_int_equal(r, 0);
	assert_int_equal(got, n);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(ranges[i].address, expected[i].address);
		assert_int_equal(ranges[i].size, expected[i].size);
		assert_int_equal(ranges[i].page, expected[i].page);
		assert_int_equal(ranges[i].node, expected[i].node);
		assert_int_equal(ranges[i].vnode, expected[i].vnode);
	}
}

/* Ten on node 0, five nowhere, five unknown, then node 300. */
static int in_pieces(uint64_t page, uint64_t step)
{
	(void)step;
	return page < 10 ? 0 : page < 15 ? -ENOENT : page < 20 ? -EFAULT : 300;
}

static void test_runs(void **state)
{
	(void)state;
	struct vn_move_range all[] = {{BASE, 10000 * PAGE, 0, 1, 0}, {BASE + 10000 * PAGE, PAGE, 0, 1, 0},
		{BASE + 10001 * PAGE, PAGE, 0, 1, 3}};
	vn_automove *move = new_move(3, all);
	struct kernel kernel = {in_pieces};
	struct vn_move_range *none = NULL;
	vn_autoerror err = {0};
	struct stat st;
	size_t n;
	assert_int_equal(vn_page_map_read(&dir, move, &none, &n, &err), -ENOENT);
	assert_int_equal(err.n, 0);
	assert_int_equal(write_map(move, &kernel), 0);
	assert_int_equal(kernel.asked, 10002);
	char name[VN_JOURNAL_NAME];
	assert_int_equal(fstatat(dir.fd, vn_journal_name(&move->process, ".pages", name), &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	/* a run of two bytes, one of two, one of four; two of three each */
	assert_int_equal(st.st_size, 80 + 3 * 48 + 2 + 2 + 4 + 3 + 3 + 8);
	const struct vn_move_range back[] = {{BASE, 10 * PAGE, 0, 0, 0},
		{BASE + 20 * PAGE, 9981 * PAGE, 0, 300, 0}, /* the second range goes on with it */
		{BASE + 10001 * PAGE, PAGE, 0, 300, 3}};
	assert_ranges(move, 3, back);
}

static int alternating(uint64_t page, uint64_t step)
{
	(void)step;
	return (int)(page % 2);
}

static void test_huge_pages(void **state)
{
	(void)state;
	struct vn_move_range all[] = {{BASE, 4 * HUGE, HUGE, 1, 0}};
	vn_automove *move = new_move(1, all);
	struct kernel kernel = {alternating, .page = HUGE};
	assert_int_equal(write_map(move, &kernel), 0);
	assert_int_equal(kernel.asked, 4);
	const struct vn_move_range back[] = {{BASE, HUGE, HUGE, 0, 0}, {BASE + HUGE, HUGE, HUGE, 1, 0},
		{BASE + 2 * HUGE, HUGE, HUGE, 0, 0}, {BASE + 3 * HUGE, HUGE, HUGE, 1, 0}};
	assert_ranges(move, 4, back);
}

static int nowhere(uint64_t page, uint64_t step)
{
	(void)step;
	return page ? -ENOENT : 1024; /* a node that there cannot be */
}

static void test_nothing_to_lead_back(void **state)
{
	(void)state;
	struct vn_move_range all[] = {{BASE, 4 * PAGE, 0, 1, 0}};
	vn_automove *move = new_move(1, all), *empty = new_move(0, NULL);
	struct kernel kernel = {nowhere};
	assert_int_equal(write_map(move, &kernel), 0);
	assert_ranges(move, 0, NULL);
	assert_int_equal(write_map(empty, &kernel), 0);
	assert_ranges(empty, 0, NULL);
}

/* Page by page: half of a piece of 2 MiB on one of three nodes; of the next, on each of two. Nodes of two bytes. */
static int scattered(uint64_t page, uint64_t step)
{
	if (page / (HUGE / step) % 2)
		return page % 2 ? 260 : 270;
	return page % 2 ? 250 : page % 4 ? 200 : 300;
}

/* Three bytes a page, and one page too many. */
static void test_coarse(void **state)
{
	(void)state;
	uint64_t pages = (VN_PAGE_MAP_MAX / 3 / 1024 + 1) * 1024;
	struct vn_move_range all[] = {{BASE + PAGE, pages * PAGE, 0, 1, 7}};
	vn_automove *move = new_move(1, all);
	struct kernel kernel = {scattered};
	vn_autofree struct vn_move_range *ranges = NULL;
	size_t n;
	assert_int_equal(write_map(move, &kernel), 0);
	assert_int_equal(vn_page_map_read(&dir, move, &ranges, &n, NULL), 0);
	assert_int_equal(n, pages * PAGE / HUGE + 1);
	assert_int_equal(ranges[0].address, BASE + PAGE); /* cut by the ends of the range */
	assert_int_equal(ranges[0].size, HUGE - PAGE);
	assert_int_equal(ranges[0].node, 250);
	assert_int_equal(ranges[1].address, BASE + HUGE);
	assert_int_equal(ranges[1].size, HUGE);
	assert_int_equal(ranges[1].node, 260); /* in turn */
	assert_int_equal(ranges[2].node, 250);
	assert_int_equal(ranges[3].node, 270);
	assert_int_equal(ranges[5].node, 260);
	assert_int_equal(ranges[n - 1].size, PAGE);
	assert_int_equal(ranges[n - 1].vnode, 7);
	struct stat st;
	char name[VN_JOURNAL_NAME];
	assert_int_equal(fstatat(dir.fd, vn_journal_name(&move->process, ".pages", name), &st, 0), 0);
	assert_true((size_t)st.st_size < VN_PAGE_MAP_MAX);
	/* A second move keeps it, coarse as it is, and asks for what is new. */
	put_journal(move);
	move->ranges[0].address = BASE;
	kernel.asked = 0;
	assert_int_equal(write_map(move, &kernel), 0);
	assert_int_equal(kernel.asked, 1);
	vn_autofree struct vn_move_range *again = NULL;
	size_t m;
	assert_int_equal(vn_page_map_read(&dir, move, &again, &m, NULL), 0);
	assert_int_equal(m, n + 1);
	assert_int_equal(again[0].size, PAGE);
	assert_int_equal(again[0].node, 300);
	assert_memory_equal(again + 1, ranges, n * sizeof(*again));
}

static int on_one(uint64_t page, uint64_t step)
{
	(void)page;
	(void)step;
	return 1;
}

static int on_two(uint64_t page, uint64_t step)
{
	(void)page;
	(void)step;
	return 2;
}

/* What the first map tells stays; around and between it is asked. */
static void test_second_move(void **state)
{
	(void)state;
	struct vn_move_range some[] = {
		{BASE + 10 * PAGE, 10 * PAGE, 0, 0, 0}, {BASE + 30 * PAGE, 10 * PAGE, 0, 0, 0}};
	struct vn_move_range most[] = {{BASE, 15 * PAGE, 0, 0, 0}, {BASE + 15 * PAGE, 20 * PAGE, 0, 0, 0},
		{BASE + 35 * PAGE, PAGE, 0, 0, 0}, {BASE + 50 * PAGE, PAGE, 0, 0, 1}};
	vn_automove *first = new_move(2, some), *second = new_move(4, most);
	struct kernel one = {on_one}, two = {on_two};
	assert_int_equal(write_map(first, &one), 0);
	assert_int_equal(one.asked, 20);
	put_journal(first);
	assert_int_equal(write_map(second, &two), 0);
	assert_int_equal(two.asked, 10 + 10 + 1);
	const struct vn_move_range both[] = {{BASE, 10 * PAGE, 0, 2, 0},
		{BASE + 10 * PAGE, 10 * PAGE, 0, 1, 0}, {BASE + 20 * PAGE, 10 * PAGE, 0, 2, 0},
		{BASE + 30 * PAGE, 10 * PAGE, 0, 1, 0}, {BASE + 50 * PAGE, PAGE, 0, 2, 1}};
	assert_ranges(first, 5, both);
	/* Nothing is left to be asked; and without a journal nothing was moved. */
	two.asked = 0;
	assert_int_equal(write_map(first, &two), 0);
	assert_int_equal(two.asked, 0);
	assert_ranges(first, 5, both);
	char name[VN_JOURNAL_NAME];
	unlinkat(dir.fd, vn_journal_name(&first->process, ".move", name), 0);
	assert_int_equal(write_map(first, &two), 0);
	assert_int_equal(two.asked, 20);
}

/* A map is whole or not there; one that is there is not harmed. */
static void test_stopped(void **state)
{
	(void)state;
	struct vn_move_range all[] = {{BASE, 10000 * PAGE, 0, 1, 0}},
			     more[] = {{BASE, 30000 * PAGE, 0, 1, 0}};
	const struct vn_move_range back[] = {
		{BASE, 10 * PAGE, 0, 0, 0}, {BASE + 20 * PAGE, 9980 * PAGE, 0, 300, 0}};
	vn_automove *first = new_move(1, all), *second = new_move(1, more);
	struct kernel kernel = {in_pieces, .stops_at = 5000};
	struct vn_move_range *none = NULL;
	size_t n;
	put_journal(first);
	assert_int_equal(write_map(first, &kernel), -ECANCELED);
	assert_int_equal(kernel.asked, 8192);
	assert_int_equal(vn_page_map_read(&dir, first, &none, &n, NULL), -ENOENT);
	kernel.stops_at = 0;
	assert_int_equal(write_map(first, &kernel), 0);
	assert_int_equal(kernel.told, 10000);
	assert_int_equal(kernel.of, 10000);
	kernel.stops_at = 5000;
	assert_int_equal(write_map(second, &kernel), -ECANCELED);
	assert_int_equal(kernel.of, 20000); /* the others are known */
	assert_ranges(first, 2, back);
}

static void test_broken_map_is_not_built_on(void **state)
{
	(void)state;
	struct vn_move_range all[] = {{BASE, PAGE, 0, 0, 0}};
	vn_automove *move = new_move(1, all);
	struct kernel kernel = {on_one};
	char name[VN_JOURNAL_NAME];
	put_journal(move);
	vn_journal_name(&move->process, ".pages", name);
	assert_int_equal(vn_state_put(&dir, name, "x", 1, false), 0);
	assert_int_equal(write_map(move, &kernel), -EINVAL);
	assert_int_equal(kernel.asked, 0);
}

static void test_kernel_refuses(void **state)
{
	(void)state;
	struct vn_move_range all[] = {{BASE, PAGE, 0, 0, 0}}, odd[] = {{BASE + PAGE, HUGE, HUGE, 0, 0}};
	vn_automove *move = new_move(1, all), *misplaced = new_move(1, odd);
	struct kernel kernel = {on_one, .fails = -EPERM};
	struct vn_move_range *ranges = NULL;
	size_t n;
	assert_int_equal(write_map(move, &kernel), -EPERM);
	assert_int_equal(vn_page_map_read(&dir, move, &ranges, &n, NULL), -ENOENT);
	kernel.fails = 0;
	assert_int_equal(write_map(misplaced, &kernel), -EINVAL);
	move->process.start_time--; /* it became another one's pid while we asked */
	assert_int_equal(write_map(move, &kernel), -ESRCH);
	assert_int_equal(vn_page_map_read(&dir, move, &ranges, &n, NULL), -ENOENT);
}

/* The real call, of memory of our own. */
static void test_kernel_itself(void **state)
{
	(void)state;
	size_t size = 64 * PAGE;
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(memory != MAP_FAILED);
	madvise(memory, size, MADV_NOHUGEPAGE);
	memset(memory, 1, size / 2);
	struct vn_move_range all[] = {{(uintptr_t)memory, size, 0, 0, 0}};
	vn_automove *move = new_move(1, all);
	vn_autofree struct vn_move_range *ranges = NULL;
	vn_autoerror err = {0};
	size_t n;
	int r = vn_page_map_write(&dir, move, &(struct vn_page_map_calls){0}, &err);
	munmap(memory, size);
	if (r == -EPERM || r == -ENOSYS)
		skip(); /* a kernel without NUMA, a sandbox */
	assert_int_equal(r, 0);
	assert_int_equal(vn_page_map_read(&dir, move, &ranges, &n, &err), 0);
	uint64_t sum = 0;
	for (size_t i = 0; i < n; i++)
		sum += ranges[i].size;
	assert_int_equal(sum, size / 2);
}

/* ---- damage ---- */

static const struct vn_move_range two_ranges[] = {
	{BASE, 30 * PAGE, 0, 1, 0}, {BASE + 64 * HUGE, 2 * HUGE, HUGE, 1, 3}};

/* What a reader makes of `size` bytes, with the checksum made right if `seal`. */
static int parse(
	const unsigned char *data, size_t size, bool seal, const struct vn_process *process, const char *boot)
{
	vn_autofree struct vn_page_section *sections = NULL;
	vn_autofree unsigned char *copy = malloc(size + 1); /* of its own, so that a read beyond it is seen */
	vn_autoerror err = {0};
	size_t n = 0;
	memcpy(copy, data, size);
	if (seal && size >= 88)
		vn_page_put(copy + size - 8, 8, vn_checksum(copy, size - 8));
	unsigned char *exact = realloc(copy, size ? size : 1);
	copy = exact;
	int r = vn_page_map_parse(copy, size, process, boot, "a.pages", &sections, &n, &err);
	assert_int_equal(r<0, err.n> 0);
	assert_int_equal(r == 0, sections != NULL);
	if (r < 0)
		assert_true(err.input && strcmp(err.problems[0].file, "a.pages") == 0);
	return r;
}

static int any_node(uint64_t page, uint64_t step)
{
	(void)step;
	return page < 10 ? 0 : page < 20 ? 200 : 3;
}

static unsigned char *sound_file(const struct vn_move *move, size_t *ret_size)
{
	struct kernel kernel = {any_node};
	char name[VN_JOURNAL_NAME], *data = NULL;
	assert_int_equal(write_map(move, &kernel), 0);
	assert_int_equal(
		vn_state_get(&dir, vn_journal_name(&move->process, ".pages", name), 4096, &data, ret_size),
		0);
	return (unsigned char *)data;
}

static void test_cut_and_flipped(void **state)
{
	(void)state;
	vn_automove *move = new_move(2, two_ranges);
	char boot[VN_BOOT_ID];
	size_t size;
	vn_autofree unsigned char *data = sound_file(move, &size);
	assert_int_equal(vn_boot_id(boot), 0);
	assert_int_equal(parse(data, size, false, &move->process, boot), 0);
	for (size_t n = 0; n < size; n++) {
		assert_int_equal(parse(data, n, false, &move->process, boot), -EINVAL);
		assert_int_equal(parse(data, n, true, &move->process, boot), -EINVAL);
	}
	for (size_t i = 0; i < 8 * size; i++) {
		data[i / 8] ^= (unsigned char)(1 << i % 8);
		assert_int_equal(parse(data, size, false, &move->process, boot), -EINVAL);
		parse(data, size, true, &move->process, boot); /* no harm, whatever it is */
		data[i / 8] ^= (unsigned char)(1 << i % 8);
	}
	for (size_t i = 0; i + 8 < size; i++) {
		unsigned char kept[8];
		memcpy(kept, data + i, 8);
		memset(data + i, 0xff, 8);
		assert_int_equal(parse(data, size, true, &move->process, boot), -EINVAL);
		memcpy(data + i, kept, 8);
	}
}

static void test_of_another(void **state)
{
	(void)state;
	vn_automove *move = new_move(2, two_ranges);
	char boot[VN_BOOT_ID];
	size_t size;
	vn_autofree unsigned char *data = sound_file(move, &size);
	struct vn_process later = {.pid = move->process.pid, .start_time = move->process.start_time + 1};
	struct vn_process other = {.pid = move->process.pid + 1, .start_time = move->process.start_time};
	assert_int_equal(vn_boot_id(boot), 0);
	assert_int_equal(parse(data, size, true, &later, boot), -EINVAL);
	assert_int_equal(parse(data, size, true, &other, boot), -EINVAL);
	assert_int_equal(parse(data, size, true, &move->process, MAKER_BOOT), -EINVAL);
}

/* Values with a checksum that fits, at their place in the file. */
static void test_tampered(void **state)
{
	(void)state;
	enum { FIRST = 80, SECOND = 128, RUNS = 176 };
	static const struct {
		size_t at;
		unsigned bytes;
		uint64_t value;
	} cases[] = {
		{8, 4, 2}, /* version */
		{12, 4, 1}, /* sections */
		{12, 4, 3}, {12, 4, UINT32_MAX}, {72, 8, 1}, /* bytes of runs */
		{72, 8, UINT64_MAX}, {FIRST, 8, 0}, /* address */
		{FIRST, 8, BASE + 1}, {FIRST, 8, BASE + 64 * HUGE}, /* behind the second */
		{FIRST, 8, UINT64_MAX - 4095}, {FIRST + 8, 8, 0}, /* size */
		{FIRST + 8, 8, 31 * PAGE}, {FIRST + 8, 8, 29 * PAGE}, {FIRST + 8, 8, 30 * PAGE - 1},
		{FIRST + 8, 8, UINT64_C(1) << 63}, {FIRST + 16, 8, 4095}, /* page */
		{FIRST + 16, 8, UINT64_C(1) << 40}, {FIRST + 24, 8, 0}, /* unit */
		{FIRST + 24, 8, 2048}, {FIRST + 24, 8, 8192}, {SECOND + 24, 8, 4096}, /* below its page */
		{FIRST + 32, 8, 32}, /* vnode */
		{FIRST + 32, 8, UINT64_C(1) << 32}, {FIRST + 40, 8, 6}, /* bytes */
		{FIRST + 40, 8, 8}, {FIRST + 40, 8, UINT64_MAX}, {RUNS, 1, 0}, /* a run of none */
		{RUNS, 1, 9}, {RUNS, 1, 0x80}, /* goes on */
		{RUNS, 2, 0x008a}, /* in more groups than it needs */
		{RUNS + 3, 2, 0x7fff}, /* node 16383 */
	};
	vn_automove *move = new_move(2, two_ranges);
	char boot[VN_BOOT_ID];
	size_t size;
	vn_autofree unsigned char *data = sound_file(move, &size);
	assert_int_equal(vn_boot_id(boot), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t kept = vn_page_get(data + cases[i].at, cases[i].bytes);
		vn_page_put(data + cases[i].at, cases[i].bytes, cases[i].value);
		if (parse(data, size, true, &move->process, boot) != -EINVAL) {
			print_message("case %zu\n", i);
			fail();
		}
		vn_page_put(data + cases[i].at, cases[i].bytes, kept);
	}
	assert_int_equal(parse(data, size, true, &move->process, boot), 0);
}

static void test_numbers_in_groups(void **state)
{
	(void)state;
	static const uint64_t numbers[] = {1, 127, 128, 16383, 16384, UINT32_MAX, UINT64_MAX / 2, UINT64_MAX};
	static const unsigned char bad[][12] = {
		{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 0x00}, /* 65 bits */
		{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}, {0x81, 0x00, 0x00},
		{0x01, 0x81, 0x08}, /* node 1024 */
	};
	struct vn_page_run run;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		struct vn_page_bytes bytes = {0};
		struct vn_page_runs runs = {&bytes, {0}};
		assert_int_equal(vn_page_runs_add(&runs, 1023, numbers[i]), 0);
		assert_int_equal(vn_page_runs_close(&runs), 0);
		assert_int_equal(vn_page_runs_close(&runs), 0); /* nothing is left to close */
		const unsigned char *at = bytes.v;
		assert_int_equal(vn_page_run_next(&at, bytes.v + bytes.n, &run), 0);
		assert_true(run.n == numbers[i] && run.node == 1023 && at == bytes.v + bytes.n);
		for (size_t n = 0; n < bytes.n; n++) {
			at = bytes.v;
			assert_int_equal(vn_page_run_next(&at, bytes.v + n, &run), -EINVAL);
		}
		free(bytes.v);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const unsigned char *at = bad[i];
		assert_int_equal(vn_page_run_next(&at, bad[i] + sizeof(bad[i]), &run), -EINVAL);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_directory, remove_directory)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_runs),
		TEST(test_huge_pages),
		TEST(test_nothing_to_lead_back),
		TEST(test_coarse),
		TEST(test_second_move),
		TEST(test_stopped),
		TEST(test_broken_map_is_not_built_on),
		TEST(test_kernel_refuses),
		TEST(test_kernel_itself),
		TEST(test_cut_and_flipped),
		TEST(test_of_another),
		TEST(test_tampered),
		cmocka_unit_test(test_numbers_in_groups),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
