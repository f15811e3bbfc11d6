/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The journal of moves: there and back, every way to be damaged, other boots, the lock, progress, sweeping. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "../src/base/process.h"
#include "../src/base/text.h"
#include "../src/realize/journal_part.h"
#include "move_maker.h"

static char directory[64];
static struct vn_state dir = {.fd = -1};

static int make_directory(void **state)
{
	(void)state;
	strcpy(directory, "/tmp/vnuma-journal.XXXXXX");
	return mkdtemp(directory) && vn_state_open_at(directory, &dir, NULL) == 0 ? 0 : -1;
}

static int remove_directory(void **state)
{
	(void)state;
	vn_state_close(&dir);
	vn_autofree char *command = vn_format("rm -rf '%s'", directory);
	return system(command);
}

/* A sound move of this very process, which lives while the test does. */
static struct vn_move *new_move(void)
{
	json_auto_t *json = json_loads(move_sample, 0, NULL);
	struct vn_move *move = NULL;
	assert_int_equal(vn_move_from_json(json, "sample", &move, NULL), 0);
	move->process.pid = getpid();
	assert_int_equal(vn_process_start_time(getpid(), &move->process.start_time), 0);
	*move->boot = '\0';
	return move;
}

static char *path_of(const struct vn_process *process, const char *suffix)
{
	char name[VN_JOURNAL_NAME];
	char *path = vn_format("%s/%s", directory, vn_journal_name(process, suffix, name));
	assert_non_null(path);
	return path;
}

static void put(const struct vn_process *process, const char *suffix, const char *data, size_t size)
{
	vn_autofree char *path = path_of(process, suffix);
	unlink(path); /* ext4 hurries to write out what replaces a file cut to nothing */
	vn_autofclose FILE *out = fopen(path, "w");
	assert_non_null(out);
	assert_int_equal(fwrite(data, 1, size, out), size);
}

static bool is_there(const struct vn_process *process, const char *suffix)
{
	vn_autofree char *path = path_of(process, suffix);
	return access(path, F_OK) == 0;
}

static unsigned count_files(void)
{
	unsigned n = 0;
	DIR *d = opendir(directory);
	for (struct dirent *entry; (entry = readdir(d));)
		n += strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
	closedir(d);
	return n;
}

/* The bytes on disk of a journal that was just written. */
static char *written(struct vn_move *move, size_t *ret_size)
{
	char name[VN_JOURNAL_NAME], *text = NULL;
	vn_autoerror err = {0};
	int r = vn_journal_write(&dir, move, &err);
	if (r < 0)
		print_message("%s\n", err.n ? err.problems[0].text : "?");
	assert_int_equal(r, 0);
	vn_journal_name(&move->process, VN_JOURNAL_MOVE, name);
	assert_int_equal(vn_state_get(&dir, name, 1 << 20, &text, ret_size), 0);
	return text;
}

static void test_write_and_read(void **state)
{
	(void)state;
	vn_automove *move = new_move(), *back = NULL;
	vn_autoerror err = {0};
	struct stat st;
	assert_int_equal(vn_journal_read(&dir, &move->process, &back, &err), -ENOENT);
	assert_int_equal(err.n, 0);
	assert_int_equal(vn_journal_write(&dir, move, &err), 0);
	assert_int_equal(count_files(), 1); /* nothing temporary is left */
	vn_autofree char *path = path_of(&move->process, VN_JOURNAL_MOVE);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(vn_journal_read(&dir, &move->process, &back, &err), 0);
	assert_int_equal(err.n, 0);
	assert_int_equal(vn_boot_id(move->boot), 0);
	assert_string_equal(back->boot, move->boot);
	json_auto_t *a = vn_move_to_json(move), *b = vn_move_to_json(back);
	assert_true(json_equal(a, b));
	assert_int_equal(
		vn_journal_write(&dir, back, &err), 0); /* with its boot filled in, and over the old one */
	assert_int_equal(vn_journal_remove(&dir, &move->process, &err), 0);
	assert_int_equal(count_files(), 0);
	assert_int_equal(vn_journal_remove(&dir, &move->process, &err), 0);
}

static void assert_unread(const struct vn_process *process, const char *key)
{
	struct vn_move *move = NULL;
	vn_autoerror err = {0};
	assert_int_equal(vn_journal_read(&dir, process, &move, &err), -EINVAL);
	assert_null(move);
	assert_true(err.input);
	assert_true(err.n >= 1);
	assert_non_null(strstr(err.problems[0].file, VN_JOURNAL_MOVE));
	if (key)
		assert_string_equal(err.problems[0].key, key);
}

static void test_cut_at_every_byte(void **state)
{
	(void)state;
	vn_automove *move = new_move();
	size_t size;
	vn_autofree char *text = written(move, &size);
	assert_in_range(size, 2000, 10000);
	for (size_t n = 0; n < size; n++) {
		put(&move->process, VN_JOURNAL_MOVE, text, n);
		assert_unread(&move->process, NULL);
	}
}

static void test_every_byte_flipped(void **state)
{
	(void)state;
	vn_automove *move = new_move();
	size_t size;
	vn_autofree char *text = written(move, &size);
	for (size_t i = 0; i < size; i++) {
		char mask = (char)(i % 9 < 8 ? 1 << i % 9 : 0xff);
		text[i] ^= mask;
		put(&move->process, VN_JOURNAL_MOVE, text, size);
		assert_unread(&move->process, NULL);
		text[i] ^= mask;
	}
}

/* The journal with `path` set to `value`, and a checksum that fits. */
static void tamper(struct vn_move *move, const char *key, json_t *value)
{
	size_t size;
	vn_autofree char *text = written(move, &size);
	json_auto_t *json = json_loadb(text, size, 0, NULL);
	if (strcmp(key, "tid") == 0)
		json_object_set_new(json_array_get(json_object_get(json, "threads"), 1), key, value);
	else
		json_object_set_new(json, key, value);
	assert_int_equal(vn_journal_seal(json), 0);
	vn_autofree char *changed = json_dumps(json, JSON_INDENT(2)); /* its form does not matter */
	put(&move->process, VN_JOURNAL_MOVE, changed, strlen(changed));
}

static void test_tampered(void **state)
{
	(void)state;
	vn_automove *move = new_move(), *back = NULL;
	tamper(move, "name", json_string("web"));
	assert_int_equal(vn_journal_read(&dir, &move->process, &back, NULL), 0); /* tamper() can */
	assert_string_equal(back->name, "web");
	tamper(move, "boot", json_string(MAKER_BOOT));
	assert_unread(&move->process, "boot");
	tamper(move, "tid", json_integer(-1));
	assert_unread(&move->process, "threads[1].tid");
	tamper(move, "process", json_pack("{s:i, s:i, s:n}", "pid", 1, "start_time", 1, "exe"));
	assert_unread(&move->process, "process");
	tamper(move, "schema", json_string("vnuma.move/2"));
	assert_unread(&move->process, "schema");
}

static void test_not_of_this_process(void **state)
{
	(void)state;
	vn_automove *move = new_move();
	size_t size;
	vn_autofree char *text = written(move, &size);
	struct vn_process later = {.pid = move->process.pid, .start_time = move->process.start_time + 1};
	put(&later, VN_JOURNAL_MOVE, text, size);
	assert_unread(&later, "process");
	struct vn_process other = {
		.pid = move->process.pid, .start_time = move->process.start_time, .exe = (char[]){"/bin/sh"}};
	assert_unread(&other, "process");
}

static void test_no_file(void **state)
{
	(void)state;
	vn_automove *move = new_move();
	struct vn_move *back = NULL;
	vn_autoerror err = {0};
	vn_autofree char *path = path_of(&move->process, VN_JOURNAL_MOVE);
	put(&move->process, VN_JOURNAL_MOVE, "[]", 2);
	assert_unread(&move->process, NULL);
	unlink(path);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_unread(&move->process, NULL);
	rmdir(path);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	assert_int_equal(vn_journal_read(&dir, &move->process, &back, &err), -ELOOP);
	assert_int_equal(err.n, 1);
	assert_false(err.input);
	assert_null(back);
}

/* What could not be read back is not written. */
static void test_unsound_move_is_not_written(void **state)
{
	(void)state;
	vn_automove *move = new_move();
	vn_autoerror err = {0};
	move->thread_list[0].tid = 0;
	hwloc_bitmap_zero(move->thread_list[1].before);
	assert_int_equal(vn_journal_write(&dir, move, &err), -EINVAL);
	assert_int_equal(err.n, 2);
	assert_int_equal(count_files(), 0);
	vn_automove *other = new_move();
	vn_error_clear(&err);
	strcpy(other->boot, MAKER_BOOT);
	assert_int_equal(vn_journal_write(&dir, other, &err), -EINVAL);
	assert_int_equal(err.n, 1);
	assert_non_null(strstr(err.problems[0].text, MAKER_BOOT));
	assert_int_equal(count_files(), 0);
}

/* EFBIG stands in for ENOSPC: both fail a write half way. */
static void test_full_leaves_the_old_journal(void **state)
{
	(void)state;
	vn_automove *move = new_move(), *back = NULL;
	vn_autoerror err = {0};
	struct rlimit old, tiny;
	assert_int_equal(vn_journal_write(&dir, move, &err), 0);
	move->phase = VN_MOVE_DONE;
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	tiny = old;
	tiny.rlim_cur = 100;
	setrlimit(RLIMIT_FSIZE, &tiny);
	int r = vn_journal_write(&dir, move, &err);
	setrlimit(RLIMIT_FSIZE, &old);
	assert_int_equal(r, -EFBIG);
	assert_int_equal(err.n, 1);
	assert_int_equal(count_files(), 1);
	assert_int_equal(vn_journal_read(&dir, &move->process, &back, &err), 0);
	assert_int_equal(back->phase, VN_MOVE_THREADS_MOVED);
}

/* ---- the lock ---- */

static void test_second_lock_is_refused(void **state)
{
	(void)state;
	vn_automove *move = new_move();
	vn_autoerror err = {0};
	pid_t holder = -1;
	int fd = -1, second = -1;
	assert_int_equal(vn_journal_holder(&dir, &move->process, &holder), -ESRCH);
	assert_int_equal(vn_journal_lock(&dir, &move->process, &fd, &err), 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(vn_journal_holder(&dir, &move->process, &holder), 0);
	assert_int_equal(holder, getpid());
	assert_int_equal(vn_journal_lock(&dir, &move->process, &second, &err), -EBUSY);
	assert_int_equal(second, -1);
	assert_int_equal(err.n, 1);
	vn_autofree char *mine = vn_format("process %d, is at work", getpid());
	assert_non_null(strstr(err.problems[0].text, mine));
	struct vn_process other = {.pid = 1, .start_time = 1};
	assert_int_equal(vn_journal_lock(&dir, &other, &second, &err), 0); /* each VM has its own */
	close(second);
	close(fd);
	assert_int_equal(vn_journal_holder(&dir, &move->process, &holder), -ESRCH);
	assert_int_equal(vn_journal_lock(&dir, &move->process, &fd, &err), 0);
	close(fd);
}

/* The lock is held, but the pid in the file is nobody's, or none. */
static void test_holder_that_cannot_be_told(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"", "12", "0 5\n", "1 1\n", "-1 1\n", "99999999999 1\n", "1 x\n", "\n"};
	vn_automove *move = new_move();
	int fd = -1;
	assert_int_equal(vn_journal_lock(&dir, &move->process, &fd, NULL), 0);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		vn_autoerror err = {0};
		pid_t holder = -1;
		int second;
		assert_int_equal(ftruncate(fd, 0), 0);
		assert_int_equal(pwrite(fd, texts[i], strlen(texts[i]), 0), strlen(texts[i]));
		assert_int_equal(vn_journal_holder(&dir, &move->process, &holder), 0);
		assert_int_equal(holder, 0);
		assert_int_equal(vn_journal_stop(&dir, &move->process, NULL), -EBUSY);
		assert_int_equal(vn_journal_lock(&dir, &move->process, &second, &err), -EBUSY);
		assert_int_equal(err.n, 1);
	}
	close(fd);
}

static void test_lock_ends_with_its_holder(void **state)
{
	(void)state;
	vn_automove *move = new_move();
	vn_autoerror err = {0};
	int ready[2], fd = -1;
	char byte;
	assert_int_equal(pipe(ready), 0);
	pid_t child = fork();
	if (child == 0) {
		int mine;
		if (vn_journal_lock(&dir, &move->process, &mine, NULL) == 0 && write(ready[1], "x", 1) == 1)
			pause();
		_exit(1);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(vn_journal_lock(&dir, &move->process, &fd, &err), -EBUSY);
	vn_autofree char *its = vn_format("process %d, is at work", child);
	assert_non_null(strstr(err.problems[0].text, its));
	int status;
	assert_int_equal(vn_journal_stop(&dir, &move->process, &err), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	vn_error_clear(&err);
	assert_int_equal(vn_journal_stop(&dir, &move->process, &err), -ESRCH);
	assert_int_equal(err.n, 1);
	assert_int_equal(vn_journal_lock(&dir, &move->process, &fd, &err), 0);
	close(fd);
	close(ready[0]);
	close(ready[1]);
}

/* Swept under somebody's feet: who comes next has a lock that others see. */
static void test_lock_of_a_file_that_is_gone(void **state)
{
	(void)state;
	vn_automove *move = new_move();
	vn_autofree char *path = path_of(&move->process, VN_JOURNAL_LOCK);
	int old = -1, fd = -1, second;
	assert_int_equal(vn_journal_lock(&dir, &move->process, &old, NULL), 0);
	unlink(path);
	assert_int_equal(vn_journal_lock(&dir, &move->process, &fd, NULL), 0);
	close(old);
	assert_int_equal(vn_journal_lock(&dir, &move->process, &second, NULL), -EBUSY);
	close(fd);
	unlink(path);
	assert_int_equal(symlink("/tmp/vnuma-no-such-file", path), 0);
	assert_int_equal(vn_journal_lock(&dir, &move->process, &second, NULL), -ELOOP);
	assert_int_equal(access("/tmp/vnuma-no-such-file", F_OK), -1);
}

/* ---- listing, progress, sweeping ---- */

static struct vn_process gone(int n)
{
	struct vn_process process = {.pid = getpid()};
	assert_int_equal(vn_process_start_time(getpid(), &process.start_time), 0);
	process.start_time -= (uint64_t)n; /* an earlier process of this pid */
	return process;
}

static void test_sweep(void **state)
{
	(void)state;
	static const char *const suffixes[] = {".move", ".pages", ".progress", ".lock", ".json", ".move.old"};
	vn_automove *move = new_move();
	vn_automovelist list = {0};
	vn_autoerror err = {0}, broken = {0};
	struct vn_process swept = gone(1), busy = gone(2);
	size_t size;
	vn_autofree char *text = written(move, &size);
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		put(&swept, suffixes[i], text, size / 2);
		put(&busy, suffixes[i], text, size / 2);
	}
	vn_autofree char *left =
		vn_format("%s/.%d-%llu.move.77", directory, swept.pid, (unsigned long long)swept.start_time);
	vn_autofree char *leading = vn_format("%s/0%d-1.move", directory, swept.pid);
	vn_autofclose FILE *a = fopen(left, "w"), *b = fopen(leading, "w");
	int fd = -1;
	assert_int_equal(vn_journal_lock(&dir, &busy, &fd, &err), 0);
	assert_int_equal(vn_journal_list(&dir, &list, &broken, &err), 0);
	assert_int_equal(err.n, 0);
	assert_int_equal(broken.n, 0);
	assert_int_equal(list.n, 1);
	for (size_t i = 0; i < 4; i++) {
		assert_false(is_there(&swept, suffixes[i]));
		assert_true(is_there(&busy, suffixes[i]));
	}
	assert_true(is_there(&swept, ".json")); /* not ours */
	assert_true(is_there(&swept, ".move.old"));
	assert_int_equal(access(left, F_OK), -1);
	assert_int_equal(access(leading, F_OK), 0);
	assert_true(is_there(&move->process, ".move"));
	close(fd);
	vn_move_list_clear(&list);
	assert_int_equal(vn_journal_list(&dir, &list, &broken, &err), 0);
	assert_false(is_there(&busy, ".move"));
	assert_int_equal(list.n, 1);
}

/* Children that live until the pipe is closed. */
static pid_t new_child(int hold)
{
	pid_t child = fork();
	if (child == 0) {
		char byte;
		_exit(read(hold, &byte, 1) < 0);
	}
	return child;
}

static void test_list_in_the_order_of_their_beginning(void **state)
{
	(void)state;
	vn_automove *move = new_move();
	vn_automovelist list = {0};
	vn_autoerror err = {0}, broken = {0};
	int hold[2];
	pid_t children[3];
	assert_int_equal(pipe2(hold, O_CLOEXEC), 0);
	for (int i = 0; i < 3; i++) {
		children[i] = new_child(hold[0]);
		move->process.pid = children[i];
		assert_int_equal(vn_process_start_time(children[i], &move->process.start_time), 0);
		move->begun = (int64_t)(i + 1) * 7 % 10; /* 7, 4, 1 */
		assert_int_equal(vn_journal_write(&dir, move, &err), 0);
	}
	move->process.pid = getpid();
	assert_int_equal(vn_process_start_time(getpid(), &move->process.start_time), 0);
	put(&move->process, VN_JOURNAL_MOVE, "{", 1);
	assert_int_equal(vn_journal_list(&dir, &list, &broken, &err), 0);
	assert_int_equal(list.n, 3);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(list.v[i]->process.pid, children[2 - i]);
	assert_int_equal(broken.n, 1);
	assert_int_equal(err.n, 0);
	for (int i = 0; i < 3; i++)
		kill(children[i], SIGKILL);
	for (int i = 0; i < 3; i++)
		waitpid(children[i], NULL, 0);
	close(hold[0]);
	close(hold[1]);
	vn_move_list_clear(&list);
	vn_error_clear(&broken);
	assert_int_equal(vn_journal_list(&dir, &list, &broken, &err), 0);
	assert_int_equal(list.n, 0);
	assert_int_equal(count_files(), 1); /* the broken one of a process that lives */
}

static uint64_t moved_now(void)
{
	vn_automovelist list = {0};
	assert_int_equal(vn_journal_list(&dir, &list, NULL, NULL), 0);
	assert_int_equal(list.n, 1);
	return list.v[0]->progress.moved;
}

static void test_progress(void **state)
{
	(void)state;
	vn_automove *move = new_move();
	assert_int_equal(vn_journal_write(&dir, move, NULL), 0);
	assert_int_equal(moved_now(), 8192);
	move->progress.moved = 5;
	assert_int_equal(vn_journal_progress(&dir, move), 0);
	assert_int_equal(moved_now(), 5);
	move->begun++; /* left by another move */
	move->progress.moved = 6;
	assert_int_equal(vn_journal_progress(&dir, move), 0);
	assert_int_equal(moved_now(), 8192);
	move->begun--;
	move->phase = VN_MOVE_UNDOING; /* the journal goes before: of another phase */
	assert_int_equal(vn_journal_progress(&dir, move), 0);
	assert_int_equal(moved_now(), 8192);
	assert_int_equal(vn_journal_write(&dir, move, NULL), 0);
	assert_false(is_there(&move->process, VN_JOURNAL_PROGRESS));
	assert_int_equal(moved_now(), 6);
	put(&move->process, VN_JOURNAL_PROGRESS, "{}", 2);
	assert_int_equal(moved_now(), 6);
	put(&move->process, VN_JOURNAL_PROGRESS, "{", 1);
	assert_int_equal(moved_now(), 6);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_directory, remove_directory)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_write_and_read),
		TEST(test_cut_at_every_byte),
		TEST(test_every_byte_flipped),
		TEST(test_tampered),
		TEST(test_not_of_this_process),
		TEST(test_no_file),
		TEST(test_unsound_move_is_not_written),
		TEST(test_full_leaves_the_old_journal),
		TEST(test_second_lock_is_refused),
		TEST(test_holder_that_cannot_be_told),
		TEST(test_lock_ends_with_its_holder),
		TEST(test_lock_of_a_file_that_is_gone),
		TEST(test_sweep),
		TEST(test_list_in_the_order_of_their_beginning),
		TEST(test_progress),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
