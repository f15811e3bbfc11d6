/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Moves, resumes and undos of a process of the test's own, whose threads really are put on other CPUs; memory stays, since this host may
 * have one node.
 */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "../src/base/process.h"
#include "../src/base/text.h"
#include "../src/realize/journal_part.h"
#include "../src/realize/move.h"
#include "../src/realize/sys.h"

#define MEMORY ((size_t)1 << 20)
#define NO_CPU 60000u /* no host has so many */

struct scene {
	char directory[64];
	struct vn_state state;
	struct vn_host *host;
	hwloc_bitmap_t all; /* CPUs that we may use */
	unsigned first, last; /* of them */
	void *memory; /* of the VM, at the same address as ours */
	unsigned node; /* where it is */
	pid_t pid, tid; /* the VM: its main thread, and another one */
	struct vn_process process;
};

static const struct vn_move_watcher watcher = {.stop_fd = -1};
static const struct vn_move_limits limits = {.stall_us = 5000};

/* ---- the VM ---- */

static void *second_thread(void *argument)
{
	pid_t tid = gettid();

	if (write(*(int *)argument, &tid, sizeof(tid)) != sizeof(tid))
		_exit(1);
	for (;;)
		pause();
}

static void start_vm(struct scene *scene)
{
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	scene->pid = fork();
	if (scene->pid == 0) {
		pthread_t thread;
		if (pthread_create(&thread, NULL, second_thread, &ends[1]) != 0)
			_exit(1);
		for (;;)
			pause();
	}
	close(ends[1]);
	assert_int_equal(read(ends[0], &scene->tid, sizeof(scene->tid)), sizeof(scene->tid));
	close(ends[0]);
	scene->process.pid = scene->pid;
	assert_int_equal(vn_process_start_time(scene->pid, &scene->process.start_time), 0);
}

static void begin(struct scene *scene)
{
	*scene = (struct scene){.directory = "/tmp/vnuma-move.XXXXXX", .state = {.fd = -1}};
	assert_non_null(mkdtemp(scene->directory));
	assert_int_equal(vn_state_open_at(scene->directory, &scene->state, NULL), 0);
	scene->host = vn_host_new();
	assert_non_null(scene->host);
	scene->host->live = true;
	scene->all = hwloc_bitmap_alloc();
	assert_int_equal(vn_sys_get_affinity(0, scene->all), 0);
	scene->first = (unsigned)hwloc_bitmap_first(scene->all);
	scene->last = (unsigned)hwloc_bitmap_last(scene->all);
	scene->memory = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(scene->memory, MAP_FAILED);
	memset(scene->memory, 1, MEMORY);
	start_vm(scene);
	int node = -1;
	assert_int_equal(vn_sys_move_pages(scene->pid, 1, &scene->memory, NULL, &node, 0), 0);
	scene->node = (unsigned)node;
}

static void end(struct scene *scene)
{
	vn_autofree char *command = vn_format("rm -rf '%s'", scene->directory);

	kill(scene->pid, SIGKILL);
	waitpid(scene->pid, NULL, 0);
	munmap(scene->memory, MEMORY);
	vn_state_close(&scene->state);
	vn_host_free(scene->host);
	hwloc_bitmap_free(scene->all);
	assert_int_equal(system(command), 0);
}

static void assert_on(pid_t tid, hwloc_const_bitmap_t expected)
{
	vn_autoset now = hwloc_bitmap_alloc();

	assert_int_equal(vn_sys_get_affinity(tid, now), 0);
	assert_true(hwloc_bitmap_isequal(now, expected));
}

static void assert_on_cpu(pid_t tid, unsigned cpu)
{
	vn_autoset expected = hwloc_bitmap_alloc();

	hwloc_bitmap_only(expected, cpu);
	assert_on(tid, expected);
}

/* ---- moves ---- */

static void put_thread(struct vn_move *move, pid_t tid, unsigned cpu)
{
	struct vn_move_thread *thread = &move->thread_list[move->n_threads++];

	*thread = (struct vn_move_thread){.kind = VN_THREAD_OTHER, .index = -1, .tid = tid, .vnode = -1};
	thread->before = hwloc_bitmap_alloc();
	thread->after = hwloc_bitmap_alloc();
	hwloc_bitmap_only(thread->after, cpu);
}

/* Of both threads, to a CPU each. */
static struct vn_move *new_move(const struct scene *scene, unsigned main_cpu, unsigned second_cpu)
{
	struct vn_move *move = vn_move_new();

	assert_non_null(move);
	strcpy(move->name, "vm");
	move->process = scene->process;
	move->threads = true;
	move->limits = limits;
	move->n_homes = 1;
	move->homes = calloc(1, sizeof(*move->homes));
	move->n_blocks = 1;
	move->blocks = calloc(1, sizeof(*move->blocks)); /* tells which move it is of */
	move->thread_list = calloc(2, sizeof(*move->thread_list));
	assert_true(move->homes && move->blocks && move->thread_list);
	move->blocks[0] = (struct vn_move_block){
		.vnode = -1, .address = (uint64_t)(second_cpu + 1) << 12, .size = 4096};
	put_thread(move, scene->pid, main_cpu);
	put_thread(move, scene->tid, second_cpu);
	return move;
}

static int run(const struct scene *scene, unsigned main_cpu, unsigned second_cpu)
{
	vn_automove *move = new_move(scene, main_cpu, second_cpu);
	vn_autoerror err = {0};
	int r = vn_move_run(&scene->state, scene->host, move, &watcher, &err);

	assert_int_equal(r<0, err.n> 0);
	return r;
}

static int undo(const struct scene *scene)
{
	vn_automove *move = NULL;

	return vn_move_undo(&scene->state, scene->host, &scene->process, true, &watcher, &move, NULL);
}

static int resume(const struct scene *scene)
{
	vn_automove *move = NULL;

	return vn_move_resume(&scene->state, scene->host, &scene->process, &limits, &watcher, &move, NULL);
}

static void test_there_and_back(void **unused)
{
	(void)unused;
	struct scene scene;

	begin(&scene);
	assert_int_equal(undo(&scene), -ENOENT);
	assert_int_equal(resume(&scene), -ENOENT);
	assert_int_equal(run(&scene, scene.first, scene.last), 0);
	assert_on_cpu(scene.pid, scene.first);
	assert_on_cpu(scene.tid, scene.last);
	assert_int_equal(run(&scene, scene.last, scene.last), 0);
	assert_on_cpu(scene.pid, scene.last);
	assert_int_equal(undo(&scene), 0);
	assert_on(scene.pid, scene.all);
	assert_on(scene.tid, scene.all);
	assert_int_equal(undo(&scene), -ENOENT);
	end(&scene);
}

/* ---- threads that cannot be set ---- */

static char *journal(const struct scene *scene, size_t *ret_size)
{
	char file[VN_JOURNAL_NAME], *text = NULL;

	vn_journal_name(&scene->process, VN_JOURNAL_MOVE, file);
	assert_int_equal(vn_state_get(&scene->state, file, 1 << 20, &text, ret_size), 0);
	return text;
}

static void test_first_move_that_fails_leaves_nothing(void **unused)
{
	(void)unused;
	struct scene scene;

	begin(&scene);
	assert_true(run(&scene, scene.first, NO_CPU) < 0);
	assert_on(scene.pid, scene.all);
	assert_on(scene.tid, scene.all);
	assert_false(vn_journal_exists(&scene.state, &scene.process));
	end(&scene);
}

/* What was right before it is what the first one made of the VM, and its journal is the first one's. */
static void test_second_move_that_fails_leaves_the_first(void **unused)
{
	(void)unused;
	struct scene scene;
	size_t size, size_now;

	begin(&scene);
	assert_int_equal(run(&scene, scene.first, scene.last), 0);
	vn_autofree char *before = journal(&scene, &size);
	assert_true(run(&scene, scene.last, NO_CPU) < 0);
	assert_on_cpu(scene.pid, scene.first);
	assert_on_cpu(scene.tid, scene.last);
	vn_autofree char *now = journal(&scene, &size_now);
	assert_int_equal(size_now, size);
	assert_memory_equal(now, before, size);
	assert_int_equal(undo(&scene), 0);
	assert_on(scene.pid, scene.all);
	assert_on(scene.tid, scene.all);
	end(&scene);
}

/* ---- stopped ---- */

static bool has_pages(const struct scene *scene)
{
	char file[VN_JOURNAL_NAME];

	vn_journal_name(&scene->process, VN_JOURNAL_PAGES, file);
	return faccessat(scene->state.fd, file, F_OK, 0) == 0;
}

/* Told to stop while it is asked where pages are: threads are there, memory is left, and it can be gone on with. */
static void test_stopped_while_it_asks(void **unused)
{
	(void)unused;
	struct scene scene;
	int ends[2];

	begin(&scene);
	assert_int_equal(pipe(ends), 0);
	close(ends[1]);
	const struct vn_move_watcher stopped = {.stop_fd = ends[0]};
	vn_automove *move = new_move(&scene, scene.first, scene.last), *record = NULL;
	move->memory = true;
	move->n_ranges = 1;
	move->ranges = calloc(1, sizeof(*move->ranges));
	assert_non_null(move->ranges);
	move->ranges[0] = (struct vn_move_range){
		.address = (uintptr_t)scene.memory, .size = MEMORY, .node = scene.node};
	assert_int_equal(vn_move_run(&scene.state, scene.host, move, &stopped, NULL), -ECANCELED);
	close(ends[0]);
	assert_on_cpu(scene.pid, scene.first);
	assert_false(has_pages(&scene));
	assert_int_equal(vn_journal_read(&scene.state, &scene.process, &record, NULL), 0);
	assert_int_equal(record->phase, VN_MOVE_STOPPED);
	assert_int_equal(resume(&scene), 0);
	assert_true(has_pages(&scene));
	assert_int_equal(undo(&scene), 0);
	assert_on(scene.pid, scene.all);
	end(&scene);
}

/* ---- another vnuma is faster ---- */

/* Has the VM's lock for a while, and does what it is there for before it lets go. Comes back when it has it. */
static pid_t start_other(const struct scene *scene, void (*act)(const struct scene *scene))
{
	int ends[2], lock = -1;
	char ready;

	assert_int_equal(pipe(ends), 0);
	pid_t pid = fork();
	if (pid == 0) {
		if (vn_journal_lock(&scene->state, &scene->process, &lock, NULL) < 0 ||
			write(ends[1], "+", 1) != 1)
			_exit(1);
		usleep(50000);
		act(scene);
		_exit(0);
	}
	close(ends[1]);
	assert_int_equal(read(ends[0], &ready, 1), 1);
	close(ends[0]);
	return pid;
}

/* Where the other one takes long to end, on a busy host, its lock is not waited for to the end. */
static int in_turn(const struct scene *scene, int (*act)(const struct scene *scene))
{
	int r;

	while ((r = act(scene)) == -EBUSY)
		;
	return r;
}

static void finish_undo(const struct scene *scene)
{
	vn_journal_remove(&scene->state, &scene->process, NULL);
}

static void begin_undo(const struct scene *scene)
{
	vn_automove *move = NULL;

	if (vn_journal_read(&scene->state, &scene->process, &move, NULL) < 0)
		_exit(1);
	move->phase = VN_MOVE_UNDOING;
	if (vn_journal_write(&scene->state, move, NULL) < 0)
		_exit(1);
}

static void test_journal_is_read_under_the_lock(void **unused)
{
	(void)unused;
	static const struct {
		void (*other)(const struct scene *scene);
		int (*ours)(const struct scene *scene);
		int expected;
	} cases[] = {
		{finish_undo, undo, -ENOENT}, {finish_undo, resume, -ENOENT}, {begin_undo, resume, -EINVAL}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct scene scene;
		begin(&scene);
		assert_int_equal(run(&scene, scene.first, scene.last), 0);
		pid_t other = start_other(&scene, cases[i].other);
		int status, r = in_turn(&scene, cases[i].ours);
		assert_int_equal(r, cases[i].expected);
		assert_on_cpu(scene.pid, scene.first); /* nothing was done to it */
		assert_on_cpu(scene.tid, scene.last);
		assert_int_equal(waitpid(other, &status, 0), other);
		assert_int_equal(status, 0);
		end(&scene);
	}
}

/* ---- killed ---- */

enum { POINTS = 50 };

/* With the VM's memory, which is there. */
static int run_whole(const struct scene *scene)
{
	vn_automove *move = new_move(scene, scene->first, scene->last);

	move->memory = true;
	move->n_ranges = 1;
	move->ranges = calloc(1, sizeof(*move->ranges));
	assert_non_null(move->ranges);
	move->ranges[0] = (struct vn_move_range){
		.address = (uintptr_t)scene->memory, .size = MEMORY, .node = scene->node};
	return vn_move_run(&scene->state, scene->host, move, &watcher, NULL);
}

/*
 * Does it in a process of its own that is killed at the n-th point: where a system call begins or ends; nobody else sees what is between. How
 * many points it got to: n, or less if it came to its end before. 0: it cannot be traced here.
 */
static unsigned kill_at(const struct scene *scene, int (*act)(const struct scene *scene), unsigned n)
{
	int status;
	unsigned points = 0;
	pid_t pid = fork();

	if (pid == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
			_exit(2);
		raise(SIGSTOP);
		_exit(act(scene) < 0);
	}
	while (waitpid(pid, &status, 0) == pid && WIFSTOPPED(status)) {
		if (++points == n)
			kill(pid, SIGKILL);
		else
			ptrace(PTRACE_SYSCALL, pid, NULL, NULL);
	}
	assert_true(WIFSIGNALED(status) ? points == n : WEXITSTATUS(status) != 1);
	return WIFEXITED(status) && WEXITSTATUS(status) == 2 ? 0 : points;
}

static void assert_as_before(const struct scene *scene)
{
	assert_on(scene->pid, scene->all);
	assert_on(scene->tid, scene->all);
	assert_false(vn_journal_exists(&scene->state, &scene->process));
}

/* After a move that was killed: every other one goes on, all go back. */
static void mend(const struct scene *scene, bool goes_on)
{
	vn_automove *move = NULL;

	if (!vn_journal_exists(&scene->state, &scene->process)) {
		assert_as_before(scene); /* it had not begun */
		return;
	}
	assert_int_equal(vn_journal_read(&scene->state, &scene->process, &move, NULL), 0);
	if (goes_on) {
		assert_int_equal(resume(scene), 0);
		assert_on_cpu(scene->pid, scene->first);
		assert_on_cpu(scene->tid, scene->last);
		assert_true(has_pages(scene));
	}
	assert_int_equal(undo(scene), 0);
	assert_as_before(scene);
	assert_false(has_pages(scene));
}

/* Fifty of the points, from another one on each time; VNUMA_KILL_POINTS=all: each of them. */
static unsigned choose_step(unsigned points, unsigned *ret_first)
{
	const char *all = getenv("VNUMA_KILL_POINTS");
	unsigned step = all && strcmp(all, "all") == 0 ? 1 : points / POINTS + 1;

	*ret_first = 1 + (unsigned)getpid() % step;
	print_message("killed at every %u. of %u points, from %u on\n", step, points, *ret_first);
	return step;
}

static void test_killed_move(void **unused)
{
	(void)unused;
	struct scene scene;
	unsigned first;

	begin(&scene);
	unsigned points = kill_at(&scene, run_whole, UINT_MAX);
	if (points == 0) {
		end(&scene);
		skip();
	}
	assert_int_equal(undo(&scene), 0);
	unsigned step = choose_step(points, &first);
	for (unsigned i = first; i < points; i += step) {
		kill_at(&scene, run_whole, i);
		mend(&scene, i / step % 2);
	}
	end(&scene);
}

static void test_killed_undo(void **unused)
{
	(void)unused;
	struct scene scene;
	unsigned first;

	begin(&scene);
	assert_int_equal(run_whole(&scene), 0);
	unsigned points = kill_at(&scene, undo, UINT_MAX);
	if (points == 0) {
		end(&scene);
		skip();
	}
	unsigned step = choose_step(points, &first);
	for (unsigned i = first; i < points; i += step) {
		assert_int_equal(run_whole(&scene), 0);
		kill_at(&scene, undo, i);
		if (vn_journal_exists(&scene.state, &scene.process))
			assert_int_equal(undo(&scene), 0);
		assert_as_before(&scene);
	}
	end(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_first_move_that_fails_leaves_nothing),
		cmocka_unit_test(test_second_move_that_fails_leaves_the_first),
		cmocka_unit_test(test_stopped_while_it_asks),
		cmocka_unit_test(test_journal_is_read_under_the_lock),
		cmocka_unit_test(test_killed_move),
		cmocka_unit_test(test_killed_undo),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
