/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which memory is used most: DAMON and idle pages with a folder in place of the kernel's files. What DAMON's files do by
 * themselves (tests/lab/hot.t) is in the folder from the beginning, or comes with the test's own way to wait.
 */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>

#include "../src/realize/damon.h"
#include "../src/realize/hot.h"
#include "fake_root.h"

#define MIB (UINT64_C(1) << 20)
#define KDAMONDS "sys/kernel/mm/damon/admin/kdamonds/"
#define CONTEXT KDAMONDS "0/contexts/0/"
#define SCHEME CONTEXT "schemes/0/"
#define MARK "1987999085\n"

/* ---- a folder in place of the kernel ---- */

static const struct vn_move_range two_ranges[] = {
	{.address = 16 * MIB, .size = 32 * MIB, .node = 1},
	{.address = 64 * MIB, .size = 32 * MIB, .node = 2},
};

struct scene {
	struct fake_root fake;
	char sys[80], proc[80];
	void (*meanwhile)(struct scene *scene); /* while it waits; may be NULL */
	unsigned waits;
	int answer; /* to it */
	struct vn_hot_wish wish;
	struct vn_move_range *pieces;
	size_t n;
	enum vn_move_order by;
	struct vn_notes notes;
};

static int wait_there(void *context, unsigned ms)
{
	struct scene *scene = context;

	if (ms == 0)
		return scene->answer;
	scene->waits++;
	if (scene->meanwhile)
		scene->meanwhile(scene);
	return scene->answer;
}

static void begin(struct scene *scene)
{
	*scene = (struct scene){0};
	fake_make(&scene->fake);
	snprintf(scene->sys, sizeof(scene->sys), "%s/sys", scene->fake.path);
	snprintf(scene->proc, sizeof(scene->proc), "%s/proc", scene->fake.path);
	scene->wish = (struct vn_hot_wish){.pid = getpid(),
		.watch_ms = 1000,
		.stop_fd = -1,
		.sys = scene->sys,
		.proc = scene->proc,
		.wait_ms = wait_there,
		.context = scene};
}

static void end(struct scene *scene)
{
	free(scene->pieces);
	vn_notes_clear(&scene->notes);
	fake_clear(&scene->fake);
}

static int order(struct scene *scene)
{
	return vn_hot_order(
		&scene->wish, two_ranges, 2, &scene->pieces, &scene->n, &scene->by, &scene->notes, NULL);
}

/* The first line of a file. */
static const char *line_of(const struct scene *scene, const char *path, char line[static 64])
{
	char full[256];
	snprintf(full, sizeof(full), "%s/%s", scene->fake.path, path);
	FILE *file = fopen(full, "r");

	assert_non_null(file);
	if (!fgets(line, 64, file))
		line[0] = '\0';
	line[strcspn(line, "\n")] = '\0';
	fclose(file);
	return line;
}

static void assert_line(const struct scene *scene, const char *path, const char *expected)
{
	char line[64];

	assert_string_equal(line_of(scene, path, line), expected);
}

static void put_region(struct scene *scene, unsigned i, uint64_t start, uint64_t end, unsigned accesses)
{
	char path[128], text[32];

	snprintf(path, sizeof(path), SCHEME "tried_regions/%u/start", i);
	snprintf(text, sizeof(text), "%ju\n", (uintmax_t)start);
	fake_put(&scene->fake, path, text);
	snprintf(path, sizeof(path), SCHEME "tried_regions/%u/end", i);
	snprintf(text, sizeof(text), "%ju\n", (uintmax_t)end);
	fake_put(&scene->fake, path, text);
	snprintf(path, sizeof(path), SCHEME "tried_regions/%u/nr_accesses", i);
	snprintf(text, sizeof(text), "%u\n", accesses);
	fake_put(&scene->fake, path, text);
}

static void put_damon(struct scene *scene)
{
	static const char *const files[] = {"schemes/nr_schemes", "schemes/0/action",
		"schemes/0/watermarks/metric", "schemes/0/watermarks/interval_us",
		"schemes/0/access_pattern/sz/min", "schemes/0/access_pattern/sz/max",
		"schemes/0/access_pattern/nr_accesses/min", "schemes/0/access_pattern/nr_accesses/max",
		"schemes/0/access_pattern/age/min", "schemes/0/access_pattern/age/max", "operations",
		"monitoring_attrs/intervals/sample_us", "monitoring_attrs/intervals/aggr_us",
		"monitoring_attrs/nr_regions/min", "monitoring_attrs/nr_regions/max", "targets/nr_targets",
		"targets/0/pid_target", "targets/0/regions/nr_regions"};
	char path[128];

	fake_put(&scene->fake, KDAMONDS "nr_kdamonds", "0\n");
	fake_put(&scene->fake, KDAMONDS "0/state", "off\n");
	fake_put(&scene->fake, KDAMONDS "0/contexts/nr_contexts", "0\n");
	fake_put(&scene->fake, CONTEXT "avail_operations", "vaddr\nfvaddr\npaddr\n");
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), CONTEXT "%s", files[i]);
		fake_put(&scene->fake, path, "0\n");
	}
	for (unsigned i = 0; i < 40; i++) {
		snprintf(path, sizeof(path), CONTEXT "targets/0/regions/%u/start", i);
		fake_put(&scene->fake, path, "0\n");
		snprintf(path, sizeof(path), CONTEXT "targets/0/regions/%u/end", i);
		fake_put(&scene->fake, path, "0\n");
	}
	put_region(scene, 0, 16 * MIB, 70 * MIB, 1);
	put_region(scene, 1, 70 * MIB, 80 * MIB, 20);
	put_region(scene, 2, 80 * MIB, 96 * MIB, 0);
}

/* As the kernel does when it is made anew, and as DAMON is left. */
static void assert_off(const struct scene *scene)
{
	assert_line(scene, KDAMONDS "0/state", "off");
	assert_line(scene, KDAMONDS "nr_kdamonds", "0");
}

static void assert_by_address(const struct scene *scene, const char *code)
{
	assert_int_equal(scene->by, VN_ORDER_ADDRESS);
	assert_int_equal(scene->n, 2);
	assert_memory_equal(scene->pieces, two_ranges, sizeof(two_ranges));
	assert_int_equal(scene->notes.n, 1);
	assert_string_equal(scene->notes.v[0].code, code);
}

static void assert_hot(const struct scene *scene)
{
	assert_true(scene->n >= 3);
	assert_int_equal(scene->pieces[0].address, 70 * MIB);
	assert_int_equal(scene->pieces[0].size, 10 * MIB);
	assert_int_equal(scene->pieces[0].node, 2);
	assert_int_equal(scene->pieces[1].address, 16 * MIB);
}

static void is_on(struct scene *scene)
{
	char pid[64];

	assert_line(scene, KDAMONDS "nr_kdamonds", "1");
	assert_line(scene, SCHEME "watermarks/interval_us", "1987999085");
	assert_line(scene, CONTEXT "operations", "fvaddr");
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	assert_line(scene, CONTEXT "targets/0/pid_target", pid);
	assert_line(scene, CONTEXT "targets/0/regions/0/start", "16777216");
	if (scene->waits == 1)
		assert_line(scene, KDAMONDS "0/state", "on");
}

static void test_damon(void **unused)
{
	(void)unused;
	struct scene scene;

	begin(&scene);
	put_damon(&scene);
	scene.meanwhile = is_on;
	assert_int_equal(order(&scene), 0);
	assert_int_equal(scene.by, VN_ORDER_DAMON);
	assert_int_equal(scene.notes.n, 0);
	assert_int_equal(scene.waits, 2);
	assert_hot(&scene);
	assert_off(&scene);
	end(&scene);
}

/* As of huge pages, each of which has something that is used all the time. */
static void test_all_looks_alike(void **unused)
{
	(void)unused;
	struct scene scene;

	begin(&scene);
	put_damon(&scene);
	put_region(&scene, 0, 16 * MIB, 70 * MIB, 19);
	put_region(&scene, 2, 80 * MIB, 96 * MIB, 20);
	assert_int_equal(order(&scene), 0);
	assert_int_equal(scene.by, VN_ORDER_DAMON);
	assert_int_equal(scene.notes.n, 1);
	assert_string_equal(scene.notes.v[0].code, "order-says-little");
	end(&scene);
}

/* Later looks add up with the first. */
static void cool_down(struct scene *scene)
{
	if (scene->waits == 2) {
		put_region(scene, 1, 70 * MIB, 80 * MIB, 0);
		put_region(scene, 2, 80 * MIB, 96 * MIB, 15);
	}
}

static void test_looks_add_up(void **unused)
{
	(void)unused;
	struct scene scene;

	begin(&scene);
	put_damon(&scene);
	scene.meanwhile = cool_down;
	assert_int_equal(order(&scene), 0);
	assert_int_equal(scene.pieces[0].address, 70 * MIB);
	assert_int_equal(scene.pieces[1].address, 80 * MIB);
	end(&scene);
}

static void remove_region(struct scene *scene, const char *key)
{
	char full[256];

	snprintf(full, sizeof(full), "%s/" SCHEME "tried_regions/0/%s", scene->fake.path, key);
	assert_int_equal(unlink(full), 0);
}

/* The kernel may have no answer in time: then a look is left out, and only when all were, DAMON does not count. */
static void lose_regions(struct scene *scene)
{
	if (scene->waits == 2)
		remove_region(scene, "start");
}

static void test_regions_are_missing(void **unused)
{
	(void)unused;
	struct scene scene;

	begin(&scene);
	put_damon(&scene);
	scene.meanwhile = lose_regions;
	assert_int_equal(order(&scene), 0);
	assert_int_equal(scene.by, VN_ORDER_DAMON);
	assert_hot(&scene);
	assert_off(&scene);
	end(&scene);

	begin(&scene);
	put_damon(&scene);
	remove_region(&scene, "start");
	assert_int_equal(order(&scene), 0);
	assert_by_address(&scene, "damon-failed");
	assert_off(&scene);
	end(&scene);
}

/* As if the kernel had been late: the region is there when it is asked again. */
static int be_late(void *context, unsigned ms)
{
	struct scene *scene = context;

	if (ms)
		scene->waits++;
	else
		put_region(scene, 0, 16 * MIB, 70 * MIB, 1);
	return 0;
}

static void test_regions_are_late(void **unused)
{
	(void)unused;
	struct scene scene;

	begin(&scene);
	put_damon(&scene);
	remove_region(&scene, "start");
	scene.wish.wait_ms = be_late;
	assert_int_equal(order(&scene), 0);
	assert_int_equal(scene.by, VN_ORDER_DAMON);
	assert_hot(&scene);
	end(&scene);
}

static void test_damon_is_missing(void **unused)
{
	(void)unused;
	struct scene scene;

	begin(&scene);
	assert_int_equal(order(&scene), 0);
	assert_by_address(&scene, "damon-missing");
	assert_int_equal(scene.waits, 0);
	end(&scene);

	begin(&scene);
	put_damon(&scene);
	fake_put(&scene.fake, CONTEXT "avail_operations", "vaddr\npaddr\n");
	assert_int_equal(order(&scene), 0);
	assert_by_address(&scene, "damon-missing");
	assert_off(&scene);
	end(&scene);
}

static void test_damon_is_taken(void **unused)
{
	(void)unused;
	struct scene scene;

	begin(&scene);
	put_damon(&scene);
	fake_put(&scene.fake, KDAMONDS "nr_kdamonds", "1\n");
	fake_put(&scene.fake, KDAMONDS "0/state", "on\n");
	assert_int_equal(order(&scene), 0);
	assert_by_address(&scene, "damon-taken");
	assert_line(&scene, KDAMONDS "nr_kdamonds", "1");
	assert_line(&scene, KDAMONDS "0/state", "on");
	assert_line(&scene, CONTEXT "targets/0/pid_target", "0");
	end(&scene);
}

static int lock(const struct scene *scene, int how)
{
	char full[256];
	snprintf(full, sizeof(full), "%s/" KDAMONDS "nr_kdamonds", scene->fake.path);
	int fd = open(full, O_RDWR | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(flock(fd, how), 0);
	return fd;
}

static void test_another_vnuma_has_it(void **unused)
{
	(void)unused;
	struct scene scene;

	begin(&scene);
	put_damon(&scene);
	int fd = lock(&scene, LOCK_EX);
	assert_int_equal(order(&scene), 0);
	assert_by_address(&scene, "damon-taken");
	assert_off(&scene);
	close(fd);
	end(&scene);
}

static void test_without_effect(void **unused)
{
	(void)unused;
	struct scene scene;
	char full[256];

	begin(&scene);
	put_damon(&scene);
	snprintf(full, sizeof(full), "%s/" CONTEXT "operations", scene.fake.path);
	assert_int_equal(unlink(full), 0);
	fake_link(&scene.fake, CONTEXT "operations", "/dev/null");
	assert_int_equal(order(&scene), 0);
	assert_by_address(&scene, "damon-failed");
	assert_non_null(strstr(scene.notes.v[0].text, "contexts/0/operations"));
	assert_off(&scene);
	end(&scene);
}

static void test_stopped(void **unused)
{
	(void)unused;
	struct scene scene;
	struct vn_error err = {0};
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	begin(&scene);
	put_damon(&scene);
	scene.wish.wait_ms = NULL;
	scene.wish.stop_fd = ends[0];
	scene.wish.watch_ms = 1000000; /* the test would not end */
	close(ends[1]);
	int r = vn_hot_order(
		&scene.wish, two_ranges, 2, &scene.pieces, &scene.n, &scene.by, &scene.notes, &err);
	assert_int_equal(r, -ECANCELED);
	assert_int_equal(err.n, 1);
	assert_null(scene.pieces);
	assert_off(&scene);
	vn_error_clear(&err);
	close(ends[0]);
	end(&scene);
}

/* No look lasts longer than what it puts in order, but for the least that tells anything. */
static void test_how_long(void **unused)
{
	(void)unused;
	const uint64_t mb = 1000000;

	assert_int_equal(vn_hot_watch_ms(0, 0), 0);
	assert_int_equal(vn_hot_watch_ms(256 * MIB, 0), 0);
	assert_int_equal(vn_hot_watch_ms(257 * MIB, 0), 500);
	assert_int_equal(vn_hot_watch_ms(1600 * mb, 0), 1000);
	assert_int_equal(vn_hot_watch_ms(UINT64_C(1) << 40, 0), VN_HOT_WATCH_MS);
	assert_int_equal(vn_hot_watch_ms(64 * MIB, 12 * mb), VN_HOT_WATCH_MS);
	assert_int_equal(vn_hot_watch_ms(64 * MIB, 100 * mb), 671);
	assert_int_equal(vn_hot_watch_ms(1600 * mb, 1000000 * mb), 1000); /* no faster than it can */
	assert_int_equal(vn_hot_watch_ms(1, 1), 1000);
	assert_int_equal(vn_hot_watch_ms(UINT64_MAX, 1), VN_HOT_WATCH_MS);
}

static void test_not_asked(void **unused)
{
	(void)unused;
	struct scene scene;

	begin(&scene);
	put_damon(&scene);
	scene.wish.watch_ms = 0;
	assert_int_equal(order(&scene), 0);
	assert_int_equal(scene.by, VN_ORDER_ADDRESS);
	assert_int_equal(scene.notes.n, 0);
	assert_int_equal(scene.waits, 0);
	end(&scene);
}

static pid_t dead_child(void)
{
	pid_t child = fork();

	if (child == 0)
		_exit(0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	return child;
}

static void test_process_is_gone(void **unused)
{
	(void)unused;
	struct scene scene;
	struct vn_error err = {0};

	begin(&scene);
	put_damon(&scene);
	scene.wish.pid = dead_child();
	int r = vn_hot_order(
		&scene.wish, two_ranges, 2, &scene.pieces, &scene.n, &scene.by, &scene.notes, &err);
	assert_int_equal(r, -ESRCH);
	assert_int_equal(err.n, 1);
	assert_int_equal(scene.waits, 0);
	vn_error_clear(&err);
	end(&scene);
}

/* ---- who is killed ---- */

static void kill_self(struct scene *scene)
{
	(void)scene;
	raise(SIGKILL);
}

static void test_killed(void **unused)
{
	(void)unused;
	struct scene scene;
	int status = 0;

	begin(&scene);
	put_damon(&scene);
	scene.meanwhile = kill_self;
	pid_t child = fork();
	if (child == 0) {
		order(&scene);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	close(lock(&scene, LOCK_EX)); /* waits until the guard ends */
	assert_off(&scene);
	assert_line(&scene, SCHEME "watermarks/interval_us", "1987999085"); /* it came so far */
	end(&scene);
}

/* The only child that this process has. */
static pid_t only_child(void)
{
	char path[64];
	int child = 0;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	FILE *file = fopen(path, "r");
	if (!file)
		return 0;
	if (fscanf(file, "%d", &child) != 1) // NOLINT(cert-err34-c): written by the kernel
		child = 0;
	fclose(file);
	return child;
}

static void kill_guard(struct scene *scene)
{
	pid_t guard = only_child();

	if (scene->waits == 1 && guard > 0)
		kill(guard, SIGKILL);
}

static void test_guard_is_killed(void **unused)
{
	(void)unused;
	struct scene scene;

	begin(&scene);
	put_damon(&scene);
	scene.meanwhile = kill_guard;
	assert_int_equal(order(&scene), 0);
	assert_int_equal(scene.by, VN_ORDER_DAMON);
	assert_off(&scene);
	assert_int_equal(only_child(), 0); /* reaped */
	end(&scene);
}

/* Ctrl-C reaches the guard, too, if it can. */
static void interrupt_guard(struct scene *scene)
{
	pid_t guard = only_child();

	if (guard > 0) {
		kill(guard, SIGINT);
		kill(guard, SIGTERM);
	}
	kill_self(scene);
}

static void test_guard_is_interrupted(void **unused)
{
	(void)unused;
	struct scene scene;

	begin(&scene);
	put_damon(&scene);
	scene.meanwhile = interrupt_guard;
	pid_t child = fork();
	if (child == 0) {
		order(&scene);
		_exit(0);
	}
	assert_int_equal(waitpid(child, NULL, 0), child);
	close(lock(&scene, LOCK_EX));
	assert_off(&scene);
	end(&scene);
}

static void put_left(struct scene *scene, const char *mark, const char *pid)
{
	put_damon(scene);
	fake_put(&scene->fake, KDAMONDS "nr_kdamonds", "1\n");
	fake_put(&scene->fake, KDAMONDS "0/state", "on\n");
	fake_put(&scene->fake, SCHEME "watermarks/interval_us", mark);
	fake_put(&scene->fake, CONTEXT "targets/0/pid_target", pid);
}

static void test_clean(void **unused)
{
	(void)unused;
	struct scene scene;
	char folder[128];

	begin(&scene);
	snprintf(folder, sizeof(folder), "%s/kernel/mm/damon/admin", scene.sys);
	assert_int_equal(vn_damon_clean(folder, 77), 0); /* no DAMON */
	put_left(&scene, MARK, "77\n");
	assert_int_equal(vn_damon_clean(folder, 78), 0);
	assert_line(&scene, KDAMONDS "0/state", "on");
	assert_int_equal(vn_damon_clean(folder, 77), 0);
	assert_off(&scene);
	put_left(&scene, "5000000\n", "77\n"); /* somebody else's */
	assert_int_equal(vn_damon_clean(folder, 77), 0);
	assert_line(&scene, KDAMONDS "0/state", "on");
	put_left(&scene, MARK, "77\n");
	fake_put(&scene.fake, KDAMONDS "nr_kdamonds", "2\n"); /* we never make two */
	assert_int_equal(vn_damon_clean(folder, 77), 0);
	assert_line(&scene, KDAMONDS "nr_kdamonds", "2");
	end(&scene);
}

static void test_what_was_left_is_taken_over(void **unused)
{
	(void)unused;
	struct scene scene;

	begin(&scene);
	put_left(&scene, MARK, "1\n");
	assert_int_equal(order(&scene), 0);
	assert_int_equal(scene.by, VN_ORDER_DAMON);
	assert_hot(&scene);
	assert_off(&scene);
	end(&scene);
}

/* ---- idle pages ---- */

#define FRAMES 32768u
#define FRAME_OF(address) (4096 + ((address)-16 * MIB) / 4096) /* of our two ranges */

static void put_words(struct scene *scene, const char *path, const uint64_t *words, size_t n)
{
	fake_put_bytes(&scene->fake, path, (const char *)words, n * sizeof(*words));
}

/* In a huge page of its own each 2 MiB from 70 MiB on; the rest is small pages. */
static void put_idle(struct scene *scene)
{
	static uint64_t pagemap[96 * MIB / 4096], flags[FRAMES], bitmap[FRAMES / 64];
	char path[64];

	for (uint64_t at = 16 * MIB; at < 96 * MIB; at += 4096) {
		pagemap[at / 4096] = UINT64_C(1) << 63 | FRAME_OF(at);
		flags[FRAME_OF(at)] = 1u << 5;
		if (at >= 70 * MIB)
			flags[FRAME_OF(at)] = at % (2 * MIB) ? 1u << 16 : 1u << 15 | 1u << 5;
	}
	snprintf(path, sizeof(path), "proc/%d/pagemap", (int)getpid());
	put_words(scene, path, pagemap, 96 * MIB / 4096);
	put_words(scene, "proc/kpageflags", flags, FRAMES);
	put_words(scene, "sys/kernel/mm/page_idle/bitmap", bitmap, FRAMES / 64);
}

/* 70 to 80 MiB were used: of a huge page the first frame tells. All other marks stay: the fake file has none but those just written. */
static void use_pages(struct scene *scene)
{
	char full[256];
	snprintf(full, sizeof(full), "%s/kernel/mm/page_idle/bitmap", scene->sys);
	int fd = open(full, O_RDWR | O_CLOEXEC);

	assert_true(fd >= 0);
	for (uint64_t word = 0; word < FRAMES / 64; word++) {
		uint64_t first = word * 64, value = UINT64_MAX;
		if (first >= FRAME_OF(70 * MIB) && first < FRAME_OF(80 * MIB))
			value = 0;
		if (first >= FRAME_OF(16 * MIB) && first < FRAME_OF(48 * MIB) && scene->waits == 1)
			value = 0;
		assert_int_equal(
			pwrite(fd, &value, sizeof(value), (off_t)(word * sizeof(value))), sizeof(value));
	}
	close(fd);
}

static void test_idleness(void **unused)
{
	(void)unused;
	struct scene scene;

	begin(&scene);
	put_idle(&scene);
	scene.meanwhile = use_pages;
	assert_int_equal(order(&scene), 0);
	assert_int_equal(scene.by, VN_ORDER_IDLENESS);
	assert_int_equal(scene.waits, 4);
	assert_int_equal(scene.notes.n, 1);
	assert_string_equal(scene.notes.v[0].code, "damon-missing");
	assert_hot(&scene);
	end(&scene);
}

static void test_idleness_is_hidden(void **unused)
{
	(void)unused;
	struct scene scene;
	static uint64_t pagemap[96 * MIB / 4096];
	char path[64];

	begin(&scene);
	put_idle(&scene);
	for (size_t i = 0; i < 96 * MIB / 4096; i++)
		pagemap[i] = UINT64_C(1) << 63; /* what the kernel tells those without CAP_SYS_ADMIN */
	snprintf(path, sizeof(path), "proc/%d/pagemap", (int)getpid());
	put_words(&scene, path, pagemap, 96 * MIB / 4096);
	assert_int_equal(order(&scene), 0);
	assert_by_address(&scene, "damon-missing");
	assert_int_equal(scene.waits, 0);
	end(&scene);
}

static void test_idleness_is_stopped(void **unused)
{
	(void)unused;
	struct scene scene;

	begin(&scene);
	put_idle(&scene);
	scene.answer = -ECANCELED;
	assert_int_equal(order(&scene), -ECANCELED);
	end(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_damon),
		cmocka_unit_test(test_all_looks_alike),
		cmocka_unit_test(test_looks_add_up),
		cmocka_unit_test(test_regions_are_missing),
		cmocka_unit_test(test_regions_are_late),
		cmocka_unit_test(test_damon_is_missing),
		cmocka_unit_test(test_damon_is_taken),
		cmocka_unit_test(test_another_vnuma_has_it),
		cmocka_unit_test(test_without_effect),
		cmocka_unit_test(test_stopped),
		cmocka_unit_test(test_how_long),
		cmocka_unit_test(test_not_asked),
		cmocka_unit_test(test_process_is_gone),
		cmocka_unit_test(test_killed),
		cmocka_unit_test(test_guard_is_killed),
		cmocka_unit_test(test_guard_is_interrupted),
		cmocka_unit_test(test_clean),
		cmocka_unit_test(test_what_was_left_is_taken_over),
		cmocka_unit_test(test_idleness),
		cmocka_unit_test(test_idleness_is_hidden),
		cmocka_unit_test(test_idleness_is_stopped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
